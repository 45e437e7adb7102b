//! A story: a world, the real handlers with the real SDK, and what happens when events are delivered to them.
//!
//! Every event is delivered twice, and the second delivery may only read. What was written must be claimed.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_smithy_async::time::TimeSource;
use e2e::emulator;
use e2e::world::{Builder, Call, Image, Notice, Push, World, transcript};
use lambda_runtime::{Config, Context, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_aws::clients::Names;
use slipway_deploy::Deployer;
use slipway_track::Tracker;

use crate::record;

/// A configuration for the service `prod/web`, whose images are versions in `shop/web`.
pub(crate) const WEB: &str = r#"
version: 1
targets:
  - { repository: shop/web, cluster: prod, service: web, tags: { semver: "*" } }
"#;

/// A world and the two functions that a story delivers events to.
pub(crate) struct Story {
    /// AWS.
    pub(crate) world: World,
    name: &'static str,
    deployer: Deployer,
    tracker: Tracker,
    invocations: u32,
    time_left: Duration,
    log: String,
    told: Vec<Notice>,
}

/// How a second delivery is told apart from Lambda's own second try of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// A new one, with a request id of its own.
    New,
    /// Lambda tries the last one again.
    Again,
}

impl Story {
    /// A world with this configuration document in its Parameter Store.
    pub(crate) async fn begin(name: &'static str, config: &str) -> Self {
        Self::set(name, World::alone(models()), config).await
    }

    /// A world of the story's own making.
    pub(crate) async fn set(name: &'static str, world: Builder, config: &str) -> Self {
        let world = world.start().await;
        let topic = world.topic("slipway-notices");
        world.parameter("/slipway/config", config);
        world.table("slipway");
        world.schedule_group("slipway");
        let deployer = Deployer::new(aws(&world, "deploy").await, "ssm:/slipway/config", &topic).await;
        let tracker = Tracker::new(aws(&world, "track").await, "ssm:/slipway/config", &topic).await;
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
            told: Vec::new(),
        }
    }

    /// A world in which `prod/web` has been running `shop/web:1.4.2`, deployed by Terraform by its tag.
    pub(crate) async fn of_web(name: &'static str) -> Self {
        let story = Self::begin(name, WEB).await;
        story.web_runs("1.4.2");
        story
    }

    /// Pushes an image of `shop/web` under this tag, and makes the service `prod/web`, which runs it.
    pub(crate) fn web_runs(&self, tag: &str) -> Push {
        let push = self.world.push("shop/web", [tag], &Image::single(tag));
        self.world.register(web_definition(tag));
        self.world.running_service(service("web"));
        push
    }

    /// Pushes an image of `shop/web` and delivers its event, twice; the first answer.
    pub(crate) async fn push_web(&mut self, tag: &str) -> Value {
        let push = self.world.push("shop/web", [tag], &Image::single(tag));
        self.deploy(&push.event()).await
    }

    /// Pushes an image of `shop/web` that will be refused; see [`Story::deploy_refused`].
    pub(crate) async fn push_web_refused(&mut self, tag: &str) -> Value {
        let push = self.world.push("shop/web", [tag], &Image::single(tag));
        self.deploy_refused(&push.event()).await
    }

    /// Delivers an event that is refused to the deploy function, twice: the refusal is told again, under the same id,
    /// because nothing is left behind by which a repeat could be known.
    pub(crate) async fn deploy_refused(&mut self, event: &Value) -> Value {
        let answer = self.deploy_once(event, Invocation::New).await.expect("an answer");
        self.read_on();
        let first = self.notices();
        self.deploy_once(event, Invocation::New).await.expect("an answer to the second delivery");
        let again = self.notices();
        assert!(again.iter().all(|notice| first.iter().any(|one| id(one) == id(notice))), "{}: news", self.name);
        let took_effect = |call: &Call| call.is_write() && call.service != "SNS" && call.refused.is_none();
        let others = self.world.take_calls().into_iter().filter(took_effect);
        assert_eq!(others.map(|call| call.name()).collect::<Vec<_>>(), [""; 0], "{}: it wrote again", self.name);
        self.told.extend(first);
        answer
    }

    /// Starts the deploy function anew, so that it reads its configuration.
    pub(crate) async fn forget_config(&mut self) {
        self.configured_by("ssm:/slipway/config").await;
    }

    /// Starts the deploy function anew with this `SLIPWAY_CONFIG`.
    pub(crate) async fn configured_by(&mut self, setting: &str) {
        let aws = aws(&self.world, "deploy").await;
        let topic = self.world.topic("slipway-notices");
        self.deployer = Deployer::new(aws, setting, &topic).await.expect("right settings");
    }

    /// Starts the track function anew, so that it reads its configuration.
    pub(crate) async fn restart_track(&mut self) {
        let aws = aws(&self.world, "track").await;
        let topic = self.world.topic("slipway-notices");
        self.tracker = Tracker::new(aws, "ssm:/slipway/config", &topic).await.expect("right settings");
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
        let event = LambdaEvent::new(payload.clone(), self.context("deploy", invocation));
        let answer = slipway_deploy::handle(&self.deployer, event).await;
        answer.map_err(|failure| lambda_runtime::Diagnostic::from(failure).error_type)
    }

    /// Sends a manual request to the deploy function, once; the answer.
    pub(crate) async fn ask(&mut self, request: Value) -> Value {
        self.deploy_once(&request, Invocation::New).await.expect("an answer")
    }

    /// Delivers an event to the track function, twice; the answers are told by the notices.
    ///
    /// Track keeps no memory yet, so the second delivery publishes the same notice again, under the same id.
    pub(crate) async fn track(&mut self, event: &Value) {
        let before = self.notices();
        self.told = self.notices();
        self.track_once(event).await.expect("an answer");
        self.read_on();
        let first = self.world.notices();
        self.track_once(event).await.expect("an answer to the second delivery");
        let again = self.world.notices();
        let ids = |notices: &[Notice]| notices.iter().map(id).collect::<Vec<_>>();
        assert_eq!(ids(&first), ids(&again), "{}: a copy bears the same id", self.name);
        self.world.take_calls();
        self.told.extend(before.into_iter().chain(first));
    }

    /// Delivers an event to the track function, once.
    pub(crate) async fn track_once(&mut self, event: &Value) -> Result<Value, String> {
        let event = LambdaEvent::new(event.clone(), self.context("track", Invocation::New));
        let answer = slipway_track::handle(&self.tracker, event).await;
        answer.map_err(|failure| lambda_runtime::Diagnostic::from(failure).error_type)
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
        let mut notices = std::mem::take(&mut self.told);
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

    /// Judges the story, and keeps its calls for the roles to be judged by.
    pub(crate) fn end(self) {
        record::keep(self.name, self.world.calls());
        self.world.finish();
    }

    fn context(&mut self, function: &str, invocation: Invocation) -> Context {
        if invocation == Invocation::New {
            self.invocations += 1;
        }
        let mut context = Context::default();
        context.request_id = format!("00000000-0000-4000-8000-{:012}", self.invocations);
        context.invoked_function_arn = self.world.place().arn("lambda", &format!("function:slipway-{function}"));
        let deadline = self.world.time()() + self.time_left;
        let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
        context.deadline = deadline.as_millis() as u64;
        context.env_config = Arc::new(Config { function_name: format!("slipway-{function}"), ..Config::default() });
        context
    }

    /// The calls of the second delivery, which may only read.
    #[track_caller]
    fn only_reads(&mut self, answer: &Value) {
        let calls = self.world.take_calls();
        let writes: BTreeSet<String> = calls.iter().filter(|call| call.is_write()).map(Call::name).collect();
        assert!(writes.is_empty(), "{}: the second delivery wrote {writes:?}, and answered {answer:#}", self.name);
        self.log.push_str("again\n");
        self.log.push_str(&indented(&transcript(&calls)));
    }

    fn read_on(&mut self) {
        let calls = self.world.transcript();
        self.log.push_str(&indented(&calls));
    }
}

/// A notice's id, which copies share.
pub(crate) fn id(notice: &Notice) -> String {
    let faces: Value = serde_json::from_str(&notice.message).unwrap_or_default();
    let notice: Value = serde_json::from_str(faces["sqs"].as_str().unwrap_or_default()).unwrap_or_default();
    notice["id"].as_str().unwrap_or_default().to_owned()
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

async fn aws(world: &World, function: &str) -> Aws {
    let credentials = aws_credential_types::Credentials::new(function, "secret", None, None, "story");
    let settings = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(world.url())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .time_source(Time(Arc::new(world.time())))
        .load()
        .await;
    let function = |name: &str| world.place().arn("lambda", &format!("function:slipway-{name}"));
    let names = Names {
        table: "slipway".to_owned(),
        schedule_group: "slipway".to_owned(),
        schedule_role: "arn:aws:iam::123456789012:role/slipway-schedules".to_owned(),
        deploy: function("deploy"),
        track: function("track"),
    };
    Aws::new(&settings, &names)
}

/// The world's time, by which the functions date their leases.
struct Time(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the world's time")
    }
}

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0()
    }
}
