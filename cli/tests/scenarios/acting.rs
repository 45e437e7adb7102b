//! The verbs that act: the plan first, the alias `operate`, who asks, and what came of it.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::Fleet;
use crate::json::answer;

#[tokio::test]
async fn a_deploy_is_carried_out_and_waited_for() {
    let fleet = Fleet::of_two().await;
    fleet.push("web", "1.5.0");
    let command = fleet.slipway(&["deploy", "prod/web", "--tag", "1.5.0", "--yes"]).await;
    assert_snapshot!("deploy", command.shown());
    let asked = fleet.lambda.take_invoked();
    assert_eq!((asked.len(), asked[0].alias.as_str()), (1, "operate"));
    assert_eq!(asked[0].request["who"], e2e::lambda::CALLER);
    fleet.completes("web").await;
    let again = fleet.slipway(&["deploy", "prod/web", "--tag", "1.5.0", "--yes", "--wait"]).await;
    assert_snapshot!("deploy_again", again.shown());
    assert_snapshot!("deploy_missing", fleet.slipway(&["deploy", "prod/web", "--tag", "9.9.9", "-y"]).await.shown());
    fleet.end();
}

#[tokio::test]
async fn where_nobody_can_be_asked_nothing_is_done() {
    let fleet = Fleet::of_two().await;
    assert_snapshot!("nobody_can_be_asked", fleet.slipway(&["rollback", "prod/web"]).await.shown());
    assert_eq!(fleet.lambda.take_invoked(), []);
    fleet.end();
}

#[tokio::test]
async fn a_rollback_is_waited_for() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    fleet.completes("web").await;
    let rollback =
        fleet.command(&["rollback", "prod/web", "--yes", "--wait", "--timeout", "40s"]).spawn().expect("it starts");
    // The rollback, and then the first question.
    fleet.lambda.until_answered(2).await;
    fleet.completes("web").await;
    let output = rollback.wait_with_output().await.expect("it ends");
    let out = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.contains("started: ") && out.contains("runs 1.4.2 (web:1), after"), "{out}");
    fleet.end();
}

#[tokio::test]
async fn a_hold_is_released() {
    let fleet = Fleet::of_two().await;
    fleet.slipway(&["hold", "prod/web", "prod/api"]).await;
    assert_snapshot!("release", fleet.slipway(&["release", "prod/web"]).await.shown());
    assert_snapshot!("release_unknown", fleet.slipway(&["release", "prod/wep"]).await.shown());
    fleet.end();
}

#[tokio::test]
async fn a_paused_canary_is_shown_and_continued() {
    let fleet = Fleet::of_two().await;
    let strategy =
        json!({ "strategy": "CANARY", "bakeTimeInMinutes": 10, "canaryConfiguration": { "canaryPercent": 25.0 } });
    let update = json!({ "cluster": "prod", "service": "web", "deploymentConfiguration": strategy });
    fleet.world.by_hand("ECS.UpdateService", update);
    fleet.pushed("web", "1.5.0").await;
    fleet.world.shift_traffic("prod", "web", 25);
    assert_snapshot!("shifting", fleet.slipway(&["status"]).await.shown());
    let events = fleet.world.pause("prod", "web", Duration::from_secs(3_600)).events;
    fleet.follow(events).await;
    assert_snapshot!("paused", fleet.slipway(&["status", "prod/web"]).await.shown());
    let (status, _) = answer(&fleet, &["status", "prod/web"], "").await;
    let flight = &status["targets"][0]["in_flight"];
    assert_eq!((&flight["stage"]["percent"], &flight["waits_for"]["who"]), (&json!(25), &json!("person")));
    let late = fleet.slipway(&["wait", "prod/web", "--tag", "1.5.0", "--timeout", "1s"]).await;
    assert_snapshot!("paused_wait", late.shown());
    assert!(
        late.err.contains("shifting traffic, 25 %; waiting for somebody to continue it or roll it back"),
        "{}",
        late.err
    );
    fleet.lambda.take_invoked();
    assert_snapshot!("continue", fleet.slipway(&["continue", "prod/web"]).await.shown());
    let asked = fleet.lambda.take_invoked();
    assert_eq!((asked.len(), asked[0].alias.as_str()), (1, "operate"));
    assert_eq!(asked[0].request["who"], e2e::lambda::CALLER);
    assert_snapshot!("continue_nothing", fleet.slipway(&["continue", "prod/web", "prod/api"]).await.shown());
    fleet.world.reach_stage("prod", "web", "BAKE_TIME");
    assert_snapshot!("baking", fleet.slipway(&["status"]).await.shown());
    let (continued, code) = answer(&fleet, &["continue", "prod/web"], "").await;
    assert_eq!((code, &continued["targets"][0]["reason"]["code"]), (0, &json!("not_paused")));
    fleet.completes("web").await;
    fleet.end();
}
