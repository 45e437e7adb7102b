//! The end of a deployment: it is recorded with all that follows from it, and published.

use jiff::Timestamp;
use slipway_core::model::facts::ServiceFacts;
use slipway_core::model::id::TaskDefinitionArn;
use slipway_core::model::record::{Decision, DecisionKind, Deployment, KnownGood, Once, Outcome, PendingInput};
use slipway_core::rules::mechanism::{End, completed_after_all, has_run};
use slipway_core::rules::rollback::RollbackDecision;
use slipway_core::text::notice::News;
use tracing::info;

use super::session::FollowSession;
use super::steps::Judged;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::observe::what_runs;

impl<C: Cloud> FollowSession<'_, C> {
    /// Ends a deployment. `next` is what was decided about its failure; `judged` is `None` where the service is gone.
    pub(crate) async fn end(
        &mut self,
        number: u64,
        end: &End,
        next: Option<&RollbackDecision>,
        judged: Option<&Judged>,
    ) -> Result<(), Error> {
        let Some(deployment) = self.deployment(number).cloned() else { return Ok(()) };
        // What ECS says of a success explains nothing.
        let says =
            end.says.clone().filter(|_| !matches!(end.outcome, Outcome::Completed | Outcome::RolledBackBySlipway));
        let end = &End { says, ..end.clone() };
        let (outcome, at) = (end.recorded(&deployment), self.at(&deployment));
        let known_good = match judged {
            Some(judged) => self.known_good_by_end(&deployment, end, &judged.service, at).await?,
            None => None,
        };
        // What ran before a placeholder is deployed again.
        let again = deployment.is_placeholder() || outcome.decides_again() && !deployment.is_external();
        let input = PendingInput::after(&deployment, at);
        let decision = Decision { what: DecisionKind::External, at: deployment.began_at(), who: None };
        let completed = end.outcome == Outcome::Completed;
        let asked = self.record().rollback_asked_since(deployment.began_at());
        let reason = end.why_stopped(asked).filter(|_| outcome == Outcome::Stopped);
        let now = self.cloud.now();
        let once = self.write(|record| {
            if judged.is_some_and(|judged| record.is_outdated(&judged.deployment, judged.fence)) {
                return None;
            }
            let once = record.end(number, end.outcome, at, reason.clone());
            if once == Once::Now {
                known_good.iter().for_each(|it| record.record_known_good(it.clone()));
                if deployment.is_external() && !deployment.is_placeholder() && completed {
                    record.decided(decision.clone());
                }
                if again {
                    record.leave(input.clone());
                }
                if record.open().is_none() {
                    record.unblock(now);
                }
            }
            Some(once)
        });
        match once.await? {
            Some(Once::Now) => {}
            Some(Once::Before) => return Ok(()),
            // Somebody else acted on it.
            None => return self.return_soon().await,
        }
        info!(target = %self.managed.target, deployment.number = number, %outcome, "ended");
        // Published only now, so that of two judgements the one on record is published. Where that fails, the next try, or the
        // reconcile, finds it unpublished; nothing that reports can break what acts.
        self.publish_news(number, &News::Ended { end, next }, at).await
    }

    /// Corrects the record where the last deployment was published as failed but completed after all, and publishes that.
    pub(crate) async fn correct(&mut self, service: &ServiceFacts) -> Result<(), Error> {
        let Some(deployment) = completed_after_all(self.record(), service).cloned() else { return Ok(()) };
        let (number, at) = (deployment.number, self.at(&deployment));
        let known_good = self.known_good_by_end(&deployment, &End::of(Outcome::Completed), service, at).await?;
        self.write(|record| {
            if record.completed_after_all(number, at) == Once::Now {
                known_good.iter().for_each(|it| record.record_known_good(it.clone()));
            }
        })
        .await?;
        info!(target = %self.managed.target, deployment.number = number, "completed after all");
        Ok(())
    }

    /// The revision that is known good by this end, with the images that ran.
    async fn known_good_by_end(
        &mut self,
        deployment: &Deployment,
        end: &End,
        service: &ServiceFacts,
        at: Timestamp,
    ) -> Result<Option<KnownGood>, Error> {
        let revision = match end.outcome {
            Outcome::Completed => deployment.revision.new.clone(),
            // Also where it was registered anew: that one names the images that ran.
            Outcome::RolledBackBySlipway => deployment.rollback().and_then(|it| it.to.clone()),
            _ => None,
        };
        let Some(revision) = revision.filter(|it| has_run(service, it)) else { return Ok(None) };
        let is_primary = service.primary().is_some_and(|it| it.task_definition.short() == revision);
        let mut ran = if is_primary { what_runs(self.cloud, service, &revision).await? } else { Vec::new() };
        let arn = self.arn_of(&revision);
        if ran.is_empty() {
            // What was known of it before is better than nothing.
            let known = self.record().known_good.iter().find(|it| it.revision == arn);
            ran = known.map(|it| it.ran.clone()).unwrap_or_default();
        }
        Ok(Some(KnownGood { revision: arn, ran, at }))
    }

    fn arn_of(&self, revision: &str) -> TaskDefinitionArn {
        let (partition, region, account) = (&self.home.partition, &self.home.region, &self.home.account);
        TaskDefinitionArn::new(format!("arn:{partition}:ecs:{region}:{account}:task-definition/{revision}"))
    }
}
