//! A plan as a person reads it, in a dry run, in an answer and in the log.

use std::fmt;

use crate::model::plan::{MadeFrom, NextRevision, Plan, Step};
use crate::rules::base::LOOK_BACK;

/// The plan as a person reads it: the target and the reason, then a line for each step, then what changes.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.reason)?;
        for step in &self.steps {
            write!(f, "\n  - {step}")?;
            if let Step::Register(rendering) = step {
                self.made_from(f, rendering.family())?;
            }
        }
        if let Some(rendering) = self.rendering() {
            for line in rendering.diff.to_string().lines() {
                write!(f, "\n      {line}")?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// What the new revision is made from, where that is not what anybody would expect.
    fn made_from(&self, f: &mut fmt::Formatter<'_>, family: &str) -> fmt::Result {
        match (&self.made_from, &self.running) {
            (MadeFrom::Family(base), _) => write!(f, ", made from {}", base.short()),
            (MadeFrom::RunningForLack, Some(running)) => write!(
                f,
                ", made from {}, which runs: nobody but Slipway registered one of the newest {LOOK_BACK} revisions of \
                 {family}",
                running.short()
            ),
            (MadeFrom::Running | MadeFrom::RunningForLack, _) => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(rendering) => write!(f, "register a new revision of {}", rendering.family()),
            Self::Update { cluster, service, to, force_new_deployment, .. } => {
                let forced = if *force_new_deployment { ", forcing a new deployment" } else { "" };
                match to {
                    NextRevision::Registered => write!(f, "update {cluster}/{service} to it{forced}"),
                    NextRevision::Existing(revision) => {
                        write!(f, "update {cluster}/{service} to {}{forced}", revision.short())
                    }
                }
            }
        }
    }
}
