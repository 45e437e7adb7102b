//! The rows of ECS's own monitors, its circuit breaker and its alarms: which of them was triggered, by structure or by words,
//! and what follows, since each has its own flag.

use super::*;

#[test]
fn ecs_s_monitors_come_before_its_words() {
    let back = |status: Status, words: &str, monitors: &Monitors| {
        with(RollsBack, going()).service_deployment(status, words).monitors(monitors.clone())
    };
    let (by_user, by_breaker) = ("Rollback requested by a user.", "The circuit breaker was triggered.");
    let (triggered, quiet) = (Monitors::Triggered(vec![Monitor::Breaker]), Monitors::Quiet);
    let ecs = back(Status::RollbackInProgress, by_user, &triggered);
    row("the breaker or an alarm is triggered", ecs, "failed, and ECS is rolling back");
    row("the same, done", back(Status::RollbackSuccessful, by_user, &triggered), "ended: failed, rolled back by ECS");
    let somebody = back(Status::RollbackInProgress, by_breaker, &quiet);
    row("neither is triggered: so it was somebody", somebody, "failed, and somebody is rolling back");
    row("the same, done", back(Status::RollbackSuccessful, by_breaker, &quiet), "ended: stopped");
    let asked = back(Status::RollbackRequested, by_breaker, &triggered);
    row("somebody asks ECS to roll back", asked, "failed, and somebody is rolling back");
    let late =
        with(RollsBack, vec![primary(O, Completed)]).service_deployment(Status::InProgress, "").monitors(quiet.clone());
    row("O is back, and its service deployment lags behind that", late, "ended: failed, rolled back by ECS");
    let hook = back(Status::RollbackInProgress, "", &quiet).strategy(Strategy::BlueGreen);
    row("neither is triggered, where a hook may have refused", hook, "failed, and ECS is rolling back");
    let user = back(Status::RollbackInProgress, by_user, &quiet).strategy(Strategy::BlueGreen);
    row("the same, and words of a user", user, "failed, and somebody is rolling back");

    let stopped =
        |monitors: &Monitors| with(Fails, going()).service_deployment(Status::Stopped, "").monitors(monitors.clone());
    row(
        "stopped, and a monitor is triggered: ECS is not set to roll back",
        stopped(&triggered),
        "failed, as ECS reports",
    );
    row("stopped, and none is triggered", stopped(&quiet), "ended: stopped");
    let nowhere =
        with(RollsBack, going()).service_deployment(Status::RollbackFailed, "No rollback candidate was found.");
    row("ECS went nowhere", nowhere, "failed, as ECS reports");
    let somewhere =
        with(RollsBack, going()).service_deployment(Status::RollbackFailed, "No rollback candidate was found.");
    let somewhere = somewhere.rolls_back_to(O);
    row("whatever it says, ECS went back to O", somewhere, "ended: failed, and the rollback failed too");
}

#[test]
fn each_monitor_has_its_own_flag() {
    let ecs = "failed, and ECS is rolling back";
    let left = "failed, as ECS reports";
    let by = |monitor: Monitor| Monitors::Triggered(vec![monitor]);
    let alarms = || Monitor::Alarms(vec!["shop-5xx".to_owned()]);
    let failed = |breaker, alarms, monitors: Monitors| {
        let own = DeploymentFacts { rollout_reason: None, ..primary(N, Failed) };
        let case = with(breaker, vec![own, active(O, Completed)]).alarms(alarms);
        case.service_deployment(Status::InProgress, "").monitors(monitors)
    };
    row("the breaker, which does not roll back", failed(Fails, RollsBack, by(Monitor::Breaker)), left);
    row("the alarms, which do", failed(Fails, RollsBack, by(alarms())), ecs);
    row("the breaker, which does", failed(RollsBack, Fails, by(Monitor::Breaker)), ecs);
    row("the alarms, which do not", failed(RollsBack, Fails, by(alarms())), left);
    let both = || Monitors::Triggered(vec![Monitor::Breaker, alarms()]);
    row("both, and the alarms roll back", failed(Fails, RollsBack, both()), ecs);
    row("both, and the breaker rolls back", failed(RollsBack, Fails, both()), ecs);
    row("both, and neither rolls back", failed(Fails, Fails, both()), left);
    row("the alarms, and there is no breaker", failed(Off, RollsBack, by(alarms())), ecs);
    row("the same, and they do not roll back", failed(Off, Fails, by(alarms())), left);
    row("nothing says which, and either may roll back", failed(Fails, RollsBack, Monitors::Unread), ecs);
    row("nothing says which, and neither does", failed(Fails, Fails, Monitors::Unread), left);
    row("nothing says which, and there is only the breaker", failed(Fails, Off, Monitors::Unread), left);
    row("nothing says which, and there are only the alarms", failed(Off, Fails, Monitors::Unread), left);
    row("the same, and they roll back", failed(Off, RollsBack, Monitors::Unread), ecs);
}

#[test]
fn ecs_s_words_say_which_monitor_it_was_where_nothing_else_does() {
    let alarm = "ECS deployment failed: alarm detected.";
    let says = |breaker, alarms, words: &str| {
        let own = DeploymentFacts { rollout_reason: Some(words.to_owned()), ..primary(N, Failed) };
        with(breaker, vec![own, active(O, Completed)]).alarms(alarms)
    };
    row("the breaker", says(Fails, RollsBack, STUCK), "failed, as ECS reports");
    row("an alarm", says(Fails, RollsBack, alarm), "failed, and ECS is rolling back");
    row("the breaker, which rolls back", says(RollsBack, Fails, STUCK), "failed, and ECS is rolling back");
    row("an alarm, which does not", says(RollsBack, Fails, alarm), "failed, as ECS reports");
    let structure = says(Fails, RollsBack, STUCK).service_deployment(Status::InProgress, "");
    let structure = structure.monitors(Monitors::Triggered(vec![Monitor::Alarms(Vec::new())]));
    row("structure comes before words", structure, "failed, and ECS is rolling back");
    let event = with(Fails, going()).alarms(RollsBack).event(StateChange::Failed, N, "17:05:59");
    row("the words of its event", event, "failed, as ECS reports");
}
