//! The table of Slipway's own rollbacks: how one stands that is decided, made, or overtaken.

use super::case::*;
use super::*;

#[test]
fn slipway_rolls_back_by_an_update() {
    let after = |deployments: Vec<DeploymentFacts>, id: Option<&str>, done: Option<&str>| {
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
    let event = after(vec![primary(R, InProgress)], Some(R), done).event(StateChange::Completed, R, "17:14:59");
    row("its COMPLETED came, the list lags", event, "ended: failed, rolled back by Slipway");
    row(
        "it failed too",
        after(vec![primary(R, Failed), active(N, InProgress)], Some(R), done),
        "ended: failed, and the rollback failed too",
    );
    let event = after(vec![primary(R, InProgress)], Some(R), done).event(StateChange::Failed, R, "17:14:59");
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
    let newest = DeploymentFacts { created_at: Some(time("17:12:00")), ..primary(X, InProgress) };
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
    row("it went over one that was not observed", recorded("17:09:58"), "failed, and Slipway is rolling back");
    row("N completed before the call was made", after(vec![primary(N, Completed)], None, None), "ended: completed");
}

#[test]
fn whoever_decided_a_rollback_may_still_be_at_it() {
    let newest = DeploymentFacts { created_at: Some(time("17:12:00")), ..primary(X, InProgress) };
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
    row("the same, and the holder died", over(lease(), None).at("17:16:00"), replaced);
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
    let looks_like_it = |at: &str| {
        let case = with(Off, vec![primary(R, InProgress), active(N, InProgress)]);
        let case = case.rollback_decided(RollbackMethod::Update, None, None).at(at);
        Case { record: record::Service { lease: lease(), ..case.record }, ..case }
    };
    row(
        "what looks like it may be somebody else's, while the call may still be made",
        looks_like_it("17:11:00"),
        "failed, and its rollback may still begin until 17:16",
    );
    row("the same, and the holder died", looks_like_it("17:16:00"), "failed, and Slipway is rolling back");
    let went_back = |lease: Option<record::Lease>| {
        let case = with(RollsBack, vec![back(Completed)]).rollback_decided(RollbackMethod::Update, None, None);
        Case { record: record::Service { lease, ..case.record }, ..case }
    };
    row("ECS went back before the call is made", went_back(None), "ended: failed, rolled back by ECS");
    row(
        "the same, or a tool did, while the call may still be made",
        went_back(lease()),
        "failed, and its rollback may still begin until 17:16",
    );
    let made = with(Off, vec![newest.clone(), active(R, InProgress)]).rollback_decided(
        RollbackMethod::Update,
        Some(R),
        Some("17:12:30"),
    );
    row("somebody deploys over the rollback before its answer comes", made, replaced);
}

#[test]
fn an_external_deployment_is_no_rollback() {
    let check = |how: RollbackMethod, id: Option<&str>, primary: DeploymentFacts, expected: Option<&str>| {
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
        DeploymentFacts { created_at: Some(time("17:12:00")), ..primary(X, InProgress) },
        None,
    );
    check(RollbackMethod::Update, None, back(InProgress), None);
    check(RollbackMethod::Update, Some(R), primary(R, Completed), Some(R));
    check(RollbackMethod::Update, Some(R), primary(X, Completed), None);
}

#[test]
fn slipway_rolls_back_by_a_stop() {
    let after = |status: Status, done: Option<&str>| {
        with(Off, going()).service_deployment(status, "").rollback_decided(RollbackMethod::Stop, None, done)
    };
    let done = Some("17:10:01");
    row(
        "decided, and the call was never made",
        after(Status::InProgress, None),
        "failed, and its rollback is decided but not under way",
    );
    row("accepted, and nothing shows yet", after(Status::InProgress, done), "failed, and Slipway is rolling back");
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
    row("it has no service deployment, but O is back", listed, "ended: failed, rolled back by Slipway");
    let slow = after(Status::RollbackInProgress, done).at("17:41:00");
    row("its time is up too", slow, "ended: failed, and the rollback failed too");
}
