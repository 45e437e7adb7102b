//! What Slipway decides and says.
//!
//! Everything here is pure: arguments in, values out; no I/O, no clock, no chance, no AWS SDK.
//! The functions look at the world, hand what they saw to this crate, and carry out the [`model::plan::Plan`] it gives back.
//! Only a configuration document or a request can be wrong here; every other "no" is a [`model::reason::Reason`], which is
//! an answer.
//!
//! The folders import one way, `model ← config ← rules ← text`, and `.ci/run` sees to it.

pub mod model;

pub mod config;

pub mod rules;

pub mod text;
