//! How deployments begin, complete, fail and are rolled back, whether a test moves them or they move by themselves.
//!
//! The words are `failure`'s; `FIDELITY.md` says where the states and their order are known from.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use slipway_core::model::facts::RanImage;
use slipway_core::model::image::Digest;

use super::{
    Context, Deployment, Failure, Rollback, RollbackCause, Service, ServiceDeployment, ServiceRevision, tasks,
};
use crate::events::envelope;
use crate::identity;
use crate::refusal::{Members, Refusal, objects, text};
use crate::time::milliseconds;

/// How long ECS takes from calling a deployment failed to beginning the rollback.
pub const ROLLBACK_DELAY: Duration = Duration::from_secs(2);

/// What ECS says where it cannot roll back.
pub(super) const NO_CANDIDATE: &str = "No rollback candidate was found to run the rollback.";

/// The stages in which all production traffic goes to the new tasks.
const SHIFTED: [&str; 3] = ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"];

/// What ECS decides about a deployment that goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) rolls_back: bool,
    pub(super) cause: RollbackCause,
}

impl Service {
    /// A new deployment becomes the PRIMARY; the one before goes on until the new one has won.
    pub(super) fn begin(&mut self, context: &mut Context<'_>, task_definition: &str, definition: &Members) {
        let path = format!("{}/{}", self.cluster, self.name);
        let ordinal = self.service_deployments.len();
        // One number for the deployment and for the service revision that it brings about.
        let number = identity::nineteen_digits(&format!("service revision {path}"), ordinal);
        let id = format!("ecs-svc/{number}");
        let source = self.deployments.first().map(|before| before.revision);
        self.next_step = None;
        for before in &mut self.deployments {
            before.status = "ACTIVE";
            before.updated_at = context.now;
        }
        for before in self.service_deployments.iter_mut().filter(|before| before.is_under_way()) {
            before.end("STOPPED", context.now, "Service deployment was superseded by a newer service deployment.");
        }
        let revision = self.revise(context, number, task_definition, definition);
        self.task_definition = task_definition.to_owned();
        self.deployments.insert(
            0,
            Deployment {
                id: id.clone(),
                status: "PRIMARY",
                task_definition: task_definition.to_owned(),
                revision,
                created_at: context.now,
                updated_at: context.now,
                desired: self.desired,
                running: 0,
                pending: self.desired,
                failed: 0,
                rollout: "IN_PROGRESS",
                reason: format!("ECS deployment {id} in progress."),
            },
        );
        let deployment_id = identity::service_deployment_id(&format!("service deployment {path}"), ordinal);
        let listed_from = context.listed_from();
        self.service_deployments.push(ServiceDeployment {
            arn: context.place.arn("ecs", &format!("service-deployment/{path}/{deployment_id}")),
            deployment: id,
            target: revision,
            source,
            status: "IN_PROGRESS",
            reason: None,
            stage: self.shifts_traffic().then(|| "PRE_SCALE_UP".to_owned()),
            traffic: self.shifts_traffic().then_some(0),
            pause: None,
            function_failed: false,
            created_at: context.now,
            listed_from,
            updated_at: context.now,
            finished_at: None,
            rollback: None,
            failures: 0,
            triggered_alarms: Vec::new(),
        });
        self.log(context.now, &format!("has started {} tasks.", self.desired));
        let event = self.event(context, 0, "SERVICE_DEPLOYMENT_IN_PROGRESS");
        context.events.push(event);
    }

    /// The PRIMARY has won: its tasks run, the others are gone.
    pub(crate) fn complete(&mut self, context: &mut Context<'_>) -> Result<(), Refusal> {
        self.under_way()?;
        let desired = self.desired;
        self.deployments.truncate(1);
        let primary = &mut self.deployments[0];
        primary.rollout = "COMPLETED";
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated_at = context.now;
        primary.desired = desired;
        primary.running = desired;
        primary.pending = 0;
        primary.failed = 0;
        let id = primary.id.clone();
        if let Some(current) = self.service_deployments.iter_mut().rfind(|current| current.is_under_way()) {
            match current.status {
                "ROLLBACK_IN_PROGRESS" => {
                    let reason = current.reason.clone().unwrap_or_default();
                    current.end("ROLLBACK_SUCCESSFUL", context.now, &reason);
                }
                _ => {
                    current.end("SUCCESSFUL", context.now, "");
                    current.reason = None;
                }
            }
            if current.stage.is_some() {
                current.stage = Some("CLEAN_UP".to_owned());
            }
        }
        self.run_tasks(context);
        self.log(context.now, &format!("(deployment {id}) deployment completed."));
        self.log(context.now, "has reached a steady state.");
        let event = self.event(context, 0, "SERVICE_DEPLOYMENT_COMPLETED");
        context.events.push(event);
        Ok(())
    }

    /// ECS calls the PRIMARY completed by the early success criteria, with so many of its tasks running: the others still
    /// start, and the old tasks drain or are gone. Neither circuit breaker nor alarms act on it from now on.
    pub(crate) fn complete_early(&mut self, context: &mut Context<'_>, running: i64) -> Result<(), Refusal> {
        self.under_way()?;
        if !self.is_on("/earlySuccessCriteria/enable") || self.shifts_traffic() {
            return Err(Refusal::invalid("The service has no early success criteria."));
        }
        let drain_later = self.is_deferred();
        let old: Vec<Deployment> = self.deployments.drain(1..).filter(|_| drain_later).collect();
        let tasks = std::mem::take(&mut self.tasks);
        self.complete(context)?;
        self.tasks = tasks;
        self.deployments.extend(old.into_iter().filter(|it| it.rollout == "COMPLETED"));
        let primary = &mut self.deployments[0];
        primary.running = running.min(primary.desired);
        primary.pending = primary.desired - primary.running;
        Ok(())
    }

    /// Whether old tasks drain only after the early success.
    fn is_deferred(&self) -> bool {
        let cleanup = self.configured("/earlySuccessCriteria/sourceServiceRevisionCleanup");
        cleanup.and_then(Value::as_str) == Some("DEFERRED")
    }

    /// Whether the PRIMARY completed early, and not all its tasks run.
    pub(super) fn lacks_tasks(&self) -> bool {
        let early = self.is_on("/earlySuccessCriteria/enable");
        let lacks = |primary: &Deployment| primary.rollout == "COMPLETED" && primary.running < primary.desired;
        early && self.deployments.first().is_some_and(lacks)
    }

    /// So many more tasks run, of a deployment in progress or of what completed early; ECS sends no event of that.
    pub(crate) fn run_more(&mut self, context: &mut Context<'_>, count: i64) -> Result<(), Refusal> {
        let completed_early = self.lacks_tasks();
        if !completed_early {
            self.under_way()?;
        }
        let primary = &mut self.deployments[0];
        primary.running = (primary.running + count).min(primary.desired);
        primary.pending = primary.desired - primary.running;
        primary.updated_at = context.now;
        if !completed_early {
            return Ok(());
        }
        primary.failed = 0;
        if primary.pending == 0 {
            self.deployments.truncate(1);
            self.run_tasks(context);
        }
        Ok(())
    }

    /// The PRIMARY's tasks fail, or an alarm or hook does. What ECS does about it follows from its configuration:
    /// with neither circuit breaker nor alarms nothing but a growing count.
    pub(crate) fn fail(&mut self, context: &mut Context<'_>, failure: &Failure) -> Result<(), Refusal> {
        self.under_way()?;
        let threshold = self.threshold();
        let by_tasks = !matches!(failure, Failure::SoundsAlarm { .. } | Failure::FailsHook);
        assert!(failure.counts() || !by_tasks, "{failure:?} fails no deployment");
        if by_tasks {
            let count = usize::try_from(threshold).unwrap_or_default();
            let starter = self.deployments[0].starter();
            let mut events = self.stop_tasks(context, &starter, failure, count);
            context.tasks.append(&mut events);
            let primary = &mut self.deployments[0];
            primary.failed += threshold;
            primary.pending = 0;
            primary.running = 0;
            primary.updated_at = context.now;
        }
        if let Some(current) = self.service_deployments.last_mut()
            && by_tasks
        {
            current.failures += threshold;
        }
        if let Failure::SoundsAlarm { name } = failure {
            self.trigger_alarm(name);
        }
        if *failure == Failure::FailsHook {
            self.fail_function();
        }
        let Some(verdict) = self.verdict(failure) else { return Ok(()) };
        self.call_failed_or_rollback(context, &verdict.cause)?;
        if self.goes_back(context, &verdict) {
            context.now = context.now.saturating_add(SignedDuration::from_secs(2)).unwrap_or(context.now);
            self.roll_back(context, &verdict.cause)?;
        }
        Ok(())
    }

    /// An alarm of the service is triggered.
    pub(crate) fn trigger_alarm(&mut self, name: &str) {
        if let Some(current) = self.service_deployments.last_mut() {
            current.triggered_alarms.push(name.to_owned());
        }
    }

    /// The function of a lifecycle hook fails.
    pub(crate) fn fail_function(&mut self) {
        if let Some(current) = self.service_deployments.last_mut() {
            current.function_failed = true;
        }
    }

    /// What ECS decides about a deployment that goes wrong so; nothing where neither circuit breaker, alarm nor hook
    /// watches.
    pub(super) fn verdict(&self, failure: &Failure) -> Option<Verdict> {
        let (watched, rolls_back, cause) = match failure {
            Failure::SoundsAlarm { .. } => {
                (self.is_on("/alarms/enable"), self.is_on("/alarms/rollback"), RollbackCause::Alarm)
            }
            Failure::FailsHook => (self.shifts_traffic(), self.shifts_traffic(), RollbackCause::Hook),
            _ => (
                self.is_on("/deploymentCircuitBreaker/enable"),
                self.is_on("/deploymentCircuitBreaker/rollback"),
                RollbackCause::CircuitBreaker,
            ),
        };
        watched.then_some(Verdict { rolls_back, cause })
    }

    /// ECS calls the deployment failed that it brings about; during a rollback that is the old one.
    pub(super) fn call_failed_or_rollback(
        &mut self,
        context: &mut Context<'_>,
        cause: &RollbackCause,
    ) -> Result<(), Refusal> {
        if !self.is_rolling_back() {
            return self.call_failed(context, cause);
        }
        self.call_failed_at(context, 0, cause);
        Ok(())
    }

    /// Whether a deployment that was called failed is rolled back; where it isn't, its service deployment ends.
    pub(super) fn goes_back(&mut self, context: &Context<'_>, verdict: &Verdict) -> bool {
        if self.is_rolling_back() {
            self.end_last("ROLLBACK_FAILED", context.now, "The rollback failed.");
        } else if !verdict.rolls_back {
            self.end_last("STOPPED", context.now, verdict.cause.stopped());
        } else if self.candidate().is_none() {
            self.end_last("ROLLBACK_FAILED", context.now, NO_CANDIDATE);
        } else {
            return true;
        }
        false
    }

    /// ECS calls the deployment failed that the last service deployment began: one half of a failure.
    pub(crate) fn call_failed(&mut self, context: &mut Context<'_>, cause: &RollbackCause) -> Result<(), Refusal> {
        let failing = self.service_deployments.last().map(|current| current.deployment.clone()).unwrap_or_default();
        // A rollback that fails is the old deployment, which is the PRIMARY again.
        let failed_already = |deployment: &Deployment| deployment.rollout == "FAILED";
        let index =
            self.deployments.iter().position(|deployment| deployment.id == failing && !failed_already(deployment));
        let index =
            index.or_else(|| self.deployments.iter().position(|deployment| deployment.rollout == "IN_PROGRESS"));
        let index = index.ok_or_else(|| Refusal::invalid("No deployment is under way that could fail."))?;
        self.call_failed_at(context, index, cause);
        Ok(())
    }

    /// ECS calls this deployment failed.
    fn call_failed_at(&mut self, context: &mut Context<'_>, index: usize, cause: &RollbackCause) {
        let deployment = &mut self.deployments[index];
        deployment.rollout = "FAILED";
        deployment.reason = cause.failed().to_owned();
        deployment.updated_at = context.now;
        deployment.pending = 0;
        let id = deployment.id.clone();
        self.log(context.now, &format!("(deployment {id}) deployment failed: {}", cause.logged()));
        let event = self.event(context, index, "SERVICE_DEPLOYMENT_FAILED");
        context.events.push(event);
    }

    /// The last completed deployment becomes the PRIMARY again, with its old id: the other half of a failure.
    pub(crate) fn roll_back(&mut self, context: &mut Context<'_>, cause: &RollbackCause) -> Result<(), Refusal> {
        let index =
            self.candidate().ok_or_else(|| Refusal::invalid("There is no completed deployment to go back to."))?;
        for failed in &mut self.deployments {
            failed.status = "ACTIVE";
            failed.desired = 0;
            failed.running = 0;
            failed.pending = 0;
        }
        let mut old = self.deployments.remove(index);
        old.status = "PRIMARY";
        old.rollout = "IN_PROGRESS";
        old.reason = cause.rolling_back(&old.id);
        old.updated_at = context.now;
        old.desired = self.desired;
        old.running = self.desired;
        self.task_definition.clone_from(&old.task_definition);
        let (id, revision) = (old.id.clone(), old.revision);
        self.deployments.insert(0, old);
        if let Some(current) = self.service_deployments.last_mut() {
            current.status = "ROLLBACK_IN_PROGRESS";
            current.reason = Some(cause.ended().to_owned());
            current.updated_at = context.now;
            current.rollback = Some(Rollback { reason: cause.ended(), at: context.now, revision });
        }
        self.log(context.now, &format!("rolling back to deployment {id}."));
        let event = self.event(context, 0, "SERVICE_DEPLOYMENT_IN_PROGRESS");
        context.events.push(event);
        Ok(())
    }

    /// Has so many percent of the production traffic.
    pub(crate) fn weigh(&mut self, percent: u8) {
        if let Some(current) = self.service_deployments.last_mut() {
            current.traffic = Some(percent);
        }
    }

    /// Moves a blue/green, linear or canary deployment to a lifecycle stage.
    pub(crate) fn reach(&mut self, now: Timestamp, stage: &str) -> Result<(), Refusal> {
        self.under_way()?;
        if !self.shifts_traffic() {
            return Err(Refusal::invalid("A rolling deployment has no lifecycle stages."));
        }
        if let Some(current) = self.service_deployments.last_mut() {
            current.stage = Some(stage.to_owned());
            current.traffic = Some(if SHIFTED.contains(&stage) { 100 } else { 0 });
            current.pause = None;
            current.updated_at = now;
        }
        if !matches!(stage, "RECONCILE_SERVICE" | "PRE_SCALE_UP" | "SCALE_UP") {
            let primary = &mut self.deployments[0];
            primary.running = primary.desired;
            primary.pending = 0;
        }
        Ok(())
    }

    /// Wants another number of tasks, which is no deployment.
    pub(super) fn scale(&mut self, desired: i64) {
        self.desired = desired;
        self.scale_task_sets(desired);
        if let Some(primary) = self.deployments.first_mut() {
            primary.desired = desired;
            if primary.rollout == "COMPLETED" {
                primary.running = desired;
            } else {
                primary.pending = (desired - primary.running).max(0);
            }
        }
    }

    /// The service deployment under way.
    pub(super) fn current_service_deployment(&self) -> Option<&ServiceDeployment> {
        self.service_deployments.last().filter(|current| current.is_under_way())
    }

    /// ECS's threshold for its circuit breaker: half the desired count, at least 3 and at most 200.
    pub(super) fn threshold(&self) -> i64 {
        ((self.desired + 1) / 2).clamp(3, 200)
    }

    /// Whether a strategy is set that shifts traffic: `BLUE_GREEN`, `LINEAR` or `CANARY`.
    pub(super) fn shifts_traffic(&self) -> bool {
        self.configured("/strategy").and_then(Value::as_str).is_some_and(|strategy| strategy != "ROLLING")
    }

    /// Whether ECS rolls back to what completed before.
    pub(super) fn is_rolling_back(&self) -> bool {
        self.service_deployments.last().is_some_and(|current| current.status == "ROLLBACK_IN_PROGRESS")
    }

    /// Whether the deployment configuration says yes to this, by JSON pointer.
    pub(super) fn is_on(&self, pointer: &str) -> bool {
        self.configured(pointer).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn under_way(&self) -> Result<(), Refusal> {
        match self.deployments.first() {
            Some(primary) if primary.rollout == "IN_PROGRESS" => Ok(()),
            _ => Err(Refusal::invalid(format!("No deployment of {}/{} is under way.", self.cluster, self.name))),
        }
    }

    /// The deployment that a rollback goes back to.
    pub(super) fn candidate(&self) -> Option<usize> {
        self.deployments.iter().position(|deployment| deployment.rollout == "COMPLETED")
    }

    /// Ends the last service deployment.
    pub(super) fn end_last(&mut self, status: &'static str, now: Timestamp, reason: &str) {
        if let Some(current) = self.service_deployments.last_mut() {
            current.end(status, now, reason);
        }
    }

    pub(super) fn revise(
        &mut self,
        context: &Context<'_>,
        number: u64,
        task_definition: &str,
        definition: &Members,
    ) -> usize {
        let path = format!("service-revision/{}/{}/{number}", self.cluster, self.name);
        let images = objects(definition, "containerDefinitions").into_iter().map(|container| {
            let image = text(container, "image").unwrap_or_default();
            RanImage {
                container: text(container, "name").unwrap_or_default().to_owned(),
                image: image.to_owned(),
                digest: resolve(context, image).as_deref().and_then(Digest::parse),
            }
        });
        self.revisions.push(ServiceRevision {
            arn: context.place.arn("ecs", &path),
            task_definition: task_definition.to_owned(),
            images: images.collect(),
            logs: objects(definition, "containerDefinitions").into_iter().map(tasks::log_of).collect(),
            created_at: context.now,
        });
        self.revisions.len() - 1
    }

    fn event(&self, context: &Context<'_>, index: usize, name: &str) -> Value {
        let deployment = &self.deployments[index];
        let kind = if name == "SERVICE_DEPLOYMENT_FAILED" { "ERROR" } else { "INFO" };
        let detail = json!({
            "eventType": kind,
            "eventName": name,
            "clusterArn": self.cluster_arn(context.place),
            "deploymentId": deployment.id,
            "updatedAt": milliseconds(deployment.updated_at),
            "reason": deployment.reason,
        });
        envelope_of(context, "ECS Deployment State Change", &self.arn(context.place), detail)
    }
}

/// An event of ECS about one service.
pub(super) fn envelope_of(context: &Context<'_>, kind: &str, service: &str, detail: Value) -> Value {
    envelope(context.place, context.now, "aws.ecs", kind, &[service], detail)
}

impl ServiceDeployment {
    /// Whether it has not ended yet.
    pub(super) fn is_under_way(&self) -> bool {
        self.finished_at.is_none()
    }

    fn end(&mut self, status: &'static str, now: Timestamp, reason: &str) {
        self.status = status;
        self.reason = Some(reason.to_owned());
        self.finished_at = Some(now);
        self.updated_at = now;
    }
}

/// The digest that ECS resolves an image to when a deployment begins; none if its registry doesn't have the tag.
fn resolve(context: &Context<'_>, image: &str) -> Option<String> {
    if let Some((_, digest)) = image.split_once('@') {
        return Some(digest.to_owned());
    }
    match context.registries.resolve(image) {
        Some(resolved) => resolved.map(str::to_owned),
        // Somebody else's registry always has it.
        None => Some(identity::digest(image.as_bytes())),
    }
}
