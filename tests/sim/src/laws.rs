//! What must hold in every schedule, whatever happens. The laws know the facts and the record as data, never a rule.
//!
//! They are restated here by hand on purpose: a law that asked the engine's own rules would be true of any engine.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use slipway_core::facts::{RanImage, Rollout, ServiceFacts, Strategy};
use slipway_core::id::{DeploymentId, EventId, TargetName};
use slipway_core::image::Digest;
use slipway_core::ledger::{DecisionKind, Deployment, Outcome, RollbackMethod, Service};
use slipway_core::model::trigger::Trigger;
use slipway_core::notice::{Kind, Notice};
use slipway_core::plan::Force;

use crate::registry::{Images, Quality};
use crate::scene::Watched;
use crate::table::Table;
use crate::universe::primary;

/// Who makes a service run something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Slipway by itself: a push, a pending input, the reconcile.
    Itself,
    /// Slipway, because a person asked.
    Request,
    /// Slipway's rollback of this deployment.
    Rollback(u64),
}

/// What the laws may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The time.
    pub(crate) now: Timestamp,
    /// The images that were pushed.
    pub(crate) images: &'a Images,
    /// The records as they are, before what is about to be written.
    pub(crate) table: &'a Table,
}

/// An UpdateService that made a new deployment.
#[derive(Clone, Debug)]
pub(crate) struct Update<'a> {
    /// Of which service.
    pub(crate) target: &'a TargetName,
    /// By which invocation.
    pub(crate) request: u64,
    /// The image that it brings.
    pub(crate) digest: Option<Digest>,
    /// The image that ran, as its revision names it and as ECS resolved it.
    pub(crate) running: Option<RanImage>,
    /// The service before it.
    pub(crate) before: &'a ServiceFacts,
    /// The deployment that it made.
    pub(crate) made: &'a DeploymentId,
    /// Whether it was forced.
    pub(crate) force: Force,
}

/// The laws, and what they have to remember.
#[derive(Debug)]
pub(crate) struct Laws {
    /// The first law that was broken, in words.
    pub(crate) broken: Option<String>,
    /// Updates that took effect.
    pub(crate) updates: u32,
    /// Rollbacks that Slipway made.
    pub(crate) rollbacks: u32,
    /// Notices, without copies.
    pub(crate) notices: u32,
    services: BTreeMap<TargetName, OfService>,
    /// When an invocation looked at a service.
    looks: BTreeMap<(u64, TargetName), Looked>,
    /// When an invocation looked at images first.
    image_looks: BTreeMap<u64, Timestamp>,
    /// The invocations by which a person pardons an image or takes a hold off.
    releases: BTreeSet<u64>,
}

/// What the laws remember of a service.
#[derive(Debug, Default)]
struct OfService {
    /// A person's last decision.
    decided: Option<Timestamp>,
    /// A person's last update past Slipway.
    outside: Option<(DeploymentId, Timestamp)>,
    /// When a person was called because a rollback failed, until something newer is deployed.
    called: Option<Timestamp>,
    /// Whether a rollback failed since Slipway deployed last.
    rollback_failed: bool,
    /// Whether a person keeps Slipway from deploying by itself.
    held: bool,
    /// Images whose failure is on record, and that nobody has asked for since.
    condemned: BTreeSet<Digest>,
    /// The intents on record.
    intents: BTreeMap<u64, Intent>,
    /// The rollbacks that were decided: how old what was known then is.
    decisions: BTreeMap<u64, Timestamp>,
    /// How often each deployment was rolled back.
    rolled_back: BTreeMap<u64, u32>,
    /// The deployments that Slipway's rollbacks made, and of what.
    ways_back: BTreeMap<DeploymentId, u64>,
    /// The events and requests that were carried out, with the image each brought, and when that had come.
    done: BTreeSet<(EventId, Option<Digest>, Option<Timestamp>)>,
    /// How deployments ended, by number.
    ends: BTreeMap<u64, Outcome>,
    /// The ends that were published, by deployment.
    published: BTreeMap<DeploymentId, Vec<Kind>>,
}

/// How a deployment is said to have ended, and what is known then.
#[derive(Clone, Copy, Debug)]
struct Judged<'a> {
    outcome: Outcome,
    looked: Timestamp,
    /// Whether somebody else than who writes it holds the lease.
    others: bool,
    record: &'a Service,
    service: Option<&'a ServiceFacts>,
}

/// A look at a service.
#[derive(Clone, Copy, Debug)]
struct Looked {
    /// The first since the invocation began anew with it.
    at: Timestamp,
    /// Whether it has begun anew since.
    again: bool,
}

/// An intent, and what was known when it was written.
#[derive(Clone, Debug)]
struct Intent {
    by: By,
    looked: Timestamp,
    looked_at_images: Timestamp,
    event: Option<EventId>,
    at: Timestamp,
    /// What it breaks if it is carried out.
    breaks: Option<String>,
}

impl Laws {
    /// Nothing has happened yet to these services.
    pub(crate) fn new(services: &[Watched]) -> Self {
        Self {
            broken: None,
            updates: 0,
            rollbacks: 0,
            notices: 0,
            services: services.iter().map(|it| (it.target.clone(), OfService::default())).collect(),
            looks: BTreeMap::new(),
            image_looks: BTreeMap::new(),
            releases: BTreeSet::new(),
        }
    }

    /// An invocation looked at a service.
    pub(crate) fn looked(&mut self, request: u64, target: &TargetName, now: Timestamp) {
        let looked = self.looks.entry((request, target.clone())).or_insert(Looked { at: now, again: false });
        if looked.again {
            *looked = Looked { at: now, again: false };
        }
    }

    /// An invocation is tried, perhaps once more.
    pub(crate) fn begins(&mut self, request: u64) {
        self.image_looks.remove(&request);
        let own = self.looks.iter_mut().filter(|((of, _), _)| *of == request);
        own.for_each(|(_, looked)| looked.again = true);
    }

    /// An invocation begins anew with a service: it takes its lease, or has updated it. What it sees next it decides by.
    fn begins_anew(&mut self, request: u64, target: &TargetName) {
        if let Some(looked) = self.looks.get_mut(&(request, target.clone())) {
            looked.again = true;
        }
    }

    /// An invocation looked at images.
    pub(crate) fn looked_at_images(&mut self, request: u64, now: Timestamp) {
        self.image_looks.entry(request).or_insert(now);
    }

    /// An invocation begins by which a person pardons an image or takes a hold off.
    pub(crate) fn releasing(&mut self, request: u64) {
        self.releases.insert(request);
    }

    /// A person updated the service past Slipway, to this image, with this deployment.
    pub(crate) fn updated_outside(&mut self, target: &TargetName, digest: &Digest, made: DeploymentId, now: Timestamp) {
        let Some(known) = self.services.get_mut(target) else { return };
        known.condemned.remove(digest);
        known.outside = Some((made, now));
        self.updates += 1;
    }

    /// A record is about to be written by an invocation.
    pub(crate) fn written(
        &mut self,
        target: &TargetName,
        record: &Service,
        request: u64,
        service: Option<&ServiceFacts>,
        view: &View<'_>,
    ) {
        let before = view.table.record(target);
        if before.map(|it| it.fence) != Some(record.fence) {
            self.begins_anew(request, target);
        }
        // Nobody is blamed for what came after the first look that the decision may rest on.
        let looked = self.looks.get(&(request, target.clone())).map_or(view.now, |looked| looked.at);
        let looked_at_images = self.image_looks.get(&request).copied().unwrap_or(view.now);
        let releases = self.releases.contains(&request);
        let Some(known) = self.services.get_mut(target) else { return };
        if releases {
            known.released(before, record);
        }
        known.held |= record.hold.is_some();
        if let Some(decision) = record.decision.as_ref().filter(|it| it.what != DecisionKind::External) {
            known.decided = known.decided.max(Some(decision.at));
        }
        let mut broken = None;
        for it in &record.deployments {
            let old = before.and_then(|record| record.numbered(it.number));
            if old.is_none() && !is_outside(it) {
                known.intends(it, looked, looked_at_images);
            }
            if it.rollback.is_some() && old.is_none_or(|old| old.rollback.is_none()) {
                known.decisions.insert(it.number, looked);
            }
            let (Some(outcome), None) = (it.outcome, old.and_then(|old| old.outcome)) else { continue };
            let lease = record.lease.as_ref().filter(|it| it.until > view.now);
            let others = lease.is_some_and(|it| it.holder != format!("req-{request}"));
            let judged = Judged { outcome, looked, others, record, service };
            broken = broken.or(known.ended(it, &judged));
            if outcome == Outcome::RollbackFailed
                && record.deployments.first().is_some_and(|first| first.number == it.number)
            {
                let id = service.and_then(primary).map(|it| &it.id);
                let put_right = known.outside.as_ref().is_some_and(|(outside, _)| Some(outside) == id);
                known.called = it.ended_at.filter(|_| !put_right);
            }
        }
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// An invocation updated a service, which made a new deployment.
    pub(crate) fn updated(&mut self, update: &Update<'_>, view: &View<'_>) {
        self.updates += 1;
        let target = update.target;
        self.begins_anew(update.request, target);
        let empty = Service::default();
        let record = view.table.record(target).unwrap_or(&empty);
        let holder = format!("req-{}", update.request);
        let has_lease = record.lease.as_ref().is_some_and(|it| it.holder == holder && it.until > view.now);
        if !has_lease {
            self.break_law(format!("{target}: #{} updated the service without the lease", update.request));
        }
        let Some(known) = self.services.get_mut(target) else { return };
        let broken = match known.who(record, &holder) {
            None => Some("the service was updated without an intent on record".to_owned()),
            Some((By::Rollback(number), intent)) => {
                self.rollbacks += 1;
                known.went_back(number, &intent, record, update)
            }
            Some((by, intent)) => known.deployed(by, &intent, update, view),
        };
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// An invocation stopped a service's deployment, so that ECS goes back.
    pub(crate) fn stopped(&mut self, target: &TargetName, request: u64, view: &View<'_>) {
        self.rollbacks += 1;
        let holder = format!("req-{request}");
        let record = view.table.record(target);
        let lease = record.and_then(|it| it.lease.as_ref());
        if lease.is_none_or(|it| it.holder != holder || it.until <= view.now) {
            self.break_law(format!("{target}: #{request} stopped a deployment without the lease"));
        }
        let meant = |it: &&Deployment| {
            it.outcome.is_none()
                && it.rollback.as_ref().is_some_and(|it| it.how == RollbackMethod::Stop && it.done_at.is_none())
        };
        let Some(meant) = record.and_then(|it| it.deployments.iter().find(meant)) else {
            self.break_law(format!("{target}: a deployment was stopped without an intent on record"));
            return;
        };
        let Some(known) = self.services.get_mut(target) else { return };
        if let Some(words) = known.counts_rollback(meant.number) {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// A notice is published for the first time.
    pub(crate) fn published(&mut self, notice: &Notice, view: &View<'_>) {
        self.notices += 1;
        let (Some(target), Some(id)) = (&notice.target, &notice.deployment) else { return };
        if !is_end(notice.kind) {
            return;
        }
        let Some(known) = self.services.get_mut(target) else { return };
        let kinds = known.published.entry(id.clone()).or_default();
        kinds.push(notice.kind);
        let kinds = kinds.clone();
        let of_id = |it: &&Deployment| it.deployment.as_ref() == Some(id);
        let record = view.table.record(target);
        let recorded = record.and_then(|it| it.deployments.iter().find(of_id));
        let recorded = recorded.or(view.table.archived(target).find(of_id));
        let broken = match recorded.and_then(|it| it.outcome) {
            _ if kinds.len() > 1 => Some(format!("the end of {id} was published in more than one way: {kinds:?}")),
            None => Some(format!("the end of {id} was published and is not on record")),
            Some(outcome) if kind_of(outcome) != Some(notice.kind) => {
                Some(format!("{id} is on record as {}, and was published as {:?}", outcome.as_str(), notice.kind))
            }
            Some(_) => None,
        };
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// The inputs have stopped, calls succeed, and everything has come to rest.
    pub(crate) fn at_rest(
        &mut self,
        target: &TargetName,
        service: &ServiceFacts,
        running: Option<&Digest>,
        view: &View<'_>,
    ) {
        let empty = Service::default();
        let record = view.table.record(target).unwrap_or(&empty);
        let Some(known) = self.services.get_mut(target) else { return };
        let archived: Vec<&Deployment> = view.table.archived(target).collect();
        let mut broken = None;
        for it in record.deployments.iter().chain(archived).filter(|it| it.deployment.is_some() && !is_outside(it)) {
            let published = it.deployment.as_ref().and_then(|id| known.published.get(id));
            if published.is_none() {
                broken = broken.or(Some(format!("the end of deployment {} was never published", it.number)));
            }
        }
        let Some(primary) = primary(service) else { return };
        // Somebody else's deployment that ECS tries for ever is waited for as long.
        let theirs = record.of_id(&primary.id).is_none_or(is_outside);
        let stuck = theirs && primary.rollout == Some(Rollout::InProgress);
        let live = record.lease.as_ref().is_some_and(|it| it.until > view.now);
        if live || !record.wishes.is_empty() || !stuck && !record.waiting.is_empty() {
            broken = broken.or(Some("the lease or a pending input was left behind".to_owned()));
        }
        if let (false, Some(running)) = (stuck, running) {
            broken = broken.or(known.best_runs(record, running, view.images));
        }
        if let Some(words) = broken {
            self.break_law(format!("{target}: {words}"));
        }
    }

    /// A law is broken; the first one counts.
    pub(crate) fn break_law(&mut self, words: String) {
        self.broken.get_or_insert(words);
    }
}

impl OfService {
    /// A person took the hold off, or an image out of quarantine.
    fn released(&mut self, before: Option<&Service>, after: &Service) {
        self.held &= after.hold.is_some();
        let quarantined = before.map_or(&[][..], |it| &it.quarantine);
        for one in quarantined.iter().filter(|it| after.quarantined(&it.digest).is_none()) {
            self.condemned.remove(&one.digest);
        }
    }

    /// An intent is written; what keeps an image away is checked inside this write.
    fn intends(&mut self, meant: &Deployment, looked: Timestamp, looked_at_images: Timestamp) {
        let by = match meant.trigger {
            Trigger::Deploy | Trigger::Redeploy | Trigger::Rollback => By::Request,
            _ => By::Itself,
        };
        let digest = meant.digest();
        let condemned = digest.filter(|it| self.condemned.contains(it));
        let breaks = match (by, condemned) {
            (By::Itself, Some(digest)) => Some(format!("{} came back by itself", digest.short())),
            (By::Itself, None) if self.held => Some("it deployed by itself although it is held".to_owned()),
            _ => None,
        };
        let intent = Intent { by, looked, looked_at_images, event: meant.event.clone(), at: meant.intended_at, breaks };
        self.intents.insert(meant.number, intent);
    }

    /// What an update of this invocation is about: the last thing that it wrote down.
    fn who(&self, record: &Service, holder: &str) -> Option<(By, Intent)> {
        let own = |it: &&Deployment| it.deployment.is_none() && it.request.as_deref() == Some(holder);
        let meant = record.deployments.iter().filter(|it| it.outcome.is_none()).find(own);
        let goes_back = |it: &&Deployment| {
            it.outcome.is_none()
                && it.rollback.as_ref().is_some_and(|it| it.how == RollbackMethod::Update && it.done_at.is_none())
        };
        let back = record.deployments.iter().find(goes_back);
        let back_at = back.and_then(|it| it.rollback.as_ref()).map(|it| it.at);
        if let Some(back) = back.filter(|_| meant.is_none_or(|meant| Some(meant.intended_at) < back_at)) {
            let looked = self.decisions.get(&back.number).copied().unwrap_or_default();
            let by = By::Rollback(back.number);
            let at = back_at.unwrap_or_default();
            return Some((by, Intent { by, looked, looked_at_images: looked, event: None, at, breaks: None }));
        }
        let intent = self.intents.get(&meant?.number)?.clone();
        Some((intent.by, intent))
    }

    /// Slipway deployed, by itself or because somebody asked.
    fn deployed(&mut self, by: By, intent: &Intent, update: &Update<'_>, view: &View<'_>) -> Option<String> {
        let digest = update.digest.as_ref();
        let came_at = digest.and_then(|it| view.images.came_at(it));
        // What gave way to something else that failed then may come back by the same event; a request is carried out once.
        if update.running.as_ref().and_then(|it| it.digest.as_ref()) != digest {
            self.done.retain(|(_, other, _)| by == By::Request || other.as_ref() != digest);
        }
        if let Some(event) = &intent.event
            && !self.done.insert((event.clone(), update.digest.clone(), came_at))
        {
            return Some(format!("{event} was carried out twice"));
        }
        if by == By::Request {
            self.decided = self.decided.max(Some(intent.at));
            digest.iter().for_each(|digest| {
                self.condemned.remove(*digest);
            });
            return None;
        }
        let primary = primary(update.before)?;
        // ECS has no compare-and-set, so what happens between the look and the update is nobody's fault.
        let seen = primary.updated_at.is_none_or(|at| at < intent.looked);
        let under_way = seen && primary.rollout == Some(Rollout::InProgress);
        let running = update.running.as_ref().and_then(|it| it.digest.as_ref());
        // What can only fail may be replaced by something newer, and so may what is on record as failed.
        let well = running.is_none_or(|it| view.images.quality(it) == Quality::Good && !self.condemned.contains(it));
        // Nor is a rollback protected of which is on record that it failed, however ECS goes on with it.
        if well && !std::mem::take(&mut self.rollback_failed) {
            if under_way && primary.is_rollback() {
                return Some(format!("it fought the rollback {}", primary.id));
            }
            if under_way && update.before.strategy != Strategy::Rolling {
                return Some(format!("it cut the blue/green deployment {} short", primary.id));
            }
        }
        if let Some(words) = &intent.breaks {
            return Some(words.clone());
        }
        let (digest, came_at) = (digest?, came_at?);
        if let Some(called) = self.called.take()
            && came_at <= called
            && called < intent.looked
        {
            return Some(format!("{} was deployed although a person was called", digest.short()));
        }
        if let Some(decided) = self.last_decision(update.before)
            && came_at <= decided
            && decided < intent.looked
        {
            return Some(format!("{} is older than a person's decision", digest.short()));
        }
        let running = running.filter(|it| {
            let seen = seen && view.images.find(it).is_some_and(|it| it.tagged_at < intent.looked_at_images);
            seen && well && primary.rollout != Some(Rollout::Failed)
        })?;
        if view.images.is_older(digest, running) {
            return Some(format!("{} is older than the running {}", digest.short(), running.short()));
        }
        // What a revision names by a tag may be pinned.
        let pinned = update.running.as_ref().is_some_and(|it| it.image.contains('@'));
        let again = digest == running && pinned && update.force == Force::No;
        again.then(|| format!("{} was deployed although it runs", digest.short()))
    }

    /// Slipway rolled a deployment back by an update.
    fn went_back(&mut self, number: u64, intent: &Intent, record: &Service, update: &Update<'_>) -> Option<String> {
        let broken = self.counts_rollback(number);
        let primary = primary(update.before);
        let seen = primary.is_some_and(|it| it.updated_at.is_none_or(|at| at < intent.looked));
        let rolls_back =
            |it: &slipway_core::facts::Deployment| it.is_rollback() && it.rollout == Some(Rollout::InProgress);
        let fought = seen && primary.is_some_and(rolls_back);
        let fought = fought.then(|| format!("deployment {number} was rolled back while ECS rolled back"));
        let failed = record.numbered(number).and_then(|it| it.deployment.as_ref());
        let twice =
            failed.filter(|it| self.ways_back.contains_key(it)).map(|_| "a rollback was rolled back".to_owned());
        self.ways_back.insert(update.made.clone(), number);
        broken.or(fought).or(twice)
    }

    fn counts_rollback(&mut self, number: u64) -> Option<String> {
        let times = self.rolled_back.entry(number).or_default();
        *times += 1;
        (*times > 1).then(|| format!("deployment {number} was rolled back twice"))
    }

    /// The end of a deployment is written down.
    fn ended(&mut self, it: &Deployment, judged: &Judged<'_>) -> Option<String> {
        let Judged { outcome, looked, others, record, service } = *judged;
        if let Some(other) = self.ends.insert(it.number, outcome).filter(|other| *other != outcome) {
            let (other, outcome) = (other.as_str(), outcome.as_str());
            return Some(format!("deployment {} ended in more than one way: {other} and {outcome}", it.number));
        }
        if is_failure(outcome) && !is_outside(it) {
            self.condemned.extend(it.digest().cloned());
        }
        if outcome == Outcome::RollbackFailed {
            self.rollback_failed = true;
        }
        let primary = service.and_then(primary)?;
        let own = self.ways_back.get(&primary.id) == Some(&it.number);
        // Something newer took its place, and is what is rolled back then.
        let newer = record.deployments.iter().any(|other| other.number > it.number && other.deployment.is_some());
        let by_ecs = !newer && self.rolls_back(it, service, looked);
        let at_ecs = primary.rollout == Some(Rollout::InProgress) && (own || by_ecs);
        // Or somebody else is about to do it, with the lease in hand.
        let meant = others && !newer && it.rollback.as_ref().is_some_and(|it| it.done_at.is_none());
        let given_up = matches!(outcome, Outcome::Failed | Outcome::TimedOut);
        let number = it.number;
        (given_up && (at_ecs || meant) && !is_outside(it))
            .then(|| format!("deployment {number} ended as {} while it was rolled back", outcome.as_str()))
    }

    /// Whether ECS itself is on its way back from this deployment, which whoever judged it could see.
    fn rolls_back(&self, it: &Deployment, service: Option<&ServiceFacts>, looked: Timestamp) -> bool {
        let Some(service) = service else { return false };
        let Some(primary) = primary(service) else { return false };
        let seen = primary.updated_at.is_none_or(|at| at < looked);
        let listed = |id: &DeploymentId| service.deployments.iter().any(|one| one.id == *id && one.status != "PRIMARY");
        seen && primary.is_rollback() && it.deployment.as_ref().is_some_and(listed)
    }

    /// A person's last decision that could be known. One from outside could, while ECS lists its deployment; what went over
    /// it within a second, before anybody looked, may have wiped it out.
    fn last_decision(&self, service: &ServiceFacts) -> Option<Timestamp> {
        let listed = |id: &DeploymentId| service.deployments.iter().any(|it| it.id == *id);
        let outside = self.outside.as_ref().filter(|(id, _)| listed(id)).map(|(_, at)| *at);
        self.decided.max(outside)
    }

    /// Whether nothing better ought to run than what does.
    fn best_runs(&self, record: &Service, running: &Digest, images: &Images) -> Option<String> {
        let last = record.deployments.first().filter(|it| it.outcome == Some(Outcome::RollbackFailed));
        let called = last.and_then(|it| it.ended_at);
        // A takeover whose answer was lost is one all the same.
        let adopted = record.decision.as_ref().filter(|it| it.what == DecisionKind::Adopted).map(|it| it.at);
        let decided = self.decided.max(adopted).max(self.outside.as_ref().map(|(_, at)| *at));
        let better = images.all().iter().rfind(|image| {
            // When a tag was pointed to an image only its event tells, and that may be lost.
            let came_at = Some(image.pushed_at);
            image.quality == Quality::Good
                && !image.tags.is_empty()
                && !self.condemned.contains(&image.digest)
                && images.is_older(running, &image.digest)
                && called.is_none_or(|called| came_at > Some(called))
                && decided.is_none_or(|decided| came_at > Some(decided))
        })?;
        Some(format!("{} ought to run in the end, and {} does", better.digest.short(), running.short()))
    }
}

/// Whether somebody else made it.
fn is_outside(it: &Deployment) -> bool {
    it.trigger == Trigger::External
}

/// Whether an image is kept from coming back after this end.
fn is_failure(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Completed | Outcome::Superseded | Outcome::External)
}

/// How an end is published; somebody else's is none of ours.
fn kind_of(outcome: Outcome) -> Option<Kind> {
    Some(match outcome {
        Outcome::Completed => Kind::Completed,
        Outcome::Failed => Kind::Failed,
        Outcome::Superseded => Kind::Superseded,
        Outcome::RolledBackByEcs | Outcome::RolledBackBySlipway => Kind::RolledBack,
        Outcome::RollbackFailed => Kind::RollbackFailed,
        Outcome::Stopped => Kind::Stopped,
        Outcome::TimedOut => Kind::TimedOut,
        Outcome::External => return None,
    })
}

/// Whether a notice of this kind tells how a deployment ended.
fn is_end(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Completed
            | Kind::Failed
            | Kind::Superseded
            | Kind::RolledBack
            | Kind::RollbackFailed
            | Kind::Stopped
            | Kind::TimedOut
    )
}
