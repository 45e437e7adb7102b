//! Whether two images are one build: pushed under several tags, a build may have several digests and is one deploy.

use jiff::Timestamp;

use super::{Verdict, closed, order};
use crate::config::tags::ONE_BUILD;
use crate::model::facts::ImageFacts;
use crate::model::image::Digest;
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::model::record;
use crate::rules::candidate::{Candidate, Known, TargetFacts};
use crate::rules::recency::Recency;
use crate::rules::render::ContainerImage;

/// The digest of the image that seems to run, if the candidate may be of the same build: so that both manifests can be
/// asked for beside the task definition, which says what really runs.
pub fn guess(record: &record::Service, repository: &str, image: &ImageFacts) -> Option<Digest> {
    let last = record.deployments.iter().find(|it| !it.is_external())?;
    let deployed = last.image.as_ref().filter(|it| it.repository == repository)?.new.digest.clone()?;
    let near = within(Some(last.intended_at), image.pushed_at);
    (deployed != image.digest && near).then_some(deployed)
}

/// The running image's digest, if both were pushed so close to each other that they may be one build.
pub fn to_compare(
    facts: &TargetFacts<'_>,
    candidate: &Candidate<'_>,
    running_image: Option<&ImageFacts>,
) -> Option<Digest> {
    if !candidate.by.is_ordered() || facts.target.tags.follows_tag().is_some() {
        return None;
    }
    let running = order::running(facts, &candidate.image.digest)?;
    let recency = facts.recency();
    let pushed_at = running.pushed_at.or(running_image.and_then(|image| recency.came_at(image)));
    let digest = running.digest.clone().or(running_image.map(|image| image.digest.clone()))?;
    let near = digest != candidate.image.digest && within(pushed_at, recency.came_at(candidate.image));
    // What is older is not deployed for that reason already.
    let shown = Shown { tag: None, digest: Some(candidate.image.digest.clone()) };
    let newer = || order::not_older(facts, candidate, &shown, &running, running_image).is_ok();
    (near && newer()).then_some(digest)
}

/// Refuses an image of the build that runs already.
pub(in crate::rules) fn another(
    candidate: &Candidate<'_>,
    shown: &Shown,
    running: &ContainerImage,
    recency: Recency<'_>,
    known: &Known<'_>,
) -> Verdict {
    match known.builds {
        Some((wanted, runs)) if running.digest.as_ref() != Some(&candidate.image.digest) && wanted.is_same(runs) => {
            let running = running.shown(recency, known.running_image).to_string();
            closed(Reason::SameBuild { candidate: shown.to_string(), running })
        }
        _ => Ok(()),
    }
}

fn within(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one.as_second() - other.as_second()).abs() <= ONE_BUILD.as_secs(),
        _ => false,
    }
}
