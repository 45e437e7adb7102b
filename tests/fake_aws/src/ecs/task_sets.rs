//! Task sets: what a service that CodeDeploy deploys has instead of deployments.
//!
//! ECS starts their tasks and keeps them running. Which of them serves, and which of them goes, the controller says.

use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::model::facts;
use slipway_core::model::id::{DeploymentId, TaskDefinitionArn};

use super::movement::Outcome;
use super::tasks::Starter;
use super::{Context, Ecs, Failure, Service, services};
use crate::identity;
use crate::place::Place;
use crate::refusal::{Members, Refusal, number, objects, text, texts};
use crate::time::epoch_seconds;

/// What a task set takes over from its service where whoever makes it says nothing else.
const OF_THE_SERVICE: [&str; 5] =
    ["launchType", "capacityProviderStrategy", "networkConfiguration", "loadBalancers", "platformVersion"];

/// A task set of a service.
#[derive(Clone, Debug)]
pub(crate) struct TaskSet {
    /// `ecs-svc/N`.
    pub(crate) id: String,
    /// The deployment of CodeDeploy that made it.
    pub(crate) external_id: Option<String>,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub(crate) status: &'static str,
    pub(crate) task_definition: String,
    /// Its place among the service's revisions.
    revision: usize,
    /// Load balancers, network, platform version, launch type or capacity providers.
    settings: Members,
    pub(crate) desired: i64,
    pub(crate) running: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    steady: Steady,
}

/// Whether its tasks run, and since when it is so.
#[derive(Clone, Copy, Debug)]
struct Steady {
    status: &'static str,
    since: Timestamp,
}

/// How the tasks of a task set get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// All of them run.
    Steady,
    /// Some of them do not run yet.
    Starting,
    /// They stop by themselves.
    Failing,
}

impl Ecs {
    /// CreateTaskSet, as CodeDeploy calls it: the tasks start, and the task set serves nobody yet. What the settings leave
    /// out is the service's. Its id.
    pub(crate) fn create_task_set(
        &mut self,
        context: &mut Context<'_>,
        (cluster, service): (&str, &str),
        task_definition: &str,
        settings: Members,
        deployment: &str,
    ) -> Result<String, Refusal> {
        let revision = services::usable(self, task_definition)?;
        let (arn, definition) = (revision.arn().to_owned(), revision.definition.clone());
        check_load_balancers(&settings, &definition)?;
        let service = self.service_mut(cluster, service)?;
        Ok(service.add_task_set(context, (&arn, &definition), settings, Some(deployment)))
    }
}

impl Service {
    /// The task set that a new service begins with: it serves, and its tasks run.
    pub(super) fn begin_with_task_set(&mut self, context: &mut Context<'_>, arn: &str, definition: &Members) {
        let id = self.add_task_set(context, (arn, definition), Members::new(), None);
        self.set_primary(context.now, &id);
        self.run_task_set(context, &id);
    }

    fn add_task_set(
        &mut self,
        context: &Context<'_>,
        (arn, definition): (&str, &Members),
        settings: Members,
        external_id: Option<&str>,
    ) -> String {
        let path = format!("{}/{}", self.cluster, self.name);
        // Each task set has a revision of its own.
        let number = identity::nineteen_digits(&format!("task set {path}"), self.revisions.len());
        let id = format!("ecs-svc/{number}");
        let own =
            OF_THE_SERVICE.iter().filter_map(|name| Some(((*name).to_owned(), self.settings.get(*name)?.clone())));
        let mut all: Members = own.collect();
        if settings.contains_key("capacityProviderStrategy") {
            all.shift_remove("launchType");
        }
        all.extend(settings);
        let revision = self.revise(context, number, arn, definition);
        self.task_sets.push(TaskSet {
            id: id.clone(),
            external_id: external_id.map(str::to_owned),
            status: "ACTIVE",
            task_definition: arn.to_owned(),
            revision,
            settings: all,
            desired: self.desired,
            running: 0,
            created_at: context.now,
            updated_at: context.now,
            steady: Steady { status: "STABILIZING", since: context.now },
        });
        id
    }

    /// A task set by its id.
    pub(crate) fn task_set(&self, id: &str) -> Option<&TaskSet> {
        self.task_sets.iter().find(|set| set.id == id)
    }

    fn task_set_mut(&mut self, id: &str) -> Option<&mut TaskSet> {
        self.task_sets.iter_mut().find(|set| set.id == id)
    }

    /// The task set that serves.
    pub(crate) fn primary_task_set(&self) -> Option<&TaskSet> {
        self.task_sets.iter().find(|set| set.status == "PRIMARY")
    }

    /// What a test calls the new task set and the old one: the one made last, and the one before it.
    pub(super) fn newest_task_set(&self, before: usize) -> Result<&TaskSet, Refusal> {
        let set = self.task_sets.iter().rev().nth(before);
        set.ok_or_else(|| Refusal::invalid(format!("{}/{} has no such task set.", self.cluster, self.name)))
    }

    /// UpdateServicePrimaryTaskSet: this one serves from now on.
    pub(crate) fn set_primary(&mut self, now: Timestamp, id: &str) {
        for set in &mut self.task_sets {
            let status = if set.id == id { "PRIMARY" } else { "ACTIVE" };
            if set.status != status && set.status != "DRAINING" {
                set.status = status;
                set.updated_at = now;
            }
        }
    }

    /// The service's own task definition, which lags behind the PRIMARY's.
    pub(crate) fn take_over_task_definition(&mut self) {
        if let Some(primary) = self.primary_task_set() {
            self.task_definition = primary.task_definition.clone();
        }
    }

    /// All tasks of a task set run: ECS says so in an event, and among the service's own messages.
    pub(crate) fn run_task_set(&mut self, context: &mut Context<'_>, id: &str) {
        let now = context.now;
        let Some(set) = self.task_set_mut(id) else { return };
        set.running = set.desired;
        set.updated_at = now;
        set.steady = Steady { status: "STEADY_STATE", since: now };
        let (starter, count) = (set.starter(), usize::try_from(set.desired).unwrap_or_default());
        self.run_tasks_of(context, &starter, count);
        self.report_steady_task_set(context, id);
    }

    /// One step of a task set whose tasks start: by what becomes of its images, and by chance how many.
    pub(crate) fn grow_task_set(&mut self, context: &mut Context<'_>, id: &str) -> Growth {
        let Some(set) = self.task_set(id) else { return Growth::Failing };
        if set.running >= set.desired && set.steady.status == "STEADY_STATE" {
            return Growth::Steady;
        }
        // A task set without tasks has nothing to wait for.
        let outcome = if set.desired == 0 { Outcome::Run } else { self.outcome(context, set.revision) };
        match outcome {
            Outcome::Fail(failure) => {
                self.lose_tasks_of_set(context, id, &failure);
                return Growth::Failing;
            }
            Outcome::RunSlowly => {
                let Some(set) = self.task_set_mut(id) else { return Growth::Failing };
                if set.running + 1 < set.desired {
                    set.running += 1;
                    set.updated_at = context.now;
                    return Growth::Starting;
                }
            }
            Outcome::Run | Outcome::SoundAlarm => {}
        }
        self.run_task_set(context, id);
        Growth::Steady
    }

    /// Whether an image of this task set sets an alarm off.
    pub(crate) fn sounds_alarm(&self, context: &mut Context<'_>, id: &str) -> bool {
        let revision = self.task_set(id).map(|set| set.revision);
        revision.is_some_and(|revision| matches!(self.outcome(context, revision), Outcome::SoundAlarm))
    }

    /// Some tasks of this task set stop, if its images do so by themselves; ECS starts others.
    pub(crate) fn crash(&mut self, context: &mut Context<'_>, id: &str) {
        let revision = self.task_set(id).filter(|set| set.desired > 0).map(|set| set.revision);
        if let Some(Outcome::Fail(failure)) = revision.map(|revision| self.outcome(context, revision)) {
            self.lose_tasks_of_set(context, id, &failure);
        }
    }

    fn lose_tasks_of_set(&mut self, context: &mut Context<'_>, id: &str, failure: &Failure) {
        let Some(starter) = self.task_set(id).map(TaskSet::starter) else { return };
        let most = usize::try_from(self.desired.clamp(1, 3)).unwrap_or(1);
        let count = context.chance.usize(1..=most);
        let events = self.stop_tasks(context, &starter, failure, count);
        context.events.extend(events);
    }

    /// The tasks of a task set stop, and their targets are deregistered.
    pub(crate) fn drain_task_set(&mut self, now: Timestamp, id: &str) {
        if let Some(set) = self.task_set_mut(id) {
            set.status = "DRAINING";
            set.desired = 0;
            set.running = 0;
            set.updated_at = now;
            set.steady = Steady { status: "STABILIZING", since: now };
        }
        self.forget_running_tasks(id);
    }

    /// DeleteTaskSet: it is gone, with its tasks.
    pub(crate) fn delete_task_set(&mut self, id: &str) {
        self.task_sets.retain(|set| set.id != id);
        self.forget_running_tasks(id);
    }

    /// The ARN of a target group of this name, if the service itself has it.
    pub(crate) fn own_target_group(&self, name: &str) -> Option<&str> {
        let balancers = objects(&self.settings, "loadBalancers").into_iter();
        let mut arns = balancers.filter_map(|balancer| text(balancer, "targetGroupArn"));
        arns.find(|arn| arn.split('/').nth(1) == Some(name))
    }

    /// Those that do not serve, a failed deployment's for instance.
    pub(crate) fn spare_task_sets(&self) -> Vec<String> {
        self.task_sets.iter().filter(|set| set.status != "PRIMARY").map(|set| set.id.clone()).collect()
    }

    /// Tasks that run, of all task sets.
    pub(super) fn running_in_task_sets(&self) -> i64 {
        self.task_sets.iter().map(|set| set.running).sum()
    }

    /// Tasks that do not run yet, of all task sets.
    pub(super) fn pending_in_task_sets(&self) -> i64 {
        self.task_sets.iter().map(TaskSet::pending).sum()
    }

    /// Each task set wants another number of tasks: each has the scale 100 %.
    pub(super) fn scale_task_sets(&mut self, desired: i64) {
        for set in self.task_sets.iter_mut().filter(|set| set.status != "DRAINING") {
            set.desired = desired;
            if set.steady.status == "STEADY_STATE" {
                set.running = desired;
            }
        }
    }
}

/// The container and the port behind a load balancer have to be in the task definition.
fn check_load_balancers(settings: &Members, definition: &Members) -> Result<(), Refusal> {
    for balancer in objects(settings, "loadBalancers") {
        let name = text(balancer, "containerName").unwrap_or_default();
        let mut containers = objects(definition, "containerDefinitions").into_iter();
        let container = containers.find(|container| text(container, "name") == Some(name));
        let container = container
            .ok_or_else(|| Refusal::invalid(format!("The container {name} does not exist in the task definition.")))?;
        let port = number(balancer, "containerPort").unwrap_or_default();
        let mut mappings = objects(container, "portMappings").into_iter();
        if !mappings.any(|mapping| number(mapping, "containerPort") == Some(port)) {
            let message = format!("The container {name} did not have a container port {port} defined.");
            return Err(Refusal::invalid(message));
        }
    }
    Ok(())
}

impl TaskSet {
    /// Who its tasks say started them: its id, which says nothing of CodeDeploy's deployment.
    pub(super) fn starter(&self) -> Starter {
        Starter { id: self.id.clone(), task_definition: self.task_definition.clone(), revision: self.revision }
    }

    /// The name of the target group behind which its tasks are.
    pub(crate) fn target_group(&self) -> Option<&str> {
        let arn = self.settings.get("loadBalancers")?[0]["targetGroupArn"].as_str()?;
        arn.split('/').nth(1)
    }

    pub(super) fn pending(&self) -> i64 {
        (self.desired - self.running).max(0)
    }

    /// It in Slipway's words.
    pub(super) fn facts(&self) -> facts::TaskSet {
        let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
        let balancer = objects(&self.settings, "loadBalancers").into_iter().next();
        let network = self.settings.get("networkConfiguration").and_then(|it| it["awsvpcConfiguration"].as_object());
        let providers = objects(&self.settings, "capacityProviderStrategy").into_iter();
        let owned = |members: &Members, name: &str| text(members, name).unwrap_or_default().to_owned();
        facts::TaskSet {
            id: DeploymentId::new(self.id.as_str()),
            external_id: self.external_id.as_deref().map(DeploymentId::new),
            status: self.status.to_owned(),
            task_definition: TaskDefinitionArn::new(self.task_definition.as_str()),
            created_at: Some(self.created_at),
            updated_at: Some(self.updated_at),
            desired_count: count(self.desired),
            running_count: count(self.running),
            pending_count: count(self.pending()),
            placement: facts::Placement {
                load_balancer: balancer
                    .and_then(|it| Some((owned(it, "containerName"), count(number(it, "containerPort")?)))),
                network: network.map(|it| facts::Network {
                    subnets: texts(it, "subnets"),
                    security_groups: texts(it, "securityGroups"),
                    assign_public_ip: text(it, "assignPublicIp").unwrap_or("DISABLED").to_owned(),
                }),
                platform_version: Some(self.platform_version().to_owned()),
                capacity_providers: providers
                    .map(|it| facts::CapacityProvider {
                        name: owned(it, "capacityProvider"),
                        base: count(number(it, "base").unwrap_or_default()),
                        weight: count(number(it, "weight").unwrap_or_default()),
                    })
                    .collect(),
            },
        }
    }

    fn platform_version(&self) -> &str {
        match self.settings.get("platformVersion").and_then(Value::as_str) {
            None | Some("LATEST") => "1.4.0",
            Some(version) => version,
        }
    }

    /// As DescribeServices describes it.
    pub(super) fn described(&self, service: &Service, place: &Place) -> Value {
        let path = format!("task-set/{}/{}/{}", service.cluster, service.name, self.id);
        let scale = if self.status == "DRAINING" { 0.0 } else { 100.0 };
        let mut described = json!({
            "id": self.id,
            "taskSetArn": place.arn("ecs", &path),
            "serviceArn": service.arn(place),
            "clusterArn": service.cluster_arn(place),
            "startedBy": service.controller(),
            "status": self.status,
            "taskDefinition": self.task_definition,
            "computedDesiredCount": self.desired,
            "pendingCount": self.pending(),
            "runningCount": self.running,
            "createdAt": epoch_seconds(self.created_at),
            "updatedAt": epoch_seconds(self.updated_at),
            "platformFamily": "Linux",
            "loadBalancers": [],
            "serviceRegistries": [],
            "scale": { "value": scale, "unit": "PERCENT" },
            "stabilityStatus": self.steady.status,
            "stabilityStatusAt": epoch_seconds(self.steady.since),
            "tags": [],
        });
        for (setting, value) in &self.settings {
            described[setting] = value.clone();
        }
        if !self.settings.contains_key("capacityProviderStrategy") && !self.settings.contains_key("launchType") {
            described["launchType"] = json!("FARGATE");
        }
        described["platformVersion"] = json!(self.platform_version());
        if let Some(id) = &self.external_id {
            described["externalId"] = json!(id);
        }
        described
    }
}
