//! CodeDeploy in World: what a scenario does to its deployments by hand, and how its calls read in a transcript.

use std::time::Duration;

use fake_aws::CodeDeployStage;
use serde_json::{Value, json};

use super::acts::Moved;
use super::transcript::{Step, last_part, text};
use super::{Failure, World};

/// Deployments of CodeDeploy. A deployment goes on only here.
impl World {
    /// Puts a service of controller `CODE_DEPLOY` under an application and a deployment group with the names that the console
    /// gives them. A first deployment brought about what the service runs, and ended long ago, without leaving an event. `own`
    /// replaces members of CreateDeploymentGroup. The deployment's id.
    #[track_caller]
    pub fn under_code_deploy(&self, cluster: &str, service: &str, own: &Value) -> String {
        let waiting = self.take_events();
        let (application, group) = (format!("AppECS-{cluster}-{service}"), format!("DgpECS-{cluster}-{service}"));
        let platform = json!({ "applicationName": application, "computePlatform": "ECS" });
        self.by_hand("CodeDeploy.CreateApplication", platform);
        let mut request = self.deployment_group(cluster, service);
        for (member, value) in own.as_object().into_iter().flatten() {
            request[member] = value.clone();
        }
        self.by_hand("CodeDeploy.CreateDeploymentGroup", request);
        let request = json!({ "cluster": cluster, "services": [service] });
        let described = self.by_hand("ECS.DescribeServices", request)["services"][0].clone();
        let balancer = &described["loadBalancers"][0];
        let spec = app_spec(
            described["taskDefinition"].as_str().unwrap_or_default(),
            balancer["containerName"].as_str().unwrap_or_default(),
            balancer["containerPort"].as_i64().unwrap_or_default(),
        );
        let revision = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": spec.to_string() } });
        let request = json!({ "applicationName": application, "deploymentGroupName": group, "revision": revision });
        let answer = self.by_hand("CodeDeploy.CreateDeployment", request);
        let _ = self.move_code_deploy(cluster, service, CodeDeployStage::Ended);
        drop(self.take_events());
        let mut state = self.shared.lock();
        state.aws.return_events(waiting);
        state.clock.breathe(Duration::from_secs(1));
        answer["deploymentId"].as_str().unwrap_or_default().to_owned()
    }

    /// What CreateDeploymentGroup is asked for as the console does it: blue/green, with an hour until the old tasks end.
    pub fn deployment_group(&self, cluster: &str, service: &str) -> Value {
        let (application, group) = (format!("AppECS-{cluster}-{service}"), format!("DgpECS-{cluster}-{service}"));
        deployment_group(&application, &group, cluster, service)
    }

    /// Somebody deploys a task definition by an AppSpec in S3, which Slipway cannot read.
    #[track_caller]
    pub fn deploy_unread_revision(&self, cluster: &str, service: &str, task_definition: &str, behind: (&str, i64)) {
        let (application, group) = (format!("AppECS-{cluster}-{service}"), format!("DgpECS-{cluster}-{service}"));
        let revision = json!({ "revisionType": "S3", "s3Location": { "bucket": "acme", "key": "appspec.yaml" } });
        let group = (application.as_str(), group.as_str());
        let _ = self.on_service(cluster, service, |aws| {
            aws.deploy_unread_revision(group, &revision, task_definition, behind).map(|_| Vec::new())
        });
    }

    /// Moves the open deployment of a service to a stage, without regard to the clock: tasks run, waits are over, and one that
    /// waits for somebody is let go on.
    #[track_caller]
    pub fn move_code_deploy(&self, cluster: &str, service: &str, stage: CodeDeployStage) -> Moved {
        self.on_service(cluster, service, |aws| aws.move_code_deploy(cluster, service, stage))
    }

    /// The open deployment of a service goes wrong: tasks that never run and hooks fail it, an alarm stops it. Where it is
    /// configured so a rollback follows, a deployment of its own, which [`World::move_code_deploy`] moves then. The events of
    /// the tasks that stopped wait in [`World::take_events`].
    #[track_caller]
    pub fn fail_code_deploy(&self, cluster: &str, service: &str, failure: Failure) -> Moved {
        self.on_service(cluster, service, |aws| aws.fail_code_deploy(cluster, service, &failure))
    }

    /// CodeDeploy does what StopDeployment asked for.
    #[track_caller]
    pub fn carry_out_code_deploy_stop(&self, cluster: &str, service: &str) -> Moved {
        self.on_service(cluster, service, |aws| aws.carry_out_code_deploy_stop(cluster, service))
    }
}

/// What CreateDeploymentGroup is asked for as the console does it: blue/green, with an hour until the old tasks end.
fn deployment_group(application: &str, group: &str, cluster: &str, service: &str) -> Value {
    json!({
        "applicationName": application,
        "deploymentGroupName": group,
        "serviceRoleArn": "arn:aws:iam::123456789012:role/ecsCodeDeployRole",
        "ecsServices": [{ "clusterName": cluster, "serviceName": service }],
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "loadBalancerInfo": { "targetGroupPairInfoList": [{
            "targetGroups": [{ "name": format!("{service}-blue") }, { "name": format!("{service}-green") }],
            "prodTrafficRoute": { "listenerArns": ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/1/2"] },
        }]},
        "blueGreenDeploymentConfiguration": {
            "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": 60 },
            "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0 },
        },
    })
}

/// An AppSpec that deploys a task definition behind this container and port.
pub(super) fn app_spec(task_definition: &str, container: &str, port: i64) -> Value {
    json!({ "version": 0.0, "Resources": [{ "TargetService": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": task_definition,
            "LoadBalancerInfo": { "ContainerName": container, "ContainerPort": port },
        },
    }}]})
}

/// Where a call stands in a transcript.
pub(super) fn step(operation: &str) -> Step {
    match operation {
        "GetDeployment"
        | "ListDeployments"
        | "GetDeploymentTarget"
        | "BatchGetDeploymentTargets"
        | "ListDeploymentTargets" => Step::History,
        "GetApplicationRevision" => Step::TaskDefinitions,
        "RegisterApplicationRevision" => Step::Register,
        _ if operation.starts_with("Get") || operation.starts_with("BatchGet") || operation.starts_with("List") => {
            Step::Services
        }
        _ => Step::Update,
    }
}

/// What a call is about: an application and its group, or a deployment.
pub(super) fn subject(request: &Value) -> String {
    let names = ["applicationName", "deploymentGroupName", "deploymentId", "deploymentConfigName"];
    // A deployment that names a configuration of its own is still about its group.
    let names = names.iter().filter_map(|name| text(request, name));
    names.take(2).collect::<Vec<_>>().join("/")
}

/// What else a call says.
pub(super) fn details(operation: &str, request: &Value) -> String {
    match operation {
        "CreateDeployment" => {
            let content = request["revision"]["appSpecContent"]["content"].as_str();
            let spec: Option<Value> = content.and_then(|content| serde_json::from_str(content).ok());
            let spec = spec.unwrap_or_default();
            let named = &spec["Resources"][0]["TargetService"]["Properties"]["TaskDefinition"];
            let mut parts = vec![format!("taskDefinition={}", last_part(named.as_str().unwrap_or_default()))];
            let hooks = spec["Hooks"].as_array().into_iter().flatten().filter_map(Value::as_object);
            parts.extend(hooks.flat_map(|hook| hook.keys().cloned()));
            // The text of anything else: a deployment with more than its revision shall show.
            let own = request.as_object().into_iter().flatten();
            let own = own
                .filter(|(name, _)| !["applicationName", "deploymentGroupName", "revision"].contains(&name.as_str()));
            parts.extend(own.map(|(name, value)| format!("{name}={value}")));
            parts.join(" ")
        }
        "StopDeployment" => match request["autoRollbackEnabled"].as_bool() {
            Some(enabled) => format!("autoRollbackEnabled={enabled}"),
            None => String::new(),
        },
        "ContinueDeployment" => text(request, "deploymentWaitType").unwrap_or_default().to_owned(),
        "GetDeploymentTarget" => text(request, "targetId").unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}
