//! Services that CodeDeploy deploys: the same push, notices, quarantine and rollback as anywhere else.

use std::time::Duration;

use e2e::world::{CodeDeployStage as Stage, Failure, Fault, Image, Moved, Refusal};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{
    deploy_well, fire_timers, follow, kinds, logging_definition, outcome, remembered, runs, web_with, with_strategy,
};
use crate::scenario::{Scenario, WEB, service};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "code_deploy" {
        a_push_is_deployed_and_followed_through_its_stages
        a_push_in_the_waiting_hour_waits_for_its_end
        a_push_may_cut_the_waiting_hour
        a_waiting_hour_that_may_not_be_cut_ends_by_itself
        a_rollback_in_the_waiting_hour_stops_the_deployment
        tasks_that_fail_in_the_waiting_hour_stop_the_deployment
        what_fails_before_the_traffic_moved_leaves_the_old_version_serving
        what_fails_after_the_traffic_moved_is_rolled_back_by_slipway
        a_rollback_waits_while_the_group_is_busy
        what_codedeploy_rolls_back_is_left_to_it
        an_alarm_is_left_to_codedeploy
        what_never_gets_healthy_is_stopped_at_the_deadline
        somebody_stops_a_deployment
        a_deployment_that_waits_for_somebody_is_continued
        a_rollback_after_the_end_is_a_new_deployment
        somebody_elses_deployment_is_a_decision
        hooks_are_carried_over
        hooks_that_cannot_be_read_are_asked_for
        hooks_of_the_document_are_used
        the_network_and_the_capacity_providers_are_carried_over
        a_deployment_without_an_answer_is_looked_up
        a_group_that_is_not_found_is_asked_for
        a_group_that_the_document_names_is_used
        a_service_that_moves_to_ecs_keeps_its_record
    } }
}

const MINUTE: Duration = Duration::from_secs(60);

/// `prod/web` under CodeDeploy.
fn of_code_deploy() -> Value {
    let mut service = service("web");
    service["deploymentController"] = json!({ "type": "CODE_DEPLOY" });
    service["loadBalancers"] = json!([{
        "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web-blue/0123456789abcdef",
        "containerName": "web",
        "containerPort": 8080,
    }]);
    service
}

/// `prod/web` has been running 1.4.2, deployed by CodeDeploy; `group` replaces members of its deployment group.
pub(crate) async fn running(name: &'static str, config: &str, group: &Value) -> Scenario {
    let scenario = made(name, config, of_code_deploy()).await;
    scenario.world.under_code_deploy("prod", "web", group);
    scenario
}

async fn made(name: &'static str, config: &str, service: Value) -> Scenario {
    let scenario = Scenario::begin(name, config).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(logging_definition("1.4.2"));
    scenario.world.running_service(service);
    scenario
}

fn rolls_back_on(events: &[&str]) -> Value {
    json!({
        "autoRollbackConfiguration": { "enabled": !events.is_empty(), "events": events },
        "alarmConfiguration": { "enabled": true, "alarms": [{ "name": "5xx" }] },
    })
}

/// The hooks that a deployment has in which one fails.
fn hooks() -> Value {
    json!([{ "AfterInstall": "check-web" }, { "AfterAllowTraffic": "warm-web" }])
}

/// The same, and 1.5.0 was pushed; the deployment is at this stage.
pub(crate) async fn deploying(name: &'static str, group: &Value, stage: Stage) -> Scenario {
    let mut scenario = running(name, WEB, group).await;
    deploy_by_hand(&mut scenario, &hooks()).await;
    scenario.push_web("1.5.0").await;
    scenario.claim();
    scenario.notices();
    reach(&mut scenario, stage).await;
    scenario.claim();
    scenario
}

/// A minute later the open deployment is at this stage, as far as events and timers tell.
async fn reach(scenario: &mut Scenario, stage: Stage) {
    let moved = scenario.world.move_code_deploy("prod", "web", stage);
    follow(scenario, moved).await;
    fire_timers(scenario, MINUTE * 2).await;
}

/// The open deployment of the service, whoever made it, comes to its end.
async fn end(scenario: &mut Scenario) {
    let moved = scenario.world.move_code_deploy("prod", "web", Stage::Ended);
    follow(scenario, moved).await;
    fire_timers(scenario, MINUTE * 2).await;
}

async fn in_flight(scenario: &mut Scenario) -> Value {
    let answer = scenario.ask(json!({ "action": "status", "target": "prod/web" })).await;
    answer["targets"][0]["in_flight"].clone()
}

/// What takes the production traffic, `web:2`.
fn serves(scenario: &Scenario) -> String {
    let request = json!({ "cluster": "prod", "services": ["web"] });
    let answer = scenario.world.by_hand("ECS.DescribeServices", request);
    let sets = answer["services"][0]["taskSets"].as_array().cloned().unwrap_or_default();
    let primary = sets.iter().find(|set| set["status"] == "PRIMARY").cloned().unwrap_or_default();
    primary["taskDefinition"].as_str().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().to_owned()
}

fn quarantined(scenario: &Scenario) -> Vec<String> {
    let quarantine = remembered(scenario)["quarantine"].as_array().cloned().unwrap_or_default();
    quarantine.iter().map(|it| it["tag"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The AppSpec of the last deployment that was asked for.
pub(crate) fn app_spec(scenario: &Scenario) -> Value {
    let calls = scenario.world.calls();
    let call = calls.iter().rfind(|call| call.operation == "CreateDeployment").expect("a deployment");
    let content = call.request["revision"]["appSpecContent"]["content"].as_str().expect("a content");
    serde_json::from_str(content).expect("JSON")
}

async fn a_push_is_deployed_and_followed_through_its_stages(name: &'static str) {
    let mut scenario = running(name, WEB, &json!({})).await;
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_snapshot!("code_deploy_push.transcript", scenario.transcript());
    let mut seen: Vec<String> = scenario.subjects();
    let stages = [Stage::Installing, Stage::TestTraffic, Stage::Shifting, Stage::Serving, Stage::Ended];
    for stage in stages {
        reach(&mut scenario, stage).await;
        seen.push(format!("{stage:?}: {}", in_flight(&mut scenario).await["stage"]));
        seen.extend(scenario.subjects().into_iter().map(|subject| format!("  {subject}")));
    }
    assert_snapshot!("code_deploy_stages", seen.join("\n"));
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("completed", "web:2"));
    assert_eq!(remembered(&scenario)["known_good"][0]["revision"].as_str().map(|it| it.ends_with("web:2")), Some(true));
    scenario.claim();
    scenario.end();
}

async fn a_push_in_the_waiting_hour_waits_for_its_end(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Serving).await;
    scenario.notices();
    let answer = scenario.push_web("1.6.0").await;
    let target = &answer["targets"][0];
    assert_eq!(target["reason"]["code"], "queued", "{answer:#}");
    assert_snapshot!("code_deploy_queued", target["reason"]["text"].as_str().unwrap_or_default());
    let status = scenario.ask(json!({ "action": "status", "target": "prod/web" })).await;
    assert_snapshot!("code_deploy_queued.status", format!("{:#}", status["targets"][0]["memory"]["waiting"]));
    // The deadline of half an hour does not count any more.
    for _ in 0..9 {
        fire_timers(&mut scenario, MINUTE * 5).await;
    }
    assert_eq!(outcome(&scenario), "open");
    assert_eq!(serves(&scenario), "web:2");
    scenario.notices();
    // Once: the second delivery would find what the first one has begun, and publish that it is in progress.
    let moved = scenario.world.move_code_deploy("prod", "web", Stage::Ended);
    for event in moved.events.iter().filter(|event| event["source"] == "aws.codedeploy") {
        scenario.track_once(event).await.expect("an answer");
    }
    assert_eq!(remembered(&scenario)["deployments"][1]["outcome"], "completed");
    assert_eq!(
        app_spec(&scenario)["Resources"][0]["TargetService"]["Properties"]["TaskDefinition"]
            .as_str()
            .map(|it| it.ends_with("web:3")),
        Some(true)
    );
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("completed", "web:3"));
    scenario.claim();
    scenario.end();
}

async fn a_push_may_cut_the_waiting_hour(name: &'static str) {
    let config = web_with("codedeploy: { termination_wait: { cut_after: 10m } }");
    let mut scenario = running(name, &config, &json!({})).await;
    scenario.push_web("1.5.0").await;
    reach(&mut scenario, Stage::Serving).await;
    scenario.claim();
    let continued =
        |scenario: &Scenario| scenario.world.calls().iter().filter(|it| it.operation == "ContinueDeployment").count();
    // Nobody waits for it.
    fire_timers(&mut scenario, MINUTE * 6).await;
    scenario.push_web("1.6.0").await;
    scenario.claim();
    assert_eq!(continued(&scenario), 0);
    // Each timer once: the same again is accepted, too, and does nothing.
    scenario.fire_timers_after(MINUTE * 6).await;
    assert_eq!(continued(&scenario), 1);
    let wait =
        scenario.world.calls().iter().rfind(|it| it.operation == "ContinueDeployment").map(|it| it.request.clone());
    assert_eq!(wait.expect("a call")["deploymentWaitType"], "TERMINATION_WAIT");
    scenario.claim();
    scenario.end();
}

async fn a_waiting_hour_that_may_not_be_cut_ends_by_itself(name: &'static str) {
    let config = web_with("codedeploy: { termination_wait: { cut_after: 10m } }");
    let mut scenario = running(name, &config, &json!({})).await;
    scenario.push_web("1.5.0").await;
    reach(&mut scenario, Stage::Serving).await;
    scenario.push_web("1.6.0").await;
    let denied = Refusal::new("AccessDeniedException", "The role may not continue it.");
    scenario.world.fault_each("CodeDeploy.ContinueDeployment", Fault::Refuse(denied));
    scenario.fire_timers_after(MINUTE * 11).await;
    scenario.world.heal("CodeDeploy.ContinueDeployment");
    scenario.claim();
    scenario.notices();
    // Whoever sees the end goes on at once, so its event is delivered once.
    let moved = scenario.world.move_code_deploy("prod", "web", Stage::Ended);
    scenario.track_once(moved.events.last().expect("an event")).await.expect("an answer");
    assert_eq!(kinds(&mut scenario), ["completed", "started"]);
    scenario.claim();
    scenario.end();
}

async fn a_rollback_in_the_waiting_hour_stops_the_deployment(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Serving).await;
    scenario.notices();
    let request = json!({ "action": "rollback", "target": "prod/web", "who": "ana", "dry_run": true });
    let plan = scenario.ask(request.clone()).await;
    assert_eq!(plan["targets"][0]["reason"]["code"], "stop_requested", "{plan:#}");
    let mut real = request;
    real["dry_run"] = json!(false);
    let answer = scenario.ask(real).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    let moved = scenario.world.carry_out_code_deploy_stop("prod", "web");
    follow(&mut scenario, moved).await;
    assert_eq!(in_flight(&mut scenario).await["stage"], Value::Null);
    end(&mut scenario).await;
    assert_snapshot!("code_deploy_rolled_back_by_hand", scenario.subjects().join("\n"));
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("stopped", "web:1"));
    let decision = remembered(&scenario)["decision"].clone();
    assert_eq!((&decision["what"], &decision["who"]), (&json!("rollback"), &json!("ana")));
    assert_eq!(remembered(&scenario)["quarantine"][0]["cause"], "ana requested a rollback");
    scenario.claim();
    scenario.end();
}

async fn tasks_that_fail_in_the_waiting_hour_stop_the_deployment(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Serving).await;
    scenario.notices();
    let moved = scenario.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 3);
    follow(&mut scenario, moved).await;
    assert_snapshot!("code_deploy_failing_tasks.transcript", scenario.transcript());
    let moved = scenario.world.carry_out_code_deploy_stop("prod", "web");
    follow(&mut scenario, moved).await;
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    assert_eq!(quarantined(&scenario), ["1.5.0"]);
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    scenario.claim();
    scenario.end();
}

async fn what_fails_before_the_traffic_moved_leaves_the_old_version_serving(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Installing).await;
    scenario.notices();
    let moved = scenario.world.fail_code_deploy("prod", "web", Failure::FailsHook);
    follow(&mut scenario, moved).await;
    assert_snapshot!("code_deploy_kept_serving.email", scenario.email());
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("failed", "web:1"));
    assert_eq!(quarantined(&scenario), ["1.5.0"]);
    let created = scenario.world.calls().iter().filter(|it| it.operation == "CreateDeployment").count();
    assert_eq!(created, 1, "no update is needed");
    // The next push is not in anybody's way.
    scenario.push_web("1.6.0").await;
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("completed", "web:3"));
    scenario.claim();
    scenario.end();
}

async fn what_fails_after_the_traffic_moved_is_rolled_back_by_slipway(name: &'static str) {
    let mut scenario = deploying(name, &rolls_back_on(&[]), Stage::Serving).await;
    scenario.notices();
    let moved = scenario.world.fail_code_deploy("prod", "web", Failure::SoundsAlarm { name: "5xx".to_owned() });
    follow(&mut scenario, moved).await;
    assert_snapshot!("code_deploy_rolled_back_by_slipway.transcript", scenario.transcript());
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    assert_eq!(quarantined(&scenario), ["1.5.0"]);
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    scenario.claim();
    scenario.end();
}

async fn a_rollback_waits_while_the_group_is_busy(name: &'static str) {
    let mut scenario = deploying(name, &rolls_back_on(&[]), Stage::Serving).await;
    scenario.notices();
    let moved = scenario.world.fail_code_deploy("prod", "web", Failure::SoundsAlarm { name: "5xx".to_owned() });
    let busy = "The Deployment Group 'DgpECS-prod-web' already has an active Deployment 'd-123456789'";
    let busy = Refusal::new("DeploymentLimitExceededException", busy);
    scenario.world.fault_each("CodeDeploy.CreateDeployment", Fault::Refuse(busy));
    let before = scenario.world.calls().len();
    scenario.track_once(&moved.events[0]).await.expect("no error: it waits");
    let calls = scenario.world.calls().split_off(before);
    assert_eq!(calls.iter().filter(|it| it.operation == "CreateDeployment").count(), 1, "not again and again");
    assert_eq!(kinds(&mut scenario), [""; 0]);
    scenario.world.heal("CodeDeploy.CreateDeployment");
    fire_timers(&mut scenario, MINUTE * 2).await;
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    scenario.claim();
    scenario.notices();
    scenario.end();
}

async fn what_codedeploy_rolls_back_is_left_to_it(name: &'static str) {
    let mut scenario = deploying(name, &rolls_back_on(&["DEPLOYMENT_FAILURE"]), Stage::Shifting).await;
    scenario.notices();
    let moved = scenario.world.fail_code_deploy("prod", "web", Failure::FailsHook);
    follow(&mut scenario, moved).await;
    assert_snapshot!("code_deploy_rolls_back.email", scenario.email());
    end(&mut scenario).await;
    assert_snapshot!("code_deploy_rolled_back.email", scenario.email());
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("rolled_back_by_ecs", "web:1"));
    assert_eq!(quarantined(&scenario), ["1.5.0"]);
    let written = scenario
        .world
        .calls()
        .iter()
        .filter(|it| ["CreateDeployment", "StopDeployment"].contains(&it.operation.as_str()))
        .count();
    assert_eq!(written, 1, "only the deployment itself");
    assert_eq!(
        remembered(&scenario)["deployments"].as_array().map(Vec::len),
        Some(1),
        "its rollback is nobody's deployment"
    );
    scenario.claim();
    scenario.end();
}

async fn an_alarm_is_left_to_codedeploy(name: &'static str) {
    let mut scenario = deploying(name, &rolls_back_on(&["DEPLOYMENT_STOP_ON_ALARM"]), Stage::Serving).await;
    scenario.notices();
    let moved = scenario.world.fail_code_deploy("prod", "web", Failure::SoundsAlarm { name: "5xx".to_owned() });
    follow(&mut scenario, moved).await;
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("rolled_back_by_ecs", "web:1"));
    assert_snapshot!("code_deploy_alarm", scenario.subjects().join("\n"));
    scenario.claim();
    scenario.end();
}

async fn what_never_gets_healthy_is_stopped_at_the_deadline(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Installing).await;
    scenario.notices();
    fire_timers(&mut scenario, MINUTE * 31).await;
    let moved = scenario.world.carry_out_code_deploy_stop("prod", "web");
    follow(&mut scenario, moved).await;
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    assert_snapshot!("code_deploy_deadline", scenario.subjects().join("\n"));
    scenario.claim();
    scenario.end();
}

async fn somebody_stops_a_deployment(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Shifting).await;
    scenario.notices();
    let id = remembered(&scenario)["deployments"][0]["deployment"].clone();
    scenario.world.by_hand("CodeDeploy.StopDeployment", json!({ "deploymentId": id, "autoRollbackEnabled": true }));
    let moved = scenario.world.carry_out_code_deploy_stop("prod", "web");
    follow(&mut scenario, moved).await;
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("stopped", "web:1"));
    assert_snapshot!("code_deploy_stopped", scenario.subjects().join("\n"));
    scenario.claim();
    scenario.end();
}

/// A group that waits an hour for somebody before it moves the traffic.
pub(crate) fn waits_for_somebody() -> Value {
    json!({ "blueGreenDeploymentConfiguration": {
        "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": 60 },
        "deploymentReadyOption": { "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60 },
    }})
}

async fn a_deployment_that_waits_for_somebody_is_continued(name: &'static str) {
    let mut scenario = deploying(name, &waits_for_somebody(), Stage::Ready).await;
    assert_eq!(kinds(&mut scenario), ["in_progress", "paused"]);
    assert_snapshot!("code_deploy_ready.status", format!("{:#}", in_flight(&mut scenario).await));
    let answer = scenario.ask(json!({ "action": "continue", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    let again = scenario.ask(json!({ "action": "continue", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(again["targets"][0]["reason"]["code"], "not_paused", "{again:#}");
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("completed", "web:2"));
    scenario.claim();
    scenario.end();
}

async fn a_rollback_after_the_end_is_a_new_deployment(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Ended).await;
    scenario.notices();
    assert_eq!(outcome(&scenario), "completed");
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_snapshot!("code_deploy_rollback_after.transcript", scenario.transcript());
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("completed", "web:1"));
    scenario.claim();
    scenario.end();
}

async fn somebody_elses_deployment_is_a_decision(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Ended).await;
    scenario.notices();
    let group = json!({ "applicationName": "AppECS-prod-web", "deploymentGroupName": "DgpECS-prod-web" });
    let spec = app_spec(&scenario).to_string().replace("web:2", "web:1");
    let mut request = group;
    request["revision"] = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": spec } });
    scenario.world.by_hand("CodeDeploy.CreateDeployment", request);
    reach(&mut scenario, Stage::Installing).await;
    end(&mut scenario).await;
    assert_snapshot!("code_deploy_external", scenario.subjects().join("\n"));
    assert_eq!(remembered(&scenario)["decision"]["what"], "external");
    scenario.claim();
    scenario.end();
}

async fn hooks_are_carried_over(name: &'static str) {
    let mut scenario = running(name, WEB, &json!({})).await;
    deploy_by_hand(&mut scenario, &hooks()).await;
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(app_spec(&scenario)["Hooks"], hooks());
    scenario.claim();
    scenario.end();
}

/// Somebody deploys what runs once more, with these hooks, and it ends well.
async fn deploy_by_hand(scenario: &mut Scenario, hooks: &Value) {
    let spec = json!({ "version": 0.0, "Hooks": hooks, "Resources": [{ "TargetService": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": "web:1",
            "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 8080 },
        },
    }}]});
    let request = json!({
        "applicationName": "AppECS-prod-web", "deploymentGroupName": "DgpECS-prod-web",
        "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": spec.to_string() } },
    });
    scenario.world.by_hand("CodeDeploy.CreateDeployment", request);
    let _: Moved = scenario.world.move_code_deploy("prod", "web", Stage::Ended);
    drop(scenario.world.take_events());
    scenario.world.advance(MINUTE);
}

async fn hooks_that_cannot_be_read_are_asked_for(name: &'static str) {
    let mut scenario = running(name, WEB, &json!({})).await;
    scenario.world.deploy_unread_revision("prod", "web", "web:1", ("web", 8080));
    let _: Moved = scenario.world.move_code_deploy("prod", "web", Stage::Ended);
    drop(scenario.world.take_events());
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "hooks_unknown", "{answer:#}");
    assert_snapshot!("code_deploy_hooks_unknown.email", scenario.email());
    scenario.world.parameter("/slipway/config", &web_with("codedeploy: { hooks: {} }"));
    scenario.forget_config().await;
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(app_spec(&scenario)["Hooks"], Value::Null);
    scenario.claim();
    scenario.end();
}

async fn hooks_of_the_document_are_used(name: &'static str) {
    let config = web_with("codedeploy: { hooks: { AfterAllowTraffic: warm-web, BeforeInstall: prepare-web } }");
    let mut scenario = running(name, &config, &json!({})).await;
    scenario.push_web("1.5.0").await;
    assert_eq!(
        app_spec(&scenario)["Hooks"],
        json!([{ "BeforeInstall": "prepare-web" }, { "AfterAllowTraffic": "warm-web" }])
    );
    scenario.claim();
    scenario.end();
}

async fn the_network_and_the_capacity_providers_are_carried_over(name: &'static str) {
    let mut service = of_code_deploy();
    service.as_object_mut().expect("a request").shift_remove("launchType");
    service["capacityProviderStrategy"] = json!([{ "capacityProvider": "FARGATE_SPOT", "base": 1, "weight": 2 }]);
    service["networkConfiguration"] = json!({ "awsvpcConfiguration": {
        "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED",
    }});
    let mut scenario = made(name, WEB, service).await;
    scenario.world.under_code_deploy("prod", "web", &json!({}));
    scenario.push_web("1.5.0").await;
    let spec = serde_json::to_string_pretty(&app_spec(&scenario)).expect("JSON");
    assert_snapshot!("code_deploy_app_spec", spec);
    scenario.claim();
    scenario.end();
}

async fn a_deployment_without_an_answer_is_looked_up(name: &'static str) {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let mut scenario = running(name, WEB, &json!({})).await;
        let took_effect = matches!(fault, Fault::CutAfter);
        scenario.world.fault("CodeDeploy.CreateDeployment", 1, fault);
        let answer = scenario.push_web("1.5.0").await;
        assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
        let sent = scenario.world.calls().iter().filter(|it| it.operation == "CreateDeployment").count();
        assert_eq!(sent, if took_effect { 1 } else { 2 });
        end(&mut scenario).await;
        assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("completed", "web:2"));
        scenario.claim();
        scenario.end();
    }
}

async fn a_group_that_is_not_found_is_asked_for(name: &'static str) {
    let mut scenario = made(name, WEB, of_code_deploy()).await;
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "no_deployment_group", "{answer:#}");
    assert_snapshot!("code_deploy_no_group.email", scenario.email());
    scenario.claim();
    scenario.end();
}

async fn a_group_that_the_document_names_is_used(name: &'static str) {
    let config = web_with("codedeploy: { application: shop, group: web }");
    let mut scenario = made(name, &config, of_code_deploy()).await;
    let platform = json!({ "applicationName": "shop", "computePlatform": "ECS" });
    scenario.world.by_hand("CodeDeploy.CreateApplication", platform);
    let mut request = scenario.world.deployment_group("prod", "web");
    (request["applicationName"], request["deploymentGroupName"]) = (json!("shop"), json!("web"));
    scenario.world.by_hand("CodeDeploy.CreateDeploymentGroup", request);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    end(&mut scenario).await;
    assert_eq!((outcome(&scenario).as_str(), serves(&scenario).as_str()), ("completed", "web:2"));
    scenario.claim();
    scenario.end();
}

async fn a_service_that_moves_to_ecs_keeps_its_record(name: &'static str) {
    let mut scenario = deploying(name, &json!({}), Stage::Serving).await;
    end(&mut scenario).await;
    scenario.push_web("1.6.0").await;
    let moved = scenario.world.fail_code_deploy("prod", "web", Failure::FailsHook);
    follow(&mut scenario, moved).await;
    assert_eq!((quarantined(&scenario), serves(&scenario).as_str()), (vec!["1.6.0".to_owned()], "web:2"));
    // The service is made anew under ECS, with what ran.
    scenario.world.by_hand("ECS.DeleteService", json!({ "cluster": "prod", "service": "web", "force": true }));
    let mut of_ecs = with_strategy("BLUE_GREEN");
    of_ecs["taskDefinition"] = "web:2".into();
    scenario.world.running_service(of_ecs);
    scenario.claim();
    scenario.notices();

    let reconciled = scenario.ask(json!({ "action": "reconcile", "dry_run": false })).await["targets"][0].clone();
    assert_eq!(reconciled["outcome"], "skipped", "1.6.0 stays in quarantine: {reconciled:#}");
    scenario.claim();
    deploy_well(&mut scenario, "1.7.0").await;
    let calls = scenario.world.calls();
    assert_eq!(calls.iter().filter(|it| it.operation == "UpdateService").count(), 1);
    assert_eq!(runs(&scenario), "web:4");
    let back = scenario.ask(json!({ "action": "rollback", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(back["targets"][0]["revision"]["new"], "web:2", "what CodeDeploy deployed is known good: {back:#}");
    assert_eq!(quarantined(&scenario), ["1.6.0"]);
    scenario.claim();
    scenario.notices();
    scenario.end();
}
