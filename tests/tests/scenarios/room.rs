//! A room for scenarios about Slack: a world, a Slack that goes by the world's time, the queue between the topic and the
//! function, and the real function, as often as Lambda would run it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::SharedTimeSource;
use e2e::slack::Slack;
use e2e::world::World;
use jiff::Timestamp;
use lambda_runtime::{Config, Context, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::clock::Clock;
use slipway_core::model::id::{DeploymentId, TargetName};
use slipway_core::model::notice::{Notice, NoticeKind, Route, Severity};
use slipway_slack::{Poster, Settings, handle};

use crate::record;
use crate::scenario::{Time, aws, models};

/// The function's timeout in the template.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The queue's visibility timeout in the template: what is given back comes again after this.
const AGAIN: Duration = Duration::from_secs(360);

/// The template's batch size, and its maximum concurrency.
const BATCH: usize = 10;
const FUNCTIONS: usize = 2;

/// A room.
pub(crate) struct Room {
    /// AWS.
    pub(crate) world: Arc<World>,
    /// Slack.
    pub(crate) slack: Slack,
    name: &'static str,
    posters: Vec<Poster>,
    queue: VecDeque<Record>,
    /// The URL of the queue of what Slack refuses.
    pub(crate) refused: String,
    records: usize,
    invocations: usize,
}

#[derive(Clone, Debug)]
struct Record {
    id: String,
    body: String,
    from: SystemTime,
}

/// How the function writes to Slack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Bot,
    Webhook,
}

impl Room {
    pub(crate) async fn open(name: &'static str, by: By) -> Self {
        let world = Arc::new(World::alone(models()).start().await);
        let slack = Slack::by(world.time()).await;
        let topic = world.topic("slipway-notices");
        world.table("slipway");
        let refused = world.queue("slipway-slack-refused");
        let (variable, parameter) = match by {
            By::Bot => ("SLIPWAY_SLACK_TOKEN", "/slipway/slack-token"),
            By::Webhook => ("SLIPWAY_SLACK_WEBHOOK", "/slipway/slack-webhook"),
        };
        let settings = [
            (variable, format!("ssm:{parameter}")),
            ("SLIPWAY_SLACK_CHANNEL", "#deploys".to_owned()),
            ("SLIPWAY_SLACK_API", slack.api().to_owned()),
            ("SLIPWAY_TOPIC_ARN", topic),
            ("SLIPWAY_SLACK_REFUSED", refused.clone()),
        ];
        let set = |wanted: &str| settings.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        let settings = Settings::read(set).expect("right settings");
        let mut room = Self {
            world,
            slack,
            name,
            posters: Vec::new(),
            queue: VecDeque::new(),
            refused,
            records: 0,
            invocations: 0,
        };
        room.keep_secret(by);
        let sleeper = SharedAsyncSleep::new(Sleeper::of(&room.world));
        for _ in 0..FUNCTIONS {
            let mut aws = aws(&room.world, "slack").await;
            aws.clock = Clock::new(SharedTimeSource::new(Time::of(&room.world)), sleeper.clone());
            room.posters.push(Poster::new(aws, settings.clone()).await);
        }
        room
    }

    /// Puts Slack's secret into the Parameter Store as it is now.
    pub(crate) fn keep_secret(&self, by: By) {
        match by {
            By::Bot => self.world.secure_parameter("/slipway/slack-token", &self.slack.token()),
            By::Webhook => self.world.secure_parameter("/slipway/slack-webhook", &self.slack.webhook()),
        }
    }

    /// Publishes a notice: SNS wraps its face for queues, and puts it into the queue.
    pub(crate) fn publish(&mut self, notice: &Notice) {
        let faces: Value = serde_json::from_str(&notice.message()).expect("a notice's faces");
        let message = faces["sqs"].as_str().expect("a face for queues");
        self.enqueue(json!({ "Type": "Notification", "Subject": notice.subject(), "Message": message }).to_string());
    }

    /// Puts a text into the queue.
    pub(crate) fn enqueue(&mut self, body: String) {
        self.records += 1;
        self.queue.push_back(Record { id: format!("record-{}", self.records), body, from: self.world.time()() });
    }

    /// Publishes a notice, and runs the function on what is in the queue now, once.
    pub(crate) async fn deliver(&mut self, notice: &Notice) {
        self.publish(notice);
        self.run_once().await;
    }

    /// Runs the functions until the queue is empty; time passes as they and the queue need it.
    pub(crate) async fn run(&mut self) {
        while !self.queue.is_empty() {
            let now = self.world.time()();
            if let Some(soonest) = self.queue.iter().map(|record| record.from).min()
                && soonest > now
            {
                self.world.advance(soonest.duration_since(now).unwrap_or_default());
            }
            self.run_once().await;
        }
    }

    /// Runs the functions side by side on a batch each; what they give back goes into the queue again.
    pub(crate) async fn run_once(&mut self) {
        let now = self.world.time()();
        let mut batches = Vec::new();
        for _ in 0..FUNCTIONS {
            let mut batch = Vec::new();
            let mut rest = VecDeque::new();
            for record in std::mem::take(&mut self.queue) {
                if record.from <= now && batch.len() < BATCH {
                    batch.push(record);
                } else {
                    rest.push_back(record);
                }
            }
            self.queue = rest;
            batches.push(batch);
        }
        let mut running = Vec::new();
        for (poster, batch) in self.posters.iter().zip(batches) {
            if batch.is_empty() {
                continue;
            }
            self.invocations += 1;
            let context = context(&self.world, self.invocations);
            running.push(async {
                let given = invoke(poster, &batch, context).await;
                batch.into_iter().filter(|record| given.contains(&record.id)).collect::<Vec<_>>()
            });
        }
        let given_back = join(running).await;
        for record in given_back {
            self.queue.push_back(Record { from: now + AGAIN, ..record });
        }
    }

    /// Runs a function on all that is in the queue, and kills it as soon as Slack was asked so often in all: it learns no
    /// answer to the last.
    pub(crate) async fn crash_when_slack_was_asked(&mut self, times: usize) {
        let now = self.world.time()();
        let batch: Vec<Record> = self.queue.drain(..).collect();
        self.invocations += 1;
        let context = context(&self.world, self.invocations);
        let asked = async {
            while self.slack.asked().len() < times {
                tokio::task::yield_now().await;
            }
        };
        let invoked = async {
            invoke(&self.posters[0], &batch, context).await;
            panic!("{}: it came to its end", self.name);
        };
        tokio::select! { biased; () = asked => {}, () = invoked => {} }
        self.queue.extend(batch.into_iter().map(|record| Record { from: now + AGAIN, ..record }));
    }

    /// How many records wait in the queue.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Judges the scenario, and keeps its calls for the roles to be judged by.
    pub(crate) fn close(self) {
        self.world.take_calls();
        record::keep(self.name, self.world.calls());
    }
}

async fn invoke(poster: &Poster, batch: &[Record], context: Context) -> Vec<String> {
    let records: Vec<Value> =
        batch.iter().map(|record| json!({ "messageId": record.id, "body": record.body })).collect();
    let event = serde_json::from_value(json!({ "Records": records })).expect("an SQS event");
    let answer = handle(poster, LambdaEvent::new(event, context)).await.expect("an answer");
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

/// At most two futures, side by side on this thread.
async fn join<T>(futures: Vec<impl Future<Output = Vec<T>>>) -> Vec<T> {
    let mut futures = futures.into_iter();
    match (futures.next(), futures.next()) {
        (Some(one), Some(two)) => {
            let (mut one, two) = tokio::join!(one, two);
            one.extend(two);
            one
        }
        (Some(one), None) => one.await,
        (None, _) => Vec::new(),
    }
}

fn context(world: &World, invocation: usize) -> Context {
    let mut context = Context::default();
    context.request_id = format!("00000000-0000-4000-8000-{invocation:012}");
    context.invoked_function_arn = world.place().arn("lambda", "function:slipway-slack");
    let deadline = (world.time()() + TIMEOUT).duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    context.deadline = deadline.as_millis() as u64;
    context.env_config = Arc::new(Config { function_name: "slipway-slack".to_owned(), ..Config::default() });
    context
}

/// A notice of a deployment to `prod/web`, as the deploy and the track function publish them.
pub(crate) fn notice(deployment: &str, kind: NoticeKind, second: i64) -> Notice {
    let severity = match kind {
        NoticeKind::Completed => Severity::Success,
        NoticeKind::Failed | NoticeKind::RollingBack | NoticeKind::RolledBack | NoticeKind::RollbackFailed => {
            Severity::Failure
        }
        _ => Severity::Info,
    };
    let said = match kind {
        NoticeKind::Started => "Deploying to",
        NoticeKind::InProgress => "In progress on",
        NoticeKind::Completed => "Deployed to",
        NoticeKind::RollingBack => "Rolling back on",
        NoticeKind::RolledBack => "Deploy failed, rolled back on",
        _ => "Something happened to",
    };
    let start: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
    Notice {
        version: 1,
        id: format!("ecs-svc/{deployment}/{}", kind.as_str()),
        kind,
        severity,
        at: Timestamp::from_second(start.as_second() + second).expect("a time"),
        headline: format!("{said} prod/web: 1.{deployment}.0"),
        reason: "As the scenario has it.".to_owned(),
        target: Some(TargetName::new("prod/web")),
        deployment: Some(DeploymentId::new(format!("ecs-svc/{deployment}"))),
        details: match severity {
            Severity::Failure => vec!["web stopped with exit code 1".to_owned()],
            _ => Vec::new(),
        },
        ..Notice::default()
    }
}

/// A route to a channel.
pub(crate) fn route(channel: &str, on: &[&str]) -> Route {
    Route { slack: channel.to_owned(), on: on.iter().map(|&word| word.to_owned()).collect() }
}

/// Waits by the world's time: when everybody waits, time jumps to where the first of them goes on.
struct Sleeper {
    world: Arc<World>,
    waiting: Arc<Mutex<BTreeMap<(SystemTime, u64), ()>>>,
}

impl Sleeper {
    fn of(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), waiting: Arc::default() }
    }
}

impl fmt::Debug for Sleeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the world's sleeper")
    }
}

impl AsyncSleep for Sleeper {
    fn sleep(&self, time: Duration) -> Sleep {
        if time.is_zero() {
            return Sleep::new(std::future::ready(()));
        }
        let (world, waiting) = (Arc::clone(&self.world), Arc::clone(&self.waiting));
        Sleep::new(async move {
            let now = world.time();
            let until = now() + time;
            let key = {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let number = waiting.keys().map(|(_, number)| number + 1).max().unwrap_or_default();
                waiting.insert((until, number), ());
                (until, number)
            };
            while now() < until {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if waiting.keys().next() == Some(&key) && now() < until {
                    world.advance(until.duration_since(now()).unwrap_or_default());
                }
            }
            waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        })
    }
}
