//! Never down, except on request; and what may be cut short by a newer push.

use e2e::world::{Failure, Image};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{Scenario, WEB, service, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "order" {
        an_older_version_is_skipped
        two_builds_that_finish_in_reverse_end_with_the_newer_one
        a_promotion_by_tag_goes_back_too
        an_old_image_under_a_new_tag_is_as_new_as_that
        the_running_image_without_provenance_is_asked_of_the_registry
        a_moving_tag_that_runs_is_asked_of_ecs
        a_running_image_that_left_the_registry_holds_nothing_back
        numbers_are_ordered_as_numbers
        commits_are_ordered_by_their_push
        a_tag_of_another_policy_is_skipped_without_a_call
        ignored_tags_are_skipped_without_a_call
        a_tag_that_is_gone_is_skipped
        an_archived_image_is_refused
        a_helm_chart_is_not_deployed
        a_push_during_a_rolling_deployment_supersedes_it
        a_push_during_blue_green_is_queued
        a_push_during_ecs_s_rollback_is_queued
        a_failed_deployment_is_not_repeated_by_its_own_event
        an_update_from_outside_is_not_undone_by_an_old_event
    } }
}

async fn an_older_version_is_skipped(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let answer = scenario.push_web("1.4.1").await;
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["targets"][0]["outcome"], "skipped");
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.4.1 is older than the running 1.4.2");
    assert_snapshot!("an_older_version_is_skipped", scenario.transcript());
    assert!(scenario.notices().is_empty(), "a skip is not published");
    scenario.end();
}

async fn two_builds_that_finish_in_reverse_end_with_the_newer_one(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let newer = scenario.world.push("shop/web", ["1.5.1"], &Image::single("1.5.1"));
    let older = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.deploy(&newer.event()).await;
    let answer = scenario.deploy(&older.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.5.0 is older than the running 1.5.1");
    assert_snapshot!("two_builds_that_finish_in_reverse_end_with_the_newer_one", scenario.transcript());
    scenario.end();
}

async fn a_promotion_by_tag_goes_back_too(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace(r#"semver: "*""#, "tag: prod")).await;
    let old = scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.web_runs("prod");
    let event = scenario.world.retag("shop/web", &old.digest, "prod");
    let answer = scenario.deploy(&event).await;
    assert_eq!(answer["targets"][0]["outcome"], "started");
    assert_eq!(answer["targets"][0]["image"]["new"], json!({ "tag": "prod", "digest": old.digest }));
    scenario.transcript();
    scenario.end();
}

async fn an_old_image_under_a_new_tag_is_as_new_as_that(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace(r#"semver: "*""#, "newest: { pattern: '^prod-' }")).await;
    let old = scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.web_runs("prod-7");
    let event = scenario.world.retag("shop/web", &old.digest, "prod-8");
    let answer = scenario.deploy(&event).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "prod-8 was pushed");
    scenario.transcript();
    scenario.end();
}

async fn the_running_image_without_provenance_is_asked_of_the_registry(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    let running = scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"][0]["image"] =
        json!(format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@{}", running.digest));
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));
    let answer = scenario.push_web("1.4.1").await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.4.1 is older than the running 1.4.2");
    assert_snapshot!("the_running_image_without_provenance_is_asked_of_the_registry", scenario.transcript());
    scenario.end();
}

async fn a_moving_tag_that_runs_is_asked_of_ecs(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["latest", "1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("latest"));
    scenario.world.running_service(service("web"));
    // `latest` has moved on; what runs is still 1.4.2.
    let hotfix = scenario.world.push("shop/web", ["latest", "1.3.9"], &Image::single("1.3.9"));
    let versioned = hotfix.events.iter().find(|event| event["detail"]["image-tag"] == "1.3.9").expect("its event");
    let answer = scenario.deploy(versioned).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.3.9 is older than the running 1.4.2");
    assert_snapshot!("a_moving_tag_that_runs_is_asked_of_ecs", scenario.transcript());
    scenario.end();
}

async fn a_running_image_that_left_the_registry_holds_nothing_back(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    let running = scenario.world.push("shop/web", ["wip"], &Image::single("wip"));
    let mut definition = web_definition("wip");
    definition["containerDefinitions"][0]["image"] =
        json!(format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@{}", running.digest));
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));
    scenario.world.delete_image("shop/web", &running.digest);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started");
    scenario.transcript();
    scenario.end();
}

async fn numbers_are_ordered_as_numbers(name: &'static str) {
    let config = WEB.replace(r#"semver: "*""#, r"numerical: { pattern: '^build-(?P<v>\d+)$' }");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("build-99");
    let answer = scenario.push_web("build-100").await;
    assert_eq!(answer["targets"][0]["outcome"], "started");
    let answer = scenario.push_web("build-20").await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "build-20 is older than the running build-100");
    scenario.transcript();
    scenario.end();
}

async fn commits_are_ordered_by_their_push(name: &'static str) {
    let config = WEB.replace(r#"semver: "*""#, "newest: { pattern: '^[0-9a-f]{7}$' }");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("fedcba9");
    let early = scenario.world.push("shop/web", ["1234567"], &Image::single("1234567"));
    let late = scenario.world.push("shop/web", ["0000001"], &Image::single("0000001"));
    let answer = scenario.deploy(&late.event()).await;
    assert_eq!(answer["targets"][0]["outcome"], "started");
    let answer = scenario.deploy(&early.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1234567 is older than the running 0000001");
    scenario.transcript();
    scenario.end();
}

async fn a_tag_of_another_policy_is_skipped_without_a_call(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace('*', ">=1.4, <2")).await;
    scenario.web_runs("1.4.2");
    for tag in ["2.0.0", "1.5.0-rc.1", "main", "1.5"] {
        let answer = scenario.push_web(tag).await;
        assert_eq!(answer["targets"][0]["reason"]["code"], "not_of_policy", "{tag}");
        assert_eq!(scenario.transcript(), "again\n", "{tag}");
    }
    scenario.end();
}

async fn ignored_tags_are_skipped_without_a_call(name: &'static str) {
    let config = WEB.replace(r#"semver: "*""#, "newest: { pattern: '.*' }, ignore: ['*-dev']");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("main-1");
    let digest = Image::single("x").digest().replace(':', "-");
    for tag in ["buildcache", "main-2-dev", &format!("{digest}.sig")] {
        let push = scenario.world.push("shop/web", [tag], &Image::single(tag));
        let answer = scenario.deploy(&push.event()).await;
        assert_eq!(answer["targets"][0]["reason"]["code"], "ignored", "{tag}");
        assert_eq!(scenario.transcript(), "again\n", "{tag}");
    }
    scenario.end();
}

async fn a_tag_that_is_gone_is_skipped(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.world.delete_image("shop/web", "1.5.0");
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "shop/web no longer has the tag 1.5.0");
    assert_eq!(answer["ok"], true);
    scenario.end();
}

async fn an_archived_image_is_refused(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.world.archive_image("shop/web", &push.digest);
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "archived");
    assert_eq!(scenario.notices().len(), 1);
    scenario.transcript();
    scenario.end();
}

async fn a_helm_chart_is_not_deployed(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let chart = Image::artifact("chart", "application/vnd.cncf.helm.config.v1+json");
    let push = scenario.world.push("shop/web", ["1.5.0"], &chart);
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "not_an_image");
    assert!(!scenario.transcript().contains("RegisterTaskDefinition"));
    scenario.end();
}

async fn a_push_during_a_rolling_deployment_supersedes_it(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let answer = scenario.push_web("1.5.1").await;
    assert_eq!(answer["targets"][0]["outcome"], "started");
    assert_eq!(answer["targets"][0]["image"]["old"]["tag"], "1.5.0");
    scenario.transcript();
    scenario.end();
}

async fn a_push_during_blue_green_is_queued(name: &'static str) {
    for strategy in ["BLUE_GREEN", "LINEAR", "CANARY"] {
        let mut scenario = Scenario::begin(name, WEB).await;
        scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
        scenario.world.register(web_definition("1.4.2"));
        let mut request = service("web");
        request["deploymentConfiguration"] = match strategy {
            "LINEAR" => json!({ "strategy": strategy, "linearConfiguration": { "stepPercent": 25.0 } }),
            "CANARY" => json!({ "strategy": strategy, "canaryConfiguration": { "canaryPercent": 10.0 } }),
            _ => json!({ "strategy": strategy }),
        };
        scenario.world.running_service(request);
        let first = scenario.push_web("1.5.0").await;
        assert_eq!(first["targets"][0]["outcome"], "started", "{strategy}");
        scenario.notices();
        let answer = scenario.push_web("1.5.1").await;
        assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{strategy}");
        assert!(scenario.notices().is_empty(), "what waits is not published");
        scenario.claim();

        // The deployment ends, and what waited runs.
        let done = scenario.world.complete("prod", "web");
        for event in &done.events {
            scenario.track_once(event).await.expect("an answer");
        }
        scenario.fire_timers_after(std::time::Duration::from_secs(120)).await;
        assert_eq!(scenario.running(), Image::single("1.5.1").digest(), "{strategy}");
        scenario.claim();
        scenario.end();
    }
}

async fn a_push_during_ecs_s_rollback_is_queued(name: &'static str) {
    let mut scenario = failing(name).await;
    let answer = scenario.push_web("1.5.1").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued");
    scenario.transcript();
    scenario.end();
}

/// `prod/web` with the circuit breaker, just rolling back from 1.5.0.
async fn failing(name: &'static str) -> Scenario {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service_with_breaker("web"));
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.fail("prod", "web", Failure::default());
    scenario.transcript();
    scenario.notices();
    scenario
}

async fn a_failed_deployment_is_not_repeated_by_its_own_event(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    let mut request = service_with_breaker("web");
    request["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = json!(false);
    scenario.world.running_service(request);
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.deploy(&push.event()).await;
    let _ = scenario.world.fail("prod", "web", Failure::default());
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "already_failed");
    scenario.transcript();
    scenario.end();
}

async fn an_update_from_outside_is_not_undone_by_an_old_event(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0"));
    let revision = scenario.world.register(web_definition("1.6.0"));
    let update: Value = json!({ "cluster": "prod", "service": "web", "taskDefinition": revision });
    scenario.world.by_hand("ECS.UpdateService", update);
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.5.0 is older than the running 1.6.0");
    assert_eq!(scenario.remembered("prod/web")["decision"]["what"], "adopted");
    assert!(!scenario.transcript().contains("UpdateService"));
    scenario.end();
}
