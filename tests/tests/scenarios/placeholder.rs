//! Infrastructure that was made with a dummy image, and a tool that puts that image back: neither decides what runs.

use std::time::Duration;

use e2e::world::{Failure, Image, Moved};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{deploy_well, fire_timers, follow, kinds, remembered, running, web_with};
use crate::scenario::{Scenario, WEB, service, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "placeholder" {
        a_service_made_with_a_placeholder_gets_the_best_image_that_is_there
        a_service_made_with_a_placeholder_gets_the_image_that_is_pushed
        of_a_service_made_with_a_placeholder_no_older_image_is_tried_after_a_failure
        a_placeholder_that_a_tool_puts_back_is_replaced_once
        a_placeholder_that_a_rollback_ended_with_is_not_known_good
        a_placeholder_under_way_is_not_superseded
        a_held_service_keeps_its_placeholder_until_it_is_released
        an_older_image_that_a_tool_puts_back_is_a_decision
    } }
}

/// The task definition as the tool has it: with a dummy image, and with this much memory.
fn placeholder(memory: &str) -> Value {
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"][0]["image"] = "public.ecr.aws/docker/library/httpd:2.4".into();
    definition["memory"] = memory.into();
    definition
}

/// prod/web runs a placeholder, and 1.4.2 and 1.5.0 were pushed before it was made.
async fn made_with_a_placeholder(name: &'static str, service: Value) -> Scenario {
    let scenario = Scenario::begin(name, &web_with("containers: [web]")).await;
    for tag in ["1.4.2", "1.5.0"] {
        scenario.world.push("shop/web", [tag], &Image::single(tag));
        scenario.world.advance(Duration::from_secs(60));
    }
    scenario.world.register(placeholder("512"));
    scenario.world.running_service(service);
    scenario
}

/// prod/web runs 1.5.0 well, after 1.4.2.
async fn runs_well(name: &'static str) -> Scenario {
    let mut scenario = running(name, WEB, service("web")).await;
    deploy_well(&mut scenario, "1.5.0").await;
    scenario
}

/// The tool updates the service to its own task definition; ECS's first event is delivered.
async fn tool_updates(scenario: &mut Scenario, definition: Value) {
    scenario.world.advance(Duration::from_secs(60 * 60));
    scenario.world.register(definition);
    let update = json!({ "cluster": "prod", "service": "web", "taskDefinition": "web" });
    scenario.world.by_hand("ECS.UpdateService", update);
    follow(scenario, Moved::default()).await;
}

/// The placeholder's deployment completes. Whoever sees that goes on at once, so its event is delivered once.
async fn placeholder_completes(scenario: &mut Scenario) {
    scenario.world.advance(Duration::from_secs(90));
    let ended = scenario.world.complete("prod", "web").event();
    scenario.track_once(&ended).await.expect("an answer");
}

async fn complete(scenario: &mut Scenario) {
    scenario.world.advance(Duration::from_secs(90));
    let moved = scenario.world.complete("prod", "web");
    follow(scenario, moved).await;
}

async fn reconcile(scenario: &mut Scenario) -> Value {
    let answer = scenario.ask(json!({ "action": "reconcile", "dry_run": false })).await;
    answer["targets"][0].clone()
}

/// The image and the memory that the service is to run.
fn runs(scenario: &Scenario) -> (String, String) {
    let digest = scenario.running();
    let service = scenario.world.by_hand("ECS.DescribeServices", json!({ "cluster": "prod", "services": ["web"] }));
    let revision = service["services"][0]["taskDefinition"].clone();
    let answer = scenario.world.by_hand("ECS.DescribeTaskDefinition", json!({ "taskDefinition": revision }));
    (digest, answer["taskDefinition"]["memory"].as_str().unwrap_or_default().to_owned())
}

async fn a_service_made_with_a_placeholder_gets_the_best_image_that_is_there(name: &'static str) {
    let mut scenario = made_with_a_placeholder(name, service("web")).await;
    let target = reconcile(&mut scenario).await;
    assert_eq!(target["reason"]["text"], "1.5.0 is in the registry and does not run yet", "{target:#}");
    assert_eq!(target["image"]["old"], Value::Null);
    scenario.claim();
    complete(&mut scenario).await;
    assert_eq!(runs(&scenario).0, Image::single("1.5.0").digest());
    assert_eq!(remembered(&scenario)["decision"], Value::Null, "nobody decided");
    scenario.claim();
    assert_eq!(kinds(&mut scenario), ["started", "completed"]);
    assert_eq!(reconcile(&mut scenario).await["reason"]["code"], "best_runs");
    scenario.claim();
    scenario.end();
}

async fn a_service_made_with_a_placeholder_gets_the_image_that_is_pushed(name: &'static str) {
    let mut scenario = made_with_a_placeholder(name, service("web")).await;
    let answer = scenario.push_web("1.6.0").await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.6.0 was pushed");
    scenario.claim();
    complete(&mut scenario).await;
    scenario.claim();
    // What was pushed before the service was made is no decision of anybody either.
    let release = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "dry_run": true });
    assert_eq!(scenario.ask(release).await["targets"][0]["outcome"], "planned");
    scenario.notices();
    scenario.end();
}

async fn of_a_service_made_with_a_placeholder_no_older_image_is_tried_after_a_failure(name: &'static str) {
    let mut scenario = made_with_a_placeholder(name, service_with_breaker("web")).await;
    assert_eq!(reconcile(&mut scenario).await["outcome"], "started");
    scenario.world.advance(Duration::from_secs(300));
    let moved = scenario.world.fail("prod", "web", Failure::Exits { code: 1 });
    follow(&mut scenario, moved).await;
    complete(&mut scenario).await;
    scenario.claim();
    assert_eq!(remembered(&scenario)["quarantine"][0]["tag"], "1.5.0");
    let target = reconcile(&mut scenario).await;
    assert_eq!(target["reason"]["code"], "quarantined", "{target:#}");
    let explained = json!({ "action": "status", "target": "prod/web", "tag": "1.4.2" });
    let answer = scenario.ask(explained).await;
    let reason = answer["targets"][0]["asked"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("1.4.2 is older than 1.5.0, the last image that was deployed here"), "{answer:#}");
    // Whoever releases the image that failed means that one.
    let release = json!({ "action": "release", "target": "prod/web", "tag": "1.5.0" });
    let answer = scenario.ask(release).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "placeholder_replaced", "{answer:#}");
    scenario.notices();
    scenario.claim();
    scenario.end();
}

async fn a_placeholder_that_a_tool_puts_back_is_replaced_once(name: &'static str) {
    let mut scenario = runs_well(name).await;
    tool_updates(&mut scenario, placeholder("1024")).await;
    assert_eq!(kinds(&mut scenario), ["external"]);
    scenario.claim();
    placeholder_completes(&mut scenario).await;
    assert_eq!(runs(&scenario), (Image::single("1.5.0").digest(), "1024".to_owned()));
    scenario.claim();
    let notices = scenario.notices();
    let [warning, started] = notices.as_slice() else { panic!("two notices, and not {notices:#?}") };
    assert_eq!((&*warning.attributes["kind"], &*warning.attributes["severity"]), ("external", "warning"));
    insta::assert_snapshot!("a_placeholder_that_a_tool_puts_back.email", email(&warning.message));
    insta::assert_snapshot!("a_placeholder_that_a_tool_puts_back.started", email(&started.message));
    complete(&mut scenario).await;
    scenario.claim();
    assert_eq!(kinds(&mut scenario), ["completed"]);
    assert_eq!(reconcile(&mut scenario).await["reason"]["code"], "best_runs");
    // Each deployment of it is one of its own.
    tool_updates(&mut scenario, placeholder("2048")).await;
    placeholder_completes(&mut scenario).await;
    assert_eq!(runs(&scenario), (Image::single("1.5.0").digest(), "2048".to_owned()));
    scenario.claim();
    scenario.notices();
    scenario.end();
}

/// The e-mail of a notice, but for its links and its last line.
fn email(message: &str) -> String {
    let formats: Value = serde_json::from_str(message).expect("the formats of a notice");
    let text = formats["email"].as_str().unwrap_or_default();
    text.split("\nLook here:").next().unwrap_or_default().to_owned()
}

async fn a_placeholder_that_a_rollback_ended_with_is_not_known_good(name: &'static str) {
    let mut scenario = runs_well(name).await;
    let known_good = remembered(&scenario)["known_good"].clone();
    tool_updates(&mut scenario, placeholder("1024")).await;
    placeholder_completes(&mut scenario).await;
    scenario.claim();
    scenario.notices();
    // The image's tasks do not get healthy again, and only Slipway stops that: ECS goes back to what completed last, the placeholder.
    fire_timers(&mut scenario, Duration::from_secs(31 * 60)).await;
    let back = scenario.world.carry_out_stop("prod", "web");
    follow(&mut scenario, back).await;
    complete(&mut scenario).await;
    scenario.claim();
    assert_eq!(kinds(&mut scenario), ["rolling_back", "rolled_back"]);
    assert_eq!(remembered(&scenario)["known_good"], known_good);
    scenario.end();
}

async fn a_placeholder_under_way_is_not_superseded(name: &'static str) {
    let mut scenario = runs_well(name).await;
    tool_updates(&mut scenario, placeholder("1024")).await;
    let target = reconcile(&mut scenario).await;
    assert_eq!((&target["outcome"], &target["reason"]["code"]), (&json!("skipped"), &json!("queued")), "{target:#}");
    // A late event for an older image changes nothing: the image before is the one that counts.
    let answer = scenario.push_web("1.4.3").await;
    assert_eq!(
        answer["targets"][0]["reason"]["text"],
        "1.4.3 is older than 1.5.0, the last image that was deployed here"
    );
    placeholder_completes(&mut scenario).await;
    assert_eq!(runs(&scenario), (Image::single("1.5.0").digest(), "1024".to_owned()));
    scenario.claim();
    scenario.notices();
    scenario.end();
}

async fn a_held_service_keeps_its_placeholder_until_it_is_released(name: &'static str) {
    let mut scenario = runs_well(name).await;
    scenario.ask(json!({ "action": "hold", "target": "prod/web" })).await;
    tool_updates(&mut scenario, placeholder("1024")).await;
    complete(&mut scenario).await;
    assert_eq!(reconcile(&mut scenario).await["reason"]["code"], "held");
    let answer = scenario.ask(json!({ "action": "release", "target": "prod/web" })).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "placeholder_replaced", "{answer:#}");
    assert_eq!(runs(&scenario), (Image::single("1.5.0").digest(), "1024".to_owned()));
    scenario.claim();
    scenario.notices();
    scenario.end();
}

async fn an_older_image_that_a_tool_puts_back_is_a_decision(name: &'static str) {
    let mut scenario = runs_well(name).await;
    tool_updates(&mut scenario, web_definition("1.4.2")).await;
    complete(&mut scenario).await;
    scenario.claim();
    let notices = scenario.notices();
    let last = notices.last().expect("a notice");
    assert!(
        last.message.contains("It counts as a decision: from now on, only images that are pushed later are deployed"),
        "{}",
        last.message
    );
    assert_eq!(reconcile(&mut scenario).await["reason"]["code"], "no_candidate");
    assert_eq!(remembered(&scenario)["decision"]["what"], "external");
    scenario.claim();
    scenario.end();
}
