//! ECS: clusters, task definitions, services, their deployments and tasks, and the operations on them.
//!
//! No emulator models rollouts, and those that there are drop task definition fields that they don't know.
//! A deployment begins by an API call and goes on only when the test moves it, or lets it move one step (`movement`).

mod described;
mod express;
mod facts;
mod failure;
mod hooks;
mod movement;
mod rollout;
mod service_action;
mod service_deployments;
mod services;
mod task_definitions;
mod task_sets;
mod tasks;

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use slipway_core::model::facts::RanImage;

pub use failure::Failure;
pub(crate) use failure::RollbackCause;
pub use movement::Behavior;
pub(crate) use movement::Behaviors;
pub use rollout::ROLLBACK_DELAY;
pub(crate) use task_sets::Growth;

use hooks::PauseHook;
use movement::NextStep;
use task_sets::TaskSet;
use tasks::Task;

use crate::Caller;
use crate::logs::Logs;
use crate::place::Place;
use crate::refusal::{Answer, Members, Refusal, bounded_page, text};
use crate::registries::Registries;

/// All clusters and task definition families of the account and region.
#[derive(Debug, Default)]
pub(crate) struct Ecs {
    clusters: BTreeMap<String, BTreeMap<String, Service>>,
    /// Each family's revisions; the first is revision 1.
    families: BTreeMap<String, Vec<Revision>>,
}

/// A task definition revision, with every member that was registered, known or not.
#[derive(Debug)]
struct Revision {
    definition: Members,
    tags: Vec<Value>,
}

/// A service.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    cluster: String,
    name: String,
    status: &'static str,
    /// What CreateService and UpdateService set and DescribeServices shows again.
    settings: Members,
    tags: Vec<Value>,
    task_definition: String,
    desired: i64,
    created_at: Timestamp,
    /// The PRIMARY first; none where another controller deploys.
    deployments: Vec<Deployment>,
    /// What another controller has instead, the oldest first.
    task_sets: Vec<TaskSet>,
    /// The oldest first.
    service_deployments: Vec<ServiceDeployment>,
    revisions: Vec<ServiceRevision>,
    tasks: Vec<Task>,
    /// The newest first, as DescribeServices lists them.
    events: VecDeque<Message>,
    /// What ECS has decided and not yet done, since deployments move by [`movement`].
    next_step: Option<NextStep>,
    /// Whether DescribeServices has a `rolloutState` for its deployments.
    pub(crate) says_rollout: bool,
    /// What describe and list answers still show after an update, if they lag.
    before: Option<Box<Before>>,
}

/// A service as it was before an update, for those who ask too early.
#[derive(Clone, Debug)]
struct Before {
    until: Timestamp,
    service: Service,
}

/// One of a service's own messages, which DescribeServices calls `events`.
#[derive(Clone, Debug)]
struct Message {
    at: Timestamp,
    text: String,
    /// How many there were before it.
    ordinal: usize,
}

/// An entry of a service's `deployments`.
#[derive(Clone, Debug)]
struct Deployment {
    id: String,
    status: &'static str,
    task_definition: String,
    revision: usize,
    created_at: Timestamp,
    updated_at: Timestamp,
    desired: i64,
    running: i64,
    pending: i64,
    failed: i64,
    rollout: &'static str,
    reason: String,
}

/// A service deployment: the record of one change of a service, kept when its deployment is gone.
#[derive(Clone, Debug)]
struct ServiceDeployment {
    arn: String,
    deployment: String,
    target: usize,
    source: Option<usize>,
    status: &'static str,
    reason: Option<String>,
    stage: Option<String>,
    /// How many percent of the production traffic its tasks are to have, where its traffic is shifted.
    traffic: Option<u8>,
    /// The pause hook that it reached last, of the stage that it is at.
    pause: Option<PauseHook>,
    /// Whether the function of a hook failed.
    function_failed: bool,
    created_at: Timestamp,
    /// Since when ListServiceDeployments has it.
    listed_from: Timestamp,
    updated_at: Timestamp,
    finished_at: Option<Timestamp>,
    rollback: Option<Rollback>,
    failures: i64,
    triggered_alarms: Vec<String>,
}

/// How a service deployment is rolled back.
#[derive(Clone, Debug)]
struct Rollback {
    reason: &'static str,
    at: Timestamp,
    /// The revision that comes back.
    revision: usize,
}

/// A service revision: what really ran, with the images' digests.
#[derive(Clone, Debug)]
struct ServiceRevision {
    arn: String,
    task_definition: String,
    images: Vec<RanImage>,
    /// Each container's log group and stream prefix, where it has the log driver `awslogs`.
    logs: Vec<Option<(String, String)>>,
    created_at: Timestamp,
}

/// What an operation of ECS needs of the rest.
pub(crate) struct Context<'a> {
    pub(crate) place: &'a Place,
    pub(crate) now: Timestamp,
    pub(crate) registries: &'a Registries,
    /// Where the events go that the operation gives rise to.
    pub(crate) events: &'a mut Vec<Value>,
    /// Where the events of tasks go that stop on the way of something larger.
    pub(crate) tasks: &'a mut Vec<Value>,
    /// Where the containers write.
    pub(crate) logs: &'a mut Logs,
    /// What becomes of the images.
    pub(crate) behaviors: &'a Behaviors,
    /// How long answers may lag behind an update, at most.
    pub(crate) lag: SignedDuration,
    /// How long a list of deployments may leave out a new one, at most.
    pub(crate) history_lag: SignedDuration,
    pub(crate) chance: &'a mut fastrand::Rng,
    /// Who calls.
    pub(crate) caller: Caller,
}

impl Context<'_> {
    /// When a lag that begins now is over; `None` where there is none. How long it lasts is chance's.
    fn after_at_most(&mut self, most: SignedDuration) -> Option<Timestamp> {
        let most = i64::try_from(most.as_millis()).ok().filter(|most| *most > 0)?;
        self.now.checked_add(SignedDuration::from_millis(self.chance.i64(0..=most))).ok()
    }

    /// Since when ListServiceDeployments, or CodeDeploy's ListDeployments, has what begins now.
    pub(crate) fn listed_from(&mut self) -> Timestamp {
        self.after_at_most(self.history_lag).unwrap_or(self.now)
    }
}

/// Answers one operation, its name without the service.
pub(crate) fn answer(ecs: &mut Ecs, context: &mut Context<'_>, operation: &str, request: &Members) -> Answer {
    match operation {
        "CreateCluster" => create_cluster(ecs, context, request),
        "ListClusters" => list_clusters(ecs, context, request),
        "RegisterTaskDefinition" => task_definitions::register(ecs, context, request),
        "DescribeTaskDefinition" => task_definitions::describe(ecs, request),
        "DeregisterTaskDefinition" => task_definitions::deregister(ecs, context, request),
        "ListTaskDefinitions" => task_definitions::list(ecs, request),
        "CreateService" => services::create(ecs, context, request),
        "DescribeServices" => services::describe(ecs, context, request),
        "UpdateService" => services::update(ecs, context, request),
        "CreateExpressGatewayService" => express::create(ecs, context, request),
        "UpdateExpressGatewayService" => express::update(ecs, context, request),
        "ListServices" => services::list(ecs, context, request),
        "DeleteService" => services::delete(ecs, context, request),
        "ListTasks" => tasks::list(ecs, request),
        "DescribeTasks" => tasks::describe(ecs, context, request),
        "ListServiceDeployments" => service_deployments::list(ecs, context, request),
        "DescribeServiceDeployments" => service_deployments::describe(ecs, context, request),
        "DescribeServiceRevisions" => service_deployments::describe_revisions(ecs, context, request),
        "StopServiceDeployment" => service_deployments::stop(ecs, context, request),
        "ContinueServiceDeployment" => hooks::answer(ecs, context, request),
        _ => Err(Refusal::new("UnknownOperationException", format!("The fake's ECS doesn't know {operation}."))),
    }
}

fn create_cluster(ecs: &mut Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let name = text(request, "clusterName").unwrap_or("default");
    let services = ecs.clusters.entry(name.to_owned()).or_default();
    Ok(json!({ "cluster": {
        "clusterArn": context.place.arn("ecs", &format!("cluster/{name}")), "clusterName": name, "status": "ACTIVE",
        "registeredContainerInstancesCount": 0, "runningTasksCount": 0, "pendingTasksCount": 0,
        "activeServicesCount": services.len(), "statistics": [], "tags": request.get("tags").unwrap_or(&json!([])),
        "settings": [{ "name": "containerInsights", "value": "disabled" }],
        "capacityProviders": [], "defaultCapacityProviderStrategy": [],
    }}))
}

/// `ListClusters`: ARNs, a hundred to a page, which is also the most.
fn list_clusters(ecs: &Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let arns = ecs.clusters.keys().map(|name| context.place.arn("ecs", &format!("cluster/{name}")));
    let (arns, next) = bounded_page(arns.collect(), request, 100, 100)?;
    let mut answer = json!({ "clusterArns": arns });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

impl Ecs {
    /// The name of the cluster that a request means, by name or ARN; `default` where it names none.
    fn cluster_of(&self, request: &Members) -> Result<String, Refusal> {
        let name = last_part(text(request, "cluster").unwrap_or("default"));
        if self.clusters.contains_key(name) {
            Ok(name.to_owned())
        } else {
            Err(Refusal::new("ClusterNotFoundException", "Cluster not found."))
        }
    }

    /// The service of this cluster that is named by its name, its ARN or its short ARN.
    pub(crate) fn service_named(&self, cluster: &str, named: &str) -> Option<&Service> {
        if let Some((_, path)) = named.split_once(":service/")
            && let Some((other, _)) = path.split_once('/')
            && other != cluster
        {
            return None;
        }
        self.clusters.get(cluster)?.get(last_part(named))
    }

    /// The same, to change it.
    pub(crate) fn service_mut(&mut self, cluster: &str, named: &str) -> Result<&mut Service, Refusal> {
        let services = self.clusters.get_mut(cluster);
        let services = services.ok_or_else(|| Refusal::new("ClusterNotFoundException", "Cluster not found."))?;
        let service = services.get_mut(last_part(named));
        service.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))
    }

    /// A task definition by `family` (its latest ACTIVE revision), `family:revision` or ARN.
    fn revision(&self, named: &str) -> Option<&Revision> {
        let named = last_part(named);
        match named.split_once(':') {
            Some((family, revision)) => {
                let index = revision.parse::<usize>().ok()?.checked_sub(1)?;
                self.families.get(family)?.get(index)
            }
            None => self.families.get(named)?.iter().rev().find(|revision| revision.status() == "ACTIVE"),
        }
    }
}

impl Revision {
    fn arn(&self) -> &str {
        text(&self.definition, "taskDefinitionArn").unwrap_or_default()
    }

    fn status(&self) -> &str {
        text(&self.definition, "status").unwrap_or_default()
    }
}

impl Service {
    fn arn(&self, place: &Place) -> String {
        place.arn("ecs", &format!("service/{}/{}", self.cluster, self.name))
    }

    fn cluster_arn(&self, place: &Place) -> String {
        place.arn("ecs", &format!("cluster/{}", self.cluster))
    }

    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub(crate) fn controller(&self) -> &str {
        self.settings.get("deploymentController").and_then(|controller| controller["type"].as_str()).unwrap_or("ECS")
    }

    /// A value of the deployment configuration, by JSON pointer.
    fn configured(&self, pointer: &str) -> Option<&Value> {
        self.settings.get("deploymentConfiguration")?.pointer(pointer)
    }

    fn log(&mut self, now: Timestamp, message: &str) {
        self.add_message(now, format!("(service {}) {message}", self.name));
    }

    /// A message about one of its task sets.
    fn log_of_task_set(&mut self, now: Timestamp, id: &str, message: &str) {
        self.add_message(now, format!("(service {}, taskSet {id}) {message}", self.name));
    }

    fn add_message(&mut self, now: Timestamp, text: String) {
        self.events.push_front(Message { at: now, text, ordinal: self.events.len() });
        self.events.truncate(100);
    }

    /// The service as a describe or list answer shows it at this moment.
    fn shown_at(&self, now: Timestamp) -> &Self {
        self.before.as_deref().filter(|before| now < before.until).map_or(self, |before| &before.service)
    }
}

/// What an ARN or a path ends with; a plain name stays as it is.
fn last_part(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}
