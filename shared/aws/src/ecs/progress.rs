//! Service deployments: ECS's own history of each update, and the request to stop one and roll back.

use aws_sdk_ecs::operation::continue_service_deployment::ContinueServiceDeploymentError as NotContinued;
use aws_sdk_ecs::operation::stop_service_deployment::StopServiceDeploymentError as Refused;
use aws_sdk_ecs::types::{
    self, DeploymentLifecycleHookAction, DeploymentLifecycleHookStatus, DeploymentLifecycleHookTargetType,
    ServiceDeploymentRollbackMonitorsStatus, StopServiceDeploymentStopType,
};
use slipway_core::model::facts::{
    Hook, HookWaitsFor, Monitor, Monitors, OnTimeout, Pause, ServiceDeploymentFacts, ServiceDeploymentStatus,
};
use slipway_core::model::id::{ServiceDeploymentArn, ServiceRevisionArn};
use slipway_engine::Error;
use slipway_engine::cloud::{ContinueAnswer, HookAnswer, StopAnswer};

use super::{Ecs, once};
use crate::clock::time;
use crate::error;

impl Ecs {
    pub(crate) async fn describe_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        let answer = self
            .client
            .describe_service_deployments()
            .service_deployment_arns(arn.as_str())
            .send()
            .await
            .map_err(|error| error::of("ECS.DescribeServiceDeployments", arn.as_str(), error))?;
        Ok(answer.service_deployments().first().and_then(whole))
    }

    /// Never repeated by the SDK. ECS rolls back whether or not it is configured to.
    pub(crate) async fn stop_service_deployment(&self, arn: &ServiceDeploymentArn) -> Result<StopAnswer, Error> {
        let answer = self
            .client
            .stop_service_deployment()
            .service_deployment_arn(arn.as_str())
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .customize()
            .config_override(once())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(StopAnswer::Accepted),
            Err(error) => match error.as_service_error() {
                Some(
                    Refused::ConflictException(_)
                    | Refused::ServiceDeploymentNotFoundException(_)
                    | Refused::UnsupportedFeatureException(_),
                ) => Ok(StopAnswer::TooLate),
                _ => Err(error::of("ECS.StopServiceDeployment", arn.as_str(), error)),
            },
        }
    }

    /// Never repeated by the SDK. That ECS calls a hook which waits no longer an invalid parameter is assumed: it documents no
    /// other error that would fit.
    pub(crate) async fn continue_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
        hook: &str,
        answer: HookAnswer,
    ) -> Result<ContinueAnswer, Error> {
        let action = match answer {
            HookAnswer::Continue => DeploymentLifecycleHookAction::Continue,
            HookAnswer::RollBack => DeploymentLifecycleHookAction::Rollback,
        };
        let answered = self
            .client
            .continue_service_deployment()
            .service_deployment_arn(arn.as_str())
            .hook_id(hook)
            .action(action)
            .customize()
            .config_override(once())
            .send()
            .await;
        match answered {
            Ok(_) => Ok(ContinueAnswer::Accepted),
            Err(error) => match error.as_service_error() {
                Some(
                    NotContinued::InvalidParameterException(_) | NotContinued::ServiceDeploymentNotFoundException(_),
                ) => Ok(ContinueAnswer::NotPaused),
                _ => Err(error::of("ECS.ContinueServiceDeployment", arn.as_str(), error)),
            },
        }
    }
}

/// `None` where the answer lacks the ARN.
fn whole(it: &types::ServiceDeployment) -> Option<ServiceDeploymentFacts> {
    Some(ServiceDeploymentFacts {
        arn: ServiceDeploymentArn::new(it.service_deployment_arn()?),
        status: ServiceDeploymentStatus::from(it.status().map(|status| status.as_str()).unwrap_or_default()),
        status_reason: it.status_reason().map(str::to_owned),
        rollback_reason: it.rollback().and_then(|rollback| rollback.reason()).map(str::to_owned),
        rollback_at: it.rollback().and_then(|rollback| time(rollback.started_at())),
        rollback_to: it.rollback().and_then(|rollback| rollback.service_revision_arn()).map(ServiceRevisionArn::new),
        monitors: monitors(it),
        stage: it.lifecycle_stage().map(|stage| stage.as_str().to_owned()),
        pause: pause(it.lifecycle_hook_details()),
        traffic: percent(it.target_service_revision().and_then(|it| it.requested_production_traffic_weight())),
        bake_minutes: it.deployment_configuration().and_then(|it| it.bake_time_in_minutes()),
        failed_hook: it.lifecycle_hook_details().iter().find_map(failed_hook),
        target: it.target_service_revision().and_then(|revision| revision.arn()).map(ServiceRevisionArn::new),
        task_definition: None,
        created_at: time(it.created_at()),
        updated_at: time(it.updated_at()),
        finished_at: time(it.finished_at()),
    })
}

fn pause(hooks: &[types::DeploymentLifecycleHookDetail]) -> Pause {
    use DeploymentLifecycleHookStatus::{AwaitingAction, InProgress};
    // Both may wait at one stage; a person can do something about theirs.
    let of_status = |status| hooks.iter().find(|hook| hook.status() == Some(&status));
    let waiting = of_status(AwaitingAction).or_else(|| of_status(InProgress));
    waiting.map_or(Pause::No, |hook| {
        Pause::Hook(Hook {
            id: hook.hook_id().unwrap_or_default().to_owned(),
            waits_for: match hook.status() {
                Some(AwaitingAction) => HookWaitsFor::Person,
                _ => HookWaitsFor::Function,
            },
            until: time(hook.expires_at()),
            then: then(hook),
        })
    })
}

fn then(hook: &types::DeploymentLifecycleHookDetail) -> OnTimeout {
    hook.timeout_action().and_then(|action| action.as_str().parse().ok()).unwrap_or_default()
}

/// Whom a hook waited for, if ECS rolls back for it. It does for a function that failed; where nobody answered, if it is set so.
fn failed_hook(hook: &types::DeploymentLifecycleHookDetail) -> Option<HookWaitsFor> {
    let whom = match hook.target_type() {
        Some(DeploymentLifecycleHookTargetType::Pause) => HookWaitsFor::Person,
        _ => HookWaitsFor::Function,
    };
    match hook.status()? {
        DeploymentLifecycleHookStatus::Failed => Some(HookWaitsFor::Function),
        DeploymentLifecycleHookStatus::TimedOut if then(hook) == OnTimeout::RollsBack => Some(whom),
        _ => None,
    }
}

/// A share of the traffic, which ECS gives as a fraction of a hundred with decimal places.
fn percent(weight: Option<f64>) -> Option<u8> {
    weight.filter(|weight| (0.0..=100.0).contains(weight)).map(|weight| weight.round() as u8)
}

fn monitors(it: &types::ServiceDeployment) -> Monitors {
    use ServiceDeploymentRollbackMonitorsStatus::Triggered;
    let (breaker, alarms) = (it.deployment_circuit_breaker(), it.alarms());
    if breaker.and_then(|it| it.status()).or(alarms.and_then(|it| it.status())).is_none() {
        return Monitors::Unread;
    }
    let breaker = breaker.filter(|it| it.status() == Some(&Triggered)).map(|_| Monitor::Breaker);
    let alarms = alarms.filter(|it| it.status() == Some(&Triggered));
    Monitors::read(breaker, alarms.map(|it| Monitor::Alarms(it.triggered_alarm_names().to_vec())))
}
