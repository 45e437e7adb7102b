use serde_json::json;

use super::*;

const SERVICE: &str = "arn:aws:ecs:eu-west-1:123456789012:service/prod/web";

fn received() -> Timestamp {
    "2026-09-04T18:00:00Z".parse().unwrap()
}

fn ecs(kind: &str, resource: &str, detail: &Value) -> Value {
    json!({ "source": "aws.ecs", "detail-type": kind, "resources": [resource], "detail": detail })
}

fn state_change(resource: &str, detail: &Value) -> Value {
    ecs("ECS Deployment State Change", resource, detail)
}

/// A task of `prod/web` that stopped with this code.
fn task(changes: &Value) -> Value {
    let mut detail = json!({
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod", "group": "service:web",
        "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/prod/0ebb", "lastStatus": "STOPPED",
        "startedBy": "ecs-svc/1", "stopCode": "EssentialContainerExited",
        "containers": [{ "name": "web", "exitCode": 1, "image": "shop/web:1", "surprise": {} }],
    });
    detail.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    ecs("ECS Task State Change", "arn:aws:ecs:eu-west-1:123456789012:task/prod/0ebb", &detail)
}

/// Cluster, service and what it is a hint of, in a line.
fn line(event: &Input) -> String {
    let event = match event {
        Input::Service(event) => event,
        Input::Group(event) => return format!("{} in {}", event.group, event.home.region),
        other => panic!("no event is {other:?}"),
    };
    let cluster = event.cluster.as_ref().map_or("?", |cluster| cluster.as_str());
    let hint = match &event.hint {
        Hint::Deployment(event) => format!("{} {:?}", event.deployment, event.change),
        Hint::TaskStopped(task) => {
            let died = task.died().and_then(|died| died.exit_code);
            format!("{} of {} exits with {died:?}", task.short(), task.started_by.as_ref().unwrap())
        }
        Hint::Warning(warning) => format!("{} {}", warning.name, warning.reason.as_deref().unwrap_or("-")),
        Hint::Changed => "a change".to_owned(),
        Hint::Timer | Hint::Unjudged => panic!("no event of ECS is {event:?}"),
    };
    format!("{cluster}/{}: {hint}", event.service)
}

#[track_caller]
fn check(payload: Value, expected: Result<Option<&str>, &str>) {
    let parsed = parse(payload, received());
    let shown = parsed.map(|event| event.as_ref().map(line)).map_err(|Malformed(text)| text);
    assert_eq!(shown.as_ref().map(Option::as_deref).map_err(String::as_str), expected);
}

#[test]
fn the_cluster_comes_from_either_arn_or_is_unknown() {
    let completed = json!({ "eventName": "SERVICE_DEPLOYMENT_COMPLETED", "deploymentId": "ecs-svc/1" });
    let mut with_cluster = completed.clone();
    with_cluster["clusterArn"] = "arn:aws:ecs:eu-west-1:123456789012:cluster/blue".into();
    let (long, short) = (
        "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:service/prod/web",
        "arn:aws:ecs:eu-west-1:123456789012:service/web",
    );
    check(state_change(long, &completed), Ok(Some("prod/web: ecs-svc/1 Completed")));
    check(state_change(long, &with_cluster), Ok(Some("prod/web: ecs-svc/1 Completed")));
    check(state_change(short, &with_cluster), Ok(Some("blue/web: ecs-svc/1 Completed")));
    check(state_change(short, &completed), Ok(Some("?/web: ecs-svc/1 Completed")));
}

#[test]
fn a_hook_is_of_the_service_that_any_arn_names() {
    let waits = json!({ "eventName": "HOOK_AWAITING_ACTION" });
    let hook = |resource: &str, detail: &Value| ecs("ECS Hook State Change", resource, detail);
    let service_deployment = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/web/r9i43YFjvgF";
    check(hook(SERVICE, &waits), Ok(Some("prod/web: a change")));
    check(hook(service_deployment, &waits), Ok(Some("prod/web: a change")));
    let in_detail = json!({ "eventName": "HOOK_AWAITING_ACTION", "serviceDeploymentArn": service_deployment });
    check(hook("", &in_detail), Ok(Some("prod/web: a change")));
    check(hook("", &waits), Err("resources: [\"\"] name no service"));
}

#[test]
fn an_event_of_codedeploy_names_its_group() {
    let sample = include_str!("../../../../tests/events/codedeploy_deployment_success.json");
    let sample: Value = serde_json::from_str(sample).unwrap();
    let with = |place: &str, value: Value| {
        let mut payload = sample.clone();
        *payload.pointer_mut(place).unwrap() = value;
        payload
    };
    check(sample.clone(), Ok(Some("AppECS-prod-web/DgpECS-prod-web in eu-central-1")));
    check(with("/detail/state", "READY".into()), Ok(Some("AppECS-prod-web/DgpECS-prod-web in eu-central-1")));
    check(with("/detail-type", "CodeDeploy Instance State-change Notification".into()), Ok(None));
    let application = "arn:aws:codedeploy:eu-central-1:210987654321:application:AppECS-prod-web";
    let nothing = Err("resources: [] and the detail name no deployment group");
    check(with("/resources", json!([])), nothing);
    let nothing = format!("resources: [{application:?}] and the detail name no deployment group");
    check(with("/resources", json!([application])), Err(&nothing));
    for named in ["/detail/application", "/detail/deploymentGroup"] {
        assert!(parse(with(named, "".into()), received()).is_err());
        assert!(parse(with(named, Value::Null), received()).is_err());
    }
    assert!(parse(with("/detail", json!("SUCCESS")), received()).is_err());
}

#[test]
fn what_is_not_ours_is_no_error_and_what_is_malformed_is() {
    let named = |name: &str| json!({ "eventName": name, "deploymentId": "ecs-svc/1" });
    check(state_change(SERVICE, &named("SERVICE_DEPLOYMENT_PAUSED")), Ok(None));
    check(state_change(SERVICE, &json!({})), Ok(None));
    check(json!({ "source": "aws.ecs", "detail-type": "ECS Container Instance State Change" }), Ok(None));
    check(json!({}), Ok(None));
    check(
        state_change("arn:aws:ecs:eu-west-1:123456789012:cluster/prod", &named("SERVICE_DEPLOYMENT_FAILED")),
        Err("resources: [\"arn:aws:ecs:eu-west-1:123456789012:cluster/prod\"] name no service"),
    );
    check(
        state_change(SERVICE, &json!({ "eventName": "SERVICE_DEPLOYMENT_FAILED" })),
        Err("detail.deploymentId: is missing"),
    );
    assert!(parse(json!("text"), received()).is_err());
    assert!(parse(state_change(SERVICE, &json!("SERVICE_DEPLOYMENT_FAILED")), received()).is_err());
}

#[test]
fn the_time_is_when_it_happened() {
    let at = |time: Value, updated_at: Value| {
        let detail = json!({
            "eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": "ecs-svc/1", "updatedAt": updated_at
        });
        let mut payload = state_change(SERVICE, &detail);
        payload["time"] = time;
        match parse(payload, received()).unwrap() {
            Some(Input::Service(ServiceTrigger { hint: Hint::Deployment(event), .. })) => event.at.to_string(),
            other => panic!("no deployment: {other:?}"),
        }
    };
    assert_eq!(at("2026-09-04T17:12:33Z".into(), "2026-09-04T17:12:31.714Z".into()), "2026-09-04T17:12:31.714Z");
    assert_eq!(at("2026-09-04T17:12:33Z".into(), Value::Null), "2026-09-04T17:12:33Z");
    assert_eq!(at(Value::Null, "yesterday".into()), received().to_string());
}

#[test]
fn only_tasks_of_services_that_stopped_by_themselves_count() {
    check(task(&json!({})), Ok(Some("prod/web: 0ebb of ecs-svc/1 exits with Some(1)")));
    check(task(&json!({ "lastStatus": "DEPROVISIONING" })), Ok(None));
    check(task(&json!({ "group": "family:migrate" })), Ok(None));
    check(task(&json!({ "stopCode": "SpotInterruption" })), Ok(None));
    check(task(&json!({ "stopCode": "UserInitiated" })), Ok(None));
    let scaled = "Scaling activity initiated by (deployment ecs-svc/1)";
    check(task(&json!({ "stopCode": "ServiceSchedulerInitiated", "stoppedReason": scaled })), Ok(None));
    check(
        task(&json!({ "clusterArn": "prod" })),
        Err("detail: no cluster and task in \"prod\", \"arn:aws:ecs:eu-west-1:123456789012:task/prod/0ebb\""),
    );
}

#[test]
fn warnings_and_errors_of_a_service_count_and_its_steady_state_does_not() {
    let action = |kind: &str, name: &str, reason: Value| {
        ecs("ECS Service Action", SERVICE, &json!({ "eventType": kind, "eventName": name, "reason": reason }))
    };
    check(
        action("ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", "RESOURCE:FARGATE".into()),
        Ok(Some("prod/web: SERVICE_TASK_PLACEMENT_FAILURE RESOURCE:FARGATE")),
    );
    check(
        action("WARN", "SERVICE_TASK_START_IMPAIRED", Value::Null),
        Ok(Some("prod/web: SERVICE_TASK_START_IMPAIRED -")),
    );
    check(action("INFO", "SERVICE_STEADY_STATE", Value::Null), Ok(None));
}

#[test]
fn a_timer_is_not_for_this_function() {
    check(json!({ "slipway": "timer", "target": "prod/web" }), Ok(None));
}
