//! What must hold in every schedule, whatever happens. The laws know the world, never the decisions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use slipway_core::id::DeploymentId;
use slipway_core::image::Digest;
use slipway_core::ledger::{self, Outcome};

use crate::ecs::{Ecs, digest_of};
use crate::registry::{Fate, Registry};
use crate::scene::{Order, Scene};

/// Who makes a service run something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Slipway by itself: a push, a wish, the reconcile.
    Itself,
    /// Slipway, because a person asked.
    Request,
    /// Slipway's rollback of this deployment.
    Rollback(u64),
    /// A person, past Slipway.
    Outside,
}

/// The laws, and what they have to remember.
#[derive(Debug)]
pub(crate) struct Laws {
    order: Order,
    /// The first law that was broken, in words.
    pub(crate) broken: Option<String>,
    /// Updates that took effect, for the figures.
    pub(crate) updates: u32,
    /// Rollbacks that Slipway made, for the figures.
    pub(crate) rollbacks: BTreeMap<u64, u32>,
    /// A person's last decision.
    decided: Option<Timestamp>,
    /// When a person was called because a rollback failed, until something newer is deployed.
    called: Option<Timestamp>,
    /// Whether a rollback failed since Slipway deployed last.
    no_way_back: bool,
    /// A person's last update past Slipway.
    outside: Option<(DeploymentId, Timestamp)>,
    /// Images whose failure was told, and that nobody has asked for since.
    condemned: BTreeSet<Digest>,
    /// When the one tag was moved to an image last.
    moved: BTreeMap<Digest, Timestamp>,
    /// The deployments that Slipway's rollbacks made.
    ways_back: BTreeSet<DeploymentId>,
    /// The endings told of each deployment.
    endings: BTreeMap<u64, BTreeSet<&'static str>>,
}

impl Laws {
    pub(crate) fn new(scene: &Scene) -> Self {
        Self {
            order: scene.order,
            broken: None,
            updates: 0,
            rollbacks: BTreeMap::new(),
            decided: None,
            outside: None,
            called: None,
            no_way_back: false,
            condemned: BTreeSet::new(),
            moved: BTreeMap::new(),
            ways_back: BTreeSet::new(),
            endings: BTreeMap::new(),
        }
    }

    /// A tag was pushed, or moved to an image that is there.
    pub(crate) fn pushed(&mut self, digest: &Digest, now: Timestamp) {
        self.moved.insert(digest.clone(), now);
    }

    /// A person decided what runs.
    pub(crate) fn decided(&mut self, now: Timestamp) {
        self.decided = Some(now);
    }

    /// A person updated the service past Slipway, with this deployment.
    pub(crate) fn decided_outside(&mut self, deployment: DeploymentId, now: Timestamp) {
        self.outside = Some((deployment, now));
    }

    /// A person's last decision that could be known. One from outside could, while ECS lists its deployment; what went over
    /// it within a second, before anybody looked, may have wiped it out.
    fn last_decision(&self, ecs: &Ecs) -> Option<Timestamp> {
        let listed = |id: &DeploymentId| ecs.service().deployments.iter().any(|it| it.id == *id);
        let outside = self.outside.as_ref().filter(|(id, _)| listed(id)).map(|(_, at)| *at);
        self.decided.max(outside)
    }

    /// A person asked for this image, or took it out of quarantine.
    pub(crate) fn pardoned(&mut self, digest: &Digest) {
        self.condemned.remove(digest);
    }

    /// The service is about to be updated to a revision with this image, by somebody who looked at it then: ECS has no
    /// compare-and-set, so what happens between the look and the update is nobody's fault.
    pub(crate) fn updating(
        &mut self,
        by: By,
        looked: Timestamp,
        digest: Option<&Digest>,
        ecs: &Ecs,
        registry: &Registry,
    ) {
        self.updates += 1;
        let primary = ecs.primary();
        let seen = primary.updated_at.is_none_or(|at| at < looked);
        let under_way = seen && primary.rollout == Some(slipway_core::facts::Rollout::InProgress);
        // What can only fail may be fixed forward, once its story has ended.
        let well = digest_of(ecs.revision(&primary.task_definition)).is_none_or(|it| registry.fate(&it) == Fate::Good);
        // Nor is a way back protected of which is on record that it failed, however ECS goes on with it.
        if by == By::Itself && well && !std::mem::take(&mut self.no_way_back) {
            if under_way && primary.is_rollback() {
                self.break_law(format!("it fought the rollback {}", primary.id));
            }
            if under_way && ecs.service().strategy != slipway_core::facts::Strategy::Rolling {
                self.break_law(format!("it cut the blue/green deployment {} short", primary.id));
            }
        }
        if let By::Rollback(number) = by {
            let times = self.rollbacks.entry(number).or_default();
            *times += 1;
            if *times > 1 {
                self.break_law(format!("deployment {number} was rolled back twice"));
            }
            if under_way && primary.is_rollback() {
                self.break_law(format!("deployment {number} was rolled back while ECS rolled back"));
            }
        }
        let (By::Itself, Some(digest)) = (by, digest) else { return };
        if self.condemned.contains(digest) {
            self.break_law(format!("{} came back by itself", digest.short()));
        }
        let pushed = self.pushed_at(digest, registry);
        if let (Some(called), Some(pushed)) = (self.called.take(), pushed)
            && pushed <= called
            && called < looked
        {
            self.break_law(format!("{} was deployed although a person was called", digest.short()));
        }
        if let (Some(decided), Some(pushed)) = (self.last_decision(ecs), pushed)
            && pushed <= decided
            && decided < looked
        {
            self.break_law(format!("{} is older than a person's decision", digest.short()));
        }
        let running = digest_of(ecs.revision(&primary.task_definition));
        if let Some(running) =
            running.filter(|it| seen && !self.condemned.contains(it) && self.is_well(it, ecs, registry))
            && self.is_older(digest, &running, registry)
        {
            self.break_law(format!("{} is older than the running {}", digest.short(), running.short()));
        }
    }

    /// Slipway rolled back, which made this deployment.
    pub(crate) fn rolled_back(&mut self, made: &DeploymentId) {
        self.ways_back.insert(made.clone());
    }

    /// The deployment `failed` is about to be rolled back.
    pub(crate) fn rolling_back(&mut self, failed: Option<&DeploymentId>) {
        if failed.is_some_and(|failed| self.ways_back.contains(failed)) {
            self.break_law("a rollback was rolled back".to_owned());
        }
    }

    /// A rollback failed, and that is written down now.
    pub(crate) fn rollback_failed(&mut self) {
        self.no_way_back = true;
    }

    /// A person is called because of it, while this is the PRIMARY: nothing newer is deployed yet, by nobody.
    pub(crate) fn gave_up(&mut self, now: Timestamp, primary: &DeploymentId) {
        let put_right = self.outside.as_ref().is_some_and(|(id, _)| id == primary);
        self.called = Some(now).filter(|_| !put_right);
    }

    /// Somebody without the lease wrote to ECS.
    pub(crate) fn without_lease(&mut self, who: u64) {
        self.break_law(format!("#{who} updated the service without the lease"));
    }

    /// An ending was told, with the image that is to blame.
    pub(crate) fn ended(&mut self, number: u64, ending: &'static str, condemned: Option<&Digest>) {
        let endings = self.endings.entry(number).or_default();
        endings.insert(ending);
        if endings.len() > 1 {
            let endings = format!("{endings:?}");
            self.break_law(format!("deployment {number} ended in more than one way: {endings}"));
        }
        self.condemned.extend(condemned.cloned());
    }

    /// The storm is over, and everything has come to rest.
    pub(crate) fn at_rest(&mut self, ecs: &Ecs, registry: &Registry, record: &slipway_core::ledger::Service) {
        for deployment in record.deployments.iter().filter(|it| it.deployment.is_some() && !it.is_external()) {
            if !self.endings.contains_key(&deployment.number) {
                self.break_law(format!("the end of deployment {} was never told", deployment.number));
            }
        }
        let primary = ecs.primary();
        // Somebody else's deployment that ECS tries for ever is waited for as long.
        let theirs = record.of_id(&primary.id).is_none_or(ledger::Deployment::is_external);
        let stuck = theirs && primary.rollout == Some(slipway_core::facts::Rollout::InProgress);
        if record.lease.is_some() || !record.wishes.is_empty() || !stuck && !record.waiting.is_empty() {
            self.break_law("the lease or a wish was left behind".to_owned());
        }
        if stuck {
            return;
        }
        let running = digest_of(ecs.revision(&ecs.primary().task_definition));
        let Some(running) = running else { return };
        let last = record.deployments.first().filter(|it| it.outcome == Some(Outcome::RollbackFailed));
        let called = last.and_then(|it| it.ended_at);
        // A takeover whose answer was lost is one all the same.
        let adopted = record.decision.as_ref().filter(|it| it.what == ledger::DecisionKind::Adopted).map(|it| it.at);
        let decided = self.decided.max(adopted).max(self.outside.as_ref().map(|(_, at)| *at));
        let mut better = registry.images().iter().filter(|image| {
            let digest = &image.facts.digest;
            image.fate == Fate::Good
                && !image.facts.tags.is_empty()
                && !self.condemned.contains(digest)
                && self.is_older(&running, digest, registry)
                && called.is_none_or(|called| self.pushed_at(digest, registry).is_some_and(|pushed| pushed > called))
                && match (decided, self.pushed_at(digest, registry)) {
                    (Some(decided), Some(pushed)) => pushed > decided,
                    _ => true,
                }
        });
        if let Some(better) = better.next_back() {
            let better = better.facts.digest.short().to_owned();
            self.break_law(format!("{better} ought to run in the end, and {} does", running.short()));
        }
    }

    /// Whether what runs does well: an update may always take the place of what fails.
    fn is_well(&self, digest: &Digest, ecs: &Ecs, registry: &Registry) -> bool {
        registry.fate(digest) == Fate::Good && ecs.primary().rollout != Some(slipway_core::facts::Rollout::Failed)
    }

    fn is_older(&self, digest: &Digest, than: &Digest, registry: &Registry) -> bool {
        let key = |digest: &Digest| {
            let image = registry.images().iter().find(|image| image.facts.digest == *digest)?;
            let minor = image.facts.tags.iter().filter_map(|tag| tag.as_str().split('.').nth(1)?.parse::<u64>().ok());
            Some((minor.max(), image.facts.pushed_at))
        };
        match (self.order, key(digest), key(than)) {
            (Order::Version, Some((Some(a), _)), Some((Some(b), _))) => a < b,
            (Order::Pushed, Some((_, a)), Some((_, b))) => a < b,
            // The one tag points to what ought to run; whatever it was moved away from is older.
            (Order::OneTag, Some((a, _)), Some((b, _))) => a.is_none() && b.is_some(),
            _ => false,
        }
    }

    fn pushed_at(&self, digest: &Digest, registry: &Registry) -> Option<Timestamp> {
        if self.order == Order::OneTag {
            return self.moved.get(digest).copied();
        }
        registry.images().iter().find(|image| image.facts.digest == *digest)?.facts.pushed_at
    }

    fn break_law(&mut self, words: String) {
        self.broken.get_or_insert(words);
    }
}
