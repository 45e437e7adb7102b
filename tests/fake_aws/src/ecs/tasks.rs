//! Tasks: the ones that run, and the ones that failed and are kept for a while with their reasons.

use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::model::facts::RanImage;

use super::{Context, Deployment, Ecs, Failure, Service, last_part};
use crate::events::envelope;
use crate::identity;
use crate::place::Place;
use crate::refusal::{Answer, Members, Refusal, page, text, texts};
use crate::time::{epoch_seconds, milliseconds};

/// ListTasks, by service, starter and desired status; RUNNING unless asked otherwise.
pub(super) fn list(ecs: &Ecs, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let services = ecs.clusters.get(&cluster).into_iter().flat_map(|services| services.values());
    let wanted = text(request, "serviceName").map(last_part);
    if let Some(name) = wanted
        && ecs.service_named(&cluster, name).is_none()
    {
        return Err(Refusal::new("ServiceNotFoundException", "Service not found."));
    }
    let status = text(request, "desiredStatus").unwrap_or("RUNNING");
    let starter = text(request, "startedBy");
    let services = services.filter(|service| wanted.is_none_or(|name| name == service.name));
    let tasks = services.flat_map(|service| &service.tasks);
    let tasks =
        tasks.filter(|task| task.status() == status && starter.is_none_or(|starter| task.deployment == starter));
    let arns: Vec<&str> = tasks.map(|task| task.arn.as_str()).collect();
    let (arns, next) = page(arns, request, 100)?;
    let mut answer = json!({ "taskArns": arns });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

/// DescribeTasks: at most a hundred; what is missing is a failure.
pub(super) fn describe(ecs: &Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let wanted = texts(request, "tasks");
    if wanted.is_empty() || wanted.len() > 100 {
        return Err(Refusal::invalid("Tasks has one to a hundred elements."));
    }
    let kept = ecs.clusters.get(&cluster).into_iter().flat_map(|services| services.values());
    let kept: Vec<_> = kept.flat_map(|service| service.tasks.iter().map(move |task| (service, task))).collect();
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for id in wanted {
        let id = last_part(&id);
        match kept.iter().find(|(_, task)| task.id == id) {
            Some((service, task)) => tasks.push(service.described(task, context.place)),
            None => {
                let arn = context.place.arn("ecs", &format!("task/{cluster}/{id}"));
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    Ok(json!({ "tasks": tasks, "failures": failures }))
}

/// A task of a service.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// 32 hexadecimal digits.
    id: String,
    pub(super) arn: String,
    /// The deployment or the task set that started it.
    pub(super) deployment: String,
    pub(super) task_definition: String,
    revision: usize,
    created_at: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    /// `None` while it runs.
    pub(super) stopped: Option<Stopped>,
}

/// What starts tasks: a deployment, or a task set.
#[derive(Clone, Debug)]
pub(super) struct Starter {
    pub(super) id: String,
    pub(super) task_definition: String,
    /// The place of its revision in the list.
    pub(super) revision: usize,
}

impl Deployment {
    pub(super) fn starter(&self) -> Starter {
        Starter { id: self.id.clone(), task_definition: self.task_definition.clone(), revision: self.revision }
    }
}

/// How a task stopped. Its first container is the one that did something.
#[derive(Clone, Debug)]
pub(super) struct Stopped {
    pub(super) at: Timestamp,
    pub(super) code: &'static str,
    pub(super) reason: String,
    pub(super) exit_code: Option<i32>,
    pub(super) container_reason: Option<String>,
}

impl Task {
    fn status(&self) -> &'static str {
        if self.stopped.is_some() { "STOPPED" } else { "RUNNING" }
    }
}

impl Service {
    /// The PRIMARY's tasks run; those of other deployments are gone, the stopped ones are still known.
    pub(super) fn run_tasks(&mut self, context: &Context<'_>) {
        let primary = self.deployments[0].starter();
        self.tasks.retain(|task| task.stopped.is_some());
        self.run_tasks_of(context, &primary, usize::try_from(self.desired).unwrap_or_default());
    }

    /// So many tasks run that this starter started, and no other tasks of it.
    pub(super) fn run_tasks_of(&mut self, context: &Context<'_>, starter: &Starter, count: usize) {
        self.forget_running_tasks(&starter.id);
        for ordinal in 0..count {
            let mut task = self.task(context, starter, &format!("running {}", starter.id), ordinal);
            task.started_at = Some(context.now);
            self.tasks.push(task);
        }
    }

    /// The tasks that a starter runs are gone.
    pub(super) fn forget_running_tasks(&mut self, starter: &str) {
        self.tasks.retain(|task| task.stopped.is_some() || task.deployment != starter);
    }

    /// So many tasks of the PRIMARY stop; those that fail are counted.
    pub(crate) fn lose_tasks(&mut self, context: &mut Context<'_>, failure: &Failure, count: usize) {
        let primary = self.deployments[0].starter();
        let events = self.stop_tasks(context, &primary, failure, count);
        context.events.extend(events);
        if !failure.counts() {
            return;
        }
        let failed = i64::try_from(count).unwrap_or(i64::MAX);
        let primary = &mut self.deployments[0];
        primary.failed += failed;
        primary.updated_at = context.now;
        if primary.rollout == "IN_PROGRESS"
            && let Some(current) = self.service_deployments.last_mut()
        {
            current.failures += failed;
        }
    }

    /// So many tasks of the deployment before the PRIMARY stop. They say nothing about the PRIMARY: it started none of them, and
    /// the old revision replaces them.
    pub(crate) fn lose_old_tasks(
        &mut self,
        context: &mut Context<'_>,
        failure: &Failure,
        count: usize,
    ) -> Result<(), Refusal> {
        if self.deployments.len() < 2 {
            return Err(Refusal::invalid("There is no deployment before the PRIMARY."));
        }
        let old = self.deployments[1].starter();
        let events = self.stop_tasks(context, &old, failure, count);
        context.events.extend(events);
        Ok(())
    }

    /// So many tasks of the last task set but this many stop. Nobody counts them: ECS starts others.
    pub(crate) fn lose_tasks_in_set(
        &mut self,
        context: &mut Context<'_>,
        before: usize,
        failure: &Failure,
        count: usize,
    ) -> Result<(), Refusal> {
        let set = self.newest_task_set(before)?.starter();
        let events = self.stop_tasks(context, &set, failure, count);
        context.events.extend(events);
        Ok(())
    }

    /// So many tasks of a starter stop, each for this reason; their events.
    pub(super) fn stop_tasks(
        &mut self,
        context: &mut Context<'_>,
        starter: &Starter,
        failure: &Failure,
        count: usize,
    ) -> Vec<Value> {
        let id = &starter.id;
        let before = self.tasks.len();
        let mut events = Vec::new();
        for ordinal in 0..count {
            let mut task = self.task(context, starter, &format!("stopped {id}"), before + ordinal);
            let image = self.revisions[task.revision].images.first().map_or("", |ran| ran.image.as_str());
            let (code, reason) = stopped(failure, image, context.place, id);
            if failure.ran() {
                task.started_at = Some(context.now);
                self.write_last_words(context, &task);
            }
            let (exit_code, container_reason) = match failure {
                Failure::Exits { code } => (Some(*code), None),
                Failure::RunsOutOfMemory => {
                    (Some(137), Some("OutOfMemoryError: Container killed due to memory usage".to_owned()))
                }
                Failure::CannotBePulled => (None, Some(reason.clone())),
                failure if failure.ran() => (Some(143), None),
                _ => (None, None),
            };
            task.stopped = Some(Stopped { at: context.now, code, reason, exit_code, container_reason });
            events.push(state_change(context, &self.described(&task, context.place)));
            self.tasks.push(task);
        }
        events
    }

    /// What the task's containers wrote, where they write to CloudWatch Logs.
    fn write_last_words(&self, context: &mut Context<'_>, task: &Task) {
        let revision = &self.revisions[task.revision];
        for (ran, log) in revision.images.iter().zip(&revision.logs) {
            if let Some((group, prefix)) = log {
                let stream = format!("{prefix}/{}/{}", ran.container, task.id);
                context.logs.write_last_words(context.now, group, &stream);
            }
        }
    }

    /// A new task of a starter.
    fn task(&self, context: &Context<'_>, starter: &Starter, subject: &str, ordinal: usize) -> Task {
        let id = identity::task_id(&format!("{}/{} {subject}", self.cluster, self.name), ordinal);
        Task {
            arn: context.place.arn("ecs", &format!("task/{}/{id}", self.cluster)),
            id,
            deployment: starter.id.clone(),
            task_definition: starter.task_definition.clone(),
            revision: starter.revision,
            created_at: context.now,
            started_at: None,
            stopped: None,
        }
    }

    /// The images of a task's containers.
    pub(super) fn images_of(&self, task: &Task) -> &[RanImage] {
        &self.revisions[task.revision].images
    }

    /// A task as DescribeTasks describes it.
    fn described(&self, task: &Task, place: &Place) -> Value {
        let mut containers: Vec<Value> = self
            .images_of(task)
            .iter()
            .enumerate()
            .map(|(index, ran)| {
                let path = format!("container/{}/{}/{}", self.cluster, task.id, identity::uuid(&task.id, index));
                let mut container = json!({
                    "containerArn": place.arn("ecs", &path), "taskArn": task.arn, "name": ran.container,
                    "image": ran.image, "lastStatus": task.status(), "networkInterfaces": [], "cpu": "0",
                });
                if let Some(digest) = &ran.digest {
                    container["imageDigest"] = json!(digest.as_str());
                }
                container
            })
            .collect();
        if let (Some(stopped), Some(first)) = (&task.stopped, containers.first_mut()) {
            if let Some(code) = stopped.exit_code {
                first["exitCode"] = json!(code);
            }
            if let Some(reason) = &stopped.container_reason {
                first["reason"] = json!(reason);
            }
        }
        let mut described = json!({
            "attachments": [],
            "availabilityZone": format!("{}a", place.region),
            "clusterArn": self.cluster_arn(place),
            "connectivity": "CONNECTED",
            "containers": containers,
            "cpu": "256",
            "createdAt": epoch_seconds(task.created_at),
            "enableExecuteCommand": false,
            "group": format!("service:{}", self.name),
            "launchType": "FARGATE",
            "memory": "512",
            "overrides": { "containerOverrides": [] },
            "platformVersion": "1.4.0",
            "startedBy": task.deployment,
            "tags": [],
            "taskArn": task.arn,
            "taskDefinitionArn": task.task_definition,
            "version": 4,
            "desiredStatus": task.status(),
            "lastStatus": task.status(),
        });
        if let Some(stopped) = &task.stopped {
            described["stoppedAt"] = json!(epoch_seconds(stopped.at));
            described["stopCode"] = json!(stopped.code);
            described["stoppedReason"] = json!(stopped.reason);
        } else {
            described["healthStatus"] = json!("UNKNOWN");
        }
        if let Some(at) = task.started_at {
            described["startedAt"] = json!(epoch_seconds(at));
        }
        described
    }
}

/// Where a container logs to, `awslogs-group` and `awslogs-stream-prefix`, if it has the driver `awslogs`.
pub(super) fn log_of(container: &Members) -> Option<(String, String)> {
    let configuration = container.get("logConfiguration")?;
    let option = |name: &str| Some(configuration["options"][name].as_str()?.to_owned());
    if configuration["logDriver"] != "awslogs" {
        return None;
    }
    Some((option("awslogs-group")?, option("awslogs-stream-prefix")?))
}

/// The event of a task that stopped: the task as DescribeTasks describes it, with its times as texts.
fn state_change(context: &Context<'_>, task: &Value) -> Value {
    let mut detail = task.clone();
    for time in ["createdAt", "startedAt", "stoppedAt"] {
        if let Some(seconds) = task[time].as_f64() {
            let at = jiff::Timestamp::from_millisecond((seconds * 1000.0) as i64).unwrap_or(context.now);
            detail[time] = json!(milliseconds(at));
        }
    }
    if let Some(members) = detail.as_object_mut() {
        members.shift_remove("tags");
    }
    detail["updatedAt"] = json!(milliseconds(context.now));
    let arn = task["taskArn"].as_str().unwrap_or_default();
    envelope(context.place, context.now, "aws.ecs", "ECS Task State Change", &[arn], detail)
}

fn stopped(failure: &Failure, image: &str, place: &Place, deployment: &str) -> (&'static str, String) {
    let load_balancer = || place.arn("elasticloadbalancing", "targetgroup/web/0123456789abcdef");
    match failure {
        Failure::CannotBePulled => (
            "TaskFailedToStart",
            format!(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                 {image}: {image}: not found"
            ),
        ),
        Failure::CannotBePrepared => (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval \
             failed: unable to retrieve secret from asm: service call has been retried 1 time(s)"
                .to_owned(),
        ),
        Failure::IsUnhealthy => ("ServiceSchedulerInitiated", "Task failed container health checks".to_owned()),
        Failure::IsUnhealthyBehindLoadBalancer => (
            "ServiceSchedulerInitiated",
            format!("Task failed ELB health checks in (target-group {})", load_balancer()),
        ),
        Failure::LosesItsSpot => ("SpotInterruption", "Your Spot Task was interrupted.".to_owned()),
        Failure::IsScaledIn => {
            ("ServiceSchedulerInitiated", format!("Scaling activity initiated by (deployment {deployment})"))
        }
        Failure::IsStoppedByHand => ("UserInitiated", "Task stopped by user".to_owned()),
        _ => ("EssentialContainerExited", "Essential container in task exited".to_owned()),
    }
}
