//! World's own time, which stands still until a test moves it, so that every transcript and answer is the same in every run.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};

/// Where every world begins: a Saturday noon.
const BEGINNING: i64 = 1_795_262_400;

/// A clock that only a test moves, or one that goes with the machine's and that a test may put forward.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: Timestamp,
    pace: Pace,
}

#[derive(Clone, Copy, Debug)]
enum Pace {
    StandsStill,
    /// Since this moment of the machine's clock.
    Goes(Instant),
}

impl Clock {
    /// A clock at the beginning, 2026-11-21T12:00:00Z.
    pub(crate) fn new() -> Self {
        Self { now: Timestamp::constant(BEGINNING, 0), pace: Pace::StandsStill }
    }

    /// A clock that goes with the machine's, for functions that read the time of the machine.
    pub(crate) fn of_the_machine() -> Self {
        Self { now: Timestamp::now(), pace: Pace::Goes(Instant::now()) }
    }

    /// The moment it is.
    pub(crate) fn now(&self) -> Timestamp {
        match self.pace {
            Pace::StandsStill => self.now,
            Pace::Goes(since) => {
                let gone = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
                self.now.saturating_add(gone.milliseconds()).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Lets a little time pass between two acts, unless it passes by itself.
    pub(crate) fn breathe(&mut self, time: Duration) {
        if matches!(self.pace, Pace::StandsStill) {
            self.advance(time);
        }
    }

    /// Moves the clock forward, to the millisecond.
    pub(crate) fn advance(&mut self, time: Duration) {
        let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.now = self.now.saturating_add(milliseconds.milliseconds()).unwrap_or(Timestamp::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_until_it_is_moved() {
        let mut clock = Clock::new();
        assert_eq!(clock.now().to_string(), "2026-11-21T12:00:00Z");
        clock.advance(Duration::from_millis(61_500));
        assert_eq!(clock.now().to_string(), "2026-11-21T12:01:01.5Z");
    }
}
