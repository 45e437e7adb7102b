//! Makes a service's timer, for when something is due there.

use jiff::Timestamp;
use slipway_core::model::id::TargetName;
use slipway_core::model::timer::{self, Scheduled};

use crate::cloud::{Cloud, Timer};
use crate::error::Error;

/// Makes the timer for the minute in which this is due; one that is there already stays. A timer too many finds nothing due.
pub(crate) async fn arm(cloud: &impl Cloud, target: &TargetName, due: Timestamp) -> Result<(), Error> {
    let at = timer::minute(due, cloud.now());
    let payload = Scheduled::Timer { target: target.clone() }.payload();
    cloud.create_timer(&Timer { name: timer::name(target, at), at, payload }).await
}
