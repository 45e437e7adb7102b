//! A deployment that goes well, stage by stage, and what each call and ECS say then.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{APPLICATION, GROUP, Setup, spec, waits};
use crate::CodeDeployStage::{Created, Ended, Installing, Ready, Serving, Shifting, TestTraffic};
use crate::Failure;

/// Weights of the task sets of a deployment, blue and green.
fn weights(setup: &mut Setup, id: &str) -> Vec<(String, f64)> {
    let target = setup.target(id);
    let sets = target["taskSetsInfo"].as_array().unwrap().iter();
    sets.map(|set| (set["taskSetLabel"].as_str().unwrap().to_owned(), set["trafficWeight"].as_f64().unwrap())).collect()
}

#[test]
fn a_deployment_goes_from_stage_to_stage() {
    let mut setup = Setup::new(&waits(30));
    let id = setup.deploy("web:2");
    let old = "PRIMARY web:1 2/2";
    let rows = [
        (Created, "Created", "", vec![], vec![old]),
        (Installing, "InProgress", "SIPPPPPP", vec!["START"], vec![old, "ACTIVE web:2 0/2"]),
        (TestTraffic, "InProgress", "SSSSIPPP", vec!["TASKSET_STEADY_STATE"], vec![old, "ACTIVE web:2 2/2"]),
        (Ready, "Ready", "SSSSSPPP", vec!["READY"], vec![old, "ACTIVE web:2 2/2"]),
        (Shifting, "InProgress", "SSSSSSIP", vec![], vec![old, "ACTIVE web:2 2/2"]),
        (Serving, "InProgress", "SSSSSSSS", vec![], vec!["PRIMARY web:2 2/2", "ACTIVE web:1 2/2"]),
        (Ended, "Succeeded", "SSSSSSSS", vec!["SUCCESS"], vec!["PRIMARY web:2 2/2"]),
    ];
    for (stage, status, lifecycle, events, sets) in rows {
        assert_eq!(setup.move_to(stage), events, "{stage:?}");
        assert_eq!(
            (setup.status(&id).as_str(), setup.sets()),
            (status, sets.iter().map(|it| (*it).to_owned()).collect())
        );
        if stage == Created {
            let refusal = setup.call("ListDeploymentTargets", json!({ "deploymentId": id })).unwrap_err();
            assert_eq!(refusal.code, "DeploymentNotStartedException");
        } else {
            assert_eq!(setup.lifecycle(&id), lifecycle, "{stage:?}");
        }
        let waits = setup.info(&id)["instanceTerminationWaitTimeStarted"].clone();
        assert_eq!(waits, json!(matches!(stage, Serving | Ended)), "{stage:?}");
    }
    let refusal = setup.aws.move_code_deploy("prod", "web", Serving).unwrap_err();
    assert_eq!(refusal.message, "prod/web has no open deployment.");
}

#[test]
fn a_deployment_does_not_go_back_nor_wait_for_nobody() {
    let mut setup = Setup::new(&json!({}));
    setup.deploy("web:2");
    setup.move_to(TestTraffic);
    for stage in [Created, Installing, Ready] {
        let refusal = setup.aws.move_code_deploy("prod", "web", stage).unwrap_err();
        assert!(refusal.message.contains("any more"), "{}", refusal.message);
    }
}

#[test]
fn the_tasks_of_a_deployment_are_a_task_set_of_ecs() {
    let mut setup = Setup::new(&json!({}));
    let spec = spec("web:2", &json!({}));
    let mut own = spec.clone();
    own["Resources"][0]["TargetService"]["Properties"]["CapacityProviderStrategy"] =
        json!([{ "CapacityProvider": "FARGATE_SPOT", "Base": 0, "Weight": 1 }]);
    let id = setup.deploy_spec(&own, &json!({}));
    setup.move_to(Serving);
    let service = setup.service();
    assert_eq!(service["deployments"], json!([]));
    assert_eq!((&service["runningCount"], &service["desiredCount"]), (&json!(4), &json!(2)));
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:1"), "it lags behind");
    let [old, new] = service["taskSets"].as_array().unwrap().as_slice() else { panic!("{service}") };
    assert_eq!((&old["externalId"], &new["externalId"]), (&json!(setup.first), &json!(id)));
    assert_eq!((&old["status"], &new["status"]), (&json!("ACTIVE"), &json!("PRIMARY")));
    for (set, group) in [(old, "green"), (new, "blue")] {
        assert_eq!(set["startedBy"], "CODE_DEPLOY");
        assert_eq!((&set["stabilityStatus"], &set["scale"]["value"]), (&json!("STEADY_STATE"), &json!(100.0)));
        assert_eq!(set["networkConfiguration"], service["networkConfiguration"]);
        let balancer = &set["loadBalancers"][0];
        assert!(balancer["targetGroupArn"].as_str().unwrap().contains(&format!(":targetgroup/{group}/")));
        assert_eq!((&balancer["containerName"], &balancer["containerPort"]), (&json!("web"), &json!(80)));
        let path = format!(":task-set/prod/web/{}", set["id"].as_str().unwrap());
        assert!(set["taskSetArn"].as_str().unwrap().ends_with(&path));
    }
    // The service's own target group keeps its ARN.
    assert_eq!(new["loadBalancers"][0]["targetGroupArn"], service["loadBalancers"][0]["targetGroupArn"]);
    assert_eq!((&old["launchType"], new.get("launchType")), (&json!("FARGATE"), None));
    assert_eq!(new["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");

    setup.move_to(Ended);
    assert!(setup.service()["taskDefinition"].as_str().unwrap().ends_with("web:2"));
    let messages = setup.service()["events"].to_string();
    assert!(messages.contains(&format!("(service web, taskSet {}) updated state", new["id"].as_str().unwrap())));
}

#[test]
fn tasks_say_which_task_set_started_them() {
    let mut setup = Setup::new(&json!({}));
    setup.deploy("web:2");
    setup.move_to(Serving);
    let sets = setup.service()["taskSets"].clone();
    let list = |setup: &mut Setup, set: &Value, status: &str| {
        let request = json!({ "cluster": "prod", "startedBy": set["id"], "desiredStatus": status });
        setup.ecs("ListTasks", request).unwrap()["taskArns"].as_array().unwrap().len()
    };
    assert_eq!((list(&mut setup, &sets[0], "RUNNING"), list(&mut setup, &sets[1], "RUNNING")), (2, 2));
    let new = setup.aws.stop_tasks("prod", "web", &Failure::RunsOutOfMemory, 1).unwrap();
    let old = setup.aws.stop_old_tasks("prod", "web", &Failure::default(), 2).unwrap();
    assert_eq!((&new[0]["detail"]["startedBy"], &old[1]["detail"]["startedBy"]), (&sets[1]["id"], &sets[0]["id"]));
    assert_eq!((list(&mut setup, &sets[0], "STOPPED"), list(&mut setup, &sets[1], "STOPPED")), (2, 1));
    // ECS replaces them; nobody counts.
    assert_eq!(setup.sets(), ["PRIMARY web:2 2/2", "ACTIVE web:1 2/2"]);
    setup.move_to(Ended);
    assert_eq!(list(&mut setup, &sets[0], "RUNNING"), 0);
    assert!(setup.aws.stop_old_tasks("prod", "web", &Failure::default(), 1).is_err());
}

#[test]
fn another_number_of_tasks_is_for_each_task_set() {
    let mut setup = Setup::new(&json!({}));
    setup.deploy("web:2");
    setup.move_to(Installing);
    setup.ecs("UpdateService", json!({ "cluster": "prod", "service": "web", "desiredCount": 3 })).unwrap();
    assert_eq!(setup.sets(), ["PRIMARY web:1 3/3", "ACTIVE web:2 0/3"]);
    let service = setup.service();
    assert_eq!((&service["runningCount"], &service["pendingCount"]), (&json!(3), &json!(3)));
    setup.ecs("DeleteService", json!({ "cluster": "prod", "service": "web", "force": true })).unwrap();
    assert_eq!(setup.sets(), [] as [&str; 0]);
}

#[test]
fn traffic_shifts_by_the_configuration_of_the_deployment_or_of_its_group() {
    let canary = json!({ "deploymentConfigName": "CodeDeployDefault.ECSCanary10Percent5Minutes" });
    let at_once = json!({ "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce" });
    for (group, own, name, weight) in [
        (json!({}), json!({}), "CodeDeployDefault.ECSAllAtOnce", 100.0),
        (canary.clone(), json!({}), "CodeDeployDefault.ECSCanary10Percent5Minutes", 10.0),
        (canary.clone(), at_once, "CodeDeployDefault.ECSAllAtOnce", 100.0),
    ] {
        let mut setup = Setup::new(&group);
        let id = setup.deploy_spec(&spec("web:2", &json!({})), &own);
        setup.move_to(TestTraffic);
        assert_eq!(weights(&mut setup, &id), [("Blue".to_owned(), 100.0), ("Green".to_owned(), 0.0)]);
        setup.move_to(Shifting);
        assert_eq!(weights(&mut setup, &id), [("Blue".to_owned(), 100.0 - weight), ("Green".to_owned(), weight)]);
        assert_eq!(setup.info(&id)["deploymentConfigName"], name);
        setup.move_to(Ended);
        assert_eq!(weights(&mut setup, &id), [("Green".to_owned(), 100.0)]);
    }
}

#[test]
fn without_a_test_listener_there_is_no_test_traffic() {
    let mut info = super::group(&json!({}))["loadBalancerInfo"].clone();
    info["targetGroupPairInfoList"][0].as_object_mut().unwrap().remove("testTrafficRoute");
    let mut setup = Setup::new(&json!({ "loadBalancerInfo": info }));
    let id = setup.deploy("web:2");
    setup.move_to(Serving);
    assert_eq!(setup.lifecycle(&id), "SSS--SSS");
}

#[test]
fn what_a_group_and_its_deployments_say_of_each_other() {
    let mut setup = Setup::new(&json!({}));
    let id = setup.deploy_spec(&spec("web:2", &json!({})), &json!({ "description": "1.5.0 by a push" }));
    let group = |setup: &mut Setup| {
        let request = json!({ "applicationName": APPLICATION, "deploymentGroupName": GROUP });
        setup.call("GetDeploymentGroup", request).unwrap()["deploymentGroupInfo"].clone()
    };
    let info = setup.info(&id);
    let before = group(&mut setup);
    assert_eq!(before["lastSuccessfulDeployment"]["deploymentId"], json!(setup.first));
    assert_eq!(
        (&before["lastAttemptedDeployment"]["deploymentId"], before["lastAttemptedDeployment"].get("endTime")),
        (&json!(id), None)
    );
    assert_eq!(
        (&before["computePlatform"], &before["deploymentConfigName"]),
        (&json!("ECS"), &json!("CodeDeployDefault.ECSAllAtOnce"))
    );
    let first = setup.first.clone();
    assert_eq!(before["targetRevision"], setup.info(&first)["revision"]);
    assert_eq!((&info["previousRevision"], &info["creator"]), (&before["targetRevision"], &json!("user")));
    assert_eq!((&info["description"], &info["deploymentOverview"]["Pending"]), (&json!("1.5.0 by a push"), &json!(1)));
    assert_eq!(info["revision"]["appSpecContent"].get("content"), None, "only GetApplicationRevision gives it");
    setup.pass(SignedDuration::from_mins(3));
    setup.move_to(Ended);
    let after = group(&mut setup);
    assert_eq!(after["lastSuccessfulDeployment"]["deploymentId"], json!(id));
    let info = setup.info(&id);
    assert_eq!(info["completeTime"].as_f64().unwrap() - info["createTime"].as_f64().unwrap(), 180.0);
    assert_eq!(info["deploymentOverview"]["Succeeded"], 1);
    assert_eq!(info["rollbackInfo"], json!({}));
}

#[test]
fn somebody_else_deploys_what_the_fake_cannot_read() {
    let mut setup = Setup::new(&json!({}));
    let location =
        json!({ "revisionType": "S3", "s3Location": { "bucket": "artifacts", "key": "a.zip", "bundleType": "zip" } });
    let deploy =
        |setup: &mut Setup| setup.aws.deploy_unread_revision((APPLICATION, GROUP), &location, "web:2", ("web", 80));
    let id = deploy(&mut setup).unwrap();
    assert_eq!(deploy(&mut setup).unwrap_err().code, "DeploymentLimitExceededException");
    setup.move_to(Ended);
    assert_eq!(setup.info(&id)["revision"], location);
    assert_eq!(setup.sets(), ["PRIMARY web:2 2/2"]);
    let request = json!({ "applicationName": APPLICATION, "revision": location });
    assert_eq!(setup.call("GetApplicationRevision", request).unwrap()["revision"], location);
}

#[test]
fn a_deployment_may_call_its_waiting_hour_baking() {
    let mut setup = Setup::new(&json!({}));
    let id = setup.deploy("web:2");
    setup.move_to(Shifting);
    assert!(setup.aws.let_code_deploy_bake("prod", "web").is_err());
    setup.move_to(Serving);
    setup.aws.let_code_deploy_bake("prod", "web").unwrap();
    assert_eq!(setup.status(&id), "Baking");
    assert_eq!(setup.info(&id)["deploymentOverview"]["InProgress"], 1);
    setup.move_to(Ended);
    assert_eq!(setup.status(&id), "Succeeded");
}
