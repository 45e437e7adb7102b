//! What programs read: each answer fits `infra/answer.schema.json`, and says what the text says.

use e2e::world::Failure;
use serde_json::Value;

use crate::harness::{Fleet, Ran};

/// The answer that was printed, which fits the schema.
pub(crate) fn fitting(ran: &Ran) -> Value {
    let schema: Value =
        serde_json::from_str(include_str!("../../../infra/answer.schema.json")).expect("the schema is JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let answer: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let mistakes: Vec<String> =
        schema.iter_errors(&answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(mistakes, Vec::<String>::new(), "{answer:#}");
    assert_eq!(ran.err, "", "{answer:#}");
    answer
}

/// The answer to these words, which fits the schema; with its exit code.
pub(crate) async fn answer(fleet: &Fleet, words: &[&str], input: &str) -> (Value, i32) {
    let ran = fleet.slipway_with(&[words, &["--output", "json"]].concat(), &[], input).await;
    (fitting(&ran), ran.code)
}

#[tokio::test]
async fn each_answer_fits_the_schema() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    fleet.pushed("api", "1.5.0").await;
    let ask = async |words: &[&str]| answer(&fleet, words, "").await;
    let (status, _) = ask(&["status"]).await;
    assert_eq!(status["targets"][0]["in_flight"]["image"]["tag"], "1.5.0");
    fleet.completes("web").await;
    let events = fleet.world.fail("prod", "api", Failure::default()).events;
    fleet.follow(events).await;
    fleet.completes("api").await;
    let (waited, code) = ask(&["wait", "prod/api", "--tag", "1.5.0"]).await;
    assert_eq!((code, &waited["targets"][0]["asked"]["state"]), (1, &"rolled_back".into()));
    assert!(waited["targets"][0]["failing"]["evidence"].as_array().is_some_and(|lines| lines.len() > 2), "{waited:#}");
    let (history, _) = ask(&["history", "prod/api"]).await;
    assert_eq!(history["targets"][0]["deployments"][0]["failing"], waited["targets"][0]["failing"]);
    let (held, _) = ask(&["hold", "prod/api", "--reason", "sale"]).await;
    assert_eq!(held["targets"][0]["held"]["who"], e2e::lambda::CALLER);
    let (status, _) = ask(&["status", "prod/api"]).await;
    assert_eq!(status["targets"][0]["memory"]["quarantined"][0]["tag"], "1.5.0");
    let push = fleet.push("web", "1.6.0");
    ask(&["plan", "prod/web", "--tag", "1.6.0"]).await;
    answer(&fleet, &["explain", "-"], &push.event().to_string()).await;
    answer(&fleet, &["explain", "-"], r#"{"source": "aws.s3"}"#).await;
    let (deployed, _) = ask(&["deploy", "prod/web", "--tag", "1.6.0", "--yes"]).await;
    assert_eq!(deployed["targets"][0]["outcome"], "started");
    fleet.completes("web").await;
    let (again, code) = ask(&["deploy", "prod/web", "--tag", "1.6.0", "--yes", "--wait"]).await;
    assert_eq!(
        (code, &again["targets"][0]["outcome"]),
        (0, &"skipped".into()),
        "nothing began, so nothing is waited for"
    );
    let (unasked, code) = ask(&["rollback", "prod/web"]).await;
    assert_eq!((code, &unasked["error"]["exit"]), (64, &64.into()));
    ask(&["release", "prod/api"]).await;
    let (refused, code) = ask(&["status", "--stack", "other"]).await;
    assert_eq!((code, &refused["error"]["exit"]), (69, &69.into()));
    fleet.world.advance(std::time::Duration::from_secs(1));
    fleet.push("web", "1.7.0");
    let (late, code) = ask(&["wait", "prod/web", "--tag", "1.7.0", "--timeout", "1s"]).await;
    assert_eq!((code, &late["done"]), (3, &false.into()));
    fleet.end();
}
