//! The functions as Lambda runs them, in this process: their clients, which speak to World and live by its time, and
//! invocations.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use lambda_runtime::{Config, Context, LambdaEvent};
use serde_json::Value;
use slipway_aws::Aws;
use slipway_aws::clients::{Archive, Names};
use slipway_aws::clock::Clock;

use crate::world::World;

/// Clients for a function, whose time is the world's.
pub async fn aws(world: &World, function: &str) -> Aws {
    aws_with(world, function, Archive::IsLeftAlone).await
}

/// The same, where images may be restored from ECR's archive or not.
pub async fn aws_with(world: &World, function: &str, archive: Archive) -> Aws {
    let credentials = aws_credential_types::Credentials::new(function, "secret", None, None, "scenario");
    let settings = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(world.url())
        .region(Region::new(world.place().region.clone()))
        .credentials_provider(credentials)
        .time_source(Time::of(world))
        .load()
        .await;
    let arn = |name: &str| world.place().arn("lambda", &format!("function:slipway-{name}"));
    let names = Names {
        table: "slipway".to_owned(),
        schedule_group: "slipway".to_owned(),
        schedule_role: "arn:aws:iam::123456789012:role/slipway-schedules".to_owned(),
        schedule_dead_letters: "arn:aws:sqs:eu-west-1:123456789012:slipway-schedules-undelivered".to_owned(),
        deploy: arn("deploy"),
        topic: world.place().arn("sns", "slipway-notices"),
        function: format!("slipway-{function}"),
        archive,
    };
    let mut aws = Aws::new(&settings, &names);
    aws.clock = Clock::new(SharedTimeSource::new(Time::of(world)), SharedAsyncSleep::new(Sleeper::of(world)));
    aws
}

/// An invocation as Lambda gives it to a function: the request's number, that it has this much time, and the ARN by which it
/// was invoked.
pub fn event(
    payload: &Value,
    function: &str,
    arn: String,
    request: u32,
    now: SystemTime,
    time_left: Duration,
) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.request_id = format!("00000000-0000-4000-8000-{request:012}");
    context.invoked_function_arn = arn;
    let deadline = (now + time_left).duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    context.deadline = deadline.as_millis() as u64;
    context.env_config = Arc::new(Config { function_name: format!("slipway-{function}"), ..Config::default() });
    LambdaEvent::new(payload.clone(), context)
}

/// The ARN by which a function is invoked, with this end: `:read` for an alias, or none.
pub fn invoked(world: &World, function: &str, end: &str) -> String {
    world.place().arn("lambda", &format!("function:slipway-{function}{end}"))
}

/// The world's time, by which the functions date their leases.
pub struct Time(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Time {
    /// Of this world.
    pub fn of(world: &World) -> Self {
        Self(Arc::new(world.time()))
    }
}

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

/// Waits as long as it says, and the world's time goes on meanwhile.
struct Sleeper {
    time: Time,
    forward: Arc<dyn Fn(SystemTime) + Send + Sync>,
}

impl Sleeper {
    fn of(world: &World) -> Self {
        Self { time: Time::of(world), forward: Arc::new(world.forward()) }
    }
}

impl fmt::Debug for Sleeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sleeper by the world's time")
    }
}

impl AsyncSleep for Sleeper {
    fn sleep(&self, time: Duration) -> Sleep {
        let (until, forward) = (self.time.now() + time, Arc::clone(&self.forward));
        Sleep::new(async move {
            tokio::time::sleep(time).await;
            forward(until);
        })
    }
}
