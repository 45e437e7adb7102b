//! What a function is invoked with, and Lambda's own tries of it.

use slipway_core::rules::request;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use serde_json::Value;
use slipway_core::model::timer::Scheduled;

use slipway_engine::{Engine, Error, Input, Push};

use crate::cloud::Port;
use crate::events;

/// A function that runs the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Pushes, requests and timers.
    Deploy,
    /// ECS's and CodeDeploy's events.
    Track,
}

/// What a function is invoked with.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// An image was pushed.
    Push(Push),
    /// ECS or CodeDeploy reports something.
    Event(Box<Input>),
    /// A timer fired.
    Timer(Value),
    /// The schedule of the reconcile fired.
    Reconcile,
    /// A person or a pipeline asks for something.
    Request(Value),
}

impl Payload {
    /// The function that gets it, and what it reads; `None` for what it cannot read.
    pub(crate) fn read(&self) -> Option<(Function, Input)> {
        match self {
            Self::Push(push) => Some((Function::Deploy, Input::Push(push.clone()))),
            Self::Event(event) => Some((Function::Track, (**event).clone())),
            Self::Timer(payload) => Some((Function::Deploy, events::of_schedule(payload)?)),
            Self::Reconcile => {
                let payload = Scheduled::Reconcile { targets: None }.payload();
                Some((Function::Deploy, events::of_schedule(&payload)?))
            }
            Self::Request(asked) => {
                let request = request::parse(asked.as_object()?).ok()?;
                Some((Function::Deploy, Input::Request(request)))
            }
        }
    }

    /// So many times Lambda tries it: a request that a person waits for once.
    pub(crate) fn tries(&self) -> u8 {
        match self {
            Self::Request(_) => 1,
            Self::Push(_) | Self::Event(_) | Self::Timer(_) | Self::Reconcile => 3,
        }
    }

    /// A line about it.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Push(push) => format!("push of {} ({})", push.tag, push.id),
            Self::Event(event) => format!("event: {}", events::line(event)),
            Self::Timer(payload) => format!("timer: {payload}"),
            Self::Reconcile => "the reconcile".to_owned(),
            Self::Request(asked) => format!("request: {asked}"),
        }
    }
}

/// An invocation that waits to be delivered.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// With what.
    pub(crate) payload: Payload,
    /// Lambda's request id, which its own tries share.
    pub(crate) request: u64,
    /// The tries so far.
    pub(crate) tries: u8,
    /// Not before this.
    pub(crate) ready_at: Timestamp,
}

/// What an invocation comes to; the engine goes back into its function's instance.
pub(crate) type Came = (Engine<Port>, Result<Value, Error>);

/// A function at work on an invocation.
pub(crate) struct Work {
    /// What it works on.
    pub(crate) delivery: Delivery,
    /// Which function.
    pub(crate) function: Function,
    /// When Lambda ends it.
    pub(crate) deadline: Timestamp,
    /// How far it came.
    pub(crate) future: Pin<Box<dyn Future<Output = Came>>>,
}
