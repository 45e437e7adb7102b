//! Whether the record lets an image in: hold, quarantine and a person's last decision.

use super::{By, Facts, Insist, Wish};
use crate::ledger::{self, gate};
use crate::plan::Shown;
use crate::reason::Reason;

/// What comes by itself passes the gate; who asks must know of a hold and of a quarantine.
pub(super) fn admit(facts: &Facts<'_>, wish: &Wish<'_>, shown: &Shown) -> Result<(), Reason> {
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

fn candidate<'a>(facts: &Facts<'_>, wish: &Wish<'a>, shown: &'a str) -> ledger::Candidate<'a> {
    ledger::Candidate {
        digest: &wish.image.digest,
        shown,
        pushed_at: super::candidates::counts_as_pushed(facts.target, wish.image, wish.tagged_at),
    }
}
