//! Finds ECS's own story of a deployment: AWS documents no mapping between the two ids.

use jiff::SignedDuration;

use crate::facts::{ServiceDeploymentFacts, ServiceFacts};
use crate::ledger;

use super::signs;

/// ECS makes the deployment and the service deployment of one update within this time.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// The service deployment of this deployment, among those that ECS has.
///
/// It was made at the same time, and for the same revision where that was read; while the deployment is the PRIMARY, it is
/// the one that the service calls its current one.
pub fn its_service_deployment<'a>(
    deployment: &ledger::Deployment,
    service: &ServiceFacts,
    all: &'a [ServiceDeploymentFacts],
) -> Option<&'a ServiceDeploymentFacts> {
    let listed = service.deployments.iter().find(|it| Some(&it.id) == deployment.deployment.as_ref());
    let began = listed.and_then(|it| it.created_at).unwrap_or_else(|| signs::began(deployment));
    let apart = |it: &ServiceDeploymentFacts| it.created_at.map(|created| created.duration_since(began).abs());
    let fits = |it: &&ServiceDeploymentFacts| {
        let same = match (&it.task_definition, &deployment.revision.new) {
            (Some(its), Some(new)) => its.short() == new,
            _ => true,
        };
        same && apart(it).is_some_and(|apart| apart <= TOGETHER)
    };
    let current = |it: &&ServiceDeploymentFacts| Some(&it.arn) == service.current_service_deployment.as_ref();
    let is_primary = listed.is_some_and(|it| it.status == "PRIMARY");
    let found = all.iter().filter(|_| is_primary).filter(current).find(fits);
    found.or_else(|| all.iter().filter(fits).min_by_key(|it| apart(it)))
}
