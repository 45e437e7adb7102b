//! Follows a service's deployments to their true end, reports, and puts the last known-good version back.
//!
//! Whatever triggered it is a hint; each visit reads the record and the service, and does what they call for. So a lost
//! event is made up for by the next one, and a repeated one finds nothing left to do.

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

pub(crate) use configured::{Managed, ours};
pub(crate) use session::FollowSession;
