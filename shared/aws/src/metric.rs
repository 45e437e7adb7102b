//! Counts for CloudWatch, in its embedded metric format: a log line that CloudWatch Logs turns into a metric.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use slipway_core::id::TargetName;

/// What a person has to mend: a refused deploy, a wrong configuration.
pub const REFUSALS: &str = "Refusals";

/// Notices that could not be published or delivered.
pub const UNTOLD: &str = "Untold";

/// Counts one; the target stands beside it in the log, but is no dimension, since an alarm watches the sum.
pub fn count(name: &str, target: Option<&TargetName>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let line = json!({
        "_aws": {
            "Timestamp": now.as_millis() as u64,
            "CloudWatchMetrics": [{ "Namespace": "Slipway", "Dimensions": [[]], "Metrics": [{ "Name": name, "Unit": "Count" }] }]
        },
        "target": target,
        name: 1
    });
    println!("{line}");
}
