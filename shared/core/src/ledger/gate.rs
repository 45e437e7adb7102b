//! What keeps an image from being deployed by itself, whatever the tag policy says.

use jiff::Timestamp;

use super::{Outcome, Service};
use crate::image::Digest;
use crate::reason::Reason;

/// An image that a push or the reconcile would deploy.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The image.
    pub digest: &'a Digest,
    /// How people are shown it.
    pub shown: &'a str,
    /// When it was pushed; for the policy `tag`, when the tag was last moved, where that is known.
    pub pushed_at: Option<Timestamp>,
}

/// Whether the record lets an image be deployed by itself. An explicit request is not asked this.
pub fn gate(record: &Service, candidate: &Candidate<'_>) -> Result<(), Reason> {
    if let Some(hold) = &record.hold {
        return Err(Reason::Held { who: hold.who.clone(), why: hold.reason.clone(), since: hold.at });
    }
    if let Some(quarantined) = record.quarantined(candidate.digest) {
        return Err(Reason::Quarantined {
            image: candidate.shown.to_owned(),
            cause: quarantined.cause.clone(),
            since: quarantined.at,
        });
    }
    if let Some((number, at)) = gave_up(record).filter(|(_, at)| candidate.pushed_at.is_none_or(|pushed| pushed <= *at))
    {
        let deployment = record.numbered(number).and_then(|it| it.deployment.clone());
        return Err(Reason::GaveUp { image: candidate.shown.to_owned(), deployment, at });
    }
    match (&record.decision, candidate.pushed_at) {
        (Some(decision), Some(pushed_at)) if pushed_at <= decision.at => Err(Reason::BeforeDecision {
            image: candidate.shown.to_owned(),
            what: decision.what.clone(),
            who: decision.who.clone(),
            at: decision.at,
        }),
        _ => Ok(()),
    }
}

/// The last deployment, if its rollback failed too, and when: a person was called, and only a newer image may help.
fn gave_up(record: &Service) -> Option<(u64, Timestamp)> {
    let last = record.deployments.first().filter(|it| it.outcome == Some(Outcome::RollbackFailed))?;
    Some((last.number, last.ended_at?))
}
