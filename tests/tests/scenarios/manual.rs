//! What people and pipelines ask by invoking the deploy function.

use e2e::world::{Failure, Fault, Image, Moved};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{deploying, follow, with_strategy};
use crate::scenario::{Scenario, WEB, service, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "manual" {
        a_deploy_goes_back_on_request
        a_deploy_by_digest
        a_dry_run_shows_the_plan_and_does_nothing
        a_redeploy_forces_a_new_deployment_of_what_runs
        a_redeploy_pins_what_really_runs
        a_redeploy_of_two_repositories_keeps_both_images
        a_repeated_id_is_harmless
        a_repeated_id_is_known_after_a_later_deploy
        a_rollback_that_is_asked_for_again_goes_back_once
        a_list_of_targets_and_all_of_them
        the_status_says_what_runs_and_what_is_in_flight
        a_build_waits_for_its_image
        a_build_is_told_that_its_push_waits_behind_a_blue_green_deployment
        a_build_is_told_that_its_push_is_held
        a_build_may_wait_until_its_image_serves
        a_build_goes_on_waiting_while_aws_cannot_be_asked
        the_status_of_a_failed_image_says_so
        a_build_that_waits_for_what_slipway_rolls_back_reads_the_cause
        a_wrong_request_does_nothing_and_names_what_is_known
        a_service_of_two_repositories_needs_the_one_that_is_meant
        an_image_that_is_not_there_is_refused
    } }
}

async fn a_deploy_goes_back_on_request(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.3.0"], &Image::single("1.3.0"));
    let answer = scenario.ask(json!({ "action": "deploy", "target": "prod/web", "tag": "1.3.0" })).await;
    assert_eq!(answer["ok"], true);
    assert_snapshot!("a_deploy_goes_back_on_request.transcript", scenario.transcript());
    assert_snapshot!("a_deploy_goes_back_on_request.email", scenario.email());
    scenario.end();
}

async fn a_deploy_by_digest(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", [], &Image::single("untagged"));
    let answer = scenario.ask(json!({ "action": "deploy", "target": "prod/web", "digest": push.digest })).await;
    assert_eq!(answer["targets"][0]["image"]["new"], json!({ "tag": null, "digest": push.digest }));
    assert_eq!(answer["targets"][0]["outcome"], "started");
    scenario.transcript();
    scenario.end();
}

async fn a_dry_run_shows_the_plan_and_does_nothing(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let request = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "dry_run": true });
    let answer = scenario.ask(request).await;
    assert_snapshot!("a_dry_run_shows_the_plan_and_does_nothing.plan", text(&answer));
    assert_eq!(answer["targets"][0]["outcome"], "planned");
    assert!(scenario.world.calls().iter().all(|call| !call.is_write()));
    scenario.end();
}

async fn a_redeploy_forces_a_new_deployment_of_what_runs(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.transcript();
    scenario.notices();
    let answer = scenario.ask(json!({ "action": "redeploy", "target": "prod/web" })).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "redeploy_forced");
    assert_snapshot!("a_redeploy_forces_a_new_deployment_of_what_runs.transcript", scenario.transcript());
    assert_snapshot!("a_redeploy_forces_a_new_deployment_of_what_runs.email", scenario.email());
    scenario.end();
}

async fn a_redeploy_pins_what_really_runs(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    let ran = scenario.world.push("shop/web", ["latest"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("latest"));
    scenario.world.running_service(service("web"));
    scenario.world.push("shop/web", ["latest"], &Image::single("1.5.0"));
    let answer = scenario.ask(json!({ "action": "redeploy", "target": "prod/web" })).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "redeploy_changed");
    assert_eq!(answer["targets"][0]["image"]["new"]["digest"], ran.digest);
    scenario.transcript();
    scenario.end();
}

async fn a_redeploy_of_two_repositories_keeps_both_images(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets: [{ repository: shop/web, service: web }, { repository: shop/proxy, service: web }]
"#;
    let mut scenario = Scenario::begin(name, config).await;
    let web = scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    let proxy = scenario.world.push("shop/proxy", ["3.0.0"], &Image::single("proxy"));
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"].as_array_mut().expect("containers").push(json!({
        "name": "proxy", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/proxy:3.0.0", "essential": true
    }));
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));
    let answer = scenario.ask(json!({ "action": "redeploy", "target": "prod/web" })).await;
    assert_eq!(answer["targets"].as_array().map(Vec::len), Some(1), "one deployment of one service: {answer:#}");
    let changes = answer["targets"][0]["plan"]["changes"].to_string();
    assert!(changes.contains(&web.digest) && changes.contains(&proxy.digest), "{changes}");
    scenario.transcript();
    scenario.end();
}

async fn a_repeated_id_is_harmless(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.transcript();
    let request = json!({ "action": "redeploy", "target": "prod/web", "id": "nightly 2026-11-21 #1" });
    let answer = scenario.ask(request.clone()).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "redeploy_marked");
    scenario.transcript();
    let answer = scenario.ask(request).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "already_done");
    assert_snapshot!("a_repeated_id_is_harmless", scenario.transcript());
    scenario.end();
}

async fn a_repeated_id_is_known_after_a_later_deploy(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let request = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "id": "build-7" });
    scenario.ask(request.clone()).await;
    scenario.push_web("1.6.0").await;
    scenario.transcript();
    let answer = scenario.ask(request).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], r#"the request "build-7" was already carried out, as web:2"#);
    assert!(!scenario.transcript().contains("UpdateService"));
    scenario.end();
}

async fn a_rollback_that_is_asked_for_again_goes_back_once(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    for tag in ["1.5.0", "1.6.0"] {
        scenario.push_web(tag).await;
        let done = scenario.world.complete("prod", "web").event();
        scenario.track_once(&done).await.expect("an answer");
    }
    scenario.claim();
    let request = json!({ "action": "rollback", "target": "prod/web" });
    let answer = scenario.ask(request.clone()).await;
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:2", "{answer:#}");
    scenario.claim();
    let updates = scenario.updates();
    let again = scenario.ask(request.clone()).await;
    assert_eq!((&again["ok"], &again["targets"][0]["reason"]["code"]), (&json!(true), &json!("already_done")));
    // Also when it has completed; but what names another revision is another request.
    let done = scenario.world.complete("prod", "web").event();
    scenario.track_once(&done).await.expect("an answer");
    scenario.claim();
    let again = scenario.ask(request.clone()).await;
    assert_eq!(again["targets"][0]["reason"]["code"], "already_done", "{again:#}");
    assert_eq!(scenario.updates(), updates);
    let further = scenario.ask(json!({ "action": "rollback", "target": "prod/web", "to": "web:1" })).await;
    assert_eq!(further["targets"][0]["outcome"], "started", "{further:#}");
    scenario.claim();
    scenario.end();
}

async fn a_list_of_targets_and_all_of_them(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets: [{ repository: shop/web, service: web }, { repository: shop/web, service: api }]
"#;
    let mut scenario = Scenario::begin(name, config).await;
    scenario.web_runs("1.4.2");
    scenario.also_runs_web("api");
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    for target in [json!("*"), json!(["prod/api", "prod/web"])] {
        let request = json!({ "action": "deploy", "target": target, "tag": "1.5.0", "dry_run": true });
        let answer = scenario.ask(request).await;
        assert_eq!(answer["targets"].as_array().map(Vec::len), Some(2));
        assert_eq!(answer["targets"][0]["outcome"], "planned");
    }
    scenario.transcript();
    scenario.end();
}

async fn the_status_says_what_runs_and_what_is_in_flight(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    scenario.transcript();
    let answer = scenario.ask(json!({ "action": "status" })).await;
    assert_snapshot!("the_status_says_what_runs_and_what_is_in_flight", pretty(&answer));
    scenario.end();
}

async fn a_build_waits_for_its_image(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let by_tag = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    let by_digest = json!({ "action": "status", "target": "prod/web", "digest": push.digest });
    let mut seen = Vec::new();
    for request in [&by_tag, &by_digest] {
        seen.push(verdict(&scenario.ask(request.clone()).await));
    }
    scenario.deploy(&push.event()).await;
    seen.push(verdict(&scenario.ask(by_tag.clone()).await));
    let _ = scenario.world.complete("prod", "web");
    seen.push(verdict(&scenario.ask(by_digest.clone()).await));
    scenario.push_web("1.6.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.world.push("shop/web", ["1.0.0"], &Image::single("1.0.0"));
    let older = json!({ "action": "status", "target": "prod/web", "tag": "1.0.0" });
    for mut request in [by_digest, older] {
        seen.push(verdict(&scenario.ask(request.clone()).await));
        request["accept"] = json!(["skipped", "superseded"]);
        seen.push(verdict(&scenario.ask(request).await));
    }
    let missing = json!({ "action": "status", "target": "prod/web", "tag": "9.9.9" });
    seen.push(verdict(&scenario.ask(missing).await));
    assert_snapshot!("a_build_waits_for_its_image", seen.join("\n"));
    scenario.transcript();
    scenario.end();
}

async fn a_build_is_told_that_its_push_waits_behind_a_blue_green_deployment(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("BLUE_GREEN")).await;
    scenario.push_web("1.6.0").await;
    scenario.claim();
    let request = json!({ "action": "status", "target": "prod/web", "tag": "1.6.0" });
    let answer = scenario.ask(request.clone()).await;
    let asked = &answer["targets"][0]["asked"];
    assert_eq!((&answer["done"], &answer["ok"], &asked["state"]), (&json!(false), &json!(false), &json!("queued")));
    assert_eq!((&asked["ok"], &asked["blocked_on"]), (&Value::Null, &json!("machine")));
    assert_eq!(asked["until"], scenario.remembered("prod/web")["deployments"][0]["deadline"], "{answer:#}");
    let done = scenario.world.complete("prod", "web").event();
    scenario.track_once(&done).await.expect("an answer");
    assert_eq!(scenario.ask(request).await["targets"][0]["asked"]["state"], "deploying");
    scenario.claim();
    scenario.end();
}

async fn a_build_is_told_that_its_push_is_held(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.ask(json!({ "action": "hold", "target": "prod/web", "who": "ana" })).await;
    scenario.push_web("1.5.0").await;
    scenario.claim();
    let request =
        json!({ "action": "status", "target": "prod/web", "tag": "1.5.0", "accept": ["skipped", "superseded"] });
    let answer = scenario.ask(request).await;
    let asked = &answer["targets"][0]["asked"];
    assert_eq!((&answer["done"], &answer["ok"]), (&json!(true), &json!(false)), "{answer:#}");
    assert_eq!((&asked["state"], &asked["blocked_on"]), (&json!("held"), &json!("person")), "{answer:#}");
    scenario.claim();
    scenario.end();
}

async fn a_build_may_wait_until_its_image_serves(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("BLUE_GREEN")).await;
    let completed = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    let serving = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0", "for": "serving" });
    let mut seen = Vec::new();
    for stage in ["PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"] {
        scenario.world.reach_stage("prod", "web", stage);
        for request in [&completed, &serving] {
            let answer = scenario.ask(request.clone()).await;
            seen.push((answer["done"] == true, answer["ok"] == true));
        }
    }
    assert_eq!(seen, [(false, false), (false, false), (false, false), (true, true)]);
    scenario.claim();
    scenario.end();
}

async fn a_build_goes_on_waiting_while_aws_cannot_be_asked(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let request = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    scenario.world.fault_each("ECS.DescribeServices", Fault::Break);
    let answer = scenario.ask(request).await;
    assert_eq!((&answer["done"], &answer["ok"]), (&json!(false), &json!(false)), "{answer:#}");
    assert_eq!(answer["targets"][0]["refused"]["code"], "aws", "{answer:#}");
    scenario.world.heal("ECS.DescribeServices");
    scenario.claim();
    scenario.end();
}

async fn the_status_of_a_failed_image_says_so(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service_with_breaker("web"));
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.fail("prod", "web", Failure::default());
    let request = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    let during = verdict(&scenario.ask(request.clone()).await);
    let _ = scenario.world.complete("prod", "web");
    let after = verdict(&scenario.ask(request).await);
    assert_snapshot!("the_status_of_a_failed_image_says_so", format!("{during}\n{after}"));
    scenario.transcript();
    scenario.end();
}

async fn a_build_that_waits_for_what_slipway_rolls_back_reads_the_cause(name: &'static str) {
    let mut breaker = service_with_breaker("web");
    breaker["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = false.into();
    for service in [breaker, service("web")] {
        let mut scenario = deploying(name, WEB, service).await;
        let request = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
        let mut verdicts = vec![verdict(&scenario.ask(request.clone()).await)];
        let failed = scenario.world.fail("prod", "web", Failure::Exits { code: 1 });
        follow(&mut scenario, failed).await;
        verdicts.push(verdict(&scenario.ask(request.clone()).await));
        let stopped = scenario.world.calls().iter().any(|call| call.name() == "ECS.StopServiceDeployment");
        let back = if stopped { scenario.world.carry_out_stop("prod", "web") } else { Moved::default() };
        follow(&mut scenario, back).await;
        let done = scenario.world.complete("prod", "web");
        follow(&mut scenario, done).await;
        verdicts.push(verdict(&scenario.ask(request).await));
        let way = if stopped { "stop" } else { "update" };
        assert_snapshot!(format!("a_build_that_waits.{way}"), verdicts.join("\n"));
        scenario.transcript();
        scenario.notices();
        scenario.end();
    }
}

async fn a_wrong_request_does_nothing_and_names_what_is_known(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let requests = [
        json!({ "action": "depoly", "target": "prod/web", "tag": "1.5.0" }),
        json!({ "action": "deploy", "target": "prod/webb", "tag": "1.5.0" }),
        json!({ "action": "deploy", "targets": "prod/web", "tag": "1.5.0" }),
        json!({ "action": "redeploy", "target": "prod/web", "tag": "1.5.0" }),
        json!(["deploy"]),
        json!({}),
    ];
    let mut reported = Vec::new();
    for request in requests {
        let answer = scenario.ask(request.clone()).await;
        assert_eq!(answer["ok"], false);
        reported.push(format!("{request}\n{}", pretty(&answer["error"])));
    }
    assert_snapshot!("a_wrong_request_does_nothing_and_names_what_is_known", reported.join("\n\n"));
    assert!(scenario.world.calls().iter().all(|call| !call.is_write()));
    scenario.end();
}

async fn a_service_of_two_repositories_needs_the_one_that_is_meant(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets: [{ repository: shop/web, service: web }, { repository: shop/proxy, service: web }]
"#;
    let mut scenario = Scenario::begin(name, config).await;
    scenario.web_runs("1.4.2");
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let answer = scenario.ask(json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" })).await;
    assert_eq!(
        answer["error"]["mistakes"][0]["text"],
        r#"prod/web runs images of several repositories; add "repository" to the request: shop/web, shop/proxy"#
    );
    let request =
        json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "repository": "shop/web", "dry_run": true });
    let answer = scenario.ask(request).await;
    assert_eq!(answer["targets"][0]["outcome"], "planned");
    scenario.end();
}

async fn an_image_that_is_not_there_is_refused(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let answer = scenario.ask(json!({ "action": "deploy", "target": "prod/web", "tag": "9.9.9" })).await;
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["targets"][0]["reason"]["text"], "shop/web has no image 9.9.9");
    scenario.transcript();
    scenario.end();
}

fn text(answer: &Value) -> String {
    answer["targets"][0]["plan"]["text"].as_str().unwrap_or_default().to_owned()
}

/// What became of the image that was asked about, in a line.
fn verdict(answer: &Value) -> String {
    let asked = &answer["targets"][0]["asked"];
    format!("done={} ok={} {} {}", answer["done"], answer["ok"], asked["state"], asked["reason"])
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}
