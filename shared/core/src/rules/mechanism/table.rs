//! The table: a situation and how the deployment stands in it, a row each.
//!
//! `O` ran before (web:41, completed the day before), `N` is the recorded deployment (web:42, begun at 17:00:00, deadline
//! 17:30:00), `X` one newer still (web:43, 17:05:00), `R` Slipway's rollback from N (web:41 again, 17:10:00).
//! It is 17:06:00 unless the row says otherwise.

mod case;

mod early;

mod edges;

mod effect;

mod joins;

mod monitors;

mod rollback;

use super::*;
use crate::model::event::StateChange;
use crate::model::facts::{
    DeploymentFacts, HookWaitsFor, Monitor, Monitors, OnFailure, Rollout, ServiceDeploymentFacts,
    ServiceDeploymentStatus, ServiceFacts, Strategy,
};
use crate::model::id::{DeploymentId, ServiceDeploymentArn, TaskDefinitionArn};
use crate::model::record::{self, FailedBy, Outcome, RollbackMethod};
use crate::model::trigger::Trigger;

use OnFailure::{Fails, Off, RollsBack};
use Rollout::{Completed, Failed, InProgress};
use ServiceDeploymentStatus as Status;
use case::*;

#[test]
fn a_rolling_deployment_takes_its_course() {
    row("its tasks start", with(Off, going()), "is in progress");
    row("ECS says it completed", with(Off, vec![primary(N, Completed)]), "ended: completed");
    row(
        "COMPLETED came, and ECS's answer lags",
        with(Off, going()).event(StateChange::Completed, N, "17:05:59"),
        "ended: completed",
    );
    row(
        "IN_PROGRESS comes after COMPLETED",
        with(Off, vec![primary(N, Completed)]).event(StateChange::InProgress, N, "17:00:01"),
        "ended: completed",
    );
    row(
        "a deployment that ended stays so",
        with(Off, going()).n(|n| end(n, Outcome::Superseded)),
        "ended before: superseded",
    );
    row("just made, and not listed yet", with(Off, vec![primary(O, Completed)]).at("17:01:00"), "is in progress");
    let classic = DeploymentFacts { running_count: 2, pending_count: 0, ..primary(N, None) };
    row(
        "a classic load balancer has no rollout state: alone and complete",
        with(Off, vec![classic]),
        "ended: completed",
    );
    row("a classic load balancer: not complete", with(Off, vec![primary(N, None), active(O, None)]), "is in progress");
    row(
        "a rollout state that is not known",
        with(Off, vec![primary(N, Rollout::Other("PAUSED".to_owned()))]),
        "is in progress",
    );
    row("the service has no deployments any more", with(Off, Vec::new()), "is in progress");
    row("the service is being deleted", with(Off, going()).status("DRAINING"), "ended: stopped");
    row(
        "its service deployment says it succeeded, and the list lags",
        with(Off, going()).service_deployment(Status::Successful, ""),
        "ended: completed",
    );
    row(
        "its service deployment has an unknown status",
        with(Off, going()).service_deployment(Status::from("NEWLY_MADE"), ""),
        "is in progress",
    );
}

#[test]
fn superseded_is_not_failed() {
    let newer = || with(Off, vec![primary(X, InProgress), active(N, InProgress), active(O, Completed)]);
    row("a newer PRIMARY", newer(), "ended: superseded, with X after it");
    row(
        "a newer PRIMARY, and N dropped from the list",
        with(Off, vec![primary(X, InProgress)]),
        "ended: superseded, with X after it",
    );
    row(
        "FAILED arrives for what was superseded",
        newer().event(StateChange::Failed, N, "17:05:30"),
        "ended: superseded, with X after it",
    );
    let stopped = newer().service_deployment(Status::Stopped, "Service deployment was stopped by a newer one.");
    row("ECS stopped it for the newer one", stopped, "ended: superseded, with X after it");
    row(
        "the record knows a newer one, ECS's list lags",
        with(Off, going()).recorded_newer(),
        "ended: superseded, with X after it",
    );
    let won = with(Off, vec![primary(X, InProgress), active(N, Completed)]);
    row("it completed before the newer one began", won, "ended: completed, with X after it");
    row("it failed before the newer one began", newer().failing(FailedBy::Tasks), "ended: failed, with X after it");
    let failed = with(RollsBack, vec![back(InProgress), active(X, Failed)]);
    row("the newer one failed, and ECS goes back from that", failed, "ended: superseded, with X after it");
    let log = [
        ("17:05:40", format!("(service web) rolling back to deployment {O}.")),
        ("17:05:39", format!("(service web) (deployment {X}) deployment failed: tasks failed to start.")),
    ];
    let dropped = with(RollsBack, vec![primary(O, Completed)]).log(&log);
    row("the same, and ECS lists neither", dropped, "ended: superseded, with X after it");
}

#[test]
fn ecs_calls_it_failed() {
    for breaker in [Off, Fails] {
        let failed = with(breaker, vec![primary(N, Failed), active(O, Completed)]);
        row("ECS leaves it at that", failed, "failed, as ECS reports");
    }
    row(
        "FAILED came, and ECS's answer lags",
        with(Fails, going()).event(StateChange::Failed, N, "17:05:59"),
        "failed, as ECS reports",
    );
    let nowhere = with(RollsBack, vec![primary(N, Failed)]);
    row("the first deployment: nothing to go back to", nowhere, "failed, as ECS reports");
    let found = with(RollsBack, vec![primary(N, InProgress)]);
    let found =
        found.service_deployment(Status::RollbackFailed, "No rollback candidate was found to run the rollback.");
    row("the same, as its service deployment says", found, "failed, as ECS reports");
    let stopped = with(Fails, going()).service_deployment(Status::Stopped, "The circuit breaker detected a failure.");
    row("its service deployment: stopped, because it failed and rollback is off", stopped, "failed, as ECS reports");
    let waits = with(Off, going()).failing(FailedBy::Tasks);
    row("known to fail, and the rollback waits for the lease", waits, "failed: too many of its tasks stopped");
    let late = with(Off, vec![primary(N, Completed)]).failing(FailedBy::Deadline);
    row("it completes after all, before anybody rolled back", late, "ended: completed");
}

#[test]
fn ecs_rolls_back_by_itself() {
    let rolls_back = |deployments| with(RollsBack, deployments);
    let both = |old, new| rolls_back(vec![back(old), active(N, new)]);
    row(
        "FAILED, and O waits",
        rolls_back(vec![primary(N, Failed), active(O, Completed)]),
        "failed, and ECS is rolling back",
    );
    row("it goes back before it says failed", both(InProgress, InProgress), "failed, and ECS is rolling back");
    row("it goes back", both(InProgress, Failed), "failed, and ECS is rolling back");
    row("it has gone back", both(Completed, Failed), "ended: failed, rolled back by ECS");
    row(
        "COMPLETED of O came, the list lags",
        both(InProgress, Failed).event(StateChange::Completed, O, "17:05:59"),
        "ended: failed, rolled back by ECS",
    );
    row(
        "the first COMPLETED of O, a day late",
        both(InProgress, Failed).event(StateChange::Completed, O, "09:00:00"),
        "failed, and ECS is rolling back",
    );
    row(
        "FAILED of N arrives last",
        both(Completed, Failed).event(StateChange::Failed, N, "17:04:00"),
        "ended: failed, rolled back by ECS",
    );
    row("O fails too", both(Failed, Failed), "ended: failed, and the rollback failed too");
    row(
        "FAILED of O came, the list lags",
        both(InProgress, Failed).event(StateChange::Failed, O, "17:05:59"),
        "ended: failed, and the rollback failed too",
    );
    let log = [
        ("17:05:40", format!("(service web) rolling back to deployment {O}.")),
        ("17:05:39", format!("(service web) (deployment {N}) deployment failed: tasks failed to start.")),
    ];
    row(
        "ECS lists N no more, its log does",
        rolls_back(vec![primary(O, Completed)]).log(&log),
        "ended: failed, rolled back by ECS",
    );
    let log = [
        ("17:05:40", format!("(service web) rolling back to deployment {O}.")),
        ("16:59:54", format!("(service web) (deployment {X}) deployment failed: tasks failed to start.")),
    ];
    row(
        "its log does not say yet that N failed, and has what failed before",
        rolls_back(vec![primary(O, Completed)]).log(&log),
        "ended: failed, rolled back by ECS",
    );
    row(
        "nothing says why O is back, but it is",
        rolls_back(vec![primary(O, Completed)]),
        "ended: failed, rolled back by ECS",
    );
    let alarm = with(RollsBack, vec![primary(O, InProgress), active(N, InProgress)]);
    let alarm = alarm.service_deployment(
        Status::RollbackInProgress,
        "Service deployment rolled back because an alarm was detected.",
    );
    row("an alarm was triggered", alarm, "failed, and ECS is rolling back");
    let circuit = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
    row(
        "its service deployment: rolled back",
        with(RollsBack, going()).service_deployment(Status::RollbackSuccessful, circuit),
        "ended: failed, rolled back by ECS",
    );
    row(
        "its service deployment: the rollback failed",
        with(RollsBack, going()).service_deployment(Status::RollbackFailed, circuit),
        "ended: failed, and the rollback failed too",
    );
    let slow = both(InProgress, Failed).failing(FailedBy::Ecs).at("17:35:00");
    row("ECS's rollback does not end either", slow, "ended: failed, and the rollback failed too");
    let put_back = with(
        RollsBack,
        vec![
            DeploymentFacts { rollout_reason: Some(BACK.replace('1', "2")), ..primary(N, InProgress) },
            active(X, Failed),
        ],
    );
    row("ECS goes back to N itself: then N had completed, unobserved", put_back, "ended: completed, with X after it");
}

#[test]
fn ecs_says_that_it_goes_back_before_it_shows_it() {
    let announced = with(RollsBack, going()).event(StateChange::InProgress, O, "17:05:59");
    row("its event comes before its list", announced, "failed, and ECS is rolling back");
    let announced = |at: &str| with(RollsBack, going()).event(StateChange::InProgress, O, at);
    row("it says so a second after N began", announced("17:00:01"), "failed, and ECS is rolling back");
    row("it said so as N began, of what was before", announced("17:00:00"), "is in progress");
    let named = DeploymentFacts { rollout_reason: Some(BACK.to_owned()), ..primary(N, Failed) };
    let named = with(RollsBack, vec![named, active(O, Completed)]);
    row("N itself says where ECS goes", named, "failed, and ECS is rolling back");
}

#[test]
fn somebody_stops_it() {
    row(
        "somebody asks ECS to roll back",
        with(Off, going()).service_deployment(Status::RollbackRequested, ""),
        "failed, and somebody is rolling back",
    );
    let stop = "Service deployment rollback was requested by a user.";
    row(
        "somebody did, though ECS could automatically",
        with(RollsBack, going()).service_deployment(Status::RollbackSuccessful, stop),
        "ended: stopped",
    );
    row(
        "ECS is not set to roll back: so it was somebody",
        with(Off, vec![primary(O, InProgress), active(N, InProgress)]),
        "failed, and somebody is rolling back",
    );
    row("the same, done", with(Off, vec![primary(O, Completed), active(N, InProgress)]), "ended: stopped");
    row(
        "stopped, and left there",
        with(Off, going()).service_deployment(Status::Stopped, "Stopped by a user."),
        "ended: stopped",
    );
    let stopped = |began: &str| {
        let case = with(Off, vec![primary(O, InProgress), active(N, Failed)]).at("17:50:00");
        case.service_deployment(Status::RollbackInProgress, "Stopped by a user.").rolls_back_since(began)
    };
    row("stopped, and goes back in time", stopped("17:21:00"), "failed, and somebody is rolling back");
    row("stopped, and never comes to go back", stopped("17:20:00"), "ended: failed, and the rollback failed too");
    row(
        "asked to stop, still at it",
        with(Off, going()).service_deployment(Status::StopRequested, ""),
        "is in progress",
    );
}

#[test]
fn traffic_shifts_have_stages() {
    for strategy in [Strategy::BlueGreen, Strategy::Linear, Strategy::Canary] {
        let at = |stage: &str, updated: &str, now: &str| {
            let case = with(RollsBack, going()).strategy(strategy.clone()).service_deployment(Status::InProgress, "");
            case.stage(stage, updated).at(now)
        };
        row("a stage in time", at("SCALE_UP", "17:01:00", "17:06:00"), "is in progress");
        row(
            "late, and its stage moved",
            at("PRODUCTION_TRAFFIC_SHIFT", "17:25:00", "17:31:00"),
            "is in progress, late, but it progresses",
        );
        row("late, and its stage stands", at("TEST_TRAFFIC_SHIFT", "17:10:00", "17:31:00"), "failed: its time is up");
        row("late, in its bake time", at("BAKE_TIME", "17:10:00", "18:31:00"), "is in progress, in its bake time");
        row(
            "late, at a hook",
            at("POST_TEST_TRAFFIC_SHIFT", "17:10:00", "18:31:00").paused(),
            "is in progress, and waits at a lifecycle hook",
        );
        let hook = with(Off, going())
            .strategy(strategy.clone())
            .service_deployment(Status::RollbackInProgress, "A lifecycle hook failed.");
        row("a hook refused: ECS goes back though no breaker is on", hook, "failed, and ECS is rolling back");
        let failed = || {
            let case = with(Off, vec![primary(N, Failed), active(O, Completed)]).strategy(strategy.clone());
            case.service_deployment(Status::InProgress, "")
        };
        row("it failed, and no breaker is on", failed(), "failed, as ECS reports");
        for whom in [HookWaitsFor::Person, HookWaitsFor::Function] {
            let refused = failed().failed_hook(whom);
            row("it failed because of a hook", refused, "failed, and ECS is rolling back");
        }
        let done = with(Off, going()).strategy(strategy.clone()).service_deployment(Status::RollbackSuccessful, "");
        row("ECS went back, and does not say why", done, "ended: failed, rolled back by ECS");
    }
}

#[test]
fn time_runs_out_unless_it_progresses() {
    let late = |own: DeploymentFacts| with(Off, vec![own, active(O, Completed)]).at("17:31:00");
    row("nothing moved for half an hour", late(primary(N, InProgress)), "failed: its time is up");
    let asked = |at: &str| late(primary(N, InProgress)).rollback_asked(at);
    let is_to_go_back = "is in progress, and is to be rolled back, as somebody asked";
    row("somebody asked for its rollback just now", asked("17:30:30"), is_to_go_back);
    row("that is not shown after two minutes", asked("17:30:30").at("17:32:30"), "failed: its time is up");
    row("what somebody asked before it began is about another", asked("16:59:59"), "failed: its time is up");
    let failing = asked("17:30:30").failing(FailedBy::Tasks).at("17:31:00");
    row("its tasks stop while it is to be rolled back", failing, is_to_go_back);
    row("a minute before the deadline", late(primary(N, InProgress)).at("17:29:00"), "is in progress");
    row(
        "it moved lately, and a task runs",
        with(Off, moving()).at("17:31:00"),
        "is in progress, late, but it progresses",
    );
    let own = || moving().remove(0);
    row("it moved because a task failed", late(DeploymentFacts { failed_tasks: 1, ..own() }), "failed: its time is up");
    row(
        "it moved, but no task ever ran",
        late(DeploymentFacts { running_count: 0, ..own() }),
        "failed: its time is up",
    );
    let complete = || DeploymentFacts { running_count: 2, pending_count: 0, ..primary(N, InProgress) };
    row("all its tasks run, old ones drain", late(complete()), "is in progress, late, but all its tasks run");
    row("all its tasks run, but for twice its time", late(complete()).at("18:01:00"), "failed: its time is up");
    row(
        "a deadline armed anew counts from there",
        late(primary(N, InProgress)).n(|n| n.deadline = Some(time("17:40:00"))),
        "is in progress",
    );
    let breaker = with(RollsBack, going()).at("17:31:00");
    row("ECS's breaker sees no task fail where none can start", breaker, "failed: its time is up");
    row("no deployments, and no time left", with(Off, Vec::new()).at("17:31:00"), "failed: its time is up");
}

#[test]
fn too_many_tasks_stop() {
    row("two of three", with(Off, going()).task_failures(2), "is in progress");
    row(
        "three: half of two, at least three",
        with(Off, going()).task_failures(3),
        "failed: too many of its tasks stopped",
    );
    let own = with(Off, going()).task_failures(1).n(|n| n.settings.max_failed_tasks = Some(1));
    row("one, by the target's own limit", own, "failed: too many of its tasks stopped");
    for breaker in [Fails, RollsBack] {
        row("ECS's own breaker decides", with(breaker, going()).task_failures(9), "is in progress");
        let alarms = with(Off, going()).alarms(breaker).task_failures(3);
        row("ECS has alarms only, which count no tasks", alarms, "failed: too many of its tasks stopped");
    }
    row("they stopped, and it completed", with(Off, vec![primary(N, Completed)]).task_failures(9), "ended: completed");
}
