//! What could be put back: the revisions that ran well, whether they are still there, and whether their images are.

use futures_util::future::join_all;
use slipway_core::model::facts::{RanImage, ServiceFacts};
use slipway_core::model::id::TaskDefinitionArn;
use slipway_core::model::record::{Deployment, KnownGood};
use slipway_core::rules::rollback::KnownGoodFacts;

use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::known_good::{known_good_facts, known_good_in};

impl<C: Cloud> FollowSession<'_, C> {
    /// What became of the good revisions, in the record's order. Read once in a visit.
    pub(crate) async fn known_good(
        &mut self,
        failed: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<KnownGoodFacts>, Error> {
        if let Some(known_good) = &self.known_good {
            return Ok(known_good.clone());
        }
        self.recall_goods(failed, service).await?;
        let others = self.record().known_good.iter().map(|good| TaskDefinitionArn::new(&good.revision));
        let others: Vec<_> = others.filter(|arn| failed.revision.new.as_deref() != Some(arn.short())).collect();
        self.read_revisions(&others).await?;
        let all = self.record().known_good.clone();
        let known_good = all.into_iter().map(async |good| {
            let revision = self.revision(&good.revision);
            known_good_facts(self.cloud, &self.target, good.clone(), revision).await
        });
        let known_good = join_all(known_good).await;
        let known_good = known_good.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.known_good = Some(known_good.clone());
        Ok(known_good)
    }

    /// The images that run now by ECS's own account; nothing where ECS does not say, or says it of another revision.
    pub(crate) async fn what_runs(&mut self, service: &ServiceFacts, revision: &str) -> Result<Vec<RanImage>, Error> {
        let read = self.cloud.describe_service_revisions(&service.current_revisions).await;
        let revisions = self.optional(read)?.unwrap_or_default();
        let its = |arn: &Option<TaskDefinitionArn>| arn.as_ref().is_some_and(|arn| arn.short() == revision);
        let found = revisions.into_iter().find(|it| its(&it.task_definition));
        Ok(found.map(|it| it.images).unwrap_or_default())
    }

    /// Where the record knows nothing good (the service was deployed before Slipway came, or the table was restored
    /// empty), ECS's own history does.
    async fn recall_goods(&mut self, failed: &Deployment, service: &ServiceFacts) -> Result<(), Error> {
        let other =
            |good: &KnownGood| Some(TaskDefinitionArn::new(&good.revision).short()) != failed.revision.new.as_deref();
        if self.record().known_good.iter().any(other) {
            return Ok(());
        }
        // Reads ECS's stories, if nobody did.
        self.service_deployment_of(failed, service).await?;
        let history = self.history.clone().unwrap_or_default();
        let mut known_good = known_good_in(self.cloud, &self.target, &history).await?;
        known_good.retain(other);
        self.write(|record| {
            for good in known_good.iter().rev() {
                if !record.known_good.iter().any(|known| known.revision == good.revision) {
                    record.record_known_good(good.clone());
                }
            }
        })
        .await
    }
}
