//! Faults by the dozen: each call of a scenario in turn is throttled, broken, cut before or after it takes effect, and the
//! function is killed there. The retry, or a timer that fires later, comes to the same end.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::world::{CodeDeployStage, Failure, Fault, Image};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::code_deploy;
use crate::elsewhere::{of_web_from, virginia};
use crate::express;
use crate::following::{deploying, follow, with_strategy};
use crate::scenario::{Invocation, Killed, Scenario, WEB, id, service_with_breaker, web_definition};
use crate::trouble::{self, Case, Trouble};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "generated" {
        a_first_push_survives_every_fault
        a_push_to_a_known_service_survives_every_fault
        a_push_to_a_registry_elsewhere_survives_every_fault
        a_push_to_three_services_of_one_family_survives_every_fault
        a_push_to_services_that_are_rendered_from_their_family_survives_every_fault
        a_deploy_by_hand_survives_every_fault
        a_reconcile_survives_every_fault
        a_rollback_by_hand_survives_every_fault
        a_redeploy_survives_every_fault
        a_release_survives_every_fault
        a_history_of_a_failure_survives_every_fault
        a_pause_that_is_continued_survives_every_fault
        a_push_by_codedeploy_survives_every_fault
        a_push_that_codedeploy_may_have_begun_survives_every_fault
        a_rollback_while_codedeploy_waits_survives_every_fault
        a_deployment_of_codedeploy_that_is_continued_survives_every_fault
        a_push_by_express_mode_survives_every_fault
        what_was_left_with_a_dead_holder_survives_every_fault
    } }
}

/// A scenario that is run through again and again.
#[derive(Clone, Copy, Debug)]
enum Base {
    FirstPush,
    KnownService,
    Elsewhere,
    ThreeServices,
    Family,
    Deploy,
    Reconcile,
    Rollback,
    Redeploy,
    Release,
    History,
    Continue,
    CodeDeploy,
    CodeDeployIntent,
    CodeDeployStop,
    CodeDeployContinue,
    Express,
    Timer,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    running: String,
    updates: usize,
    reported: BTreeSet<String>,
    leases: usize,
    intents: usize,
    /// The lines of evidence that a history answers.
    evidence: usize,
    /// How the pause hook of what is in progress stands.
    hook: Value,
}

async fn a_first_push_survives_every_fault(name: &'static str) {
    survives(name, Base::FirstPush).await;
}

async fn a_push_to_a_known_service_survives_every_fault(name: &'static str) {
    survives(name, Base::KnownService).await;
}

async fn a_push_to_a_registry_elsewhere_survives_every_fault(name: &'static str) {
    survives(name, Base::Elsewhere).await;
}

async fn a_push_to_three_services_of_one_family_survives_every_fault(name: &'static str) {
    survives(name, Base::ThreeServices).await;
}

async fn a_push_to_services_that_are_rendered_from_their_family_survives_every_fault(name: &'static str) {
    survives(name, Base::Family).await;
}

async fn a_deploy_by_hand_survives_every_fault(name: &'static str) {
    survives(name, Base::Deploy).await;
}

async fn a_reconcile_survives_every_fault(name: &'static str) {
    survives(name, Base::Reconcile).await;
}

async fn a_rollback_by_hand_survives_every_fault(name: &'static str) {
    survives(name, Base::Rollback).await;
}

async fn a_redeploy_survives_every_fault(name: &'static str) {
    survives(name, Base::Redeploy).await;
}

async fn a_release_survives_every_fault(name: &'static str) {
    survives(name, Base::Release).await;
}

async fn a_history_of_a_failure_survives_every_fault(name: &'static str) {
    survives(name, Base::History).await;
}

async fn a_pause_that_is_continued_survives_every_fault(name: &'static str) {
    survives(name, Base::Continue).await;
}

async fn a_push_by_codedeploy_survives_every_fault(name: &'static str) {
    survives(name, Base::CodeDeploy).await;
}

async fn a_push_that_codedeploy_may_have_begun_survives_every_fault(name: &'static str) {
    survives(name, Base::CodeDeployIntent).await;
}

async fn a_rollback_while_codedeploy_waits_survives_every_fault(name: &'static str) {
    survives(name, Base::CodeDeployStop).await;
}

async fn a_deployment_of_codedeploy_that_is_continued_survives_every_fault(name: &'static str) {
    survives(name, Base::CodeDeployContinue).await;
}

async fn a_push_by_express_mode_survives_every_fault(name: &'static str) {
    survives(name, Base::Express).await;
}

async fn what_was_left_with_a_dead_holder_survives_every_fault(name: &'static str) {
    survives(name, Base::Timer).await;
}

async fn survives(name: &'static str, base: Base) {
    trouble::survives(base, async |case| run(name, base, case).await).await;
}

/// Runs a scenario through, with this trouble at this call; how many calls it made, and how it ended.
async fn run(name: &'static str, base: Base, case: Option<Case>) -> (usize, End) {
    let (mut scenario, payload) = begin(name, base).await;
    scenario.claim();
    scenario.notices();
    let before = scenario.world.calls().len();
    let mut killed = Killed::No;
    let mut answer = match case {
        Some(Case { call, trouble: Trouble::Killed }) => {
            scenario.world.fault("", call, Trouble::Killed.fault());
            killed = scenario.deploy_until(&payload, call, Invocation::New).await;
            Err(String::new())
        }
        Some(Case { call, trouble }) => {
            scenario.world.fault("", call, trouble.fault());
            scenario.deploy_once(&payload, Invocation::New).await
        }
        None => scenario.deploy_once(&payload, Invocation::New).await,
    };
    let calls = scenario.world.calls().len() - before;
    scenario.world.heal("");
    let failed = |answer: &Result<Value, String>| answer.as_ref().map_or(true, |answer| answer["ok"] == false);
    if failed(&answer) || killed == Killed::Yes {
        match base {
            // Lambda tries an asynchronous invocation again.
            Base::FirstPush
            | Base::KnownService
            | Base::Elsewhere
            | Base::ThreeServices
            | Base::Family
            | Base::CodeDeploy
            | Base::CodeDeployIntent
            | Base::Express
            | Base::Timer => {
                answer = scenario.deploy_once(&payload, Invocation::Again).await;
            }
            // Whoever asked asks again, once a dead holder's lease is over; the reconcile comes by itself.
            Base::Deploy
            | Base::Rollback
            | Base::Redeploy
            | Base::Release
            | Base::History
            | Base::Continue
            | Base::CodeDeployStop
            | Base::CodeDeployContinue
            | Base::Reconcile => {
                scenario.fire_timers_after(Duration::from_secs(400)).await;
                answer = scenario.deploy_once(&payload, Invocation::New).await;
            }
        }
    }
    scenario.fire_timers_after(Duration::from_secs(400)).await;
    let tick = json!({ "slipway": "reconcile" });
    drop(scenario.deploy_once(&tick, Invocation::New).await);
    let items = scenario.world.items("slipway");
    let end = End {
        running: scenario.running(),
        updates: scenario.updates(),
        // That it is in progress is published by any invocation that observes it meanwhile, which a retry may do.
        reported: scenario.notices().iter().map(id).filter(|id| !id.contains("/in_progress")).collect(),
        leases: items.iter().filter(|item| !item["record"]["lease"].is_null()).count(),
        intents: items.iter().map(intents).sum(),
        evidence: answer.map_or(0, |answer| {
            let failing = &answer["targets"][0]["deployments"][0]["failing"];
            failing["evidence"].as_array().map_or(0, Vec::len)
        }),
        hook: hook(&scenario),
    };
    assert_eq!(end.hook == "SUCCEEDED", matches!(base, Base::Continue), "{base:?}: {end:?}");
    assert_eq!(end.evidence > 0, matches!(base, Base::History), "{base:?}: {end:?}");
    assert!(case.is_some() || (end.leases, end.intents) == (0, 0), "{base:?}: {end:?}");
    scenario.claim();
    scenario.end();
    (calls, end)
}

fn hook(scenario: &Scenario) -> Value {
    let service = scenario.world.by_hand("ECS.DescribeServices", json!({ "cluster": "prod", "services": ["web"] }));
    let Some(arn) = service["services"][0]["currentServiceDeployment"].as_str() else { return Value::Null };
    let request = json!({ "serviceDeploymentArns": [arn] });
    let whole = scenario.world.by_hand("ECS.DescribeServiceDeployments", request);
    whole["serviceDeployments"][0]["lifecycleHookDetails"][0]["status"].clone()
}

fn intents(item: &Value) -> usize {
    let deployments = item["record"]["deployments"].as_array().cloned().unwrap_or_default();
    deployments.iter().filter(|it| !it["state"]["intended"].is_null()).count()
}

/// The set-up, and what is delivered to the deploy function.
async fn begin(name: &'static str, base: Base) -> (Scenario, Value) {
    if let Base::ThreeServices = base {
        let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/web, service: admin }
  - { repository: shop/web, service: api }
"#;
        let scenario = Scenario::begin(name, config).await;
        scenario.web_runs("1.4.2");
        for other in ["admin", "api"] {
            scenario.also_runs_web(other);
        }
        let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
        return (scenario, event);
    }
    if let Base::Family = base {
        let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" }, base: family }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/web, service: api }
"#;
        let mut scenario = Scenario::begin(name, config).await;
        scenario.web_runs("1.4.2");
        scenario.also_runs_web("api");
        // One is known, and the other is not yet.
        scenario.ask(json!({ "action": "reconcile", "target": "prod/api" })).await;
        let mut definition = web_definition("1.4.2");
        definition["memory"] = json!("1024");
        scenario.world.register(definition);
        let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
        return (scenario, event);
    }
    if let Base::Elsewhere = base {
        let scenario = of_web_from(name, &virginia()).await;
        let event = scenario.world.push_to(&virginia(), "shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
        return (scenario, event);
    }
    if let Base::Timer = base {
        let mut scenario = Scenario::of_web(name).await;
        scenario.ask(json!({ "action": "reconcile" })).await;
        // A deploy dies with the lease in its hands; the next push is left for when the lease has ended.
        let first = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
        scenario.world.fault("ECS.DescribeServices", 1, Fault::Late(Duration::from_secs(3600)));
        let killed =
            tokio::time::timeout(Duration::from_millis(500), scenario.deploy_once(&first, Invocation::New)).await;
        assert!(killed.is_err());
        let event = scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event();
        scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
        scenario.world.advance(Duration::from_secs(400));
        let timer = scenario.world.due().remove(0).input;
        return (scenario, timer);
    }
    if let Base::Continue = base {
        let mut scenario = deploying(name, WEB, with_strategy("LINEAR")).await;
        scenario.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
        let moved = scenario.world.pause("prod", "web", Duration::from_secs(3600));
        follow(&mut scenario, moved).await;
        return (scenario, json!({ "action": "continue", "target": "prod/web", "who": "ana" }));
    }
    match base {
        Base::CodeDeploy => {
            let scenario = code_deploy::running(name, WEB, &json!({})).await;
            let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
            return (scenario, event);
        }
        Base::Express => {
            let scenario = express::running(name).await;
            let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
            return (scenario, event);
        }
        Base::CodeDeployIntent => {
            let mut scenario = code_deploy::running(name, WEB, &json!({})).await;
            let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
            scenario.world.fault_each("CodeDeploy.CreateDeployment", Fault::CutBefore);
            assert!(scenario.deploy_once(&event, Invocation::New).await.is_err());
            scenario.world.heal("CodeDeploy.CreateDeployment");
            scenario.world.advance(Duration::from_secs(400));
            return (scenario, event);
        }
        Base::CodeDeployStop => {
            let scenario = code_deploy::deploying(name, &json!({}), CodeDeployStage::Serving).await;
            return (scenario, json!({ "action": "rollback", "target": "prod/web", "who": "ana" }));
        }
        Base::CodeDeployContinue => {
            let group = code_deploy::waits_for_somebody();
            let scenario = code_deploy::deploying(name, &group, CodeDeployStage::Ready).await;
            return (scenario, json!({ "action": "continue", "target": "prod/web", "who": "ana" }));
        }
        _ => {}
    }
    if let Base::Release | Base::History = base {
        let mut scenario = deploying(name, WEB, service_with_breaker("web")).await;
        for moved in
            [scenario.world.fail("prod", "web", Failure::Exits { code: 1 }), scenario.world.complete("prod", "web")]
        {
            follow(&mut scenario, moved).await;
        }
        scenario.fire_timers_after(Duration::from_secs(400)).await;
        assert_eq!(scenario.remembered("prod/web")["quarantine"][0]["tag"], "1.5.0");
        let payload = match base {
            Base::History => json!({ "action": "history", "target": "prod/web", "last": 50 }),
            _ => json!({ "action": "release", "target": "prod/web", "tag": "1.5.0", "who": "ana" }),
        };
        return (scenario, payload);
    }
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.web_runs("1.4.2");
    if !matches!(base, Base::FirstPush) {
        scenario.ask(json!({ "action": "reconcile" })).await;
        let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
        scenario.deploy_once(&push.event(), Invocation::New).await.expect("an answer");
        for event in &scenario.world.complete("prod", "web").events {
            scenario.track_once(event).await.expect("an answer");
        }
        scenario.notices();
    }
    let payload = match base {
        Base::Deploy => {
            scenario.world.push("shop/web", ["1.3.0"], &Image::single("1.3.0"));
            json!({ "action": "deploy", "target": "prod/web", "tag": "1.3.0", "id": "build-7" })
        }
        Base::Rollback => json!({ "action": "rollback", "target": "prod/web", "id": "back-7" }),
        Base::Redeploy => json!({ "action": "redeploy", "target": "prod/web", "id": "again-7" }),
        Base::Reconcile => {
            scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0"));
            json!({ "slipway": "reconcile" })
        }
        _ => scenario.world.push("shop/web", ["1.6.0"], &Image::single("1.6.0")).event(),
    };
    (scenario, payload)
}
