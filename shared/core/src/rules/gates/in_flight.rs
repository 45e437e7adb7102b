//! Whether it is a deployment's turn: what is under way and may not be cut short.

use super::{NotOpen, Verdict, closed};
use crate::model::facts::{DeploymentFacts, ServiceFacts};
use crate::model::reason::Reason;
use crate::model::record::{self, Blocked};
use crate::rules::candidate::By;
use crate::rules::mechanism::{self, CutShort};
use crate::rules::unfinished::unjudged;

/// Whether an update now would do no harm: a rolling deployment may be superseded, nothing else may.
///
/// What comes by itself waits in line; who asks is told to ask again. Nobody waits for what has failed for good: ECS may
/// try it for ever, and a fix is what puts it right.
pub(in crate::rules) fn undisturbed(service: &ServiceFacts, record: &record::Service, by: By<'_>) -> Verdict {
    let Some(primary) = service.primary() else { return Ok(()) };
    let deployment = primary.id.clone();
    let by_itself = !matches!(by, By::Request { .. });
    let cut_short = mechanism::cuts_short(service, primary).filter(|_| !has_failed_for_good(record, service, primary));
    match cut_short {
        None => {}
        Some(CutShort::Rollback) if by_itself => {
            return waits(Reason::Queued { deployment, what: "rollback".to_owned() });
        }
        Some(CutShort::Rollback) => return closed(Reason::RollingBack { deployment }),
        Some(CutShort::Shift(strategy)) if by_itself => {
            return waits(Reason::Queued { deployment, what: format!("{strategy} deployment") });
        }
        Some(CutShort::Shift(strategy)) => {
            return closed(Reason::InFlight { deployment, strategy: strategy.to_owned() });
        }
    }
    if by_itself && let Some(failed) = unjudged(record, service).next() {
        // Its image may not come back by itself, which is written down only when its story ends.
        let deployment = failed.id().cloned().unwrap_or(deployment);
        return waits(Reason::Queued { deployment, what: "rollback from".to_owned() });
    }
    let rolls_back = |it: &&record::Deployment| it.is_open() && (it.rollback().is_some() || it.is_rollback());
    match record.deployments.iter().find(rolls_back) {
        Some(_) if by_itself => waits(Reason::Queued { deployment, what: "rollback".to_owned() }),
        _ => Ok(()),
    }
}

fn waits(reason: Reason) -> Verdict {
    Err(NotOpen::Until(Blocked::Deployment, reason))
}

/// Whether nothing will come of this deployment any more: its own story ended badly, or it is a rollback that failed as
/// well. A rollback that outlived the story it belongs to may still do its work, unless its tasks stop again and again: one
/// that ECS began after that story had ended is followed by nobody who would call it failed.
fn has_failed_for_good(record: &record::Service, service: &ServiceFacts, primary: &DeploymentFacts) -> bool {
    use record::Outcome::{Failed, RollbackFailed, TimedOut};
    let Some(last) = record.deployments.first() else { return false };
    if last.rolls_back_as(&primary.id) || primary.is_rollback() {
        return match last.outcome() {
            Some(RollbackFailed) => true,
            Some(Failed | TimedOut) => mechanism::fails_repeatedly(&last.settings, service, primary),
            _ => false,
        };
    }
    last.id() == Some(&primary.id) && last.outcome().is_some_and(record::Outcome::quarantines)
}
