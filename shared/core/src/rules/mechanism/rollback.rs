//! How Slipway's own rollback of a deployment stands. Its events belong to that deployment's story and begin no other.

use jiff::Timestamp;

use crate::model::event::StateChange;
use crate::model::facts::{DeploymentFacts, Rollout, ServiceDeploymentStatus, ServiceFacts};
use crate::model::id::{DeploymentId, TaskDefinitionArn};
use crate::model::record::{self, Outcome, Rollback, RollbackMethod};

use super::assess::{Assessment, End, LAG, RollbackInitiator, Situation, replaced, rolling_back, went_back};
use super::ecs_messages;

/// The deployment that Slipway's rollback from this one made, if the PRIMARY is it.
///
/// A stop makes none: ECS puts an older deployment back, which may be somebody else's and is known by its own name.
pub fn its_rollback<'a>(deployment: &record::Deployment, service: &'a ServiceFacts) -> Option<&'a DeploymentFacts> {
    let rollback = deployment.rollback()?;
    let primary = service.primary()?;
    (rollback.how != RollbackMethod::Stop && is_it(deployment, rollback, primary)).then_some(primary)
}

pub(super) fn assess(it: &Situation<'_>, id: &DeploymentId) -> Assessment {
    let Some(rollback) = it.deployment.rollback() else { return Assessment::RollbackDue };
    if let Some(told) = by_event(it, rollback).or_else(|| by_service_deployment(it, rollback)) {
        return told;
    }
    if let Some(newer) = newer_recorded(it, rollback) {
        return gave_way(it, rollback, newer);
    }
    let Some(primary) = it.service.primary() else { return under_way(it, rollback) };
    if primary.id == *id {
        // It won while the rollback was decided, and nothing was sent.
        let won = primary.rollout == Some(Rollout::Completed) && rollback.done_at.is_none();
        return match won {
            true => unless_it_may_begin(it, rollback, End::of(Outcome::Completed).into()),
            false => under_way(it, rollback),
        };
    }
    if is_it(it.deployment, rollback, primary) {
        return went_back(it, primary, RollbackInitiator::Slipway);
    }
    if primary.created_at.is_some_and(|created| created > made(it, rollback)) {
        return gave_way(it, rollback, primary.id.clone());
    }
    if rollback.deployment.is_none() {
        // ECS was faster, or a StopServiceDeployment took effect under the old deployment's id.
        return went_back(
            it,
            primary,
            if rollback.how == RollbackMethod::Stop { RollbackInitiator::Slipway } else { ecs_messages::who(it) },
        );
    }
    // An update is not shown at once.
    if it.now.duration_since(rollback.done_at.unwrap_or(rollback.at)) < LAG {
        return under_way(it, rollback);
    }
    // ECS went back from what Slipway put back.
    End { says: ecs_messages::words(it, primary), ..End::of(Outcome::RollbackFailed) }.into()
}

/// When the rollback was made, as far as that is known; what is newer came over it.
fn made(it: &Situation<'_>, rollback: &Rollback) -> Timestamp {
    let its = it.service.deployments.iter().find(|listed| Some(&listed.id) == rollback.deployment.as_ref());
    its.and_then(|its| its.created_at).or(rollback.done_at).unwrap_or(rollback.at)
}

/// The next deployment that the record has, but for those that the rollback went over: somebody may have made one that
/// nobody had seen when it was decided.
fn newer_recorded(it: &Situation<'_>, rollback: &Rollback) -> Option<DeploymentId> {
    let came_over = |other: &record::Deployment| rollback.done_at.is_none() || other.began_at() > made(it, rollback);
    let newer = it.record.deployments.iter().take_while(|other| other.number != it.deployment.number);
    newer.filter(|other| other.id().is_some() && came_over(other)).last()?.id().cloned()
}

/// Something newer took the place of what failed.
fn gave_way(it: &Situation<'_>, rollback: &Rollback, newer: DeploymentId) -> Assessment {
    unless_it_may_begin(it, rollback, replaced(it, newer))
}

/// How it ended, unless whoever holds the lease may be about to make the call all the same, which they do not take back.
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
        StateChange::Completed => Some(End { says, ..End::of(Outcome::RolledBackBySlipway) }.into()),
        StateChange::Failed => Some(End { says, ..End::of(Outcome::RollbackFailed) }.into()),
    }
}

/// What ECS's own story of the failed deployment says; it tells nothing of a rollback by an update.
fn by_service_deployment(it: &Situation<'_>, rollback: &Rollback) -> Option<Assessment> {
    let service_deployment = it.service_deployment?;
    let end =
        |outcome| Assessment::Ended(End { outcome, newer: None, says: service_deployment.says().map(str::to_owned) });
    match service_deployment.status {
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

/// Nothing of it is to be seen: the call is under way where ECS accepted it, else it has to be made.
fn under_way(it: &Situation<'_>, rollback: &Rollback) -> Assessment {
    match rollback.done_at {
        Some(_) => rolling_back(it, RollbackInitiator::Slipway),
        None => Assessment::RollbackDue,
    }
}

/// Whether the PRIMARY is what Slipway put back.
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
