//! Whether the record lets an image in, whatever the tag policy says: hold, quarantine and a person's last decision.

use jiff::Timestamp;

use super::{Verdict, closed};
use crate::model::facts::ImageFacts;
use crate::model::id::TaskDefinitionArn;
use crate::model::image::Digest;
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::model::record::{Decision, DecisionKind, Deployment, Outcome, Quarantined, Service};
use crate::rules::base::Definition;
use crate::rules::candidate::{By, Candidate, TargetFacts};

/// An image that is deployed only if these gates are open; they are asked when planning, and again in the write of the intent.
#[derive(Clone, Debug)]
pub struct GatedImage {
    /// The image.
    pub digest: Digest,
    /// How people are shown it.
    pub shown: String,
    /// When it was pushed, or when a tag came to it that the target deploys, where that is known. Where only the definition is new,
    /// when that was registered.
    pub pushed_at: Option<Timestamp>,
    /// What its deployment is for.
    pub purpose: Purpose,
    /// The definition that it is deployed with, where that is one of the family.
    pub definition: Option<Definition>,
}

/// What the deployment of an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To run another image.
    Update,
    /// To run the first image of its repository, of which nobody decided anything yet, see [`TargetFacts::is_untouched`].
    First,
    /// To run the same image with a new definition.
    Definition,
    /// To run again what ran before a placeholder, whenever it was pushed: decisions do not keep it out.
    Restore,
}

impl GatedImage {
    /// A candidate that is deployed automatically, and is shown so.
    pub fn of(facts: &TargetFacts<'_>, image: &ImageFacts, shown: String) -> Self {
        let purpose = if facts.is_untouched() { Purpose::First } else { Purpose::Update };
        let (digest, pushed_at) = (image.digest.clone(), facts.recency().came_at(image));
        Self { digest, shown, pushed_at, purpose, definition: facts.definition() }
    }

    /// An image that ran before a placeholder.
    pub fn restored(digest: Digest, shown: String) -> Self {
        Self { digest, shown, pushed_at: None, purpose: Purpose::Restore, definition: None }
    }

    /// An image that runs, with a new definition of the family: how new that is counts.
    pub fn with_definition(facts: &TargetFacts<'_>, digest: Digest, shown: String) -> Self {
        let definition = facts.definition();
        let pushed_at = definition.as_ref().and_then(|it| it.registered_at);
        Self { digest, shown, pushed_at, purpose: Purpose::Definition, definition }
    }
}

/// Whether the record lets an image be deployed automatically. A request is not asked this.
pub fn gate(record: &Service, image: &GatedImage) -> Verdict {
    if let Some(hold) = &record.hold {
        return closed(Reason::Held { who: hold.who.clone(), why: hold.reason.clone(), since: hold.at });
    }
    if let Some(quarantined) = quarantined(record, image) {
        let image = match &quarantined.revision {
            Some(revision) => format!("{} as {revision}", image.shown),
            None => image.shown.clone(),
        };
        return closed(Reason::Quarantined { image, cause: quarantined.cause.clone(), since: quarantined.at });
    }
    let gave_up = gave_up(record, image.purpose);
    if let Some((number, at)) = gave_up.filter(|(_, at)| image.pushed_at.is_none_or(|pushed| pushed <= *at)) {
        let deployment = record.numbered(number).and_then(|it| it.id().cloned());
        return closed(Reason::GaveUp { image: image.shown.clone(), deployment, at });
    }
    // What Slipway found, or others deployed, without an image of the repository decided nothing about it.
    let about_others = |it: &&Decision| {
        image.purpose == Purpose::First && matches!(it.what, DecisionKind::Adopted | DecisionKind::External)
    };
    let decision = record.decision.as_ref().filter(|it| !about_others(it));
    let Some(decision) = decision.filter(|it| image.pushed_at.is_some_and(|pushed| pushed <= it.at)) else {
        return Ok(());
    };
    let Decision { what, who, at } = decision.clone();
    closed(match &image.definition {
        Some(definition) if image.purpose == Purpose::Definition => {
            let definition = definition.revision.short().to_owned();
            Reason::DefinitionBeforeDecision { definition, what, who, at }
        }
        _ => Reason::BeforeDecision { image: image.shown.clone(), what, who, at },
    })
}

/// Whether the record lets a candidate in: an automatic one passes [`gate`]; who requests one must know of a hold and of a
/// quarantine.
pub(in crate::rules) fn admit(facts: &TargetFacts<'_>, candidate: &Candidate<'_>, shown: &Shown) -> Verdict {
    let shown = shown.to_string();
    match candidate.by {
        By::Push(_) | By::Registry(_) => gate(facts.record, &GatedImage::of(facts, candidate.image, shown)),
        By::Restore(_) => gate(facts.record, &GatedImage::restored(candidate.image.digest.clone(), shown)),
        By::Definition(_) => {
            gate(facts.record, &GatedImage::with_definition(facts, candidate.image.digest.clone(), shown))
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

/// The quarantine of an image, or of a revision that brought it under the same tag: a rendering with that would fail again, unless
/// the definition is newer.
fn quarantined<'r>(record: &'r Service, image: &GatedImage) -> Option<&'r Quarantined> {
    let is_older = |revision: &str| {
        let (revision, definition) =
            (TaskDefinitionArn::new(revision), image.definition.as_ref().map(|it| &it.revision));
        definition.is_some_and(|it| it.family() == revision.family() && it.revision() > revision.revision())
    };
    let brought = |it: &&Quarantined| {
        let same_tag = it.tag.as_ref().is_some_and(|tag| tag.as_str() == image.shown);
        it.digest == image.digest && it.revision.as_ref().is_some_and(|it| !is_older(it)) && same_tag
    };
    record.quarantined(&image.digest).or_else(|| record.quarantine.iter().find(brought))
}

/// The last deployment, if its rollback failed too, and when: a person has to act, and only a newer image may help. A placeholder
/// since then is nobody's act, but what ran before is deployed over it.
fn gave_up(record: &Service, purpose: Purpose) -> Option<(u64, Timestamp)> {
    let counts = |it: &&Deployment| purpose == Purpose::Restore || !it.is_placeholder();
    let last = record.deployments.iter().find(counts);
    let last = last.filter(|it| it.outcome() == Some(Outcome::RollbackFailed))?;
    Some((last.number, last.ended()?.at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::image::Tag;
    use crate::model::record::{self, Hold};
    use crate::model::trigger::Trigger;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-21T{time}Z").parse().unwrap()
    }

    fn digest(n: u8) -> Digest {
        Digest::parse(&format!("sha256:{}", format!("{n:02x}").repeat(32))).unwrap()
    }

    /// 1.5.0, which was pushed then.
    fn pushed_at(time: &str) -> GatedImage {
        GatedImage {
            digest: digest(1),
            shown: "1.5.0".to_owned(),
            pushed_at: Some(at(time)),
            purpose: Purpose::Update,
            definition: None,
        }
    }

    #[test]
    fn the_gate_keeps_out_what_a_person_or_a_failure_decided_against() {
        #[track_caller]
        fn check(record: &Service, pushed: &str, expected: Option<&str>) {
            let reason = gate(record, &pushed_at(pushed)).err().map(|not_open| not_open.into_reason().to_string());
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
        record.quarantine[0].revision = Some("web:43".to_owned());
        let tagged = |tag: &str| record::Quarantined { tag: Tag::parse(tag), ..record.quarantine[0].clone() };
        let (same, other) = (tagged("1.5.0"), tagged("1.5.0-rc.1"));
        record.quarantine = vec![same];
        check(
            &record,
            "10:03:00",
            Some(
                "1.5.0 as web:43 failed here at 2026-11-21 10:04 UTC: it did not end; it stays quarantined until somebody \
                 releases it",
            ),
        );
        record.quarantine = vec![other];
        check(&record, "10:03:00", None);
        record.hold = Some(Hold { at: at("10:05:00"), who: None, reason: Some("a migration".to_owned()) });
        check(&record, "10:06:00", Some("somebody put the service on hold at 2026-11-21 10:05 UTC (a migration)"));
    }

    #[test]
    fn after_a_failed_rollback_only_what_is_newer_or_a_person_helps() {
        let check = |since: Option<Deployment>, pushed: &str, expected: bool| {
            let mut record = Service::default();
            let (number, _) = record.add(Deployment::of(Trigger::Push, at("10:00:00")));
            record.end(number, Outcome::RollbackFailed, at("10:04:00"), None);
            since.into_iter().for_each(|it| drop(record.add(it)));
            assert_eq!(gate(&record, &pushed_at(pushed)).is_ok(), expected, "{pushed}: {:#?}", record.deployments);
            let restored = GatedImage::restored(digest(1), "1.5.0".to_owned());
            assert_eq!(
                gate(&record, &restored).is_ok(),
                record.deployments.len() > 1,
                "what ran before, over a placeholder"
            );
        };
        let placeholder = || Deployment::of(Trigger::External, at("10:05:00"));
        let image = json!({ "repository": "shop/web", "old": null, "new": { "tag": "1.4.2", "digest": digest(2) } });
        let theirs = Deployment { image: serde_json::from_value(image).unwrap(), ..placeholder() };
        check(None, "10:04:00", false);
        check(None, "10:04:01", true);
        check(Some(placeholder()), "10:04:00", false);
        check(Some(placeholder()), "10:04:01", true);
        check(Some(theirs), "10:04:00", true);
    }
}
