//! What was begun and not finished, and what was not told, by the record and by what ECS says.

use jiff::{Timestamp, ToSpan};

use crate::model::facts::{ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, TargetName, TaskDefinitionArn};
use crate::model::notice::NoticeKind;
use crate::model::plan::{Plan, Shown};
use crate::model::reason::Reason;
use crate::model::record::{Deployment, Service};
use crate::model::trigger::Trigger;
use crate::rules::mechanism::{self, Intent, effect};
use crate::rules::note::Note;

/// The updates that were meant and of which nobody knows whether they took effect: whoever meant them died.
pub fn unresolved(record: &Service) -> Vec<&Deployment> {
    record.deployments.iter().filter(|it| it.is_intent()).collect()
}

/// Whether such an update took effect. It is forgotten only where ECS's history, if it was asked, knows nothing of it either.
pub fn resolve(intent: &Intent<'_>, history: &[ServiceDeploymentFacts]) -> Note {
    match effect(intent, history) {
        Some(began) => Note::Began(intent.deployment.number, began),
        None => Note::Discarded(intent.deployment.number),
    }
}

/// The deployments of ours whose story has not ended although something older is the PRIMARY again: they failed, and nobody
/// has judged that yet.
pub fn unjudged<'a>(record: &'a Service, service: &ServiceFacts) -> impl Iterator<Item = &'a Deployment> {
    let primary = service.primary().and_then(|primary| Some((primary.id.clone(), primary.created_at?)));
    record.deployments.iter().filter(move |it| {
        let is_open = it.is_open() && it.rollback().is_none() && !it.is_external();
        let went_back = primary
            .as_ref()
            .is_some_and(|(id, created)| it.id().is_some_and(|own| own != id) && it.began_at() > *created);
        is_open && went_back
    })
}

/// The deployments that began and of which nobody was told.
pub fn unpublished(record: &Service) -> Vec<&Deployment> {
    let is_published =
        |it: &Deployment, id: &DeploymentId| it.published.contains(&format!("{id}/{}", NoticeKind::Started.as_str()));
    let unpublished = |it: &&Deployment| it.id().is_some_and(|id| !is_published(it, id));
    record.deployments.iter().filter(|it| it.is_open() && !it.is_external()).filter(unpublished).collect()
}

/// The plan of a deployment whose notice was lost, as the record remembers it.
pub fn late_plan(target: &TargetName, intended: &Deployment) -> Plan {
    let image = intended.image.as_ref().map(|image| image.new.clone()).unwrap_or(Shown { tag: None, digest: None });
    let reason = match (&intended.trigger, image.tag.clone()) {
        (Trigger::Push, Some(tag)) => Reason::Pushed { tag },
        (Trigger::Redeploy, _) => Reason::RedeployForced,
        (Trigger::Rollback, _) => Reason::RollbackAsked { revision: intended.revision.new.clone().unwrap_or_default() },
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

/// Whether a reconcile looks after a deployment: it has no end, or nobody was told of it.
pub fn is_unfinished(deployment: &Deployment) -> bool {
    deployment.is_open() || end_is_unpublished(deployment)
}

/// The deployments that a reconcile looks after, each with when its deadline ought to ring.
///
/// `None` where that is now: it is past, ECS knows an end that nobody saw, or nobody was told of the end.
pub fn overdue(record: &Service, service: Option<&ServiceFacts>, now: Timestamp) -> Vec<(u64, Option<Timestamp>)> {
    let goes_on = |id: &DeploymentId| {
        let made = service.and_then(|service| service.deployments.iter().find(|it| it.id == *id));
        made.is_some_and(|it| mechanism::is_primary(it) && mechanism::is_in_progress(it))
    };
    let unfinished = record.deployments.iter().filter(|it| is_unfinished(it));
    unfinished
        .filter_map(|it| {
            let id = it.id()?;
            Some((it.number, it.deadline.filter(|at| it.is_open() && *at > now && goes_on(id))))
        })
        .collect()
}

/// Whether ECS's answer is older than the last update that is recorded: ECS answers are eventually consistent.
pub fn is_stale(record: &Service, service: &ServiceFacts, now: Timestamp) -> bool {
    /// Longer than ECS lags behind itself.
    const LAG_SECONDS: i64 = 60;
    let last = record.deployments.iter().find(|it| it.id().is_some() && it.is_open());
    let Some((id, at)) = last.and_then(|it| Some((it.id()?, it.began_at()))) else { return false };
    let recent = at.checked_add(LAG_SECONDS.seconds()).is_ok_and(|until| until > now);
    let newer =
        |it: &crate::model::facts::DeploymentFacts| it.id == *id || it.created_at.is_some_and(|made| made >= at);
    recent && !service.deployments.iter().any(newer)
}

/// Whether a deployment has ended and nobody was told. What others did says nothing afterwards of how it ended.
pub fn end_is_unpublished(deployment: &Deployment) -> bool {
    let Some(outcome) = deployment.outcome().filter(|_| !deployment.is_external()) else { return false };
    let end = format!("/{}", NoticeKind::of_end(outcome).as_str());
    !deployment.published.iter().any(|id| id.ends_with(&end))
}

#[cfg(test)]
mod tests;
