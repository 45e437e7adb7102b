//! ECS's own monitors of a deployment, its circuit breaker and its alarms: which of them called it failed, and whether ECS
//! rolls back by that. Each has a flag of its own.

use crate::model::event::{DeploymentEvent, StateChange};
use crate::model::facts::{Monitor, OnFailure, ServiceDeploymentFacts, ServiceFacts};
use crate::model::record;

use super::assess::Situation;
use super::service_deployment::{Became, became};
use super::{ecs_messages, has_failed};

/// Whether ECS itself rolls back from a deployment that it calls failed.
///
/// Where one monitor's flag says so and the other's does not, the one that was triggered counts. Where nothing says which that
/// was, ECS is left the time: a second rollback would fight its own.
pub(super) fn rolls_back(it: &Situation<'_>) -> bool {
    match (it.service.breaker, it.service.alarms) {
        (OnFailure::Off, one) | (one, OnFailure::Off) => one == OnFailure::RollsBack,
        (breaker, alarms) if breaker == alarms => breaker == OnFailure::RollsBack,
        _ => {
            let triggered = triggered(it);
            triggered.is_empty() || triggered.iter().any(|monitor| does(it.service, monitor) == OnFailure::RollsBack)
        }
    }
}

/// Whether a rollback by ECS itself is possible at all, as the service is set.
pub(super) fn may_roll_back(service: &ServiceFacts) -> bool {
    [service.breaker, service.alarms].contains(&OnFailure::RollsBack)
}

/// Whether it has to be read which monitor was triggered, in the whole of its service deployment: its flag decides, or a
/// notice is to name it. Without alarms it can only be the circuit breaker.
pub fn asks_which_was_triggered(
    deployment: &record::Deployment,
    service: &ServiceFacts,
    brief: &ServiceDeploymentFacts,
    event: Option<&DeploymentEvent>,
) -> bool {
    if service.alarms == OnFailure::Off {
        return false;
    }
    let own = service.deployments.iter().find(|it| Some(&it.id) == deployment.id());
    let says_failed =
        |event: &DeploymentEvent| event.change == StateChange::Failed && Some(&event.deployment) == deployment.id();
    let failed = match became(&brief.status) {
        Became::Won => false,
        Became::RollsBack | Became::Failed => true,
        Became::InProgress | Became::CutShort => own.is_some_and(has_failed) || event.is_some_and(says_failed),
    };
    let flags_differ = service.breaker != OnFailure::Off && service.breaker != service.alarms;
    failed && (flags_differ || deployment.failing().is_none())
}

/// The monitors that were triggered, as far as that is known: by the service deployment, else by ECS's words.
fn triggered(it: &Situation<'_>) -> Vec<Monitor> {
    let read = it.service_deployment.map(|it| it.monitors.triggered()).unwrap_or_default();
    if !read.is_empty() {
        return read.to_vec();
    }
    let by_words = |words: &str| match words {
        _ if ecs_messages::mentions(words, &["circuit breaker"]) => Some(Monitor::Breaker),
        _ if ecs_messages::mentions(words, &["alarm"]) => Some(Monitor::Alarms(Vec::new())),
        _ => None,
    };
    let said = it.service_deployment.and_then(ServiceDeploymentFacts::says);
    let listed = ecs_messages::own(it).and_then(|own| own.rollout_reason.as_deref());
    let event = it.deployment.id().and_then(|id| ecs_messages::event_of(it, id)?.reason.as_deref());
    [said, listed, event].into_iter().flatten().find_map(by_words).into_iter().collect()
}

/// What ECS does when this monitor is triggered.
fn does(service: &ServiceFacts, monitor: &Monitor) -> OnFailure {
    match monitor {
        Monitor::Breaker => service.breaker,
        Monitor::Alarms(_) => service.alarms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::ServiceDeploymentStatus as Status;
    use crate::rules::situation;
    use OnFailure::{Fails, Off, RollsBack};
    use serde_json::json;

    #[test]
    fn ecs_is_asked_which_monitor_it_was_only_where_that_is_not_known() {
        use crate::model::facts::Rollout::{Failed, InProgress};
        #[track_caller]
        fn check(
            flags: (OnFailure, OnFailure),
            rollout: crate::model::facts::Rollout,
            status: Status,
            is_noted: bool,
            expected: bool,
        ) {
            let failing = json!({ "at": situation::at("10:05:00"), "cause": "its tasks stopped" });
            let failing = if is_noted { failing } else { json!(null) };
            let deployment = situation::recorded(1, json!({ "deployment": "ecs-svc/1", "failing": failing }));
            let mut service = situation::service(vec![situation::primary(rollout)]);
            (service.breaker, service.alarms) = flags;
            let brief = situation::service_deployment(status);
            assert_eq!(asks_which_was_triggered(&deployment, &service, &brief, None), expected);
        }
        for status in [Status::InProgress, Status::Stopped] {
            check((Fails, RollsBack), Failed, status.clone(), false, true);
            check((Off, RollsBack), Failed, status.clone(), false, true);
            check((Fails, RollsBack), InProgress, status.clone(), false, false);
            check((RollsBack, Off), Failed, status.clone(), false, false);
            // The notice is published, and the flags say the same.
            check((RollsBack, RollsBack), Failed, status.clone(), true, false);
            check((Off, RollsBack), Failed, status.clone(), true, false);
            check((RollsBack, Fails), Failed, status, true, true);
        }
        for status in [Status::RollbackInProgress, Status::RollbackSuccessful, Status::RollbackFailed] {
            check((Fails, RollsBack), InProgress, status, false, true);
        }
        check((Fails, RollsBack), Failed, Status::Successful, false, false);
    }

    #[test]
    fn an_event_of_its_failure_comes_before_the_list() {
        let deployment = situation::recorded(1, json!({ "deployment": "ecs-svc/1" }));
        let primary = situation::primary(crate::model::facts::Rollout::InProgress);
        let service = ServiceFacts { alarms: RollsBack, ..situation::service(vec![primary]) };
        let brief = situation::service_deployment(Status::InProgress);
        let check = |change: StateChange, id: &str, expected: bool| {
            let deployment_of_it = crate::model::id::DeploymentId::new(id);
            let event =
                DeploymentEvent { change, deployment: deployment_of_it, reason: None, at: situation::at("10:05:00") };
            assert_eq!(asks_which_was_triggered(&deployment, &service, &brief, Some(&event)), expected);
        };
        check(StateChange::Failed, "ecs-svc/1", true);
        check(StateChange::Failed, "ecs-svc/2", false);
        check(StateChange::InProgress, "ecs-svc/1", false);
    }
}
