//! Decides the rollback from a deployment that failed: at most one for each, and never against ECS or a person.
//!
//! A small state machine over facts, each branch with its reason. It goes to the last revision whose deployment
//! completed, which is not "revision minus one".

use crate::model::facts::{Controller, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, ServiceDeploymentArn, TaskDefinitionArn};
use crate::model::record;
use crate::model::record::{FailedBy, Outcome, RollbackMethod, RollbackMode};
use crate::rules::mechanism::{self, Assessment, RollbackInitiator};

pub use known_good::{Found, KnownGoodFacts, NeededImage, Presence, RevisionState, images_to_find};
pub use rendering::{Origin, steps};
pub use selection::{Destination, Gone, NoDestination, RegisterReason, select, usable};

mod known_good;

mod rendering;

pub mod requested;

mod selection;

/// A deployment that failed, and what could be put back.
#[derive(Clone, Copy, Debug)]
pub struct RollbackFacts<'a> {
    /// The record.
    pub record: &'a record::Service,
    /// The deployment, one of the record's.
    pub deployment: &'a record::Deployment,
    /// How it stands.
    pub assessment: &'a Assessment,
    /// The service as it is now.
    pub service: &'a ServiceFacts,
    /// ECS's own story of the deployment; `None` also where ECS refused to stop it.
    pub service_deployment: Option<&'a ServiceDeploymentFacts>,
    /// What became of the record's good revisions, in its order.
    pub known_good: &'a [KnownGoodFacts],
}

/// What is done about a deployment that failed.
#[derive(Clone, Debug, PartialEq)]
pub enum RollbackDecision {
    /// Nothing; people are told.
    NoRollback(NoRollback),
    /// StopServiceDeployment with ROLLBACK: ECS goes back to what completed last.
    Stop {
        /// The service deployment.
        service_deployment: ServiceDeploymentArn,
        /// Where ECS will go, if its list shows that.
        to: Option<TaskDefinitionArn>,
    },
    /// UpdateService to a known-good revision.
    Update(Destination),
    /// Nothing that Slipway may do helps; a person has to.
    ManualAction(ManualAction),
}

/// Why Slipway does not roll back, and a notice is all there is.
#[derive(Clone, Debug, PartialEq)]
pub enum NoRollback {
    /// It did not fail, or it has ended.
    NotFailing,
    /// Somebody else made it.
    Outside,
    /// A newer deployment took its place.
    Superseded {
        /// The newer one.
        by: Option<DeploymentId>,
    },
    /// ECS goes back by itself.
    EcsRollsBack,
    /// Somebody stopped it, so that ECS goes back.
    SomebodyRollsBack,
    /// Slipway rolled back before.
    Before,
    /// The target says `rollback: off`.
    Off,
    /// The target says `rollback: notify`: what Slipway would have done.
    Notify(Box<RollbackDecision>),
}

/// Why a person is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManualAction {
    /// What failed was itself a rollback.
    IsRollback,
    /// There is no revision to go back to.
    NoDestination(NoDestination),
}

/// Decides.
pub fn decide(facts: &RollbackFacts<'_>) -> RollbackDecision {
    let failed = facts.deployment;
    if failed.ended().is_some() {
        return RollbackDecision::NoRollback(NoRollback::NotFailing);
    }
    if failed.is_external() {
        return RollbackDecision::NoRollback(NoRollback::Outside);
    }
    match facts.assessment {
        Assessment::Failing { .. } if failed.rollback().is_some() => {
            return RollbackDecision::NoRollback(NoRollback::Before);
        }
        // Decided before, and not under way: the same again.
        Assessment::Failing { .. } | Assessment::RollbackDue => {}
        Assessment::RollingBack { by: RollbackInitiator::Ecs, .. } => {
            return RollbackDecision::NoRollback(NoRollback::EcsRollsBack);
        }
        Assessment::RollingBack { by: RollbackInitiator::Somebody, .. } => {
            return RollbackDecision::NoRollback(NoRollback::SomebodyRollsBack);
        }
        Assessment::RollingBack { by: RollbackInitiator::Slipway, .. } => {
            return RollbackDecision::NoRollback(NoRollback::Before);
        }
        Assessment::Ended(end) if end.newer.is_some() => {
            return RollbackDecision::NoRollback(NoRollback::Superseded { by: end.newer.clone() });
        }
        _ => return RollbackDecision::NoRollback(NoRollback::NotFailing),
    }
    match failed.settings.rollback {
        RollbackMode::Auto => way(facts),
        RollbackMode::Notify => RollbackDecision::NoRollback(NoRollback::Notify(Box::new(way(facts)))),
        RollbackMode::Off => RollbackDecision::NoRollback(NoRollback::Off),
    }
}

fn way(facts: &RollbackFacts<'_>) -> RollbackDecision {
    if facts.deployment.is_rollback() {
        return RollbackDecision::ManualAction(ManualAction::IsRollback);
    }
    stop(facts).unwrap_or_else(|| {
        let failed = facts.deployment.revision.new.as_deref();
        match select(facts.record, facts.known_good, failed) {
            Ok(destination) => RollbackDecision::Update(destination),
            Err(none) => RollbackDecision::ManualAction(ManualAction::NoDestination(none)),
        }
    })
}

/// Stops the deployment where it is in progress, the API knows it, and ECS has something else to go back to.
fn stop(facts: &RollbackFacts<'_>) -> Option<RollbackDecision> {
    let service_deployment = facts.service_deployment.filter(|it| mechanism::can_be_stopped(it))?;
    let before = facts.deployment.rollback().is_none_or(|rollback| rollback.how == RollbackMethod::Stop);
    let primary = facts.service.primary()?;
    let own = Some(&primary.id) == facts.deployment.id();
    if facts.service.controller != Controller::Ecs || !before || !own || mechanism::has_failed(primary) {
        return None;
    }
    let to = mechanism::goes_back_to(facts.service, primary)?.task_definition.clone();
    let gone = |it: &KnownGoodFacts| it.known_good.revision == to.as_str() && it.lost().next().is_some();
    let useless = is_of(facts.deployment, to.as_str()) || facts.known_good.iter().any(gone);
    (!useless).then(|| RollbackDecision::Stop { service_deployment: service_deployment.arn.clone(), to: Some(to) })
}

/// Whether the revision is the failing one.
fn is_of(failed: &record::Deployment, revision: &str) -> bool {
    failed.revision.new.as_deref() == Some(TaskDefinitionArn::new(revision).short())
}

impl RollbackDecision {
    /// How the story ends with this, where it does: nobody puts anything back. `None` where it goes on.
    pub fn result(&self, by: FailedBy) -> Option<Outcome> {
        match self {
            Self::NoRollback(NoRollback::Off | NoRollback::Notify(_) | NoRollback::Outside) | Self::ManualAction(_) => {
                Some(match by {
                    FailedBy::Deadline => Outcome::TimedOut,
                    FailedBy::Ecs | FailedBy::Tasks => Outcome::Failed,
                })
            }
            Self::NoRollback(_) | Self::Stop { .. } | Self::Update(_) => None,
        }
    }

    /// Whether Slipway does something.
    pub fn acts(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Update(_))
    }

    /// The revision that comes back, `web:41`, as far as it is known.
    pub fn to(&self) -> Option<&str> {
        match self {
            Self::Stop { to, .. } => to.as_ref().map(TaskDefinitionArn::short),
            Self::Update(destination) => Some(destination.revision().short()),
            Self::NoRollback(NoRollback::Notify(way)) => way.to(),
            Self::NoRollback(_) | Self::ManualAction(_) => None,
        }
    }

    /// By which call; `None` where nothing is done.
    pub fn how(&self) -> Option<RollbackMethod> {
        match self {
            Self::Stop { .. } => Some(RollbackMethod::Stop),
            Self::Update(_) => Some(RollbackMethod::Update),
            Self::NoRollback(_) | Self::ManualAction(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
