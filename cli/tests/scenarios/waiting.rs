//! `slipway wait`, as builds call it.

use e2e::world::Failure;
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Fleet;

#[tokio::test]
async fn a_build_waits_for_its_image() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    let wait = fleet.command(&["wait", "prod/web", "--tag", "1.5.0"]).spawn().expect("it starts");
    // The first question is answered before the deployment completes.
    fleet.lambda.until_answered(1).await;
    fleet.completes("web").await;
    let output = wait.wait_with_output().await.expect("it ends");
    let (out, err) = (String::from_utf8(output.stdout).expect("text"), String::from_utf8(output.stderr).expect("text"));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(out.starts_with("✓ prod/web  runs 1.5.0 (web:2), after "), "{out}");
    assert_eq!(err.lines().filter(|line| line.contains("prod/web  1.5.0 deploying")).count(), 1, "{err}");
    assert!(fleet.lambda.take_invoked().iter().all(|it| it.alias == "read"));
    fleet.end();
}

#[tokio::test]
async fn a_failed_deployment_is_diagnosed() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.6.0").await;
    let events = fleet.world.fail("prod", "web", Failure::default()).events;
    fleet.follow(events).await;
    fleet.completes("web").await;
    assert_snapshot!("a_failure", fleet.slipway(&["wait", "prod/web", "--tag", "1.6.0"]).await.shown());
    let summary = std::env::temp_dir().join(format!("slipway-summary-{}", std::process::id()));
    let environment = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().expect("a path"))];
    let ran = fleet.slipway_with(&["wait", "prod/web", "--tag", "1.6.0"], &environment, "").await;
    let written = std::fs::read_to_string(&summary).expect("a summary");
    std::fs::remove_file(&summary).expect("the summary is there");
    assert_snapshot!("in_github_actions", format!("{}--- summary\n{written}", ran.shown()));
    let ran = fleet.slipway(&["wait", "prod/web", "--tag", "1.6.0", "--output", "json"]).await;
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, ran.err.as_str(), &answer["done"], &answer["ok"]), (1, "", &true.into(), &false.into()));
    assert!(
        answer["targets"][0]["failing"]["cause"].as_str().is_some_and(|it| it.contains("exited with code 1")),
        "{answer:#}"
    );
    fleet.end();
}

#[tokio::test]
async fn each_end_has_its_exit_code() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    fleet.completes("web").await;
    fleet.pushed("web", "1.4.9").await;
    fleet.slipway(&["hold", "prod/api"]).await;
    fleet.push("api", "2.0.0");
    let wait = async |words: &[&str]| fleet.slipway(&[&["wait", "--timeout", "1s"], words].concat()).await.shown();
    let ends = [
        wait(&["prod/web", "--tag", "1.5.0"]).await,
        wait(&["prod/web", "--tag", "1.4.9"]).await,
        wait(&["prod/web", "--tag", "1.4.9", "--accept", "skipped,superseded"]).await,
        wait(&["prod/web", "--tag", "9.9.9"]).await,
        wait(&["prod/api", "--tag", "2.0.0"]).await,
        wait(&["prod/web", "prod/api", "--tag", "1.5.0"]).await,
        wait(&["prod/wep", "--tag", "1.5.0"]).await,
    ];
    assert_snapshot!("ends", ends.join("\n"));
    fleet.push("web", "1.7.0");
    let late = fleet.slipway(&["wait", "prod/web", "--tag", "1.7.0", "--timeout", "1s"]).await;
    assert_snapshot!("late", late.shown());
    fleet.end();
}
