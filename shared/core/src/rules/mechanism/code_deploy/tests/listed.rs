//! The task sets as ECS would list their deployments.

use super::*;
use crate::rules::mechanism::{CutShort, cuts_short};

/// What is listed, the PRIMARY first: each with its revision and how it stands; and whether one is under way.
fn line(it: &ServiceFacts) -> String {
    let open = it.current_service_deployment.as_ref().map_or("", |_| "under way: ");
    let one = |(place, it): (usize, &DeploymentFacts)| {
        assert_eq!(it.status, if place == 0 { "PRIMARY" } else { "ACTIVE" });
        let rollout = match it.rollout.as_ref().unwrap() {
            Rollout::Other(word) => word.clone(),
            known => format!("{known:?}"),
        };
        let back = if it.is_rollback() { "back to " } else { "" };
        format!("{back}{} {} {rollout}", it.id, it.task_definition.short())
    };
    format!("{open}{}", it.deployments.iter().enumerate().map(one).collect::<Vec<_>>().join(", "))
}

#[track_caller]
fn row(situation: &str, sets: Vec<TaskSet>, deployments: impl Into<Vec<CodeDeployment>>, expected: &str) {
    row_at("10:21:00", situation, sets, deployments, expected);
}

#[track_caller]
fn row_at(now: &str, situation: &str, sets: Vec<TaskSet>, deployments: impl Into<Vec<CodeDeployment>>, expected: &str) {
    assert_eq!(line(&described(sets, deployments, now)), expected, "{situation}");
}

#[test]
fn what_goes_well() {
    let first = TaskSet { external_id: None, ..old("PRIMARY") };
    row("never deployed", vec![first], [], "ecs-svc/d-OLD web:41 Completed");
    row("no tasks at all", Vec::new(), [], "");
    let made = || deployment(Created, "");
    let open = "under way: d-NEW web:42 InProgress, d-OLD web:41 Completed";
    row("just made", vec![old("PRIMARY")], [made()], open);
    row("its tasks start", before(), [deployment(InProgress, "SI------")], open);
    row("it waits for somebody", before(), [deployment(Ready, "SSSSS---")], open);
    row("it takes all traffic", after(), [deployment(InProgress, "SSSSSSSI")], open);
    row("the waiting hour", after(), [deployment(InProgress, SERVING)], open);
    row("the same, by a status that nobody explains", after(), [deployment(CodeDeployStatus::Baking, SERVING)], open);
    row("an unknown status", before(), [deployment(CodeDeployStatus::Other("New".to_owned()), "SI------")], open);
    let end = "under way: d-NEW web:42 InProgress";
    row("the old tasks end", vec![new("PRIMARY"), old("DRAINING")], [deployment(InProgress, SERVING)], end);
    row("it won", vec![new("PRIMARY")], [deployment(Succeeded, SERVING)], "d-NEW web:42 Completed");
    let unread = CodeDeployment { task_definition: None, ..made() };
    row(
        "nobody could read its AppSpec: it is taken for one of what runs",
        vec![old("PRIMARY")],
        [unread],
        "under way: d-NEW web:41 InProgress, d-OLD web:41 Completed",
    );
    let older = CodeDeployment { id: id(OLD), created_at: Some(at("08:00:00")), ..deployment(Succeeded, SERVING) };
    row("the one before was read, too", before(), [older, deployment(InProgress, "SI------")], open);
}

#[test]
fn what_fails_and_nobody_rolls_back() {
    let kept = "d-OLD web:41 Completed, d-NEW web:42 Failed";
    let serves = "d-NEW web:42 Failed, d-OLD web:41 Completed";
    row("before the traffic moved", before(), [ended(Failed, INSTALLING, HEALTH, &[])], kept);
    row("before it had tasks", vec![old("PRIMARY")], [ended(Failed, "F-------", HEALTH, &[])], kept);
    row("after the traffic moved", after(), [ended(Failed, "SSSSSSSF", HEALTH, &[])], serves);
    row("an alarm, and it is not set to roll back", before(), [ended(Stopped, SHIFTING, ALARM, &[])], kept);
    let stopped = |sets: Vec<TaskSet>, states: &str, expected: &str| {
        row_at("10:22:00", "somebody stopped it", sets, [ended(Stopped, states, BY_USER, &[])], expected);
    };
    stopped(after(), SERVING, "d-NEW web:42 STOPPED, d-OLD web:41 Completed");
    stopped(before(), SHIFTING, "d-OLD web:41 Completed, d-NEW web:42 STOPPED");
    stopped(vec![old("PRIMARY")], "--------", "d-OLD web:41 Completed");
}

#[test]
fn what_codedeploy_rolls_back() {
    let on = ["DEPLOYMENT_FAILURE"];
    let failed = |states: &str| ended(Failed, states, HEALTH, &on);
    let back = "under way: back to d-OLD web:41 InProgress, d-NEW web:42 Failed";
    let left = "d-NEW web:42 Failed, d-OLD web:41 Completed";
    let kept = "d-OLD web:41 Completed, d-NEW web:42 Failed";
    row("it is about to", after(), [failed("SSSSSSSF")], back);
    row_at("10:21:59", "it still may", after(), [failed("SSSSSSSF")], back);
    row_at("10:22:00", "it did not", after(), [failed("SSSSSSSF")], left);
    row_at("10:22:00", "it did not, and the traffic never moved", before(), [failed(INSTALLING)], kept);
    row("there is nothing to roll back", vec![old("PRIMARY")], [failed("F-------")], kept);
    for other in ["DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"] {
        row("it is set to for other events", after(), [ended(Failed, "SSSSSSSF", HEALTH, &[other])], left);
    }
    row("an alarm", after(), [ended(Stopped, SERVING, ALARM, &["DEPLOYMENT_STOP_ON_ALARM"])], back);
    row("an alarm, and it is set to for failures", after(), [ended(Stopped, SERVING, ALARM, &on)], left);
    row("somebody stopped it, and may have asked for that", after(), [ended(Stopped, SERVING, BY_USER, &[])], back);

    for status in [Created, Queued, InProgress] {
        row("the rollback is under way", after(), and_back(failed(SHIFTING), status), back);
    }
    let unread = and_back(failed(SHIFTING), Created).split_off(1);
    row_at("10:40:00", "it is, and was not read", after(), unread, back);
    let mut unnamed = and_back(failed(SHIFTING), InProgress);
    unnamed[1].rollback.by = None;
    row("only the rollback names what it rolls back", after(), unnamed, back);
    let only = "under way: d-NEW web:42 InProgress";
    row("there are no tasks to go back to", vec![new("PRIMARY")], and_back(failed(SHIFTING), InProgress), only);

    let done = |sets: Vec<TaskSet>, it: CodeDeployment, expected: &str| {
        row("it is done", sets, and_back(it, Succeeded), expected);
    };
    done(before(), failed(SHIFTING), kept);
    done(vec![old("PRIMARY")], failed(SHIFTING), "d-OLD web:41 Completed");
    // It says that it won, and was rolled back.
    done(before(), deployment(Succeeded, SERVING), kept);
    let own = || vec![set("PRIMARY", BACK, 41, "10:20:30")];
    done(own(), failed(SHIFTING), "back to d-BACK web:41 Completed");
    let both = "d-OLD web:41 Failed, d-NEW web:42 Failed";
    row("the rollback failed", before(), and_back(failed(SHIFTING), Failed), both);
    row("with tasks of its own", own(), and_back(failed(SHIFTING), Failed), "back to d-BACK web:41 Failed");
}

#[test]
fn it_is_said_why_something_is_gone_back_to() {
    #[track_caller]
    fn check(it: CodeDeployment, expected: &str) {
        let service = described(after(), and_back(it, InProgress), "10:21:00");
        assert_eq!(service.primary().unwrap().rollout_reason.as_deref(), Some(expected));
    }
    let back = "CodeDeploy is rolling back from d-NEW";
    let alarm = ended(Stopped, SERVING, ALARM, &[]);
    check(alarm, &format!("{back}: ALARM_ACTIVE: One or more alarms have been activated."));
    check(deployment(Succeeded, SERVING), back);
}

#[test]
fn it_is_said_why_it_failed_where_it_still_takes_the_traffic() {
    let service = described(after(), [ended(Failed, "SSSSSSSF", HEALTH, &[])], "10:21:00");
    let said = service.primary().unwrap().rollout_reason.as_deref();
    assert_eq!(said, Some("TIMEOUT: The replacement task set did not become healthy."));
}

#[test]
fn it_was_made_when_its_deployment_was_whenever_its_tasks_came() {
    #[track_caller]
    fn check(sets: Vec<TaskSet>, deployments: impl Into<Vec<CodeDeployment>>, expected: [&str; 2]) {
        let listed = described(sets, deployments, "10:21:00").deployments;
        let made: Vec<_> = listed.iter().map(|it| it.created_at.unwrap()).collect();
        assert_eq!(made, expected.map(at));
    }
    let open = || deployment(InProgress, "SI------");
    check(vec![old("PRIMARY")], [open()], ["10:00:02", "08:00:00"]);
    check(before(), [open()], ["10:00:02", "08:00:00"]);
    let older = CodeDeployment { id: id(OLD), created_at: Some(at("07:58:00")), ..deployment(Succeeded, SERVING) };
    check(before(), [open(), older], ["10:00:02", "07:58:00"]);
    check(after(), and_back(ended(Failed, SHIFTING, HEALTH, &[]), InProgress), ["08:00:00", "10:00:02"]);
    check(before(), [ended(Failed, SHIFTING, HEALTH, &[])], ["08:00:00", "10:00:02"]);
}

#[test]
fn another_deployment_has_to_wait_for_it() {
    #[track_caller]
    fn check(sets: Vec<TaskSet>, it: Vec<CodeDeployment>, expected: Option<CutShort<'_>>) {
        let service = described(sets, it, "10:21:00");
        assert_eq!(cuts_short(&service, service.primary().unwrap()), expected);
    }
    check(after(), vec![deployment(InProgress, SERVING)], Some(CutShort::Shift("CodeDeploy")));
    let failed = || ended(Failed, SHIFTING, HEALTH, &[]);
    check(after(), and_back(failed(), InProgress), Some(CutShort::Rollback));
    check(before(), and_back(failed(), Succeeded), None);
    check(after(), vec![failed()], None);
}
