//! From the SDK's types to our facts. What AWS may add later arrives as `Other`, never as an error.

use aws_sdk_ecs::types;
use serde_json::Value;
use slipway_core::model::facts::{
    CapacityProvider, Controller, DeploymentFacts, Monitors, Network, OnFailure, Pause, Placement, Revision,
    ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts, ServiceMessage, Strategy, TaskSet,
};
use slipway_core::model::id::{
    ClusterName, DeploymentId, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TaskDefinitionArn,
};
use slipway_core::rules::mechanism::with_rollouts;

use super::member;
use crate::clock::time;

/// `None` where the answer lacks what identifies a service.
pub(super) fn service(service: &types::Service) -> Option<ServiceFacts> {
    let cluster_arn = service.cluster_arn()?;
    let facts = ServiceFacts {
        arn: service.service_arn()?.to_owned(),
        cluster: ClusterName::new(cluster_arn.rsplit_once('/').map_or(cluster_arn, |(_, name)| name)),
        service: ServiceName::new(service.service_name()?),
        status: service.status().unwrap_or_default().to_owned(),
        controller: match service.resource_management_type() {
            Some(types::ResourceManagementType::Ecs) => Controller::Express,
            _ => service.deployment_controller().map_or(Controller::Ecs, |it| it.r#type().as_str().into()),
        },
        // Services of the EXTERNAL controller may have none; they are refused before it is used.
        task_definition: TaskDefinitionArn::new(task_definition(service).unwrap_or_default()),
        desired_count: service.desired_count(),
        running_count: service.running_count(),
        strategy: service
            .deployment_configuration()
            .and_then(|it| it.strategy())
            .map_or(Strategy::Rolling, |it| it.as_str().into()),
        breaker: breaker(service.deployment_configuration()),
        alarms: alarms(service.deployment_configuration()),
        completes_early: service
            .deployment_configuration()
            .and_then(|it| it.early_success_criteria())
            .is_some_and(|it| it.enable()),
        deployments: service.deployments().iter().filter_map(deployment).collect(),
        current_service_deployment: service.current_service_deployment().map(ServiceDeploymentArn::new),
        current_revisions: service
            .current_service_revisions()
            .iter()
            .filter_map(|revision| revision.arn().map(ServiceRevisionArn::new))
            .collect(),
        events: service
            .events()
            .iter()
            .map(|event| ServiceMessage {
                at: time(event.created_at()),
                message: event.message().unwrap_or_default().to_owned(),
            })
            .collect(),
        task_sets: service.task_sets().iter().filter_map(task_set).collect(),
        code_deploy: None,
    };
    Some(with_rollouts(facts))
}

/// `None` where the answer lacks the ARN.
pub(super) fn service_deployment(brief: &types::ServiceDeploymentBrief) -> Option<ServiceDeploymentFacts> {
    Some(ServiceDeploymentFacts {
        arn: ServiceDeploymentArn::new(brief.service_deployment_arn()?),
        target: brief.target_service_revision_arn().map(ServiceRevisionArn::new),
        status: ServiceDeploymentStatus::from(brief.status().map(|status| status.as_str()).unwrap_or_default()),
        status_reason: brief.status_reason().map(str::to_owned),
        rollback_reason: None,
        rollback_to: None,
        rollback_at: None,
        monitors: Monitors::Unread,
        stage: None,
        pause: Pause::No,
        traffic: None,
        bake_minutes: None,
        failed_hook: None,
        task_definition: None,
        updated_at: None,
        created_at: time(brief.created_at()),
        finished_at: time(brief.finished_at()),
    })
}

/// `None` where the answer holds no task definition with an ARN. Tags are its sibling, not its member.
pub(super) fn revision(mut answer: Value) -> Option<Revision> {
    let tags = answer
        .get_mut("tags")
        .map(Value::take)
        .and_then(|tags| serde_json::from_value::<Vec<Tag>>(tags).ok())
        .unwrap_or_default();
    let Value::Object(definition) = member(answer, "taskDefinition")? else { return None };
    let arn = TaskDefinitionArn::new(definition.get("taskDefinitionArn")?.as_str()?);
    Some(Revision { arn, definition, tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect() })
}

#[derive(serde::Deserialize)]
struct Tag {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
}

/// With task sets, the service's own `taskDefinition` may lag behind the PRIMARY task set's.
fn task_definition(service: &types::Service) -> Option<&str> {
    let primary = service.task_sets().iter().find(|set| set.status() == Some("PRIMARY"));
    primary.and_then(|set| set.task_definition()).or(service.task_definition())
}

fn breaker(configuration: Option<&types::DeploymentConfiguration>) -> OnFailure {
    let breaker = configuration.and_then(|it| it.deployment_circuit_breaker());
    breaker.map_or(OnFailure::Off, |it| OnFailure::of_flags(it.enable(), it.rollback()))
}

fn alarms(configuration: Option<&types::DeploymentConfiguration>) -> OnFailure {
    let alarms = configuration.and_then(|it| it.alarms());
    alarms.map_or(OnFailure::Off, |it| OnFailure::of_flags(it.enable(), it.rollback()))
}

fn deployment(deployment: &types::Deployment) -> Option<DeploymentFacts> {
    Some(DeploymentFacts {
        id: DeploymentId::new(deployment.id()?),
        status: deployment.status().unwrap_or_default().to_owned(),
        task_definition: TaskDefinitionArn::new(deployment.task_definition()?),
        rollout: deployment.rollout_state().map(|state| state.as_str().into()),
        rollout_reason: deployment.rollout_state_reason().map(str::to_owned),
        created_at: time(deployment.created_at()),
        updated_at: time(deployment.updated_at()),
        failed_tasks: deployment.failed_tasks(),
        desired_count: deployment.desired_count(),
        running_count: deployment.running_count(),
        pending_count: deployment.pending_count(),
    })
}

/// `None` where the answer lacks what identifies a task set.
fn task_set(set: &types::TaskSet) -> Option<TaskSet> {
    let balancer = set.load_balancers().first();
    let network = set.network_configuration().and_then(|it| it.awsvpc_configuration());
    Some(TaskSet {
        id: DeploymentId::new(set.id()?),
        external_id: set.external_id().filter(|id| !id.is_empty()).map(DeploymentId::new),
        status: set.status().unwrap_or_default().to_owned(),
        task_definition: TaskDefinitionArn::new(set.task_definition()?),
        created_at: time(set.created_at()),
        updated_at: time(set.updated_at()),
        desired_count: set.computed_desired_count(),
        running_count: set.running_count(),
        pending_count: set.pending_count(),
        placement: Placement {
            load_balancer: balancer.and_then(|it| Some((it.container_name()?.to_owned(), it.container_port()?))),
            network: network.map(|it| Network {
                subnets: it.subnets().to_vec(),
                security_groups: it.security_groups().to_vec(),
                assign_public_ip: it.assign_public_ip().map_or("DISABLED", |it| it.as_str()).to_owned(),
            }),
            platform_version: set.platform_version().map(str::to_owned),
            capacity_providers: set
                .capacity_provider_strategy()
                .iter()
                .map(|it| CapacityProvider {
                    name: it.capacity_provider().to_owned(),
                    base: it.base(),
                    weight: it.weight(),
                })
                .collect(),
        },
    })
}
