//! A stopped task as its event describes it: nearly DescribeTasks' shape, but with times as texts.

use jiff::Timestamp;
use serde::Deserialize;
use slipway_core::model::facts::{StoppedContainer, StoppedTask};
use slipway_core::model::id::{ClusterName, ContainerName, DeploymentId, Home, ServiceName, TaskDefinitionArn};

use super::{Malformed, cluster};

/// The `detail` of an `ECS Task State Change`, as far as we read it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Stopped {
    task_arn: String,
    cluster_arn: String,
    group: String,
    last_status: String,
    started_by: Option<String>,
    task_definition_arn: Option<String>,
    stop_code: Option<String>,
    stopped_reason: Option<String>,
    started_at: Option<String>,
    stopped_at: Option<String>,
    containers: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    exit_code: Option<i32>,
    reason: Option<String>,
    image: String,
}

impl Stopped {
    /// The service whose task stopped; `None` where it has not stopped yet, or where no service started it.
    pub(super) fn service(&self) -> Option<ServiceName> {
        let name = self.group.strip_prefix("service:").filter(|name| !name.is_empty())?;
        (self.last_status == "STOPPED").then(|| ServiceName::new(name))
    }

    pub(super) fn place(&self) -> Result<(Home, ClusterName), Malformed> {
        let home = Home::of_arn(&self.cluster_arn).zip(cluster(&self.cluster_arn));
        let home = home.filter(|_| !self.task_arn.is_empty());
        home.ok_or_else(|| {
            Malformed(format!("detail: no cluster and task in {:?}, {:?}", self.cluster_arn, self.task_arn))
        })
    }

    pub(super) fn into_facts(self) -> StoppedTask {
        let time = |text: Option<String>| text.and_then(|text| text.parse::<Timestamp>().ok());
        StoppedTask {
            arn: self.task_arn,
            started_by: self.started_by.filter(|by| by.starts_with("ecs-svc/")).map(DeploymentId::new),
            task_definition: self.task_definition_arn.map(TaskDefinitionArn::new),
            stop_code: self.stop_code,
            stopped_reason: self.stopped_reason,
            started_at: time(self.started_at),
            stopped_at: time(self.stopped_at),
            containers: self
                .containers
                .into_iter()
                .map(|container| StoppedContainer {
                    name: ContainerName::new(container.name),
                    exit_code: container.exit_code,
                    reason: container.reason,
                    image: container.image,
                    essential: None,
                    stream: None,
                    log: Vec::new(),
                })
                .collect(),
        }
    }
}
