//! The family of a service's task definition: what is known of its revisions, and of the services that share it.

use serde::{Deserialize, Serialize};

use crate::model::id::{TargetName, TaskDefinitionArn};

/// A task definition family, and what is known of its revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// It was looked through up to this revision; 0 where nobody asked.
    #[serde(default)]
    pub seen: u64,
    /// The newest revision up to there that Slipway did not register; `None` where none was found.
    #[serde(default)]
    pub base: Option<u64>,
    /// What the service ran last that somebody else gave it, if that is known.
    #[serde(default)]
    pub origin: Option<u64>,
}

/// A service in a family that several may share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyMember {
    /// The service.
    pub target: TargetName,
    /// What it ran last that somebody else gave it, if that is known.
    #[serde(default)]
    pub origin: Option<u64>,
}

impl Family {
    /// Slipway itself registered a revision: where that is the next one, there is nothing to look at in between.
    pub(super) fn registered(&mut self, revision: &TaskDefinitionArn) {
        if revision.family() == self.name && revision.revision() == Some(self.seen + 1) {
            self.seen += 1;
        }
    }
}
