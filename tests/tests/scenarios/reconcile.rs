//! The registry compared with what runs, because events may be lost.

use std::time::Duration;

use e2e::world::Image;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{Scenario, WEB, service, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "reconcile" {
        the_first_run_deploys_nothing
        a_lost_push_is_made_up_for
        a_dry_reconcile_only_reports
        a_held_service_is_left_alone
        many_targets_are_spread_over_several_invocations
        an_ending_that_nobody_observed_gets_a_timer
        what_waited_for_a_timer_that_was_lost_is_served
        a_missing_service_is_reported_once
    } }
}

async fn the_first_run_deploys_nothing(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let answer = scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(code(&answer), "adopted", "{answer:#}");
    assert_eq!(scenario.updates(), 0);
    // Nor does a later one deploy what was there before.
    scenario.world.advance(Duration::from_secs(900));
    scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(scenario.updates(), 0);
    assert_eq!(scenario.remembered("prod/web")["decision"]["what"], "adopted");
    scenario.claim();
    scenario.end();
}

async fn a_lost_push_is_made_up_for(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.ask(json!({ "action": "reconcile" })).await;
    for tag in ["1.5.0", "1.7.0", "1.6.0"] {
        scenario.world.push("shop/web", [tag], &Image::single(tag));
    }
    let answer = scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(code(&answer), "reconciled", "{answer:#}");
    assert_eq!(scenario.running(), Image::single("1.7.0").digest());
    let answer = scenario.ask(json!({ "action": "reconcile" })).await;
    assert!(["already_under_way", "best_runs"].contains(&code(&answer)), "{answer:#}");
    let _ = scenario.world.complete("prod", "web");
    assert_eq!(code(&scenario.ask(json!({ "action": "reconcile" })).await), "best_runs");
    assert_eq!(scenario.updates(), 1);
    scenario.claim();
    scenario.end();
}

async fn a_dry_reconcile_only_reports(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.ask(json!({ "action": "reconcile" })).await;
    scenario.claim();
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let answer = scenario.ask(json!({ "action": "reconcile", "dry_run": true })).await;
    assert_eq!((code(&answer), &answer["targets"][0]["outcome"]), ("reconciled", &json!("planned")));
    assert!(scenario.world.take_calls().iter().all(|call| !call.is_write()));
    scenario.end();
}

async fn a_held_service_is_left_alone(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.ask(json!({ "action": "reconcile" })).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    scenario.ask(json!({ "action": "hold", "target": "prod/web" })).await;
    assert_eq!(code(&scenario.ask(json!({ "action": "reconcile" })).await), "held");
    assert_eq!(scenario.updates(), 0);
    scenario.claim();
    scenario.end();
}

async fn many_targets_are_spread_over_several_invocations(name: &'static str) {
    let targets: String = (0..60).map(|n| format!("  - {{ repository: shop/web, service: web-{n} }}\n")).collect();
    let config = format!("version: 1\ndefaults: {{ cluster: prod, tags: {{ semver: \"*\" }} }}\ntargets:\n{targets}");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("1.4.2");
    for n in 0..60 {
        scenario.also_runs_web(&format!("web-{n}"));
    }
    let reconcile = json!({ "action": "reconcile", "id": "tick" });
    for _ in 0..2 {
        assert_eq!(scenario.ask(reconcile.clone()).await["spread_over"], 3);
    }
    assert_eq!(scenario.world.schedules().len(), 3, "a repeated one arms nothing more");
    assert_eq!(scenario.fire_timers_after(Duration::from_secs(60)).await, 3);
    assert_eq!(scenario.world.items("slipway").len(), 60);
    let listings = scenario.world.calls().into_iter().filter(|call| call.name() == "ECR.DescribeImages").count();
    assert_eq!(listings, 3, "one listing per repository and invocation");
    scenario.claim();
    scenario.end();
}

async fn an_ending_that_nobody_observed_gets_a_timer(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.claim();
    scenario.notices();
    scenario.ask(json!({ "action": "reconcile" })).await;
    scenario.fire_timers_after(Duration::from_secs(30)).await;
    assert_eq!(scenario.remembered("prod/web")["deployments"][0]["outcome"], "completed");
    assert_eq!(scenario.subjects().len(), 1);
    scenario.claim();
    scenario.end();
}

async fn what_waited_for_a_timer_that_was_lost_is_served(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    let mut request = service("web");
    request["deploymentConfiguration"] = json!({ "strategy": "BLUE_GREEN" });
    scenario.world.running_service(request);
    scenario.ask(json!({ "action": "reconcile" })).await;
    // Somebody deploys, of which no event comes, so that no end brings back what waits for it.
    scenario.world.register(web_definition("1.4.2"));
    let update = json!({ "cluster": "prod", "service": "web", "taskDefinition": "web:2" });
    scenario.world.by_hand("ECS.UpdateService", update);
    scenario.world.advance(Duration::from_secs(10));
    assert_eq!(code(&scenario.push_web("1.5.0").await), "queued");
    let _ = scenario.world.complete("prod", "web");
    scenario.ask(json!({ "action": "hold", "target": "prod/web" })).await;
    assert_eq!(scenario.remembered("prod/web")["pending"].as_array().map(Vec::len), Some(1));
    assert_eq!(code(&scenario.ask(json!({ "action": "reconcile" })).await), "held");
    assert_eq!(scenario.remembered("prod/web")["pending"], json!([]));
    scenario.claim();
    scenario.end();
}

async fn a_missing_service_is_reported_once(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    for _ in 0..3 {
        let answer = scenario.ask(json!({ "action": "reconcile" })).await;
        assert_eq!(code(&answer), "service_missing");
    }
    assert_eq!(scenario.notices().len(), 1);
    scenario.claim();
    scenario.end();
}

fn code(answer: &Value) -> &str {
    answer["targets"][0]["reason"]["code"].as_str().unwrap_or_default()
}
