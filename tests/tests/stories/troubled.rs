//! Faults by the dozen on the way to a deployment's end: each call of a visit in turn is throttled, broken, cut before or
//! after it takes effect, and the function is killed there. The retry, or what rings later, comes to the same end.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::world::{Failure, Image, Moved};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{deploy, deploying, logging_definition, outcome, remembered, runs};
use crate::story::{Invocation, Killed, Story, WEB, id, service, service_with_breaker};
use crate::trouble::{self, Case, Trouble};
use crate::{stories, told};

pub(crate) fn stories() -> Vec<Trial> {
    stories! { "troubled" {
        a_completion_survives_every_fault
        a_deadline_survives_every_fault
        a_failure_that_is_put_right_by_an_update_survives_every_fault
        a_failure_that_is_put_right_by_a_new_revision_survives_every_fault
        the_end_of_a_rollback_survives_every_fault
        a_rollback_by_ecs_survives_every_fault
        the_last_of_too_many_stopped_tasks_survives_every_fault
        an_update_from_outside_survives_every_fault
        the_end_of_what_superseded_another_survives_every_fault
    } }
}

/// A story that is run through again and again.
#[derive(Clone, Copy, Debug)]
enum Base {
    Completion,
    Deadline,
    Update,
    Register,
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
    told: BTreeSet<String>,
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

/// Runs a story through, with this trouble at this call; how many calls the troubled visit made, and how it ended.
async fn run(name: &'static str, base: Base, case: Option<Case>) -> (usize, End) {
    let (mut story, payload) = begin(name, base).await;
    story.transcript();
    let before = story.world.calls().len();
    if let Some(Case { call, trouble }) = case {
        story.world.fault("", call, trouble.fault());
    }
    let visited = match case {
        Some(Case { call, trouble: Trouble::Killed }) => {
            let killed = story.track_until(&payload, call, Invocation::New).await;
            if killed == Killed::Yes { Err(String::new()) } else { Ok(Value::Null) }
        }
        _ => story.track_as(&payload, Invocation::New).await,
    };
    let calls = story.world.calls().len() - before;
    if visited.is_err() {
        // Lambda's own second try.
        story.world.advance(Duration::from_secs(60));
        story.track_as(&payload, Invocation::Again).await.expect("the retry comes to an end");
    }
    let told = finish(&mut story).await;
    let record = remembered(&story);
    let request = json!({ "cluster": "prod", "service": "web" });
    let deployments = story.world.by_hand("ECS.ListServiceDeployments", request);
    let revisions = story.world.by_hand("ECS.ListTaskDefinitions", json!({}));
    let end = End {
        outcome: outcome(&story),
        runs: runs(&story),
        quarantine: record["quarantine"].as_array().map_or(0, Vec::len),
        deployments: deployments["serviceDeployments"].as_array().map_or(0, Vec::len),
        revisions: revisions["taskDefinitionArns"].as_array().map_or(0, Vec::len),
        told,
        leases: usize::from(!record["lease"].is_null()),
    };
    assert!(case.is_some() || end.leases == 0, "{base:?}: {end:?}");
    story.transcript();
    story.end();
    (calls, end)
}

/// What ECS does then, and what rings: until nothing is under way any more. The ids of what was told from the beginning.
async fn finish(story: &mut Story) -> BTreeSet<String> {
    for _ in 0..12 {
        story.world.advance(Duration::from_secs(240));
        for schedule in story.world.due() {
            story.deploy_once(&schedule.input, Invocation::New).await.expect("an answer");
        }
        let request = json!({ "cluster": "prod", "services": ["web"] });
        let service = story.world.by_hand("ECS.DescribeServices", request);
        let stop = story.world.by_hand("ECS.ListServiceDeployments", json!({ "cluster": "prod", "service": "web" }));
        let requested = stop["serviceDeployments"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it["status"] == "ROLLBACK_REQUESTED"));
        let mut moved = if requested { story.world.obey_stop("prod", "web") } else { Moved::default() };
        let primary = &service["services"][0]["deployments"][0];
        let back = remembered(story)["deployments"][0]["rollback"]["done_at"].is_string()
            || primary["rolloutStateReason"].as_str().is_some_and(|reason| reason.contains("rolling back"));
        if !requested && back && primary["rolloutState"] == "IN_PROGRESS" {
            moved = story.world.complete("prod", "web");
        }
        for event in story.world.take_events().iter().chain(&moved.events).filter(|it| it["source"] == "aws.ecs") {
            story.track_as(event, Invocation::New).await.expect("an answer");
        }
    }
    story.notices().iter().map(id).collect()
}

/// The scene, and what rings then.
async fn begin(name: &'static str, base: Base) -> (Story, Value) {
    let mut without = service_with_breaker("web");
    without["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] = false.into();
    let service = match base {
        Base::Update | Base::Register => without,
        Base::EcsRollsBack => service_with_breaker("web"),
        Base::Completion | Base::Deadline | Base::RollbackEnds | Base::Tasks | Base::Outside | Base::Supersedes => {
            service("web")
        }
    };
    let mut story = deploying(name, WEB, service).await;
    story.world.advance(Duration::from_secs(120));
    let last = |moved: Moved| moved.events.into_iter().last().expect("an event");
    let payload = match base {
        Base::Completion => last(story.world.complete("prod", "web")),
        Base::Deadline => {
            story.world.advance(Duration::from_secs(31 * 60));
            story.world.due().remove(0).input
        }
        Base::Register => {
            story.world.push("shop/web", ["1.4.2"], &Image::single("another 1.4.2"));
            last(story.world.fail("prod", "web", Failure::Exits { code: 1 }))
        }
        Base::Update | Base::EcsRollsBack => last(story.world.fail("prod", "web", Failure::Exits { code: 1 })),
        Base::Tasks => {
            let stopped = story.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 3);
            let mut events = story.world.take_events();
            events.extend(stopped.events);
            let last = events.pop().expect("three tasks stopped");
            for event in &events {
                story.track(event).await;
            }
            last
        }
        Base::Outside => {
            let mut definition = logging_definition("1.4.2");
            definition["cpu"] = "512".into();
            story.world.register(definition);
            let update = json!({ "cluster": "prod", "service": "web", "taskDefinition": "web" });
            story.world.by_hand("ECS.UpdateService", update);
            story.world.take_events().pop().expect("an event")
        }
        Base::Supersedes => {
            deploy(&mut story, "1.6.0").await;
            last(story.world.complete("prod", "web"))
        }
        Base::RollbackEnds => {
            story.world.advance(Duration::from_secs(31 * 60));
            let deadline = story.world.due().remove(0).input;
            story.fire(&deadline).await;
            let _ = story.world.obey_stop("prod", "web");
            last(story.world.complete("prod", "web"))
        }
    };
    let _ = story.world.take_events();
    (story, payload)
}
