//! Deployment groups: which service a group deploys to, and how.

use serde_json::{Value, json};

use super::deployments::Deployment;
use super::{CodeDeploy, configs, no_application, page, refused, with_token};
use crate::ecs::Ecs;
use crate::identity;
use crate::refusal::{Answer, Members, Refusal, objects, text, texts};
use crate::time::epoch_seconds;

/// A deployment group.
#[derive(Debug)]
pub(super) struct Group {
    /// A UUID.
    pub(super) id: String,
    /// What CreateDeploymentGroup set.
    pub(super) settings: Members,
}

impl Group {
    /// Cluster and service that it deploys to; none for a group of another platform.
    pub(super) fn service(&self) -> Option<(&str, &str)> {
        let service = objects(&self.settings, "ecsServices").into_iter().next()?;
        Some((text(service, "clusterName")?, text(service, "serviceName")?))
    }
}

/// What CreateDeploymentGroup may set that GetDeploymentGroup shows again.
const SETTINGS: [&str; 9] = [
    "deploymentConfigName",
    "serviceRoleArn",
    "triggerConfigurations",
    "alarmConfiguration",
    "autoRollbackConfiguration",
    "deploymentStyle",
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "ecsServices",
];

/// CreateDeploymentGroup.
pub(super) fn create(codedeploy: &mut CodeDeploy, ecs: &Ecs, request: &Members) -> Answer {
    let (application, of) = codedeploy.application(request)?;
    let name = text(request, "deploymentGroupName").unwrap_or_default();
    if of.groups.contains_key(name) {
        return Err(refused("DeploymentGroupAlreadyExists", format!("{name} already exists.")));
    }
    check_rollback(request)?;
    check_alarms(request.get("alarmConfiguration"))?;
    if of.platform == "ECS" {
        configs::named(text(request, "deploymentConfigName"))?;
        check_service(codedeploy, ecs, request)?;
        check_blue_green(request)?;
    }
    let id = identity::uuid(&format!("deployment group {application}/{name}"), 0);
    let set = SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), request.get(*name)?.clone())));
    let group = Group { id: id.clone(), settings: set.collect() };
    let of = codedeploy.applications.get_mut(application).ok_or_else(|| no_application(application))?;
    of.groups.insert(name.to_owned(), group);
    Ok(json!({ "deploymentGroupId": id }))
}

/// GetDeploymentGroup.
pub(super) fn get(codedeploy: &CodeDeploy, request: &Members) -> Answer {
    let (application, name, group) = codedeploy.group(request)?;
    Ok(json!({ "deploymentGroupInfo": described(codedeploy, application, name, group) }))
}

/// BatchGetDeploymentGroups: at most a hundred; what is missing is left out, and spoken of.
pub(super) fn batch_get(codedeploy: &CodeDeploy, request: &Members) -> Answer {
    let (application, of) = codedeploy.application(request)?;
    let names = texts(request, "deploymentGroupNames");
    if names.len() > 100 {
        return Err(refused("BatchLimitExceeded", "At most 100 deployment groups can be asked for."));
    }
    let mut infos = Vec::new();
    let mut missing = Vec::new();
    for name in &names {
        match of.groups.get(name) {
            Some(group) => infos.push(described(codedeploy, application, name, group)),
            None => missing.push(name.as_str()),
        }
    }
    let mut answer = json!({ "deploymentGroupsInfo": infos });
    if !missing.is_empty() {
        answer["errorMessage"] = json!(format!("No Deployment Group found for name: {}", missing.join(", ")));
    }
    Ok(answer)
}

/// ListDeploymentGroups.
pub(super) fn list(codedeploy: &CodeDeploy, request: &Members) -> Answer {
    let (application, of) = codedeploy.application(request)?;
    let (names, next) = page(of.groups.keys().collect(), request)?;
    Ok(with_token(json!({ "applicationName": application, "deploymentGroups": names }), next))
}

fn described(codedeploy: &CodeDeploy, application: &str, name: &str, group: &Group) -> Value {
    let mut described = json!({
        "applicationName": application,
        "deploymentGroupId": group.id,
        "deploymentGroupName": name,
        "deploymentConfigName": configs::named(None).map(|config| config.name).unwrap_or_default(),
        "computePlatform": codedeploy.applications.get(application).map(|of| of.platform.as_str()),
        "ec2TagFilters": [],
        "onPremisesInstanceTagFilters": [],
        "autoScalingGroups": [],
        "triggerConfigurations": [],
        "alarmConfiguration": { "enabled": false, "ignorePollAlarmFailure": false, "alarms": [] },
        "autoRollbackConfiguration": { "enabled": false, "events": [] },
        "outdatedInstancesStrategy": "UPDATE",
        "terminationHookEnabled": false,
    });
    for (setting, value) in &group.settings {
        described[setting] = value.clone();
    }
    if let Some(last) = codedeploy.last_successful(application, name) {
        described["targetRevision"] = last.revision.location.clone();
        described["lastSuccessfulDeployment"] = brief(last);
    }
    if let Some(last) = codedeploy.of_group(application, name).last() {
        described["lastAttemptedDeployment"] = brief(last);
    }
    described
}

fn brief(deployment: &Deployment) -> Value {
    let mut brief = json!({
        "deploymentId": deployment.id,
        "status": deployment.status,
        "createTime": epoch_seconds(deployment.created_at),
    });
    if let Some(at) = deployment.completed_at {
        brief["endTime"] = json!(epoch_seconds(at));
    }
    brief
}

/// The service must be one that CodeDeploy deploys, and of no other group.
fn check_service(codedeploy: &CodeDeploy, ecs: &Ecs, request: &Members) -> Result<(), Refusal> {
    let [service] = objects(request, "ecsServices")[..] else {
        return Err(refused("InvalidECSService", "A deployment group has exactly one ECS service."));
    };
    let cluster = text(service, "clusterName").unwrap_or_default();
    let name = text(service, "serviceName").unwrap_or_default();
    let found = ecs.service_named(cluster, name);
    if found.is_none_or(|found| found.controller() != "CODE_DEPLOY") {
        let message = format!("The ECS service {cluster}:{name} is not there, or has another deployment controller.");
        return Err(refused("InvalidECSService", message));
    }
    let mut groups = codedeploy.applications.values().flat_map(|application| application.groups.values());
    if groups.any(|group| group.service() == Some((cluster, name))) {
        return Err(refused(
            "ECSServiceMappingLimitExceeded",
            format!("The ECS service {cluster}:{name} belongs to another deployment group."),
        ));
    }
    Ok(())
}

/// How an ECS service is deployed to: blue/green, behind one pair of target groups; here the old tasks always go.
fn check_blue_green(request: &Members) -> Result<(), Refusal> {
    let style = request.get("deploymentStyle").unwrap_or(&Value::Null);
    if style["deploymentType"] != "BLUE_GREEN" || style["deploymentOption"] != "WITH_TRAFFIC_CONTROL" {
        return Err(refused("InvalidDeploymentStyle", "An ECS deployment group is BLUE_GREEN, WITH_TRAFFIC_CONTROL."));
    }
    let balancer = request.get("loadBalancerInfo").unwrap_or(&Value::Null);
    let pairs = balancer["targetGroupPairInfoList"].as_array().map_or(&[][..], Vec::as_slice);
    let groups = pairs.first().and_then(|pair| pair["targetGroups"].as_array()).map_or(0, Vec::len);
    if (pairs.len(), groups) != (1, 2) {
        return Err(refused("InvalidLoadBalancerInfo", "An ECS deployment group has one pair of target groups."));
    }
    let options = request.get("blueGreenDeploymentConfiguration").unwrap_or(&Value::Null);
    let ready = options["deploymentReadyOption"]["actionOnTimeout"].as_str();
    let terminates = options["terminateBlueInstancesOnDeploymentSuccess"]["action"] == "TERMINATE";
    if ready.is_none() || !terminates {
        return Err(refused(
            "InvalidBlueGreenDeploymentConfiguration",
            "The fake's CodeDeploy wants a deploymentReadyOption, and terminates the original tasks.",
        ));
    }
    Ok(())
}

/// An automatic rollback needs events.
pub(super) fn check_rollback(request: &Members) -> Result<(), Refusal> {
    let configuration = request.get("autoRollbackConfiguration").unwrap_or(&Value::Null);
    let events = configuration["events"].as_array().map_or(0, Vec::len);
    if configuration["enabled"] == true && events == 0 {
        return Err(refused("InvalidAutoRollbackConfig", "An automatic rollback that is enabled needs events."));
    }
    Ok(())
}

/// Alarms that are enabled have names.
pub(super) fn check_alarms(configuration: Option<&Value>) -> Result<(), Refusal> {
    let configuration = configuration.unwrap_or(&Value::Null);
    let alarms = configuration["alarms"].as_array().map_or(0, Vec::len);
    if configuration["enabled"] == true && alarms == 0 {
        return Err(refused("InvalidAlarmConfig", "An alarm configuration that is enabled needs alarms."));
    }
    Ok(())
}
