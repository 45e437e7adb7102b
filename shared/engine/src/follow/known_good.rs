//! What could be put back: the revisions that ran well, whether they are still there, and whether their images are.

use futures_util::future::join_all;
use slipway_core::facts::{ImageFacts, ImageName, ServiceDeploymentStatus, ServiceFacts, Storage};
use slipway_core::id::{ServiceRevisionArn, TaskDefinitionArn};
use slipway_core::image::Digest;
use slipway_core::ledger::{Deployment, Good, Ran};
use slipway_core::rollback::{Found, GoodFacts, Presence, RevisionState, Wanted, images_to_find, revisions_to_read};

use super::visit::Visit;
use crate::cloud::Cloud;
use crate::error::Error;

/// So many of ECS's own successes are looked into where the record knows none.
const FROM_HISTORY: usize = 5;

impl<C: Cloud> Visit<'_, C> {
    /// What became of the good revisions, in the record's order. Read once in a visit.
    pub(crate) async fn good_facts(
        &mut self,
        failed: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<GoodFacts>, Error> {
        if let Some(goods) = &self.goods {
            return Ok(goods.clone());
        }
        self.recall_goods(failed, service).await?;
        self.read_revisions(&revisions_to_read(self.record(), failed)).await?;
        let all = self.record().good.clone();
        let goods = join_all(all.into_iter().map(|good| self.good(good))).await;
        let goods = goods.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.goods = Some(goods.clone());
        Ok(goods)
    }

    /// The images that run now by ECS's own account; nothing where ECS does not say, or says it of another revision.
    pub(crate) async fn what_runs(&mut self, service: &ServiceFacts, revision: &str) -> Result<Vec<Ran>, Error> {
        let read = self.cloud.describe_service_revisions(&service.current_revisions).await;
        let revisions = self.optional(read)?.unwrap_or_default();
        let its = |arn: &Option<TaskDefinitionArn>| arn.as_ref().is_some_and(|arn| arn.short() == revision);
        let found = revisions.into_iter().find(|it| its(&it.task_definition));
        Ok(found.map(|it| ran(it.images)).unwrap_or_default())
    }

    /// Where the record knows nothing good (the service was deployed before Slipway came, or the table was restored
    /// empty), ECS's own history does.
    async fn recall_goods(&mut self, failed: &Deployment, service: &ServiceFacts) -> Result<(), Error> {
        let other =
            |good: &Good| Some(TaskDefinitionArn::new(&good.revision).short()) != failed.revision.new.as_deref();
        if self.record().good.iter().any(other) {
            return Ok(());
        }
        // Reads ECS's stories, if nobody did.
        self.story_of(failed, service).await?;
        let stories = self.stories.iter().flatten();
        let won = stories.filter(|it| it.status == ServiceDeploymentStatus::Successful).take(FROM_HISTORY);
        let won: Vec<_> = won.filter_map(|it| Some((it.target.clone()?, it.finished_at.or(it.created_at)?))).collect();
        let arns: Vec<ServiceRevisionArn> = won.iter().map(|(arn, _)| arn.clone()).collect();
        let read = self.cloud.describe_service_revisions(&arns).await;
        let revisions = self.optional(read)?.unwrap_or_default();
        let goods: Vec<Good> = won
            .into_iter()
            .filter_map(|(arn, at)| {
                let revision = revisions.iter().find(|it| it.arn == arn)?;
                let name = revision.task_definition.as_ref()?.as_str().to_owned();
                Some(Good { revision: name, ran: ran(revision.images.clone()), at })
            })
            .filter(other)
            .collect();
        self.write(|record| {
            for good in goods.iter().rev() {
                if !record.good.iter().any(|known| known.revision == good.revision) {
                    record.proved(good.clone());
                }
            }
        })
        .await
    }

    async fn good(&self, good: Good) -> Result<GoodFacts, Error> {
        let Some(revision) = self.revision(&good.revision) else {
            return Ok(GoodFacts { good, state: RevisionState::Gone, images: Vec::new() });
        };
        let state = RevisionState::of(revision);
        let wanted = images_to_find(&good, revision);
        let images = join_all(wanted.into_iter().map(|wanted| self.found(wanted))).await;
        Ok(GoodFacts { good, state, images: images.into_iter().collect::<Result<_, _>>()? })
    }

    async fn found(&self, wanted: Wanted) -> Result<Found, Error> {
        let named = self.image(&wanted, &wanted.named).await?;
        let points_to =
            |image: &Option<Option<ImageFacts>>| image.as_ref().and_then(|it| Some(it.as_ref()?.digest.clone()));
        let tag_points_to = match &wanted.named {
            ImageName::Tag(_) => points_to(&named),
            ImageName::Digest(_) => None,
        };
        let presence = match &wanted.digest {
            // The tag moved, or is gone: what ran may still be there.
            Some(digest) if is_another(&wanted.named, tag_points_to.as_ref(), digest) => {
                presence(&self.image(&wanted, &ImageName::Digest(digest.clone())).await?)
            }
            _ => presence(&named),
        };
        Ok(Found { wanted, presence, tag_points_to })
    }

    /// The image, if the registry has it; the outer `None` where it cannot be asked.
    async fn image(&self, wanted: &Wanted, name: &ImageName) -> Result<Option<Option<ImageFacts>>, Error> {
        self.optional(self.cloud.describe_image(&wanted.repository, name).await)
    }
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

fn ran(images: Vec<slipway_core::facts::RanImage>) -> Vec<Ran> {
    images.into_iter().map(|it| Ran { container: it.container, image: it.image, digest: it.digest }).collect()
}
