//! Faults by the dozen on the way to a deployment's end: each call of a visit in turn is throttled, broken, cut before or
//! after it takes effect, and the function is killed there. The retry, or a timer that fires later, comes to the same end.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::world::{Failure, Image, Moved, Notice};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{deploy, deploying, logging_definition, outcome, remembered, runs};
use crate::scenario::{Invocation, Killed, Scenario, WEB, id, queued, service, service_with_breaker};
use crate::trouble::{self, Case, Trouble};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "troubled" {
        a_completion_survives_every_fault
        a_deadline_survives_every_fault
        a_failure_that_is_put_right_by_an_update_survives_every_fault
        a_failure_that_is_put_right_by_a_new_revision_survives_every_fault
        a_failure_with_an_archived_image_survives_every_fault
        the_end_of_a_rollback_survives_every_fault
        a_rollback_by_ecs_survives_every_fault
        the_last_of_too_many_stopped_tasks_survives_every_fault
        an_update_from_outside_survives_every_fault
        the_end_of_what_superseded_another_survives_every_fault
    } }
}

/// A scenario that is run through again and again.
#[derive(Clone, Copy, Debug)]
enum Base {
    Completion,
    Deadline,
    Update,
    Register,
    Archived,
    RollbackEnds,
    EcsRollsBack,
    Tasks,
    Outside,
    Supersedes,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    outcome: String,
    runs: String,
    quarantine: usize,
    deployments: usize,
    revisions: usize,
    reported: BTreeSet<String>,
    /// Those of them that show evidence.
    evident: BTreeSet<String>,
    leases: usize,
}

async fn a_completion_survives_every_fault(name: &'static str) {
    survives(name, Base::Completion).await;
}

async fn a_deadline_survives_every_fault(name: &'static str) {
    survives(name, Base::Deadline).await;
}

async fn a_failure_that_is_put_right_by_an_update_survives_every_fault(name: &'static str) {
    survives(name, Base::Update).await;
}

async fn a_failure_that_is_put_right_by_a_new_revision_survives_every_fault(name: &'static str) {
    survives(name, Base::Register).await;
}

async fn a_failure_with_an_archived_image_survives_every_fault(name: &'static str) {
    survives(name, Base::Archived).await;
}

async fn the_end_of_a_rollback_survives_every_fault(name: &'static str) {
    survives(name, Base::RollbackEnds).await;
}

async fn a_rollback_by_ecs_survives_every_fault(name: &'static str) {
    survives(name, Base::EcsRollsBack).await;
}

async fn the_last_of_too_many_stopped_tasks_survives_every_fault(name: &'static str) {
    survives(name, Base::Tasks).await;
}

async fn an_update_from_outside_survives_every_fault(name: &'static str) {
    survives(name, Base::Outside).await;
}

async fn the_end_of_what_superseded_another_survives_every_fault(name: &'static str) {
    survives(name, Base::Supersedes).await;
}

async fn survives(name: &'static str, base: Base) {
    trouble::survives(base, async |case| run(name, base, case).await).await;
}

/// Runs a scenario through, with this trouble at this call; how many calls the troubled visit made, and how it ended.
async fn run(name: &'static str, base: Base, case: Option<Case>) -> (usize, End) {
    let (mut scenario, payload) = begin(name, base).await;
    scenario.transcript();
    let before = scenario.world.calls().len();
    if let Some(Case { call, trouble }) = case {
        scenario.world.fault("", call, trouble.fault());
    }
    let visited = match case {
        Some(Case { call, trouble: Trouble::Killed }) => {
            let killed = scenario.track_until(&payload, call, Invocation::New).await;
            if killed == Killed::Yes { Err(String::new()) } else { Ok(Value::Null) }
        }
        _ => scenario.track_as(&payload, Invocation::New).await,
    };
    let calls = scenario.world.calls().len() - before;
    if visited.is_err() {
        // Lambda's own second try.
        scenario.world.advance(Duration::from_secs(60));
        scenario.track_as(&payload, Invocation::Again).await.expect("the retry comes to an end");
    }
    let notices = finish(&mut scenario).await;
    let shows_evidence = |notice: &&Notice| queued(notice)["details"].as_array().is_some_and(|it| !it.is_empty());
    let (reported, evident) =
        (notices.iter().map(id).collect(), notices.iter().filter(shows_evidence).map(id).collect());
    let record = remembered(&scenario);
    let request = json!({ "cluster": "prod", "service": "web" });
    let deployments = scenario.world.by_hand("ECS.ListServiceDeployments", request);
    let revisions = scenario.world.by_hand("ECS.ListTaskDefinitions", json!({}));
    let end = End {
        outcome: outcome(&scenario),
        runs: runs(&scenario),
        quarantine: record["quarantine"].as_array().map_or(0, Vec::len),
        deployments: deployments["serviceDeployments"].as_array().map_or(0, Vec::len),
        revisions: revisions["taskDefinitionArns"].as_array().map_or(0, Vec::len),
        reported,
        evident,
        leases: usize::from(!record["lease"].is_null()),
    };
    assert!(case.is_some() || end.leases == 0, "{base:?}: {end:?}");
    scenario.transcript();
    scenario.end();
    (calls, end)
}

/// What ECS does then, and the timers that fire: until nothing is under way any more. What was published from the beginning.
async fn finish(scenario: &mut Scenario) -> Vec<Notice> {
    for _ in 0..12 {
        scenario.world.advance(Duration::from_secs(240));
        for schedule in scenario.world.due() {
            scenario.deploy_once(&schedule.input, Invocation::New).await.expect("an answer");
        }
        let request = json!({ "cluster": "prod", "services": ["web"] });
        let service = scenario.world.by_hand("ECS.DescribeServices", request);
        let stop = scenario.world.by_hand("ECS.ListServiceDeployments", json!({ "cluster": "prod", "service": "web" }));
        let requested = stop["serviceDeployments"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it["status"] == "ROLLBACK_REQUESTED"));
        let mut moved = if requested { scenario.world.carry_out_stop("prod", "web") } else { Moved::default() };
        let primary = &service["services"][0]["deployments"][0];
        let back = remembered(scenario)["deployments"][0]["rollback"]["done_at"].is_string()
            || primary["rolloutStateReason"].as_str().is_some_and(|reason| reason.contains("rolling back"));
        if !requested && back && primary["rolloutState"] == "IN_PROGRESS" {
            moved = scenario.world.complete("prod", "web");
        }
        for event in scenario.world.take_events().iter().chain(&moved.events).filter(|it| it["source"] == "aws.ecs") {
            scenario.track_as(event, Invocation::New).await.expect("an answer");
        }
    }
    scenario.notices()
}

/// The set-up, and the timer that fires then.
async fn begin(name: &'static str, base: Base) -> (Scenario, Value) {
    let mut without = service_with_breaker("web");
    without["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = false.into();
    let service = match base {
        Base::Update | Base::Register | Base::Archived => without,
        Base::EcsRollsBack => service_with_breaker("web"),
        Base::Completion | Base::Deadline | Base::RollbackEnds | Base::Tasks | Base::Outside | Base::Supersedes => {
            service("web")
        }
    };
    let mut scenario = deploying(name, WEB, service).await;
    scenario.world.advance(Duration::from_secs(120));
    let last = |moved: Moved| moved.events.into_iter().last().expect("an event");
    let payload = match base {
        Base::Completion => last(scenario.world.complete("prod", "web")),
        Base::Deadline => {
            scenario.world.advance(Duration::from_secs(31 * 60));
            scenario.world.due().remove(0).input
        }
        Base::Register => {
            scenario.world.push("shop/web", ["1.4.2"], &Image::single("another 1.4.2"));
            last(scenario.world.fail("prod", "web", Failure::Exits { code: 1 }))
        }
        Base::Archived => {
            scenario.restores_archived_images().await;
            scenario.world.archive_image("shop/web", &Image::single("1.4.2").digest());
            last(scenario.world.fail("prod", "web", Failure::Exits { code: 1 }))
        }
        Base::Update | Base::EcsRollsBack => last(scenario.world.fail("prod", "web", Failure::Exits { code: 1 })),
        Base::Tasks => {
            let stopped = scenario.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 3);
            let mut events = scenario.world.take_events();
            events.extend(stopped.events);
            let last = events.pop().expect("three tasks stopped");
            for event in &events {
                scenario.track(event).await;
            }
            last
        }
        Base::Outside => {
            let mut definition = logging_definition("1.4.2");
            definition["cpu"] = "512".into();
            scenario.world.register(definition);
            let update = json!({ "cluster": "prod", "service": "web", "taskDefinition": "web" });
            scenario.world.by_hand("ECS.UpdateService", update);
            scenario.world.take_events().pop().expect("an event")
        }
        Base::Supersedes => {
            deploy(&mut scenario, "1.6.0").await;
            last(scenario.world.complete("prod", "web"))
        }
        Base::RollbackEnds => {
            scenario.world.advance(Duration::from_secs(31 * 60));
            let deadline = scenario.world.due().remove(0).input;
            scenario.fire(&deadline).await;
            let _ = scenario.world.carry_out_stop("prod", "web");
            last(scenario.world.complete("prod", "web"))
        }
    };
    let _ = scenario.world.take_events();
    (scenario, payload)
}
