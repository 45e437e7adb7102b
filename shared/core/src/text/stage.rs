//! The stage of a deployment whose traffic is shifted, and what it waits for, in a few words.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::model::facts::{Hook, HookWaitsFor, OnTimeout};
use crate::rules::mechanism::Stage;

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preparing => f.write_str("preparing"),
            Self::ScalingUp => f.write_str("scaling up"),
            Self::TestTraffic => f.write_str("test traffic"),
            Self::Ready => f.write_str("ready to shift traffic"),
            Self::Shifting { percent: Some(percent) } => write!(f, "shifting traffic, {percent} %"),
            Self::Shifting { percent: None } => f.write_str("shifting traffic"),
            Self::Serving => f.write_str("serving"),
            Self::Baking { .. } => f.write_str("baking"),
            Self::CleaningUp => f.write_str("cleaning up"),
        }
    }
}

/// `{"name": "shifting", "percent": 25, "text": "shifting traffic, 25 %"}`, with `until` where that is known.
impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (percent, until) = match self {
            Self::Shifting { percent } => (*percent, None),
            Self::Baking { until } => (None, *until),
            _ => (None, None),
        };
        let mut stage = serializer.serialize_struct("Stage", 4)?;
        stage.serialize_field("name", self.name())?;
        if let Some(percent) = percent {
            stage.serialize_field("percent", &percent)?;
        }
        if let Some(until) = until {
            stage.serialize_field("until", &until)?;
        }
        stage.serialize_field("text", &self.to_string())?;
        stage.end()
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.waits_for {
            HookWaitsFor::Person => "waiting for somebody to continue it or roll it back",
            HookWaitsFor::Function => "waiting for the function of a lifecycle hook",
        })
    }
}

/// `{"who": "person", "until": "…", "then": "rolls_back", "text": "waiting for …"}`.
impl Serialize for Hook {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let who = match self.waits_for {
            HookWaitsFor::Person => "person",
            HookWaitsFor::Function => "function",
        };
        let then = match self.then {
            OnTimeout::GoesOn => "goes_on",
            OnTimeout::RollsBack => "rolls_back",
        };
        let mut hook = serializer.serialize_struct("Hook", 4)?;
        hook.serialize_field("who", who)?;
        if let Some(until) = self.until {
            hook.serialize_field("until", &until)?;
        }
        hook.serialize_field("then", then)?;
        hook.serialize_field("text", &self.to_string())?;
        hook.end()
    }
}
