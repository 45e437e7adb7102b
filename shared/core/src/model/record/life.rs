//! A deployment's life in the record: intended, begun, failing, ended, published. Each step is taken at most once.

use jiff::Timestamp;

use super::{
    Decision, DecisionKind, Deployment, DeploymentState, Ended, Failing, Fence, KNOWN_GOOD, KnownGood, Lost, Outcome,
    PUBLISHED, PendingInput, Progress, QUARANTINED, Quarantined, RECENT, Rollback, Service, TAG_PUSHES, TagPush,
};
use crate::model::build::{Build, BuildChange};
use crate::model::id::{DeploymentId, TaskDefinitionArn};
use crate::model::image::Digest;
use crate::model::trigger::Trigger;

impl Service {
    /// Adds a deployment that was observed at ECS; its number, and what is to be archived. `None` if it is on record by now,
    /// or may be what an intent since then brought about. What somebody else made counts as a person's decision, unless it is a
    /// placeholder.
    pub fn add_observed(&mut self, observed: Deployment) -> Option<(u64, Vec<Deployment>)> {
        let is_known = observed.id().is_some_and(|id| self.of_id(id).is_some());
        if is_known || self.expects_a_deployment() {
            return None;
        }
        let decision = match observed.is_external() {
            true if observed.is_placeholder() => None,
            true => Some(Decision { what: DecisionKind::External, at: observed.intended_at, who: None }),
            false => decision_of(&observed),
        };
        decision.into_iter().for_each(|decision| self.decided(decision));
        Some(self.add(observed))
    }

    /// Adds a deployment; its number, and what is to be archived because there is no more room for it.
    pub fn add(&mut self, deployment: Deployment) -> (u64, Vec<Deployment>) {
        self.count += 1;
        let definition_only =
            deployment.keeps_image() && deployment.digest().is_some_and(|digest| self.ran_well(digest));
        let deployment = Deployment { number: self.count, definition_only, ..deployment };
        // What somebody else made may be observed after something newer was intended.
        let place = self.deployments.iter().position(|it| it.began_at() <= deployment.began_at());
        self.deployments.insert(place.unwrap_or(self.deployments.len()), deployment);
        // What has not ended is never dropped: nobody would follow it to its end.
        let recent = RECENT.min(self.deployments.len());
        let dropped = self.deployments.extract_if(recent.., |it| !it.is_open()).collect();
        (self.count, dropped)
    }

    /// Whether a deployment of this image completed, as far as is known.
    fn ran_well(&self, digest: &Digest) -> bool {
        let mut ran = self.known_good.iter().flat_map(|it| &it.ran);
        let completed = |it: &Deployment| it.outcome() == Some(Outcome::Completed) && it.digest() == Some(digest);
        ran.any(|it| it.digest.as_ref() == Some(digest)) || self.deployments.iter().any(completed)
    }

    /// ECS made the deployment. If a person asked for it, it counts as their decision from when it was intended.
    ///
    /// Its first id stays, because notices were published under it. A deployment that is on record already was not made by
    /// this update: the service had come to run that revision in the meantime.
    pub fn began(&mut self, number: u64, began: &Began) {
        let is_known = self.of_id(&began.deployment).is_some_and(|known| known.number != number);
        let Some(it) = self.at(number) else { return };
        if it.is_intent() {
            if is_known {
                let decision = decision_of(it);
                self.discard_intent(number);
                decision.into_iter().for_each(|decision| self.decided(decision));
                return;
            }
            it.state = DeploymentState::InProgress(Progress::of(began.deployment.clone(), began.at));
            it.revision.new = Some(began.revision.short().to_owned());
        }
        let (decision, is_of_family) = (decision_of(it), it.definition.is_some());
        if let Some(family) = self.family.as_mut().filter(|_| is_of_family) {
            family.registered(&began.revision);
        }
        // What somebody else made meanwhile began before it, although it was intended first.
        self.deployments.sort_by_key(|it| std::cmp::Reverse(it.began_at()));
        decision.into_iter().for_each(|decision| self.decided(decision));
    }

    /// What was intended did not take effect; nothing happened, so nothing is published.
    pub fn discard_intent(&mut self, number: u64) {
        self.deployments.retain(|it| it.number != number || it.id().is_some());
    }

    /// What was intended did not take effect, and its invocation is gone: what no person asked for is decided again.
    pub fn never_began(&mut self, number: u64) {
        let intended = self.numbered(number).filter(|it| it.id().is_none());
        let again = intended.filter(|it| decision_of(it).is_none()).map(|it| {
            let again = PendingInput::after(it, it.intended_at);
            // A person's release has still brought about nothing.
            match it.trigger {
                Trigger::Release => {
                    PendingInput { trigger: Trigger::Release, ..again }.by(it.who.clone(), it.request_reason.clone())
                }
                _ => again,
            }
        });
        self.discard_intent(number);
        if let Some(again) = again {
            self.leave(again);
        }
    }

    /// A task of the deployment stopped although nobody stopped it; how many did.
    pub fn task_failed(&mut self, number: u64, task: &str) -> usize {
        /// ECS's breaker never counts further.
        const MOST: usize = 200;
        let Some(it) = self.at(number) else { return 0 };
        if it.failed_tasks.len() < MOST && !it.failed_tasks.iter().any(|known| known == task) {
            it.failed_tasks.push(task.to_owned());
        }
        it.failed_tasks.len()
    }

    /// The deployment is known to have failed; the first cause stays.
    pub fn failing(&mut self, number: u64, failing: Failing) {
        if let Some(it) = self.in_progress(number).filter(|it| it.failing.is_none()) {
            it.failing = Some(failing);
        }
    }

    /// Slipway decides to roll back: at most once for each deployment. A decision that was not carried out yet may change
    /// its method and revision, but keeps its time.
    pub fn roll_back(&mut self, fence: Fence, number: u64, rollback: Rollback) -> Result<Once, Lost> {
        self.check(fence)?;
        let Some(it) = self.in_progress(number) else { return Ok(Once::Before) };
        if let Some(decided) = &mut it.rollback {
            if decided.done_at.is_none() {
                (decided.how, decided.to) = (rollback.how, rollback.to);
                decided.passed_over = rollback.passed_over;
            }
            return Ok(Once::Before);
        }
        it.rollback = Some(rollback);
        Ok(Once::Now)
    }

    /// Whether a deployment has to be judged again, because the record of then (`judged`, `fence`) is out of date: its rollback
    /// was decided or made since; or it is decided but not made, and another holder of the lease may be about to make it.
    pub fn is_outdated(&self, judged: &Deployment, fence: Fence) -> bool {
        let Some(rollback) = self.numbered(judged.number).and_then(Deployment::rollback) else { return false };
        match judged.rollback() {
            Some(then) if then.done_at.is_some() == rollback.done_at.is_some() => {
                rollback.done_at.is_none() && self.fence != fence.0
            }
            Some(_) | None => true,
        }
    }

    /// The deployment ends, and its image is quarantined where the outcome says so: its revision, where only the task
    /// definition changed. Where it completed, what had failed before is not quarantined any more. Of somebody else's the outcome
    /// says only that it is one. A second end changes nothing.
    pub fn end(&mut self, number: u64, outcome: Outcome, at: Timestamp, reason: Option<String>) -> Once {
        let Some(it) = self.at(number).filter(|it| it.is_open()) else { return Once::Before };
        let (outcome, external) = match it.is_external() {
            true => (Outcome::External, Some(outcome)),
            false => (outcome, None),
        };
        let progress = it.progress().cloned();
        let cause = progress.as_ref().and_then(|it| it.failing.as_ref()).map(|failing| failing.cause.clone());
        let image = it.image.clone().filter(|_| outcome.quarantines());
        let revision = it.revision.new.clone().filter(|_| it.definition_only);
        let reason = reason.or_else(|| cause.clone());
        it.state = DeploymentState::Ended(Ended {
            outcome,
            at,
            reason: reason.clone(),
            external,
            corrected_from: None,
            progress,
        });
        if let Some(image) = image
            && let Some(digest) = image.new.digest
        {
            let cause = cause.or(reason).unwrap_or_default();
            let (repository, tag) = (image.repository, image.new.tag);
            self.add_to_quarantine(Quarantined { repository, digest, tag, revision, cause, at });
        }
        if outcome == Outcome::Completed {
            self.end_quarantine_of(number);
        }
        Once::Now
    }

    /// What failed here before, and was deployed since, as a person asked, has completed: a rollback may go to it, and a push may
    /// bring it.
    fn end_quarantine_of(&mut self, number: u64) {
        let Some(completed) = self.numbered(number).cloned() else { return };
        let ran = |it: &Quarantined| match &it.revision {
            Some(revision) => completed.revision.new.as_ref() == Some(revision),
            None => completed.digest() == Some(&it.digest),
        };
        self.quarantine.retain(|it| !ran(it) || it.at > completed.began_at());
    }

    /// A deployment that ended as failed, and that nobody rolled back, has completed after all: its image is released.
    pub fn completed_after_all(&mut self, number: u64, at: Timestamp) -> Once {
        let Some(it) = self.at(number) else { return Once::Before };
        let DeploymentState::Ended(ended) = &mut it.state else { return Once::Before };
        if !ended.outcome.may_complete_after_all() {
            return Once::Before;
        }
        let failed_at = std::mem::replace(&mut ended.at, at);
        ended.corrected_from = Some(std::mem::replace(&mut ended.outcome, Outcome::Completed));
        ended.reason = None;
        let digest = it.digest().cloned();
        self.quarantine.retain(|it| Some(&it.digest) != digest.as_ref() || it.at != failed_at);
        Once::Now
    }

    /// An image is not deployed again automatically.
    pub fn add_to_quarantine(&mut self, quarantined: Quarantined) {
        let same = |it: &Quarantined| it.digest == quarantined.digest && it.revision == quarantined.revision;
        self.quarantine.retain(|it| !same(it));
        self.quarantine.insert(0, quarantined);
        self.quarantine.truncate(QUARANTINED);
    }

    /// An image may be deployed again, and so may the revisions with it; whether any was quarantined.
    pub fn release_image(&mut self, digest: &Digest) -> bool {
        let before = self.quarantine.len();
        self.quarantine.retain(|it| it.digest != *digest);
        self.quarantine.len() < before
    }

    /// A revision is known good: a rollback may go there. A placeholder's never is, also where a rollback ended with it.
    pub fn record_known_good(&mut self, known_good: KnownGood) {
        let as_it = |it: &&Deployment| it.revision.new.as_deref() == Some(known_good.revision.short());
        if self.deployments.iter().filter(as_it).any(|it| it.image.is_none()) {
            return;
        }
        self.known_good.retain(|it| it.revision != known_good.revision);
        self.known_good.insert(0, known_good);
        self.known_good.sort_by_key(|it| std::cmp::Reverse(it.at));
        self.known_good.truncate(KNOWN_GOOD);
    }

    /// A tag was pushed to an image; of the same one again, the last counts.
    pub fn tag_pushed(&mut self, push: TagPush) {
        let same = |it: &TagPush| it.digest == push.digest && it.tag == push.tag;
        if self.tag_pushes.iter().any(|it| same(it) && it.at >= push.at) {
            return;
        }
        self.tag_pushes.retain(|it| !same(it));
        let place = self.tag_pushes.iter().position(|it| it.at < push.at).unwrap_or(self.tag_pushes.len());
        self.tag_pushes.insert(place, push);
        self.tag_pushes.truncate(TAG_PUSHES);
    }

    /// A person decided; an older decision never replaces a newer one.
    pub fn decided(&mut self, decision: Decision) {
        if self.decision.as_ref().is_none_or(|it| it.at <= decision.at) {
            self.decision = Some(decision);
        }
    }

    /// A notice was published; of a deployment, where it has a number.
    pub fn record_published(&mut self, number: Option<u64>, id: &str) {
        if self.has_published(id) {
            return;
        }
        match number.and_then(|number| self.at(number)) {
            Some(it) => it.published.push(id.to_owned()),
            None => {
                self.published.insert(0, id.to_owned());
                self.published.truncate(PUBLISHED);
            }
        }
    }

    /// ECS accepted the rollback of this deployment; what is on record of it stays.
    pub fn rollback_accepted(
        &mut self,
        number: u64,
        deployment: Option<&DeploymentId>,
        to: Option<&str>,
        at: Timestamp,
    ) {
        if let Some(rollback) = self.in_progress(number).and_then(|it| it.rollback.as_mut()) {
            rollback.deployment = rollback.deployment.take().or_else(|| deployment.cloned());
            rollback.to = rollback.to.take().or_else(|| to.map(str::to_owned));
            rollback.done_at = rollback.done_at.or(Some(at));
        }
    }

    /// What the images of a deployment were built from is known now.
    pub fn built(&mut self, number: u64, build: BuildChange) {
        if let Some(it) = self.at(number) {
            it.build = Some(build);
        }
    }

    /// What an image was built from, if an earlier deployment brought or replaced it, so that each image is asked only once.
    /// A build that says nothing is an answer, too.
    pub fn build_of(&self, repository: &str, digest: &Digest) -> Option<&Build> {
        self.deployments.iter().find_map(|it| {
            let image = it.image.as_ref().filter(|image| image.repository == repository)?;
            let build = it.build.as_ref()?;
            let of_old = image.old.as_ref().is_some_and(|old| old.digest.as_ref() == Some(digest));
            let of_new = image.new.digest.as_ref() == Some(digest);
            build.new.as_ref().filter(|_| of_new).or(build.old.as_ref().filter(|_| of_old))
        })
    }

    fn in_progress(&mut self, number: u64) -> Option<&mut Progress> {
        self.at(number)?.in_progress()
    }

    /// The deployment of this number, to change it.
    pub fn at(&mut self, number: u64) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|it| it.number == number)
    }
}

/// What came of an update that was intended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Began {
    /// ECS's id of it.
    pub deployment: DeploymentId,
    /// When ECS made it, by ECS's clock.
    pub at: Timestamp,
    /// What it runs.
    pub revision: TaskDefinitionArn,
}

/// Whether a step was taken now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// Now.
    Now,
    /// Before, by somebody else or by an earlier try.
    Before,
}

/// What a person asked for is their decision, from when it was intended.
fn decision_of(it: &Deployment) -> Option<Decision> {
    let what = DecisionKind::of_trigger(&it.trigger)?;
    Some(Decision { what, at: it.intended_at, who: it.who.clone() })
}
