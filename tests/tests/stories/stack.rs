//! The stack: the template deployed by CloudFormation, the release binaries run by Lambda, and the way of a push through
//! the deployed rules to a queue and to Slack.

use e2e::stage::{Delivered, ROLES, Stage};
use e2e::world::{Failure, Image};
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
