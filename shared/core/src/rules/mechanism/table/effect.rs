//! The table of intents: whether an update took effect, and whether it is made once more.

use super::case::*;
use super::*;

#[test]
fn an_intent_is_resolved_by_what_is_listed() {
    let nothing = || with(Off, vec![primary(O, Completed)]).intent();
    let lease = |until: &str| Some(record::Lease { holder: "deploy".to_owned(), fence: 7, until: time(until) });
    let holder = Case { record: record::Service { lease: lease("17:12:00"), ..nothing().record }, ..nothing() };
    row("its writer holds the lease", holder, "is intended, and may still begin until 17:12");
    row("ECS may not show it yet", nothing().at("17:01:00"), "is intended, and may still begin until 17:01:55Z");
    row("nobody writes, and nothing came of it", nothing(), "never began");
    let gone = Case { record: record::Service { lease: lease("17:05:59"), ..nothing().record }, ..nothing() };
    row("its writer died before it wrote", gone, "never began");

    let made = || with(Off, going()).intent();
    row("the PRIMARY bears its event", made().marked(N, "event-2", "request-2"), "began as N");
    row("the PRIMARY bears another event", made().marked(N, "event-7", "request-2"), "never began");
    let adopted = made().marked(N, "event-2", "request-7");
    row("the PRIMARY's revision was registered by an earlier try that died", adopted, "began as N");
    let before = DeploymentFacts { created_at: Some(time("16:59:00")), ..primary(N, InProgress) };
    let before = with(Off, vec![before]).intent().marked(N, "event-2", "request-2");
    row("the PRIMARY bears its event, and was there before", before, "never began");
    let recorded = made().recorded_newer().marked(N, "event-2", "request-2");
    let recorded =
        Case { service: with(Off, vec![primary(X, InProgress)]).service, ..recorded.marked(X, "event-2", "") };
    row("the PRIMARY bears its event, and is another's by the record", recorded, "never began");
    let back = with(RollsBack, vec![back(InProgress), active(N, Failed)]).intent().marked(N, "event-2", "request-2");
    row("ECS is going back from it", back, "began as N");
    let named = made().n(|n| n.revision.new = Some("web:42".to_owned()));
    row("the PRIMARY runs the revision that was intended", named, "began as N");
    let lost = with(Off, vec![primary(X, InProgress), active(N, InProgress)]).intent();
    let lost = lost.n(|n| n.revision.new = Some("web:42".to_owned()));
    row("it took effect, and was superseded since", lost, "began as N");
    let same = primary(N, InProgress).task_definition;
    let forced = |made: &str| {
        let forced =
            DeploymentFacts { task_definition: same.clone(), created_at: Some(time(made)), ..primary(X, InProgress) };
        let forced = with(Off, vec![forced, active(N, InProgress), active(O, Completed)]).intent();
        forced.n(|n| n.revision.new = Some("web:42".to_owned()))
    };
    row("it took effect, and somebody forced the same revision since", forced("17:00:09"), "began as N");
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
    row("it ran the revision that was intended", named.history(N, Status::RollbackSuccessful, "17:00:01"), began);
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
        with(RollsBack, vec![primary(O, Completed)]).service_deployment(status, "The circuit breaker was triggered.")
    };
    row("and then: ECS rolled it back", n(Status::RollbackSuccessful), "ended: failed, rolled back by ECS");
    row("and then: its rollback failed", n(Status::RollbackFailed), "ended: failed, and the rollback failed too");
    row("and then: it completed", n(Status::Successful), "ended: completed");
    let superseded = with(Off, vec![primary(X, InProgress)]).service_deployment(Status::Stopped, "");
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
    row("before", unlisted.at("17:01:54"), "is intended, and may still begin until 17:01:55Z");
    row("after", with(Off, vec![primary(O, Completed)]).intent().at("17:01:55"), "never began");
}

#[test]
fn an_unanswered_update_is_repeated_only_over_what_it_was_planned_over() {
    let check = |deployments: Vec<DeploymentFacts>, over: Option<&str>, expected: Unanswered| {
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
