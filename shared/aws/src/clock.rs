//! The time, as the SDK's settings give it: what signs the calls also dates the leases.

use aws_smithy_async::time::SharedTimeSource;
use jiff::Timestamp;

/// A clock.
#[derive(Clone, Debug)]
pub struct Clock(SharedTimeSource);

impl Clock {
    pub(crate) fn of(settings: &aws_config::SdkConfig) -> Self {
        Self(settings.time_source().unwrap_or_default())
    }

    /// The moment it is.
    pub fn now(&self) -> Timestamp {
        Timestamp::try_from(self.0.now()).unwrap_or_else(|_| Timestamp::now())
    }
}
