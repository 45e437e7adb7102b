//! Timers: one-time schedules by which a service is decided again when something is due; and what Slipway's schedules
//! invoke the deploy function with.
//!
//! A timer is named by its service and its minute, so a second one for the same minute is not made (EventBridge Scheduler
//! refuses a name that exists). It says only which service; what is due is decided from the record when it fires. One that
//! fires without need finds nothing due, so none is ever changed or deleted.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::id::{EventId, TargetName};
use crate::model::image::Digest;

/// The name of a service's timer for this minute, at most 64 of the characters that EventBridge Scheduler takes.
pub fn name(target: &TargetName, at: Timestamp) -> String {
    format!("timer-{}-{}", hash(target.as_str()), at.strftime("%Y%m%dT%H%M"))
}

/// The full minute of the timer for something due at `due`: the next one, never the present one, whose timer may just have
/// fired.
pub fn minute(due: Timestamp, now: Timestamp) -> Timestamp {
    /// Longer than it takes to make a schedule, with all tries.
    const SOON_SECONDS: i64 = 20;
    let soonest = now.saturating_add(SOON_SECONDS.seconds()).unwrap_or(now);
    let due = due.max(soonest);
    // Never a fraction of a second too early.
    let seconds = due.as_second() + i64::from(due.subsec_nanosecond() > 0);
    Timestamp::from_second(seconds.saturating_add(59).div_euclid(60) * 60).unwrap_or(due)
}

/// What Slipway's schedules invoke the deploy function with. It differs from every request, because nobody else may send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "slipway", rename_all = "snake_case")]
pub enum Scheduled {
    /// The timer of a service fires.
    Timer {
        /// Which service, `cluster/service`.
        target: TargetName,
    },
    /// The registry is compared with what runs.
    Reconcile {
        /// For these; for every target of the configuration where it is not there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        targets: Option<Vec<TargetName>>,
    },
}

impl Scheduled {
    /// The member that a schedule's payload has, and no request and no event: which of them it is.
    pub const KEY: &str = "slipway";

    /// Reads a payload that has the member [`Scheduled::KEY`]; `None` where it is none that a schedule sends.
    pub fn parse(payload: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(Value::Object(payload.clone())).ok()
    }

    /// The payload.
    pub fn payload(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The name of the schedule by which a part of a reconcile is done elsewhere; the same for a repeated one.
pub fn chunk(reconcile: &EventId, number: usize) -> String {
    format!("reconcile-{}-{number}", hash(reconcile.as_str()))
}

fn hash(text: &str) -> String {
    Digest::of(text.as_bytes()).hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_schedule_sends_is_read_again() {
        let web = || TargetName::new("prod/web");
        for (scheduled, payload) in [
            (Scheduled::Timer { target: web() }, json!({ "slipway": "timer", "target": "prod/web" })),
            // As the template writes it.
            (Scheduled::Reconcile { targets: None }, json!({ "slipway": "reconcile" })),
            (
                Scheduled::Reconcile { targets: Some(vec![web()]) },
                json!({ "slipway": "reconcile", "targets": ["prod/web"] }),
            ),
        ] {
            assert_eq!(scheduled.payload(), payload);
            assert_eq!(payload.as_object().and_then(Scheduled::parse), Some(scheduled));
        }
        for other in [
            json!({ "slipway": "timer" }),
            json!({ "slipway": "deadline", "target": "prod/web" }),
            json!({ "slipway": "reconcile", "targets": "prod/web" }),
            json!({ "action": "reconcile" }),
        ] {
            assert_eq!(other.as_object().and_then(Scheduled::parse), None, "{other}");
        }
    }

    fn time(text: &str) -> Timestamp {
        format!("2026-11-21T{text}Z").parse().unwrap()
    }

    #[test]
    fn names_fit_and_differ() {
        let web = TargetName::new(format!("prod/{}", "web".repeat(80)));
        let (ten, later) = (time("10:00:00"), time("10:01:00"));
        let mut names = vec![
            name(&web, ten),
            name(&web, later),
            name(&TargetName::new("prod/api"), ten),
            chunk(&EventId::new("1"), 99),
        ];
        for name in &names {
            assert!(name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert_eq!(name(&web, ten), name(&web, time("10:00:59")), "one a minute");
    }

    #[test]
    fn a_timer_fires_in_a_later_minute_than_this_one() {
        let check = |due: &str, now: &str, expected: &str| assert_eq!(minute(time(due), time(now)), time(expected));
        check("10:30:00", "10:00:00", "10:30:00");
        check("10:30:01", "10:00:00", "10:31:00");
        check("10:30:00.5", "10:00:00", "10:31:00");
        check("10:00:00", "10:00:00", "10:01:00");
        check("09:00:00", "10:00:39", "10:01:00");
        check("10:00:45", "10:00:45", "10:02:00");
    }
}
