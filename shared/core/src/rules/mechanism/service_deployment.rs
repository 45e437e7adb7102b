//! Finds ECS's own story of a deployment, its service deployment: AWS documents no mapping between the two ids.

use jiff::{SignedDuration, Timestamp};

use crate::model::facts::{ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{ServiceDeploymentArn, TaskDefinitionArn};
use crate::model::record::{self, RollbackMethod};

use super::ecs_messages;

/// ECS makes the deployment and the service deployment of one update within this time.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// The service deployment of this deployment, among those that ECS has.
///
/// It was made at the same time, and for the same revision where that was read; while the deployment is the PRIMARY, it is
/// the one that the service calls its current one.
pub fn its_service_deployment<'a>(
    deployment: &record::Deployment,
    service: &ServiceFacts,
    all: &'a [ServiceDeploymentFacts],
) -> Option<&'a ServiceDeploymentFacts> {
    let listed = service.deployments.iter().find(|it| Some(&it.id) == deployment.deployment.as_ref());
    let began = listed.and_then(|it| it.created_at).unwrap_or_else(|| ecs_messages::began(deployment));
    // One that nobody saw listed goes by the name of its story.
    if let Some(named) = all.iter().find(|it| Some(it.arn.as_deployment()) == deployment.deployment) {
        return Some(named);
    }
    let new = deployment.revision.new.as_deref();
    let current = |it: &&ServiceDeploymentFacts| Some(&it.arn) == service.current_service_deployment.as_ref();
    let is_primary = listed.is_some_and(|it| it.status == "PRIMARY");
    let found = all.iter().filter(|_| is_primary).filter(current).find(|it| fits(it, began, new));
    found.or_else(|| nearest(all, began, new))
}

/// The service deployments of what the record knows: its deployments, and the ways back that Slipway took by an update.
pub(super) fn recorded<'a>(
    record: &record::Service,
    service: &ServiceFacts,
    all: &'a [ServiceDeploymentFacts],
) -> Vec<&'a ServiceDeploymentArn> {
    let known = record.deployments.iter().filter(|it| it.deployment.is_some());
    let stories = known.filter_map(|it| its_service_deployment(it, service, all));
    let ways_back =
        record.deployments.iter().filter_map(|it| it.rollback.as_ref()).filter(|it| it.how == RollbackMethod::Update);
    let to = |it: &record::Rollback| it.to.as_deref().map(|to| TaskDefinitionArn::new(to).short().to_owned());
    let back = ways_back.filter_map(|it| nearest(all, it.done_at.unwrap_or(it.at), to(it).as_deref()));
    stories.chain(back).map(|it| &it.arn).collect()
}

fn nearest<'a>(
    all: &'a [ServiceDeploymentFacts],
    at: Timestamp,
    revision: Option<&str>,
) -> Option<&'a ServiceDeploymentFacts> {
    all.iter().filter(|it| fits(it, at, revision)).min_by_key(|it| apart(it, at))
}

fn fits(it: &ServiceDeploymentFacts, at: Timestamp, revision: Option<&str>) -> bool {
    let same = match (&it.task_definition, revision) {
        (Some(its), Some(new)) => its.short() == new,
        _ => true,
    };
    same && apart(it, at).is_some_and(|apart| apart <= TOGETHER)
}

fn apart(it: &ServiceDeploymentFacts, at: Timestamp) -> Option<SignedDuration> {
    it.created_at.map(|created| created.duration_since(at).abs())
}
