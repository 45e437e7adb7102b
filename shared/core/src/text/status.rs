//! Why an image stands as it does, as a status answers it.

use std::fmt;

use serde::ser::{Serialize, Serializer};

use crate::model::record::Outcome;
use crate::rules::status::StatusReason;

impl fmt::Display for StatusReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reason(reason) => write!(f, "{reason}"),
            Self::Ecs(words) => f.write_str(words),
            Self::Failed { cause, outcome } => {
                let since = match outcome {
                    Some(Outcome::RolledBackByEcs) => "; ECS rolled it back",
                    Some(Outcome::RolledBackBySlipway) => "; Slipway rolled it back",
                    Some(Outcome::RollbackFailed) => "; the rollback failed too",
                    _ => "",
                };
                write!(f, "{cause}{since}")
            }
        }
    }
}

impl Serialize for StatusReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
