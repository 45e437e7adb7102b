//! The table: a situation and how the deployment stands in it, a row each.
//!
//! `O` ran before (web:41, completed the day before), `N` is the recorded deployment (web:42, begun at 17:00:00, deadline
//! 17:30:00), `X` one newer still (web:43, 17:05:00), `R` Slipway's rollback from N (web:41 again, 17:10:00).
//! It is 17:06:00 unless the row says otherwise.

mod case;

mod edges;

mod joins;

use super::*;
use crate::model::event::Change;
use crate::model::facts::{
    Breaker, Deployment, Monitors, Rollout, ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts, Strategy,
};
use crate::model::id::{DeploymentId, ServiceDeploymentArn, TaskDefinitionArn};
use crate::model::record::{self, FailedBy, Outcome, RollbackMethod};
use crate::model::trigger::Trigger;

use Breaker::{Fails, Off, RollsBack};
use Rollout::{Completed, Failed, InProgress};
use ServiceDeploymentStatus as Status;
use case::*;

#[test]
fn an_intent_is_resolved_by_looking() {
    let nothing = || with(Off, vec![primary(O, Completed)]).intent();
    let lease = |until: &str| Some(record::Lease { holder: "deploy".to_owned(), fence: 7, until: time(until) });
    let holder = Case { record: record::Service { lease: lease("17:12:00"), ..nothing().record }, ..nothing() };
    row("its writer holds the lease", holder, "is meant, and may still begin until 17:12");
    row("ECS may not show it yet", nothing().at("17:01:00"), "is meant, and may still begin until 17:01:55Z");
    row("nobody writes, and nothing came of it", nothing(), "never began");
    let gone = Case { record: record::Service { lease: lease("17:05:59"), ..nothing().record }, ..nothing() };
    row("its writer died before it wrote", gone, "never began");

    let made = || with(Off, going()).intent();
    row("the PRIMARY bears its event", made().marked(N, "event-2", "request-2"), "began as N");
    row("the PRIMARY bears another event", made().marked(N, "event-7", "request-2"), "never began");
    let adopted = made().marked(N, "event-2", "request-7");
    row("the PRIMARY's revision was registered by an earlier try that died", adopted, "began as N");
    let before = Deployment { created_at: Some(time("16:59:00")), ..primary(N, InProgress) };
    let before = with(Off, vec![before]).intent().marked(N, "event-2", "request-2");
    row("the PRIMARY bears its event, and was there before", before, "never began");
    let recorded = made().recorded_newer().marked(N, "event-2", "request-2");
    let recorded =
        Case { service: with(Off, vec![primary(X, InProgress)]).service, ..recorded.marked(X, "event-2", "") };
    row("the PRIMARY bears its event, and is another's by the record", recorded, "never began");
    let back = with(RollsBack, vec![back(InProgress), active(N, Failed)]).intent().marked(N, "event-2", "request-2");
    row("ECS is going back from it", back, "began as N");
    let named = made().n(|n| n.revision.new = Some("web:42".to_owned()));
    row("the PRIMARY runs the revision that was meant", named, "began as N");
    let lost = with(Off, vec![primary(X, InProgress), active(N, InProgress)]).intent();
    let lost = lost.n(|n| n.revision.new = Some("web:42".to_owned()));
    row("it took effect, and was superseded since", lost, "began as N");
    let again = with(Off, vec![primary(O, Completed)]).intent().n(|n| n.revision.new = Some("web:41".to_owned()));
    row("what was PRIMARY before is no sign, though it runs the same revision", again, "never began");
}

#[test]
fn what_ecs_lists_no_more_may_have_begun_all_the_same() {
    let delisted = || with(RollsBack, vec![primary(O, Completed)]).intent().marked(N, "event-2", "request-2");
    let began = "began as N";
    row("ECS's history was not asked", delisted(), "never began");
    let rolled_back = || delisted().history(N, Status::RollbackSuccessful, "17:00:01");
    row("ECS rolled it back", rolled_back(), began);
    let log = [("17:03:59", format!("(service web) (deployment {X}) deployment failed: tasks failed to start."))];
    row("ECS's log of that time names another", rolled_back().log(&log), began);
    row("it was superseded", delisted().history(N, Status::Stopped, "17:00:01"), began);
    row("it completed, and was superseded", delisted().history(N, Status::Successful, "17:00:01"), began);
    let named = with(RollsBack, vec![primary(O, Completed)]).intent().n(|n| n.revision.new = Some("web:42".to_owned()));
    row("it ran the revision that was meant", named.history(N, Status::RollbackSuccessful, "17:00:01"), began);
    let another = with(RollsBack, vec![primary(O, Completed)]).intent().marked(N, "event-7", "request-2");
    let first = || delisted().history(X, Status::Stopped, "17:00:09").marked(X, "event-2", "request-2");
    row("two tries made two, the first is it", first().history(N, Status::RollbackSuccessful, "17:00:01"), began);
    let unnumbered = Case {
        history: vec![ServiceDeploymentFacts { target: None, ..rolled_back().history[0].clone() }],
        ..delisted()
    };
    row("the history does not say what it targets", unnumbered, "never began");
    let before = rolled_back()
        .n(|n| n.state = record::DeploymentState::Intended { previous_primary: Some(DeploymentId::new(N)) });
    row("the history's is of what was PRIMARY before", before, "never began");
    row("the history's is another's", another.history(N, Status::RollbackSuccessful, "17:00:01"), "never began");
    let unread = with(RollsBack, vec![primary(O, Completed)]).intent();
    row("its revision is gone", unread.history(N, Status::RollbackSuccessful, "17:00:01"), "never began");
    row("the history's is of before", delisted().history(N, Status::Successful, "16:59:49"), "never began");
    let over_o = |at: &str| delisted().history(O, Status::Successful, "17:00:01").history(N, Status::Stopped, at);
    row("it is older than what was the PRIMARY then", over_o("17:00:00"), "never began");
    row("it is newer than what was the PRIMARY then", over_o("17:00:02"), "began as N");
    row(
        "it came when nobody could be at it any more",
        delisted().history(N, Status::Stopped, "17:15:01"),
        "never began",
    );
    // X bears the same event, and the record knows it: it is not this one as well.
    let known = delisted().recorded_newer().marked(X, "event-2", "request-2");
    row("the history's is on record", known.history(X, Status::RollbackSuccessful, "17:00:00"), "never began");
    let mut back = delisted().marked(R, "event-2", "request-2").history(R, Status::Successful, "17:00:02");
    let rolled_back_by_r = with(Off, going()).rollback_decided(RollbackMethod::Update, Some(R), Some("17:00:02"));
    back.record.deployments[1].state = rolled_back_by_r.record.deployments[0].state.clone();
    row("the history's is a rollback's that is on record", back, "never began");

    let n = |status: Status| {
        with(RollsBack, vec![primary(O, Completed)]).story(status, "The circuit breaker was triggered.")
    };
    row("and then: ECS rolled it back", n(Status::RollbackSuccessful), "ended: failed, rolled back by ECS");
    row("and then: its rollback failed", n(Status::RollbackFailed), "ended: failed, and the rollback failed too");
    row("and then: it completed", n(Status::Successful), "ended: completed");
    let superseded = with(Off, vec![primary(X, InProgress)]).story(Status::Stopped, "");
    row("and then: it was superseded", superseded, "ended: superseded, with X after it");
}

#[test]
fn where_the_history_cannot_be_asked_the_list_decides_after_the_lag() {
    let case = with(Off, going()).intent();
    let decides = |now: &str| list_decides(&case.record.deployments[0], time(now));
    assert!(!decides("17:00:00"), "the update may not be listed yet");
    assert!(!decides("17:01:54"), "ECS lags by two minutes at most, counted from the intent at 16:59:55");
    assert!(decides("17:01:55"));
    assert!(decides("17:30:00"));
    // The judge asks for the history only then.
    let unlisted = with(Off, vec![primary(O, Completed)]).intent();
    row("before", unlisted.at("17:01:54"), "is meant, and may still begin until 17:01:55Z");
    row("after", with(Off, vec![primary(O, Completed)]).intent().at("17:01:55"), "never began");
}

#[test]
fn an_unanswered_update_is_repeated_only_over_what_it_was_planned_over() {
    let check = |deployments: Vec<Deployment>, over: Option<&str>, expected: Unanswered| {
        let service = with(Off, deployments).service;
        assert_eq!(unanswered(&service, &arn(N), over.map(DeploymentId::new).as_ref()), expected);
    };
    check(vec![primary(O, Completed)], Some(O), Unanswered::Repeatable);
    check(vec![primary(N, InProgress), active(O, Completed)], Some(O), Unanswered::TookEffect);
    // ECS has gone back from it already.
    check(vec![back(InProgress)], Some(O), Unanswered::Outdated);
    check(vec![primary(O, Completed), active(N, Failed)], Some(O), Unanswered::Outdated);
    // A forced deployment of what runs.
    check(vec![primary(N, Completed)], Some(N), Unanswered::Repeatable);
    check(vec![primary(X, InProgress), active(O, Completed)], Some(O), Unanswered::Outdated);
    check(vec![primary(X, InProgress), active(N, InProgress)], Some(O), Unanswered::Outdated);
    check(Vec::new(), Some(O), Unanswered::Outdated);
    check(Vec::new(), None, Unanswered::Repeatable);
    check(vec![primary(N, InProgress)], None, Unanswered::TookEffect);
}

#[test]
fn a_rolling_deployment_takes_its_course() {
    row("its tasks start", with(Off, going()), "is in progress");
    row("ECS says it completed", with(Off, vec![primary(N, Completed)]), "ended: completed");
    row(
        "COMPLETED came, and ECS's answer lags",
        with(Off, going()).event(Change::Completed, N, "17:05:59"),
        "ended: completed",
    );
    row(
        "IN_PROGRESS comes after COMPLETED",
        with(Off, vec![primary(N, Completed)]).event(Change::InProgress, N, "17:00:01"),
        "ended: completed",
    );
    row(
        "a story that ended stays so",
        with(Off, going()).n(|n| end(n, Outcome::Superseded)),
        "ended before: superseded",
    );
    row("just made, and not listed yet", with(Off, vec![primary(O, Completed)]).at("17:01:00"), "is in progress");
    let classic = Deployment { running_count: 2, pending_count: 0, ..primary(N, None) };
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
        "ECS's story says it succeeded, and the list lags",
        with(Off, going()).story(Status::Successful, ""),
        "ended: completed",
    );
    row(
        "ECS's story is of a status that is not known",
        with(Off, going()).story(Status::of("NEWLY_MADE"), ""),
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
        newer().event(Change::Failed, N, "17:05:30"),
        "ended: superseded, with X after it",
    );
    let stopped = newer().story(Status::Stopped, "Service deployment was stopped by a newer one.");
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
        row("ECS leaves it at that", failed, "failed, says ECS");
    }
    row(
        "FAILED came, and ECS's answer lags",
        with(Fails, going()).event(Change::Failed, N, "17:05:59"),
        "failed, says ECS",
    );
    let nowhere = with(RollsBack, vec![primary(N, Failed)]);
    row("the first deployment: nothing to go back to", nowhere, "failed, says ECS");
    let told = with(RollsBack, vec![primary(N, InProgress)]);
    let told = told.story(Status::RollbackFailed, "No rollback candidate was found to run the rollback.");
    row("the same, as ECS's story tells it", told, "failed, says ECS");
    let stopped = with(Fails, going()).story(Status::Stopped, "The circuit breaker detected a failure.");
    row("ECS's story: stopped, because it failed and rollback is off", stopped, "failed, says ECS");
    let waits = with(Off, going()).failing(FailedBy::Tasks);
    row("known to fail, and the rollback waits for the lease", waits, "failed: too many of its tasks stopped");
    let late = with(Off, vec![primary(N, Completed)]).failing(FailedBy::Deadline);
    row("it completes after all, before anything was put back", late, "ended: completed");
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
        both(InProgress, Failed).event(Change::Completed, O, "17:05:59"),
        "ended: failed, rolled back by ECS",
    );
    row(
        "the first COMPLETED of O, a day late",
        both(InProgress, Failed).event(Change::Completed, O, "09:00:00"),
        "failed, and ECS is rolling back",
    );
    row(
        "FAILED of N arrives last",
        both(Completed, Failed).event(Change::Failed, N, "17:04:00"),
        "ended: failed, rolled back by ECS",
    );
    row("O fails too", both(Failed, Failed), "ended: failed, and the rollback failed too");
    row(
        "FAILED of O came, the list lags",
        both(InProgress, Failed).event(Change::Failed, O, "17:05:59"),
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
    row(
        "nothing says why O is back, but it is",
        rolls_back(vec![primary(O, Completed)]),
        "ended: failed, rolled back by ECS",
    );
    let alarm = with(RollsBack, vec![primary(O, InProgress), active(N, InProgress)]);
    let alarm =
        alarm.story(Status::RollbackInProgress, "Service deployment rolled back because an alarm was detected.");
    row("an alarm rang", alarm, "failed, and ECS is rolling back");
    let circuit = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
    row(
        "ECS's story: rolled back",
        with(RollsBack, going()).story(Status::RollbackSuccessful, circuit),
        "ended: failed, rolled back by ECS",
    );
    row(
        "ECS's story: the rollback failed",
        with(RollsBack, going()).story(Status::RollbackFailed, circuit),
        "ended: failed, and the rollback failed too",
    );
    let slow = both(InProgress, Failed).failing(FailedBy::Ecs).at("17:35:00");
    row("ECS's rollback does not end either", slow, "ended: failed, and the rollback failed too");
    let put_back = with(
        RollsBack,
        vec![Deployment { rollout_reason: Some(BACK.replace('1', "2")), ..primary(N, InProgress) }, active(X, Failed)],
    );
    row("ECS goes back to N itself: then N had completed, unseen", put_back, "ended: completed, with X after it");
}

#[test]
fn ecs_says_that_it_goes_back_before_it_shows_it() {
    let announced = with(RollsBack, going()).event(Change::InProgress, O, "17:05:59");
    row("its event comes before its list", announced, "failed, and ECS is rolling back");
    let late = with(RollsBack, going()).event(Change::InProgress, O, "16:59:00");
    row("such an event of an earlier day", late, "is in progress");
    let named = Deployment { rollout_reason: Some(BACK.to_owned()), ..primary(N, Failed) };
    let named = with(RollsBack, vec![named, active(O, Completed)]);
    row("N itself says where ECS goes", named, "failed, and ECS is rolling back");
}

#[test]
fn somebody_stops_it() {
    row(
        "somebody asks ECS to roll back",
        with(Off, going()).story(Status::RollbackRequested, ""),
        "failed, and somebody is rolling back",
    );
    let stop = "Service deployment rollback was requested by a user.";
    row(
        "somebody did, though ECS could by itself",
        with(RollsBack, going()).story(Status::RollbackSuccessful, stop),
        "ended: stopped",
    );
    row(
        "ECS is not set to roll back: so it was somebody",
        with(Off, vec![primary(O, InProgress), active(N, InProgress)]),
        "failed, and somebody is rolling back",
    );
    row("the same, done", with(Off, vec![primary(O, Completed), active(N, InProgress)]), "ended: stopped");
    row("stopped, and left there", with(Off, going()).story(Status::Stopped, "Stopped by a user."), "ended: stopped");
    row("asked to stop, still at it", with(Off, going()).story(Status::StopRequested, ""), "is in progress");
}

#[test]
fn traffic_shifts_have_stages() {
    for strategy in [Strategy::BlueGreen, Strategy::Linear, Strategy::Canary] {
        let at = |stage: &str, updated: &str, now: &str| {
            let case = with(RollsBack, going()).strategy(strategy.clone()).story(Status::InProgress, "");
            case.stage(stage, updated).at(now)
        };
        row("a stage in time", at("SCALE_UP", "17:01:00", "17:06:00"), "is in progress");
        row(
            "late, and its stage moved",
            at("PRODUCTION_TRAFFIC_SHIFT", "17:25:00", "17:31:00"),
            "is in progress, late but moving",
        );
        row("late, and its stage stands", at("TEST_TRAFFIC_SHIFT", "17:10:00", "17:31:00"), "failed: its time is up");
        row("late, in its bake time", at("BAKE_TIME", "17:10:00", "18:31:00"), "is in progress, in its bake time");
        row(
            "late, at a hook",
            at("POST_TEST_TRAFFIC_SHIFT", "17:10:00", "18:31:00").paused(),
            "is in progress, and waits at a lifecycle hook",
        );
        let hook =
            with(Off, going()).strategy(strategy.clone()).story(Status::RollbackInProgress, "A lifecycle hook failed.");
        row("a hook refused: ECS goes back though no breaker is on", hook, "failed, and ECS is rolling back");
        let done = with(Off, going()).strategy(strategy.clone()).story(Status::RollbackSuccessful, "");
        row("ECS went back, and does not say why", done, "ended: failed, rolled back by ECS");
    }
}

#[test]
fn time_runs_out_unless_it_progresses() {
    let late = |own: Deployment| with(Off, vec![own, active(O, Completed)]).at("17:31:00");
    row("nothing moved for half an hour", late(primary(N, InProgress)), "failed: its time is up");
    row("a minute before the deadline", late(primary(N, InProgress)).at("17:29:00"), "is in progress");
    row("it moved lately, and a task runs", with(Off, moving()).at("17:31:00"), "is in progress, late but moving");
    let own = || moving().remove(0);
    row("it moved because a task failed", late(Deployment { failed_tasks: 1, ..own() }), "failed: its time is up");
    row("it moved, but no task ever ran", late(Deployment { running_count: 0, ..own() }), "failed: its time is up");
    let complete = || Deployment { running_count: 2, pending_count: 0, ..primary(N, InProgress) };
    row("all its tasks run, old ones drain", late(complete()), "is in progress, late but all its tasks run");
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
    }
    row("they stopped, and it completed", with(Off, vec![primary(N, Completed)]).task_failures(9), "ended: completed");
}

#[test]
fn slipway_rolls_back_by_an_update() {
    let after = |deployments: Vec<Deployment>, id: Option<&str>, done: Option<&str>| {
        with(Off, deployments).rollback_decided(RollbackMethod::Update, id, done)
    };
    let done = Some("17:10:01");
    row(
        "decided, and the call was never made",
        after(going(), None, None),
        "failed, and its rollback is decided but not under way",
    );
    row(
        "made, and nobody wrote down its id",
        after(vec![primary(R, InProgress), active(N, InProgress)], None, None),
        "failed, and Slipway is rolling back",
    );
    row("accepted, and ECS's list lags", after(going(), Some(R), done), "failed, and Slipway is rolling back");
    row(
        "under way",
        after(vec![primary(R, InProgress), active(N, InProgress)], Some(R), done),
        "failed, and Slipway is rolling back",
    );
    row("it completed", after(vec![primary(R, Completed)], Some(R), done), "ended: failed, rolled back by Slipway");
    let event = after(vec![primary(R, InProgress)], Some(R), done).event(Change::Completed, R, "17:14:59");
    row("its COMPLETED came, the list lags", event, "ended: failed, rolled back by Slipway");
    row(
        "it failed too",
        after(vec![primary(R, Failed), active(N, InProgress)], Some(R), done),
        "ended: failed, and the rollback failed too",
    );
    let event = after(vec![primary(R, InProgress)], Some(R), done).event(Change::Failed, R, "17:14:59");
    row("its FAILED came, the list lags", event, "ended: failed, and the rollback failed too");
    row(
        "its time is up too",
        after(vec![primary(R, InProgress)], Some(R), done).at("17:41:00"),
        "ended: failed, and the rollback failed too",
    );
    row(
        "ECS went back from it",
        after(vec![back(Completed), active(R, Failed)], Some(R), done),
        "ended: failed, and the rollback failed too",
    );
    let faster =
        with(RollsBack, vec![back(InProgress), active(N, Failed)]).rollback_decided(RollbackMethod::Update, None, None);
    row("ECS went back before the call was made", faster, "failed, and ECS is rolling back");
    let newest = Deployment { created_at: Some(time("17:12:00")), ..primary(X, InProgress) };
    row(
        "somebody deploys over it",
        after(vec![newest, active(R, InProgress)], Some(R), done),
        "ended: failed, with X after it",
    );
    let recorded = |at: &str| {
        let mut case = after(vec![primary(R, InProgress)], Some(R), done).recorded_newer();
        case.record.deployments[0].in_progress().unwrap().began_at = time(at);
        case
    };
    row("a newer one is recorded over it", recorded("17:12:00"), "ended: failed, with X after it");
    row("it went over one that nobody had seen", recorded("17:09:58"), "failed, and Slipway is rolling back");
    row("N completed before the call was made", after(vec![primary(N, Completed)], None, None), "ended: completed");
}

#[test]
fn whoever_decided_a_rollback_may_still_be_at_it() {
    let newest = Deployment { created_at: Some(time("17:12:00")), ..primary(X, InProgress) };
    let over = |lease: Option<record::Lease>, done: Option<&str>| {
        let case = with(Off, vec![newest.clone(), active(N, InProgress)]);
        let case = case.rollback_decided(RollbackMethod::Update, None, done);
        Case { record: record::Service { lease, ..case.record }, ..case }
    };
    let lease = || Some(record::Lease { holder: "track".to_owned(), fence: 7, until: time("17:16:00") });
    let replaced = "ended: failed, with X after it";
    row("somebody deploys over N before the call is made", over(None, None), replaced);
    row(
        "the same, while somebody holds the lease",
        over(lease(), None),
        "failed, and its rollback may still begin until 17:16",
    );
    row("the same, and whoever held it is dead", over(lease(), None).at("17:16:00"), replaced);
    let won = |lease: Option<record::Lease>| {
        let case = with(Off, vec![primary(N, Completed)]).rollback_decided(RollbackMethod::Update, None, None);
        Case { record: record::Service { lease, ..case.record }, ..case }
    };
    row("it completes before the call is made", won(None), "ended: completed");
    row(
        "the same, while somebody holds the lease",
        won(lease()),
        "failed, and its rollback may still begin until 17:16",
    );
    row("the same, and ECS had accepted the call", over(lease(), Some("17:10:01")), replaced);
    let made = with(Off, vec![newest.clone(), active(R, InProgress)]).rollback_decided(
        RollbackMethod::Update,
        Some(R),
        Some("17:12:30"),
    );
    row("somebody deploys over the rollback before its answer comes", made, replaced);
}

#[test]
fn somebody_else_s_deployment_is_no_way_back() {
    let check = |how: RollbackMethod, id: Option<&str>, primary: Deployment, expected: Option<&str>| {
        let case = with(Off, vec![primary]).rollback_decided(how, id, None);
        let found = its_rollback(&case.record.deployments[0], &case.service);
        assert_eq!(found.map(|it| it.id.as_str()), expected, "{how:?}");
    };
    check(RollbackMethod::Stop, None, back(InProgress), None);
    check(RollbackMethod::Stop, None, primary(X, InProgress), None);
    check(RollbackMethod::Stop, None, primary(N, InProgress), None);
    check(RollbackMethod::Update, None, primary(R, InProgress), Some(R));
    check(
        RollbackMethod::Update,
        None,
        Deployment { created_at: Some(time("17:12:00")), ..primary(X, InProgress) },
        None,
    );
    check(RollbackMethod::Update, None, back(InProgress), None);
    check(RollbackMethod::Update, Some(R), primary(R, Completed), Some(R));
    check(RollbackMethod::Update, Some(R), primary(X, Completed), None);
}

#[test]
fn slipway_rolls_back_by_a_stop() {
    let after = |status: Status, done: Option<&str>| {
        with(Off, going()).story(status, "").rollback_decided(RollbackMethod::Stop, None, done)
    };
    let done = Some("17:10:01");
    row(
        "decided, and the call was never made",
        after(Status::InProgress, None),
        "failed, and its rollback is decided but not under way",
    );
    row("accepted, and nothing to be seen yet", after(Status::InProgress, done), "failed, and Slipway is rolling back");
    row(
        "made, though nobody wrote that down",
        after(Status::RollbackRequested, None),
        "failed, and Slipway is rolling back",
    );
    row("under way", after(Status::RollbackInProgress, done), "failed, and Slipway is rolling back");
    row("done", after(Status::RollbackSuccessful, done), "ended: failed, rolled back by Slipway");
    row("failed", after(Status::RollbackFailed, done), "ended: failed, and the rollback failed too");
    row("it succeeded before the call was made", after(Status::Successful, None), "ended: completed");
    row("it succeeded before ECS came to stop it", after(Status::Successful, done), "ended: completed");
    let listed = with(Off, vec![primary(O, Completed), active(N, InProgress)]).rollback_decided(
        RollbackMethod::Stop,
        None,
        done,
    );
    row("ECS has no story of it, but O is back", listed, "ended: failed, rolled back by Slipway");
    let slow = after(Status::RollbackInProgress, done).at("17:41:00");
    row("its time is up too", slow, "ended: failed, and the rollback failed too");
}

#[test]
fn ecs_s_monitors_come_before_its_words() {
    let back = |status: Status, words: &str, monitors: Monitors| {
        with(RollsBack, going()).story(status, words).monitors(monitors)
    };
    let (by_user, by_breaker) = ("Rollback requested by a user.", "The circuit breaker was triggered.");
    let (triggered, quiet) = (Monitors::Triggered, Monitors::Quiet);
    let ecs = back(Status::RollbackInProgress, by_user, triggered);
    row("the breaker or an alarm is triggered", ecs, "failed, and ECS is rolling back");
    row("the same, done", back(Status::RollbackSuccessful, by_user, triggered), "ended: failed, rolled back by ECS");
    let somebody = back(Status::RollbackInProgress, by_breaker, quiet);
    row("neither is triggered: so it was somebody", somebody, "failed, and somebody is rolling back");
    row("the same, done", back(Status::RollbackSuccessful, by_breaker, quiet), "ended: stopped");
    let asked = back(Status::RollbackRequested, by_breaker, triggered);
    row("somebody asks ECS to roll back", asked, "failed, and somebody is rolling back");
    let late = with(RollsBack, vec![primary(O, Completed)]).story(Status::InProgress, "").monitors(quiet);
    row("O is back, and the story lags behind that", late, "ended: failed, rolled back by ECS");
    let hook = back(Status::RollbackInProgress, "", quiet).strategy(Strategy::BlueGreen);
    row("neither is triggered, where a hook may have refused", hook, "failed, and ECS is rolling back");
    let user = back(Status::RollbackInProgress, by_user, quiet).strategy(Strategy::BlueGreen);
    row("the same, and words of a user", user, "failed, and somebody is rolling back");

    let stopped = |monitors| with(Fails, going()).story(Status::Stopped, "").monitors(monitors);
    row("stopped, and a monitor is triggered: ECS is not set to roll back", stopped(triggered), "failed, says ECS");
    row("stopped, and none is triggered", stopped(quiet), "ended: stopped");
    let nowhere = with(RollsBack, going()).story(Status::RollbackFailed, "No rollback candidate was found.");
    row("ECS went nowhere", nowhere, "failed, says ECS");
    let somewhere = with(RollsBack, going()).story(Status::RollbackFailed, "No rollback candidate was found.");
    let somewhere = somewhere.rolls_back_to(O);
    row("whatever it says, ECS went back to O", somewhere, "ended: failed, and the rollback failed too");
}
