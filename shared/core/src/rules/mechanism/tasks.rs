//! Tasks that stop by themselves: which of them speak against a deployment, and how many are too many.

use crate::model::facts::{Breaker, ServiceFacts, StoppedTask};
use crate::model::record;

/// How a task spoke against its deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskFailure {
    /// It never ran: no image, no secret, no network, no command.
    NeverStarted,
    /// A container that it cannot do without ended.
    Exited,
    /// It ran, and failed a container's or a load balancer's health checks.
    Unhealthy,
}

/// Whether a stopped task counts against the deployment that started it.
///
/// Spot interruptions, hosts that go away, people and scaling stop good tasks too; they do not count.
pub fn task_failure(task: &StoppedTask) -> Option<TaskFailure> {
    let reason = task.stopped_reason.as_deref().unwrap_or_default().to_ascii_lowercase();
    let unhealthy = reason.contains("health check");
    match task.stop_code.as_deref().unwrap_or_default() {
        "TaskFailedToStart" => Some(TaskFailure::NeverStarted),
        "EssentialContainerExited" => Some(TaskFailure::Exited),
        "ServiceSchedulerInitiated" | "" if unhealthy => Some(TaskFailure::Unhealthy),
        // Older answers have no code.
        "" if reason.contains("essential container in task exited") => Some(TaskFailure::Exited),
        _ => None,
    }
}

/// Whether so many of its tasks stopped by themselves that it counts as failed before its deadline.
///
/// Only where ECS decides nothing itself: with a circuit breaker on, two judges would act on one deployment.
pub fn too_many_failed_tasks(deployment: &record::Deployment, service: &ServiceFacts) -> bool {
    let failed = u32::try_from(deployment.failed_tasks.len()).unwrap_or(u32::MAX);
    service.breaker == Breaker::Off && failed >= deployment.settings.threshold(service.desired_count).max(1)
}
