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

// The paths of before the four folders, until their users have moved to the new ones. Nothing in this crate uses them.

pub use config::tags;
pub use model::{diff, facts, id, image, labels, plan, provenance, reason, timer, trigger};
pub use rules::{request, rollback};
pub use text::answer;

/// The record of a service, and the gate that reads it.
pub mod ledger {
    pub use crate::model::record::*;
    pub use crate::rules::gates::{GatedImage, gate};
}

/// How a deployment stands.
pub mod outcome {
    pub use crate::model::event::{Change, DeploymentEvent};
    pub use crate::model::record::FailedBy;
    pub use crate::rules::mechanism::*;
}

/// What a push or a request means.
pub mod deploy {
    pub use crate::model::manifest::Build;
    pub use crate::rules::adoption::*;
    pub use crate::rules::base::*;
    pub use crate::rules::candidate::*;
    pub use crate::rules::choose::*;
    pub use crate::rules::deploy::*;
    pub use crate::rules::gates::{
        NotOpen, Question, Verdict, deployable, guess_same_build, question, runnable, settle, to_compare,
    };
    pub use crate::rules::note::*;
    pub use crate::rules::redeploy::*;
    pub use crate::rules::repeated::*;
    pub use crate::rules::rollback::requested::{Rollback, candidates as rollback_candidates, rollback};
    pub use crate::rules::unfinished::*;
    pub use crate::rules::wanted::*;
}

/// How a task definition is rendered.
pub mod render {
    pub use crate::model::plan::Rendering;
    pub use crate::rules::render::*;
}

/// How a target stands.
pub mod status {
    pub use crate::rules::render::shown_in;
    pub use crate::rules::status::*;
}

/// Why a deployment failed.
pub mod why {
    pub use crate::rules::diagnosis::quote::{line, reason};
    pub use crate::rules::diagnosis::{CauseKind, Evidence};
    pub use crate::text::diagnosis::*;
}

/// What people are told.
pub mod notice {
    pub use crate::model::build::{Build, BuildChange};
    pub use crate::model::clean::clean;
    pub use crate::model::notice::*;
    pub use crate::model::plan::RevisionChange;
    pub use crate::rules::message_state::*;
    pub use crate::rules::unfinished::end_is_unpublished;
    pub use crate::text::notice::*;
}
