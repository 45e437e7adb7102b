//! Targets that are rendered from their family: whose revision is the base, what happens to a definition that changes alone, and
//! who shares a family.

use std::time::Duration;

use e2e::world::{Failure, Image, Moved};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{complete, deploy_well, fail_by, follow, kinds, outcome, remembered, running, web_with};
use crate::scenario::{Scenario, service, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "family" {
        the_base_is_the_newest_revision_that_slipway_did_not_register
        a_copy_of_slipway_s_revision_that_somebody_edits_is_the_base
        a_family_with_nobody_else_s_revision_gives_the_one_that_runs
        a_deregistered_definition_is_no_base
        images_of_another_repository_stay_as_they_run
        a_new_definition_waits_for_a_redeploy
        a_new_definition_is_deployed_by_itself_where_that_is_wanted
        a_definition_from_before_a_person_s_decision_waits_for_a_redeploy
        a_definition_that_failed_does_not_come_back_but_a_newer_one_does
        services_of_one_family_that_differ_are_refused
    } }
}

const FAMILY: &str = "base: family";

/// Somebody's definition, as Terraform has it: with this much memory, and with an image that is long gone.
fn terraform(memory: &str) -> Value {
    let mut definition = web_definition("0.0.0");
    definition["memory"] = memory.into();
    definition
}

/// The body of the last registration by Slipway.
fn registered(scenario: &Scenario) -> Value {
    let calls = scenario.world.calls();
    let last = calls.iter().rev().find(|call| call.operation == "RegisterTaskDefinition");
    last.expect("a registration").request.clone()
}

fn plan(answer: &Value) -> &str {
    answer["targets"][0]["plan"]["text"].as_str().unwrap_or_default()
}

/// What became of prod/web.
fn of_web(answer: &Value) -> &Value {
    let mut targets = answer["targets"].as_array().into_iter().flatten();
    targets.find(|target| target["target"] == "prod/web").expect("an answer about prod/web")
}

async fn reconcile(scenario: &mut Scenario) -> Value {
    scenario.world.advance(Duration::from_secs(15 * 60));
    scenario.ask(json!({ "action": "reconcile" })).await
}

async fn the_base_is_the_newest_revision_that_slipway_did_not_register(name: &'static str) {
    let mut scenario = running(name, &web_with(FAMILY), service("web")).await;
    scenario.push_web("1.5.0").await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    assert_snapshot!("a_family_is_observed_for_the_first_time", scenario.transcript());
    scenario.notices();
    deploy_well(&mut scenario, "1.6.0").await;
    // One environment's Terraform registers its definition; then Slipway registers revisions of its own.
    scenario.world.register(terraform("1024"));
    deploy_well(&mut scenario, "1.7.0").await;
    assert_eq!(registered(&scenario)["memory"], "1024");
    deploy_well(&mut scenario, "1.8.0").await;
    assert_eq!(registered(&scenario)["memory"], "1024");
    assert_eq!(remembered(&scenario)["family"], json!({ "name": "web", "seen": 6, "base": 4, "origin": 1 }));

    scenario.world.push("shop/web", ["1.9.0"], &Image::single("1.9.0"));
    let answer =
        scenario.ask(json!({ "action": "deploy", "target": "prod/web", "tag": "1.9.0", "dry_run": true })).await;
    assert_snapshot!("the_base_is_the_newest_revision_that_slipway_did_not_register_plan", plan(&answer));
    scenario.transcript();
    let answer = scenario.push_web("2.0.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_snapshot!("the_base_is_the_newest_revision_that_slipway_did_not_register", scenario.transcript());
    scenario.end();
}

async fn a_copy_of_slipway_s_revision_that_somebody_edits_is_the_base(name: &'static str) {
    let mut scenario = running(name, &web_with(FAMILY), service("web")).await;
    deploy_well(&mut scenario, "1.5.0").await;
    // As the console does it: everything is taken over, the tags included.
    let request = json!({ "taskDefinition": "web:2", "include": ["TAGS"] });
    let answer = scenario.world.by_hand("ECS.DescribeTaskDefinition", request);
    let mut copy = terraform("2048");
    copy["containerDefinitions"] = answer["taskDefinition"]["containerDefinitions"].clone();
    copy["tags"] = answer["tags"].clone();
    scenario.world.register(copy);
    scenario.push_web("1.6.0").await;
    assert_eq!(registered(&scenario)["memory"], "2048");
    scenario.transcript();
    scenario.end();
}

async fn a_family_with_nobody_else_s_revision_gives_the_one_that_runs(name: &'static str) {
    let mut scenario = running(name, &web_with(FAMILY), service("web")).await;
    deploy_well(&mut scenario, "1.5.0").await;
    scenario.world.by_hand("ECS.DeregisterTaskDefinition", json!({ "taskDefinition": "web:1" }));
    let answer = scenario.push_web("1.6.0").await;
    assert_snapshot!("a_family_with_nobody_else_s_revision_gives_the_one_that_runs", plan(&answer));
    scenario.transcript();
    scenario.end();
}

async fn a_deregistered_definition_is_no_base(name: &'static str) {
    let mut scenario = running(name, &web_with(FAMILY), service("web")).await;
    scenario.world.register(terraform("1024"));
    deploy_well(&mut scenario, "1.5.0").await;
    assert_eq!(remembered(&scenario)["family"]["base"], 2);
    scenario.world.by_hand("ECS.DeregisterTaskDefinition", json!({ "taskDefinition": "web:2" }));
    deploy_well(&mut scenario, "1.6.0").await;
    assert_eq!(registered(&scenario)["memory"], "512");
    assert_eq!(remembered(&scenario)["family"]["base"], 1);
    scenario.end();
}

async fn images_of_another_repository_stay_as_they_run(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, base: family, tags: { semver: "*" } }
targets:
  - { repository: shop/web, service: web, environment: { WEB: "{tag}" } }
  - { repository: shop/job, service: web, environment: { JOB: "{tag}" } }
"#;
    let mut scenario = Scenario::begin(name, config).await;
    let with_job = |memory: &str| {
        let mut definition = terraform(memory);
        let mut job = definition["containerDefinitions"][0].clone();
        job["name"] = "job".into();
        job["image"] = job["image"].as_str().unwrap_or_default().replace("shop/web", "shop/job").into();
        definition["containerDefinitions"].as_array_mut().expect("containers").push(job);
        definition
    };
    scenario.world.register(with_job("512"));
    scenario.world.running_service(service("web"));
    let event = scenario.world.push("shop/job", ["7.0.0"], &Image::single("job 7")).event();
    scenario.deploy(&event).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.world.register(with_job("1024"));
    scenario.push_web("1.5.0").await;
    let body = registered(&scenario);
    assert_eq!(body["memory"], "1024");
    let image =
        |container: usize| body["containerDefinitions"][container]["image"].as_str().unwrap_or_default().to_owned();
    assert!(image(0).ends_with(&Image::single("1.5.0").digest()), "{body:#}");
    assert!(image(1).ends_with(&Image::single("job 7").digest()), "{body:#}");
    let variables = body["containerDefinitions"][1]["environment"].to_string();
    assert!(variables.contains(r#"{"name":"JOB","value":"7.0.0"}"#), "{variables}");
    scenario.transcript();
    scenario.end();
}

async fn a_new_definition_waits_for_a_redeploy(name: &'static str) {
    let mut scenario = running(name, &web_with(FAMILY), service("web")).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    scenario.deploy(&event).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.world.register(terraform("1024"));
    let answer = reconcile(&mut scenario).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "best_runs", "{answer:#}");
    // The event of the image that runs comes once more.
    let answer = scenario.deploy(&event).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "already_runs", "{answer:#}");
    scenario.transcript();
    scenario.notices();
    let answer = scenario.ask(json!({ "action": "redeploy", "target": "prod/web" })).await;
    assert_snapshot!("a_new_definition_waits_for_a_redeploy", plan(&answer));
    assert_eq!(registered(&scenario)["memory"], "1024");
    scenario.transcript();
    scenario.end();
}

/// prod/web runs 1.5.0 well, deploys changes of its definition by itself, and got a new one. ECS calls a deployment failed, and leaves the
/// rollback to Slipway.
async fn with_new_definition(name: &'static str) -> Scenario {
    let mut service = service_with_breaker("web");
    service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = false.into();
    let config = web_with("base: family\n    deploy_definition_changes: true");
    let mut scenario = running(name, &config, service).await;
    deploy_well(&mut scenario, "1.5.0").await;
    scenario.world.register(terraform("1024"));
    scenario
}

async fn a_new_definition_is_deployed_by_itself_where_that_is_wanted(name: &'static str) {
    let mut scenario = with_new_definition(name).await;
    let answer = reconcile(&mut scenario).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "definition_changed", "{answer:#}");
    assert_snapshot!("a_new_definition_is_deployed_by_itself_where_that_is_wanted", scenario.email());
    assert_eq!(registered(&scenario)["memory"], "1024");
    follow(&mut scenario, Moved::default()).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    assert_eq!(
        (outcome(&scenario).as_str(), kinds(&mut scenario).last().map(String::as_str)),
        ("completed", Some("completed"))
    );
    scenario.transcript();
    let answer = reconcile(&mut scenario).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "best_runs", "{answer:#}");
    scenario.transcript();
    scenario.end();
}

async fn a_definition_from_before_a_person_s_decision_waits_for_a_redeploy(name: &'static str) {
    let mut scenario = with_new_definition(name).await;
    deploy_well(&mut scenario, "1.6.0").await;
    scenario.world.register(terraform("2048"));
    scenario.world.advance(Duration::from_secs(60));
    scenario.ask(json!({ "action": "rollback", "target": "prod/web", "who": "ana" })).await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    let answer = reconcile(&mut scenario).await;
    assert_snapshot!(
        "a_definition_from_before_a_person_s_decision_waits_for_a_redeploy",
        answer["targets"][0]["reason"]["text"].as_str().unwrap_or_default()
    );
    scenario.transcript();
    scenario.end();
}

async fn a_definition_that_failed_does_not_come_back_but_a_newer_one_does(name: &'static str) {
    let mut scenario = with_new_definition(name).await;
    reconcile(&mut scenario).await;
    follow(&mut scenario, Moved::default()).await;
    fail_by(&mut scenario, Failure::RunsOutOfMemory).await;
    complete(&mut scenario).await;
    assert_eq!(outcome(&scenario), "rolled_back_by_slipway");
    scenario.transcript();
    scenario.notices();
    let answer = reconcile(&mut scenario).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "quarantined", "{answer:#}");
    scenario.world.register(terraform("2048"));
    let answer = reconcile(&mut scenario).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "definition_changed", "{answer:#}");
    assert_eq!(registered(&scenario)["memory"], "2048");
    scenario.transcript();
    scenario.end();
}

async fn services_of_one_family_that_differ_are_refused(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets:
  - { repository: shop/web, service: web, base: family }
  - { repository: shop/web, service: staging, tags: { tag: staging } }
"#;
    let mut scenario = Scenario::begin(name, config).await;
    scenario.web_runs("1.4.2");
    scenario.also_runs_web("staging");
    // Both are observed, and run the same.
    reconcile(&mut scenario).await;
    scenario.push_web("1.5.0").await;
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    // Staging gets an environment of its own, in the same family.
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"][0]["environment"] = json!([{ "name": "DB", "value": "staging" }]);
    scenario.world.register(definition);
    scenario
        .world
        .by_hand("ECS.UpdateService", json!({ "cluster": "prod", "service": "staging", "taskDefinition": "web" }));
    drop(scenario.world.complete("prod", "staging"));
    scenario.transcript();
    scenario.notices();
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(of_web(&answer)["outcome"], "refused", "{answer:#}");
    assert_snapshot!(
        "services_of_one_family_that_differ_are_refused",
        of_web(&answer)["reason"]["text"].as_str().unwrap_or_default()
    );
    assert_eq!(kinds(&mut scenario), ["refused"]);
    // A rollback needs no base.
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web", "dry_run": true })).await;
    assert_eq!(of_web(&answer)["outcome"], "planned", "{answer:#}");
    scenario.transcript();
    // It moves to a family of its own.
    let mut definition = web_definition("1.4.2");
    definition["family"] = "staging".into();
    scenario.world.register(definition);
    scenario
        .world
        .by_hand("ECS.UpdateService", json!({ "cluster": "prod", "service": "staging", "taskDefinition": "staging" }));
    scenario.world.by_hand("ECS.DeregisterTaskDefinition", json!({ "taskDefinition": "web:3" }));
    let answer = scenario.push_web("1.7.0").await;
    assert_eq!(of_web(&answer)["outcome"], "started", "{answer:#}");
    scenario.transcript();
    scenario.end();
}
