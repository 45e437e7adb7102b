//! The verbs that only look: `status`, `history`, `plan`, `explain`.

use e2e::world::Failure;
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Fleet;

#[tokio::test]
async fn the_fleet_is_shown() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    let ran = fleet.slipway(&["hold", "prod/api", "--reason", "sale until Monday"]).await;
    assert_snapshot!("hold", ran.shown());
    assert_snapshot!("the_fleet", fleet.slipway(&["status"]).await.shown());
    assert_snapshot!("one_target", fleet.slipway(&["status", "prod/web"]).await.shown());
    assert_snapshot!("held", fleet.slipway(&["status", "prod/api"]).await.shown());
    fleet.end();
}

#[tokio::test]
async fn programs_get_the_answer_as_json() {
    let fleet = Fleet::of_two().await;
    let ran = fleet.slipway(&["status", "prod/web", "--output", "json"]).await;
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (&answer["version"], &answer["action"], &answer["targets"][0]["running"]["image"]["tag"]),
        (&1.into(), &"status".into(), &"1.4.2".into())
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let asked = fleet.lambda.take_invoked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].alias, "read");
    fleet.end();
}

#[tokio::test]
async fn a_failure_is_explained_by_the_history() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    fleet.completes("web").await;
    fleet.pushed("web", "1.6.0").await;
    let events = fleet.world.fail("prod", "web", Failure::default()).events;
    fleet.follow(events).await;
    fleet.completes("web").await;
    assert_snapshot!("history", fleet.slipway(&["history", "prod/web"]).await.shown());
    assert_snapshot!("why", fleet.slipway(&["history", "prod/web", "-n", "1", "--why"]).await.shown());
    assert_snapshot!("after_a_failure", fleet.slipway(&["status"]).await.shown());
    fleet.end();
}

#[tokio::test]
async fn a_plan_changes_nothing() {
    let fleet = Fleet::of_two().await;
    fleet.push("web", "1.5.0");
    assert_snapshot!("plan", fleet.slipway(&["plan", "prod/web", "--tag", "1.5.0"]).await.shown());
    assert_snapshot!("plan_of_all", fleet.slipway(&["plan"]).await.shown());
    assert!(fleet.lambda.take_invoked().iter().all(|it| it.alias == "read" && it.request["dry_run"] == true));
    fleet.end();
}

#[tokio::test]
async fn an_event_is_explained() {
    let fleet = Fleet::of_two().await;
    let event = fleet.push("web", "1.5.0").event().to_string();
    assert_snapshot!("explain", fleet.slipway_with(&["explain", "-"], &[], &event).await.shown());
    assert_snapshot!("no_json", fleet.slipway_with(&["explain", "-"], &[], "{").await.shown());
    assert_snapshot!("no_file", fleet.slipway(&["explain", "missing.json"]).await.shown());
    fleet.end();
}
