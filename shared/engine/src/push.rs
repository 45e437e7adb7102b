//! What comes automatically, a push or the reconcile, for many services at once: they share what is observed.

use futures_util::future::join;
use serde_json::Value;
use slipway_core::config::{Config, Target};
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::{EventId, TargetName};
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::PendingInput;
use slipway_core::model::trigger::Trigger;
use slipway_core::text::answer;
use tracing::info;

use crate::act::TargetResult;
use crate::choose::cause_of;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::input::Push;
use crate::invocation::{Call, answers, in_turn};
use crate::lease::{HeldLease, Purpose};
use crate::observe::Planner;
use crate::plan::refuses;
use crate::serve::{Served, Session};

impl<C: Cloud> Call<'_, C> {
    /// Deploys a pushed image to every target whose policy admits its tag, each under its service's lease.
    pub(crate) async fn push(&self, config: &Config, push: &Push) -> Result<Value, Error> {
        let input = input_of(push);
        let targets = config.of_repository(&push.repository, self.home);
        if targets.is_empty() {
            return Ok(self.nobodys("push", config, push));
        }
        let (mut results, mut names): (Vec<TargetResult>, Vec<TargetName>) = (Vec::new(), Vec::new());
        for target in targets {
            match refuses(target, &push.tag) {
                None => names.push(target.name.clone()),
                Some(plan) => results.push(TargetResult::planned(plan, &cause_of(&input))),
            }
        }
        let (served, errors) = self.serve(config, &names, &input).await;
        results.extend(served);
        self.answer("push", &push.id, results, errors)
    }

    /// The answer to a push to a repository that no target has. Of another account's events only those count whose repository
    /// the document names with that account, and of another region's likewise.
    pub(crate) fn nobodys(&self, action: &str, config: &Config, push: &Push) -> Value {
        let namesakes = config.namesakes(&push.repository, self.home);
        let answer = answer::of_no_target(action, &push.id, &push.repository, &namesakes);
        let why = answer["ignored"].as_str().unwrap_or_default();
        info!(event.id = %push.id, ecr.repository = %push.repository, "ignored: {why}");
        answer
    }

    /// Takes the services' leases, and serves the input where it got one; where it didn't, the holder will.
    pub(crate) async fn serve(
        &self,
        config: &Config,
        names: &[TargetName],
        input: &PendingInput,
    ) -> (Vec<TargetResult>, Vec<Error>) {
        let cause = cause_of(input);
        let (mut results, mut errors, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let taken = in_turn(names.iter().map(|name| HeldLease::take(self, name, Purpose::Input(input)))).await;
        for (name, taken) in names.iter().zip(taken) {
            match taken {
                Ok(Ok(lease)) => held.push(Session::new(self, lease, config.of_name(name))),
                Ok(Err(busy)) => {
                    let plan = Plan::nothing(name.clone(), Reason::Busy { until: busy.until });
                    results.push(TargetResult::planned(plan, &cause));
                }
                Err(error) => results.push(TargetResult::failed(name, error, &cause)),
            }
        }
        let planner = Planner::new(self);
        let targets: Vec<&Target> = held.iter().flat_map(|session| session.entries.clone()).collect();
        let image = async {
            if let (Some(tag), Some(target)) = (&input.tag, targets.iter().find(|it| self.is_about(input, it))) {
                // Kept for every target that needs it afterwards.
                let _ = planner.image(&target.repository.at(self.home), &ImageName::Tag(tag.clone())).await;
            }
        };
        join(planner.read_services(&targets), image).await;
        let held_names: Vec<TargetName> = held.iter().map(|session| session.lease.target.clone()).collect();
        let served = in_turn(held.into_iter().map(|session| session.serve_all(&planner, vec![input.clone()]))).await;
        for (Served { own, error, unjudged }, name) in served.into_iter().zip(held_names) {
            results.extend(own);
            errors.extend(error);
            if unjudged {
                errors.extend(Box::pin(self.attend_named(config, &name)).await.err());
            }
        }
        (results, errors)
    }

    /// Whether an input is about this entry of the configuration: about its repository, or about everything.
    pub(crate) fn is_about(&self, input: &PendingInput, target: &Target) -> bool {
        input.repository.as_ref().is_none_or(|uri| *uri == target.repository.at(self.home).to_string())
    }

    /// The answer, or the error that asks Lambda for another try.
    pub(crate) fn answer(
        &self,
        action: &str,
        event: &EventId,
        results: Vec<TargetResult>,
        errors: Vec<Error>,
    ) -> Result<Value, Error> {
        let answers = answers(&results);
        let passing = results.into_iter().find_map(|result| result.passing);
        let passing = passing.map(|error| error.adding(&answer::failure(&answers)));
        match passing.or(errors.into_iter().next()) {
            Some(error) => Err(error),
            None => Ok(answer::of_targets(action, event, &answers)),
        }
    }
}

pub(crate) fn input_of(push: &Push) -> PendingInput {
    PendingInput {
        repository: Some(push.repository.to_string()),
        tag: Some(push.tag.clone()),
        ..PendingInput::again(push.id.clone(), Trigger::Push, push.at)
    }
}
