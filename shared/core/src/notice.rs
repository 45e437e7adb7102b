//! The one versioned notice, and its faces: subject, text, JSON, attributes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::diff;
use crate::id::{ClusterName, DeploymentId, EventId, ServiceName, TargetName};
use crate::plan::ImageChange;

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The version of this structure, 1.
    pub version: u32,
    /// The same for every copy of the same notice.
    pub id: String,
    /// What it tells.
    pub kind: Kind,
    /// When it was said.
    pub at: Timestamp,
    /// `cluster/service`; absent where no single service is meant.
    pub target: Option<TargetName>,
    /// The cluster.
    pub cluster: Option<ClusterName>,
    /// The service.
    pub service: Option<ServiceName>,
    /// The image before and after.
    pub image: Option<ImageChange>,
    /// The revisions before and after, `web:41` and `web:42`.
    pub revision: Option<RevisionChange>,
    /// The deployment, as ECS events name it.
    pub deployment: Option<DeploymentId>,
    /// Who or what triggered it.
    pub cause: Option<Cause>,
    /// Why, in a sentence or two; ECS's words are quoted.
    pub reason: String,
    /// More lines: mistakes of a document, service events.
    pub details: Vec<String>,
    /// What changed in the task definition.
    pub changes: Vec<diff::Change>,
    /// Seconds from the deployment's start to its end.
    pub duration_seconds: Option<i64>,
    /// The account, for links and for readers of several accounts.
    pub account: Option<String>,
    /// The region, likewise.
    pub region: Option<String>,
}

/// The revisions before and after, as `family:revision`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionChange {
    /// What ran.
    pub old: Option<String>,
    /// What shall run.
    pub new: Option<String>,
}

/// Who or what triggered a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `push`, `deploy`, `redeploy`, `ecs`, `outside`.
    pub trigger: String,
    /// The event's or request's id.
    pub event: Option<EventId>,
}

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Slipway updated the service; the deployment begins.
    Started,
    /// ECS says that the deployment is in progress.
    InProgress,
    /// The deployment won: the service runs it.
    Completed,
    /// The deployment failed.
    Failed,
    /// The deployment failed, and ECS puts the last version back by itself.
    RollingBack,
    /// ECS put the last version back; the deploy failed.
    RolledBack,
    /// A newer deployment took this one's place; it didn't fail.
    Superseded,
    /// Somebody else deployed to a service of ours.
    External,
    /// Slipway will not deploy, and a person has to mend something.
    Refused,
    /// The configuration document has mistakes; nothing is deployed.
    ConfigInvalid,
}
