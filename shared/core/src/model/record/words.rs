//! The words of the record: what a person decided, who noticed a failure, how a rollback is done, how a deployment ended.
//!
//! Each is a word in JSON; an unknown one keeps nothing from being read.

use serde::{Deserialize, Serialize};

use crate::model::lenient;
use crate::model::trigger::Trigger;

/// What a person decided about what runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DecisionKind {
    /// Slipway observed the service for the first time: what ran then was somebody's decision.
    Adopted,
    /// Somebody requested a deploy.
    Deploy,
    /// Somebody requested a redeploy.
    Redeploy,
    /// Somebody requested a rollback.
    Rollback,
    /// Somebody else updated the service.
    #[serde(alias = "outside")]
    External,
    /// A word that a later version of Slipway wrote; empty where it is none.
    #[serde(untagged)]
    #[strum(transparent)]
    Other(#[serde(deserialize_with = "lenient::or_default")] String),
}

impl DecisionKind {
    /// What a deployment of this trigger decides; `None` where no person asked for it through Slipway.
    pub fn of_trigger(trigger: &Trigger) -> Option<Self> {
        match trigger {
            Trigger::Deploy => Some(Self::Deploy),
            Trigger::Redeploy => Some(Self::Redeploy),
            Trigger::Rollback => Some(Self::Rollback),
            // A release lets Slipway decide again; what somebody else did counts from when it began, see `rules::adoption`.
            Trigger::Push | Trigger::Reconcile | Trigger::Release | Trigger::External => None,
            Trigger::Unknown | Trigger::Other(_) => None,
        }
    }
}

/// Who noticed that a deployment failed; an unknown word is read as ECS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedBy {
    /// ECS says so.
    #[default]
    Ecs,
    /// Its time is up, and it does not progress.
    Deadline,
    /// Too many of its tasks stopped.
    Tasks,
}

/// How Slipway rolls back; an unknown word is read as an update, which needs only a revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackMethod {
    /// StopServiceDeployment: ECS goes back to what completed last.
    Stop,
    /// UpdateService to the revision.
    #[default]
    Update,
}

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
        matches!(self, Self::Failed | Self::TimedOut | Self::RolledBackByEcs | Self::RolledBackBySlipway)
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
