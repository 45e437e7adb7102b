//! One writer per service: bursts, crashes, and what waits for its turn.

use std::time::Duration;

use e2e::world::{Fault, Image};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::story::{Invocation, Killed, Story, WEB, id, service, web_definition};
use crate::{stories, told};

pub(crate) fn stories() -> Vec<Trial> {
    stories! { "lease" {
        a_burst_of_twenty_pushes_ends_with_the_newest_in_three_deployments_at_most
        who_finds_the_lease_taken_leaves_a_wish_that_the_holder_serves
        a_crashed_holder_delays_nobody_longer_than_its_lease
        a_crash_between_register_and_update_leaves_one_revision
        a_crash_between_update_and_its_record_makes_no_second_deployment
        a_stale_holder_s_writes_are_refused
        one_build_under_several_tags_with_digests_of_their_own_is_one_deployment
        settle_waits_for_the_best
        settle_beyond_the_function_s_patience_rings_later
        a_push_behind_a_rollback_waits_for_its_end
        ties_of_newest_within_a_second_go_by_tag
    } }
}

/// The calls of a first push until its update took effect: the lease (2), the look (4), the registration, the intent and
/// its deadline, and the update.
const UPDATED: usize = 10;

async fn a_burst_of_twenty_pushes_ends_with_the_newest_in_three_deployments_at_most(name: &'static str) {
    let mut story = Story::of_web(name).await;
    let mut events: Vec<Value> = Vec::new();
    for patch in 1..=20 {
        let tag = format!("1.5.{patch}");
        events.push(story.world.push("shop/web", [tag.as_str()], &Image::single(&tag)).event());
    }
    story.world.set_latency(Duration::from_millis(5));
    let answers = story.deploy_at_once(&events).await;
    let busy = answers.iter().filter(|answer| answer["targets"][0]["reason"]["code"] == "busy").count();
    assert!(busy >= 10, "{busy} of 20 left their input");
    assert_eq!(story.running(), Image::single("1.5.20").digest());
    assert!(story.updates() <= 3, "{} deployments", story.updates());
    assert_eq!(story.notices().len(), story.updates());
    assert!(story.remembered("prod/web")["lease"].is_null());
    story.claim();
    // What was armed in case the holder dies rings for nothing.
    story.ring_after(Duration::from_secs(600)).await;
    assert!(!story.transcript().contains("UpdateService"));
    story.end();
}

async fn who_finds_the_lease_taken_leaves_a_wish_that_the_holder_serves(name: &'static str) {
    let mut story = Story::of_web(name).await;
    let first = story.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let second = story.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    story.world.set_latency(Duration::from_millis(10));
    let answers = story.deploy_at_once(&[first, second]).await;
    let codes: Vec<_> = answers.iter().map(|answer| answer["targets"][0]["reason"]["code"].clone()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "busy").count(), 1, "{codes:?}");
    assert_eq!(story.running(), Image::single("1.6.0").digest());
    story.claim();
    story.end();
}

async fn a_crashed_holder_delays_nobody_longer_than_its_lease(name: &'static str) {
    let mut story = Story::of_web(name).await;
    let lost = story.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    // It dies right after it took the lease, and Lambda never tries again.
    story.world.fault_each("ECS.DescribeServices", Fault::Late(Duration::from_secs(3600)));
    let killed = story.deploy_until(&lost, 4, Invocation::New).await;
    assert_eq!(killed, Killed::Yes);
    story.world.heal("ECS.DescribeServices");
    let answer = story.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "busy");
    assert_eq!(story.updates(), 0);
    story.claim();
    assert_eq!(story.ring_after(Duration::from_secs(391)).await, 1, "the timer of what was left");
    assert_eq!(story.running(), Image::single("1.6.0").digest());
    assert_eq!(story.updates(), 1);
    story.claim();
    story.end();
}

async fn a_crash_between_register_and_update_leaves_one_revision(name: &'static str) {
    let mut story = Story::of_web(name).await;
    let event = story.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    story.world.fault_each("ECS.UpdateService", Fault::Break);
    assert!(story.deploy_once(&event, Invocation::New).await.is_err());
    story.world.heal("ECS.UpdateService");
    story.claim();
    let answer = story.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:2", "the revision that was left is adopted");
    story.claim();
    story.end();
}

async fn a_crash_between_update_and_its_record_makes_no_second_deployment(name: &'static str) {
    let mut story = Story::of_web(name).await;
    let event = story.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    story.world.fault("ECS.UpdateService", 1, Fault::Late(Duration::from_secs(3600)));
    // Killed in the moment in which the update took effect.
    assert_eq!(story.deploy_until(&event, UPDATED, Invocation::New).await, Killed::Yes);
    assert_eq!(story.updates(), 1);
    assert!(story.notices().is_empty());
    let open = &story.remembered("prod/web")["deployments"][0];
    assert!(open["deployment"].is_null(), "it is only meant: {open:#}");
    story.claim();
    story.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(story.updates(), 1);
    let told = story.notices();
    assert_eq!(told.len(), 1);
    assert!(id(&told[0]).ends_with("/started"));
    assert!(story.remembered("prod/web")["lease"].is_null());
    story.claim();
    story.end();
}

async fn a_stale_holder_s_writes_are_refused(name: &'static str) {
    let mut story = Story::of_web(name).await;
    let slow = story.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let other = story.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    // The first one hangs in its look until its lease is over; the second one takes the service over meanwhile.
    story.world.fault("ECS.DescribeTaskDefinition", 1, Fault::Late(Duration::from_millis(1500)));
    let (slow, _) = story.overtaken(&slow, &other, Duration::from_secs(400)).await;
    assert_eq!(slow["targets"][0]["reason"]["code"], "busy", "{slow:#}");
    assert_eq!(story.updates(), 1);
    assert_eq!(story.running(), Image::single("1.6.0").digest());
    story.claim();
    story.end();
}

async fn one_build_under_several_tags_with_digests_of_their_own_is_one_deployment(name: &'static str) {
    let mut story = Story::begin(name, &WEB.replace(r#"semver: "*""#, "newest: { pattern: '.*' }")).await;
    story.web_runs("main-1");
    let mut subjects = Vec::new();
    for tag in ["main-2", "2026-11-21", "9fceb02"] {
        let push = story.world.push(
            "shop/web",
            [tag],
            &Image::single("build 2").annotated("org.opencontainers.image.ref.name", tag),
        );
        let answer = story.deploy(&push.event()).await;
        subjects.push(answer["targets"][0]["reason"]["code"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(subjects, ["pushed", "same_build", "same_build"]);
    assert_eq!(story.updates(), 1);
    story.claim();
    story.end();
}

async fn settle_waits_for_the_best(name: &'static str) {
    let mut story = Story::begin(name, &WEB.replace("service: web,", "service: web, settle: 5s,")).await;
    story.web_runs("1.4.2");
    let events: Vec<Value> =
        ["1.5.0", "1.7.0", "1.6.0"].map(|tag| story.world.push("shop/web", [tag], &Image::single(tag)).event()).into();
    story.deploy_at_once(&events).await;
    assert_eq!(story.running(), Image::single("1.7.0").digest());
    assert_eq!(story.updates(), 1);
    story.claim();
    story.end();
}

async fn settle_beyond_the_function_s_patience_rings_later(name: &'static str) {
    let mut story = Story::begin(name, &WEB.replace("service: web,", "service: web, settle: 2m,")).await;
    story.web_runs("1.4.2");
    for tag in ["1.6.0", "1.5.0"] {
        let answer = story.push_web(tag).await;
        assert_eq!(answer["targets"][0]["reason"]["code"], "settling");
    }
    assert_eq!(story.updates(), 0);
    story.ring_after(Duration::from_secs(180)).await;
    assert_eq!(story.running(), Image::single("1.6.0").digest());
    assert_eq!(story.updates(), 1);
    story.claim();
    story.end();
}

async fn a_push_behind_a_rollback_waits_for_its_end(name: &'static str) {
    let mut story = Story::begin(name, WEB).await;
    story.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    story.world.register(web_definition("1.4.2"));
    story.world.running_service(service("web"));
    story.push_web("1.5.0").await;
    let _ = story.world.complete("prod", "web");
    story.ask(json!({ "action": "rollback", "target": "prod/web", "to": "web:1" })).await;
    let answer = story.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    story.claim();
    let done = story.world.complete("prod", "web");
    for event in &done.events {
        story.track_once(event).await.expect("an answer");
    }
    story.ring_after(Duration::from_secs(120)).await;
    assert_eq!(story.running(), Image::single("1.6.0").digest());
    story.claim();
    story.end();
}

async fn ties_of_newest_within_a_second_go_by_tag(name: &'static str) {
    let mut story = Story::begin(name, &WEB.replace(r#"semver: "*""#, "newest: { pattern: '^[0-9a-f]{7}$' }")).await;
    story.web_runs("0000000");
    let at = story.world.now();
    let events: Vec<Value> = ["fffffff", "1111111"]
        .map(|tag| story.world.push_at("shop/web", [tag], &Image::single(tag), at).event())
        .into();
    for event in &events {
        story.deploy(event).await;
    }
    assert_eq!(story.running(), Image::single("fffffff").digest());
    assert_eq!(story.updates(), 1);
    story.claim();
    story.end();
}
