//! Whether a deployment has time left, and whether one that has none still gets some.

use jiff::Timestamp;

use crate::model::facts::{DeploymentFacts, Pause};

use super::assess::Situation;

/// Whether a deployment has time left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Its deadline has not passed.
    InTime,
    /// Its deadline has passed, but it is to be armed anew.
    Rearm {
        /// For then.
        at: Timestamp,
        /// Why.
        because: Because,
    },
}

/// Why a deployment gets more time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It moved lately, and none of its tasks fails.
    Progresses,
    /// All its tasks run; what is left is ECS's: old tasks drain, health checks settle.
    Settles,
    /// It waits at a lifecycle hook; ECS has a time limit of its own for that.
    Hook,
    /// It is in its bake time.
    BakeTime,
    /// Somebody asked for its rollback a moment ago, which is not shown at once.
    RollbackAsked,
}

/// The pace of the deployment itself; `None` when its time is up.
pub(super) fn of_deployment(it: &Situation<'_>, own: Option<&DeploymentFacts>) -> Option<Pace> {
    // An external deployment has no deadline of ours.
    if it.deployment.is_external() {
        return Some(Pace::InTime);
    }
    let began = it.deployment.began_at();
    let deadline = it.deployment.deadline.unwrap_or_else(|| began + it.deployment.settings.allowance());
    pace(it, own, began, deadline, waits(it))
}

/// The pace of the rollback, which has as much time as the deployment had; `None` when its time is up.
pub(super) fn of_rollback(it: &Situation<'_>) -> Option<Pace> {
    let rollback = it.deployment.rollback().map(|rollback| rollback.done_at.unwrap_or(rollback.at));
    // Whoever stopped it noted nothing. An external deployment has no deadline of ours.
    let stopped = || it.service_deployment?.rollback_at.filter(|_| !it.deployment.is_external());
    let Some(began) = rollback.or(it.deployment.failing().map(|failing| failing.at)).or_else(stopped) else {
        return Some(Pace::InTime);
    };
    // The stage is still the one that the deployment failed in, and what it goes back to has baked before.
    let waits = waits(it).filter(|because| *because != Because::BakeTime);
    pace(it, it.service.primary(), began, began + it.deployment.settings.allowance(), waits)
}

fn pace(
    it: &Situation<'_>,
    moving: Option<&DeploymentFacts>,
    began: Timestamp,
    deadline: Timestamp,
    waits: Option<Because>,
) -> Option<Pace> {
    if it.now < deadline {
        return Some(Pace::InTime);
    }
    let because = waits.or_else(|| progresses(it, moving?, began))?;
    Some(Pace::Rearm { at: it.now + it.deployment.settings.extension(), because })
}

/// ECS itself waits, and says so.
fn waits(it: &Situation<'_>) -> Option<Because> {
    let service_deployment = it.service_deployment.filter(|service_deployment| service_deployment.is_ongoing())?;
    match (&service_deployment.pause, service_deployment.stage.as_deref()) {
        (Pause::Hook(_), _) => Some(Because::Hook),
        (Pause::No, Some("BAKE_TIME")) => Some(Because::BakeTime),
        _ => None,
    }
}

/// A deployment past its deadline still progresses if ECS changed it within the last third of its time, at least one of
/// its tasks runs, and none fails at the moment.
///
/// Each failing task also counts as a change to ECS, so that change alone proves nothing; and what has not brought a
/// single task to run in all its time will not do it in a little more. A traffic shift may start its first
/// task late, so there the stage counts as well, by the time of its last change.
fn progresses(it: &Situation<'_>, moving: &DeploymentFacts, began: Timestamp) -> Option<Because> {
    if moving.failed_tasks > 0 {
        return None;
    }
    let shifted =
        it.service_deployment.filter(|service_deployment| service_deployment.is_ongoing() && !it.is_rolling());
    let moved = moving.updated_at.filter(|_| moving.running_count > 0 || moving.desired_count == 0);
    let moved = moved.max(shifted.and_then(|service_deployment| service_deployment.updated_at));
    if moved.is_some_and(|moved| it.now.duration_since(moved) <= it.deployment.settings.extension()) {
        return Some(Because::Progresses);
    }
    // Draining takes up to an hour at the default of some load balancers; but nobody may wait for ever.
    let complete = moving.running_count >= moving.desired_count && moving.pending_count == 0;
    let twice = began + it.deployment.settings.allowance() + it.deployment.settings.allowance();
    (complete && it.now < twice).then_some(Because::Settles)
}
