//! Rolls back to the last known-good revision: planned, then carried out under the lease, at most once for each deployment.
//!
//! What is about to be done is written down before it is, so that whoever comes after a crash knows what to look for.

use jiff::Timestamp;
use slipway_core::facts::ServiceDeploymentFacts;
use slipway_core::id::{DeploymentId, ServiceDeploymentArn, TaskDefinitionArn};
use slipway_core::ledger::{Busy, Fence, Lost, Outcome, Rollback, RollbackMethod};
use slipway_core::notice::News;
use slipway_core::outcome::{Assessment, End, FailedBy, RollbackInitiator, StopResult, stop_result};
use slipway_core::plan::Plan;
use slipway_core::reason::Reason;
use slipway_core::rollback::{Destination, Facts, Origin, RollbackDecision, decide, steps};
use tracing::{info, warn};

use super::steps::{Judged, Next};
use super::visit::FollowSession;
use crate::cloud::{Cloud, Metric, StopAnswer};
use crate::error::{Error, Kind};
use crate::execute::{Registrations, execute};

impl<C: Cloud> FollowSession<'_, C> {
    /// Decides about a deployment that failed, and does it.
    pub(crate) async fn roll_back(&mut self, number: u64, seen: &Judged) -> Result<Next, Error> {
        let Some(way) = self.rollback_decision(number, seen, seen.story.as_ref()).await? else { return Ok(Next::Wait) };
        info!(target = %self.target, deployment.number = number, "{way}");
        if !way.acts() {
            let failing = self.deployment(number).and_then(|it| it.failing());
            match way.result(failing.map_or(FailedBy::Ecs, |failing| failing.by)) {
                Some(outcome) => self.end(number, &End::of(outcome), Some(&way), Some(seen)).await?,
                // Somebody else is putting it right, or it did not fail after all: its end is still to come.
                None => self.look_again_soon().await?,
            }
            return Ok(Next::Wait);
        }
        let now = self.cloud.now();
        let holder = &self.call.holder;
        let fence = match self.write(|record| record.acquire(&holder.id, now, holder.until)).await? {
            Ok(fence) => fence,
            Err(Busy { until }) => {
                info!(target = %self.target, %until, "somebody else is at work on the service; looking again in a minute");
                self.look_again_soon().await?;
                return Ok(Next::Wait);
            }
        };
        let done = self.under_the_lease(number, fence).await;
        self.let_go(fence).await?;
        done
    }

    /// What there is to do about it; `None` where the record has it no more.
    async fn rollback_decision(
        &mut self,
        number: u64,
        seen: &Judged,
        story: Option<&ServiceDeploymentFacts>,
    ) -> Result<Option<RollbackDecision>, Error> {
        let Some(deployment) = self.deployment(number).cloned() else { return Ok(None) };
        let goods = match deployment.is_external() {
            true => Vec::new(),
            false => self.known_good(&deployment, &seen.service).await?,
        };
        let record = self.record();
        let Some(deployment) = record.numbered(number) else { return Ok(None) };
        Ok(Some(decide(&Facts {
            record,
            deployment,
            assessment: &seen.assessment,
            service: &seen.service,
            service_deployment: story,
            goods: &goods,
        })))
    }

    /// With the lease held: looks again, because what was seen before is of before, and does what that calls for.
    async fn under_the_lease(&mut self, number: u64, fence: Fence) -> Result<Next, Error> {
        self.look_again().await?;
        let Some(mut seen) = self.seen(number).await? else { return Ok(Next::Wait) };
        if !matches!(seen.assessment, Assessment::Failing { .. } | Assessment::RollbackDue) {
            return Ok(Next::Again);
        }
        let Some(mut way) = self.rollback_decision(number, &seen, seen.story.as_ref()).await? else {
            return Ok(Next::Wait);
        };
        if let RollbackDecision::Stop { service_deployment, to } = &way {
            let (service_deployment, to) = (service_deployment.clone(), to.clone());
            match self.stop(number, fence, &seen, &service_deployment, to.as_ref()).await? {
                StopResult::RollsBack => return self.under_way(number, &seen).await,
                StopResult::Won => {
                    self.look_again().await?;
                    return Ok(Next::Again);
                }
                // The rollback, which is decided, is an update.
                StopResult::Refused => {}
            }
            seen.assessment = Assessment::RollbackDue;
            let Some(other) = self.rollback_decision(number, &seen, None).await? else { return Ok(Next::Wait) };
            way = other;
        }
        if !way.acts() {
            return Ok(Next::Again);
        }
        match self.update(number, fence, &seen, &way).await {
            Ok(()) => self.under_way(number, &seen).await,
            Err(error) if error.kind.is_passing() => Err(error),
            Err(error) => {
                warn!(%error, target = %self.target, "the way back is refused");
                self.cloud.count(Metric::DeploysRefused, Some(&self.target));
                let end = End { says: Some(error.message), ..End::of(Outcome::RollbackFailed) };
                // The rollback that the record has by now is the one that was refused.
                seen.deployment = self.deployment(number).cloned().unwrap_or(seen.deployment);
                self.end(number, &end, None, Some(&seen)).await?;
                Ok(Next::Wait)
            }
        }
    }

    /// Stops the deployment so that ECS goes back.
    async fn stop(
        &mut self,
        number: u64,
        fence: Fence,
        seen: &Judged,
        arn: &ServiceDeploymentArn,
        to: Option<&TaskDefinitionArn>,
    ) -> Result<StopResult, Error> {
        self.mean(number, fence, seen, RollbackMethod::Stop, to.map(TaskDefinitionArn::short)).await?;
        match self.cloud.stop_service_deployment(arn).await {
            Ok(StopAnswer::Accepted) => {}
            Ok(StopAnswer::TooLate) => {
                let became = self.became(arn).await?;
                if became != StopResult::RollsBack {
                    return Ok(became);
                }
            }
            Err(error) if error.kind == Kind::Unreachable => {
                warn!(%error, "no answer to a stop request; looking whether it was carried out");
                if self.became(arn).await? != StopResult::RollsBack {
                    return Err(error);
                }
            }
            Err(error) if error.kind.is_passing() => return Err(error),
            Err(error) => {
                warn!(%error, target = %self.target, "the deployment could not be stopped");
                return Ok(StopResult::Refused);
            }
        }
        self.did(number, None, None).await?;
        Ok(StopResult::RollsBack)
    }

    async fn became(&self, arn: &ServiceDeploymentArn) -> Result<StopResult, Error> {
        let it = self.cloud.describe_service_deployment(arn).await?;
        Ok(stop_result(it.as_ref()))
    }

    /// Updates the service to a good revision, which is registered anew where it cannot be used as it is.
    async fn update(&mut self, number: u64, fence: Fence, seen: &Judged, way: &RollbackDecision) -> Result<(), Error> {
        let (Some(deployment), RollbackDecision::Update(destination)) = (self.deployment(number).cloned(), way) else {
            return Ok(());
        };
        let revision = destination.revision();
        let base = self.revision(revision.as_str());
        let steps = steps(&seen.service, destination, base, &Origin::of_failed(&deployment)).map_err(|reason| {
            Error::new("ECS.RegisterTaskDefinition", revision.short(), Kind::Rejected, reason.to_string())
        })?;
        let failed = deployment.revision.new.clone().unwrap_or_default();
        let plan = Plan { steps, ..Plan::nothing(self.target.clone(), Reason::Failed { revision: failed }) };
        let to = match destination {
            Destination::Existing(revision) => Some(revision.short()),
            // What it will be called is not known before.
            Destination::Anew { .. } => None,
        };
        let registrations = Registrations::default();
        // An earlier try may have died after its registration.
        plan.family().into_iter().for_each(|family| registrations.suspect(family));
        let calls = self.call.calls();
        let ready = self.mean(number, fence, seen, RollbackMethod::Update, to);
        let done = execute(&calls, &plan, &registrations, ready).await?;
        self.did(number, done.deployment, done.revision.as_ref().map(TaskDefinitionArn::short)).await
    }

    /// Writes down what is about to be done, and makes the timer that sees to it.
    async fn mean(
        &mut self,
        number: u64,
        fence: Fence,
        seen: &Judged,
        how: RollbackMethod,
        to: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.cloud.now();
        let Some(deployment) = self.deployment(number) else { return Ok(()) };
        self.arm_the_rollback(&deployment.settings).await?;
        let rollback = Rollback {
            how,
            to: to.map(str::to_owned),
            at: now,
            previous_primary: seen.service.primary().map(|primary| primary.id.clone()),
            deployment: None,
            done_at: None,
        };
        let meant = self.write(|record| record.roll_back(fence, number, rollback.clone()).map(|_| ())).await?;
        let again = |message: &str| Error::new("DynamoDB.PutItem", self.target.as_str(), Kind::Throttled, message);
        meant.map_err(|Lost| again("the lease was lost; it is tried again"))?;
        // Whoever judges takes no lease, and may have been faster.
        match self.deployment(number).is_some_and(|it| it.is_open()) {
            true => Ok(()),
            false => Err(again("the deployment ended meanwhile; it is judged again")),
        }
    }

    /// Writes down that ECS took it on.
    async fn did(&mut self, number: u64, deployment: Option<DeploymentId>, to: Option<&str>) -> Result<(), Error> {
        let now = self.cloud.now();
        self.write(|record| record.rollback_accepted(number, deployment.as_ref(), to, now)).await
    }

    /// Publishes that the rollback is under way.
    async fn under_way(&mut self, number: u64, seen: &Judged) -> Result<Next, Error> {
        let Some(deployment) = self.deployment(number) else { return Ok(Next::Wait) };
        let to = deployment.rollback().and_then(|it| it.to.clone());
        let at = self.cloud.now().max(seen.service.primary().and_then(|it| it.updated_at).unwrap_or(Timestamp::MIN));
        self.tell(number, &News::RollingBack { by: RollbackInitiator::Slipway, to: to.as_deref() }, at).await?;
        Ok(Next::Wait)
    }

    /// Lets the lease go. Who left an input meanwhile is served after the visit.
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
