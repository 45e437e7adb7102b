//! What people decide, and what is remembered: hold, quarantine, rollback, history, explain.

use e2e::world::{Call, Failure, Fault, Image, Push, Refusal};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use slipway_core::model::id::TargetName;
use slipway_core::model::record::RecordedEvidence;
use slipway_engine::Cloud;

use crate::following::{complete, fail_by};
use crate::scenario::{Invocation, Scenario, WEB, aws, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "memory" {
        a_held_service_is_left_alone_until_it_is_released
        a_deploy_of_a_held_service_needs_force
        a_quarantined_image_comes_back_only_by_release_or_force
        an_image_that_completes_by_force_is_quarantined_no_more
        a_rollback_goes_to_the_last_known_good_revision_and_stays_there
        a_rollback_to_a_revision_that_named_a_moved_tag_pins_what_ran
        a_rollback_passes_over_an_image_that_failed_here
        a_rollback_to_what_cannot_be_is_refused
        a_rollback_after_the_table_was_lost_asks_ecs
        the_history_goes_back_beyond_the_record
        the_history_shows_the_evidence_of_what_failed
        evidence_is_read_beyond_a_page_of_dynamodb
        explain_does_nothing_and_says_everything
        a_busy_service_is_answered_busy
        who_asked_is_written_down
        who_released_is_written_down_of_what_follows
        who_released_is_written_down_by_whoever_has_the_lease
        what_ecs_refuses_is_no_decision
        what_a_newer_version_remembers_is_read_and_nothing_is_done_by_it
        of_what_version_1_remembered_a_hold_stays
        a_record_that_is_too_large_loses_lists_and_its_service_is_deployed_to
        what_a_record_has_room_for_stays
    } }
}

async fn a_held_service_is_left_alone_until_it_is_released(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let hold = json!({ "action": "hold", "target": "prod/web", "reason": "a migration", "who": "ana" });
    let answer = scenario.ask(hold).await;
    assert_eq!(answer["targets"][0]["held"]["reason"], "a migration");
    let answer = scenario.push_web("1.5.0").await;
    assert!(code(&answer) == "held" && text(&answer).starts_with("ana put the service on hold at"), "{answer:#}");
    assert!(scenario.notices().is_empty());
    let answer = scenario.ask(json!({ "action": "release", "target": "prod/web" })).await;
    assert_eq!(code(&answer), "reconciled", "{answer:#}");
    assert_eq!(scenario.running(), Image::single("1.5.0").digest());
    scenario.claim();
    scenario.end();
}

async fn a_deploy_of_a_held_service_needs_force(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.ask(json!({ "action": "hold", "target": "prod/web" })).await;
    let mut deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" });
    let answer = scenario.ask(deploy.clone()).await;
    assert_eq!((code(&answer), &answer["ok"]), ("held_needs_force", &json!(false)));
    deploy["force"] = json!(true);
    let answer = scenario.ask(deploy).await;
    assert_eq!(answer["targets"][0]["outcome"], "started");
    scenario.claim();
    scenario.end();
}

/// The service after 1.5.0 failed, and ECS went back to 1.4.2; and the push of 1.5.0.
async fn after_1_5_0_failed(name: &'static str) -> (Scenario, Push) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service_with_breaker("web"));
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.deploy(&push.event()).await;
    fail_by(&mut scenario, Failure::default()).await;
    complete(&mut scenario).await;
    (scenario, push)
}

async fn a_quarantined_image_comes_back_only_by_release_or_force(name: &'static str) {
    let (mut scenario, push) = after_1_5_0_failed(name).await;
    assert_eq!(
        scenario.remembered("prod/web")["quarantine"][0]["tag"],
        "1.5.0",
        "{:#}",
        scenario.remembered("prod/web")
    );
    scenario.claim();
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(code(&answer), "quarantined", "{answer:#}");
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "dry_run": true });
    assert_eq!(code(&scenario.ask(deploy).await), "needs_force");
    let answer = scenario.ask(json!({ "action": "release", "target": "prod/web", "tag": "1.5.0" })).await;
    assert_eq!(code(&answer), "reconciled", "{answer:#}");
    assert_eq!(scenario.running(), Image::single("1.5.0").digest());
    let answer = scenario.ask(json!({ "action": "release", "target": "prod/web", "tag": "1.5.0" })).await;
    assert_eq!(code(&answer), "not_quarantined");
    scenario.claim();
    scenario.end();
}

async fn an_image_that_completes_by_force_is_quarantined_no_more(name: &'static str) {
    let (mut scenario, push) = after_1_5_0_failed(name).await;
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "force": true });
    assert_eq!(scenario.ask(deploy).await["targets"][0]["outcome"], "started");
    assert_eq!(scenario.remembered("prod/web")["quarantine"][0]["tag"], "1.5.0", "it may fail again");
    complete(&mut scenario).await;
    assert_eq!(scenario.remembered("prod/web")["quarantine"], json!([]));
    assert_eq!(code(&scenario.deploy(&push.event()).await), "already_runs");
    // It is what a rollback goes back to.
    assert_eq!(scenario.push_web("1.6.0").await["targets"][0]["outcome"], "started");
    complete(&mut scenario).await;
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(scenario.running(), Image::single("1.5.0").digest());
    scenario.claim();
    scenario.end();
}

async fn a_rollback_goes_to_the_last_known_good_revision_and_stays_there(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.deploy(&push.event()).await;
    let done = scenario.world.complete("prod", "web");
    for event in &done.events {
        scenario.track_once(event).await.expect("an answer");
    }
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    // It names a tag that still means what ran then, so the revision itself is gone back to.
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:1", "{answer:#}");
    let done = scenario.world.complete("prod", "web");
    for event in &done.events {
        scenario.track_once(event).await.expect("an answer");
    }
    // A person decided: neither the old event nor a reconcile undoes it.
    assert_eq!(code(&scenario.deploy(&push.event()).await), "before_decision");
    let answer = scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "skipped", "{answer:#}");
    assert!(scenario.running().ends_with("shop/web:1.4.2"));
    // What is pushed later is deployed again.
    assert_eq!(scenario.push_web("1.6.0").await["targets"][0]["outcome"], "started");
    scenario.claim();
    scenario.end();
}

async fn a_rollback_to_a_revision_that_named_a_moved_tag_pins_what_ran(name: &'static str) {
    let config = WEB.replace(r#"semver: "*""#, "tag: latest");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("latest");
    let ran = Image::single("latest").digest();
    let moved = scenario.world.push("shop/web", ["latest"], &Image::single("second"));
    scenario.deploy(&moved.event()).await;
    let _ = scenario.world.complete("prod", "web");
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web", "to": "web:1" })).await;
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:3", "{answer:#}");
    assert_eq!(scenario.running(), ran);
    scenario.claim();
    scenario.end();
}

async fn a_rollback_passes_over_an_image_that_failed_here(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service_with_breaker("web"));
    for tag in ["1.5.0", "1.6.0"] {
        scenario.push_web(tag).await;
        let done = scenario.world.complete("prod", "web");
        follow(&mut scenario, &done.events).await;
    }
    scenario.ask(json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" })).await;
    let failed = scenario.world.fail("prod", "web", Failure::default());
    follow(&mut scenario, &failed.events).await;
    let back = scenario.world.complete("prod", "web");
    follow(&mut scenario, &back.events).await;
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());

    // 1.5.0 completed here once, and failed here later.
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web" })).await;
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:1", "{answer:#}");
    scenario.claim();
    scenario.end();
}

async fn follow(scenario: &mut Scenario, events: &[Value]) {
    for event in events {
        scenario.track_once(event).await.expect("an answer");
    }
}

async fn a_rollback_to_what_cannot_be_is_refused(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.deploy(&push.event()).await;
    let _ = scenario.world.complete("prod", "web");
    scenario.push_web("1.6.0").await;
    let _ = scenario.world.complete("prod", "web");
    let mut codes = Vec::new();
    for to in ["web:3", "web:99"] {
        codes.push(
            code(&scenario.ask(json!({ "action": "rollback", "target": "prod/web", "to": to })).await).to_owned(),
        );
    }
    scenario.world.delete_image("shop/web", &push.digest);
    codes.push(
        code(&scenario.ask(json!({ "action": "rollback", "target": "prod/web", "to": "web:2" })).await).to_owned(),
    );
    assert_eq!(codes, ["runs_already", "no_such_revision", "image_gone"]);
    assert!(scenario.ask(json!({ "action": "rollback", "target": "prod/web", "to": "web" })).await["ok"] == false);
    scenario.claim();
    scenario.end();
}

async fn a_rollback_after_the_table_was_lost_asks_ecs(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.world.lose_item("slipway", "prod/web", "service");
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:1", "{answer:#}");
    scenario.claim();
    scenario.end();
}

async fn the_history_goes_back_beyond_the_record(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    for patch in 1..=12 {
        let tag = format!("1.5.{patch}");
        let event = scenario.world.push("shop/web", [tag.as_str()], &Image::single(&tag)).event();
        scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
        let done = scenario.world.complete("prod", "web");
        for event in &done.events {
            scenario.track_once(event).await.expect("an answer");
        }
    }
    let reported = |answer: &Value| -> Vec<String> {
        let deployments = answer["targets"][0]["deployments"].as_array().cloned().unwrap_or_default();
        deployments.iter().map(|it| it["image"]["new"]["tag"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let last = reported(&scenario.ask(json!({ "action": "history", "target": "prod/web" })).await);
    assert_eq!((last.len(), last[0].as_str()), (10, "1.5.12"));
    let all = reported(&scenario.ask(json!({ "action": "history", "target": "prod/web", "last": 50 })).await);
    assert_eq!((all.len(), all[11].as_str()), (12, "1.5.1"), "{all:?}");
    scenario.claim();
    scenario.end();
}

async fn the_history_shows_the_evidence_of_what_failed(name: &'static str) {
    let mut scenario = after_a_failure(name).await;
    let history = json!({ "action": "history", "target": "prod/web", "last": 50 });
    let of_failed = async |scenario: &mut Scenario| {
        let answer = scenario.ask(history.clone()).await;
        let deployments = answer["targets"][0]["deployments"].as_array().cloned().unwrap_or_default();
        let failed: Vec<Value> = deployments.into_iter().filter(|it| !it["failing"].is_null()).collect();
        let [failed] = failed.as_slice() else { panic!("one failed, and not {failed:#?}") };
        failed["failing"].clone()
    };
    let failing = of_failed(&mut scenario).await;
    assert_eq!(failing["evidence"][3], "  container web: exit code 1", "{failing:#}");
    let members: Vec<&str> = failing.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["at", "by", "cause", "evidence", "log", "advice"]);
    // The same, once the record has no more room for it.
    for patch in 1..=10 {
        scenario.push_web(&format!("1.6.{patch}")).await;
        let done = scenario.world.complete("prod", "web");
        follow(&mut scenario, &done.events).await;
    }
    assert!(scenario.world.items("slipway").iter().any(|it| it["item"] == format!("deployment#{:020}", 1)));
    scenario.claim();
    assert_eq!(of_failed(&mut scenario).await, failing);
    assert_eq!(scenario.transcript().matches("the evidence").count(), 1);
    // Of what went well there is none, and none is asked for.
    scenario.ask(json!({ "action": "history", "target": "prod/web" })).await;
    assert_eq!(scenario.transcript().matches("the evidence").count(), 0);
    scenario.end();
}

async fn evidence_is_read_beyond_a_page_of_dynamodb(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    let (aws, target) = (aws(&scenario.world, "track").await, TargetName::new("prod/web"));
    for number in 1..=70 {
        let lines = vec!["x".repeat(1024); 16];
        let evidence = RecordedEvidence { number, at: scenario.world.now(), lines };
        aws.put_evidence(&target, &evidence).await.expect("an answer");
    }
    scenario.claim();
    let all = aws.evidence(&target, 1..=70).await.expect("an answer");
    assert!(all.iter().map(|it| it.number).eq(1..=70) && all.iter().all(|it| it.lines.len() == 16));
    assert_eq!(scenario.world.calls().iter().filter(|call| call.name() == "DynamoDB.Query").count(), 2, "two pages");
    let some = aws.evidence(&target, 9..=11).await.expect("an answer");
    assert!(some.iter().map(|it| it.number).eq(9..=11));
    // The last one counts.
    let again = RecordedEvidence { number: 9, at: scenario.world.now(), lines: vec!["again".to_owned()] };
    aws.put_evidence(&target, &again).await.expect("an answer");
    assert_eq!(aws.evidence(&target, 9..=9).await.expect("an answer"), [again]);
    scenario.claim();
    scenario.end();
}

async fn explain_does_nothing_and_says_everything(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let answer = scenario.ask(json!({ "action": "explain", "event": event })).await;
    assert_eq!((code(&answer), &answer["targets"][0]["outcome"]), ("pushed", &json!("planned")));
    let older = scenario.world.push("shop/web", ["1.4.0"], &Image::single("1.4.0")).event();
    assert_eq!(code(&scenario.ask(json!({ "action": "explain", "event": older })).await), "older");
    let mut scan = event.clone();
    scan["detail-type"] = json!("ECR Image Scan");
    assert_eq!(scenario.ask(json!({ "action": "explain", "event": scan })).await["ignored"], true);
    assert_eq!(scenario.ask(json!({ "action": "explain" })).await["error"]["mistakes"][0]["path"], "event");
    assert!(scenario.world.calls().iter().all(|call| !call.is_write()));
    scenario.end();
}

async fn a_busy_service_is_answered_busy(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let event = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    scenario.world.fault("ECS.DescribeServices", 1, Fault::Late(std::time::Duration::from_secs(3600)));
    scenario.deploy_until(&event, 4, Invocation::New).await;
    scenario.time_left(std::time::Duration::from_secs(6));
    let answer = scenario.ask(json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" })).await;
    assert_eq!((code(&answer), &answer["ok"]), ("still_busy", &json!(false)));
    scenario.claim();
    scenario.end();
}

async fn who_asked_is_written_down(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.3.0"], &Image::single("1.3.0"));
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.3.0", "who": "ana" });
    scenario.ask(deploy).await;
    let record = scenario.remembered("prod/web");
    assert_eq!((&record["decision"]["what"], &record["decision"]["who"]), (&json!("deploy"), &json!("ana")));
    assert_eq!(record["deployments"][0]["who"], "ana");
    let status = scenario.ask(json!({ "action": "status", "target": "prod/web" })).await;
    assert_eq!(status["targets"][0]["memory"]["decision"]["who"], "ana");
    assert_eq!(status["targets"][0]["memory"]["last_known_good"], "web:1");
    scenario.claim();
    scenario.end();
}

async fn who_released_is_written_down_of_what_follows(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.ask(json!({ "action": "hold", "target": "prod/web", "who": "ana" })).await;
    scenario.push_web("1.5.0").await;
    let release = json!({ "action": "release", "target": "prod/web", "who": "ben", "reason": "the migration is done" });
    let answer = scenario.ask(release).await;
    assert_eq!(code(&answer), "reconciled", "{answer:#}");
    assert_released_by_ben(&mut scenario).await;
    scenario.claim();
    scenario.end();
}

async fn who_released_is_written_down_by_whoever_has_the_lease(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.ask(json!({ "action": "hold", "target": "prod/web", "who": "ana" })).await;
    scenario.push_web("1.5.0").await;
    // An invocation that has the lease dies, so the release leaves its input with it.
    let event = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    scenario.world.fault("ECS.DescribeServices", 1, Fault::Late(std::time::Duration::from_secs(3600)));
    let killed =
        tokio::time::timeout(std::time::Duration::from_millis(500), scenario.deploy_once(&event, Invocation::New))
            .await;
    assert!(killed.is_err());
    let release = json!({ "action": "release", "target": "prod/web", "who": "ben", "reason": "the migration is done" });
    assert_eq!(code(&scenario.ask(release).await), "busy");
    let left = scenario.remembered("prod/web")["pending"].clone();
    assert_eq!(
        (&left[0]["trigger"], &left[0]["who"], &left[0]["reason"]),
        (&json!("release"), &json!("ben"), &json!("the migration is done")),
        "{left:#}"
    );
    scenario.fire_timers_after(std::time::Duration::from_secs(400)).await;
    assert_released_by_ben(&mut scenario).await;
    scenario.claim();
    scenario.end();
}

/// The history says that ben's release brought about the last deployment, and why he asked for it.
async fn assert_released_by_ben(scenario: &mut Scenario) {
    let history = scenario.ask(json!({ "action": "history", "target": "prod/web" })).await;
    let last = &history["targets"][0]["deployments"][0];
    assert_eq!(
        (&last["trigger"], &last["who"], &last["request_reason"]),
        (&json!("release"), &json!("ben"), &json!("the migration is done")),
        "{history:#}"
    );
}

async fn what_ecs_refuses_is_no_decision(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.3.0"], &Image::single("1.3.0"));
    let newer = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    let denied = Refusal::new("AccessDeniedException", "User is not authorized to perform: ecs:UpdateService");
    scenario.world.fault("ECS.UpdateService", 1, Fault::Refuse(denied));
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.3.0", "who": "ana" });
    assert_eq!(scenario.ask(deploy).await["ok"], false);
    let record = scenario.remembered("prod/web");
    assert_eq!((&record["decision"]["what"], &record["deployments"]), (&json!("adopted"), &json!([])));
    assert_eq!(code(&scenario.deploy(&newer).await), "pushed");
    scenario.claim();
    scenario.end();
}

/// 1.5.0 failed, and ECS rolled it back.
async fn after_a_failure(name: &'static str) -> Scenario {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service_with_breaker("web"));
    scenario.push_web("1.5.0").await;
    for moved in [scenario.world.fail("prod", "web", Failure::default()), scenario.world.complete("prod", "web")] {
        for event in &moved.events {
            scenario.track_once(event).await.expect("an answer");
        }
    }
    scenario.claim();
    scenario.notices();
    scenario
}

/// The same, and so many warnings of 1,000 bytes about it are on record.
async fn with_warnings(name: &'static str, count: usize) -> Scenario {
    let scenario = after_a_failure(name).await;
    scenario.world.set_warnings("slipway", "prod/web", count);
    scenario
}

fn warnings(scenario: &Scenario, deployment: usize) -> usize {
    let record = scenario.remembered("prod/web");
    record["deployments"][deployment]["warnings"].as_array().map_or(0, Vec::len)
}

async fn a_record_that_is_too_large_loses_lists_and_its_service_is_deployed_to(name: &'static str) {
    let mut scenario = with_warnings(name, 500).await;
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());
    assert_eq!(warnings(&scenario, 1), 0);
    let cause = scenario.remembered("prod/web")["deployments"][1]["failing"]["cause"].clone();
    assert!(cause.as_str().is_some_and(|cause| !cause.is_empty()), "the cause stays");
    let refused = |call: &Call| call.name() == "DynamoDB.PutItem" && call.refused.is_some();
    let refused = scenario.world.calls().iter().filter(|call| refused(call)).count();
    assert_eq!(refused, 1, "one write was refused, and then it fitted");
    scenario.claim();
    scenario.end();
}

async fn what_a_record_has_room_for_stays(name: &'static str) {
    let mut scenario = with_warnings(name, 350).await;
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(warnings(&scenario, 1), 350);
    scenario.claim();
    scenario.end();
}

async fn what_a_newer_version_remembers_is_read_and_nothing_is_done_by_it(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    scenario.world.set_record_version("slipway", "prod/web", 9);
    let (record, updates) = (scenario.remembered("prod/web"), scenario.updates());

    let push = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    let ended = scenario.world.complete("prod", "web").events;
    let error = "DynamoDB.GetItem/Unreachable".to_owned();
    assert_eq!(scenario.deploy_once(&push, Invocation::New).await, Err(error.clone()), "Lambda tries again");
    assert_eq!(scenario.track_once(&ended[0]).await, Err(error));
    let rollback = json!({ "action": "rollback", "target": "prod/web" });
    let answer = scenario.ask(rollback).await;
    assert!(text(&answer).contains("a newer version of Slipway"), "{answer:#}");
    let history = scenario.ask(json!({ "action": "history", "target": "prod/web" })).await;
    assert_eq!(history["targets"][0]["deployments"][0]["image"]["new"]["tag"], "1.5.0", "{history:#}");
    let status = scenario.ask(json!({ "action": "status", "target": "prod/web" })).await;
    assert_eq!(status["targets"][0]["memory"]["last_known_good"], "web:1", "{status:#}");

    assert_eq!((scenario.remembered("prod/web"), scenario.updates()), (record, updates));
    scenario.claim();
    scenario.end();
}

async fn of_what_version_1_remembered_a_hold_stays(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.ask(json!({ "action": "hold", "target": "prod/web", "who": "ana" })).await;
    scenario.world.set_record_version("slipway", "prod/web", 1);
    assert_eq!(code(&scenario.push_web("1.5.0").await), "held");
    let answer = scenario.ask(json!({ "action": "release", "target": "prod/web" })).await;
    assert_eq!(code(&answer), "reconciled", "{answer:#}");
    assert_eq!(scenario.remembered("prod/web")["version"], 2);
    scenario.claim();
    scenario.end();
}

fn code(answer: &Value) -> &str {
    answer["targets"][0]["reason"]["code"].as_str().unwrap_or_default()
}

fn text(answer: &Value) -> &str {
    answer["targets"][0]["reason"]["text"].as_str().unwrap_or_default()
}
