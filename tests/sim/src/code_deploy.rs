//! Services that CodeDeploy deploys: how they are made, and what really goes on there, as the laws and the schedule ask.
//!
//! What goes on is told from the fake's own state and in ECS's words, and by no rule of the engine's.

use fake_aws::{Aws, Refusal};
use serde_json::{Map, Value, json};
use slipway_core::model::facts::{
    CodeDeployStatus, CodeDeployment, Controller, DeploymentFacts, GroupName, RanImage, Rollout, ServiceFacts,
    Strategy, TaskSet,
};
use slipway_core::model::id::{
    ClusterName, DeploymentId, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TargetName, TaskDefinitionArn,
};
use slipway_core::model::image::Digest;

use crate::setup::CLUSTER;

/// How CodeDeploy deploys in a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// For which events it rolls back by itself.
    rolls_back_on: Vec<&'static str>,
    /// Whether alarms stop its deployments.
    pub(crate) alarms: bool,
    /// How many minutes a deployment waits for somebody before it moves the traffic, if it does.
    ready_minutes: Option<u8>,
    /// How many minutes it waits before it ends the old tasks.
    termination_minutes: u8,
    config: &'static str,
    /// Whether CodeDeploy deployed what runs at first.
    has_deployed: bool,
}

impl Group {
    /// A random group.
    pub(crate) fn random(chance: &mut fastrand::Rng) -> Self {
        let events = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];
        let all = chance.u8(0..3) == 0;
        let rolls_back_on = events.into_iter().filter(|_| all || chance.u8(0..3) == 0).collect();
        let configs = ["CodeDeployDefault.ECSAllAtOnce", "CodeDeployDefault.ECSLinear10PercentEvery1Minutes"];
        Self {
            rolls_back_on,
            alarms: chance.bool(),
            ready_minutes: (chance.u8(0..4) == 0).then(|| chance.u8(2..12)),
            termination_minutes: chance.u8(0..30),
            config: configs[usize::from(chance.u8(0..4) == 0)],
            has_deployed: chance.bool(),
        }
    }

    /// A few words about it.
    pub(crate) fn summary(&self) -> String {
        format!(
            "rolls back on {:?}, alarms {}, ready wait {:?}, termination wait {} min, {}{}",
            self.rolls_back_on,
            self.alarms,
            self.ready_minutes,
            self.termination_minutes,
            self.config.trim_start_matches("CodeDeployDefault."),
            if self.has_deployed { ", deployed before" } else { "" },
        )
    }

    /// What CreateService says more for a service that CodeDeploy deploys.
    pub(crate) fn of_service(name: &ServiceName) -> Value {
        let arn =
            format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}-blue/0123456789abcdef");
        json!({
            "deploymentController": { "type": "CODE_DEPLOY" },
            "loadBalancers": [{ "targetGroupArn": arn, "containerName": "web", "containerPort": 8080 }],
        })
    }

    /// Makes the group of a service, and a first deployment of what runs.
    pub(crate) fn make(
        &self,
        aws: &mut Aws,
        service: &ServiceName,
        revision: &TaskDefinitionArn,
    ) -> Result<(), Refusal> {
        let group = group_of(service);
        let platform = json!({ "applicationName": group.application, "computePlatform": "ECS" });
        aws.answer("CodeDeploy", "CreateApplication", &members(platform))?;
        let ready = match self.ready_minutes {
            Some(minutes) => json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": minutes }),
            None => json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT" }),
        };
        let route = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/1/2";
        let request = json!({
            "applicationName": group.application,
            "deploymentGroupName": group.group,
            "deploymentConfigName": self.config,
            "serviceRoleArn": "arn:aws:iam::123456789012:role/ecsCodeDeployRole",
            "ecsServices": [{ "clusterName": CLUSTER, "serviceName": service }],
            "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
            "loadBalancerInfo": { "targetGroupPairInfoList": [{
                "targetGroups": [{ "name": format!("{service}-blue") }, { "name": format!("{service}-green") }],
                "prodTrafficRoute": { "listenerArns": [route] },
            }]},
            "blueGreenDeploymentConfiguration": {
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE", "terminationWaitTimeInMinutes": self.termination_minutes,
                },
                "deploymentReadyOption": ready,
            },
            "autoRollbackConfiguration": { "enabled": !self.rolls_back_on.is_empty(), "events": self.rolls_back_on },
            "alarmConfiguration": { "enabled": self.alarms, "alarms": [{ "name": "too-many-errors" }] },
        });
        aws.answer("CodeDeploy", "CreateDeploymentGroup", &members(request))?;
        if self.has_deployed {
            aws.create_deployment(&group, &app_spec(revision), "the first one")?;
            aws.move_code_deploy(CLUSTER, service.as_str(), fake_aws::CodeDeployStage::Ended)?;
        }
        Ok(())
    }
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The group of a service, by the names that the console gives.
pub(crate) fn group_of(service: &ServiceName) -> GroupName {
    GroupName::of_console(&ClusterName::new(CLUSTER), service)
}

/// The service of a group.
pub(crate) fn service_of(group: &GroupName) -> Option<TargetName> {
    let service = group.group.strip_prefix(&format!("DgpECS-{CLUSTER}-"))?;
    Some(TargetName::new(format!("{CLUSTER}/{service}")))
}

/// What somebody deploys a revision by.
pub(crate) fn app_spec(revision: &TaskDefinitionArn) -> String {
    json!({ "version": 0.0, "Resources": [{ "TargetService": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": revision,
            "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 8080 },
        },
    }}]})
    .to_string()
}

/// The service with its task sets listed as ECS lists deployments, as they really are; others are left as they are.
pub(crate) fn shown(aws: &Aws, mut service: ServiceFacts) -> ServiceFacts {
    if service.controller != Controller::CodeDeploy {
        return service;
    }
    service.strategy = Strategy::CodeDeploy;
    let group = aws.get_deployment_group(&group_of(&service.service));
    let open =
        group.and_then(|it| it.last).and_then(|id| aws.get_deployment(&id)).filter(|it| it.completed_at.is_none());
    let sets: Vec<&TaskSet> = service.task_sets.iter().filter(|it| it.status != "DRAINING").collect();
    let serving = sets.iter().copied().find(|it| it.status == "PRIMARY");
    let primary = match &open {
        None => serving.map(|set| listed(set, "PRIMARY", how_it_ended(aws, set))),
        Some(it) => match &it.rollback.of {
            Some(failed) => {
                let back = sets.iter().copied().find(|set| id_of(set) != failed);
                let reason = Some(format!("rolling back from {failed}"));
                let back = back.map(|set| listed(set, "PRIMARY", Rollout::InProgress));
                back.map(|back| DeploymentFacts { rollout_reason: reason, ..back })
            }
            None => Some(being_deployed(aws, it, &sets, &service)),
        },
    };
    let id = primary.as_ref().map(|it| it.id.clone());
    let others = sets.iter().filter(|set| Some(id_of(set)) != id.as_ref());
    let others: Vec<_> = others.map(|set| listed(set, "ACTIVE", how_it_ended(aws, set))).collect();
    service.current_service_deployment = open.map(|it| ServiceDeploymentArn::new(it.id.as_str()));
    if let Some(primary) = &primary {
        service.task_definition = primary.task_definition.clone();
    }
    service.deployments = primary.into_iter().chain(others).collect();
    service
}

/// How far the deployment of a service has come, while it is open.
pub(crate) fn stage(aws: &Aws, service: &ServiceName) -> Option<String> {
    let id = aws.get_deployment_group(&group_of(service))?.last?;
    let (events, traffic) = aws.get_deployment_target(&id)?;
    Some(format!("{id} {:?} {traffic:?}", events.iter().map(|it| &it.status).collect::<Vec<_>>()))
}

/// The newest deployment of a service that is no rollback, if it did not end well.
pub(crate) fn failed(aws: &Aws, service: &ServiceName) -> Option<DeploymentId> {
    let last = aws.get_deployment(&aws.get_deployment_group(&group_of(service))?.last?)?;
    let newest = last.rollback.of.as_ref().map_or(Some(last.clone()), |of| aws.get_deployment(of))?;
    let failed = matches!(newest.status, CodeDeployStatus::Failed | CodeDeployStatus::Stopped);
    (failed || newest.rollback.by.is_some()).then_some(newest.id)
}

/// Whether the deployment of a service waits for somebody.
pub(crate) fn is_ready(aws: &Aws, service: &ServiceName) -> bool {
    let last = aws.get_deployment_group(&group_of(service)).and_then(|it| it.last);
    last.and_then(|id| aws.get_deployment(&id)).is_some_and(|it| it.status == CodeDeployStatus::Ready)
}

/// What a deployment of CodeDeploy runs in the container `web`: as ECS resolved it once its tasks began.
pub(crate) fn ran(aws: &Aws, target: &TargetName, id: &DeploymentId) -> Option<RanImage> {
    let (cluster, service) = target.place()?;
    let service = aws.describe_services(&cluster, &[&service]).ok()?.pop().flatten()?;
    let set = service.task_sets.iter().find(|set| set.external_id.as_ref() == Some(id));
    if let Some(number) = set.and_then(|set| set.id.as_str().strip_prefix("ecs-svc/")) {
        let arn = aws.place().arn("ecs", &format!("service-revision/{target}/{number}"));
        let revision = aws.describe_service_revisions(&[ServiceRevisionArn::new(arn)]).ok()?.pop()?;
        return revision.images.into_iter().find(|ran| ran.container == "web");
    }
    let definition = aws.describe_task_definition(&aws.code_deploy_task_definition(id)?).ok()?.definition;
    let image = definition.get("containerDefinitions")?[0]["image"].as_str()?.to_owned();
    let digest = image.split_once('@').and_then(|(_, digest)| Digest::parse(digest));
    Some(RanImage { container: "web".to_owned(), image, digest })
}

fn id_of(set: &TaskSet) -> &DeploymentId {
    set.external_id.as_ref().unwrap_or(&set.id)
}

fn listed(set: &TaskSet, status: &str, rollout: Rollout) -> DeploymentFacts {
    DeploymentFacts {
        id: id_of(set).clone(),
        status: status.to_owned(),
        task_definition: set.task_definition.clone(),
        rollout: Some(rollout),
        rollout_reason: None,
        created_at: set.created_at,
        updated_at: set.updated_at,
        failed_tasks: 0,
        desired_count: set.desired_count,
        running_count: set.running_count,
        pending_count: set.pending_count,
    }
}

/// How the deployment ended that made a task set; the first of a service was made well.
fn how_it_ended(aws: &Aws, set: &TaskSet) -> Rollout {
    let made_by = set.external_id.as_ref().and_then(|id| aws.get_deployment(id));
    match made_by.map(|it| it.status) {
        Some(CodeDeployStatus::Failed | CodeDeployStatus::Stopped) => Rollout::Failed,
        _ => Rollout::Completed,
    }
}

fn being_deployed(aws: &Aws, it: &CodeDeployment, sets: &[&TaskSet], service: &ServiceFacts) -> DeploymentFacts {
    if let Some(set) = sets.iter().find(|set| *id_of(set) == it.id) {
        return DeploymentFacts { created_at: it.created_at, ..listed(set, "PRIMARY", Rollout::InProgress) };
    }
    let named = aws.code_deploy_task_definition(&it.id).map(TaskDefinitionArn::new);
    DeploymentFacts {
        id: it.id.clone(),
        status: "PRIMARY".to_owned(),
        task_definition: named.unwrap_or_else(|| service.task_definition.clone()),
        rollout: Some(Rollout::InProgress),
        rollout_reason: None,
        created_at: it.created_at,
        updated_at: it.created_at,
        failed_tasks: 0,
        desired_count: service.desired_count,
        running_count: 0,
        pending_count: 0,
    }
}
