//! A stopped task as its event tells of it: nearly DescribeTasks' shape, but with times as texts.

use jiff::Timestamp;
use serde::Deserialize;
use slipway_core::model::facts::{StoppedContainer, StoppedTask};
use slipway_core::model::id::{ClusterName, ContainerName, DeploymentId, Home, ServiceName, TaskDefinitionArn};

use super::{Malformed, cluster};

/// The `detail` of an `ECS Task State Change`, as far as we read it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stopped {
    #[serde(default)]
    task_arn: String,
    #[serde(default)]
    cluster_arn: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    last_status: String,
    #[serde(default)]
    started_by: Option<String>,
    #[serde(default)]
    task_definition_arn: Option<String>,
    #[serde(default)]
    stop_code: Option<String>,
    #[serde(default)]
    stopped_reason: Option<String>,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    stopped_at: Option<String>,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    name: String,
    #[serde(default)]
    exit_code: Option<i32>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
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
