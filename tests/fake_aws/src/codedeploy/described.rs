//! A deployment as GetDeployment describes it.

use serde_json::{Value, json};

use super::deployments::Deployment;
use crate::time::epoch_seconds;

/// The `deploymentInfo` of a deployment. The revision's AppSpec is never in it, only its SHA-256.
pub(super) fn deployment(deployment: &Deployment) -> Value {
    let mut info = json!({
        "applicationName": deployment.application,
        "deploymentGroupName": deployment.group,
        "deploymentConfigName": deployment.config.name,
        "deploymentId": deployment.id,
        "revision": deployment.revision.location,
        "status": deployment.status,
        "createTime": epoch_seconds(deployment.created_at),
        "deploymentOverview": overview(deployment),
        "creator": deployment.creator,
        "ignoreApplicationStopFailures": false,
        "autoRollbackConfiguration": { "enabled": false, "events": [] },
        "updateOutdatedInstancesOnly": false,
        "rollbackInfo": rollback_info(deployment),
        "instanceTerminationWaitTimeStarted": deployment.termination_wait_started(),
        "fileExistsBehavior": "DISALLOW",
        "deploymentStatusMessages": [],
        "computePlatform": "ECS",
    });
    let shown = [
        "autoRollbackConfiguration",
        "overrideAlarmConfiguration",
        "deploymentStyle",
        "blueGreenDeploymentConfiguration",
        "loadBalancerInfo",
    ];
    for setting in shown {
        if let Some(value) = deployment.settings.get(setting) {
            info[setting] = value.clone();
        }
    }
    for (member, at) in [("startTime", deployment.started_at), ("completeTime", deployment.completed_at)] {
        if let Some(at) = at {
            info[member] = json!(epoch_seconds(at));
        }
    }
    if let Some(previous) = &deployment.previous {
        info["previousRevision"] = previous.clone();
    }
    if let Some(description) = &deployment.description {
        info["description"] = json!(description);
    }
    if let Some((code, message)) = &deployment.error {
        info["errorInformation"] = json!({ "code": code, "message": message });
    }
    info
}

/// The one target, by how it stands.
fn overview(deployment: &Deployment) -> Value {
    let standing = match deployment.status {
        "Created" | "Queued" => "Pending",
        "Ready" => "Ready",
        "Succeeded" => "Succeeded",
        "Failed" | "Stopped" => "Failed",
        _ => "InProgress",
    };
    let mut overview = json!({
        "Pending": 0, "InProgress": 0, "Succeeded": 0, "Failed": 0, "Skipped": 0, "Ready": 0,
    });
    overview[standing] = json!(1);
    overview
}

fn rollback_info(deployment: &Deployment) -> Value {
    let rollback = &deployment.rollback;
    let mut info = json!({});
    let members = [
        ("rollbackDeploymentId", &rollback.by),
        ("rollbackTriggeringDeploymentId", &rollback.of),
        ("rollbackMessage", &rollback.message),
    ];
    for (member, value) in members {
        if let Some(value) = value {
            info[member] = json!(value);
        }
    }
    info
}
