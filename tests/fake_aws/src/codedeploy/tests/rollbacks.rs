//! Deployments that go wrong or are stopped, and CodeDeploy's own rollbacks.

use serde_json::{Value, json};

use super::{APPLICATION, GROUP, Setup, names, revision, rolls_back, spec, waits};
use crate::CodeDeployStage::{self, Created, Ended, Installing, Ready, Serving, Shifting, TestTraffic};
use crate::Failure;

const ALL: [&str; 3] = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];

fn alarm() -> Failure {
    Failure::SoundsAlarm { name: "5xx".to_owned() }
}

/// A group with an alarm, and rollbacks for these events.
fn watched(events: &[&str]) -> Value {
    let mut own = if events.is_empty() { json!({}) } else { rolls_back(events) };
    own["alarmConfiguration"] = json!({ "enabled": true, "alarms": [{ "name": "5xx" }] });
    own
}

/// A deployment of `web:2`, moved to a stage, fails so.
#[track_caller]
fn fail(setup: &mut Setup, stage: CodeDeployStage, failure: &Failure) -> (String, Vec<String>) {
    let hooks = json!({ "Hooks": [{ "AfterInstall": "check" }, { "AfterAllowTraffic": "check" }] });
    let id = setup.deploy_spec(&spec("web:2", &hooks), &json!({}));
    setup.move_to(stage);
    let events = setup.aws.fail_code_deploy("prod", "web", failure).unwrap();
    (id, names(&events))
}

#[test]
fn each_cause_has_its_status_its_code_and_its_rollback_event() {
    let rows = [
        (Installing, Failure::default(), "Failed", "FAILURE", "TIMEOUT", "SF------", ALL[0]),
        (Installing, Failure::CannotBePulled, "Failed", "FAILURE", "TIMEOUT", "SF------", ALL[0]),
        (Created, Failure::FailsHook, "Failed", "FAILURE", "HOOK_EXECUTION_FAILURE", "SSF-----", ALL[0]),
        (Shifting, Failure::FailsHook, "Failed", "FAILURE", "HOOK_EXECUTION_FAILURE", "SSSSSSSF", ALL[0]),
        (Shifting, alarm(), "Stopped", "STOP", "ALARM_ACTIVE", "SSSSSSF-", ALL[1]),
        (Serving, alarm(), "Stopped", "STOP", "ALARM_ACTIVE", "SSSSSSSS", ALL[1]),
    ];
    for (stage, failure, status, event, code, lifecycle, rollback) in rows {
        for covered in ALL {
            let mut setup = Setup::new(&watched(&[covered]));
            let (id, events) = fail(&mut setup, stage, &failure);
            assert!(events.contains(&event.to_owned()), "{failure:?}: {events:?}");
            let info = setup.info(&id);
            assert_eq!((&info["status"], &info["errorInformation"]["code"]), (&json!(status), &json!(code)));
            assert_eq!(setup.lifecycle(&id), lifecycle, "{failure:?}");
            assert_eq!(info["deploymentOverview"]["Failed"], 1);
            assert_eq!(setup.rollback_of(&id).is_some(), covered == rollback, "{failure:?} {covered}");
        }
    }
}

#[test]
fn a_rollback_is_a_deployment_of_its_own() {
    for stage in [TestTraffic, Shifting, Serving] {
        let mut setup = Setup::new(&watched(&ALL));
        let (id, _) = fail(&mut setup, stage, &alarm());
        let rollback = setup.rollback_of(&id).unwrap();
        let info = setup.info(&rollback);
        assert_eq!((&info["creator"], &info["status"]), (&json!("codeDeployRollback"), &json!("Created")));
        assert_eq!(info["rollbackInfo"]["rollbackTriggeringDeploymentId"], json!(id));
        let first = setup.first.clone();
        assert_eq!(info["revision"], setup.info(&first)["revision"]);
        // It is open: nobody else can deploy.
        let request = json!({
            "applicationName": APPLICATION, "deploymentGroupName": GROUP, "revision": revision(&spec("web:3", &json!({}))),
        });
        let refusal = setup.call("CreateDeployment", request).unwrap_err();
        assert!(refusal.message.contains(&rollback), "{}", refusal.message);
        assert_eq!(setup.move_to(Ended), ["START", "SUCCESS"]);
        assert_eq!((setup.status(&rollback).as_str(), setup.lifecycle(&rollback).as_str()), ("Succeeded", "------S-"));
        assert_eq!(setup.sets(), ["PRIMARY web:1 2/2"]);
        assert_eq!(setup.info(&rollback)["instanceTerminationWaitTimeStarted"], false);
        // The task set is the first deployment's, as ever.
        assert_eq!(setup.service()["taskSets"][0]["externalId"], json!(first));
        assert_eq!(setup.status(&id), "Stopped");
    }
}

#[test]
fn without_a_rollback_everything_stays_as_it_is_until_the_next_deployment() {
    let rows = [
        (Installing, Failure::default(), ["PRIMARY web:1 2/2", "ACTIVE web:2 0/2"]),
        (Ready, Failure::FailsHook, ["PRIMARY web:1 2/2", "ACTIVE web:2 2/2"]),
        (Serving, alarm(), ["PRIMARY web:2 2/2", "ACTIVE web:1 2/2"]),
    ];
    for (stage, failure, sets) in rows {
        let mut own = watched(&[]);
        own["blueGreenDeploymentConfiguration"] = waits(10)["blueGreenDeploymentConfiguration"].clone();
        let mut setup = Setup::new(&own);
        let hooks = json!({ "Hooks": [{ "BeforeAllowTraffic": "check" }] });
        let id = setup.deploy_spec(&spec("web:2", &hooks), &json!({}));
        setup.move_to(stage);
        let _ = setup.aws.fail_code_deploy("prod", "web", &failure).unwrap();
        assert_eq!(
            (setup.sets(), setup.info(&id)["rollbackInfo"].clone()),
            (sets.map(str::to_owned).to_vec(), json!({}))
        );
        setup.deploy("web:3");
        setup.move_to(Installing);
        assert_eq!(setup.sets(), [sets[0], "ACTIVE web:3 0/2"]);
    }
}

#[test]
fn nothing_is_rolled_back_before_anything_was_installed_nor_to_nothing() {
    let hooks = json!({ "Hooks": [{ "BeforeInstall": "check" }] });
    let mut setup = Setup::new(&rolls_back(&ALL));
    let id = setup.deploy_spec(&spec("web:2", &hooks), &json!({}));
    let _ = setup.aws.fail_code_deploy("prod", "web", &Failure::FailsHook).unwrap();
    assert_eq!((setup.status(&id).as_str(), setup.rollback_of(&id)), ("Failed", None));

    // A second group, whose service no deployment has reached yet.
    let service = json!({
        "cluster": "prod", "serviceName": "api", "taskDefinition": "web:1",
        "deploymentController": { "type": "CODE_DEPLOY" },
    });
    setup.ecs("CreateService", service).unwrap();
    let mut own = rolls_back(&ALL);
    own["deploymentGroupName"] = json!("api");
    own["ecsServices"] = json!([{ "clusterName": "prod", "serviceName": "api" }]);
    setup.call("CreateDeploymentGroup", super::group(&own)).unwrap();
    let request = json!({
        "applicationName": APPLICATION, "deploymentGroupName": "api", "revision": revision(&spec("web:2", &json!({}))),
    });
    let id = setup.call("CreateDeployment", request).unwrap()["deploymentId"].as_str().unwrap().to_owned();
    let _ = setup.aws.fail_code_deploy("prod", "api", &Failure::default()).unwrap();
    let info = setup.info(&id)["rollbackInfo"].clone();
    assert_eq!(info.get("rollbackDeploymentId"), None);
    assert!(info["rollbackMessage"].as_str().unwrap().contains("not rolled back"));
}

#[test]
fn a_stop_is_carried_out_later_and_rolls_back_where_it_is_wanted() {
    let rows =
        [(None, &ALL[..], true), (None, &ALL[..2], false), (Some(true), &[][..], true), (Some(false), &ALL[..], false)];
    for stage in [Installing, TestTraffic, Shifting, Serving] {
        for (asked, events, rolls_back) in rows {
            let mut setup = Setup::new(&watched(events));
            let id = setup.deploy("web:2");
            setup.move_to(stage);
            let mut request = json!({ "deploymentId": id });
            if let Some(asked) = asked {
                request["autoRollbackEnabled"] = json!(asked);
            }
            let refusal = setup.aws.carry_out_code_deploy_stop("prod", "web").unwrap_err();
            assert_eq!(refusal.message, "Nobody asked to stop the deployment.");
            for _ in 0..2 {
                assert_eq!(setup.call("StopDeployment", request.clone()).unwrap()["status"], "Pending");
            }
            assert_eq!(setup.status(&id), "InProgress");
            let events = setup.aws.carry_out_code_deploy_stop("prod", "web").unwrap();
            assert_eq!(names(&events), ["STOP"]);
            let info = setup.info(&id);
            assert_eq!(
                (&info["status"], &info["errorInformation"]["code"]),
                (&json!("Stopped"), &json!("MANUAL_STOP"))
            );
            assert_eq!(setup.rollback_of(&id).is_some(), rolls_back, "{stage:?} {asked:?}");
            let refusal = setup.call("StopDeployment", request).unwrap_err();
            assert_eq!(refusal.code, "DeploymentAlreadyCompletedException");
            if rolls_back {
                setup.move_to(Ended);
                assert_eq!(setup.sets(), ["PRIMARY web:1 2/2"]);
            }
        }
    }
}

#[test]
fn what_has_not_started_is_stopped_at_once() {
    let mut setup = Setup::new(&rolls_back(&ALL));
    let id = setup.deploy("web:2");
    let request = json!({ "deploymentId": id, "autoRollbackEnabled": true });
    assert_eq!(setup.call("StopDeployment", request).unwrap()["status"], "Succeeded");
    assert_eq!((setup.status(&id).as_str(), setup.rollback_of(&id)), ("Stopped", None));
    assert_eq!(names(&setup.aws.take_events()), ["STOP"]);
}

#[test]
fn a_stopped_deployment_may_say_that_it_succeeded() {
    let mut setup = Setup::new(&json!({}));
    let id = setup.deploy("web:2");
    setup.move_to(Serving);
    setup.aws.let_code_deploy_deny_its_stop("prod", "web").unwrap();
    setup.call("StopDeployment", json!({ "deploymentId": id, "autoRollbackEnabled": true })).unwrap();
    assert_eq!(names(&setup.aws.carry_out_code_deploy_stop("prod", "web").unwrap()), ["SUCCESS"]);
    let info = setup.info(&id);
    assert_eq!((&info["status"], info.get("errorInformation")), (&json!("Succeeded"), None));
    let rollback = setup.rollback_of(&id).unwrap();
    setup.move_to(Ended);
    assert_eq!(setup.sets(), ["PRIMARY web:1 2/2"]);
    // It is not what succeeded last.
    let request = json!({ "applicationName": APPLICATION, "deploymentGroupName": GROUP });
    let group = setup.call("GetDeploymentGroup", request).unwrap()["deploymentGroupInfo"].clone();
    assert_eq!(group["lastSuccessfulDeployment"]["deploymentId"], json!(rollback));
}

#[test]
fn a_rollback_that_is_stopped_is_not_rolled_back() {
    let mut setup = Setup::new(&watched(&ALL));
    let (id, _) = fail(&mut setup, Shifting, &alarm());
    let rollback = setup.rollback_of(&id).unwrap();
    setup.move_to(Shifting);
    assert!(setup.aws.fail_code_deploy("prod", "web", &Failure::FailsHook).is_err(), "it calls no hooks");
    let _ = setup.aws.fail_code_deploy("prod", "web", &alarm());
    assert_eq!((setup.status(&rollback).as_str(), setup.rollback_of(&rollback)), ("Stopped", None));
}

#[test]
fn alarms_of_the_deployment_count_instead_of_the_groups() {
    let off = json!({ "overrideAlarmConfiguration": { "enabled": false } });
    let on = json!({ "overrideAlarmConfiguration": { "enabled": true, "alarms": [{ "name": "own" }] } });
    for (group, own, stopped) in [(watched(&[]), off, false), (json!({}), on, true), (json!({}), json!({}), false)] {
        let mut setup = Setup::new(&group);
        let id = setup.deploy_spec(&spec("web:2", &json!({})), &own);
        setup.move_to(Serving);
        let events = setup.aws.fail_code_deploy("prod", "web", &alarm()).unwrap();
        assert_eq!((events.len(), setup.status(&id) == "Stopped"), (usize::from(stopped), stopped));
    }
}

#[test]
fn what_ecs_refuses_fails_the_deployment() {
    let mut port = spec("web:2", &json!({}));
    port["Resources"][0]["TargetService"]["Properties"]["LoadBalancerInfo"]["ContainerPort"] = json!(8080);
    let mut container = spec("web:2", &json!({}));
    container["Resources"][0]["TargetService"]["Properties"]["LoadBalancerInfo"]["ContainerName"] = json!("api");
    let rows = [
        (spec("web:9", &json!({})), "TaskDefinition not found."),
        (port, "The container web did not have a container port 8080 defined."),
        (container, "The container api does not exist in the task definition."),
    ];
    for (spec, message) in rows {
        let mut setup = Setup::new(&rolls_back(&ALL));
        let id = setup.deploy_spec(&spec, &json!({}));
        assert!(setup.aws.move_code_deploy("prod", "web", Installing).is_err());
        let info = setup.info(&id);
        assert_eq!(
            (&info["status"], &info["errorInformation"]["code"]),
            (&json!("Failed"), &json!("ECS_UPDATE_ERROR"))
        );
        assert!(info["errorInformation"]["message"].as_str().unwrap().ends_with(message), "{info}");
        assert_eq!((setup.rollback_of(&id), setup.sets()), (None, vec!["PRIMARY web:1 2/2".to_owned()]));
    }
}

#[test]
fn a_failure_must_be_able_to_happen() {
    let mut setup = Setup::new(&json!({}));
    setup.deploy("web:2");
    setup.move_to(TestTraffic);
    let refusal = setup.aws.fail_code_deploy("prod", "web", &Failure::default()).unwrap_err();
    assert!(refusal.message.contains("Installing"), "its tasks run: {}", refusal.message);
    assert!(setup.aws.fail_code_deploy("prod", "web", &Failure::LosesItsSpot).is_err());
    assert!(setup.aws.fail_code_deploy("prod", "web", &Failure::FailsHook).is_err());
}
