//! AWS in Slipway's words: the calls of the engine's port, answered from the state without JSON on the way.
//!
//! Each answers what the SDK's side of Slipway makes of the same call over HTTP: what is missing is `None` or left out
//! where a caller can go on without it. Any other "no" is a [`Refusal`] with AWS's code.

use serde_json::{Map, Value};
use slipway_core::model::facts::{
    ImageFacts, ImageName, Revision, ServiceDeploymentFacts, ServiceFacts, ServiceRevision, StoppedTask,
};
use slipway_core::model::id::{
    ClusterName, LogStream, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TaskDefinitionArn,
};
use slipway_core::model::image::{Digest, Repository};

use crate::Aws;
use crate::refusal::Refusal;

/// ECS.
impl Aws {
    /// DescribeServices for at most ten services of one cluster, in the order asked; `None` for one that is missing, as
    /// all are where the cluster is.
    pub fn describe_services(
        &self,
        cluster: &ClusterName,
        services: &[&ServiceName],
    ) -> Result<Vec<Option<ServiceFacts>>, Refusal> {
        match services.len() {
            0 => Err(Refusal::invalid("Services cannot be empty.")),
            1..=10 => Ok(self.ecs.services(&self.place, self.now, cluster, services)),
            _ => Err(Refusal::invalid("Services cannot have more than 10 elements.")),
        }
    }

    /// DescribeTaskDefinition with its tags, by family (its latest active revision), `family:revision` or ARN.
    pub fn describe_task_definition(&self, name: &str) -> Result<Revision, Refusal> {
        self.ecs.task_definition(name).ok_or_else(|| Refusal::client("Unable to describe task definition."))
    }

    /// RegisterTaskDefinition with this body; the new revision's ARN.
    pub fn register_task_definition(&mut self, body: &Map<String, Value>) -> Result<TaskDefinitionArn, Refusal> {
        self.on_ecs(|ecs, context| ecs.register(context, body))
    }

    /// UpdateService with a task definition, and `forceNewDeployment` only for `force_new_deployment`; the service afterwards.
    pub fn update_service(
        &mut self,
        cluster: &ClusterName,
        service: &ServiceName,
        task_definition: &TaskDefinitionArn,
        force_new_deployment: bool,
    ) -> Result<ServiceFacts, Refusal> {
        self.on_ecs(|ecs, context| ecs.deploy(context, cluster, service, task_definition, force_new_deployment))
    }

    /// StopServiceDeployment with ROLLBACK.
    pub fn stop_service_deployment(&mut self, arn: &ServiceDeploymentArn) -> Result<(), Refusal> {
        self.on_ecs(|ecs, context| ecs.stop(context, arn))
    }

    /// ContinueServiceDeployment for this pause hook, with ROLLBACK or with CONTINUE.
    pub fn continue_service_deployment(
        &mut self,
        arn: &ServiceDeploymentArn,
        hook: &str,
        rolls_back: bool,
    ) -> Result<(), Refusal> {
        self.on_ecs(|ecs, context| ecs.answer_hook(context, arn, hook, rolls_back))
    }

    /// ListServiceDeployments: a hundred, the newest first; none for controllers other than ECS.
    pub fn list_service_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentFacts>, Refusal> {
        self.ecs.service_deployments(self.now, cluster, service)
    }

    /// DescribeServiceDeployments for one; `None` where ECS does not have it.
    pub fn describe_service_deployment(&self, arn: &ServiceDeploymentArn) -> Option<ServiceDeploymentFacts> {
        self.ecs.service_deployment(arn)
    }

    /// DescribeServiceRevisions; those that ECS does not find are left out.
    pub fn describe_service_revisions(&self, arns: &[ServiceRevisionArn]) -> Result<Vec<ServiceRevision>, Refusal> {
        match arns.len() {
            0 => Ok(Vec::new()),
            1..=20 => Ok(self.ecs.service_revisions(arns)),
            _ => Err(Refusal::invalid("serviceRevisionArns has one to twenty elements.")),
        }
    }

    /// ListTasks: the ARNs of the service's stopped tasks, at most a hundred.
    pub fn list_stopped_tasks(&self, cluster: &ClusterName, service: &ServiceName) -> Result<Vec<String>, Refusal> {
        self.ecs.stopped_task_arns(cluster, service)
    }

    /// DescribeTasks, the last that stopped first; those that ECS no longer has are left out.
    pub fn describe_stopped_tasks(&self, cluster: &ClusterName, arns: &[String]) -> Result<Vec<StoppedTask>, Refusal> {
        match arns.len() {
            0 => Ok(Vec::new()),
            1..=100 => self.ecs.stopped_tasks(cluster, arns),
            _ => Err(Refusal::invalid("Tasks has one to a hundred elements.")),
        }
    }

    /// GetLogEvents: the last lines of a stream, oldest first; none where there is no such stream.
    pub fn last_log_lines(&self, stream: &LogStream, most: usize) -> Vec<String> {
        self.logs.last_lines(&stream.group, &stream.stream, most)
    }
}

/// ECR, in the account and region of the repository. One that isn't there is refused with `RepositoryNotFoundException`.
impl Aws {
    /// DescribeImages for one image; `None` where the repository does not have it.
    pub fn describe_image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Refusal> {
        let (place, ecr) = self.registries.of(repository)?;
        ecr.image(place, repository, name)
    }

    /// DescribeImages for every image that has a tag.
    pub fn list_images(&self, repository: &Repository) -> Result<Vec<ImageFacts>, Refusal> {
        let (place, ecr) = self.registries.of(repository)?;
        ecr.tagged_images(place, repository)
    }

    /// `UpdateImageStorageClass` to `STANDARD`.
    pub fn restore_archived(&mut self, repository: &Repository, digest: &Digest) -> Result<(), Refusal> {
        let place = self.registries.of(repository)?.0.clone();
        self.registries.at(&place).ask_to_restore(&place, repository, digest)
    }

    /// BatchGetImage: the manifests of these images; those that aren't there are left out.
    pub fn batch_get_image(
        &self,
        repository: &Repository,
        digests: &[&Digest],
    ) -> Result<Vec<(Digest, String)>, Refusal> {
        let (place, ecr) = self.registries.of(repository)?;
        ecr.manifests(place, repository, digests)
    }

    /// `GetDownloadUrlForLayer`, and what is there.
    pub fn download_layer(&self, repository: &Repository, digest: &Digest) -> Result<Vec<u8>, Refusal> {
        let (place, ecr) = self.registries.of(repository)?;
        ecr.layer(place, repository, digest)
    }
}
