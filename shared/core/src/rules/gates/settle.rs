//! Whether better images may follow: a target's `settle` lets a burst of pushes end in one deployment.

use jiff::{Timestamp, ToSpan};

use super::{NotOpen, Verdict};
use crate::model::reason::Reason;
use crate::model::record::Blocked;

/// Whether a push waits for better ones, because the target's `settle` is not over.
pub fn settle(seconds: u64, pushed_at: Option<Timestamp>, now: Timestamp) -> Verdict {
    let ends = || {
        let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
        pushed_at?.checked_add(seconds.seconds()).ok()
    };
    match ends().filter(|until| *until > now) {
        Some(until) => Err(NotOpen::Until(Blocked::Settling { until }, Reason::Settling { until })),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_settles_while_it_is_younger_than_the_target_says() {
        #[track_caller]
        fn check(seconds: u64, pushed: Option<&str>, now: &str, expected: Option<&str>) {
            let at = |time: &str| format!("2026-11-21T{time}Z").parse::<Timestamp>().unwrap();
            let verdict = settle(seconds, pushed.map(at), at(now));
            let until = |until| NotOpen::Until(Blocked::Settling { until }, Reason::Settling { until });
            assert_eq!(verdict, expected.map_or(Ok(()), |time| Err(until(at(time)))));
        }
        check(0, Some("10:00:00"), "10:00:00", None);
        check(60, Some("10:00:00"), "10:00:30", Some("10:01:00"));
        check(60, Some("10:00:00"), "10:01:00", None);
        check(60, None, "10:00:00", None);
    }
}
