//! Calls as lines that people read, in an order that is the same in every run.
//!
//! Concurrent calls come in any order, so a transcript is not sorted by time. Every call has a *lane*, the thing it is
//! about (a service, a family, a repository), and a *step* (configuration, record, lease, registry, services, task
//! definitions, history, register, intent, update, what was done, labels, notice). Within a lane time counts: where a call goes back to an earlier step, the lane enters its
//! next round. Lines are sorted by round, step, lane. A handler that observes, decides, acts and reports is one
//! round; one that reports before it acts, or observes again, shows.

use std::collections::HashMap;

use serde_json::Value;

use super::record::Call;
use super::{codedeploy, ledger};
use fake_aws::Place;

/// The calls as lines, one each, ended by newlines.
pub fn transcript(calls: &[Call]) -> String {
    let mut reached: HashMap<String, (usize, Step)> = HashMap::new();
    let mut lines: Vec<_> = calls
        .iter()
        .map(|call| {
            let (lane, step) = (lane(call), Step::of(call));
            let (round, last) = reached.entry(lane.clone()).or_insert((0, step));
            if step < *last {
                *round += 1;
            }
            *last = step;
            (*round, step, lane, line(call), ending(call))
        })
        .collect();
    // Stable, so that repetitions of a call keep their order and their different endings. So do the writes of one record,
    // which come one after the other by their nature.
    let text = |line: &str| if line.starts_with("DynamoDB.") { String::new() } else { line.to_owned() };
    lines.sort_by_cached_key(|(round, step, lane, line, _)| (*round, *step, lane.clone(), text(line)));
    lines.into_iter().map(|(_, _, _, line, ending)| format!("{line}{ending}\n")).collect()
}

/// The most calls that came one after the other.
///
/// Each began after the one before had been answered, and belongs to the same lane or to something shared (configuration, registry, task definitions). Never less than the real chain.
pub fn longest_chain(calls: &[Call]) -> usize {
    let mut order: Vec<(&Call, String)> = calls.iter().map(|call| (call, service_lane(call))).collect();
    order.sort_by_key(|(call, _)| call.span.start);
    let mut depths: Vec<usize> = Vec::with_capacity(order.len());
    for (index, (call, lane)) in order.iter().enumerate() {
        let before = order[..index].iter().zip(&depths).filter(|((earlier, other), _)| {
            earlier.span.end <= call.span.start && (other == lane || other.is_empty() || lane.is_empty())
        });
        depths.push(1 + before.map(|(_, depth)| *depth).max().unwrap_or_default());
    }
    depths.into_iter().max().unwrap_or_default()
}

/// The line of one call, without what came back.
pub(crate) fn line(call: &Call) -> String {
    let subject = subject(call);
    let details = details(call);
    let mut line = call.name();
    for part in [subject, details] {
        if !part.is_empty() {
            line.push(' ');
            line.push_str(&part);
        }
    }
    line
}

/// Where a call stands in parse → observe → decide → act → report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Configuration,
    /// What the ledger says.
    Record,
    /// The lease taken or let go, and inputs left behind it.
    Lease,
    Registry,
    Services,
    TaskDefinitions,
    /// Service deployments, service revisions, tasks: what a service went through.
    History,
    OtherReads,
    Register,
    /// The intent, and the timer that fires if it has no effect.
    Intent,
    Update,
    /// What is written down afterwards.
    Done,
    OtherWrites,
    /// What an image says of its build.
    Labels,
    Notice,
}

impl Step {
    fn of(call: &Call) -> Self {
        match (call.service.as_str(), call.operation.as_str()) {
            ("ECR", "GetDownloadUrlForLayer") => Self::Labels,
            // Two manifests are compared; one is read for what it says.
            ("ECR", "BatchGetImage") if call.request["imageIds"].as_array().is_some_and(|ids| ids.len() == 1) => {
                Self::Labels
            }
            ("S3", _) if blob(call).is_some() => Self::Labels,
            ("SSM" | "S3", _) if !call.is_write() => Self::Configuration,
            ("ECR", _) if !call.is_write() => Self::Registry,
            ("ECS", "DescribeTaskDefinition" | "ListTaskDefinitions") => Self::TaskDefinitions,
            ("ECS", "DescribeServices" | "ListServices") => Self::Services,
            ("ECS", _) if !call.is_write() => Self::History,
            ("ECS", "RegisterTaskDefinition") => Self::Register,
            ("ECS", _) => Self::Update,
            ("CodeDeploy", operation) => codedeploy::step(operation),
            ("SNS", "Publish") => Self::Notice,
            ("DynamoDB", "GetItem" | "Query") => Self::Record,
            ("DynamoDB", _) if call.is_lease() => Self::Lease,
            ("DynamoDB", _) if changed(call).iter().any(|change| change.ends_with(" intended")) => Self::Intent,
            ("DynamoDB", _) => Self::Done,
            ("Scheduler", "CreateSchedule") => Self::Intent,
            ("Scheduler", "DeleteSchedule") => Self::Done,
            ("Logs", "GetLogEvents") => Self::History,
            _ if call.is_write() => Self::OtherWrites,
            _ => Self::OtherReads,
        }
    }
}

fn lane(call: &Call) -> String {
    if let Some((repository, _)) = blob(call) {
        return format!("ECR {repository}");
    }
    let lane = service_lane(call);
    if lane.is_empty() { format!("{} {}", call.service, subject(call)) } else { lane }
}

/// The service that a call is about, `prod/web`; empty for what services share.
fn service_lane(call: &Call) -> String {
    let cluster = last_part(text(&call.request, "cluster").unwrap_or("default"));
    match (call.service.as_str(), call.operation.as_str()) {
        ("ECS", "DescribeServices") => {
            let services = names(&call.request, "services");
            format!("{cluster}/{}", services.join(","))
        }
        (
            "ECS",
            "CreateService"
            | "CreateExpressGatewayService"
            | "UpdateService"
            | "DeleteService"
            | "ListServiceDeployments"
            | "ListTasks",
        ) => {
            let service = ["service", "serviceName"].iter().find_map(|member| text(&call.request, member));
            service.map_or_else(String::new, |service| format!("{cluster}/{}", last_part(service)))
        }
        ("ECS", "UpdateExpressGatewayService") => of_arn(text(&call.request, "serviceArn").unwrap_or_default()),
        ("ECS", "StopServiceDeployment" | "ContinueServiceDeployment") => {
            of_arn(text(&call.request, "serviceDeploymentArn").unwrap_or_default())
        }
        ("ECS", "DescribeServiceDeployments") => {
            of_arn(first(&call.request, "serviceDeploymentArns").unwrap_or_default())
        }
        ("ECS", "DescribeServiceRevisions") => of_arn(first(&call.request, "serviceRevisionArns").unwrap_or_default()),
        ("SNS", "Publish") => attribute(&call.request, "target").unwrap_or_default().to_owned(),
        ("DynamoDB", _) => record_of(&call.request),
        ("Scheduler", _) => timer(&call.request)["target"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn subject(call: &Call) -> String {
    let request = &call.request;
    match (call.service.as_str(), call.operation.as_str()) {
        ("ECS", "RegisterTaskDefinition") => text(request, "family").unwrap_or_default().to_owned(),
        ("ECS", "DescribeTaskDefinition" | "DeregisterTaskDefinition") => {
            last_part(text(request, "taskDefinition").unwrap_or_default()).to_owned()
        }
        ("ECS", "CreateCluster") => text(request, "clusterName").unwrap_or_default().to_owned(),
        ("ECS", "ListServices" | "DescribeTasks") => {
            last_part(text(request, "cluster").unwrap_or("default")).to_owned()
        }
        ("ECR", _) => {
            let name = text(request, "repositoryName").unwrap_or_default();
            let (account, region) = (text(request, "registryId"), call.region.as_deref());
            // Where nearly all worlds are.
            let home = Place::default();
            match account.is_some_and(|account| account != home.account) || region.is_some_and(|it| it != home.region) {
                true => format!("{}/{}/{name}", account.unwrap_or_default(), region.unwrap_or_default()),
                false => name.to_owned(),
            }
        }
        ("CodeDeploy", _) => codedeploy::subject(request),
        ("SNS", "Publish") => String::new(),
        ("SSM", _) => text(request, "Name").unwrap_or_default().to_owned(),
        ("S3", _) => match blob(call) {
            Some((_, digest)) => short(digest),
            None => {
                format!("{}/{}", text(request, "Bucket").unwrap_or_default(), text(request, "Key").unwrap_or_default())
            }
        },
        ("Scheduler", "CreateSchedule") if !service_lane(call).is_empty() => service_lane(call),
        ("Scheduler", _) => text(request, "Name").unwrap_or_default().to_owned(),
        ("Logs", "GetLogEvents") => text(request, "logGroupName").unwrap_or_default().to_owned(),
        _ => service_lane(call),
    }
}

fn details(call: &Call) -> String {
    let request = &call.request;
    match (call.service.as_str(), call.operation.as_str()) {
        ("ECR", "GetDownloadUrlForLayer") => {
            format!("digest={}", short(text(request, "layerDigest").unwrap_or_default()))
        }
        ("ECR", _) => {
            let ids = request["imageIds"].as_array().map_or(&[][..], Vec::as_slice);
            let page = text(request, "nextToken").map(|token| format!("from {token}"));
            let ids = ids.iter().map(|id| {
                let tag = text(id, "imageTag").map(|tag| format!("tag={tag}"));
                let digest = text(id, "imageDigest").map(|digest| format!("digest={}", short(digest)));
                [tag, digest].into_iter().flatten().collect::<Vec<_>>().join(" ")
            });
            ids.chain(page).collect::<Vec<_>>().join(" ")
        }
        ("ECS", "RegisterTaskDefinition") => {
            let containers = request["containerDefinitions"].as_array().map_or(&[][..], Vec::as_slice);
            let pinned = containers.iter().filter_map(|container| {
                let (_, digest) = text(container, "image")?.split_once('@')?;
                Some(format!("{} → …@{}", text(container, "name").unwrap_or_default(), short(digest)))
            });
            let pinned: Vec<String> = pinned.collect();
            if pinned.is_empty() { String::new() } else { format!("({})", pinned.join(", ")) }
        }
        ("ECS", "UpdateExpressGatewayService") => {
            let task_definition = text(request, "taskDefinitionArn").unwrap_or_default();
            format!("taskDefinition={}", last_part(task_definition))
        }
        ("ECS", "CreateService" | "UpdateService") => {
            let mut parts = Vec::new();
            for (member, value) in request.as_object().into_iter().flatten() {
                match member.as_str() {
                    "cluster" | "service" | "serviceName" => {}
                    "taskDefinition" => {
                        parts.push(format!("taskDefinition={}", last_part(value.as_str().unwrap_or_default())));
                    }
                    // The text of anything else: an update of more than the task definition shall show.
                    other => parts.push(format!("{other}={value}")),
                }
            }
            parts.sort_by_key(|part| !part.starts_with("taskDefinition="));
            parts.join(" ")
        }
        ("ECS", "StopServiceDeployment") => text(request, "stopType").unwrap_or_default().to_owned(),
        ("ECS", "ContinueServiceDeployment") => text(request, "action").unwrap_or_default().to_owned(),
        ("CodeDeploy", operation) => codedeploy::details(operation, request),
        ("ECS", "ListTasks") => text(request, "desiredStatus").unwrap_or_default().to_owned(),
        ("ECS", "DescribeTasks") => format!("{} tasks", names(request, "tasks").len()),
        ("DynamoDB", "PutItem") => changed(call).join(", "),
        ("DynamoDB", "Query") if request["ExpressionAttributeValues"][":archived"].is_object() => {
            "the archive".to_owned()
        }
        ("DynamoDB", "Query") if request["ExpressionAttributeValues"][":first"].is_object() => {
            "the evidence".to_owned()
        }
        ("DynamoDB", "Query") => "its services".to_owned(),
        ("Scheduler", "CreateSchedule") => {
            let timer = timer(request);
            let parts = [
                timer["slipway"].as_str().unwrap_or_default().to_owned(),
                timer["number"].as_u64().map(|number| number.to_string()).unwrap_or_default(),
                text(request, "ScheduleExpression").unwrap_or_default().to_owned(),
                format!(
                    "→ {}",
                    request["Target"]["Arn"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default()
                ),
            ];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        }
        ("Logs", "GetLogEvents") => text(request, "logStreamName").unwrap_or_default().to_owned(),
        ("SNS", "Publish") => {
            let kind = attribute(request, "kind").unwrap_or_default();
            format!("{kind} {:?}", text(request, "Subject").unwrap_or_default()).trim_start().to_owned()
        }
        _ => String::new(),
    }
}

/// The repository and the digest of what is read from the bucket of ECR, by an address that ECR gave.
fn blob(call: &Call) -> Option<(&str, &str)> {
    text(&call.request, "Bucket")
        .filter(|bucket| call.service == "S3" && bucket.ends_with("-starport-layer-bucket"))?;
    text(&call.request, "Key")?.split_once('/')?.1.rsplit_once('/')
}

/// What a write of the ledger changes.
fn changed(call: &Call) -> Vec<String> {
    ledger::changes(call.before.as_ref(), &call.request["Item"])
}

/// The service whose record is read or written, `prod/web`.
fn record_of(request: &Value) -> String {
    let of = ["Item", "Key"].iter().find_map(|member| request[*member]["target"]["S"].as_str());
    let asked = || request["ExpressionAttributeValues"][":target"]["S"].as_str();
    of.or_else(asked).unwrap_or_default().to_owned()
}

/// What a schedule invokes its function with.
fn timer(request: &Value) -> Value {
    request["Target"]["Input"].as_str().and_then(|input| serde_json::from_str(input).ok()).unwrap_or_default()
}

fn ending(call: &Call) -> String {
    match (&call.refused, call.status) {
        (Some(code), _) => format!(" ⇒ {code}"),
        (None, None) => " ⇒ no answer".to_owned(),
        (None, Some(status)) if status >= 400 => format!(" ⇒ {status}"),
        _ => String::new(),
    }
}

pub(super) fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

fn first<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.get(0)?.as_str()
}

fn names(value: &Value, member: &str) -> Vec<String> {
    let names = value.get(member).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    names.iter().filter_map(Value::as_str).map(|name| last_part(name).to_owned()).collect()
}

/// `prod/web` of `arn:…:service-deployment/prod/web/ID`.
fn of_arn(arn: &str) -> String {
    arn.split('/').skip(1).take(2).collect::<Vec<_>>().join("/")
}

pub(super) fn last_part(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

/// A digest as people quote it, by its first twelve digits.
fn short(digest: &str) -> String {
    let length = "sha256:".len() + 12;
    if digest.len() > length && digest.is_ascii() { format!("{}…", &digest[..length]) } else { digest.to_owned() }
}

/// The value of a message attribute in Publish's form fields.
fn attribute<'a>(fields: &'a Value, name: &str) -> Option<&'a str> {
    (1..=10).find_map(|index| {
        let entry = format!("MessageAttributes.entry.{index}");
        (text(fields, &format!("{entry}.Name"))? == name).then_some(())?;
        text(fields, &format!("{entry}.Value.StringValue"))
    })
}
