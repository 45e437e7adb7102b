//! Tasks that stop by themselves: which of them count against a deployment, and how many are too many.

use crate::model::facts::{DeploymentFacts, OnFailure, ServiceFacts, StoppedTask};
use crate::model::record;

use super::completed_early;

/// Whether a stopped task counts against the deployment that started it: it never ran, a container that it cannot do without
/// ended, or it failed a container's or a load balancer's health checks.
///
/// Spot interruptions, hosts that go away, people and scaling stop working tasks too; they do not count.
pub fn is_task_failure(task: &StoppedTask) -> bool {
    let reason = task.stopped_reason.as_deref().unwrap_or_default().to_ascii_lowercase();
    match task.stop_code.as_deref().unwrap_or_default() {
        "TaskFailedToStart" | "EssentialContainerExited" => true,
        "ServiceSchedulerInitiated" => reason.contains("health check"),
        // Older answers have no code.
        "" => reason.contains("health check") || reason.contains("essential container in task exited"),
        _ => false,
    }
}

/// Whether so many of its tasks stopped by themselves that it counts as failed before its deadline.
///
/// Only where ECS does not count them itself: with a circuit breaker on, two judges would act on one deployment. Alarms
/// count no tasks, and of what completed early the circuit breaker counts none any more.
pub fn too_many_failed_tasks(deployment: &record::Deployment, service: &ServiceFacts) -> bool {
    let failed = u32::try_from(deployment.failed_tasks.len()).unwrap_or(u32::MAX);
    let own = service.deployments.iter().find(|it| Some(&it.id) == deployment.id());
    let ecs_counts = service.breaker != OnFailure::Off && !own.is_some_and(completed_early);
    !ecs_counts && reaches_threshold(failed, &deployment.settings, service)
}

/// Whether too many tasks of a deployment failed one after the other, by ECS's own count.
pub fn fails_repeatedly(
    settings: &record::DeploymentSettings,
    service: &ServiceFacts,
    listed: &DeploymentFacts,
) -> bool {
    reaches_threshold(u32::try_from(listed.failed_tasks).unwrap_or_default(), settings, service)
}

fn reaches_threshold(failed: u32, settings: &record::DeploymentSettings, service: &ServiceFacts) -> bool {
    failed >= settings.threshold(service.desired_count).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_count_that_stop_by_themselves() {
        let check = |code: &str, reason: &str, expected: bool| {
            let code = Some(code.to_owned()).filter(|code| !code.is_empty());
            let task =
                StoppedTask { stop_code: code, stopped_reason: Some(reason.to_owned()), ..StoppedTask::default() };
            assert_eq!(is_task_failure(&task), expected, "{reason}");
        };
        check("TaskFailedToStart", "CannotPullContainerError: …", true);
        check("EssentialContainerExited", "Essential container in task exited", true);
        check("", "Essential container in task exited", true);
        check("ServiceSchedulerInitiated", "Task failed container health checks", true);
        check("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group arn:aws:…)", true);
        check("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/2)", false);
        check("SpotInterruption", "Your Spot Task was interrupted.", false);
        check("UserInitiated", "Task stopped by user", false);
        check("TerminationNotice", "Host EC2 (instance i-0) terminated.", false);
        check("InfrastructureHealth", "", false);
        check("NewlyMade", "", false);
        check("", "", false);
    }
}
