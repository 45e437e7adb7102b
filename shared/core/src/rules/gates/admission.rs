//! Whether the record lets an image in: hold, quarantine and a person's last decision.

use super::record::{GatedImage, gate};
use super::{Verdict, closed};
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::rules::candidate::{By, Candidate, TargetFacts};
use crate::rules::choose::counts_as_pushed;

/// What comes by itself passes the gate; who asks must know of a hold and of a quarantine.
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
