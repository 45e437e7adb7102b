//! Compares the registry with what runs, and the record with what ECS says: ECR's events are best effort, and a timer may be
//! lost.

use serde_json::{Value, json};
use slipway_core::config::{Config, Target};
use slipway_core::model::id::TargetName;
use slipway_core::model::record::PendingInput;
use slipway_core::model::timer::{Scheduled, chunk};
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::mechanism::{completed_after_all, may_complete_after_all};
use slipway_core::rules::request::Run;
use slipway_core::rules::unfinished::{is_unfinished, overdue};
use tracing::error;

use crate::cloud::{Cloud, Timer};
use crate::error::Error;
use crate::invocation::{Call, in_turn};
use crate::observe::Planner;
use crate::requests::Asked;
use crate::{store, timer};

/// So many services are reconciled in one invocation; more are spread over several.
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
    ) -> Result<Value, Error> {
        let who = asked.request.who.clone();
        let input = PendingInput::again(asked.event.clone(), Trigger::Reconcile, self.now()).by(who, None);
        if asked.request.run == Run::Dry {
            let targets: Vec<&Target> = services.iter().flat_map(|(_, entries)| entries.clone()).collect();
            return Ok(self.preview_input(config, "reconcile", &targets, &input).await);
        }
        let names: Vec<TargetName> = services.iter().map(|(name, _)| name.clone()).collect();
        if names.len() > AT_MOST {
            let chunks = self.fan_out(&names, asked).await?;
            return Ok(json!({ "action": "reconcile", "id": asked.event, "ok": true, "spread_over": chunks }));
        }
        let (results, mut errors) = self.serve(config, &names, &input).await;
        let checks = services.iter().map(|(name, entries)| self.check_deployments(config, name, entries[0]));
        for error in in_turn(checks).await.into_iter().filter_map(Result::err) {
            error!(%error, "a service's deployments could not be checked");
            errors.push(error);
        }
        self.answer("reconcile", asked.event, results, errors)
    }

    /// One level only: a chunk is small enough to be done at once. The same reconcile again makes no more of them.
    async fn fan_out(&self, names: &[TargetName], asked: &Asked<'_>) -> Result<usize, Error> {
        let at = self.now();
        let chunks: Vec<&[TargetName]> = names.chunks(CHUNK).collect();
        let made = in_turn(chunks.iter().enumerate().map(async |(number, names)| {
            let name = chunk(asked.event, number);
            let payload = Scheduled::Reconcile { targets: Some(names.to_vec()) }.payload();
            self.cloud().create_timer(&Timer { name, at, payload }).await
        }));
        made.await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(chunks.len())
    }

    /// Makes the timer of an open deployment again if it is lost; follows one whose end nobody observed or published.
    async fn check_deployments(&self, config: &Config, name: &TargetName, target: &Target) -> Result<(), Error> {
        let cloud = self.cloud();
        let record = store::read(cloud, name).await?.record;
        if !record.deployments.iter().any(is_unfinished) && may_complete_after_all(&record).is_none() {
            return Ok(());
        }
        let service = Planner::new(self).service(target).await?;
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
}
