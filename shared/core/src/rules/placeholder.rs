//! A placeholder: a revision of which no container runs an image of the target's repository.
//!
//! Infrastructure is often made first, with a dummy image, and the tool that made it may put that image back later. Neither
//! is a decision about what runs: where an image of the repository ran before, it is deployed again, once for each
//! deployment of the placeholder; where none did, the best image that policy and gates allow is.

use crate::config::Target;
use crate::model::facts::{Revision, ServiceFacts};
use crate::model::id::{ContainerName, DeploymentId, EventId, Home};
use crate::model::image::{Digest, Repository};
use crate::model::reason::Reason;
use crate::model::record::{KnownGood, Service};
use crate::rules::recency::Recency;
use crate::rules::render::{ContainerImage, images};

/// The image that ran before a placeholder, or that was deployed last and failed.
#[derive(Clone, Debug)]
pub struct ImageBefore {
    /// The image, as the known-good revision names it; its digest is known.
    pub image: ContainerImage,
    /// The image.
    pub digest: Digest,
    /// The containers that ran it.
    pub containers: Vec<ContainerName>,
}

/// Whether no container of a revision runs an image of any of these entries' repositories.
pub fn is_placeholder(revision: &Revision, entries: &[&Target], record: &Service, home: &Home) -> bool {
    let runs_one =
        |target: &Target| !images(revision, Recency { target, record }, &target.repository.at(home)).is_empty();
    !entries.iter().any(|target| runs_one(target))
}

/// The image of the repository that a known-good revision ran.
pub fn image_before(
    known_good: &KnownGood,
    revision: &Revision,
    recency: Recency<'_>,
    repository: &Repository,
) -> Option<ImageBefore> {
    let images = images(revision, recency, repository);
    let image = images.first()?.clone();
    let ran = || known_good.ran.iter().find(|ran| ran.container == image.container.as_str())?.digest.clone();
    let digest = image.digest.clone().or_else(ran)?;
    let containers = images.into_iter().map(|it| it.container).collect();
    Some(ImageBefore { image: ContainerImage { digest: Some(digest.clone()), ..image }, digest, containers })
}

/// The image that Slipway deployed last, where none is known to have run: it failed. Without it one older image after the other
/// would be tried.
pub fn image_tried(recency: Recency<'_>, repository: &Repository) -> Option<ImageBefore> {
    let images = recency.record.deployments.iter().filter(|it| !it.is_external()).filter_map(|it| it.image.as_ref());
    let image = images.into_iter().find(|image| image.repository == repository.name)?;
    let digest = image.new.digest.clone()?;
    let (tag, pushed_at) = recency.of_running(&digest, image.new.tag.as_ref(), None);
    let containers = recency.target.containers.clone();
    let container = containers.first().cloned().unwrap_or_else(|| ContainerName::new(""));
    Some(ImageBefore {
        image: ContainerImage { container, digest: Some(digest.clone()), tag, pushed_at },
        digest,
        containers,
    })
}

/// What a deployment over a placeholder is triggered by: the deployment of the placeholder, so that it is made once.
pub fn event(placeholder: &DeploymentId) -> EventId {
    EventId::new(format!("placeholder-{placeholder}"))
}

/// Why the image before is not deployed over this placeholder, if it is not: it was, and the placeholder runs again.
pub fn replaced_before(record: &Service, service: &ServiceFacts, shown: &str) -> Option<Reason> {
    let deployment = &service.primary()?.id;
    let event = event(deployment);
    let was = record.deployments.iter().any(|it| it.event.as_ref() == Some(&event) && it.id().is_some());
    was.then(|| Reason::PlaceholderAgain {
        image: shown.to_owned(),
        revision: service.task_definition.short().to_owned(),
        deployment: deployment.clone(),
    })
}

#[cfg(test)]
mod tests;
