//! What sets a function going in the storm, and Lambda's own tries of it.

use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use serde_json::Value;
use slipway_core::facts::ImageName;
use slipway_core::id::EventId;
use slipway_core::image::Tag;

use crate::ecs::Told;

/// What a function is invoked with.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// An image was pushed.
    Push {
        /// The event, the same in every copy.
        event: EventId,
        /// The tag.
        tag: Tag,
        /// When.
        at: Timestamp,
    },
    /// ECS tells something.
    Ecs(Told),
    /// A one-time schedule rings.
    Ring(Value),
    /// The schedule for reconcile.
    Reconcile,
    /// A person asks.
    Ask(Ask),
}

/// What a person asks for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Run this image, whatever is known of it.
    Deploy(ImageName),
    /// Go back to the last good revision.
    Rollback,
    /// Deploy nothing by yourself.
    Hold,
    /// Deploy again by yourself.
    Release,
}

/// An invocation that waits to be delivered.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    /// With what.
    pub(crate) payload: Payload,
    /// Lambda's request id, which its own tries share.
    pub(crate) request: u64,
    /// The tries so far; Lambda makes three.
    pub(crate) tries: u8,
}

/// Something failed that another try may mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again;

impl From<crate::world::Fault> for Again {
    fn from(_: crate::world::Fault) -> Self {
        Self
    }
}

/// A function at work on an invocation.
pub(crate) struct Work {
    /// What it works on.
    pub(crate) invocation: Invocation,
    /// When Lambda ends it.
    pub(crate) deadline: Timestamp,
    /// How far it came.
    pub(crate) future: Pin<Box<dyn Future<Output = Result<(), Again>>>>,
}
