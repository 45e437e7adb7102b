//! The engine's port for a check: it reads by the caller's own credentials, keeps what it read for the other checks, and refuses
//! every call that writes.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use slipway_aws::Aws;
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
use slipway_engine::cloud::{
    Cloud, ContinueAnswer, HookAnswer, Metric, RestoreAnswer, StopAnswer, TargetProgress, Timer, Versioned,
};
use slipway_engine::{Error, ErrorKind};

/// Whether there are records to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    /// In the table of an installed stack.
    InTable,
    /// Nothing was recorded yet.
    None,
}

/// AWS, read only.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    aws: Aws,
    document: String,
    records: Records,
    read: RefCell<Read>,
}

/// What was read. Services, definitions and listings are read once, so that all checks see the same.
#[derive(Debug, Default)]
struct Read {
    services: HashMap<(ClusterName, ServiceName), Option<ServiceFacts>>,
    revisions: HashMap<String, Revision>,
    listings: BTreeMap<Repository, Vec<ImageFacts>>,
    groups: BTreeMap<(ClusterName, ServiceName), GroupName>,
    failures: Vec<Error>,
}

impl ReadOnly {
    /// Over these clients, with this configuration document.
    pub(crate) fn new(aws: Aws, document: String, records: Records) -> Self {
        Self { aws, document, records, read: RefCell::default() }
    }

    /// A service, if it was read and is there.
    pub(crate) fn service(&self, cluster: &ClusterName, service: &ServiceName) -> Option<ServiceFacts> {
        self.read.borrow().services.get(&(cluster.clone(), service.clone())).cloned().flatten()
    }

    /// The deployment group that deploys to a service, if it was read.
    pub(crate) fn group(&self, cluster: &ClusterName, service: &ServiceName) -> Option<GroupName> {
        self.read.borrow().groups.get(&(cluster.clone(), service.clone())).cloned()
    }

    /// A task definition revision, if it was read.
    pub(crate) fn revision(&self, arn: &TaskDefinitionArn) -> Option<Revision> {
        self.read.borrow().revisions.get(arn.as_str()).cloned()
    }

    /// The calls that failed.
    pub(crate) fn failures(&self) -> Vec<Error> {
        self.read.borrow().failures.clone()
    }

    fn noted<T>(&self, read: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &read {
            self.read.borrow_mut().failures.push(error.clone());
        }
        read
    }

    /// What the table says, as if it were empty where the caller may not read it.
    fn or_nothing<T: Default>(&self, read: Result<T, Error>) -> Result<T, Error> {
        match self.noted(read) {
            Err(error) if error.kind == ErrorKind::Denied => Ok(T::default()),
            read => read,
        }
    }
}

/// A check changes nothing.
fn refused<T>(call: &'static str) -> Result<T, Error> {
    Err(Error::new(call, "check", ErrorKind::Rejected, "a check only reads"))
}

impl Cloud for ReadOnly {
    fn now(&self) -> Timestamp {
        self.aws.now()
    }

    async fn sleep(&self, time: Duration) {
        self.aws.clock.sleep(time).await;
    }

    fn count(&self, _: Metric, _: Option<&TargetName>) {}

    async fn configuration(&self, _: &Source) -> Result<String, Error> {
        Ok(self.document.clone())
    }

    async fn read_record(&self, target: &TargetName) -> Result<Versioned, Error> {
        match self.records {
            Records::InTable => self.or_nothing(self.aws.read_record(target).await),
            Records::None => Ok(Versioned::default()),
        }
    }

    async fn write_record(&self, _: &TargetName, _: Versioned) -> Result<Result<Versioned, Versioned>, Error> {
        refused("DynamoDB.PutItem")
    }

    async fn archive_deployment(&self, _: &TargetName, _: &Deployment) -> Result<(), Error> {
        refused("DynamoDB.PutItem")
    }

    async fn archived_deployments(&self, target: &TargetName, most: usize) -> Result<Vec<Deployment>, Error> {
        match self.records {
            Records::InTable => self.or_nothing(self.aws.archived_deployments(target, most).await),
            Records::None => Ok(Vec::new()),
        }
    }

    async fn put_evidence(&self, _: &TargetName, _: &RecordedEvidence) -> Result<(), Error> {
        refused("DynamoDB.PutItem")
    }

    async fn evidence(
        &self,
        target: &TargetName,
        numbers: RangeInclusive<u64>,
    ) -> Result<Vec<RecordedEvidence>, Error> {
        match self.records {
            Records::InTable => self.or_nothing(self.aws.evidence(target, numbers).await),
            Records::None => Ok(Vec::new()),
        }
    }

    async fn put_family_member(&self, _: &str, _: &FamilyMember) -> Result<(), Error> {
        refused("DynamoDB.PutItem")
    }

    async fn family_members(&self, family: &str) -> Result<Vec<FamilyMember>, Error> {
        let mut members = match self.records {
            Records::InTable => self.or_nothing(self.aws.family_members(family).await)?,
            Records::None => Vec::new(),
        };
        // Each target is noted in the table when Slipway serves it; here they are known before.
        for service in self.read.borrow().services.values().flatten() {
            let target = TargetName::of(&service.cluster, &service.service);
            if service.task_definition.family() == family && members.iter().all(|it| it.target != target) {
                members.push(FamilyMember { target, origin: None });
            }
        }
        members.sort_by(|one, other| one.target.cmp(&other.target));
        Ok(members)
    }

    async fn create_timer(&self, _: &Timer) -> Result<(), Error> {
        refused("Scheduler.CreateSchedule")
    }

    async fn describe_services(
        &self,
        cluster: &ClusterName,
        services: &[&ServiceName],
    ) -> Result<Vec<Option<ServiceFacts>>, Error> {
        let key = |service: &ServiceName| (cluster.clone(), service.clone());
        let known: Option<Vec<_>> = {
            let read = self.read.borrow();
            services.iter().map(|service| read.services.get(&key(service)).cloned()).collect()
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.noted(self.aws.describe_services(cluster, services).await)?;
        let mut read = self.read.borrow_mut();
        for (service, facts) in services.iter().zip(&found) {
            read.services.insert(key(service), facts.clone());
        }
        Ok(found)
    }

    async fn describe_task_definition(&self, name: &str) -> Result<Revision, Error> {
        if let Some(known) = self.read.borrow().revisions.get(name) {
            return Ok(known.clone());
        }
        let found = self.noted(self.aws.describe_task_definition(name).await)?;
        self.read.borrow_mut().revisions.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    async fn register_task_definition(&self, _: &Rendering) -> Result<TaskDefinitionArn, Error> {
        refused("ECS.RegisterTaskDefinition")
    }

    async fn update_service(
        &self,
        _: &ClusterName,
        _: &ServiceName,
        _: &TaskDefinitionArn,
        _: bool,
    ) -> Result<Option<ServiceFacts>, Error> {
        refused("ECS.UpdateService")
    }

    async fn update_express_gateway_service(&self, _: &str, _: &TaskDefinitionArn) -> Result<(), Error> {
        refused("ECS.UpdateExpressGatewayService")
    }

    async fn stop_service_deployment(&self, _: &ServiceDeploymentArn) -> Result<StopAnswer, Error> {
        refused("ECS.StopServiceDeployment")
    }

    async fn continue_service_deployment(
        &self,
        _: &ServiceDeploymentArn,
        _: &str,
        _: HookAnswer,
    ) -> Result<ContinueAnswer, Error> {
        refused("ECS.ContinueServiceDeployment")
    }

    async fn get_deployment_group(&self, name: &GroupName) -> Result<Option<DeploymentGroup>, Error> {
        let found = self.noted(self.aws.get_deployment_group(name).await)?;
        // A service has one group (CodeDeploy API, ECSServiceMappingLimitExceededException).
        if let Some(service) = found.as_ref().and_then(|group| group.service.clone()) {
            self.read.borrow_mut().groups.insert(service, name.clone());
        }
        Ok(found)
    }

    async fn get_deployment(&self, id: &DeploymentId) -> Result<Option<CodeDeployment>, Error> {
        self.noted(self.aws.get_deployment(id).await)
    }

    async fn get_deployment_target(
        &self,
        id: &DeploymentId,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<TargetProgress>, Error> {
        self.noted(self.aws.get_deployment_target(id, cluster, service).await)
    }

    async fn get_application_revision(&self, application: &str, sha256: &str) -> Result<Option<String>, Error> {
        self.noted(self.aws.get_application_revision(application, sha256).await)
    }

    async fn list_deployments(&self, group: &GroupName, since: Timestamp) -> Result<Vec<DeploymentId>, Error> {
        self.noted(self.aws.list_deployments(group, since).await)
    }

    async fn create_deployment(&self, _: &GroupName, _: &str, _: &str) -> Result<DeploymentId, Error> {
        refused("CodeDeploy.CreateDeployment")
    }

    async fn stop_deployment(&self, _: &DeploymentId) -> Result<StopAnswer, Error> {
        refused("CodeDeploy.StopDeployment")
    }

    async fn continue_deployment(&self, _: &DeploymentId, _: DeploymentWait) -> Result<ContinueAnswer, Error> {
        refused("CodeDeploy.ContinueDeployment")
    }

    async fn list_service_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        self.noted(self.aws.list_service_deployments(cluster, service).await)
    }

    async fn describe_service_deployment(
        &self,
        arn: &ServiceDeploymentArn,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        self.noted(self.aws.describe_service_deployment(arn).await)
    }

    async fn describe_service_revisions(&self, arns: &[ServiceRevisionArn]) -> Result<Vec<ServiceRevision>, Error> {
        self.noted(self.aws.describe_service_revisions(arns).await)
    }

    async fn list_stopped_tasks(&self, cluster: &ClusterName, service: &ServiceName) -> Result<Vec<String>, Error> {
        self.noted(self.aws.list_stopped_tasks(cluster, service).await)
    }

    async fn describe_stopped_tasks(&self, cluster: &ClusterName, arns: &[String]) -> Result<Vec<StoppedTask>, Error> {
        self.noted(self.aws.describe_stopped_tasks(cluster, arns).await)
    }

    async fn describe_image(&self, repository: &Repository, name: &ImageName) -> Result<Option<ImageFacts>, Error> {
        let of_name = |image: &&ImageFacts| match name {
            ImageName::Tag(tag) => image.tags.contains(tag),
            ImageName::Digest(digest) => image.digest == *digest,
        };
        let known = self.read.borrow().listings.get(repository).and_then(|all| all.iter().find(of_name).cloned());
        match known {
            Some(known) => Ok(Some(known)),
            None => self.noted(self.aws.describe_image(repository, name).await),
        }
    }

    async fn list_images(&self, repository: &Repository) -> Result<Vec<ImageFacts>, Error> {
        if let Some(known) = self.read.borrow().listings.get(repository) {
            return Ok(known.clone());
        }
        let found = self.noted(self.aws.list_images(repository).await)?;
        self.read.borrow_mut().listings.insert(repository.clone(), found.clone());
        Ok(found)
    }

    async fn restore_image(&self, _: &Repository, _: &Digest) -> Result<RestoreAnswer, Error> {
        refused("ECR.UpdateImageStorageClass")
    }

    async fn batch_get_image(
        &self,
        repository: &Repository,
        digests: &[&Digest],
    ) -> Result<Vec<(Digest, String)>, Error> {
        self.noted(self.aws.batch_get_image(repository, digests).await)
    }

    async fn download_layer(&self, repository: &Repository, digest: &Digest, most: usize) -> Result<Vec<u8>, Error> {
        self.noted(self.aws.download_layer(repository, digest, most).await)
    }

    async fn last_log_lines(&self, stream: &LogStream, most: i32) -> Result<Vec<String>, Error> {
        self.noted(self.aws.last_log_lines(stream, most).await)
    }

    async fn publish(&self, _: &Notice) -> Result<(), Error> {
        refused("SNS.Publish")
    }
}
