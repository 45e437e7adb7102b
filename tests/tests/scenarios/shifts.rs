//! Deployments that shift traffic, as people follow them: their stages, and pauses that wait for somebody.

use std::time::Duration;

use e2e::world::{Fault, Moved};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::following::{
    complete, deploying, fire_timers, follow, kinds, outcome, remembered, running, runs, with_strategy,
};
use crate::scenario::{Scenario, WEB, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "shifts" {
        the_stages_of_a_canary_are_published_and_shown
        a_pause_is_published_and_somebody_continues_it
        a_pause_is_answered_by_a_rollback
        a_pause_that_nobody_answers_is_published_again_and_its_end_as_what_it_was
        a_pause_that_goes_on_by_itself_is_no_failure
        a_pause_of_what_somebody_else_deployed_is_published_and_answered
        an_answer_without_an_answer_is_looked_up
        nothing_goes_on_where_nothing_waits
    } }
}

const MINUTE: Duration = Duration::from_secs(60);

/// What is in flight, as a status says it.
async fn in_flight(scenario: &mut Scenario) -> Value {
    let answer = scenario.ask(json!({ "action": "status", "target": "prod/web" })).await;
    answer["targets"][0]["in_flight"].clone()
}

async fn the_stages_of_a_canary_are_published_and_shown(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("CANARY")).await;
    let mut seen = Vec::new();
    for stage in ["SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"] {
        match stage {
            "PRODUCTION_TRAFFIC_SHIFT" => scenario.world.shift_traffic("prod", "web", 10),
            stage => scenario.world.reach_stage("prod", "web", stage),
        }
        fire_timers(&mut scenario, MINUTE * 2).await;
        seen.push(format!("{stage}: {}", in_flight(&mut scenario).await["stage"]));
        seen.extend(scenario.subjects().into_iter().map(|subject| format!("  {subject}")));
    }
    complete(&mut scenario).await;
    seen.extend(scenario.subjects().into_iter().map(|subject| format!("  {subject}")));
    assert_snapshot!("the_stages_of_a_canary", seen.join("\n"));
    scenario.claim();
    scenario.end();
}

/// The deployment waits after the test traffic, for so long.
async fn paused(name: &'static str, patience: Duration) -> Scenario {
    let mut scenario = deploying(name, WEB, with_strategy("LINEAR")).await;
    scenario.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    fire_timers(&mut scenario, MINUTE * 2).await;
    scenario.claim();
    assert_eq!(kinds(&mut scenario), ["in_progress"]);
    let moved = scenario.world.pause("prod", "web", patience);
    follow(&mut scenario, moved).await;
    scenario
}

async fn a_pause_is_published_and_somebody_continues_it(name: &'static str) {
    let mut scenario = paused(name, MINUTE * 60).await;
    assert_snapshot!("a_pause.transcript", scenario.transcript());
    assert_snapshot!("a_pause.email", scenario.email());
    assert_snapshot!("a_pause.status", format!("{:#}", in_flight(&mut scenario).await["waits_for"]));
    let asked = json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" });
    let asked = scenario.ask(asked).await["targets"][0]["asked"].clone();
    assert_eq!((&asked["state"], &asked["blocked_on"]), (&json!("deploying"), &json!("person")), "{asked:#}");
    scenario.claim();
    let answer = scenario.ask(json!({ "action": "continue", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_snapshot!("a_pause_continued.transcript", scenario.transcript());
    assert_eq!(in_flight(&mut scenario).await["waits_for"], Value::Null);
    let again = scenario.ask(json!({ "action": "continue", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(again["targets"][0]["reason"]["code"], "not_paused", "{again:#}");
    complete(&mut scenario).await;
    assert_eq!((kinds(&mut scenario), outcome(&scenario).as_str()), (vec!["completed".to_owned()], "completed"));
    scenario.claim();
    scenario.end();
}

async fn a_pause_is_answered_by_a_rollback(name: &'static str) {
    let mut scenario = paused(name, MINUTE * 60).await;
    scenario.claim();
    scenario.notices();
    let request = json!({ "action": "rollback", "target": "prod/web", "who": "ana", "dry_run": true });
    let plan = scenario.ask(request.clone()).await;
    let result = &plan["targets"][0];
    assert_eq!((&result["outcome"], &result["reason"]["code"]), (&json!("planned"), &json!("pause_rolled_back")));
    assert_eq!(scenario.world.calls().iter().filter(|it| it.name() == "ECS.ContinueServiceDeployment").count(), 0);
    let mut real = request;
    real["dry_run"] = json!(false);
    let answer = scenario.ask(real).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    let moved = scenario.world.carry_out_stop("prod", "web");
    follow(&mut scenario, moved).await;
    complete(&mut scenario).await;
    assert_snapshot!("a_pause_rolled_back.transcript", scenario.transcript());
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("stopped", "web:1"));
    let decision = remembered(&scenario)["decision"].clone();
    assert_eq!((&decision["what"], &decision["who"]), (&json!("rollback"), &json!("ana")));
    assert_eq!(remembered(&scenario)["quarantine"][0]["cause"], "ana requested a rollback");
    assert_eq!(kinds(&mut scenario), ["rolling_back", "stopped"]);
    scenario.end();
}

async fn a_pause_that_nobody_answers_is_published_again_and_its_end_as_what_it_was(name: &'static str) {
    let mut scenario = paused(name, MINUTE * 60).await;
    assert_eq!(kinds(&mut scenario), ["paused"]);
    for _ in 0..9 {
        fire_timers(&mut scenario, MINUTE * 5).await;
        assert_eq!(kinds(&mut scenario), [""; 0]);
    }
    fire_timers(&mut scenario, MINUTE * 6).await;
    assert_snapshot!("a_pause_again.email", scenario.email());
    scenario.world.advance(MINUTE * 10);
    let moved = scenario.world.time_out_pause("prod", "web");
    follow(&mut scenario, moved).await;
    complete(&mut scenario).await;
    assert_snapshot!("a_pause_without_an_answer", scenario.notices().pop().expect("a notice").subject);
    assert_eq!((outcome(&scenario).as_str(), runs(&scenario).as_str()), ("rolled_back_by_ecs", "web:1"));
    let failing = &remembered(&scenario)["deployments"][0]["failing"];
    assert_eq!(failing["cause"], "it waited for somebody to continue it, and nobody did in time", "{failing:#}");
    scenario.claim();
    scenario.end();
}

async fn a_pause_of_what_somebody_else_deployed_is_published_and_answered(name: &'static str) {
    let mut scenario = running(name, WEB, with_strategy("LINEAR")).await;
    let mut definition = web_definition("1.4.2");
    definition["cpu"] = "512".into();
    scenario.world.register(definition);
    let update = json!({ "cluster": "prod", "service": "web", "taskDefinition": "web" });
    scenario.world.by_hand("ECS.UpdateService", update);
    follow(&mut scenario, Moved::default()).await;
    scenario.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    scenario.transcript();
    assert_eq!(kinds(&mut scenario), ["external"], "no stage of it");
    let moved = scenario.world.pause("prod", "web", MINUTE * 60);
    follow(&mut scenario, moved).await;
    assert_snapshot!("a_pause_of_somebody_elses.email", scenario.email());
    scenario.world.advance(MINUTE);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "queued", "{answer:#}");
    for _ in 0..10 {
        fire_timers(&mut scenario, MINUTE * 5).await;
    }
    let again =
        "external: Changed outside Slipway: prod/web still waits for somebody to continue web:2 with shop/web:1.4.2";
    assert_eq!(scenario.subjects(), [again], "once more before its time is up");
    let answer = scenario.ask(json!({ "action": "continue", "target": "prod/web", "who": "ana" })).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    scenario.world.advance(MINUTE);
    let moved = scenario.world.complete("prod", "web");
    for event in &moved.events {
        // The next deployment begins by it, and sends events of its own.
        scenario.track_once(event).await.expect("an answer");
    }
    let mut subjects = scenario.subjects();
    subjects.sort();
    assert_snapshot!("a_pause_of_somebody_elses_is_over", subjects.join("\n"));
    scenario.claim();
    scenario.end();
}

async fn a_pause_that_goes_on_by_itself_is_no_failure(name: &'static str) {
    let mut scenario = deploying(name, WEB, with_strategy("LINEAR")).await;
    scenario.world.reach_stage("prod", "web", "POST_TEST_TRAFFIC_SHIFT");
    let moved = scenario.world.pause_and_go_on("prod", "web", MINUTE * 10);
    follow(&mut scenario, moved).await;
    let notice = scenario.notices().pop().expect("a notice");
    assert!(notice.message.contains("ECS goes on by itself."), "{}", notice.message);
    scenario.world.advance(MINUTE * 10);
    scenario.world.reach_stage("prod", "web", "BAKE_TIME");
    fire_timers(&mut scenario, MINUTE * 2).await;
    complete(&mut scenario).await;
    assert_eq!(
        (kinds(&mut scenario), outcome(&scenario).as_str()),
        (vec!["in_progress".to_owned(), "completed".to_owned()], "completed")
    );
    scenario.claim();
    scenario.end();
}

async fn an_answer_without_an_answer_is_looked_up(name: &'static str) {
    let request = json!({ "action": "continue", "target": "prod/web", "who": "ana" });
    for (fault, outcome) in [(Fault::CutAfter, "started"), (Fault::CutBefore, "failed")] {
        let mut scenario = paused(name, MINUTE * 60).await;
        scenario.claim();
        scenario.world.fault("ECS.ContinueServiceDeployment", 1, fault);
        let answer = scenario.ask(request.clone()).await;
        assert_eq!(answer["targets"][0]["outcome"], outcome, "{answer:#}");
        let sent = scenario.world.calls().iter().filter(|it| it.name() == "ECS.ContinueServiceDeployment").count();
        assert_eq!(sent, 1);
        scenario.claim();
        scenario.end();
    }
}

async fn nothing_goes_on_where_nothing_waits(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let answer = scenario.ask(json!({ "action": "continue", "target": "prod/web" })).await;
    let result = &answer["targets"][0];
    assert_eq!((&result["outcome"], &result["reason"]["code"]), (&json!("skipped"), &json!("not_paused")));
    // A rollback is what it always was.
    let answer = scenario.ask(json!({ "action": "rollback", "target": "prod/web", "dry_run": true })).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "no_known_good", "{answer:#}");
    scenario.claim();
    scenario.end();
}
