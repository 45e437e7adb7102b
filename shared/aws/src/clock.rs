//! The time, as the SDK's settings give it, and waiting: what signs the calls also dates the leases.

use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// A clock.
#[derive(Clone, Debug)]
pub struct Clock {
    source: SharedTimeSource,
    sleep: SharedAsyncSleep,
}

impl Clock {
    /// A clock that reads the time from `source`, and waits by `sleep`.
    pub fn new(source: SharedTimeSource, sleep: SharedAsyncSleep) -> Self {
        Self { source, sleep }
    }

    pub(crate) fn of(settings: &aws_config::SdkConfig) -> Self {
        Self::new(settings.time_source().unwrap_or_default(), SharedAsyncSleep::new(TokioSleep::new()))
    }

    /// The moment it is.
    pub fn now(&self) -> Timestamp {
        Timestamp::try_from(self.source.now()).unwrap_or_else(|_| Timestamp::now())
    }

    /// Waits so long.
    pub async fn sleep(&self, time: Duration) {
        self.sleep.sleep(time).await;
    }
}

/// A moment, as the SDK gives it.
pub(crate) fn time(time: Option<&DateTime>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::new(time.secs(), time.subsec_nanos() as i32).ok())
}
