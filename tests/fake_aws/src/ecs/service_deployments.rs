//! Service deployments and service revisions: ECS's own history of a service, and the request to stop a deployment.

use serde_json::{Value, json};
use slipway_core::model::facts::{Monitor, Monitors, RanImage};

use super::described::deployment_configuration;
use super::{Context, Ecs, Service, ServiceDeployment};
use crate::place::Place;
use crate::refusal::{Answer, Members, Refusal, page, text, texts};
use crate::time::epoch_seconds;

/// ListServiceDeployments, the oldest first, so that nobody relies on another order.
pub(super) fn list(ecs: &Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let service = ecs.service_named(&cluster, text(request, "service").unwrap_or_default());
    let service = service.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
    if service.controller() != "ECS" {
        return Err(Refusal::new(
            "UnsupportedFeatureException",
            "Service deployments are only supported for services with the ECS deployment controller.",
        ));
    }
    let service = service.shown_at(context.now);
    let statuses = texts(request, "status");
    let created = request.get("createdAt").cloned().unwrap_or_default();
    let listed = service.service_deployments.iter().filter(|deployment| {
        let at = epoch_seconds(deployment.created_at);
        deployment.listed_from <= context.now
            && (statuses.is_empty() || statuses.iter().any(|status| status == deployment.status))
            && created["after"].as_f64().is_none_or(|after| at >= after)
            && created["before"].as_f64().is_none_or(|before| at <= before)
    });
    let briefs = listed.map(|deployment| brief(service, deployment, context.place)).collect();
    let (briefs, next) = page(briefs, request, 20)?;
    let mut answer = json!({ "serviceDeployments": briefs });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

/// DescribeServiceDeployments: at most twenty; what is missing is a failure.
pub(super) fn describe(ecs: &Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let mut described = Vec::new();
    let mut failures = Vec::new();
    for arn in at_most_twenty(request, "serviceDeploymentArns")? {
        match find(ecs, &arn) {
            Some((service, deployment)) => described.push(whole(service, deployment, context.place)),
            None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    Ok(json!({ "serviceDeployments": described, "failures": failures }))
}

/// DescribeServiceRevisions: what really ran, with the digests that ECS resolved.
pub(super) fn describe_revisions(ecs: &Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let mut described = Vec::new();
    let mut failures = Vec::new();
    for arn in at_most_twenty(request, "serviceRevisionArns")? {
        let mut services = ecs.clusters.values().flat_map(|services| services.values());
        let found = services
            .find_map(|service| Some((service, service.revisions.iter().find(|revision| revision.arn == arn)?)));
        let Some((service, revision)) = found else {
            failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            continue;
        };
        described.push(json!({
            "serviceRevisionArn": revision.arn,
            "serviceArn": service.arn(context.place),
            "clusterArn": service.cluster_arn(context.place),
            "taskDefinition": revision.task_definition,
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "containerImages": revision.images.iter().map(ran).collect::<Vec<_>>(),
            "guardDutyEnabled": false,
            "createdAt": epoch_seconds(revision.created_at),
        }));
    }
    Ok(json!({ "serviceRevisions": described, "failures": failures }))
}

/// StopServiceDeployment: asks for the rollback, which comes with a later step.
pub(super) fn stop(ecs: &mut Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let arn = text(request, "serviceDeploymentArn").unwrap_or_default();
    let status = if text(request, "stopType") == Some("ABORT") { "STOP_REQUESTED" } else { "ROLLBACK_REQUESTED" };
    request_stop(ecs, context, arn, status)?;
    Ok(json!({ "serviceDeploymentArn": arn }))
}

/// The request to stop a service deployment, which takes this status.
pub(super) fn request_stop(
    ecs: &mut Ecs,
    context: &Context<'_>,
    arn: &str,
    status: &'static str,
) -> Result<(), Refusal> {
    let deployment = find_mut(ecs, arn)?;
    if !matches!(deployment.status, "PENDING" | "IN_PROGRESS") {
        return Err(Refusal::new(
            "ConflictException",
            format!("The service deployment is in status {} and cannot be stopped.", deployment.status),
        ));
    }
    deployment.updated_at = context.now;
    deployment.status = status;
    Ok(())
}

fn at_most_twenty(request: &Members, member: &str) -> Result<Vec<String>, Refusal> {
    let arns = texts(request, member);
    if arns.is_empty() || arns.len() > 20 {
        return Err(Refusal::invalid(format!("{member} has one to twenty elements.")));
    }
    Ok(arns)
}

/// A service deployment, to change it.
pub(super) fn find_mut<'a>(ecs: &'a mut Ecs, arn: &str) -> Result<&'a mut ServiceDeployment, Refusal> {
    let mut services = ecs.clusters.values_mut().flat_map(|services| services.values_mut());
    services
        .find_map(|service| service.service_deployments.iter_mut().find(|deployment| deployment.arn == arn))
        .ok_or_else(|| Refusal::new("ServiceDeploymentNotFoundException", "Service deployment not found."))
}

/// A service deployment and its service.
pub(super) fn find<'a>(ecs: &'a Ecs, arn: &str) -> Option<(&'a Service, &'a ServiceDeployment)> {
    let mut services = ecs.clusters.values().flat_map(|services| services.values());
    services.find_map(|service| {
        let deployment = service.service_deployments.iter().find(|deployment| deployment.arn == arn)?;
        Some((service, deployment))
    })
}

fn ran(image: &RanImage) -> Value {
    let mut ran = json!({ "containerName": image.container, "image": image.image });
    if let Some(digest) = &image.digest {
        ran["imageDigest"] = json!(digest.as_str());
    }
    ran
}

fn brief(service: &Service, deployment: &ServiceDeployment, place: &Place) -> Value {
    let mut brief = json!({
        "serviceDeploymentArn": deployment.arn,
        "serviceArn": service.arn(place),
        "clusterArn": service.cluster_arn(place),
        "startedAt": epoch_seconds(deployment.created_at),
        "createdAt": epoch_seconds(deployment.created_at),
        "targetServiceRevisionArn": service.revisions[deployment.target].arn,
        "status": deployment.status,
    });
    if let Some(finished) = deployment.finished_at {
        brief["finishedAt"] = json!(epoch_seconds(finished));
    }
    if let Some(reason) = &deployment.reason {
        brief["statusReason"] = json!(reason);
    }
    brief
}

fn whole(service: &Service, deployment: &ServiceDeployment, place: &Place) -> Value {
    let mut whole = brief(service, deployment, place);
    let summary = |revision: usize| {
        let running = service.deployments.iter().find(|running| running.revision == revision);
        json!({
            "arn": service.revisions[revision].arn,
            "requestedTaskCount": running.map_or(0, |running| running.desired),
            "runningTaskCount": running.map_or(0, |running| running.running),
            "pendingTaskCount": running.map_or(0, |running| running.pending),
        })
    };
    if let Some(described) = whole.as_object_mut() {
        described.shift_remove("targetServiceRevisionArn");
    }
    whole["updatedAt"] = json!(epoch_seconds(deployment.updated_at));
    whole["targetServiceRevision"] = summary(deployment.target);
    if let Some(percent) = deployment.traffic {
        whole["targetServiceRevision"]["requestedProductionTrafficWeight"] = json!(f64::from(percent));
    }
    whole["sourceServiceRevisions"] = deployment.source.map(summary).into_iter().collect();
    whole["deploymentConfiguration"] = deployment_configuration(service);
    whole["deploymentCircuitBreaker"] = json!({
        "status": breaker(service, deployment),
        "failureCount": deployment.failures,
        "threshold": service.threshold(),
    });
    if let Some(names) = service.configured("/alarms/alarmNames") {
        let status = match (deployment.triggered_alarms.is_empty(), deployment.is_under_way()) {
            (false, _) => "TRIGGERED",
            (true, true) => "MONITORING",
            (true, false) => "MONITORING_COMPLETE",
        };
        whole["alarms"] = json!({
            "status": status, "alarmNames": names, "triggeredAlarmNames": deployment.triggered_alarms,
        });
    }
    if let Some(stage) = &deployment.stage {
        whole["lifecycleStage"] = json!(stage);
    }
    if let Some(hooks) = deployment.hooks() {
        whole["lifecycleHookDetails"] = hooks;
    }
    if let Some(rollback) = &deployment.rollback {
        whole["rollback"] = json!({
            "reason": rollback.reason,
            "startedAt": epoch_seconds(rollback.at),
            "serviceRevisionArn": service.revisions[rollback.revision].arn,
        });
    }
    whole
}

/// Which of ECS's monitors call it failed, the circuit breaker or alarms.
pub(super) fn monitors(service: &Service, deployment: &ServiceDeployment) -> Monitors {
    let breaker = (breaker(service, deployment) == "TRIGGERED").then_some(Monitor::Breaker);
    let watches_alarms = service.configured("/alarms/alarmNames").is_some();
    let alarms = watches_alarms && !deployment.triggered_alarms.is_empty();
    Monitors::read(breaker, alarms.then(|| Monitor::Alarms(deployment.triggered_alarms.clone())))
}

fn breaker(service: &Service, deployment: &ServiceDeployment) -> &'static str {
    let enabled = service.configured("/deploymentCircuitBreaker/enable").and_then(Value::as_bool).unwrap_or_default();
    if !enabled {
        "DISABLED"
    } else if deployment.failures >= service.threshold() {
        "TRIGGERED"
    } else if deployment.is_under_way() {
        "MONITORING"
    } else {
        "MONITORING_COMPLETE"
    }
}
