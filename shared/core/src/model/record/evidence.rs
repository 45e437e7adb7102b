//! The evidence of a deployment that failed. It is an item of its own in the table, beside the record of the service: each write
//! of the record writes all of it, and ten long logs would fill it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::lenient;

/// What was observed of a deployment that failed, in lines, as it was when it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedEvidence {
    /// The deployment's number on its service.
    pub number: u64,
    /// When it was gathered.
    pub at: Timestamp,
    /// The lines.
    #[serde(default, deserialize_with = "lenient::items")]
    pub lines: Vec<String>,
}
