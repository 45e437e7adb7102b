//! The destinations of a rollback: the known-good revisions, whether they still exist, and whether their images do.

use futures_util::future::join_all;
use slipway_core::model::facts::ServiceFacts;
use slipway_core::model::record::{Deployment, KnownGood};
use slipway_core::rules::rollback::KnownGoodFacts;

use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::known_good::{known_good_facts, known_good_in};

impl<C: Cloud> FollowSession<'_, C> {
    /// What became of the known-good revisions, in the record's order. Read once in a session.
    pub(crate) async fn known_good(
        &mut self,
        failed: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<KnownGoodFacts>, Error> {
        if let Some(known_good) = &self.known_good {
            return Ok(known_good.clone());
        }
        self.known_good_from_history(failed, service).await?;
        let others = self.record().known_good.iter().map(|it| it.revision.clone());
        let others: Vec<_> = others.filter(|arn| failed.revision.new.as_deref() != Some(arn.short())).collect();
        self.read_revisions(&others).await?;
        let known_good = self.record().known_good.iter().map(|it| {
            let revision = self.revision(&it.revision);
            known_good_facts(self.cloud, &self.managed.target, it.clone(), revision)
        });
        let known_good = join_all(known_good).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.known_good = Some(known_good.clone());
        Ok(known_good)
    }

    /// Records known-good revisions by ECS's history where the record has none: the table was restored empty, for example.
    async fn known_good_from_history(&mut self, failed: &Deployment, service: &ServiceFacts) -> Result<(), Error> {
        let other = |it: &KnownGood| Some(it.revision.short()) != failed.revision.new.as_deref();
        if self.record().known_good.iter().any(other) {
            return Ok(());
        }
        // Reads ECS's history, if that was not done yet.
        self.service_deployment_of(failed, service).await?;
        let history = self.history.clone().unwrap_or_default();
        let mut known_good = known_good_in(self.cloud, &self.managed.target, &history).await?;
        known_good.retain(other);
        self.write(|record| {
            for it in known_good.iter().rev() {
                if !record.known_good.iter().any(|known| known.revision == it.revision) {
                    record.record_known_good(it.clone());
                }
            }
        })
        .await
    }
}
