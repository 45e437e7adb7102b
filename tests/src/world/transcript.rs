//! Calls as lines that people read, in an order that is the same in every run.
//!
//! Concurrent calls come in any order, so a transcript is not sorted by time. Every call has a *lane*, the thing it is
//! about (a service, a family, a repository), and a *step* (configuration, registry, services, task definitions, history,
//! register, update, notice). Within a lane time counts: where a call goes back to an earlier step, the lane enters its
//! next round. Lines are sorted by round, step, lane. A handler that looks, decides, does and tells is one
//! round; whoever tells before he does, or looks again, is seen to.

use std::collections::HashMap;

use serde_json::Value;

use super::record::Call;

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
    // Stable, so that repetitions of a call keep their order and their different endings.
    lines.sort_by(|a, b| (a.0, a.1, &a.2, &a.3).cmp(&(b.0, b.1, &b.2, &b.3)));
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

/// Where a call stands in parse → look → decide → do → tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Configuration,
    Registry,
    Services,
    TaskDefinitions,
    /// Service deployments, service revisions, tasks: what a service went through.
    History,
    OtherReads,
    Register,
    Update,
    OtherWrites,
    Notice,
}

impl Step {
    fn of(call: &Call) -> Self {
        match (call.service.as_str(), call.operation.as_str()) {
            ("SSM" | "S3", _) if !call.is_write() => Self::Configuration,
            ("ECR", _) if !call.is_write() => Self::Registry,
            ("ECS", "DescribeTaskDefinition" | "ListTaskDefinitions") => Self::TaskDefinitions,
            ("ECS", "DescribeServices" | "ListServices") => Self::Services,
            ("ECS", _) if !call.is_write() => Self::History,
            ("ECS", "RegisterTaskDefinition") => Self::Register,
            ("ECS", _) => Self::Update,
            ("SNS", "Publish") => Self::Notice,
            _ if call.is_write() => Self::OtherWrites,
            _ => Self::OtherReads,
        }
    }
}

fn lane(call: &Call) -> String {
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
        ("ECS", "CreateService" | "UpdateService" | "DeleteService" | "ListServiceDeployments" | "ListTasks") => {
            let service = ["service", "serviceName"].iter().find_map(|member| text(&call.request, member));
            service.map_or_else(String::new, |service| format!("{cluster}/{}", last_part(service)))
        }
        ("ECS", "StopServiceDeployment") => of_arn(text(&call.request, "serviceDeploymentArn").unwrap_or_default()),
        ("ECS", "DescribeServiceDeployments") => {
            of_arn(first(&call.request, "serviceDeploymentArns").unwrap_or_default())
        }
        ("ECS", "DescribeServiceRevisions") => of_arn(first(&call.request, "serviceRevisionArns").unwrap_or_default()),
        ("SNS", "Publish") => attribute(&call.request, "target").unwrap_or_default().to_owned(),
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
        ("ECR", _) => text(request, "repositoryName").unwrap_or_default().to_owned(),
        ("SNS", "Publish") => String::new(),
        ("SSM", _) => text(request, "Name").unwrap_or_default().to_owned(),
        ("S3", _) => {
            format!("{}/{}", text(request, "Bucket").unwrap_or_default(), text(request, "Key").unwrap_or_default())
        }
        ("DynamoDB", _) => text(request, "TableName").unwrap_or_default().to_owned(),
        _ => service_lane(call),
    }
}

fn details(call: &Call) -> String {
    let request = &call.request;
    match (call.service.as_str(), call.operation.as_str()) {
        ("ECR", _) => {
            let ids = request["imageIds"].as_array().map_or(&[][..], Vec::as_slice);
            let ids = ids.iter().map(|id| {
                let tag = text(id, "imageTag").map(|tag| format!("tag={tag}"));
                let digest = text(id, "imageDigest").map(|digest| format!("digest={}", short(digest)));
                [tag, digest].into_iter().flatten().collect::<Vec<_>>().join(" ")
            });
            ids.collect::<Vec<_>>().join(" ")
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
        ("ECS", "CreateService" | "UpdateService") => {
            let mut parts = Vec::new();
            for (member, value) in request.as_object().into_iter().flatten() {
                match member.as_str() {
                    "cluster" | "service" | "serviceName" => {}
                    "taskDefinition" => {
                        parts.push(format!("taskDefinition={}", last_part(value.as_str().unwrap_or_default())));
                    }
                    // The text of anything else: an update of more than the task definition shall be seen.
                    other => parts.push(format!("{other}={value}")),
                }
            }
            parts.sort_by_key(|part| !part.starts_with("taskDefinition="));
            parts.join(" ")
        }
        ("ECS", "StopServiceDeployment") => text(request, "stopType").unwrap_or_default().to_owned(),
        ("ECS", "ListTasks") => text(request, "desiredStatus").unwrap_or_default().to_owned(),
        ("SNS", "Publish") => {
            let kind = attribute(request, "kind").unwrap_or_default();
            format!("{kind} {:?}", text(request, "Subject").unwrap_or_default()).trim_start().to_owned()
        }
        _ => String::new(),
    }
}

fn ending(call: &Call) -> String {
    match (&call.refused, call.status) {
        (Some(code), _) => format!(" ⇒ {code}"),
        (None, None) => " ⇒ no answer".to_owned(),
        (None, Some(status)) if status >= 400 => format!(" ⇒ {status}"),
        _ => String::new(),
    }
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
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

fn last_part(arn: &str) -> &str {
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
