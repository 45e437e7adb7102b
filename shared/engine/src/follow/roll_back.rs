//! Rolls back to the last known-good revision: planned, then carried out under the lease, at most once for each deployment.
//!
//! What is about to be done is recorded before it is, so that the next try after a crash knows what to check.

use jiff::Timestamp;
use slipway_core::model::id::{DeploymentId, ServiceDeploymentArn, TaskDefinitionArn};
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{
    Busy, Deployment, FailedBy, Fence, Lost, Outcome, PassedOver, Rollback, RollbackMethod,
};
use slipway_core::rules::mechanism::{Assessment, Became, End, RollbackInitiator, became};
use slipway_core::rules::rollback::{Origin, RollbackDecision, RollbackFacts, Selected, decide, steps};
use slipway_core::text::notice::News;
use tracing::{info, warn};

use super::session::FollowSession;
use super::steps::{Judged, Next};
use super::timers::BUSY;
use crate::cloud::{Cloud, Metric, RestoreAnswer, StopAnswer};
use crate::error::{Error, ErrorKind};
use crate::execute::{Registrations, execute};

/// How Slipway rolls back, to which revision, where that is known, and which it passed over.
struct Intended<'a> {
    how: RollbackMethod,
    to: Option<&'a str>,
    passed_over: &'a [PassedOver],
}

impl<C: Cloud> FollowSession<'_, C> {
    /// Decides about a deployment that failed, and does it.
    pub(crate) async fn roll_back(&mut self, number: u64, judged: &Judged) -> Result<Next, Error> {
        let Some(decision) = self.rollback_decision(number, judged).await? else { return Ok(Next::Wait) };
        let decision = self.restore(number, decision).await?;
        info!(target = %self.managed.target, deployment.number = number, "{decision}");
        if !decision.acts() {
            let failing = self.deployment(number).and_then(|it| it.failing());
            match decision.result(failing.map_or(FailedBy::Ecs, |failing| failing.by)) {
                Some(outcome) => self.end(number, &End::of(outcome), Some(&decision), Some(judged)).await?,
                // Somebody else rolls back, or it did not fail after all: its end is still to come.
                None => self.return_soon().await?,
            }
            return Ok(Next::Wait);
        }
        let (now, call) = (self.cloud.now(), self.call);
        let fence = match self.write(|record| record.acquire(call.request_id, now, call.lease_until)).await? {
            Ok(fence) => fence,
            Err(Busy { until }) => {
                info!(target = %self.managed.target, %until, "somebody else holds the service's lease; trying again in a minute");
                self.return_soon().await?;
                return Ok(Next::Wait);
            }
        };
        let done = self.under_the_lease(number, fence).await;
        self.let_go(fence).await?;
        done
    }

    /// What there is to do about it; `None` where the record has it no more.
    async fn rollback_decision(&mut self, number: u64, judged: &Judged) -> Result<Option<RollbackDecision>, Error> {
        let Some(deployment) = self.deployment(number).cloned() else { return Ok(None) };
        let known_good = match deployment.is_external() {
            true => Vec::new(),
            false => self.known_good(&deployment, &judged.service).await?,
        };
        let record = self.record();
        let Some(deployment) = record.numbered(number) else { return Ok(None) };
        Ok(Some(decide(&RollbackFacts {
            record,
            deployment,
            assessment: &judged.assessment,
            service: &judged.service,
            service_deployment: judged.service_deployment.as_ref(),
            known_good: &known_good,
        })))
    }

    /// Asks ECR to restore what is archived, where nothing else can be gone back to. Nobody waits for it: a person rolls back
    /// when it is there.
    async fn restore(&self, number: u64, decision: RollbackDecision) -> Result<RollbackDecision, Error> {
        let Some(failed) = self.deployment(number) else { return Ok(decision) };
        let known_good = self.known_good.as_deref().unwrap_or_default();
        let Some(restorable) = decision.restorable(self.record(), failed, known_good) else { return Ok(decision) };
        for (repository, digest) in &restorable.archived {
            match self.optional(self.cloud.restore_image(repository, digest).await)? {
                Some(RestoreAnswer::Accepted) => {}
                Some(RestoreAnswer::NotAllowed) | None => return Ok(decision),
            }
        }
        Ok(decision.restoring(restorable))
    }

    /// With the lease held: observes again, because what was observed before may be outdated, and does what that calls for.
    async fn under_the_lease(&mut self, number: u64, fence: Fence) -> Result<Next, Error> {
        self.observe_again().await?;
        let Some(mut judged) = self.judge(number).await? else { return Ok(Next::Wait) };
        if !matches!(judged.assessment, Assessment::Failing { .. } | Assessment::RollbackDue) {
            return Ok(Next::Again);
        }
        let Some(mut decision) = self.rollback_decision(number, &judged).await? else { return Ok(Next::Wait) };
        if let RollbackDecision::Stop { service_deployment, to } = &decision {
            let (service_deployment, to) = (service_deployment.clone(), to.clone());
            match self.stop(number, fence, &judged, &service_deployment, to.as_ref()).await? {
                Some(Became::RollsBack) => return self.under_way(number, &judged).await,
                Some(Became::Won) => {
                    self.observe_again().await?;
                    return Ok(Next::Again);
                }
                // ECS does not stop it: the rollback, which is decided, is an update.
                Some(Became::InProgress | Became::CutShort | Became::Failed) | None => {}
            }
            judged.assessment = Assessment::RollbackDue;
            judged.service_deployment = None;
            let Some(other) = self.rollback_decision(number, &judged).await? else { return Ok(Next::Wait) };
            decision = other;
        }
        if !decision.acts() {
            return Ok(Next::Again);
        }
        match self.update(number, fence, &judged, &decision).await {
            Ok(()) => self.under_way(number, &judged).await,
            // What it rolls back has not ended, and can be stopped no more.
            Err(error) if error.kind == ErrorKind::Conflict => {
                info!(%error, target = %self.managed.target, "the rollback waits");
                self.return_soon().await?;
                Ok(Next::Wait)
            }
            Err(error) if error.kind.is_passing() => Err(error),
            Err(error) => {
                warn!(%error, target = %self.managed.target, "the rollback is refused");
                self.cloud.count(Metric::DeploysRefused, Some(&self.managed.target));
                let end = End { says: Some(error.message), ..End::of(Outcome::RollbackFailed) };
                // The rollback that the record has by now is the one that was refused.
                judged.deployment = self.deployment(number).cloned().unwrap_or(judged.deployment);
                self.end(number, &end, None, Some(&judged)).await?;
                Ok(Next::Wait)
            }
        }
    }

    /// Stops the deployment so that ECS rolls back. Answers how it stands then; `None` where ECS refused.
    async fn stop(
        &mut self,
        number: u64,
        fence: Fence,
        judged: &Judged,
        arn: &ServiceDeploymentArn,
        to: Option<&TaskDefinitionArn>,
    ) -> Result<Option<Became>, Error> {
        let intended = Intended { how: RollbackMethod::Stop, to: to.map(TaskDefinitionArn::short), passed_over: &[] };
        self.record_rollback(number, fence, judged, intended).await?;
        let result = match self.call.stop_deployment(arn).await {
            Ok(StopAnswer::Accepted) => Some(Became::RollsBack),
            Ok(StopAnswer::TooLate) => self.became(arn).await?,
            Err(error) if error.kind == ErrorKind::Unreachable => {
                warn!(%error, "no answer to a stop request; checking whether it was carried out");
                if self.became(arn).await? != Some(Became::RollsBack) {
                    return Err(error);
                }
                Some(Became::RollsBack)
            }
            Err(error) if error.kind.is_passing() => return Err(error),
            Err(error) => {
                warn!(%error, target = %self.managed.target, "the deployment could not be stopped");
                None
            }
        };
        if result == Some(Became::RollsBack) {
            self.record_accepted(number, None, None).await?;
        }
        Ok(result)
    }

    async fn became(&self, arn: &ServiceDeploymentArn) -> Result<Option<Became>, Error> {
        let Some(service) = &self.service else { return Ok(None) };
        let it = self.call.service_deployment(service, arn).await?;
        Ok(it.map(|it| became(&it.status)))
    }

    /// Updates the service to a known-good revision, which is registered anew where it cannot be used as it is.
    async fn update(
        &mut self,
        number: u64,
        fence: Fence,
        judged: &Judged,
        decision: &RollbackDecision,
    ) -> Result<(), Error> {
        let (Some(deployment), RollbackDecision::Update(Selected { destination, passed_over })) =
            (self.deployment(number).cloned(), decision)
        else {
            return Ok(());
        };
        let revision = destination.revision();
        let steps = steps(&judged.service, destination, &Origin::of_failed(&deployment)).map_err(|reason| {
            Error::new("ECS.RegisterTaskDefinition", revision.short(), ErrorKind::Rejected, reason.to_string())
        })?;
        let failed = deployment.revision.new.clone().unwrap_or_default();
        let plan = Plan { steps, ..Plan::nothing(self.managed.target.clone(), Reason::Failed { revision: failed }) };
        let (call, registrations) = (self.call, Registrations::default());
        // The record names the revision before the service is to run it, so that nothing that somebody else makes meanwhile is
        // taken for the rollback.
        let registered = match plan.rendering() {
            Some(rendering) => {
                // An earlier try may have died after its registration.
                registrations.suspect(rendering.family());
                Some(registrations.register(call, rendering).await?)
            }
            None => None,
        };
        let to = Some(registered.as_ref().unwrap_or(revision).short());
        let intended = Intended { how: RollbackMethod::Update, to, passed_over };
        let ready = self.record_rollback(number, fence, judged, intended);
        let done = execute(call, &plan, None, &registrations, ready).await?;
        self.record_accepted(number, done.deployment, done.revision.as_ref().map(TaskDefinitionArn::short)).await
    }

    /// Records what is about to be done, and makes the timer by which its end is checked.
    async fn record_rollback(
        &mut self,
        number: u64,
        fence: Fence,
        judged: &Judged,
        intended: Intended<'_>,
    ) -> Result<(), Error> {
        let Intended { how, to, passed_over } = intended;
        let now = self.cloud.now();
        let Some(deployment) = self.deployment(number) else { return Ok(()) };
        // It has as much time as the deployment had, and a little more.
        self.arm(now + deployment.settings.allowance() + BUSY).await?;
        let rollback = Rollback {
            how,
            to: to.map(str::to_owned),
            passed_over: passed_over.to_vec(),
            at: now,
            previous_primary: judged.service.primary().map(|primary| primary.id.clone()),
            deployment: None,
            done_at: None,
        };
        let intended = self.write(|record| record.roll_back(fence, number, rollback.clone()).map(|_| ())).await?;
        let again =
            |message: &str| Error::new("DynamoDB.PutItem", self.managed.target.as_str(), ErrorKind::Throttled, message);
        intended.map_err(|Lost| again("the lease was lost; it is tried again"))?;
        // Judging takes no lease, so another invocation may have been faster.
        let done = |it: &Deployment| it.rollback().and_then(|it| it.done_at);
        let is_due = |it: &Deployment| it.is_open() && done(it) == done(&judged.deployment);
        match self.deployment(number).is_some_and(is_due) {
            true => Ok(()),
            false => Err(again("the deployment ended or was rolled back meanwhile; it is judged again")),
        }
    }

    pub(crate) async fn record_accepted(
        &mut self,
        number: u64,
        deployment: Option<DeploymentId>,
        to: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.cloud.now();
        self.write(|record| record.rollback_accepted(number, deployment.as_ref(), to, now)).await
    }

    async fn under_way(&mut self, number: u64, judged: &Judged) -> Result<Next, Error> {
        let Some(deployment) = self.deployment(number) else { return Ok(Next::Wait) };
        let to = deployment.rollback().and_then(|it| it.to.clone());
        self.return_to_code_deploy(judged).await?;
        let at = self.cloud.now().max(judged.service.primary().and_then(|it| it.updated_at).unwrap_or(Timestamp::MIN));
        self.publish_news(number, &News::RollingBack { by: RollbackInitiator::Slipway, to: to.as_deref() }, at).await?;
        Ok(Next::Wait)
    }

    /// Lets the lease go. Inputs that were left meanwhile are served after the session.
    async fn let_go(&mut self, fence: Fence) -> Result<(), Error> {
        // That it is lost changes nothing: somebody else has it then.
        let _ = self.write(|record| record.hand_over(fence)).await?;
        Ok(())
    }

    /// Lets the lease go that an earlier try of this very invocation died with.
    pub(crate) async fn let_go_of_an_earlier_try(&mut self) -> Result<(), Error> {
        let lease = self.record().lease.as_ref().filter(|lease| lease.holder == self.call.request_id);
        let Some(fence) = lease.map(|lease| Fence(lease.fence)) else { return Ok(()) };
        self.let_go(fence).await
    }
}
