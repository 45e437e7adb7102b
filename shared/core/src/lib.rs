//! What Slipway decides and says.
//!
//! Everything here is pure: arguments in, values out; no I/O, no clock, no chance, no AWS SDK.
//! The functions look at the world, hand what they saw to this crate, and carry out the [`plan::Plan`] it gives back.
//! Only a configuration document can be wrong here; every other "no" is a [`reason::Reason`], which is an answer.

pub mod image;

pub mod id;

pub mod config;

pub mod tags;

pub mod facts;

pub mod provenance;

pub mod render;

pub mod diff;

pub mod plan;

pub mod reason;

pub mod deploy;

pub mod status;

pub mod request;

pub mod answer;

pub mod ledger;

pub mod schedule;

pub mod outcome;

pub mod rollback;

pub mod why;

pub mod labels;

pub mod notice;

mod lenient;
