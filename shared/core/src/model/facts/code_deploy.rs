//! What CodeDeploy and ECS show of a service that CodeDeploy deploys to: its group, its deployments, and its task sets.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::id::{ClusterName, DeploymentId, ServiceName, TaskDefinitionArn};

/// An application and one of its deployment groups, by which CodeDeploy's calls name where they deploy to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName {
    /// The application's name.
    pub application: String,
    /// The group's.
    pub group: String,
}

impl std::fmt::Display for GroupName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.application, self.group)
    }
}

impl GroupName {
    /// The names that the ECS console gives them.
    pub fn of_console(cluster: &ClusterName, service: &ServiceName) -> Self {
        Self { application: format!("AppECS-{cluster}-{service}"), group: format!("DgpECS-{cluster}-{service}") }
    }
}

/// A task set of a service: CodeDeploy makes one for each deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSet {
    /// `ecs-svc/…`, by which its tasks say who started them.
    pub id: DeploymentId,
    /// The deployment of CodeDeploy that made it; a service's first task set has none.
    pub external_id: Option<DeploymentId>,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub status: String,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// Tasks wanted.
    pub desired_count: i32,
    /// Tasks running.
    pub running_count: i32,
    /// Tasks starting.
    pub pending_count: i32,
    /// Where its tasks run, and how they are reached: the next deployment has it too.
    pub placement: Placement,
}

/// Where the tasks of a task set run, and how they are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The container and the port behind the load balancer.
    pub load_balancer: Option<(String, i32)>,
    /// The network, for tasks with a network interface of their own.
    pub network: Option<Network>,
    /// The version of Fargate.
    pub platform_version: Option<String>,
    /// The capacity providers; none where the launch type decides.
    pub capacity_providers: Vec<CapacityProvider>,
}

/// The network of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The subnets.
    pub subnets: Vec<String>,
    /// The security groups.
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub assign_public_ip: String,
}

/// A capacity provider, and its share of the tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityProvider {
    /// Its name.
    pub name: String,
    /// How many tasks it has at least.
    pub base: i32,
    /// Its part of those beyond that.
    pub weight: i32,
}

/// What was read of CodeDeploy for one service.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeDeploy {
    /// The group that deploys to it.
    pub group: DeploymentGroup,
    /// Its newest deployment, and what that rolls back or is rolled back by, as far as they were read.
    pub deployments: Vec<CodeDeployment>,
    /// The hooks that a new deployment gets.
    pub hooks: Hooks,
}

/// The hooks of an AppSpec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hooks {
    /// These, as the AppSpec has them: `[{"BeforeInstall": "function"}]`.
    Known(Vec<Value>),
    /// The last revision of the group is not an AppSpec that can be read, so nobody knows which hooks it has.
    Unreadable,
}

/// A deployment group, as GetDeploymentGroup describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentGroup {
    /// Its name, with the application's.
    pub name: GroupName,
    /// The service that it deploys to; none for a group of another platform.
    pub service: Option<(ClusterName, ServiceName)>,
    /// Its newest deployment, however that ended.
    pub last: Option<DeploymentId>,
    /// The revision that it deployed last.
    pub revision: Option<AppSpecSource>,
}

/// Where the AppSpec of a revision is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppSpecSource {
    /// CodeDeploy has it, under the SHA-256 of its text.
    Content(String),
    /// In S3, on GitHub, or somewhere that this version doesn't know.
    Elsewhere,
}

/// A deployment, as GetDeployment and GetDeploymentTarget describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeDeployment {
    /// `d-…`.
    pub id: DeploymentId,
    /// Where it deploys to.
    pub group: GroupName,
    /// How it stands, by CodeDeploy's word; see [`rollback`](Self::rollback) for what really became of it.
    pub status: CodeDeployStatus,
    /// Its revision.
    pub revision: Option<AppSpecSource>,
    /// The task definition that its AppSpec names, if that was read.
    pub task_definition: Option<TaskDefinitionArn>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed or was stopped: CodeDeploy's code, `ALARM_ACTIVE`, and its words.
    pub error: Option<(String, String)>,
    /// How it is connected with a rollback.
    pub rollback: RollbackInfo,
    /// For which events CodeDeploy rolls it back by itself, `DEPLOYMENT_FAILURE` and such; none where that is off.
    pub rolls_back_on: Vec<String>,
    /// How many minutes it waits for somebody before it moves the traffic; `None` where it doesn't.
    pub ready_minutes: Option<i32>,
    /// How many minutes it waits before it ends the old tasks.
    pub termination_minutes: i32,
    /// Its lifecycle events, in their order; none before it has started, and where they were not read.
    pub events: Vec<LifecycleEvent>,
    /// How many percent of the production traffic its tasks have, where that was read.
    pub traffic: Option<u8>,
}

/// How a deployment and its rollback, which is a deployment of its own, name each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollbackInfo {
    /// The deployment that rolls this one back.
    pub by: Option<DeploymentId>,
    /// The deployment that this one rolls back.
    pub of: Option<DeploymentId>,
    /// CodeDeploy's words about it.
    pub message: Option<String>,
}

/// How a deployment of CodeDeploy stands.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumString)]
#[expect(missing_docs, reason = "they are CodeDeploy's words")]
pub enum CodeDeployStatus {
    Created,
    Queued,
    InProgress,
    Baking,
    Ready,
    Succeeded,
    Failed,
    Stopped,
    /// A status that this version doesn't know.
    #[strum(default)]
    Other(String),
}

/// A lifecycle event of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleEvent {
    /// `Install`, `AllowTraffic`, …
    pub name: String,
    /// How far it is.
    pub status: LifecycleStatus,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How far a lifecycle event is.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumString)]
#[expect(missing_docs, reason = "they are CodeDeploy's words")]
pub enum LifecycleStatus {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    Skipped,
    /// A status that this version doesn't know.
    #[strum(default)]
    Other(String),
}

/// For how long CodeDeploy waits, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentWait {
    /// For somebody, before it moves the traffic.
    ReadyWait,
    /// Before it ends the old tasks.
    TerminationWait,
}
