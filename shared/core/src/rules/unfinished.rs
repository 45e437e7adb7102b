//! What was begun and not finished, and what was not published, by the record and by what ECS says.

use jiff::{SignedDuration, Timestamp};

use crate::model::facts::{DeploymentFacts, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, TargetName, TaskDefinitionArn};
use crate::model::notice::NoticeKind;
use crate::model::plan::{Plan, Shown};
use crate::model::reason::Reason;
use crate::model::record::{Deployment, Outcome, Service};
use crate::model::trigger::Trigger;
use crate::rules::mechanism::{self, Intent, effect};
use crate::rules::note::Note;

/// Whether an intended update took effect, which the invocation that intended it did not record. It is discarded only where
/// ECS's history, if it was asked, does not know it either.
pub fn resolve(intent: &Intent<'_>, history: &[ServiceDeploymentFacts]) -> Note {
    match effect(intent, history) {
        Some(began) => Note::Began(intent.deployment.number, began),
        None => Note::Discarded(intent.deployment.number),
    }
}

/// Our deployments without an end although something older is the PRIMARY again: they failed, and that is not judged yet.
pub fn unjudged<'a>(record: &'a Service, service: &ServiceFacts) -> impl Iterator<Item = &'a Deployment> {
    let primary = service.primary().and_then(|primary| Some((primary.id.clone(), primary.created_at?)));
    record.deployments.iter().filter(move |it| {
        let is_open = it.is_open() && it.rollback().is_none() && !it.is_external();
        let went_back = |(id, created): &(DeploymentId, Timestamp)| {
            it.id().is_some_and(|own| own != id) && it.began_at() > *created
        };
        is_open && primary.as_ref().is_some_and(went_back)
    })
}

/// The deployments that began and whose begin is not published.
pub fn unpublished(record: &Service) -> Vec<&Deployment> {
    let started = NoticeKind::Started.as_str();
    let unpublished = |it: &&Deployment| it.id().is_some_and(|id| !it.published.contains(&format!("{id}/{started}")));
    record.deployments.iter().filter(|it| it.is_open() && !it.is_external()).filter(unpublished).collect()
}

/// The plan of a deployment whose notice was lost, by the record.
pub fn late_plan(target: &TargetName, intended: &Deployment) -> Plan {
    let image = intended.image.as_ref().map(|image| image.new.clone()).unwrap_or(Shown { tag: None, digest: None });
    let reason = match (&intended.trigger, image.tag.clone()) {
        (Trigger::Push, Some(tag)) => Reason::Pushed { tag },
        (Trigger::Redeploy, _) => Reason::RedeployForced,
        (Trigger::Rollback, _) => Reason::RollbackAsked {
            revision: intended.revision.new.clone().unwrap_or_default(),
            passed_over: Vec::new(),
        },
        (Trigger::Reconcile | Trigger::Release, _) => Reason::Reconciled { image: image.to_string() },
        (Trigger::Push, None) | (Trigger::Deploy | Trigger::External | Trigger::Unknown | Trigger::Other(_), _) => {
            Reason::Asked { image: image.to_string() }
        }
    };
    Plan {
        image: intended.image.clone(),
        running: intended.revision.old.as_deref().map(TaskDefinitionArn::new),
        ..Plan::nothing(target.clone(), reason)
    }
}

/// Whether a reconcile attends to a deployment: it has no end, or its end is not published.
pub fn is_unfinished(deployment: &Deployment) -> bool {
    deployment.is_open() || end_is_unpublished(deployment)
}

/// The deployments that a reconcile attends to, each with the time of its deadline.
///
/// `None` where it is due now: the deadline is past, ECS knows an end that is not recorded, or the end is not published.
pub fn overdue(record: &Service, service: Option<&ServiceFacts>, now: Timestamp) -> Vec<(u64, Option<Timestamp>)> {
    let goes_on = |id: &DeploymentId| {
        let made = service.and_then(|service| service.deployments.iter().find(|it| it.id == *id));
        // No event tells when what completed early has all its tasks.
        let goes_on = |it: &DeploymentFacts| mechanism::is_in_progress(it) && !mechanism::completed_early(it);
        made.is_some_and(|it| mechanism::is_primary(it) && goes_on(it))
    };
    let due = |it: &Deployment| {
        let id = it.id()?;
        Some((it.number, it.deadline.filter(|at| it.is_open() && *at > now && goes_on(id))))
    };
    record.deployments.iter().filter(|it| is_unfinished(it)).filter_map(due).collect()
}

/// Whether ECS's answer is older than the last update that is recorded: ECS answers are eventually consistent.
pub fn is_stale(record: &Service, service: &ServiceFacts, now: Timestamp) -> bool {
    /// Longer than ECS lags behind itself.
    const LAG: SignedDuration = SignedDuration::from_secs(60);
    let mut open = record.deployments.iter().filter(|it| it.is_open());
    let Some((id, at)) = open.find_map(|it| Some((it.id()?, it.began_at()))) else { return false };
    let newer = |it: &DeploymentFacts| it.id == *id || it.created_at.is_some_and(|made| made >= at);
    now.duration_since(at) < LAG && !service.deployments.iter().any(newer)
}

/// Whether a deployment has ended and that is not published. Of somebody else's, a version before recorded only that it is one, and
/// published its end before.
pub fn end_is_unpublished(deployment: &Deployment) -> bool {
    let known = deployment.published_outcome().filter(|it| *it != Outcome::External);
    let Some(outcome) = known else { return false };
    let end = format!("/{}", NoticeKind::of_end(outcome).as_str());
    !deployment.published.iter().any(|id| id.ends_with(&end))
}

#[cfg(test)]
mod tests;
