//! Finds the service deployment of a deployment, which is ECS's own history of it. Both bear one number.

use jiff::SignedDuration;

use crate::model::facts::{DeploymentFacts, ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts, Strategy};
use crate::model::id::ServiceDeploymentArn;
use crate::model::record;

use super::ecs_messages;
use super::listed::is_primary;
use super::stage::{Stage, stage};

/// ECS makes the deployment and the service deployment of one update within this time.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// The service deployment of this deployment, among those that ECS has.
///
/// It targets the service revision of the deployment's own number. Where several do, because a rollback targets an old
/// revision again, it is the newest that was made at or after the intent.
pub fn its_service_deployment<'a>(
    deployment: &record::Deployment,
    service: &ServiceFacts,
    all: &'a [ServiceDeploymentFacts],
) -> Option<&'a ServiceDeploymentFacts> {
    let key = deployment.id()?.key();
    let of_it = all.iter().filter(|it| key.is_some() && it.key() == key && is_since(it, deployment));
    of_it.max_by_key(|it| it.created_at).or_else(|| by_time(deployment, service, all))
}

/// How a service deployment in ECS's history stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It has not ended, and ECS would still stop it.
    InProgress,
    /// Its deployment won.
    Won,
    /// A newer one cut it short, which is no failure.
    CutShort,
    /// It failed, or a person stopped it, and ECS rolls back or has done so.
    RollsBack,
    /// It failed, and so did the rollback, if there was one.
    Failed,
}

/// How a service deployment with this status stands.
pub fn became(status: &ServiceDeploymentStatus) -> Became {
    use ServiceDeploymentStatus::*;
    match status {
        Pending | InProgress => Became::InProgress,
        Successful => Became::Won,
        Stopped | StopRequested => Became::CutShort,
        RollbackRequested | RollbackInProgress | RollbackSuccessful => Became::RollsBack,
        RollbackFailed | Other(_) => Became::Failed,
    }
}

/// The service deployment whose stage says whether what is under way takes the whole traffic; `None` for a rolling
/// deployment, which does so when it completes.
pub fn traffic_shift(service: &ServiceFacts) -> Option<&ServiceDeploymentArn> {
    match service.strategy {
        Strategy::Rolling => None,
        Strategy::BlueGreen | Strategy::Linear | Strategy::Canary | Strategy::CodeDeploy | Strategy::Other(_) => {
            service.current_service_deployment.as_ref()
        }
    }
}

/// Whether this is the service deployment of this deployment.
pub fn belongs_to(it: &ServiceDeploymentFacts, deployment: &DeploymentFacts) -> bool {
    it.key().is_some() && it.key() == deployment.id.key()
}

/// Whether the tasks of this deployment, which is under way, take the whole traffic, by its service deployment.
pub fn takes_all_traffic(deployment: &DeploymentFacts, it: &ServiceDeploymentFacts) -> bool {
    belongs_to(it, deployment) && stage(it).is_some_and(Stage::serves)
}

/// Whether it was made at or after the intent. An external deployment has none.
fn is_since(it: &ServiceDeploymentFacts, deployment: &record::Deployment) -> bool {
    let since = deployment.intended_at - ecs_messages::SKEW;
    deployment.is_external() || it.created_at.is_none_or(|created| created >= since)
}

/// The last resort, for a service whose history bears none of the numbers that its list has: AWS promises nothing about
/// them. It is the one that the service calls its current one while the deployment is the PRIMARY, else the one that was
/// made at nearly the same time.
fn by_time<'a>(
    deployment: &record::Deployment,
    service: &ServiceFacts,
    all: &'a [ServiceDeploymentFacts],
) -> Option<&'a ServiceDeploymentFacts> {
    let joins = |it: &ServiceDeploymentFacts| {
        let key = it.key();
        key.is_some() && service.deployments.iter().any(|listed| listed.id.key() == key)
    };
    if all.iter().any(joins) {
        return None;
    }
    let listed = service.deployments.iter().find(|it| Some(&it.id) == deployment.id());
    let began = listed.and_then(|it| it.created_at).unwrap_or_else(|| deployment.began_at());
    let apart = |it: &ServiceDeploymentFacts| it.created_at.map(|created| created.duration_since(began).abs());
    let new = deployment.revision.new.as_deref();
    let another = |it: &ServiceDeploymentFacts| {
        it.task_definition.as_ref().zip(new).is_some_and(|(revision, new)| revision.short() != new)
    };
    let together = |it: &&ServiceDeploymentFacts| {
        is_since(it, deployment) && !another(it) && apart(it).is_some_and(|apart| apart <= TOGETHER)
    };
    let current = |it: &&ServiceDeploymentFacts| Some(&it.arn) == service.current_service_deployment.as_ref();
    let of_primary = all.iter().filter(|_| listed.is_some_and(is_primary)).filter(current).find(together);
    of_primary.or_else(|| all.iter().filter(together).min_by_key(|it| apart(it)))
}
