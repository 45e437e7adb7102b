//! Decides the rollback from a deployment that failed: at most one for each, and never against ECS or a person.
//!
//! A small state machine over facts, each branch with its reason. It goes to the last revision whose deployment
//! completed, which is not "revision minus one".

use crate::model::facts::{Controller, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, ServiceDeploymentArn, TaskDefinitionArn};
use crate::model::record;
use crate::model::record::{FailedBy, Outcome, PassedOver, RollbackMethod, RollbackMode};
use crate::rules::mechanism::{self, Assessment, Became, RollbackInitiator, became};

pub use known_good::{Found, ImageState, KnownGoodFacts, NeededImage, images_to_find};
pub use rendering::{Origin, steps};
pub use selection::{Destination, RegisterReason, Restorable, Selected, restorable, select, usable};

mod known_good;
mod rendering;
pub mod requested;
mod selection;

/// A deployment that failed, and what it can be rolled back to.
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
    /// Its service deployment; `None` also where ECS refused to stop it.
    pub service_deployment: Option<&'a ServiceDeploymentFacts>,
    /// The record's known-good revisions as they are now, in its order.
    pub known_good: &'a [KnownGoodFacts],
}

/// What is done about a deployment that failed.
#[derive(Clone, Debug, PartialEq)]
pub enum RollbackDecision {
    /// Nothing; a notice is published.
    NoRollback(NoRollback),
    /// StopServiceDeployment with ROLLBACK, or CodeDeploy's StopDeployment: it goes back to what completed last.
    Stop {
        /// The service deployment.
        service_deployment: ServiceDeploymentArn,
        /// Where ECS will go, if its list shows that.
        to: Option<TaskDefinitionArn>,
    },
    /// UpdateService to a known-good revision.
    Update(Selected),
    /// Nothing that Slipway may do helps; a person has to act.
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
    /// ECS rolls back automatically.
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

/// Why a person has to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManualAction {
    /// What failed was itself a rollback.
    IsRollback,
    /// No other revision is known to have completed here.
    NoKnownGood,
    /// Each known-good revision has lost an image, or is itself gone; these.
    NoneUsable(Vec<PassedOver>),
    /// The same, and the registry is restoring the images of this one from its archive.
    Restoring {
        /// The revision.
        revision: TaskDefinitionArn,
        /// All of them.
        passed_over: Vec<PassedOver>,
    },
}

/// Decides.
pub fn decide(facts: &RollbackFacts<'_>) -> RollbackDecision {
    if let Some(reason) = not_failing(facts) {
        return RollbackDecision::NoRollback(reason);
    }
    match facts.deployment.settings.rollback {
        RollbackMode::Auto => action(facts),
        RollbackMode::Notify => RollbackDecision::NoRollback(NoRollback::Notify(Box::new(action(facts)))),
        RollbackMode::Off => RollbackDecision::NoRollback(NoRollback::Off),
    }
}

/// Why there is nothing to roll back, or somebody else's or an earlier rollback is not disturbed.
fn not_failing(facts: &RollbackFacts<'_>) -> Option<NoRollback> {
    let failed = facts.deployment;
    if failed.ended().is_some() {
        return Some(NoRollback::NotFailing);
    }
    if failed.is_external() {
        return Some(NoRollback::Outside);
    }
    match facts.assessment {
        Assessment::Failing { .. } if failed.rollback().is_some() => Some(NoRollback::Before),
        // Decided before, and not under way: the same again.
        Assessment::Failing { .. } | Assessment::RollbackDue => None,
        Assessment::RollingBack { by, .. } => Some(match by {
            RollbackInitiator::Ecs => NoRollback::EcsRollsBack,
            RollbackInitiator::Somebody => NoRollback::SomebodyRollsBack,
            RollbackInitiator::Slipway => NoRollback::Before,
        }),
        Assessment::Ended(end) if end.newer.is_some() => Some(NoRollback::Superseded { by: end.newer.clone() }),
        _ => Some(NoRollback::NotFailing),
    }
}

fn action(facts: &RollbackFacts<'_>) -> RollbackDecision {
    if facts.deployment.is_rollback() {
        return RollbackDecision::ManualAction(ManualAction::IsRollback);
    }
    stop(facts).unwrap_or_else(|| {
        let failed = facts.deployment.revision.new.as_deref();
        select(facts.record, facts.known_good, failed)
            .map_or_else(RollbackDecision::ManualAction, RollbackDecision::Update)
    })
}

/// Stops the deployment where it is in progress, the API knows it, and ECS has something else to go back to.
fn stop(facts: &RollbackFacts<'_>) -> Option<RollbackDecision> {
    let service_deployment = facts.service_deployment.filter(|it| became(&it.status) == Became::InProgress)?;
    let before = facts.deployment.rollback().is_none_or(|rollback| rollback.how == RollbackMethod::Stop);
    let primary = facts.service.primary()?;
    let own = Some(&primary.id) == facts.deployment.id();
    let can_stop = matches!(facts.service.controller, Controller::Ecs | Controller::Express | Controller::CodeDeploy);
    if !can_stop || !before || !own || mechanism::has_failed(primary) {
        return None;
    }
    let to = mechanism::goes_back_to(facts.service, primary)?.task_definition.clone();
    let is_failing = facts.deployment.revision.new.as_deref() == Some(to.short());
    let gone = |it: &KnownGoodFacts| it.known_good.revision == to && it.lost().next().is_some();
    let useless = is_failing || facts.known_good.iter().any(gone);
    (!useless).then(|| RollbackDecision::Stop { service_deployment: service_deployment.arn.clone(), to: Some(to) })
}

impl RollbackDecision {
    /// The outcome of the deployment where this ends it, because nobody rolls back.
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

    /// What has to be restored from the archive before anything known good can be gone back to.
    pub fn restorable(
        &self,
        record: &record::Service,
        failed: &record::Deployment,
        known_good: &[KnownGoodFacts],
    ) -> Option<Restorable> {
        let is_stuck = matches!(self, Self::ManualAction(ManualAction::NoneUsable(_)));
        restorable(record, known_good, failed.revision.new.as_deref()).filter(|_| is_stuck)
    }

    /// The same decision, when the registry restores these images.
    pub fn restoring(self, it: Restorable) -> Self {
        match self {
            Self::ManualAction(ManualAction::NoneUsable(passed_over)) => {
                Self::ManualAction(ManualAction::Restoring { revision: it.revision, passed_over })
            }
            other => other,
        }
    }

    /// Whether Slipway rolls back.
    pub fn acts(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Update(_))
    }

    /// The revision that it goes back to, `web:41`, as far as it is known.
    pub fn to(&self) -> Option<&str> {
        match self {
            Self::Stop { to, .. } => to.as_ref().map(TaskDefinitionArn::short),
            Self::Update(selected) => Some(selected.destination.revision().short()),
            Self::ManualAction(ManualAction::Restoring { revision, .. }) => Some(revision.short()),
            Self::NoRollback(NoRollback::Notify(decision)) => decision.to(),
            Self::NoRollback(_) | Self::ManualAction(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
