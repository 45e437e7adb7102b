//! Counts for CloudWatch, in its embedded metric format: a log line that CloudWatch Logs turns into a metric.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use jiff::Timestamp;
use serde_json::{Value, json};
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
        println!("{}", self.line(metric, target, Timestamp::now()));
    }

    /// The line. Its level is the highest that Lambda knows: it filters this line by its level as any other, and an alarm
    /// must not depend on how much of the log somebody wants to read.
    fn line(&self, metric: Metric, target: Option<&TargetName>, now: Timestamp) -> Value {
        let name = format!("{metric:?}");
        json!({
            "timestamp": format!("{now:.3}"),
            "level": "FATAL",
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": "Slipway",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [{ "Name": &name, "Unit": "Count" }]
                }]
            },
            "FunctionName": &self.function,
            "target": target,
            &name: 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_log_level_of_lambda_leaves_a_count_out() {
        let now: Timestamp = "2026-11-21T12:00:00.123456Z".parse().unwrap();
        for metric in [Metric::DeploysRefused, Metric::NoticesFailed, Metric::RecordsTooLarge] {
            let line = Metrics::of("slipway-deploy").line(metric, Some(&TargetName::new("prod/web")), now);
            let name = format!("{metric:?}");
            assert_eq!((&line["timestamp"], &line["level"]), (&json!("2026-11-21T12:00:00.123Z"), &json!("FATAL")));
            assert_eq!(line["_aws"]["Timestamp"], 1_795_262_400_123_i64);
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!((&directive["Namespace"], &directive["Metrics"][0]["Name"]), (&json!("Slipway"), &json!(name)));
            assert_eq!(directive["Dimensions"], json!([["FunctionName"]]));
            assert_eq!((&line["FunctionName"], &line["target"]), (&json!("slipway-deploy"), &json!("prod/web")));
            assert_eq!(line[&name], 1);
        }
    }
}
