//! The one judge: how a recorded deployment stands, from the record and what ECS shows now.
//!
//! In this order: its service deployment, the deployment of the recorded id, the PRIMARY.
//! An event is only a hint that ECS's answers may not show yet. What has ended stays ended.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::event::{DeploymentEvent, StateChange};
use crate::model::facts::{DeploymentFacts, Revision, Rollout, ServiceDeploymentFacts, ServiceFacts, Strategy};
use crate::model::id::{DeploymentId, TaskDefinitionArn};
use crate::model::record;
use crate::model::record::{Began, FailedBy, Outcome};

use super::effect::{Intent, effect};
use super::pace::{Because, Pace, of_deployment, of_rollback};
use super::{ecs_messages, has_failed, is_completed, is_primary, monitors, rollback, too_many_failed_tasks};

/// ECS answers some calls with what was true a moment ago; after this long an answer is taken at its word.
pub(super) const LAG: SignedDuration = SignedDuration::from_mins(2);

/// A recorded deployment, and what is observed of it now.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The record, which knows what was deployed since.
    pub record: &'a record::Service,
    /// The deployment, one of the record's.
    pub deployment: &'a record::Deployment,
    /// What ECS said, if an event is the trigger: `service` may not show it yet, but never shows more than has happened.
    pub event: Option<&'a DeploymentEvent>,
    /// The service as it is now.
    pub service: &'a ServiceFacts,
    /// Its service deployment, see [`its_service_deployment`](super::its_service_deployment); without it the list of
    /// deployments decides.
    pub service_deployment: Option<&'a ServiceDeploymentFacts>,
    /// The revisions that ECS lists; only asked of a deployment whose id is not known, as the history is.
    pub revisions: &'a HashMap<TaskDefinitionArn, Revision>,
    /// The service deployments that may be this one, with their task definitions. Only asked where the answer without them
    /// is [`Assessment::NeverBegan`]: what ECS no longer lists may have begun all the same.
    pub history: &'a [ServiceDeploymentFacts],
    /// When the service was asked for, however late it is judged: the answer says nothing about what began after that.
    pub now: Timestamp,
}

/// How a deployment stands, and so what is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// It is intended, and the update may still be made.
    Intended {
        /// Observe again then.
        until: Timestamp,
    },
    /// The intent took effect: to be recorded, and to be assessed again.
    Began(Began),
    /// The intent did not take effect, as far as is observed: to be discarded, if ECS's history was asked too.
    NeverBegan,
    /// It is under way.
    InProgress(Pace),
    /// It failed, and nobody rolls back yet.
    Failing {
        /// Who says so.
        by: FailedBy,
    },
    /// It failed, and it is being rolled back.
    RollingBack {
        /// Who rolls it back.
        by: RollbackInitiator,
        /// Whether that takes too long.
        pace: Pace,
    },
    /// Slipway decided to roll back, and ECS shows nothing of it: the call has to be made, perhaps again.
    RollbackDue,
    /// Slipway decided to roll back; before that was done it completed, or something newer took its place. The holder of the
    /// lease may still make the rollback: ECS takes no fence.
    RollbackIntended {
        /// Observe again then.
        until: Timestamp,
    },
    /// It ended.
    Ended(End),
    /// It ended before; nothing changes that.
    Over(Outcome),
}

/// Who rolls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackInitiator {
    /// ECS automatically: its circuit breaker, an alarm or a lifecycle hook.
    Ecs,
    /// Slipway.
    Slipway,
    /// Somebody who stopped the deployment.
    Somebody,
}

/// How a deployment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The outcome.
    pub outcome: Outcome,
    /// The deployment that took its place, if one did.
    pub newer: Option<DeploymentId>,
    /// ECS's words about it.
    pub says: Option<String>,
}

impl End {
    /// An end with nothing more to say.
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, newer: None, says: None }
    }

    /// An end in the words of ECS about this service deployment.
    pub(super) fn said(outcome: Outcome, by: &ServiceDeploymentFacts) -> Self {
        Self { says: by.says().map(str::to_owned), ..Self::of(outcome) }
    }

    /// The outcome to record: of an external deployment, only that it is one.
    pub fn recorded(&self, deployment: &record::Deployment) -> Outcome {
        if deployment.is_external() { Outcome::External } else { self.outcome }
    }
}

impl From<End> for Assessment {
    fn from(end: End) -> Self {
        Self::Ended(end)
    }
}

/// Judges one recorded deployment.
pub fn assess(it: &Situation<'_>) -> Assessment {
    if let Some(outcome) = it.deployment.outcome() {
        return Assessment::Over(outcome);
    }
    let Some(id) = it.deployment.id() else { return intent(it) };
    if it.deployment.rollback().is_some() {
        return rollback::assess(it, id);
    }
    by_service_deployment(it).unwrap_or_else(|| listed(it, id))
}

/// An intent whose effect is not recorded.
fn intent(it: &Situation<'_>) -> Assessment {
    let intended = it.deployment;
    let intent = Intent { record: it.record, deployment: intended, service: it.service, revisions: it.revisions };
    if let Some(began) = effect(&intent, it.history) {
        return Assessment::Began(began);
    }
    let held = it.held_until();
    let visible = Some(intended.intended_at + LAG).filter(|until| *until > it.now);
    match held.max(visible) {
        Some(until) => Assessment::Intended { until },
        None => Assessment::NeverBegan,
    }
}

/// What its service deployment says; `None` while that leaves the question open.
fn by_service_deployment(it: &Situation<'_>) -> Option<Assessment> {
    use crate::model::facts::ServiceDeploymentStatus::*;
    let service_deployment = it.service_deployment?;
    let end = |outcome| End::said(outcome, service_deployment);
    let initiator = ecs_messages::initiator(it);
    Some(match &service_deployment.status {
        Successful if !success_is_final(it) => return None,
        Successful => end(Outcome::Completed).into(),
        RollbackSuccessful if initiator == RollbackInitiator::Somebody => end(Outcome::Stopped).into(),
        RollbackSuccessful => end(Outcome::RolledBackByEcs).into(),
        // ECS found no revision to go back to: Slipway may know one, unless something newer has taken its place.
        RollbackFailed if ecs_messages::found_no_candidate(service_deployment) => match ecs_messages::newer(it) {
            Some(newer) => End { newer: Some(newer), ..end(Outcome::Failed) }.into(),
            None => Assessment::Failing { by: FailedBy::Ecs },
        },
        RollbackFailed => end(Outcome::RollbackFailed).into(),
        RollbackRequested => rolling_back(it, RollbackInitiator::Somebody),
        RollbackInProgress => rolling_back(it, initiator),
        Stopped => stopped(it, service_deployment),
        Pending | InProgress | StopRequested | Other(_) => return None,
    })
}

/// Whether ECS's word of its success is the last one. With early success criteria it is only where all its tasks run, as the
/// list shows: until then it may still fail, and nobody but Slipway rolls back.
pub(super) fn success_is_final(it: &Situation<'_>) -> bool {
    !it.service.completes_early || ecs_messages::own(it).is_some_and(|own| is_primary(own) && is_completed(own))
}

/// Whether the traffic of a service of CodeDeploy never left what served before, though nobody rolled back.
fn kept_serving(it: &Situation<'_>) -> bool {
    let primary = it.service.primary().filter(|_| it.service.strategy == Strategy::CodeDeploy);
    primary.is_some_and(|primary| Some(&primary.id) != it.deployment.id() && is_completed(primary))
}

/// ECS stops a deployment that a newer one replaces, one that failed while it is not set to roll back, and one that
/// somebody stops.
fn stopped(it: &Situation<'_>, service_deployment: &ServiceDeploymentFacts) -> Assessment {
    if let Some(newer) = ecs_messages::newer(it) {
        return replaced(it, newer);
    }
    let own = ecs_messages::own(it);
    let failed = own.is_some_and(has_failed) || ecs_messages::noticed_a_failure(service_deployment);
    let failed = failed || it.deployment.failing().is_some();
    if failed && kept_serving(it) {
        return End::said(Outcome::Failed, service_deployment).into();
    }
    if failed {
        return Assessment::Failing { by: failed_by(it) };
    }
    End::said(Outcome::Stopped, service_deployment).into()
}

/// What the service's list of deployments says.
fn listed(it: &Situation<'_>, id: &DeploymentId) -> Assessment {
    let own = ecs_messages::own(it);
    let says_completed = |event: &DeploymentEvent| event.change == StateChange::Completed;
    let completed = own.is_some_and(is_completed) || ecs_messages::event_of(it, id).is_some_and(says_completed);
    if completed && success_is_final(it) {
        return End { newer: ecs_messages::newer(it), ..End::of(Outcome::Completed) }.into();
    }
    if let Some(newer) = ecs_messages::newer_recorded(it) {
        return replaced(it, newer);
    }
    if it.service.status != "ACTIVE" {
        return End::of(Outcome::Stopped).into();
    }
    let Some(primary) = it.service.primary() else { return in_time_or_failing(it, None) };
    if primary.id == *id {
        return as_primary(it, primary);
    }
    if let Some(newer) = ecs_messages::newer_listed(it).or_else(|| ecs_messages::another_failed(it, primary)) {
        return replaced(it, newer);
    }
    // A new deployment is not shown at once, and never by an answer from before it began.
    let age = it.now.duration_since(it.deployment.began_at());
    let lags = age < LAG && it.deployment.failing().is_none() && !ecs_messages::says_rolled_back_to(it, primary);
    if own.is_none() && (age.is_negative() || lags) {
        return Assessment::InProgress(Pace::InTime);
    }
    went_back(it, primary, ecs_messages::initiator(it))
}

/// Its deployment is the PRIMARY.
fn as_primary(it: &Situation<'_>, own: &DeploymentFacts) -> Assessment {
    if !has_failed(own) && ecs_messages::says_rolled_back_to(it, own) {
        // ECS goes back to what completed, and to nothing else.
        return End { newer: ecs_messages::newer_listed(it), ..End::of(Outcome::Completed) }.into();
    }
    let by_event = ecs_messages::event_of(it, &own.id).is_some_and(|event| event.change == StateChange::Failed);
    if has_failed(own) || by_event {
        // For a hook ECS goes back whatever its monitors are set to.
        let by_hook = it.service_deployment.is_some_and(|it| it.failed_hook.is_some());
        let goes_back = monitors::rolls_back(it) || by_hook;
        return match goes_back && ecs_messages::has_another_to_go_to(it.service, own) {
            true => rolling_back(it, RollbackInitiator::Ecs),
            false => Assessment::Failing { by: FailedBy::Ecs },
        };
    }
    if ecs_messages::announces_rollback(it) {
        return rolling_back(it, ecs_messages::initiator(it));
    }
    if let Some(until) = rollback_is_asked_until(it) {
        let more = Pace::Rearm { at: until, because: Because::RollbackAsked };
        return Assessment::InProgress(of_deployment(it, Some(own)).unwrap_or(more));
    }
    if it.deployment.failing().is_some() {
        return Assessment::Failing { by: failed_by(it) };
    }
    if too_many_failed_tasks(it.deployment, it.service) {
        return Assessment::Failing { by: FailedBy::Tasks };
    }
    in_time_or_failing(it, Some(own))
}

/// Until when it is to show that it is rolled back, as a person asked; `None` where nobody did, or where that is long ago.
fn rollback_is_asked_until(it: &Situation<'_>) -> Option<Timestamp> {
    let until = it.record.rollback_asked_since(it.deployment.began_at())?.at + LAG;
    (it.now < until).then_some(until)
}

fn in_time_or_failing(it: &Situation<'_>, own: Option<&DeploymentFacts>) -> Assessment {
    match of_deployment(it, own) {
        Some(pace) => Assessment::InProgress(pace),
        None => Assessment::Failing { by: FailedBy::Deadline },
    }
}

/// An older deployment is the PRIMARY again.
pub(super) fn went_back(it: &Situation<'_>, primary: &DeploymentFacts, by: RollbackInitiator) -> Assessment {
    let event = ecs_messages::event_of(it, &primary.id).filter(|event| event.at >= it.deployment.began_at());
    // With early success criteria the list decides, which has the tasks as well.
    let event = event.filter(|event| event.change != StateChange::Completed || !it.service.completes_early);
    let says = ecs_messages::words(it, primary);
    match (event.map(|event| event.change), &primary.rollout) {
        (Some(StateChange::Failed), _) | (None | Some(StateChange::InProgress), Some(Rollout::Failed)) => {
            End { says, ..End::of(Outcome::RollbackFailed) }.into()
        }
        (Some(StateChange::Completed), _) | (_, Some(Rollout::Completed)) => {
            let outcome = match by {
                RollbackInitiator::Ecs => Outcome::RolledBackByEcs,
                RollbackInitiator::Slipway => Outcome::RolledBackBySlipway,
                RollbackInitiator::Somebody => Outcome::Stopped,
            };
            End { says, ..End::of(outcome) }.into()
        }
        _ => rolling_back(it, by),
    }
}

pub(super) fn rolling_back(it: &Situation<'_>, by: RollbackInitiator) -> Assessment {
    match of_rollback(it) {
        Some(pace) => Assessment::RollingBack { by, pace },
        None => End::of(Outcome::RollbackFailed).into(),
    }
}

/// A newer deployment took its place: what had not failed by then did not fail.
pub(super) fn replaced(it: &Situation<'_>, newer: DeploymentId) -> Assessment {
    let outcome = if it.deployment.failing().is_some() { Outcome::Failed } else { Outcome::Superseded };
    End { newer: Some(newer), ..End::of(outcome) }.into()
}

fn failed_by(it: &Situation<'_>) -> FailedBy {
    it.deployment.failing().map_or(FailedBy::Ecs, |failing| failing.by)
}

impl Situation<'_> {
    /// Until when somebody holds the lease of the service, if somebody does.
    pub(super) fn held_until(&self) -> Option<Timestamp> {
        self.record.lease.as_ref().map(|lease| lease.until).filter(|until| *until > self.now)
    }

    /// Whether the service replaces its tasks step by step, without traffic shifts.
    pub(super) fn is_rolling(&self) -> bool {
        self.service.strategy == Strategy::Rolling
    }
}
