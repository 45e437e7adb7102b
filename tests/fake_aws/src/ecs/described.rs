//! A service as DescribeServices, CreateService and UpdateService describe it.

use serde_json::{Value, json};

use super::{Deployment, Message, Service};
use crate::place::Place;
use crate::time::epoch_seconds;

/// The `service` object, without its tags.
pub(super) fn service(service: &Service, place: &Place) -> Value {
    let running: i64 = service.deployments.iter().map(|deployment| deployment.running).sum();
    let pending: i64 = service.deployments.iter().map(|deployment| deployment.pending).sum();
    let by_ecs = service.controller() == "ECS";
    let mut described = json!({
        "serviceArn": service.arn(place),
        "serviceName": service.name,
        "clusterArn": service.cluster_arn(place),
        "loadBalancers": [],
        "serviceRegistries": [],
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": running + service.running_in_task_sets(),
        "pendingCount": pending + service.pending_in_task_sets(),
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "taskDefinition": service.task_definition,
        "deploymentConfiguration": {},
        "deployments": deployments(service),
        "roleArn": format!(
            "arn:{}:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            place.partition, place.account
        ),
        "events": service.events.iter().map(|message| self::message(service, message, place)).collect::<Vec<_>>(),
        "createdAt": epoch_seconds(service.created_at),
        "placementConstraints": [],
        "placementStrategy": [],
        "schedulingStrategy": "REPLICA",
        "deploymentController": { "type": "ECS" },
        "createdBy": format!("arn:{}:iam::{}:root", place.partition, place.account),
        "enableECSManagedTags": false,
        "propagateTags": "NONE",
        "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "DISABLED",
    });
    for (setting, value) in &service.settings {
        // The deployments have these, the service doesn't.
        let elsewhere = ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];
        if !elsewhere.contains(&setting.as_str()) {
            described[setting] = value.clone();
        }
    }
    if service.settings.contains_key("capacityProviderStrategy")
        && let Some(described) = described.as_object_mut()
    {
        described.shift_remove("launchType");
    }
    described["deploymentConfiguration"] = deployment_configuration(service);
    if service.task_definition.is_empty()
        && let Some(described) = described.as_object_mut()
    {
        described.shift_remove("taskDefinition");
    }
    if by_ecs {
        if let Some(current) = service.current_service_deployment() {
            described["currentServiceDeployment"] = json!(current.arn);
        }
        described["currentServiceRevisions"] = revisions(service);
    } else {
        described["taskSets"] = service.task_sets.iter().map(|set| set.described(service, place)).collect();
    }
    described
}

/// What was set, over ECS's defaults.
pub(super) fn deployment_configuration(service: &Service) -> Value {
    let mut configuration = json!({
        "deploymentCircuitBreaker": { "enable": false, "rollback": false },
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
    });
    if service.controller() == "ECS" {
        configuration["strategy"] = json!("ROLLING");
        configuration["bakeTimeInMinutes"] = json!(0);
    }
    if let Some(Value::Object(set)) = service.settings.get("deploymentConfiguration") {
        for (member, value) in set {
            configuration[member] = value.clone();
        }
    }
    configuration
}

fn message(service: &Service, message: &Message, place: &Place) -> Value {
    let text = message.text.strip_prefix(&format!("(service {}) ", service.name)).unwrap_or(&message.text);
    let id = crate::identity::uuid(&format!("{}{text}", service.arn(place)), message.ordinal);
    json!({ "id": id, "createdAt": epoch_seconds(message.at), "message": message.text })
}

fn deployments(service: &Service) -> Value {
    let describe = |deployment: &Deployment| {
        let mut described = json!({
            "id": deployment.id,
            "status": deployment.status,
            "taskDefinition": deployment.task_definition,
            "desiredCount": deployment.desired,
            "pendingCount": deployment.pending,
            "runningCount": deployment.running,
            "failedTasks": deployment.failed,
            "createdAt": epoch_seconds(deployment.created_at),
            "updatedAt": epoch_seconds(deployment.updated_at),
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
        });
        if service.says_rollout {
            described["rolloutState"] = json!(deployment.rollout);
            described["rolloutStateReason"] = json!(deployment.reason);
        }
        let carried =
            ["networkConfiguration", "serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];
        for setting in carried {
            if let Some(value) = service.settings.get(setting) {
                described[setting] = value.clone();
            }
        }
        described
    };
    service.deployments.iter().map(describe).collect()
}

fn revisions(service: &Service) -> Value {
    let alive = service.deployments.iter().filter(|deployment| deployment.desired > 0 || deployment.running > 0);
    alive
        .map(|deployment| {
            json!({
                "arn": service.revisions[deployment.revision].arn,
                "requestedTaskCount": deployment.desired,
                "runningTaskCount": deployment.running,
                "pendingTaskCount": deployment.pending,
            })
        })
        .collect()
}
