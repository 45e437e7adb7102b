//! Keeps to the rate that AWS allows once AWS has said that we are too fast.
//!
//! AWS's token buckets are shared by everybody in the account, so nobody can know how full they are:
//! a burst goes out at once, and only a throttled answer makes the calls queue at the bucket's sustained rate.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Kind};

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
            register: Pace::of("ECS.RegisterTaskDefinition", Duration::from_secs(1)),
            update: Pace::of("ECS.UpdateService", Duration::from_millis(200)),
        }
    }
}

/// The pace of one kind of call.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Its name, `ECS.UpdateService`.
    call: &'static str,
    /// Between two calls, once AWS has throttled one.
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    fn of(call: &'static str, interval: Duration) -> Self {
        Self { call, interval, next: Mutex::new(None) }
    }

    /// Makes the call, and makes it again for as long as it is throttled and `until` has not come.
    ///
    /// A throttled call was not carried out, so it may be repeated whatever it does. A call whose turn comes too late is
    /// not made: nothing could follow it in time.
    pub(crate) async fn call<T>(
        &self,
        subject: &str,
        until: Instant,
        mut call: impl AsyncFnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let turn = self.turn(until).await;
            if turn.unwrap_or_else(Instant::now) >= until {
                return Err(Error::new(
                    self.call,
                    subject,
                    Kind::Throttled,
                    "the function's time ended before its turn",
                ));
            }
            if let Some(turn) = turn {
                sleep_until(turn).await;
            }
            match call().await {
                Err(error) if error.kind == Kind::Throttled && Instant::now() + self.interval < until => {
                    self.slow_down().await;
                }
                other => return other,
            }
        }
    }

    /// When this call's turn comes; `None` while nobody was throttled. A turn that comes too late is left to the next try.
    async fn turn(&self, until: Instant) -> Option<Instant> {
        let mut next = self.next.lock().await;
        let turn = (*next)?;
        // The queue is over once a turn would lie a burst's refill in the past.
        if turn + self.interval * 4 < Instant::now() {
            *next = None;
            return None;
        }
        if turn < until {
            *next = Some(turn + self.interval);
        }
        Some(turn)
    }

    async fn slow_down(&self) {
        let mut next = self.next.lock().await;
        let soonest = Instant::now() + self.interval;
        *next = Some(next.map_or(soonest, |turn| turn.max(soonest)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled() -> Error {
        Error::new("ECS.RegisterTaskDefinition", "web", Kind::Throttled, "Rate exceeded")
    }

    #[tokio::test(start_paused = true)]
    async fn an_unthrottled_call_does_not_wait() {
        let pace = Pace::of("ECS.RegisterTaskDefinition", Duration::from_secs(1));
        let start = Instant::now();
        for _ in 0..50 {
            pace.call("web", start + Duration::from_secs(60), async || Ok(())).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn throttled_calls_queue_at_the_sustained_rate() {
        let pace = Pace::of("ECS.RegisterTaskDefinition", Duration::from_secs(1));
        let start = Instant::now();
        // A bucket of two, refilled once a second.
        let (mut level, mut filled) = (2.0_f64, start);
        let bucket = std::sync::Mutex::new(move || {
            level = (level + filled.elapsed().as_secs_f64()).min(2.0);
            filled = Instant::now();
            if level >= 0.99 {
                level -= 1.0;
                Ok(())
            } else {
                Err(throttled())
            }
        });
        let until = start + Duration::from_secs(60);
        let calls = (0..6).map(|_| pace.call("web", until, async || (bucket.lock().unwrap())()));
        for answer in futures_util::future::join_all(calls).await {
            answer.unwrap();
        }
        let seconds = start.elapsed().as_secs();
        assert!((4..=8).contains(&seconds), "{seconds} s for four calls over the burst of two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_turn_comes_too_late_is_not_made_and_leaves_its_turn_to_the_next_try() {
        let pace = Pace::of("ECS.RegisterTaskDefinition", Duration::from_secs(1));
        pace.slow_down().await;
        let until = Instant::now() + Duration::from_millis(2500);
        let mut made = Vec::new();
        for _ in 0..10 {
            made.push(pace.call("web", until, async || Ok(())).await.is_ok());
        }
        assert_eq!(made.iter().filter(|made| **made).count(), 2, "at 1 s and at 2 s");
        let next = pace.call("web", until + Duration::from_secs(60), async || Ok(Instant::now())).await;
        assert!(next.unwrap() <= until + Duration::from_secs(1), "the first turn after those that were used");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_answer_counts_when_the_time_ends() {
        let pace = Pace::of("ECS.RegisterTaskDefinition", Duration::from_secs(1));
        let until = Instant::now() + Duration::from_secs(5);
        let answer: Result<(), _> = pace.call("web", until, async || Err(throttled())).await;
        assert_eq!(answer.unwrap_err().kind, Kind::Throttled);
        assert!(Instant::now() <= until);
    }
}
