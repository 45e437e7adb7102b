//! Gathers why a deployment failed, at once: ECS forgets stopped tasks within the hour.
//!
//! Everything is asked side by side, and each part is optional. A look that fails leaves out a line, never the rest.

use futures_util::future::{join, join_all};
use slipway_core::model::facts::{Revision, ServiceDeploymentFacts, ServiceFacts, StoppedContainer, StoppedTask};
use slipway_core::model::id::TargetName;
use slipway_core::model::record::FailedBy;
use slipway_core::model::record::{Deployment, Failing};
use slipway_core::rules::diagnosis::Evidence;
use slipway_core::rules::mechanism::{has_failed, task_failure};
use slipway_core::text::diagnosis::explain;
use tracing::warn;

use super::awslogs::stream_of;
use crate::cloud::Cloud;
use crate::error::Error;

/// So many tasks are looked into.
const TASKS: usize = 3;

/// So many lines of a container's log are read.
const LINES: i32 = 20;

/// A deployment that failed, and where to look for why.
pub(crate) struct Failed<'a, C> {
    pub(crate) cloud: &'a C,
    pub(crate) target: &'a TargetName,
    pub(crate) deployment: &'a Deployment,
    pub(crate) by: FailedBy,
    pub(crate) service: &'a ServiceFacts,
    pub(crate) service_deployment: Option<&'a ServiceDeploymentFacts>,
    /// ECS's words in the event that rang, if they are about this deployment.
    pub(crate) event_says: Option<&'a str>,
    /// The task whose end rang.
    pub(crate) task: Option<&'a StoppedTask>,
}

impl<C: Cloud> Failed<'_, C> {
    /// Why it failed, as far as there is anything to see.
    pub(crate) async fn explained(&self) -> Failing {
        let tasks = self.tasks().await;
        let listed = self.service.deployments.iter().find(|it| Some(&it.id) == self.deployment.id());
        let says = [
            self.service_deployment.and_then(ServiceDeploymentFacts::says),
            // Of one in progress it says no more than that.
            listed.filter(|it| has_failed(it)).and_then(|it| it.rollout_reason.as_deref()),
            self.event_says,
        ];
        let mut said: Vec<String> = Vec::new();
        for words in says.into_iter().flatten() {
            if !said.iter().any(|it| it == words) {
                said.push(words.to_owned());
            }
        }
        let evidence = Evidence {
            target: self.target,
            digest: self.deployment.digest(),
            by: self.by,
            deadline_seconds: self.deployment.settings.deadline_seconds,
            since: self.deployment.progress().map(|it| it.began_at),
            says: &said,
            tasks: &tasks,
            events: &self.service.events,
            warnings: &self.deployment.warnings,
        };
        explain(&evidence, self.cloud.now())
    }

    /// The last tasks of the deployment that stopped, with the last words of what died in them.
    async fn tasks(&self) -> Vec<StoppedTask> {
        let (listed, revision) = join(self.stopped(), self.revision()).await;
        let mut tasks = self.some(listed, "the stopped tasks could not be looked up").unwrap_or_default();
        // ECS may not show yet what its event says.
        if let Some(task) = self.task.filter(|task| !tasks.iter().any(|it| it.arn == task.arn)) {
            tasks.insert(0, task.clone());
        }
        tasks.retain(|task| task.started_by.is_some() && task.started_by.as_ref() == self.deployment.id());
        // Those that stopped by themselves tell more than those that were told to; the newest of each first.
        tasks.sort_by_key(|task| task_failure(task).is_none());
        tasks.truncate(TASKS);
        let Some(revision) = self.some(revision.transpose(), "the task definition could not be read").flatten() else {
            return tasks;
        };
        join_all(tasks.into_iter().map(|task| self.with_log(task, &revision))).await
    }

    async fn stopped(&self) -> Result<Vec<StoppedTask>, Error> {
        let (cluster, service) = (&self.service.cluster, &self.service.service);
        let arns = self.cloud.list_stopped_tasks(cluster, service).await?;
        self.cloud.describe_stopped_tasks(cluster, &arns).await
    }

    async fn revision(&self) -> Option<Result<Revision, Error>> {
        let name = self.deployment.revision.new.as_deref()?;
        Some(self.cloud.describe_task_definition(name).await)
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
        read.inspect_err(|error| warn!(%error, target = %self.target, "{what}")).ok()
    }
}
