//! The rings by which a session is looked after when it is over: for what waits, and for track.

use crate::cloud::Cloud;
use crate::cloud::{Function, Timer};
use crate::error::Error;
use jiff::{Timestamp, ToSpan};
use slipway_core::schedule;

use crate::lease::wake;
use crate::serve::{Queued, Session};

/// What cannot be served now is looked at again after this time or twice that, if nothing else brings it back.
const AGAIN_SECONDS: i64 = 60;

/// Whether a ring is armed for what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    Yes,
    No,
}

impl<C: Cloud> Session<'_, C> {
    /// Arms a ring for what waits, where no deployment's end will wake it.
    ///
    /// Done before the wishes are put aside, because whoever dies in between is not made up for, and once more after it: the
    /// deployment that they wait for may have ended in that moment.
    pub(crate) async fn ring_for_what_waits(&mut self) -> Result<(), Error> {
        let unfollowed = self.queued == Queued::Yes && self.lease.record().open().is_none();
        if self.armed == Armed::Yes || !unfollowed && self.aside.is_empty() {
            return Ok(());
        }
        wake(self.call.cloud(), &self.lease.target, in_minutes(2, self.call.now())).await?;
        self.armed = Armed::Yes;
        Ok(())
    }

    /// Rings for track, where that has an end to judge that nobody may have told it of.
    pub(crate) async fn ring_for_track(&mut self) -> Result<(), Error> {
        let (cloud, target) = (self.call.cloud(), &self.lease.target);
        let at = in_minutes(1, self.call.now());
        self.unjudged.sort_unstable();
        self.unjudged.dedup();
        for number in &self.unjudged {
            let ring = schedule::Ring::Deadline(*number);
            let (name, payload) = (schedule::name_again(ring, target, at), schedule::payload(ring, target));
            cloud.create_timer(&Timer { name, at, to: Function::Track, payload }).await?;
        }
        Ok(())
    }
}

/// So many minutes after the last full one, so that a second delivery arms the same ring.
fn in_minutes(minutes: i64, now: Timestamp) -> Timestamp {
    let minute = Timestamp::from_second(now.as_second() / AGAIN_SECONDS * AGAIN_SECONDS).unwrap_or(now);
    minute.saturating_add((minutes * AGAIN_SECONDS).seconds()).unwrap_or(now)
}
