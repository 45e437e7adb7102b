//! What is done about a deployment that failed, and why, in a sentence without a full stop.

use std::fmt;

use crate::rules::rollback::{Destination, ManualAction, NoRollback, RegisterReason, RollbackDecision, Selected};
use crate::text::passed_over::each;

impl fmt::Display for RollbackDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRollback(why) => write!(f, "{why}"),
            Self::Stop { to, .. } => {
                f.write_str("Slipway stops the deployment, so that it is rolled back to ")?;
                match to {
                    Some(to) => write!(f, "{}, the last revision that completed", to.short()),
                    None => f.write_str("the last revision that completed"),
                }
            }
            Self::Update(Selected { destination, passed_over }) => {
                let to = destination.revision().short();
                write!(f, "Slipway rolls back to {to}, the last known-good revision")?;
                match destination {
                    Destination::Existing(_) => {}
                    Destination::Anew { because: RegisterReason::TagMoved, .. } => {
                        write!(
                            f,
                            ", as a new revision with the images that ran then, because a tag in {to} has moved since"
                        )?;
                    }
                    Destination::Anew { because: RegisterReason::Inactive, .. } => {
                        write!(f, ", as a new revision, because {to} was deregistered")?;
                    }
                }
                match passed_over.as_slice() {
                    [] => Ok(()),
                    passed_over => write!(f, "; {}", each(passed_over)),
                }
            }
            Self::ManualAction(why) => write!(f, "Slipway does not roll back, because {why}"),
        }
    }
}

impl fmt::Display for NoRollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFailing => f.write_str("Slipway does nothing, because the deployment is not failing"),
            Self::Outside => f.write_str("Slipway does nothing, because somebody else started this deployment"),
            Self::Superseded { by: Some(by) } => {
                write!(f, "Slipway does nothing, because the newer deployment {by} took its place")
            }
            Self::Superseded { by: None } => {
                f.write_str("Slipway does nothing, because a newer deployment took its place")
            }
            Self::EcsRollsBack => f.write_str("ECS rolls back automatically"),
            Self::SomebodyRollsBack => f.write_str("Somebody stopped the deployment, and ECS rolls back"),
            Self::Before => f.write_str("Slipway has already rolled back, and does so only once for each deployment"),
            Self::Off => f.write_str("Slipway does not roll back, because the target says \"rollback: off\""),
            Self::Notify(decision) => {
                f.write_str("Slipway does not roll back, because the target says \"rollback: notify\"")?;
                match (&**decision, decision.to()) {
                    (RollbackDecision::ManualAction(why), _) => write!(f, ", and because {why}"),
                    (_, Some(to)) => write!(f, "; it would roll back to {to}"),
                    (_, None) => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for ManualAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsRollback => f.write_str("this deployment was itself a rollback, and Slipway goes no further back"),
            Self::NoKnownGood => f.write_str("there is no other known-good revision"),
            Self::NoneUsable(passed_over) => write!(f, "no known-good revision can be used: {}", each(passed_over)),
            Self::Restoring { revision, passed_over } => write!(
                f,
                "no known-good revision can be used now: {}. Slipway asked ECR to restore what {} needs, which takes a \
                 while; somebody has to roll back then",
                each(passed_over),
                revision.short()
            ),
        }
    }
}
