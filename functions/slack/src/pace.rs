//! A message a second for each channel, which is what Slack takes: every write to a channel takes the channel's next free
//! second from the ledger, whichever invocation makes it.
//!
//! <https://docs.slack.dev/apis/web-api/rate-limits>

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use slipway_aws::ledger::note::Place;
use slipway_aws::{Aws, Error};

/// Between two writes to a channel.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// After a day without a message the note is of no use.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A channel's next free second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Pace {
    next: Timestamp,
    /// The invocation that took the last second. Two that take the same one at once write the same but for this, and so each
    /// knows its own.
    by: String,
}

/// Takes the channel's next second for the invocation `by` if it comes within `longest`; how long to wait for it. Else
/// nothing is taken, and the inner error is how long it would be.
pub(crate) async fn take(
    aws: &Aws,
    channel: &str,
    by: &str,
    longest: Duration,
) -> Result<Result<Duration, Duration>, Error> {
    let now = aws.now();
    let place = place(channel);
    let taken = aws.ledger.change_note(&place, later(now, KEPT), |pace: &mut Pace| {
        let at = pace.next.max(now);
        let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if wait > longest {
            return Err(wait);
        }
        *pace = Pace { next: later(at, PACE), by: by.to_owned() };
        Ok(wait)
    });
    Ok(taken.await?.0)
}

/// Slack asks for a pause: no invocation writes to the channel before it is over.
pub(crate) async fn pause(aws: &Aws, channel: &str, pause: Duration) -> Result<(), Error> {
    let now = aws.now();
    let until = later(now, SignedDuration::try_from(pause).unwrap_or(PACE));
    let set = |pace: &mut Pace| pace.next = pace.next.max(until);
    aws.ledger.change_note(&place(channel), later(until, KEPT), set).await.map(drop)
}

fn place(channel: &str) -> Place {
    Place::new("slack", format!("channel#{channel}"))
}

pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
