//! The deploy function: ECR pushes, requests and timers in, the engine's answer out.

mod event;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_core::config::Mistake;
use slipway_core::model::id::Home;
use slipway_core::text::answer;
use slipway_engine::cloud::Metric;
use slipway_engine::{Cloud, Engine, Invocation};
use tracing::{error, info};

pub use event::parse;

/// Answers one invocation. The error asks Lambda for another try; everything else is reported and answered.
pub async fn handle(engine: &Engine<Aws>, invocation: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let (payload, context) = invocation.into_parts();
    let is_event = payload.get("detail-type").is_some();
    let input = match parse(payload) {
        Ok(Some(input)) => input,
        Ok(None) => {
            info!("the event is not for this function");
            return Ok(json!({ "ok": true, "ignored": true }));
        }
        Err(mistakes) => {
            error!(?mistakes, "the payload has mistakes");
            // Nobody reads the answer to an event.
            if is_event {
                engine.cloud().count(Metric::DeploysRefused, None);
            }
            return Ok(answer::of_mistakes(&mistakes));
        }
    };
    let Some(home) = Home::of_arn(&context.invoked_function_arn) else {
        return Ok(answer::of_mistakes(&[Mistake::of_setting("invoked_function_arn", "is not an ARN")]));
    };
    let invocation = Invocation::new(context.request_id, context.deadline, home);
    let answer = engine.handle(&invocation, input).await;
    answer.map_err(|error| Diagnostic { error_type: error.error_type(), error_message: error.to_string() })
}
