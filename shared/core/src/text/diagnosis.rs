//! Puts in words why a deployment failed, the likeliest cause first, and what a person can do about it.
//!
//! Everything quoted is others' text: an application's log, ECS's free words. It is cleaned and cut here, once.

use jiff::Timestamp;

use crate::model::id::LogStream;
use crate::model::record::{self, FailedBy};
use crate::rules::diagnosis::{CauseKind, Evidence, likeliest};

pub use advice::release;

mod advice;

mod cause;

mod evidence;

/// Why a deployment failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The likeliest cause, in half a sentence: "its container web exited with code 1".
    pub cause: String,
    /// Its kind.
    pub(crate) kind: CauseKind,
    /// What was seen, a line each, as it was.
    pub evidence: Vec<String>,
    /// The log of the container that died.
    pub log: Option<LogStream>,
    /// What a person can do, a sentence each.
    pub advice: Vec<String>,
}

impl Why {
    /// The same as the record keeps it.
    pub fn failing(self, by: FailedBy, at: Timestamp) -> record::Failing {
        record::Failing { at, by, cause: self.cause, evidence: self.evidence, log: self.log, advice: self.advice }
    }
}

/// Explains.
pub fn explain(evidence: &Evidence<'_>) -> Why {
    let cause = likeliest(evidence);
    Why {
        advice: advice::advice(evidence, &cause),
        evidence: evidence::lines(evidence),
        log: evidence.tasks.iter().find_map(|task| task.died()?.stream.clone()),
        cause: cause.to_string(),
        kind: cause.kind(),
    }
}

#[cfg(test)]
mod tests;
