//! Deployments that fail: how soon it is noticed, and what people are told of the cause.

use std::time::Duration;

use e2e::world::{Failure, Fault};
use insta::assert_snapshot;
use libtest_mimic::Trial;

use crate::following::{deploying, follow, kinds, outcome, remembered, ring, web_with};
use crate::story::{Story, WEB, service};
use crate::{stories, told};

pub(crate) fn stories() -> Vec<Trial> {
    stories! { "failure" {
        tasks_that_keep_stopping_are_noticed_without_the_circuit_breaker
        each_cause_is_said_in_words_that_a_person_acts_on
        two_stopped_tasks_are_not_enough
        the_target_says_how_many_are_too_many
        spot_interruptions_scaling_and_people_do_not_count
        what_ecs_warns_of_is_evidence
        a_look_that_fails_leaves_out_a_line
        a_log_of_any_content_breaks_nothing
        the_failed_image_does_not_come_back_and_the_rest_is_decided_again
    } }
}

/// The tasks of 1.5.0 stop three times, for this reason; Slipway stops the deployment, and ECS goes back.
async fn failing(name: &'static str, failure: Failure) -> Story {
    let mut story = deploying(name, WEB, service("web")).await;
    story.world.advance(Duration::from_secs(40));
    let moved = story.world.fail("prod", "web", failure);
    follow(&mut story, moved).await;
    story
}

async fn gone_back(story: &mut Story) {
    let turned = story.world.obey_stop("prod", "web");
    follow(story, turned).await;
    story.world.advance(Duration::from_secs(60));
    let back = story.world.complete("prod", "web");
    follow(story, back).await;
}

async fn tasks_that_keep_stopping_are_noticed_without_the_circuit_breaker(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    story.world.last_words(["starting shop 1.5.0", "panicked: DATABASE_URL is not set"]);
    story.world.advance(Duration::from_secs(40));
    let moved = story.world.fail("prod", "web", Failure::Exits { code: 101 });
    follow(&mut story, moved).await;
    assert_snapshot!("tasks_that_keep_stopping.transcript", story.transcript());
    assert_snapshot!("tasks_that_keep_stopping.rolling_back", story.email());
    gone_back(&mut story).await;
    assert_snapshot!("tasks_that_keep_stopping.end", story.transcript());
    assert_snapshot!("tasks_that_keep_stopping.rolled_back", story.email());
    assert_eq!(outcome(&story), "rolled_back_by_slipway");
    assert_eq!(remembered(&story)["quarantine"][0]["tag"], "1.5.0");
    story.end();
}

async fn each_cause_is_said_in_words_that_a_person_acts_on(name: &'static str) {
    let failures = [
        Failure::Exits { code: 1 },
        Failure::RunsOutOfMemory,
        Failure::CannotBePulled,
        Failure::CannotBePrepared,
        Failure::IsUnhealthy,
        Failure::IsUnhealthyBehindLoadBalancer,
    ];
    let mut said = String::new();
    for failure in failures {
        let title = format!("{failure:?}");
        let mut story = failing(name, failure).await;
        story.transcript();
        let email = story.email();
        let told: Vec<&str> = email.lines().skip(2).take_while(|line| !line.starts_with("Repository")).collect();
        said.push_str(&format!("== {title}\n{}\n", told.join("\n").trim()));
        let advice = email.lines().skip_while(|line| !line.starts_with("What you can do"));
        for line in advice.take_while(|line| !line.is_empty()) {
            said.push_str(&format!("{line}\n"));
        }
        story.end();
    }
    assert_snapshot!("each_cause", said);
}

async fn two_stopped_tasks_are_not_enough(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let moved = story.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 2);
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!((kinds(&mut story), outcome(&story).as_str()), (vec![], "open"));
    let moved = story.world.complete("prod", "web");
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!((kinds(&mut story), outcome(&story).as_str()), (vec!["completed".to_owned()], "completed"));
    story.end();
}

async fn the_target_says_how_many_are_too_many(name: &'static str) {
    let mut story = deploying(name, &web_with("max_failed_tasks: 1"), service("web")).await;
    let moved = story.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 1);
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["rolling_back"]);
    story.end();
}

async fn spot_interruptions_scaling_and_people_do_not_count(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    for failure in [Failure::LosesItsSpot, Failure::IsScaledIn, Failure::IsStoppedByHand] {
        let moved = story.world.stop_tasks("prod", "web", failure, 4);
        follow(&mut story, moved).await;
    }
    assert_eq!((story.transcript().as_str(), kinds(&mut story)), ("", vec![]));
    story.end();
}

async fn what_ecs_warns_of_is_evidence(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let moved = story.world.complain("prod", "web", "SERVICE_TASK_PLACEMENT_FAILURE", Some("RESOURCE:MEMORY"));
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), [""; 0]);
    assert_eq!(ring(&mut story, Duration::from_secs(31 * 60)).await, 1);
    story.transcript();
    assert_snapshot!("what_ecs_warns_of_is_evidence", story.email());
    story.end();
}

async fn a_look_that_fails_leaves_out_a_line(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    story.world.last_words(["the last words"]);
    story.world.fault_each("ECS.ListTasks", Fault::Break);
    story.world.fault_each("Logs.GetLogEvents", Fault::Throttle);
    let moved = story.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut story, moved).await;
    story.transcript();
    assert_eq!(kinds(&mut story), ["rolling_back"]);
    let failing = remembered(&story)["deployments"][0]["failing"].clone();
    assert_eq!(failing["cause"], "its container web exited with code 1");
    story.end();
}

async fn a_log_of_any_content_breaks_nothing(name: &'static str) {
    let mut story = deploying(name, WEB, service("web")).await;
    let long = "ü".repeat(20_000);
    story.world.last_words([
        "\u{1b}[31mred\u{1b}[0m",
        "<script>alert(1)</script> <!channel>",
        "\u{202e}txt.exe",
        &long,
    ]);
    let moved = story.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut story, moved).await;
    story.transcript();
    assert_snapshot!("a_log_of_any_content_breaks_nothing", story.email());
    story.end();
}

async fn the_failed_image_does_not_come_back_and_the_rest_is_decided_again(name: &'static str) {
    let mut story = failing(name, Failure::Exits { code: 1 }).await;
    gone_back(&mut story).await;
    story.transcript();
    assert_eq!(remembered(&story)["pending"], serde_json::json!([]));
    assert_eq!(crate::following::runs(&story), "web:1");
    let deploy = serde_json::json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" });
    let answer = story.ask(deploy).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "needs_force", "{answer:#}");
    story.end();
}
