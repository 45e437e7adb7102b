//! What became of a known-good revision, which a rollback may go to: whether it is still there, and whether its images are.

use futures_util::future::join_all;
use slipway_core::model::facts::{ImageFacts, ImageName, Revision, ServiceDeploymentFacts, Storage};
use slipway_core::model::id::{ServiceRevisionArn, TargetName};
use slipway_core::model::image::Digest;
use slipway_core::model::record::KnownGood;
use slipway_core::rules::mechanism::won;
use slipway_core::rules::rollback::{Found, KnownGoodFacts, NeededImage, Presence, RevisionState, images_to_find};

use crate::cloud::Cloud;
use crate::error::{Error, optional};

/// So many of the deployments that ECS calls successful are looked into where the record knows none.
const FROM_HISTORY: usize = 5;

/// The revisions that ran well by ECS's own history, the last one first: where the record knows none.
pub(crate) async fn known_good_in(
    cloud: &impl Cloud,
    target: &TargetName,
    history: &[ServiceDeploymentFacts],
) -> Result<Vec<KnownGood>, Error> {
    let won: Vec<_> = history.iter().filter(|it| won(it)).take(FROM_HISTORY).collect();
    let mut arns: Vec<ServiceRevisionArn> = won.iter().filter_map(|it| it.target.clone()).collect();
    arns.sort();
    arns.dedup();
    let revisions = optional(target, cloud.describe_service_revisions(&arns).await)?.unwrap_or_default();
    let good = |it: &&ServiceDeploymentFacts| {
        let ran = revisions.iter().find(|revision| Some(&revision.arn) == it.target.as_ref())?;
        let revision = ran.task_definition.as_ref()?.to_string();
        Some(KnownGood { revision, ran: ran.images.clone(), at: it.finished_at.or(it.created_at)? })
    };
    Ok(won.iter().filter_map(good).collect())
}

/// What became of a known-good revision of a service; `revision` where it can still be read.
pub(crate) async fn known_good_facts(
    cloud: &impl Cloud,
    target: &TargetName,
    good: KnownGood,
    revision: Option<&Revision>,
) -> Result<KnownGoodFacts, Error> {
    let Some(revision) = revision else {
        return Ok(KnownGoodFacts { known_good: good, state: RevisionState::Gone, images: Vec::new() });
    };
    let wanted = images_to_find(&good, revision);
    let images = join_all(wanted.into_iter().map(|wanted| found(cloud, target, wanted))).await;
    Ok(KnownGoodFacts {
        known_good: good,
        state: RevisionState::of(revision),
        images: images.into_iter().collect::<Result<_, _>>()?,
    })
}

async fn found(cloud: &impl Cloud, target: &TargetName, wanted: NeededImage) -> Result<Found, Error> {
    // The outer `None` where the registry cannot be asked.
    let image = async |name: &ImageName| optional(target, cloud.describe_image(&wanted.repository, name).await);
    let named = image(&wanted.named).await?;
    let points_to =
        |image: &Option<Option<ImageFacts>>| image.as_ref().and_then(|it| Some(it.as_ref()?.digest.clone()));
    let tag_points_to = match &wanted.named {
        ImageName::Tag(_) => points_to(&named),
        ImageName::Digest(_) => None,
    };
    let presence = match &wanted.digest {
        // The tag moved, or is gone: what ran may still be there.
        Some(digest) if is_another(&wanted.named, tag_points_to.as_ref(), digest) => {
            presence(&image(&ImageName::Digest(digest.clone())).await?)
        }
        _ => presence(&named),
    };
    Ok(Found { wanted, presence, tag_points_to })
}

fn is_another(named: &ImageName, points_to: Option<&Digest>, digest: &Digest) -> bool {
    matches!(named, ImageName::Tag(_)) && points_to != Some(digest)
}

fn presence(image: &Option<Option<ImageFacts>>) -> Presence {
    match image {
        None => Presence::Unknown,
        Some(Some(image)) if image.storage == Storage::Active => Presence::There,
        Some(_) => Presence::Gone,
    }
}
