//! A short storm in every test run; `cargo storm` makes a long one.

use storm::bug::BUGS;
use storm::schedule::{self, Telling};

#[test]
fn no_schedule_breaks_a_law() {
    for seed in 0..200 {
        let came = schedule::run(seed, None, Telling::Nothing);
        assert_eq!(came.broken, None, "cargo storm --seed {seed}");
    }
}

#[test]
fn a_seed_gives_the_same_schedule_each_time() {
    let (one, other) = (schedule::run(7, None, Telling::Everything), schedule::run(7, None, Telling::Everything));
    assert!(!one.trace.is_empty());
    assert_eq!(one.trace, other.trace);
}

#[test]
fn every_bug_has_a_name_of_its_own() {
    let mut names: Vec<_> = BUGS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BUGS.len());
}
