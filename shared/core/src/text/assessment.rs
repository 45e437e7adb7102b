//! How a deployment stands and how it ended, in words for the log and the record.

use std::fmt;

use crate::model::record::{Decision, FailedBy, Outcome};
use crate::rules::mechanism::{Assessment, Because, End, Pace, RollbackInitiator};

/// How it stands, in half a sentence for the log.
impl fmt::Display for Assessment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intended { until } => write!(f, "it is intended, and may still begin until {until}"),
            Self::Began(began) => write!(f, "it began as {}", began.deployment),
            Self::NeverBegan => f.write_str("it never began"),
            Self::InProgress(pace) => write!(f, "it is in progress{pace}"),
            Self::Failing { by: FailedBy::Ecs } => f.write_str("it failed, as ECS reports"),
            Self::Failing { by: FailedBy::Deadline } => f.write_str("it failed: its time is up"),
            Self::Failing { by: FailedBy::Tasks } => f.write_str("it failed: too many of its tasks stopped"),
            Self::RollingBack { by, pace } => write!(f, "it failed, and {by} is rolling back{pace}"),
            Self::RollbackDue => f.write_str("it failed, and its rollback is decided but not under way"),
            Self::RollbackIntended { until } => {
                write!(f, "it failed, and its rollback may still begin until {until}")
            }
            Self::Ended(End { outcome, newer: Some(newer), .. }) => {
                write!(f, "it ended: {outcome}, with {newer} after it")
            }
            Self::Ended(End { outcome, newer: None, .. }) => write!(f, "it ended: {outcome}"),
            Self::Over(outcome) => write!(f, "it ended before: {outcome}"),
        }
    }
}

impl fmt::Display for RollbackInitiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ecs => "ECS",
            Self::Slipway => "Slipway",
            Self::Somebody => "somebody",
        })
    }
}

/// What the log adds to "it is in progress".
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Rearm { because, .. } = self else { return Ok(()) };
        f.write_str(match because {
            Because::Progresses => ", late, but it progresses",
            Because::Settles => ", late, but all its tasks run",
            Because::Hook => ", and waits at a lifecycle hook",
            Because::BakeTime => ", in its bake time",
            Because::RollbackAsked => ", and is to be rolled back, as somebody asked",
        })
    }
}

impl End {
    /// Why it was stopped, for the record; `asked` is who requested that of Slipway, which AWS's own words do not say.
    pub fn why_stopped(&self, asked: Option<&Decision>) -> Option<String> {
        let by = |it: &Decision| format!("{} requested a rollback", it.who.as_deref().unwrap_or("somebody"));
        asked.map(by).or_else(|| self.says.clone())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::RolledBackByEcs => "failed, rolled back by ECS",
            Self::RolledBackBySlipway => "failed, rolled back by Slipway",
            Self::RollbackFailed => "failed, and the rollback failed too",
            Self::Stopped => "stopped",
            Self::TimedOut => "timed out",
            Self::External => "somebody else's",
        })
    }
}
