//! The plan between deciding and acting: target, steps, reason.
//!
//! A plan leaves no choice to what carries it out, and an empty plan is an answer too. Dry run, log line, notice and answer
//! all render the same plan.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::diff::Diff;
use crate::model::facts::{GroupName, Placement};
use crate::model::id::{ClusterName, ContainerName, DeploymentId, ServiceName, TargetName, TaskDefinitionArn};
use crate::model::image::{Digest, Tag};
use crate::model::reason::Reason;
use crate::model::record::Blocked;

/// What will be done for one target, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// For whom.
    pub target: TargetName,
    /// Why these steps, or why none.
    pub reason: Reason,
    /// What the image waits for, where it is decided about again later.
    pub blocked: Option<Blocked>,
    /// The image before and after, as far as it is known.
    pub image: Option<ImageChange>,
    /// The revision that the service runs now.
    pub running: Option<TaskDefinitionArn>,
    /// What a new revision is made from.
    pub made_from: MadeFrom,
    /// What to do, from top to bottom.
    pub steps: Vec<Step>,
}

impl Plan {
    /// A plan that does nothing, with its reason.
    pub fn nothing(target: TargetName, reason: Reason) -> Self {
        Self {
            target,
            reason,
            blocked: None,
            image: None,
            running: None,
            made_from: MadeFrom::Running,
            steps: Vec::new(),
        }
    }

    /// The revision that it registers, if it does.
    pub fn rendering(&self) -> Option<&Rendering> {
        self.steps.iter().find_map(|step| match step {
            Step::Register(rendering) => Some(rendering),
            Step::Update { .. } => None,
        })
    }

    /// The family's revision that it makes a new one from, if it does.
    pub fn definition(&self) -> Option<&TaskDefinitionArn> {
        match &self.made_from {
            MadeFrom::Family(base) => self.rendering().map(|_| base),
            MadeFrom::Running | MadeFrom::RunningForLack => None,
        }
    }
}

/// What a new revision is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeFrom {
    /// The revision that the service runs.
    Running,
    /// The newest revision of its family that Slipway did not register, as `base: family` asks for.
    Family(TaskDefinitionArn),
    /// The revision that the service runs, because the family has no such revision.
    RunningForLack,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Register a new revision.
    Register(Rendering),
    /// Make the service run a revision.
    Update {
        /// The service's cluster.
        cluster: ClusterName,
        /// The service.
        service: ServiceName,
        /// What it is to run.
        to: NextRevision,
        /// By which call.
        call: UpdateCall,
        /// The deployment that was PRIMARY when this was decided; another one shows that an unanswered update took effect.
        previous_primary: Option<DeploymentId>,
    },
}

/// The call that makes a service run a revision.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateCall {
    /// UpdateService with nothing else.
    UpdateService {
        /// Whether a deployment is made although nothing changed.
        force_new_deployment: bool,
    },
    /// CreateDeployment of CodeDeploy.
    CreateDeployment(Box<CreateDeployment>),
    /// UpdateExpressGatewayService with nothing else. It cannot force a deployment.
    UpdateExpressGatewayService {
        /// The service's ARN.
        service: String,
    },
}

/// What a new deployment of CodeDeploy says, but for the task definition.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDeployment {
    /// Where it deploys to.
    pub group: GroupName,
    /// Where the tasks run, and how they are reached: as those that serve now.
    pub placement: Placement,
    /// The hooks of its AppSpec.
    pub hooks: Vec<Value>,
}

/// A task definition ready to be registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// The body of `RegisterTaskDefinition`, `tags` included.
    pub body: Map<String, Value>,
    /// What it changes in its base, tags left out.
    pub diff: Diff,
    /// The containers whose image was set, in the task definition's order.
    pub containers: Vec<ContainerName>,
}

impl Rendering {
    /// The family that it will be registered in.
    pub fn family(&self) -> &str {
        self.body.get("family").and_then(Value::as_str).unwrap_or_default()
    }

    /// The body as the text to send, members in the base's order and numbers as they came.
    pub fn json(&self) -> String {
        Value::Object(self.body.clone()).to_string()
    }
}

/// The revision that a service is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextRevision {
    /// The one that the plan's `Register` makes.
    Registered,
    /// One that is there already.
    Existing(TaskDefinitionArn),
}

/// The image of a target before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImageChange {
    /// The repository's name.
    pub repository: String,
    /// What runs; `None` where nothing of the repository ran.
    pub old: Option<Shown>,
    /// What is to run.
    pub new: Shown,
}

/// The revisions before and after, as `family:revision`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RevisionChange {
    /// What ran.
    pub old: Option<String>,
    /// What is to run.
    pub new: Option<String>,
}

impl RevisionChange {
    /// The change from one revision to another, as far as they are known.
    pub fn of(old: Option<&TaskDefinitionArn>, new: Option<&TaskDefinitionArn>) -> Self {
        let short = |arn: &TaskDefinitionArn| arn.short().to_owned();
        Self { old: old.map(short), new: new.map(short) }
    }
}

/// An image as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Shown {
    /// The tag by which it was chosen, if one is known.
    pub tag: Option<Tag>,
    /// The image, if its digest is known.
    pub digest: Option<Digest>,
}

/// The tag, or else the short digest.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => write!(f, "{tag}"),
            (None, Some(digest)) => write!(f, "sha256:{}", digest.short()),
            (None, None) => f.write_str("an unknown image"),
        }
    }
}
