//! Who may have what done by invoking the deploy function: the alias through which it is invoked decides.

use e2e::world::Image;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::Scenario;
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "authority" {
        a_build_that_may_only_read_waits_and_cannot_roll_back
        an_operator_looks_and_acts
        a_dry_run_is_a_read
        a_request_without_an_alias_is_refused
        an_alias_that_slipway_does_not_have_is_refused
        what_comes_by_itself_comes_through_no_alias
        the_schedule_of_the_reconcile_needs_no_alias
    } }
}

async fn a_build_that_may_only_read_waits_and_cannot_roll_back(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let status = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    let answer = scenario.ask_through(":read", status.clone()).await;
    assert_eq!((&answer["done"], &answer["targets"][0]["asked"]["state"]), (&json!(false), &json!("deploying")));
    let done = scenario.world.complete("prod", "web").event();
    scenario.track_once(&done).await.expect("an answer");
    let answer = scenario.ask_through(":read", status).await;
    assert_eq!((&answer["done"], &answer["ok"]), (&json!(true), &json!(true)), "{answer:#}");
    let history = scenario.ask_through(":read", json!({ "action": "history" })).await;
    assert_eq!(history["targets"][0]["deployments"][0]["outcome"], "completed", "{history:#}");
    scenario.claim();
    for request in acting() {
        refuses(&mut scenario, ":read", request).await;
    }
    let answer = scenario.ask_through(":read", json!({ "action": "rollback", "target": "prod/web" })).await;
    assert_eq!(
        answer,
        json!({ "ok": false, "error": { "code": "not_allowed", "mistakes": [{
            "path": "action",
            "text": "rollback is not allowed through slipway-deploy:read; invoke slipway-deploy:operate; its policy is the \
                     stack's output OperatePolicyArn",
        }] } })
    );
    assert_eq!(scenario.running(), Image::single("1.5.0").digest());
    scenario.end();
}

async fn an_operator_looks_and_acts(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let done = scenario.world.complete("prod", "web").event();
    scenario.track_once(&done).await.expect("an answer");
    let status = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    assert_eq!(scenario.ask_through(":operate", status).await["ok"], true);
    let hold = json!({ "action": "hold", "target": "prod/web", "who": "ana" });
    assert_eq!(scenario.ask_through(":operate", hold).await["ok"], true);
    let rollback = json!({ "action": "rollback", "target": "prod/web", "to": "web:1" });
    let answer = scenario.ask_through(":operate", rollback).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    scenario.claim();
    scenario.end();
}

async fn a_dry_run_is_a_read(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "dry_run": true });
    let explain = json!({ "action": "explain", "event": push.event() });
    for request in [deploy, explain] {
        let answer = scenario.ask_through(":read", request).await;
        assert_eq!(answer["targets"][0]["outcome"], "planned", "{answer:#}");
    }
    let reconcile = scenario.ask_through(":read", json!({ "action": "reconcile", "dry_run": true })).await;
    assert_eq!(reconcile["ok"], true, "{reconcile:#}");
    assert!(scenario.world.calls().iter().all(|call| !call.is_write()));
    assert_eq!(scenario.notices().len(), 0);
    scenario.end();
}

async fn a_request_without_an_alias_is_refused(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let mut requests = acting();
    requests.push(json!({ "action": "status" }));
    requests.push(json!({ "action": "deploy", "target": "prod/web", "tag": "1.4.2", "dry_run": true }));
    for request in requests {
        // Lambda may name what a call without an alias runs.
        for end in ["", ":$LATEST"] {
            refuses(&mut scenario, end, request.clone()).await;
        }
    }
    let text = refuses(&mut scenario, "", json!({ "action": "status" })).await;
    assert!(text.contains("without an alias; invoke slipway-deploy:read;"), "{text}");
    scenario.end();
}

async fn an_alias_that_slipway_does_not_have_is_refused(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    for end in [":beta", ":7", ":Operate", ":"] {
        for payload in [
            json!({ "action": "status" }),
            json!({ "action": "rollback", "target": "prod/web" }),
            json!({ "slipway": "reconcile" }),
            push.event(),
        ] {
            refuses(&mut scenario, end, payload).await;
        }
    }
    scenario.end();
}

async fn what_comes_by_itself_comes_through_no_alias(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    // There is an alarm on events that cannot be read.
    let mut malformed = event.clone();
    malformed["account"] = json!("");
    for end in [":read", ":operate"] {
        for payload in [
            event.clone(),
            malformed.clone(),
            json!({ "slipway": "timer", "target": "prod/web" }),
            json!({ "slipway": "reconcile" }),
            json!({ "slipway": "reconcile", "targets": ["prod/web"] }),
        ] {
            let text = refuses(&mut scenario, end, payload).await;
            assert!(text.contains(&format!("came through slipway-deploy{end}; ")), "{text}");
        }
    }
    assert_eq!(scenario.updates(), 0);
    // What asks about an event does not send it.
    let explain = json!({ "action": "explain", "event": { "slipway": "reconcile" } });
    assert_eq!(scenario.ask_through(":read", explain).await["ignored"], true);
    scenario.end();
}

async fn the_schedule_of_the_reconcile_needs_no_alias(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let reconcile = json!({ "slipway": "reconcile" });
    scenario.ask_through("", reconcile.clone()).await;
    scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let answer = scenario.ask_through("", reconcile).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "reconciled", "{answer:#}");
    assert_eq!(scenario.running(), Image::single("1.5.0").digest());
    scenario.claim();
    scenario.end();
}

/// A request of each kind that changes something.
fn acting() -> Vec<Value> {
    vec![
        json!({ "action": "deploy", "target": "prod/web", "tag": "1.4.2" }),
        json!({ "action": "redeploy", "target": "prod/web" }),
        json!({ "action": "rollback", "target": "prod/web" }),
        json!({ "action": "hold", "target": "prod/web" }),
        json!({ "action": "release", "target": "prod/web" }),
        json!({ "action": "reconcile" }),
    ]
}

/// Sends a payload that is refused: nothing is done for it, nothing is read, and nobody but who sent it hears of it. What
/// the answer says.
async fn refuses(scenario: &mut Scenario, end: &str, payload: Value) -> String {
    let answer = scenario.ask_through(end, payload.clone()).await;
    assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!("not_allowed")), "{end} {payload}");
    assert_eq!(scenario.world.take_calls().len(), 0, "{end} {payload}");
    answer["error"]["mistakes"][0]["text"].as_str().unwrap_or_default().to_owned()
}
