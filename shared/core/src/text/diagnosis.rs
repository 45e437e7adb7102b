//! Puts in words why a deployment failed, the likeliest cause first, and what a person can do about it.

use jiff::Timestamp;

use crate::model::record::Failing;
use crate::rules::diagnosis::{Evidence, likeliest};

mod advice;
mod cause;
mod evidence;

/// Explains the failure that the evidence is about, as the record keeps it.
pub fn explain(evidence: &Evidence<'_>, at: Timestamp) -> Failing {
    let cause = likeliest(evidence);
    Failing {
        at,
        by: evidence.by,
        advice: advice::advice(evidence, &cause),
        evidence: evidence::lines(evidence),
        log: evidence.tasks.iter().find_map(|task| task.died()?.stream.clone()),
        cause: cause.to_string(),
    }
}

#[cfg(test)]
mod tests;
