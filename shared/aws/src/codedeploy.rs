//! CodeDeploy: the deployment groups of ECS services, their deployments, and the AppSpecs that it keeps.

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::config::retry::RetryConfig;
use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codedeploy::types::{
    self, AppSpecContent, DeploymentReadyAction, DeploymentWaitType, InstanceAction, RevisionLocation,
    RevisionLocationType, TargetLabel, TimeRange,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use slipway_core::model::facts::{
    AppSpecSource, CodeDeployStatus, CodeDeployment, DeploymentGroup, DeploymentWait, GroupName, LifecycleEvent,
    LifecycleStatus, RollbackInfo,
};
use slipway_core::model::id::{ClusterName, DeploymentId, ServiceName};
use slipway_core::model::image::Digest;
use slipway_engine::cloud::{ContinueAnswer, StopAnswer, TargetProgress};
use slipway_engine::{Error, ErrorKind};

use crate::clients::Lazy;
use crate::clock::time;
use crate::error;

/// CodeDeploy, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct CodeDeploy {
    client: Lazy<Client>,
}

impl CodeDeploy {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Lazy::new(settings) }
    }

    pub(crate) async fn get_deployment_group(&self, name: &GroupName) -> Result<Option<DeploymentGroup>, Error> {
        let answer = self
            .client
            .get(Client::new)
            .get_deployment_group()
            .application_name(&name.application)
            .deployment_group_name(&name.group)
            .send()
            .await;
        let answer = unless_missing("CodeDeploy.GetDeploymentGroup", name.to_string(), answer)?;
        Ok(answer.and_then(|it| it.deployment_group_info).map(|info| group(name, &info)))
    }

    pub(crate) async fn get_deployment(&self, id: &DeploymentId) -> Result<Option<CodeDeployment>, Error> {
        let answer = self.client.get(Client::new).get_deployment().deployment_id(id.as_str()).send().await;
        let answer = unless_missing("CodeDeploy.GetDeployment", id.as_str(), answer)?;
        Ok(answer.and_then(|it| it.deployment_info).map(|info| deployment(id, &info)))
    }

    /// The one target of a deployment to ECS is `cluster:service` ([API reference]).
    ///
    /// [API reference]: https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeploymentTarget.html
    pub(crate) async fn get_deployment_target(
        &self,
        id: &DeploymentId,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<TargetProgress>, Error> {
        let answer = self
            .client
            .get(Client::new)
            .get_deployment_target()
            .deployment_id(id.as_str())
            .target_id(format!("{cluster}:{service}"))
            .send()
            .await;
        let answer = unless_missing("CodeDeploy.GetDeploymentTarget", id.as_str(), answer)?;
        Ok(answer.and_then(|it| it.deployment_target).and_then(|it| it.ecs_target).map(|target| progress(&target)))
    }

    pub(crate) async fn get_application_revision(
        &self,
        application: &str,
        sha256: &str,
    ) -> Result<Option<String>, Error> {
        let content = AppSpecContent::builder().sha256(sha256).build();
        let answer = self
            .client
            .get(Client::new)
            .get_application_revision()
            .application_name(application)
            .revision(revision(content))
            .send()
            .await;
        let answer = unless_missing("CodeDeploy.GetApplicationRevision", application, answer)?;
        let content = answer.and_then(|it| it.revision).and_then(|it| it.app_spec_content);
        Ok(content.and_then(|it| it.content))
    }

    /// The first page of them; the newest first, as far as their ids are asked for in the order in which CodeDeploy has them.
    pub(crate) async fn list_deployments(
        &self,
        group: &GroupName,
        since: Timestamp,
    ) -> Result<Vec<DeploymentId>, Error> {
        let answer = self
            .client
            .get(Client::new)
            .list_deployments()
            .application_name(&group.application)
            .deployment_group_name(&group.group)
            .create_time_range(TimeRange::builder().start(DateTime::from_secs(since.as_second())).build())
            .send()
            .await;
        let answer = unless_missing("CodeDeploy.ListDeployments", group.to_string(), answer)?;
        Ok(answer.map(|it| it.deployments().iter().map(DeploymentId::new).collect()).unwrap_or_default())
    }

    /// Never repeated by the SDK: it has no client token.
    pub(crate) async fn create_deployment(
        &self,
        group: &GroupName,
        app_spec: &str,
        description: &str,
    ) -> Result<DeploymentId, Error> {
        const CALL: &str = "CodeDeploy.CreateDeployment";
        let sha256 = Digest::of(app_spec.as_bytes()).hex().to_owned();
        let content = AppSpecContent::builder().content(app_spec).sha256(sha256).build();
        let answer = self
            .client
            .get(Client::new)
            .create_deployment()
            .application_name(&group.application)
            .deployment_group_name(&group.group)
            .revision(revision(content))
            .description(description)
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| match error.code() {
                // Somebody else was faster: observed again, it is what the image waits for.
                Some("DeploymentLimitExceededException") => {
                    error::of(CALL, group.to_string(), error).of_kind(ErrorKind::Conflict)
                }
                _ => error::of(CALL, group.to_string(), error),
            })?;
        let id = answer.deployment_id.map(DeploymentId::new);
        id.ok_or_else(|| Error::new(CALL, group.to_string(), ErrorKind::Unreachable, "the answer names no deployment"))
    }

    /// Never repeated by the SDK. CodeDeploy rolls back whether or not the group is set to.
    pub(crate) async fn stop_deployment(&self, id: &DeploymentId) -> Result<StopAnswer, Error> {
        let answer = self
            .client
            .get(Client::new)
            .stop_deployment()
            .deployment_id(id.as_str())
            .auto_rollback_enabled(true)
            .customize()
            .config_override(once())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(StopAnswer::Accepted),
            Err(error) if is_over(&error) => Ok(StopAnswer::TooLate),
            Err(error) => Err(error::of("CodeDeploy.StopDeployment", id.as_str(), error)),
        }
    }

    /// Never repeated by the SDK.
    pub(crate) async fn continue_deployment(
        &self,
        id: &DeploymentId,
        wait: DeploymentWait,
    ) -> Result<ContinueAnswer, Error> {
        let wait = match wait {
            DeploymentWait::ReadyWait => DeploymentWaitType::ReadyWait,
            DeploymentWait::TerminationWait => DeploymentWaitType::TerminationWait,
        };
        let answer = self
            .client
            .get(Client::new)
            .continue_deployment()
            .deployment_id(id.as_str())
            .deployment_wait_type(wait)
            .customize()
            .config_override(once())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(ContinueAnswer::Accepted),
            Err(error) if is_over(&error) || error.code() == Some("DeploymentIsNotInReadyStateException") => {
                Ok(ContinueAnswer::NotPaused)
            }
            Err(error) => Err(error::of("CodeDeploy.ContinueDeployment", id.as_str(), error)),
        }
    }
}

/// For calls without a client token: the SDK must not repeat what may have been carried out.
fn once() -> aws_sdk_codedeploy::config::Builder {
    aws_sdk_codedeploy::Config::builder().retry_config(RetryConfig::disabled())
}

fn is_over<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(error.code(), Some("DeploymentAlreadyCompletedException" | "DeploymentDoesNotExistException"))
}

/// CodeDeploy has no common form for what is not there.
fn unless_missing<T, E>(
    call: &'static str,
    subject: impl Into<String>,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, Error>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let is_missing = |error: &SdkError<E, HttpResponse>| {
        error.code().is_some_and(|code| code.contains("DoesNotExist") || code == "DeploymentNotStartedException")
    };
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error::of(call, subject, error)),
    }
}

fn revision(content: AppSpecContent) -> RevisionLocation {
    RevisionLocation::builder().revision_type(RevisionLocationType::AppSpecContent).app_spec_content(content).build()
}

fn group(name: &GroupName, info: &types::DeploymentGroupInfo) -> DeploymentGroup {
    let service = info.ecs_services().first().and_then(|it| {
        let cluster = it.cluster_name()?;
        // The API names it, and the console writes its ARN.
        let cluster = cluster.rsplit_once('/').map_or(cluster, |(_, name)| name);
        Some((ClusterName::new(cluster), ServiceName::new(it.service_name()?)))
    });
    DeploymentGroup {
        name: name.clone(),
        service,
        last: info.last_attempted_deployment().and_then(|it| it.deployment_id()).map(DeploymentId::new),
        revision: info.target_revision().map(source),
    }
}

fn source(revision: &RevisionLocation) -> AppSpecSource {
    let sha256 = revision.app_spec_content().and_then(|it| it.sha256());
    sha256.map_or(AppSpecSource::Elsewhere, |sha256| AppSpecSource::Content(sha256.to_owned()))
}

fn deployment(id: &DeploymentId, info: &types::DeploymentInfo) -> CodeDeployment {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let rollback = info.rollback_info();
    let rolls_back = info.auto_rollback_configuration().filter(|it| it.enabled());
    let options = info.blue_green_deployment_configuration();
    let waits = options.and_then(|it| it.deployment_ready_option());
    let waits = waits.filter(|it| it.action_on_timeout() == Some(&DeploymentReadyAction::StopDeployment));
    let ends = options.and_then(|it| it.terminate_blue_instances_on_deployment_success());
    let ends = ends.filter(|it| it.action() != Some(&InstanceAction::KeepAlive));
    CodeDeployment {
        id: id.clone(),
        group: GroupName { application: text(info.application_name()), group: text(info.deployment_group_name()) },
        status: CodeDeployStatus::from(info.status().map(|it| it.as_str()).unwrap_or_default()),
        revision: info.revision().map(source),
        task_definition: None,
        created_at: time(info.create_time()),
        completed_at: time(info.complete_time()),
        error: info.error_information().map(|it| (text(it.code().map(|code| code.as_str())), text(it.message()))),
        rollback: RollbackInfo {
            by: rollback.and_then(|it| it.rollback_deployment_id()).and_then(some_id),
            of: rollback.and_then(|it| it.rollback_triggering_deployment_id()).and_then(some_id),
            message: rollback.and_then(|it| it.rollback_message()).map(str::to_owned),
        },
        rolls_back_on: rolls_back
            .map(|it| it.events().iter().map(|event| event.as_str().to_owned()).collect())
            .unwrap_or_default(),
        ready_minutes: waits.map(|it| it.wait_time_in_minutes()),
        termination_minutes: ends.map(|it| it.termination_wait_time_in_minutes()).unwrap_or_default(),
        events: Vec::new(),
        traffic: None,
    }
}

fn some_id(id: &str) -> Option<DeploymentId> {
    Some(DeploymentId::new(id)).filter(|id| !id.as_str().is_empty())
}

fn progress(target: &types::EcsTarget) -> TargetProgress {
    let event = |it: &types::LifecycleEvent| LifecycleEvent {
        name: it.lifecycle_event_name().unwrap_or_default().to_owned(),
        status: LifecycleStatus::from(it.status().map(|it| it.as_str()).unwrap_or_default()),
        started_at: time(it.start_time()),
        ended_at: time(it.end_time()),
    };
    let green = target.task_sets_info().iter().find(|it| it.task_set_label() == Some(&TargetLabel::Green));
    TargetProgress {
        events: target.lifecycle_events().iter().map(event).collect(),
        traffic: green.map(|it| it.traffic_weight().clamp(0.0, 100.0).round() as u8),
    }
}
