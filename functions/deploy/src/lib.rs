//! The deploy function: ECR pushes, requests and timers in, the engine's answer out, if it may come as it came.

mod event;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_core::config::Mistake;
use slipway_core::model::id::FunctionArn;
use slipway_core::rules::authority::{self, InvokedWith};
use slipway_core::text::answer;
use slipway_engine::cloud::Metric;
use slipway_engine::{Cloud, Engine, Input, Invocation};
use tracing::{error, info, warn};

pub use event::{Payload, parse};

/// Answers one invocation. The error asks Lambda for another try; everything else is reported and answered.
pub async fn handle(engine: &Engine<Aws>, invocation: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let (payload, context) = invocation.into_parts();
    let Some(function) = FunctionArn::parse(&context.invoked_function_arn) else {
        return Ok(answer::of_mistakes(&[Mistake::of_setting("invoked_function_arn", "is not the ARN of a function")]));
    };
    let input = match read(engine, &function, payload) {
        Ok(input) => input,
        Err(answer) => return Ok(answer),
    };
    let invocation = Invocation::new(context.request_id, context.deadline, function.home);
    let answer = engine.handle(&invocation, input).await;
    answer.map_err(|error| Diagnostic { error_type: error.error_type(), error_message: error.to_string() })
}

/// What the engine is to do; the error is the answer where there is nothing, or where it may not come as it came.
fn read(engine: &Engine<Aws>, function: &FunctionArn, payload: Value) -> Result<Input, Value> {
    let allowed = |with: InvokedWith<'_>| {
        authority::check(function, with).map_err(|refused| {
            warn!(lambda.qualifier = function.qualifier, "{refused}");
            answer::of_not_allowed(&refused)
        })
    };
    let is_event = payload.get("detail-type").is_some();
    let wrong = |mistakes: Vec<Mistake>| {
        error!(?mistakes, "the payload has mistakes");
        // Nobody reads the answer to an event.
        if is_event {
            engine.cloud().count(Metric::DeploysRefused, None);
        }
        answer::of_mistakes(&mistakes)
    };
    let ignored = || {
        info!("the event is not for this function");
        json!({ "ok": true, "ignored": true })
    };
    if is_event {
        allowed(InvokedWith::Event)?;
    }
    let payload = parse(payload).map_err(wrong)?.ok_or_else(ignored)?;
    allowed(payload.invoked_with())?;
    payload.input().map_err(wrong)?.ok_or_else(ignored)
}
