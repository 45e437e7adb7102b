//! Why an image stands as it does, as a status answers it.

use std::fmt;

use serde::ser::{Serialize, Serializer};

use crate::model::reason::Reason;
use crate::model::record::{Blocked, Outcome};
use crate::rules::status::StatusReason;

impl fmt::Display for StatusReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reason(reason) => write!(f, "{reason}"),
            Self::Pending(Some(Blocked::Deployment)) => {
                f.write_str("it waits for the end of a deployment, and is decided then")
            }
            Self::Pending(Some(Blocked::Settling { until })) => write!(f, "{}", Reason::Settling { until: *until }),
            Self::Pending(Some(Blocked::Retry)) => {
                f.write_str("a call failed, or the function ran out of time; it is tried again within two minutes")
            }
            Self::Pending(None) => f.write_str("another invocation is updating the service, and decides this one next"),
            Self::Serves(deployment) => {
                write!(f, "its tasks take the whole traffic; the deployment {deployment} has not ended yet")
            }
            Self::Untagged => f.write_str("no tag means this image, so it is deployed on request only"),
            Self::Ecs(words) => f.write_str(words),
            Self::Failed { cause, outcome } => {
                let since = match outcome {
                    Some(Outcome::RolledBackByEcs) => "; it was rolled back automatically",
                    Some(Outcome::RolledBackBySlipway) => "; Slipway rolled it back",
                    Some(Outcome::RollbackFailed) => "; the rollback failed too",
                    Some(Outcome::Failed | Outcome::TimedOut | Outcome::Stopped) => "",
                    Some(Outcome::Completed | Outcome::Superseded | Outcome::External) | None => "",
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
