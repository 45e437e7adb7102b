//! Service deployments: ECS's own history of each update, and the request to stop one and roll back.

use aws_sdk_ecs::operation::stop_service_deployment::StopServiceDeploymentError as Refused;
use aws_sdk_ecs::types::{
    self, DeploymentLifecycleHookStatus, ServiceDeploymentRollbackMonitorsStatus, StopServiceDeploymentStopType,
};
use slipway_core::model::facts::{Monitor, Monitors, Pause, ServiceDeploymentFacts, ServiceDeploymentStatus};
use slipway_core::model::id::{ServiceDeploymentArn, ServiceRevisionArn};
use slipway_engine::Error;
use slipway_engine::cloud::StopAnswer;

use super::facts::time;
use super::{Ecs, once};
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
}

/// `None` where the answer lacks the ARN.
fn whole(it: &types::ServiceDeployment) -> Option<ServiceDeploymentFacts> {
    Some(ServiceDeploymentFacts {
        arn: ServiceDeploymentArn::new(it.service_deployment_arn()?),
        status: ServiceDeploymentStatus::from(it.status().map(|status| status.as_str()).unwrap_or_default()),
        status_reason: it.status_reason().map(str::to_owned),
        rollback_reason: it.rollback().and_then(|rollback| rollback.reason()).map(str::to_owned),
        rollback_to: it.rollback().and_then(|rollback| rollback.service_revision_arn()).map(ServiceRevisionArn::new),
        monitors: monitors(it),
        stage: it.lifecycle_stage().map(|stage| stage.as_str().to_owned()),
        pause: pause(it.lifecycle_hook_details()),
        target: it.target_service_revision().and_then(|revision| revision.arn()).map(ServiceRevisionArn::new),
        task_definition: None,
        created_at: time(it.created_at()),
        updated_at: time(it.updated_at()),
        finished_at: time(it.finished_at()),
    })
}

fn pause(hooks: &[types::DeploymentLifecycleHookDetail]) -> Pause {
    use DeploymentLifecycleHookStatus::{AwaitingAction, InProgress};
    let waiting = hooks.iter().find(|hook| matches!(hook.status(), Some(AwaitingAction | InProgress)));
    waiting.map_or(Pause::No, |hook| Pause::Hook { until: time(hook.expires_at()) })
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
