//! The stack: the template deployed by CloudFormation, and the release binaries run by Lambda. A push goes through the
//! deployed rules to a queue and to Slack; and a deployment fails, from its first stopped task and the timer of its deadline
//! to the rollback.

use slipway_core::model::timer;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use e2e::bootstraps::Build;
use e2e::examples::{appspec, codedeploy, github_actions};
use e2e::stage::{Delivered, ROLES, Stage};
use e2e::world::{Call, CodeDeployStage, Failure, Image};
use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::model::id::TargetName;

/// prod/web and prod/checkout are of `infra/examples`; prod/api is beside them.
fn config() -> String {
    let web = include_str!("../../../infra/examples/github-actions/slipway.yaml");
    let checkout = include_str!("../../../infra/examples/codedeploy/slipway.yaml");
    let (_, checkout) = checkout.split_once("targets:\n").expect("targets");
    let api = "  - { repository: shop/api, cluster: prod, service: api, tags: { semver: \"*\" }, deadline: 1m }\n";
    format!("{web}{api}{checkout}")
}

/// The SHA of a commit.
fn sha(digit: char) -> String {
    digit.to_string().repeat(40)
}

async fn stage() -> Stage {
    let stage = Stage::set(&config(), Build::Release, &mut |line| println!("{line}")).await.expect("the stage goes on");
    stage.world.push("shop/api", ["2.0.0"], &Image::single("2.0.0"));
    stage.world.register(json!({
        "family": "api", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": ROLES[0],
        "containerDefinitions": [{
            "name": "api", "essential": true, "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/api:2.0.0",
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/api", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "api"
            }}
        }]
    }));
    // It has no circuit breaker: only Slipway ends its failed deployments.
    stage.world.running_service(json!({
        "cluster": "prod", "serviceName": "api", "taskDefinition": "api", "desiredCount": 2, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d"] } }
    }));
    let web = github_actions();
    assert_eq!([&web["executionRoleArn"], &web["taskRoleArn"]], ROLES[..2], "the roles that the stack may pass");
    stage.world.push("shop/checkout", [sha('0').as_str()], &Image::single(&sha('0')));
    codedeploy(&sha('0')).make(&stage.world, appspec);
    stage.world.register(web);
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

    // A push of several manifests: the rule lets only the tagged one through.
    let push = world.push("shop/web", ["1.5.0"], &Image::multi_platform("1.5.0"));
    let mut delivered = Vec::new();
    for event in &push.events {
        delivered.push(stage.deliver(event).await.expect("the stage goes on") == Delivered::ToFunctions);
    }
    assert_eq!(delivered.iter().filter(|delivered| **delivered).count(), 1);
    assert_eq!(writes(&stage), ["ECS.RegisterTaskDefinition", "ECS.UpdateService", "SNS.Publish"]);
    assert_eq!(published(&stage).await, "started Deploying to prod/web: shop/web:1.5.0");

    // The same event again.
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert_eq!(writes(&stage), [""; 0]);

    // The deployment ends, and a build that waits gets its answer.
    for event in world.complete("prod", "web").events {
        stage.deliver(&event).await.expect("the stage goes on");
    }
    assert_eq!(published(&stage).await, "completed Deployed to prod/web: shop/web:1.5.0");
    let asked = json!({ "action": "status", "target": "prod/web", "digest": push.digest });
    let answer = ask(&stage, "deploy:read", &asked).await;
    assert_eq!((&answer["done"], &answer["ok"]), (&json!(true), &json!(true)), "{answer:#}");
    world.take_calls();

    // It can do no more than that, and nobody asks anything without an alias.
    let rollback = json!({ "action": "rollback", "target": "prod/web" });
    for (function, request) in [("deploy:read", &rollback), ("deploy", &rollback), ("deploy", &asked)] {
        let answer = ask(&stage, function, request).await;
        assert_eq!(answer["error"]["code"], "not_allowed", "{function} {request}: {answer:#}");
    }
    assert_eq!(world.take_calls().len(), 0, "nothing is looked up for them");

    // The next one fails, and ECS rolls it back.
    let push = world.push("shop/web", ["1.6.0"], &Image::single("1.6.0"));
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert_eq!(published(&stage).await, "started Deploying to prod/web: shop/web:1.6.0 (was 1.5.0)");
    let mut kinds = Vec::new();
    let mut events = world.fail("prod", "web", Failure::default()).events;
    events.extend(world.complete("prod", "web").events);
    for event in &events {
        world.take_calls();
        stage.deliver(event).await.expect("the stage goes on");
        for _ in writes(&stage).iter().filter(|call| *call == "SNS.Publish") {
            kinds.push(published(&stage).await.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(kinds.last().map(String::as_str), Some("rolled_back"), "{kinds:?}");
    world.take_calls();
    world.take_events();
    stage
}

async fn ask(stage: &Stage, function: &str, request: &Value) -> Value {
    stage.stack.invoke(function, request).await.expect("the stage goes on").expect("the stage goes on")
}

/// A deployment that hangs fails by the timer of its deadline. Its evidence is published, and it is rolled back once.
pub(crate) async fn a_failing_deployment_is_rolled_back_when_its_deadline_passes(stage: &Stage) {
    let world = &stage.world;
    world.last_words(["Starting up.", "Error: DATABASE_URL is not set"]);
    let push = world.push("shop/api", ["2.1.0"], &Image::single("2.1.0"));
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert_eq!(published(stage).await, "started Deploying to prod/api: shop/api:2.1.0 (was 2.0.0)");
    // Its timers are named alike but for the minute.
    let name = timer::name(&TargetName::new("prod/api"), Timestamp::UNIX_EPOCH);
    let (of_api, _) = name.rsplit_once('-').expect("a name and a minute");
    let timers = stage.stack.schedules().await.expect("the schedules");
    assert!(timers.iter().any(|name| name.starts_with(of_api)), "its deadline has a timer: {timers:?}");

    // One task stops, and ECS sends no event beyond that.
    for event in world.stop_tasks("prod", "api", Failure::Exits { code: 1 }, 1).events {
        assert_eq!(stage.deliver(&event).await.expect("the stage goes on"), Delivered::ToFunctions);
    }
    world.take_calls();

    // The deadline is a minute, and a timer fires at a full minute.
    stage.until_called("ECS.StopServiceDeployment", Duration::from_secs(180)).await.expect("the deadline passes");
    let failing = next_of(stage, &["failed", "rolling_back"]).await;
    assert!(failing["Message"].as_str().unwrap_or_default().contains("DATABASE_URL"), "{failing:#}");
    let mut events = world.carry_out_stop("prod", "api").events;
    events.extend(world.complete("prod", "api").events);
    for event in &events {
        stage.deliver(event).await.expect("the stage goes on");
    }
    next_of(stage, &["rolled_back"]).await;
    let calls = world.calls();
    let of = |name: &str| calls.iter().filter(|call| call.name() == name && call.refused.is_none()).count();
    assert_eq!(of("ECS.StopServiceDeployment"), 1);

    // The same push again: the image is quarantined.
    world.take_calls();
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert_eq!(writes(stage), [""; 0]);
    let service = world.by_hand("ECS.DescribeServices", json!({ "cluster": "prod", "services": ["api"] }));
    assert!(service["services"][0]["taskDefinition"].as_str().unwrap_or_default().ends_with("/api:1"), "{service:#}");
    world.take_calls();
    world.take_events();
    a_commit_goes_through_codedeploy(stage).await;
}

/// The next notice of one of these kinds; others may come before it.
async fn next_of(stage: &Stage, kinds: &[&str]) -> Value {
    loop {
        let notice = stage.inbox.next().await.expect("the stage goes on");
        let _: Value = stage.slack.next().await.expect("a message in Slack");
        let kind = notice["MessageAttributes"]["kind"]["Value"].as_str().unwrap_or_default();
        println!("published: {kind} {}", notice["Subject"]);
        if kinds.contains(&kind) {
            return notice;
        }
    }
}

/// A commit is deployed by CodeDeploy, whose events go through the deployed rule. One that is pushed in the waiting hour is
/// deployed after it.
async fn a_commit_goes_through_codedeploy(stage: &Stage) {
    let world = &stage.world;
    let push = world.push("shop/checkout", [sha('a').as_str()], &Image::single(&sha('a')));
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert_eq!(writes(stage), ["ECS.RegisterTaskDefinition", "CodeDeploy.CreateDeployment", "SNS.Publish"]);
    until_published(stage, "started").await;
    code_deploy_goes_on(stage, CodeDeployStage::Serving).await;
    until_published(stage, "in_progress").await;
    let push = world.push("shop/checkout", [sha('b').as_str()], &Image::single(&sha('b')));
    stage.deliver(&push.event()).await.expect("the stage goes on");
    assert!(!writes(stage).contains(&"CodeDeploy.CreateDeployment".to_owned()), "it waits");
    code_deploy_goes_on(stage, CodeDeployStage::Ended).await;
    until_published(stage, "completed").await;
    until_published(stage, "started").await;
    code_deploy_goes_on(stage, CodeDeployStage::Serving).await;
    until_published(stage, "in_progress").await;
    code_deploy_goes_on(stage, CodeDeployStage::Ended).await;
    let completed = until_published(stage, "completed").await;
    assert!(completed["Subject"].as_str().unwrap_or_default().contains(&sha('b')), "{completed:#}");
    // Slack comes after it: the message of this deployment ends with that.
    let last = format!("✅ Deployed to prod/checkout: shop/checkout:{}", sha('b'));
    let began = Instant::now();
    while !stage.slack.view("#deploys").contains(&last) {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", stage.slack.view("#deploys"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.take_calls();
    world.take_events();
}

/// The open deployment by CodeDeploy comes so far, and its own events go to the functions.
async fn code_deploy_goes_on(stage: &Stage, until: CodeDeployStage) {
    for event in stage.world.move_code_deploy("prod", "checkout", until).events {
        let delivered = stage.deliver(&event).await.expect("the stage goes on");
        assert_eq!(delivered == Delivered::ToFunctions, event["source"] == "aws.codedeploy", "{event:#}");
    }
}

/// The next notice of this kind; others may come before it. Slack gets fewer messages than there are notices, where several of one
/// deployment come at once: an older one changes nothing any more.
async fn until_published(stage: &Stage, kind: &str) -> Value {
    loop {
        let notice = stage.inbox.next().await.expect("the stage goes on");
        println!("published: {} {}", notice["MessageAttributes"]["kind"]["Value"], notice["Subject"]);
        if notice["MessageAttributes"]["kind"]["Value"] == kind {
            return notice;
        }
    }
}

/// For each event file, the deployed rules call only the function that acts on it; the emulator matches the patterns.
pub(crate) async fn every_event_finds_its_function(stage: &Stage) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let paths = fs::read_dir(folder).expect("the events").map(|entry| entry.expect("an entry").path());
    let mut called = 0;
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let mut event: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a file")).expect("JSON");
        // Published captures of events leave these out, and the matcher needs them.
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
        // A new state of ECS only appears in track's log.
        if path.ends_with("ecs_deployment_unknown_name.json") {
            acting.push("track");
        }
        assert_eq!(ruled, acting, "{}", path.display());
        called += ruled.len();
    }
    assert!(called > 10, "the events call functions");
}

/// The writes since the last reading that others can see: not those to Slipway's own table, queues and schedules.
fn writes(stage: &Stage) -> Vec<String> {
    let calls = stage.world.take_calls();
    let own = ["SQS", "DynamoDB", "Scheduler"];
    calls.iter().filter(|call| call.is_write() && !own.contains(&call.service.as_str())).map(Call::name).collect()
}

/// The next notice: its kind and subject, after Slack got a message too.
async fn published(stage: &Stage) -> String {
    let notice = stage.inbox.next().await.expect("the stage goes on");
    let slack: Value = stage.slack.next().await.expect("a message in Slack");
    let headline = notice["Subject"].as_str().unwrap_or_default();
    assert!(slack["text"].as_str().unwrap_or_default().contains(headline), "{slack:#}");
    format!("{} {headline}", notice["MessageAttributes"]["kind"]["Value"].as_str().unwrap_or_default())
}
