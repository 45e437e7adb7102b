//! Moments as AWS writes them. The fake has no clock: its time is set.

use jiff::Timestamp;

/// A moment as the JSON protocols write it: seconds since 1970 with a fraction.
pub fn epoch_seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// A moment as ECS's events write it, with milliseconds.
pub fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}
