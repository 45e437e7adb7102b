//! The table: what CodeDeploy shows, how it is listed, and how the one judge finds the recorded deployment by that.
//!
//! `d-OLD` made the tasks of web:41, which serve at first. `d-NEW` (web:42) began at 10:00:02; its deadline is 10:30:00, and it
//! ends at 10:20:00 where it has ended. `d-BACK` is CodeDeploy's rollback from it. It is 10:21:00 unless the row says otherwise.

use super::*;
use crate::model::facts::{Controller, LifecycleEvent, Placement, RollbackInfo};
use crate::rules::situation::{self, arn as revision, at};
use CodeDeployStatus::{Created, Failed, InProgress, Queued, Ready, Stopped, Succeeded};

const OLD: &str = "d-OLD";
const NEW: &str = "d-NEW";
const BACK: &str = "d-BACK";

/// The lifecycle events of a deployment that fails while its tasks start, while the traffic moves, and in the waiting hour.
const INSTALLING: &str = "SF------";
const SHIFTING: &str = "SSSSSSF-";
const SERVING: &str = "SSSSSSSS";

const HEALTH: (&str, &str) = ("TIMEOUT", "The replacement task set did not become healthy.");
const ALARM: (&str, &str) = ("ALARM_ACTIVE", "One or more alarms have been activated.");
const BY_USER: (&str, &str) = ("MANUAL_STOP", "The deployment was stopped.");

mod assessed;
mod listed;
mod stage;

fn id(text: &str) -> DeploymentId {
    DeploymentId::new(text)
}

fn set(status: &str, made_by: &str, number: u32, created: &str) -> TaskSet {
    TaskSet {
        id: id(&format!("ecs-svc/{made_by}")),
        external_id: Some(id(made_by)),
        status: status.to_owned(),
        task_definition: revision(number),
        created_at: Some(at(created)),
        updated_at: Some(at(created)),
        desired_count: 2,
        running_count: 2,
        pending_count: 0,
        placement: Placement::default(),
    }
}

fn old(status: &str) -> TaskSet {
    set(status, OLD, 41, "08:00:00")
}

fn new(status: &str) -> TaskSet {
    set(status, NEW, 42, "10:01:00")
}

/// The traffic has not moved, and has.
fn before() -> Vec<TaskSet> {
    vec![old("PRIMARY"), new("ACTIVE")]
}

fn after() -> Vec<TaskSet> {
    vec![new("PRIMARY"), old("ACTIVE")]
}

/// Lifecycle events by the first letters of their states; each takes a minute, the first from 10:01:00 on.
fn events(states: &str) -> Vec<LifecycleEvent> {
    let names = [
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "AllowTestTraffic",
        "AfterAllowTestTraffic",
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ];
    let minute = |number: usize| Some(at(&format!("10:{number:02}:00")));
    let event = |(place, (name, state)): (usize, (&str, char))| {
        let (status, started_at, ended_at) = match state {
            'S' => (LifecycleStatus::Succeeded, minute(place + 1), minute(place + 2)),
            'F' => (LifecycleStatus::Failed, minute(place + 1), minute(place + 2)),
            'I' => (LifecycleStatus::InProgress, minute(place + 1), None),
            '-' => (LifecycleStatus::Skipped, None, None),
            _ => (LifecycleStatus::Pending, None, None),
        };
        LifecycleEvent { name: name.to_owned(), status, started_at, ended_at }
    };
    names.into_iter().zip(states.chars()).enumerate().map(event).collect()
}

/// d-NEW.
fn deployment(status: CodeDeployStatus, states: &str) -> CodeDeployment {
    let ended = matches!(status, Succeeded | Failed | Stopped).then(|| at("10:20:00"));
    CodeDeployment {
        id: id(NEW),
        group: situation::code_deploy().group.name,
        status,
        revision: None,
        task_definition: Some(revision(42)),
        created_at: Some(at("10:00:02")),
        completed_at: ended,
        error: None,
        rollback: RollbackInfo::default(),
        rolls_back_on: Vec::new(),
        ready_minutes: None,
        termination_minutes: 60,
        events: events(states),
        traffic: None,
    }
}

/// d-NEW, which ended for this; it is rolled back on these events.
fn ended(
    status: CodeDeployStatus,
    states: &str,
    (code, words): (&str, &str),
    rolls_back_on: &[&str],
) -> CodeDeployment {
    CodeDeployment {
        error: Some((code.to_owned(), words.to_owned())),
        rolls_back_on: rolls_back_on.iter().map(|&event| event.to_owned()).collect(),
        ..deployment(status, states)
    }
}

/// It, and d-BACK, which rolls it back.
fn and_back(it: CodeDeployment, status: CodeDeployStatus) -> Vec<CodeDeployment> {
    let rollback = RollbackInfo { by: Some(id(BACK)), ..RollbackInfo::default() };
    let of = RollbackInfo { of: Some(id(NEW)), ..RollbackInfo::default() };
    let back = CodeDeployment {
        id: id(BACK),
        created_at: Some(at("10:20:05")),
        task_definition: Some(revision(41)),
        rollback: of,
        ..deployment(status, "------I-")
    };
    vec![back, CodeDeployment { rollback, ..it }]
}

fn shown(deployments: impl Into<Vec<CodeDeployment>>) -> CodeDeploy {
    CodeDeploy { deployments: deployments.into(), ..situation::code_deploy() }
}

/// The service with these task sets, of which nobody has asked CodeDeploy.
fn service(sets: impl Into<Vec<TaskSet>>) -> ServiceFacts {
    let it = situation::service(Vec::new());
    ServiceFacts { controller: Controller::CodeDeploy, task_sets: sets.into(), ..it }
}

/// The same, when CodeDeploy was asked.
fn described(sets: impl Into<Vec<TaskSet>>, deployments: impl Into<Vec<CodeDeployment>>, now: &str) -> ServiceFacts {
    with_code_deploy(service(sets), shown(deployments), at(now))
}

#[test]
fn a_task_is_of_the_deployment_that_made_its_task_set() {
    let first = TaskSet { external_id: None, ..old("ACTIVE") };
    let service = service([new("PRIMARY"), first]);
    let check = |started_by: &str, expected: &str| {
        assert_eq!(that_started(&service, &id(started_by)).as_str(), expected);
    };
    check("ecs-svc/d-NEW", NEW);
    check("ecs-svc/d-OLD", "ecs-svc/d-OLD");
    check("ecs-svc/7", "ecs-svc/7");
    check(NEW, NEW);
}

#[test]
fn what_is_open_and_no_rollback_can_be_stopped() {
    #[track_caller]
    fn check(sets: Vec<TaskSet>, deployments: impl Into<Vec<CodeDeployment>>, expected: bool) {
        assert_eq!(can_be_stopped(&described(sets, deployments, "10:21:00")), expected);
    }
    check(vec![old("PRIMARY")], [deployment(Created, "")], true);
    check(before(), [deployment(InProgress, "SI")], true);
    check(before(), [CodeDeployment { ready_minutes: Some(60), ..deployment(Ready, "SSSSS") }], true);
    check(after(), [deployment(InProgress, SERVING)], true);
    check(vec![new("PRIMARY")], [deployment(Succeeded, SERVING)], false);
    check(before(), [ended(Failed, INSTALLING, HEALTH, &[])], false);
    check(after(), [ended(Failed, SHIFTING, HEALTH, &["DEPLOYMENT_FAILURE"])], false);
    check(after(), and_back(ended(Stopped, SERVING, BY_USER, &[]), InProgress), false);
    check(vec![old("PRIMARY")], [], false);
    assert!(!can_be_stopped(&situation::service(vec![situation::primary(crate::model::facts::Rollout::InProgress)])));
}

#[test]
fn events_are_read_where_they_count() {
    #[track_caller]
    fn check(it: &CodeDeployment, expected: bool) {
        assert_eq!(events_count(it), expected, "{it:?}");
    }
    for status in [Created, Queued, InProgress, CodeDeployStatus::Baking, Ready] {
        check(&deployment(status, ""), true);
    }
    check(&deployment(Succeeded, ""), false);
    check(&deployment(Failed, ""), true);
    check(&deployment(Stopped, ""), true);
    check(&and_back(deployment(Failed, ""), Succeeded)[1], false);
    let unknown = || deployment(CodeDeployStatus::Other("New".to_owned()), "");
    check(&unknown(), true);
    let over = CodeDeployment { completed_at: Some(at("10:20:00")), ..unknown() };
    check(&over, true);
    check(&and_back(over, Succeeded)[1], false);
}

#[test]
fn what_triggered_its_end_is_an_alarm_or_codedeploy_itself() {
    #[track_caller]
    fn check(it: CodeDeployment, expected: &Monitors) {
        let (service, code_deploy) = (service(after()), shown([it]));
        assert_eq!(service_deployments(&service, &code_deploy, at("10:21:00"))[0].monitors, *expected);
    }
    check(ended(Stopped, SERVING, ALARM, &[]), &Monitors::Triggered(vec![Monitor::Alarms(Vec::new())]));
    check(ended(Failed, SHIFTING, HEALTH, &[]), &Monitors::Triggered(Vec::new()));
    check(ended(Stopped, SERVING, BY_USER, &[]), &Monitors::Quiet);
    check(deployment(InProgress, SERVING), &Monitors::Quiet);
}

#[test]
fn ecs_s_own_monitors_say_nothing_of_it() {
    use crate::model::facts::OnFailure::RollsBack;
    let it = ServiceFacts { breaker: RollsBack, alarms: RollsBack, ..service(before()) };
    let it = with_code_deploy(it, shown([deployment(InProgress, "SI")]), at("10:21:00"));
    assert_eq!((it.breaker, it.alarms, it.strategy), (OnFailure::Off, OnFailure::Off, Strategy::CodeDeploy));
    assert_eq!((it.task_definition, it.code_deploy.is_some()), (revision(42), true));
}
