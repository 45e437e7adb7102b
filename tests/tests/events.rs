//! Every event file: the function whose rule matches it parses it, and the others ignore it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

/// Which functions act on each file; a file without a line fails the test.
const EVENTS: [(&str, &[&str]); 40] = [
    ("codedeploy_deployment_success", &["track"]),
    ("ecr_image_action_delete", &[]),
    ("ecr_image_action_push", &["deploy"]),
    ("ecr_image_action_push_untagged_captured", &[]),
    ("ecr_image_action_restore", &[]),
    ("ecr_image_scan_all_severities", &[]),
    ("ecr_image_scan_basic", &[]),
    ("ecr_pull_through_cache_action", &[]),
    ("ecr_push_docker_schema2_tagged", &["deploy"]),
    ("ecr_push_multiarch_1_child_untagged", &[]),
    ("ecr_push_multiarch_2_attestation_untagged", &[]),
    ("ecr_push_multiarch_3_index_tagged", &["deploy"]),
    ("ecr_replication_action_failed", &[]),
    ("ecr_replication_action_success", &["deploy"]),
    ("ecr_scan_resource_change", &[]),
    ("ecs_deployment_completed", &["track"]),
    ("ecs_deployment_completed_short_arn", &["track"]),
    ("ecs_deployment_failed", &["track"]),
    ("ecs_deployment_in_progress", &["track"]),
    ("ecs_deployment_in_progress_captured", &["track"]),
    ("ecs_deployment_in_progress_rollback", &["track"]),
    ("ecs_deployment_unknown_name", &[]),
    ("ecs_rollback_1_new_in_progress", &["track"]),
    ("ecs_rollback_2_new_failed", &["track"]),
    ("ecs_rollback_3_old_in_progress", &["track"]),
    ("ecs_rollback_4_old_completed", &["track"]),
    ("ecs_service_capacity_provider_steady_state", &[]),
    ("ecs_service_steady_state", &[]),
    ("ecs_service_steady_state_captured", &[]),
    ("ecs_service_task_placement_failure_fargate", &["track"]),
    ("ecs_service_task_start_impaired", &["track"]),
    ("ecs_task_failed_to_start_cannot_pull", &["track"]),
    ("ecs_task_provisioning_captured", &[]),
    ("ecs_task_running", &[]),
    ("ecs_task_stopped_exit1_service", &["track"]),
    ("ecs_task_stopped_oom_service", &["track"]),
    ("ecs_task_stopped_scaled_in_service", &[]),
    ("ecs_task_stopped_unhealthy_behind_load_balancer_service", &["track"]),
    ("ecs_task_stopped_unhealthy_service", &["track"]),
    ("inspector2_scan_ecr", &[]),
];

/// A function that takes events: its name, and whether it acts on one.
type Parser = (&'static str, fn(Value) -> bool);

const PARSERS: [Parser; 2] = [
    ("deploy", |event| slipway_deploy::parse(event).expect("an event is never malformed").is_some()),
    ("track", |event| {
        slipway_track::parse(event, Timestamp::UNIX_EPOCH).expect("an event is never malformed").is_some()
    }),
];

#[test]
fn each_event_is_parsed_by_its_function_and_ignored_by_the_others() {
    for (name, expected) in EVENTS {
        let event: Value = serde_json::from_str(&fs::read_to_string(file(name)).expect(name)).expect(name);
        let acting: Vec<&str> =
            PARSERS.iter().filter(|(_, acts)| acts(event.clone())).map(|(function, _)| *function).collect();
        assert_eq!(acting, expected, "{name}");
    }
}

#[test]
fn each_file_has_its_line() {
    let folder = file("x");
    let files = fs::read_dir(folder.parent().expect("a folder")).expect("the folder");
    let paths = files.map(|entry| entry.expect("an entry").path());
    let json = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let names: BTreeSet<String> = json.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    assert_eq!(names, EVENTS.iter().map(|(name, _)| (*name).to_owned()).collect());
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(format!("{name}.json"))
}
