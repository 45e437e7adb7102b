//! AWS as far as Slipway meets it: ECS and ECR in memory, one state machine with several services.
//!
//! It is synchronous, does no I/O, and reads no clock: [`Aws::set_time`] tells it the time. Ids follow from what they
//! name. World is its HTTP side, the simulation calls it directly. `FIDELITY.md` says for each behaviour where it is known from.

mod acts;
mod ecr;
mod ecs;
mod events;
pub mod identity;
mod logs;
mod place;
pub mod refusal;
pub mod time;

use jiff::Timestamp;
use serde_json::Value;

pub use ecr::{Image, Push};
pub use ecs::{BREATH, Failure};
pub use events::in_short_form;
pub use logs::Logs;
pub use place::Place;
pub use refusal::Refusal;

use ecr::Ecr;
use ecs::Ecs;
use refusal::{Answer, Members};

/// An account in a region: its ECS, its ECR, and the logs that its containers write.
#[derive(Debug)]
pub struct Aws {
    place: Place,
    now: Timestamp,
    /// Where the HTTP side can be reached; empty where there is none.
    url: String,
    ecs: Ecs,
    ecr: Ecr,
    logs: Logs,
    /// What happened and nobody has taken yet.
    events: Vec<Value>,
}

impl Aws {
    /// An empty account at this moment.
    pub fn new(place: Place, now: Timestamp) -> Self {
        let (ecs, ecr, logs) = (Ecs::default(), Ecr::default(), Logs::default());
        Self { place, now, url: String::new(), ecs, ecr, logs, events: Vec::new() }
    }

    /// The partition, region and account.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Tells what time it is.
    pub fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Tells where the HTTP side can be reached, which the addresses of layers begin with.
    pub fn set_url(&mut self, url: &str) {
        url.clone_into(&mut self.url);
    }

    /// The logs that containers wrote.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The logs, to write to.
    pub fn logs_mut(&mut self) -> &mut Logs {
        &mut self.logs
    }

    /// The events that calls gave rise to, in EventBridge's form and in their order; each is given once.
    pub fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }

    /// Puts events back, before any that came meanwhile.
    pub fn return_events(&mut self, events: Vec<Value>) {
        let later = std::mem::replace(&mut self.events, events);
        self.events.extend(later);
    }

    /// Answers one operation of `ECS` or `ECR` as its JSON protocol does; another service's name is refused.
    pub fn answer(&mut self, service: &str, operation: &str, request: &Members) -> Answer {
        match service {
            "ECS" => {
                let Self { place, now, ecs, ecr, logs, events, .. } = self;
                let tasks = &mut Vec::new();
                let mut scene = ecs::Scene { place, now: *now, registry: ecr, events, tasks, logs };
                ecs::answer(ecs, &mut scene, operation, request)
            }
            "ECR" => {
                let Self { place, now, url, ecr, events, .. } = self;
                let mut scene = ecr::Scene { place, now: *now, url, events };
                ecr::answer(ecr, &mut scene, operation, request)
            }
            _ => Err(Refusal::new("UnknownOperationException", format!("The fake doesn't know {service}."))),
        }
    }

    /// What a GetObject gets from the bucket in which ECR keeps layers; `None` for another bucket.
    pub fn blob(&self, request: &Value) -> Option<Result<String, Refusal>> {
        ecr::blob_of(&self.ecr, &self.place, request)
    }
}
