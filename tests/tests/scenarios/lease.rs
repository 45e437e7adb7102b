//! One writer per service: bursts, crashes, and what waits for its turn.

use std::time::Duration;

use e2e::world::{Fault, Image};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{Invocation, Killed, Scenario, WEB, id, service, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "lease" {
        a_burst_of_twenty_pushes_ends_with_the_newest_in_three_deployments_at_most
        who_finds_the_lease_taken_leaves_an_input_that_the_holder_serves
        a_crashed_holder_delays_nobody_longer_than_its_lease
        of_sixty_pushes_behind_a_holder_the_best_is_deployed
        a_crash_between_register_and_update_leaves_one_revision
        a_crash_between_update_and_its_record_makes_no_second_deployment
        a_stale_holder_s_writes_are_refused
        one_build_under_several_tags_with_digests_of_their_own_is_one_deployment
        settle_waits_for_the_best
        settle_beyond_the_function_s_patience_gets_a_later_timer
        a_push_behind_a_rollback_waits_for_its_end
        ties_of_newest_within_a_second_go_by_tag
    } }
}

async fn a_burst_of_twenty_pushes_ends_with_the_newest_in_three_deployments_at_most(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let mut events: Vec<Value> = Vec::new();
    for patch in 1..=20 {
        let tag = format!("1.5.{patch}");
        events.push(scenario.world.push("shop/web", [tag.as_str()], &Image::single(&tag)).event());
    }
    scenario.world.set_latency(Duration::from_millis(5));
    let answers = scenario.deploy_at_once(&events).await;
    let busy = answers.iter().filter(|answer| answer["targets"][0]["reason"]["code"] == "busy").count();
    assert!(busy >= 10, "{busy} of 20 left their input");
    assert_eq!(scenario.running(), Image::single("1.5.20").digest());
    assert!(scenario.updates() <= 3, "{} deployments", scenario.updates());
    assert_eq!(scenario.notices().len(), scenario.updates());
    assert!(scenario.remembered("prod/web")["lease"].is_null());
    scenario.claim();
    // What was armed in case the holder dies fires for nothing.
    scenario.fire_timers_after(Duration::from_secs(600)).await;
    assert!(!scenario.transcript().contains("UpdateService"));
    scenario.end();
}

async fn who_finds_the_lease_taken_leaves_an_input_that_the_holder_serves(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let first = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let second = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    scenario.world.set_latency(Duration::from_millis(10));
    let answers = scenario.deploy_at_once(&[first, second]).await;
    let codes: Vec<_> = answers.iter().map(|answer| answer["targets"][0]["reason"]["code"].clone()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "busy").count(), 1, "{codes:?}");
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());
    scenario.claim();
    scenario.end();
}

async fn a_crashed_holder_delays_nobody_longer_than_its_lease(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let lost = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    // It dies right after it took the lease, and Lambda never tries again.
    scenario.world.fault_each("ECS.DescribeServices", Fault::Late(Duration::from_secs(3600)));
    let killed = scenario.deploy_until(&lost, 4, Invocation::New).await;
    assert_eq!(killed, Killed::Yes);
    scenario.world.heal("ECS.DescribeServices");
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "busy");
    assert_eq!(scenario.updates(), 0);
    scenario.claim();
    assert_eq!(scenario.fire_timers_after(Duration::from_secs(391)).await, 1, "the timer of what was left");
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());
    assert_eq!(scenario.updates(), 1);
    scenario.claim();
    scenario.end();
}

/// The best is the first of them, and so is among those that the record has no room for.
async fn of_sixty_pushes_behind_a_holder_the_best_is_deployed(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let lost = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    scenario.world.fault_each("ECS.DescribeServices", Fault::Late(Duration::from_secs(3600)));
    assert_eq!(scenario.deploy_until(&lost, 4, Invocation::New).await, Killed::Yes);
    scenario.world.heal("ECS.DescribeServices");
    for tag in std::iter::once("2.0.0".to_owned()).chain((1..60).map(|patch| format!("1.6.{patch}"))) {
        let push = scenario.world.push("shop/web", [tag.as_str()], &Image::single(&tag)).event();
        let answer = scenario.deploy_once(&push, Invocation::New).await.expect("an answer");
        assert_eq!(answer["targets"][0]["reason"]["code"], "busy", "{answer:#}");
    }
    let pending = scenario.remembered("prod/web")["pending"].as_array().cloned().unwrap_or_default();
    let pushes: Vec<_> = pending.iter().filter(|it| !it["tag"].is_null()).collect();
    assert_eq!((pending.len(), pushes.len()), (51, 50), "{pending:#?}");
    assert!(pushes.iter().all(|it| it["tag"] != "2.0.0"));
    scenario.claim();
    scenario.fire_timers_after(Duration::from_secs(391)).await;
    assert_eq!(scenario.running(), Image::single("2.0.0").digest());
    assert_eq!((scenario.updates(), scenario.notices().len()), (1, 1));
    assert_eq!(scenario.remembered("prod/web")["pending"], json!([]));
    scenario.claim();
    scenario.end();
}

async fn a_crash_between_register_and_update_leaves_one_revision(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    scenario.world.fault_each("ECS.UpdateService", Fault::Break);
    assert!(scenario.deploy_once(&event, Invocation::New).await.is_err());
    scenario.world.heal("ECS.UpdateService");
    scenario.claim();
    let answer = scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:2", "the revision that was left is adopted");
    scenario.claim();
    scenario.end();
}

async fn a_crash_between_update_and_its_record_makes_no_second_deployment(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    scenario.world.fault("ECS.UpdateService", 1, Fault::Late(Duration::from_secs(3600)));
    // Killed in the moment in which the update took effect.
    assert_eq!(scenario.deploy_until_call(&event, "ECS.UpdateService", 1).await, Killed::Yes);
    assert_eq!(scenario.updates(), 1);
    assert!(scenario.notices().is_empty());
    let open = &scenario.remembered("prod/web")["deployments"][0];
    assert!(open["deployment"].is_null(), "it is only intended: {open:#}");
    scenario.claim();
    scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(scenario.updates(), 1);
    let reported = scenario.notices();
    assert_eq!(reported.len(), 1);
    assert!(id(&reported[0]).ends_with("/started"));
    assert!(scenario.remembered("prod/web")["lease"].is_null());
    scenario.claim();
    scenario.end();
}

async fn a_stale_holder_s_writes_are_refused(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let slow = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let other = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    // The first one hangs in its look until its lease is over; the second one takes the service over meanwhile.
    scenario.world.fault("ECS.DescribeTaskDefinition", 1, Fault::Late(Duration::from_millis(1500)));
    let (slow, _) = scenario.overtaken(&slow, &other, Duration::from_secs(400)).await;
    assert_eq!(slow["targets"][0]["reason"]["code"], "busy", "{slow:#}");
    assert_eq!(scenario.updates(), 1);
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());
    scenario.claim();
    scenario.end();
}

async fn one_build_under_several_tags_with_digests_of_their_own_is_one_deployment(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace(r#"semver: "*""#, "newest: { pattern: '.*' }")).await;
    scenario.web_runs("main-1");
    let mut subjects = Vec::new();
    for tag in ["main-2", "2026-11-21", "9fceb02"] {
        let push = scenario.world.push(
            "shop/web",
            [tag],
            &Image::single("build 2").annotated("org.opencontainers.image.ref.name", tag),
        );
        let answer = scenario.deploy(&push.event()).await;
        subjects.push(answer["targets"][0]["reason"]["code"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(subjects, ["pushed", "same_build", "same_build"]);
    assert_eq!(scenario.updates(), 1);
    scenario.claim();
    scenario.end();
}

async fn settle_waits_for_the_best(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace("service: web,", "service: web, settle: 5s,")).await;
    scenario.web_runs("1.4.2");
    let events: Vec<Value> = ["1.5.0", "1.7.0", "1.6.0"]
        .map(|tag| scenario.world.push("shop/web", [tag], &Image::single(tag)).event())
        .into();
    scenario.deploy_at_once(&events).await;
    assert_eq!(scenario.running(), Image::single("1.7.0").digest());
    assert_eq!(scenario.updates(), 1);
    scenario.claim();
    scenario.end();
}

async fn settle_beyond_the_function_s_patience_gets_a_later_timer(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace("service: web,", "service: web, settle: 2m,")).await;
    scenario.web_runs("1.4.2");
    for tag in ["1.6.0", "1.5.0"] {
        let answer = scenario.push_web(tag).await;
        assert_eq!(answer["targets"][0]["reason"]["code"], "settling");
    }
    assert_eq!(scenario.updates(), 0);
    scenario.fire_timers_after(Duration::from_secs(180)).await;
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());
    assert_eq!(scenario.updates(), 1);
    scenario.claim();
    scenario.end();
}

async fn a_push_behind_a_rollback_waits_for_its_end(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service("web"));
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.ask(json!({ "action": "rollback", "target": "prod/web", "to": "web:1" })).await;
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    scenario.claim();
    let done = scenario.world.complete("prod", "web");
    for event in &done.events {
        scenario.track_once(event).await.expect("an answer");
    }
    scenario.fire_timers_after(Duration::from_secs(120)).await;
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());
    scenario.claim();
    scenario.end();
}

async fn ties_of_newest_within_a_second_go_by_tag(name: &'static str) {
    let mut scenario =
        Scenario::begin(name, &WEB.replace(r#"semver: "*""#, "newest: { pattern: '^[0-9a-f]{7}$' }")).await;
    scenario.web_runs("0000000");
    let at = scenario.world.now();
    let events: Vec<Value> = ["fffffff", "1111111"]
        .map(|tag| scenario.world.push_at("shop/web", [tag], &Image::single(tag), at).event())
        .into();
    for event in &events {
        scenario.deploy(event).await;
    }
    assert_eq!(scenario.running(), Image::single("fffffff").digest());
    assert_eq!(scenario.updates(), 1);
    scenario.claim();
    scenario.end();
}
