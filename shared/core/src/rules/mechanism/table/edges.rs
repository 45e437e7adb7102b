//! The edges of the table: the second at which a judgement turns, and what only looks like a sign.

use super::*;
use crate::model::facts::ServiceMessage;

#[test]
fn an_intent_is_open_until_the_second_in_which_its_lease_ends() {
    let lease = Some(record::Lease { holder: "deploy".to_owned(), fence: 7, until: time("17:06:00") });
    let nothing = with(Off, vec![primary(O, Completed)]).intent();
    let ends = Case { record: record::Service { lease, ..nothing.record.clone() }, ..nothing };
    row("its writer's lease ends now", ends, "never began");
}

#[test]
fn ecs_s_clock_may_be_five_seconds_behind() {
    let delisted = || with(RollsBack, vec![primary(O, Completed)]).intent().marked(N, "event-2", "request-2");
    // The intent is of 16:59:55.
    row("by five seconds", delisted().history(N, Status::Successful, "16:59:50"), "began as N");
    row("by more: it was there before", delisted().history(N, Status::Successful, "16:59:49"), "never began");
}

#[test]
fn what_ecs_went_back_from_before_is_another_matter() {
    let before = |deployments: Vec<DeploymentFacts>| with(RollsBack, deployments).at("17:00:01");
    let back_to = || format!("(service web) rolling back to deployment {O}.");
    let says = |at: &str| before(vec![primary(O, Completed)]).log(&[(at, back_to())]);
    row("its log says at once that ECS goes back", says("17:00:00"), "ended: failed, rolled back by ECS");
    row("it said so before, and N is not listed yet", says("16:59:59"), "is in progress");
    let failed = format!("(service web) (deployment {W}) deployment failed: tasks failed to start.");
    let log = [("16:59:59", back_to()), ("16:59:59", failed)];
    let failed = before(vec![primary(O, Completed)]).log(&log);
    row("its log says from what, and N is not listed yet", failed, "is in progress");

    let tries = |at: &str| before(vec![DeploymentFacts { updated_at: Some(time(at)), ..back(InProgress) }]);
    row("ECS goes back at once", tries("17:00:00"), "failed, and ECS is rolling back");
    row("ECS went back before, has not arrived, and N is not listed yet", tries("16:59:59"), "is in progress");
    let undated = before(vec![DeploymentFacts { updated_at: None, ..back(InProgress) }]);
    row("ECS does not say since when", undated, "failed, and ECS is rolling back");
}

#[test]
fn a_young_deployment_is_missing_from_the_list_for_two_minutes_at_most() {
    let missing = |now: &str| with(RollsBack, vec![primary(O, InProgress)]).at(now);
    row("a second before", missing("17:01:59"), "is in progress");
    row("then ECS's list is taken at its word", missing("17:02:00"), "failed, and ECS is rolling back");
    let young = || missing("17:01:00");
    let event = young().event(StateChange::InProgress, O, "17:00:30");
    row("an event says that ECS goes back", event, "failed, and ECS is rolling back");
    row("an event said so before", young().event(StateChange::InProgress, O, "16:59:59"), "is in progress");
    let log = |line: String| young().log(&[("17:00:30", line)]);
    row("the log has ECS go back elsewhere", log(format!("rolling back to deployment {X}.")), "is in progress");
    row("the log only names O", log(format!("(service web) has stopped 1 tasks: (deployment {O}).")), "is in progress");
    let undated = ServiceMessage { at: None, message: format!("rolling back to deployment {O}.") };
    let undated = Case { service: ServiceFacts { events: vec![undated], ..young().service }, ..young() };
    row("the log does not say when", undated, "failed, and ECS is rolling back");
    let said = log(format!("(service web) rolling back to deployment {O}."));
    row("the log has ECS go back to O", said, "failed, and ECS is rolling back");
}

#[test]
fn what_was_observed_before_it_began_says_nothing_about_it() {
    let before = |now: &str, primary: DeploymentFacts| with(RollsBack, vec![primary]).failing(FailedBy::Tasks).at(now);
    row("O ran a second before", before("16:59:59", primary(O, Completed)), "is in progress");
    row("O had failed a second before", before("16:59:59", primary(O, Failed)), "is in progress");
    row("O runs a second later", before("17:00:01", primary(O, Completed)), "ended: failed, rolled back by ECS");
}

#[test]
fn a_classic_load_balancer_s_deployment_won_when_it_is_alone_and_complete() {
    let complete = || DeploymentFacts { running_count: 2, pending_count: 0, ..primary(N, None) };
    row("alone and complete", with(Off, vec![complete()]), "ended: completed");
    row("complete, and the old one drains", with(Off, vec![complete(), active(O, None)]), "is in progress");
    let alone = |own: DeploymentFacts| with(Off, vec![own]);
    row("alone, and a task is missing", alone(DeploymentFacts { running_count: 1, ..complete() }), "is in progress");
    row("alone, and a task starts", alone(DeploymentFacts { pending_count: 1, ..complete() }), "is in progress");
    let none = DeploymentFacts { desired_count: 0, running_count: 0, ..complete() };
    row("alone, and scaled to nothing: there is nothing to wait for", alone(none.clone()), "ended: completed");
    let under_way = |own: DeploymentFacts| {
        let current = Some(ServiceDeploymentArn::new("service-deployment/prod/web/N"));
        let case = alone(own);
        Case { service: ServiceFacts { current_service_deployment: current, ..case.service }, ..case }
    };
    row("the same, while its service deployment is under way", under_way(none), "is in progress");
    row("alone and complete, whatever its service deployment says", under_way(complete()), "ended: completed");
    let state = DeploymentFacts { rollout: Some(InProgress), ..complete() };
    row("where ECS has a rollout state, that decides", alone(state), "is in progress");
}

#[test]
fn the_time_is_up_in_the_second_of_the_deadline() {
    let late = |own: DeploymentFacts| with(Off, vec![own, active(O, Completed)]).at("17:31:00");
    row("the second before", late(primary(N, InProgress)).at("17:29:59"), "is in progress");
    row("the deadline", late(primary(N, InProgress)).at("17:30:00"), "failed: its time is up");
    let complete = || DeploymentFacts { running_count: 2, pending_count: 0, ..primary(N, InProgress) };
    row(
        "all run, shortly before twice its time",
        late(complete()).at("17:59:59"),
        "is in progress, late, but all its tasks run",
    );
    row("twice its time", late(complete()).at("18:00:00"), "failed: its time is up");
    let starts = DeploymentFacts { pending_count: 1, ..complete() };
    row("all run, and one more starts", late(starts), "failed: its time is up");
    let missing = DeploymentFacts { running_count: 1, ..complete() };
    row("one is missing, and none starts", late(missing), "failed: its time is up");

    let service_deployment = with(RollsBack, going())
        .service_deployment(Status::InProgress, "")
        .stage("SCALE_UP", "17:25:00")
        .at("17:31:00");
    row(
        "the stage of its service deployment counts for traffic shifts only",
        service_deployment,
        "failed: its time is up",
    );
    let ended = with(RollsBack, going()).strategy(Strategy::BlueGreen);
    let ended = ended.service_deployment(Status::from("NEWLY_MADE"), "").stage("SCALE_UP", "17:25:00").at("17:31:00");
    row("and only while that is under way", ended, "failed: its time is up");

    // Late and moving, it gets a third of its time from now on.
    let case = with(Off, moving()).at("17:31:00");
    let because = Because::Progresses;
    assert_eq!(judge(&case), Assessment::InProgress(Pace::Rearm { at: time("17:41:00"), because }));
}

#[test]
fn a_way_back_at_a_hook_gets_more_time_and_one_in_a_bake_time_does_not() {
    let back = |case: Case| case.strategy(Strategy::BlueGreen).failing(FailedBy::Ecs).at("17:35:00");
    let service_deployment = || with(RollsBack, going()).service_deployment(Status::RollbackInProgress, "");
    let hook = back(service_deployment().paused());
    row("it waits at a hook", hook, "failed, and ECS is rolling back, and waits at a lifecycle hook");
    let baked = back(service_deployment().stage("BAKE_TIME", "17:05:00"));
    row("the stage is still the bake time", baked, "ended: failed, and the rollback failed too");
}

#[test]
fn ecs_goes_back_only_where_it_has_somewhere_to_go() {
    let failed = |other: Vec<DeploymentFacts>| with(RollsBack, [vec![primary(N, Failed)], other].concat());
    row("another one that never completed", failed(vec![active(O, InProgress)]), "failed, as ECS reports");
    let goes = DeploymentFacts { status: "ACTIVE".to_owned(), ..back(InProgress) };
    row("another one is its rollback already", failed(vec![goes]), "failed, and ECS is rolling back");
    let named = DeploymentFacts { rollout_reason: Some(BACK.to_owned()), ..primary(N, Failed) };
    row("N itself says so, and nothing is there", with(RollsBack, vec![named]), "failed, as ECS reports");
}

#[test]
fn the_log_names_what_ecs_went_back_from() {
    let log = [
        ("17:05:40", format!("(service web) rolling back to deployment {O}.")),
        ("17:05:39", format!("(service web) (deployment {X}) deployment failed: tasks failed to start.")),
    ];
    let back = |own: Rollout| with(RollsBack, vec![primary(O, Completed), active(N, own)]).log(&log);
    row("X, and N is still listed", back(InProgress), "ended: superseded, with X after it");
    row("X, and ECS calls N failed", back(Failed), "ended: failed, rolled back by ECS");
    let known = back(InProgress).failing(FailedBy::Tasks);
    row("X, and N is known to have failed", known, "ended: failed, rolled back by ECS");
}

#[test]
fn slipway_s_rollback_is_judged_by_its_own_signs() {
    let after = |deployments: Vec<DeploymentFacts>| {
        with(Off, deployments).rollback_decided(RollbackMethod::Update, Some(R), Some("17:10:01"))
    };
    let under_way = "failed, and Slipway is rolling back";
    let done = "ended: failed, rolled back by Slipway";
    let failed = "ended: failed, and the rollback failed too";
    let old = |now: &str| after(vec![primary(O, Completed)]).at(now);
    row("the list lags by two minutes at most", old("17:12:00"), under_way);
    row("then ECS went back from it", old("17:12:01"), failed);
    row("its COMPLETED came, the list has N still", after(going()).event(StateChange::Completed, R, "17:14:59"), done);
    row("its FAILED came, the list has N still", after(going()).event(StateChange::Failed, R, "17:14:59"), failed);
    row(
        "its COMPLETED of the second of the decision",
        after(going()).event(StateChange::Completed, R, "17:09:59"),
        done,
    );
    row(
        "a COMPLETED of its revision's earlier life",
        after(going()).event(StateChange::Completed, R, "17:09:58"),
        under_way,
    );
    row("its IN_PROGRESS came", after(going()).event(StateChange::InProgress, R, "17:14:59"), under_way);
    let service_deployment = |status: Status, deployments: Vec<DeploymentFacts>| {
        with(Off, deployments).service_deployment(status, "").rollback_decided(
            RollbackMethod::Update,
            Some(R),
            Some("17:10:01"),
        )
    };
    row(
        "N succeeded after the update was accepted: it goes on",
        service_deployment(Status::Successful, going()),
        under_way,
    );
    let stopped = service_deployment(Status::RollbackSuccessful, vec![primary(R, InProgress)]);
    row("the service deployment of N says nothing of an update", stopped, under_way);

    // What was there when it was decided is not what it made.
    let mut case = with(
        Off,
        vec![DeploymentFacts { created_at: Some(time("17:09:57")), task_definition: arn(O), ..primary(X, InProgress) }],
    );
    case = case.rollback_decided(RollbackMethod::Update, None, None);
    assert!(its_rollback(&case.record.deployments[0], &case.service).is_some());
    case = case.progress(|n| n.rollback.as_mut().unwrap().previous_primary = Some(DeploymentId::new(X)));
    assert_eq!(its_rollback(&case.record.deployments[0], &case.service), None);
}

#[test]
fn an_end_quotes_ecs() {
    #[track_caller]
    fn check(case: Case, expected: Option<&str>) {
        let Assessment::Ended(end) = judge(&case) else { panic!("it has not ended") };
        assert_eq!(end.says.as_deref(), expected);
    }
    let alarm = "An alarm was detected.";
    check(with(RollsBack, going()).service_deployment(Status::RollbackSuccessful, alarm), Some(alarm));
    check(with(RollsBack, going()).service_deployment(Status::RollbackFailed, alarm), Some(alarm));
    check(with(Off, going()).service_deployment(Status::Stopped, "By a user."), Some("By a user."));
    let both = |old: Rollout| with(RollsBack, vec![back(old), active(N, Failed)]);
    // The failed deployment says why; where ECS lists it no more, what it goes back to says that it does.
    check(both(Completed), Some(STUCK));
    check(both(Failed), Some(STUCK));
    check(with(RollsBack, vec![back(Completed)]), Some(BACK));
    check(with(RollsBack, vec![primary(O, Completed)]), None);
    let slipway = || with(Off, going()).rollback_decided(RollbackMethod::Update, Some(R), Some("17:10:01"));
    let ours = "ECS deployment in progress or completed.";
    check(slipway().event(StateChange::Completed, R, "17:14:59"), Some(ours));
    check(slipway().event(StateChange::Failed, R, "17:14:59"), Some(STUCK));
    let undone = with(Off, vec![back(Completed), active(R, Failed)]);
    check(undone.rollback_decided(RollbackMethod::Update, Some(R), Some("17:10:01")), Some(BACK));
    let stop = |status: Status| {
        with(Off, going()).service_deployment(status, alarm).rollback_decided(
            RollbackMethod::Stop,
            None,
            Some("17:10:01"),
        )
    };
    check(stop(Status::RollbackSuccessful), Some(alarm));
}

#[test]
fn an_end_names_what_came_after_it() {
    let nowhere = with(RollsBack, vec![primary(X, InProgress), active(N, InProgress)]);
    let nowhere = nowhere.service_deployment(Status::RollbackFailed, "No rollback candidate was found.");
    row("ECS went nowhere, and something newer came", nowhere, "ended: failed, with X after it");
}

#[test]
fn of_two_in_one_minute_the_service_s_current_one_is_its_service_deployment() {
    let case = with(Off, going());
    let service_deployment = |arn: &str, at: &str| ServiceDeploymentFacts {
        arn: ServiceDeploymentArn::new(arn),
        target: Some(revision("ecs-svc/77")),
        created_at: Some(time(at)),
        task_definition: None,
        ..case.service_deployment_of()
    };
    let all = [service_deployment("near", "17:00:01"), service_deployment("current", "17:00:30")];
    let check = |deployments: Vec<DeploymentFacts>, expected: &str| {
        let current = Some(all[1].arn.clone());
        let service = ServiceFacts { current_service_deployment: current, deployments, ..case.service.clone() };
        let found = its_service_deployment(&case.record.deployments[0], &service, &all);
        assert_eq!(found.map(|it| it.arn.as_str()), Some(expected));
    };
    check(going(), "current");
    // It is the current one's only while its deployment is the PRIMARY.
    check(vec![primary(X, InProgress), active(N, InProgress)], "near");
}
