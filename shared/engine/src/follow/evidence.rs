//! Gathers why a deployment failed, at once: ECS deletes stopped tasks within the hour.
//!
//! Everything is read side by side, and each part is optional. A read that fails leaves out a line, never the rest. What was
//! gathered is an item of its own in the table, which is read again where a notice shows it.

use futures_util::future::{join, join_all};
use slipway_core::model::event::DeploymentEvent;
use slipway_core::model::facts::{Revision, ServiceDeploymentFacts, ServiceFacts, StoppedContainer, StoppedTask};
use slipway_core::model::id::DeploymentId;
use slipway_core::model::record::{Deployment, FailedBy};
use slipway_core::rules::diagnosis::Evidence;
use slipway_core::rules::mechanism::{has_failed, is_task_failure, that_started};
use slipway_core::text::diagnosis::{explain, lay_out};
use tracing::warn;

use super::awslogs::stream_of;
use super::session::FollowSession;
use super::steps::Judged;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::input::Hint;

/// So many tasks are read.
const TASKS: usize = 3;

/// So many lines of a container's log are read.
const LINES: i32 = 20;

impl<C: Cloud> FollowSession<'_, C> {
    /// Records why a deployment failed, as far as anything shows it, once.
    pub(crate) async fn note_failure(&mut self, number: u64, by: FailedBy, judged: &Judged) -> Result<(), Error> {
        let Some(deployment) = self.deployment(number).filter(|it| it.failing().is_none()) else { return Ok(()) };
        let service = &judged.service;
        let tasks = self.failed_tasks(deployment, service).await;
        let listed = service.deployments.iter().find(|it| Some(&it.id) == deployment.id());
        let of_it = |it: &&DeploymentEvent| deployment.id() == Some(&it.deployment);
        let messages = [
            judged.service_deployment.as_ref().and_then(ServiceDeploymentFacts::says),
            // Of one in progress it says no more than that.
            listed.filter(|it| has_failed(it)).and_then(|it| it.rollout_reason.as_deref()),
            self.event().filter(of_it).and_then(|event| event.reason.as_deref()),
        ];
        let mut says: Vec<String> = Vec::new();
        for message in messages.into_iter().flatten() {
            if !says.iter().any(|it| it == message) {
                says.push(message.to_owned());
            }
        }
        let evidence = Evidence {
            target: &self.managed.target,
            digest: deployment.digest(),
            by,
            deadline_seconds: deployment.settings.deadline_seconds,
            since: deployment.progress().map(|it| it.began_at),
            carrier: deployment.id().map_or("ECS", DeploymentId::carrier),
            says: &says,
            monitors: judged.service_deployment.as_ref().map_or(&[], |it| it.monitors.triggered()),
            failed_hook: judged.service_deployment.as_ref().and_then(|it| it.failed_hook),
            tasks: &tasks,
            events: &service.events,
            warnings: &deployment.warnings,
        };
        let now = self.cloud.now();
        let (failing, recorded) = (explain(&evidence, now), lay_out(&evidence, number, now));
        // Before the record says that it failed: nobody gathers it once more then.
        self.cloud.put_evidence(&self.managed.target, &recorded).await?;
        self.evidence.insert(number, recorded.lines);
        self.write(|record| record.failing(number, failing.clone())).await
    }

    /// The lines of a deployment's evidence: as this session wrote or read them, or else as the table has them. Who gathered none
    /// may have been overtaken by somebody who did.
    pub(crate) async fn evidence_of(&mut self, number: u64) -> Result<&[String], Error> {
        if self.evidence.get(&number).is_none_or(Vec::is_empty) {
            let read = self.cloud.evidence(&self.managed.target, number..=number).await;
            // A notice without it is better than none.
            let lines = self.optional(read)?.into_iter().flatten().flat_map(|it| it.lines).collect();
            self.evidence.insert(number, lines);
        }
        Ok(self.evidence.get(&number).map_or(&[], Vec::as_slice))
    }

    /// The last tasks of the deployment that stopped, with the last log lines of the containers that died in them.
    async fn failed_tasks(&self, deployment: &Deployment, service: &ServiceFacts) -> Vec<StoppedTask> {
        let stopped = async {
            let arns = self.cloud.list_stopped_tasks(&service.cluster, &service.service).await?;
            self.cloud.describe_stopped_tasks(&service.cluster, &arns).await
        };
        let revision = async {
            let name = deployment.revision.new.as_deref()?;
            self.some(self.cloud.describe_task_definition(name).await, "the task definition could not be read")
        };
        let (stopped, revision) = join(stopped, revision).await;
        let mut tasks = self.some(stopped, "the stopped tasks could not be read").unwrap_or_default();
        // ECS may not show yet what its event says.
        if let Hint::TaskStopped(task) = self.hint
            && !tasks.iter().any(|it| it.arn == task.arn)
        {
            tasks.insert(0, task.clone());
        }
        let Some(id) = deployment.id() else { return Vec::new() };
        let of_it = |by: &DeploymentId| that_started(service, by) == id;
        tasks.retain(|task| task.started_by.as_ref().is_some_and(of_it));
        // Those that stopped by themselves say more than those that were stopped; the newest of each first.
        tasks.sort_by_key(|task| !is_task_failure(task));
        tasks.truncate(TASKS);
        match revision {
            Some(revision) => join_all(tasks.into_iter().map(|task| self.with_log(task, &revision))).await,
            None => tasks,
        }
    }

    async fn with_log(&self, mut task: StoppedTask, revision: &Revision) -> StoppedTask {
        let containers = revision.definition.get("containerDefinitions").and_then(|it| it.as_array());
        for container in &mut task.containers {
            let definition = containers.into_iter().flatten().find(|it| it["name"] == container.name.as_str());
            container.essential = definition.map(|it| it["essential"].as_bool().unwrap_or(true));
        }
        let Some(died) = task.died().map(|died| died.name.clone()) else { return task };
        let Some(place) = stream_of(revision, &died, &task.arn) else { return task };
        let lines = self.cloud.last_log_lines(&place, LINES).await;
        let lines = self.some(lines, "the container's log could not be read").unwrap_or_default();
        let died = task.containers.iter_mut().find(|it: &&mut StoppedContainer| it.name == died);
        if let Some(container) = died {
            container.stream = Some(place);
            container.log = lines;
        }
        task
    }

    fn some<T>(&self, read: Result<T, Error>, what: &str) -> Option<T> {
        read.inspect_err(|error| warn!(%error, target = %self.managed.target, "{what}")).ok()
    }
}
