//! How a deployment's story ends.

use serde::{Deserialize, Serialize};

/// The end of a deployment. Each story has exactly one; until then it is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It won: the service runs it.
    Completed,
    /// It failed, and nobody put anything back.
    Failed,
    /// A newer deployment took its place; it didn't fail.
    Superseded,
    /// It failed, and ECS put the last version back.
    RolledBackByEcs,
    /// It failed, and Slipway put the last good revision back.
    RolledBackBySlipway,
    /// It failed, and so did the rollback.
    RollbackFailed,
    /// Somebody stopped it.
    Stopped,
    /// It neither completed nor failed in its time, and nothing good is known to go back to.
    TimedOut,
    /// Somebody else deployed; it is not Slipway's story.
    External,
}

impl Outcome {
    /// The word for machines; it never changes.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the remaining images are decided again: not after a person stopped it, nor where a person is called.
    pub fn decides_again(self) -> bool {
        match self {
            Self::Failed | Self::TimedOut | Self::RolledBackByEcs | Self::RolledBackBySlipway => true,
            Self::Completed | Self::Superseded | Self::RollbackFailed | Self::Stopped | Self::External => false,
        }
    }

    /// Whether ECS may complete it although it was published as failed, because nobody put anything back.
    pub fn may_complete_after_all(self) -> bool {
        match self {
            Self::Failed | Self::TimedOut => true,
            Self::Completed
            | Self::Superseded
            | Self::RolledBackByEcs
            | Self::RolledBackBySlipway
            | Self::RollbackFailed
            | Self::Stopped
            | Self::External => false,
        }
    }

    /// Whether the image is quarantined by it: any ending but completed, superseded or somebody else's is.
    pub fn quarantines(self) -> bool {
        !matches!(self, Self::Completed | Self::Superseded | Self::External)
    }
}
