//! The rows of early success criteria: ECS calls N completed before all its tasks run, and its monitors act no more.

use super::*;

/// N, which has so many of its two tasks, and O, which drains.
fn completed(running: i32) -> Vec<DeploymentFacts> {
    let own = DeploymentFacts { running_count: running, pending_count: 2 - running, ..primary(N, Completed) };
    vec![own, active(O, Completed)]
}

fn early(running: i32) -> Case {
    with(RollsBack, completed(running)).completes_early().service_deployment(Status::Successful, "")
}

#[test]
fn it_has_completed_when_all_its_tasks_run() {
    row("one of two runs", early(1), "is in progress");
    row("both run", early(2), "ended: completed");
    row("one runs, and its COMPLETED comes", early(1).event(StateChange::Completed, N, "17:05:59"), "is in progress");
    row("the same, and both run", early(2).event(StateChange::Completed, N, "17:05:59"), "ended: completed");
    let lagging = with(RollsBack, going()).completes_early();
    row("its COMPLETED comes before the list", lagging.event(StateChange::Completed, N, "17:05:59"), "is in progress");
    let lagging = with(RollsBack, going()).completes_early().service_deployment(Status::Successful, "");
    row("its service deployment comes before the list", lagging, "is in progress");
    let without = with(RollsBack, completed(1)).service_deployment(Status::Successful, "");
    row("without early success criteria ECS\'s word is enough", without, "ended: completed");
    let known = early(2).failing(FailedBy::Tasks);
    row("it was known to fail, and all its tasks run after all", known, "ended: completed");
}

#[test]
fn it_may_fail_until_then_and_ecs_does_nothing_about_it() {
    row("two of its tasks stopped", early(1).task_failures(2), "is in progress");
    row("three did", early(1).task_failures(3), "failed: too many of its tasks stopped");
    row("they stopped, and all its tasks run", early(2).task_failures(3), "ended: completed");
    row("its time is up", early(1).at("17:31:00"), "failed: its time is up");
    let moving = early(1).at("17:31:00");
    let moving = Case {
        service: ServiceFacts {
            deployments: vec![DeploymentFacts { updated_at: Some(time("17:28:00")), ..completed(1).remove(0) }],
            ..moving.service.clone()
        },
        ..moving
    };
    row("its time is up, and it moved lately", moving, "is in progress, late, but it progresses");
    let newer = vec![primary(X, InProgress), active(N, Completed)];
    let newer = with(RollsBack, newer).completes_early().service_deployment(Status::Successful, "");
    row("something newer came before all its tasks ran", newer, "ended: superseded, with X after it");
    let back = with(RollsBack, vec![back(Completed), active(N, Failed)]).completes_early();
    row("ECS went back from it before, and not all tasks of O run", back, "failed, and ECS is rolling back");
}

#[test]
fn a_rollback_by_slipway_needs_all_its_tasks_too() {
    let after = |running: i32| {
        let own = DeploymentFacts { running_count: running, ..primary(R, Completed) };
        let case = with(Off, vec![own]).completes_early();
        case.rollback_decided(RollbackMethod::Update, Some(R), Some("17:10:01"))
    };
    row("one of two runs", after(1), "failed, and Slipway is rolling back");
    row("both run", after(2), "ended: failed, rolled back by Slipway");
    let event = after(1).event(StateChange::Completed, R, "17:14:59");
    row("one runs, and its COMPLETED comes", event, "failed, and Slipway is rolling back");
    let late = early(1).rollback_decided(RollbackMethod::Stop, None, None);
    row("it completes early before it could be stopped", late, "failed, and its rollback is decided but not under way");
}
