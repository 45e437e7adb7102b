//! Express Mode: services whose resources ECS manages. They deploy and roll back as any other; only their update has a call of
//! its own, which takes task definitions that fit.

use serde_json::{Value, json};

use super::services::{self, lagging, updatable, usable};
use super::{Context, Ecs, Service};
use crate::refusal::{Answer, Members, Refusal, text};
use crate::time::epoch_seconds;

/// CreateExpressGatewayService with a task definition: a service that deploys by canary, and whose failures ECS rolls back.
pub(super) fn create(ecs: &mut Ecs, context: &mut Context<'_>, request: &Members) -> Answer {
    let named = text(request, "taskDefinitionArn").unwrap_or_default();
    fits(&usable(ecs, named)?.definition)?;
    let (cluster, name) = (text(request, "cluster").unwrap_or("default"), text(request, "serviceName"));
    let name = name.unwrap_or("express").to_owned();
    let configuration = json!({
        "strategy": "CANARY",
        "canaryConfiguration": { "canaryPercent": 5.0, "canaryBakeTimeInMinutes": 3 },
        "bakeTimeInMinutes": 3,
        "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        "alarms": { "alarmNames": [format!("{name}-errors")], "enable": true, "rollback": true },
    });
    let service = json!({
        "cluster": cluster, "serviceName": name, "taskDefinition": named, "launchType": "FARGATE",
        "desiredCount": 1, "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        "deploymentConfiguration": configuration,
    });
    services::create(ecs, context, service.as_object().unwrap_or(&Members::new()))?;
    let service = ecs.service_mut(cluster, &name)?;
    service.settings.insert("resourceManagementType".to_owned(), json!("ECS"));
    Ok(json!({ "service": {
        "serviceArn": service.arn(context.place),
        "cluster": cluster,
        "serviceName": name,
        "status": { "statusCode": "ACTIVE" },
        "createdAt": epoch_seconds(service.created_at),
        "updatedAt": epoch_seconds(context.now),
    }}))
}

/// UpdateExpressGatewayService with a task definition. The answer shows no deployment.
pub(super) fn update(ecs: &mut Ecs, context: &mut Context<'_>, request: &Members) -> Answer {
    let arn = text(request, "serviceArn").unwrap_or_default();
    let (_, named) = arn.split_once(":service/").ok_or_else(|| Refusal::invalid("Invalid identifier: serviceArn."))?;
    let (cluster, name) = named.split_once('/').unwrap_or(("default", named));
    let service = updatable(ecs, cluster, name)?;
    if !is_express(service) {
        return Err(Refusal::invalid("The service is not an Express Gateway service."));
    }
    let wanted = match text(request, "taskDefinitionArn") {
        Some(named) => {
            let revision = usable(ecs, named)?;
            fits(&revision.definition)?;
            Some((revision.arn().to_owned(), revision.definition.clone()))
        }
        None => None,
    };
    let now = context.now;
    let service = ecs.service_mut(cluster, name)?;
    if let Some((task_definition, definition)) = wanted
        && task_definition != service.task_definition
    {
        let before = lagging(service, context);
        service.begin(context, &task_definition, &definition);
        service.before = before;
    }
    Ok(json!({ "service": {
        "serviceArn": arn,
        "cluster": cluster,
        "serviceName": name,
        "status": { "statusCode": "ACTIVE" },
        "targetConfiguration": { "taskDefinitionArn": service.task_definition },
        "createdAt": epoch_seconds(service.created_at),
        "updatedAt": epoch_seconds(now),
    }}))
}

fn is_express(service: &Service) -> bool {
    service.settings.get("resourceManagementType").and_then(Value::as_str) == Some("ECS")
}

/// What the API asks of a task definition: FARGATE, and a container `Main` with a single TCP port that has a name.
fn fits(definition: &Members) -> Result<(), Refusal> {
    let for_fargate = definition["compatibilities"].as_array().is_some_and(|all| all.contains(&json!("FARGATE")));
    let main = definition["containerDefinitions"].as_array().and_then(|all| all.iter().find(|it| it["name"] == "Main"));
    let ports = main.and_then(|main| main["portMappings"].as_array());
    let has_port = ports.is_some_and(|ports| {
        let named = |port: &Value| port["containerPort"].is_number() && port["name"].is_string();
        ports.len() == 1 && named(&ports[0]) && matches!(ports[0]["protocol"].as_str(), None | Some("tcp"))
    });
    if for_fargate && has_port {
        return Ok(());
    }
    Err(Refusal::invalid("The task definition is not valid for an Express Gateway service."))
}
