//! The five setups of `infra/examples`, each from the push to the end, with the files that are there.

use std::time::Duration;

use e2e::examples::{self as infrastructure, UnderCodeDeploy, service};
use e2e::world::{CodeDeployStage as Stage, Failure, Image, Moved};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Map, Value, json};

use crate::following::{fire_timers, follow, kinds};
use crate::scenario::{Invocation, Scenario};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "examples" {
        a_release_by_github_actions_replaces_the_image_of_docker_hub
        a_release_that_fails_turns_the_build_red
        a_definition_that_terraform_changes_is_deployed_by_itself
        a_push_to_main_is_deployed_and_one_of_a_branch_is_not
        a_secret_that_terraform_adds_comes_with_the_next_push
        a_build_of_azure_devops_replaces_the_dummy_image
        an_update_of_the_stack_that_puts_the_dummy_image_back_is_repaired
        a_commit_is_deployed_by_codedeploy_with_the_hooks_of_the_old_pipeline
        a_definition_that_is_deployed_by_hand_is_the_new_base
        a_definition_that_is_only_registered_counts_with_base_family
        an_app_spec_in_s3_needs_its_hooks_in_the_configuration
        staging_runs_each_commit_and_production_what_a_person_approved
        a_failure_in_production_keeps_the_image_out_of_one_service
    } }
}

/// A file of an example.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../../infra/examples/", $name))
    };
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

/// The SHA of a commit.
fn sha(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// Pushes the image of a commit by the lines of a build, and delivers the events; the answer to the last of them, which is of
/// the first tag that was named.
async fn push_by_build(scenario: &mut Scenario, workflow: &str, commit: &str) -> Value {
    let (repository, tags) = infrastructure::pushed_by_build(workflow, commit).await;
    let pushes: Vec<_> =
        tags.iter().rev().map(|tag| scenario.world.push(&repository, [tag], &Image::single(commit))).collect();
    let mut answer = Value::Null;
    for push in pushes {
        answer = scenario.deploy(&push.event()).await;
        follow(scenario, Moved::default()).await;
    }
    answer
}

/// A minute later the deployment by CodeDeploy is at this stage, as far as events and timers tell.
async fn reach(scenario: &mut Scenario, (cluster, service): (&str, &str), stage: Stage) {
    let moved = scenario.world.move_code_deploy(cluster, service, stage);
    follow(scenario, moved).await;
    fire_timers(scenario, Duration::from_secs(120)).await;
    scenario.transcript();
}

/// The deployment by CodeDeploy ends, and what waited for it begins. Each event comes once: a second delivery would find what the
/// first one has begun.
async fn ends_for_the_next(scenario: &mut Scenario, (cluster, service): (&str, &str)) {
    let moved = scenario.world.move_code_deploy(cluster, service, Stage::Ended);
    for event in moved.events.iter().filter(|event| event["source"] == "aws.codedeploy") {
        scenario.track_once(event).await.expect("an answer");
    }
    scenario.transcript();
}

/// How a commit stands for a build that waits for it, in each of its targets.
async fn states(scenario: &mut Scenario, request: &Value) -> Vec<String> {
    let answer = scenario.ask_through(":read", request.clone()).await;
    let targets = answer["targets"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    let state = |target: &Value| target["asked"]["state"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
    let mut states: Vec<String> = targets.iter().map(state).collect();
    if answer["done"] == true {
        states.push(if answer["ok"] == true { "green" } else { "red" }.to_owned());
    }
    states
}

/// The AppSpec of the last deployment that was asked for.
fn app_spec(scenario: &Scenario) -> Value {
    let calls = scenario.world.calls();
    let call = calls.iter().rfind(|call| call.operation == "CreateDeployment").expect("a deployment");
    let content = call.request["revision"]["appSpecContent"]["content"].as_str().expect("a content");
    serde_json::from_str(content).expect("JSON")
}

const CHECKOUT: (&str, &str) = ("prod", "checkout");

/// prod/checkout, whose pipeline has deployed a commit.
async fn checkout(name: &'static str, config: &str) -> (Scenario, UnderCodeDeploy) {
    let scenario = Scenario::begin(name, config).await;
    scenario.world.push("shop/checkout", [sha('0').as_str()], &Image::single(&sha('0')));
    let made = infrastructure::codedeploy(&sha('0'));
    made.make(&scenario.world, infrastructure::appspec);
    scenario.world.advance(Duration::from_secs(60));
    (scenario, made)
}

async fn push_checkout(scenario: &mut Scenario, digit: char) -> Value {
    push_by_build(scenario, file!("codedeploy/after.yml"), &sha(digit)).await
}

async fn a_commit_is_deployed_by_codedeploy_with_the_hooks_of_the_old_pipeline(name: &'static str) {
    let (mut scenario, _) = checkout(name, file!("codedeploy/slipway.yaml")).await;
    let asked = |digit| infrastructure::asked_by_build(file!("codedeploy/after.yml"), &sha(digit));
    assert_eq!(how_codedeploy_got_the_last_app_spec(&scenario).await, "AppSpecContent");
    let answer = push_checkout(&mut scenario, 'a').await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(app_spec(&scenario)["Hooks"], json!([{ "AfterAllowTestTraffic": "checkout-smoke-test" }]));
    let definition = registered(&scenario);
    assert_eq!(
        definition["containerDefinitions"][0]["environment"],
        infrastructure::taskdef("")["containerDefinitions"][0]["environment"]
    );
    assert_eq!(states(&mut scenario, &asked('a')).await, ["deploying"]);
    let mut seen = scenario.subjects();
    for stage in [Stage::Installing, Stage::TestTraffic, Stage::Shifting, Stage::Serving] {
        reach(&mut scenario, CHECKOUT, stage).await;
        seen.push(format!("{stage:?}"));
        seen.extend(scenario.subjects().into_iter().map(|subject| format!("  {subject}")));
    }
    // The build goes on, although the old tasks run for an hour.
    assert_eq!(states(&mut scenario, &asked('a')).await, ["running", "green"]);
    // In this hour two more commits come, and the newer one is deployed after it.
    for digit in ['b', 'c'] {
        let answer = push_checkout(&mut scenario, digit).await;
        assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
        assert_eq!(states(&mut scenario, &asked(digit)).await, ["queued"]);
    }
    ends_for_the_next(&mut scenario, CHECKOUT).await;
    seen.push("Ended".to_owned());
    seen.extend(scenario.subjects().into_iter().map(|subject| format!("  {subject}")));
    reach(&mut scenario, CHECKOUT, Stage::Ended).await;
    seen.push("Ended".to_owned());
    seen.extend(scenario.subjects().into_iter().map(|subject| format!("  {subject}")));
    assert_snapshot!("a_commit_is_deployed_by_codedeploy", seen.join("\n"));
    // The builds of all three are green: a newer commit is well.
    for digit in ['a', 'b', 'c'] {
        assert_eq!(states(&mut scenario, &asked(digit)).await.last().map(String::as_str), Some("green"), "{digit}");
    }
    scenario.end();
}

async fn a_definition_that_is_deployed_by_hand_is_the_new_base(name: &'static str) {
    let (mut scenario, made) = checkout(name, file!("codedeploy/slipway.yaml")).await;
    push_checkout(&mut scenario, 'a').await;
    reach(&mut scenario, CHECKOUT, Stage::Ended).await;
    scenario.notices();
    // What `aws ecs deploy` does with a changed taskdef.json and a changed appspec.yaml.
    let mut definition = infrastructure::taskdef(&sha('a'));
    definition["memory"] = "1024".into();
    let arn = scenario.world.register(definition);
    let spec = infrastructure::appspec(&arn).replace("checkout-smoke-test", "checkout-load-test");
    made.deploy(&scenario.world, &spec);
    reach(&mut scenario, CHECKOUT, Stage::Serving).await;
    // It is followed, and waited for.
    let answer = push_checkout(&mut scenario, 'b').await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    ends_for_the_next(&mut scenario, CHECKOUT).await;
    assert_snapshot!("a_definition_that_is_deployed_by_hand", scenario.subjects().join("\n"));
    assert_eq!(registered(&scenario)["memory"], "1024");
    assert_eq!(app_spec(&scenario)["Hooks"], json!([{ "AfterAllowTestTraffic": "checkout-load-test" }]));
    reach(&mut scenario, CHECKOUT, Stage::Ended).await;
    scenario.end();
}

async fn a_definition_that_is_only_registered_counts_with_base_family(name: &'static str) {
    for (base, memory) in [("", "512"), ("    base: family\n", "1024")] {
        let config = format!("{}{base}", file!("codedeploy/slipway.yaml"));
        let (mut scenario, _) = checkout(name, &config).await;
        let mut definition = infrastructure::taskdef("COMMIT");
        definition["memory"] = "1024".into();
        scenario.world.register(definition);
        push_checkout(&mut scenario, 'a').await;
        let body = registered(&scenario);
        assert_eq!(body["memory"], memory, "{base}");
        let image = body["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
        assert!(image.ends_with(&Image::single(&sha('a')).digest()), "{image}");
        reach(&mut scenario, CHECKOUT, Stage::Ended).await;
        scenario.end();
    }
}

/// By the command of the page.
async fn how_codedeploy_got_the_last_app_spec(scenario: &Scenario) -> String {
    let line = infrastructure::line_of(file!("codedeploy/README.md"), "aws deploy get-deployment-group");
    infrastructure::run_line(&scenario.world, "codedeploy", &line).await.expect("an answer")
}

async fn an_app_spec_in_s3_needs_its_hooks_in_the_configuration(name: &'static str) {
    let config = file!("codedeploy/slipway.yaml");
    let (mut scenario, made) = checkout(name, config).await;
    let names = ["applicationName", "deploymentGroupName"].map(|it| made.group[it].as_str().unwrap_or_default());
    let revision = json!({ "revisionType": "S3", "s3Location": { "bucket": "artifacts", "key": "appspec.yaml" } });
    let behind = ("checkout", 8080);
    let deployed = scenario.world.aws(|aws| aws.deploy_unread_revision(names.into(), &revision, "checkout:1", behind));
    deployed.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let _: Moved = scenario.world.move_code_deploy("prod", "checkout", Stage::Ended);
    drop(scenario.world.take_events());
    assert_eq!(how_codedeploy_got_the_last_app_spec(&scenario).await, "S3");
    let answer = push_checkout(&mut scenario, 'a').await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "hooks_unknown", "{answer:#}");
    assert_eq!(kinds(&mut scenario), ["refused"]);
    // With the line that stands there as a comment the next push is deployed, and what was refused by hand.
    scenario.world.parameter("/slipway/config", &config.replace("# codedeploy:", "codedeploy:"));
    scenario.forget_config().await;
    reconcile(&mut scenario).await;
    scenario.world.advance(Duration::from_secs(60));
    let by_hand = json!({ "action": "deploy", "target": "prod/checkout", "tag": sha('a'), "dry_run": true });
    assert_eq!(scenario.ask(by_hand).await["targets"][0]["outcome"], "planned");
    let answer = push_checkout(&mut scenario, 'b').await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(app_spec(&scenario)["Hooks"], json!([{ "AfterAllowTestTraffic": "checkout-smoke-test" }]));
    reach(&mut scenario, CHECKOUT, Stage::Ended).await;
    scenario.end();
}

/// Both environments, to which a release has deployed a commit.
async fn both(name: &'static str) -> Scenario {
    let scenario = Scenario::begin(name, file!("staging-and-production/slipway.yaml")).await;
    scenario.world.push("shop/app", [sha('0').as_str(), "latest"], &Image::single(&sha('0')));
    for environment in ["staging", "production"] {
        infrastructure::web_of(environment, &sha('0')).make(&scenario.world, |definition| {
            let balancer = json!({ "ContainerName": "web", "ContainerPort": 3000 });
            let properties = json!({ "TaskDefinition": definition, "LoadBalancerInfo": balancer });
            let target = json!({ "TargetService": { "Type": "AWS::ECS::Service", "Properties": properties } });
            json!({ "version": 0.0, "Resources": [target] }).to_string()
        });
        let (definition, sidekiq) = infrastructure::sidekiq_of(environment, &sha('0'));
        scenario.world.register(definition);
        scenario.world.running_service(sidekiq);
    }
    scenario.world.advance(Duration::from_secs(60));
    scenario
}

async fn push_app(scenario: &mut Scenario, digit: char) -> Vec<String> {
    let answer = push_by_build(scenario, file!("staging-and-production/after.yml"), &sha(digit)).await;
    outcomes(&answer)
}

/// A person approves a commit by the script, with no more than the policy allows; what comes of that.
async fn approve(scenario: &mut Scenario, digit: char) -> Vec<String> {
    drop(scenario.world.take_events());
    scenario.transcript();
    let line = infrastructure::line_of(file!("staging-and-production/README.md"), "./promote.sh");
    let line = line.replace("4f1d0c6b…", &sha(digit));
    let said = infrastructure::run_line(&scenario.world, "staging-and-production", &line).await;
    assert_eq!(said, Ok(Image::single(&sha(digit)).digest()));
    let mut called: Vec<String> = scenario
        .world
        .take_calls()
        .iter()
        .map(|it| format!("{}:{}", it.service.to_lowercase(), it.operation))
        .collect();
    called.sort();
    called.dedup();
    let policy: Value = serde_json::from_str(file!("staging-and-production/approve.json")).expect("JSON");
    assert_eq!(policy["Statement"][0]["Action"], json!(called));
    scenario.world.advance(Duration::from_secs(1));
    let [event] = <[Value; 1]>::try_from(scenario.world.take_events()).expect("one event");
    let answer = scenario.deploy(&event).await;
    follow(scenario, Moved::default()).await;
    outcomes(&answer)
}

async fn sidekiq_completes(scenario: &mut Scenario, environment: &str) {
    scenario.world.advance(Duration::from_secs(90));
    let moved = scenario.world.complete(environment, "sidekiq");
    follow(scenario, moved).await;
    scenario.transcript();
}

/// What an event came to in each target that it concerns, `production/web started`.
fn outcomes(answer: &Value) -> Vec<String> {
    let targets = answer["targets"].as_array().unwrap_or_else(|| panic!("{answer:#}")).iter();
    let outcome = |target: &Value| {
        let of = if target["outcome"] == "started" { &target["outcome"] } else { &target["reason"]["code"] };
        format!("{} {}", target["target"].as_str().unwrap_or_default(), of.as_str().unwrap_or_default())
    };
    targets.map(outcome).filter(|it| !it.ends_with("not_of_policy")).collect()
}

/// What was published since the last reading: `started production/web`.
fn published(scenario: &mut Scenario) -> Vec<String> {
    let notices = scenario.notices();
    notices.iter().map(|it| format!("{} {}", it.attributes["kind"], it.attributes["target"])).collect()
}

/// The commit whose image each target runs, by its first digit, and those that are quarantined there.
async fn commits(scenario: &mut Scenario) -> Vec<String> {
    let answer = scenario.ask_through(":read", json!({ "action": "status" })).await;
    let commit = |digest: &Value| ('0'..='f').find(|digit| *digest == Image::single(&sha(*digit)).digest());
    let targets = answer["targets"].as_array().expect("targets").iter();
    let shown = |target: &Value| {
        let image = &target["running"]["image"];
        // What the release deployed is named by its tag.
        let runs = commit(&image["digest"]).or_else(|| image["tag"].as_str()?.chars().next());
        let quarantined = target["memory"]["quarantined"].as_array().into_iter().flatten();
        let quarantined: String =
            quarantined.filter_map(|it| commit(&it["digest"])).map(|it| format!(" not {it}")).collect();
        format!("{} {}{quarantined}", target["target"].as_str().unwrap_or_default(), runs.unwrap_or('?'))
    };
    targets.map(shown).collect()
}

const STAGING: (&str, &str) = ("staging", "web");
const PRODUCTION: (&str, &str) = ("production", "web");

async fn staging_runs_each_commit_and_production_what_a_person_approved(name: &'static str) {
    let mut scenario = both(name).await;
    let asked = |digit| infrastructure::asked_by_build(file!("staging-and-production/after.yml"), &sha(digit));
    // What runs is taken over as it is.
    reconcile(&mut scenario).await;
    assert_eq!(
        commits(&mut scenario).await,
        ["staging/web 0", "staging/sidekiq 0", "production/web 0", "production/sidekiq 0"]
    );
    assert_eq!(push_app(&mut scenario, 'a').await, ["staging/web started", "staging/sidekiq started"]);
    assert_eq!(states(&mut scenario, &asked('a')).await, ["deploying", "deploying"]);
    sidekiq_completes(&mut scenario, "staging").await;
    for stage in [Stage::Installing, Stage::Shifting, Stage::Serving] {
        assert_eq!(states(&mut scenario, &asked('a')).await, ["deploying", "running"]);
        reach(&mut scenario, STAGING, stage).await;
    }
    assert_eq!(states(&mut scenario, &asked('a')).await, ["running", "running", "green"]);
    // Within the hour: web waits for its end, sidekiq does not.
    assert_eq!(push_app(&mut scenario, 'b').await, ["staging/web queued", "staging/sidekiq started"]);
    sidekiq_completes(&mut scenario, "staging").await;
    assert_eq!(states(&mut scenario, &asked('b')).await, ["queued", "running"]);
    scenario.notices();
    ends_for_the_next(&mut scenario, STAGING).await;
    assert_eq!(published(&mut scenario), ["completed staging/web", "started staging/web"]);
    reach(&mut scenario, STAGING, Stage::Ended).await;
    assert_eq!(states(&mut scenario, &asked('b')).await, ["running", "running", "green"]);
    scenario.notices();
    // Somebody approves the first of the two.
    assert_eq!(approve(&mut scenario, 'a').await, ["production/web started", "production/sidekiq started"]);
    let request = json!({ "action": "status", "target": ["production/web", "production/sidekiq"], "tag": "production", "for": "serving" });
    sidekiq_completes(&mut scenario, "production").await;
    assert_eq!(states(&mut scenario, &request).await, ["deploying", "running"]);
    reach(&mut scenario, PRODUCTION, Stage::Serving).await;
    assert_eq!(states(&mut scenario, &request).await, ["running", "running", "green"]);
    // An approval within the hour waits for its end as well.
    assert_eq!(approve(&mut scenario, 'b').await, ["production/web queued", "production/sidekiq started"]);
    sidekiq_completes(&mut scenario, "production").await;
    ends_for_the_next(&mut scenario, PRODUCTION).await;
    reach(&mut scenario, PRODUCTION, Stage::Ended).await;
    assert_snapshot!("staging_and_production", published(&mut scenario).join("\n"));
    assert_eq!(
        commits(&mut scenario).await,
        ["staging/web b", "staging/sidekiq b", "production/web b", "production/sidekiq b"]
    );
    scenario.end();
}

async fn a_failure_in_production_keeps_the_image_out_of_one_service(name: &'static str) {
    let mut scenario = both(name).await;
    for digit in ['a', 'b'] {
        push_app(&mut scenario, digit).await;
        sidekiq_completes(&mut scenario, "staging").await;
        reach(&mut scenario, STAGING, Stage::Ended).await;
        approve(&mut scenario, digit).await;
        sidekiq_completes(&mut scenario, "production").await;
        reach(&mut scenario, PRODUCTION, if digit == 'a' { Stage::Ended } else { Stage::Serving }).await;
    }
    scenario.notices();
    // In the hour the alarm is triggered, and CodeDeploy goes back to the old tasks.
    let alarm = Failure::SoundsAlarm { name: "production-web-5xx".to_owned() };
    let moved = scenario.world.fail_code_deploy("production", "web", alarm);
    follow(&mut scenario, moved).await;
    reach(&mut scenario, PRODUCTION, Stage::Ended).await;
    assert_eq!(published(&mut scenario), ["rolling_back production/web", "rolled_back production/web"]);
    let after = ["staging/web b", "staging/sidekiq b", "production/web a not b", "production/sidekiq b"];
    assert_eq!(commits(&mut scenario).await, after);
    // It stays so.
    reconcile(&mut scenario).await;
    assert_eq!(commits(&mut scenario).await, after);
    // The commit before, approved again, brings sidekiq back to what web runs.
    assert_eq!(approve(&mut scenario, 'a').await, ["production/web already_runs", "production/sidekiq started"]);
    sidekiq_completes(&mut scenario, "production").await;
    assert_eq!(commits(&mut scenario).await[2..], ["production/web a not b", "production/sidekiq a"]);
    // What failed is deployed there only when somebody has released it.
    assert_eq!(approve(&mut scenario, 'b').await, ["production/web quarantined", "production/sidekiq started"]);
    sidekiq_completes(&mut scenario, "production").await;
    let release = json!({ "action": "release", "target": "production/web", "tag": "production", "who": "ana" });
    assert_eq!(outcomes(&scenario.ask(release).await), ["production/web started"]);
    reach(&mut scenario, PRODUCTION, Stage::Ended).await;
    assert_eq!(commits(&mut scenario).await[2..], ["production/web b", "production/sidekiq b"]);
    scenario.end();
}
