//! A few schedules in every test run; `cargo sim` runs many.

use sim::bug::BUGS;
use sim::schedule::{self, Detail};

#[test]
fn no_schedule_breaks_a_law() {
    for seed in 0..40 {
        let came = schedule::run(seed, None, Detail::Result);
        assert_eq!(came.broken, None, "cargo sim --seed {seed}");
    }
}

#[test]
fn a_seed_replays_to_the_letter() {
    for seed in [7, 11, 92] {
        let (one, other) = (schedule::run(seed, None, Detail::Trace), schedule::run(seed, None, Detail::Trace));
        assert!(one.trace.len() > 20, "{}", one.trace.len());
        for (line, again) in one.trace.iter().zip(&other.trace) {
            assert_eq!(line, again, "seed {seed}");
        }
        assert_eq!(one.trace.len(), other.trace.len(), "seed {seed}");
    }
}

#[test]
fn a_trace_changes_nothing() {
    let (traced, untraced) = (schedule::run(3, None, Detail::Trace), schedule::run(3, None, Detail::Result));
    assert!(untraced.trace.is_empty() && untraced.updates > 0);
    assert_eq!((traced.updates, traced.notices, traced.calls), (untraced.updates, untraced.notices, untraced.calls));
}

#[test]
fn every_bug_has_a_name_of_its_own() {
    let mut names: Vec<_> = BUGS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BUGS.len());
}
