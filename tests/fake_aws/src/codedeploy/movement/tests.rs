//! Deployments that move by themselves: what each behavior comes to under each configuration, whatever chance says.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::codedeploy::tests::{Setup, names, rolls_back, spec, waits};
use crate::{Behavior, CodeDeployStage, Failure};

const SEEDS: u64 = 60;

const ALL: [&str; 3] = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];

fn tick(setup: &mut Setup) {
    setup.pass(SignedDuration::from_secs(20));
    setup.aws.tick();
}

/// Ticks until nothing moves; how long it took.
#[track_caller]
fn settle(setup: &mut Setup) -> SignedDuration {
    let began = setup.now;
    for _ in 0..2000 {
        if !setup.aws.is_moving() {
            return setup.now.duration_since(began);
        }
        tick(setup);
    }
    panic!("it never comes to rest");
}

/// Ticks until this status, or this lifecycle event has ended.
#[track_caller]
fn until(setup: &mut Setup, id: &str, is: impl Fn(&Value) -> bool) {
    for _ in 0..1000 {
        let info = setup.info(id);
        if is(&info) {
            return;
        }
        tick(setup);
    }
    panic!("it never comes to that");
}

#[test]
fn what_works_serves_waits_its_hour_and_ends() {
    let configs = ["AllAtOnce", "Linear10PercentEvery1Minutes", "Canary10Percent5Minutes"];
    for (config, shift) in configs.into_iter().zip([0, 9, 5]) {
        for behavior in [Behavior::Works, Behavior::WorksSlowly, Behavior::SoundsAlarm] {
            for seed in 0..SEEDS / 6 {
                let own = json!({ "deploymentConfigName": format!("CodeDeployDefault.ECS{config}") });
                let mut setup = Setup::with_seed(seed, &own);
                setup.set_behavior(2, behavior);
                let id = setup.deploy("web:2");
                let took = settle(&mut setup);
                assert!(took >= SignedDuration::from_mins(60 + shift), "{config}: {took}");
                assert!(took < SignedDuration::from_mins(100 + shift), "{config}: {took}");
                assert_eq!(setup.status(&id), "Succeeded");
                assert_eq!(setup.sets(), ["PRIMARY web:2 2/2"]);
                let events = names(&setup.aws.take_events());
                assert_eq!(events, ["START", "TASKSET_STEADY_STATE", "SUCCESS"]);
            }
        }
    }
}

#[test]
fn traffic_shifts_in_the_steps_of_the_configuration() {
    let own = json!({ "deploymentConfigName": "CodeDeployDefault.ECSLinear10PercentEvery1Minutes" });
    let mut setup = Setup::with_seed(3, &own);
    let id = setup.deploy("web:2");
    let mut weights = BTreeSet::new();
    until(&mut setup, &id, |info| info["startTime"].is_number());
    while setup.lifecycle(&id) != "SSSSSSSS" {
        let weight = setup.target(&id)["taskSetsInfo"].as_array().and_then(|sets| sets.get(1).cloned());
        weights.extend(weight.map(|set| set["trafficWeight"].as_f64().unwrap() as i64));
        let primary = setup.sets()[0].clone();
        assert_eq!(primary.contains("web:2"), weights.contains(&100), "PRIMARY with the last step");
        tick(&mut setup);
    }
    assert!(weights.len() > 5 && weights.iter().all(|weight| weight % 10 == 0), "{weights:?}");
}

#[test]
fn what_crashes_is_given_up_after_an_hour() {
    for (own, sets, last) in [
        (json!({}), vec!["PRIMARY web:1 2/2", "ACTIVE web:2 0/2"], "FAILURE"),
        (rolls_back(&ALL), vec!["PRIMARY web:1 2/2"], "SUCCESS"),
    ] {
        for seed in 0..SEEDS / 6 {
            let mut setup = Setup::with_seed(seed, &own);
            setup.set_behavior(2, Behavior::Crashes);
            let id = setup.deploy("web:2");
            let took = settle(&mut setup);
            assert!(took >= SignedDuration::from_mins(60), "{took}");
            let info = setup.info(&id);
            assert_eq!((&info["status"], &info["errorInformation"]["code"]), (&json!("Failed"), &json!("TIMEOUT")));
            assert_eq!(setup.sets(), sets);
            let events = setup.aws.take_events();
            let tasks = events.iter().filter(|event| event["detail-type"] == "ECS Task State Change").count();
            assert!(tasks > 60, "{tasks}");
            assert_eq!(names(&events).last().unwrap(), last);
        }
    }
}

#[test]
fn an_image_that_cannot_be_pulled_never_runs() {
    let mut setup = Setup::with_seed(5, &rolls_back(&ALL));
    let digest = setup.digests[1].clone();
    setup.aws.archive_image("shop/web", &digest).unwrap();
    let id = setup.deploy("web:2");
    settle(&mut setup);
    assert_eq!((setup.status(&id).as_str(), setup.sets()), ("Failed", vec!["PRIMARY web:1 2/2".to_owned()]));
    assert!(names(&setup.aws.take_events()).contains(&"TaskFailedToStart".to_owned()));
}

#[test]
fn an_alarm_is_heard_where_one_is_set() {
    for seed in 0..SEEDS / 3 {
        let mut own = rolls_back(&["DEPLOYMENT_STOP_ON_ALARM"]);
        own["alarmConfiguration"] = json!({ "enabled": true, "alarms": [{ "name": "too-many-errors" }] });
        let mut setup = Setup::with_seed(seed, &own);
        setup.set_behavior(2, Behavior::SoundsAlarm);
        let id = setup.deploy("web:2");
        settle(&mut setup);
        assert_eq!(setup.status(&id), "Stopped");
        assert_eq!(setup.lifecycle(&id), "SSSSSSF-", "it is heard while traffic moves");
        let rollback = setup.rollback_of(&id).unwrap();
        assert_eq!(
            (setup.status(&rollback).as_str(), setup.sets()),
            ("Succeeded", vec!["PRIMARY web:1 2/2".to_owned()])
        );
        let events = names(&setup.aws.take_events());
        assert_eq!(events, ["START", "TASKSET_STEADY_STATE", "STOP", "START", "SUCCESS"]);
    }
}

#[test]
fn an_alarm_that_goes_off_in_the_waiting_hour_is_heard() {
    let mut own = rolls_back(&ALL);
    own["alarmConfiguration"] = json!({ "enabled": true, "alarms": [{ "name": "too-many-errors" }] });
    let mut setup = Setup::with_seed(9, &own);
    let id = setup.deploy("web:2");
    until(&mut setup, &id, |info| info["instanceTerminationWaitTimeStarted"] == true);
    setup.set_behavior(2, Behavior::SoundsAlarm);
    settle(&mut setup);
    assert_eq!((setup.status(&id).as_str(), setup.sets()), ("Stopped", vec!["PRIMARY web:1 2/2".to_owned()]));
}

#[test]
fn tasks_that_crash_in_the_waiting_hour_are_replaced() {
    let mut setup = Setup::with_seed(4, &rolls_back(&ALL));
    let id = setup.deploy("web:2");
    until(&mut setup, &id, |info| info["instanceTerminationWaitTimeStarted"] == true);
    setup.aws.take_events();
    setup.set_behavior(2, Behavior::Crashes);
    for _ in 0..10 {
        tick(&mut setup);
    }
    let events = setup.aws.take_events();
    assert!(events.len() > 5 && events.iter().all(|event| event["detail-type"] == "ECS Task State Change"));
    let new = setup.service()["taskSets"][1]["id"].clone();
    assert!(events.iter().all(|event| event["detail"]["startedBy"] == new));
    settle(&mut setup);
    assert_eq!(setup.status(&id), "Succeeded");
    // A stopped task is known for an hour.
    setup.pass(SignedDuration::from_hours(2));
    setup.aws.tick();
    let request = json!({ "cluster": "prod", "serviceName": "web", "desiredStatus": "STOPPED" });
    assert_eq!(setup.ecs("ListTasks", request).unwrap()["taskArns"], json!([]));
}

#[test]
fn nobody_waits_for_ever_for_somebody() {
    for (events, rolls) in [(&ALL[..], true), (&ALL[..2], false)] {
        let mut own = rolls_back(events);
        own["blueGreenDeploymentConfiguration"] = waits(30)["blueGreenDeploymentConfiguration"].clone();
        let mut setup = Setup::with_seed(2, &own);
        let id = setup.deploy("web:2");
        until(&mut setup, &id, |info| info["status"] == "Ready");
        let since = setup.now;
        until(&mut setup, &id, |info| info["status"] != "Ready");
        assert!(setup.now.duration_since(since) >= SignedDuration::from_mins(29));
        settle(&mut setup);
        let info = setup.info(&id);
        assert_eq!((&info["status"], &info["errorInformation"]["code"]), (&json!("Stopped"), &json!("TIMEOUT")));
        assert_eq!((setup.rollback_of(&id).is_some(), setup.sets().remove(0)), (rolls, "PRIMARY web:1 2/2".to_owned()));
    }
}

#[test]
fn a_stop_request_in_the_waiting_hour_is_carried_out_and_now_and_then_denied() {
    let mut statuses = BTreeSet::new();
    for seed in 0..SEEDS {
        let mut setup = Setup::with_seed(seed, &json!({}));
        let id = setup.deploy("web:2");
        setup.move_to(CodeDeployStage::Serving);
        setup.call("StopDeployment", json!({ "deploymentId": id, "autoRollbackEnabled": true })).unwrap();
        assert!(setup.aws.is_moving());
        settle(&mut setup);
        statuses.insert(setup.status(&id));
        assert!(setup.rollback_of(&id).is_some());
        assert_eq!(setup.sets(), ["PRIMARY web:1 2/2"]);
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["Stopped", "Succeeded"]);
}

#[test]
fn a_service_that_is_deleted_under_a_deployment_ends_it() {
    for stage in [CodeDeployStage::Created, CodeDeployStage::Installing, CodeDeployStage::Serving] {
        let mut setup = Setup::with_seed(1, &json!({}));
        let id = setup.deploy("web:2");
        setup.move_to(stage);
        setup.ecs("DeleteService", json!({ "cluster": "prod", "service": "web", "force": true })).unwrap();
        settle(&mut setup);
        assert!(setup.info(&id)["completeTime"].is_number(), "{stage:?}");
    }
}

#[test]
fn a_seed_repeats_to_the_letter() {
    let run = || {
        let mut setup = Setup::with_seed(42, &rolls_back(&ALL));
        setup.set_behavior(2, Behavior::Crashes);
        setup.deploy_spec(&spec("web:2", &json!({})), &json!({}));
        settle(&mut setup);
        let _ = setup.aws.stop_tasks("prod", "web", &Failure::default(), 1).unwrap();
        (setup.service(), setup.aws.take_events(), setup.call("ListDeployments", json!({})).unwrap())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_stop_while_the_old_tasks_end_leaves_the_new_ones() {
    for seed in 0..SEEDS {
        let mut setup = Setup::with_seed(seed, &rolls_back(&ALL));
        setup.set_behavior(2, Behavior::Works);
        let id = setup.deploy("web:2");
        let is_draining = |setup: &mut Setup| setup.sets().iter().any(|set| set.starts_with("DRAINING"));
        while !is_draining(&mut setup) && setup.aws.is_moving() {
            tick(&mut setup);
        }
        if !is_draining(&mut setup) {
            continue;
        }
        setup.call("StopDeployment", json!({ "deploymentId": id, "autoRollbackEnabled": true })).unwrap();
        settle(&mut setup);
        assert_eq!((setup.rollback_of(&id), setup.sets()[0].as_str()), (None, "PRIMARY web:2 2/2"));
        let next = setup.deploy("web:1");
        settle(&mut setup);
        assert_eq!(setup.status(&next), "Succeeded", "the service can be deployed to again");
        return;
    }
    panic!("no seed shows the old tasks as they end");
}
