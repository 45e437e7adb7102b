//! The words of the record: what a person decided, who noticed a failure, how a rollback is done.
//!
//! Each is a word in JSON. What a later version or another hand wrote keeps nothing from being read.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::model::trigger::Trigger;

/// What a person decided about what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionKind {
    /// Slipway saw the service for the first time and took it over: what ran then was somebody's decision.
    Adopted,
    /// Somebody asked for a deploy.
    Deploy,
    /// Somebody asked for a redeploy.
    Redeploy,
    /// Somebody asked for a rollback.
    Rollback,
    /// Somebody updated the service past Slipway.
    External,
    /// A word that a later version of Slipway wrote; empty where it is none.
    Other(String),
}

impl DecisionKind {
    /// The decision of this word; see [`DecisionKind::as_str`].
    pub fn of(word: &str) -> Self {
        match word {
            "adopted" => Self::Adopted,
            "deploy" => Self::Deploy,
            "redeploy" => Self::Redeploy,
            "rollback" => Self::Rollback,
            // The second is the word of before.
            "external" | "outside" => Self::External,
            other => Self::Other(other.to_owned()),
        }
    }

    /// What a deployment of this trigger decides; `None` where no person asked for it through Slipway.
    pub fn of_trigger(trigger: &Trigger) -> Option<Self> {
        match trigger {
            Trigger::Deploy => Some(Self::Deploy),
            Trigger::Redeploy => Some(Self::Redeploy),
            Trigger::Rollback => Some(Self::Rollback),
            // A release lets Slipway decide again.
            Trigger::Push | Trigger::Reconcile | Trigger::Release => None,
            // It counts from when it was seen to begin; see `rules::adoption`.
            Trigger::External => None,
            Trigger::Unknown | Trigger::Other(_) => None,
        }
    }

    /// The word in the record.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Adopted => "adopted",
            Self::Deploy => "deploy",
            Self::Redeploy => "redeploy",
            Self::Rollback => "rollback",
            Self::External => "external",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for DecisionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DecisionKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DecisionKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(Value::deserialize(deserializer)?.as_str().unwrap_or_default()))
    }
}

/// Who noticed that a deployment failed. Of what is not known, ECS says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedBy {
    /// ECS says so.
    #[default]
    Ecs,
    /// Its time is up, and it does not progress.
    Deadline,
    /// Too many of its tasks stopped by themselves.
    Tasks,
}

/// How Slipway rolls back. What is not known is an update, which needs nothing but the revision to go back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackMethod {
    /// StopServiceDeployment: ECS goes back to what completed last.
    Stop,
    /// UpdateService to the revision.
    #[default]
    Update,
}
