//! Whether the record lets an image in: hold, quarantine and a person's last decision.

use super::record::{Candidate, gate};
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::rules::candidate::{By, Facts, Insist, Wish};
use crate::rules::choose::counts_as_pushed;

/// What comes by itself passes the gate; who asks must know of a hold and of a quarantine.
pub(in crate::rules) fn admit(facts: &Facts<'_>, wish: &Wish<'_>, shown: &Shown) -> Result<(), Reason> {
    let shown = shown.to_string();
    match wish.by {
        By::Push(_) | By::Registry(_) => gate(facts.record, &candidate(facts, wish, &shown)),
        By::Request(_, Insist::Yes) => Ok(()),
        By::Request(_, Insist::No) => {
            if let Some(hold) = &facts.record.hold {
                return Err(Reason::HeldNeedsForce { who: hold.who.clone(), why: hold.reason.clone(), since: hold.at });
            }
            match facts.record.quarantined(&wish.image.digest) {
                Some(it) => Err(Reason::NeedsForce { image: shown, cause: it.cause.clone(), since: it.at }),
                None => Ok(()),
            }
        }
    }
}

fn candidate<'a>(facts: &Facts<'_>, wish: &Wish<'a>, shown: &'a str) -> Candidate<'a> {
    Candidate {
        digest: &wish.image.digest,
        shown,
        pushed_at: counts_as_pushed(facts.target, wish.image, wish.tagged_at),
    }
}
