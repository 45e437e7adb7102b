//! The track function: ECS's and CodeDeploy's state changes, stopped tasks and warnings in, the engine's answer out.

mod event;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_core::model::id::Home;
use slipway_engine::cloud::Metric;
use slipway_engine::{Cloud, Engine, Invocation};
use tracing::error;

pub use event::{Malformed, parse};

/// Handles one event. The error asks Lambda for another try; what no try can fix is logged, counted, and `Ok`.
pub async fn handle(engine: &Engine<Aws>, invocation: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let (payload, context) = invocation.into_parts();
    let unreadable = |why: &str| {
        error!(why, "the event cannot be read");
        engine.cloud().count(Metric::NoticesFailed, None);
        Ok(json!({ "ok": false, "error": why }))
    };
    let event = match parse(payload, engine.cloud().now()) {
        Ok(Some(event)) => event,
        Ok(None) => return Ok(json!({ "ok": true, "ignored": "not for this function" })),
        Err(Malformed(why)) => return unreadable(&why),
    };
    let Some(home) = Home::of_arn(&context.invoked_function_arn) else {
        return unreadable("the function's own ARN cannot be read");
    };
    let invocation = Invocation::new(context.request_id, context.deadline, home);
    let answer = engine.handle(&invocation, event).await;
    answer.map_err(|error| Diagnostic { error_type: error.error_type(), error_message: error.to_string() })
}
