//! The tags by which a revision says that Slipway registered it, for what, and after which revision.
//!
//! Provenance names a revision, not a deployment: anybody can deploy a revision again.

use jiff::Timestamp;

use crate::facts::Revision;
use crate::id::EventId;
use crate::image::{Digest, ImageRef, Tag};

/// The prefix of every provenance tag.
pub const PREFIX: &str = "slipway:";

/// Who or what asked for a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An image was pushed.
    Push,
    /// Somebody asked for a deploy, by a manual invoke.
    Deploy,
    /// Somebody asked for a redeploy, by a manual invoke.
    Redeploy,
    /// A word that a later version of Slipway wrote.
    Other(String),
}

/// What Slipway writes on a revision that it registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The repository's name, without its registry.
    pub repository: String,
    /// The tag under which the image was chosen; `None` where it was asked for by digest and has no tag.
    pub tag: Option<Tag>,
    /// The image.
    pub digest: Digest,
    /// When the registry received the image.
    pub pushed_at: Option<Timestamp>,
    /// What set Slipway going.
    pub event: EventId,
    /// Who or what asked.
    pub trigger: Trigger,
    /// The revision that the service ran before, as `family:revision`.
    pub previous: Option<String>,
}

impl Provenance {
    /// The provenance as tags, the most telling first: where a revision has not room for all, the last give way.
    pub fn tags(&self) -> Vec<(String, String)> {
        todo!()
    }

    /// Reads the provenance of a revision; `None` unless Slipway registered it.
    ///
    /// Tags are copied when a person or a tool makes a new revision from ours,
    /// so they count only while a container still names the digest that they name.
    pub fn of(revision: &Revision) -> Option<Self> {
        let _ = ImageRef::parse("");
        todo!("{revision:?}")
    }
}
