//! Never downgrades, except on request: whether an image is older than the running one, in the order of the tag policy.

use std::cmp::Ordering;

use super::{Verdict, closed};
use crate::config::tags::TaggedImage;
use crate::model::facts::{ImageFacts, ImageName};
use crate::model::id::ContainerName;
use crate::model::image::Digest;
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::rules::candidate::{Candidate, TargetFacts, tag_to_show};
use crate::rules::recency::Recency;
use crate::rules::render::{self, ContainerImage};

/// What has to be looked up about the running image before it can be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Ask the registry for this image's tags and when it was pushed.
    Registry(ImageName),
    /// The task definition names a tag, which may have moved: ask ECS which digest this container really ran,
    /// then the registry for that.
    WhatRan(ContainerName),
}

/// What has to be looked up; `None` where the order is clear already, or no order holds the candidate back.
///
/// A revision that Slipway registered answers by its provenance, so an ordinary push asks nothing here.
pub fn question(facts: &TargetFacts<'_>, candidate: &Candidate<'_>) -> Option<Question> {
    if !candidate.by.is_ordered() || facts.target.tags.follows_tag().is_some() {
        return None;
    }
    let running = running(facts, &candidate.image.digest)?;
    if running.digest.as_ref() == Some(&candidate.image.digest) {
        return None;
    }
    match order(facts.recency(), candidate, &running) {
        Some(Ordering::Less | Ordering::Greater) => None,
        _ => Some(match running.digest {
            Some(digest) => Question::Registry(ImageName::Digest(digest)),
            None => Question::WhatRan(running.container),
        }),
    }
}

impl ContainerImage {
    /// How people are shown it, with what the registry says of it, where that is known.
    pub(in crate::rules) fn shown(&self, recency: Recency<'_>, registry: Option<&ImageFacts>) -> Shown {
        let best = registry.and_then(|image| recency.tag(image).or(image.tags.first()));
        Shown {
            tag: self.tag.clone().or(best.cloned()),
            digest: self.digest.clone().or(registry.map(|image| image.digest.clone())),
        }
    }
}

/// The image of the repository that runs, or that ran before a placeholder; where several containers run different ones, the
/// first that isn't `digest`.
pub(in crate::rules) fn running(facts: &TargetFacts<'_>, digest: &Digest) -> Option<ContainerImage> {
    let images = render::images(facts.running, facts.recency(), facts.repository);
    let runs = images.iter().find(|image| image.digest.as_ref() != Some(digest)).or(images.first());
    runs.or(facts.before.map(|before| &before.image)).cloned()
}

/// Refuses an image that is older than the running one, or than the one before a placeholder.
///
/// Where the policy gives no order, because the running image has no tag of the policy, the time of the push decides;
/// where the registry no longer has the running image, nothing is known to be newer, and the candidate goes ahead.
pub(in crate::rules) fn not_older(
    facts: &TargetFacts<'_>,
    candidate: &Candidate<'_>,
    shown: &Shown,
    running: &ContainerImage,
    running_image: Option<&ImageFacts>,
) -> Verdict {
    let recency = facts.recency();
    let known = ContainerImage {
        digest: running.digest.clone().or(running_image.map(|image| image.digest.clone())),
        tag: match running_image {
            Some(image) => recency.tag(image).cloned().or(running.tag.clone()),
            None => running.tag.clone(),
        },
        pushed_at: running.pushed_at.or(running_image.and_then(|image| recency.came_at(image))),
        container: running.container.clone(),
    };
    if recency.target.tags.follows_tag().is_some() || known.digest.as_ref() == Some(&candidate.image.digest) {
        return Ok(());
    }
    let by_policy = order(recency, candidate, &known);
    let is_older = match by_policy {
        Some(Ordering::Less) => true,
        Some(Ordering::Greater) => false,
        Some(Ordering::Equal) | None => {
            recency.came_at(candidate.image).zip(known.pushed_at).is_some_and(|(pushed, running)| pushed < running)
        }
    };
    if !is_older {
        return Ok(());
    }
    let (candidate, running) = (shown.to_string(), known.shown(recency, running_image).to_string());
    closed(match by_policy {
        _ if facts.before.is_some() => Reason::OlderThanBefore { candidate, before: running },
        Some(Ordering::Less) => Reason::Older { candidate, running },
        Some(Ordering::Equal | Ordering::Greater) | None => Reason::PushedBefore { candidate, running },
    })
}

/// The candidate's image against the running one; `None` where the policy gives no order.
fn order(recency: Recency<'_>, candidate: &Candidate<'_>, running: &ContainerImage) -> Option<Ordering> {
    let (image, digest) = (candidate.image, &candidate.image.digest);
    let candidate = TaggedImage { tag: tag_to_show(recency, candidate)?, digest, pushed_at: recency.came_at(image) };
    let running = TaggedImage {
        tag: running.tag.as_ref()?,
        // A running image whose digest is not known can still be ordered by its tag.
        digest: running.digest.as_ref().unwrap_or(digest),
        pushed_at: running.pushed_at,
    };
    recency.target.tags.compare(&candidate, &running)
}
