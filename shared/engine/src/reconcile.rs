//! Compares the registry with what runs, and the record with what ECS says: ECR's events are best effort, and a timer may be
//! lost.

use serde_json::{Value, json};
use slipway_core::text::answer;

use slipway_core::config::{Config, Target};
use slipway_core::model::id::TargetName;
use slipway_core::model::record::PendingInput;
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::mechanism::{completed_after_all, may_complete_after_all};
use slipway_core::rules::request::Run;
use slipway_core::rules::unfinished::{is_unfinished, overdue};
use tracing::error;

use crate::cloud::{Cloud, Timer};
use crate::error::{Error, Failure};
use crate::invocation::{Call, answers, in_turn};
use crate::observe::Observations;
use crate::plan::AdoptedSince;
use crate::requests::Asked;
use crate::{store, timer};

/// So many services are looked at in one invocation; more are spread over several.
const AT_MOST: usize = 50;

/// So many services each of these gets.
const CHUNK: usize = 25;

impl<C: Cloud> Call<'_, C> {
    /// Reconciles these services, or spreads them over further invocations.
    pub(crate) async fn reconcile(
        &self,
        config: &Config,
        services: &[(TargetName, Vec<&Target>)],
        asked: &Asked<'_>,
    ) -> Result<Value, Failure> {
        let who = asked.request.who.clone();
        let input = PendingInput::again(asked.event.clone(), Trigger::Reconcile, self.now()).by(who, None);
        if asked.request.run == Run::Dry {
            return Ok(self.if_reconciled(services, &input).await);
        }
        let names: Vec<TargetName> = services.iter().map(|(name, _)| name.clone()).collect();
        if names.len() > AT_MOST {
            let chunks = self.fan_out(&names, asked).await?;
            return Ok(json!({ "action": "reconcile", "id": asked.event, "ok": true, "spread_over": chunks }));
        }
        let (results, mut failures) = self.grant(config, &names, &input, AdoptedSince::Now).await;
        let read =
            in_turn(services.iter().map(|(name, entries)| self.look_after_deployments(config, name, entries[0]))).await;
        for failure in read.into_iter().filter_map(Result::err) {
            error!(failure.message, "a deployment could not be looked after");
            failures.push(failure);
        }
        self.answer("reconcile", asked.event, results, failures)
    }

    /// One level only: a chunk is small enough to be done at once. The same reconcile again makes no more of them.
    async fn fan_out(&self, names: &[TargetName], asked: &Asked<'_>) -> Result<usize, Error> {
        let at = self.now();
        let chunks: Vec<&[TargetName]> = names.chunks(CHUNK).collect();
        let made = in_turn(chunks.iter().enumerate().map(async |(number, names)| {
            let name = slipway_core::model::timer::chunk(asked.event, number);
            let payload = json!({ "action": "reconcile", "target": names });
            self.cloud().create_timer(&Timer { name, at, payload }).await
        }));
        made.await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(chunks.len())
    }

    /// A deployment without an end: its timer is made again, should it have been lost; one that has an end that nobody saw, or
    /// that was not published, is followed now.
    async fn look_after_deployments(&self, config: &Config, name: &TargetName, target: &Target) -> Result<(), Failure> {
        let cloud = self.cloud();
        let record = store::read(cloud, name).await?.record;
        if !record.deployments.iter().any(is_unfinished) && may_complete_after_all(&record).is_none() {
            return Ok(());
        }
        let service = Observations::new(cloud).service(target).await?;
        let corrected = service.as_ref().and_then(|service| completed_after_all(&record, service)).is_some();
        let overdue = overdue(&record, service.as_ref(), self.now());
        for due in overdue.iter().filter_map(|(_, due)| *due) {
            timer::arm(cloud, name, due).await?;
        }
        if corrected || overdue.iter().any(|(_, due)| due.is_none()) {
            Box::pin(self.attend_named(config, name)).await?;
        }
        Ok(())
    }

    /// What a reconcile would do.
    async fn if_reconciled(&self, services: &[(TargetName, Vec<&Target>)], input: &PendingInput) -> Value {
        let targets: Vec<&Target> = services.iter().flat_map(|(_, entries)| entries.clone()).collect();
        let observations = Observations::new(self.cloud());
        observations.at_services(&targets).await;
        let work = targets.iter().map(async |target| {
            let plan = async {
                let record = store::read(self.cloud(), &target.name).await?.record;
                self.if_served(&observations, target, record, input, AdoptedSince::Now).await
            };
            self.planned(plan.await, target, Trigger::Reconcile, &input.event)
        });
        answer::of_targets("reconcile", &input.event, &answers(&in_turn(work).await))
    }
}
