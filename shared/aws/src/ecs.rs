//! ECS: services, task definitions and deployments. Task definitions travel as raw JSON, so that no member is lost.

mod facts;
mod progress;
mod tasks;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinitionField};
use serde_json::Value;
use slipway_core::model::facts::{RanImage, Revision, ServiceDeploymentFacts, ServiceFacts, ServiceRevision};
use slipway_core::model::id::{ClusterName, ServiceName, ServiceRevisionArn, TaskDefinitionArn};
use slipway_core::model::image::Digest;
use slipway_core::model::plan::Rendering;
use slipway_engine::{Error, ErrorKind};

use crate::error;
use crate::raw::RawAnswer;

/// ECS, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ecs {
    client: Client,
}

impl Ecs {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(settings) }
    }

    pub(crate) async fn describe_services(
        &self,
        cluster: &ClusterName,
        services: &[&ServiceName],
    ) -> Result<Vec<Option<ServiceFacts>>, Error> {
        let names: Vec<String> = services.iter().map(|service| service.as_str().to_owned()).collect();
        let subject = format!("{cluster}/{}", names.join(","));
        let answer = self.client.describe_services().cluster(cluster.as_str()).set_services(Some(names)).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            // A missing cluster counts as a missing service: a target that does not exist.
            Err(error) if error.as_service_error().is_some_and(|error| error.is_cluster_not_found_exception()) => {
                return Ok(vec![None; services.len()]);
            }
            Err(error) => return Err(error::of("ECS.DescribeServices", subject, error)),
        };
        let found: Vec<ServiceFacts> = answer.services().iter().filter_map(facts::service).collect();
        Ok(services.iter().map(|name| found.iter().find(|service| service.service == **name).cloned()).collect())
    }

    pub(crate) async fn describe_task_definition(&self, name: &str) -> Result<Revision, Error> {
        const CALL: &str = "ECS.DescribeTaskDefinition";
        let raw = RawAnswer::default();
        let answer = self
            .client
            .describe_task_definition()
            .task_definition(name)
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(raw.clone())
            .send()
            .await;
        let error = match answer {
            Ok(_) => Error::new(CALL, name, ErrorKind::Rejected, "the answer holds no task definition"),
            // The SDK's types cannot hold the answer; its own JSON is what counts.
            Err(error @ SdkError::ResponseError(_)) => error::of(CALL, name, error),
            Err(error) => return Err(missing_task_definition(error::of(CALL, name, error))),
        };
        raw.json().and_then(facts::revision).ok_or(error)
    }

    /// Never repeated by the SDK: it has no client token.
    pub(crate) async fn register_task_definition(&self, rendering: &Rendering) -> Result<TaskDefinitionArn, Error> {
        const CALL: &str = "ECS.RegisterTaskDefinition";
        let family = rendering.family().to_owned();
        let body = rendering.json();
        let answer = self
            .client
            .register_task_definition()
            // Required by the builder only; the body below takes the place of both.
            .family(&family)
            .container_definitions(ContainerDefinition::builder().build())
            .customize()
            .config_override(once())
            .mutate_request(move |request| {
                // Replaced before the request is signed, so the signature covers what is sent.
                request.headers_mut().insert("content-length", body.len().to_string());
                *request.body_mut() = body.clone().into();
            })
            .send()
            .await
            .map_err(|error| error::of(CALL, &family, error))?;
        answer
            .task_definition
            .and_then(|definition| definition.task_definition_arn)
            .map(TaskDefinitionArn::new)
            .ok_or_else(|| Error::new(CALL, family, ErrorKind::Unreachable, "the answer names no revision"))
    }

    /// Never repeated by the SDK, because a forced update has no client token.
    pub(crate) async fn update_service(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        task_definition: &TaskDefinitionArn,
        force_new_deployment: bool,
    ) -> Result<Option<ServiceFacts>, Error> {
        let subject = format!("{cluster}/{service}");
        let answer = self
            .client
            .update_service()
            .cluster(cluster.as_str())
            .service(service.as_str())
            .task_definition(task_definition.as_str())
            .set_force_new_deployment(force_new_deployment.then_some(true))
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| error::of("ECS.UpdateService", subject, error))?;
        Ok(answer.service.as_ref().and_then(facts::service))
    }

    /// Never repeated by the SDK: it has no client token.
    pub(crate) async fn update_express_gateway_service(
        &self,
        service: &str,
        task_definition: &TaskDefinitionArn,
    ) -> Result<(), Error> {
        let subject = service.split_once(":service/").map_or(service, |(_, name)| name).to_owned();
        let answer = self
            .client
            .update_express_gateway_service()
            .service_arn(service)
            .task_definition_arn(task_definition.as_str())
            .customize()
            .config_override(once())
            .send()
            .await;
        answer.map(drop).map_err(|error| error::of("ECS.UpdateExpressGatewayService", subject, error))
    }

    pub(crate) async fn list_service_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        let answer = self
            .client
            .list_service_deployments()
            .cluster(cluster.as_str())
            .service(service.as_str())
            .max_results(100)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_unsupported_feature_exception()) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error::of("ECS.ListServiceDeployments", format!("{cluster}/{service}"), error)),
        };
        let mut deployments: Vec<_> =
            answer.service_deployments().iter().filter_map(facts::service_deployment).collect();
        // AWS documents no order.
        deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
        Ok(deployments)
    }

    pub(crate) async fn describe_service_revisions(
        &self,
        arns: &[ServiceRevisionArn],
    ) -> Result<Vec<ServiceRevision>, Error> {
        let Some(first) = arns.first() else { return Ok(Vec::new()) };
        let answer = self
            .client
            .describe_service_revisions()
            .set_service_revision_arns(Some(arns.iter().map(|arn| arn.as_str().to_owned()).collect()))
            .send()
            .await
            .map_err(|error| error::of("ECS.DescribeServiceRevisions", first.as_str(), error))?;
        Ok(answer
            .service_revisions()
            .iter()
            .filter_map(|revision| {
                Some(ServiceRevision {
                    arn: ServiceRevisionArn::new(revision.service_revision_arn()?),
                    task_definition: revision.task_definition().map(TaskDefinitionArn::new),
                    images: revision
                        .container_images()
                        .iter()
                        .map(|image| RanImage {
                            container: image.container_name().unwrap_or_default().to_owned(),
                            image: image.image().unwrap_or_default().to_owned(),
                            digest: image.image_digest().and_then(Digest::parse),
                        })
                        .collect(),
                })
            })
            .collect())
    }
}

/// For calls without a client token: the SDK must not repeat what may have been carried out.
fn once() -> aws_sdk_ecs::config::Builder {
    aws_sdk_ecs::Config::builder().retry_config(RetryConfig::disabled())
}

/// ECS says `ClientException: Unable to describe task definition.` where other services have a code of their own.
fn missing_task_definition(error: Error) -> Error {
    let missing = error.kind == ErrorKind::Rejected && error.message.contains("Unable to describe task definition");
    if missing { error.of_kind(ErrorKind::NotFound) } else { error }
}

/// The JSON of an answer's member, moved out.
fn member(mut answer: Value, name: &str) -> Option<Value> {
    answer.get_mut(name).map(Value::take)
}
