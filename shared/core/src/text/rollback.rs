//! What is done about a deployment that failed, and why, in a sentence without a full stop.

use std::fmt;

use crate::rules::rollback::{Destination, ManualAction, NoDestination, NoRollback, RegisterReason, RollbackDecision};

impl fmt::Display for RollbackDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRollback(tell) => write!(f, "{tell}"),
            Self::Stop { to: Some(to), .. } => {
                write!(f, "Slipway stops the deployment, so that ECS puts {} back, which completed last", to.short())
            }
            Self::Stop { to: None, .. } => {
                f.write_str("Slipway stops the deployment, so that ECS puts back what completed last")
            }
            Self::Update(Destination::Existing(to)) => {
                write!(f, "Slipway puts {} back, the last revision that completed here", to.short())
            }
            Self::Update(Destination::Anew { base, because: RegisterReason::TagMoved, .. }) => write!(
                f,
                "Slipway puts {0} back, the last revision that completed here, as a new revision with the images that ran \
                 then, because {0} names a tag that points elsewhere now",
                base.arn.short()
            ),
            Self::Update(Destination::Anew { base, because: RegisterReason::Inactive, .. }) => write!(
                f,
                "Slipway puts {0} back, the last revision that completed here, as a new revision, because {0} was \
                 deregistered",
                base.arn.short()
            ),
            Self::ManualAction(human) => write!(f, "Slipway puts nothing back, because {human}"),
        }
    }
}

impl fmt::Display for NoRollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFailing => f.write_str("Slipway does nothing, because there is nothing to put right"),
            Self::Outside => f.write_str("Slipway does nothing, because somebody else made this deployment"),
            Self::Superseded { by: Some(by) } => {
                write!(f, "Slipway does nothing, because the newer deployment {by} took its place")
            }
            Self::Superseded { by: None } => {
                f.write_str("Slipway does nothing, because a newer deployment took its place")
            }
            Self::EcsRollsBack => f.write_str("ECS puts the last version back by itself"),
            Self::SomebodyRollsBack => {
                f.write_str("somebody stopped the deployment, and ECS puts the last version back")
            }
            Self::Before => f.write_str("Slipway rolled back already, and does so once for each deployment"),
            Self::Off => f.write_str("Slipway puts nothing back, because the target says \"rollback: off\""),
            Self::Notify(way) => {
                f.write_str("Slipway puts nothing back, because the target says \"rollback: notify\"")?;
                match (&**way, way.to()) {
                    (RollbackDecision::ManualAction(human), _) => write!(f, ", and because {human}"),
                    (_, Some(to)) => write!(f, "; {to} is what it would put back"),
                    (_, None) => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for ManualAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsRollback => f.write_str("this was a rollback itself, and Slipway goes back no further"),
            Self::NoDestination(none) => write!(f, "{none}"),
        }
    }
}

impl fmt::Display for NoDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKnownGood => f.write_str("no other revision is known to have completed here"),
            Self::AllGone(revisions) if revisions.len() == 1 => write!(
                f,
                "{}, the only revision that completed here, has lost an image or is gone",
                revisions.join(", ")
            ),
            Self::AllGone(revisions) => {
                write!(f, "each revision that completed here ({}) has lost an image or is gone", revisions.join(", "))
            }
        }
    }
}
