//! CodeDeploy, described in the words in which ECS's own deployments are judged: what is under way is the PRIMARY, and each
//! deployment of CodeDeploy is a service deployment. So every other rule needs no word of CodeDeploy.
//!
//! A deployment is judged by its id, its lifecycle events and the rollback that belongs to it, not by its status alone: one
//! that was stopped and rolled back has been seen to say `Succeeded` (kayac/ecspresso, issue 663).

use jiff::{SignedDuration, Timestamp};

use crate::model::facts::{
    CodeDeploy, CodeDeployStatus, CodeDeployment, DeploymentFacts, Hook, HookWaitsFor, LifecycleStatus, Monitor,
    Monitors, OnFailure, OnTimeout, Pause, Rollout, ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts,
    Strategy, TaskSet,
};
use crate::model::id::{DeploymentId, ServiceDeploymentArn};
use crate::model::record;

use super::assess::LAG;

/// How a deployment of CodeDeploy stands, with what became of its rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has not ended; neither has one whose old tasks still wait for their end.
    Open,
    Won,
    /// It is rolled back, or is about to be.
    RollingBack,
    RolledBack,
    RollbackFailed,
    /// It failed, and nobody rolls it back.
    Failed,
    /// Somebody stopped it, and nobody rolls it back.
    Stopped,
}

/// The service with its deployments as ECS would list them if it carried them out itself.
///
/// While a deployment is open it is the PRIMARY, whichever task set takes the traffic; while it is rolled back, what it goes
/// back to is.
pub fn with_code_deploy(mut service: ServiceFacts, code_deploy: CodeDeploy, now: Timestamp) -> ServiceFacts {
    service.strategy = Strategy::CodeDeploy;
    // CodeDeploy counts no tasks, and what it does about alarms is described with each deployment.
    (service.breaker, service.alarms) = (OnFailure::Off, OnFailure::Off);
    let newest = newest(&code_deploy);
    let standing = newest.map(|it| standing(it, &code_deploy, now));
    service.deployments = listed(&service, newest.zip(standing), &code_deploy);
    let is_under_way = matches!(standing, Some(Standing::Open | Standing::RollingBack));
    service.current_service_deployment = newest.filter(|_| is_under_way).map(arn);
    if let Some(primary) = service.primary() {
        // Both task sets have all tasks; people are told of those that are to serve.
        let (definition, running) = (primary.task_definition.clone(), primary.running_count);
        (service.task_definition, service.running_count) = (definition, running);
    }
    service.code_deploy = Some(code_deploy);
    service
}

/// The deployments that were read as service deployments, with all that there is to know of them; a rollback is part of what
/// it rolls back.
pub fn service_deployments(
    service: &ServiceFacts,
    code_deploy: &CodeDeploy,
    now: Timestamp,
) -> Vec<ServiceDeploymentFacts> {
    let of_itself = code_deploy.deployments.iter().filter(|it| it.rollback.of.is_none());
    let mut all: Vec<_> = of_itself.map(|it| service_deployment(it, service, code_deploy, now)).collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.created_at));
    all
}

/// The deployment whose task set started a task: ECS names the task set, CodeDeploy the deployment.
pub fn that_started<'a>(service: &'a ServiceFacts, started_by: &'a DeploymentId) -> &'a DeploymentId {
    let set = service.task_sets.iter().find(|set| set.id == *started_by);
    set.map_or(started_by, id_of)
}

/// The deployments of CodeDeploy that made the task sets of a service, that of the one that takes the traffic first.
pub fn makers(service: &ServiceFacts) -> Vec<&DeploymentId> {
    let mut sets = live_sets(service);
    sets.sort_by_key(|set| !takes_traffic(set));
    sets.into_iter().filter_map(|set| set.external_id.as_ref()).collect()
}

/// When the wait before the old tasks end may be cut: when all traffic has gone to the new tasks for so long, and none of them
/// failed. `None` while it does not wait for that.
pub fn may_cut_the_wait(
    it: &ServiceDeploymentFacts,
    deployment: &record::Deployment,
    after: SignedDuration,
) -> Option<Timestamp> {
    let waits = it.is_of_code_deploy() && matches!(super::stage(it), Some(super::Stage::Baking { .. }));
    it.updated_at.filter(|_| waits && deployment.failed_tasks.is_empty()).map(|served_since| served_since + after)
}

/// Whether a deployment can be stopped so that it is rolled back, although it waits for nobody.
pub fn can_be_stopped(service: &ServiceFacts) -> bool {
    service.strategy == Strategy::CodeDeploy
        && service.current_service_deployment.is_some()
        && service.primary().is_some_and(|it| it.id.is_of_code_deploy() && !it.is_rollback())
}

/// Whether its events may have to be read, which is a call of its own.
pub fn events_count(it: &CodeDeployment) -> bool {
    is_open(it) || it.rollback.by.is_none() && it.status != CodeDeployStatus::Succeeded
}

/// The newest deployment that is no rollback: what the group names as its last, or what that rolls back.
fn newest(code_deploy: &CodeDeploy) -> Option<&CodeDeployment> {
    let of_id = |id: &DeploymentId| code_deploy.deployments.iter().find(|it| it.id == *id);
    let last = code_deploy.group.last.as_ref().and_then(of_id);
    let named = last.and_then(|last| last.rollback.of.as_ref().map_or(Some(last), of_id));
    let of_itself = || code_deploy.deployments.iter().filter(|it| it.rollback.of.is_none());
    named.or_else(|| of_itself().max_by_key(|it| it.created_at))
}

fn is_open(it: &CodeDeployment) -> bool {
    use CodeDeployStatus::*;
    match it.status {
        Created | Queued | InProgress | Baking | Ready => true,
        Succeeded | Failed | Stopped => false,
        Other(_) => it.completed_at.is_none(),
    }
}

fn standing(it: &CodeDeployment, code_deploy: &CodeDeploy, now: Timestamp) -> Standing {
    if is_open(it) {
        return Standing::Open;
    }
    let is_its_rollback = |other: &&CodeDeployment| {
        Some(&other.id) == it.rollback.by.as_ref() || other.rollback.of.as_ref() == Some(&it.id)
    };
    match code_deploy.deployments.iter().find(is_its_rollback) {
        Some(rollback) if is_open(rollback) => Standing::RollingBack,
        Some(rollback) if rollback.status == CodeDeployStatus::Succeeded => Standing::RolledBack,
        Some(_) => Standing::RollbackFailed,
        None if it.rollback.by.is_some() => Standing::RollingBack,
        None if it.status == CodeDeployStatus::Succeeded => Standing::Won,
        None if awaits_its_rollback(it, now) => Standing::RollingBack,
        None if was_stopped(it) => Standing::Stopped,
        None => Standing::Failed,
    }
}

/// Whether CodeDeploy may be about to roll it back: by its configuration, or because whoever stopped it asked for that, which
/// nothing shows. There is nothing to roll back before a task set was made.
fn awaits_its_rollback(it: &CodeDeployment, now: Timestamp) -> bool {
    let event = match code(it) {
        Some("ALARM_ACTIVE") => "DEPLOYMENT_STOP_ON_ALARM",
        _ if it.status == CodeDeployStatus::Stopped => "DEPLOYMENT_STOP_ON_REQUEST",
        _ => "DEPLOYMENT_FAILURE",
    };
    let is_asked = was_stopped(it) || it.rolls_back_on.iter().any(|on| on == event);
    is_asked && was_installed(it) && it.completed_at.is_some_and(|at| now.duration_since(at) < LAG)
}

/// Whether somebody stopped it.
fn was_stopped(it: &CodeDeployment) -> bool {
    it.status == CodeDeployStatus::Stopped && matches!(code(it), None | Some("MANUAL_STOP"))
}

fn code(it: &CodeDeployment) -> Option<&str> {
    it.error.as_ref().map(|(code, _)| code.as_str())
}

/// Its error as people read it.
fn error(it: &CodeDeployment) -> Option<String> {
    it.error.as_ref().map(|(code, words)| format!("{code}: {words}"))
}

/// What CodeDeploy says of it: its error, or else why it is rolled back.
fn words(it: &CodeDeployment) -> Option<String> {
    error(it).or_else(|| it.rollback.message.clone())
}

fn was_installed(it: &CodeDeployment) -> bool {
    reached(it, "Install").is_some()
}

/// How far a lifecycle event is that was reached.
fn reached<'a>(it: &'a CodeDeployment, name: &str) -> Option<&'a LifecycleStatus> {
    let event = it.events.iter().find(|event| event.name == name)?;
    (!matches!(event.status, LifecycleStatus::Pending | LifecycleStatus::Skipped)).then_some(&event.status)
}

fn has_succeeded(it: &CodeDeployment, name: &str) -> bool {
    reached(it, name) == Some(&LifecycleStatus::Succeeded)
}

/// Whether a lifecycle event has succeeded, or had nothing to do.
fn is_over(it: &CodeDeployment, name: &str) -> bool {
    use LifecycleStatus::{Skipped, Succeeded};
    it.events.iter().any(|event| event.name == name && matches!(event.status, Succeeded | Skipped))
}

fn arn(it: &CodeDeployment) -> ServiceDeploymentArn {
    ServiceDeploymentArn::new(it.id.as_str())
}

/// By which a task set is known: the deployment that made it, or else itself.
fn id_of(set: &TaskSet) -> &DeploymentId {
    set.external_id.as_ref().unwrap_or(&set.id)
}

/// The task sets that have not had their end yet.
fn live_sets(service: &ServiceFacts) -> Vec<&TaskSet> {
    service.task_sets.iter().filter(|set| set.status != "DRAINING").collect()
}

fn takes_traffic(set: &TaskSet) -> bool {
    set.status == "PRIMARY"
}

/// The task sets as ECS would list their deployments, the PRIMARY first.
fn listed(
    service: &ServiceFacts,
    newest: Option<(&CodeDeployment, Standing)>,
    code_deploy: &CodeDeploy,
) -> Vec<DeploymentFacts> {
    let sets = live_sets(service);
    let serving = sets.iter().copied().find(|set| takes_traffic(set));
    let Some((newest, standing)) = newest else {
        return serving.map(|set| of_set(set, Some(Rollout::Completed), code_deploy)).into_iter().collect();
    };
    let is_own = |set: &&TaskSet| *id_of(set) == newest.id;
    let own = sets.iter().copied().find(is_own);
    // What it replaces, or goes back to: what serves, or while its own tasks do, what served before.
    let before = serving.filter(|set| !is_own(set)).or_else(|| sets.iter().copied().find(|set| !is_own(set)));
    let of_set = |set: &TaskSet, rollout| of_set(set, rollout, code_deploy);
    let primary =
        |set: &TaskSet, rollout| DeploymentFacts { status: "PRIMARY".to_owned(), ..of_set(set, Some(rollout)) };
    let other = |set: &TaskSet, rollout| DeploymentFacts { status: "ACTIVE".to_owned(), ..of_set(set, Some(rollout)) };
    let of_newest = |rollout| match own {
        Some(set) => primary(set, rollout),
        None => without_tasks(service, newest, rollout),
    };
    let stopped = || Rollout::Other("STOPPED".to_owned());
    // What failed is listed without tasks, too: CodeDeploy's words need not say that it did.
    let its_rest = || {
        let rollout = if standing == Standing::Stopped { stopped() } else { Rollout::Failed };
        let failed =
            || DeploymentFacts { status: "ACTIVE".to_owned(), ..without_tasks(service, newest, Rollout::Failed) };
        let rest = own.map(|set| other(set, rollout));
        rest.or_else(|| (standing == Standing::Failed).then(failed))
    };
    let (first, second) = match standing {
        Standing::Open => (of_newest(Rollout::InProgress), before.map(|set| other(set, Rollout::Completed))),
        Standing::Won if own.is_some() || serving.is_none() => (of_newest(Rollout::Completed), None),
        Standing::RollingBack => match before {
            Some(set) => (going_back(primary(set, Rollout::InProgress), newest), its_rest()),
            None => (of_newest(Rollout::InProgress), None),
        },
        Standing::Failed | Standing::Stopped if own.is_some_and(takes_traffic) => {
            let rollout = match standing {
                Standing::Stopped => stopped(),
                _ => Rollout::Failed,
            };
            (
                DeploymentFacts { rollout_reason: error(newest), ..of_newest(rollout) },
                before.map(|it| other(it, Rollout::Completed)),
            )
        }
        Standing::Won | Standing::RolledBack | Standing::RollbackFailed | Standing::Failed | Standing::Stopped => {
            let Some(set) = serving else { return Vec::new() };
            let rollout = match standing {
                Standing::RollbackFailed => Rollout::Failed,
                _ => Rollout::Completed,
            };
            let back = primary(set, rollout);
            // A rollback that had to make its own task set is nobody's new deployment.
            let by_rollback = code_deploy.deployments.iter().any(|it| it.rollback.of.is_some() && it.id == *id_of(set));
            let back = if by_rollback { going_back(back, newest) } else { back };
            (back, its_rest().filter(|it| it.id != *id_of(set)))
        }
    };
    [Some(first), second].into_iter().flatten().collect()
}

/// The PRIMARY, said to be what a deployment is rolled back to.
fn going_back(primary: DeploymentFacts, from: &CodeDeployment) -> DeploymentFacts {
    let why = words(from).map(|words| format!(": {words}")).unwrap_or_default();
    DeploymentFacts { rollout_reason: Some(format!("CodeDeploy is rolling back from {}{why}", from.id)), ..primary }
}

/// A task set as a deployment. It was made when CodeDeploy's deployment was, not when its tasks came, so that its time stays the
/// same.
fn of_set(set: &TaskSet, rollout: Option<Rollout>, code_deploy: &CodeDeploy) -> DeploymentFacts {
    let made_by = code_deploy.deployments.iter().find(|it| it.id == *id_of(set));
    DeploymentFacts {
        id: id_of(set).clone(),
        status: set.status.clone(),
        task_definition: set.task_definition.clone(),
        rollout,
        rollout_reason: None,
        created_at: made_by.and_then(|it| it.created_at).or(set.created_at),
        updated_at: set.updated_at,
        failed_tasks: 0,
        desired_count: set.desired_count,
        running_count: set.running_count,
        pending_count: set.pending_count,
    }
}

/// A deployment that has no task set, yet or any more. Until somebody could read its AppSpec it is taken for one of what runs.
fn without_tasks(service: &ServiceFacts, it: &CodeDeployment, rollout: Rollout) -> DeploymentFacts {
    DeploymentFacts {
        id: it.id.clone(),
        status: "PRIMARY".to_owned(),
        task_definition: it.task_definition.clone().unwrap_or_else(|| service.task_definition.clone()),
        rollout: Some(rollout),
        rollout_reason: None,
        created_at: it.created_at,
        updated_at: last_change(it),
        failed_tasks: 0,
        desired_count: service.desired_count,
        running_count: 0,
        pending_count: 0,
    }
}

/// When something last happened to it, by its lifecycle events.
fn last_change(it: &CodeDeployment) -> Option<Timestamp> {
    let moments = it.events.iter().flat_map(|event| [event.started_at, event.ended_at]);
    moments.flatten().max().or(it.created_at)
}

fn service_deployment(
    it: &CodeDeployment,
    service: &ServiceFacts,
    code_deploy: &CodeDeploy,
    now: Timestamp,
) -> ServiceDeploymentFacts {
    let standing = standing(it, code_deploy, now);
    let rollback = code_deploy.deployments.iter().find(|other| other.rollback.of.as_ref() == Some(&it.id));
    let is_rolled_back = matches!(standing, Standing::RollingBack | Standing::RolledBack | Standing::RollbackFailed);
    let rollback_at = rollback.and_then(|it| it.created_at).or(it.completed_at).filter(|_| is_rolled_back);
    let own = service.task_sets.iter().find(|set| *id_of(set) == it.id);
    ServiceDeploymentFacts {
        arn: arn(it),
        status: match standing {
            Standing::Open => ServiceDeploymentStatus::InProgress,
            Standing::Won => ServiceDeploymentStatus::Successful,
            Standing::RollingBack => ServiceDeploymentStatus::RollbackInProgress,
            Standing::RolledBack => ServiceDeploymentStatus::RollbackSuccessful,
            Standing::RollbackFailed => ServiceDeploymentStatus::RollbackFailed,
            Standing::Failed | Standing::Stopped => ServiceDeploymentStatus::Stopped,
        },
        status_reason: words(it),
        rollback_reason: None,
        rollback_to: None,
        rollback_at,
        monitors: match code(it) {
            Some("ALARM_ACTIVE") => Monitors::Triggered(vec![Monitor::Alarms(Vec::new())]),
            // CodeDeploy itself, whoever its words mention; and none of ECS's monitors.
            Some(_) if !was_stopped(it) => Monitors::Triggered(Vec::new()),
            _ => Monitors::Quiet,
        },
        stage: Some(stage(it).to_owned()),
        pause: pause(it),
        traffic: it.traffic,
        bake_minutes: Some(it.termination_minutes),
        failed_hook: (it.status == CodeDeployStatus::Stopped && code(it) == Some("TIMEOUT"))
            .then_some(HookWaitsFor::Person),
        target: None,
        task_definition: own.map(|set| set.task_definition.clone()).or_else(|| it.task_definition.clone()),
        created_at: it.created_at,
        updated_at: last_change(it),
        finished_at: it.completed_at,
    }
}

/// ECS's name for the stage that it has reached. While it waits before it ends the old tasks, both revisions run and the new one
/// serves: what ECS calls baking.
///
/// The events and their order are those of the [AppSpec hooks]; all traffic has moved when `AllowTraffic` has succeeded.
///
/// [AppSpec hooks]: https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
fn stage(it: &CodeDeployment) -> &'static str {
    match () {
        () if has_succeeded(it, "AllowTraffic") && is_over(it, "AfterAllowTraffic") => "BAKE_TIME",
        () if has_succeeded(it, "AllowTraffic") => "POST_PRODUCTION_TRAFFIC_SHIFT",
        () if reached(it, "AllowTraffic").is_some() => "PRODUCTION_TRAFFIC_SHIFT",
        () if it.status == CodeDeployStatus::Ready || reached(it, "BeforeAllowTraffic").is_some() => {
            "PRE_PRODUCTION_TRAFFIC_SHIFT"
        }
        () if has_succeeded(it, "AllowTestTraffic") => "POST_TEST_TRAFFIC_SHIFT",
        () if reached(it, "AllowTestTraffic").is_some() => "TEST_TRAFFIC_SHIFT",
        () if has_succeeded(it, "Install") => "POST_SCALE_UP",
        () if was_installed(it) => "SCALE_UP",
        () if reached(it, "BeforeInstall").is_some() => "PRE_SCALE_UP",
        () => "RECONCILE_SERVICE",
    }
}

/// What it waits for: somebody who lets it move the traffic. If nobody does, it is stopped
/// ([DeploymentReadyOption](https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentReadyOption.html)).
fn pause(it: &CodeDeployment) -> Pause {
    let minutes = it.ready_minutes.unwrap_or_default();
    match it.status {
        // Once the traffic has moved it waits for nobody, whatever its status is called.
        CodeDeployStatus::Ready if reached(it, "AllowTraffic").is_none() => Pause::Hook(Hook {
            id: "READY_WAIT".to_owned(),
            waits_for: HookWaitsFor::Person,
            until: last_change(it).map(|since| since + SignedDuration::from_mins(minutes.into())),
            then: OnTimeout::RollsBack,
        }),
        _ => Pause::No,
    }
}

#[cfg(test)]
mod tests;
