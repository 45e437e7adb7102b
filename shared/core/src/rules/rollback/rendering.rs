//! How a rollback is done: to the revision as it is, or to the same with the images that ran pinned in every container. One
//! rendering, whether Slipway or a person asks.

use super::Destination;
use crate::model::facts::{RanImage, Revision, ServiceFacts};
use crate::model::id::EventId;
use crate::model::image::{Digest, ImageRef};
use crate::model::plan::{NextRevision, Rendering, Shown, Step};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::record;
use crate::model::trigger::Trigger;
use crate::rules::render::{self, containers};
use crate::rules::steps::{register_and_update, update};

/// What triggers a rollback, as the tags of a new revision say it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The event or the request; an unanswered registration is recognised by it.
    pub event: EventId,
    /// Lambda's id of the invocation, where a person asked.
    pub request: Option<String>,
    /// The repository that the rollback is about; where it is not known, the first image that ran counts.
    pub repository: Option<String>,
    /// What ran before what failed, with its tag.
    pub before: Option<Shown>,
    /// The revision that is left, `web:42`.
    pub previous: Option<String>,
}

impl Origin {
    /// Of the rollback from a deployment that failed; there is one for each.
    pub fn of_failed(failed: &record::Deployment) -> Self {
        let id = failed.id().map_or_else(|| failed.number.to_string(), |id| id.as_str().to_owned());
        Self {
            event: EventId::new(format!("rollback-of-{id}")),
            request: None,
            repository: failed.image.as_ref().map(|image| image.repository.clone()),
            before: failed.image.as_ref().and_then(|image| image.old.clone()),
            previous: failed.revision.new.clone(),
        }
    }
}

/// The steps of a rollback.
///
/// `Err` where it has to be registered anew, and nothing is known to have run, or it is not as ECS has them.
pub fn steps(service: &ServiceFacts, destination: &Destination, origin: &Origin) -> Result<Vec<Step>, Reason> {
    match destination {
        Destination::Existing(revision) => Ok(vec![update(service, NextRevision::Existing(revision.clone()), false)]),
        Destination::Anew { base, ran, .. } => Ok(register_and_update(service, rendering(base, ran, origin)?)),
    }
}

fn rendering(base: &Revision, ran: &[RanImage], origin: &Origin) -> Result<Rendering, Reason> {
    let Some((repository, digest)) = main_image(base, ran, origin.repository.as_deref()) else {
        let problem = "nothing is recorded of the images that ran with it".to_owned();
        return Err(Reason::Unrenderable { revision: base.arn.short().to_owned(), problem });
    };
    let earlier = Provenance::of(base).filter(|earlier| earlier.digest == digest);
    let before = origin.before.as_ref().filter(|before| before.digest.as_ref() == Some(&digest));
    let provenance = Provenance {
        repository,
        tag: earlier.as_ref().and_then(|it| it.tag.clone()).or_else(|| before?.tag.clone()),
        pushed_at: earlier.as_ref().and_then(|earlier| earlier.pushed_at),
        digest,
        event: origin.event.clone(),
        request: origin.request.clone(),
        trigger: Trigger::Rollback,
        previous: origin.previous.clone(),
        definition: earlier.and_then(|earlier| earlier.definition),
    };
    render::again(base, ran, &provenance)
}

/// The image that the rollback is about: of this repository, else the first that ran.
fn main_image(base: &Revision, ran: &[RanImage], repository: Option<&str>) -> Option<(String, Digest)> {
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
