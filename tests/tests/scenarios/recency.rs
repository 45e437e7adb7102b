//! How new an image is: as new as its last push, also of another tag. "Build once, promote by another tag", a revert whose
//! build comes out of the cache, a release candidate that becomes the release.

use std::time::Duration;

use e2e::world::Image;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::follow;
use crate::scenario::{Scenario, WEB};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "recency" {
        a_release_by_another_tag_is_newer_than_a_rollback_before_it
        a_release_by_another_tag_while_held_counts_from_its_push
        a_release_whose_event_is_lost_is_not_found_by_the_reconcile
        a_revert_whose_build_comes_out_of_the_cache_is_deployed
        a_release_candidate_that_becomes_the_release_is_shown_as_that
        a_release_candidate_that_becomes_the_release_is_deployed_where_its_tag_is_rendered
        a_second_tag_of_the_same_push_changes_nothing
    } }
}

/// Pushes the tag to an image that is there, an hour later.
async fn retag(scenario: &mut Scenario, content: &str, tag: &str) -> Value {
    scenario.world.advance(Duration::from_secs(60 * 60));
    let event = scenario.world.retag("shop/web", &Image::single(content).digest(), tag);
    scenario.deploy(&event).await
}

/// The outcome and the reason's code of the one target: `started: pushed`.
fn outcome(answer: &Value) -> String {
    let target = &answer["targets"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}: {}", text(&target["outcome"]), text(&target["reason"]["code"]))
}

/// The deployment under way completes, and its event is delivered.
async fn complete(scenario: &mut Scenario) {
    let moved = scenario.world.complete("prod", "web");
    follow(scenario, moved).await;
    scenario.claim();
}

async fn reconcile(scenario: &mut Scenario) -> Value {
    scenario.ask(json!({ "action": "reconcile", "dry_run": false })).await
}

async fn a_release_by_another_tag_is_newer_than_a_rollback_before_it(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    complete(&mut scenario).await;
    let to = json!({ "action": "rollback", "target": "prod/web", "to": "web:1", "dry_run": false });
    assert_eq!(outcome(&scenario.ask(to).await), "started: rollback_asked");
    complete(&mut scenario).await;
    let answer = retag(&mut scenario, "1.5.0", "1.6.0").await;
    assert_eq!(outcome(&answer), "started: pushed", "{answer:#}");
    assert_eq!(answer["targets"][0]["image"]["new"]["tag"], "1.6.0");
    complete(&mut scenario).await;
    // The other image was pushed later than this one, and does not come back.
    assert_eq!(outcome(&reconcile(&mut scenario).await), "skipped: best_runs");
    assert_eq!(scenario.running(), Image::single("1.5.0").digest());
    scenario.claim();
    scenario.end();
}

async fn a_release_by_another_tag_while_held_counts_from_its_push(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace(r#"semver: "*""#, "newest: { pattern: '^prod-' }")).await;
    let old = Image::single("old");
    scenario.world.push("shop/web", ["build-1"], &old);
    scenario.web_runs("prod-1");
    scenario.push_web("prod-2").await;
    complete(&mut scenario).await;
    scenario.ask(json!({ "action": "hold", "target": "prod/web" })).await;
    assert_eq!(outcome(&retag(&mut scenario, "old", "prod-3").await), "skipped: held");
    let answer = scenario.ask(json!({ "action": "release", "target": "prod/web" })).await;
    assert_eq!(outcome(&answer), "started: reconciled", "{answer:#}");
    assert_eq!(answer["targets"][0]["image"]["new"]["tag"], "prod-3");
    assert_eq!(scenario.running(), old.digest());
    scenario.claim();
    scenario.end();
}

/// ECR keeps no time of a tag, so only its event says that an old image is a new release.
async fn a_release_whose_event_is_lost_is_not_found_by_the_reconcile(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace(r#"semver: "*""#, "newest: { pattern: '^prod-' }")).await;
    scenario.world.push("shop/web", ["build-1"], &Image::single("old"));
    scenario.web_runs("prod-1");
    scenario.push_web("prod-2").await;
    complete(&mut scenario).await;
    scenario.world.retag("shop/web", &Image::single("old").digest(), "prod-3");
    assert_eq!(outcome(&reconcile(&mut scenario).await), "skipped: best_runs");
    assert_eq!(scenario.running(), Image::single("prod-2").digest());
    scenario.claim();
    scenario.end();
}

async fn a_revert_whose_build_comes_out_of_the_cache_is_deployed(name: &'static str) {
    let config = WEB.replace(r#"semver: "*""#, "newest: { pattern: '^[0-9a-f]{7}$' }");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("aaaaaa1");
    scenario.push_web("bbbbbb2").await;
    complete(&mut scenario).await;
    let answer = retag(&mut scenario, "aaaaaa1", "cccccc3").await;
    assert_eq!(outcome(&answer), "started: pushed", "{answer:#}");
    assert_eq!(answer["targets"][0]["image"]["new"]["tag"], "cccccc3");
    complete(&mut scenario).await;
    // What was pushed before the revert is older than it, whoever says so.
    assert_eq!(outcome(&reconcile(&mut scenario).await), "skipped: best_runs");
    assert_eq!(scenario.running(), Image::single("aaaaaa1").digest());
    scenario.claim();
    scenario.end();
}

/// prod/web runs a release candidate; its target is configured so.
async fn candidate_runs(name: &'static str, service: &str) -> Scenario {
    let config = WEB.replace(r#"semver: "*""#, r#"semver: ">=1.5.0-0""#);
    let mut scenario = Scenario::begin(name, &config.replace("service: web", service)).await;
    scenario.web_runs("1.4.2");
    scenario.push_web("1.5.0-rc.1").await;
    complete(&mut scenario).await;
    scenario
}

async fn a_release_candidate_that_becomes_the_release_is_shown_as_that(name: &'static str) {
    let mut scenario = candidate_runs(name, "service: web").await;
    let answer = retag(&mut scenario, "1.5.0-rc.1", "1.5.0").await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.5.0 already runs, as web:2");
    let status = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    let answer = scenario.ask(status).await;
    assert_eq!(answer["targets"][0]["asked"]["state"], "running", "{answer:#}");
    assert_eq!(answer["targets"][0]["running"]["image"]["tag"], "1.5.0", "{answer:#}");
    scenario.claim();
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["image"]["old"]["tag"], "1.5.0", "{answer:#}");
    scenario.claim();
    scenario.end();
}

async fn a_release_candidate_that_becomes_the_release_is_deployed_where_its_tag_is_rendered(name: &'static str) {
    let mut scenario = candidate_runs(name, "service: web, environment: { VERSION: '{tag}' }").await;
    let answer = retag(&mut scenario, "1.5.0-rc.1", "1.5.0").await;
    assert_eq!(outcome(&answer), "started: pushed", "{answer:#}");
    assert_eq!(answer["targets"][0]["image"]["new"]["tag"], "1.5.0");
    complete(&mut scenario).await;
    // The tag that it had before is not pushed back.
    assert_eq!(outcome(&reconcile(&mut scenario).await), "skipped: best_runs");
    scenario.claim();
    scenario.end();
}

/// A build pushes the whole commit and its first digits.
async fn a_second_tag_of_the_same_push_changes_nothing(name: &'static str) {
    let config = WEB.replace(r#"semver: "*""#, "newest: { pattern: '^[0-9a-f]{7,40}$' }");
    let config = config.replace("service: web", "service: web, environment: { COMMIT: '{tag}' }");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("aaaaaa1");
    let whole = "bbbbbb2".repeat(5);
    let push = scenario.world.push("shop/web", [whole.as_str(), "bbbbbb2"], &Image::single("2"));
    for (event, expected) in push.events.iter().zip(["started: pushed", "skipped: already_under_way"]) {
        assert_eq!(outcome(&scenario.deploy(event).await), expected);
    }
    assert_eq!(push.events.len(), 2);
    let answer = scenario.ask(json!({ "action": "status", "target": "prod/web", "tag": whole })).await;
    assert_eq!(answer["targets"][0]["in_flight"]["image"]["tag"], whole.as_str(), "{answer:#}");
    scenario.claim();
    scenario.end();
}
