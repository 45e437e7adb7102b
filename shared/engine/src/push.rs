//! What comes by itself, a push or the reconcile, for many services at once: they share what is observed.

use futures_util::future::join;
use serde_json::Value;
use slipway_core::text::answer;

use slipway_core::config::{Config, Target};
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::{EventId, TargetName};
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::PendingInput;
use slipway_core::model::trigger::Trigger;

use crate::act::TargetResult;
use crate::cloud::Cloud;
use crate::error::Failure;
use crate::input::Push;
use crate::invocation::{Call, answers, in_turn, log};
use crate::lease::{HeldLease, Waiting};
use crate::observe::Observations;
use crate::plan::{AdoptedSince, refuses};
use crate::serve::{Served, Session};

impl<C: Cloud> Call<'_, C> {
    /// Deploys a pushed image to every target that wants it, each under its service's lease.
    pub(crate) async fn push(&self, config: &Config, push: &Push) -> Result<Value, Failure> {
        let input = input_of(push);
        let (mut results, mut admitted): (Vec<TargetResult>, Vec<&Target>) = (Vec::new(), Vec::new());
        for target in config.of_repository(&push.repository, self.home) {
            match refuses(target, &push.tag) {
                None => admitted.push(target),
                Some(plan) => {
                    log(&push.id, &plan);
                    results.push(TargetResult::of_plan(plan, Trigger::Push, &push.id));
                }
            }
        }
        let names: Vec<_> = admitted.iter().map(|target| target.name.clone()).collect();
        let (served, failures) = self.grant(config, &names, &input, AdoptedSince::ItsDeployment).await;
        results.extend(served);
        self.answer("push", &push.id, results, failures)
    }

    /// Takes the services' leases, and grants the input where it got one; where it didn't, the holder will.
    pub(crate) async fn grant(
        &self,
        config: &Config,
        names: &[TargetName],
        input: &PendingInput,
        adopted_since: AdoptedSince,
    ) -> (Vec<TargetResult>, Vec<Failure>) {
        let cloud = self.cloud();
        let (mut results, mut failures, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let inputs = std::slice::from_ref(input);
        let taken =
            in_turn(names.iter().map(|name| HeldLease::take(cloud, name, &self.holder, inputs, Waiting::Waits))).await;
        for (name, taken) in names.iter().zip(taken) {
            match taken {
                Ok(Ok(lease)) => held.push(Session::new(self, lease, config.of_name(name))),
                Ok(Err(busy)) => {
                    let plan = Plan::nothing(name.clone(), Reason::Busy { until: busy.until });
                    log(&input.event, &plan);
                    results.push(TargetResult::of_plan(plan, input.trigger.clone(), &input.event));
                }
                Err(error) => results.push(TargetResult::failed(name, error, input.trigger.clone(), &input.event)),
            }
        }
        let observations = Observations::new(cloud);
        let targets: Vec<&Target> = held.iter().flat_map(|session| session.entries.clone()).collect();
        let image = async {
            if let (Some(tag), Some(target)) = (&input.tag, targets.iter().find(|it| is_of(it, input, self))) {
                // Kept for every target that asks for it afterwards.
                let _ = observations.image(&target.repository.at(self.home), &ImageName::Tag(tag.clone())).await;
            }
        };
        join(observations.at_services(&targets), image).await;
        let held_names: Vec<TargetName> = held.iter().map(|session| session.lease.target.clone()).collect();
        let served = in_turn(
            held.into_iter().map(|session| session.grant_all(&observations, vec![input.clone()], adopted_since)),
        )
        .await;
        for (Served { own, failure, unjudged }, name) in served.into_iter().zip(held_names) {
            results.extend(own);
            failures.extend(failure);
            if unjudged {
                failures.extend(Box::pin(self.attend_named(config, &name)).await.err());
            }
        }
        (results, failures)
    }

    /// The answer, or the failure that asks Lambda for another try.
    pub(crate) fn answer(
        &self,
        action: &str,
        event: &EventId,
        results: Vec<TargetResult>,
        failures: Vec<Failure>,
    ) -> Result<Value, Failure> {
        let answers = answers(&results);
        match results.into_iter().find_map(|result| result.passing) {
            Some(error) => Err(Failure { message: answer::failure(&error.to_string(), &answers), ..error.into() }),
            None => match failures.into_iter().next() {
                Some(failure) => Err(failure),
                None => Ok(answer::of_targets(action, event, &answers)),
            },
        }
    }
}

/// The pending input that a push is.
pub(crate) fn input_of(push: &Push) -> PendingInput {
    PendingInput {
        event: push.id.clone(),
        repository: Some(push.repository.to_string()),
        tag: Some(push.tag.clone()),
        at: push.at,
        trigger: Trigger::Push,
        who: None,
        reason: None,
    }
}

fn is_of<C: Cloud>(target: &Target, input: &PendingInput, call: &Call<'_, C>) -> bool {
    Some(target.repository.at(call.home).to_string()) == input.repository
}
