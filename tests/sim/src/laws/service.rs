//! What must hold of one service, and what has to be remembered of it for that.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use slipway_core::model::facts::{Rollout, ServiceFacts, Strategy};
use slipway_core::model::id::{DeploymentId, EventId, TaskDefinitionArn};
use slipway_core::model::image::Digest;
use slipway_core::model::notice::{Notice, NoticeKind};
use slipway_core::model::record::{DecisionKind, Deployment, KnownGood, Outcome, RollbackMethod, Service};
use slipway_core::model::trigger::Trigger;

use super::{Observed, OutsideUpdate, Update, View};
use crate::registry::{Images, Quality};
use crate::simulation::{Lost, is_under_way, primary};

/// Who makes a service run something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Slipway by itself: a push, a pending input, the reconcile.
    Itself,
    /// Slipway, because a person asked.
    Request,
    /// Slipway's rollback of this deployment.
    Rollback(u64),
}

/// What the laws remember of a service.
#[derive(Debug, Default)]
pub(super) struct OfService {
    /// A person's last decision.
    pub(super) decided: Option<Timestamp>,
    /// The last of them that was asked of Slipway.
    pub(super) requested: Option<Timestamp>,
    /// The last update past Slipway.
    pub(super) outside: Option<Outside>,
    /// What Slipway deployed last, and when, whether or not that is on record.
    pub(super) made: Option<(DeploymentId, Timestamp)>,
    /// The definitions of the family that Slipway is to deploy by itself, each with when it was registered, until it deploys
    /// anything with them or with a newer one.
    pub(super) new_definitions: Vec<(TaskDefinitionArn, Timestamp)>,
    /// When a person was called because a rollback failed, until something newer is deployed.
    pub(super) called: Option<Timestamp>,
    /// Whether a rollback failed since Slipway deployed last.
    pub(super) rollback_failed: bool,
    /// Whether a person keeps Slipway from deploying by itself.
    pub(super) held: bool,
    /// Images whose failure is on record, and that nobody has asked for since.
    pub(super) quarantined: BTreeSet<Digest>,
    /// Images that somebody asked for in spite of that. Only that they complete ends their quarantine.
    asked_for_anyway: BTreeSet<Digest>,
    /// The intents on record.
    pub(super) intents: BTreeMap<u64, Intent>,
    /// The rollbacks that were decided: how old what was known then is.
    pub(super) decisions: BTreeMap<u64, Timestamp>,
    /// How often each deployment was rolled back.
    pub(super) rolled_back: BTreeMap<u64, u32>,
    /// The deployments that Slipway's rollbacks made, and of what.
    pub(super) rollback_deployments: BTreeMap<DeploymentId, u64>,
    /// The events and requests that were carried out, with the image each brought, and when that had come.
    pub(super) done: BTreeSet<(EventId, Option<Digest>, Option<Timestamp>)>,
    /// How deployments ended, by number.
    pub(super) ends: BTreeMap<u64, Outcome>,
    /// The ends that were published, by deployment.
    pub(super) published: BTreeMap<DeploymentId, Vec<NoticeKind>>,
}

/// An update past Slipway, which counts as a person's decision.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    /// The deployment that it made.
    pub(super) made: DeploymentId,
    pub(super) at: Timestamp,
    /// Whether it may just as well be an update or a rollback of Slipway's, see [`is_ambiguous`].
    pub(super) is_ambiguous: bool,
}

/// How a deployment is recorded to have ended, and what is known then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) outcome: Outcome,
    pub(super) observed_at: Timestamp,
    /// Whether somebody else than who writes it holds the lease.
    pub(super) others: bool,
    pub(super) record: &'a Service,
    pub(super) service: Option<&'a ServiceFacts>,
}

/// An intent, and what was known when it was written.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) by: By,
    pub(super) observed_at: Timestamp,
    /// The image that ran then.
    pub(super) running: Option<Digest>,
    pub(super) images_observed_at: Timestamp,
    pub(super) event: Option<EventId>,
    pub(super) at: Timestamp,
    /// What it breaks if it is carried out.
    pub(super) breaks: Option<String>,
}

impl OfService {
    /// A person took the hold off, or an image out of quarantine.
    pub(super) fn released(&mut self, before: Option<&Service>, after: &Service) {
        self.held &= after.hold.is_some();
        let quarantined = before.map_or(&[][..], |it| &it.quarantine);
        for one in quarantined.iter().filter(|it| after.quarantined(&it.digest).is_none()) {
            self.quarantined.remove(&one.digest);
        }
    }

    /// An intent is written; what keeps an image away is checked inside this write.
    pub(super) fn intends(&mut self, intended: &Deployment, observed: &Observed, images_observed_at: Timestamp) {
        let by = match intended.trigger {
            Trigger::Deploy | Trigger::Redeploy | Trigger::Rollback => By::Request,
            _ => By::Itself,
        };
        let digest = intended.digest();
        let quarantined = digest.filter(|it| self.quarantined.contains(it));
        let breaks = match (by, quarantined) {
            (By::Itself, Some(digest)) => Some(format!("{} came back by itself", digest.short())),
            (By::Itself, None) if self.held => Some("it deployed by itself although it is held".to_owned()),
            _ => None,
        };
        let intent = Intent {
            by,
            observed_at: observed.at,
            running: observed.running.clone(),
            images_observed_at,
            event: intended.event.clone(),
            at: intended.intended_at,
            breaks,
        };
        self.intents.insert(intended.number, intent);
    }

    /// What an update of this invocation is about: the last thing that it wrote down.
    pub(super) fn who(&self, record: &Service, holder: &str) -> Option<(By, Intent)> {
        let own = |it: &&Deployment| it.id().is_none() && it.request.as_deref() == Some(holder);
        let intended = record.deployments.iter().filter(|it| it.is_open()).find(own);
        let goes_back = |it: &&Deployment| {
            it.is_open() && it.rollback().is_some_and(|it| it.how == RollbackMethod::Update && it.done_at.is_none())
        };
        let back = record.deployments.iter().find(goes_back);
        let back_at = back.and_then(|it| it.rollback()).map(|it| it.at);
        if let Some(back) = back.filter(|_| intended.is_none_or(|intended| Some(intended.intended_at) < back_at)) {
            let observed_at = self.decisions.get(&back.number).copied().unwrap_or_default();
            let by = By::Rollback(back.number);
            let at = back_at.unwrap_or_default();
            return Some((
                by,
                Intent {
                    by,
                    observed_at,
                    running: None,
                    images_observed_at: observed_at,
                    event: None,
                    at,
                    breaks: None,
                },
            ));
        }
        let intent = self.intents.get(&intended?.number)?.clone();
        Some((intent.by, intent))
    }

    /// Slipway deployed, by itself or because somebody asked.
    pub(super) fn deployed(&mut self, by: By, intent: &Intent, update: &Update<'_>, view: &View<'_>) -> Option<String> {
        self.made = Some((update.made.clone(), view.now));
        let digest = update.digest.as_ref();
        let came_at = digest.and_then(|it| view.images.came_at(it));
        // What gave way to something else that failed then may come back by the same event; a request is carried out once.
        // So may what somebody else put back since the observation.
        let put_back = self.outside.as_ref().is_some_and(|it| it.at >= intent.observed_at);
        if put_back || update.running.as_ref().and_then(|it| it.digest.as_ref()) != digest {
            self.done.retain(|(_, other, _)| by == By::Request || other.as_ref() != digest);
        }
        if let Some(event) = &intent.event
            && !self.done.insert((event.clone(), update.digest.clone(), came_at))
        {
            return Some(format!("{event} was carried out twice"));
        }
        let deployed = update.definition.as_ref().and_then(TaskDefinitionArn::revision);
        let deployed = self.new_definitions.extract_if(.., |(new, _)| new.revision() <= deployed);
        let definition_at = deployed.map(|(_, at)| at).max();
        if by == By::Request {
            self.decided = self.decided.max(Some(intent.at));
            self.requested = self.requested.max(Some(intent.at));
            digest.iter().for_each(|digest| {
                self.asked_for_anyway.extend(self.quarantined.take(*digest));
            });
            return None;
        }
        let primary = primary(update.before)?;
        // ECS has no compare-and-set, so what happens between the observation and the update is nobody's fault.
        let visible = primary.updated_at.is_none_or(|at| at < intent.observed_at);
        let under_way = visible && is_under_way(primary);
        let running = update.running.as_ref().and_then(|it| it.digest.as_ref());
        // What can only fail may be replaced by something newer, and so may what is on record as failed.
        let well =
            running.is_none_or(|it| view.images.quality(it) == Quality::KnownGood && !self.quarantined.contains(it));
        // A person may release the image, and the deployment stays failed on record, however long ECS goes on with it.
        let recorded = view.table.record(update.target).into_iter().flat_map(|it| &it.deployments);
        let mut recorded = recorded.filter(|it| it.id() == Some(&primary.id));
        let is_protected = well && !recorded.any(|it| it.outcome().is_some_and(is_failure));
        // Nor is a rollback protected of which is on record that it failed, however ECS goes on with it.
        if is_protected && !std::mem::take(&mut self.rollback_failed) {
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
        // What runs is as new as its definition, also where somebody put a placeholder in its place since the observation.
        let definition_at =
            definition_at.filter(|_| running == Some(digest) || intent.running.as_ref() == Some(digest));
        let came_at = definition_at.map_or(came_at, |at| came_at.max(at));
        // What ran before a placeholder comes back, whenever it was pushed.
        if intent.event.as_ref().is_some_and(is_of_placeholder) {
            return None;
        }
        if let Some(called) = self.called.take()
            && came_at <= called
            && called < intent.observed_at
        {
            return Some(format!("{} was deployed although a person was called", digest.short()));
        }
        // What was found, or others did, says nothing about an image where a placeholder runs and none is known to have run.
        let is_new = |record: &Service| {
            let mut others = record.deployments.iter().filter(|it| !it.is_external() && it.id().is_some());
            record.known_good.is_empty() && others.next().is_none()
        };
        let is_first = update.running.is_none() && view.table.record(update.target).is_some_and(is_new);
        let decided = if is_first { self.requested } else { self.last_decision(update.before) };
        if let Some(decided) = decided
            && came_at <= decided
            && decided < intent.observed_at
        {
            return Some(format!("{} is older than a person's decision", digest.short()));
        }
        let running = running.filter(|it| {
            let visible = visible && view.images.find(it).is_some_and(|it| it.tagged_at < intent.images_observed_at);
            visible && well && primary.rollout != Some(Rollout::Failed)
        })?;
        if view.images.is_older(digest, running) {
            return Some(format!("{} is older than the running {}", digest.short(), running.short()));
        }
        // What a revision names by a tag may be pinned.
        let pinned = update.running.as_ref().is_some_and(|it| it.image.contains('@'));
        let again = digest == running && definition_at.is_none() && pinned && !update.force_new_deployment;
        again.then(|| format!("{} was deployed although it runs", digest.short()))
    }

    /// Slipway rolled a deployment back by an update.
    pub(super) fn made_rollback(
        &mut self,
        number: u64,
        intent: &Intent,
        record: &Service,
        update: &Update<'_>,
    ) -> Option<String> {
        let broken = self.counts_rollback(number);
        let primary = primary(update.before);
        let visible = primary.is_some_and(|it| it.updated_at.is_none_or(|at| at < intent.observed_at));
        let rolls_back = |it: &slipway_core::model::facts::DeploymentFacts| it.is_rollback() && is_under_way(it);
        let fought = visible && primary.is_some_and(rolls_back);
        let fought = fought.then(|| format!("deployment {number} was rolled back while ECS rolled back"));
        let failed = record.numbered(number).and_then(|it| it.id());
        let twice = failed
            .filter(|it| self.rollback_deployments.contains_key(it))
            .map(|_| "a rollback was rolled back".to_owned());
        self.rollback_deployments.insert(update.made.clone(), number);
        broken.or(fought).or(twice)
    }

    pub(super) fn counts_rollback(&mut self, number: u64) -> Option<String> {
        let times = self.rolled_back.entry(number).or_default();
        *times += 1;
        (*times > 1).then(|| format!("deployment {number} was rolled back twice"))
    }

    /// A deployment that was on record as failed completed after all: nothing keeps its image away any more.
    pub(super) fn completed_after_all(&mut self, it: &Deployment) {
        it.digest().iter().for_each(|digest| {
            self.quarantined.remove(*digest);
        });
    }

    /// The end of a deployment is written down.
    pub(super) fn ended(&mut self, it: &Deployment, judged: &Judged<'_>) -> Option<String> {
        let Judged { outcome, observed_at, others, record, service } = *judged;
        if let Some(other) = self.ends.insert(it.number, outcome).filter(|other| *other != outcome) {
            let (other, outcome) = (other.as_str(), outcome.as_str());
            return Some(format!("deployment {} ended in more than one way: {other} and {outcome}", it.number));
        }
        // Of an image that ran well before with another task definition, that one is kept away.
        if is_failure(outcome) && !Deployment::is_external(it) && !it.definition_only {
            self.quarantined.extend(it.digest().cloned());
        }
        // What failed and was deployed anyway, or once more while nobody had seen it fail, has completed.
        if outcome == Outcome::Completed
            && let Some(digest) = it.digest().filter(|digest| record.quarantined(digest).is_none())
        {
            self.quarantined.remove(digest);
        }
        if outcome == Outcome::RollbackFailed {
            self.rollback_failed = true;
        }
        let primary = service.and_then(primary)?;
        let is_early = it.id() == Some(&primary.id) && primary.rollout == Some(Rollout::CompletedEarly);
        let visible = primary.updated_at.is_none_or(|at| at < observed_at);
        if outcome == Outcome::Completed && is_early && visible {
            return Some(format!("deployment {} was called completed before all its tasks ran", it.number));
        }
        let own = self.rollback_deployments.get(&primary.id) == Some(&it.number);
        // Something newer took its place, perhaps past Slipway, or not yet on record as begun, and is what is rolled back then.
        let recorded = record.deployments.iter().any(|other| other.number > it.number && other.id().is_some());
        let outside = self.outside.as_ref().map(|outside| (&outside.made, outside.at));
        let made = self.made.as_ref().map(|(made, at)| (made, *at));
        let is_newer = |(made, at): (&DeploymentId, Timestamp)| it.id() != Some(made) && at > it.began_at();
        let newer = recorded || [outside, made].into_iter().flatten().any(is_newer);
        let by_ecs = !newer && self.rolls_back(it, service, observed_at);
        let at_ecs = is_under_way(primary) && (own || by_ecs);
        // Or somebody else is about to do it, with the lease in hand.
        let intended = others && !newer && it.rollback().is_some_and(|it| it.done_at.is_none());
        let given_up = matches!(outcome, Outcome::Failed | Outcome::TimedOut);
        let number = it.number;
        (given_up && (at_ecs || intended) && !Deployment::is_external(it))
            .then(|| format!("deployment {number} ended as {} while it was rolled back", outcome.as_str()))
    }

    /// Whether ECS itself is on its way back from this deployment, which whoever judged it could see.
    fn rolls_back(&self, it: &Deployment, service: Option<&ServiceFacts>, observed_at: Timestamp) -> bool {
        let Some(service) = service else { return false };
        let Some(primary) = primary(service) else { return false };
        let visible = primary.updated_at.is_none_or(|at| at < observed_at);
        let listed = |id: &DeploymentId| service.deployments.iter().any(|one| one.id == *id && one.status != "PRIMARY");
        visible && primary.is_rollback() && it.id().is_some_and(listed)
    }

    /// A person's last decision that could be known. One from outside could, while ECS lists its deployment; what went over
    /// it within a second, before anybody saw it, may have wiped it out.
    fn last_decision(&self, service: &ServiceFacts) -> Option<Timestamp> {
        let listed = |id: &DeploymentId| service.deployments.iter().any(|it| it.id == *id);
        let outside = self.outside.as_ref().filter(|it| listed(&it.made) && !it.is_ambiguous);
        self.decided.max(outside.map(|it| it.at))
    }

    /// Whether a placeholder, which runs in the end, ought to have been replaced.
    pub(super) fn placeholder_stays<'a>(
        &self,
        record: &'a Service,
        primary: &DeploymentId,
        images: &Images,
        lost: Lost,
        names_containers: bool,
    ) -> Option<String> {
        let event = format!("placeholder-{primary}");
        let replaced = |it: &Deployment| it.id().is_some() && it.event.as_ref().is_some_and(|it| it.as_str() == event);
        // What its tasks ran; where they were gone when it completed, what was deployed as it.
        let ran = |it: &'a KnownGood| {
            let ran = it.ran.iter().filter(|it| it.container == "web").find_map(|it| it.digest.as_ref());
            let as_it = |one: &&Deployment| one.revision.new.as_deref() == Some(it.revision.short());
            ran.or_else(|| record.deployments.iter().find(as_it)?.digest())
        };
        let mut ran = record.known_good.iter().filter_map(ran).filter(|it| images.find(it).is_some());
        if let Some(before) = ran.next() {
            // Also where it is only its revision that is quarantined.
            let is_quarantined = record.quarantine.iter().any(|it| it.digest == *before);
            // Or a person was called, and only something newer helps.
            let called = record.deployments.first().and_then(Deployment::outcome) == Some(Outcome::RollbackFailed);
            let stays = is_quarantined || called || record.deployments.iter().any(replaced);
            return (!stays).then(|| format!("{} ran before the placeholder that runs in the end", before.short()));
        }
        // Nothing says which container it is, or the first deployment failed: somebody has to look.
        if !names_containers {
            return None;
        }
        if record.deployments.iter().find(|it| !it.is_external()).is_some_and(|it| it.outcome().is_some_and(is_failure))
        {
            return None;
        }
        // An image that somebody deployed past Slipway is a decision, also where ECS went back from it.
        let decided = self.decided.max(self.outside.as_ref().map(|it| it.at));
        let may_run = images.all().iter().find(|image| {
            let came_at = if lost == Lost::Nothing { image.came_at() } else { image.pushed_at };
            let wanted = !image.tags.is_empty() && !self.quarantined.contains(&image.digest);
            wanted && decided.is_none_or(|decided| came_at > decided)
        });
        may_run.map(|image| format!("{} ought to run, and a placeholder does", image.digest.short()))
    }

    /// Whether nothing better ought to run than what does. Where `lost`, a push event may be lost.
    pub(super) fn best_runs(&self, record: &Service, running: &Digest, images: &Images, lost: Lost) -> Option<String> {
        let last = record.deployments.iter().find(|it| !it.is_placeholder());
        let last = last.filter(|it| it.outcome() == Some(Outcome::RollbackFailed));
        let called = last.and_then(|it| it.ended().map(|it| it.at));
        // A takeover whose answer was lost is one all the same.
        let adopted = record.decision.as_ref().filter(|it| it.what == DecisionKind::Adopted).map(|it| it.at);
        let decided = self.decided.max(adopted).max(self.outside.as_ref().map(|it| it.at));
        let stays_away = |it: &Digest| {
            self.quarantined.contains(it) || self.asked_for_anyway.contains(it) && record.quarantined(it).is_some()
        };
        let better = images.all().iter().rfind(|image| {
            // When a tag was pointed to an image only its event says, and that may be lost.
            let came_at = if lost == Lost::Nothing { image.came_at() } else { image.pushed_at };
            image.quality == Quality::KnownGood
                && !image.tags.is_empty()
                && !stays_away(&image.digest)
                && images.is_outdated(running, image, came_at)
                && called.is_none_or(|called| came_at > called)
                && decided.is_none_or(|decided| came_at > decided)
        })?;
        Some(format!("{} ought to run in the end, and {} does", better.digest.short(), running.short()))
    }

    /// Whether a definition that was registered after everybody's decisions was not deployed, although what runs is well.
    pub(super) fn definition_waits(&self, record: &Service, running: &Digest, images: &Images) -> Option<String> {
        let registered_at = self.new_definitions.last()?.1;
        let outside = self.outside.as_ref().map(|it| it.at);
        let decided = self.decided.max(outside).max(self.called).max(record.decision.as_ref().map(|it| it.at));
        let is_well = images.find(running).is_some_and(|it| it.quality == Quality::KnownGood && !it.tags.is_empty());
        let failed = record.quarantine.iter().any(|it| it.digest == *running) || self.quarantined.contains(running);
        let waits = is_well && !failed && decided.is_none_or(|decided| decided < registered_at);
        waits.then(|| format!("the definition of {registered_at} was never deployed"))
    }
}

/// Whether this is the event of a deployment over a placeholder.
fn is_of_placeholder(event: &EventId) -> bool {
    event.as_str().starts_with("placeholder-")
}

/// Whether nobody can tell an update by somebody else from one of Slipway's: it runs to the letter what an intent on record
/// names, or once more what an intent without a name may have brought about just before; or it puts back what ran before the
/// last deployment, which failed or may yet fail. That is a rollback, whoever makes it, and no decision.
pub(super) fn is_ambiguous(record: &Service, update: &OutsideUpdate<'_>) -> bool {
    let is_it = |named: &Option<String>| named.as_deref() == Some(update.revision.short());
    let again = |it: &Deployment| it.revision.new.is_none() && update.previous == update.revision;
    let intended = record.deployments.iter().any(|it| it.is_intent() && (is_it(&it.revision.new) || again(it)));
    let back = |it: &&Deployment| is_it(&it.revision.old) || it.rollback().is_some_and(|rollback| is_it(&rollback.to));
    let last = record.deployments.first().filter(back);
    // How somebody else's ended is not on record.
    let may_fail = |outcome| is_failure(outcome) || outcome == Outcome::External;
    intended || last.is_some_and(|it| it.outcome().is_none_or(may_fail))
}

/// Whether an image is kept from coming back after this end.
fn is_failure(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Completed | Outcome::Superseded | Outcome::External)
}

/// How an end is published.
pub(super) fn kind_of_end(outcome: Outcome) -> Option<NoticeKind> {
    Some(match outcome {
        Outcome::Completed => NoticeKind::Completed,
        Outcome::Failed => NoticeKind::Failed,
        Outcome::Superseded => NoticeKind::Superseded,
        Outcome::RolledBackByEcs | Outcome::RolledBackBySlipway => NoticeKind::RolledBack,
        Outcome::RollbackFailed => NoticeKind::RollbackFailed,
        Outcome::Stopped => NoticeKind::Stopped,
        Outcome::TimedOut => NoticeKind::TimedOut,
        Outcome::External => return None,
    })
}

/// What a notice says of a deployment; of somebody else's its id has the word for that.
pub(super) fn kind_of(notice: &Notice) -> NoticeKind {
    let word = notice.id.split_once("/external/").and_then(|(_, part)| part.split('/').next());
    NoticeKind::known().find(|kind| Some(kind.as_str()) == word).unwrap_or(notice.kind)
}

/// Whether a notice of this kind says how a deployment ended.
pub(super) fn is_end(kind: NoticeKind) -> bool {
    matches!(
        kind,
        NoticeKind::Completed
            | NoticeKind::Failed
            | NoticeKind::Superseded
            | NoticeKind::RolledBack
            | NoticeKind::RollbackFailed
            | NoticeKind::Stopped
            | NoticeKind::TimedOut
    )
}
