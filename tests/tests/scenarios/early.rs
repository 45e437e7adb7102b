//! Early success criteria: ECS calls a deployment completed before all its tasks run, and then neither circuit breaker nor
//! alarms act on it. To Slipway it has completed when they do.

use std::time::Duration;

use e2e::world::Failure;
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{deploying, fire_timers, follow, kinds, outcome, remembered, runs, timers};
use crate::scenario::{Scenario, WEB, service_with_breaker};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "early" {
        it_has_completed_when_all_its_tasks_run
        tasks_that_stop_before_that_are_rolled_back_by_slipway
        what_never_gets_all_its_tasks_is_rolled_back_at_its_deadline
        the_reconcile_finds_it_where_its_event_was_lost
    } }
}

/// `prod/web` is being deployed, with ECS's circuit breaker; half its two tasks are enough for ECS.
async fn deploying_early(name: &'static str) -> Scenario {
    let mut service = service_with_breaker("web");
    let configuration = &mut service["deploymentConfiguration"];
    configuration["minimumHealthyPercent"] = 50.into();
    configuration["earlySuccessCriteria"] =
        json!({ "enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED" });
    deploying(name, WEB, service).await
}

async fn it_has_completed_when_all_its_tasks_run(name: &'static str) {
    let mut scenario = deploying_early(name).await;
    scenario.world.advance(Duration::from_secs(60));
    let completed = scenario.world.complete_early("prod", "web", 1);
    follow(&mut scenario, completed).await;
    assert_snapshot!("it_has_completed.transcript", scenario.transcript());
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec![], "open"));
    assert_eq!(timers(&scenario), ["1203", "1231"]);
    let status = scenario.ask(json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" })).await;
    assert_eq!(status["targets"][0]["asked"]["state"], "deploying", "{status:#}");
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(120)).await, 1);
    assert_eq!(outcome(&scenario), "open", "one of two tasks runs");
    scenario.world.run_more("prod", "web", 1);
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(120)).await, 1);
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    let known_good = remembered(&scenario)["known_good"][0]["revision"].clone();
    assert_eq!(known_good, "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2");
    scenario.end();
}

async fn tasks_that_stop_before_that_are_rolled_back_by_slipway(name: &'static str) {
    let mut scenario = deploying_early(name).await;
    scenario.world.advance(Duration::from_secs(60));
    let completed = scenario.world.complete_early("prod", "web", 1);
    follow(&mut scenario, completed).await;
    scenario.transcript();
    let stopped = scenario.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 3);
    follow(&mut scenario, stopped).await;
    assert_snapshot!("tasks_that_stop_before_that.transcript", scenario.transcript());
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    scenario.end();
}

async fn what_never_gets_all_its_tasks_is_rolled_back_at_its_deadline(name: &'static str) {
    let mut scenario = deploying_early(name).await;
    let completed = scenario.world.complete_early("prod", "web", 1);
    follow(&mut scenario, completed).await;
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 2);
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), runs(&scenario)), (vec!["rolling_back".to_owned()], "web:1".to_owned()));
    scenario.world.take_events();
    scenario.end();
}

async fn the_reconcile_finds_it_where_its_event_was_lost(name: &'static str) {
    let mut scenario = deploying_early(name).await;
    let _ = scenario.world.complete_early("prod", "web", 1);
    scenario.world.advance(Duration::from_secs(15 * 60));
    let reconcile = json!({ "action": "reconcile", "dry_run": false });
    scenario.ask(reconcile.clone()).await;
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (Vec::<String>::new(), "open"));
    assert_eq!(timers(&scenario).len(), 2, "it is asked for again in a minute");
    scenario.world.run_more("prod", "web", 1);
    fire_timers(&mut scenario, Duration::from_secs(120)).await;
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    assert_eq!(remembered(&scenario)["pending"], Value::Array(Vec::new()));
    scenario.end();
}
