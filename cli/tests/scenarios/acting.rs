//! The verbs that act: the plan first, the alias `operate`, who asks, and what came of it.

use insta::assert_snapshot;

use crate::harness::Fleet;

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
