//! The port: what the engine asks of AWS, in Slipway's types. `slipway-aws` answers it with the SDK, the simulation with its
//! fake.
//!
//! Each function is one call. Adopting the effect of an unanswered call, keeping to AWS's rate and waiting are the engine's.
//! An implementation may repeat a call that only reads; it never repeats one that has no client token
//! (RegisterTaskDefinition, UpdateService, UpdateExpressGatewayService, StopServiceDeployment, ContinueServiceDeployment, and
//! those of CodeDeploy). Time comes from here, too.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use slipway_core::config::Source;
use slipway_core::model::facts::{
    CodeDeployment, DeploymentGroup, DeploymentWait, GroupName, ImageFacts, ImageName, LifecycleEvent, Revision,
    ServiceDeploymentFacts, ServiceFacts, ServiceRevision, StoppedTask,
};
use slipway_core::model::id::{
    ClusterName, DeploymentId, LogStream, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TargetName,
    TaskDefinitionArn,
};
use slipway_core::model::image::{Digest, Repository};
use slipway_core::model::notice::Notice;
use slipway_core::model::plan::Rendering;
use slipway_core::model::record::{Deployment, FamilyMember, RecordedEvidence, Service};

use crate::error::Error;

/// DescribeServices takes at most this many services ([API reference]).
///
/// [API reference]: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
pub const SERVICES_PER_CALL: usize = 10;

/// DescribeServiceRevisions takes at most this many revisions ([API reference]).
///
/// [API reference]: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html
pub const REVISIONS_PER_CALL: usize = 20;

/// AWS, as far as the engine meets it.
#[expect(async_fn_in_trait, reason = "the engine runs on one thread, so its futures need not be Send")]
pub trait Cloud {
    /// The moment it is.
    fn now(&self) -> Timestamp;

    /// Waits so long.
    async fn sleep(&self, time: Duration);

    /// Counts one for an alarm.
    fn count(&self, metric: Metric, target: Option<&TargetName>);

    /// The text of the configuration document, at most one byte longer than the source's limit.
    async fn configuration(&self, source: &Source) -> Result<String, Error>;

    /// A service's record as of now (a consistent read); an empty one with `rev` 0 where there is none.
    async fn read_record(&self, target: &TargetName) -> Result<Versioned, Error>;

    /// Writes a record on the condition that it is still of the `rev` that it was read with.
    ///
    /// The inner error is what somebody else wrote meanwhile. Both carry the record as it is there now.
    async fn write_record(&self, target: &TargetName, record: Versioned)
    -> Result<Result<Versioned, Versioned>, Error>;

    /// Keeps a deployment for which the record has no more room. The same one again changes nothing.
    async fn archive_deployment(&self, target: &TargetName, deployment: &Deployment) -> Result<(), Error>;

    /// The archived deployments of a service, newest first, at most so many.
    async fn archived_deployments(&self, target: &TargetName, most: usize) -> Result<Vec<Deployment>, Error>;

    /// Keeps the evidence of a deployment that failed, instead of what was kept for its number before.
    async fn put_evidence(&self, target: &TargetName, evidence: &RecordedEvidence) -> Result<(), Error>;

    /// The evidence that is kept for a service's deployments of these numbers, as of now (a consistent read), by number.
    async fn evidence(&self, target: &TargetName, numbers: RangeInclusive<u64>)
    -> Result<Vec<RecordedEvidence>, Error>;

    /// Notes that a service runs revisions of a family, instead of what was noted of it there.
    async fn put_family_member(&self, family: &str, member: &FamilyMember) -> Result<(), Error>;

    /// The services that were noted for a family, by name; some may run another one meanwhile, or be gone.
    async fn family_members(&self, family: &str) -> Result<Vec<FamilyMember>, Error>;

    /// Makes a one-time schedule; one of this name that is there already stays as it is.
    async fn create_timer(&self, timer: &Timer) -> Result<(), Error>;

    /// DescribeServices for at most [`SERVICES_PER_CALL`] services of one cluster, in the order asked; `None` for one that
    /// is missing, as all are where the cluster is.
    async fn describe_services(
        &self,
        cluster: &ClusterName,
        services: &[&ServiceName],
    ) -> Result<Vec<Option<ServiceFacts>>, Error>;

    /// DescribeTaskDefinition with its tags; takes a family (its latest active revision), `family:revision` or an ARN.
    async fn describe_task_definition(&self, name: &str) -> Result<Revision, Error>;

    /// RegisterTaskDefinition with the rendering's own JSON. After `Unreachable` it may have been carried out.
    async fn register_task_definition(&self, rendering: &Rendering) -> Result<TaskDefinitionArn, Error>;

    /// UpdateService with cluster, service, task definition, and `forceNewDeployment` only for `force_new_deployment`; the service
    /// as ECS answers it. After `Unreachable` it may have been carried out.
    async fn update_service(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        task_definition: &TaskDefinitionArn,
        force_new_deployment: bool,
    ) -> Result<Option<ServiceFacts>, Error>;

    /// UpdateExpressGatewayService of the service with this ARN, with the task definition alone. Its answer does not say which
    /// deployment it made. After `Unreachable` it may have been carried out.
    async fn update_express_gateway_service(
        &self,
        service: &str,
        task_definition: &TaskDefinitionArn,
    ) -> Result<(), Error>;

    /// StopServiceDeployment with ROLLBACK. After `Unreachable` it may have been carried out.
    async fn stop_service_deployment(&self, arn: &ServiceDeploymentArn) -> Result<StopAnswer, Error>;

    /// ContinueServiceDeployment for a hook that waits for a person. After `Unreachable` it may have been carried out.
    async fn continue_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
        hook: &str,
        answer: HookAnswer,
    ) -> Result<ContinueAnswer, Error>;

    /// GetDeploymentGroup; `None` where there is no such application, or no such group in it.
    async fn get_deployment_group(&self, name: &GroupName) -> Result<Option<DeploymentGroup>, Error>;

    /// GetDeployment, which shows neither lifecycle events nor the AppSpec; `None` where CodeDeploy has it no more.
    async fn get_deployment(&self, id: &DeploymentId) -> Result<Option<CodeDeployment>, Error>;

    /// GetDeploymentTarget for the service that a deployment of CodeDeploy deploys to; `None` before it has started.
    async fn get_deployment_target(
        &self,
        id: &DeploymentId,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<TargetProgress>, Error>;

    /// GetApplicationRevision: the text of the AppSpec with this SHA-256; `None` where CodeDeploy doesn't have it.
    async fn get_application_revision(&self, application: &str, sha256: &str) -> Result<Option<String>, Error>;

    /// ListDeployments of a group, those that were made since then, the newest first where CodeDeploy lists them so.
    async fn list_deployments(&self, group: &GroupName, since: Timestamp) -> Result<Vec<DeploymentId>, Error>;

    /// CreateDeployment of an AppSpec. After `Unreachable` it may have been carried out.
    async fn create_deployment(
        &self,
        group: &GroupName,
        app_spec: &str,
        description: &str,
    ) -> Result<DeploymentId, Error>;

    /// StopDeployment with a rollback. After `Unreachable` it may have been carried out.
    async fn stop_deployment(&self, id: &DeploymentId) -> Result<StopAnswer, Error>;

    /// ContinueDeployment: a deployment of CodeDeploy waits no longer. After `Unreachable` it may have been carried out.
    async fn continue_deployment(&self, id: &DeploymentId, wait: DeploymentWait) -> Result<ContinueAnswer, Error>;

    /// ListServiceDeployments: the newest hundred, newest first; none for controllers other than ECS.
    async fn list_service_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error>;

    /// DescribeServiceDeployments for one; `None` where ECS has it no more.
    async fn describe_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
    ) -> Result<Option<ServiceDeploymentFacts>, Error>;

    /// DescribeServiceRevisions for at most [`REVISIONS_PER_CALL`]; those that ECS does not find are left out.
    async fn describe_service_revisions(&self, arns: &[ServiceRevisionArn]) -> Result<Vec<ServiceRevision>, Error>;

    /// ListTasks: the ARNs of the service's tasks that stopped lately, at most a hundred, in no order.
    async fn list_stopped_tasks(&self, cluster: &ClusterName, service: &ServiceName) -> Result<Vec<String>, Error>;

    /// DescribeTasks for at most a hundred tasks, the last that stopped first; those that ECS has deleted are left out.
    async fn describe_stopped_tasks(&self, cluster: &ClusterName, arns: &[String]) -> Result<Vec<StoppedTask>, Error>;

    /// DescribeImages for one image; `None` where the repository does not have it.
    ///
    /// A missing repository is an error of kind `NotFound`, and so is a repository that isn't in ECR.
    async fn describe_image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Error>;

    /// DescribeImages for every image of a repository that has a tag, all pages of it.
    async fn list_images(&self, repository: &Repository) -> Result<Vec<ImageFacts>, Error>;

    /// `UpdateImageStorageClass` to `STANDARD`: ECR restores an image from its archive, which takes a while. Nothing is asked where
    /// the installation does not allow it.
    async fn restore_image(&self, repository: &Repository, digest: &Digest) -> Result<RestoreAnswer, Error>;

    /// BatchGetImage: the manifests of these images, as they were pushed, by digest; those that aren't there are left out.
    async fn batch_get_image(
        &self,
        repository: &Repository,
        digests: &[&Digest],
    ) -> Result<Vec<(Digest, String)>, Error>;

    /// `GetDownloadUrlForLayer`, and the bytes that are there, at most `most`.
    async fn download_layer(&self, repository: &Repository, digest: &Digest, most: usize) -> Result<Vec<u8>, Error>;

    /// GetLogEvents: the last lines of a log stream, oldest first; none where there is no such stream.
    async fn last_log_lines(&self, stream: &LogStream, most: i32) -> Result<Vec<String>, Error>;

    /// Publishes a notice. It may arrive twice; a copy bears the same notice id.
    async fn publish(&self, notice: &Notice) -> Result<(), Error>;
}

/// An item of the table as it was read, a service's record as a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Versioned<R = Service> {
    /// Counts the writes; 0 where the table has no such item.
    pub rev: u64,
    /// What it holds.
    pub record: R,
}

/// A one-time schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Timer {
    /// Its name; a second one of the same name is not made.
    pub name: String,
    /// When it fires, to the second; EventBridge Scheduler is exact to the minute.
    pub at: Timestamp,
    /// What the deploy function is invoked with.
    pub payload: Value,
}

/// How far a deployment of CodeDeploy is with its service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetProgress {
    /// Its lifecycle events, in their order.
    pub events: Vec<LifecycleEvent>,
    /// How many percent of the production traffic its tasks have.
    pub traffic: Option<u8>,
}

/// What ECS or CodeDeploy said to a request to stop a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAnswer {
    /// It rolls back.
    Accepted,
    /// There is nothing to stop: it ended meanwhile, or ECS cannot stop it.
    TooLate,
}

/// What a person answers a hook that waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    /// The deployment goes on.
    Continue,
    /// ECS rolls it back.
    RollBack,
}

/// What ECS or CodeDeploy said to the answer that a deployment waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContinueAnswer {
    /// It does as answered.
    Accepted,
    /// The hook waits no longer, or never did.
    NotPaused,
}

/// What came of the request to restore an image from ECR's archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreAnswer {
    /// ECR restores it.
    Accepted,
    /// The installation does not allow it: the template's parameter `RestoreArchivedImages`.
    NotAllowed,
}

/// What is counted; the template has an alarm on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Deploys that a person has to act on: refused ones, and a wrong configuration.
    DeploysRefused,
    /// Notices that could not be published or delivered.
    NoticesFailed,
    /// Records of services that are so large that soon they could not be written any more.
    RecordsTooLarge,
}
