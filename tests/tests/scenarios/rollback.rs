//! Rollbacks: who makes them, to what, at most once, and when manual action is required.

use std::time::Duration;

use e2e::world::{Failure, Fault, Image, Refusal, World};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{
    complete, deploy, deploy_well, deploying, fail_by, fire_timers, follow, kinds, logging_definition, outcome,
    remembered, running, runs, timers, web_with,
};
use crate::scenario::{Invocation, Scenario, WEB, queued, service, service_with_breaker};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "rollback" {
        a_hanging_deployment_is_stopped_at_its_deadline
        what_ecs_will_not_stop_is_updated
        ecs_s_failure_without_a_rollback_of_its_own_is_put_right_by_an_update
        ecs_rolls_back_by_itself_and_slipway_only_reports
        a_breaker_without_a_rollback_beside_alarms_with_one_leaves_it_to_slipway
        alarms_without_a_rollback_beside_a_breaker_with_one_leave_it_to_slipway
        alarms_with_a_rollback_beside_a_breaker_without_one_leave_it_to_ecs
        the_rollback_fails_too_and_a_person_is_called
        a_rollback_without_an_end_is_noticed_by_its_own_deadline
        the_first_deployment_of_a_service_has_nothing_to_go_back_to
        an_expired_image_is_passed_over_for_the_next_known_good_one
        an_archived_image_is_passed_over_for_the_next_known_good_one
        where_only_an_archived_image_is_left_it_is_restored_if_that_is_allowed
        where_it_is_not_allowed_the_notice_has_the_command
        a_rollback_by_hand_passes_an_archived_image_over_or_is_refused
        without_any_known_good_image_manual_action_is_needed
        a_moved_tag_comes_back_by_the_digest_that_ran
        a_new_revision_to_roll_back_to_is_on_record_before_it_is_to_run
        a_deregistered_revision_comes_back_as_a_new_one
        notify_says_how_and_does_nothing
        what_was_published_as_failed_and_completes_after_all_is_corrected
        the_reconcile_corrects_what_nobody_observed_complete
        off_does_nothing
        somebody_else_at_work_is_waited_for
        a_refused_rollback_needs_manual_action
        a_stop_without_an_answer_is_looked_after
        an_update_without_an_answer_is_not_repeated
    } }
}

/// A service whose circuit breaker calls deployments failed, and leaves them at that.
fn breaker_without_rollback() -> Value {
    let mut service = service_with_breaker("web");
    service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = false.into();
    service
}

/// A service with circuit breaker and alarms, only one of which rolls back: `deploymentCircuitBreaker` or `alarms`.
fn only_one_rolls_back(which: &str) -> Value {
    let mut service = service_with_breaker("web");
    let configuration = &mut service["deploymentConfiguration"];
    configuration["alarms"] = json!({ "alarmNames": ["shop-5xx", "shop-cpu"], "enable": true });
    for monitor in ["deploymentCircuitBreaker", "alarms"] {
        configuration[monitor]["rollback"] = json!(monitor == which);
    }
    service
}

async fn fail(scenario: &mut Scenario) {
    fail_by(scenario, Failure::Exits { code: 1 }).await;
}

fn denied() -> Fault {
    Fault::Refuse(Refusal::new("AccessDeniedException", "The role slipway-track may not do this."))
}

fn count(world: &World, call: &str) -> usize {
    world.calls().iter().filter(|it| it.name() == call && it.refused.is_none()).count()
}

async fn a_hanging_deployment_is_stopped_at_its_deadline(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    assert_snapshot!("a_hanging_deployment.transcript", scenario.transcript());
    assert_snapshot!("a_hanging_deployment.rolling_back", scenario.email());
    let turned = scenario.world.carry_out_stop("prod", "web");
    follow(&mut scenario, turned).await;
    complete(&mut scenario).await;
    scenario.transcript();
    assert_snapshot!("a_hanging_deployment.rolled_back", scenario.email());
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    scenario.end();
}

async fn what_ecs_will_not_stop_is_updated(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    scenario.world.fault_each("ECS.StopServiceDeployment", denied());
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    assert_snapshot!("what_ecs_will_not_stop.transcript", scenario.transcript());
    assert_eq!(runs(&scenario), "web:1");
    follow(&mut scenario, e2e::world::Moved::default()).await;
    complete(&mut scenario).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    assert_eq!(outcome(&scenario), "rolled_back_by_slipway");
    scenario.end();
}

async fn ecs_s_failure_without_a_rollback_of_its_own_is_put_right_by_an_update(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    fail(&mut scenario).await;
    assert_snapshot!("put_right_by_an_update.transcript", scenario.transcript());
    complete(&mut scenario).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    scenario.end();
}

async fn ecs_rolls_back_by_itself_and_slipway_only_reports(name: &'static str) {
    let mut scenario = deploying(name, WEB, service_with_breaker("web")).await;
    fail(&mut scenario).await;
    complete(&mut scenario).await;
    assert_snapshot!("ecs_rolls_back_by_itself.transcript", scenario.transcript());
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    assert_eq!(outcome(&scenario), "rolled_back_by_ecs");
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    scenario.end();
}

async fn a_breaker_without_a_rollback_beside_alarms_with_one_leaves_it_to_slipway(name: &'static str) {
    let mut scenario = deploying(name, WEB, only_one_rolls_back("alarms")).await;
    let stopped = scenario.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 3);
    follow(&mut scenario, stopped).await;
    scenario.transcript();
    let failed = scenario.world.call_failed("prod", "web");
    follow(&mut scenario, failed).await;
    assert_snapshot!("a_breaker_beside_alarms.transcript", scenario.transcript());
    complete(&mut scenario).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    scenario.end();
}

async fn alarms_without_a_rollback_beside_a_breaker_with_one_leave_it_to_slipway(name: &'static str) {
    let mut scenario = deploying(name, WEB, only_one_rolls_back("deploymentCircuitBreaker")).await;
    let failed = scenario.world.call_failed_by_alarm("prod", "web", "shop-5xx");
    follow(&mut scenario, failed).await;
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    complete(&mut scenario).await;
    scenario.transcript();
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    assert_snapshot!("alarms_beside_a_breaker", scenario.email());
    scenario.end();
}

async fn alarms_with_a_rollback_beside_a_breaker_without_one_leave_it_to_ecs(name: &'static str) {
    let mut scenario = deploying(name, WEB, only_one_rolls_back("alarms")).await;
    let failed = scenario.world.call_failed_by_alarm("prod", "web", "shop-5xx");
    follow(&mut scenario, failed).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    assert_eq!(runs(&scenario), "web:2", "ECS has not begun yet, and Slipway leaves it to ECS");
    let turned = scenario.world.begin_rollback("prod", "web");
    follow(&mut scenario, turned).await;
    complete(&mut scenario).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolled_back"]);
    assert_eq!(outcome(&scenario), "rolled_back_by_ecs");
    let quarantined = remembered(&scenario)["quarantine"][0]["cause"].clone();
    assert_eq!(quarantined, "the CloudWatch alarm shop-5xx was triggered");
    assert_eq!(count(&scenario.world, "ECS.UpdateService"), 1, "the deploy");
    scenario.end();
}

async fn the_rollback_fails_too_and_a_person_is_called(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    fail(&mut scenario).await;
    scenario.transcript();
    scenario.notices();
    fail(&mut scenario).await;
    scenario.transcript();
    assert_snapshot!("the_rollback_fails_too", scenario.email());
    assert_eq!(outcome(&scenario), "rollback_failed");
    assert_eq!(count(&scenario.world, "ECS.UpdateService"), 2, "the deploy and one rollback");
    fire_timers(&mut scenario, Duration::from_secs(3600)).await;
    assert!(!scenario.transcript().contains("ECS."), "nothing is due");
    assert_eq!(kinds(&mut scenario), [""; 0]);
    scenario.end();
}

async fn a_rollback_without_an_end_is_noticed_by_its_own_deadline(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    scenario.transcript();
    scenario.notices();
    assert_eq!(timers(&scenario), ["1303"], "of its rollback");
    fire_timers(&mut scenario, Duration::from_secs(32 * 60)).await;
    scenario.transcript();
    assert_eq!(
        (kinds(&mut scenario), outcome(&scenario).as_str()),
        (vec!["rollback_failed".to_owned()], "rollback_failed")
    );
    scenario.end();
}

async fn the_first_deployment_of_a_service_has_nothing_to_go_back_to(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.cluster("prod");
    scenario.world.register(logging_definition("1.4.2"));
    scenario.world.by_hand("ECS.CreateService", service("web"));
    scenario.world.advance(Duration::from_secs(60));
    deploy(&mut scenario, "1.5.0").await;
    fail(&mut scenario).await;
    scenario.transcript();
    assert_snapshot!("nothing_to_go_back_to", scenario.email());
    assert_eq!(outcome(&scenario), "failed");
    scenario.end();
}

async fn an_expired_image_is_passed_over_for_the_next_known_good_one(name: &'static str) {
    let mut scenario = running(name, WEB, breaker_without_rollback()).await;
    deploy_well(&mut scenario, "1.5.0").await;
    deploy(&mut scenario, "1.6.0").await;
    scenario.world.expire_image("shop/web", &Image::single("1.5.0").digest());
    fail(&mut scenario).await;
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), runs(&scenario).as_str()), (vec!["rolling_back".to_owned()], "web:1"));
    scenario.end();
}

async fn an_archived_image_is_passed_over_for_the_next_known_good_one(name: &'static str) {
    let mut scenario = running(name, WEB, breaker_without_rollback()).await;
    deploy_well(&mut scenario, "1.5.0").await;
    deploy(&mut scenario, "1.6.0").await;
    scenario.world.archive_image("shop/web", &Image::single("1.5.0").digest());
    fail(&mut scenario).await;
    scenario.transcript();
    assert_eq!(runs(&scenario), "web:1");
    let reason = queued(&scenario.notices()[0])["reason"].as_str().unwrap_or_default().to_owned();
    let why =
        "Slipway is rolling back to web:1, because web:2 needs shop/web@sha256:182264c5b6e5, which is archived in ECR.";
    assert!(reason.ends_with(why), "{reason}");
    scenario.end();
}

async fn where_only_an_archived_image_is_left_it_is_restored_if_that_is_allowed(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.restores_archived_images().await;
    let digest = Image::single("1.4.2").digest();
    scenario.world.archive_image("shop/web", &digest);
    fail(&mut scenario).await;
    let transcript = scenario.transcript();
    assert_eq!(transcript.matches("ECR.UpdateImageStorageClass").count(), 1, "{transcript}");
    assert_snapshot!("an_archived_image_is_restored", scenario.email());
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("failed", "web:2"));
    // Somebody is too early, and then rolls back.
    let request = json!({ "action": "rollback", "target": "prod/web", "to": "web:1" });
    let answer = scenario.ask(request.clone()).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "image_archived", "{answer:#}");
    scenario.world.restore_image("shop/web", &digest);
    let answer = scenario.ask(request).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(runs(&scenario), "web:1");
    scenario.claim();
    scenario.world.take_events();
    scenario.end();
}

async fn where_it_is_not_allowed_the_notice_has_the_command(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.world.archive_image("shop/web", &Image::single("1.4.2").digest());
    fail(&mut scenario).await;
    let transcript = scenario.transcript();
    assert!(!transcript.contains("UpdateImageStorageClass"), "{transcript}");
    let said = scenario.email();
    assert!(said.contains("aws ecr update-image-storage-class --repository-name shop/web"), "{said}");
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("failed", "web:2"));
    scenario.end();
}

async fn a_rollback_by_hand_passes_an_archived_image_over_or_is_refused(name: &'static str) {
    let mut scenario = running(name, WEB, service("web")).await;
    deploy_well(&mut scenario, "1.5.0").await;
    deploy_well(&mut scenario, "1.6.0").await;
    scenario.world.archive_image("shop/web", &Image::single("1.5.0").digest());
    let named = json!({ "action": "rollback", "target": "prod/web", "to": "web:2" });
    let answer = scenario.ask(named).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "image_archived", "{answer:#}");
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" });
    let answer = scenario.ask(deploy).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "archived", "{answer:#}");
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web" })).await;
    let why = "a rollback was requested, and goes to web:1, because web:2 needs shop/web@sha256:182264c5b6e5, which is archived in ECR";
    assert_eq!(answer["targets"][0]["reason"]["text"], why, "{answer:#}");
    assert_eq!(runs(&scenario), "web:1");
    scenario.claim();
    scenario.world.take_events();
    scenario.end();
}

async fn without_any_known_good_image_manual_action_is_needed(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.world.expire_image("shop/web", &Image::single("1.4.2").digest());
    fail(&mut scenario).await;
    scenario.transcript();
    assert_snapshot!("without_any_good_image", scenario.email());
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("failed", "web:2"));
    scenario.end();
}

async fn a_moved_tag_comes_back_by_the_digest_that_ran(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("another 1.4.2"));
    fail(&mut scenario).await;
    assert_snapshot!("a_moved_tag.transcript", scenario.transcript());
    let definition = scenario.world.by_hand("ECS.DescribeTaskDefinition", json!({ "taskDefinition": "web:3" }));
    let image = definition["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
    assert!(image.ends_with(&format!("shop/web@{}", Image::single("1.4.2").digest())), "{image}");
    let back = scenario.world.complete("prod", "web").event();
    scenario.track_once(&back).await.expect("an answer");
    scenario.transcript();
    // The build that took the tag is newer, and nothing speaks against it.
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back", "started"]);
    assert_eq!(runs(&scenario), "web:4");
    scenario.end();
}

async fn a_deregistered_revision_comes_back_as_a_new_one(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.world.by_hand("ECS.DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" }));
    fail(&mut scenario).await;
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), runs(&scenario).as_str()), (vec!["rolling_back".to_owned()], "web:3"));
    scenario.end();
}

async fn notify_says_how_and_does_nothing(name: &'static str) {
    let mut scenario = deploying(name, &web_with("rollback: notify"), breaker_without_rollback()).await;
    fail(&mut scenario).await;
    assert_eq!(count(&scenario.world, "ECS.UpdateService"), 1);
    scenario.transcript();
    assert_snapshot!("notify_says_how", scenario.email());
    scenario.end();
}

async fn what_was_published_as_failed_and_completes_after_all_is_corrected(name: &'static str) {
    let mut scenario = deploying(name, &web_with("rollback: notify"), service("web")).await;
    fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await;
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["timed_out".to_owned()], "timed_out"));
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    scenario.transcript();

    let events = scenario.world.complete("prod", "web").events;
    for event in &events {
        scenario.track(event).await;
    }
    assert_snapshot!("completed_after_all", scenario.email());
    scenario.transcript();
    let record = remembered(&scenario);
    assert_eq!((&record["quarantine"], outcome(&scenario).as_str()), (&json!([]), "completed"));
    assert!(record["known_good"][0]["revision"].as_str().is_some_and(|it| it.ends_with("/web:2")), "{record:#}");
    scenario.end();
}

async fn the_reconcile_corrects_what_nobody_observed_complete(name: &'static str) {
    let mut scenario = deploying(name, &web_with("rollback: notify"), service("web")).await;
    fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await;
    let _ = scenario.world.complete("prod", "web");
    scenario.notices();
    scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    scenario.claim();
    scenario.end();
}

async fn off_does_nothing(name: &'static str) {
    let mut scenario = deploying(name, &web_with("rollback: off"), breaker_without_rollback()).await;
    fail(&mut scenario).await;
    assert_eq!(count(&scenario.world, "ECS.UpdateService"), 1);
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["failed".to_owned()], "failed"));
    scenario.end();
}

async fn somebody_else_at_work_is_waited_for(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let late = scenario.world.push("shop/web", ["1.4.9"], &Image::single("1.4.9")).event();
    scenario.world.advance(Duration::from_secs(31 * 60));
    let due = scenario.world.due();
    // A deploy dies with the lease in its hands.
    scenario.world.fault("ECS.DescribeServices", 1, Fault::Late(Duration::from_secs(3600)));
    let killed = tokio::time::timeout(Duration::from_millis(500), scenario.deploy_once(&late, Invocation::New)).await;
    assert!(killed.is_err());
    scenario.transcript();
    for schedule in &due {
        scenario.deploy_once(&schedule.input, Invocation::New).await.expect("an answer");
    }
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), [""; 0]);
    // Looked at again each minute, until the lease has expired.
    for _ in 0..7 {
        scenario.world.advance(Duration::from_secs(60));
        for schedule in scenario.world.due() {
            scenario.deploy_once(&schedule.input, Invocation::New).await.expect("an answer");
        }
    }
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    assert_eq!(count(&scenario.world, "ECS.StopServiceDeployment"), 1);
    scenario.end();
}

async fn a_new_revision_to_roll_back_to_is_on_record_before_it_is_to_run(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("another 1.4.2"));
    scenario.world.fault_each("ECS.UpdateService", denied());
    fail(&mut scenario).await;
    // Else what somebody else deploys in that moment would be taken for it.
    let rollback = remembered(&scenario)["deployments"][0]["rollback"].clone();
    assert_eq!((&rollback["to"], &rollback["done_at"]), (&json!("web:3"), &Value::Null), "{rollback:#}");
    scenario.claim();
    scenario.notices();
    scenario.end();
}

async fn a_refused_rollback_needs_manual_action(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.world.fault_each("ECS.UpdateService", denied());
    fail(&mut scenario).await;
    scenario.transcript();
    assert_snapshot!("a_refused_way_back", scenario.email());
    assert_eq!(outcome(&scenario), "rollback_failed");
    scenario.end();
}

async fn a_stop_without_an_answer_is_looked_after(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    scenario.world.fault("ECS.StopServiceDeployment", 1, Fault::CutAfter);
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    assert_eq!(count(&scenario.world, "ECS.UpdateService"), 1, "only the deploy");
    scenario.end();
}

async fn an_update_without_an_answer_is_not_repeated(name: &'static str) {
    let mut scenario = deploying(name, WEB, breaker_without_rollback()).await;
    scenario.world.fault("ECS.UpdateService", 1, Fault::CutAfter);
    fail(&mut scenario).await;
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), runs(&scenario).as_str()), (vec!["rolling_back".to_owned()], "web:1"));
    let request = json!({ "cluster": "prod", "service": "web" });
    let deployments = scenario.world.by_hand("ECS.ListServiceDeployments", request);
    assert_eq!(deployments["serviceDeployments"].as_array().map(Vec::len), Some(3));
    scenario.end();
}
