//! Rolling services behind a Classic Load Balancer, of which ECS tells no rollout state: their tasks and ECS's own history say how
//! a deployment stands, whatever event is lost.

use std::time::Duration;

use e2e::world::{Failure, Moved};
use libtest_mimic::Trial;
use serde_json::json;

use crate::following::{deploying, fire_timers, follow, kinds, outcome, remembered, runs};
use crate::scenario::{Scenario, WEB, service, service_with_breaker};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "classic" {
        it_is_in_progress_until_all_its_tasks_run
        one_without_tasks_ends_too
        what_ecs_rolled_back_is_known_by_its_history
        what_hangs_is_rolled_back_at_its_deadline
    } }
}

async fn behind_a_classic_load_balancer(name: &'static str, service: serde_json::Value) -> Scenario {
    let scenario = deploying(name, WEB, service).await;
    scenario.world.leave_out_rollout_states("prod", "web");
    scenario
}

/// What ECS does, and no event of it comes.
fn lost(scenario: &Scenario, _: Moved) {
    drop(scenario.world.take_events());
}

async fn it_is_in_progress_until_all_its_tasks_run(name: &'static str) {
    let mut scenario = behind_a_classic_load_balancer(name, service("web")).await;
    let status = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    let answer = scenario.ask(status.clone()).await;
    assert_eq!(answer["targets"][0]["asked"]["state"], "deploying", "{answer:#}");
    lost(&scenario, scenario.world.complete("prod", "web"));
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    let answer = scenario.ask(status).await;
    assert_eq!(answer["targets"][0]["asked"]["state"], "running", "{answer:#}");
    scenario.claim();
    scenario.end();
}

async fn one_without_tasks_ends_too(name: &'static str) {
    let mut service = service("web");
    service["desiredCount"] = 0.into();
    let mut scenario = behind_a_classic_load_balancer(name, service).await;
    lost(&scenario, scenario.world.complete("prod", "web"));
    fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await;
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    assert_eq!(remembered(&scenario)["known_good"], json!([]));
    scenario.claim();
    scenario.end();
}

async fn what_ecs_rolled_back_is_known_by_its_history(name: &'static str) {
    let mut scenario = behind_a_classic_load_balancer(name, service_with_breaker("web")).await;
    lost(&scenario, scenario.world.fail("prod", "web", Failure::default()));
    lost(&scenario, scenario.world.complete("prod", "web"));
    fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await;
    assert_eq!(kinds(&mut scenario), ["rolled_back"]);
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_ecs", "web:1"));
    scenario.claim();
    scenario.end();
}

async fn what_hangs_is_rolled_back_at_its_deadline(name: &'static str) {
    let mut scenario = behind_a_classic_load_balancer(name, service("web")).await;
    fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await;
    scenario.world.advance(Duration::from_secs(60));
    assert_eq!((kinds(&mut scenario), runs(&scenario)), (vec!["rolling_back".to_owned()], "web:1".to_owned()));
    let completed = scenario.world.complete("prod", "web");
    follow(&mut scenario, completed).await;
    assert_eq!(
        (kinds(&mut scenario), outcome(&scenario)),
        (vec!["rolled_back".to_owned()], "rolled_back_by_slipway".to_owned())
    );
    scenario.claim();
    scenario.end();
}
