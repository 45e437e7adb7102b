//! Answers a deployment, as somebody asks: one that waits for a person goes on, or is rolled back; one of CodeDeploy is stopped.
//!
//! No lease is taken. The answer names the hook that it is for, so it does nothing to another deployment, nor twice.

use slipway_core::config::{Config, Target};
use slipway_core::model::facts::{Hook, ServiceFacts};
use slipway_core::model::id::{DeploymentId, ServiceDeploymentArn, TargetName};
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Decision, DecisionKind};
use slipway_core::rules::gates::deployable;
use slipway_core::rules::mechanism::{Became, became, can_be_stopped, pause, traffic_shift};
use slipway_core::rules::note::Note;
use slipway_core::rules::request::Run;
use slipway_core::text::answer::{Answer, AnswerOutcome};
use tracing::{error, warn};

use crate::act::TargetResult;
use crate::cloud::{Cloud, ContinueAnswer, HookAnswer};
use crate::error::{Error, ErrorKind, optional};
use crate::invocation::{Call, in_turn};
use crate::observe::Planner;
use crate::requests::Asked;
use crate::store;

/// A deployment that waits for a person, or one that can be stopped.
pub(crate) struct Answerable {
    deployment: DeploymentId,
    service_deployment: ServiceDeploymentArn,
    /// What it waits for; `None` where it doesn't.
    hook: Option<Hook>,
    service: ServiceFacts,
}

impl<C: Cloud> Call<'_, C> {
    /// The deployment of a service that waits for a person, or that CodeDeploy can stop; the inner error is why the service
    /// cannot be deployed to.
    pub(crate) async fn answerable(
        &self,
        planner: &Planner<'_, C>,
        target: &Target,
    ) -> Result<Result<Option<Answerable>, Reason>, Error> {
        let service = planner.service(target).await?;
        let service = match deployable(target, service.as_ref()) {
            Ok(service) => service,
            Err(reason) => return Ok(Err(reason)),
        };
        let (Some(primary), Some(arn)) = (service.primary(), traffic_shift(service)) else { return Ok(Ok(None)) };
        let read = optional(&target.name, self.service_deployment(service, arn).await)?.flatten();
        let hook = read.as_ref().and_then(pause).cloned();
        let is_answerable = hook.is_some() || can_be_stopped(service);
        let (deployment, service_deployment) = (primary.id.clone(), arn.clone());
        let it = Answerable { deployment, service_deployment, hook, service: service.clone() };
        Ok(Ok(Some(it).filter(|_| is_answerable)))
    }

    /// Lets the deployment of each service go on that waits for a person.
    pub(crate) async fn let_go_on(
        &self,
        config: &Config,
        services: &[(TargetName, Vec<&Target>)],
        asked: &Asked<'_>,
    ) -> Vec<TargetResult> {
        let targets: Vec<&Target> = services.iter().map(|(_, entries)| entries[0]).collect();
        let planner = Planner::of(self, &targets).await;
        let answered = services.iter().map(async |(name, entries)| match self.answerable(&planner, entries[0]).await {
            Ok(Ok(Some(it))) if it.hook.is_some() => {
                self.give_answer(config, asked, name, &it, HookAnswer::Continue).await
            }
            Ok(Ok(_)) => TargetResult::planned(Plan::nothing(name.clone(), Reason::NotPaused), &asked.cause),
            Ok(Err(reason)) => TargetResult::planned(Plan::nothing(name.clone(), reason), &asked.cause),
            Err(error) => TargetResult::failed(name, error, &asked.cause),
        });
        in_turn(answered).await
    }

    /// Gives a deployment this answer, unless it is a dry run.
    pub(crate) async fn give_answer(
        &self,
        config: &Config,
        asked: &Asked<'_>,
        name: &TargetName,
        it: &Answerable,
        answer: HookAnswer,
    ) -> TargetResult {
        let deployment = it.deployment.clone();
        let reason = match answer {
            HookAnswer::Continue => Reason::Continued { deployment },
            HookAnswer::RollBack if it.hook.is_none() => Reason::StopRequested { deployment },
            HookAnswer::RollBack => Reason::PauseRolledBack { deployment },
        };
        let result = TargetResult::planned(Plan::nothing(name.clone(), reason), &asked.cause);
        if asked.request.run == Run::Dry {
            return result;
        }
        let mut answered = self.send_answer(it, answer).await;
        if matches!(answered, Ok(ContinueAnswer::Accepted)) && answer == HookAnswer::RollBack {
            let decision = Decision { what: DecisionKind::Rollback, at: self.now(), who: asked.request.who.clone() };
            let decided =
                store::change(self.cloud(), name, |record| Note::Decided(decision.clone()).write(record)).await;
            answered = decided.and(answered);
        }
        // What it brings about is published at once.
        if let Err(error) = Box::pin(self.attend_named(config, name)).await {
            error!(%error, "a deployment was answered, but not all that follows from it was done");
        }
        match answered {
            Ok(ContinueAnswer::Accepted) => {
                TargetResult { answer: Answer { outcome: AnswerOutcome::Started, ..result.answer }, ..result }
            }
            Ok(ContinueAnswer::NotPaused) => {
                TargetResult::planned(Plan::nothing(name.clone(), Reason::NotPaused), &asked.cause)
            }
            Err(error) => TargetResult::failed(name, error, &asked.cause),
        }
    }

    /// Once; after no answer it is looked up whether the deployment still waits, or still goes on.
    async fn send_answer(&self, it: &Answerable, answer: HookAnswer) -> Result<ContinueAnswer, Error> {
        let Answerable { service_deployment, hook, service, .. } = it;
        let hook = hook.as_ref().map(|hook| hook.id.as_str());
        match self.answer_deployment(service_deployment, hook, answer).await {
            Err(error) if error.kind == ErrorKind::Unreachable => {
                warn!(%error, "no answer to the answer for a deployment; checking whether it was carried out");
                let read = self.service_deployment(service, service_deployment).await?;
                let waits = match hook {
                    Some(hook) => read.as_ref().and_then(pause).is_some_and(|it| it.id == hook),
                    None => read.is_some_and(|it| became(&it.status) == Became::InProgress),
                };
                if waits { Err(error) } else { Ok(ContinueAnswer::Accepted) }
            }
            answered => answered,
        }
    }
}
