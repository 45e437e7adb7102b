//! Services: creating, updating with ECS's refusals, describing, listing and deleting them.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::{Before, Context, Ecs, Revision, Service, described};
use crate::refusal::{Answer, Members, Refusal, bounded_page, number, text, texts};

/// What CreateService and UpdateService set beside the task definition and the desired count.
const SETTINGS: [&str; 19] = [
    "loadBalancers",
    "serviceRegistries",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "deploymentConfiguration",
    "placementConstraints",
    "placementStrategy",
    "networkConfiguration",
    "healthCheckGracePeriodSeconds",
    "schedulingStrategy",
    "deploymentController",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// What an UpdateService to a `CODE_DEPLOY` or `EXTERNAL` service may not name, and what ECS says then.
const ONLY_ECS: [(&str, &str); 4] = [
    ("taskDefinition", "Unable to update task definition on services with a"),
    ("forceNewDeployment", "Cannot force a new deployment on services with a"),
    ("networkConfiguration", "Unable to update network parameters on services with a"),
    ("loadBalancers", "Unable to update load balancers on services with a"),
];

/// CreateService: the first deployment begins.
pub(super) fn create(ecs: &mut Ecs, context: &mut Context<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let name = text(request, "serviceName").unwrap_or_default().to_owned();
    if ecs.service_named(&cluster, &name).is_some_and(|service| service.status == "ACTIVE") {
        return Err(Refusal::invalid("Creation of service was not idempotent."));
    }
    let controller = request.get("deploymentController").and_then(|controller| controller["type"].as_str());
    let (task_definition, definition) = match (controller, text(request, "taskDefinition")) {
        // An EXTERNAL service gets its task definition by a task set.
        (Some("EXTERNAL"), None) => (String::new(), Members::new()),
        (_, named) => {
            let revision = usable(ecs, named.unwrap_or_default())?;
            (revision.arn().to_owned(), revision.definition.clone())
        }
    };
    let mut service = Service {
        cluster: cluster.clone(),
        name: name.clone(),
        status: "ACTIVE",
        settings: Members::new(),
        tags: request.get("tags").and_then(Value::as_array).cloned().unwrap_or_default(),
        task_definition: task_definition.clone(),
        desired: number(request, "desiredCount").unwrap_or(1),
        created_at: context.now,
        deployments: Vec::new(),
        task_sets: Vec::new(),
        service_deployments: Vec::new(),
        revisions: Vec::new(),
        tasks: Vec::new(),
        events: VecDeque::new(),
        next_step: None,
        says_rollout: true,
        before: None,
    };
    keep_settings(&mut service, request);
    if service.controller() == "ECS" {
        service.begin(context, &task_definition, &definition);
    } else if !task_definition.is_empty() {
        service.begin_with_task_set(context, &task_definition, &definition);
    }
    let answer = json!({ "service": described::service(&service, context.place) });
    ecs.clusters.entry(cluster).or_default().insert(name, service);
    Ok(answer)
}

/// UpdateService: another task definition or a forced deployment begins a new deployment, anything else doesn't.
pub(super) fn update(ecs: &mut Ecs, context: &mut Context<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let named = text(request, "service").unwrap_or_default();
    let service = updatable(ecs, &cluster, named)?;
    check_controller(service.controller(), request)?;
    let forced = request.get("forceNewDeployment").and_then(Value::as_bool).unwrap_or_default();
    let wanted = wanted(ecs, service, text(request, "taskDefinition"), forced)?;

    let service = ecs.service_mut(&cluster, named)?;
    let before = lagging(service, context);
    keep_settings(service, request);
    if let Some(desired) = number(request, "desiredCount") {
        service.scale(desired);
    }
    if let Some((task_definition, definition)) = wanted
        && service.controller() == "ECS"
        && (forced || task_definition != service.task_definition)
    {
        service.begin(context, &task_definition, &definition);
    }
    service.before = before;
    Ok(json!({ "service": described::service(service, context.place) }))
}

/// UpdateService as Slipway calls it, with the task definition and perhaps `forceNewDeployment`.
pub(super) fn deploy<'e>(
    ecs: &'e mut Ecs,
    context: &mut Context<'_>,
    (cluster, named): (&str, &str),
    task_definition: &str,
    forced: bool,
) -> Result<&'e Service, Refusal> {
    if !ecs.clusters.contains_key(cluster) {
        return Err(Refusal::new("ClusterNotFoundException", "Cluster not found."));
    }
    let service = updatable(ecs, cluster, named)?;
    if service.controller() != "ECS" {
        return Err(refused_for(service.controller(), ONLY_ECS[0].1));
    }
    let wanted = wanted(ecs, service, Some(task_definition), forced)?;

    let service = ecs.service_mut(cluster, named)?;
    if let Some((task_definition, definition)) = wanted
        && (forced || task_definition != service.task_definition)
    {
        let before = lagging(service, context);
        service.begin(context, &task_definition, &definition);
        service.before = before;
    }
    Ok(service)
}

/// The service, if it can be updated.
pub(super) fn updatable<'e>(ecs: &'e Ecs, cluster: &str, named: &str) -> Result<&'e Service, Refusal> {
    let service = ecs.service_named(cluster, named);
    let service = service.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
    if service.status != "ACTIVE" {
        return Err(Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    Ok(service)
}

/// The task definition that an update names or, where it only forces, the one that is there; its ARN and itself.
fn wanted(
    ecs: &Ecs,
    service: &Service,
    named: Option<&str>,
    forced: bool,
) -> Result<Option<(String, Members)>, Refusal> {
    let wanted = named.or(forced.then_some(service.task_definition.as_str()));
    let wanted = wanted.map(|named| usable(ecs, named)).transpose()?;
    Ok(wanted.map(|revision| (revision.arn().to_owned(), revision.definition.clone())))
}

/// What answers still show for a while, where they may lag.
pub(super) fn lagging(service: &Service, context: &mut Context<'_>) -> Option<Box<Before>> {
    let until = context.after_at_most(context.lag)?;
    let mut service = service.clone();
    service.before = None;
    Some(Box::new(Before { until, service }))
}

/// DescribeServices: at most ten; what is missing is a failure, not an error.
pub(super) fn describe(ecs: &Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let names = texts(request, "services");
    if names.is_empty() {
        return Err(Refusal::invalid("Services cannot be empty."));
    }
    if names.len() > 10 {
        return Err(Refusal::invalid("Services cannot have more than 10 elements."));
    }
    let with_tags = texts(request, "include").iter().any(|field| field == "TAGS");
    let mut services = Vec::new();
    let mut failures = Vec::new();
    for name in names {
        match ecs.service_named(&cluster, &name) {
            Some(service) => {
                let service = service.shown_at(context.now);
                let mut described = described::service(service, context.place);
                if with_tags && !service.tags.is_empty() {
                    described["tags"] = json!(service.tags);
                }
                services.push(described);
            }
            None => {
                let arn = if name.starts_with("arn:") {
                    name
                } else {
                    context.place.arn("ecs", &format!("service/{cluster}/{name}"))
                };
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    Ok(json!({ "services": services, "failures": failures }))
}

/// ListServices: ARNs, ten to a page unless asked for more, at most a hundred; all of them, or those of a scheduling strategy.
pub(super) fn list(ecs: &Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let strategy = text(request, "schedulingStrategy");
    let fits = |service: &&Service| {
        let own = service.settings.get("schedulingStrategy").and_then(Value::as_str).unwrap_or("REPLICA");
        service.status == "ACTIVE" && strategy.is_none_or(|wanted| wanted == own)
    };
    let services = ecs.clusters.get(&cluster).into_iter().flat_map(|services| services.values());
    let arns = services.filter(fits).map(|service| service.arn(context.place));
    let (arns, next) = bounded_page(arns.collect(), request, 10, 100)?;
    let mut answer = json!({ "serviceArns": arns });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

/// DeleteService: it stays describable as INACTIVE.
pub(super) fn delete(ecs: &mut Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let service = ecs.service_mut(&cluster, text(request, "service").unwrap_or_default())?;
    let forced = request.get("force").and_then(Value::as_bool).unwrap_or_default();
    if service.desired > 0 && !forced {
        return Err(Refusal::invalid("The service cannot be stopped while it is scaled above 0."));
    }
    service.status = "INACTIVE";
    service.deployments.clear();
    service.task_sets.clear();
    service.tasks.clear();
    Ok(json!({ "service": described::service(service, context.place) }))
}

pub(super) fn usable<'a>(ecs: &'a Ecs, named: &str) -> Result<&'a Revision, Refusal> {
    let revision = ecs.revision(named).ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if revision.status() == "ACTIVE" { Ok(revision) } else { Err(Refusal::client("TaskDefinition is inactive")) }
}

fn check_controller(controller: &str, request: &Members) -> Result<(), Refusal> {
    if controller == "ECS" {
        return Ok(());
    }
    for (member, sentence) in ONLY_ECS {
        let asked = request.get(member).is_some_and(|value| value != &json!(false));
        if asked {
            return Err(refused_for(controller, sentence));
        }
    }
    Ok(())
}

fn refused_for(controller: &str, sentence: &str) -> Refusal {
    let (name, advice) = match controller {
        "CODE_DEPLOY" => ("CODE_DEPLOY", "Use AWS CodeDeploy to trigger a new deployment."),
        _ => ("EXTERNAL", "Use task sets to make a new deployment."),
    };
    Refusal::invalid(format!("{sentence} {name} deployment controller. {advice}"))
}

fn keep_settings(service: &mut Service, request: &Members) {
    for setting in SETTINGS {
        if let Some(value) = request.get(setting).filter(|value| !value.is_null()) {
            service.settings.insert(setting.to_owned(), value.clone());
        }
    }
}
