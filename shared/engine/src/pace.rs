//! Keeps to the rate that AWS allows once AWS has said that we are too fast.
//!
//! AWS's token buckets are shared by everybody in the account, so nobody can know how full they are:
//! a burst goes out at once, and only a throttled answer makes the calls queue at the bucket's sustained rate.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

use crate::cloud::Cloud;
use crate::error::{Error, ErrorKind};
use crate::invocation::Call;

/// The paces of ECS's calls that write, in this execution environment; their rates by [request throttling for the Amazon
/// ECS API].
///
/// [request throttling for the Amazon ECS API]: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
#[derive(Debug)]
pub(crate) struct Paces {
    /// RegisterTaskDefinition: a burst of 20, then one a second.
    pub(crate) register: Pace,
    /// UpdateService: a burst of 50, then five a second.
    pub(crate) update: Pace,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            register: Pace::of("ECS.RegisterTaskDefinition", SignedDuration::from_secs(1)),
            update: Pace::of("ECS.UpdateService", SignedDuration::from_millis(200)),
        }
    }
}

/// The pace of one kind of call.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Its name, `ECS.UpdateService`.
    call: &'static str,
    /// Between two calls, once AWS has throttled one.
    interval: SignedDuration,
    next: Cell<Option<Timestamp>>,
}

impl Pace {
    fn of(call: &'static str, interval: SignedDuration) -> Self {
        Self { call, interval, next: Cell::new(None) }
    }

    /// Makes the call, and again while it is throttled, which means that it was not carried out. A call whose turn comes
    /// after `until` is not made: nothing could follow it in time.
    pub(crate) async fn call<T>(
        &self,
        of: &Call<'_, impl Cloud>,
        subject: &str,
        until: Timestamp,
        mut call: impl AsyncFnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let cloud = of.cloud();
        loop {
            let turn = self.turn(cloud.now(), until);
            if turn.unwrap_or_else(|| cloud.now()) >= until {
                return Err(Error::new(
                    self.call,
                    subject,
                    ErrorKind::Throttled,
                    "the function's time ended before its turn",
                ));
            }
            if let Some(turn) = turn {
                cloud.sleep(turn.duration_since(cloud.now()).max(SignedDuration::ZERO).unsigned_abs()).await;
            }
            match call().await {
                Err(error) if error.kind == ErrorKind::Throttled && cloud.now() + self.interval < until => {
                    self.slow_down(cloud.now() + of.spread);
                }
                other => return other,
            }
        }
    }

    /// When this call's turn comes; `None` while nobody was throttled. A turn that comes too late is left to the next try.
    fn turn(&self, now: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let turn = self.next.get()?;
        // The queue is over once a turn would lie a burst's refill in the past.
        if turn + self.interval * 4 < now {
            self.next.set(None);
            return None;
        }
        if turn < until {
            self.next.set(Some(turn + self.interval));
        }
        Some(turn)
    }

    fn slow_down(&self, now: Timestamp) {
        let soonest = now + self.interval;
        self.next.set(Some(self.next.get().map_or(soonest, |turn| turn.max(soonest))));
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    fn pace() -> Pace {
        Pace::of("ECS.RegisterTaskDefinition", SECOND)
    }

    #[test]
    fn an_unthrottled_call_does_not_wait() {
        let (pace, now) = (pace(), Timestamp::UNIX_EPOCH);
        for _ in 0..50 {
            assert_eq!(pace.turn(now, now + SECOND * 60), None);
        }
    }

    #[test]
    fn throttled_calls_queue_at_the_sustained_rate() {
        let (pace, now) = (pace(), Timestamp::UNIX_EPOCH);
        pace.slow_down(now);
        // A second one that was throttled at the same time makes nothing slower.
        pace.slow_down(now);
        let turns: Vec<_> = (0..3).map(|_| pace.turn(now, now + SECOND * 60)).collect();
        assert_eq!(turns, [1, 2, 3].map(|place| Some(now + SECOND * place)));
    }

    #[test]
    fn a_turn_that_comes_too_late_is_left_to_the_next_try() {
        let (pace, now) = (pace(), Timestamp::UNIX_EPOCH);
        pace.slow_down(now);
        let until = now + SignedDuration::from_millis(2500);
        let in_time = (0..10).filter(|_| pace.turn(now, until).is_some_and(|turn| turn < until)).count();
        assert_eq!(in_time, 2, "at 1 s and at 2 s");
        assert_eq!(
            pace.turn(now, now + SECOND * 60),
            Some(now + SECOND * 3),
            "the first turn after those that were used"
        );
    }

    #[test]
    fn the_queue_is_over_when_a_burst_has_refilled() {
        let (pace, now) = (pace(), Timestamp::UNIX_EPOCH);
        pace.slow_down(now);
        let later = now + SECOND * 6;
        assert_eq!(pace.turn(later, later + SECOND * 60), None);
    }
}
