//! The heart of the judgement: an event against the service's list of deployments, and nothing else.

use crate::facts::{Breaker, Deployment, Rollout, ServiceFacts};
use crate::id::DeploymentId;

use super::judge::{Standing, Telling, WayBack};
use super::{Change, DeploymentEvent};

/// How things stand, and with which deployment.
pub(super) struct Verdict<'a> {
    pub(super) standing: Standing,
    pub(super) telling: Telling,
    /// The deployment it is about, as ECS lists it.
    pub(super) about: Option<&'a Deployment>,
    /// Its id, also where ECS lists it no more.
    pub(super) deployment: Option<DeploymentId>,
}

pub(super) fn stand<'a>(event: &DeploymentEvent, service: &'a ServiceFacts) -> Verdict<'a> {
    let own = service.deployments.iter().find(|it| it.id == event.deployment);
    let told = |standing| Verdict {
        standing,
        telling: Telling::Notice,
        about: own,
        deployment: Some(event.deployment.clone()),
    };
    let logged = |standing| Verdict { telling: Telling::Log, ..told(standing) };

    let Some(primary) = service.primary() else { return logged(Standing::Unlisted) };
    if primary.id == event.deployment {
        return match put_back(event, service, primary) {
            PutBack::Yes => rollback(event, service, primary),
            PutBack::No => on_its_way(event, service, primary, told, logged),
        };
    }
    match (event.change, is_way_back(event, service, primary, own)) {
        // FAILED always follows, and tells it.
        (Change::InProgress | Change::Completed, true) => logged(Standing::Behind),
        (Change::Failed, true) if primary.rollout == Some(Rollout::Completed) => told(Standing::RolledBack),
        (Change::Failed, true) => told(Standing::RollingBack),
        (Change::InProgress | Change::Failed, false) => logged(Standing::Superseded { by: primary.id.clone() }),
        (Change::Completed, false) => match own {
            Some(it) if it.rollout == Some(Rollout::Completed) => {
                told(Standing::Completed { since: Some(primary.id.clone()) })
            }
            Some(_) => logged(Standing::Superseded { by: primary.id.clone() }),
            // ECS drops what has ended and drained. It completed before the newer one began: only the latter supersedes.
            None if primary.created_at.is_some_and(|created| created > event.at) => {
                told(Standing::Completed { since: Some(primary.id.clone()) })
            }
            None => logged(Standing::Unlisted),
        },
    }
}

/// The event's deployment is the PRIMARY, and ECS did not go back to it.
fn on_its_way<'a>(
    event: &DeploymentEvent,
    service: &'a ServiceFacts,
    primary: &'a Deployment,
    told: impl Fn(Standing) -> Verdict<'a>,
    logged: impl Fn(Standing) -> Verdict<'a>,
) -> Verdict<'a> {
    match (event.change, &primary.rollout) {
        (Change::InProgress, Some(Rollout::Completed | Rollout::Failed))
        | (Change::Completed, Some(Rollout::Failed)) => logged(Standing::Behind),
        (Change::InProgress, _) => told(Standing::InProgress),
        // DescribeServices may lag behind the event, never run ahead of it.
        (Change::Completed, _) => told(Standing::Completed { since: None }),
        (Change::Failed, _) => told(match service.breaker {
            Breaker::RollsBack if has_completed_another(service, primary) => Standing::RollingBack,
            Breaker::RollsBack => Standing::Failed(WayBack::Nowhere),
            Breaker::Fails | Breaker::Off => Standing::Failed(WayBack::Off),
        }),
    }
}

/// ECS went back to the event's deployment: what there is to tell is about the one that failed.
fn rollback<'a>(event: &DeploymentEvent, service: &'a ServiceFacts, primary: &'a Deployment) -> Verdict<'a> {
    let newer = || service.deployments.iter().filter(|it| it.id != primary.id && it.created_at >= primary.created_at);
    // ECS was seen to begin its rollback minutes before it called the deployment failed.
    let failed = newer()
        .filter(|it| it.rollout == Some(Rollout::Failed))
        .max_by_key(|it| it.created_at)
        .or_else(|| newer().max_by_key(|it| it.created_at));
    let way_back = way_back_in_log(service, primary).and_then(|index| service.events[index].at);
    let since = failed.and_then(|it| it.created_at).or(way_back);
    let (standing, telling) = match (event.change, &primary.rollout) {
        // What ECS went back to fails too: that is a failure of its own, and nobody goes back any further.
        (Change::Failed, _) => (Standing::Failed(WayBack::FailedToo), Telling::Notice),
        // The deployment's first events, delivered late.
        _ if !says_rolling_back(event) && since.is_some_and(|since| event.at < since) => {
            (Standing::Behind, Telling::Log)
        }
        (_, Some(Rollout::Failed)) | (Change::InProgress, Some(Rollout::Completed)) => (Standing::Behind, Telling::Log),
        // FAILED was sent already, and tells it.
        (Change::InProgress, _) if failed.is_some_and(|it| it.rollout == Some(Rollout::Failed)) => {
            (Standing::RollingBack, Telling::Log)
        }
        (Change::InProgress, _) => (Standing::RollingBack, Telling::Notice),
        // DescribeServices may lag behind the event, never run ahead of it.
        (Change::Completed, _) => (Standing::RolledBack, Telling::Notice),
    };
    if matches!(standing, Standing::Failed(_)) {
        return Verdict { standing, telling, about: Some(primary), deployment: Some(primary.id.clone()) };
    }
    let deployment = failed.map(|it| it.id.clone()).or_else(|| failed_in_log(service, primary));
    Verdict { standing, telling, about: failed, deployment }
}

enum PutBack {
    Yes,
    No,
}

/// Whether ECS went back to this PRIMARY: it says so itself, or in the service's log, or lists a newer one as failed.
fn put_back(event: &DeploymentEvent, service: &ServiceFacts, primary: &Deployment) -> PutBack {
    let says_so = says_rolling_back(event) || primary.is_rollback();
    let failed = |it: &Deployment| it.rollout == Some(Rollout::Failed) && it.created_at > primary.created_at;
    let yes = says_so || logs_way_back_to(service, primary) || service.deployments.iter().any(failed);
    if yes { PutBack::Yes } else { PutBack::No }
}

/// Whether the PRIMARY is what ECS went back to from the event's deployment, not what superseded it.
fn is_way_back(
    event: &DeploymentEvent,
    service: &ServiceFacts,
    primary: &Deployment,
    own: Option<&Deployment>,
) -> bool {
    match own {
        // A newer deployment is no way back, even if the log still holds an old rollback.
        Some(own) => primary.created_at < own.created_at,
        None => {
            primary.created_at.is_none_or(|created| created < event.at)
                && (primary.is_rollback() || logs_way_back_to(service, primary))
        }
    }
}

fn has_completed_another(service: &ServiceFacts, primary: &Deployment) -> bool {
    service.deployments.iter().any(|it| it.id != primary.id && it.rollout == Some(Rollout::Completed))
}

/// Whether the event begins a rollback to its deployment.
fn says_rolling_back(event: &DeploymentEvent) -> bool {
    event.change == Change::InProgress && event.reason.as_deref().is_some_and(speaks_of_rollback)
}

fn speaks_of_rollback(text: &str) -> bool {
    // Free text, of which AWS documents this much.
    text.to_ascii_lowercase().contains("rolling back")
}

fn logs_way_back_to(service: &ServiceFacts, primary: &Deployment) -> bool {
    way_back_in_log(service, primary).is_some()
}

/// Where ECS's log, newest first, says that it goes back to this deployment.
fn way_back_in_log(service: &ServiceFacts, primary: &Deployment) -> Option<usize> {
    service.events.iter().position(|event| {
        let words = || event.message.split([' ', '.', ',', '(', ')']);
        speaks_of_rollback(&event.message) && words().any(|word| word == primary.id.as_str())
    })
}

/// The deployment that failed just before ECS went back, by its log: `(deployment ecs-svc/N) deployment failed: …`.
fn failed_in_log(service: &ServiceFacts, primary: &Deployment) -> Option<DeploymentId> {
    let since = way_back_in_log(service, primary).unwrap_or_default();
    // The two lines bear the same second, so that either may come first.
    let near = service.events.iter().skip(since.saturating_sub(1));
    near.filter(|event| event.message.to_ascii_lowercase().contains("deployment failed"))
        .find_map(|event| {
            let words = event.message.split([' ', '.', ',', '(', ')']);
            words.into_iter().find(|word| word.starts_with("ecs-svc/") && *word != primary.id.as_str())
        })
        .map(DeploymentId::new)
}
