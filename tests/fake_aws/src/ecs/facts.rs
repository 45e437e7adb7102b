//! The state of ECS in Slipway's words, without JSON on the way: what the SDK's answers become, straight from the state.
//!
//! `tests/wire.rs` of package e2e holds both ways side by side, value for value.

use jiff::Timestamp;
use serde_json::Value;
use slipway_core::model::facts::{
    Controller, DeploymentFacts, Monitors, OnFailure, Pause, Revision, ServiceDeploymentFacts, ServiceDeploymentStatus,
    ServiceFacts, ServiceMessage, ServiceRevision, StoppedContainer, StoppedTask, Strategy,
};
use slipway_core::model::id::{
    ClusterName, ContainerName, DeploymentId, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TaskDefinitionArn,
};
use slipway_core::rules::mechanism::with_rollouts;

use super::task_sets::TaskSet;
use super::{
    Context, Ecs, Service, ServiceDeployment, Task, hooks, last_part, service_deployments, services, task_definitions,
};
use crate::place::Place;
use crate::refusal::{Members, Refusal};

impl Ecs {
    /// A cluster's services in the order asked; `None` for what is missing.
    pub(crate) fn services(
        &self,
        place: &Place,
        now: Timestamp,
        cluster: &ClusterName,
        names: &[&ServiceName],
    ) -> Vec<Option<ServiceFacts>> {
        let cluster = last_part(cluster.as_str());
        let service = |name: &&ServiceName| {
            let service = self.service_named(cluster, name.as_str())?;
            Some(service.shown_at(now).facts(place))
        };
        names.iter().map(service).collect()
    }

    /// A task definition by family, `family:revision` or ARN, with its tags.
    pub(crate) fn task_definition(&self, named: &str) -> Option<Revision> {
        let revision = self.revision(named)?;
        let text = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Revision {
            arn: TaskDefinitionArn::new(revision.arn()),
            definition: revision.definition.clone(),
            tags: revision.tags.iter().map(|tag| (text(tag, "key"), text(tag, "value"))).collect(),
        })
    }

    /// The newest hundred service deployments, the newest first; none where the controller is not ECS.
    pub(crate) fn service_deployments(
        &self,
        now: Timestamp,
        cluster: &ClusterName,
        name: &ServiceName,
    ) -> Result<Vec<ServiceDeploymentFacts>, Refusal> {
        let service = self.typed_service(cluster, name)?.shown_at(now);
        if service.controller() != "ECS" {
            return Ok(Vec::new());
        }
        let listed = service.service_deployments.iter().filter(|it| it.listed_from <= now);
        let mut briefs: Vec<_> = listed.take(100).map(|it| it.brief(service)).collect();
        briefs.sort_by_key(|brief| std::cmp::Reverse(brief.created_at));
        Ok(briefs)
    }

    /// All that there is to know of a service deployment.
    pub(crate) fn service_deployment(&self, arn: &ServiceDeploymentArn) -> Option<ServiceDeploymentFacts> {
        let (service, deployment) = service_deployments::find(self, arn.as_str())?;
        Some(ServiceDeploymentFacts {
            rollback_reason: deployment.rollback.as_ref().map(|rollback| rollback.reason.to_owned()),
            rollback_at: deployment.rollback.as_ref().map(|rollback| rollback.at),
            rollback_to: deployment
                .rollback
                .as_ref()
                .map(|rollback| ServiceRevisionArn::new(service.revisions[rollback.revision].arn.as_str())),
            monitors: service_deployments::monitors(service, deployment),
            stage: deployment.stage.clone(),
            pause: deployment.pause_facts(),
            traffic: deployment.traffic,
            bake_minutes: Some(service.bake_minutes().unwrap_or_default()),
            failed_hook: deployment.failed_hook(),
            updated_at: Some(deployment.updated_at),
            ..deployment.brief(service)
        })
    }

    /// Service revisions; those that are not there are left out.
    pub(crate) fn service_revisions(&self, arns: &[ServiceRevisionArn]) -> Vec<ServiceRevision> {
        let known = self.clusters.values().flat_map(|services| services.values()).flat_map(|it| &it.revisions);
        let find = |arn: &ServiceRevisionArn| {
            let revision = known.clone().find(|revision| revision.arn == arn.as_str())?;
            Some(ServiceRevision {
                arn: arn.clone(),
                task_definition: Some(TaskDefinitionArn::new(revision.task_definition.as_str())),
                images: revision.images.clone(),
            })
        };
        arns.iter().filter_map(find).collect()
    }

    /// The ARNs of a service's stopped tasks, at most a hundred.
    pub(crate) fn stopped_task_arns(&self, cluster: &ClusterName, name: &ServiceName) -> Result<Vec<String>, Refusal> {
        let service = self.typed_service(cluster, name)?;
        let stopped = service.tasks.iter().filter(|task| task.stopped.is_some());
        Ok(stopped.take(100).map(|task| task.arn.clone()).collect())
    }

    /// Tasks of a cluster by their ARNs, the last that stopped first; those that ECS no longer has are left out.
    pub(crate) fn stopped_tasks(&self, cluster: &ClusterName, arns: &[String]) -> Result<Vec<StoppedTask>, Refusal> {
        let services = self.clusters.get(last_part(cluster.as_str()));
        let services = services.ok_or_else(|| Refusal::new("ClusterNotFoundException", "Cluster not found."))?;
        let find = |arn: &String| {
            services.values().find_map(|service| {
                let task = service.tasks.iter().find(|task| task.arn == *arn)?;
                Some(service.stopped_task(task))
            })
        };
        let mut tasks: Vec<_> = arns.iter().filter_map(find).collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.stopped_at));
        Ok(tasks)
    }

    /// RegisterTaskDefinition.
    pub(crate) fn register(&mut self, context: &Context<'_>, body: &Members) -> Result<TaskDefinitionArn, Refusal> {
        task_definitions::add(self, context, body).map(|revision| TaskDefinitionArn::new(revision.arn()))
    }

    /// UpdateService as Slipway calls it; the service afterwards.
    pub(crate) fn deploy(
        &mut self,
        context: &mut Context<'_>,
        cluster: &ClusterName,
        service: &ServiceName,
        task_definition: &TaskDefinitionArn,
        force_new_deployment: bool,
    ) -> Result<ServiceFacts, Refusal> {
        let named = (last_part(cluster.as_str()), service.as_str());
        let place = context.place;
        let service = services::deploy(self, context, named, task_definition.as_str(), force_new_deployment)?;
        Ok(service.facts(place))
    }

    /// StopServiceDeployment with ROLLBACK.
    pub(crate) fn stop(&mut self, context: &Context<'_>, arn: &ServiceDeploymentArn) -> Result<(), Refusal> {
        service_deployments::request_stop(self, context, arn.as_str(), "ROLLBACK_REQUESTED")
    }

    /// ContinueServiceDeployment with CONTINUE, or with ROLLBACK.
    pub(crate) fn answer_hook(
        &mut self,
        context: &Context<'_>,
        arn: &ServiceDeploymentArn,
        hook: &str,
        rolls_back: bool,
    ) -> Result<(), Refusal> {
        hooks::go_on(self, context, arn.as_str(), hook, rolls_back)
    }

    fn typed_service(&self, cluster: &ClusterName, name: &ServiceName) -> Result<&Service, Refusal> {
        let cluster = last_part(cluster.as_str());
        if !self.clusters.contains_key(cluster) {
            return Err(Refusal::new("ClusterNotFoundException", "Cluster not found."));
        }
        let service = self.service_named(cluster, name.as_str());
        service.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))
    }
}

impl Service {
    /// The service as it is now.
    pub(crate) fn facts(&self, place: &Place) -> ServiceFacts {
        let by_ecs = self.controller() == "ECS";
        let running: i64 = self.deployments.iter().map(|deployment| deployment.running).sum();
        let alive = self.deployments.iter().filter(|deployment| deployment.desired > 0 || deployment.running > 0);
        let current = self.current_service_deployment().filter(|_| by_ecs);
        let event = |message: &super::Message| ServiceMessage { at: Some(message.at), message: message.text.clone() };
        let facts = ServiceFacts {
            arn: self.arn(place),
            cluster: ClusterName::new(self.cluster.as_str()),
            service: ServiceName::new(self.name.as_str()),
            status: self.status.to_owned(),
            controller: match self.settings.get("resourceManagementType").and_then(Value::as_str) {
                Some("ECS") => Controller::Express,
                _ => self.controller().into(),
            },
            task_definition: TaskDefinitionArn::new(
                self.primary_task_set().map_or(self.task_definition.as_str(), |set| set.task_definition.as_str()),
            ),
            desired_count: count(self.desired),
            running_count: count(running + self.running_in_task_sets()),
            strategy: self.configured("/strategy").and_then(Value::as_str).map_or(Strategy::Rolling, Strategy::from),
            breaker: self.on_failure("deploymentCircuitBreaker"),
            alarms: self.on_failure("alarms"),
            completes_early: self.is_on("/earlySuccessCriteria/enable"),
            deployments: self.deployments.iter().map(|it| it.facts(self.says_rollout)).collect(),
            current_service_deployment: current.map(|current| ServiceDeploymentArn::new(current.arn.as_str())),
            current_revisions: alive
                .filter(|_| by_ecs)
                .map(|deployment| ServiceRevisionArn::new(self.revisions[deployment.revision].arn.as_str()))
                .collect(),
            events: self.events.iter().map(event).collect(),
            task_sets: self.task_sets.iter().map(TaskSet::facts).collect(),
            code_deploy: None,
        };
        with_rollouts(facts)
    }

    fn on_failure(&self, monitor: &str) -> OnFailure {
        OnFailure::of_flags(self.is_on(&format!("/{monitor}/enable")), self.is_on(&format!("/{monitor}/rollback")))
    }

    fn stopped_task(&self, task: &Task) -> StoppedTask {
        let stopped = task.stopped.as_ref();
        let container = |(index, ran): (usize, &slipway_core::model::facts::RanImage)| {
            let stopped = stopped.filter(|_| index == 0);
            StoppedContainer {
                name: ContainerName::new(ran.container.as_str()),
                exit_code: stopped.and_then(|stopped| stopped.exit_code),
                reason: stopped.and_then(|stopped| stopped.container_reason.clone()),
                image: ran.image.clone(),
                essential: None,
                stream: None,
                log: Vec::new(),
            }
        };
        StoppedTask {
            arn: task.arn.clone(),
            started_by: Some(DeploymentId::new(task.deployment.as_str())),
            task_definition: Some(TaskDefinitionArn::new(task.task_definition.as_str())),
            stop_code: stopped.map(|stopped| stopped.code.to_owned()),
            stopped_reason: stopped.map(|stopped| stopped.reason.clone()),
            started_at: task.started_at,
            stopped_at: stopped.map(|stopped| stopped.at),
            containers: self.images_of(task).iter().enumerate().map(container).collect(),
        }
    }
}

impl super::Deployment {
    fn facts(&self, says_rollout: bool) -> DeploymentFacts {
        DeploymentFacts {
            id: DeploymentId::new(self.id.as_str()),
            status: self.status.to_owned(),
            task_definition: TaskDefinitionArn::new(self.task_definition.as_str()),
            rollout: says_rollout.then(|| self.rollout.into()),
            rollout_reason: says_rollout.then(|| self.reason.clone()),
            created_at: Some(self.created_at),
            updated_at: Some(self.updated_at),
            failed_tasks: count(self.failed),
            desired_count: count(self.desired),
            running_count: count(self.running),
            pending_count: count(self.pending),
        }
    }
}

impl ServiceDeployment {
    /// It as ListServiceDeployments describes it.
    fn brief(&self, service: &Service) -> ServiceDeploymentFacts {
        ServiceDeploymentFacts {
            arn: ServiceDeploymentArn::new(self.arn.as_str()),
            status: ServiceDeploymentStatus::from(self.status),
            status_reason: self.reason.clone(),
            rollback_reason: None,
            rollback_to: None,
            rollback_at: None,
            monitors: Monitors::Unread,
            stage: None,
            pause: Pause::No,
            traffic: None,
            bake_minutes: None,
            failed_hook: None,
            target: Some(ServiceRevisionArn::new(service.revisions[self.target].arn.as_str())),
            task_definition: None,
            created_at: Some(self.created_at),
            updated_at: None,
            finished_at: self.finished_at,
        }
    }
}

fn count(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
