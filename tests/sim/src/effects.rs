//! The calls that change something, as the laws see them: what was before, who calls, and what comes of it.

use fake_aws::Refusal;
use jiff::SignedDuration;
use slipway_core::model::facts::{GroupName, RanImage, ServiceFacts};
use slipway_core::model::id::{DeploymentId, ServiceDeploymentArn, ServiceRevisionArn, TargetName, TaskDefinitionArn};
use slipway_core::model::image::Digest;
use slipway_core::model::notice::Notice;
use slipway_core::model::provenance::Provenance;
use slipway_core::model::record::Service;

use crate::bug::Bug;
use crate::code_deploy;
use crate::laws::{Update, View};
use crate::setup::REPOSITORY;
use crate::simulation::{Simulation, primary};

impl Simulation {
    /// UpdateService by an invocation.
    pub(crate) fn update(
        &mut self,
        target: &TargetName,
        to: &TaskDefinitionArn,
        force_new_deployment: bool,
        request: u64,
    ) -> Result<ServiceFacts, Refusal> {
        let missing = || Refusal::new("ServiceNotFoundException", "Service not found.");
        let service = self.target_service(target).cloned().ok_or_else(missing)?;
        if self.comes_first() {
            self.infrastructure_updates(&service);
        }
        let before = self.service(&service).ok_or_else(missing)?;
        let updated = self.aws.update_service(&service.cluster, &service.name, to, force_new_deployment)?;
        let changed = primary(&before).map(|it| &it.id) != primary(&updated).map(|it| &it.id);
        if let (true, Some(made)) = (changed, primary(&updated)) {
            let update = Update {
                target,
                request,
                digest: self.digest_of(target, &made.id),
                definition: self.definition_of(to),
                running: primary(&before).and_then(|it| self.ran(target, &it.id)),
                before: &before,
                made: &made.id,
                force_new_deployment,
            };
            let view = View { now: self.now, images: &self.images, table: &self.table };
            self.laws.updated(&update, &view);
        }
        self.enqueue_new_events();
        Ok(updated)
    }

    /// The revision of the family that this one was made from, as its tags say.
    fn definition_of(&self, revision: &TaskDefinitionArn) -> Option<TaskDefinitionArn> {
        let revision = self.aws.describe_task_definition(revision.as_str()).ok()?;
        Some(TaskDefinitionArn::new(Provenance::of(&revision)?.definition?))
    }

    /// StopServiceDeployment by an invocation.
    pub(crate) fn stop(&mut self, arn: &ServiceDeploymentArn, request: u64) -> Result<(), Refusal> {
        let service = self.services.iter().find(|it| arn.as_str().contains(&format!("/{}/", it.target))).cloned();
        if let Some(service) = service.as_ref().filter(|_| self.comes_first()) {
            self.infrastructure_updates(service);
        }
        self.aws.stop_service_deployment(arn)?;
        if let Some(service) = service {
            let view = View { now: self.now, images: &self.images, table: &self.table };
            self.laws.stopped(&service.target, request, &view);
        }
        self.enqueue_new_events();
        Ok(())
    }

    /// CreateDeployment by an invocation.
    pub(crate) fn create_deployment(
        &mut self,
        group: &GroupName,
        app_spec: &str,
        description: &str,
        request: u64,
    ) -> Result<DeploymentId, Refusal> {
        let missing = || Refusal::new("DeploymentGroupDoesNotExistException", "No Deployment Group found.");
        let target = code_deploy::service_of(group).ok_or_else(missing)?;
        let service = self.target_service(&target).cloned().ok_or_else(missing)?;
        let before = self.service(&service).ok_or_else(missing)?;
        let created = self.aws.create_deployment(group, app_spec, description)?;
        let to = TaskDefinitionArn::new(self.aws.code_deploy_task_definition(&created).unwrap_or_default());
        let update = Update {
            target: &target,
            request,
            digest: self.digest_of(&target, &created),
            definition: self.definition_of(&to),
            running: primary(&before).and_then(|it| self.ran(&target, &it.id)),
            before: &before,
            made: &created,
            // The same revision once more is deployed only where somebody forces that.
            force_new_deployment: before.task_definition.short() == to.short(),
        };
        let view = View { now: self.now, images: &self.images, table: &self.table };
        self.laws.updated(&update, &view);
        self.enqueue_new_events();
        Ok(created)
    }

    /// StopDeployment by an invocation: Slipway's own rollback, or because a person asks for one.
    pub(crate) fn stop_deployment(&mut self, id: &DeploymentId, request: u64) -> Result<(), Refusal> {
        let group = self.aws.get_deployment(id).map(|it| it.group);
        self.aws.stop_deployment(id)?;
        if let Some(target) = group.as_ref().and_then(code_deploy::service_of)
            && !self.rollbacks_asked_for.contains(&request)
            // Asked once more, because no answer came, CodeDeploy does nothing more.
            && self.stops_asked_for.insert(id.clone())
        {
            let view = View { now: self.now, images: &self.images, table: &self.table };
            self.laws.stopped(&target, request, &view);
        }
        self.enqueue_new_events();
        Ok(())
    }

    /// A record is written.
    pub(crate) fn written(&mut self, target: &TargetName, record: &Service, request: u64) {
        let service = self.target_service(target).and_then(|it| self.service(it));
        let view = View { now: self.now, images: &self.images, table: &self.table };
        self.laws.written(target, record, request, service.as_ref(), &view);
    }

    /// A notice is published; the same one again is a copy.
    pub(crate) fn publish(&mut self, notice: &Notice) {
        let is_lost = self.bug == Some(Bug::LostPublish) && self.chance.u8(0..8) == 0;
        if !is_lost && self.topic.insert(notice.id.clone()) {
            let view = View { now: self.now, images: &self.images, table: &self.table };
            self.laws.published(notice, &view);
        }
    }

    /// What a lagging list answers instead: the same as a while ago.
    pub(crate) fn lag(&mut self, target: &TargetName, service: &mut ServiceFacts) {
        /// Far more than ECS ever lags.
        const LONG: SignedDuration = SignedDuration::from_mins(5);
        match self.stale.get(target) {
            Some((since, stale)) if self.now.duration_since(*since) < LONG => *service = stale.clone(),
            _ => {
                self.stale.insert(target.clone(), (self.now, service.clone()));
            }
        }
    }

    /// The image of ours that ECS resolved when a deployment began.
    pub(crate) fn digest_of(&self, target: &TargetName, deployment: &DeploymentId) -> Option<Digest> {
        self.ran(target, deployment)?.digest
    }

    fn ran(&self, target: &TargetName, deployment: &DeploymentId) -> Option<RanImage> {
        if deployment.is_of_code_deploy() {
            return code_deploy::ran(&self.aws, target, deployment).filter(|ran| ran.image.contains(REPOSITORY));
        }
        let number = deployment.as_str().strip_prefix("ecs-svc/")?;
        let arn = self.aws.place().arn("ecs", &format!("service-revision/{target}/{number}"));
        let revision = self.aws.describe_service_revisions(&[ServiceRevisionArn::new(arn)]).ok()?.pop()?;
        revision.images.into_iter().find(|ran| ran.image.contains(REPOSITORY))
    }
}
