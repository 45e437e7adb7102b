//! Services of ECS Express Mode: the same push, notices, quarantine and rollback as anywhere else, by their own call.

use std::time::Duration;

use e2e::world::{Failure, Fault, Image, Moved, Refusal};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{complete, deploy, fail_by, fire_timers, follow, kinds, outcome, remembered, runs, web_with};
use crate::scenario::{Scenario, WEB, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "express" {
        a_push_is_deployed_by_its_own_call_and_followed_to_its_end
        a_push_meanwhile_waits_for_the_end
        what_ecs_rolls_back_is_published_and_quarantined
        what_never_gets_healthy_is_stopped_at_the_deadline
        a_rollback_after_the_end_is_an_update
        a_redeploy_registers_a_new_revision
        a_definition_that_does_not_fit_is_refused
        a_service_that_does_not_show_its_update_yet_is_followed
        an_update_without_an_answer_is_looked_up
    } }
}

/// 1.4.2 of shop/web as Express Mode takes it.
fn definition() -> Value {
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"][0]["name"] = "Main".into();
    definition["containerDefinitions"][0]["portMappings"] =
        json!([{ "name": "http", "containerPort": 8080, "protocol": "tcp" }]);
    definition
}

/// `prod/web` of Express Mode has been running 1.4.2.
pub(crate) async fn running(name: &'static str) -> Scenario {
    let scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    let revision = scenario.world.register(definition());
    scenario.world.running_express_service("prod", "web", &revision);
    scenario
}

/// 1.5.0 was pushed, and is on its way.
async fn deploying(name: &'static str) -> Scenario {
    let mut scenario = running(name).await;
    deploy(&mut scenario, "1.5.0").await;
    scenario
}

/// How often Slipway made this call, and how often the one that would go past Express Mode.
fn updates(scenario: &Scenario) -> (usize, usize) {
    let calls = scenario.world.calls();
    let count = |name: &str| calls.iter().filter(|call| call.name() == name).count();
    (count(CALL), count("ECS.UpdateService"))
}

const CALL: &str = "ECS.UpdateExpressGatewayService";
const MINUTE: Duration = Duration::from_secs(60);

async fn a_push_is_deployed_by_its_own_call_and_followed_to_its_end(name: &'static str) {
    let mut scenario = running(name).await;
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(updates(&scenario), (1, 0));
    let calls = scenario.world.calls();
    let request = calls.iter().find(|call| call.name() == CALL).and_then(|call| call.request.as_object());
    assert_eq!(
        request.map(|it| it.keys().cloned().collect()),
        Some(vec!["serviceArn".to_owned(), "taskDefinitionArn".to_owned()])
    );
    // The answer to the call does not say which one it made.
    assert!(
        remembered(&scenario)["deployments"][0]["deployment"].as_str().is_some_and(|it| it.starts_with("ecs-svc/"))
    );
    assert_snapshot!("a_push_to_express.transcript", scenario.transcript());
    assert_eq!(kinds(&mut scenario), ["started"]);
    follow(&mut scenario, Moved::default()).await;
    scenario.world.shift_traffic("prod", "web", 5);
    fire_timers(&mut scenario, MINUTE * 2).await;
    assert_eq!(
        scenario.subjects().last().map(String::as_str),
        Some("in_progress: Shifting traffic on prod/web: to shop/web:1.5.0")
    );
    complete(&mut scenario).await;
    assert_eq!(kinds(&mut scenario), ["completed"]);
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("completed", "web:2"));
    scenario.claim();
    scenario.end();
}

async fn a_push_meanwhile_waits_for_the_end(name: &'static str) {
    let mut scenario = deploying(name).await;
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    assert_eq!(updates(&scenario), (1, 0));
    scenario.world.advance(MINUTE);
    // Whoever sees the end goes on at once, so its event is delivered once.
    let ended = scenario.world.complete("prod", "web").event();
    scenario.track_once(&ended).await.expect("an answer");
    assert_eq!(updates(&scenario), (2, 0));
    assert_eq!(scenario.running(), Image::single("1.6.0").digest());
    scenario.claim();
    scenario.notices();
    scenario.end();
}

async fn what_ecs_rolls_back_is_published_and_quarantined(name: &'static str) {
    let mut scenario = deploying(name).await;
    fail_by(&mut scenario, Failure::SoundsAlarm { name: "web-errors".to_owned() }).await;
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    complete(&mut scenario).await;
    assert_eq!(updates(&scenario), (1, 0), "ECS rolls back by itself");
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_ecs", "web:1"));
    assert_snapshot!("express_rolls_back.email", scenario.email());
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    scenario.claim();
    scenario.notices();
    scenario.end();
}

async fn what_never_gets_healthy_is_stopped_at_the_deadline(name: &'static str) {
    let mut scenario = deploying(name).await;
    fire_timers(&mut scenario, MINUTE * 31).await;
    assert_eq!(kinds(&mut scenario), ["rolling_back"]);
    let moved = scenario.world.carry_out_stop("prod", "web");
    follow(&mut scenario, moved).await;
    complete(&mut scenario).await;
    assert_eq!(updates(&scenario), (1, 0), "ECS goes back");
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_slipway", "web:1"));
    scenario.claim();
    scenario.notices();
    scenario.end();
}

/// 1.5.0 runs well; then somebody asks for this, and it is done.
async fn asked_after_the_end(name: &'static str, request: Value) -> Scenario {
    let mut scenario = deploying(name).await;
    complete(&mut scenario).await;
    let answer = scenario.ask(request).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    follow(&mut scenario, Moved::default()).await;
    complete(&mut scenario).await;
    assert_eq!(updates(&scenario), (2, 0));
    scenario.claim();
    scenario.notices();
    scenario
}

async fn a_rollback_after_the_end_is_an_update(name: &'static str) {
    let scenario = asked_after_the_end(name, json!({ "action": "rollback", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(runs(&scenario), "web:1");
    scenario.end();
}

async fn a_redeploy_registers_a_new_revision(name: &'static str) {
    let scenario = asked_after_the_end(name, json!({ "action": "redeploy", "target": "prod/web" })).await;
    assert_eq!((runs(&scenario).as_str(), scenario.running()), ("web:3", Image::single("1.5.0").digest()));
    scenario.end();
}

async fn a_definition_that_does_not_fit_is_refused(name: &'static str) {
    let mut scenario = Scenario::begin(name, &web_with("base: family")).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    let revision = scenario.world.register(definition());
    scenario.world.running_express_service("prod", "web", &revision);
    let mut newer = definition();
    newer["containerDefinitions"][0]["portMappings"][0].as_object_mut().expect("a port").remove("name");
    scenario.world.register(newer);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "not_for_express", "{answer:#}");
    assert_snapshot!("not_for_express.email", scenario.email());
    assert_eq!(updates(&scenario), (0, 0));
    scenario.transcript();
    scenario.end();
}

async fn a_service_that_does_not_show_its_update_yet_is_followed(name: &'static str) {
    let mut scenario = running(name).await;
    // The look after the update, which would say what it made.
    scenario.world.fault("ECS.DescribeServices", 2, Fault::Refuse(Refusal::new("AccessDeniedException", "Not now.")));
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    follow(&mut scenario, Moved::default()).await;
    complete(&mut scenario).await;
    assert_eq!((updates(&scenario), outcome(&scenario).as_str()), ((1, 0), "completed"));
    let deployment = remembered(&scenario)["deployments"][0].clone();
    assert_eq!((&deployment["trigger"], &deployment["image"]["new"]["tag"]), (&json!("push"), &json!("1.5.0")));
    scenario.claim();
    scenario.notices();
    scenario.end();
}

async fn an_update_without_an_answer_is_looked_up(name: &'static str) {
    for fault in [Fault::CutAfter, Fault::CutBefore] {
        let mut scenario = running(name).await;
        let before = matches!(fault, Fault::CutBefore);
        scenario.world.fault(CALL, 1, fault);
        scenario.push_web("1.5.0").await;
        assert_eq!(updates(&scenario).0, if before { 2 } else { 1 });
        assert_eq!(scenario.running(), Image::single("1.5.0").digest());
        scenario.claim();
        scenario.notices();
        scenario.end();
    }
}
