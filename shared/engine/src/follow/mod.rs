//! Follows a service's deployments to their end, reports, and rolls back to the last known-good version.
//!
//! The trigger is only a hint; each session reads the record and the service, and does what they call for. So the next event
//! makes up for a lost one, and a repeated one finds nothing left to do.

mod awslogs;
mod configured;
mod evidence;
mod hint;
mod known_good;
mod observe;
mod report;
mod result;
mod roll_back;
mod session;
mod steps;
mod timers;

pub(crate) use configured::managed;
pub(crate) use session::FollowSession;
