//! What began and ended before anybody wrote it down: the function dies right after the update, and ECS lists the deployment
//! no more when it is observed. ECS's history of service deployments says what became of it.

use std::time::Duration;

use e2e::world::{Failure, Fault, Image, Refusal};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{fire_timers, follow, kinds, outcome, remembered};
use crate::scenario::{Invocation, Killed, Scenario, WEB, service_with_breaker, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "unobserved" {
        what_ecs_rolled_back_unobserved_is_found_when_its_deadline_fires
        what_ecs_rolled_back_unobserved_is_not_deployed_again_by_the_next_try
        what_ecs_rolled_back_unobserved_is_not_deployed_again_by_a_reconcile
        a_request_that_ecs_rolled_back_unobserved_is_a_decision_all_the_same
        what_won_unobserved_and_was_superseded_is_known_good
        a_history_that_cannot_be_asked_keeps_no_push_from_being_deployed
        a_history_that_cannot_be_asked_may_still_answer_the_next_try
    } }
}

/// The deadline of the targets here, and a little more.
const DEADLINE: Duration = Duration::from_secs(31 * 60);

async fn what_ecs_rolled_back_unobserved_is_found_when_its_deadline_fires(name: &'static str) {
    let mut scenario = running(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    dies_after_the_update(&mut scenario, &event).await;
    ecs_rolls_back_unobserved(&scenario);
    assert_eq!(fire_timers(&mut scenario, DEADLINE).await, 1);
    assert_eq!((outcome(&scenario).as_str(), quarantined(&scenario).as_str()), ("rolled_back_by_ecs", "1.5.0"));
    assert_eq!(kinds(&mut scenario), ["rolled_back"]);
    let failed = remembered(&scenario)["deployments"][0].clone();
    // ECS's log names the deployment, so its tasks are found as well.
    assert!(failed["deployment"].as_str().is_some_and(|id| id.starts_with("ecs-svc/")), "{failed:#}");
    assert_eq!(failed["failing"]["cause"], "its container web exited with code 1", "{failed:#}");
    nothing_comes_back(&mut scenario, &event).await;
    scenario.end();
}

async fn what_ecs_rolled_back_unobserved_is_not_deployed_again_by_the_next_try(name: &'static str) {
    let mut scenario = running(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    dies_after_the_update(&mut scenario, &event).await;
    ecs_rolls_back_unobserved(&scenario);
    let answer = scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(code(&answer), "queued", "{answer:#}");
    // It is judged at once, long before the deadline.
    assert_eq!(kinds(&mut scenario), ["started", "rolled_back"]);
    assert_eq!((outcome(&scenario).as_str(), quarantined(&scenario).as_str()), ("rolled_back_by_ecs", "1.5.0"));
    nothing_comes_back(&mut scenario, &event).await;
    scenario.end();
}

async fn what_ecs_rolled_back_unobserved_is_not_deployed_again_by_a_reconcile(name: &'static str) {
    let mut scenario = running(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    // Everything is written down, but none of ECS's events comes.
    scenario.deploy(&event).await;
    scenario.notices();
    ecs_rolls_back_unobserved(&scenario);
    let answer = scenario.ask(json!({ "action": "reconcile" })).await;
    assert_eq!(code(&answer), "queued", "{answer:#}");
    assert_eq!((outcome(&scenario).as_str(), quarantined(&scenario).as_str()), ("rolled_back_by_ecs", "1.5.0"));
    assert_eq!(kinds(&mut scenario), ["rolled_back"]);
    nothing_comes_back(&mut scenario, &event).await;
    scenario.end();
}

async fn a_request_that_ecs_rolled_back_unobserved_is_a_decision_all_the_same(name: &'static str) {
    let mut scenario = running(name).await;
    scenario.world.push("shop/web", ["1.3.0"], &Image::single("1.3.0"));
    let newer = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
    let deploy = json!({ "action": "deploy", "target": "prod/web", "tag": "1.3.0", "who": "ana" });
    dies_after_the_update(&mut scenario, &deploy).await;
    ecs_rolls_back_unobserved(&scenario);
    assert_eq!(fire_timers(&mut scenario, DEADLINE).await, 1);
    let record = remembered(&scenario);
    assert_eq!((outcome(&scenario).as_str(), quarantined(&scenario).as_str()), ("rolled_back_by_ecs", "1.3.0"));
    assert_eq!((&record["decision"]["what"], &record["decision"]["who"]), (&json!("deploy"), &json!("ana")));
    assert_eq!(code(&scenario.deploy(&newer).await), "before_decision");
    assert_eq!(scenario.updates(), 1);
    scenario.claim();
    scenario.end();
}

async fn what_won_unobserved_and_was_superseded_is_known_good(name: &'static str) {
    let mut scenario = running(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    dies_after_the_update(&mut scenario, &event).await;
    scenario.world.advance(Duration::from_secs(60));
    let _ = scenario.world.complete("prod", "web");
    scenario.world.advance(Duration::from_secs(60));
    // Somebody goes over it, and ECS lists it no more.
    scenario
        .world
        .by_hand("ECS.UpdateService", json!({ "cluster": "prod", "service": "web", "taskDefinition": "web:1" }));
    let _ = scenario.world.complete("prod", "web");
    // What somebody else did is found by the same timer, and what follows from both by the next.
    assert_eq!(scenario.fire_timers_after(DEADLINE).await, 1);
    let record = remembered(&scenario);
    let ours = record["deployments"].as_array().into_iter().flatten().find(|it| it["trigger"] == "push");
    let ours = ours.expect("the push is on record");
    assert_eq!((&ours["outcome"], &ours["revision"]["new"]), (&json!("completed"), &json!("web:2")), "{record:#}");
    assert!(ours["deployment"].as_str().is_some_and(|id| id.starts_with("ecs-svc/")), "{ours:#}");
    assert!(record["known_good"].as_array().is_some_and(|good| good.iter().any(|it| it["revision"] == arn("web:2"))));
    assert_eq!(record["quarantine"], json!([]));
    scenario.claim();
    scenario.end();
}

async fn a_history_that_cannot_be_asked_keeps_no_push_from_being_deployed(name: &'static str) {
    for (why, refusal) in no_history() {
        println!("{why}");
        let mut scenario = running(name).await;
        scenario.world.fault_each(HISTORY, refusal);
        let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
        dies_before_the_update(&mut scenario, &event).await;
        // Nobody tries again; whoever comes next finds the intent, and the lease has ended.
        let answer = next_push(&mut scenario, "1.6.0").await;
        assert_eq!(code(&answer), "pushed", "{answer:#}");
        assert_eq!(scenario.updates(), 1);

        // By the list alone it is followed to its end.
        scenario.world.advance(Duration::from_secs(150));
        let moved = scenario.world.complete("prod", "web");
        follow(&mut scenario, moved).await;
        assert_eq!(outcome(&scenario), "completed");
        assert_eq!(kinds(&mut scenario), ["started", "completed"]);

        let event = scenario.world.push("shop/web", ["1.7.0"], &Image::single("1.7.0")).event();
        dies_after_the_update(&mut scenario, &event).await;
        ecs_rolls_back_unobserved(&scenario);
        let answer = next_push(&mut scenario, "1.8.0").await;
        assert_eq!(code(&answer), "pushed", "{answer:#}");
        assert_eq!(scenario.updates(), 3);
        scenario.claim();
        scenario.world.heal(HISTORY);
        scenario.end();
    }
}

async fn a_history_that_cannot_be_asked_may_still_answer_the_next_try(name: &'static str) {
    for (why, refusal) in no_history() {
        println!("{why}");
        let mut scenario = running(name).await;
        let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
        dies_before_the_update(&mut scenario, &event).await;
        scenario.world.fault_each(HISTORY, refusal);
        // ECS's list may lag, so that it alone decides nothing yet.
        scenario.world.advance(Duration::from_secs(60));
        let failed = scenario.deploy_once(&event, Invocation::Again).await.expect_err("nothing is known yet");
        assert!(failed.starts_with("ECS.ListServiceDeployments/"), "{failed}");
        assert_eq!(scenario.updates(), 0);
        scenario.world.advance(Duration::from_secs(120));
        let answer = scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
        assert_eq!(code(&answer), "pushed", "{answer:#}");
        assert_eq!(scenario.updates(), 1);
        scenario.claim();
        scenario.world.heal(HISTORY);
        scenario.end();
    }
}

const HISTORY: &str = "ECS.ListServiceDeployments";

/// What may come instead of ECS's history.
fn no_history() -> [(&'static str, Fault); 4] {
    let denied = "User: slipway-deploy is not authorized to perform: ecs:ListServiceDeployments";
    let unusable = Refusal {
        status: 200,
        besides: vec![("serviceDeployments".to_owned(), json!("none of your business"))],
        ..Refusal::new("", "")
    };
    [
        ("an emulator does not know the call", Fault::Refuse(Refusal::new("UnknownOperationException", ""))),
        ("an emulator fails at the call", Fault::Break),
        ("the role lacks the permission", Fault::Refuse(Refusal::new("AccessDeniedException", denied))),
        ("the answer is of no use", Fault::Refuse(unusable)),
    ]
}

/// A push that comes after the lease of whoever died has ended.
async fn next_push(scenario: &mut Scenario, tag: &str) -> Value {
    scenario.world.advance(Duration::from_secs(331));
    let event = scenario.world.push("shop/web", [tag], &Image::single(tag)).event();
    scenario.deploy_once(&event, Invocation::New).await.expect("an answer")
}

/// `prod/web` has been running 1.4.2, with ECS's own breaker, and Slipway knows it.
async fn running(name: &'static str) -> Scenario {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.register(web_definition("1.4.2"));
    scenario.world.running_service(service_with_breaker("web"));
    scenario.ask(json!({ "action": "reconcile" })).await;
    scenario.claim();
    scenario.notices();
    scenario
}

/// The deploy function dies in the moment in which its update took effect.
async fn dies_after_the_update(scenario: &mut Scenario, payload: &Value) {
    let before = scenario.updates();
    scenario.world.fault("ECS.UpdateService", 1, Fault::Late(Duration::from_secs(3600)));
    assert_eq!(scenario.deploy_until_call(payload, "ECS.UpdateService", 1).await, Killed::Yes);
    assert_eq!(scenario.updates(), before + 1);
    let open = &remembered(scenario)["deployments"][0];
    assert!(open.is_object() && open["deployment"].is_null(), "it is only intended: {open:#}");
    assert!(scenario.notices().is_empty());
    scenario.claim();
}

/// The deploy function dies when the intent and its deadline stand, and before its update.
async fn dies_before_the_update(scenario: &mut Scenario, payload: &Value) {
    let before = scenario.updates();
    scenario.world.fault("ECS.UpdateService", 1, Fault::CutBefore);
    scenario.world.fault("ECS.DescribeServices", 2, Fault::Late(Duration::from_secs(3600)));
    // Whether the update took effect is looked up, and there it dies.
    assert_eq!(scenario.deploy_until_call(payload, "ECS.DescribeServices", 2).await, Killed::Yes);
    assert_eq!(scenario.updates(), before);
    let open = &remembered(scenario)["deployments"][0];
    assert!(open.is_object() && open["deployment"].is_null(), "it is only intended: {open:#}");
    assert!(scenario.notices().is_empty());
    scenario.claim();
}

/// ECS's breaker puts the old revision back, and lists only that. Of all its events none comes.
fn ecs_rolls_back_unobserved(scenario: &Scenario) {
    scenario.world.advance(Duration::from_secs(60));
    let _ = scenario.world.fail("prod", "web", Failure::default());
    scenario.world.advance(Duration::from_secs(30));
    let _ = scenario.world.complete("prod", "web");
    scenario.world.take_events();
    scenario.world.advance(Duration::from_secs(30));
}

/// What waited is decided again, the event comes once more, and nothing happens.
async fn nothing_comes_back(scenario: &mut Scenario, event: &Value) {
    scenario.fire_timers_after(Duration::from_secs(61)).await;
    assert_eq!(code(&scenario.deploy_once(event, Invocation::New).await.expect("an answer")), "quarantined");
    scenario.fire_timers_after(DEADLINE).await;
    assert_eq!(scenario.updates(), 1);
    assert!(scenario.running().ends_with("shop/web:1.4.2"), "{}", scenario.running());
    assert_eq!(kinds(scenario), [""; 0]);
    assert!(remembered(scenario)["lease"].is_null());
    scenario.claim();
}

fn quarantined(scenario: &Scenario) -> String {
    remembered(scenario)["quarantine"][0]["tag"].as_str().unwrap_or_default().to_owned()
}

fn code(answer: &Value) -> &str {
    answer["targets"][0]["reason"]["code"].as_str().unwrap_or_default()
}

fn arn(revision: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{revision}")
}
