//! What ECS reports while a service runs: tasks that find no place, starts that are impaired, calls that are throttled.

use serde_json::json;

use super::{Context, Service};
use crate::events::envelope;
use crate::time::milliseconds;

/// Those that are only warnings, by the list of service action events in ECS's developer guide.
const WARNINGS: [&str; 3] =
    ["SERVICE_TASK_START_IMPAIRED", "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", "VPC_LATTICE_TARGET_UNHEALTHY"];

impl Service {
    /// ECS says what is wrong, in an event "ECS Service Action" and among the service's own messages.
    pub(crate) fn service_action(&mut self, context: &mut Context<'_>, name: &str, reason: Option<&str>) {
        let mut detail = json!({
            "eventType": if WARNINGS.contains(&name) { "WARN" } else { "ERROR" },
            "eventName": name,
            "clusterArn": self.cluster_arn(context.place),
            "createdAt": milliseconds(context.now),
        });
        if let Some(reason) = reason {
            detail["reason"] = json!(reason);
        }
        let other = format!("{}.", name.to_lowercase().replace('_', " "));
        let message = match name {
            "SERVICE_TASK_PLACEMENT_FAILURE" => "was unable to place a task.",
            "SERVICE_TASK_START_IMPAIRED" => "is unable to consistently start tasks successfully.",
            _ => &other,
        };
        self.log(context.now, message);
        let arn = self.arn(context.place);
        context.events.push(envelope(context.place, context.now, "aws.ecs", "ECS Service Action", &[&arn], detail));
    }

    /// ECS says that the tasks of a task set run.
    pub(super) fn report_steady_task_set(&mut self, context: &mut Context<'_>, id: &str) {
        self.log_of_task_set(context.now, id, "updated state to STEADY_STATE.");
        let detail = json!({
            "eventType": "INFO",
            "eventName": "TASKSET_STEADY_STATE",
            "clusterArn": self.cluster_arn(context.place),
            "createdAt": milliseconds(context.now),
        });
        let arn = self.arn(context.place);
        context.events.push(envelope(context.place, context.now, "aws.ecs", "ECS Service Action", &[&arn], detail));
    }
}
