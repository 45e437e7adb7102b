//! Deployments: how they end, what ECS then says, in states, history and events.

use serde_json::{Value, json};

use super::{answered, call, web, with_web};
use crate::world::{Failure, Moved, World, in_short_form};

/// A world where `prod/web` runs `web:1` and `web:2` is on its way.
async fn updating(configuration: Value) -> World {
    let world = with_web().await;
    world.register(web("nginx:2"));
    world.by_hand(
        "ECS.UpdateService",
        json!({"cluster": "prod", "service": "web", "deploymentConfiguration": configuration, "taskDefinition": "web:2"}),
    );
    world.take_events();
    world
}

async fn service(world: &World) -> Value {
    let request = json!({"cluster": "prod", "services": ["web"]});
    answered(call(world, "ECS.DescribeServices", request).await)["services"][0].clone()
}

/// The deployments as `status revision rolloutState failedTasks`.
async fn deployments(world: &World) -> Vec<String> {
    let service = service(world).await;
    let line = |deployment: &Value| {
        let definition = deployment["taskDefinition"].as_str().unwrap().rsplit_once('/').unwrap().1;
        let word = |member: &str| deployment[member].as_str().unwrap().to_owned();
        format!("{} {definition} {} {}", word("status"), word("rolloutState"), deployment["failedTasks"])
    };
    service["deployments"].as_array().unwrap().iter().map(line).collect()
}

async fn history(world: &World) -> Vec<Value> {
    let request = json!({"cluster": "prod", "service": "web"});
    let listed = answered(call(world, "ECS.ListServiceDeployments", request).await);
    listed["serviceDeployments"].as_array().unwrap().clone()
}

fn reported(moved: &Moved) -> Vec<String> {
    let line = |event: &Value| {
        let detail = &event["detail"];
        format!("{} {}", detail["eventName"].as_str().unwrap(), detail["reason"].as_str().unwrap())
    };
    moved.events.iter().map(line).collect()
}

#[tokio::test]
async fn a_deployment_completes_and_the_old_one_is_gone() {
    let world = updating(json!({})).await;
    assert_eq!(deployments(&world).await, ["PRIMARY web:2 IN_PROGRESS 0", "ACTIVE web:1 COMPLETED 0"]);
    let current = service(&world).await["currentServiceDeployment"].clone();
    assert_eq!(history(&world).await[1]["serviceDeploymentArn"], current);
    let moved = world.complete("prod", "web");
    let primary = service(&world).await["deployments"][0].clone();
    let id = primary["id"].as_str().unwrap();
    assert_eq!(reported(&moved), [format!("SERVICE_DEPLOYMENT_COMPLETED ECS deployment {id} completed.")]);
    assert_eq!(deployments(&world).await, ["PRIMARY web:2 COMPLETED 0"]);
    let statuses: Vec<Value> = history(&world).await.iter().map(|brief| brief["status"].clone()).collect();
    assert_eq!(statuses, ["SUCCESSFUL", "SUCCESSFUL"]);
    assert_ne!(current.as_str().unwrap().rsplit_once('/').unwrap().1, id.rsplit_once('/').unwrap().1);
    world.finish();
}

#[tokio::test]
async fn the_event_has_the_real_form_and_a_short_one() {
    let world = updating(json!({})).await;
    let event = world.complete("prod", "web").event();
    assert_eq!(event["resources"], json!(["arn:aws:ecs:eu-west-1:123456789012:service/prod/web"]));
    let keys: Vec<&String> = event["detail"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["eventType", "eventName", "clusterArn", "deploymentId", "updatedAt", "reason"]);
    assert_eq!(event["detail"]["updatedAt"], "2026-11-21T12:00:01.000Z");
    let short = in_short_form(&event);
    assert_eq!(short["resources"], json!(["arn:aws:ecs:eu-west-1:123456789012:service/web"]));
    assert_eq!(short["detail"].get("clusterArn"), None);
}

#[tokio::test]
async fn without_a_circuit_breaker_nobody_calls_it_failed() {
    let world = updating(json!({})).await;
    assert_eq!(world.fail("prod", "web", Failure::Exits { code: 1 }).events, [] as [Value; 0]);
    assert_eq!(world.fail("prod", "web", Failure::RunsOutOfMemory).events, [] as [Value; 0]);
    assert_eq!(deployments(&world).await, ["PRIMARY web:2 IN_PROGRESS 6", "ACTIVE web:1 COMPLETED 0"]);
    let request = json!({"cluster": "prod", "serviceName": "web", "desiredStatus": "STOPPED"});
    let stopped = answered(call(&world, "ECS.ListTasks", request).await)["taskArns"].clone();
    let request = json!({"cluster": "prod", "tasks": stopped});
    let tasks = answered(call(&world, "ECS.DescribeTasks", request).await)["tasks"].clone();
    assert_eq!(tasks.as_array().unwrap().len(), 6);
    assert_eq!(tasks[0]["containers"][0]["exitCode"], 1);
    assert_eq!(tasks[5]["containers"][0]["exitCode"], 137);
    assert_eq!(tasks[0]["stoppedReason"], "Essential container in task exited");
    world.finish();
}

#[tokio::test]
async fn a_circuit_breaker_without_rollback_leaves_the_failed_deployment_primary() {
    let world = updating(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}})).await;
    let moved = world.fail("prod", "web", Failure::CannotBePulled);
    assert_eq!(reported(&moved), ["SERVICE_DEPLOYMENT_FAILED ECS deployment circuit breaker: tasks failed to start."]);
    assert_eq!(moved.events[0]["detail"]["eventType"], "ERROR");
    assert_eq!(deployments(&world).await, ["PRIMARY web:2 FAILED 3", "ACTIVE web:1 COMPLETED 0"]);
    world.finish();
}

#[tokio::test]
async fn a_circuit_breaker_with_rollback_makes_the_old_deployment_primary_again() {
    let world = updating(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}})).await;
    let old = service(&world).await["deployments"][1]["id"].as_str().unwrap().to_owned();
    let moved = world.fail("prod", "web", Failure::Exits { code: 1 });
    assert_eq!(
        reported(&moved),
        [
            "SERVICE_DEPLOYMENT_FAILED ECS deployment circuit breaker: tasks failed to start.".to_owned(),
            format!(
                "SERVICE_DEPLOYMENT_IN_PROGRESS ECS deployment circuit breaker: rolling back to deploymentId {old}."
            ),
        ]
    );
    assert_eq!(deployments(&world).await, ["PRIMARY web:1 IN_PROGRESS 0", "ACTIVE web:2 FAILED 3"]);
    let rolling_back = service(&world).await;
    assert_eq!(rolling_back["deployments"][0]["id"], json!(old));
    assert!(rolling_back["taskDefinition"].as_str().unwrap().ends_with("/web:1"));
    let messages: Vec<_> =
        rolling_back["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    assert_eq!(messages[0], format!("(service web) rolling back to deployment {old}."));
    assert_eq!(history(&world).await[1]["status"], "ROLLBACK_IN_PROGRESS");

    assert_eq!(
        reported(&world.complete("prod", "web")),
        [format!("SERVICE_DEPLOYMENT_COMPLETED ECS deployment {old} completed.")]
    );
    assert_eq!(deployments(&world).await, ["PRIMARY web:1 COMPLETED 0"]);
    let ended = history(&world).await[1].clone();
    assert_eq!(
        (&ended["status"], &ended["statusReason"]),
        (
            &json!("ROLLBACK_SUCCESSFUL"),
            &json!("Service deployment rolled back because the circuit breaker threshold was exceeded.")
        )
    );
    let request = json!({"serviceDeploymentArns": [ended["serviceDeploymentArn"]]});
    let whole =
        answered(call(&world, "ECS.DescribeServiceDeployments", request).await)["serviceDeployments"][0].clone();
    assert_eq!(whole["deploymentCircuitBreaker"], json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3}));
    assert_eq!(whole["rollback"]["serviceRevisionArn"], whole["sourceServiceRevisions"][0]["arn"]);
    world.finish();
}

#[tokio::test]
async fn the_rollback_shows_before_the_failure() {
    let world = updating(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}})).await;
    let first = world.begin_rollback("prod", "web");
    assert_eq!(first.events[0]["detail"]["eventName"], "SERVICE_DEPLOYMENT_IN_PROGRESS");
    assert_eq!(deployments(&world).await, ["PRIMARY web:1 IN_PROGRESS 0", "ACTIVE web:2 IN_PROGRESS 0"]);
    let second = world.call_failed("prod", "web");
    assert_eq!(second.events[0]["detail"]["eventName"], "SERVICE_DEPLOYMENT_FAILED");
    assert_eq!(deployments(&world).await, ["PRIMARY web:1 IN_PROGRESS 0", "ACTIVE web:2 FAILED 0"]);
    world.finish();
}

#[tokio::test]
async fn a_rollback_that_fails_ends_as_rollback_failed() {
    let world = updating(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}})).await;
    let _ = world.fail("prod", "web", Failure::Exits { code: 1 });
    let old = service(&world).await["deployments"][0]["id"].clone();
    let moved = world.fail("prod", "web", Failure::Exits { code: 1 });
    assert_eq!(moved.event()["detail"]["deploymentId"], old);
    assert_eq!(history(&world).await[1]["status"], "ROLLBACK_FAILED");
    world.finish();
}

#[tokio::test]
async fn the_first_deployment_has_nothing_to_go_back_to() {
    let world = super::alone().await;
    world.register(web("nginx"));
    world.cluster("prod");
    let configuration = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    world.by_hand(
        "ECS.CreateService",
        json!({"cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "deploymentConfiguration": configuration}),
    );
    let moved = world.fail("prod", "web", Failure::IsUnhealthy);
    assert_eq!(moved.event()["detail"]["eventName"], "SERVICE_DEPLOYMENT_FAILED");
    let ended = history(&world).await[0].clone();
    assert_eq!(
        (&ended["status"], &ended["statusReason"]),
        (&json!("ROLLBACK_FAILED"), &json!("No rollback candidate was found to run the rollback."))
    );
    world.finish();
}

#[tokio::test]
async fn an_alarm_rolls_back_a_deployment_whose_tasks_run() {
    let alarms = json!({"alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true}});
    let world = updating(alarms).await;
    let moved = world.fail("prod", "web", Failure::SoundsAlarm { name: "5xx".to_owned() });
    assert_eq!(moved.events.len(), 2);
    let arn = history(&world).await[1]["serviceDeploymentArn"].clone();
    let request = json!({"serviceDeploymentArns": [arn]});
    let whole =
        answered(call(&world, "ECS.DescribeServiceDeployments", request).await)["serviceDeployments"][0].clone();
    assert_eq!(whole["alarms"]["triggeredAlarmNames"], json!(["5xx"]));
    assert_eq!(whole["alarms"]["status"], "TRIGGERED");
    world.finish();
}

#[tokio::test]
async fn a_newer_update_supersedes_and_the_older_never_fails() {
    let world = updating(json!({})).await;
    world.register(web("nginx:3"));
    world.by_hand("ECS.UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:3"}));
    assert_eq!(
        deployments(&world).await,
        ["PRIMARY web:3 IN_PROGRESS 0", "ACTIVE web:2 IN_PROGRESS 0", "ACTIVE web:1 COMPLETED 0"]
    );
    assert_eq!(history(&world).await[1]["status"], "STOPPED");
    assert_eq!(world.complete("prod", "web").events.len(), 1);
    assert_eq!(deployments(&world).await, ["PRIMARY web:3 COMPLETED 0"]);
    world.finish();
}

#[tokio::test]
async fn a_blue_green_deployment_has_stages_and_its_hook_can_fail() {
    let world = updating(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5})).await;
    world.reach_stage("prod", "web", "BAKE_TIME");
    let arn = service(&world).await["currentServiceDeployment"].clone();
    let request = json!({"serviceDeploymentArns": [arn]});
    let whole = answered(call(&world, "ECS.DescribeServiceDeployments", request).await);
    assert_eq!(whole["serviceDeployments"][0]["lifecycleStage"], "BAKE_TIME");
    assert_eq!(world.fail("prod", "web", Failure::FailsHook).events.len(), 2);
    assert_eq!(deployments(&world).await, ["PRIMARY web:1 IN_PROGRESS 0", "ACTIVE web:2 FAILED 0"]);
    world.finish();
}

#[tokio::test]
async fn a_stop_request_rolls_back_even_without_a_circuit_breaker() {
    let world = updating(json!({})).await;
    let arn = service(&world).await["currentServiceDeployment"].clone();
    let request = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    answered(call(&world, "ECS.StopServiceDeployment", request.clone()).await);
    assert_eq!(history(&world).await[1]["status"], "ROLLBACK_REQUESTED");
    assert_eq!(call(&world, "ECS.StopServiceDeployment", request).await.1["__type"], "ConflictException");
    assert_eq!(world.carry_out_stop("prod", "web").events.len(), 1);
    assert_eq!(world.complete("prod", "web").events.len(), 1);
    assert_eq!(history(&world).await[1]["status"], "ROLLBACK_SUCCESSFUL");
    world.expect_writes([
        "ECS.StopServiceDeployment prod/web ROLLBACK",
        "ECS.StopServiceDeployment prod/web ROLLBACK ⇒ ConflictException",
    ]);
    world.finish();
}

#[tokio::test]
async fn a_revision_remembers_the_digest_that_a_tag_had() {
    let world = super::alone().await;
    let image = crate::world::Image::single("web");
    let push = world.push("shop/web", ["prod"], &image);
    let name = format!("{}/shop/web:prod", world.place().registry());
    world.register(web(&name));
    world.running_service(json!({"cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1}));
    world.push("shop/web", ["prod"], &crate::world::Image::single("newer"));
    let arn = service(&world).await["currentServiceRevisions"][0]["arn"].clone();
    let request = json!({"serviceRevisionArns": [arn]});
    let revision = answered(call(&world, "ECS.DescribeServiceRevisions", request).await)["serviceRevisions"][0].clone();
    assert_eq!(
        revision["containerImages"],
        json!([{"containerName": "web", "image": name, "imageDigest": push.digest}])
    );
    world.finish();
}

#[tokio::test]
async fn tasks_that_stop_send_events_and_only_failures_count() {
    let world = updating(json!({})).await;
    world.take_events();
    let stopped = |failure: Failure| world.stop_tasks("prod", "web", failure, 2).events;
    let spot = stopped(Failure::LosesItsSpot);
    let scaled = stopped(Failure::IsScaledIn);
    let failed = stopped(Failure::CannotBePrepared);
    let codes = [&spot[0], &scaled[0], &failed[0]].map(|event| event["detail"]["stopCode"].as_str().unwrap());
    assert_eq!(codes, ["SpotInterruption", "ServiceSchedulerInitiated", "TaskFailedToStart"]);
    assert_eq!(failed[0]["detail-type"], "ECS Task State Change");
    assert_ne!(failed[0]["detail"]["taskArn"], failed[1]["detail"]["taskArn"]);
    let primary = service(&world).await["deployments"][0].clone();
    assert_eq!((&primary["failedTasks"], &primary["id"]), (&json!(2), &failed[0]["detail"]["startedBy"]));

    let _ = world.fail("prod", "web", Failure::RunsOutOfMemory);
    assert_eq!(world.take_events().len(), 3, "the tasks' events");
    let complaint =
        world.service_action("prod", "web", "SERVICE_TASK_PLACEMENT_FAILURE", Some("RESOURCE:MEMORY")).event();
    assert_eq!(
        (&complaint["detail-type"], &complaint["detail"]["eventType"]),
        (&json!("ECS Service Action"), &json!("ERROR"))
    );
    world.finish();
}
