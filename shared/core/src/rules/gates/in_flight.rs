//! Whether a deployment may begin: what is under way and may not be cut short.

use super::{NotOpen, Verdict, closed};
use crate::model::facts::{DeploymentFacts, ServiceFacts, Strategy};
use crate::model::reason::Reason;
use crate::model::record::{self, Blocked};
use crate::rules::candidate::{By, TargetFacts};
use crate::rules::mechanism::{self, CutShort};
use crate::rules::unfinished::unjudged;

/// Whether an update now would do no harm: a rolling deployment may be superseded, nothing else may.
///
/// An automatic candidate waits; a request for one is refused, and can be made again. Nobody waits for what has failed for good: ECS may try
/// it for ever, and a newer image is what fixes it. CodeDeploy takes no other deployment before one has ended.
pub(in crate::rules) fn undisturbed(service: &ServiceFacts, record: &record::Service, by: By<'_>) -> Verdict {
    let Some(primary) = service.primary() else { return Ok(()) };
    let deployment = primary.id.clone();
    let is_requested = matches!(by, By::Request { .. });
    let queued = |deployment, what| Err(NotOpen::Until(Blocked::Deployment, Reason::Queued { deployment, what }));
    let cut_short = mechanism::cuts_short(service, primary)
        .filter(|_| service.strategy == Strategy::CodeDeploy || !has_failed_for_good(record, service, primary));
    match cut_short {
        None => {}
        Some(CutShort::Rollback) if is_requested => return closed(Reason::RollingBack { deployment }),
        Some(CutShort::Rollback) => return queued(deployment, "rollback".to_owned()),
        Some(CutShort::Shift(strategy)) if is_requested => {
            return closed(Reason::InFlight { deployment, strategy: strategy.to_owned() });
        }
        Some(CutShort::Shift(strategy)) => return queued(deployment, format!("{strategy} deployment")),
    }
    if is_requested {
        return Ok(());
    }
    if let Some(failed) = unjudged(record, service).next() {
        // Its image may not come back automatically, which is recorded only when the deployment ends.
        return queued(failed.id().cloned().unwrap_or(deployment), "rollback from".to_owned());
    }
    let rolls_back = |it: &record::Deployment| it.is_open() && (it.rollback().is_some() || it.is_rollback());
    match record.deployments.iter().any(rolls_back) {
        true => queued(deployment, "rollback".to_owned()),
        false => Ok(()),
    }
}

/// Whether a placeholder's deployment is over: to supersede it could fail the update of the tool that made it. A push goes over it,
/// because a placeholder that never gets healthy must not keep out the image that would.
pub(in crate::rules) fn placeholder_ended(facts: &TargetFacts<'_>, by: By<'_>) -> Verdict {
    let waits = matches!(by, By::Registry(_) | By::Restore(_)) && facts.runs_a_placeholder();
    match facts.service.primary().filter(|primary| waits && mechanism::is_under_way(facts.record, primary)) {
        Some(primary) => {
            let (deployment, what) = (primary.id.clone(), "deployment of a placeholder image".to_owned());
            Err(NotOpen::Until(Blocked::Deployment, Reason::Queued { deployment, what }))
        }
        None => Ok(()),
    }
}

/// Whether this deployment has failed and will not recover, or is a rollback that failed as well. A rollback that outlives the
/// end of its deployment may still complete, unless its tasks stop repeatedly: nobody follows it, who would call it failed.
fn has_failed_for_good(record: &record::Service, service: &ServiceFacts, primary: &DeploymentFacts) -> bool {
    use record::Outcome::{External, Failed, RollbackFailed, TimedOut};
    let Some(last) = record.deployments.first() else { return false };
    // Where ECS tells no rollout state, it also gives no reason for one; but a rollback goes to what is older.
    let is_older =
        last.id() != Some(&primary.id) && primary.created_at.is_some_and(|created| created < last.began_at());
    if last.rolls_back_as(&primary.id) || primary.is_rollback() || is_older {
        return match last.outcome() {
            Some(RollbackFailed) => true,
            // How somebody else's ended is not recorded.
            Some(Failed | TimedOut | External) => mechanism::fails_repeatedly(&last.settings, service, primary),
            _ => false,
        };
    }
    last.id() == Some(&primary.id) && last.outcome().is_some_and(record::Outcome::quarantines)
}
