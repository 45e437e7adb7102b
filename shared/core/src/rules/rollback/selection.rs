//! Which known-good revision a rollback goes to: one selection, whether Slipway or a person asks.

use serde_json::Value;

use super::ManualAction;
use super::known_good::{Found, KnownGoodFacts};
use crate::model::facts::{ImageName, RanImage, Revision};
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

/// Why a revision cannot be gone back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It can no longer be read.
    Revision,
    /// This image of it can no longer be pulled.
    Image(String),
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
) -> Result<Destination, ManualAction> {
    let mut gone = Vec::new();
    let others = known_good.iter().filter(|it| but != Some(it.known_good.revision.short()));
    for it in others.filter(|it| !is_quarantined(record, &it.known_good)) {
        match usable(it) {
            Ok(destination) => return Ok(destination),
            Err(_) => gone.push(it.known_good.revision.short().to_owned()),
        }
    }
    Err(if gone.is_empty() { ManualAction::NoKnownGood } else { ManualAction::AllGone(gone) })
}

/// Whether a rollback can go to this revision, and how.
pub fn usable(it: &KnownGoodFacts) -> Result<Destination, Gone> {
    let lost = it.lost().next().map(|found| Gone::Image(shown(found)));
    let base = it.revision.clone().ok_or(Gone::Revision)?;
    let because = match lost {
        Some(gone) => return Err(gone),
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
        (Some(digest), _) | (None, ImageName::Digest(digest)) => format!("{repository}@sha256:{}", digest.short()),
        (None, ImageName::Tag(tag)) => format!("{repository}:{tag}"),
    }
}
