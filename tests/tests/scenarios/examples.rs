//! The five setups of `infra/examples`, each from the push to the end, with the files that are there.

use std::time::Duration;

use e2e::examples::{self as infrastructure, service};
use e2e::world::{Failure, Image, Moved};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Map, Value, json};

use crate::following::{follow, kinds};
use crate::scenario::{Invocation, Scenario};
use crate::{scenarios, trial};

/// A file of an example.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/examples/", $name))
    };
}

mod code_deploy;

pub(crate) fn scenarios() -> Vec<Trial> {
    let mut scenarios = scenarios! { "examples" {
        a_release_by_github_actions_replaces_the_image_of_docker_hub
        a_release_that_fails_turns_the_build_red
        a_definition_that_terraform_changes_is_deployed_by_itself
        a_push_to_main_is_deployed_and_one_of_a_branch_is_not
        a_secret_that_terraform_adds_comes_with_the_next_push
        a_build_of_azure_devops_replaces_the_dummy_image
        an_update_of_the_stack_that_puts_the_dummy_image_back_is_repaired
    } };
    scenarios.extend(code_deploy::scenarios());
    scenarios
}

/// What the command asks for a build that waits for this image. That the builds'
/// own lines ask so is tested with the command, in `cli/tests/scenarios/examples.rs`.
fn asked(target: &str, tag: &str, overtaken: Overtaken) -> Value {
    let mut request = json!({ "action": "status", "target": target, "tag": tag });
    if overtaken == Overtaken::IsWell {
        request["accept"] = json!(["skipped", "superseded"]);
    }
    request
}

/// Whether a build is green whose image a newer one overtook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overtaken {
    IsWell,
    IsNot,
}

/// The answer to a build that has nothing but the alias `read`: whether it may go on, and whether it is green.
async fn waits(scenario: &mut Scenario, request: &Value) -> (bool, bool, String) {
    let answer = scenario.ask_through(":read", request.clone()).await;
    let state = answer["targets"][0]["asked"]["state"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
    (answer["done"] == true, answer["ok"] == true, state)
}

fn state(state: &str) -> (bool, bool, String) {
    let (done, ok) = match state {
        "waiting" | "queued" | "deploying" => (false, false),
        "running" => (true, true),
        _ => (true, false),
    };
    (done, ok, state.to_owned())
}

/// Pushes an image, and follows the first event of its deployment; the answer.
async fn push(scenario: &mut Scenario, repository: &str, tag: &str) -> Value {
    let event = scenario.world.push(repository, [tag], &Image::single(tag)).event();
    let answer = scenario.deploy(&event).await;
    follow(scenario, Moved::default()).await;
    answer
}

async fn completes(scenario: &mut Scenario, service: &str) {
    scenario.world.advance(Duration::from_secs(90));
    let moved = scenario.world.complete("prod", service);
    follow(scenario, moved).await;
    scenario.transcript();
}

async fn reconcile(scenario: &mut Scenario) -> Value {
    scenario.world.advance(Duration::from_secs(15 * 60));
    let answer = scenario.deploy_once(&json!({ "slipway": "reconcile" }), Invocation::New).await;
    follow(scenario, Moved::default()).await;
    answer.expect("an answer")
}

/// The body of the last registration by Slipway.
fn registered(scenario: &Scenario) -> Map<String, Value> {
    let calls = scenario.world.calls();
    let last = calls.iter().rev().find(|call| call.operation == "RegisterTaskDefinition").expect("a registration");
    last.request.as_object().cloned().unwrap_or_default()
}

/// prod/web, made by Terraform.
async fn web(name: &'static str) -> Scenario {
    let scenario = Scenario::begin(name, file!("github-actions/slipway.yaml")).await;
    scenario.world.register(infrastructure::github_actions());
    scenario.world.running_service(service("web", 2));
    scenario
}

/// What the release job of GitHub Actions asks.
fn release(tag: &str) -> Value {
    asked("prod/web", tag, Overtaken::IsNot)
}

async fn a_release_by_github_actions_replaces_the_image_of_docker_hub(name: &'static str) {
    let mut scenario = web(name).await;
    scenario.world.push("shop/web", ["0.9.0"], &Image::single("0.9.0"));
    assert_eq!(waits(&mut scenario, &release("1.0.0")).await, state("missing"));
    push(&mut scenario, "shop/web", "1.0.0").await;
    assert_eq!(waits(&mut scenario, &release("1.0.0")).await, state("deploying"));
    completes(&mut scenario, "web").await;
    assert_eq!(waits(&mut scenario, &release("1.0.0")).await, state("running"));
    let body = registered(&scenario);
    assert_eq!(body["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-group"], "/ecs/web");
    // The build may do nothing else.
    let rollback = json!({ "action": "rollback", "target": "prod/web" });
    assert_eq!(scenario.ask_through(":read", rollback).await["ok"], false);
    scenario.transcript();
    scenario.end();
}

async fn a_release_that_fails_turns_the_build_red(name: &'static str) {
    let mut scenario = web(name).await;
    push(&mut scenario, "shop/web", "1.0.0").await;
    completes(&mut scenario, "web").await;
    push(&mut scenario, "shop/web", "1.1.0").await;
    scenario.world.advance(Duration::from_secs(60));
    let moved = scenario.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut scenario, moved).await;
    completes(&mut scenario, "web").await;
    assert_eq!(waits(&mut scenario, &release("1.1.0")).await, state("rolled_back"));
    assert_eq!(kinds(&mut scenario).last().map(String::as_str), Some("rolled_back"));
    // What ran before runs again, and a fix is deployed.
    assert_eq!(waits(&mut scenario, &release("1.0.0")).await, state("running"));
    push(&mut scenario, "shop/web", "1.1.1").await;
    completes(&mut scenario, "web").await;
    assert_eq!(waits(&mut scenario, &release("1.1.1")).await, state("running"));
    scenario.transcript();
    scenario.end();
}

async fn a_definition_that_terraform_changes_is_deployed_by_itself(name: &'static str) {
    let mut scenario = web(name).await;
    push(&mut scenario, "shop/web", "1.0.0").await;
    completes(&mut scenario, "web").await;
    let mut definition = infrastructure::github_actions();
    definition["memory"] = "1024".into();
    scenario.world.register(definition);
    let answer = reconcile(&mut scenario).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "definition_changed", "{answer:#}");
    completes(&mut scenario, "web").await;
    let body = registered(&scenario);
    assert_eq!(body["memory"], "1024");
    let image = body["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
    assert!(image.ends_with(&Image::single("1.0.0").digest()), "{image}");
    assert_eq!(waits(&mut scenario, &release("1.0.0")).await, state("running"));
    scenario.transcript();
    scenario.end();
}

/// prod/shop, which Terraform deployed last.
async fn terraform(name: &'static str) -> Scenario {
    let scenario = Scenario::begin(name, file!("terraform-image-tag/slipway.yaml")).await;
    scenario.world.push("shop", ["main-0a1b2c3"], &Image::single("main-0a1b2c3"));
    scenario.world.register(infrastructure::terraform_image_tag());
    scenario.world.running_service(service("shop", 2));
    scenario.world.advance(Duration::from_secs(60));
    scenario
}

/// What the job of `main` asks.
fn build(tag: &str) -> Value {
    asked("prod/shop", tag, Overtaken::IsWell)
}

async fn a_push_to_main_is_deployed_and_one_of_a_branch_is_not(name: &'static str) {
    let mut scenario = terraform(name).await;
    for other in ["branch-8b1d02e", "pr-17-8b1d02e"] {
        let answer = push(&mut scenario, "shop", other).await;
        assert_eq!(answer["targets"][0]["reason"]["code"], "not_of_policy", "{answer:#}");
    }
    push(&mut scenario, "shop", "main-3f2a91c").await;
    assert_eq!(waits(&mut scenario, &build("main-3f2a91c")).await, state("deploying"));
    // A newer one takes its place, and that is well.
    push(&mut scenario, "shop", "main-7c6b5a4").await;
    completes(&mut scenario, "shop").await;
    assert_eq!(waits(&mut scenario, &build("main-7c6b5a4")).await, state("running"));
    assert_eq!(waits(&mut scenario, &build("main-3f2a91c")).await, (true, true, "superseded".to_owned()));
    let secrets = registered(&scenario)["containerDefinitions"][0]["secrets"].clone();
    assert_eq!(secrets, infrastructure::terraform_image_tag()["containerDefinitions"][0]["secrets"]);
    scenario.transcript();
    scenario.end();
}

async fn a_secret_that_terraform_adds_comes_with_the_next_push(name: &'static str) {
    let mut scenario = terraform(name).await;
    push(&mut scenario, "shop", "main-3f2a91c").await;
    completes(&mut scenario, "shop").await;
    let mut definition = infrastructure::terraform_image_tag();
    let secret = json!({ "name": "API_KEY", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/api-key" });
    definition["containerDefinitions"][0]["secrets"].as_array_mut().expect("secrets").push(secret.clone());
    scenario.world.register(definition);
    let answer = reconcile(&mut scenario).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "best_runs", "{answer:#}");
    push(&mut scenario, "shop", "main-7c6b5a4").await;
    completes(&mut scenario, "shop").await;
    assert_eq!(registered(&scenario)["containerDefinitions"][0]["secrets"][2], secret);
    scenario.transcript();
    scenario.end();
}

/// prod/orders, made by CloudFormation with a dummy image.
async fn azure_devops(name: &'static str) -> Scenario {
    let scenario = Scenario::begin(name, file!("azure-devops/slipway.yaml")).await;
    scenario.world.register(infrastructure::azure_devops());
    scenario.world.running_service(service("orders", 1));
    scenario
}

/// What the pipeline asks.
fn pipeline(number: &str) -> Value {
    asked("prod/orders", number, Overtaken::IsWell)
}

async fn a_build_of_azure_devops_replaces_the_dummy_image(name: &'static str) {
    let mut scenario = azure_devops(name).await;
    push(&mut scenario, "orders", "998").await;
    completes(&mut scenario, "orders").await;
    push(&mut scenario, "orders", "4711").await;
    completes(&mut scenario, "orders").await;
    assert_eq!(waits(&mut scenario, &pipeline("4711")).await, state("running"));
    // An older build that took longer changes nothing, and that is well.
    push(&mut scenario, "orders", "4710").await;
    assert_eq!(waits(&mut scenario, &pipeline("4710")).await, (true, true, "skipped".to_owned()));
    scenario.transcript();
    scenario.end();
}

async fn an_update_of_the_stack_that_puts_the_dummy_image_back_is_repaired(name: &'static str) {
    let mut scenario = azure_devops(name).await;
    push(&mut scenario, "orders", "4711").await;
    completes(&mut scenario, "orders").await;
    // The stack's update changes the task definition, with the image that the template names.
    let mut definition = infrastructure::azure_devops();
    definition["memory"] = "1024".into();
    scenario.world.register(definition);
    let update = json!({ "cluster": "prod", "service": "orders", "taskDefinition": "orders" });
    scenario.world.by_hand("ECS.UpdateService", update);
    follow(&mut scenario, Moved::default()).await;
    scenario.notices();
    // When that has ended, what ran before is deployed with the new task definition, and a warning says so.
    scenario.world.advance(Duration::from_secs(90));
    for event in &scenario.world.complete("prod", "orders").events {
        scenario.track_once(event).await.expect("an answer");
    }
    let notices = scenario.notices();
    let warning = notices.iter().find(|notice| notice.attributes["severity"] == "warning").expect("a warning");
    assert_snapshot!("an_update_of_the_stack_that_puts_the_dummy_image_back_is_repaired", warning.subject);
    completes(&mut scenario, "orders").await;
    assert_eq!(registered(&scenario)["memory"], "1024");
    assert_eq!(waits(&mut scenario, &pipeline("4711")).await, state("running"));
    scenario.transcript();
    scenario.end();
}
