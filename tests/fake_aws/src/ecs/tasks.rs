//! Tasks: the ones that run, and the ones that failed and are kept for a while with their reasons.

use serde_json::{Value, json};

use super::{Ecs, Failure, Scene, Service, last_part};
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
    let tasks = services.filter(|service| wanted.is_none_or(|name| name == service.name)).flat_map(|s| &s.tasks);
    let tasks = tasks
        .filter(|task| task["desiredStatus"] == status && starter.is_none_or(|starter| task["startedBy"] == starter));
    let arns: Vec<Value> = tasks.map(|task| task["taskArn"].clone()).collect();
    let (arns, next) = page(arns, request, 100)?;
    let mut answer = json!({ "taskArns": arns });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

/// DescribeTasks: at most a hundred; what is missing is a failure.
pub(super) fn describe(ecs: &Ecs, scene: &Scene<'_>, request: &Members) -> Answer {
    let cluster = ecs.cluster_of(request)?;
    let wanted = texts(request, "tasks");
    if wanted.is_empty() || wanted.len() > 100 {
        return Err(Refusal::invalid("Tasks has one to a hundred elements."));
    }
    let kept = ecs.clusters.get(&cluster).into_iter().flat_map(|services| services.values());
    let kept: Vec<&Value> = kept.flat_map(|service| &service.tasks).collect();
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for id in wanted {
        let id = last_part(&id);
        match kept.iter().find(|task| task["taskArn"].as_str().is_some_and(|arn| last_part(arn) == id)) {
            Some(task) => tasks.push((*task).clone()),
            None => {
                let arn = scene.place.arn("ecs", &format!("task/{cluster}/{id}"));
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    Ok(json!({ "tasks": tasks, "failures": failures }))
}

impl Service {
    /// The PRIMARY's tasks run; those of other deployments are gone, the stopped ones are still known.
    pub(super) fn run_tasks(&mut self, scene: &Scene<'_>) {
        let primary = self.deployments[0].id.clone();
        self.tasks.retain(|task| task["lastStatus"] == "STOPPED");
        for ordinal in 0..usize::try_from(self.desired).unwrap_or_default() {
            let mut task = self.task(scene, &format!("running {primary}"), ordinal);
            task["desiredStatus"] = json!("RUNNING");
            task["lastStatus"] = json!("RUNNING");
            task["startedAt"] = json!(epoch_seconds(scene.now));
            task["healthStatus"] = json!("UNKNOWN");
            for container in task["containers"].as_array_mut().into_iter().flatten() {
                container["lastStatus"] = json!("RUNNING");
            }
            self.tasks.push(task);
        }
    }

    /// So many tasks of the PRIMARY stop; those that fail are counted.
    pub(crate) fn lose_tasks(&mut self, scene: &mut Scene<'_>, failure: &Failure, count: usize) {
        let events = self.stop_tasks(scene, failure, count);
        scene.events.extend(events);
        if !failure.counts() {
            return;
        }
        let failed = i64::try_from(count).unwrap_or(i64::MAX);
        let primary = &mut self.deployments[0];
        primary.failed += failed;
        primary.updated_at = scene.now;
        if primary.rollout == "IN_PROGRESS"
            && let Some(current) = self.service_deployments.last_mut()
        {
            current.failures += failed;
        }
    }

    /// So many tasks of the PRIMARY stop, each for this reason; their events.
    pub(super) fn stop_tasks(&mut self, scene: &mut Scene<'_>, failure: &Failure, count: usize) -> Vec<Value> {
        let primary = self.deployments[0].id.clone();
        let before = self.tasks.len();
        let mut events = Vec::new();
        for ordinal in 0..count {
            let mut task = self.task(scene, &format!("stopped {primary}"), before + ordinal);
            task["desiredStatus"] = json!("STOPPED");
            task["lastStatus"] = json!("STOPPED");
            task["stoppedAt"] = json!(epoch_seconds(scene.now));
            let image = task["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
            let (code, reason) = stopped(failure, &image, scene.place, &primary);
            task["stopCode"] = json!(code);
            task["stoppedReason"] = json!(reason);
            if failure.ran() {
                task["startedAt"] = json!(epoch_seconds(scene.now));
                self.write_last_words(scene, &task);
            }
            for container in task["containers"].as_array_mut().into_iter().flatten() {
                container["lastStatus"] = json!("STOPPED");
            }
            if let Some(container) = task["containers"].get_mut(0) {
                match failure {
                    Failure::Exits { code } => container["exitCode"] = json!(code),
                    Failure::RunsOutOfMemory => {
                        container["exitCode"] = json!(137);
                        container["reason"] = json!("OutOfMemoryError: Container killed due to memory usage");
                    }
                    Failure::CannotBePulled => container["reason"] = json!(reason),
                    failure if failure.ran() => container["exitCode"] = json!(143),
                    _ => {}
                }
            }
            events.push(state_change(scene, &task));
            self.tasks.push(task);
        }
        events
    }

    /// What the task's containers wrote, where they write to CloudWatch Logs.
    fn write_last_words(&self, scene: &mut Scene<'_>, task: &Value) {
        let id = last_part(task["taskArn"].as_str().unwrap_or_default()).to_owned();
        let revision = &self.revisions[self.deployments[0].revision];
        for (ran, log) in revision.images.iter().zip(&revision.logs) {
            if let Some((group, prefix)) = log {
                let stream = format!("{prefix}/{}/{id}", ran["containerName"].as_str().unwrap_or_default());
                scene.logs.write_last_words(scene.now, group, &stream);
            }
        }
    }

    fn task(&self, scene: &Scene<'_>, subject: &str, ordinal: usize) -> Value {
        let primary = &self.deployments[0];
        let id = identity::task_id(&format!("{}/{} {subject}", self.cluster, self.name), ordinal);
        let arn = scene.place.arn("ecs", &format!("task/{}/{id}", self.cluster));
        let containers = self.revisions[primary.revision].images.iter().enumerate().map(|(index, ran)| {
            let path = format!("container/{}/{id}/{}", self.cluster, identity::uuid(&id, index));
            let mut container = json!({
                "containerArn": scene.place.arn("ecs", &path), "taskArn": arn, "name": ran["containerName"],
                "image": ran["image"], "lastStatus": "PENDING", "networkInterfaces": [], "cpu": "0",
            });
            if let Some(digest) = ran.get("imageDigest") {
                container["imageDigest"] = digest.clone();
            }
            container
        });
        let containers: Vec<Value> = containers.collect();
        json!({
            "attachments": [],
            "availabilityZone": format!("{}a", scene.place.region),
            "clusterArn": self.cluster_arn(scene.place),
            "connectivity": "CONNECTED",
            "containers": containers,
            "cpu": "256",
            "createdAt": epoch_seconds(scene.now),
            "enableExecuteCommand": false,
            "group": format!("service:{}", self.name),
            "launchType": "FARGATE",
            "memory": "512",
            "overrides": { "containerOverrides": [] },
            "platformVersion": "1.4.0",
            "startedBy": primary.id,
            "tags": [],
            "taskArn": arn,
            "taskDefinitionArn": primary.task_definition,
            "version": 4,
        })
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

/// The event of a task that stopped: the task as DescribeTasks tells of it, with its times as texts.
fn state_change(scene: &Scene<'_>, task: &Value) -> Value {
    let mut detail = task.clone();
    for time in ["createdAt", "startedAt", "stoppedAt"] {
        if let Some(seconds) = task[time].as_f64() {
            let at = jiff::Timestamp::from_millisecond((seconds * 1000.0) as i64).unwrap_or(scene.now);
            detail[time] = json!(milliseconds(at));
        }
    }
    if let Some(members) = detail.as_object_mut() {
        members.shift_remove("tags");
    }
    detail["updatedAt"] = json!(milliseconds(scene.now));
    let arn = task["taskArn"].as_str().unwrap_or_default();
    envelope(scene.place, scene.now, "aws.ecs", "ECS Task State Change", &[arn], detail)
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
