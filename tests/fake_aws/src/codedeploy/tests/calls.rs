//! What the calls take, refuse and list.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{APPLICATION, GROUP, Setup, group, revision, rolls_back, spec, waits};
use crate::CodeDeployStage::{Ended, Ready, Serving};
use crate::{identity, time};

/// The call is refused with this code, without its end.
#[track_caller]
fn refused(setup: &mut Setup, operation: &str, request: Value, code: &str) {
    let refusal = setup.call(operation, request).unwrap_err();
    assert_eq!(refusal.code, format!("{code}Exception"), "{}", refusal.message);
}

/// A request with these members instead of its own; null takes one away.
fn with(request: &Value, own: Value) -> Value {
    let mut request = request.clone();
    for (member, value) in own.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(request.as_object_mut().unwrap().remove(member)),
            value => request[member] = value.clone(),
        }
    }
    request
}

#[test]
fn what_a_deployment_group_needs() {
    let mut setup = Setup::new(&json!({}));
    setup
        .ecs("CreateService", json!({ "cluster": "prod", "serviceName": "rolling", "taskDefinition": "web:1" }))
        .unwrap();
    let controller = json!({ "type": "CODE_DEPLOY" });
    let service = json!({
        "cluster": "prod", "serviceName": "api", "taskDefinition": "web:1", "deploymentController": controller,
    });
    setup.ecs("CreateService", service).unwrap();
    let services = |name: &str| json!([{ "clusterName": "prod", "serviceName": name }]);
    let right = with(&group(&json!({})), json!({ "deploymentGroupName": "api", "ecsServices": services("api") }));
    let rows = [
        (json!({ "applicationName": "none" }), "ApplicationDoesNotExist"),
        (json!({ "deploymentGroupName": GROUP }), "DeploymentGroupAlreadyExists"),
        (json!({ "deploymentConfigName": "CodeDeployDefault.OneAtATime" }), "DeploymentConfigDoesNotExist"),
        (json!({ "ecsServices": null }), "InvalidECSService"),
        (json!({ "ecsServices": services("none") }), "InvalidECSService"),
        (json!({ "ecsServices": services("rolling") }), "InvalidECSService"),
        (json!({ "ecsServices": services("web") }), "ECSServiceMappingLimitExceeded"),
        (json!({ "deploymentStyle": { "deploymentType": "IN_PLACE" } }), "InvalidDeploymentStyle"),
        (json!({ "loadBalancerInfo": { "targetGroupInfoList": [] } }), "InvalidLoadBalancerInfo"),
        (json!({ "blueGreenDeploymentConfiguration": {} }), "InvalidBlueGreenDeploymentConfiguration"),
        (rolls_back(&[]), "InvalidAutoRollbackConfig"),
        (json!({ "alarmConfiguration": { "enabled": true, "alarms": [] } }), "InvalidAlarmConfig"),
    ];
    for (own, code) in rows {
        refused(&mut setup, "CreateDeploymentGroup", with(&right, own), code);
    }
    setup.call("CreateDeploymentGroup", right).unwrap();
    let names = setup.call("ListDeploymentGroups", json!({ "applicationName": APPLICATION })).unwrap();
    assert_eq!(names, json!({ "applicationName": APPLICATION, "deploymentGroups": [GROUP, "api"] }));
}

#[test]
fn applications_and_groups_are_listed_and_found() {
    let mut setup = Setup::new(&json!({}));
    refused(&mut setup, "CreateApplication", json!({ "applicationName": APPLICATION }), "ApplicationAlreadyExists");
    for number in 0..100 {
        setup.call("CreateApplication", json!({ "applicationName": format!("z{number:02}") })).unwrap();
    }
    let first = setup.call("ListApplications", json!({})).unwrap();
    assert_eq!(
        (first["applications"][0].as_str(), first["applications"].as_array().unwrap().len()),
        (Some(APPLICATION), 100)
    );
    let second = setup.call("ListApplications", json!({ "nextToken": first["nextToken"] })).unwrap();
    assert_eq!(second, json!({ "applications": ["z99"] }));
    refused(&mut setup, "ListApplications", json!({ "nextToken": "mine" }), "InvalidNextToken");

    // An application for instances has groups without a service.
    let servers = json!({ "applicationName": "z00", "deploymentGroupName": "servers", "serviceRoleArn": "arn" });
    setup.call("CreateDeploymentGroup", servers).unwrap();
    let batch = |names: Value| json!({ "applicationName": "z00", "deploymentGroupNames": names });
    let found = setup.call("BatchGetDeploymentGroups", batch(json!(["servers", "none"]))).unwrap();
    assert_eq!(found["deploymentGroupsInfo"].as_array().unwrap().len(), 1);
    assert_eq!(found["deploymentGroupsInfo"][0].get("ecsServices"), None);
    assert_eq!(found["errorMessage"], "No Deployment Group found for name: none");
    refused(&mut setup, "BatchGetDeploymentGroups", batch(json!(vec!["servers"; 101])), "BatchLimitExceeded");
    let deploy = json!({
        "applicationName": "z00", "deploymentGroupName": "servers", "revision": revision(&spec("web:2", &json!({}))),
    });
    refused(&mut setup, "CreateDeployment", deploy, "InvalidComputePlatform");
    let unknown = setup.call("DeleteApplication", json!({ "applicationName": "z00" })).unwrap_err();
    assert_eq!(unknown.code, "UnknownOperationException");
}

#[test]
fn the_predefined_configurations_say_how_traffic_shifts() {
    let mut setup = Setup::new(&json!({}));
    let rows = [
        ("AllAtOnce", json!({ "type": "AllAtOnce" })),
        (
            "Linear10PercentEvery3Minutes",
            json!({ "type": "TimeBasedLinear", "timeBasedLinear": { "linearPercentage": 10, "linearInterval": 3 } }),
        ),
        (
            "Canary10Percent5Minutes",
            json!({ "type": "TimeBasedCanary", "timeBasedCanary": { "canaryPercentage": 10, "canaryInterval": 5 } }),
        ),
    ];
    for (name, routing) in rows {
        let name = format!("CodeDeployDefault.ECS{name}");
        let answer = setup.call("GetDeploymentConfig", json!({ "deploymentConfigName": name })).unwrap();
        let info = &answer["deploymentConfigInfo"];
        assert_eq!((&info["computePlatform"], &info["trafficRoutingConfig"]), (&json!("ECS"), &routing));
    }
    let request = json!({ "deploymentConfigName": "mine" });
    refused(&mut setup, "GetDeploymentConfig", request, "DeploymentConfigDoesNotExist");
}

#[test]
fn what_a_deployment_needs() {
    let mut setup = Setup::new(&json!({}));
    let content = spec("web:2", &json!({})).to_string();
    let right = json!({
        "applicationName": APPLICATION, "deploymentGroupName": GROUP, "revision": revision(&spec("web:2", &json!({}))),
    });
    let app_spec =
        |app_spec: Value| json!({ "revision": { "revisionType": "AppSpecContent", "appSpecContent": app_spec } });
    let s3 = json!({ "revisionType": "S3", "s3Location": { "bucket": "a", "key": "b" } });
    let rows = [
        (json!({ "applicationName": "none" }), "ApplicationDoesNotExist"),
        (json!({ "deploymentGroupName": null }), "DeploymentGroupNameRequired"),
        (json!({ "deploymentGroupName": "none" }), "DeploymentGroupDoesNotExist"),
        (json!({ "revision": null }), "RevisionRequired"),
        (json!({ "revision": s3 }), "InvalidRevision"),
        (app_spec(json!({})), "InvalidRevision"),
        (app_spec(json!({ "content": content, "sha256": "0" })), "InvalidRevision"),
        (app_spec(json!({ "content": "version: 0.0" })), "InvalidRevision"),
        (app_spec(json!({ "sha256": "0" })), "InvalidRevision"),
        (json!({ "description": "x".repeat(257) }), "DescriptionTooLong"),
        (json!({ "deploymentConfigName": "none" }), "DeploymentConfigDoesNotExist"),
        (rolls_back(&[]), "InvalidAutoRollbackConfig"),
        (json!({ "overrideAlarmConfiguration": { "enabled": true } }), "InvalidAlarmConfig"),
    ];
    for (own, code) in rows {
        refused(&mut setup, "CreateDeployment", with(&right, own), code);
    }
    let digest = identity::digest(content.as_bytes());
    let sha256 = digest.strip_prefix("sha256:").unwrap();
    let own = app_spec(json!({ "content": content, "sha256": sha256 }));
    let own = with(&own, json!({ "description": "x".repeat(256) }));
    let id = setup.call("CreateDeployment", with(&right, own)).unwrap()["deploymentId"].as_str().unwrap().to_owned();
    let refusal = setup.call("CreateDeployment", right.clone()).unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message),
        (
            "DeploymentLimitExceededException",
            format!("The Deployment Group '{GROUP}' already has an active Deployment '{id}'")
        )
    );
    setup.move_to(Ended);
    // What the application knows can be deployed again by its SHA-256 alone.
    setup.call("CreateDeployment", with(&right, app_spec(json!({ "sha256": sha256 })))).unwrap();
    setup.move_to(Ended);
    setup.ecs("DeleteService", json!({ "cluster": "prod", "service": "web", "force": true })).unwrap();
    refused(&mut setup, "CreateDeployment", right, "InvalidECSService");
}

#[test]
fn revisions_are_registered_and_read() {
    let mut setup = Setup::new(&json!({}));
    let spec = spec("web:2", &json!({ "Hooks": [{ "BeforeAllowTraffic": "check" }] }));
    let of = |revision: Value| json!({ "applicationName": APPLICATION, "revision": revision });
    let by_sha = |info: &Value| of(info["revision"].clone());
    refused(&mut setup, "GetApplicationRevision", of(revision(&spec)), "RevisionDoesNotExist");
    let request = with(&of(revision(&spec)), json!({ "description": "with a hook" }));
    setup.call("RegisterApplicationRevision", request).unwrap();
    setup.call("RegisterApplicationRevision", of(revision(&spec))).unwrap();
    let registered = setup.call("GetApplicationRevision", of(revision(&spec))).unwrap();
    assert_eq!(registered["revisionInfo"]["description"], "with a hook");
    assert_eq!(registered["revisionInfo"].get("firstUsedTime"), None);

    let id = setup.deploy_spec(&spec, &json!({}));
    let info = setup.info(&id);
    let known = setup.call("GetApplicationRevision", by_sha(&info)).unwrap();
    assert_eq!(known["revision"]["appSpecContent"]["content"], spec.to_string());
    assert_eq!(known["revision"]["appSpecContent"]["sha256"], info["revision"]["appSpecContent"]["sha256"]);
    assert_eq!(known["revisionInfo"]["firstUsedTime"], info["createTime"]);
    assert_eq!(known["revisionInfo"]["deploymentGroups"], json!([]));
    setup.move_to(Ended);
    let known = setup.call("GetApplicationRevision", by_sha(&info)).unwrap();
    assert_eq!(known["revisionInfo"]["deploymentGroups"], json!([GROUP]));

    let by_sha = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "sha256": "0" } });
    let rows = [
        ("RegisterApplicationRevision", of(by_sha.clone()), "InvalidRevision"),
        ("RegisterApplicationRevision", json!({ "applicationName": APPLICATION }), "RevisionRequired"),
        (
            "RegisterApplicationRevision",
            json!({ "applicationName": "none", "revision": by_sha }),
            "ApplicationDoesNotExist",
        ),
        ("GetApplicationRevision", of(by_sha.clone()), "RevisionDoesNotExist"),
        ("GetApplicationRevision", json!({ "applicationName": "none", "revision": by_sha }), "ApplicationDoesNotExist"),
    ];
    for (operation, request, code) in rows {
        refused(&mut setup, operation, request, code);
    }
}

#[test]
fn deployments_are_listed_by_group_status_and_time() {
    let mut setup = Setup::new(&json!({}));
    let first = setup.first.clone();
    setup.pass(SignedDuration::from_mins(10));
    let at = time::epoch_seconds(setup.now);
    let second = setup.deploy("web:2");
    let of = json!({ "applicationName": APPLICATION, "deploymentGroupName": GROUP });
    let rows = [
        (json!({}), vec![&first, &second]),
        (of.clone(), vec![&first, &second]),
        (with(&of, json!({ "includeOnlyStatuses": ["Created", "Queued", "InProgress"] })), vec![&second]),
        (with(&of, json!({ "includeOnlyStatuses": ["Succeeded"] })), vec![&first]),
        (with(&of, json!({ "includeOnlyStatuses": ["Failed"] })), vec![]),
        (with(&of, json!({ "createTimeRange": { "start": at } })), vec![&second]),
        (with(&of, json!({ "createTimeRange": { "end": at } })), vec![&first]),
    ];
    for (request, expected) in rows {
        assert_eq!(
            setup.call("ListDeployments", request.clone()).unwrap()["deployments"],
            json!(expected),
            "{request}"
        );
    }
    let refusals = [
        (json!({ "applicationName": APPLICATION }), "DeploymentGroupNameRequired"),
        (json!({ "deploymentGroupName": GROUP }), "ApplicationNameRequired"),
        (json!({ "applicationName": "none", "deploymentGroupName": GROUP }), "ApplicationDoesNotExist"),
        (with(&of, json!({ "createTimeRange": { "start": at, "end": at - 1.0 } })), "InvalidTimeRange"),
        (with(&of, json!({ "nextToken": "mine" })), "InvalidNextToken"),
    ];
    for (request, code) in refusals {
        refused(&mut setup, "ListDeployments", request, code);
    }
    setup.call("StopDeployment", json!({ "deploymentId": second })).unwrap();
    for _ in 0..99 {
        let id = setup.deploy("web:2");
        setup.call("StopDeployment", json!({ "deploymentId": id })).unwrap();
    }
    let page = setup.call("ListDeployments", of.clone()).unwrap();
    let next = setup.call("ListDeployments", with(&of, json!({ "nextToken": page["nextToken"] }))).unwrap();
    assert_eq!(
        (page["deployments"].as_array().unwrap().len(), next["deployments"].as_array().unwrap().len()),
        (100, 1)
    );
    assert_eq!(next.get("nextToken"), None);
}

#[test]
fn a_new_deployment_is_listed_after_a_bounded_time() {
    let mut late = 0;
    for seed in 0..40 {
        let mut setup = Setup::with_seed(seed, &json!({}));
        setup.aws.set_history_lag(SignedDuration::from_secs(30));
        let id = setup.deploy("web:2");
        let listed = |setup: &mut Setup| setup.call("ListDeployments", json!({})).unwrap()["deployments"].to_string();
        late += usize::from(!listed(&mut setup).contains(&id));
        // Only the list lags.
        assert_eq!(setup.status(&id), "Created");
        setup.pass(SignedDuration::from_secs(30));
        assert!(listed(&mut setup).contains(&id));
    }
    assert!(late > 20, "{late}");
}

#[test]
fn a_deployment_has_one_target() {
    let mut setup = Setup::new(&waits(10));
    let id = setup.deploy("web:2");
    setup.move_to(Ready);
    let of = json!({ "deploymentId": id });
    let list = |own: Value| with(&of, own);
    let rows = [
        (json!({}), json!(["prod:web"])),
        (json!({ "targetFilters": { "TargetStatus": ["Ready"] } }), json!(["prod:web"])),
        (json!({ "targetFilters": { "TargetStatus": ["Failed"] } }), json!([])),
    ];
    for (own, ids) in rows {
        assert_eq!(setup.call("ListDeploymentTargets", list(own)).unwrap()["targetIds"], ids);
    }
    let batch = setup.call("BatchGetDeploymentTargets", list(json!({ "targetIds": ["prod:web"] }))).unwrap();
    let target = setup.target(&id);
    assert_eq!(batch["deploymentTargets"], json!([{ "deploymentTargetType": "ECSTarget", "ecsTarget": target }]));
    assert_eq!(target["targetArn"], "arn:aws:ecs:eu-west-1:123456789012:service/prod/web");
    assert_eq!(target["taskSetsInfo"][1]["targetGroup"]["name"], "blue");
    let rows = [
        ("GetDeploymentTarget", json!({ "targetId": "prod:api" }), "DeploymentTargetDoesNotExist"),
        ("BatchGetDeploymentTargets", json!({ "targetIds": [] }), "DeploymentTargetIdRequired"),
        ("BatchGetDeploymentTargets", json!({ "targetIds": vec!["a"; 26] }), "DeploymentTargetListSizeExceeded"),
        ("GetDeployment", json!({ "deploymentId": "d-1" }), "InvalidDeploymentId"),
        ("GetDeployment", json!({ "deploymentId": "d-AAAAAAAAA" }), "DeploymentDoesNotExist"),
        ("GetDeployment", json!({ "deploymentId": null }), "DeploymentIdRequired"),
    ];
    for (operation, own, code) in rows {
        refused(&mut setup, operation, list(own), code);
    }
}

#[test]
fn a_deployment_that_waits_goes_on_when_it_is_told_to() {
    let mut setup = Setup::new(&waits(30));
    let id = setup.deploy("web:2");
    let go_on = |wait: Value| with(&json!({ "deploymentId": id }), json!({ "deploymentWaitType": wait }));
    refused(&mut setup, "ContinueDeployment", go_on(json!("READY_WAIT")), "DeploymentIsNotInReadyState");
    setup.move_to(Ready);
    refused(&mut setup, "ContinueDeployment", go_on(json!("TERMINATION_WAIT")), "DeploymentIsNotInReadyState");
    refused(&mut setup, "ContinueDeployment", go_on(json!("COFFEE")), "InvalidDeploymentWaitType");
    // Without a wait type it is the wait for the traffic.
    assert_eq!(setup.call("ContinueDeployment", go_on(Value::Null)).unwrap(), json!({}));
    assert_eq!((setup.status(&id).as_str(), setup.lifecycle(&id).as_str()), ("InProgress", "SSSSSIPP"));
    setup.move_to(Serving);
    setup.call("ContinueDeployment", go_on(json!("TERMINATION_WAIT"))).unwrap();
    for _ in 0..20 {
        setup.aws.tick();
    }
    assert_eq!((setup.status(&id).as_str(), setup.sets()), ("Succeeded", vec!["PRIMARY web:2 2/2".to_owned()]));
    refused(&mut setup, "ContinueDeployment", go_on(json!("READY_WAIT")), "DeploymentAlreadyCompleted");
}
