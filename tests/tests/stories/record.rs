//! Keeps every call of every story, so that the roles can be judged by all of them.

use std::sync::{Mutex, PoisonError};

use e2e::world::Call;

static KEPT: Mutex<Vec<(&'static str, Vec<Call>)>> = Mutex::new(Vec::new());

/// Keeps the calls of a story.
pub(crate) fn keep(story: &'static str, calls: Vec<Call>) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push((story, calls));
}

/// Every call that a story's functions made, each with its story.
pub(crate) fn all() -> Vec<(&'static str, Call)> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter().flat_map(|(story, calls)| calls.iter().map(move |call| (*story, call.clone()))).collect()
}
