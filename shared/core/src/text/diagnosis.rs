//! Puts in words why a deployment failed, the likeliest cause first, what shows it, and what a person can do about it.

use jiff::Timestamp;

use crate::model::record::{Failing, RecordedEvidence};
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
        log: evidence.tasks.iter().find_map(|task| task.died()?.stream.clone()),
        cause: cause.to_string(),
    }
}

/// The evidence of this deployment's failure in lines, as the table keeps it.
pub fn lay_out(evidence: &Evidence<'_>, number: u64, at: Timestamp) -> RecordedEvidence {
    RecordedEvidence { number, at, lines: evidence::lines(evidence) }
}

#[cfg(test)]
mod tests;
