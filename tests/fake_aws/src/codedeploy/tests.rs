//! A service under CodeDeploy, for the tests of its calls, its stages and its movement.

mod calls;
mod rollbacks;
mod stages;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use slipway_core::model::image::Digest;

use crate::refusal::Answer;
use crate::{Aws, Behavior, CodeDeployStage, Image, Place};

pub(super) const APPLICATION: &str = "AppECS-prod-web";
pub(super) const GROUP: &str = "DgpECS-prod-web";

/// An account in which `prod/web` runs `web:1` by a deployment of CodeDeploy that has ended; `web:2` and `web:3` are there.
pub(super) struct Setup {
    pub(super) aws: Aws,
    pub(super) now: Timestamp,
    /// The digests of the three images.
    pub(super) digests: Vec<String>,
    /// The deployment that brought `web:1` about.
    pub(super) first: String,
}

/// What CreateDeploymentGroup is asked for, with these members instead of its own.
pub(super) fn group(own: &Value) -> Value {
    let mut group = json!({
        "applicationName": APPLICATION, "deploymentGroupName": GROUP, "serviceRoleArn": "arn:aws:iam::1:role/deploy",
        "ecsServices": [{ "clusterName": "prod", "serviceName": "web" }],
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "loadBalancerInfo": { "targetGroupPairInfoList": [{
            "targetGroups": [{ "name": "blue" }, { "name": "green" }],
            "prodTrafficRoute": { "listenerArns": ["arn:production"] },
            "testTrafficRoute": { "listenerArns": ["arn:test"] },
        }]},
        "blueGreenDeploymentConfiguration": {
            "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": 60 },
            "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0 },
        },
    });
    for (member, value) in own.as_object().into_iter().flatten() {
        group[member] = value.clone();
    }
    group
}

/// The `blueGreenDeploymentConfiguration` of a group that waits for somebody, for so many minutes.
pub(super) fn waits(minutes: i64) -> Value {
    let mut waiting = group(&json!({}))["blueGreenDeploymentConfiguration"].clone();
    waiting["deploymentReadyOption"] = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": minutes });
    json!({ "blueGreenDeploymentConfiguration": waiting })
}

/// Rollbacks for these events.
pub(super) fn rolls_back(events: &[&str]) -> Value {
    json!({ "autoRollbackConfiguration": { "enabled": true, "events": events } })
}

/// An AppSpec that deploys this, with these members besides.
pub(super) fn spec(task_definition: &str, own: &Value) -> Value {
    let mut spec = json!({ "version": 0.0, "Resources": [{ "TargetService": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": task_definition,
            "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 80 },
        },
    }}]});
    for (member, value) in own.as_object().into_iter().flatten() {
        spec[member] = value.clone();
    }
    spec
}

/// The revision of an AppSpec.
pub(super) fn revision(spec: &Value) -> Value {
    json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": spec.to_string() } })
}

impl Setup {
    pub(super) fn new(own: &Value) -> Self {
        Self::with_seed(0, own)
    }

    pub(super) fn with_seed(seed: u64, own: &Value) -> Self {
        let now = Timestamp::constant(1_795_262_400, 0);
        let mut aws = Aws::new(Place::default(), now);
        aws.set_seed(seed);
        let mut setup = Self { aws, now, digests: Vec::new(), first: String::new() };
        for version in ["1", "2", "3"] {
            let push = setup.aws.push("shop/web", &[version.to_owned()], &Image::single(version));
            let image = format!("{}/shop/web@{}", setup.aws.place().registry(), push.digest);
            let container = json!({ "name": "web", "image": image, "portMappings": [{ "containerPort": 80 }] });
            let definition = json!({ "family": "web", "memory": "512", "containerDefinitions": [container] });
            setup.aws.register_task_definition(definition.as_object().unwrap()).unwrap();
            setup.digests.push(push.digest);
        }
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/0123456789abcdef";
        let balancer = json!({ "targetGroupArn": arn, "containerName": "web", "containerPort": 80 });
        let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"], "assignPublicIp": "DISABLED" } });
        setup.ecs("CreateCluster", json!({ "clusterName": "prod" })).unwrap();
        let service = json!({
            "cluster": "prod", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2,
            "deploymentController": { "type": "CODE_DEPLOY" }, "loadBalancers": [balancer],
            "networkConfiguration": network, "launchType": "FARGATE",
        });
        setup.ecs("CreateService", service).unwrap();
        let application = json!({ "applicationName": APPLICATION, "computePlatform": "ECS" });
        setup.call("CreateApplication", application).unwrap();
        setup.call("CreateDeploymentGroup", group(own)).unwrap();
        setup.first = setup.deploy("web:1");
        setup.move_to(CodeDeployStage::Ended);
        setup.aws.take_events();
        setup
    }

    pub(super) fn call(&mut self, operation: &str, request: Value) -> Answer {
        self.aws.answer("CodeDeploy", operation, request.as_object().unwrap())
    }

    pub(super) fn ecs(&mut self, operation: &str, request: Value) -> Answer {
        self.aws.answer("ECS", operation, request.as_object().unwrap())
    }

    pub(super) fn pass(&mut self, time: SignedDuration) {
        self.now += time;
        self.aws.set_time(self.now);
    }

    /// Begins a deployment of a task definition; its id.
    #[track_caller]
    pub(super) fn deploy(&mut self, task_definition: &str) -> String {
        self.deploy_spec(&spec(task_definition, &json!({})), &json!({}))
    }

    /// Begins a deployment of an AppSpec, with these members besides; its id.
    #[track_caller]
    pub(super) fn deploy_spec(&mut self, spec: &Value, own: &Value) -> String {
        self.pass(SignedDuration::from_secs(1));
        let mut request =
            json!({ "applicationName": APPLICATION, "deploymentGroupName": GROUP, "revision": revision(spec) });
        for (member, value) in own.as_object().into_iter().flatten() {
            request[member] = value.clone();
        }
        let answer = self.call("CreateDeployment", request).unwrap();
        answer["deploymentId"].as_str().unwrap().to_owned()
    }

    /// Moves the open deployment; the states of CodeDeploy's events, and the names of ECS's.
    #[track_caller]
    pub(super) fn move_to(&mut self, stage: CodeDeployStage) -> Vec<String> {
        names(&self.aws.move_code_deploy("prod", "web", stage).unwrap())
    }

    pub(super) fn info(&mut self, id: &str) -> Value {
        self.call("GetDeployment", json!({ "deploymentId": id })).unwrap()["deploymentInfo"].clone()
    }

    pub(super) fn status(&mut self, id: &str) -> String {
        self.info(id)["status"].as_str().unwrap().to_owned()
    }

    /// The rollback of a deployment, if there is one.
    pub(super) fn rollback_of(&mut self, id: &str) -> Option<String> {
        self.info(id)["rollbackInfo"]["rollbackDeploymentId"].as_str().map(str::to_owned)
    }

    pub(super) fn target(&mut self, id: &str) -> Value {
        let request = json!({ "deploymentId": id, "targetId": "prod:web" });
        self.call("GetDeploymentTarget", request).unwrap()["deploymentTarget"]["ecsTarget"].clone()
    }

    /// The lifecycle events of a deployment, each by the first letter of its status; `-` where it was skipped.
    pub(super) fn lifecycle(&mut self, id: &str) -> String {
        let target = self.target(id);
        let events = target["lifecycleEvents"].as_array().unwrap();
        let letter = |event: &Value| match event["status"].as_str().unwrap() {
            "Skipped" => '-',
            status => status.chars().next().unwrap(),
        };
        events.iter().map(letter).collect()
    }

    pub(super) fn service(&mut self) -> Value {
        let request = json!({ "cluster": "prod", "services": ["web"] });
        self.ecs("DescribeServices", request).unwrap()["services"][0].clone()
    }

    /// The service's task sets, the PRIMARY first: `PRIMARY web:1 2/2`.
    pub(super) fn sets(&mut self) -> Vec<String> {
        let service = self.service();
        let set = |set: &Value| {
            let revision = set["taskDefinition"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
            let (running, desired) = (&set["runningCount"], &set["computedDesiredCount"]);
            format!("{} {revision} {running}/{desired}", set["status"].as_str().unwrap())
        };
        let mut sets: Vec<_> = service["taskSets"].as_array().unwrap().iter().map(set).collect();
        sets.sort_by_key(|set| !set.starts_with("PRIMARY"));
        sets
    }

    pub(super) fn set_behavior(&mut self, version: usize, behavior: Behavior) {
        let digest = Digest::parse(&self.digests[version - 1]).unwrap();
        self.aws.set_behavior(digest, behavior);
    }
}

/// The states of CodeDeploy's events, and the names of ECS's.
pub(super) fn names(events: &[Value]) -> Vec<String> {
    let name = |event: &Value| {
        let detail = &event["detail"];
        let name = detail["state"].as_str().or(detail["eventName"].as_str()).or(detail["stopCode"].as_str());
        name.unwrap().to_owned()
    };
    events.iter().map(name).collect()
}
