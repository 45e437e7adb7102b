//! Which known-good revision a rollback goes to: one selection, whether Slipway or a person asks. What cannot be used is passed
//! over, with its reason.

use serde_json::Value;

use super::ManualAction;
use super::known_good::{Found, ImageState, KnownGoodFacts};
use crate::model::facts::{ImageName, RanImage, Revision};
use crate::model::id::TaskDefinitionArn;
use crate::model::image::{Digest, Repository};
use crate::model::record::{self, KnownGood, PassedOver, Unusable};

/// Where a rollback goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    /// To a revision that is there.
    Existing(TaskDefinitionArn),
    /// To a revision that has to be registered anew first, see [`steps`](super::steps).
    Anew {
        /// The known-good revision.
        base: Revision,
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

/// A destination, and the newer known-good revisions that cannot be gone back to.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected {
    /// Where the rollback goes.
    pub destination: Destination,
    /// What was passed over, newest first.
    pub passed_over: Vec<PassedOver>,
}

/// A known-good revision that needs nothing but images from the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restorable {
    /// The revision.
    pub revision: TaskDefinitionArn,
    /// The images that are archived; none where the registry is restoring all of them already.
    pub archived: Vec<(Repository, Digest)>,
}

impl From<Destination> for Selected {
    /// The newest known-good revision, so that nothing was passed over.
    fn from(destination: Destination) -> Self {
        Self { destination, passed_over: Vec::new() }
    }
}

impl Destination {
    /// The known-good revision.
    pub fn revision(&self) -> &TaskDefinitionArn {
        match self {
            Self::Existing(revision) | Self::Anew { base: Revision { arn: revision, .. }, .. } => revision,
        }
    }
}

/// The newest known-good revision that can still run and none of whose images failed here; never `but`, which failed or runs.
pub fn select(
    record: &record::Service,
    known_good: &[KnownGoodFacts],
    but: Option<&str>,
) -> Result<Selected, ManualAction> {
    let mut passed_over = Vec::new();
    for it in eligible(record, known_good, but) {
        match usable(it) {
            Ok(destination) => return Ok(Selected { destination, passed_over }),
            Err(because) => {
                passed_over.push(PassedOver { revision: it.known_good.revision.short().to_owned(), because });
            }
        }
    }
    Err(if passed_over.is_empty() { ManualAction::NoKnownGood } else { ManualAction::NoneUsable(passed_over) })
}

/// The newest known-good revision that could be gone back to if its images were restored from the archive.
pub fn restorable(record: &record::Service, known_good: &[KnownGoodFacts], but: Option<&str>) -> Option<Restorable> {
    let in_archive = |found: &Found| matches!(found.state, ImageState::Archived | ImageState::Restoring);
    let only_archived = |it: &&KnownGoodFacts| it.revision.is_some() && it.lost().all(in_archive);
    let it = eligible(record, known_good, but).find(only_archived)?;
    let archived = it.lost().filter(|found| found.state == ImageState::Archived);
    let archived = archived.map(|found| {
        let digest = found.wanted.digest.as_ref().or(found.tag_points_to.as_ref())?;
        Some((found.wanted.repository.clone(), digest.clone()))
    });
    Some(Restorable { revision: it.known_good.revision.clone(), archived: archived.collect::<Option<_>>()? })
}

/// Those that a rollback may go to, whether they can still run or not.
fn eligible<'k>(
    record: &record::Service,
    known_good: &'k [KnownGoodFacts],
    but: Option<&str>,
) -> impl Iterator<Item = &'k KnownGoodFacts> {
    let others = known_good.iter().filter(move |it| but != Some(it.known_good.revision.short()));
    others.filter(|it| !is_quarantined(record, &it.known_good))
}

/// Whether a rollback can go to this revision, and how.
pub fn usable(it: &KnownGoodFacts) -> Result<Destination, Unusable> {
    let base = it.revision.clone().ok_or(Unusable::RevisionGone)?;
    // What is gone for good says more than what can be restored.
    let lost = it.lost().max_by_key(|found| found.state == ImageState::Gone);
    let because = match lost.map(|found| (found.state, shown(found))) {
        Some((ImageState::Archived, image)) => return Err(Unusable::ImageArchived(image)),
        Some((ImageState::Restoring, image)) => return Err(Unusable::ImageRestoring(image)),
        Some((ImageState::Gone | ImageState::There, image)) => return Err(Unusable::ImageGone(image)),
        None if is_inactive(&base) => RegisterReason::Inactive,
        None if it.has_moved_tag() => RegisterReason::TagMoved,
        None => return Ok(Destination::Existing(it.known_good.revision.clone())),
    };
    Ok(Destination::Anew { base, ran: it.known_good.ran.clone(), because })
}

/// Whether somebody deregistered the revision, as DescribeTaskDefinition answers; it can still be read then.
pub(super) fn is_inactive(revision: &Revision) -> bool {
    let status = revision.definition.get("status").and_then(Value::as_str);
    status.is_some_and(|status| status != "ACTIVE")
}

/// An image or a revision that failed here never comes back automatically.
fn is_quarantined(record: &record::Service, known_good: &KnownGood) -> bool {
    let is_revision = record.quarantined_revision(known_good.revision.short()).is_some();
    is_revision
        || known_good
            .ran
            .iter()
            .filter_map(|ran| ran.digest.as_ref())
            .any(|digest| record.quarantined(digest).is_some())
}

fn shown(found: &Found) -> String {
    let repository = &found.wanted.repository.name;
    match (&found.wanted.digest, &found.wanted.named) {
        (Some(digest), _) | (None, ImageName::Digest(digest)) => format!("{repository}@{digest}"),
        (None, ImageName::Tag(tag)) => format!("{repository}:{tag}"),
    }
}
