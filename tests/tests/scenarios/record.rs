//! Keeps every call of every scenario, so that the roles can be judged by all of them.

use std::sync::{Mutex, PoisonError};

use e2e::world::Call;

static KEPT: Mutex<Vec<(&'static str, Vec<Call>)>> = Mutex::new(Vec::new());

/// Keeps the calls of a scenario.
pub(crate) fn keep(scenario: &'static str, calls: Vec<Call>) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push((scenario, calls));
}

/// Every call that a scenario's functions made, each with its scenario.
pub(crate) fn all() -> Vec<(&'static str, Call)> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter().flat_map(|(scenario, calls)| calls.iter().map(move |call| (*scenario, call.clone()))).collect()
}
