//! Compares the registry with what runs, and the ledger with what ECS says: ECR's events are best effort, and so may be
//! a ring.

use crate::cloud::Cloud;
use crate::cloud::{Function, Timer};
use crate::error::Error;
use jiff::ToSpan;
use serde_json::{Value, json};
use slipway_core::answer;
use slipway_core::config::{Config, Target};
use slipway_core::deploy::{is_unfinished, overdue};
use slipway_core::id::TargetName;
use slipway_core::ledger::Wish;
use slipway_core::request::Run;
use slipway_core::schedule;
use slipway_core::trigger::Trigger;
use tracing::error;

use crate::act::Ending;
use crate::error::Failure;
use crate::invocation::{Call, answers, in_turn, log};
use crate::observe::Look;
use crate::plan::Sight;
use crate::requests::Asked;

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
        let wish = Wish::again(asked.event.clone(), Trigger::Reconcile, self.now()).by(who, None);
        if asked.request.run == Run::Dry {
            return Ok(self.if_reconciled(services, &wish).await);
        }
        let names: Vec<TargetName> = services.iter().map(|(name, _)| name.clone()).collect();
        if names.len() > AT_MOST {
            let chunks = self.fan_out(&names, asked).await?;
            return Ok(json!({ "action": "reconcile", "id": asked.event, "ok": true, "spread_over": chunks }));
        }
        let (endings, mut failures) = self.grant(config, &names, &wish, Sight::OfAReconcile).await;
        let looked = in_turn(services.iter().map(|(name, entries)| self.ring_what_is_overdue(name, entries[0]))).await;
        for error in looked.into_iter().filter_map(Result::err) {
            error!(%error, "a deadline could not be looked after");
            failures.push(error.into());
        }
        self.answer("reconcile", asked.event, endings, failures)
    }

    /// One level only: a chunk is small enough to be done at once. The same reconcile again arms nothing more.
    async fn fan_out(&self, names: &[TargetName], asked: &Asked<'_>) -> Result<usize, Error> {
        let at = self.now();
        let chunks: Vec<&[TargetName]> = names.chunks(CHUNK).collect();
        let armed = in_turn(chunks.iter().enumerate().map(async |(number, names)| {
            let name = schedule::chunk(asked.event, number);
            let payload = json!({ "action": "reconcile", "target": names });
            self.cloud().create_timer(&Timer { name, at, to: Function::Deploy, payload }).await
        }));
        armed.await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(chunks.len())
    }

    /// A deployment without an end: its deadline is armed if it lacks one, and rings now if there is an end that nobody
    /// saw, or that nobody was told of.
    async fn ring_what_is_overdue(&self, name: &TargetName, target: &Target) -> Result<(), Error> {
        let cloud = self.cloud();
        let record = cloud.read_record(name).await?.record;
        if !record.deployments.iter().any(is_unfinished) {
            return Ok(());
        }
        let service = Look::new(cloud).service(target).await?;
        for (number, due) in overdue(&record, service.as_ref(), self.now()) {
            let ring = schedule::Ring::Deadline(number);
            let payload = schedule::payload(ring, name);
            let ring = match due {
                Some(at) => Timer { name: schedule::name(ring, name), at, to: Function::Track, payload },
                None => {
                    let now = self.now().saturating_add(1.second()).unwrap_or(self.now());
                    Timer { name: schedule::name_again(ring, name, now), at: now, to: Function::Track, payload }
                }
            };
            cloud.create_timer(&ring).await?;
        }
        Ok(())
    }

    /// What a reconcile would do.
    async fn if_reconciled(&self, services: &[(TargetName, Vec<&Target>)], wish: &Wish) -> Value {
        let targets: Vec<&Target> = services.iter().flat_map(|(_, entries)| entries.clone()).collect();
        let look = Look::new(self.cloud());
        look.at_services(&targets).await;
        let work = targets.iter().map(async |target| {
            let plan = async {
                let record = self.cloud().read_record(&target.name).await?.record;
                self.if_wished(&look, target, record, wish, Sight::OfAReconcile).await
            };
            match plan.await {
                Ok(plan) => {
                    log(&wish.event, &plan);
                    Ending::of_plan(plan, Trigger::Reconcile, &wish.event)
                }
                Err(error) => {
                    let plan = slipway_core::plan::Plan::nothing(target.name.clone(), error.reason());
                    Ending::of_error(plan, error, Trigger::Reconcile, &wish.event)
                }
            }
        });
        answer::of_targets("reconcile", &wish.event, &answers(&in_turn(work).await))
    }
}
