//! Deployments that move by themselves: one step at a time, by what becomes of the images, and by chance.
//!
//! A test that moves a deployment by hand calls the same functions in another order (`acts`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use slipway_core::model::image::Digest;

use super::rollout::{NO_CANDIDATE, Verdict};
use super::{Context, Ecs, Failure, RollbackCause, Service};

/// ECS knows a stopped task for about so long.
const STOPPED_TASKS_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// The stages that a deployment goes through whose traffic is shifted.
const STAGES: [&str; 9] = [
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
];

/// What becomes of an image's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// They run.
    #[default]
    Works,
    /// They run, but each takes its time.
    WorksSlowly,
    /// They run, and an alarm goes off, if the service has one.
    SoundsAlarm,
    /// They stop by themselves.
    Crashes,
}

/// How the tasks of images behave, by their digests; the others work.
pub(crate) type Behaviors = BTreeMap<Digest, Behavior>;

/// What ECS has decided and does in its next step.
#[derive(Clone, Debug)]
pub(super) enum NextStep {
    /// It begins the rollback.
    Rollback(RollbackCause),
    /// It calls the deployment failed that it rolls back already.
    Failure(RollbackCause),
    /// It ends the service deployment of what it called failed, and leaves it at that.
    End(RollbackCause),
}

/// What becomes of a deployment's tasks.
pub(super) enum Outcome {
    Run,
    RunSlowly,
    SoundAlarm,
    Fail(Failure),
}

impl Ecs {
    /// Moves every service one step. The events of it are in the context.
    pub(crate) fn step(&mut self, context: &mut Context<'_>) {
        for service in self.clusters.values_mut().flat_map(|services| services.values_mut()) {
            service.step(context);
        }
    }

    /// Whether any service has a step to make.
    pub(crate) fn is_moving(&self) -> bool {
        self.clusters.values().flat_map(|services| services.values()).any(Service::is_moving)
    }
}

impl Service {
    /// Whether a deployment, a rollback or the answer to a stop request is under way.
    fn is_moving(&self) -> bool {
        let in_progress = self.deployments.first().is_some_and(|primary| primary.rollout == "IN_PROGRESS");
        in_progress || self.next_step.is_some() || self.asked_to_stop() || self.lacks_tasks()
    }

    /// One step of what is under way.
    pub(crate) fn step(&mut self, context: &mut Context<'_>) {
        self.forget_old_tasks(context.now);
        if self.status != "ACTIVE" || self.controller() != "ECS" {
            return;
        }
        self.remove_old(context);
        if self.asked_to_stop() {
            self.stop_as_requested(context);
        } else if let Some(next_step) = self.next_step.take() {
            self.take_next_step(context, &next_step);
        } else if self.is_moving() && context.chance.u8(0..4) > 0 {
            self.go_on(context);
        }
    }

    /// What was superseded or rolled back drains and is gone from the list.
    fn remove_old(&mut self, context: &mut Context<'_>) {
        let candidate = self.candidate().map(|index| self.deployments[index].id.clone());
        if self.deployments.len() > 1 && context.chance.bool() && self.next_step.is_none() {
            self.deployments.retain(|it| it.status == "PRIMARY" || Some(&it.id) == candidate.as_ref());
        }
    }

    /// Stopped tasks are known for a while.
    fn forget_old_tasks(&mut self, now: Timestamp) {
        let is_recent = |at: Timestamp| now.duration_since(at) < STOPPED_TASKS_KEPT;
        self.tasks.retain(|task| task.stopped.as_ref().is_none_or(|stopped| is_recent(stopped.at)));
    }

    fn asked_to_stop(&self) -> bool {
        let status = self.service_deployments.last().map(|current| current.status);
        matches!(status, Some("ROLLBACK_REQUESTED" | "STOP_REQUESTED"))
    }

    /// Does what StopServiceDeployment asked for.
    fn stop_as_requested(&mut self, context: &mut Context<'_>) {
        let cause = RollbackCause::StopRequest;
        self.next_step = None;
        let aborted = self.service_deployments.last().is_some_and(|current| current.status == "STOP_REQUESTED");
        let (status, reason) = match self.candidate() {
            Some(_) if !aborted => {
                // There is a candidate, so nothing is refused.
                let _ = self.roll_back(context, &cause);
                return;
            }
            None if !aborted => ("ROLLBACK_FAILED", NO_CANDIDATE),
            _ => ("STOPPED", cause.stopped()),
        };
        let _ = self.call_failed(context, &cause);
        self.end_last(status, context.now, reason);
    }

    fn take_next_step(&mut self, context: &mut Context<'_>, next_step: &NextStep) {
        // Each is refused only where an update came between, and there is nothing to do any more.
        let _ = match next_step {
            NextStep::Rollback(cause) => self.roll_back(context, cause),
            NextStep::Failure(cause) if self.failing_is_listed() => self.call_failed(context, cause),
            NextStep::Failure(_) => Ok(()),
            NextStep::End(cause) => {
                self.end_last("STOPPED", context.now, cause.stopped());
                Ok(())
            }
        };
    }

    /// Whether the deployment that is rolled back is still in the list, and not called failed yet.
    fn failing_is_listed(&self) -> bool {
        let Some(current) = self.service_deployments.last() else { return false };
        self.deployments.iter().any(|it| it.id == current.deployment && it.rollout != "FAILED")
    }

    fn go_on(&mut self, context: &mut Context<'_>) {
        match self.time_out(context.now) {
            Some(true) => return self.decide(context, &Failure::FailsHook),
            Some(false) => {}
            None if self.service_deployments.last().is_some_and(|it| it.waits_at().is_some()) => return,
            None => {}
        }
        // A deployment without tasks has nothing to wait for.
        let revision = self.deployments[0].revision;
        let outcome = if self.desired == 0 { Outcome::Run } else { self.outcome(context, revision) };
        if self.lacks_tasks() {
            return self.run_in_the_background(context, &outcome);
        }
        if self.shifts_traffic() && !self.is_rolling_back() {
            self.shift(context, &outcome);
        } else {
            self.roll(context, &outcome);
        }
    }

    /// A rolling deployment, or a rollback: its tasks start, or stop by themselves.
    fn roll(&mut self, context: &mut Context<'_>, outcome: &Outcome) {
        match outcome {
            Outcome::Fail(failure) => self.lose(context, failure),
            Outcome::SoundAlarm if self.may_sound_alarm() => self.decide(context, &alarm()),
            Outcome::Run | Outcome::SoundAlarm => self.win(context),
            Outcome::RunSlowly => {
                let primary = &mut self.deployments[0];
                if primary.running >= primary.desired && primary.pending == 0 {
                    self.win(context);
                } else {
                    primary.running = (primary.running + 1).min(primary.desired);
                    primary.pending = primary.desired - primary.running;
                    primary.updated_at = context.now;
                }
            }
        }
    }

    /// A blue/green, linear or canary deployment: it goes from stage to stage, and bakes for as long as it is set to.
    fn shift(&mut self, context: &mut Context<'_>, outcome: &Outcome) {
        let Some(current) = self.service_deployments.last() else { return };
        let stage = current.stage.as_deref().unwrap_or(STAGES[0]);
        let at = STAGES.iter().position(|known| *known == stage).unwrap_or_default();
        let since = current.updated_at;
        match outcome {
            Outcome::Fail(failure) if at <= 1 => {
                if at == 0 {
                    let _ = self.reach(context.now, STAGES[1]);
                }
                return self.lose(context, failure);
            }
            // Once the traffic has shifted, ECS replaces what stops.
            Outcome::SoundAlarm if stage == "BAKE_TIME" && self.may_sound_alarm() => {
                return self.decide(context, &alarm());
            }
            Outcome::RunSlowly if context.chance.bool() => return,
            _ => {}
        }
        let baked = stage != "BAKE_TIME" || context.now.duration_since(since) >= self.bake_time();
        if stage == "CLEAN_UP" {
            self.win(context);
        } else if baked {
            let next = (at + context.chance.usize(1..=2)).min(if at < 7 { 7 } else { 8 });
            let _ = self.reach(context.now, STAGES[next]);
            self.pause_as_configured(context);
        }
    }

    fn win(&mut self, context: &mut Context<'_>) {
        let early = self.is_on("/earlySuccessCriteria/enable") && !self.is_rolling_back() && self.desired > 1;
        // Something is under way, so nothing is refused.
        let _ = match early && context.chance.bool() {
            true => self.complete_early(context, self.desired - 1),
            false => self.complete(context),
        };
    }

    /// What completed early still starts its last tasks, or loses some. Nobody but Slipway decides about that.
    fn run_in_the_background(&mut self, context: &mut Context<'_>, outcome: &Outcome) {
        match outcome {
            Outcome::Fail(failure) => self.lose_tasks(context, failure, 1),
            // It lacks tasks, so nothing is refused.
            Outcome::Run | Outcome::RunSlowly | Outcome::SoundAlarm => drop(self.run_more(context, 1)),
        }
    }

    /// A task stops by itself, or several do; the circuit breaker counts.
    fn lose(&mut self, context: &mut Context<'_>, failure: &Failure) {
        let most = usize::try_from(self.desired.clamp(1, 3)).unwrap_or(1);
        let count = context.chance.usize(1..=most);
        self.lose_tasks(context, failure, count);
        if self.deployments[0].failed >= self.threshold() {
            self.decide(context, failure);
        }
    }

    /// ECS decides about a deployment that went wrong. It calls it failed and rolls back at once, in two steps, or, rarely,
    /// the other way round.
    fn decide(&mut self, context: &mut Context<'_>, failure: &Failure) {
        let Some(Verdict { rolls_back, cause }) = self.verdict(failure) else { return };
        if let Failure::SoundsAlarm { name } = failure {
            self.trigger_alarm(name);
        }
        let goes_back = rolls_back && !self.is_rolling_back() && self.candidate().is_some();
        if goes_back && context.chance.u8(0..16) == 0 {
            let _ = self.roll_back(context, &cause);
            self.next_step = Some(NextStep::Failure(cause));
            return;
        }
        let _ = self.call_failed_or_rollback(context, &cause);
        if !rolls_back && !self.is_rolling_back() && context.chance.bool() {
            self.next_step = Some(NextStep::End(cause));
            return;
        }
        if !self.goes_back(context, &Verdict { rolls_back, cause: cause.clone() }) {
            return;
        }
        if context.chance.bool() {
            let _ = self.roll_back(context, &cause);
        } else {
            self.next_step = Some(NextStep::Rollback(cause));
        }
    }

    /// Alarms watch a deployment, not a rollback.
    fn may_sound_alarm(&self) -> bool {
        !self.is_rolling_back() && self.verdict(&alarm()).is_some()
    }

    fn bake_time(&self) -> SignedDuration {
        SignedDuration::from_mins(self.bake_minutes().map(i64::from).unwrap_or_default())
    }

    /// How long it bakes, if it is set to.
    pub(super) fn bake_minutes(&self) -> Option<i32> {
        self.configured("/bakeTimeInMinutes").and_then(Value::as_i64)?.try_into().ok()
    }

    /// The worst of what becomes of the containers' images of a revision, by its place in the list.
    pub(super) fn outcome(&self, context: &mut Context<'_>, revision: usize) -> Outcome {
        let mut outcome = Outcome::Run;
        for ran in &self.revisions[revision].images {
            if !context.registries.can_be_pulled(ran) {
                return Outcome::Fail(Failure::CannotBePulled);
            }
            let behavior =
                ran.digest.as_ref().and_then(|digest| context.behaviors.get(digest)).copied().unwrap_or_default();
            match (behavior, &outcome) {
                (Behavior::Crashes, _) => {
                    let causes = [Failure::Exits { code: 1 }, Failure::RunsOutOfMemory, Failure::IsUnhealthy];
                    let [first, second, third] = causes;
                    return Outcome::Fail(match context.chance.u8(0..4) {
                        0 => second,
                        1 => third,
                        _ => first,
                    });
                }
                (Behavior::SoundsAlarm, _) => outcome = Outcome::SoundAlarm,
                (Behavior::WorksSlowly, Outcome::Run) => outcome = Outcome::RunSlowly,
                (Behavior::Works | Behavior::WorksSlowly, _) => {}
            }
        }
        outcome
    }
}

fn alarm() -> Failure {
    Failure::SoundsAlarm { name: "too-many-errors".to_owned() }
}
