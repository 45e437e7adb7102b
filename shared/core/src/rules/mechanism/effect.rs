//! Whether an update that was meant took effect, where whoever meant it died before it wrote down what came of it.
//!
//! The deployments that ECS lists say so at once. What ECS rolled back, or what was superseded, it soon lists no more;
//! then only its history of service deployments knows. What neither knows never began.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::facts::{Deployment, Revision, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, TaskDefinitionArn};
use crate::model::provenance::Provenance;
use crate::model::record::{self, Began};

use super::{ecs_messages, service_deployment};

/// The longest time between an intent and its update: a Lambda function runs for 15 minutes at most.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// An update that was meant, and what there is to see of it.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    /// The record, whose other deployments are not this one.
    pub record: &'a record::Service,
    /// The deployment that was meant, one of the record's.
    pub meant: &'a record::Deployment,
    /// The service as it is now.
    pub service: &'a ServiceFacts,
    /// The revisions that could be read: those that ECS lists, and those of the history that is looked at.
    pub revisions: &'a HashMap<TaskDefinitionArn, Revision>,
}

/// What the update brought about; `None` where neither ECS's list nor this much of its history knows of it.
///
/// Of the history only what comes with its task definition counts; [`of_its_time`] says for which it is worth asking.
pub fn effect(it: &Intent<'_>, history: &[ServiceDeploymentFacts]) -> Option<Began> {
    it.listed().or_else(|| it.in_history(history))
}

/// The service deployments that may be what this update brought about, by the time when they were asked for.
pub fn of_its_time<'a>(
    meant: &record::Deployment,
    history: &'a [ServiceDeploymentFacts],
) -> impl Iterator<Item = &'a ServiceDeploymentFacts> {
    let (since, until) = (meant.intended_at - ecs_messages::SKEW, meant.intended_at + SOON);
    history.iter().filter(move |it| it.created_at.is_some_and(|created| since <= created && created <= until))
}

impl Intent<'_> {
    /// By the deployments that ECS lists. It may have been superseded already, and not be the PRIMARY any more.
    fn listed(&self) -> Option<Began> {
        let since = self.meant.intended_at - ecs_messages::SKEW;
        let made = |it: &&Deployment| {
            // What was there before is no sign of it, though it may run the same revision.
            Some(&it.id) != self.meant.over.as_ref()
                && it.created_at.is_none_or(|created| created >= since)
                && self.record.of_id(&it.id).is_none()
                && self.is_meant(&it.task_definition)
        };
        let made = self.service.deployments.iter().find(made)?;
        Some(Began {
            deployment: made.id.clone(),
            at: made.created_at.unwrap_or(self.meant.intended_at),
            revision: made.task_definition.clone(),
        })
    }

    /// By ECS's history, which knows for 90 days what it lists no more.
    fn in_history(&self, history: &[ServiceDeploymentFacts]) -> Option<Began> {
        let known = service_deployment::recorded(self.record, self.service, history);
        let made = of_its_time(self.meant, history)
            .filter(|it| !known.contains(&&it.arn))
            .filter(|it| it.task_definition.as_ref().is_some_and(|revision| self.is_meant(revision)))
            .min_by_key(|it| it.created_at)?;
        Some(Began {
            // AWS documents no mapping from its history to the ids of events and tasks. The log names a deployment that
            // failed, and then its tasks can still be found; else it goes by its service deployment's id, which is as
            // good a name: nothing that is still to come will call it by another.
            deployment: self.failed_in_log(made).unwrap_or_else(|| made.arn.as_deployment()),
            at: made.created_at?,
            revision: made.task_definition.clone()?,
        })
    }

    /// Whether a deployment of this revision is what was meant: the revision is named in the intent, or was registered for
    /// the same event. It need not be by the same request, because a later try adopts what an earlier one registered.
    fn is_meant(&self, revision: &TaskDefinitionArn) -> bool {
        let named = self.meant.revision.new.as_deref() == Some(revision.short());
        let read = || self.revisions.values().find(|it| it.arn.short() == revision.short());
        let marked = |event| read().and_then(Provenance::of).is_some_and(|provenance| provenance.is_of(event));
        named || self.meant.event.as_ref().is_some_and(marked)
    }

    /// The id by which ECS's log calls this deployment failed, while it was under way.
    fn failed_in_log(&self, made: &ServiceDeploymentFacts) -> Option<DeploymentId> {
        let (since, until) = (made.created_at?, made.finished_at.unwrap_or(Timestamp::MAX));
        let failed = ecs_messages::failed_in_log_between(self.service, since, until);
        let mut unknown = failed.filter(|id| self.record.of_id(id).is_none() && Some(id) != self.meant.over.as_ref());
        unknown.next()
    }
}
