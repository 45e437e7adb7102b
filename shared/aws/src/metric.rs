//! Counts for CloudWatch, in its embedded metric format: a log line that CloudWatch Logs turns into a metric.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use slipway_core::model::id::TargetName;

pub use slipway_engine::cloud::Metric;

/// Counts for one function.
#[derive(Clone, Debug)]
pub struct Metrics {
    function: String,
}

impl Metrics {
    /// Counts under this function's name.
    pub fn of(function: &str) -> Self {
        Self { function: function.to_owned() }
    }

    /// Counts one; the target stands beside it in the log, but is no dimension, since an alarm watches the sum.
    pub fn count(&self, metric: Metric, target: Option<&TargetName>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{metric:?}");
        let line = json!({
            "_aws": {
                "Timestamp": now.as_millis() as u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Slipway",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [{ "Name": &name, "Unit": "Count" }]
                }]
            },
            "FunctionName": &self.function,
            "target": target,
            &name: 1
        });
        println!("{line}");
    }
}
