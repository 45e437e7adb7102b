//! Every reason Slipway can give for doing something, or for leaving it: one sentence each, and a code for machines.
//!
//! A reason is an answer, not an error. Its sentence ends without a full stop, so that it can stand in a line.

use std::fmt;

use crate::id::{ContainerName, DeploymentId, TargetName};
use crate::image::{Digest, Tag};

/// How much a reason matters to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something is done.
    Go,
    /// Nothing is to be done: logged and answered, not told.
    Skip,
    /// Something is wrong that a person has to mend: told.
    Refuse,
}

/// Why a plan does what it does, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A push under a tag that the policy deploys.
    Pushed { tag: Tag },
    /// Somebody asked for this image.
    Asked { image: String },
    /// Somebody asked for a redeploy, and the rendering is another than what runs.
    RedeployChanged,
    /// Somebody asked for a redeploy, and the rendering is what runs already.
    RedeployForced,
    /// Somebody asked for a redeploy with an id: the revision carries it, so that the repeat is recognised.
    RedeployMarked { id: String },

    /// The service runs exactly this already.
    AlreadyRuns { image: String, revision: String },
    /// The service is being updated to exactly this already.
    AlreadyUnderWay { image: String, revision: String, deployment: DeploymentId },
    /// A request of this id was carried out before.
    AlreadyDone { id: String, revision: String },
    /// The policy orders the image before the running one.
    Older { candidate: String, running: String },
    /// The policy gives no order between the two, and the image was pushed before the running one.
    PushedBefore { candidate: String, running: String },
    /// The tag is not one the target deploys.
    NotOfPolicy { tag: Tag, policy: String },
    /// An ignore pattern leaves the tag out.
    Ignored { tag: Tag, pattern: String },
    /// The registry no longer has the tag; the event is late.
    TagGone { tag: Tag },
    /// What was pushed is no container image: a chart, a signature, an SBOM.
    NotAnImage { media_type: String },

    /// The service does not exist in the cluster.
    ServiceMissing { service: String, cluster: String },
    /// The service is being deleted, or is deleted.
    ServiceNotActive { status: String },
    /// CodeDeploy, a third party or something unknown carries out this service's deployments.
    WrongController { controller: String },
    /// ECS Express Mode manages the service.
    ManagedByEcs,
    /// A deployment is under way that must not be superseded: blue/green, linear, canary.
    InFlight { deployment: DeploymentId, strategy: String },
    /// ECS is rolling back; a new deployment would fight it.
    RollingBack { deployment: DeploymentId },
    /// No container has an image of the repository, and none is named.
    NoContainer { repository: String, containers: Vec<(ContainerName, String)> },
    /// A named container is not in the task definition.
    UnknownContainer { missing: Vec<ContainerName>, known: Vec<ContainerName> },
    /// The base of the rendering is no task definition as ECS has them.
    Unrenderable { revision: String, problem: String },
    /// A container takes a variable from a secret that the configuration sets as well; ECS refuses a name in both.
    SetBySecret { container: ContainerName, variable: String },
    /// The image is archived in ECR: ECS cannot pull it.
    Archived { image: String },
    /// The requested image is not in the repository.
    NoSuchImage { image: String, repository: String },
    /// The running image has no digest that could be rendered again.
    NothingToRedeploy { containers: Vec<(ContainerName, String)> },
    /// Several repositories feed the service, and the request names none.
    WhichRepository { target: TargetName, repositories: Vec<String> },
    /// AWS refused a call, or could not be asked.
    Aws { call: String, subject: String, kind: String, message: String },
    /// The function's time ended before this target's turn.
    OutOfTime,
    /// The image's digest is shown without a tag.
    Digest { digest: Digest },
}

impl Reason {
    /// How much it matters to people.
    pub fn weight(&self) -> Weight {
        use Reason::*;
        match self {
            Pushed { .. } | Asked { .. } | RedeployChanged | RedeployForced | RedeployMarked { .. } => Weight::Go,
            AlreadyRuns { .. }
            | AlreadyUnderWay { .. }
            | AlreadyDone { .. }
            | Older { .. }
            | PushedBefore { .. }
            | NotOfPolicy { .. }
            | Ignored { .. }
            | TagGone { .. }
            | NotAnImage { .. } => Weight::Skip,
            _ => Weight::Refuse,
        }
    }

    /// The reason's code for machines, `older` or `service_missing`; it never changes.
    pub fn code(&self) -> &'static str {
        todo!()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())
    }
}
