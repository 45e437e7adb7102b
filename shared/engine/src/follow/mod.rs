//! Follows a service's deployments to their true end, reports, and puts the last known-good version back.
//!
//! Whatever triggered it is a hint; each visit reads the record and the service, and does what they call for. So a lost
//! event is made up for by the next one, and a repeated one finds nothing left to do.

mod awslogs;
mod configured;
mod evidence;
mod hint;
mod known_good;
mod observe;
mod report;
mod result;
mod roll_back;
mod steps;
mod timers;
mod visit;

use serde_json::{Value, json};
use tracing::{error, info};

use crate::Engine;
use crate::cloud::{Cloud, Metric};
use crate::error::Failure;
use crate::input::{Invocation, ServiceEvent};
use configured::Configured;
use visit::Visit;

/// Handles one event. The error asks Lambda for another try; what no try can mend is logged, counted, and `Ok`.
pub(crate) async fn follow<C: Cloud>(
    engine: &Engine<C>,
    invocation: &Invocation,
    event: &ServiceEvent,
) -> Result<Value, Failure> {
    let home = event.home.as_ref().unwrap_or(&invocation.home);
    let configured = Configured::of(engine.document.read(&engine.cloud).await)?;
    let Some(ours) = configured.ours(event, home) else {
        info!(ecs.service = %event.service, "the service is not in the configuration");
        return Ok(ignored("the service is not in the configuration"));
    };
    let mut visit = Visit::new(engine, event, home, &ours, invocation);
    let followed = async {
        visit.look().await?;
        visit.follow().await
    };
    match Box::pin(followed).await {
        Ok(()) => Ok(json!({ "ok": true, "target": visit.target, "told": visit.told })),
        Err(error) if error.kind.is_passing() => Err(error.into()),
        Err(error) => {
            error!(%error, "the service could not be followed");
            engine.cloud.count(Metric::NoticesFailed, Some(&visit.target));
            Ok(json!({ "ok": false, "target": visit.target, "error": error.to_string() }))
        }
    }
}

/// The answer to what is not for the function.
fn ignored(why: &str) -> Value {
    json!({ "ok": true, "ignored": why })
}
