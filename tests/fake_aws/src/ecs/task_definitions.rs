//! Task definitions: registering with ECS's checks and defaults, describing, deregistering, listing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Context, Ecs, Revision, last_part};
use crate::Caller;
use crate::place::Place;
use crate::refusal::{Answer, Members, Refusal, objects, page, text, texts};
use crate::time::epoch_seconds;

/// RegisterTaskDefinition: the next revision of the family, whether or not anything differs from the last.
pub(super) fn register(ecs: &mut Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let revision = add(ecs, context, request)?;
    let mut answer = json!({ "taskDefinition": revision.definition });
    if !revision.tags.is_empty() {
        answer["tags"] = json!(revision.tags);
    }
    Ok(answer)
}

/// Adds the next revision of the family.
pub(super) fn add<'e>(ecs: &'e mut Ecs, context: &Context<'_>, request: &Members) -> Result<&'e Revision, Refusal> {
    check(request)?;
    let mut definition = request.clone();
    let tags = match definition.shift_remove("tags") {
        Some(Value::Array(tags)) => tags,
        _ => Vec::new(),
    };
    let family = text(request, "family").unwrap_or_default().to_owned();
    let revisions = ecs.families.entry(family.clone()).or_default();
    let number = revisions.len() + 1;
    let arn = context.place.arn("ecs", &format!("task-definition/{family}:{number}"));
    complete(&mut definition, &arn, number);
    definition.insert("registeredAt".to_owned(), json!(epoch_seconds(context.now)));
    definition.insert("registeredBy".to_owned(), json!(registered_by(context)));
    revisions.push(Revision { definition, tags });
    Ok(&revisions[number - 1])
}

/// The principal of the call: of a function a session of its role, which bears the function's name.
fn registered_by(context: &Context<'_>) -> String {
    let Place { partition, account, .. } = context.place;
    match context.caller {
        Caller::Function => format!("arn:{partition}:sts::{account}:assumed-role/slipway/slipway-deploy"),
        Caller::Person => format!("arn:{partition}:iam::{account}:user/ana"),
    }
}

/// DescribeTaskDefinition; the tags come beside it, and only when asked for.
pub(super) fn describe(ecs: &Ecs, request: &Members) -> Answer {
    let named = text(request, "taskDefinition").unwrap_or_default();
    let revision = ecs.revision(named).ok_or_else(|| Refusal::client("Unable to describe task definition."))?;
    let mut answer = json!({ "taskDefinition": revision.definition });
    if texts(request, "include").iter().any(|field| field == "TAGS") {
        answer["tags"] = json!(revision.tags);
    }
    Ok(answer)
}

/// DeregisterTaskDefinition: the revision stays, but nothing new can use it.
pub(super) fn deregister(ecs: &mut Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let named = last_part(text(request, "taskDefinition").unwrap_or_default());
    let unable = || Refusal::client("Unable to describe task definition.");
    let (family, number) = named.split_once(':').ok_or_else(|| Refusal::client("Revision is missing."))?;
    let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)).ok_or_else(unable)?;
    let revision = ecs.families.get_mut(family).and_then(|revisions| revisions.get_mut(index)).ok_or_else(unable)?;
    revision.definition.insert("status".to_owned(), json!("INACTIVE"));
    revision.definition.insert("deregisteredAt".to_owned(), json!(epoch_seconds(context.now)));
    Ok(json!({ "taskDefinition": revision.definition }))
}

/// ListTaskDefinitions, of one family or of all, by status.
pub(super) fn list(ecs: &Ecs, request: &Members) -> Answer {
    let prefix = text(request, "familyPrefix");
    let status = text(request, "status").unwrap_or("ACTIVE");
    let families = ecs.families.iter().filter(|(family, _)| prefix.is_none_or(|prefix| prefix == family.as_str()));
    let revisions = families.flat_map(|(_, revisions)| revisions).filter(|revision| revision.status() == status);
    let mut arns: Vec<String> = revisions.map(|revision| revision.arn().to_owned()).collect();
    if text(request, "sort") == Some("DESC") {
        arns.reverse();
    }
    let (arns, next) = page(arns, request, 100)?;
    let mut answer = json!({ "taskDefinitionArns": arns });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

/// What ECS refuses. The model's own constraints are checked before.
fn check(request: &Members) -> Result<(), Refusal> {
    let family = text(request, "family").unwrap_or_default();
    if family.is_empty() || family.len() > 255 || !family.bytes().all(is_name) {
        return Err(Refusal::client("Family contains invalid characters."));
    }
    if objects(request, "tags").len() > 50 {
        return Err(Refusal::client("A task definition cannot have more than 50 tags."));
    }
    let containers = objects(request, "containerDefinitions");
    if containers.is_empty() || containers.len() > 10 {
        return Err(Refusal::client("A task definition has one to ten container definitions."));
    }
    let mut names = BTreeSet::new();
    for container in &containers {
        let name = text(container, "name").unwrap_or_default();
        if name.is_empty() || name.len() > 255 || !name.bytes().all(is_name) {
            return Err(Refusal::client("Container.name contains invalid characters."));
        }
        if !names.insert(name) {
            return Err(Refusal::client(format!("Container names must be unique. '{name}' is used twice.")));
        }
        if !is_image(text(container, "image").unwrap_or_default()) {
            return Err(Refusal::client("Container.image contains invalid characters."));
        }
        check_variables(container)?;
        let limited = ["memory", "memoryReservation"].iter().any(|member| container.contains_key(*member));
        if !limited && !request.contains_key("memory") {
            return Err(Refusal::client(format!(
                "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be \
                 specified."
            )));
        }
    }
    Ok(())
}

fn check_variables(container: &Members) -> Result<(), Refusal> {
    let mut taken = BTreeSet::new();
    for variable in objects(container, "environment") {
        let name = text(variable, "name").unwrap_or_default();
        if !taken.insert(name) {
            return Err(Refusal::client(format!("The environment variable '{name}' is defined twice.")));
        }
    }
    for secret in objects(container, "secrets") {
        let name = text(secret, "name").unwrap_or_default();
        if !taken.insert(name) {
            return Err(Refusal::client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on \
                 the container, such as '{name}'."
            )));
        }
    }
    Ok(())
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// ECS's own rule, from its model's text: 255 characters before `@`, and exactly 64 hexadecimal digits after it.
fn is_image(image: &str) -> bool {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let written = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.' | b'/' | b'#');
    let hexadecimal = |hex: &str| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let right_digest = digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(hexadecimal));
    !name.is_empty() && name.len() <= 255 && name.bytes().all(written) && right_digest
}

/// Adds what ECS adds: defaults that it accepts back, and the members that only it writes.
fn complete(definition: &mut Members, arn: &str, number: usize) {
    let network = text(definition, "networkMode").unwrap_or("bridge").to_owned();
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        for (member, value) in [("cpu", json!(0)), ("essential", json!(true))] {
            container.entry(member).or_insert(value);
        }
        for member in ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"] {
            container.entry(member).or_insert(json!([]));
        }
        let ports = container.get_mut("portMappings").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            let inside = port.get("containerPort").cloned().unwrap_or(json!(0));
            let outside = if network == "bridge" { json!(0) } else { inside };
            if port.contains_key("containerPort") {
                port.entry("hostPort").or_insert(outside);
            }
            port.entry("protocol").or_insert(json!("tcp"));
        }
    }
    for member in ["volumes", "placementConstraints"] {
        definition.entry(member).or_insert(json!([]));
    }
    let mut compatibilities = vec!["EC2"];
    if network == "awsvpc" && definition.contains_key("cpu") && definition.contains_key("memory") {
        compatibilities.push("FARGATE");
    }
    definition.insert("taskDefinitionArn".to_owned(), json!(arn));
    definition.insert("revision".to_owned(), json!(number));
    definition.insert("status".to_owned(), json!("ACTIVE"));
    definition.insert(
        "requiresAttributes".to_owned(),
        json!([{ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }]),
    );
    definition.insert("compatibilities".to_owned(), json!(compatibilities));
}
