//! Which known-good revision a rollback goes to: one selection, whether Slipway or a person asks.

use super::known_good::{Found, KnownGoodFacts, RevisionState};
use crate::model::facts::{ImageName, RanImage};
use crate::model::id::TaskDefinitionArn;
use crate::model::record::{self, KnownGood};

/// Where a rollback goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    /// To a revision that is there.
    Existing(TaskDefinitionArn),
    /// To a revision that has to be registered anew first, see [`steps`](super::steps).
    Anew {
        /// The known-good revision.
        base: TaskDefinitionArn,
        /// The images that ran with it.
        ran: Vec<RanImage>,
        /// Why it cannot be used as it is.
        because: RegisterReason,
    },
}

/// Why a known-good revision is registered anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterReason {
    /// It names a tag, which points elsewhere now.
    TagMoved,
    /// Somebody deregistered it.
    Inactive,
}

/// Why no revision can be gone back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoDestination {
    /// No other revision is known to have completed here.
    NoKnownGood,
    /// Each known-good revision has lost an image, or is itself gone; these.
    AllGone(Vec<String>),
}

/// Why a revision cannot be gone back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It cannot be read any more.
    Revision,
    /// This image of it cannot be pulled any more.
    Image(String),
}

impl Destination {
    /// The revision that comes back.
    pub fn revision(&self) -> &TaskDefinitionArn {
        match self {
            Self::Existing(revision) | Self::Anew { base: revision, .. } => revision,
        }
    }
}

/// The newest known-good revision that can still run and none of whose images failed here; `but` is what failed or runs.
pub fn select(
    record: &record::Service,
    known_good: &[KnownGoodFacts],
    but: Option<&str>,
) -> Result<Destination, NoDestination> {
    let mut gone = Vec::new();
    let others = known_good.iter().filter(|it| but != Some(TaskDefinitionArn::new(&it.known_good.revision).short()));
    for it in others.filter(|it| !is_quarantined(record, &it.known_good)) {
        match usable(it) {
            Ok(destination) => return Ok(destination),
            Err(_) => gone.push(TaskDefinitionArn::new(&it.known_good.revision).short().to_owned()),
        }
    }
    Err(if gone.is_empty() { NoDestination::NoKnownGood } else { NoDestination::AllGone(gone) })
}

/// Whether a rollback can go to this revision, and how.
pub fn usable(it: &KnownGoodFacts) -> Result<Destination, Gone> {
    let lost = it.lost().next().map(|found| Gone::Image(shown(found)));
    let revision = TaskDefinitionArn::new(&it.known_good.revision);
    let because = match (it.state, lost) {
        (RevisionState::Gone, _) => return Err(Gone::Revision),
        (_, Some(gone)) => return Err(gone),
        (RevisionState::Inactive, None) => RegisterReason::Inactive,
        (RevisionState::Active, None) if it.has_moved_tag() => RegisterReason::TagMoved,
        (RevisionState::Active, None) => return Ok(Destination::Existing(revision)),
    };
    Ok(Destination::Anew { base: revision, ran: it.known_good.ran.clone(), because })
}

/// An image that failed here does not come back by itself, by no way.
fn is_quarantined(record: &record::Service, good: &KnownGood) -> bool {
    good.ran.iter().filter_map(|ran| ran.digest.as_ref()).any(|digest| record.quarantined(digest).is_some())
}

fn shown(found: &Found) -> String {
    let repository = &found.wanted.repository.name;
    match (&found.wanted.digest, &found.wanted.named) {
        (Some(digest), _) | (None, ImageName::Digest(digest)) => format!("{repository}@sha256:{}", digest.short()),
        (None, ImageName::Tag(tag)) => format!("{repository}:{tag}"),
    }
}
