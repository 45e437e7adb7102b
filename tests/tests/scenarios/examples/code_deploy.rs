//! The setups of `infra/examples` that CodeDeploy deploys: a service with `taskdef.json` and an AppSpec until now, and staging and
//! production with an approval.

use std::time::Duration;

use e2e::examples::{self as infrastructure, UnderCodeDeploy};
use e2e::world::{CodeDeployStage as Stage, Failure, Image, Moved};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{reconcile, registered};
use crate::code_deploy::app_spec;
use crate::following::{fire_timers, follow, kinds};
use crate::scenario::Scenario;
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "examples" {
        a_commit_is_deployed_by_codedeploy_with_the_hooks_of_the_old_pipeline
        a_definition_that_is_deployed_by_hand_is_the_new_base
        a_definition_that_is_only_registered_counts_with_base_family
        an_app_spec_in_s3_needs_its_hooks_in_the_configuration
        staging_runs_each_commit_and_production_what_a_person_approved
        a_failure_in_production_keeps_the_image_out_of_one_service
    } }
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
