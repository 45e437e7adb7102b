//! The names and payloads of the one-time schedules by which the functions wake each other, and themselves later.
//!
//! A name says what rings for whom, so arming it twice makes one ring (EventBridge Scheduler refuses a name that exists).

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::id::{EventId, TargetName};

/// Why a schedule rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// A deployment of this number ought to have ended by now.
    Deadline(u64),
    /// The way back from the deployment of this number ought to have ended by now.
    Back(u64),
    /// Somebody left a wish; whoever held the lease may have died. The time is part of the name, so that a later wish
    /// gets a ring of its own.
    Wake(Timestamp),
}

/// A schedule's name, at most 64 of the characters that EventBridge Scheduler takes.
pub fn name(ring: Ring, target: &TargetName) -> String {
    let hash: String = Sha256::digest(target.as_str()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    match ring {
        Ring::Deadline(number) => format!("deadline-{hash}-{number}"),
        Ring::Back(number) => format!("back-{hash}-{number}"),
        Ring::Wake(at) => format!("wake-{hash}-{}", at.as_second()),
    }
}

/// A name for the same ring at another time; a schedule that rang may not be gone yet when it is armed anew.
pub fn name_again(ring: Ring, target: &TargetName, at: Timestamp) -> String {
    format!("{}-{}", name(ring, target), at.as_second())
}

/// The name of the schedule by which a part of a reconcile is done elsewhere; the same for a repeated one.
pub fn chunk(reconcile: &EventId, number: usize) -> String {
    let hash: String = Sha256::digest(reconcile.as_str()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("reconcile-{hash}-{number}")
}

/// What the function is invoked with when it rings.
pub fn payload(ring: Ring, target: &TargetName) -> Value {
    match ring {
        Ring::Deadline(number) | Ring::Back(number) => {
            json!({ "slipway": "deadline", "target": target, "number": number })
        }
        Ring::Wake(_) => json!({ "slipway": "wake", "target": target }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_tell_apart() {
        let web = TargetName::new(format!("prod/{}", "web".repeat(80)));
        let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let rings = [Ring::Deadline(u64::MAX), Ring::Back(u64::MAX), Ring::Wake(at)];
        let mut names: Vec<_> = rings.map(|ring| name_again(ring, &web, at)).into();
        names.extend(rings.map(|ring| name(ring, &TargetName::new("prod/api"))));
        for name in &names {
            assert!(name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 6);
    }
}
