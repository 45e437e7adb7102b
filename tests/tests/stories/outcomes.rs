//! How deployments end, whatever their strategy, and whatever is lost or late on the way there.

use std::time::Duration;

use e2e::world::{Failure, Fault, Moved, Refusal};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{deploy, deploying, follow, kinds, outcome, remembered, ring, runs, timers};
use crate::story::{Invocation, Story, WEB, service, service_with_breaker, web_definition};
use crate::{stories, told};

pub(crate) fn stories() -> Vec<Trial> {
    stories! { "outcomes" {
        a_completed_deployment_is_known_good
        the_deadline_rings_after_success_and_finds_nothing
        the_end_is_found_by_the_deadline_if_every_event_is_lost
        what_still_progresses_gets_more_time
        blue_green_bakes_beyond_its_deadline
        a_pause_hook_waits_for_a_person_beyond_the_deadline
        a_canary_whose_hook_fails_goes_back_by_itself
        an_alarm_rolls_back_and_is_named
        somebody_who_stops_a_deployment_is_believed
        terraform_in_between_is_told_as_external
        a_failed_event_of_a_superseded_deployment_is_ignored
        what_waits_is_served_by_who_sees_the_end
        a_deployment_whose_record_was_lost_is_taken_up_again
        a_service_that_is_gone_ends_its_deployment
        a_notice_that_fails_changes_nothing_of_what_is_done
        an_ending_that_nobody_could_tell_is_told_by_the_reconcile
    } }
}

/// A service with this strategy.
fn with_strategy(strategy: &str) -> Value {
    let mut service = service("web");
    service["deploymentConfiguration"] = json!({ "strategy": strategy, "bakeTimeInMinutes": 60 });
    service
}

async fn a_completed_deployment_is_known_good(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    assert_eq!(timers(&story), ["1231"]);
    story.world.advance(Duration::from_secs(90));
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    assert_snapshot!("a_completed_deployment.transcript", story.transcript());
    assert_eq!(kinds(&mut story), ["completed"]);
    let record = remembered(&story);
    assert_eq!(record["good"][0]["revision"], "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2");
    assert!(record["good"][0]["ran"][0]["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")));
    assert_eq!(record["lease"], Value::Null);
    story.end();
}

async fn the_deadline_rings_after_success_and_finds_nothing(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let deadline = story.world.schedules()[0].input.clone();
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    story.notices();
    story.fire(&deadline).await;
    assert_snapshot!("the_deadline_after_success.transcript", story.transcript());
    assert_eq!(kinds(&mut story), [""; 0]);
    story.end();
}

async fn the_end_is_found_by_the_deadline_if_every_event_is_lost(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let _ = story.world.complete("prod", "web");
    let _ = story.world.take_events();
    assert_eq!(ring(&mut story, Duration::from_secs(31 * 60)).await, 1);
    story.transcript();
    assert_eq!((kinds(&mut story), outcome(&story).as_str()), (vec!["completed".to_owned()], "completed"));
    story.end();
}

async fn what_still_progresses_gets_more_time(name: &'static str) {
    let mut story = deploying(name, WEB, with_strategy("LINEAR")).await;
    story.world.advance(Duration::from_secs(28 * 60));
    story.world.reach_stage("prod", "web", "PRODUCTION_TRAFFIC_SHIFT");
    assert_eq!(ring(&mut story, Duration::from_secs(3 * 60)).await, 1);
    assert_snapshot!("what_still_progresses.transcript", story.transcript());
    assert_eq!((kinds(&mut story), timers(&story)), (vec![], vec!["1242".to_owned()]));
    story.end();
}

async fn blue_green_bakes_beyond_its_deadline(name: &'static str) {
    let mut story = deploying(name, WEB, with_strategy("BLUE_GREEN")).await;
    story.world.advance(Duration::from_secs(5 * 60));
    story.world.reach_stage("prod", "web", "BAKE_TIME");
    assert_eq!(ring(&mut story, Duration::from_secs(26 * 60)).await, 1);
    assert_eq!(ring(&mut story, Duration::from_secs(20 * 60)).await, 1);
    story.transcript();
    assert_eq!((kinds(&mut story), outcome(&story).as_str()), (vec![], "open"));
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["completed"]);
    ring(&mut story, Duration::from_secs(3600)).await;
    assert_eq!(kinds(&mut story), [""; 0]);
    story.end();
}

async fn a_pause_hook_waits_for_a_person_beyond_the_deadline(name: &'static str) {
    let mut story = deploying(name, WEB, with_strategy("LINEAR")).await;
    story.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    story.world.pause("prod", "web", Duration::from_secs(24 * 3600));
    // Nobody decides over night: at every ring it still waits.
    for _ in 0..6 {
        assert_eq!(ring(&mut story, Duration::from_secs(40 * 60)).await, 1);
    }
    assert_eq!((kinds(&mut story), outcome(&story).as_str()), (vec![], "open"));
    // In the morning somebody lets it go on, and then it has the time that every deployment has.
    story.world.reach_stage("prod", "web", "PRODUCTION_TRAFFIC_SHIFT");
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["completed"]);
    assert!(!story.world.calls().iter().any(|call| call.name() == "ECS.StopServiceDeployment"));
    story.end();
}

async fn a_canary_whose_hook_fails_goes_back_by_itself(name: &'static str) {
    let mut story = deploying(name, WEB, with_strategy("CANARY")).await;
    story.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    let moved = story.world.fail("prod", "web", Failure::FailsHook);
    follow(&mut story, moved).await;
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["rolling_back", "rolled_back"]);
    assert_eq!(outcome(&story), "rolled_back_by_ecs");
    assert!(!story.world.calls().iter().any(|call| call.name() == "ECS.StopServiceDeployment"));
    story.end();
}

async fn an_alarm_rolls_back_and_is_named(name: &'static str) {
    let mut alarmed = service("web");
    alarmed["deploymentConfiguration"] =
        json!({ "alarms": { "alarmNames": ["shop-5xx"], "enable": true, "rollback": true } });
    let mut story = deploying(name, WEB, alarmed).await;
    story.world.advance(Duration::from_secs(120));
    let moved = story.world.fail("prod", "web", Failure::SoundsAlarm { name: "shop-5xx".to_owned() });
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["rolling_back"]);
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_snapshot!("an_alarm_rolls_back", story.email());
    story.end();
}

async fn somebody_who_stops_a_deployment_is_believed(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let request = json!({ "cluster": "prod", "service": "web" });
    let deployments = story.world.by_hand("ECS.ListServiceDeployments", request);
    let arn = deployments["serviceDeployments"][1]["serviceDeploymentArn"].clone();
    story.world.by_hand("ECS.StopServiceDeployment", json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" }));
    let moved = story.world.obey_stop("prod", "web");
    follow(&mut story, moved).await;
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["rolling_back", "stopped"]);
    assert_eq!(outcome(&story), "stopped");
    assert_eq!(remembered(&story)["quarantine"][0]["tag"], "1.5.0");
    story.end();
}

async fn terraform_in_between_is_told_as_external(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let mut definition = web_definition("1.4.2");
    definition["cpu"] = "512".into();
    story.world.register(definition);
    story.world.advance(Duration::from_secs(30));
    story.world.by_hand("ECS.UpdateService", json!({ "cluster": "prod", "service": "web", "taskDefinition": "web" }));
    follow(&mut story, Moved::default()).await;
    story.transcript();
    let mut told = story.subjects();
    told.sort();
    assert_snapshot!("terraform_in_between", told.join("\n"));
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["external"]);
    let record = remembered(&story);
    assert_eq!(record["decision"]["what"], "external");
    assert_eq!(record["quarantine"], json!([]));
    assert_eq!(runs(&story), "web:3");
    story.end();
}

async fn a_failed_event_of_a_superseded_deployment_is_ignored(name: &'static str) {
    let mut story = deploying(name, WEB, service_with_breaker("web")).await;
    let first = remembered(&story)["deployments"][0]["deployment"].clone();
    let began = story.world.take_events();
    assert_eq!(began, [Value::Null; 0]);
    story.world.advance(Duration::from_secs(10));
    story.push_web("1.5.1").await;
    let events = story.world.take_events();
    for event in &events {
        story.track(event).await;
    }
    story.transcript();
    story.notices();
    let mut failed =
        events.into_iter().find(|it| it["detail-type"] == "ECS Deployment State Change").expect("an event");
    failed["detail"]["eventName"] = "SERVICE_DEPLOYMENT_FAILED".into();
    failed["detail"]["deploymentId"] = first;
    story.track(&failed).await;
    story.transcript();
    assert_eq!(kinds(&mut story), [""; 0]);
    assert_eq!(remembered(&story)["quarantine"], json!([]));
    story.end();
}

async fn what_waits_is_served_by_who_sees_the_end(name: &'static str) {
    let mut story = deploying(name, WEB, with_strategy("BLUE_GREEN")).await;
    let answer = story.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    let ended = story.world.complete("prod", "web").event();
    story.track_once(&ended).await.expect("an answer");
    story.transcript();
    assert_eq!(runs(&story), "web:3", "without a timer in between");
    let began = story.world.take_events();
    for event in began.iter().filter(|event| event["source"] == "aws.ecs") {
        story.track(event).await;
    }
    story.transcript();
    story.end();
}

async fn a_deployment_whose_record_was_lost_is_taken_up_again(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    story.world.lose_item("slipway", "prod/web", "service");
    let moved = story.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["in_progress", "rolling_back"]);
    let moved = story.world.obey_stop("prod", "web");
    follow(&mut story, moved).await;
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!((kinds(&mut story), runs(&story).as_str()), (vec!["rolled_back".to_owned()], "web:1"));
    assert_eq!(remembered(&story)["quarantine"][0]["tag"], "1.5.0");
    story.end();
}

async fn a_service_that_is_gone_ends_its_deployment(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    story.world.by_hand("ECS.DeleteService", json!({ "cluster": "prod", "service": "web", "force": true }));
    let _ = story.world.take_events();
    assert_eq!(ring(&mut story, Duration::from_secs(31 * 60)).await, 1);
    story.transcript();
    assert_eq!((kinds(&mut story), outcome(&story).as_str()), (vec!["stopped".to_owned()], "stopped"));
    story.end();
}

async fn a_notice_that_fails_changes_nothing_of_what_is_done(name: &'static str) {
    let mut story: Story = deploying(name, WEB, service_with_breaker("web")).await;
    let moved = story.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut story, moved).await;
    story.transcript();
    story.notices();
    let denied = Refusal::new("AuthorizationErrorException", "The role slipway-track may not publish.");
    story.world.fault_each("SNS.Publish", Fault::Refuse(denied));
    let back = story.world.complete("prod", "web").event();
    story.track_once(&back).await.expect("an answer");
    story.transcript();
    assert_eq!((outcome(&story).as_str(), kinds(&mut story)), ("rolled_back_by_ecs", vec![]));
    story.world.heal("SNS.Publish");
    story.track(&back).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["rolled_back"]);
    deploy(&mut story, "1.5.1").await;
    story.end();
}

async fn an_ending_that_nobody_could_tell_is_told_by_the_reconcile(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let done = story.world.complete("prod", "web").event();
    let denied = Refusal::new("AuthorizationErrorException", "The role slipway-track may not publish.");
    story.world.fault_each("SNS.Publish", Fault::Refuse(denied));
    for again in [Invocation::New, Invocation::Again, Invocation::Again] {
        let _ = story.track_as(&done, again).await;
    }
    story.world.heal("SNS.Publish");
    story.transcript();
    assert_eq!((outcome(&story).as_str(), kinds(&mut story)), ("completed", vec![]));
    story.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(kinds(&mut story), ["completed"]);
    story.ask(json!({ "action": "reconcile" })).await;
    story.transcript();
    story.end();
}
