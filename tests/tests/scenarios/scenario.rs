//! A scenario: a world, the real handlers with the real SDK, and what happens when events are delivered to them.
//!
//! Every event is delivered twice, and the second delivery may only read, and take and let go of the lease. What was
//! written must be claimed.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use e2e::emulator;
use e2e::functions::{self, aws_with, invoked};
pub(crate) use e2e::functions::{Time, aws};
use e2e::world::{Builder, Call, Image, Notice, Push, World, transcript};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_aws::clients::Archive;
use slipway_engine::Engine;

use crate::record;

/// A configuration for the service `prod/web`, whose images are versions in `shop/web`.
pub(crate) const WEB: &str = r#"
version: 1
targets:
  - { repository: shop/web, cluster: prod, service: web, tags: { semver: "*" } }
"#;

/// A world and the two functions that a scenario delivers events to.
pub(crate) struct Scenario {
    /// AWS.
    pub(crate) world: World,
    name: &'static str,
    deployer: Engine<Aws>,
    tracker: Engine<Aws>,
    invocations: u32,
    time_left: Duration,
    log: String,
    reported: Vec<Notice>,
}

/// How a second delivery differs from Lambda's own second try of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// A new one, with a request id of its own.
    New,
    /// Lambda tries the last one again.
    Again,
}

/// Whether a function was killed before it came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Killed {
    /// It was.
    Yes,
    /// It wasn't.
    No,
}

impl Scenario {
    /// A world with this configuration document in its Parameter Store.
    pub(crate) async fn begin(name: &'static str, config: &str) -> Self {
        Self::set(name, World::alone(models()), config).await
    }

    /// A world of the scenario's own making.
    pub(crate) async fn set(name: &'static str, world: Builder, config: &str) -> Self {
        let world = world.start().await;
        world.topic("slipway-notices");
        world.parameter("/slipway/config", config);
        world.table("slipway");
        world.schedule_group("slipway");
        let deployer = Engine::start(aws(&world, "deploy").await, "ssm:/slipway/config").await;
        let tracker = Engine::start(aws(&world, "track").await, "ssm:/slipway/config").await;
        let (deployer, tracker) = (deployer.expect("right settings"), tracker.expect("right settings"));
        world.take_calls();
        Self {
            world,
            name,
            deployer,
            tracker,
            invocations: 0,
            time_left: Duration::from_secs(300),
            log: String::new(),
            reported: Vec::new(),
        }
    }

    /// A world in which `prod/web` has been running `shop/web:1.4.2`, deployed by Terraform by its tag.
    pub(crate) async fn of_web(name: &'static str) -> Self {
        let scenario = Self::begin(name, WEB).await;
        scenario.web_runs("1.4.2");
        scenario
    }

    /// Pushes an image of `shop/web` under this tag, and makes the service `prod/web`, which runs it.
    pub(crate) fn web_runs(&self, tag: &str) -> Push {
        let push = self.world.push("shop/web", [tag], &Image::single(tag));
        self.world.register(web_definition(tag));
        self.world.running_service(service("web"));
        push
    }

    /// Makes another service in the cluster `prod`, which runs the family `web`.
    pub(crate) fn also_runs_web(&self, name: &str) {
        let mut request = service(name);
        request["taskDefinition"] = json!("web");
        self.world.running_service(request);
    }

    /// Pushes an image of `shop/web` and delivers its event, twice; the first answer.
    pub(crate) async fn push_web(&mut self, tag: &str) -> Value {
        let push = self.world.push("shop/web", [tag], &Image::single(tag));
        self.deploy(&push.event()).await
    }

    /// Starts the deploy function anew, so that it reads its configuration.
    pub(crate) async fn forget_config(&mut self) {
        self.configured_by("ssm:/slipway/config").await;
    }

    /// Starts the deploy function anew with this `SLIPWAY_CONFIG`.
    pub(crate) async fn configured_by(&mut self, setting: &str) {
        let aws = aws(&self.world, "deploy").await;
        self.deployer = Engine::start(aws, setting).await.expect("right settings");
    }

    /// Starts the track function anew, so that it reads its configuration.
    pub(crate) async fn restart_track(&mut self) {
        let aws = aws(&self.world, "track").await;
        self.tracker = Engine::start(aws, "ssm:/slipway/config").await.expect("right settings");
    }

    /// Starts both functions anew as the template's parameter `RestoreArchivedImages` sets them.
    pub(crate) async fn restores_archived_images(&mut self) {
        let aws = aws_with(&self.world, "deploy", Archive::Restores).await;
        self.deployer = Engine::start(aws, "ssm:/slipway/config").await.expect("right settings");
        let aws = aws_with(&self.world, "track", Archive::Restores).await;
        self.tracker = Engine::start(aws, "ssm:/slipway/config").await.expect("right settings");
    }

    /// Delivers an event to the deploy function, twice; the first answer.
    pub(crate) async fn deploy(&mut self, event: &Value) -> Value {
        let answer = self.deploy_once(event, Invocation::New).await.expect("an answer");
        self.read_on();
        self.world.advance(Duration::from_secs(1));
        let again = self.deploy_once(event, Invocation::New).await.expect("an answer to the second delivery");
        self.only_reads(&again);
        answer
    }

    /// Delivers an event or a request to the deploy function once; the error is the one that Lambda would see.
    pub(crate) async fn deploy_once(&mut self, payload: &Value, invocation: Invocation) -> Result<Value, String> {
        let event = self.event("deploy", payload, invocation);
        let answer = slipway_deploy::handle(&self.deployer, event).await;
        answer.map_err(|failure| failure.error_type)
    }

    /// Delivers events to the deploy function side by side, each once; the answers.
    pub(crate) async fn deploy_at_once(&mut self, payloads: &[Value]) -> Vec<Value> {
        let events: Vec<_> = payloads.iter().map(|payload| self.event("deploy", payload, Invocation::New)).collect();
        let answers = events.into_iter().map(|event| slipway_deploy::handle(&self.deployer, event));
        side_by_side(answers.collect()).await.into_iter().map(|answer| answer.expect("an answer")).collect()
    }

    /// Delivers a payload to the deploy function, which is killed as soon as so many calls have come to AWS since now; the
    /// last of them is planned to be late by then. Whether it was killed.
    pub(crate) async fn deploy_until(&mut self, payload: &Value, calls: usize, invocation: Invocation) -> Killed {
        self.killed_at(payload, invocation, "", calls).await
    }

    /// As [`Scenario::deploy_until`], at the `nth` call of this name.
    pub(crate) async fn deploy_until_call(&mut self, payload: &Value, name: &str, nth: usize) -> Killed {
        self.killed_at(payload, Invocation::New, name, nth).await
    }

    async fn killed_at(&mut self, payload: &Value, invocation: Invocation, name: &str, nth: usize) -> Killed {
        let before = self.world.calls().len();
        let event = self.event("deploy", payload, invocation);
        let killed = self.decided(before, name, nth);
        tokio::select! {
            biased;
            _ = slipway_deploy::handle(&self.deployer, event) => Killed::No,
            () = killed => Killed::Yes,
        }
    }

    /// As [`Scenario::deploy_until`], for the track function; a timer's payload goes to the deploy function.
    pub(crate) async fn track_until(&mut self, payload: &Value, calls: usize, invocation: Invocation) -> Killed {
        if payload.get("slipway").is_some() {
            return self.deploy_until(payload, calls, invocation).await;
        }
        let before = self.world.calls().len();
        let event = self.event("track", payload, invocation);
        let killed = self.decided(before, "", calls);
        tokio::select! {
            biased;
            _ = slipway_track::handle(&self.tracker, event) => Killed::No,
            () = killed => Killed::Yes,
        }
    }

    /// Waits until the `nth` call since then whose name begins so has had its effect.
    async fn decided(&self, before: usize, name: &str, nth: usize) {
        loop {
            let calls = self.world.calls();
            if calls[before..]
                .iter()
                .filter(|call| call.name().starts_with(name))
                .nth(nth - 1)
                .is_some_and(|it| it.decided)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Delivers an event, and another one after so much time while the first is still under way; both answers.
    pub(crate) async fn overtaken(&mut self, first: &Value, second: &Value, time: Duration) -> (Value, Value) {
        let one = self.event("deploy", first, Invocation::New);
        let mut other = self.event("deploy", second, Invocation::New);
        other.context.deadline += u64::try_from(time.as_millis()).unwrap_or_default();
        let (one, other) = tokio::join!(slipway_deploy::handle(&self.deployer, one), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.world.advance(time);
            slipway_deploy::handle(&self.deployer, other).await
        });
        (one.expect("an answer"), other.expect("an answer"))
    }

    /// Lets time pass, and delivers the timers that fire meanwhile; how many did.
    pub(crate) async fn fire_timers_after(&mut self, time: Duration) -> usize {
        self.world.advance(time);
        let due = self.world.due();
        for schedule in &due {
            drop(self.deploy_once(&schedule.input, Invocation::New).await);
        }
        due.len()
    }

    /// What the ledger remembers of a service.
    pub(crate) fn remembered(&self, target: &str) -> Value {
        self.world.record_of(target)
    }

    /// Every deployment that the service `prod/web` ever had, newest first, but the first.
    pub(crate) fn updates(&self) -> usize {
        let request = json!({ "cluster": "prod", "service": "web" });
        // ECS refuses it for a service that CodeDeploy deploys.
        let answer = self.world.try_by_hand("ECS.ListServiceDeployments", request).unwrap_or_default();
        let by_ecs = answer["serviceDeployments"].as_array().map_or(0, Vec::len);
        let answer = self.world.by_hand("CodeDeploy.ListDeployments", json!({}));
        by_ecs + answer["deployments"].as_array().map_or(0, Vec::len) - 1
    }

    /// The image that the service `prod/web` shall run.
    pub(crate) fn running(&self) -> String {
        let request = json!({ "cluster": "prod", "services": ["web"] });
        let service = self.world.by_hand("ECS.DescribeServices", request);
        let revision = service["services"][0]["taskDefinition"].clone();
        let answer = self.world.by_hand("ECS.DescribeTaskDefinition", json!({ "taskDefinition": revision }));
        let image = answer["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
        image.rsplit(['@']).next().unwrap_or_default().to_owned()
    }

    /// Claims what was written since the last reading, whatever it was.
    pub(crate) fn claim(&mut self) {
        self.transcript();
    }

    /// Sends a manual request to the deploy function as who operates it, once; the answer.
    pub(crate) async fn ask(&mut self, request: Value) -> Value {
        self.ask_through(":operate", request).await
    }

    /// Sends a payload to the deploy function by the name that ends so: `:read` for an alias, and empty for none.
    pub(crate) async fn ask_through(&mut self, end: &str, payload: Value) -> Value {
        let mut event = self.event("deploy", &payload, Invocation::New);
        event.context.invoked_function_arn = invoked(&self.world, "deploy", end);
        let answer = slipway_deploy::handle(&self.deployer, event).await.map_err(|failure| failure.error_type);
        // Nobody asks and pushes in the same instant.
        self.world.advance(Duration::from_secs(1));
        answer.expect("an answer")
    }

    /// Delivers an event to the track function, twice; the first answer. The second delivery finds nothing left to do.
    pub(crate) async fn track(&mut self, event: &Value) -> Value {
        let answer = self.track_once(event).await.expect("an answer");
        self.read_on();
        let log = self.log.len();
        let again = self.track_once(event).await.expect("an answer to the second delivery");
        self.only_reads(&again);
        // A repeated look says nothing new.
        self.log.truncate(log);
        answer
    }

    /// Delivers what a timer sends to the deploy function, twice; the second delivery finds nothing left to do.
    pub(crate) async fn fire(&mut self, payload: &Value) -> Value {
        let answer = self.deploy_once(payload, Invocation::New).await.expect("an answer");
        self.read_on();
        let log = self.log.len();
        let again = self.deploy_once(payload, Invocation::New).await.expect("an answer to the second delivery");
        self.only_reads(&again);
        self.log.truncate(log);
        answer
    }

    /// Delivers an event to the track function, once.
    pub(crate) async fn track_once(&mut self, event: &Value) -> Result<Value, String> {
        self.track_as(event, Invocation::New).await
    }

    /// Delivers an event to the track function once, for the first time or as Lambda's own next try.
    pub(crate) async fn track_as(&mut self, event: &Value, invocation: Invocation) -> Result<Value, String> {
        // A timer's payload goes to the deploy function, as the schedule says.
        if event.get("slipway").is_some() {
            return self.deploy_once(event, invocation).await;
        }
        let event = self.event("track", event, invocation);
        let answer = slipway_track::handle(&self.tracker, event).await;
        answer.map_err(|failure| failure.error_type)
    }

    /// From now on the functions have this much time for an invocation.
    pub(crate) fn time_left(&mut self, time_left: Duration) {
        self.time_left = time_left;
    }

    /// The AWS calls since the last reading, which claims them; those of a second delivery stand below `again`.
    pub(crate) fn transcript(&mut self) -> String {
        self.read_on();
        std::mem::take(&mut self.log)
    }

    /// The notices since the last reading, each with its subject and its text.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        let mut notices = std::mem::take(&mut self.reported);
        notices.extend(self.world.notices());
        notices
    }

    /// What was published since the last reading, as its kinds and subjects.
    pub(crate) fn subjects(&mut self) -> Vec<String> {
        self.notices().iter().map(|notice| format!("{}: {}", notice.attributes["kind"], notice.subject)).collect()
    }

    /// The one notice since the last reading as its e-mail reads.
    #[track_caller]
    pub(crate) fn email(&mut self) -> String {
        let notices = self.notices();
        let [notice] = notices.as_slice() else { panic!("one notice, and not {notices:#?}") };
        let faces: Value = serde_json::from_str(&notice.message).expect("the faces of a notice");
        let text = faces["email"].as_str().expect("a text");
        // The one thing in it that another run says differently: when it was said.
        let said = regex::Regex::new(r"Slipway, \S+ \S+ UTC").expect("a pattern");
        format!("Subject: {}\n\n{}", notice.subject, said.replace(text, "Slipway, NOW"))
    }

    /// The world and its functions, for who delivers by himself.
    pub(crate) fn into_parts(self) -> (World, Engine<Aws>, Engine<Aws>) {
        (self.world, self.deployer, self.tracker)
    }

    /// Judges the scenario, and keeps its calls for the roles to be judged by.
    pub(crate) fn end(self) {
        record::keep(self.name, self.world.calls());
        self.world.finish();
    }

    fn event(&mut self, function: &str, payload: &Value, invocation: Invocation) -> LambdaEvent<Value> {
        if invocation == Invocation::New {
            self.invocations += 1;
        }
        event(&self.world, function, payload, self.invocations, self.time_left)
    }

    /// The calls of the second delivery, which may only read.
    #[track_caller]
    fn only_reads(&mut self, answer: &Value) {
        let calls = self.world.take_calls();
        // A timer that is there already is made once more in vain.
        let wrote = |call: &&Call| call.is_write() && !call.is_lease() && call.refused.is_none();
        let writes: BTreeSet<String> = calls.iter().filter(wrote).map(Call::name).collect();
        assert!(writes.is_empty(), "{}: the second delivery wrote {writes:?}, and answered {answer:#}", self.name);
        self.log.push_str("again\n");
        self.log.push_str(&indented(&transcript(&calls)));
    }

    fn read_on(&mut self) {
        let calls = self.world.transcript();
        self.log.push_str(&indented(&calls));
    }
}

/// Lets these go on side by side until all have ended.
pub(crate) async fn side_by_side<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut ended: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, ended) in running.iter_mut().zip(&mut ended) {
            if ended.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *ended = Some(output);
            }
        }
        if ended.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    ended.into_iter().flatten().collect()
}

/// An invocation of a function. People's requests come through the alias of who operates Slipway; all else comes by itself.
pub(crate) fn event(
    world: &World,
    function: &str,
    payload: &Value,
    request: u32,
    time_left: Duration,
) -> LambdaEvent<Value> {
    let end = if payload.get("action").is_some() { ":operate" } else { "" };
    functions::event(payload, function, invoked(world, function, end), request, world.time()(), time_left)
}

/// A notice's id, which copies share.
pub(crate) fn id(notice: &Notice) -> String {
    queued(notice)["id"].as_str().unwrap_or_default().to_owned()
}

/// A notice as a queue gets it.
pub(crate) fn queued(notice: &Notice) -> Value {
    let faces: Value = serde_json::from_str(&notice.message).unwrap_or_default();
    serde_json::from_str(faces["sqs"].as_str().unwrap_or_default()).unwrap_or_default()
}

fn indented(transcript: &str) -> String {
    transcript.lines().map(|line| format!("  {line}\n")).collect()
}

/// A Fargate task definition with one container, `web`, of `shop/web` with this tag.
pub(crate) fn web_definition(tag: &str) -> Value {
    json!({
        "family": "web",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/web-execution",
        "taskRoleArn": "arn:aws:iam::123456789012:role/web-task",
        "containerDefinitions": [{
            "name": "web",
            "image": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:{tag}"),
            "essential": true,
            "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }],
            "environment": [{ "name": "LOG_LEVEL", "value": "info" }]
        }],
        "tags": [{ "key": "team", "value": "shop" }]
    })
}

/// A request to create a service in the cluster `prod` from the family of its name.
pub(crate) fn service(name: &str) -> Value {
    json!({
        "cluster": "prod",
        "serviceName": name,
        "taskDefinition": name,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d"] } }
    })
}

/// The same service with ECS's circuit breaker, which rolls back.
pub(crate) fn service_with_breaker(name: &str) -> Value {
    let mut service = service(name);
    service["deploymentConfiguration"] = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    service
}

/// botocore's service models.
pub(crate) fn models() -> std::path::PathBuf {
    emulator::models()
}
