//! The deploy function: an ECR push or a manual request in, a new revision that runs out.
//!
//! [`handle`] is the five words: parse, look, decide, do, tell.

mod act;
mod again;
mod builds;
mod choose;
mod event;
mod lease;
mod look;
mod plan;
mod push;
mod recall;
mod reconcile;
mod requests;
mod serve;
mod status;
mod tell;

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp, ToSpan};
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::Value;
use slipway_aws::document::Document;
use slipway_aws::execute::Registrations;
use slipway_aws::metric::{Metric, Metrics};
use slipway_aws::{Aws, Error};
use slipway_core::answer::{self, Answer};
use slipway_core::config::{Mistake, Mistakes, Source};
use slipway_core::id::{EventId, Home, TargetName};
use slipway_core::image::{Digest, Tag};
use slipway_core::notice::Notice;
use slipway_core::plan::Plan;
use tokio::time::Instant;
use tracing::{error, info, warn};

pub use event::{Event, Push, parse};

use act::Ending;
use builds::Builds;
use lease::Holder;
use look::Look;
use plan::Planner;

/// So many targets are worked on at once. More connections than that cost a small function more than they win it.
const AT_ONCE: usize = 16;

/// What the function keeps from one invocation to the next.
#[derive(Debug)]
pub struct Deployer {
    aws: Aws,
    document: Document,
    topic: String,
    builds: Builds,
}

impl Deployer {
    /// Settings that cannot be right are the error; the document itself is read here, and again when it is used.
    pub async fn new(aws: Aws, config: &str, topic: &str) -> Result<Self, Mistake> {
        let source = Source::parse(config)?;
        if topic.is_empty() {
            return Err(Mistake::of_setting("SLIPWAY_TOPIC_ARN", "is empty; it is the ARN of the topic for notices"));
        }
        let (document, builds) = (Document::new(source), Builds::default());
        let deployer = Self { aws, document, topic: topic.to_owned(), builds };
        // Init has a full core, an invocation may not; what fails here is tried again, and told, by the invocation.
        if let Err(error) = deployer.document.read(&deployer.aws).await {
            error!(%error, "the configuration could not be read at the start");
        }
        Ok(deployer)
    }
}

/// Answers one invocation. The error asks Lambda for another try; everything else is told and answered.
pub async fn handle(deployer: &Deployer, invocation: LambdaEvent<Value>) -> Result<Value, Failure> {
    let (payload, context) = invocation.into_parts();
    let is_event = payload.get("detail-type").is_some();
    let event = match parse(payload) {
        Ok(Some(event)) => event,
        Ok(None) => {
            info!("the event is not for this function");
            return Ok(push::ignored());
        }
        Err(mistakes) => {
            error!(?mistakes, "the payload has mistakes");
            // Nobody reads the answer to an event.
            if is_event {
                Metrics::of(&context.env_config.function_name).count(Metric::Refusals, None);
            }
            return Ok(answer::of_mistakes(&mistakes));
        }
    };
    let Some(home) = Home::of_arn(&context.invoked_function_arn) else {
        return Ok(answer::of_mistakes(&[Mistake::of_setting("invoked_function_arn", "is not an ARN")]));
    };
    let call = Call::of(deployer, &home, &context);
    deployer.builds.forget_failures();
    let config = match deployer.document.read(&deployer.aws).await {
        Ok(Ok(config)) => config,
        Ok(Err(mistakes)) => return call.wrong_configuration(&mistakes).await,
        Err(error) => return call.unreadable_configuration(error).await,
    };
    match event {
        // Their states are large; on the heap they leave the stack to the SDK.
        Event::Push(push) => Box::pin(call.push(&config, &push)).await,
        Event::Wake(target) => Box::pin(call.wake(&config, &target)).await,
        Event::Request(request) => Box::pin(call.request(&config, &request)).await,
    }
}

/// Some of it failed in a way that another try can mend; Lambda tries an asynchronous invocation twice more.
#[derive(Clone, Debug)]
pub struct Failure {
    error_type: String,
    message: String,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.error_type, error_message: failure.message }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error_type: error.error_type(), message: error.to_string() }
    }
}

/// One invocation.
struct Call<'a> {
    deployer: &'a Deployer,
    home: &'a Home,
    context: &'a Context,
    /// No step begins after this.
    until: Instant,
    /// As whom it takes leases.
    holder: Holder,
    /// The revisions registered in it.
    registrations: Registrations,
}

impl<'a> Call<'a> {
    fn of(deployer: &'a Deployer, home: &'a Home, context: &'a Context) -> Self {
        /// A lease outlives its holder's deadline, whatever the clocks say.
        const SURELY_DEAD_SECONDS: i64 = 30;
        let now = deployer.aws.now();
        let deadline = Timestamp::try_from(context.deadline()).unwrap_or(now);
        let left = deadline.duration_since(now).max(SignedDuration::ZERO).unsigned_abs();
        let until = deadline.max(now).saturating_add(SURELY_DEAD_SECONDS.seconds()).unwrap_or(now);
        Self {
            deployer,
            home,
            context,
            until: until_of(left),
            holder: Holder { id: context.request_id.clone(), until },
            registrations: Registrations::default(),
        }
    }

    fn planner<'p>(&'p self, look: &'p Look<'p>) -> Planner<'p> {
        Planner { look, home: self.home, request: &self.context.request_id }
    }

    async fn publish(&self, notices: Vec<Notice>) -> Result<(), Failure> {
        let metrics = Metrics::of(&self.context.env_config.function_name);
        let document = &self.deployer.document;
        let notices = join_all(notices.into_iter().map(|notice| document.routed(notice))).await;
        tell::publish(&self.deployer.aws, &self.deployer.topic, notices, &metrics).await
    }

    /// A document with mistakes deploys nothing, and says so loudly.
    async fn wrong_configuration(&self, mistakes: &Mistakes) -> Result<Value, Failure> {
        self.tell_once(Notice::config_invalid(self.home, mistakes, self.now())).await?;
        Ok(answer::of_config(mistakes))
    }

    /// So does a document that is not there, or may not be read; one that could not be reached is tried again.
    async fn unreadable_configuration(&self, error: Error) -> Result<Value, Failure> {
        if error.kind.is_passing() {
            return Err(error.into());
        }
        let place = self.deployer.document.source().to_string();
        self.tell_once(Notice::config_unreadable(self.home, &place, &error.reason(), self.now())).await?;
        Ok(answer::of_error(&error.reason()))
    }

    /// Tells what nobody told yet. A ledger that cannot be asked keeps nobody from being told: a copy bears the same id.
    async fn tell_once(&self, notice: Notice) -> Result<(), Failure> {
        /// The document is no service, but what was told of it is remembered as a service's is.
        const DOCUMENT: &str = "slipway/configuration";
        let (ledger, document) = (&self.deployer.aws.ledger, TargetName::new(DOCUMENT));
        match ledger.read(&document).await {
            Ok(item) if item.record.has_told(&notice.id) => return Ok(()),
            Ok(_) => {}
            Err(error) => warn!(%error, "what was told of the document could not be read"),
        }
        let id = notice.id.clone();
        self.publish(vec![notice]).await?;
        if let Err(error) = ledger.change(&document, |record| record.tell(None, &id)).await {
            warn!(%error, "what was told of the document could not be written down");
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.deployer.aws.now()
    }
}

/// One line for each plan, with what a search would ask for as fields.
fn log(event: &EventId, plan: &Plan) {
    let image = plan.image.as_ref().map(|image| &image.new);
    let place = plan.place();
    info!(
        event.id = %event,
        ecs.cluster = place.as_ref().map(|(cluster, _)| cluster.as_str()),
        ecs.service = place.as_ref().map(|(_, service)| service.as_str()),
        image.tag = image.and_then(|image| image.tag.as_ref()).map(Tag::as_str),
        image.digest = image.and_then(|image| image.digest.as_ref()).map(Digest::as_str),
        reason = plan.reason.code(),
        %plan,
        "{}: {}",
        plan.target,
        plan.reason
    );
}

async fn in_turn<T>(work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(AT_ONCE).collect().await
}

fn answers(endings: &[Ending]) -> Vec<Answer> {
    endings.iter().map(|ending| ending.answer.clone()).collect()
}

/// What is under way at the end must end, 20 s at most, and be told before Lambda's deadline.
fn until_of(left: Duration) -> Instant {
    const TO_FINISH: Duration = Duration::from_secs(25);
    Instant::now() + left - TO_FINISH.min(left / 3)
}
