//! The engine's port, answered by the SDK: each function hands on to the one file that knows the call.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use slipway_core::config::Source;
use slipway_core::model::facts::{
    CodeDeployment, DeploymentGroup, DeploymentWait, GroupName, ImageFacts, ImageName, Revision,
    ServiceDeploymentFacts, ServiceFacts, ServiceRevision, StoppedTask,
};
use slipway_core::model::id::{
    ClusterName, DeploymentId, LogStream, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TargetName,
    TaskDefinitionArn,
};
use slipway_core::model::image::{Digest, Repository};
use slipway_core::model::notice::Notice;
use slipway_core::model::plan::Rendering;
use slipway_core::model::record::{Deployment, FamilyMember, RecordedEvidence};
use slipway_engine::Error;
use slipway_engine::cloud::{
    Cloud, ContinueAnswer, HookAnswer, Metric, RestoreAnswer, StopAnswer, TargetProgress, Timer, Versioned,
};

use crate::clients::{Archive, Aws};
use crate::ledger::note::Place;

impl Cloud for Aws {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    fn count(&self, metric: Metric, target: Option<&TargetName>) {
        self.metrics.count(metric, target);
    }

    async fn configuration(&self, source: &Source) -> Result<String, Error> {
        match source {
            Source::Inline(text) => Ok(text.clone()),
            Source::Parameter(name) => self.ssm.parameter(name).await,
            Source::Object { bucket, key } => self.s3.text(bucket, key, source.limit()).await,
        }
    }

    async fn read_record(&self, target: &TargetName) -> Result<Versioned, Error> {
        self.ledger.read_item(&Place::service(target)).await
    }

    async fn write_record(
        &self,
        target: &TargetName,
        record: Versioned,
    ) -> Result<Result<Versioned, Versioned>, Error> {
        self.ledger.write_item(&Place::service(target), record, None).await
    }

    async fn archive_deployment(&self, target: &TargetName, deployment: &Deployment) -> Result<(), Error> {
        self.ledger.archive(target, deployment).await
    }

    async fn archived_deployments(&self, target: &TargetName, most: usize) -> Result<Vec<Deployment>, Error> {
        self.ledger.history(target, most).await
    }

    async fn put_evidence(&self, target: &TargetName, evidence: &RecordedEvidence) -> Result<(), Error> {
        self.ledger.put_evidence(target, evidence).await
    }

    async fn evidence(
        &self,
        target: &TargetName,
        numbers: RangeInclusive<u64>,
    ) -> Result<Vec<RecordedEvidence>, Error> {
        self.ledger.evidence(target, numbers).await
    }

    async fn put_family_member(&self, family: &str, member: &FamilyMember) -> Result<(), Error> {
        self.ledger.put_family_member(family, member).await
    }

    async fn family_members(&self, family: &str) -> Result<Vec<FamilyMember>, Error> {
        self.ledger.family_members(family).await
    }

    async fn create_timer(&self, timer: &Timer) -> Result<(), Error> {
        self.scheduler.create(timer).await
    }

    async fn describe_services(
        &self,
        cluster: &ClusterName,
        services: &[&ServiceName],
    ) -> Result<Vec<Option<ServiceFacts>>, Error> {
        self.ecs.describe_services(cluster, services).await
    }

    async fn describe_task_definition(&self, name: &str) -> Result<Revision, Error> {
        self.ecs.describe_task_definition(name).await
    }

    async fn register_task_definition(&self, rendering: &Rendering) -> Result<TaskDefinitionArn, Error> {
        self.ecs.register_task_definition(rendering).await
    }

    async fn update_service(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        task_definition: &TaskDefinitionArn,
        force_new_deployment: bool,
    ) -> Result<Option<ServiceFacts>, Error> {
        self.ecs.update_service(cluster, service, task_definition, force_new_deployment).await
    }

    async fn update_express_gateway_service(
        &self,
        service: &str,
        task_definition: &TaskDefinitionArn,
    ) -> Result<(), Error> {
        self.ecs.update_express_gateway_service(service, task_definition).await
    }

    async fn stop_service_deployment(&self, arn: &ServiceDeploymentArn) -> Result<StopAnswer, Error> {
        self.ecs.stop_service_deployment(arn).await
    }

    async fn continue_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
        hook: &str,
        answer: HookAnswer,
    ) -> Result<ContinueAnswer, Error> {
        self.ecs.continue_service_deployment(arn, hook, answer).await
    }

    async fn get_deployment_group(&self, name: &GroupName) -> Result<Option<DeploymentGroup>, Error> {
        self.codedeploy.get_deployment_group(name).await
    }

    async fn get_deployment(&self, id: &DeploymentId) -> Result<Option<CodeDeployment>, Error> {
        self.codedeploy.get_deployment(id).await
    }

    async fn get_deployment_target(
        &self,
        id: &DeploymentId,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<TargetProgress>, Error> {
        self.codedeploy.get_deployment_target(id, cluster, service).await
    }

    async fn get_application_revision(&self, application: &str, sha256: &str) -> Result<Option<String>, Error> {
        self.codedeploy.get_application_revision(application, sha256).await
    }

    async fn list_deployments(&self, group: &GroupName, since: Timestamp) -> Result<Vec<DeploymentId>, Error> {
        self.codedeploy.list_deployments(group, since).await
    }

    async fn create_deployment(
        &self,
        group: &GroupName,
        app_spec: &str,
        description: &str,
    ) -> Result<DeploymentId, Error> {
        self.codedeploy.create_deployment(group, app_spec, description).await
    }

    async fn stop_deployment(&self, id: &DeploymentId) -> Result<StopAnswer, Error> {
        self.codedeploy.stop_deployment(id).await
    }

    async fn continue_deployment(&self, id: &DeploymentId, wait: DeploymentWait) -> Result<ContinueAnswer, Error> {
        self.codedeploy.continue_deployment(id, wait).await
    }

    async fn list_service_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        self.ecs.list_service_deployments(cluster, service).await
    }

    async fn describe_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        self.ecs.describe_service_deployment(arn).await
    }

    async fn describe_service_revisions(&self, arns: &[ServiceRevisionArn]) -> Result<Vec<ServiceRevision>, Error> {
        self.ecs.describe_service_revisions(arns).await
    }

    async fn list_stopped_tasks(&self, cluster: &ClusterName, service: &ServiceName) -> Result<Vec<String>, Error> {
        self.ecs.stopped_tasks(cluster, service).await
    }

    async fn describe_stopped_tasks(&self, cluster: &ClusterName, arns: &[String]) -> Result<Vec<StoppedTask>, Error> {
        self.ecs.describe_stopped_tasks(cluster, arns).await
    }

    async fn describe_image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Error> {
        self.ecr.describe_image(repository, name).await
    }

    async fn list_images(&self, repository: &Repository) -> Result<Vec<ImageFacts>, Error> {
        self.ecr.list_images(repository).await
    }

    async fn restore_image(&self, repository: &Repository, digest: &Digest) -> Result<RestoreAnswer, Error> {
        match self.archive {
            Archive::Restores => self.ecr.restore_image(repository, digest).await.map(|()| RestoreAnswer::Accepted),
            Archive::IsLeftAlone => Ok(RestoreAnswer::NotAllowed),
        }
    }

    async fn batch_get_image(
        &self,
        repository: &Repository,
        digests: &[&Digest],
    ) -> Result<Vec<(Digest, String)>, Error> {
        self.ecr.batch_get_image(repository, digests).await
    }

    async fn download_layer(&self, repository: &Repository, digest: &Digest, most: usize) -> Result<Vec<u8>, Error> {
        self.ecr.download_layer(repository, digest, most).await
    }

    async fn last_log_lines(&self, stream: &LogStream, most: i32) -> Result<Vec<String>, Error> {
        self.logs.last_lines(&stream.region, &stream.group, &stream.stream, most).await
    }

    async fn publish(&self, notice: &Notice) -> Result<(), Error> {
        self.sns.publish(&self.topic, notice).await
    }
}
