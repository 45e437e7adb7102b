//! What goes wrong between the command and Slipway, and what the command says then.

use std::time::Duration;

use e2e::lambda::Fault;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::Fleet;

#[tokio::test]
async fn each_fault_says_what_to_do() {
    let fleet = Fleet::of_two().await;
    let no_stack = fleet.slipway(&["status", "--stack", "slipwey"]).await;
    let mut said = vec![("no such stack", no_stack.shown())];
    let old =
        json!({ "code": "bad_request", "mistakes": [{ "path": "action", "text": "\"status\" is not an action" }] });
    for (name, fault) in [
        ("denied", Fault::Denied),
        ("an error of the function", Fault::Fails("ECS.DescribeServices/Throttled".to_owned())),
        ("an old function", Fault::Answers(json!({ "ok": false, "error": old }))),
        ("no answer", Fault::CutBefore),
        ("no JSON", Fault::Answers(json!("hello"))),
    ] {
        fleet.lambda.plan(fault);
        said.push((name, fleet.slipway(&["status"]).await.shown()));
    }
    fleet.lambda.plan(Fault::Denied);
    said.push(("denied to act", fleet.slipway(&["rollback", "prod/web", "--yes"]).await.shown()));
    fleet.lambda.plan(Fault::Fails("Runtime.ExitError".to_owned()));
    said.push(("an error of the function that acts", fleet.slipway(&["rollback", "prod/web", "--yes"]).await.shown()));
    fleet.lambda.plan(Fault::CutAfter);
    said.push(("carried out without an answer", fleet.slipway(&["hold", "prod/web"]).await.shown()));
    let nobody = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    said.push(("no credentials", fleet.slipway_with(&["status"], &nobody, "").await.shown()));
    said.push(("no region", fleet.slipway_with(&["status"], &[("AWS_REGION", "")], "").await.shown()));
    said.push((
        "no stack of this name for a program",
        fleet.slipway(&["status", "--stack", "x", "--output", "json"]).await.shown(),
    ));
    let said: Vec<String> = said.into_iter().map(|(name, shown)| format!("## {name}\n{shown}")).collect();
    assert_snapshot!("each_fault", said.join("\n"));
    fleet.end();
}

#[tokio::test]
async fn a_wait_goes_on_where_the_function_cannot_be_asked_for_a_while() {
    let fleet = Fleet::of_two().await;
    fleet.lambda.plan(Fault::CutBefore);
    fleet.lambda.plan(Fault::Fails("ECS.DescribeServices/Throttled".to_owned()));
    fleet.lambda.plan(Fault::Slow(Duration::from_secs(1)));
    let ran = fleet.slipway(&["wait", "prod/web", "--tag", "1.4.2", "--timeout", "60s"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.err.lines().filter(|line| line.contains("cannot ask now")).count(), 2, "{}", ran.err);
    fleet.lambda.plan(Fault::Denied);
    let ran = fleet.slipway(&["wait", "prod/web", "--tag", "1.4.2", "--timeout", "60s"]).await;
    assert_eq!(ran.code, 69, "what is denied is not asked again: {ran:?}");
    fleet.end();
}

#[tokio::test]
async fn a_wrong_call_is_explained() {
    let fleet = Fleet::of_two().await;
    let calls: [&[&str]; 6] = [
        &["depoly"],
        &["wait", "prod/web"],
        &["wait", "--tag", "1.5.0"],
        &["wait", "prod/web", "--tag", "1.5.0", "--timeout", "20"],
        &["deploy", "prod/web", "--tag", "1.5.0", "--digest", "sha256:0"],
        &["status", "--watch"],
    ];
    let mut said = Vec::new();
    for words in calls {
        said.push(format!("## {}\n{}", words.join(" "), fleet.slipway(words).await.shown()));
    }
    assert_snapshot!("wrong_calls", said.join("\n"));
    assert_eq!(fleet.lambda.take_invoked(), []);
    fleet.end();
}
