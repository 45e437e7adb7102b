//! ECS's service deployment of an update: how it stands, at which stage, and what it waits for.

use jiff::Timestamp;

use crate::model::id::{DeploymentKey, ServiceDeploymentArn, ServiceRevisionArn, TaskDefinitionArn};

/// A service deployment as ListServiceDeployments and DescribeServiceDeployments describe it.
///
/// ECS keeps them for 90 days. What only the second call knows is `None` after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDeploymentFacts {
    /// Its ARN; what joins it with a deployment is its [`target`](Self::target).
    pub arn: ServiceDeploymentArn,
    /// How it stands.
    pub status: ServiceDeploymentStatus,
    /// ECS's words about that.
    pub status_reason: Option<String>,
    /// Why ECS rolls it back, in ECS's words; only the second call knows.
    pub rollback_reason: Option<String>,
    /// The service revision that ECS rolls back to; only the second call knows.
    pub rollback_to: Option<ServiceRevisionArn>,
    /// When that began; only the second call knows.
    pub rollback_at: Option<Timestamp>,
    /// Which of ECS's monitors noticed that it failed; only the second call knows.
    pub monitors: Monitors,
    /// `SCALE_UP`, `BAKE_TIME`, …; only the second call knows.
    pub stage: Option<String>,
    /// What it waits for; only the second call knows.
    pub pause: Pause,
    /// How many percent of the production traffic its tasks are to have; only the second call knows.
    pub traffic: Option<u8>,
    /// How long it bakes, in minutes; only the second call knows.
    pub bake_minutes: Option<i32>,
    /// The hook for which ECS rolls back, by whom it waited for: a person did not answer in time, or a function failed; only the
    /// second call knows.
    pub failed_hook: Option<HookWaitsFor>,
    /// The service revision that it deploys.
    pub target: Option<ServiceRevisionArn>,
    /// The task definition of that revision; only DescribeServiceRevisions knows.
    pub task_definition: Option<TaskDefinitionArn>,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
    /// When it last changed; only the second call knows.
    pub updated_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// How a service deployment stands.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "they are ECS's words")]
pub enum ServiceDeploymentStatus {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    /// Somebody stopped it, or it failed and ECS is not set to roll back.
    Stopped,
    /// Somebody called StopServiceDeployment.
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
    /// A status that this version doesn't know.
    #[strum(default)]
    Other(String),
}

/// Whether a service deployment waits for somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pause {
    /// It doesn't.
    #[default]
    No,
    /// A lifecycle hook has not ended.
    Hook(Hook),
}

/// A lifecycle hook that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// By which ContinueServiceDeployment takes it.
    pub id: String,
    /// Who ends it.
    pub waits_for: HookWaitsFor,
    /// When ECS waits no longer.
    pub until: Option<Timestamp>,
    /// What ECS does then.
    pub then: OnTimeout,
}

/// Who ends a lifecycle hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookWaitsFor {
    /// A person, or whoever calls ContinueServiceDeployment: a pause hook that is `AWAITING_ACTION`.
    Person,
    /// The hook's function, which is `IN_PROGRESS`.
    Function,
}

/// What ECS does when a lifecycle hook has run out of time, `timeoutAction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString)]
pub enum OnTimeout {
    /// It goes on with the deployment.
    #[strum(serialize = "CONTINUE")]
    GoesOn,
    /// It rolls back; also where ECS does not say what it does.
    #[default]
    #[strum(serialize = "ROLLBACK")]
    RollsBack,
}

/// What ECS's own monitors of a service deployment say, its circuit breaker and its alarms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Monitors {
    /// It was not asked for, or ECS did not say.
    #[default]
    Unread,
    /// Neither is triggered: `MONITORING`, `MONITORING_COMPLETE` or `DISABLED`.
    Quiet,
    /// These are `TRIGGERED`, one or both.
    Triggered(Vec<Monitor>),
}

/// A monitor of ECS's that is triggered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// The circuit breaker.
    Breaker,
    /// The alarms, by the names of those that were triggered, as far as ECS says.
    Alarms(Vec<String>),
}

impl Monitors {
    /// Of what was read: whether the circuit breaker is triggered, and the alarms with their names, if they are.
    pub fn read(breaker: Option<Monitor>, alarms: Option<Monitor>) -> Self {
        let triggered: Vec<Monitor> = breaker.into_iter().chain(alarms).collect();
        if triggered.is_empty() { Self::Quiet } else { Self::Triggered(triggered) }
    }

    /// Those that are known to be triggered.
    pub fn triggered(&self) -> &[Monitor] {
        match self {
            Self::Unread | Self::Quiet => &[],
            Self::Triggered(monitors) => monitors,
        }
    }
}

impl ServiceDeploymentFacts {
    /// What joins it with its deployment.
    pub fn key(&self) -> Option<DeploymentKey> {
        match self.arn.code_deployment() {
            Some(id) => id.key(),
            None => self.target.as_ref()?.key(),
        }
    }

    /// Whether CodeDeploy carries it out, whose deployments are described in ECS's words.
    pub fn is_of_code_deploy(&self) -> bool {
        self.arn.code_deployment().is_some()
    }

    /// Whether it has not ended, so that StopServiceDeployment takes it.
    pub fn is_ongoing(&self) -> bool {
        use ServiceDeploymentStatus::*;
        matches!(self.status, Pending | InProgress | StopRequested | RollbackRequested | RollbackInProgress)
    }

    /// ECS's words: why it rolls back, else about the status.
    pub fn says(&self) -> Option<&str> {
        self.rollback_reason.as_deref().or(self.status_reason.as_deref()).filter(|words| !words.trim().is_empty())
    }
}
