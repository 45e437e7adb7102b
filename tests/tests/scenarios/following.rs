//! What the scenarios of deployments' ends share: a deployment under way, and what ECS and the schedules send since.

use std::time::Duration;

use e2e::world::{Failure, Fault, Image, Moved, Refusal};
use serde_json::{Value, json};

use crate::scenario::{Invocation, Scenario, service, web_definition};

/// The configuration of `prod/web`, with these lines for its target.
pub(crate) fn web_with(settings: &str) -> String {
    format!(
        "version: 1\ntargets:\n  - repository: shop/web\n    cluster: prod\n    service: web\n    tags: {{ semver: \"*\" \
         }}\n    {settings}\n"
    )
}

/// The task definition of `web`, whose log goes to CloudWatch Logs.
pub(crate) fn logging_definition(tag: &str) -> Value {
    let mut definition = web_definition(tag);
    definition["containerDefinitions"][0]["logConfiguration"] = json!({
        "logDriver": "awslogs",
        "options": { "awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "shop" }
    });
    definition
}

/// A service with this strategy.
pub(crate) fn with_strategy(strategy: &str) -> Value {
    let mut service = service("web");
    service["deploymentConfiguration"] = json!({ "strategy": strategy, "bakeTimeInMinutes": 60 });
    service
}

/// `prod/web` runs 1.4.2, and 1.5.0 was pushed and is on its way, as far as ECS's first event.
pub(crate) async fn deploying(name: &'static str, config: &str, service: Value) -> Scenario {
    let mut scenario = running(name, config, service).await;
    deploy(&mut scenario, "1.5.0").await;
    scenario
}

/// `prod/web` has been running 1.4.2.
pub(crate) async fn running(name: &'static str, config: &str, service: Value) -> Scenario {
    let scenario = Scenario::begin(name, config).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(logging_definition("1.4.2"));
    scenario.world.running_service(service);
    scenario
}

/// Pushes an image and follows its deployment's first event; what that writes and publishes is asserted.
pub(crate) async fn deploy(scenario: &mut Scenario, tag: &str) {
    scenario.push_web(tag).await;
    follow(scenario, Moved::default()).await;
    scenario.transcript();
    scenario.notices();
}

/// Deploys an image well.
pub(crate) async fn deploy_well(scenario: &mut Scenario, tag: &str) {
    deploy(scenario, tag).await;
    scenario.world.advance(Duration::from_secs(90));
    let moved = scenario.world.complete("prod", "web");
    follow(scenario, moved).await;
    scenario.transcript();
    scenario.notices();
}

/// The deployment goes wrong after five minutes, and what that brings about is delivered.
pub(crate) async fn fail_by(scenario: &mut Scenario, failure: Failure) {
    scenario.world.advance(Duration::from_secs(300));
    let moved = scenario.world.fail("prod", "web", failure);
    follow(scenario, moved).await;
}

/// What is under way completes a minute later, and what that brings about is delivered.
pub(crate) async fn complete(scenario: &mut Scenario) {
    scenario.world.advance(Duration::from_secs(60));
    let moved = scenario.world.complete("prod", "web");
    follow(scenario, moved).await;
}

/// Delivers what ECS and CodeDeploy sent, each event twice: first what waits, such as tasks that stopped, then what became of a deployment.
pub(crate) async fn follow(scenario: &mut Scenario, moved: Moved) {
    let mut events = scenario.world.take_events();
    events.extend(moved.events);
    let is_followed = |event: &&Value| event["source"] == "aws.ecs" || event["source"] == "aws.codedeploy";
    for event in events.iter().filter(is_followed) {
        scenario.track(event).await;
    }
}

/// Delivers an event of ECS, and tries as often as Lambda does, while the role may not publish.
pub(crate) async fn unpublished(scenario: &mut Scenario, event: &Value) {
    let denied = Refusal::new("AuthorizationErrorException", "The role slipway-track may not publish.");
    scenario.world.fault_each("SNS.Publish", Fault::Refuse(denied));
    for again in [Invocation::New, Invocation::Again, Invocation::Again] {
        let _ = scenario.track_as(event, again).await;
    }
    scenario.world.heal("SNS.Publish");
    scenario.transcript();
}

/// Lets time pass, and delivers the timers that fire meanwhile, each twice; how many fired.
pub(crate) async fn fire_timers(scenario: &mut Scenario, after: Duration) -> usize {
    scenario.world.advance(after);
    let due = scenario.world.due();
    for schedule in &due {
        scenario.fire(&schedule.input).await;
    }
    due.len()
}

/// The kinds of what was published since the last reading.
pub(crate) fn kinds(scenario: &mut Scenario) -> Vec<String> {
    scenario.notices().iter().map(|notice| notice.attributes["kind"].clone()).collect()
}

/// What the ledger remembers of `prod/web`.
pub(crate) fn remembered(scenario: &Scenario) -> Value {
    scenario.remembered("prod/web")
}

/// How the newest deployment ended, by the ledger.
pub(crate) fn outcome(scenario: &Scenario) -> String {
    remembered(scenario)["deployments"][0]["outcome"].as_str().unwrap_or("open").to_owned()
}

/// The minutes of the timers that are still to fire.
pub(crate) fn timers(scenario: &Scenario) -> Vec<String> {
    scenario
        .world
        .schedules()
        .iter()
        .map(|schedule| schedule.name.rsplit('T').next().unwrap_or_default().to_owned())
        .collect()
}

/// The revision that `prod/web` shall run, `web:2`.
pub(crate) fn runs(scenario: &Scenario) -> String {
    let request = json!({ "cluster": "prod", "services": ["web"] });
    let answer = scenario.world.by_hand("ECS.DescribeServices", request);
    let arn = answer["services"][0]["taskDefinition"].as_str().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}
