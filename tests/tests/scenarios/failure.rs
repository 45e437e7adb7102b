//! Deployments that fail: how soon it is noticed, and what a notice says of the cause.

use std::time::Duration;

use e2e::world::{Failure, Fault};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{deploying, fire_timers, follow, kinds, outcome, remembered, unpublished, web_with};
use crate::scenario::{Scenario, WEB, queued, service};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "failure" {
        tasks_that_keep_stopping_are_noticed_without_the_circuit_breaker
        each_cause_is_said_in_words_that_a_person_acts_on
        two_stopped_tasks_are_not_enough
        the_target_says_how_many_are_too_many
        tasks_of_the_old_revision_do_not_count
        spot_interruptions_scaling_and_people_do_not_count
        what_ecs_warns_of_is_evidence
        a_read_that_fails_leaves_out_a_line
        a_log_of_any_content_breaks_nothing
        the_evidence_stands_beside_the_record_and_each_notice_shows_it
        the_failed_image_does_not_come_back_and_the_rest_is_decided_again
    } }
}

/// The tasks of 1.5.0 stop three times, for this reason; Slipway stops the deployment, and ECS goes back.
async fn failing(name: &'static str, failure: Failure) -> Scenario {
    let mut scenario = deploying(name, WEB, service("web")).await;
    scenario.world.advance(Duration::from_secs(40));
    let moved = scenario.world.fail("prod", "web", failure);
    follow(&mut scenario, moved).await;
    scenario
}

async fn gone_back(scenario: &mut Scenario) {
    let turned = scenario.world.carry_out_stop("prod", "web");
    follow(scenario, turned).await;
    scenario.world.advance(Duration::from_secs(60));
    let back = scenario.world.complete("prod", "web");
    follow(scenario, back).await;
}

async fn tasks_that_keep_stopping_are_noticed_without_the_circuit_breaker(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    scenario.world.last_words(["starting shop 1.5.0", "panicked: DATABASE_URL is not set"]);
    scenario.world.advance(Duration::from_secs(40));
    let moved = scenario.world.fail("prod", "web", Failure::Exits { code: 101 });
    follow(&mut scenario, moved).await;
    assert_snapshot!("tasks_that_keep_stopping.transcript", scenario.transcript());
    assert_snapshot!("tasks_that_keep_stopping.rolling_back", scenario.email());
    gone_back(&mut scenario).await;
    assert_snapshot!("tasks_that_keep_stopping.end", scenario.transcript());
    assert_snapshot!("tasks_that_keep_stopping.rolled_back", scenario.email());
    assert_eq!(outcome(&scenario), "rolled_back_by_slipway");
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    scenario.end();
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
        let mut scenario = failing(name, failure).await;
        scenario.transcript();
        let email = scenario.email();
        let reported: Vec<&str> = email.lines().skip(2).take_while(|line| !line.starts_with("Repository")).collect();
        said.push_str(&format!("== {title}\n{}\n", reported.join("\n").trim()));
        let advice = email.lines().skip_while(|line| !line.starts_with("What you can do"));
        for line in advice.take_while(|line| !line.is_empty()) {
            said.push_str(&format!("{line}\n"));
        }
        scenario.end();
    }
    assert_snapshot!("each_cause", said);
}

async fn two_stopped_tasks_are_not_enough(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let moved = scenario.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 2);
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec![], "open"));
    let moved = scenario.world.complete("prod", "web");
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    scenario.end();
}

async fn the_target_says_how_many_are_too_many(name: &'static str) {
    let mut scenario = deploying(name, &web_with("max_failed_tasks: 1"), service("web")).await;
    let moved = scenario.world.stop_tasks("prod", "web", Failure::Exits { code: 1 }, 1);
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    scenario.end();
}

/// The old revision replaces its own tasks that stop during a deployment.
async fn tasks_of_the_old_revision_do_not_count(name: &'static str) {
    let mut scenario = deploying(name, &web_with("max_failed_tasks: 1"), service("web")).await;
    let stopped = scenario.world.stop_old_tasks("prod", "web", Failure::Exits { code: 1 }, 3);
    assert_eq!(stopped.events.len(), 3);
    follow(&mut scenario, stopped).await;
    let deployment = remembered(&scenario)["deployments"][0].clone();
    assert_eq!((&deployment["failed_tasks"], outcome(&scenario).as_str()), (&json!([]), "open"));
    let stopped = scenario.world.stop_tasks("prod", "web", Failure::Exits { code: 3 }, 1);
    follow(&mut scenario, stopped).await;
    scenario.transcript();
    let said = scenario.email();
    assert!(said.contains("exited with code 3") && !said.contains("exit code 1"), "{said}");
    scenario.end();
}

async fn spot_interruptions_scaling_and_people_do_not_count(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    for failure in [Failure::LosesItsSpot, Failure::IsScaledIn, Failure::IsStoppedByHand] {
        let moved = scenario.world.stop_tasks("prod", "web", failure, 4);
        follow(&mut scenario, moved).await;
    }
    assert_eq!((scenario.transcript().as_str(), kinds(&mut scenario)), ("", vec![]));
    scenario.end();
}

async fn what_ecs_warns_of_is_evidence(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let moved = scenario.world.service_action("prod", "web", "SERVICE_TASK_PLACEMENT_FAILURE", Some("RESOURCE:MEMORY"));
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), [""; 0]);
    assert_eq!(fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await, 1);
    scenario.transcript();
    assert_snapshot!("what_ecs_warns_of_is_evidence", scenario.email());
    scenario.end();
}

async fn a_read_that_fails_leaves_out_a_line(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    scenario.world.last_words(["the last words"]);
    scenario.world.fault_each("ECS.ListTasks", Fault::Break);
    scenario.world.fault_each("Logs.GetLogEvents", Fault::Throttle);
    let moved = scenario.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    let failing = remembered(&scenario)["deployments"][0]["failing"].clone();
    assert_eq!(failing["cause"], "its container web exited with code 1");
    scenario.end();
}

async fn a_log_of_any_content_breaks_nothing(name: &'static str) {
    let mut scenario = deploying(name, WEB, service("web")).await;
    let long = "ü".repeat(20_000);
    scenario.world.last_words([
        "\u{1b}[31mred\u{1b}[0m",
        "<script>alert(1)</script> <!channel>",
        "\u{202e}txt.exe",
        &long,
    ]);
    let moved = scenario.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut scenario, moved).await;
    scenario.transcript();
    assert_snapshot!("a_log_of_any_content_breaks_nothing", scenario.email());
    scenario.end();
}

async fn the_evidence_stands_beside_the_record_and_each_notice_shows_it(name: &'static str) {
    let mut scenario = failing(name, Failure::Exits { code: 1 }).await;
    let record = remembered(&scenario);
    let (number, failing) = (&record["deployments"][0]["number"], &record["deployments"][0]["failing"]);
    assert!(failing["cause"].is_string() && failing["evidence"].is_null(), "{failing:#}");
    let items = scenario.world.items("slipway");
    let evidence: Vec<_> =
        items.iter().filter(|it| it["item"].as_str().unwrap_or_default().starts_with("evid")).collect();
    let [evidence] = evidence.as_slice() else { panic!("one item of evidence, and not {evidence:#?}") };
    assert_eq!(evidence["item"], format!("evidence#{:020}", number.as_u64().unwrap_or_default()));
    assert!(evidence["ttl"].as_i64() > Some(scenario.world.now().as_second()), "{evidence:#}");
    let lines = &evidence["record"]["lines"];
    assert_eq!(lines[1], "  container web: exit code 1", "{lines:#}");

    // Who wrote it down shows it without a read, and what is on record needs no second one.
    let shown = |scenario: &mut Scenario| -> Vec<(String, Value)> {
        let notices = scenario.notices();
        notices.iter().map(|it| (it.attributes["kind"].clone(), queued(it)["details"].clone())).collect()
    };
    assert_eq!(shown(&mut scenario), [("rolling_back".to_owned(), lines.clone())]);
    let transcript = scenario.transcript();
    assert_eq!((transcript.matches(" evidence of ").count(), transcript.matches("the evidence").count()), (1, 0));

    // Nobody could publish the end, and who does so later reads it, once.
    let turned = scenario.world.carry_out_stop("prod", "web");
    follow(&mut scenario, turned).await;
    scenario.transcript();
    assert_eq!(shown(&mut scenario), []);
    let done = scenario.world.complete("prod", "web").event();
    unpublished(&mut scenario, &done).await;
    assert_eq!((outcome(&scenario).as_str(), shown(&mut scenario)), ("rolled_back_by_slipway", vec![]));
    scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(shown(&mut scenario), [("rolled_back".to_owned(), lines.clone())]);
    assert_eq!(scenario.transcript().matches("the evidence").count(), 1);
    scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!((shown(&mut scenario).len(), scenario.transcript().matches("the evidence").count()), (0, 0));

    let history = scenario.ask(json!({ "action": "history", "target": "prod/web" })).await;
    assert_eq!(history["targets"][0]["deployments"][0]["failing"]["evidence"], *lines, "{history:#}");
    scenario.end();
}

async fn the_failed_image_does_not_come_back_and_the_rest_is_decided_again(name: &'static str) {
    let mut scenario = failing(name, Failure::Exits { code: 1 }).await;
    gone_back(&mut scenario).await;
    scenario.transcript();
    assert_eq!(remembered(&scenario)["pending"], json!([]));
    assert_eq!(crate::following::runs(&scenario), "web:1");
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0" });
    let answer = scenario.ask(deploy).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "needs_force", "{answer:#}");
    scenario.end();
}
