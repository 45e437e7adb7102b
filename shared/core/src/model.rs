//! What Slipway knows: plain data, with what it takes to read it and to write it.
//!
//! It decides nothing and has no sentence for people. The other folders build on it, and it on none of them.

pub mod build;
pub mod clean;
pub mod diff;
pub mod event;
pub mod facts;
#[cfg(test)]
pub(crate) mod generated;
pub mod id;
pub mod image;
pub mod labels;
pub(crate) mod lenient;
pub mod notice;
pub mod plan;
pub mod provenance;
pub mod reason;
pub mod record;
pub mod timer;
pub mod trigger;
