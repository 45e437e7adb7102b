//! The difference between a task definition and what Slipway makes of it, as data and as text that a person reads.
//!
//! Names of environment variables and secrets are shown, their values never: a diff goes into notices and logs.

use serde::{Deserialize, Serialize};

/// What a rendering changes in its base.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The changes, in the order of the task definition.
    pub changes: Vec<Change>,
}

/// One changed place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where: `containerDefinitions[web].image`, `containerDefinitions[web].environment[APP_VERSION]`.
    pub path: String,
    /// What stood there; `None` where nothing stood, or where a value is not shown.
    pub old: Option<String>,
    /// What stands there now; `None` where nothing stands, or where a value is not shown.
    pub new: Option<String>,
    /// How it changed.
    pub how: How,
}

/// How a place changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another value.
    Changed,
}
