//! What the tables of deploys, redeploys, rollbacks and statuses begin with: the service prod/web, which runs shop/web
//! 1.4.2 as web:41, registered by Slipway; its images, and its record.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::{Config, Target};
use crate::model::facts::{
    CodeDeploy, Controller, DeploymentFacts, DeploymentGroup, GroupName, Hooks, ImageFacts, Monitors, OnFailure, Pause,
    Revision, Rollout, ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts, Storage, Strategy,
};
use crate::model::id::{ClusterName, DeploymentId, EventId, ServiceDeploymentArn, ServiceName, TaskDefinitionArn};
use crate::model::image::{Digest, ImageRef, Repository, Tag};
use crate::model::plan::{NextRevision, Plan, Step, UpdateCall};
use crate::model::provenance::Provenance;
use crate::model::record::{self, Hold, Quarantined, TagPush};
use crate::model::trigger::Trigger;

pub(super) const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

pub(super) fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}Z").parse().unwrap()
}

pub(super) fn digest(digit: char) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
}

pub(super) fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

pub(super) fn arn(revision: u32) -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}"))
}

pub(super) fn repository(name: &str) -> Repository {
    ImageRef::parse(&format!("{HOST}/{name}")).unwrap().repository()
}

/// An entry of the configuration for prod/web, of shop/web unless the keys say another repository.
pub(super) fn target(keys: &str) -> Target {
    let repository = if keys.contains("repository:") { "" } else { "repository: shop/web, " };
    let document =
        format!("version: 1\ntargets:\n  - {{ cluster: prod, service: web, rollback: auto, {repository}{keys} }}\n");
    Config::parse(&document).unwrap_or_else(|mistakes| panic!("{mistakes}")).targets()[0].clone()
}

pub(super) fn versions() -> Target {
    target("tags: { semver: '*' }")
}

/// What ECS lists as the PRIMARY: web:41, at 10:00:02.
pub(super) fn primary(rollout: Rollout) -> DeploymentFacts {
    DeploymentFacts {
        id: DeploymentId::new("ecs-svc/1"),
        status: "PRIMARY".to_owned(),
        task_definition: arn(41),
        rollout: Some(rollout),
        rollout_reason: None,
        created_at: Some(at("10:00:02")),
        updated_at: Some(at("10:02:00")),
        failed_tasks: 0,
        desired_count: 2,
        running_count: 2,
        pending_count: 0,
    }
}

pub(super) fn service(deployments: Vec<DeploymentFacts>) -> ServiceFacts {
    ServiceFacts {
        arn: String::new(),
        cluster: ClusterName::new("prod"),
        service: ServiceName::new("web"),
        status: "ACTIVE".to_owned(),
        controller: Controller::Ecs,
        task_definition: arn(41),
        desired_count: 2,
        running_count: 2,
        strategy: Strategy::Rolling,
        breaker: OnFailure::Off,
        alarms: OnFailure::Off,
        completes_early: false,
        deployments,
        current_service_deployment: None,
        current_revisions: Vec::new(),
        events: Vec::new(),
        task_sets: Vec::new(),
        code_deploy: None,
    }
}

/// What is shown of CodeDeploy's group shop/web, which has no deployment and no hook.
pub(super) fn code_deploy() -> CodeDeploy {
    let name = GroupName { application: "shop".to_owned(), group: "web".to_owned() };
    let group = DeploymentGroup { name, service: None, last: None, revision: None };
    CodeDeploy { group, deployments: Vec::new(), hooks: Hooks::Known(Vec::new()) }
}

/// A service deployment with this status, of which nothing else is known.
pub(super) fn service_deployment(status: ServiceDeploymentStatus) -> ServiceDeploymentFacts {
    ServiceDeploymentFacts {
        arn: ServiceDeploymentArn::new("service-deployment/prod/web/N"),
        status,
        status_reason: None,
        rollback_reason: None,
        rollback_to: None,
        rollback_at: None,
        monitors: Monitors::Unread,
        stage: None,
        pause: Pause::No,
        traffic: None,
        bake_minutes: None,
        failed_hook: None,
        target: None,
        task_definition: None,
        created_at: None,
        updated_at: None,
        finished_at: None,
    }
}

/// A revision of these containers, `(name, image within the registry)`.
pub(super) fn revision(number: u32, containers: &[(&str, String)]) -> Revision {
    let containers: Vec<Value> = containers
        .iter()
        .map(|(name, image)| json!({ "name": name, "image": format!("{HOST}/{image}"), "essential": true }))
        .collect();
    let definition = json!({ "family": "web", "containerDefinitions": containers });
    Revision { arn: arn(number), definition: definition.as_object().unwrap().clone(), tags: Vec::new() }
}

/// The same, registered by Slipway for this image of shop/web, which was pushed then.
pub(super) fn ours(revision: Revision, tag: Option<&str>, digit: char, pushed: Option<&str>) -> Revision {
    let provenance = Provenance {
        repository: "shop/web".to_owned(),
        tag: tag.and_then(Tag::parse),
        digest: digest(digit),
        pushed_at: pushed.map(at),
        event: EventId::new("event-1"),
        request: Some("request-1".to_owned()),
        trigger: Trigger::Push,
        previous: None,
        definition: None,
    };
    Revision { tags: provenance.tags(), ..revision }
}

pub(super) fn pinned(digit: char) -> String {
    format!("shop/web@{}", digest(digit))
}

/// web:41, with 1.4.2.
pub(super) fn running() -> Revision {
    ours(revision(41, &[("web", pinned('a'))]), Some("1.4.2"), 'a', Some("10:00:00"))
}

/// The record, where this tag was pushed to this image then.
pub(super) fn tag_pushed(mut record: record::Service, text: &str, digit: char, time: &str) -> record::Service {
    record.tag_pushed(TagPush { digest: digest(digit), tag: tag(text), at: at(time) });
    record
}

/// An image of shop/web, as the registry has it.
pub(super) fn image(tags: &[&str], digit: char, pushed: Option<&str>) -> ImageFacts {
    ImageFacts {
        repository: repository("shop/web"),
        digest: digest(digit),
        tags: tags.iter().map(|text| tag(text)).collect(),
        pushed_at: pushed.map(at),
        media_type: Some("application/vnd.oci.image.manifest.v1+json".to_owned()),
        artifact_media_type: Some("application/vnd.oci.image.config.v1+json".to_owned()),
        storage: Storage::Active,
    }
}

/// A deployment as the record has it, with these members besides.
pub(super) fn recorded(number: u64, members: Value) -> record::Deployment {
    let mut deployment = json!({ "number": number, "trigger": "push", "intended_at": at("10:00:00") });
    deployment.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    serde_json::from_value(with_state(deployment)).unwrap()
}

/// A deployment's members with its state made of those that say it: `deployment` (it began), `outcome` (it ended), and what
/// each of them brings along.
pub(super) fn with_state(mut members: Value) -> Value {
    let all = members.as_object_mut().unwrap();
    let intended_at = all["intended_at"].clone();
    let mut take = |name: &str, otherwise: Value| all.remove(name).unwrap_or(otherwise);
    let (id, outcome) = (take("deployment", Value::Null), take("outcome", Value::Null));
    let progress = json!({
        "deployment": id, "began_at": take("began_at", intended_at.clone()),
        "failing": take("failing", Value::Null), "rollback": take("rollback", Value::Null),
    });
    let progress = if id.is_null() { Value::Null } else { progress };
    let state = match (&outcome, &progress) {
        (Value::Null, Value::Null) => json!({ "intended": { "previous_primary": take("over", Value::Null) } }),
        (Value::Null, _) => json!({ "in_progress": progress }),
        _ => json!({ "ended": {
            "outcome": outcome, "at": take("ended_at", intended_at), "reason": take("reason", Value::Null), "progress": progress,
        } }),
    };
    all.insert("state".to_owned(), state);
    members
}

pub(super) fn held() -> record::Service {
    let hold = Hold { at: at("11:00:00"), who: Some("ana".to_owned()), reason: None };
    record::Service { hold: Some(hold), ..record::Service::default() }
}

pub(super) fn quarantined(digit: char) -> record::Service {
    let quarantined = Quarantined {
        repository: "shop/web".to_owned(),
        digest: digest(digit),
        revision: None,
        tag: None,
        cause: "its tasks stopped".to_owned(),
        at: at("11:00:00"),
    };
    record::Service { quarantine: vec![quarantined], ..record::Service::default() }
}

/// [`running`] as Express Mode takes it.
pub(super) fn for_express() -> Revision {
    let mut revision = running();
    revision.definition.insert("requiresCompatibilities".to_owned(), json!(["FARGATE"]));
    if let Some(containers) = revision.definition.get_mut("containerDefinitions") {
        containers[0]["name"] = json!("Main");
        containers[0]["portMappings"] = json!([{ "name": "http", "containerPort": 8080, "protocol": "tcp" }]);
    }
    revision
}

/// A plan in a line: its reason's code, the image that is shown, and its steps.
pub(super) fn summary(plan: &Plan) -> String {
    let image = plan.image.as_ref().map(|image| {
        let digest = image.new.digest.as_ref().map_or("?", |digest| &digest.short()[..1]);
        format!(" | {} {digest}", image.new.tag.as_ref().map_or("no tag", Tag::as_str))
    });
    let steps = plan.steps.iter().map(|step| match step {
        Step::Register(rendering) => format!(" | registers {}", registered(&rendering.body)),
        Step::Update { to, call, .. } => {
            let to = match to {
                NextRevision::Registered => "it",
                NextRevision::Existing(revision) => revision.short(),
            };
            let how = match call {
                UpdateCall::UpdateService { force_new_deployment: false } => "",
                UpdateCall::UpdateService { force_new_deployment: true } => ", forced",
                UpdateCall::CreateDeployment(_) => " by CodeDeploy",
                UpdateCall::UpdateExpressGatewayService { .. } => " by Express Mode",
            };
            format!(" | updates to {to}{how}")
        }
    });
    format!("{}{}{}", plan.reason.code(), image.unwrap_or_default(), steps.collect::<String>())
}

/// The images of a body, short, and when the first was pushed, as its tags say.
fn registered(body: &serde_json::Map<String, Value>) -> String {
    let list = |member: &str| body.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
    let images = list("containerDefinitions").into_iter().map(|it| {
        let image = it["image"].as_str().unwrap_or_default().replace(&format!("{HOST}/"), "");
        let (name, digest) =
            image.split_once("@sha256:").map_or((image.as_str(), ""), |(name, digest)| (name, &digest[..1]));
        format!("{}: {name} {digest}", it["name"].as_str().unwrap_or_default()).trim_end().to_owned()
    });
    let pushed = list("tags").into_iter().find(|it| it["key"] == "slipway:pushed-at");
    let pushed = pushed.map(|it| {
        format!(", pushed at {}", it["value"].as_str().unwrap_or_default().replace("2026-11-21T", "").replace('Z', ""))
    });
    format!("{}{}", images.collect::<Vec<_>>().join(", "), pushed.unwrap_or_default())
}
