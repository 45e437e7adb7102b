//! Reads what ECS shows: which deployment is newer, who rolls back, and what the free text says.
//!
//! Free text counts only where AWS documents nothing better, and never exactly.

use jiff::{SignedDuration, Timestamp};

use crate::model::event::DeploymentEvent;
use crate::model::facts::{
    DeploymentFacts, Monitors, ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts, ServiceMessage,
};
use crate::model::id::DeploymentId;
use crate::model::record;

use super::assess::{RollbackInitiator, Situation};
use super::{goes_back_to, has_failed, monitors};

/// The clocks of ECS and CodeDeploy and ours may differ by so much.
pub const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The deployment as ECS lists it.
pub(super) fn own<'a>(it: &Situation<'a>) -> Option<&'a DeploymentFacts> {
    let id = it.deployment.id()?;
    it.service.deployments.iter().find(|listed| listed.id == *id)
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
    next_recorded(it, |_| true)
}

/// The next deployment after it that the record has and that counts.
pub(super) fn next_recorded(it: &Situation<'_>, counts: impl Fn(&record::Deployment) -> bool) -> Option<DeploymentId> {
    let newer = it.record.deployments.iter().take_while(|other| other.number != it.deployment.number);
    newer.filter(|other| counts(other)).filter_map(|other| other.id()).last().cloned()
}

/// The PRIMARY, or else another deployment that ECS lists, if it was made after this one.
pub(super) fn newer_listed(it: &Situation<'_>) -> Option<DeploymentId> {
    let began = own(it).and_then(|own| own.created_at).unwrap_or_else(|| it.deployment.began_at());
    let newer = |other: &&DeploymentFacts| {
        Some(&other.id) != it.deployment.id()
            && !it.deployment.rolls_back_as(&other.id)
            && other.created_at.is_some_and(|created| created > began)
    };
    it.service.primary().filter(newer).or_else(|| it.service.deployments.iter().find(newer)).map(|it| it.id.clone())
}

/// The deployment from which ECS went back, by its log, if that is another than this one: this one had been superseded by it.
pub(super) fn another_failed(it: &Situation<'_>, primary: &DeploymentFacts) -> Option<DeploymentId> {
    if own(it).is_some_and(has_failed) || it.deployment.failing().is_some() {
        return None;
    }
    let failed = failed_in_log(it.service, primary, it.deployment.began_at())?;
    (Some(&failed) != it.deployment.id()).then_some(failed)
}

/// Whether ECS says, in an event, of the deployment or in its log, that it rolled back to this PRIMARY from this deployment
/// or a later one.
pub(super) fn says_rolled_back_to(it: &Situation<'_>, primary: &DeploymentFacts) -> bool {
    let since = it.deployment.began_at();
    let in_event = event_of(it, &primary.id)
        .is_some_and(|event| event.at >= since && event.reason.as_deref().is_some_and(mentions_rollback));
    in_event || is_rollback_destination(primary, since) || rollback_in_log(it.service, primary, since).is_some()
}

/// Whether ECS says of the deployment that it is what it goes back to since then, not what it goes back from. What it
/// has not changed since then it went back to before.
fn is_rollback_destination(primary: &DeploymentFacts, since: Timestamp) -> bool {
    let reason = primary.rollout_reason.as_deref().unwrap_or_default();
    let mut ids = words_of(reason).filter(|word| word.starts_with("ecs-svc/"));
    let is_since = primary.updated_at.is_none_or(|at| at >= since);
    is_since && primary.is_rollback() && ids.all(|word| word == primary.id.as_str())
}

/// Whether the event says that ECS goes back to another deployment than this one, which the list may not show yet. What it said
/// in the moment in which this one began is about what was before it.
pub(super) fn announces_rollback(it: &Situation<'_>) -> bool {
    it.event.is_some_and(|event| {
        Some(&event.deployment) != it.deployment.id()
            && event.at > it.deployment.began_at()
            && event.reason.as_deref().is_some_and(mentions_rollback)
    })
}

/// Whether ECS lists another deployment to go back to.
pub(super) fn has_another_to_go_to(service: &ServiceFacts, failed: &DeploymentFacts) -> bool {
    goes_back_to(service, failed).is_some()
        || service.deployments.iter().any(|it| it.id != failed.id && it.is_rollback())
}

/// Who rolls back, if it is not Slipway.
pub(super) fn initiator(it: &Situation<'_>) -> RollbackInitiator {
    let by_structure = it.service_deployment.and_then(|service_deployment| by_structure(it, service_deployment));
    if let Some(initiator) = by_structure {
        return initiator;
    }
    let said = it.service_deployment.and_then(ServiceDeploymentFacts::says);
    let listed = own(it).and_then(|own| own.rollout_reason.as_deref());
    let primary = it.service.primary().and_then(|primary| primary.rollout_reason.as_deref());
    let event = it.event.and_then(|event| event.reason.as_deref());
    for text in [said, listed, primary, event].into_iter().flatten() {
        if mentions(text, &["circuit breaker", "alarm", "hook"]) {
            return RollbackInitiator::Ecs;
        }
        if mentions(text, &["user", "manual", "stopservicedeployment", "requested"]) {
            return RollbackInitiator::Somebody;
        }
    }
    // ECS rolls back automatically only where it is set to, and where a hook of a traffic shift refuses.
    match monitors::may_roll_back(it.service) || !it.is_rolling() {
        true => RollbackInitiator::Ecs,
        false => RollbackInitiator::Somebody,
    }
}

/// Who it is by ECS's own members, which come before its text.
fn by_structure(it: &Situation<'_>, service_deployment: &ServiceDeploymentFacts) -> Option<RollbackInitiator> {
    use ServiceDeploymentStatus::{RollbackFailed, RollbackInProgress, RollbackRequested, RollbackSuccessful};
    match (&service_deployment.monitors, &service_deployment.status) {
        (_, RollbackRequested) => Some(RollbackInitiator::Somebody),
        (Monitors::Triggered(_), _) => Some(RollbackInitiator::Ecs),
        // A rolling deployment goes back for its breaker, for its alarms, or for somebody; one that shifts traffic also
        // for its hooks.
        (Monitors::Quiet, RollbackInProgress | RollbackSuccessful | RollbackFailed)
            // What CodeDeploy itself noticed, it says.
            if it.is_rolling() || service_deployment.is_of_code_deploy() =>
        {
            Some(RollbackInitiator::Somebody)
        }
        (Monitors::Quiet | Monitors::Unread, _) => None,
    }
}

/// ECS's words about a rollback: its service deployment's, else the failed deployment's, else the PRIMARY's.
pub(super) fn words(it: &Situation<'_>, primary: &DeploymentFacts) -> Option<String> {
    let said = it.service_deployment.and_then(ServiceDeploymentFacts::says);
    let own = own(it).and_then(|own| own.rollout_reason.as_deref());
    said.or(own).or(primary.rollout_reason.as_deref()).map(str::to_owned)
}

/// Whether ECS found nothing to go back to: `No rollback candidate was found to run the rollback.`
pub(super) fn found_no_candidate(service_deployment: &ServiceDeploymentFacts) -> bool {
    let texts = [&service_deployment.status_reason, &service_deployment.rollback_reason];
    service_deployment.rollback_to.is_none()
        && texts.into_iter().flatten().any(|text| mentions(text, &["no rollback candidate"]))
}

/// Whether ECS itself noticed a failure, by its monitors or else by its words.
pub(super) fn noticed_a_failure(service_deployment: &ServiceDeploymentFacts) -> bool {
    let text = service_deployment.says().unwrap_or_default();
    !service_deployment.monitors.triggered().is_empty() || mentions(text, &["circuit breaker", "alarm", "fail", "hook"])
}

/// AWS documents this much of the text.
pub(super) fn mentions_rollback(text: &str) -> bool {
    mentions(text, &["rolling back"])
}

/// Whether a text contains one of these, in upper or lower case.
pub(super) fn mentions(text: &str, signs: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    signs.iter().any(|sign| text.contains(sign))
}

/// Where ECS's log, newest first, says since then that it goes back to this deployment.
fn rollback_in_log(service: &ServiceFacts, primary: &DeploymentFacts, since: Timestamp) -> Option<usize> {
    service.events.iter().position(|event| {
        is_since(event, since)
            && mentions_rollback(&event.message)
            && words_of(&event.message).any(|word| word == primary.id.as_str())
    })
}

/// ECS dates its messages and its deployments by one clock. What it said just before is about what failed before, which an
/// answer that lags still shows when the next deployment is on record already.
fn is_since(event: &ServiceMessage, since: Timestamp) -> bool {
    event.at.is_none_or(|at| at >= since)
}

/// The deployment that failed just before ECS went back, by its log: `(deployment ecs-svc/N) deployment failed: …`.
fn failed_in_log(service: &ServiceFacts, primary: &DeploymentFacts, since: Timestamp) -> Option<DeploymentId> {
    let rollback = rollback_in_log(service, primary, since)?;
    // The two lines bear the same second, so that either may come first.
    let near = service.events.iter().skip(rollback.saturating_sub(1));
    // ECS may write no line about this failure, and still have one about an earlier deployment's.
    let failed = near.filter(|event| is_since(event, since) && mentions(&event.message, &["deployment failed"]));
    let mut ids = failed.flat_map(|event| words_of(&event.message)).filter(|word| word.starts_with("ecs-svc/"));
    ids.find(|word| *word != primary.id.as_str()).map(DeploymentId::new)
}

/// Whether ECS's log calls this deployment failed.
pub(super) fn says_failed(service: &ServiceFacts, id: &DeploymentId) -> bool {
    service.events.iter().any(|event| {
        mentions(&event.message, &["deployment failed"]) && words_of(&event.message).any(|word| word == id.as_str())
    })
}

fn words_of(message: &str) -> impl Iterator<Item = &str> {
    message.split([' ', '.', ',', '(', ')'])
}
