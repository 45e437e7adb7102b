//! Decides how a deployment stands, and how it ended. Pure, and changes nothing.
//!
//! An event is a hint: it comes late, twice, or in another order, and it names neither image nor revision. The record
//! says what was meant, ECS's service deployment and its list of deployments what came of it. Success is "this
//! deployment won", never "the service is stable": after a rollback by ECS the service is stable too, and the last event
//! is the *old* deployment's COMPLETED, under its old id.

use jiff::Timestamp;

use crate::id::DeploymentId;

pub use assess::{Assessment, End, FailedBy, Situation, Who, assess};
pub use effect::{Intent, effect, of_its_time};
pub use pace::{Because, Pace};
pub use tasks::{TaskFailure, task_failure, too_many_failed_tasks};
pub use unrecorded::{Unrecorded, unrecorded};
pub use way_back::its_way_back;
pub use which::its_service_deployment;

mod assess;

mod effect;

mod pace;

mod signs;

mod tasks;

mod unrecorded;

mod way_back;

mod which;

/// An `ECS Deployment State Change` event, in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentEvent {
    /// What ECS says happened.
    pub change: Change,
    /// The deployment it names; for a rollback by ECS, the old one that it puts back.
    pub deployment: DeploymentId,
    /// ECS's words; free text.
    pub reason: Option<String>,
    /// When it happened, `updatedAt`; the event may arrive more than a minute later.
    pub at: Timestamp,
}

/// What an event says happened to a deployment. ECS documents these three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `SERVICE_DEPLOYMENT_IN_PROGRESS`.
    InProgress,
    /// `SERVICE_DEPLOYMENT_COMPLETED`.
    Completed,
    /// `SERVICE_DEPLOYMENT_FAILED`, which is only sent where a circuit breaker or alarms are on.
    Failed,
}

#[cfg(test)]
mod table;
