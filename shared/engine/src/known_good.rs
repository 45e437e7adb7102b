//! What became of a known-good revision, which a rollback may go to: whether it still exists, and whether its images do.

use futures_util::future::join_all;
use slipway_core::model::facts::{ImageName, Revision, ServiceDeploymentFacts};
use slipway_core::model::id::{ServiceRevisionArn, TargetName};
use slipway_core::model::record::KnownGood;
use slipway_core::rules::mechanism::{Became, became};
use slipway_core::rules::rollback::{Found, ImageState, KnownGoodFacts, NeededImage, images_to_find};

use crate::cloud::Cloud;
use crate::error::{Error, optional};

/// So many of the deployments that ECS calls successful are read where the record knows none.
const FROM_HISTORY: usize = 5;

/// The known-good revisions by ECS's own history, the last one first: where the record has none.
pub(crate) async fn known_good_in(
    cloud: &impl Cloud,
    target: &TargetName,
    history: &[ServiceDeploymentFacts],
) -> Result<Vec<KnownGood>, Error> {
    let won: Vec<_> = history.iter().filter(|it| became(&it.status) == Became::Won).take(FROM_HISTORY).collect();
    let mut arns: Vec<ServiceRevisionArn> = won.iter().filter_map(|it| it.target.clone()).collect();
    arns.sort();
    arns.dedup();
    let revisions = optional(target, cloud.describe_service_revisions(&arns).await)?.unwrap_or_default();
    let known_good = |it: &&ServiceDeploymentFacts| {
        let ran = revisions.iter().find(|revision| Some(&revision.arn) == it.target.as_ref())?;
        let revision = ran.task_definition.clone()?;
        Some(KnownGood { revision, ran: ran.images.clone(), at: it.finished_at.or(it.created_at)? })
    };
    Ok(won.iter().filter_map(known_good).collect())
}

/// What became of a known-good revision of a service; `revision` where it can still be read.
pub(crate) async fn known_good_facts(
    cloud: &impl Cloud,
    target: &TargetName,
    known_good: KnownGood,
    revision: Option<&Revision>,
) -> Result<KnownGoodFacts, Error> {
    let Some(revision) = revision else {
        return Ok(KnownGoodFacts { known_good, revision: None, images: Vec::new() });
    };
    let wanted = images_to_find(&known_good, revision);
    let images = join_all(wanted.into_iter().map(|wanted| found(cloud, target, wanted))).await;
    Ok(KnownGoodFacts {
        known_good,
        revision: Some(revision.clone()),
        images: images.into_iter().collect::<Result<_, _>>()?,
    })
}

async fn found(cloud: &impl Cloud, target: &TargetName, wanted: NeededImage) -> Result<Found, Error> {
    // The outer `None` where the registry cannot be asked.
    let read = async |name: &ImageName| optional(target, cloud.describe_image(&wanted.repository, name).await);
    let named = read(&wanted.named).await?;
    let by_tag = named.iter().flatten().filter(|_| matches!(wanted.named, ImageName::Tag(_)));
    let tag_points_to = by_tag.map(|image| image.digest.clone()).next();
    let image = match &wanted.digest {
        // The tag moved, or is gone: what ran may still exist.
        Some(digest) if matches!(wanted.named, ImageName::Tag(_)) && tag_points_to.as_ref() != Some(digest) => {
            read(&ImageName::Digest(digest.clone())).await?
        }
        _ => named,
    };
    let state = image.map_or(ImageState::There, |image| ImageState::of(image.as_ref()));
    Ok(Found { wanted, state, tag_points_to })
}
