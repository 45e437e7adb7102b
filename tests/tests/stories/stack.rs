//! The stack: the template deployed by CloudFormation, the release binaries run by Lambda, and the way of a push through
//! the deployed rules to a queue and to Slack.

use std::fs;
use std::path::Path;

use e2e::stage::{Delivered, ROLES, Stage};
use e2e::world::{Failure, Image};
use jiff::Timestamp;
use serde_json::{Value, json};

const CONFIG: &str = r#"
version: 1
targets: [{ repository: shop/web, cluster: prod, service: web, tags: { semver: "*" } }]
"#;

async fn stage() -> Stage {
    let stage = Stage::set(CONFIG, &mut |line| println!("{line}")).await.expect("the stage goes on");
    stage.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    stage.world.register(json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": ROLES[0], "taskRoleArn": ROLES[1],
        "containerDefinitions": [{
            "name": "web", "essential": true, "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2"
        }]
    }));
    stage.world.running_service(json!({
        "cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d"] } },
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } }
    }));
    stage
}

/// Sends a push all the way, and gives the stage back, so that the roles on it can be judged.
pub(crate) async fn a_push_goes_all_the_way() -> Stage {
    let stage = stage().await;
    let world = &stage.world;

    // A push of several manifests: the rule lets the tagged one through, and only that.
    let push = world.push("shop/web", ["1.5.0"], &Image::multi_platform("1.5.0"));
    let mut delivered = Vec::new();
    for event in &push.events {
        delivered.push(stage.deliver(event).await.expect("the stage goes on") == Delivered::ToFunctions);
    }
    assert_eq!(delivered.iter().filter(|delivered| **delivered).count(), 1);
    assert_eq!(writes(&stage), ["ECS.RegisterTaskDefinition", "ECS.UpdateService", "SNS.Publish"]);
    assert_eq!(told(&stage).await, "started Deploying to prod/web: shop/web:1.5.0 (was 1.4.2)");

    // The same event again.
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert_eq!(writes(&stage), [""; 0]);

    // The deployment ends, and a build that waits is told.
    for event in world.complete("prod", "web").events {
        stage.deliver(&event).await.expect("the stage goes on");
    }
    assert_eq!(told(&stage).await, "completed Deployed to prod/web: shop/web:1.5.0 (was 1.4.2)");
    let asked = json!({ "action": "status", "target": "prod/web", "digest": push.digest });
    let answer = stage.stack.invoke("deploy", &asked).await.expect("the stage goes on").expect("the stage goes on");
    assert_eq!((&answer["done"], &answer["ok"]), (&json!(true), &json!(true)), "{answer:#}");
    world.take_calls();

    // The next one fails, and ECS rolls it back.
    let push = world.push("shop/web", ["1.6.0"], &Image::single("1.6.0"));
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert_eq!(told(&stage).await, "started Deploying to prod/web: shop/web:1.6.0 (was 1.5.0)");
    let mut kinds = Vec::new();
    let mut events = world.fail("prod", "web", Failure::default()).events;
    events.extend(world.complete("prod", "web").events);
    for event in &events {
        world.take_calls();
        stage.deliver(event).await.expect("the stage goes on");
        for _ in writes(&stage) {
            kinds.push(told(&stage).await.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(kinds.last().map(String::as_str), Some("rolled_back"), "{kinds:?}");
    world.take_calls();
    world.take_events();
    stage
}

/// The deployed rules call for each event file just the function that acts on it; the emulator judges the patterns.
pub(crate) async fn every_event_finds_its_function(stage: &Stage) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let paths = fs::read_dir(folder).expect("the events").map(|entry| entry.expect("an entry").path());
    let mut called = 0;
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let mut event: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a file")).expect("JSON");
        // Whoever published a captured event left these out; the matcher insists on them.
        let envelope = event.as_object_mut().expect("an event");
        for member in ["id", "account", "time", "region", "version"] {
            envelope.entry(member).or_insert_with(|| json!("0"));
        }
        envelope.entry("resources").or_insert_with(|| json!([]));
        let rules = stage.stack.rules_for(&event).await.expect("the rules");
        let ruled: Vec<&str> = rules
            .iter()
            .flat_map(|rule| &rule.functions)
            .filter_map(|arn| Some(arn.rsplit_once("slipway-")?.1))
            .collect();
        let mut acting = Vec::new();
        if slipway_deploy::parse(event.clone()).is_ok_and(|event| event.is_some()) {
            acting.push("deploy");
        }
        if slipway_track::parse(event.clone(), Timestamp::UNIX_EPOCH).is_ok_and(|event| event.is_some()) {
            acting.push("track");
        }
        // A state of deployments that ECS learns later is seen by track's log, and by nothing else.
        if path.ends_with("ecs_deployment_unknown_name.json") {
            acting.push("track");
        }
        assert_eq!(ruled, acting, "{}", path.display());
        called += ruled.len();
    }
    assert!(called > 10, "the events call somebody");
}

/// The writes since the last reading.
fn writes(stage: &Stage) -> Vec<String> {
    let calls = stage.world.take_calls();
    calls.iter().filter(|call| call.is_write() && call.service != "SQS").map(|call| call.name()).collect()
}

/// The next notice: its kind and subject, after Slack got a message too.
async fn told(stage: &Stage) -> String {
    let notice = stage.inbox.next().await.expect("the stage goes on");
    let slack: Value = stage.slack.next().await.expect("a message in Slack");
    let headline = notice["Subject"].as_str().unwrap_or_default();
    assert!(slack["text"].as_str().unwrap_or_default().contains(headline), "{slack:#}");
    format!("{} {headline}", notice["MessageAttributes"]["kind"]["Value"].as_str().unwrap_or_default())
}
