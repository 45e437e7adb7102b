//! Decides which values of a task definition may be shown.
//!
//! It is a list of what is harmless, not of what is secret: commands, labels, log options, URLs and
//! whatever AWS invents next can all hold a password.

use serde_json::Value;

use crate::model::image::ImageRef;

/// The places whose values are shown, names and indices left out.
const HARMLESS: [&str; 59] = [
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "enableFaultInjection",
    "requiresCompatibilities",
    "runtimePlatform.cpuArchitecture",
    "runtimePlatform.operatingSystemFamily",
    "ephemeralStorage.sizeInGiB",
    "volumes[].efsVolumeConfiguration.fileSystemId",
    "volumes[].efsVolumeConfiguration.rootDirectory",
    "volumes[].efsVolumeConfiguration.transitEncryption",
    "volumes[].configuredAtLaunch",
    "containerDefinitions[].cpu",
    "containerDefinitions[].memory",
    "containerDefinitions[].memoryReservation",
    "containerDefinitions[].essential",
    "containerDefinitions[].versionConsistency",
    "containerDefinitions[].user",
    "containerDefinitions[].workingDirectory",
    "containerDefinitions[].privileged",
    "containerDefinitions[].readonlyRootFilesystem",
    "containerDefinitions[].disableNetworking",
    "containerDefinitions[].interactive",
    "containerDefinitions[].pseudoTerminal",
    "containerDefinitions[].startTimeout",
    "containerDefinitions[].stopTimeout",
    "containerDefinitions[].portMappings[].containerPort",
    "containerDefinitions[].portMappings[].hostPort",
    "containerDefinitions[].portMappings[].protocol",
    "containerDefinitions[].portMappings[].appProtocol",
    "containerDefinitions[].portMappings[].containerPortRange",
    "containerDefinitions[].portMappings[].name",
    "containerDefinitions[].mountPoints[].sourceVolume",
    "containerDefinitions[].mountPoints[].containerPath",
    "containerDefinitions[].mountPoints[].readOnly",
    "containerDefinitions[].dependsOn[].containerName",
    "containerDefinitions[].dependsOn[].condition",
    "containerDefinitions[].healthCheck.interval",
    "containerDefinitions[].healthCheck.timeout",
    "containerDefinitions[].healthCheck.retries",
    "containerDefinitions[].healthCheck.startPeriod",
    "containerDefinitions[].ulimits[].softLimit",
    "containerDefinitions[].ulimits[].hardLimit",
    "containerDefinitions[].linuxParameters.initProcessEnabled",
    "containerDefinitions[].linuxParameters.sharedMemorySize",
    "containerDefinitions[].linuxParameters.maxSwap",
    "containerDefinitions[].linuxParameters.swappiness",
    "containerDefinitions[].logConfiguration.logDriver",
    "containerDefinitions[].firelensConfiguration.type",
    "containerDefinitions[].restartPolicy.enabled",
    "containerDefinitions[].restartPolicy.restartAttemptPeriod",
    "containerDefinitions[].resourceRequirements[].type",
    "containerDefinitions[].resourceRequirements[].value",
    "containerDefinitions[].systemControls[].namespace",
];

/// The value as text, if it may be shown at this kind of place, `containerDefinitions[].image`.
/// A whole container is shown by its image.
pub(super) fn value(kind: &str, value: &Value) -> Option<String> {
    match kind {
        "containerDefinitions[]" => value.get("image").and_then(image),
        "containerDefinitions[].image" => image(value),
        _ if HARMLESS.contains(&kind) => plain(value),
        _ => None,
    }
}

/// What is no image reference may be anything, such as an URL with a password.
fn image(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    ImageRef::parse(text).map(|_| text.to_owned())
}

/// Objects are not shown even here: their members are places of their own, which nobody knows as harmless.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            Some(values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(kind: &str, given: Value, expected: Option<&str>) {
        assert_eq!(value(kind, &given).as_deref(), expected);
    }

    #[test]
    fn harmless_values_are_shown() {
        check("cpu", json!("256"), Some("256"));
        check("requiresCompatibilities", json!(["EC2", "FARGATE"]), Some("EC2, FARGATE"));
        check("containerDefinitions[].essential", json!(true), Some("true"));
        check("containerDefinitions[].image", json!("nginx:1"), Some("nginx:1"));
        check("containerDefinitions[]", json!({ "name": "a", "image": "nginx:1" }), Some("nginx:1"));
    }

    #[test]
    fn what_may_be_secret_is_not() {
        check("containerDefinitions[].image", json!("https://user:password@registry.example/web"), None);
        check("containerDefinitions[]", json!({ "name": "a", "command": ["--password=x"] }), None);
        check("containerDefinitions[].command", json!(["--password=x"]), None);
        check("containerDefinitions[].environment[]", json!({ "name": "A", "value": "x" }), None);
        check("containerDefinitions[].logConfiguration.options.apikey", json!("x"), None);
        check("containerDefinitions[].healthCheck.command", json!(["curl -u user:x"]), None);
        check("inventedMember", json!("x"), None);
        check("cpu", json!({ "invented": "x" }), None);
        check("requiresCompatibilities", json!(["EC2", { "invented": "x" }]), None);
    }
}
