//! The state of a deployment in ECS's list, for the rules that need no more: they read no rollout state themselves.

use crate::model::facts::{DeploymentFacts, Rollout, ServiceFacts, Strategy};
use crate::model::record;

/// Whether it is the one that ECS deploys or has deployed.
pub fn is_primary(deployment: &DeploymentFacts) -> bool {
    deployment.status == "PRIMARY"
}

/// Whether ECS still deploys it.
pub fn is_in_progress(deployment: &DeploymentFacts) -> bool {
    deployment.rollout == Some(Rollout::InProgress)
}

/// Whether it won.
pub fn is_completed(deployment: &DeploymentFacts) -> bool {
    deployment.rollout == Some(Rollout::Completed)
}

/// Whether ECS calls it failed.
pub fn has_failed(deployment: &DeploymentFacts) -> bool {
    deployment.rollout == Some(Rollout::Failed)
}

/// Whether it has not won, in a service whose controller says so at all.
pub fn has_not_won(deployment: &DeploymentFacts) -> bool {
    deployment.rollout.is_some() && !is_completed(deployment)
}

/// The service with the rollout states that ECS left out: it gives them for rolling updates only ([Deployment]).
///
/// For another strategy the service deployment under way says whether the PRIMARY is in progress, and what is older than the
/// PRIMARY has completed before it. Of what is newer nothing is known: ECS goes back from it.
///
/// [Deployment]: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
pub fn with_rollouts(mut service: ServiceFacts) -> ServiceFacts {
    if service.strategy == Strategy::Rolling {
        return service;
    }
    let since = service.primary().and_then(|primary| primary.created_at);
    let is_under_way = service.current_service_deployment.is_some();
    for it in service.deployments.iter_mut().filter(|it| it.rollout.is_none()) {
        it.rollout = match is_primary(it) {
            true if is_under_way => Some(Rollout::InProgress),
            true => Some(Rollout::Completed),
            false => (it.created_at < since).then_some(Rollout::Completed),
        };
    }
    service
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

/// The last deployment, if it was published as failed, and ECS may still complete it.
pub fn may_complete_after_all(record: &record::Service) -> Option<&record::Deployment> {
    let last = record.deployments.first()?;
    last.outcome().filter(|outcome| outcome.may_complete_after_all()).map(|_| last)
}

/// What a new update would cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutShort<'a> {
    /// ECS's own rollback.
    Rollback,
    /// A traffic shift, by the name of its strategy: `blue/green`, `linear`, `canary`.
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
    use crate::model::id::ServiceDeploymentArn;
    use crate::rules::situation;

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
        check(Strategy::Rolling, true, "09:00:00", None, [None, None]);
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
