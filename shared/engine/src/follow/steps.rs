//! Follows each deployment that has not ended: how it stands, and the one thing that is next.

use jiff::SignedDuration;
use slipway_core::model::facts::{DeploymentFacts as Listed, ServiceDeploymentFacts, ServiceFacts};
use slipway_core::model::id::DeploymentId;
use slipway_core::model::record::{Blocked, Deployment, FailedBy, Fence, Outcome};
use slipway_core::rules::mechanism::{
    Assessment, End, RollbackInitiator, Situation, Stage, assess, awaits_its_tasks, is_reminder_due, its_rollback,
    may_cut_the_wait, observe_again, pause, stage,
};
use slipway_core::text::notice::News;
use tracing::info;

use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::Error;

/// Intended, begun, failing, decided, ended: a deployment takes at most so many steps in one session.
const STEPS: usize = 6;

/// Whether a deployment is judged once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Something was done, and the next step follows from it.
    Again,
    /// There is nothing more to do now.
    Wait,
}

/// How a deployment stands, and what that was read from.
pub(crate) struct Judged {
    pub(crate) assessment: Assessment,
    /// The deployment as it was on record then.
    pub(crate) deployment: Deployment,
    /// The number of the lease's last holder then.
    pub(crate) fence: Fence,
    pub(crate) service: ServiceFacts,
    pub(crate) service_deployment: Option<ServiceDeploymentFacts>,
}

impl<C: Cloud> FollowSession<'_, C> {
    /// Takes every open deployment as far as it goes now.
    pub(crate) async fn follow(&mut self) -> Result<(), Error> {
        let Some(service) = self.service.clone() else { return self.end_all().await };
        self.note_unrecorded(&service).await?;
        self.note_hint().await?;
        for number in self.open() {
            for _ in 0..STEPS {
                // Boxed, as what follows: each step's future holds those of all that may come of it.
                if Box::pin(self.step(number)).await? == Next::Wait {
                    break;
                }
            }
            self.keep_the_deadline(number).await?;
        }
        self.correct(&service).await?;
        self.publish_unpublished_ends().await?;
        self.let_go_of_an_earlier_try().await?;
        self.log_unknown_deployment();
        Ok(())
    }

    async fn report(&mut self, number: u64, news: &News<'_>) -> Result<(), Error> {
        let Some(deployment) = self.deployment(number) else { return Ok(()) };
        let at = self.at(deployment);
        self.publish_news(number, news, at).await
    }

    /// Judges a deployment by the record and the service as they were read last; `None` where it is gone from either.
    pub(crate) async fn judge(&mut self, number: u64) -> Result<Option<Judged>, Error> {
        let Some(deployment) = self.deployment(number).cloned() else { return Ok(None) };
        let fence = Fence(self.record().fence);
        let Some(mut service) = self.service.clone() else { return Ok(None) };
        let service_deployment = self.service_deployment_of(&deployment, &service).await?;
        self.read_listed(&deployment, &service).await?;
        let event = self.event();
        let assessed = |session: &Self, service: &ServiceFacts, history: &[ServiceDeploymentFacts]| {
            assess(&Situation {
                record: session.record(),
                deployment: &deployment,
                event,
                service,
                service_deployment: service_deployment.as_ref(),
                revisions: &session.revisions,
                history,
                now: session.observed_at,
            })
        };
        let mut assessment = assessed(self, &service, &[]);
        if assessment == Assessment::NeverBegan {
            // ECS's history may know what its list no more shows. Read after it, the list shows what the history names,
            // unless it really lists it no more: a late update may have taken effect between the two.
            let history = self.history_of(&deployment, &service).await?;
            self.read_service_again().await?;
            let Some(listed) = self.service.clone() else { return Ok(None) };
            service = listed;
            self.read_listed(&deployment, &service).await?;
            assessment = assessed(self, &service, &history);
        }
        info!(
            ecs.cluster = %service.cluster,
            ecs.service = %service.service,
            deployment.id = deployment.id().map(|id| id.as_str()),
            deployment.number = number,
            "{} {number}: {assessment}",
            self.managed.target,
        );
        Ok(Some(Judged { assessment, deployment, fence, service, service_deployment }))
    }

    async fn step(&mut self, number: u64) -> Result<Next, Error> {
        let Some(mut judged) = self.judge(number).await? else { return Ok(Next::Wait) };
        match judged.assessment.clone() {
            Assessment::Over(_) => {}
            Assessment::Intended { until } | Assessment::RollbackIntended { until } => self.arm(until).await?,
            Assessment::Began(began) => {
                self.write(|record| record.began(number, &began)).await?;
                return Ok(Next::Again);
            }
            Assessment::NeverBegan => self.write(|record| record.never_began(number)).await?,
            Assessment::InProgress(pace) => {
                self.rearm(number, pace).await?;
                self.ask_again_for_its_tasks(&judged).await?;
                self.report(number, &News::InProgress).await?;
                self.follow_the_stages(number, &judged).await?;
            }
            Assessment::Failing { by } => {
                Box::pin(self.note_failure(number, by, &judged)).await?;
                return Box::pin(self.roll_back(number, &judged)).await;
            }
            Assessment::RollbackDue => return Box::pin(self.roll_back(number, &judged)).await,
            Assessment::RollingBack { by, pace } => {
                // The record may be older than what ECS shows by now: then it was Slipway that stopped it just now.
                if by == RollbackInitiator::Somebody && self.read_record_again().await? {
                    return Ok(Next::Again);
                }
                if by != RollbackInitiator::Somebody {
                    Box::pin(self.note_failure(number, FailedBy::Ecs, &judged)).await?;
                }
                if by == RollbackInitiator::Slipway {
                    self.adopt_the_rollback(number, &judged).await?;
                }
                self.rearm(number, pace).await?;
                self.ask_again_for_its_tasks(&judged).await?;
                self.return_to_code_deploy(&judged).await?;
                let deployment = self.deployment(number);
                let another = |it: &&Listed| deployment.is_some_and(|own| own.id() != Some(&it.id));
                let to = judged.service.primary().filter(another).map(|it| it.task_definition.short());
                self.report(number, &News::RollingBack { by, to }).await?;
            }
            Assessment::Ended(end) => {
                // Whoever stopped it knows why, and a superseded one did not fail.
                if end.outcome.quarantines() && end.outcome != Outcome::Stopped {
                    Box::pin(self.note_failure(number, FailedBy::Ecs, &judged)).await?;
                }
                // Whoever rolled back may have died before that was recorded. A rollback that failed may still complete later, and
                // is nobody else's deployment then.
                let is_there = self.deployment(number).is_some_and(|it| its_rollback(it, &judged.service).is_some());
                if end.outcome == Outcome::RolledBackBySlipway || end.outcome == Outcome::RollbackFailed && is_there {
                    self.adopt_the_rollback(number, &judged).await?;
                    // What was written down just now was judged.
                    judged.deployment = self.deployment(number).cloned().unwrap_or(judged.deployment);
                }
                Box::pin(self.end(number, &end, None, Some(&judged))).await?;
            }
        }
        Ok(Next::Wait)
    }

    /// Makes a timer where no event tells when all tasks run. Somebody else's deployment has no deadline, and is left to the
    /// reconcile when ours would have passed.
    async fn ask_again_for_its_tasks(&self, judged: &Judged) -> Result<(), Error> {
        let it = &judged.deployment;
        let is_late = self.cloud.now() >= it.began_at() + it.settings.allowance();
        match awaits_its_tasks(&judged.service, self.event()) && !(it.is_external() && is_late) {
            true => self.return_soon().await,
            false => Ok(()),
        }
    }

    /// Makes a timer for what no event tells.
    async fn observe_at_the_next_moment(&self, it: Option<&ServiceDeploymentFacts>) -> Result<(), Error> {
        match it.and_then(|it| observe_again(it, self.cloud.now())) {
            Some(at) => self.arm(at).await,
            None => Ok(()),
        }
    }

    /// CodeDeploy stops a deployment and rolls it back in a moment, and sends its events as best it can.
    pub(crate) async fn return_to_code_deploy(&self, judged: &Judged) -> Result<(), Error> {
        match judged.deployment.id().is_some_and(DeploymentId::is_of_code_deploy) {
            true => self.return_soon().await,
            false => Ok(()),
        }
    }

    /// Ends the wait before the old tasks end, where the document says so and a push waits for that.
    async fn cut_the_wait(&self, it: &ServiceDeploymentFacts, judged: &Judged) -> Result<(), Error> {
        let Some(seconds) = self.call.settings_of(&judged.service).await.cut_after else { return Ok(()) };
        let waits = self.record().pending.iter().any(|it| it.blocked == Some(Blocked::Deployment));
        let after = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let Some(at) = may_cut_the_wait(it, &judged.deployment, after).filter(|_| waits) else { return Ok(()) };
        if at > self.cloud.now() {
            return self.arm(at).await;
        }
        info!(target = %self.managed.target, deployment.number = judged.deployment.number, "a push waits, so the old tasks end now");
        // What may not be cut short ends by itself.
        self.optional(self.call.cut_the_wait(it).await).map(drop)
    }

    /// Reports the stage that a traffic shift has reached and what it waits for, and makes a timer for what no event tells. Of
    /// somebody else's deployment only that it waits: pushes wait behind it, until somebody answers it.
    async fn follow_the_stages(&mut self, number: u64, judged: &Judged) -> Result<(), Error> {
        let Some(it) = judged.service_deployment.as_ref() else { return Ok(()) };
        let (now, stage, pause) = (self.cloud.now(), stage(it), pause(it));
        let is_own = !judged.deployment.is_external();
        if is_own || pause.is_some() {
            self.observe_at_the_next_moment(Some(it)).await?;
        }
        if is_own {
            self.cut_the_wait(it, judged).await?;
            if let Some(milestone) = stage.and_then(Stage::milestone) {
                self.report(number, &News::Reached(milestone)).await?;
            }
        }
        if let Some(hook) = pause {
            let news = |again| News::Paused { hook, stage, since: it.updated_at, again };
            self.report(number, &news(false)).await?;
            if is_reminder_due(it, hook, now) {
                self.report(number, &news(true)).await?;
            }
        }
        Ok(())
    }

    /// Records a rollback of ours as accepted whose invocation died before it did so.
    async fn adopt_the_rollback(&mut self, number: u64, judged: &Judged) -> Result<(), Error> {
        let Some(deployment) = self.deployment(number) else { return Ok(()) };
        if deployment.rollback().is_some_and(|it| it.done_at.is_some()) {
            return Ok(());
        }
        let made = its_rollback(deployment, &judged.service);
        let (id, to) = made.map(|it| (it.id.clone(), it.task_definition.short().to_owned())).unzip();
        self.record_accepted(number, id, to.as_deref()).await
    }

    /// The service is gone, and so are its deployments.
    async fn end_all(&mut self) -> Result<(), Error> {
        info!(target = %self.managed.target, "the service is gone");
        for number in self.open() {
            self.end(number, &End::of(Outcome::Stopped), None, None).await?;
        }
        Ok(())
    }

    fn log_unknown_deployment(&self) {
        let Some(event) = self.event() else { return };
        if self.record().of_id(&event.deployment).is_none() {
            info!(
                target = %self.managed.target,
                deployment.id = %event.deployment,
                change = ?event.change,
                "the event is about a deployment that is not on record"
            );
        }
    }
}
