//! Pause hooks of blue/green, linear and canary deployments: a deployment waits until somebody answers, or its time is up.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::model::facts::{Hook, HookWaitsFor, OnTimeout, Pause};

use super::rollout::envelope_of;
use super::{Context, Ecs, Service, ServiceDeployment, service_deployments};
use crate::identity;
use crate::refusal::{Answer, Members, Refusal, text};
use crate::time::epoch_seconds;

/// A pause hook without a time-out waits for so many minutes; that it is a day is assumed.
const DEFAULT_TIMEOUT: u64 = 24 * 60;

/// A pause hook that a deployment has reached.
#[derive(Clone, Debug)]
pub(super) struct PauseHook {
    id: String,
    until: Timestamp,
    /// Whether it rolls back when its time is up; else it goes on.
    rolls_back: bool,
    state: PauseState,
}

/// How a pause hook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PauseState {
    AwaitsAction,
    Answered,
    TimedOut,
}

impl PauseHook {
    fn described(&self) -> Value {
        let status = match self.state {
            PauseState::AwaitsAction => "AWAITING_ACTION",
            PauseState::Answered => "SUCCEEDED",
            PauseState::TimedOut => "TIMED_OUT",
        };
        json!({
            "hookId": self.id,
            "targetType": "PAUSE",
            "status": status,
            "expiresAt": epoch_seconds(self.until),
            "timeoutAction": if self.rolls_back { "ROLLBACK" } else { "CONTINUE" },
        })
    }

    fn facts(&self) -> Hook {
        Hook {
            id: self.id.clone(),
            waits_for: HookWaitsFor::Person,
            until: Some(self.until),
            then: if self.rolls_back { OnTimeout::RollsBack } else { OnTimeout::GoesOn },
        }
    }
}

impl ServiceDeployment {
    /// The hook that it waits at.
    pub(super) fn waits_at(&self) -> Option<&PauseHook> {
        self.pause.as_ref().filter(|it| it.state == PauseState::AwaitsAction)
    }

    /// Its `lifecycleHookDetails`.
    pub(super) fn hooks(&self) -> Option<Value> {
        let failed = self.function_failed.then(|| {
            let function = "arn:aws:lambda:eu-west-1:123456789012:function:check-web";
            json!({ "hookId": "ecs-hook-1", "targetType": "AWS_LAMBDA", "targetArn": function, "status": "FAILED" })
        });
        let hooks: Vec<Value> = self.pause.iter().map(PauseHook::described).chain(failed).collect();
        (!hooks.is_empty()).then(|| json!(hooks))
    }

    pub(super) fn pause_facts(&self) -> Pause {
        self.waits_at().map_or(Pause::No, |it| Pause::Hook(it.facts()))
    }

    /// Whom a hook waited for, if it rolls back for it.
    pub(super) fn failed_hook(&self) -> Option<HookWaitsFor> {
        let unanswered = self.pause.as_ref().is_some_and(|it| it.rolls_back && it.state == PauseState::TimedOut);
        let person = unanswered.then_some(HookWaitsFor::Person);
        person.or(self.function_failed.then_some(HookWaitsFor::Function))
    }
}

impl Service {
    /// Waits at a pause hook of its stage, for a person who lets it go on.
    pub(crate) fn pause(
        &mut self,
        context: &mut Context<'_>,
        patience: Duration,
        rolls_back: bool,
    ) -> Result<(), Refusal> {
        self.under_way()?;
        if !self.shifts_traffic() {
            return Err(Refusal::invalid("A rolling deployment has no lifecycle hooks."));
        }
        let (now, arn) = (context.now, self.arn(context.place));
        let Some(current) = self.service_deployments.last_mut() else { return Ok(()) };
        let stage = current.stage.clone().unwrap_or_default();
        let id = format!("ecs-pause-{}", identity::uuid(&format!("{} {stage}", current.arn), 0));
        let until = now.checked_add(patience).unwrap_or(Timestamp::MAX);
        current.pause = Some(PauseHook { id: id.clone(), until, rolls_back, state: PauseState::AwaitsAction });
        current.updated_at = now;
        let detail = json!({
            "eventType": "INFO",
            "eventName": "HOOK_AWAITING_ACTION",
            "serviceDeploymentArn": current.arn,
            "hookId": id,
            "lifecycleStage": stage,
        });
        context.events.push(envelope_of(context, "ECS Hook State Change", &arn, detail));
        Ok(())
    }

    /// Waits where the service has a pause hook for the stage that its deployment has reached.
    pub(super) fn pause_as_configured(&mut self, context: &mut Context<'_>) {
        let Some(stage) = self.service_deployments.last().and_then(|current| current.stage.clone()) else { return };
        let hooks = self.configured("/lifecycleHooks").and_then(Value::as_array).into_iter().flatten();
        let of_stage = |hook: &&Value| {
            let mut stages = hook["lifecycleStages"].as_array().into_iter().flatten();
            hook["targetType"] == "PAUSE" && stages.any(|it| *it == *stage)
        };
        let Some(hook) = hooks.clone().find(of_stage) else { return };
        let timeout = &hook["timeoutConfiguration"];
        let minutes = timeout["timeoutInMinutes"].as_u64().unwrap_or(DEFAULT_TIMEOUT);
        let rolls_back = timeout["action"] != "CONTINUE";
        // Its traffic is shifted and it is under way, so nothing is refused.
        let _ = self.pause(context, Duration::from_secs(60 * minutes), rolls_back);
    }

    /// What a pause hook does whose time is up; whether it rolls back, if there is one.
    pub(crate) fn time_out(&mut self, now: Timestamp) -> Option<bool> {
        let current = self.service_deployments.last_mut()?;
        let hook = current.pause.as_mut().filter(|it| it.state == PauseState::AwaitsAction && it.until <= now)?;
        hook.state = PauseState::TimedOut;
        if !hook.rolls_back {
            current.updated_at = now;
        }
        Some(hook.rolls_back)
    }
}

/// ContinueServiceDeployment.
pub(super) fn answer(ecs: &mut Ecs, context: &Context<'_>, request: &Members) -> Answer {
    let arn = text(request, "serviceDeploymentArn").unwrap_or_default();
    let hook = text(request, "hookId").unwrap_or_default();
    go_on(ecs, context, arn, hook, text(request, "action") == Some("ROLLBACK"))?;
    Ok(json!({ "serviceDeploymentArn": arn }))
}

/// Somebody answers a pause hook.
pub(super) fn go_on(
    ecs: &mut Ecs,
    context: &Context<'_>,
    arn: &str,
    hook: &str,
    rolls_back: bool,
) -> Result<(), Refusal> {
    let deployment = service_deployments::find_mut(ecs, arn)?;
    if deployment.status != "IN_PROGRESS" || deployment.waits_at().is_none_or(|it| it.id != hook) {
        return Err(Refusal::invalid("The lifecycle hook is not awaiting an action."));
    }
    if let Some(it) = &mut deployment.pause {
        it.state = PauseState::Answered;
    }
    deployment.updated_at = context.now;
    match rolls_back {
        true => service_deployments::request_stop(ecs, context, arn, "ROLLBACK_REQUESTED"),
        false => Ok(()),
    }
}
