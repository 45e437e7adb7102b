//! A task that stopped, as DescribeTasks and the events of its end describe it. ECS keeps it for about an hour.

use jiff::Timestamp;

use crate::model::id::{ContainerName, DeploymentId, LogStream, TaskDefinitionArn};

/// A stopped task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoppedTask {
    /// Its ARN.
    pub arn: String,
    /// The deployment that started it; `None` for a task that no service started.
    pub started_by: Option<DeploymentId>,
    /// What it ran.
    pub task_definition: Option<TaskDefinitionArn>,
    /// ECS's code for why it stopped: `EssentialContainerExited`, `TaskFailedToStart`, …
    pub stop_code: Option<String>,
    /// The same in ECS's words.
    pub stopped_reason: Option<String>,
    /// When its containers had started.
    pub started_at: Option<Timestamp>,
    /// When it had stopped.
    pub stopped_at: Option<Timestamp>,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a stopped task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedContainer {
    /// Its name.
    pub name: ContainerName,
    /// Its exit code; `None` where it never started.
    pub exit_code: Option<i32>,
    /// ECS's words about its end.
    pub reason: Option<String>,
    /// The image as the task definition names it.
    pub image: String,
    /// Whether the task ends with it, as its task definition says; `None` where that was not read.
    pub essential: Option<bool>,
    /// Where its log is; `None` where the task definition doesn't say, or was not read.
    pub stream: Option<LogStream>,
    /// The last lines that it logged, oldest first; empty where they were not read.
    pub log: Vec<String>,
}

impl StoppedTask {
    /// What people quote of it: the last part of its ARN, cut to eight characters.
    pub fn short(&self) -> &str {
        let id = self.arn.rsplit('/').next().unwrap_or_default();
        id.char_indices().nth(8).map_or(id, |(end, _)| &id[..end])
    }

    /// The container to blame: one that ECS gives a reason for, or that ended with an error, the essential ones first.
    /// Its log is the one to read.
    pub fn died(&self) -> Option<&StoppedContainer> {
        let weight = |it: &&StoppedContainer| {
            let essential = it.essential != Some(false);
            match (it.reason.as_deref().filter(|reason| !reason.is_empty()), it.exit_code) {
                (None, None) => (0, essential),
                // Where one container died, ECS ends the others: these are the codes of that.
                (None, Some(0 | 143)) => (1, essential),
                (None, Some(137)) => (2, essential),
                _ => (3, essential),
            }
        };
        // The first of equals: task definitions begin with what matters.
        self.containers.iter().rev().max_by_key(weight).filter(|it| it.reason.is_some() || it.exit_code.is_some())
    }
}
