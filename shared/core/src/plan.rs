//! The paper between deciding and doing: target, steps, reason.
//!
//! A plan leaves no meaningful choice to whoever carries it out, and an empty plan is an answer too.
//! Dry run, log line, notice and answer all render the same plan; no step knows what a dry run is.

use serde::Serialize;

use crate::id::{ClusterName, ServiceName, TargetName, TaskDefinitionArn};
use crate::image::{Digest, Tag};
use crate::reason::Reason;
use crate::render::Rendering;

/// What will be done for one target, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// For whom.
    pub target: TargetName,
    /// Why these steps, or why none.
    pub reason: Reason,
    /// The image before and after, as far as it is known.
    pub image: Option<ImageChange>,
    /// The revision that the service runs now.
    pub running: Option<TaskDefinitionArn>,
    /// What to do, from top to bottom.
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Register a new revision.
    Register(Rendering),
    /// Make the service run a revision: UpdateService with nothing else.
    Update {
        /// The service's cluster.
        cluster: ClusterName,
        /// The service.
        service: ServiceName,
        /// What it shall run.
        to: To,
        /// Whether a deployment is made although nothing changed.
        force: Force,
    },
}

/// The revision that a service shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// The one that the plan's `Register` makes.
    Registered,
    /// One that is there already.
    Existing(TaskDefinitionArn),
}

/// Whether a deployment is made although nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// `forceNewDeployment` is sent.
    Yes,
    /// It is not.
    No,
}

/// The image of a target before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageChange {
    /// The repository's name.
    pub repository: String,
    /// What runs; `None` where nothing of the repository ran.
    pub old: Option<Shown>,
    /// What shall run.
    pub new: Shown,
}

/// An image as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The tag by which it was chosen, if one is known.
    pub tag: Option<Tag>,
    /// The image, if its digest is known.
    pub digest: Option<Digest>,
}
