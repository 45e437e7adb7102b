//! Publishes what became of a deployment, each thing once: it is published first and then recorded as published, so that a
//! notice may be sent twice under the same id, but is never lost. An end is on record before either.

use jiff::Timestamp;
use slipway_core::model::notice::{Notice, Place, Tasks};
use slipway_core::model::record::{Deployment, Outcome};
use slipway_core::rules::mechanism::End;
use slipway_core::rules::unfinished::end_is_unpublished;
use slipway_core::text::notice::News;

use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::Error;

impl<C: Cloud> FollowSession<'_, C> {
    /// Publishes news of a deployment, unless that was done.
    pub(crate) async fn publish_news(&mut self, number: u64, news: &News<'_>, at: Timestamp) -> Result<(), Error> {
        let Some(deployment) = self.deployment(number).cloned() else { return Ok(()) };
        let place = Place { home: self.home, cluster: &self.managed.cluster, service: &self.managed.service };
        let id = Notice::id_of_deployment(place, &deployment, news);
        if self.record().has_published(&id) {
            return Ok(());
        }
        let tasks = self.service.as_ref().map(Tasks::of);
        let evidence = match news.shows_evidence(&deployment) {
            true => self.evidence_of(number).await?,
            false => &[],
        };
        let notice = Notice { tasks, ..Notice::of_deployment(place, &deployment, news, evidence, at) };
        self.call.publish(vec![notice]).await?;
        self.published.push(id.clone());
        self.write(|record| record.record_published(Some(number), &id)).await
    }

    /// Publishes ends that are on record but were never published, because the invocation that recorded them failed or died.
    pub(crate) async fn publish_unpublished_ends(&mut self) -> Result<(), Error> {
        let ended: Vec<Deployment> =
            self.record().deployments.iter().filter(|it| end_is_unpublished(it)).cloned().collect();
        for deployment in ended {
            let Some(outcome) = deployment.published_outcome() else { continue };
            let later = |it: &&Deployment| it.number > deployment.number && it.id().is_some();
            let newer = self.record().deployments.iter().filter(later).min_by_key(|it| it.number);
            let newer = newer.filter(|_| matches!(outcome, Outcome::Superseded | Outcome::Failed));
            let end = End { newer: newer.and_then(|it| it.id().cloned()), ..End::of(outcome) };
            let at = deployment.ended().map_or_else(|| self.cloud.now(), |it| it.at);
            self.publish_news(deployment.number, &News::Ended { end: &end, next: None }, at).await?;
        }
        Ok(())
    }
}
