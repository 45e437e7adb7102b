//! Services under CodeDeploy, for the scenarios of several verbs, and how status, wait and the verbs that act show them.

use std::time::Duration;

use e2e::examples;
use e2e::world::{CodeDeployStage as Stage, Image, World};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Fleet, TWO};
use crate::json::answer;
use crate::terminal::Terminal;

/// The port of the containers behind a load balancer.
pub(crate) const PORT: u16 = 8080;

/// A CreateService request, for a service under CodeDeploy whose container of this name is behind a load balancer.
pub(crate) fn under_code_deploy(mut service: Value, container: &str) -> Value {
    let name = service["serviceName"].as_str().unwrap_or_default();
    let group = format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}-blue/0123456789abcdef");
    service["deploymentController"] = json!({ "type": "CODE_DEPLOY" });
    service["deploymentConfiguration"] = json!({});
    service["loadBalancers"] = json!([{ "targetGroupArn": group, "containerName": container, "containerPort": PORT }]);
    service
}

/// Somebody makes an application and a deployment group with these names for a service.
pub(crate) fn make_group(world: &World, (application, group): (&str, &str), (cluster, service): (&str, &str)) {
    let platform = json!({ "applicationName": application, "computePlatform": "ECS" });
    world.by_hand("CodeDeploy.CreateApplication", platform);
    let mut request = world.deployment_group(cluster, service);
    (request["applicationName"], request["deploymentGroupName"]) = (json!(application), json!(group));
    world.by_hand("CodeDeploy.CreateDeploymentGroup", request);
}

/// Somebody deploys a task definition by a group, with the container of this name behind the load balancer.
pub(crate) fn deploy_by_hand(world: &World, (application, group): (&str, &str), definition: &str, container: &str) {
    let spec = json!({ "version": 0.0, "Resources": [{ "TargetService": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": definition,
            "LoadBalancerInfo": { "ContainerName": container, "ContainerPort": PORT },
        },
    } }] });
    let request = json!({
        "applicationName": application, "deploymentGroupName": group,
        "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": spec.to_string() } },
    });
    world.by_hand("CodeDeploy.CreateDeployment", request);
}

/// `prod/web` runs 1.4.2 under CodeDeploy, with these members of its deployment group, and `prod/api` without it.
async fn fleet(group: &Value) -> Fleet {
    let fleet = Fleet::configured(TWO).await;
    fleet.world.push("shop/web", ["1.4.2"], &Image::single("web 1.4.2"));
    fleet.world.register(json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [{
            "name": "web", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2", "essential": true,
            "portMappings": [{ "containerPort": PORT }],
        }],
    }));
    fleet.world.running_service(under_code_deploy(examples::service("web", 2), "web"));
    fleet.world.under_code_deploy("prod", "web", group);
    fleet.runs("api", "1.4.2");
    fleet
}

/// A group that waits an hour for somebody before it moves the traffic, and another hour before the old tasks end.
fn waits_for_somebody() -> Value {
    json!({ "blueGreenDeploymentConfiguration": {
        "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": 60 },
        "deploymentReadyOption": { "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60 },
    } })
}

/// The deployment of `prod/web` comes to this stage, and Slipway hears of it.
async fn reach(fleet: &Fleet, stage: Stage) {
    let moved = fleet.world.move_code_deploy("prod", "web", stage);
    fleet.follow(moved.events).await;
}

#[tokio::test]
async fn a_deployment_that_waits_for_somebody_is_shown_and_continued() {
    let fleet = fleet(&waits_for_somebody()).await;
    let push = fleet.push("web", "1.5.0");
    assert_snapshot!("plan", fleet.slipway(&["plan", "prod/web", "--tag", "1.5.0"]).await.shown());
    std::fs::write(fleet.home().join("event.json"), push.event().to_string()).expect("a file");
    assert_snapshot!("explain", fleet.slipway(&["explain", "event.json"]).await.shown());
    fleet.deploy(&push.event()).await;
    reach(&fleet, Stage::Installing).await;
    assert_snapshot!("installing", fleet.slipway(&["status"]).await.shown());
    let moved = fleet.world.move_code_deploy("prod", "web", Stage::Ready);
    let of_code_deploy = moved.events.iter().find(|event| event["source"] == "aws.codedeploy").expect("an event");
    std::fs::write(fleet.home().join("event.json"), of_code_deploy.to_string()).expect("a file");
    assert_snapshot!("explain_code_deploy", fleet.slipway(&["explain", "event.json"]).await.shown());
    fleet.follow(moved.events).await;
    assert_snapshot!("ready", fleet.slipway(&["status", "prod/web"]).await.shown());
    let late = fleet.slipway(&["wait", "prod/web", "--tag", "1.5.0", "--timeout", "1s"]).await;
    assert_snapshot!("ready_wait", late.shown());
    fleet.lambda.take_invoked();
    assert_snapshot!("continue", fleet.slipway(&["continue", "prod/web"]).await.shown());
    let asked = fleet.lambda.take_invoked();
    assert_eq!((asked.len(), asked[0].alias.as_str()), (1, "operate"));
    assert_snapshot!("continue_again", fleet.slipway(&["continue", "prod/web"]).await.shown());
    reach(&fleet, Stage::Shifting).await;
    assert_snapshot!("shifting", fleet.slipway(&["status"]).await.shown());
    reach(&fleet, Stage::Serving).await;
    let serving = ["wait", "prod/web", "--tag", "1.5.0", "--for", "serving", "--timeout", "60s"];
    assert_snapshot!("serving_wait", fleet.slipway(&serving).await.shown());
    reach(&fleet, Stage::Ended).await;
    assert_snapshot!("ended", fleet.slipway(&["status"]).await.shown());
    fleet.end();
}

#[tokio::test]
async fn the_waiting_hour_is_shown_and_a_rollback_in_it_is_asked_for() {
    let fleet = fleet(&json!({})).await;
    fleet.pushed("web", "1.5.0").await;
    reach(&fleet, Stage::Serving).await;
    fleet.world.advance(Duration::from_secs(13 * 60));
    assert_snapshot!("waiting_hour", fleet.slipway(&["status"]).await.shown());
    assert_snapshot!("waiting_hour_in_full", fleet.slipway(&["status", "prod/web"]).await.shown());
    let mut watched = Terminal::of(&fleet, &["status", "--watch"], (12, 60));
    watched.until("deploying 1.5.0, baking, 46 min left").await;
    watched.until("Ctrl-C ends").await;
    assert_snapshot!("waiting_hour_watched", watched.shown());
    watched.types("\u{3}").await;
    assert_eq!(watched.ended().await, 0);
    let (status, _) = answer(&fleet, &["status", "prod/web"], "").await;
    assert_eq!(status["targets"][0]["in_flight"]["stage"]["name"], "baking", "{status:#}");
    let late = fleet.slipway(&["wait", "prod/web", "--tag", "1.5.0", "--timeout", "1s"]).await;
    assert_snapshot!("waiting_hour_wait", late.shown());
    assert_snapshot!("waiting_hour_continue", fleet.slipway(&["continue", "prod/web"]).await.shown());
    fleet.pushed("web", "1.6.0").await;
    assert_snapshot!("waiting_hour_queued", fleet.slipway(&["status", "prod/web"]).await.shown());
    fleet.lambda.take_invoked();
    let mut terminal = Terminal::of(&fleet, &["rollback", "prod/web"], (24, 100));
    terminal.until("Carry this out? [y/N]").await;
    assert!(fleet.lambda.take_invoked().iter().all(|it| it.request["dry_run"] == true), "nothing but a dry run");
    assert_snapshot!("rollback_is_asked", terminal.shown());
    terminal.types("y\n").await;
    assert_eq!(terminal.ended().await, 0);
    assert_snapshot!("rollback", terminal.shown());
    let moved = fleet.world.carry_out_code_deploy_stop("prod", "web");
    fleet.follow(moved.events).await;
    assert_snapshot!("rolling_back", fleet.slipway(&["status", "prod/web"]).await.shown());
    reach(&fleet, Stage::Ended).await;
    assert_snapshot!("rolled_back", fleet.slipway(&["status", "prod/web"]).await.shown());
    let late = fleet.slipway(&["wait", "prod/web", "--tag", "1.5.0", "--timeout", "60s"]).await;
    assert_snapshot!("rolled_back_wait", late.shown());
    assert_snapshot!("rolled_back_history", fleet.slipway(&["history", "prod/web", "--why"]).await.shown());
    fleet.end();
}
