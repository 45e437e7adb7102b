//! How a schedule begins: the services that run, their configuration, and what ECS is set to do about failures.

use fake_aws::{Aws, Image, Place};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use slipway_core::model::id::{ClusterName, Home, ServiceName, TargetName};
use slipway_core::model::image::{Digest, Tag};

use crate::code_deploy::Group;
use crate::registry::{Images, Order, Quality};

/// A Saturday noon.
const BEGAN: i64 = 1_795_262_400;

/// The one repository.
pub(crate) const REPOSITORY: &str = "shop/web";

/// The one cluster.
pub(crate) const CLUSTER: &str = "prod";

/// What services are made with before there is an image of the repository.
pub(crate) const PLACEHOLDER: &str = "public.ecr.aws/docker/library/httpd:2.4";

/// How a schedule begins.
#[derive(Debug)]
pub(crate) struct Setup {
    /// When.
    pub(crate) began: Timestamp,
    /// The account.
    pub(crate) aws: Aws,
    /// Its images.
    pub(crate) images: Images,
    /// The services.
    pub(crate) services: Vec<TargetService>,
    /// The configuration document.
    pub(crate) document: String,
    /// How tags are ordered.
    pub(crate) order: Order,
    /// Whether ECS's alarms watch deployments.
    pub(crate) alarms: bool,
    /// What Slipway gets to see of ECS's history.
    pub(crate) history: History,
    /// Whether an infrastructure tool updates the services.
    pub(crate) infrastructure: Infrastructure,
    /// A line that describes it.
    pub(crate) summary: String,
}

/// What Slipway gets to see of ECS's history: of ListServiceDeployments, DescribeServiceDeployments and
/// DescribeServiceRevisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum History {
    /// All of it at once.
    Complete,
    /// All of it, but a new service deployment is listed late.
    Late,
    /// Nothing: the functions' role lacks the permission, from the beginning to the end.
    Denied,
}

/// Whether an infrastructure tool updates the services past Slipway, whatever is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Infrastructure {
    /// Slipway and people do that alone.
    Untouched,
    /// A tool does, such as Terraform without `ignore_changes`.
    Managed,
}

/// A new service deployment is listed after so long, at most. AWS documents no bound; this is what Slipway assumes.
const HISTORY_LAG: SignedDuration = SignedDuration::from_mins(2);

/// A service of the schedule.
#[derive(Clone, Debug)]
pub(crate) struct TargetService {
    /// `prod/web`.
    pub(crate) target: TargetName,
    /// Its cluster.
    pub(crate) cluster: ClusterName,
    /// Its name.
    pub(crate) name: ServiceName,
    /// The family of its task definitions; two services may share one.
    pub(crate) family: String,
}

/// What ECS does about a deployment that fails.
const WATCHES: [(&str, &str); 7] = [
    ("breaker off", "{}"),
    ("breaker", r#"{"deploymentCircuitBreaker":{"enable":true,"rollback":false}}"#),
    ("breaker with rollback", r#"{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}"#),
    ("alarms", r#"{"alarms":{"enable":true,"rollback":false,"alarmNames":["too-many-errors"]}}"#),
    ("alarms with rollback", r#"{"alarms":{"enable":true,"rollback":true,"alarmNames":["too-many-errors"]}}"#),
    (
        "breaker, and alarms with rollback",
        r#"{"deploymentCircuitBreaker":{"enable":true,"rollback":false},
            "alarms":{"enable":true,"rollback":true,"alarmNames":["too-many-errors"]}}"#,
    ),
    (
        "breaker with rollback, and alarms",
        r#"{"deploymentCircuitBreaker":{"enable":true,"rollback":true},
            "alarms":{"enable":true,"rollback":false,"alarmNames":["too-many-errors"]}}"#,
    ),
];

/// How often each of [`WATCHES`] is taken, of ten.
const OFTEN: [usize; 10] = [0, 0, 1, 1, 2, 2, 3, 4, 5, 6];

impl Setup {
    /// A random setup.
    pub(crate) fn random(chance: &mut fastrand::Rng) -> Self {
        let began = Timestamp::constant(BEGAN, 0);
        let order = [Order::Version, Order::Version, Order::Pushed, Order::OneTag][chance.usize(0..4)];
        let watch = OFTEN[chance.usize(0..OFTEN.len())];
        let (watch_name, configuration) = WATCHES[watch];
        let mut configuration: Value = serde_json::from_str(configuration).unwrap_or_default();
        let strategy = ["ROLLING", "ROLLING", "BLUE_GREEN"][chance.usize(0..3)];
        configuration["strategy"] = json!(strategy);
        if strategy != "ROLLING" {
            configuration["bakeTimeInMinutes"] = json!(chance.u8(0..3));
        }
        let early = ["", "", "", "BLOCKING", "DEFERRED"][chance.usize(0..5)];
        let completes_early = strategy == "ROLLING" && !early.is_empty();
        if completes_early {
            configuration["minimumHealthyPercent"] = json!(50);
            configuration["earlySuccessCriteria"] =
                json!({ "enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": early });
        }
        let rollback = ["auto", "auto", "auto", "auto", "auto", "auto", "notify", "off"][chance.usize(0..8)];
        let settle = ["0s", "0s", "0s", "10s"][chance.usize(0..4)];
        let services = services(chance);
        let is_placeholder = chance.u8(0..8) == 0;
        let infrastructure = match chance.u8(0..4) {
            0 => Infrastructure::Managed,
            _ => Infrastructure::Untouched,
        };
        // By a chance of its own, so that the schedules without a pause stay what they are.
        let mut pausing = chance.clone();
        let pauses = strategy != "ROLLING" && pausing.u8(0..3) == 0;
        if pauses {
            let timeout = json!({
                "timeoutInMinutes": pausing.u8(2..12),
                "action": if pausing.u8(0..3) == 0 { "CONTINUE" } else { "ROLLBACK" },
            });
            let stages = ["POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"];
            configuration["lifecycleHooks"] = json!([{
                "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": timeout,
            }]);
        }
        // By a chance of its own, too; what CodeDeploy deploys no tool updates, and no placeholder is.
        let mut deploying = pausing.clone();
        let alone = infrastructure == Infrastructure::Untouched && !is_placeholder;
        let group = (alone && deploying.u8(0..5) == 0).then(|| Group::random(&mut deploying));
        if group.is_some() {
            configuration = json!({});
        }
        let (completes_early, pauses) = (completes_early && group.is_none(), pauses && group.is_none());
        // Services that share a family are refused as soon as somebody gives them different definitions.
        let shares = services.len() > 1 && services.iter().all(|it| it.family == services[0].family);
        let base = match (infrastructure, chance.u8(0..8)) {
            _ if shares => "service",
            (Infrastructure::Managed, 0..2) | (_, 0) => "family",
            (Infrastructure::Managed, 2..5) => "family, deploy_definition_changes: true",
            _ => "service",
        };
        let containers = if is_placeholder { ", containers: [web]" } else { "" };
        let settings = format!("rollback: {rollback}, settle: {settle}, base: {base}{containers}");
        let document = document(&services, order, &settings);
        use History::{Complete, Denied, Late};
        let history = [Complete, Complete, Complete, Complete, Complete, Late, Late, Denied][chance.usize(0..8)];
        let history = if group.is_some() && history == Denied { Complete } else { history };
        let mut aws = Aws::new(Place::default(), began);
        aws.set_seed(chance.u64(..));
        let mut images = Images::new(order);
        let first = tag(order, 0);
        let digest = push(&mut aws, &first, "0");
        images.tagged(&first, &digest, Quality::KnownGood, began);
        let registry = aws.place().registry();
        let image = match order {
            _ if is_placeholder => PLACEHOLDER.to_owned(),
            // As Terraform writes it before Slipway comes: by its tag, or pinned.
            Order::OneTag => format!("{registry}/{REPOSITORY}:{first}"),
            _ => format!("{registry}/{REPOSITORY}@{digest}"),
        };
        let made = make(&mut aws, &services, &image, (&configuration, group.as_ref()), chance.u8(1..4));
        made.unwrap_or_else(|refusal| unreachable!("{refusal:?}"));
        // Behind a Classic Load Balancer, or with a traffic shift.
        let says_rollout = chance.u8(0..8) > if strategy == "ROLLING" { 0 } else { 3 };
        for service in services.iter().filter(|_| !says_rollout && group.is_none()) {
            let left_out = aws.leave_out_rollout_states(CLUSTER, service.name.as_str());
            left_out.unwrap_or_else(|refusal| unreachable!("{refusal:?}"));
        }
        if history == History::Late {
            aws.set_history_lag(HISTORY_LAG);
        }
        let names: Vec<_> = services.iter().map(|it| format!("{} ({})", it.target, it.family)).collect();
        let names = names.join(" and ");
        let strategy = group.as_ref().map_or(strategy.to_owned(), |it| format!("CodeDeploy ({})", it.summary()));
        let summary = format!(
            "{names}: {strategy}{}{}{}, {watch_name}, rollback {rollback}, settle {settle}, base {base}, {order:?}, \
             history {history:?}, infrastructure {infrastructure:?}{}",
            if says_rollout { "" } else { " without rollout states" },
            if completes_early { " with early success" } else { "" },
            if pauses { " with pauses" } else { "" },
            if is_placeholder { ", made with a placeholder" } else { "" }
        );
        let alarms = group.as_ref().map_or(watch >= 3, |it| it.alarms);
        Self { began, aws, images, services, document, order, alarms, history, infrastructure, summary }
    }
}

impl TargetService {
    fn new(name: &str, family: &str) -> Self {
        Self {
            target: TargetName::new(format!("{CLUSTER}/{name}")),
            cluster: ClusterName::new(CLUSTER),
            name: ServiceName::new(name),
            family: family.to_owned(),
        }
    }
}

/// Where the functions are.
pub(crate) fn home() -> Home {
    Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy")
        .unwrap_or_else(|| unreachable!("an ARN"))
}

/// The tag of the n-th push.
pub(crate) fn tag(order: Order, n: u32) -> Tag {
    let text = if order == Order::OneTag { "prod".to_owned() } else { format!("1.{n}.0") };
    Tag::parse(&text).unwrap_or_else(|| unreachable!("{text} is a tag"))
}

/// Pushes an image with this content under a tag.
pub(crate) fn push(aws: &mut Aws, tag: &Tag, content: &str) -> Digest {
    let pushed = aws.push(REPOSITORY, &[tag.to_string()], &Image::single(content));
    Digest::parse(&pushed.digest).unwrap_or_else(|| unreachable!("{} is a digest", pushed.digest))
}

/// The body of a task definition with this image.
pub(crate) fn task_definition(family: &str, image: &str) -> Map<String, Value> {
    let body = json!({
        "family": family,
        "containerDefinitions": [
            { "name": "web", "image": image, "memory": 512, "portMappings": [{ "containerPort": 8080 }] },
            { "name": "proxy", "image": "public.ecr.aws/nginx/nginx:1.29", "memory": 64 },
        ],
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

/// One service or, in one schedule out of three, two that want the same images, which may share a family.
fn services(chance: &mut fastrand::Rng) -> Vec<TargetService> {
    let mut services = vec![TargetService::new("web", "web")];
    if chance.u8(0..3) == 0 {
        services.push(TargetService::new("api", if chance.bool() { "web" } else { "api" }));
    }
    services
}

fn document(services: &[TargetService], order: Order, settings: &str) -> String {
    let tags = match order {
        Order::Version => "semver: '*'",
        Order::Pushed => "newest: { pattern: '^1[.]' }",
        Order::OneTag => "tag: prod",
    };
    let mut document = "version: 1\ntargets:\n".to_owned();
    for service in services {
        document.push_str(&format!(
            "  - {{ repository: {REPOSITORY}, cluster: {CLUSTER}, service: {}, tags: {{ {tags} }}, deadline: 10m, \
             {settings} }}\n",
            service.name
        ));
    }
    document
}

fn make(
    aws: &mut Aws,
    services: &[TargetService],
    image: &str,
    (configuration, group): (&Value, Option<&Group>),
    desired: u8,
) -> Result<(), fake_aws::Refusal> {
    let members = |value: Value| value.as_object().cloned().unwrap_or_default();
    aws.answer("ECS", "CreateCluster", &members(json!({ "clusterName": CLUSTER })))?;
    for service in services {
        let revision = aws.by_person(|aws| aws.register_task_definition(&task_definition(&service.family, image)))?;
        let mut request = json!({
            "cluster": CLUSTER, "serviceName": service.name, "taskDefinition": revision.as_str(),
            "desiredCount": desired, "deploymentConfiguration": configuration,
        });
        let Some(group) = group else {
            aws.answer("ECS", "CreateService", &members(request))?;
            aws.complete(CLUSTER, service.name.as_str())?;
            continue;
        };
        for (member, value) in members(Group::of_service(&service.name)) {
            request[member] = value;
        }
        aws.answer("ECS", "CreateService", &members(request))?;
        group.make(aws, &service.name, &revision)?;
    }
    aws.take_events();
    Ok(())
}
