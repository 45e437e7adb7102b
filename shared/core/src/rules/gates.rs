//! What may keep an image from a service.
//!
//! The kind of the service and of the image, the order of two images, one build under several tags, hold, quarantine, a
//! person's decision, and a deployment that must not be cut short.

pub(super) use admission::admit;
pub(super) use in_flight::undisturbed;
pub use order::{Question, question};
pub(super) use order::{not_older, running};
pub use record::{GatedImage, gate};
pub(super) use same_build::another as another_build;
pub use same_build::{guess as guess_same_build, to_compare};
pub use service::{deployable, runnable};

mod admission;

mod in_flight;

mod order;

mod record;

mod same_build;

mod service;
