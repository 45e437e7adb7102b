//! Tasks that stop by themselves: which of them speak against a deployment, and how many are too many.

use crate::model::facts::{Breaker, DeploymentFacts, ServiceFacts, StoppedTask};
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

/// Whether so many tasks of a deployment failed one after the other, by ECS's own count, as are too many.
pub fn fails_again_and_again(
    settings: &record::DeploymentSettings,
    service: &ServiceFacts,
    listed: &DeploymentFacts,
) -> bool {
    let failed = u32::try_from(listed.failed_tasks).unwrap_or_default();
    failed >= settings.threshold(service.desired_count).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_count_that_stop_by_themselves() {
        let check = |code: &str, reason: &str, expected: Option<TaskFailure>| {
            let code = Some(code.to_owned()).filter(|code| !code.is_empty());
            let task =
                StoppedTask { stop_code: code, stopped_reason: Some(reason.to_owned()), ..StoppedTask::default() };
            assert_eq!(task_failure(&task), expected, "{reason}");
        };
        use TaskFailure::*;
        check("TaskFailedToStart", "CannotPullContainerError: …", Some(NeverStarted));
        check("EssentialContainerExited", "Essential container in task exited", Some(Exited));
        check("", "Essential container in task exited", Some(Exited));
        check("ServiceSchedulerInitiated", "Task failed container health checks", Some(Unhealthy));
        check(
            "ServiceSchedulerInitiated",
            "Task failed ELB health checks in (target-group arn:aws:…)",
            Some(Unhealthy),
        );
        check("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/2)", None);
        check("SpotInterruption", "Your Spot Task was interrupted.", None);
        check("UserInitiated", "Task stopped by user", None);
        check("TerminationNotice", "Host EC2 (instance i-0) terminated.", None);
        check("InfrastructureHealth", "", None);
        check("NewlyMade", "", None);
        check("", "", None);
    }
}
