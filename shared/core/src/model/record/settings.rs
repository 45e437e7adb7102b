//! The settings of a target that count for a deployment's whole life, as they were when it began.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use strum::{EnumString, VariantNames};

/// What the configuration said when the deployment began; track acts on this, not on today's document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentSettings {
    /// What is done when it fails.
    pub rollback: RollbackMode,
    /// Seconds after which a deployment without an end is judged.
    pub deadline_seconds: u64,
    /// So many tasks may stop, without being stopped, before it counts as failed; `None` for ECS's own rule.
    pub max_failed_tasks: Option<u32>,
}

/// What Slipway does about a deployment that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RollbackMode {
    /// It rolls back to the last known-good revision; the default.
    #[default]
    Auto,
    /// It says how to roll back, and does nothing.
    Notify,
    /// It only says that the deployment failed.
    Off,
}

impl DeploymentSettings {
    /// How long a deployment may take, and its rollback as well.
    pub fn allowance(&self) -> SignedDuration {
        // A number that somebody edited must not overflow a time.
        const YEAR: u64 = 365 * 24 * 60 * 60;
        SignedDuration::from_secs(i64::try_from(self.deadline_seconds.min(YEAR)).unwrap_or_default())
    }

    /// How much more time a deployment gets that still makes progress: a third of its own, at least a timer's minute.
    pub fn extension(&self) -> SignedDuration {
        (self.allowance() / 3).max(SignedDuration::from_mins(1))
    }

    /// The number of failed tasks that make a deployment fail: ECS's circuit breaker takes half of the desired count, at
    /// least 3 and at most 200 ([how the circuit breaker works]).
    ///
    /// [how the circuit breaker works]: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
    pub fn threshold(&self, desired_count: i32) -> u32 {
        let half = u32::try_from(desired_count.max(0)).unwrap_or_default().div_ceil(2);
        self.max_failed_tasks.unwrap_or(half.clamp(3, 200))
    }
}

impl Default for DeploymentSettings {
    fn default() -> Self {
        Self { rollback: RollbackMode::Auto, deadline_seconds: 30 * 60, max_failed_tasks: None }
    }
}
