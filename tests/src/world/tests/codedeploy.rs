//! CodeDeploy over HTTP: each call and each answer fits AWS's model.

use std::time::Duration;

use serde_json::{Value, json};

use super::{alone, answered, call, refused};
use crate::world::codedeploy::app_spec;
use crate::world::{CodeDeployStage, Failure, Fault, Moved, World};

const APPLICATION: &str = "AppECS-prod-web";
const GROUP: &str = "DgpECS-prod-web";

/// A world in which `prod/web` runs `web:1` under CodeDeploy, with these settings of its group; `web:2` is there.
async fn with_web(own: Value) -> World {
    let world = alone().await;
    world.register(super::web("nginx:1"));
    world.register(super::web("nginx:2"));
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web-blue/0123456789abcdef";
    world.running_service(json!({
        "cluster": "prod", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2,
        "deploymentController": {"type": "CODE_DEPLOY"},
        "loadBalancers": [{"targetGroupArn": arn, "containerName": "web", "containerPort": 80}],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}},
    }));
    world.under_code_deploy("prod", "web", &own);
    assert_eq!(world.take_events(), [] as [Value; 0]);
    world
}

fn of_group(own: Value) -> Value {
    let mut request = json!({"applicationName": APPLICATION, "deploymentGroupName": GROUP});
    for (member, value) in own.as_object().into_iter().flatten() {
        request[member] = value.clone();
    }
    request
}

/// CreateDeployment of `web:2`.
fn create() -> Value {
    let content = app_spec("web:2", "web", 80).to_string();
    of_group(json!({"revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}}))
}

async fn deploy(world: &World, request: Value) -> String {
    let answer = answered(call(world, "CodeDeploy.CreateDeployment", request).await);
    answer["deploymentId"].as_str().unwrap().to_owned()
}

async fn info(world: &World, id: &str) -> Value {
    answered(call(world, "CodeDeploy.GetDeployment", json!({"deploymentId": id})).await)["deploymentInfo"].clone()
}

async fn target(world: &World, id: &str) -> Value {
    let request = json!({"deploymentId": id, "targetId": "prod:web"});
    answered(call(world, "CodeDeploy.GetDeploymentTarget", request).await)["deploymentTarget"]["ecsTarget"].clone()
}

/// The service's task sets: `PRIMARY web:1`.
async fn task_sets(world: &World) -> Vec<String> {
    let request = json!({"cluster": "prod", "services": ["web"]});
    let service = answered(call(world, "ECS.DescribeServices", request).await)["services"][0].clone();
    assert_eq!(service["deployments"], json!([]));
    let set = |set: &Value| {
        let definition = set["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap();
        format!("{} {definition}", set["status"].as_str().unwrap())
    };
    service["taskSets"].as_array().unwrap().iter().map(set).collect()
}

fn states(moved: Moved) -> Vec<String> {
    let events = moved.events.into_iter();
    events.filter_map(|event| event["detail"]["state"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_deployment_is_made_followed_and_let_go_on() {
    let wait = json!({"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 30});
    let world = with_web(json!({"blueGreenDeploymentConfiguration": {
        "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 60},
        "deploymentReadyOption": wait,
    }}))
    .await;
    let group = answered(call(&world, "CodeDeploy.GetDeploymentGroup", of_group(json!({}))).await);
    let config = group["deploymentGroupInfo"]["deploymentConfigName"].clone();
    answered(call(&world, "CodeDeploy.GetDeploymentConfig", json!({"deploymentConfigName": config})).await);
    let mut register = create();
    register.as_object_mut().unwrap().shift_remove("deploymentGroupName");
    answered(call(&world, "CodeDeploy.RegisterApplicationRevision", register.clone()).await);
    answered(call(&world, "CodeDeploy.GetApplicationRevision", register).await);
    let mut request = create();
    request["description"] = json!("1.5.0 by a push");
    let id = deploy(&world, request).await;
    assert_eq!(info(&world, &id).await["status"], "Created");

    assert_eq!(states(world.move_code_deploy("prod", "web", CodeDeployStage::Ready)), ["START", "READY"]);
    assert_eq!(
        (&info(&world, &id).await["status"], &target(&world, &id).await["status"]),
        (&json!("Ready"), &json!("Ready"))
    );
    assert_eq!(task_sets(&world).await, ["PRIMARY web:1", "ACTIVE web:2"]);
    let request = json!({"deploymentId": id, "deploymentWaitType": "READY_WAIT"});
    answered(call(&world, "CodeDeploy.ContinueDeployment", request.clone()).await);
    assert_eq!(
        call(&world, "CodeDeploy.ContinueDeployment", request).await.1["__type"],
        "DeploymentIsNotInReadyStateException"
    );

    assert!(states(world.move_code_deploy("prod", "web", CodeDeployStage::Serving)).is_empty());
    assert_eq!(task_sets(&world).await, ["ACTIVE web:1", "PRIMARY web:2"]);
    let request = json!({"deploymentId": id, "targetIds": ["prod:web"]});
    let batch = answered(call(&world, "CodeDeploy.BatchGetDeploymentTargets", request).await);
    assert_eq!(batch["deploymentTargets"][0]["ecsTarget"], target(&world, &id).await);
    let ids = answered(call(&world, "CodeDeploy.ListDeploymentTargets", json!({"deploymentId": id})).await);
    assert_eq!(ids, json!({"targetIds": ["prod:web"]}));
    let request = json!({"deploymentId": id, "deploymentWaitType": "TERMINATION_WAIT"});
    answered(call(&world, "CodeDeploy.ContinueDeployment", request).await);
    assert_eq!(states(world.move_code_deploy("prod", "web", CodeDeployStage::Ended)), ["SUCCESS"]);
    assert_eq!(task_sets(&world).await, ["PRIMARY web:2"]);
    insta::assert_snapshot!(writes(&world).replace(&id, "d-ID"), @r#"
    CodeDeploy.RegisterApplicationRevision AppECS-prod-web
    CodeDeploy.CreateDeployment AppECS-prod-web/DgpECS-prod-web taskDefinition=web:2 description="1.5.0 by a push"
    CodeDeploy.ContinueDeployment d-ID READY_WAIT
    CodeDeploy.ContinueDeployment d-ID READY_WAIT ⇒ DeploymentIsNotInReadyStateException
    CodeDeploy.ContinueDeployment d-ID TERMINATION_WAIT
    "#);
    world.finish();
}

/// The writes since the last reading, one line each.
fn writes(world: &World) -> String {
    let calls: Vec<_> = world.take_calls().into_iter().filter(crate::world::Call::is_write).collect();
    crate::world::transcript(&calls)
}

#[tokio::test]
async fn the_reads_of_a_deployment_are_in_the_order_of_observing() {
    let world = with_web(json!({})).await;
    let by_status = of_group(json!({"includeOnlyStatuses": ["Created", "Queued", "InProgress", "Ready"]}));
    let listed = answered(call(&world, "CodeDeploy.ListDeployments", by_status).await);
    assert_eq!(listed, json!({"deployments": []}));
    let apps = answered(call(&world, "CodeDeploy.ListApplications", json!({})).await);
    assert_eq!(apps, json!({"applications": [APPLICATION]}));
    let groups = json!({"applicationName": APPLICATION});
    let groups = answered(call(&world, "CodeDeploy.ListDeploymentGroups", groups).await);
    let request = json!({"applicationName": APPLICATION, "deploymentGroupNames": groups["deploymentGroups"]});
    let found = answered(call(&world, "CodeDeploy.BatchGetDeploymentGroups", request).await);
    let service = &found["deploymentGroupsInfo"][0]["ecsServices"][0];
    assert_eq!(service, &json!({"clusterName": "prod", "serviceName": "web"}));
    insta::assert_snapshot!(world.transcript(), @r"
    CodeDeploy.ListApplications
    CodeDeploy.BatchGetDeploymentGroups AppECS-prod-web
    CodeDeploy.ListDeploymentGroups AppECS-prod-web
    CodeDeploy.ListDeployments AppECS-prod-web/DgpECS-prod-web
    ");
    world.finish();
}

#[tokio::test]
async fn what_is_refused_is_refused_as_the_model_says() {
    let world = with_web(json!({})).await;
    let id = deploy(&world, create()).await;
    refused(
        call(&world, "CodeDeploy.CreateDeployment", create()).await,
        "DeploymentLimitExceededException",
        &format!("The Deployment Group '{GROUP}' already has an active Deployment '{id}'"),
    );
    let of = |member: &str, value: &str| json!({"deploymentId": id, member: value});
    let rows = [
        ("GetDeployment", json!({"deploymentId": "d-AAAAAAAAA"}), "DeploymentDoesNotExist"),
        ("GetDeployment", json!({"deploymentId": "mine"}), "InvalidDeploymentId"),
        ("GetDeploymentTarget", of("targetId", "prod:web"), "DeploymentNotStarted"),
        ("ContinueDeployment", of("deploymentWaitType", "READY_WAIT"), "DeploymentIsNotInReadyState"),
        ("GetDeploymentGroup", json!({"applicationName": "a", "deploymentGroupName": "b"}), "ApplicationDoesNotExist"),
        (
            "GetDeploymentGroup",
            json!({"applicationName": APPLICATION, "deploymentGroupName": "b"}),
            "DeploymentGroupDoesNotExist",
        ),
        ("GetDeploymentConfig", json!({"deploymentConfigName": "mine"}), "DeploymentConfigDoesNotExist"),
        ("CreateDeployment", of_group(json!({})), "RevisionRequired"),
    ];
    for (operation, request, code) in rows {
        let (status, body) = call(&world, &format!("CodeDeploy.{operation}"), request).await;
        assert_eq!((status, &body["__type"]), (400, &json!(format!("{code}Exception"))), "{operation}");
    }
    let update = json!({"cluster": "prod", "service": "web", "taskDefinition": "web:2"});
    assert_eq!(call(&world, "ECS.UpdateService", update).await.1["__type"], "InvalidParameterException");
    world.transcript();
    world.finish();
}

#[tokio::test]
#[should_panic(expected = "CodeDeploy.CreateDeployment request: forced is no member of CreateDeploymentInput")]
async fn a_request_that_breaks_the_model_fails_the_scenario() {
    let world = with_web(json!({})).await;
    let mut request = create();
    request["forced"] = json!(true);
    let _ = call(&world, "CodeDeploy.CreateDeployment", request).await;
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn a_failure_is_rolled_back_by_another_deployment() {
    let world =
        with_web(json!({"autoRollbackConfiguration": {"enabled": true, "events": ["DEPLOYMENT_FAILURE"]}})).await;
    let id = deploy(&world, create()).await;
    let moved = world.fail_code_deploy("prod", "web", Failure::CannotBePulled);
    let failure = moved.events.last().unwrap().clone();
    assert_eq!(states(moved), ["START", "FAILURE"]);
    assert_eq!(failure["detail-type"], "CodeDeploy Deployment State-change Notification");
    assert_eq!((&failure["source"], &failure["detail"]["deploymentId"]), (&json!("aws.codedeploy"), &json!(id)));
    let keys: Vec<_> = failure["detail"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["instanceGroupId", "region", "application", "deploymentId", "state", "deploymentGroup"]);
    assert_eq!(
        failure["resources"],
        json!([
            "arn:aws:codedeploy:eu-west-1:123456789012:application:AppECS-prod-web",
            "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:AppECS-prod-web/DgpECS-prod-web",
        ])
    );
    let tasks = world.take_events();
    assert!(tasks.len() == 3 && tasks.iter().all(|task| task["detail"]["stopCode"] == "TaskFailedToStart"));

    let failed = info(&world, &id).await;
    assert_eq!((&failed["status"], &failed["errorInformation"]["code"]), (&json!("Failed"), &json!("TIMEOUT")));
    let rollback = failed["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap().to_owned();
    assert_eq!(states(world.move_code_deploy("prod", "web", CodeDeployStage::Ended)), ["START", "SUCCESS"]);
    let rollback = info(&world, &rollback).await;
    assert_eq!((&rollback["creator"], &rollback["status"]), (&json!("codeDeployRollback"), &json!("Succeeded")));
    assert_eq!(rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"], json!(id));
    assert_eq!(task_sets(&world).await, ["PRIMARY web:1"]);
    let listed = answered(call(&world, "CodeDeploy.ListDeployments", of_group(json!({}))).await);
    assert_eq!(listed["deployments"].as_array().unwrap().len(), 3);
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn a_deployment_is_stopped_in_its_waiting_hour() {
    let world = with_web(json!({})).await;
    let id = deploy(&world, create()).await;
    let _ = world.move_code_deploy("prod", "web", CodeDeployStage::Serving);
    world.advance(Duration::from_secs(1200));
    let request = json!({"deploymentId": id, "autoRollbackEnabled": true});
    let answer = answered(call(&world, "CodeDeploy.StopDeployment", request.clone()).await);
    assert_eq!(answer["status"], "Pending");
    assert_eq!(states(world.carry_out_code_deploy_stop("prod", "web")), ["STOP"]);
    assert_eq!(
        call(&world, "CodeDeploy.StopDeployment", request).await.1["__type"],
        "DeploymentAlreadyCompletedException"
    );
    assert_eq!(states(world.move_code_deploy("prod", "web", CodeDeployStage::Ended)), ["START", "SUCCESS"]);
    assert_eq!(task_sets(&world).await, ["PRIMARY web:1"]);
    insta::assert_snapshot!(writes(&world).replace(&id, "d-ID"), @r"
    CodeDeploy.CreateDeployment AppECS-prod-web/DgpECS-prod-web taskDefinition=web:2
    CodeDeploy.StopDeployment d-ID autoRollbackEnabled=true
    CodeDeploy.StopDeployment d-ID autoRollbackEnabled=true ⇒ DeploymentAlreadyCompletedException
    ");
    world.finish();
}

#[tokio::test]
async fn a_deployment_whose_answer_is_lost_was_made() {
    let world = with_web(json!({})).await;
    world.fault("CodeDeploy.CreateDeployment AppECS-prod-web/DgpECS-prod-web", 1, Fault::Throttle);
    assert_eq!(call(&world, "CodeDeploy.CreateDeployment", create()).await.1["__type"], "ThrottlingException");
    let list = || async {
        let request = of_group(json!({"includeOnlyStatuses": ["Created"]}));
        answered(call(&world, "CodeDeploy.ListDeployments", request).await)["deployments"].as_array().unwrap().len()
    };
    assert_eq!(list().await, 0);
    world.fault("CodeDeploy.CreateDeployment", 1, Fault::CutAfter);
    let cut = super::send(
        hyper::Request::post(world.url())
            .header("x-amz-target", "CodeDeploy_20141006.CreateDeployment")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=deploy/20261121/eu-west-1/codedeploy/aws4_request, x")
            .body(http_body_util::Full::new(hyper::body::Bytes::from(create().to_string())))
            .unwrap(),
    );
    assert!(cut.await.is_err());
    assert_eq!(list().await, 1);
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn before_an_emulator_code_deploy_is_still_worlds() {
    let behind = alone().await;
    let world = World::before(behind.url(), super::directory()).start().await;
    answered(call(&world, "CodeDeploy.ListApplications", json!({})).await);
    assert_eq!(behind.calls().len(), 0);
    world.finish();
    behind.finish();
}
