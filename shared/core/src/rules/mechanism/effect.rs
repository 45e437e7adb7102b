//! Whether an update that was intended took effect, where the invocation died before it recorded that.
//!
//! The deployments that ECS lists say so at once. ECS soon stops listing what it rolled back and what was superseded; then
//! only its history of service deployments knows. What neither knows never began.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::facts::{DeploymentFacts, Revision, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, TaskDefinitionArn};
use crate::model::provenance::Provenance;
use crate::model::record::{self, Began};

use super::assess::LAG;
use super::ecs_messages;

/// The longest time between an intent, or a registration, and its update: a Lambda function runs for 15 minutes at most.
pub(super) const SOON: SignedDuration = SignedDuration::from_mins(15);

/// An update that was intended, and what is observed of it.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    /// The record, whose other deployments are not this one.
    pub record: &'a record::Service,
    /// The deployment that was intended, one of the record's.
    pub deployment: &'a record::Deployment,
    /// The service as it is now.
    pub service: &'a ServiceFacts,
    /// The revisions that could be read: those that ECS lists, and those of the history that is asked.
    pub revisions: &'a HashMap<TaskDefinitionArn, Revision>,
}

/// What the update made; `None` where neither ECS's list nor this much of its history knows of it.
///
/// Of the history only what comes with its task definition counts; [`of_its_time`] says for which it is worth asking.
pub fn effect(it: &Intent<'_>, history: &[ServiceDeploymentFacts]) -> Option<Began> {
    it.listed().or_else(|| it.in_history(history))
}

/// The effect of an UpdateService that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It took effect.
    TookEffect,
    /// It did not, and the service is as it was: the same again does what was planned.
    Repeatable,
    /// The service is not as it was: whether it took effect or not, something newer replaced it. It is planned anew.
    Outdated,
}

/// The effect of an update to this revision that was not answered, by the service as it is now; `previous_primary` was the
/// PRIMARY when it was planned.
pub fn unanswered(
    service: &ServiceFacts,
    revision: &TaskDefinitionArn,
    previous_primary: Option<&DeploymentId>,
) -> Unanswered {
    // It may have taken effect, and ECS may have gone back from it already, to what it was planned over.
    let went_back = |primary: &DeploymentFacts| {
        let made = |it: &DeploymentFacts| it.id != primary.id && it.task_definition == *revision;
        primary.is_rollback() || service.deployments.iter().any(made)
    };
    match service.primary() {
        Some(primary) if Some(&primary.id) == previous_primary && went_back(primary) => Unanswered::Outdated,
        primary if primary.map(|it| &it.id) == previous_primary => Unanswered::Repeatable,
        Some(primary) if primary.task_definition == *revision => Unanswered::TookEffect,
        _ => Unanswered::Outdated,
    }
}

/// The service deployments that this update may have made: those of its time that are not recorded.
pub fn of_its_time<'a>(
    record: &record::Service,
    intended: &record::Deployment,
    history: &'a [ServiceDeploymentFacts],
) -> impl Iterator<Item = &'a ServiceDeploymentFacts> {
    let (since, until) = (intended.intended_at - ecs_messages::SKEW, intended.intended_at + SOON);
    let of_its_time = move |it: &&ServiceDeploymentFacts| {
        let is_recorded = it.key().is_some_and(|key| record.of_id(&key.id()).is_some());
        !is_recorded && it.created_at.is_some_and(|created| since <= created && created <= until)
    };
    history.iter().filter(of_its_time)
}

/// Whether the list of deployments decides alone where ECS's history cannot be asked, because it no longer lags. Until then
/// the history is asked again.
pub fn list_decides(intended: &record::Deployment, now: Timestamp) -> bool {
    intended.intended_at + LAG <= now
}

impl Intent<'_> {
    /// By the deployments that ECS lists: the first that fits, since somebody else may have forced the same revision since. It
    /// may have been superseded already, and not be the PRIMARY any more.
    fn listed(&self) -> Option<Began> {
        let is_previous = |it: &&DeploymentFacts| Some(&it.id) == self.deployment.previous_primary();
        let previous = self.service.deployments.iter().find(is_previous).and_then(|it| it.created_at);
        // What was made before the PRIMARY of then is older than the intent, though clocks may say otherwise.
        let since = previous.max(Some(self.deployment.intended_at - ecs_messages::SKEW));
        let made = |it: &&DeploymentFacts| {
            // What was there before proves nothing, though it may run the same revision.
            Some(&it.id) != self.deployment.previous_primary()
                && it.created_at.is_none_or(|created| Some(created) >= since)
                && self.record.of_id(&it.id).is_none()
                && self.is_intended(&it.task_definition)
        };
        let made = self.service.deployments.iter().filter(made).min_by_key(|it| it.created_at)?;
        Some(Began {
            deployment: made.id.clone(),
            at: made.created_at.unwrap_or(self.deployment.intended_at),
            revision: made.task_definition.clone(),
        })
    }

    /// By ECS's history, which knows for 90 days what the list no longer has.
    fn in_history(&self, history: &[ServiceDeploymentFacts]) -> Option<Began> {
        // What was made before the PRIMARY of then is older than the intent, though clocks may say otherwise.
        let is_previous = |it: &&ServiceDeploymentFacts| {
            self.deployment.previous_primary().is_some_and(|id| it.key().is_some_and(|key| key.id() == *id))
        };
        let since = history.iter().find(is_previous).and_then(|it| it.created_at);
        let began = |it: &ServiceDeploymentFacts| {
            let (id, revision) = (it.key()?.id(), it.task_definition.as_ref()?);
            let is_it =
                Some(&id) != self.deployment.previous_primary() && it.created_at >= since && self.is_intended(revision);
            is_it.then_some(Began { deployment: id, at: it.created_at?, revision: revision.clone() })
        };
        of_its_time(self.record, self.deployment, history).filter_map(began).min_by_key(|it| it.at)
    }

    /// Whether a deployment of this revision is the intended one: the intent names the revision, or it was registered for the
    /// same event. The request may be another one, because a later try adopts what an earlier one registered.
    fn is_intended(&self, revision: &TaskDefinitionArn) -> bool {
        let named = self.deployment.revision.new.as_deref() == Some(revision.short());
        let read = || self.revisions.values().find(|it| it.arn.short() == revision.short());
        let marked = |event| read().and_then(Provenance::of).is_some_and(|provenance| provenance.is_of(event));
        named || self.deployment.event.as_ref().is_some_and(marked)
    }
}
