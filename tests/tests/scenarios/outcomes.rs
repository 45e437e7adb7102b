//! How deployments end, whatever their strategy, and whatever is lost or late on the way there.

use std::time::Duration;

use e2e::world::{Failure, Fault, Moved, Refusal};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{
    complete, deploy, deploying, fail_by, fire_timers, follow, kinds, outcome, remembered, runs, timers, unpublished,
    with_strategy,
};
use crate::scenario::{Scenario, WEB, service, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "outcomes" {
        a_completed_deployment_is_known_good
        a_deployment_without_a_task_makes_nothing_known_good
        where_only_the_definition_changed_the_image_is_not_quarantined
        the_deadline_fires_after_success_and_finds_nothing
        the_end_is_found_by_the_deadline_if_every_event_is_lost
        what_still_progresses_gets_more_time
        blue_green_bakes_beyond_its_deadline
        a_pause_hook_waits_for_a_person_beyond_the_deadline
        a_canary_whose_hook_fails_goes_back_by_itself
        between_the_failure_of_a_hook_and_ecs_s_rollback_slipway_does_nothing
        an_alarm_rolls_back_and_is_named
        somebody_who_stops_a_deployment_is_believed
        terraform_in_between_is_published_as_external
        a_failed_event_of_a_superseded_deployment_is_ignored
        what_waits_is_served_by_who_sees_the_end
        a_blue_green_deployment_without_rollout_states_is_not_cut_short
        a_deployment_whose_record_was_lost_is_taken_up_again
        a_service_that_is_gone_ends_its_deployment
        a_notice_that_fails_changes_nothing_of_what_is_done
        an_ending_that_nobody_could_publish_is_published_by_the_reconcile
    } }
}

async fn a_completed_deployment_is_known_good(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    assert_eq!(timers(&scenario), ["1231"]);
    scenario.world.advance(Duration::from_secs(90));
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    assert_snapshot!("a_completed_deployment.transcript", scenario.transcript());
    assert_eq!(kinds(&mut scenario), ["completed"]);
    let record = remembered(&scenario);
    assert_eq!(record["known_good"][0]["revision"], "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2");
    assert!(record["known_good"][0]["ran"][0]["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")));
    assert_eq!(record["lease"], Value::Null);
    scenario.end();
}

/// It completes at once, and proves nothing.
async fn a_deployment_without_a_task_makes_nothing_known_good(name: &'static str) {
    let mut service = service("web");
    service["desiredCount"] = 0.into();
    let mut scenario = deploying(name, WEB, service).await;
    scenario.world.advance(Duration::from_secs(90));
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["completed"]);
    assert_eq!(outcome(&scenario), "completed");
    assert_eq!(remembered(&scenario)["known_good"], json!([]));
    scenario.end();
}

async fn where_only_the_definition_changed_the_image_is_not_quarantined(name: &'static str) {
    let mut service = service_with_breaker("web");
    service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = false.into();
    let config = WEB.replace("service: web", "service: web, base: family");
    let mut scenario = deploying(name, &config, service).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    // Somebody registers a definition that cannot run, and asks for it.
    let mut definition = web_definition("1.4.2");
    definition["memory"] = "1024".into();
    scenario.world.register(definition);
    scenario.ask(json!({ "action": "redeploy", "target": "prod/web", "dry_run": false })).await;
    scenario.transcript();
    scenario.notices();
    fail_by(&mut scenario, Failure::RunsOutOfMemory).await;
    complete(&mut scenario).await;
    scenario.transcript();
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_slipway", "web:2"));
    let quarantine = remembered(&scenario)["quarantine"].clone();
    assert_eq!(
        (&quarantine[0]["revision"], &quarantine[0]["tag"]),
        (&json!("web:4"), &json!("1.5.0")),
        "{quarantine:#}"
    );
    let notice = scenario.notices().pop().expect("a notice");
    assert!(notice.message.contains("so web:4 is quarantined here, and not shop/web:1.5.0"), "{}", notice.message);
    // The reconcile leaves it so; the image runs, and somebody may ask for it without force.
    let answer = scenario.ask(json!({ "action": "reconcile", "dry_run": false })).await;
    assert_eq!(answer["targets"][0]["outcome"], "skipped", "{answer:#}");
    let status = scenario.ask(json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" })).await;
    assert_eq!(status["targets"][0]["asked"]["state"], "running", "{status:#}");
    scenario.transcript();
    scenario.end();
}

async fn the_deadline_fires_after_success_and_finds_nothing(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let deadline = scenario.world.schedules()[0].input.clone();
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    scenario.notices();
    scenario.fire(&deadline).await;
    assert_snapshot!("the_deadline_after_success.transcript", scenario.transcript());
    assert_eq!(kinds(&mut scenario), [""; 0]);
    scenario.end();
}

async fn the_end_is_found_by_the_deadline_if_every_event_is_lost(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let _ = scenario.world.complete("prod", "web");
    let _ = scenario.world.take_events();
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    scenario.end();
}

async fn what_still_progresses_gets_more_time(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("LINEAR")).await;
    scenario.world.advance(Duration::from_secs(28 * 60));
    scenario.world.reach_stage("prod", "web", "PRODUCTION_TRAFFIC_SHIFT");
    // The one of its stage, too.
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(3 * 60)).await, 2);
    assert_snapshot!("what_still_progresses.transcript", scenario.transcript());
    assert_eq!(kinds(&mut scenario), ["in_progress"]);
    assert_eq!(timers(&scenario), ["1233", "1242"]);
    scenario.end();
}

async fn blue_green_bakes_beyond_its_deadline(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("BLUE_GREEN")).await;
    scenario.world.advance(Duration::from_secs(5 * 60));
    scenario.world.reach_stage("prod", "web", "BAKE_TIME");
    // The one of its stage, too.
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(26 * 60)).await, 2);
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(20 * 60)).await, 1);
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["in_progress".to_owned()], "open"));
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["completed"]);
    fire_timers(&mut scenario, Duration::from_secs(3600)).await;
    assert_eq!(kinds(&mut scenario), [""; 0]);
    scenario.end();
}

async fn a_pause_hook_waits_for_a_person_beyond_the_deadline(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("LINEAR")).await;
    scenario.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    let moved = scenario.world.pause("prod", "web", Duration::from_secs(24 * 3600));
    follow(&mut scenario, moved).await;
    // Nobody decides over night: at every timer it still waits.
    for _ in 0..6 {
        assert!(fire_timers(&mut scenario, Duration::from_secs(40 * 60)).await >= 1);
    }
    assert_eq!(
        (kinds(&mut scenario), outcome(&scenario).as_str()),
        (vec!["in_progress".to_owned(), "paused".to_owned()], "open")
    );
    // In the morning somebody lets it go on, and then it has the time that every deployment has.
    scenario.world.reach_stage("prod", "web", "PRODUCTION_TRAFFIC_SHIFT");
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["completed"]);
    assert!(!scenario.world.calls().iter().any(|call| call.name() == "ECS.StopServiceDeployment"));
    scenario.end();
}

async fn a_canary_whose_hook_fails_goes_back_by_itself(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("CANARY")).await;
    scenario.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    let moved = scenario.world.fail("prod", "web", Failure::FailsHook);
    follow(&mut scenario, moved).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    assert_eq!(outcome(&scenario), "rolled_back_by_ecs");
    assert!(!scenario.world.calls().iter().any(|call| call.name() == "ECS.StopServiceDeployment"));
    scenario.end();
}

async fn between_the_failure_of_a_hook_and_ecs_s_rollback_slipway_does_nothing(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("CANARY")).await;
    scenario.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    let failed = scenario.world.call_failed_by_hook("prod", "web");
    follow(&mut scenario, failed).await;
    assert!(!scenario.world.calls().iter().any(|call| call.name() == "ECS.StopServiceDeployment"));
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    for moved in [scenario.world.roll_back_for_hook("prod", "web"), scenario.world.complete("prod", "web")] {
        follow(&mut scenario, moved).await;
    }
    scenario.claim();
    assert_eq!(
        (kinds(&mut scenario), outcome(&scenario).as_str()),
        (vec!["rolled_back".to_owned()], "rolled_back_by_ecs")
    );
    scenario.end();
}

async fn an_alarm_rolls_back_and_is_named(name: &'static str) {
    let mut alarmed = service("web");
    alarmed["deploymentConfiguration"] =
        json!({ "alarms": { "alarmNames": ["shop-5xx"], "enable": true, "rollback": true } });
    let mut scenario = deploying(name, WEB, alarmed).await;
    scenario.world.advance(Duration::from_secs(120));
    let moved = scenario.world.fail("prod", "web", Failure::SoundsAlarm { name: "shop-5xx".to_owned() });
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_snapshot!("an_alarm_rolls_back", scenario.email());
    scenario.end();
}

async fn somebody_who_stops_a_deployment_is_believed(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let request = json!({ "cluster": "prod", "service": "web" });
    let deployments = scenario.world.by_hand("ECS.ListServiceDeployments", request);
    let arn = deployments["serviceDeployments"][1]["serviceDeploymentArn"].clone();
    scenario.world.by_hand("ECS.StopServiceDeployment", json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" }));
    let moved = scenario.world.carry_out_stop("prod", "web");
    follow(&mut scenario, moved).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back", "stopped"]);
    assert_eq!(outcome(&scenario), "stopped");
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    scenario.end();
}

async fn terraform_in_between_is_published_as_external(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let mut definition = web_definition("1.4.2");
    definition["cpu"] = "512".into();
    scenario.world.register(definition);
    scenario.world.advance(Duration::from_secs(30));
    scenario
        .world
        .by_hand("ECS.UpdateService", json!({ "cluster": "prod", "service": "web", "taskDefinition": "web" }));
    follow(&mut scenario, Moved::default()).await;
    scenario.transcript();
    let mut reported = scenario.subjects();
    reported.sort();
    assert_snapshot!("terraform_in_between", reported.join("\n"));
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["external"]);
    let record = remembered(&scenario);
    assert_eq!(record["decision"]["what"], "external");
    assert_eq!(record["quarantine"], json!([]));
    let history = scenario.ask(json!({ "action": "history", "target": "prod/web", "last": 1 })).await;
    let last = &history["targets"][0]["deployments"][0];
    assert_eq!((&last["trigger"], &last["outcome"]), (&json!("external"), &json!("completed")), "{last:#}");
    scenario.transcript();
    assert_eq!(runs(&scenario), "web:3");
    scenario.end();
}

async fn a_failed_event_of_a_superseded_deployment_is_ignored(name: &'static str) {
    let mut scenario = deploying(name, WEB, service_with_breaker("web")).await;
    let first = remembered(&scenario)["deployments"][0]["deployment"].clone();
    let began = scenario.world.take_events();
    assert_eq!(began, [Value::Null; 0]);
    scenario.world.advance(Duration::from_secs(10));
    scenario.push_web("1.5.1").await;
    let events = scenario.world.take_events();
    for event in &events {
        scenario.track(event).await;
    }
    scenario.transcript();
    scenario.notices();
    let mut failed =
        events.into_iter().find(|it| it["detail-type"] == "ECS Deployment State Change").expect("an event");
    failed["detail"]["eventName"] = "SERVICE_DEPLOYMENT_FAILED".into();
    failed["detail"]["deploymentId"] = first;
    scenario.track(&failed).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), [""; 0]);
    assert_eq!(remembered(&scenario)["quarantine"], json!([]));
    scenario.end();
}

async fn what_waits_is_served_by_who_sees_the_end(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("BLUE_GREEN")).await;
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    let ended = scenario.world.complete("prod", "web").event();
    scenario.track_once(&ended).await.expect("an answer");
    scenario.transcript();
    assert_eq!(runs(&scenario), "web:3", "without a timer in between");
    let began = scenario.world.take_events();
    for event in began.iter().filter(|event| event["source"] == "aws.ecs") {
        scenario.track(event).await;
    }
    scenario.transcript();
    scenario.end();
}

/// ECS documents rollout states for rolling deployments only.
async fn a_blue_green_deployment_without_rollout_states_is_not_cut_short(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("BLUE_GREEN")).await;
    scenario.world.leave_out_rollout_states("prod", "web");
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    let ended = scenario.world.complete("prod", "web").event();
    scenario.track_once(&ended).await.expect("an answer");
    scenario.transcript();
    assert_eq!(runs(&scenario), "web:3");
    assert_eq!(kinds(&mut scenario), ["completed", "started"]);
    scenario.end();
}

async fn a_deployment_whose_record_was_lost_is_taken_up_again(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    scenario.world.lose_item("slipway", "prod/web", "service");
    let moved = scenario.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["in_progress", "rolling_back"]);
    let moved = scenario.world.carry_out_stop("prod", "web");
    follow(&mut scenario, moved).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), runs(&scenario).as_str()), (vec!["rolled_back".to_owned()], "web:1"));
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    scenario.end();
}

async fn a_service_that_is_gone_ends_its_deployment(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    scenario.world.by_hand("ECS.DeleteService", json!({ "cluster": "prod", "service": "web", "force": true }));
    let _ = scenario.world.take_events();
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["stopped".to_owned()], "stopped"));
    scenario.end();
}

async fn a_notice_that_fails_changes_nothing_of_what_is_done(name: &'static str) {
    let mut scenario: Scenario = deploying(name, WEB, service_with_breaker("web")).await;
    let moved = scenario.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut scenario, moved).await;
    scenario.transcript();
    scenario.notices();
    let denied = Refusal::new("AuthorizationErrorException", "The role slipway-track may not publish.");
    scenario.world.fault_each("SNS.Publish", Fault::Refuse(denied));
    let back = scenario.world.complete("prod", "web").event();
    scenario.track_once(&back).await.expect("an answer");
    scenario.transcript();
    assert_eq!((outcome(&scenario).as_str(), kinds(&mut scenario)), ("rolled_back_by_ecs", vec![]));
    scenario.world.heal("SNS.Publish");
    scenario.track(&back).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolled_back"]);
    deploy(&mut scenario, "1.5.1").await;
    scenario.end();
}

async fn an_ending_that_nobody_could_publish_is_published_by_the_reconcile(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let done = scenario.world.complete("prod", "web").event();
    unpublished(&mut scenario, &done).await;
    assert_eq!((outcome(&scenario).as_str(), kinds(&mut scenario)), ("completed", vec![]));
    scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(kinds(&mut scenario), ["completed"]);
    scenario.ask(json!({ "action": "reconcile" })).await;
    scenario.transcript();
    scenario.end();
}
