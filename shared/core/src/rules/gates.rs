//! What may keep an image from a service: each gate has one shape, [`Verdict`].
//!
//! The kind of the service and of the image, the order of two images, one build under several tags, hold, quarantine, a
//! person's decision, and a deployment that must not be cut short.

use crate::model::id::TargetName;
use crate::model::plan::Plan;
use crate::model::reason::Reason;
use crate::model::record::Blocked;

pub(super) use definition::{new_definition, of_this_service};
pub(super) use in_flight::{placeholder_ended, undisturbed};
pub use order::{Question, question};
pub(super) use order::{not_older, running};
pub(super) use record::admit;
pub use record::{GatedImage, gate};
pub(super) use same_build::another as another_build;
pub use same_build::{guess as guess_same_build, to_compare};
pub use service::{deployable, runnable, supported};
pub use settle::settle;

mod definition;
mod in_flight;
mod order;
mod record;
mod same_build;
mod service;
mod settle;

/// What a gate says: `Ok` is open.
pub type Verdict = Result<(), NotOpen>;

/// A gate that is not open.
#[derive(Clone, Debug, PartialEq)]
pub enum NotOpen {
    /// Not now: the image waits, and is decided again when what blocks it is over.
    Until(Blocked, Reason),
    /// Not at all, as things are: nothing waits.
    Closed(Reason),
}

impl From<Reason> for NotOpen {
    fn from(reason: Reason) -> Self {
        Self::Closed(reason)
    }
}

fn closed(reason: Reason) -> Verdict {
    Err(NotOpen::Closed(reason))
}

impl NotOpen {
    /// The plan for a target that it keeps the image from.
    pub fn plan(self, target: &TargetName) -> Plan {
        match self {
            Self::Until(blocked, reason) => Plan { blocked: Some(blocked), ..Plan::nothing(target.clone(), reason) },
            Self::Closed(reason) => Plan::nothing(target.clone(), reason),
        }
    }

    /// Why.
    pub fn into_reason(self) -> Reason {
        match self {
            Self::Until(_, reason) | Self::Closed(reason) => reason,
        }
    }
}
