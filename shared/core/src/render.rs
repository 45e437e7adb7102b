//! Renders a task definition with the chosen image, on ECS's own JSON, without losing a member.
//!
//! Only the image of the chosen containers, the configured environment values and the tags change.

use serde_json::{Map, Value};

use crate::diff::Diff;
use crate::facts::Revision;
use crate::id::ContainerName;
use crate::image::{Digest, Repository};
use crate::provenance::Provenance;
use crate::reason::Reason;

/// The members that only DescribeTaskDefinition's answer has, which RegisterTaskDefinition does not take.
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

/// What a rendering shall change.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The repository whose containers are meant, and whose image is set.
    pub repository: &'a Repository,
    /// The image.
    pub digest: &'a Digest,
    /// The containers by name; empty means every container whose image is of the repository.
    pub containers: &'a [ContainerName],
    /// Environment variables to set in these containers, values filled in already.
    pub environment: &'a [(String, String)],
    /// What to write on the revision.
    pub provenance: &'a Provenance,
}

/// A task definition ready to be registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// The body of RegisterTaskDefinition, `tags` included.
    pub body: Map<String, Value>,
    /// What it changes in its base, tags left out.
    pub diff: Diff,
    /// The containers whose image was set, in the task definition's order.
    pub containers: Vec<ContainerName>,
}

impl Rendering {
    /// Whether this revision already is what the rendering would register; provenance does not count.
    pub fn equals(&self, running: &Revision) -> bool {
        todo!("{running:?}")
    }

    /// The family that it will be registered in.
    pub fn family(&self) -> &str {
        self.body.get("family").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Renders `base` with `change`; the error is the reason for a refusal, such as no container of that repository.
pub fn render(base: &Revision, change: &Change<'_>) -> Result<Rendering, Reason> {
    todo!("{base:?} {change:?}")
}

/// The containers that a change means, by name or by repository; the error names what the revision has instead.
pub fn containers_of(
    base: &Revision,
    repository: &Repository,
    named: &[ContainerName],
) -> Result<Vec<ContainerName>, Reason> {
    todo!("{base:?} {repository:?} {named:?}")
}
