//! What is read of a service's deployments and done to them, whoever carries them out: ECS, or CodeDeploy.
//!
//! What CodeDeploy shows is put into ECS's words here, by core's rule, so that the rest of the engine knows one kind of
//! deployment.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::future::{join_all, try_join};
use slipway_core::config::CodeDeploySettings;
use slipway_core::model::facts::{
    AppSpecSource, CodeDeploy, CodeDeployment, Controller, DeploymentGroup, DeploymentWait, GroupName, Hooks,
    ServiceDeploymentFacts, ServiceFacts,
};
use slipway_core::model::id::{
    ClusterName, DeploymentId, ServiceDeploymentArn, ServiceName, TargetName, TaskDefinitionArn,
};
use slipway_core::model::notice::Tasks;
use slipway_core::model::plan::UpdateCall;
use slipway_core::model::record::Deployment;
use slipway_core::rules::mechanism::{
    AppSpec, SKEW, Unanswered, app_spec, events_count, makers, service_deployments, unanswered, with_code_deploy,
};

use crate::cloud::{Cloud, ContinueAnswer, HookAnswer, StopAnswer};
use crate::error::{Error, ErrorKind};
use crate::execute::Done;
use crate::invocation::Call;

/// So many deployments are looked at for one that was not answered.
const LOOKED_UP: usize = 10;

/// The `AppSpec`s that were read, by application and SHA-256, which never mean anything else. Kept as long as the function's
/// process lives.
#[derive(Debug, Default)]
pub(crate) struct AppSpecs(RefCell<BTreeMap<(String, String), AppSpec>>);

/// So many of them are kept.
const KEPT: usize = 200;

impl<C: Cloud> Call<'_, C> {
    /// Services of one cluster as they are now, in the order asked; `None` for one that is missing. What cannot be read of
    /// CodeDeploy is the inner error of that service alone.
    pub(crate) async fn services(
        &self,
        cluster: &ClusterName,
        services: &[&ServiceName],
    ) -> Result<Vec<Result<Option<ServiceFacts>, Error>>, Error> {
        let described = self.cloud().describe_services(cluster, services).await?;
        Ok(join_all(described.into_iter().map(async |service| match service {
            Some(service) if service.controller == Controller::CodeDeploy => {
                let code_deploy = self.code_deploy(&service).await.map_err(needs_permission)?;
                let now = self.now();
                Ok(Some(match code_deploy {
                    Some(code_deploy) => with_code_deploy(service, code_deploy, now),
                    None => service,
                }))
            }
            service => Ok(service),
        }))
        .await)
    }

    /// One service as it is now.
    pub(crate) async fn service(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Option<ServiceFacts>, Error> {
        let found = self.services(cluster, &[service]).await?;
        found.into_iter().next().unwrap_or(Ok(None))
    }

    /// The service deployments of a service; with a deployment, also what it became, or may have become.
    pub(crate) async fn service_deployments(
        &self,
        service: &ServiceFacts,
        deployment: Option<&Deployment>,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        if service.controller != Controller::CodeDeploy {
            return self.cloud().list_service_deployments(&service.cluster, &service.service).await;
        }
        let Some(mut known) = service.code_deploy.clone() else { return Ok(Vec::new()) };
        let mut ids: Vec<DeploymentId> = deployment.and_then(Deployment::id).cloned().into_iter().collect();
        if let Some(intended) = deployment.filter(|it| it.is_intent()) {
            let since = intended.intended_at - SKEW;
            ids.extend(self.cloud().list_deployments(&known.group.name, since).await?.into_iter().take(LOOKED_UP));
        }
        for id in ids.iter().filter(|id| id.is_of_code_deploy()) {
            self.add_deployment(&mut known.deployments, id, service).await?;
        }
        Ok(service_deployments(service, &known, self.now()))
    }

    /// A service deployment as it is now; `None` where nobody has it any more.
    pub(crate) async fn service_deployment(
        &self,
        service: &ServiceFacts,
        arn: &ServiceDeploymentArn,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        let Some(id) = arn.code_deployment() else { return self.cloud().describe_service_deployment(arn).await };
        let Some(known) = &service.code_deploy else { return Ok(None) };
        let mut known = CodeDeploy { deployments: Vec::new(), ..known.clone() };
        self.add_deployment(&mut known.deployments, &id, service).await?;
        Ok(service_deployments(service, &known, self.now()).into_iter().find(|it| it.arn == *arn))
    }

    /// Makes a service run a revision. After `Unreachable` it may have been carried out.
    pub(crate) async fn update_to(
        &self,
        (cluster, service): (&ClusterName, &ServiceName),
        revision: &TaskDefinitionArn,
        call: &UpdateCall,
        description: &str,
        previous_primary: Option<&DeploymentId>,
    ) -> Result<Done, Error> {
        match call {
            UpdateCall::UpdateService { force_new_deployment } => {
                let updated = self.cloud().update_service(cluster, service, revision, *force_new_deployment).await?;
                Ok(updated.as_ref().map(Done::by_primary).unwrap_or_default())
            }
            UpdateCall::CreateDeployment(new) => {
                let spec = app_spec(new, revision);
                let id = self.cloud().create_deployment(&new.group, &spec, description).await?;
                Ok(Done { deployment: Some(id), ..Done::default() })
            }
            UpdateCall::UpdateExpressGatewayService { service: arn } => {
                self.cloud().update_express_gateway_service(arn, revision).await?;
                // Where nobody can say yet what it made, that is found as after an update without an answer.
                let service = self.service(cluster, service).await.ok().flatten();
                let took_effect =
                    |it: &ServiceFacts| unanswered(it, revision, previous_primary) == Unanswered::TookEffect;
                Ok(service.filter(took_effect).as_ref().map(Done::by_primary).unwrap_or_default())
            }
        }
    }

    /// Stops a deployment so that it is rolled back. After `Unreachable` it may have been carried out.
    pub(crate) async fn stop_deployment(&self, arn: &ServiceDeploymentArn) -> Result<StopAnswer, Error> {
        match arn.code_deployment() {
            Some(id) => self.cloud().stop_deployment(&id).await,
            None => self.cloud().stop_service_deployment(arn).await,
        }
    }

    /// Answers a deployment that waits for a person, or stops one of CodeDeploy that doesn't. After `Unreachable` it may have
    /// been carried out.
    pub(crate) async fn answer_deployment(
        &self,
        arn: &ServiceDeploymentArn,
        hook: Option<&str>,
        answer: HookAnswer,
    ) -> Result<ContinueAnswer, Error> {
        let cloud = self.cloud();
        match (arn.code_deployment(), hook, answer) {
            (Some(id), _, HookAnswer::Continue) => cloud.continue_deployment(&id, DeploymentWait::ReadyWait).await,
            (Some(id), _, HookAnswer::RollBack) => Ok(match cloud.stop_deployment(&id).await? {
                StopAnswer::Accepted => ContinueAnswer::Accepted,
                StopAnswer::TooLate => ContinueAnswer::NotPaused,
            }),
            (None, Some(hook), answer) => cloud.continue_service_deployment(arn, hook, answer).await,
            (None, None, _) => Ok(ContinueAnswer::NotPaused),
        }
    }

    /// What CodeDeploy shows of a service; `None` where its group is not found.
    async fn code_deploy(&self, service: &ServiceFacts) -> Result<Option<CodeDeploy>, Error> {
        let settings = self.settings_of(service).await;
        let made_by = match makers(service).first() {
            Some(id) => self.cloud().get_deployment(id).await?,
            None => None,
        };
        let named = [settings.group.clone(), made_by.as_ref().map(|it| it.group.clone())];
        let Some(group) = self.group_of(service, named.into_iter().flatten()).await? else {
            return Ok(None);
        };
        let (deployments, hooks) =
            try_join(self.newest_deployments(service, &group, made_by), self.hooks(&group, settings)).await?;
        Ok(Some(CodeDeploy { group, deployments, hooks }))
    }

    /// Ends the wait of a deployment of CodeDeploy before its old tasks end; one that waits no longer has ended it.
    pub(crate) async fn cut_the_wait(&self, it: &ServiceDeploymentFacts) -> Result<(), Error> {
        let Some(id) = it.arn.code_deployment() else { return Ok(()) };
        self.cloud().continue_deployment(&id, DeploymentWait::TerminationWait).await.map(drop)
    }

    /// What the document says of CodeDeploy for a service.
    pub(crate) async fn settings_of(&self, service: &ServiceFacts) -> CodeDeploySettings {
        let config = self.engine.document.last().await;
        let name = TargetName::of(&service.cluster, &service.service);
        let entries = config.as_ref().map(|config| config.of_name(&name)).unwrap_or_default();
        let set = |it: &&CodeDeploySettings| **it != CodeDeploySettings::default();
        entries.iter().map(|target| &target.code_deploy).find(set).cloned().unwrap_or_default()
    }

    /// The group that deploys to a service: the first of these names whose group does, else the console's.
    async fn group_of(
        &self,
        service: &ServiceFacts,
        names: impl Iterator<Item = GroupName>,
    ) -> Result<Option<DeploymentGroup>, Error> {
        let mut asked: Vec<GroupName> = Vec::new();
        for name in names.chain([GroupName::of_console(&service.cluster, &service.service)]) {
            if asked.contains(&name) {
                continue;
            }
            let found = self.cloud().get_deployment_group(&name).await?;
            let is_its = |group: &DeploymentGroup| {
                group.service.as_ref() == Some(&(service.cluster.clone(), service.service.clone()))
            };
            if let Some(group) = found.filter(is_its) {
                return Ok(Some(group));
            }
            asked.push(name);
        }
        Ok(None)
    }

    /// The newest deployment of a group, what belongs to it, and what made the task sets; `known` was read already.
    async fn newest_deployments(
        &self,
        service: &ServiceFacts,
        group: &DeploymentGroup,
        known: Option<CodeDeployment>,
    ) -> Result<Vec<CodeDeployment>, Error> {
        let mut deployments = Vec::new();
        if let Some(known) = known {
            self.complete(&mut deployments, known, service).await?;
        }
        for id in group.last.iter().chain(makers(service)) {
            self.add_deployment(&mut deployments, id, service).await?;
        }
        Ok(deployments)
    }

    /// Reads a deployment, unless it is known.
    async fn add_deployment(
        &self,
        deployments: &mut Vec<CodeDeployment>,
        id: &DeploymentId,
        service: &ServiceFacts,
    ) -> Result<(), Error> {
        if deployments.iter().any(|it| it.id == *id) {
            return Ok(());
        }
        match self.cloud().get_deployment(id).await? {
            Some(found) => self.complete(deployments, found, service).await,
            None => Ok(()),
        }
    }

    /// Adds a deployment with what its standing depends on: its lifecycle events, its task definition while it has no task set,
    /// and the deployment that it rolls back or that rolls it back.
    async fn complete(
        &self,
        deployments: &mut Vec<CodeDeployment>,
        mut it: CodeDeployment,
        service: &ServiceFacts,
    ) -> Result<(), Error> {
        let has_tasks = service.task_sets.iter().any(|set| set.external_id.as_ref() == Some(&it.id));
        let spec = async {
            match &it.revision {
                Some(source) if !has_tasks => self.app_spec(&it.group, source).await,
                _ => Ok(None),
            }
        };
        let progress = async {
            match events_count(&it) {
                true => self.cloud().get_deployment_target(&it.id, &service.cluster, &service.service).await,
                false => Ok(None),
            }
        };
        let (spec, progress) = try_join(spec, progress).await?;
        it.task_definition = spec.and_then(|spec| spec.task_definition);
        if let Some(progress) = progress {
            (it.events, it.traffic) = (progress.events, progress.traffic);
        }
        let other = it.rollback.of.clone().or_else(|| it.rollback.by.clone());
        deployments.push(it);
        match other {
            Some(other) => Box::pin(self.add_deployment(deployments, &other, service)).await,
            None => Ok(()),
        }
    }

    async fn hooks(&self, group: &DeploymentGroup, settings: CodeDeploySettings) -> Result<Hooks, Error> {
        if let Some(hooks) = settings.hooks {
            return Ok(Hooks::Known(hooks));
        }
        Ok(match &group.revision {
            None => Hooks::Known(Vec::new()),
            Some(source) => {
                self.app_spec(&group.name, source).await?.map_or(Hooks::Unreadable, |spec| Hooks::Known(spec.hooks))
            }
        })
    }

    /// The AppSpec of a revision; `None` where CodeDeploy doesn't have it, or it is none.
    async fn app_spec(&self, group: &GroupName, source: &AppSpecSource) -> Result<Option<AppSpec>, Error> {
        let AppSpecSource::Content(sha256) = source else { return Ok(None) };
        let kept = &self.engine.app_specs.0;
        let key = (group.application.clone(), sha256.clone());
        if let Some(spec) = kept.borrow().get(&key) {
            return Ok(Some(spec.clone()));
        }
        let text = self.cloud().get_application_revision(&group.application, sha256).await?;
        let spec = text.as_deref().and_then(AppSpec::parse);
        if let Some(spec) = &spec {
            let mut kept = kept.borrow_mut();
            if kept.len() >= KEPT {
                kept.clear();
            }
            kept.insert(key, spec.clone());
        }
        Ok(spec)
    }
}

/// What a role needs that was not made for CodeDeploy.
fn needs_permission(error: Error) -> Error {
    match error.kind {
        ErrorKind::Denied => error.adding("the template's parameter CodeDeployApplications allows it"),
        _ => error,
    }
}

impl Done {
    /// What an update made, by the service as it is afterwards.
    pub(crate) fn by_primary(service: &ServiceFacts) -> Self {
        let primary = service.primary();
        Self {
            revision: None,
            deployment: primary.map(|primary| primary.id.clone()),
            created_at: primary.and_then(|primary| primary.created_at),
            tasks: Some(Tasks::of(service)),
        }
    }
}
