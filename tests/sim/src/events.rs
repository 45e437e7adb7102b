//! What triggers the engine, in its own words: ECS's events and the timers' payloads, as the functions parse them.

use fake_aws::Aws;
use jiff::Timestamp;
use serde_json::Value;
use slipway_core::model::event::{DeploymentEvent, StateChange};
use slipway_core::model::facts::{GroupName, StoppedTask};
use slipway_core::model::id::{ClusterName, DeploymentId, ServiceArn, ServiceName};
use slipway_core::model::timer::Scheduled;
use slipway_engine::{GroupTrigger, Hint, Input, ServiceTrigger, Warning};

use crate::setup::{CLUSTER, home};

/// An event of ECS or CodeDeploy as the track function reads it; `None` for what it passes over.
pub(crate) fn of_aws(event: &Value, aws: &Aws) -> Option<Input> {
    if event["source"] == "aws.codedeploy" {
        let text = |name: &str| event["detail"][name].as_str().map(str::to_owned);
        let group = GroupName { application: text("application")?, group: text("deploymentGroup")? };
        return Some(Input::Group(GroupTrigger { home: home(), group }));
    }
    of_ecs(event, aws).map(Input::Service)
}

fn of_ecs(event: &Value, aws: &Aws) -> Option<ServiceTrigger> {
    let detail = &event["detail"];
    let text = |name: &str| detail[name].as_str().map(str::to_owned);
    let moment = |name: &str| detail[name].as_str().and_then(|text| text.parse::<Timestamp>().ok()).unwrap_or_default();
    let (service, hint) = match event["detail-type"].as_str()? {
        "ECS Deployment State Change" => {
            let change = match detail["eventName"].as_str()? {
                "SERVICE_DEPLOYMENT_COMPLETED" => StateChange::Completed,
                "SERVICE_DEPLOYMENT_FAILED" => StateChange::Failed,
                _ => StateChange::InProgress,
            };
            let deployment = DeploymentId::new(detail["deploymentId"].as_str()?);
            let hint = DeploymentEvent { change, deployment, reason: text("reason"), at: moment("updatedAt") };
            (service_of(event)?, Hint::Deployment(hint))
        }
        "ECS Service Action" => {
            let warning = Warning { name: text("eventName")?, reason: text("reason"), at: moment("createdAt") };
            (service_of(event)?, Hint::Warning(warning))
        }
        "ECS Hook State Change" => (service_of(event)?, Hint::Changed),
        _ => {
            let service = detail["group"].as_str()?.strip_prefix("service:")?;
            (ServiceName::new(service), Hint::stopped(task(aws, detail["taskArn"].as_str()?)?)?)
        }
    };
    Some(ServiceTrigger { home: Some(home()), cluster: Some(ClusterName::new(CLUSTER)), service, hint })
}

/// What a schedule's payload means, as the deploy function parses it.
pub(crate) fn of_schedule(payload: &Value) -> Option<Input> {
    Input::scheduled(Scheduled::parse(payload.as_object()?)?)
}

fn service_of(event: &Value) -> Option<ServiceName> {
    ServiceArn::parse(event["resources"][0].as_str()?).map(|arn| arn.service)
}

fn task(aws: &Aws, arn: &str) -> Option<StoppedTask> {
    aws.describe_stopped_tasks(&ClusterName::new(CLUSTER), &[arn.to_owned()]).ok()?.pop()
}

/// A line about an event.
pub(crate) fn line(event: &Input) -> String {
    let event = match event {
        Input::Service(event) => event,
        Input::Group(event) => return format!("a change of {}", event.group.group),
        other => return format!("{other:?}"),
    };
    let service = &event.service;
    match &event.hint {
        Hint::Deployment(it) => format!("{:?} of {} on {service}", it.change, it.deployment),
        Hint::TaskStopped(task) => {
            let of = task.started_by.as_ref().map_or("", |id| id.as_str());
            format!("task {} of {of} stopped on {service}", task.short())
        }
        Hint::Warning(warning) => format!("{} on {service}", warning.name),
        Hint::Changed => format!("a change of {service}"),
        Hint::Timer | Hint::Unjudged => format!("timer of {service}"),
    }
}
