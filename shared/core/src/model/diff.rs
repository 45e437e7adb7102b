//! The difference between a task definition and what Slipway makes of it, as data.

use serde::{Deserialize, Serialize};

/// What a rendering changes in its base. Its text has a line for each change, aligned, twenty at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The changes, in the order of the task definition.
    pub changes: Vec<Change>,
}

/// One changed place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another value.
    Changed,
    /// The same entries stand in another order.
    Reordered,
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}
