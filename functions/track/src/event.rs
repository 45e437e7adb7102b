//! Turns an event into the hint that it is, leniently: ECS adds fields and names.
//!
//! An event says which service to observe; little else of it is believed.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use slipway_core::model::event::{DeploymentEvent, StateChange};
use slipway_core::model::facts::GroupName;
use slipway_core::model::id::{ClusterName, DeploymentId, Home, ServiceArn};
use slipway_engine::{GroupTrigger, Hint, Input, ServiceTrigger, Warning};
use tracing::info;

mod task;

/// Why an event of a known kind cannot be read. Another delivery would be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Envelope {
    source: String,
    detail_type: String,
    time: Option<String>,
    resources: Vec<String>,
    detail: Value,
}

/// The `detail` of an `ECS Deployment State Change` or an `ECS Service Action`, as far as we read it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    event_type: String,
    event_name: String,
    deployment_id: String,
    updated_at: Option<String>,
    created_at: Option<String>,
    reason: Option<String>,
    cluster_arn: Option<String>,
    service_deployment_arn: Option<String>,
}

/// The `detail` of a `CodeDeploy Deployment State-change Notification`, as far as we read it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CodeDeployDetail {
    application: String,
    deployment_group: String,
}

/// Reads an event. `Ok(None)` is a kind that is not for this function, or a name that ECS has added since.
///
/// `received` stands in for the time of an event that bears none.
pub fn parse(payload: Value, received: Timestamp) -> Result<Option<Input>, Malformed> {
    let of = |it: Option<ServiceTrigger>| it.map(Input::Service);
    let envelope: Envelope = serde_json::from_value(payload).map_err(|error| Malformed(error.to_string()))?;
    match (envelope.source.as_str(), envelope.detail_type.as_str()) {
        ("aws.ecs", "ECS Deployment State Change") => state_change(envelope, received).map(of),
        ("aws.ecs", "ECS Service Action") => action(envelope, received).map(of),
        ("aws.ecs", "ECS Task State Change") => task_stopped(envelope).map(of),
        ("aws.ecs", "ECS Hook State Change") => hook(envelope).map(|it| Some(Input::Service(it))),
        ("aws.codedeploy", "CodeDeploy Deployment State-change Notification") => {
            deployment_group(envelope).map(|it| Some(Input::Group(it)))
        }
        (source, kind) => {
            info!(event.source = source, event.type = kind, "the event is not for this function");
            Ok(None)
        }
    }
}

fn state_change(envelope: Envelope, received: Timestamp) -> Result<Option<ServiceTrigger>, Malformed> {
    let detail = detail(&envelope)?;
    let change = match detail.event_name.as_str() {
        "SERVICE_DEPLOYMENT_IN_PROGRESS" => StateChange::InProgress,
        "SERVICE_DEPLOYMENT_COMPLETED" => StateChange::Completed,
        "SERVICE_DEPLOYMENT_FAILED" => StateChange::Failed,
        name => {
            info!(event.name = name, resources = ?envelope.resources, "an event of a name that is not known");
            return Ok(None);
        }
    };
    let at = time(&[&detail.updated_at, &envelope.time]).unwrap_or(received);
    let event = DeploymentEvent {
        change,
        deployment: DeploymentId::new(&detail.deployment_id),
        reason: detail.reason.clone().filter(|reason| !reason.is_empty()),
        at,
    };
    let event = of_service(&envelope, &detail, Hint::Deployment(event))?;
    if detail.deployment_id.is_empty() {
        return Err(Malformed("detail.deploymentId: is missing".to_owned()));
    }
    Ok(Some(event))
}

fn action(envelope: Envelope, received: Timestamp) -> Result<Option<ServiceTrigger>, Malformed> {
    let detail = detail(&envelope)?;
    // The others report the usual: a steady state, every few hours, for each service.
    if !matches!(detail.event_type.as_str(), "WARN" | "ERROR") || detail.event_name.is_empty() {
        return Ok(None);
    }
    let warning = Warning {
        name: detail.event_name.clone(),
        reason: detail.reason.clone().filter(|reason| !reason.is_empty()),
        at: time(&[&detail.created_at, &envelope.time]).unwrap_or(received),
    };
    of_service(&envelope, &detail, Hint::Warning(warning)).map(Some)
}

/// ECS documents the kind of this event and no member of it, so the service is looked for wherever an ARN names it.
fn hook(mut envelope: Envelope) -> Result<ServiceTrigger, Malformed> {
    let detail = detail(&envelope)?;
    let arns = envelope.resources.iter().chain(&detail.service_deployment_arn);
    let services: Vec<String> = arns.filter_map(|arn| service_of(arn)).collect();
    envelope.resources.extend(services);
    of_service(&envelope, &detail, Hint::Changed)
}

/// CodeDeploy's events name the deployment and its group, and no service. What their state says is read anew, because they come
/// as best they can.
fn deployment_group(envelope: Envelope) -> Result<GroupTrigger, Malformed> {
    let arn = envelope.resources.iter().find(|arn| arn.contains(":deploymentgroup:"));
    let home = arn.and_then(|arn| Home::of_arn(arn));
    let detail: CodeDeployDetail =
        CodeDeployDetail::deserialize(&envelope.detail).map_err(|error| Malformed(format!("detail: {error}")))?;
    let (Some(home), false, false) = (home, detail.application.is_empty(), detail.deployment_group.is_empty()) else {
        return Err(Malformed(format!("resources: {:?} and the detail name no deployment group", envelope.resources)));
    };
    Ok(GroupTrigger { home, group: GroupName { application: detail.application, group: detail.deployment_group } })
}

/// The service's ARN in that of its service deployment, `…:service-deployment/CLUSTER/SERVICE/ID`.
fn service_of(service_deployment: &str) -> Option<String> {
    let (before, path) = service_deployment.split_once(":service-deployment/")?;
    let (service, _) = path.rsplit_once('/')?;
    Some(format!("{before}:service/{service}"))
}

/// Only tasks of services, and only those that stopped by themselves.
fn task_stopped(envelope: Envelope) -> Result<Option<ServiceTrigger>, Malformed> {
    let stopped: task::Stopped =
        serde_json::from_value(envelope.detail).map_err(|error| Malformed(format!("detail: {error}")))?;
    let Some(service) = stopped.service() else { return Ok(None) };
    let (home, cluster) = stopped.place()?;
    let hint = Hint::stopped(stopped.into_facts());
    Ok(hint.map(|hint| ServiceTrigger { home: Some(home), cluster: Some(cluster), service, hint }))
}

fn detail(envelope: &Envelope) -> Result<Detail, Malformed> {
    Detail::deserialize(&envelope.detail).map_err(|error| Malformed(format!("detail: {error}")))
}

fn of_service(envelope: &Envelope, detail: &Detail, hint: Hint) -> Result<ServiceTrigger, Malformed> {
    let arn = envelope.resources.iter().find_map(|arn| ServiceArn::parse(arn));
    let Some(arn) = arn.filter(|arn| !arn.service.as_str().is_empty()) else {
        return Err(Malformed(format!("resources: {:?} name no service", envelope.resources)));
    };
    Ok(ServiceTrigger {
        home: Some(arn.home),
        cluster: arn.cluster.or_else(|| detail.cluster_arn.as_deref().and_then(cluster)),
        service: arn.service,
        hint,
    })
}

fn cluster(arn: &str) -> Option<ClusterName> {
    arn.split_once(":cluster/").map(|(_, name)| ClusterName::new(name)).filter(|name| !name.as_str().is_empty())
}

/// The first of these that is a time.
fn time(texts: &[&Option<String>]) -> Option<Timestamp> {
    texts.iter().find_map(|text| text.as_deref()?.parse().ok())
}

#[cfg(test)]
mod tests;
