//! The state of a deployment in ECS's list, for the rules that need no more: they read no rollout state themselves.

use crate::model::event::{DeploymentEvent, StateChange};
use crate::model::facts::{DeploymentFacts, Rollout, ServiceFacts, Strategy};
use crate::model::record;

use super::ecs_messages;

/// Whether it is the one that ECS deploys or has deployed.
pub fn is_primary(deployment: &DeploymentFacts) -> bool {
    deployment.status == "PRIMARY"
}

/// Whether ECS still deploys it, or called it completed before all its tasks run.
pub fn is_in_progress(deployment: &DeploymentFacts) -> bool {
    matches!(deployment.rollout, Some(Rollout::InProgress | Rollout::CompletedEarly))
}

/// Whether ECS called it completed before all its tasks run: neither its circuit breaker nor its alarms act any more.
pub fn completed_early(deployment: &DeploymentFacts) -> bool {
    deployment.rollout == Some(Rollout::CompletedEarly)
}

/// Whether it is in progress, and the record does not say that it ended. Of what completed early a task may be missing again
/// at any time later.
pub fn is_under_way(record: &record::Service, deployment: &DeploymentFacts) -> bool {
    is_in_progress(deployment) && !(completed_early(deployment) && has_ended(record, deployment))
}

fn has_ended(record: &record::Service, deployment: &DeploymentFacts) -> bool {
    record.of_id(&deployment.id).is_some_and(|it| !it.is_open())
}

/// Whether no event tells when the PRIMARY has all its tasks, so that ECS has to be asked again: it completed early, perhaps
/// just now.
pub fn awaits_its_tasks(service: &ServiceFacts, event: Option<&DeploymentEvent>) -> bool {
    let Some(primary) = service.primary().filter(|_| service.completes_early) else { return false };
    let says_completed =
        |event: &DeploymentEvent| event.change == StateChange::Completed && event.deployment == primary.id;
    completed_early(primary) || event.is_some_and(says_completed) && !is_completed(primary)
}

/// Whether it won.
pub fn is_completed(deployment: &DeploymentFacts) -> bool {
    deployment.rollout == Some(Rollout::Completed)
}

/// Whether ECS calls it failed.
pub fn has_failed(deployment: &DeploymentFacts) -> bool {
    deployment.rollout == Some(Rollout::Failed)
}

/// Whether it has not won, in a service whose controller says so at all; what ended by the record has.
pub fn has_not_won(record: &record::Service, deployment: &DeploymentFacts) -> bool {
    let ended = completed_early(deployment) && has_ended(record, deployment);
    deployment.rollout.is_some() && !is_completed(deployment) && !ended
}

/// The service with rollout states as the rules take them.
///
/// ECS leaves them out for traffic shifts and behind Classic Load Balancers ([Deployment]); and with early success criteria it
/// calls a rolling deployment completed before all its tasks run ([DeploymentEarlySuccessCriteria]).
///
/// [Deployment]: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
/// [DeploymentEarlySuccessCriteria]: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentEarlySuccessCriteria.html
pub fn with_rollouts(mut service: ServiceFacts) -> ServiceFacts {
    match service.strategy {
        Strategy::Rolling => of_rolling(&mut service),
        _ => of_shift(&mut service),
    }
    service
}

/// For a rolling deployment without a state: it is in progress while a service deployment is under way, and won when it is alone
/// and complete. Else it failed, as ECS's log may say, or was stopped, which only ECS's history knows; and of what is older nothing
/// is known, because it may have been superseded.
fn of_rolling(service: &mut ServiceFacts) {
    let is_under_way = service.current_service_deployment.is_some();
    let has_failed = !is_under_way && primary_was_left_failed(service);
    let is_alone = service.deployments.len() == 1;
    let completes_early = service.completes_early;
    let Some(it) = service.deployments.iter_mut().find(|it| is_primary(it)) else { return };
    let has_its_tasks = it.running_count >= it.desired_count;
    let is_complete = is_alone && has_its_tasks && it.pending_count == 0;
    it.rollout = match it.rollout.take() {
        Some(Rollout::Completed) if completes_early && !has_its_tasks => Some(Rollout::CompletedEarly),
        None if has_failed => Some(Rollout::Failed),
        None if is_complete && (it.desired_count > 0 || !is_under_way) => Some(Rollout::Completed),
        None if is_under_way => Some(Rollout::InProgress),
        given => given,
    };
}

/// Whether ECS's log says that the PRIMARY failed: ECS leaves it so where it does not roll back.
fn primary_was_left_failed(service: &ServiceFacts) -> bool {
    service.primary().is_some_and(|primary| ecs_messages::says_failed(service, &primary.id))
}

/// For a traffic shift without a state: the service deployment under way says whether the PRIMARY is in progress, and what is
/// older than the PRIMARY has completed before it. Of what is newer nothing is known: ECS goes back from it.
fn of_shift(service: &mut ServiceFacts) {
    let has_failed = primary_was_left_failed(service);
    let since = service.primary().and_then(|primary| primary.created_at);
    let is_under_way = service.current_service_deployment.is_some();
    for it in service.deployments.iter_mut().filter(|it| it.rollout.is_none()) {
        it.rollout = match is_primary(it) {
            true if is_under_way => Some(Rollout::InProgress),
            true if has_failed => Some(Rollout::Failed),
            true => Some(Rollout::Completed),
            false => (it.created_at < since).then_some(Rollout::Completed),
        };
    }
}

/// Whether tasks of this revision, `web:42`, run as the one that won.
///
/// A deployment without a task completes as well, and proves nothing about its revision. What ECS lists no more is believed
/// where the service is to have tasks.
pub fn has_run(service: &ServiceFacts, revision: &str) -> bool {
    let won = |it: &&DeploymentFacts| it.task_definition.short() == revision && is_completed(it);
    match service.deployments.iter().find(won) {
        Some(deployment) => deployment.running_count > 0,
        None => service.desired_count > 0,
    }
}

/// The last deployment, if it was published as failed, nobody rolled back, and it has completed after all.
pub fn completed_after_all<'a>(record: &'a record::Service, service: &ServiceFacts) -> Option<&'a record::Deployment> {
    let last = may_complete_after_all(record)?;
    let primary = service.primary().filter(|primary| is_completed(primary))?;
    (last.id() == Some(&primary.id)).then_some(last)
}

/// The last deployment, if it was published as failed, and ECS may still complete it: what ECS itself called failed it does not
/// take up again.
pub fn may_complete_after_all(record: &record::Service) -> Option<&record::Deployment> {
    let last = record.deployments.first()?;
    let by_ecs = last.failing().is_some_and(|failing| failing.by == record::FailedBy::Ecs);
    last.outcome().filter(|outcome| outcome.may_complete_after_all() && !by_ecs).map(|_| last)
}

/// What a new update would cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutShort<'a> {
    /// ECS's own rollback.
    Rollback,
    /// A traffic shift, by the name of its strategy: `blue/green`, `linear`, `canary`, `CodeDeploy`.
    Shift(&'a str),
}

/// What an update would cut short if this deployment, the service's PRIMARY, is in progress. A rolling deployment may be
/// superseded: then it is `None`.
pub fn cuts_short<'a>(service: &'a ServiceFacts, primary: &DeploymentFacts) -> Option<CutShort<'a>> {
    if !is_in_progress(primary) {
        return None;
    }
    if primary.is_rollback() {
        return Some(CutShort::Rollback);
    }
    match &service.strategy {
        Strategy::Rolling => None,
        Strategy::BlueGreen => Some(CutShort::Shift("blue/green")),
        Strategy::Linear => Some(CutShort::Shift("linear")),
        Strategy::Canary => Some(CutShort::Shift("canary")),
        Strategy::CodeDeploy => Some(CutShort::Shift("CodeDeploy")),
        Strategy::Other(name) => Some(CutShort::Shift(name)),
    }
}

/// Where ECS goes back to from this deployment, as far as its list shows: the last other one that completed.
pub fn goes_back_to<'a>(service: &'a ServiceFacts, failed: &DeploymentFacts) -> Option<&'a DeploymentFacts> {
    let completed = service.deployments.iter().filter(|it| it.id != failed.id && is_completed(it));
    completed.max_by_key(|it| it.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::ServiceMessage;
    use crate::model::id::{DeploymentId, ServiceDeploymentArn};
    use crate::rules::situation;
    use serde_json::json;

    #[test]
    fn a_rollout_state_that_is_left_out_follows_from_the_service_deployment() {
        /// web:41 is the PRIMARY since 10:00:02; another deployment was made then.
        #[track_caller]
        fn check(
            strategy: Strategy,
            under_way: bool,
            other: &str,
            given: Option<Rollout>,
            expected: [Option<Rollout>; 2],
        ) {
            let primary = DeploymentFacts { rollout: given.clone(), ..situation::primary(Rollout::Completed) };
            let created_at = Some(situation::at(other));
            let other = DeploymentFacts { status: "ACTIVE".to_owned(), created_at, ..primary.clone() };
            let current = under_way.then(|| ServiceDeploymentArn::new("service-deployment/prod/web/N"));
            let service = situation::service(vec![primary, other]);
            let service = with_rollouts(ServiceFacts { strategy, current_service_deployment: current, ..service });
            let rollouts: Vec<_> = service.deployments.iter().map(|it| it.rollout.clone()).collect();
            assert_eq!(rollouts, expected);
        }
        let (going, done) = (Some(Rollout::InProgress), Some(Rollout::Completed));
        for strategy in [Strategy::BlueGreen, Strategy::Linear, Strategy::Canary] {
            check(strategy.clone(), true, "09:00:00", None, [going.clone(), done.clone()]);
            check(strategy.clone(), false, "09:00:00", None, [done.clone(), done.clone()]);
            // ECS goes back from the other one.
            check(strategy.clone(), true, "11:00:00", None, [going.clone(), None]);
            check(strategy, true, "09:00:00", Some(Rollout::Failed), [Some(Rollout::Failed), Some(Rollout::Failed)]);
        }
    }

    #[test]
    fn a_rolling_deployment_without_a_state_is_judged_by_its_tasks_and_the_service_deployment() {
        /// The PRIMARY has so many tasks, `running/desired+pending`.
        #[track_caller]
        fn check(tasks: (i32, i32, i32), listed: usize, under_way: bool, expected: [Option<Rollout>; 2]) {
            let (running_count, desired_count, pending_count) = tasks;
            let primary = situation::primary(Rollout::Completed);
            let primary = DeploymentFacts { rollout: None, running_count, desired_count, pending_count, ..primary };
            let other = DeploymentFacts { status: "ACTIVE".to_owned(), ..primary.clone() };
            let current = under_way.then(|| ServiceDeploymentArn::new("service-deployment/prod/web/N"));
            let service = situation::service([primary, other][..listed].to_vec());
            let service = with_rollouts(ServiceFacts { current_service_deployment: current, ..service });
            let mut rollouts: Vec<_> = service.deployments.iter().map(|it| it.rollout.clone()).collect();
            rollouts.resize(2, None);
            assert_eq!(rollouts, expected, "{tasks:?}");
        }
        let (going, done) = ([Some(Rollout::InProgress), None], [Some(Rollout::Completed), None]);
        for under_way in [true, false] {
            check((2, 2, 0), 1, under_way, done.clone());
            check((3, 2, 0), 1, under_way, done.clone());
        }
        check((1, 2, 1), 1, true, going.clone());
        check((2, 2, 1), 1, true, going.clone());
        check((2, 2, 0), 2, true, going.clone());
        check((0, 0, 0), 1, true, going);
        check((0, 0, 0), 1, false, done);
        // It failed or was stopped, as ECS's history says.
        check((1, 2, 1), 1, false, [None, None]);
        check((2, 2, 0), 2, false, [None, None]);
    }

    #[test]
    fn what_ecs_s_log_calls_failed_and_left_so_has_not_completed() {
        #[track_caller]
        fn check(strategy: Strategy, under_way: bool, failed: &str, expected: Rollout) {
            let primary = DeploymentFacts { rollout: None, ..situation::primary(Rollout::Completed) };
            let message = format!("(service web) (deployment {failed}) deployment failed: alarm detected.");
            let service = ServiceFacts {
                strategy,
                current_service_deployment: under_way
                    .then(|| ServiceDeploymentArn::new("service-deployment/prod/web/N")),
                events: vec![ServiceMessage { at: None, message }],
                ..situation::service(vec![primary])
            };
            assert_eq!(with_rollouts(service).deployments[0].rollout, Some(expected));
        }
        for strategy in [Strategy::Rolling, Strategy::BlueGreen] {
            check(strategy.clone(), false, "ecs-svc/1", Rollout::Failed);
            check(strategy, false, "ecs-svc/2", Rollout::Completed);
        }
        // ECS goes back from it, or to it.
        check(Strategy::BlueGreen, true, "ecs-svc/1", Rollout::InProgress);
    }

    #[test]
    fn what_completes_before_all_its_tasks_run_is_in_progress_to_us() {
        #[track_caller]
        fn check(completes_early: bool, running: i32, given: Rollout, expected: Rollout) {
            let primary = DeploymentFacts { running_count: running, ..situation::primary(given) };
            let service = ServiceFacts { completes_early, ..situation::service(vec![primary]) };
            let service = with_rollouts(service);
            assert_eq!(service.deployments[0].rollout, Some(expected));
        }
        check(true, 1, Rollout::Completed, Rollout::CompletedEarly);
        check(true, 2, Rollout::Completed, Rollout::Completed);
        check(true, 1, Rollout::Failed, Rollout::Failed);
        check(true, 1, Rollout::InProgress, Rollout::InProgress);
        check(false, 1, Rollout::Completed, Rollout::Completed);
    }

    #[test]
    fn what_ended_by_the_record_is_not_under_way_again_when_a_task_is_missing() {
        let early = situation::primary(Rollout::CompletedEarly);
        let going = situation::primary(Rollout::InProgress);
        #[track_caller]
        fn check(deployment: &DeploymentFacts, outcome: Option<&str>, expected: bool) {
            let recorded = match outcome {
                Some(outcome) => situation::recorded(1, json!({ "deployment": "ecs-svc/1", "outcome": outcome })),
                None => situation::recorded(1, json!({ "deployment": "ecs-svc/1" })),
            };
            let record = record::Service { deployments: vec![recorded], ..record::Service::default() };
            assert_eq!(is_under_way(&record, deployment), expected);
            assert_eq!(has_not_won(&record, deployment), expected);
        }
        check(&early, None, true);
        check(&early, Some("completed"), false);
        check(&going, None, true);
        check(&going, Some("completed"), true);
        assert!(is_under_way(&record::Service::default(), &early));
    }

    #[test]
    fn only_what_slipway_gave_up_may_complete_after_all() {
        #[track_caller]
        fn check(by: Option<&str>, outcome: &str, expected: bool) {
            let failing = by.map(|by| json!({ "at": situation::at("10:05:00"), "cause": "its time is up", "by": by }));
            let it = json!({ "deployment": "ecs-svc/1", "outcome": outcome, "failing": failing });
            let record =
                record::Service { deployments: vec![situation::recorded(1, it)], ..record::Service::default() };
            let service = situation::service(vec![situation::primary(Rollout::Completed)]);
            assert_eq!(completed_after_all(&record, &service).is_some(), expected, "{by:?} {outcome}");
        }
        check(Some("deadline"), "timed_out", true);
        check(Some("tasks"), "failed", true);
        check(None, "failed", true);
        check(Some("ecs"), "failed", false);
        check(Some("deadline"), "rolled_back_by_slipway", false);
    }

    #[test]
    fn ecs_is_asked_again_where_no_event_tells_when_all_tasks_run() {
        #[track_caller]
        fn check(completes_early: bool, rollout: Rollout, event: Option<(StateChange, &str)>, expected: bool) {
            let service = situation::service(vec![situation::primary(rollout)]);
            let event = event.map(|(change, id)| DeploymentEvent {
                change,
                deployment: DeploymentId::new(id),
                reason: None,
                at: situation::at("10:02:00"),
            });
            assert_eq!(awaits_its_tasks(&ServiceFacts { completes_early, ..service }, event.as_ref()), expected);
        }
        check(true, Rollout::CompletedEarly, None, true);
        check(true, Rollout::Completed, None, false);
        check(true, Rollout::InProgress, None, false);
        // Its event comes before the list.
        check(true, Rollout::InProgress, Some((StateChange::Completed, "ecs-svc/1")), true);
        check(true, Rollout::InProgress, Some((StateChange::Completed, "ecs-svc/2")), false);
        check(true, Rollout::InProgress, Some((StateChange::InProgress, "ecs-svc/1")), false);
        check(true, Rollout::Completed, Some((StateChange::Completed, "ecs-svc/1")), false);
        check(false, Rollout::InProgress, Some((StateChange::Completed, "ecs-svc/1")), false);
    }

    #[test]
    fn a_revision_has_run_where_its_tasks_do() {
        #[track_caller]
        fn check(rollout: Rollout, running: i32, desired: i32, revision: &str, expected: bool) {
            let primary = DeploymentFacts { running_count: running, ..situation::primary(rollout) };
            let service = ServiceFacts { desired_count: desired, ..situation::service(vec![primary]) };
            assert_eq!(has_run(&service, revision), expected);
        }
        check(Rollout::Completed, 2, 2, "web:41", true);
        check(Rollout::Completed, 0, 2, "web:41", false);
        check(Rollout::Completed, 0, 0, "web:41", false);
        // Another one is listed by now.
        check(Rollout::InProgress, 0, 2, "web:41", true);
        check(Rollout::Completed, 2, 2, "web:40", true);
        check(Rollout::Completed, 0, 0, "web:40", false);
    }
}
