//! How Slipway's own rollback of a deployment stands. Its events belong to that deployment, and begin no other.

use jiff::Timestamp;

use crate::model::event::StateChange;
use crate::model::facts::{DeploymentFacts, ServiceDeploymentStatus, ServiceFacts};
use crate::model::id::{DeploymentId, TaskDefinitionArn};
use crate::model::record::{self, Outcome, Rollback, RollbackMethod};

use super::assess::{
    Assessment, End, LAG, RollbackInitiator, Situation, replaced, rolling_back, success_is_final, went_back,
};
use super::{ecs_messages, is_completed};

/// The deployment that Slipway's rollback from this one made, if the PRIMARY is it.
///
/// A stop makes none: ECS restores an older deployment, which may be external and keeps its own id.
pub fn its_rollback<'a>(deployment: &record::Deployment, service: &'a ServiceFacts) -> Option<&'a DeploymentFacts> {
    let rollback = deployment.rollback()?;
    let primary = service.primary()?;
    (rollback.how != RollbackMethod::Stop && is_it(deployment, rollback, primary)).then_some(primary)
}

pub(super) fn assess(it: &Situation<'_>, id: &DeploymentId) -> Assessment {
    let Some(rollback) = it.deployment.rollback() else { return Assessment::RollbackDue };
    if let Some(assessment) = by_event(it, rollback).or_else(|| by_service_deployment(it, rollback)) {
        return assessment;
    }
    if let Some(newer) = newer_recorded(it, rollback) {
        return superseded(it, rollback, newer);
    }
    let Some(primary) = it.service.primary() else { return under_way(it, rollback) };
    if primary.id == *id {
        // It won while the rollback was decided, and nothing was sent.
        return match is_completed(primary) && rollback.done_at.is_none() {
            true => unless_it_may_begin(it, rollback, End::of(Outcome::Completed).into()),
            false => under_way(it, rollback),
        };
    }
    if is_it(it.deployment, rollback, primary) {
        // It may be somebody else's, while the holder of the lease has yet to make the rollback.
        return unless_it_may_begin(it, rollback, went_back(it, primary, RollbackInitiator::Slipway));
    }
    if primary.created_at.is_some_and(|created| created > made(it, rollback)) {
        return superseded(it, rollback, primary.id.clone());
    }
    if rollback.deployment.is_none() {
        // ECS was faster, or a StopServiceDeployment took effect under the old deployment's id.
        let by = match rollback.how {
            RollbackMethod::Stop => RollbackInitiator::Slipway,
            RollbackMethod::Update => ecs_messages::initiator(it),
        };
        return match (went_back(it, primary, by), rollback.how) {
            // A tool may have put the old revision back, and the update still comes.
            (end @ Assessment::Ended(_), RollbackMethod::Update) => unless_it_may_begin(it, rollback, end),
            (judged, RollbackMethod::Update | RollbackMethod::Stop) => judged,
        };
    }
    // An update is not shown at once.
    if it.now.duration_since(rollback.done_at.unwrap_or(rollback.at)) < LAG {
        return under_way(it, rollback);
    }
    // ECS went back from what Slipway restored.
    End { says: ecs_messages::words(it, primary), ..End::of(Outcome::RollbackFailed) }.into()
}

/// When the rollback was made, as far as that is known; what is newer replaced it.
fn made(it: &Situation<'_>, rollback: &Rollback) -> Timestamp {
    let its = it.service.deployments.iter().find(|listed| Some(&listed.id) == rollback.deployment.as_ref());
    its.and_then(|its| its.created_at).or(rollback.done_at).unwrap_or(rollback.at)
}

/// The next deployment that the record has, but for those that the rollback replaced: somebody may have made one that was not
/// observed when the rollback was decided.
fn newer_recorded(it: &Situation<'_>, rollback: &Rollback) -> Option<DeploymentId> {
    ecs_messages::next_recorded(it, |other| rollback.done_at.is_none() || other.began_at() > made(it, rollback))
}

/// Something newer took the place of what failed.
fn superseded(it: &Situation<'_>, rollback: &Rollback, newer: DeploymentId) -> Assessment {
    unless_it_may_begin(it, rollback, replaced(it, newer))
}

/// How it ended, unless the holder of the lease may still make the call.
fn unless_it_may_begin(it: &Situation<'_>, rollback: &Rollback, end: Assessment) -> Assessment {
    match it.held_until().filter(|_| rollback.done_at.is_none()) {
        Some(until) => Assessment::RollbackIntended { until },
        None => end,
    }
}

fn by_event(it: &Situation<'_>, rollback: &Rollback) -> Option<Assessment> {
    let event = ecs_messages::event_of(it, rollback.deployment.as_ref()?)?;
    let says = event.reason.clone();
    match event.change {
        StateChange::InProgress => None,
        _ if event.at < rollback.at => None,
        // The list decides, which has the tasks as well.
        StateChange::Completed if it.service.completes_early => None,
        StateChange::Completed => Some(End { says, ..End::of(Outcome::RolledBackBySlipway) }.into()),
        StateChange::Failed => Some(End { says, ..End::of(Outcome::RollbackFailed) }.into()),
    }
}

/// What the service deployment of the failed deployment says; of a rollback by an update it says nothing.
fn by_service_deployment(it: &Situation<'_>, rollback: &Rollback) -> Option<Assessment> {
    let service_deployment = it.service_deployment?;
    let end = |outcome| Assessment::Ended(End::said(outcome, service_deployment));
    match service_deployment.status {
        ServiceDeploymentStatus::Successful if !success_is_final(it) => None,
        // It won before the call was made, or before ECS came to stop it.
        ServiceDeploymentStatus::Successful if rollback.done_at.is_none() || rollback.how == RollbackMethod::Stop => {
            match rollback.how {
                // A stop does nothing to what has won.
                RollbackMethod::Stop => Some(end(Outcome::Completed)),
                RollbackMethod::Update => Some(unless_it_may_begin(it, rollback, end(Outcome::Completed))),
            }
        }
        _ if rollback.how != RollbackMethod::Stop => None,
        ServiceDeploymentStatus::RollbackSuccessful => Some(end(Outcome::RolledBackBySlipway)),
        ServiceDeploymentStatus::RollbackFailed => Some(end(Outcome::RollbackFailed)),
        ServiceDeploymentStatus::RollbackRequested | ServiceDeploymentStatus::RollbackInProgress => {
            Some(rolling_back(it, RollbackInitiator::Slipway))
        }
        _ => None,
    }
}

/// ECS shows nothing of it: the call is under way where ECS accepted it, else it has to be made.
fn under_way(it: &Situation<'_>, rollback: &Rollback) -> Assessment {
    match rollback.done_at {
        Some(_) => rolling_back(it, RollbackInitiator::Slipway),
        None => Assessment::RollbackDue,
    }
}

/// Whether the PRIMARY is what Slipway restored.
fn is_it(failed: &record::Deployment, rollback: &Rollback, primary: &DeploymentFacts) -> bool {
    if let Some(id) = &rollback.deployment {
        return primary.id == *id;
    }
    let since = primary.created_at.is_none_or(|created| created >= rollback.at - ecs_messages::SKEW);
    let to =
        rollback.to.as_deref().is_none_or(|to| TaskDefinitionArn::new(to).short() == primary.task_definition.short());
    let before = failed.id() == Some(&primary.id) || rollback.previous_primary.as_ref() == Some(&primary.id);
    since && to && !before
}
