//! The engine: the one driver of every service, whoever triggers it.
//!
//! A push, a request, an event of ECS, a timer and the reconcile run the same code: observe what the next decision needs,
//! decide (in `slipway-core`), act, report. It reaches AWS only through the port [`Cloud`], reads no clock and no
//! environment, spawns nothing and names no runtime, so the simulation runs this very code.

pub mod cloud;
pub mod error;
pub mod input;
pub mod store;

mod act;
mod attend;
mod builds;
mod choose;
mod document;
mod execute;
mod family;
mod follow;
mod invocation;
mod known_good;
mod lease;
mod mechanism;
mod memo;
mod observe;
mod pace;
mod pauses;
mod plan;
mod push;
mod reconcile;
mod report;
mod requests;
mod resolve;
mod serve;
mod status;
mod timer;

use serde_json::Value;
use slipway_core::config::{Mistake, Source};
use tracing::error;

pub use cloud::Cloud;
pub use error::{Error, ErrorKind};
pub use input::{GroupTrigger, Hint, Input, Invocation, Push, ServiceTrigger, Warning};

use builds::Builds;
use document::Document;
use invocation::Call;
use mechanism::AppSpecs;
use pace::Paces;

/// What a function keeps from one invocation to the next.
#[derive(Debug)]
pub struct Engine<C> {
    cloud: C,
    document: Document,
    builds: Builds,
    paces: Paces,
    app_specs: AppSpecs,
}

impl<C: Cloud> Engine<C> {
    /// An engine with the configuration document of `SLIPWAY_CONFIG`, which is read here, and again when it is used.
    ///
    /// The error is a setting that cannot be right.
    pub async fn start(cloud: C, config: &str) -> Result<Self, Mistake> {
        let document = Document::new(Source::parse(config)?);
        let engine = Self {
            cloud,
            document,
            builds: Builds::default(),
            paces: Paces::default(),
            app_specs: AppSpecs::default(),
        };
        // Init has a full core, an invocation may not; what fails here is tried again, and reported, by the invocation.
        if let Err(error) = engine.document.read(&engine.cloud).await {
            error!(%error, "the configuration could not be read at the start");
        }
        Ok(engine)
    }

    /// AWS, as this engine meets it.
    pub fn cloud(&self) -> &C {
        &self.cloud
    }

    /// Handles one invocation. The error asks Lambda for another try, which can help, and says what was done nevertheless;
    /// everything else is reported and answered.
    pub async fn handle(&self, invocation: &Invocation, input: Input) -> Result<Value, Error> {
        self.builds.discard_failures();
        let call = Call::of(self, invocation);
        // Their states are large; on the heap they leave the stack to the SDK.
        match &input {
            Input::Service(event) => Box::pin(call.attend(event)).await,
            Input::Group(event) => Box::pin(call.attend_group(event)).await,
            Input::Push(push) => Box::pin(call.with_config(async |config| call.push(config, push).await)).await,
            Input::Request(it) => Box::pin(call.with_config(async |config| call.request(config, it).await)).await,
            Input::Explain(push) => Box::pin(call.with_config(async |config| call.explain(config, push).await)).await,
        }
    }
}
