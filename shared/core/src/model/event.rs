//! What an event of ECS says happened to a deployment.

use jiff::Timestamp;

use crate::model::id::DeploymentId;

/// An `ECS Deployment State Change` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentEvent {
    /// What ECS says happened.
    pub change: StateChange,
    /// The deployment it names; for a rollback by ECS, the old one that it restores.
    pub deployment: DeploymentId,
    /// ECS's free text.
    pub reason: Option<String>,
    /// When it happened, `updatedAt`; the event may arrive more than a minute later.
    pub at: Timestamp,
}

/// What an event says happened to a deployment. ECS documents these three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// `SERVICE_DEPLOYMENT_IN_PROGRESS`.
    InProgress,
    /// `SERVICE_DEPLOYMENT_COMPLETED`.
    Completed,
    /// `SERVICE_DEPLOYMENT_FAILED`, which is only sent where a circuit breaker or alarms are on.
    Failed,
}
