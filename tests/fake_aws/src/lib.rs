//! AWS as far as Slipway meets it: ECS, ECR and CodeDeploy in memory, one state machine with several services.
//!
//! It is synchronous, does no I/O, and reads no clock: [`Aws::set_time`] sets the time. Ids follow from what they
//! name, and chance from a seed. World is its HTTP side; the simulation calls it directly, by the functions that answer in
//! Slipway's words. `FIDELITY.md` says for each behaviour where it is known from.

mod acts;
mod codedeploy;
mod ecr;
mod ecs;
mod events;
mod facts;
pub mod identity;
mod logs;
mod place;
pub mod refusal;
mod registries;
pub mod time;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use slipway_core::model::image::Digest;

pub use codedeploy::CodeDeployStage;
pub use ecr::{Image, Push};
pub use ecs::{Behavior, Failure, ROLLBACK_DELAY};
pub use events::in_short_form;
pub use logs::Logs;
pub use place::Place;
pub use refusal::Refusal;

use codedeploy::CodeDeploy;
use ecs::{Behaviors, Ecs};
use refusal::{Answer, Members};
use registries::Registries;

/// An account in a region: its ECS, its CodeDeploy, its ECR, and the logs that its containers write; and the registries of other accounts and
/// regions that it may read.
#[derive(Debug)]
pub struct Aws {
    place: Place,
    now: Timestamp,
    /// Where the HTTP side can be reached; empty where there is none.
    url: String,
    ecs: Ecs,
    codedeploy: CodeDeploy,
    registries: Registries,
    logs: Logs,
    /// What happened and nobody has taken yet.
    events: Vec<Value>,
    behaviors: Behaviors,
    lag: SignedDuration,
    history_lag: SignedDuration,
    chance: fastrand::Rng,
    caller: Caller,
}

/// Who calls, which RegisterTaskDefinition keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A function, as its role.
    Function,
    /// A person, or a tool of theirs.
    Person,
}

impl Aws {
    /// An empty account at this moment. Its chance has the seed 0.
    pub fn new(place: Place, now: Timestamp) -> Self {
        let (ecs, registries, logs) = (Ecs::default(), Registries::beside(&place), Logs::default());
        Self {
            place,
            now,
            url: String::new(),
            ecs,
            codedeploy: CodeDeploy::default(),
            registries,
            logs,
            events: Vec::new(),
            behaviors: Behaviors::new(),
            lag: SignedDuration::ZERO,
            history_lag: SignedDuration::ZERO,
            chance: fastrand::Rng::with_seed(0),
            caller: Caller::Function,
        }
    }

    /// What a person does, instead of a function.
    pub fn by_person<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        self.set_caller(Caller::Person);
        let done = act(self);
        self.set_caller(Caller::Function);
        done
    }

    /// Says who makes the calls from now on.
    pub fn set_caller(&mut self, caller: Caller) {
        self.caller = caller;
    }

    /// Begins chance anew with this seed.
    pub fn set_seed(&mut self, seed: u64) {
        self.chance.seed(seed);
    }

    /// Lets DescribeServices and ListServiceDeployments show a service as it was before an update, for at most so long after
    /// it; how long is chance's. Zero, which it is at first, turns it off for later updates.
    pub fn set_lag(&mut self, most: SignedDuration) {
        self.lag = most;
    }

    /// Lets ListServiceDeployments leave a service deployment out for at most so long after it began, and CodeDeploy's
    /// ListDeployments a deployment; how long is chance's. Zero, which it is at first, turns it off for later ones.
    pub fn set_history_lag(&mut self, most: SignedDuration) {
        self.history_lag = most;
    }

    /// Says what becomes of an image's tasks from now on; by its digest as ECS resolves it.
    pub fn set_behavior(&mut self, digest: Digest, behavior: Behavior) {
        self.behaviors.insert(digest, behavior);
    }

    /// What becomes of an image's tasks.
    pub fn behavior(&self, digest: &Digest) -> Behavior {
        self.behaviors.get(digest).copied().unwrap_or_default()
    }

    /// Moves every service one step: deployments and rollbacks go on, stop requests are carried out, what ended is removed.
    /// The events of it are in [`Aws::take_events`]. Chance may let a step pass without any movement.
    pub fn tick(&mut self) {
        self.on_code_deploy(|codedeploy, context| {
            context.ecs.step(context.around);
            codedeploy.step(context);
        });
    }

    /// Whether anything is under way that [`Aws::tick`] moves. A deployment that neither wins nor is called failed is
    /// under way for ever.
    pub fn is_moving(&self) -> bool {
        self.ecs.is_moving() || self.codedeploy.is_moving()
    }

    /// The partition, region and account.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Sets the time.
    pub fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Sets where the HTTP side can be reached, which the addresses of layers begin with.
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

    /// Answers one operation of `ECS`, `ECR` or `CodeDeploy` as its JSON protocol does; another service's name is refused.
    pub fn answer(&mut self, service: &str, operation: &str, request: &Members) -> Answer {
        let region = self.place.region.clone();
        self.answer_in(&region, service, operation, request)
    }

    /// As [`Aws::answer`], in this region. ECR answers in every region, with the registry that is there.
    pub fn answer_in(&mut self, region: &str, service: &str, operation: &str, request: &Members) -> Answer {
        match service {
            "ECS" => self.on_ecs(|ecs, context| ecs::answer(ecs, context, operation, request)),
            "CodeDeploy" => {
                self.on_code_deploy(|codedeploy, context| codedeploy::answer(codedeploy, context, operation, request))
            }
            "ECR" => {
                let Self { place, now, url, registries, events, .. } = self;
                let account = refusal::text(request, "registryId").unwrap_or(&place.account).to_owned();
                let asked = Place { account, region: region.to_owned(), ..place.clone() };
                let mut context = ecr::Context { place: &asked, now: *now, url, events };
                ecr::answer(registries.at(&asked), &mut context, operation, request)
            }
            _ => Err(Refusal::new("UnknownOperationException", format!("The fake doesn't know {service}."))),
        }
    }

    /// What a GetObject gets from the bucket in which ECR keeps layers; `None` for another bucket.
    pub fn blob(&self, request: &Value) -> Option<Result<String, Refusal>> {
        self.registries.all().find_map(|(place, ecr)| ecr::blob_of(ecr, place, request))
    }

    /// Acts on ECS; the events of what happens are kept.
    fn on_ecs<T>(&mut self, act: impl FnOnce(&mut Ecs, &mut ecs::Context<'_>) -> T) -> T {
        self.on_code_deploy(|_, context| act(context.ecs, context.around))
    }

    /// Acts on ECS; the events of what happens are the caller's, except those of tasks on the way of something larger.
    fn on_ecs_with<T>(&mut self, caused: &mut Vec<Value>, act: impl FnOnce(&mut Ecs, &mut ecs::Context<'_>) -> T) -> T {
        self.on_services(caused, |_, context| act(context.ecs, context.around))
    }

    /// Acts on CodeDeploy and the ECS under it; the events of what happens are kept.
    fn on_code_deploy<T>(&mut self, act: impl FnOnce(&mut CodeDeploy, &mut codedeploy::Context<'_, '_>) -> T) -> T {
        let mut caused = Vec::new();
        let acted = self.on_services(&mut caused, act);
        self.events.append(&mut caused);
        acted
    }

    /// The same; the events are the caller's, except those of tasks on the way of something larger.
    fn on_services<T>(
        &mut self,
        caused: &mut Vec<Value>,
        act: impl FnOnce(&mut CodeDeploy, &mut codedeploy::Context<'_, '_>) -> T,
    ) -> T {
        let Self {
            place,
            now,
            ecs,
            codedeploy,
            registries,
            logs,
            events,
            behaviors,
            lag,
            history_lag,
            chance,
            caller,
            ..
        } = self;
        let mut around = ecs::Context {
            place,
            now: *now,
            registries,
            events: caused,
            tasks: events,
            logs,
            behaviors,
            lag: *lag,
            history_lag: *history_lag,
            chance,
            caller: *caller,
        };
        act(codedeploy, &mut codedeploy::Context { ecs, around: &mut around })
    }
}
