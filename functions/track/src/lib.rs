//! The track function: it follows every deployment to its true end, tells people, and puts the last good version back.
//!
//! [`handle`] is the five words: parse, look, decide, do, tell. Whatever rings is a hint; each ring reads the record and
//! the service, and does what they call for. So a lost event is made up for by the next one, and a repeated one finds
//! nothing left to do.

mod awslogs;
mod configured;
mod ending;
mod event;
mod evidence;
mod follow;
mod goods;
mod hint;
mod look;
mod rings;
mod roll_back;
mod tell;
mod visit;

use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::document::Document;
use slipway_aws::metric::{Metric, Metrics};
use slipway_aws::{Aws, Error};
use slipway_core::config::{Mistake, Source};
use slipway_core::id::Home;
use tracing::{error, info};

use configured::Configured;
use visit::Visit;

pub use event::{Event, Hint, Malformed, Warning, parse};

/// What the function keeps from one event to the next.
#[derive(Debug)]
pub struct Tracker {
    aws: Aws,
    document: Document,
    topic: String,
}

impl Tracker {
    /// Settings that cannot be right are the error; the document itself is read here, and again when it is used.
    pub async fn new(aws: Aws, config: &str, topic: &str) -> Result<Self, Mistake> {
        let source = Source::parse(config)?;
        if topic.is_empty() {
            return Err(Mistake::of_setting("SLIPWAY_TOPIC_ARN", "is empty; it is the ARN of the topic for notices"));
        }
        let tracker = Self { aws, document: Document::new(source), topic: topic.to_owned() };
        // Init has a full core, an invocation may not; what fails here is tried again by the invocation.
        if let Err(error) = tracker.document.read(&tracker.aws).await {
            error!(%error, "the configuration could not be read at the start");
        }
        Ok(tracker)
    }
}

/// Handles one event. The error asks Lambda for another try; what no try can mend is logged, counted, and `Ok`.
pub async fn handle(tracker: &Tracker, invocation: LambdaEvent<Value>) -> Result<Value, Failure> {
    let (payload, context) = invocation.into_parts();
    let metrics = Metrics::of(&context.env_config.function_name);
    let event = match parse(payload, tracker.aws.now()) {
        Ok(Some(event)) => event,
        Ok(None) => return Ok(ignored("not for this function")),
        Err(Malformed(why)) => {
            error!(why, "the event cannot be read");
            metrics.count(Metric::Untold, None);
            return Ok(json!({ "ok": false, "error": why }));
        }
    };
    let Some(home) = event.home.clone().or_else(|| Home::of_arn(&context.invoked_function_arn)) else {
        error!(arn = context.invoked_function_arn, "the function's own ARN cannot be read");
        metrics.count(Metric::Untold, None);
        return Ok(json!({ "ok": false, "error": "the function's own ARN cannot be read" }));
    };

    let configured = Configured::of(tracker.document.read(&tracker.aws).await)?;
    let Some(ours) = configured.ours(&event, &home) else {
        info!(ecs.service = %event.service, "the service is not in the configuration");
        return Ok(ignored("the service is not in the configuration"));
    };
    let mut visit = Visit::new(tracker, &event, &home, &ours, &context);
    let followed = async {
        visit.look().await?;
        visit.follow().await
    };
    match Box::pin(followed).await {
        Ok(()) => Ok(json!({ "ok": true, "target": visit.target, "told": visit.told })),
        Err(error) if error.kind.is_passing() => Err(error.into()),
        Err(error) => {
            error!(%error, "the service could not be followed");
            metrics.count(Metric::Untold, Some(&visit.target));
            Ok(json!({ "ok": false, "target": visit.target, "error": error.to_string() }))
        }
    }
}

/// The event could not be followed to its end, and another try can help; Lambda tries twice more.
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

fn ignored(why: &str) -> Value {
    json!({ "ok": true, "ignored": why })
}

/// When the invocation ends.
fn deadline(context: &Context) -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(context.deadline).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX)
}
