//! How a deployment ends.

use serde::{Deserialize, Serialize};

/// How a deployment ended; each ends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It won: the service runs it.
    Completed,
    /// It failed, and nobody rolled back.
    Failed,
    /// A newer deployment took its place; it didn't fail.
    Superseded,
    /// It failed, and ECS rolled back.
    RolledBackByEcs,
    /// It failed, and Slipway rolled back.
    RolledBackBySlipway,
    /// It failed, and so did the rollback.
    RollbackFailed,
    /// Somebody stopped it.
    Stopped,
    /// It neither completed nor failed in its time, and no known-good revision is there to roll back to.
    TimedOut,
    /// Somebody else deployed.
    External,
}

impl Outcome {
    /// The word for machines; it never changes.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the remaining images are decided again: not where a person stopped it or has to act.
    pub fn decides_again(self) -> bool {
        match self {
            Self::Failed | Self::TimedOut | Self::RolledBackByEcs | Self::RolledBackBySlipway => true,
            Self::Completed | Self::Superseded | Self::RollbackFailed | Self::Stopped | Self::External => false,
        }
    }

    /// Whether ECS may complete it although it was published as failed, because nobody rolled back.
    pub fn may_complete_after_all(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut)
    }

    /// Whether it quarantines the image.
    pub fn quarantines(self) -> bool {
        !matches!(self, Self::Completed | Self::Superseded | Self::External)
    }
}
