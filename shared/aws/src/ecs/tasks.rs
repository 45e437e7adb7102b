//! Stopped tasks, which ECS keeps for about an hour.

use aws_sdk_ecs::types::{self, DesiredStatus};
use slipway_core::model::facts::{StoppedContainer, StoppedTask};
use slipway_core::model::id::{ClusterName, ContainerName, DeploymentId, ServiceName, TaskDefinitionArn};
use slipway_engine::Error;

use super::Ecs;
use crate::clock::time;
use crate::error;

impl Ecs {
    pub(crate) async fn stopped_tasks(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<String>, Error> {
        let answer = self
            .client
            .list_tasks()
            .cluster(cluster.as_str())
            .service_name(service.as_str())
            .desired_status(DesiredStatus::Stopped)
            .max_results(100)
            .send()
            .await
            .map_err(|error| error::of("ECS.ListTasks", format!("{cluster}/{service}"), error))?;
        Ok(answer.task_arns().to_vec())
    }

    pub(crate) async fn describe_stopped_tasks(
        &self,
        cluster: &ClusterName,
        arns: &[String],
    ) -> Result<Vec<StoppedTask>, Error> {
        let Some(first) = arns.first() else { return Ok(Vec::new()) };
        let answer = self
            .client
            .describe_tasks()
            .cluster(cluster.as_str())
            .set_tasks(Some(arns.to_vec()))
            .send()
            .await
            .map_err(|error| error::of("ECS.DescribeTasks", first, error))?;
        let mut tasks: Vec<_> = answer.tasks().iter().filter_map(stopped_task).collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.stopped_at));
        Ok(tasks)
    }
}

/// `None` where the answer lacks the ARN.
fn stopped_task(task: &types::Task) -> Option<StoppedTask> {
    Some(StoppedTask {
        arn: task.task_arn()?.to_owned(),
        started_by: task.started_by().filter(|by| by.starts_with("ecs-svc/")).map(DeploymentId::new),
        task_definition: task.task_definition_arn().map(TaskDefinitionArn::new),
        stop_code: task.stop_code().map(|code| code.as_str().to_owned()),
        stopped_reason: task.stopped_reason().map(str::to_owned),
        started_at: time(task.started_at()),
        stopped_at: time(task.stopped_at()),
        containers: task
            .containers()
            .iter()
            .map(|container| StoppedContainer {
                name: ContainerName::new(container.name().unwrap_or_default()),
                exit_code: container.exit_code(),
                reason: container.reason().map(str::to_owned),
                image: container.image().unwrap_or_default().to_owned(),
                essential: None,
                stream: None,
                log: Vec::new(),
            })
            .collect(),
    })
}
