//! What was observed: the registry's and ECS's answers, as far as a decision needs them.
//!
//! Facts are what was true when they were read; the real state may have changed since.
//! An enum is read from AWS's word by `From<&str>`; an unknown word is kept as `Other`, because AWS adds new ones.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::id::{
    ClusterName, DeploymentId, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TargetName, TaskDefinitionArn,
};
use crate::model::image::{Digest, Repository, Tag};

pub use code_deploy::{
    AppSpecSource, CapacityProvider, CodeDeploy, CodeDeployStatus, CodeDeployment, DeploymentGroup, DeploymentWait,
    GroupName, Hooks, LifecycleEvent, LifecycleStatus, Network, Placement, RollbackInfo, TaskSet,
};
pub use progress::{
    Hook, HookWaitsFor, Monitor, Monitors, OnTimeout, Pause, ServiceDeploymentFacts, ServiceDeploymentStatus,
};
pub use stopped::{StoppedContainer, StoppedTask};

mod code_deploy;
mod progress;
mod stopped;

/// An image as the registry describes it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// Where it is kept.
    pub repository: Repository,
    /// What it is; for a multi-platform image the index's digest.
    pub digest: Digest,
    /// Every tag that points to it now.
    pub tags: Vec<Tag>,
    /// When the registry received it.
    pub pushed_at: Option<Timestamp>,
    /// The manifest's media type, an index's or a single image's.
    pub media_type: Option<String>,
    /// The artifact's media type; a Helm chart, a signature or an SBOM has one of its own.
    pub artifact_media_type: Option<String>,
    /// Whether ECS can pull it.
    pub storage: Storage,
}

/// How an image is named in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display)]
pub enum ImageName {
    /// By a tag, which may move.
    #[strum(to_string = ":{0}")]
    Tag(Tag),
    /// By its digest.
    #[strum(to_string = "@{0}")]
    Digest(Digest),
}

/// Whether an image can be pulled; ECR archives images since November 2025.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// It can be pulled.
    Active,
    /// Archived: it cannot be pulled before somebody restores it.
    Archived,
    /// Being restored from the archive, `ACTIVATING`: it cannot be pulled yet.
    Restoring,
}

/// A service as DescribeServices describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceFacts {
    /// Its full ARN, as ECS gives it.
    pub arn: String,
    /// Its cluster's name.
    pub cluster: ClusterName,
    /// Its name.
    pub service: ServiceName,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// Who carries out its deployments.
    pub controller: Controller,
    /// The task definition that it is to run: the PRIMARY deployment's, or the PRIMARY task set's.
    pub task_definition: TaskDefinitionArn,
    /// Tasks wanted.
    pub desired_count: i32,
    /// Tasks running.
    pub running_count: i32,
    /// How deployments proceed.
    pub strategy: Strategy,
    /// What ECS does when its circuit breaker finds that a deployment failed.
    pub breaker: OnFailure,
    /// What it does when an alarm of the service is triggered; neither knows the other's flag.
    pub alarms: OnFailure,
    /// Whether ECS may call a rolling deployment completed before all its tasks run, `earlySuccessCriteria`. Neither monitor
    /// acts from then on.
    pub completes_early: bool,
    /// The deployments under way and the last one, the PRIMARY first where there is one.
    pub deployments: Vec<DeploymentFacts>,
    /// The service deployment under way, if any.
    pub current_service_deployment: Option<ServiceDeploymentArn>,
    /// The revisions that run now.
    pub current_revisions: Vec<ServiceRevisionArn>,
    /// The newest service events, newest first.
    pub events: Vec<ServiceMessage>,
    /// Its task sets; none where ECS carries out its deployments.
    pub task_sets: Vec<TaskSet>,
    /// What was read of CodeDeploy, where that carries out its deployments; `None` where its group was not found.
    pub code_deploy: Option<CodeDeploy>,
}

impl ServiceFacts {
    /// The deployment that ECS is bringing about or has brought about.
    pub fn primary(&self) -> Option<&DeploymentFacts> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }
}

/// Who carries out a service's deployments.
#[derive(Clone, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Controller {
    /// ECS, also where the service names no controller.
    Ecs,
    /// ECS, which also manages the service's resources (Express Mode), and updates it by UpdateExpressGatewayService.
    #[strum(serialize = "ECS (Express Mode)")]
    Express,
    /// AWS CodeDeploy; ECS refuses a task definition by UpdateService.
    CodeDeploy,
    /// Somebody else, by task sets.
    External,
    /// A controller that this version doesn't know.
    #[strum(default, transparent)]
    Other(String),
}

/// How a deployment proceeds.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Strategy {
    /// Old tasks are replaced step by step; a newer update supersedes an older one without harm.
    Rolling,
    /// ECS's own blue/green.
    BlueGreen,
    /// ECS's own linear traffic shift.
    Linear,
    /// ECS's own canary.
    Canary,
    /// CodeDeploy's blue/green, whose traffic it moves at once, linearly or as a canary. Our word, and none of ECS's.
    #[strum(disabled)]
    CodeDeploy,
    /// A strategy that this version doesn't know.
    #[strum(default)]
    Other(String),
}

/// What ECS does when one of its monitors, the circuit breaker or the alarms, finds that a deployment failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The monitor is off: it never calls a deployment failed.
    Off,
    /// ECS calls it failed, and does nothing more.
    Fails,
    /// ECS calls it failed, and rolls back.
    RollsBack,
}

impl OnFailure {
    /// From the flags of a monitor, `enable` and `rollback`.
    pub fn of_flags(enable: bool, rollback: bool) -> Self {
        match (enable, rollback) {
            (false, _) => Self::Off,
            (true, false) => Self::Fails,
            (true, true) => Self::RollsBack,
        }
    }
}

/// An entry of a service's `deployments`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentFacts {
    /// `ecs-svc/…`, as events name it.
    pub id: DeploymentId,
    /// `PRIMARY`, `ACTIVE`, `INACTIVE` or `DRAINING`.
    pub status: String,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// How far it came; absent for controllers other than ECS.
    pub rollout: Option<Rollout>,
    /// ECS's words about it.
    pub rollout_reason: Option<String>,
    /// When it was made. A rollback re-uses the old deployment and its time.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// Tasks that failed one after another.
    pub failed_tasks: i32,
    /// Tasks wanted.
    pub desired_count: i32,
    /// Tasks running.
    pub running_count: i32,
    /// Tasks starting.
    pub pending_count: i32,
}

impl DeploymentFacts {
    /// Whether ECS says that this is its own rollback, from its circuit breaker, an alarm or a stop request.
    pub fn is_rollback(&self) -> bool {
        // The reason is free text; AWS documents no other mark on a deployment.
        self.rollout_reason.as_deref().is_some_and(|reason| reason.to_ascii_lowercase().contains("rolling back"))
    }
}

/// How far a deployment came, `rolloutState`.
#[derive(Clone, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "they are ECS's words")]
pub enum Rollout {
    InProgress,
    Completed,
    Failed,
    /// ECS says `COMPLETED`, and not all its tasks run yet. Our word: to us such a deployment is in progress.
    #[strum(disabled)]
    CompletedEarly,
    /// A state that this version doesn't know.
    #[strum(default)]
    Other(String),
}

/// A service event: ECS's own log of what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceMessage {
    /// When.
    pub at: Option<Timestamp>,
    /// What, in ECS's words.
    pub message: String,
}

/// A task definition revision exactly as DescribeTaskDefinition answered, and its tags.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its ARN.
    pub arn: TaskDefinitionArn,
    /// The raw `taskDefinition` object: every member, known to us or not, in the order it came.
    pub definition: Map<String, Value>,
    /// The revision's tags, `(key, value)`, in the order they came.
    pub tags: Vec<(String, String)>,
}

impl Revision {
    /// The members that only `DescribeTaskDefinition`'s answer has, which `RegisterTaskDefinition` does not take
    /// (the difference of the two in ECS's service model).
    pub const READ_ONLY: [&str; 9] = [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    ];

    /// When it was registered; ECS gives seconds since 1970, with a fraction.
    pub fn registered_at(&self) -> Option<Timestamp> {
        let seconds: f64 = self.definition.get("registeredAt")?.to_string().parse().ok()?;
        // Milliseconds are as fine as ECS is.
        Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
    }
}

/// Another service of a family, to which another revision was given that differs in more than the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherService {
    /// The service.
    pub target: TargetName,
    /// What it was given.
    pub revision: TaskDefinitionArn,
    /// The first place that differs.
    pub place: String,
}

/// A service revision: ECS's record of what really ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRevision {
    /// Its ARN.
    pub arn: ServiceRevisionArn,
    /// The task definition that it runs.
    pub task_definition: Option<TaskDefinitionArn>,
    /// The images as ECS resolved them.
    pub images: Vec<RanImage>,
}

/// What really ran in a container, from DescribeServiceRevisions; the record of the service keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RanImage {
    /// The container's name.
    pub container: String,
    /// The image as the task definition named it.
    pub image: String,
    /// The digest that ECS resolved it to.
    pub digest: Option<Digest>,
}
