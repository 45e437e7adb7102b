//! How long something took or has been so, in one unit or two.

use jiff::{SignedDuration, Timestamp};

/// `8 s`, `12 min`, `3 h`, `5 d`: how long ago that was.
pub(crate) fn ago(since: Timestamp, now: Timestamp) -> String {
    rough(now.duration_since(since))
}

/// One unit of it.
pub(crate) fn rough(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `42 s`, `1 min 12 s`, `2 h 5 min`.
pub(crate) fn exact(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 if seconds % 60 == 0 => format!("{} min", seconds / 60),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds % 3_600 < 60 => format!("{} h", seconds / 3_600),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// `4:07`, as a clock that counts.
pub(crate) fn clock(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Reads `90s`, `20m`, `1h 30m`.
pub(crate) fn parse(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(time) if time > SignedDuration::ZERO => Ok(time),
        Ok(_) | Err(_) => Err("is no time; write 90s, 20m or 1h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_well() {
        let times = [0, 59, 60, 72, 3_600, 7_500, 90_000].map(SignedDuration::from_secs);
        assert_eq!(times.map(rough), ["0 s", "59 s", "1 min", "1 min", "1 h", "2 h", "1 d"]);
        assert_eq!(times.map(exact), ["0 s", "59 s", "1 min", "1 min 12 s", "1 h", "2 h 5 min", "25 h"]);
        assert_eq!(times.map(clock), ["0:00", "0:59", "1:00", "1:12", "60:00", "125:00", "1500:00"]);
    }

    #[test]
    fn a_time_is_read_with_its_unit() {
        let seconds = |text: &str| parse(text).map(|it| it.as_secs());
        assert_eq!(["90s", "20m", "1h", "1h 30m"].map(seconds), [Ok(90), Ok(1_200), Ok(3_600), Ok(5_400)]);
        assert!(["20", "", "0s", "-5m", "soon"].iter().all(|wrong| parse(wrong).is_err()));
    }
}
