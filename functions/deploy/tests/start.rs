//! What the process says when it cannot serve: wrong settings and a panic are lines of the log as all others are, because
//! Lambda's filter by level would take any other text for information. It stands apart because it runs the whole binary.

use std::process::Command;

use jiff::Timestamp;
use serde_json::Value;

/// Starts the function with these variables, and expects one line of the log with this text.
#[track_caller]
fn check(variables: &[(&str, &str)], expected: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_deploy"))
        .env_remove("SLIPWAY_TOPIC_ARN")
        .env_remove("AWS_LAMBDA_FUNCTION_NAME")
        .envs([("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", "ERROR"), ("AWS_REGION", "eu-west-1")])
        .envs(variables.iter().copied())
        .output()
        .expect("the function starts");
    assert!(!output.status.success(), "it cannot serve");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let line: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(line["level"], "ERROR", "{line}");
    assert!(line["timestamp"].as_str().is_some_and(|at| at.parse::<Timestamp>().is_ok()), "{line}");
    assert!(line["fields"]["message"].as_str().is_some_and(|message| message.contains(expected)), "{line}");
}

#[test]
fn wrong_settings_are_an_error_in_the_log() {
    check(&[], "SLIPWAY_TOPIC_ARN: is empty");
}

#[test]
fn a_panic_is_an_error_in_the_log() {
    let settings = [
        ("SLIPWAY_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:slipway-notices"),
        ("SLIPWAY_CONFIG", r#"{"version": 1, "targets": []}"#),
    ];
    // The runtime panics where Lambda has not set its variables.
    check(&settings, "AWS_LAMBDA_FUNCTION_NAME");
}
