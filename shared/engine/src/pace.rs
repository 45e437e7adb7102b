//! Keeps to the rate that AWS allows once AWS has said that we are too fast.
//!
//! AWS's token buckets are shared by everybody in the account, so nobody can know how full they are:
//! a burst goes out at once, and only a throttled answer makes the calls queue at the bucket's sustained rate.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

use crate::cloud::Cloud;
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

    /// Makes the call, and makes it again for as long as it is throttled and `until` has not come.
    ///
    /// A throttled call was not carried out, so it may be repeated whatever it does. A call whose turn comes too late is
    /// not made: nothing could follow it in time.
    pub(crate) async fn call<T>(
        &self,
        cloud: &impl Cloud,
        subject: &str,
        until: Timestamp,
        mut call: impl AsyncFnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let turn = self.turn(cloud.now(), until);
            if turn.unwrap_or_else(|| cloud.now()) >= until {
                return Err(Error::new(
                    self.call,
                    subject,
                    Kind::Throttled,
                    "the function's time ended before its turn",
                ));
            }
            if let Some(turn) = turn {
                cloud.sleep(turn.duration_since(cloud.now()).max(SignedDuration::ZERO).unsigned_abs()).await;
            }
            match call().await {
                Err(error) if error.kind == Kind::Throttled && cloud.now() + self.interval < until => {
                    self.slow_down(cloud.now());
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
