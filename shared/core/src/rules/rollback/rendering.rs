//! The revision of a rollback that cannot go to the good revision as it is: the same, with the images that ran pinned.

use crate::model::facts::Revision;
use crate::model::image::{Digest, ImageRef};
use crate::model::plan::Rendering;
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::record;
use crate::model::record::Ran;
use crate::model::trigger::Trigger;
use crate::rules::render::{self, containers};

/// Renders a good revision anew, with the images that ran with it; the provenance says that it is a rollback from `failed`.
///
/// `Err` where nothing is known to have run, or the revision is not as ECS has them.
pub fn rendering(base: &Revision, ran: &[Ran], failed: &record::Deployment) -> Result<Rendering, Reason> {
    let Some((repository, digest)) = main_image(base, ran, failed) else {
        let problem = "nothing is recorded of the images that ran with it".to_owned();
        return Err(Reason::Unrenderable { revision: base.arn.short().to_owned(), problem });
    };
    let earlier = Provenance::of(base).filter(|earlier| earlier.digest == digest);
    let old =
        failed.image.as_ref().and_then(|image| image.old.clone()).filter(|old| old.digest.as_ref() == Some(&digest));
    let provenance = Provenance {
        repository,
        tag: earlier.as_ref().and_then(|earlier| earlier.tag.clone()).or(old.and_then(|old| old.tag)),
        pushed_at: earlier.and_then(|earlier| earlier.pushed_at),
        digest,
        event: crate::model::id::EventId::new(mark(failed)),
        request: None,
        trigger: Trigger::Rollback,
        previous: failed.revision.new.clone(),
    };
    render::again(base, ran, &provenance)
}

/// Marks the one rollback of a deployment, so that an unanswered Register is recognised.
fn mark(failed: &record::Deployment) -> String {
    let id = failed.id().map_or_else(|| failed.number.to_string(), |id| id.as_str().to_owned());
    format!("rollback-of-{id}")
}

/// The image that the target is about: of the failed one's repository, else the first that ran.
fn main_image(base: &Revision, ran: &[Ran], failed: &record::Deployment) -> Option<(String, Digest)> {
    let repository = failed.image.as_ref().map(|image| image.repository.as_str());
    let all: Vec<(String, Digest)> = containers(base)
        .into_iter()
        .filter_map(|(container, image)| {
            let image = ImageRef::parse(&image)?;
            let ran = ran.iter().find(|ran| ran.container == container.as_str()).and_then(|ran| ran.digest.clone());
            Some((image.repository().name, ran.or(image.digest)?))
        })
        .collect();
    let of_target = all.iter().find(|(name, _)| Some(name.as_str()) == repository);
    of_target.or(all.first()).cloned()
}
