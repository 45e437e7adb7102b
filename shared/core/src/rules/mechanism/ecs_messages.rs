//! Reads the signs in what ECS shows: which deployment is newer, who rolls back, and what the free text says.
//!
//! Free text counts only where AWS documents nothing better, and never exactly.

use jiff::{SignedDuration, Timestamp};

use crate::model::event::DeploymentEvent;
use crate::model::facts::{
    Breaker, DeploymentFacts, Monitors, Rollout, ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts,
};
use crate::model::id::DeploymentId;
use crate::model::record;

use super::assess::{RollbackInitiator, Situation};

/// ECS's clock and ours may differ by so much.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The deployment as ECS lists it.
pub(super) fn own<'a>(it: &Situation<'a>) -> Option<&'a DeploymentFacts> {
    let id = it.deployment.id()?;
    it.service.deployments.iter().find(|listed| listed.id == *id)
}

/// When it began, as far as that is known.
pub(super) fn began(deployment: &record::Deployment) -> Timestamp {
    deployment.began_at()
}

/// The event, if it is about this deployment.
pub(super) fn event_of<'a>(it: &Situation<'a>, id: &DeploymentId) -> Option<&'a DeploymentEvent> {
    it.event.filter(|event| event.deployment == *id)
}

/// What was deployed after it, by the record or by ECS's list.
pub(super) fn newer(it: &Situation<'_>) -> Option<DeploymentId> {
    newer_recorded(it).or_else(|| newer_listed(it))
}

/// The next deployment after it that the record has.
pub(super) fn newer_recorded(it: &Situation<'_>) -> Option<DeploymentId> {
    let newer = it.record.deployments.iter().take_while(|other| other.number != it.deployment.number);
    newer.filter(|other| other.id().is_some()).last()?.id().cloned()
}

/// The PRIMARY, or else another deployment that ECS lists, if it was made after this one.
pub(super) fn newer_listed(it: &Situation<'_>) -> Option<DeploymentId> {
    let began = own(it).and_then(|own| own.created_at).unwrap_or_else(|| began(it.deployment));
    let newer = |other: &&DeploymentFacts| {
        Some(&other.id) != it.deployment.id()
            && !it.deployment.rolls_back_as(&other.id)
            && other.created_at.is_some_and(|created| created > began)
    };
    it.service.primary().filter(newer).or_else(|| it.service.deployments.iter().find(newer)).map(|it| it.id.clone())
}

/// The deployment from which ECS went back, by its log, if that is another than this one: then this one had made room
/// for it before.
pub(super) fn another_failed(it: &Situation<'_>, primary: &DeploymentFacts) -> Option<DeploymentId> {
    let own = own(it).is_some_and(|own| own.rollout == Some(Rollout::Failed));
    if own || it.deployment.failing().is_some() {
        return None;
    }
    let since = began(it.deployment);
    let failed = failed_in_log(it.service, primary, since)?;
    (Some(&failed) != it.deployment.id()).then_some(failed)
}

/// Whether ECS says, in an event, of the deployment or in its log, that it went back to this PRIMARY from this deployment
/// or a later one.
pub(super) fn says_went_back(it: &Situation<'_>, primary: &DeploymentFacts) -> bool {
    let since = began(it.deployment);
    let in_event = event_of(it, &primary.id)
        .is_some_and(|event| event.at >= since && event.reason.as_deref().is_some_and(speaks_of_rollback));
    in_event || is_named_as_way_back(primary) || way_back_in_log(it.service, primary, since).is_some()
}

/// Whether ECS says of the deployment that it is what it goes back to, not what it goes back from.
fn is_named_as_way_back(primary: &DeploymentFacts) -> bool {
    let reason = primary.rollout_reason.as_deref().unwrap_or_default();
    let mut named = words_of(reason).filter(|word| word.starts_with("ecs-svc/"));
    primary.is_rollback() && named.all(|word| word == primary.id.as_str())
}

/// Whether the event says that ECS goes back to another deployment than this one, which the list may not show yet.
pub(super) fn announces_way_back(it: &Situation<'_>) -> bool {
    it.event.is_some_and(|event| {
        Some(&event.deployment) != it.deployment.id()
            && event.at >= began(it.deployment)
            && event.reason.as_deref().is_some_and(speaks_of_rollback)
    })
}

/// Whether ECS knows a deployment that completed, besides this one.
pub(super) fn has_somewhere_to_go(service: &ServiceFacts, failed: &DeploymentFacts) -> bool {
    service.deployments.iter().any(|it| it.id != failed.id && it.rollout == Some(Rollout::Completed))
        || service.deployments.iter().any(|it| it.id != failed.id && it.is_rollback())
}

/// Who puts the last version back, if it is not Slipway.
pub(super) fn who(it: &Situation<'_>) -> RollbackInitiator {
    if let Some(who) = it.service_deployment.and_then(|service_deployment| who_by_structure(it, service_deployment)) {
        return who;
    }
    let told = it.service_deployment.and_then(ServiceDeploymentFacts::says);
    let listed = own(it).and_then(|own| own.rollout_reason.as_deref());
    let primary = it.service.primary().and_then(|primary| primary.rollout_reason.as_deref());
    let event = it.event.and_then(|event| event.reason.as_deref());
    for words in [told, listed, primary, event].into_iter().flatten() {
        let words = words.to_ascii_lowercase();
        if ["circuit breaker", "alarm", "hook"].iter().any(|sign| words.contains(sign)) {
            return RollbackInitiator::Ecs;
        }
        if ["user", "manual", "stopservicedeployment", "requested"].iter().any(|sign| words.contains(sign)) {
            return RollbackInitiator::Somebody;
        }
    }
    // ECS rolls back by itself only where it is set to, and where a hook of a traffic shift refuses.
    if it.service.breaker == Breaker::RollsBack || !it.is_rolling() {
        RollbackInitiator::Ecs
    } else {
        RollbackInitiator::Somebody
    }
}

/// Who it is by what ECS tells in its own members, which come before its words.
fn who_by_structure(it: &Situation<'_>, service_deployment: &ServiceDeploymentFacts) -> Option<RollbackInitiator> {
    use ServiceDeploymentStatus::{RollbackFailed, RollbackInProgress, RollbackRequested, RollbackSuccessful};
    match (service_deployment.monitors, &service_deployment.status) {
        (_, RollbackRequested) => Some(RollbackInitiator::Somebody),
        (Monitors::Triggered, _) => Some(RollbackInitiator::Ecs),
        // A rolling deployment goes back for its breaker, for its alarms, or for somebody; one that shifts traffic also
        // for its hooks.
        (Monitors::Quiet, RollbackInProgress | RollbackSuccessful | RollbackFailed) if it.is_rolling() => {
            Some(RollbackInitiator::Somebody)
        }
        (Monitors::Quiet | Monitors::Unread, _) => None,
    }
}

/// ECS's words about a rollback: its story's, else the failed deployment's, else the PRIMARY's.
pub(super) fn words(it: &Situation<'_>, primary: &DeploymentFacts) -> Option<String> {
    let told = it.service_deployment.and_then(ServiceDeploymentFacts::says);
    let own = own(it).and_then(|own| own.rollout_reason.as_deref());
    told.or(own).or(primary.rollout_reason.as_deref()).map(str::to_owned)
}

/// Whether ECS found nothing to go back to: `No rollback candidate was found to run the rollback.`
pub(super) fn nowhere(service_deployment: &ServiceDeploymentFacts) -> bool {
    let says = |words: &Option<String>| {
        words.as_deref().is_some_and(|words| words.to_ascii_lowercase().contains("no rollback candidate"))
    };
    service_deployment.rollback_to.is_none()
        && (says(&service_deployment.status_reason) || says(&service_deployment.rollback_reason))
}

/// Whether ECS itself noticed a failure, by its monitors or else by its words.
pub(super) fn noticed_a_failure(service_deployment: &ServiceDeploymentFacts) -> bool {
    let words = service_deployment.says().unwrap_or_default().to_ascii_lowercase();
    service_deployment.monitors == Monitors::Triggered
        || ["circuit breaker", "alarm", "fail", "hook"].iter().any(|sign| words.contains(sign))
}

pub(super) fn speaks_of_rollback(text: &str) -> bool {
    // Free text, of which AWS documents this much.
    text.to_ascii_lowercase().contains("rolling back")
}

/// Where ECS's log, newest first, says since then that it goes back to this deployment.
fn way_back_in_log(service: &ServiceFacts, primary: &DeploymentFacts, since: Timestamp) -> Option<usize> {
    service.events.iter().position(|event| {
        let recent = event.at.is_none_or(|at| at >= since - SKEW);
        recent && speaks_of_rollback(&event.message) && words_of(&event.message).any(|word| word == primary.id.as_str())
    })
}

/// The deployment that failed just before ECS went back, by its log: `(deployment ecs-svc/N) deployment failed: …`.
fn failed_in_log(service: &ServiceFacts, primary: &DeploymentFacts, since: Timestamp) -> Option<DeploymentId> {
    let back = way_back_in_log(service, primary, since)?;
    // The two lines bear the same second, so that either may come first.
    let near = service.events.iter().skip(back.saturating_sub(1));
    // What failed before then is another matter: ECS may go back before it says what failed.
    let near = near.take_while(|event| event.at.is_none_or(|at| at >= since - SKEW));
    near.filter(|event| event.message.to_ascii_lowercase().contains("deployment failed"))
        .find_map(|event| {
            words_of(&event.message).find(|word| word.starts_with("ecs-svc/") && *word != primary.id.as_str())
        })
        .map(DeploymentId::new)
}

fn words_of(message: &str) -> impl Iterator<Item = &str> {
    message.split([' ', '.', ',', '(', ')'])
}
