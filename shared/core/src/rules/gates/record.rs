//! Whether the record lets an image in, whatever the tag policy says: hold, quarantine and a person's last decision.

use jiff::Timestamp;

use super::{Verdict, closed};
use crate::model::image::Digest;
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::model::record::{Outcome, Service};
use crate::rules::candidate::{By, Candidate, TargetFacts};
use crate::rules::choose::counts_as_pushed;

/// An image that is deployed only if these gates are open; they are asked when planning, and again in the write of the intent.
#[derive(Clone, Debug)]
pub struct GatedImage {
    /// The image.
    pub digest: Digest,
    /// How people are shown it.
    pub shown: String,
    /// When it was pushed; for the policy `tag`, when the tag was last moved, where that is known.
    pub pushed_at: Option<Timestamp>,
}

/// Whether the record lets an image be deployed automatically. A request is not asked this.
pub fn gate(record: &Service, image: &GatedImage) -> Verdict {
    if let Some(hold) = &record.hold {
        return closed(Reason::Held { who: hold.who.clone(), why: hold.reason.clone(), since: hold.at });
    }
    if let Some(quarantined) = record.quarantined(&image.digest) {
        return closed(Reason::Quarantined {
            image: image.shown.clone(),
            cause: quarantined.cause.clone(),
            since: quarantined.at,
        });
    }
    if let Some((number, at)) = gave_up(record).filter(|(_, at)| image.pushed_at.is_none_or(|pushed| pushed <= *at)) {
        let deployment = record.numbered(number).and_then(|it| it.id().cloned());
        return closed(Reason::GaveUp { image: image.shown.clone(), deployment, at });
    }
    match (&record.decision, image.pushed_at) {
        (Some(decision), Some(pushed_at)) if pushed_at <= decision.at => closed(Reason::BeforeDecision {
            image: image.shown.clone(),
            what: decision.what.clone(),
            who: decision.who.clone(),
            at: decision.at,
        }),
        _ => Ok(()),
    }
}

/// Whether the record lets a candidate in: an automatic one passes [`gate`]; who requests one must know of a hold and of a
/// quarantine.
pub(in crate::rules) fn admit(facts: &TargetFacts<'_>, candidate: &Candidate<'_>, shown: &Shown) -> Verdict {
    let shown = shown.to_string();
    match candidate.by {
        By::Push(_) | By::Registry(_) => {
            let pushed_at = counts_as_pushed(facts.target, candidate.image, candidate.tagged_at);
            gate(facts.record, &GatedImage { digest: candidate.image.digest.clone(), shown, pushed_at })
        }
        By::Request { force: true, .. } => Ok(()),
        By::Request { force: false, .. } => {
            if let Some(hold) = &facts.record.hold {
                return closed(Reason::HeldNeedsForce {
                    who: hold.who.clone(),
                    why: hold.reason.clone(),
                    since: hold.at,
                });
            }
            match facts.record.quarantined(&candidate.image.digest) {
                Some(it) => closed(Reason::NeedsForce { image: shown, cause: it.cause.clone(), since: it.at }),
                None => Ok(()),
            }
        }
    }
}

/// The last deployment, if its rollback failed too, and when: a person has to act, and only a newer image may help.
fn gave_up(record: &Service) -> Option<(u64, Timestamp)> {
    let last = record.deployments.first().filter(|it| it.outcome() == Some(Outcome::RollbackFailed))?;
    Some((last.number, last.ended()?.at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::record::{Decision, DecisionKind, Deployment, Hold};
    use crate::model::trigger::Trigger;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-21T{time}Z").parse().unwrap()
    }

    fn digest(n: u8) -> Digest {
        Digest::parse(&format!("sha256:{}", format!("{n:02x}").repeat(32))).unwrap()
    }

    #[test]
    fn the_gate_keeps_out_what_a_person_or_a_failure_decided_against() {
        #[track_caller]
        fn check(record: &Service, pushed: &str, expected: Option<&str>) {
            let image = GatedImage { digest: digest(1), shown: "1.5.0".to_owned(), pushed_at: Some(at(pushed)) };
            let reason = gate(record, &image).err().map(|not_open| not_open.into_reason().to_string());
            assert_eq!(reason.as_deref(), expected);
        }
        let mut record = Service::default();
        check(&record, "09:00:00", None);
        record.decided(Decision { what: DecisionKind::Rollback, at: at("10:00:00"), who: Some("ana".to_owned()) });
        record.decided(Decision { what: DecisionKind::External, at: at("09:00:00"), who: None });
        check(
            &record,
            "09:59:59",
            Some(
                "1.5.0 was pushed before ana requested a rollback at 2026-11-21 10:00 UTC; only what is pushed later is deployed \
                 automatically",
            ),
        );
        check(&record, "10:00:01", None);
        let image = json!({ "repository": "shop/web", "old": null, "new": { "tag": "1.5.0", "digest": digest(1) } });
        let image = serde_json::from_value(image).unwrap();
        let (number, _) = record.add(Deployment { image, ..Deployment::of(Trigger::Push, at("10:00:00")) });
        record.end(number, Outcome::TimedOut, at("10:04:00"), Some("it did not end".to_owned()));
        check(
            &record,
            "10:03:00",
            Some(
                "1.5.0 failed here at 2026-11-21 10:04 UTC: it did not end; it stays quarantined until somebody releases it",
            ),
        );
        record.hold = Some(Hold { at: at("10:05:00"), who: None, reason: Some("a migration".to_owned()) });
        check(&record, "10:06:00", Some("somebody put the service on hold at 2026-11-21 10:05 UTC (a migration)"));
    }
}
