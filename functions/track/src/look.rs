//! Looks at what an event is about: the service, then the revisions of its deployments side by side.
//!
//! Only where ECS no longer lists a deployment is its history asked, and only where a revision is known by name alone is
//! one more read: the common event costs two round trips.

use std::collections::HashMap;

use futures_util::future::join_all;
use slipway_aws::ecs::Ecs;
use slipway_aws::{Error, Kind};
use slipway_core::facts::{Revision, ServiceFacts};
use slipway_core::id::{ClusterName, ServiceName, TaskDefinitionArn};
use slipway_core::outcome::{DeploymentEvent, Ending, Facts, Outcome, Recorded, judge, revisions_to_read, superseded};
use tracing::warn;

/// The service as it is now; `None` where the cluster has none of this name any more.
pub(crate) async fn at_service(
    ecs: &Ecs,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Result<Option<ServiceFacts>, Error> {
    Ok(ecs.describe_services(cluster, &[service]).await?.into_iter().next().flatten())
}

/// Judges the event with all that there is to see: the event's own deployment first, then those it superseded.
pub(crate) async fn at_deployments(
    ecs: &Ecs,
    event: &DeploymentEvent,
    service: &ServiceFacts,
    repositories: &[&str],
) -> Result<Vec<Outcome>, Error> {
    let mut revisions = HashMap::new();
    let listed = revisions_to_read(event, service);
    read(ecs, &mut revisions, listed.iter().map(TaskDefinitionArn::as_str)).await?;

    let mut recorded = None;
    let seen = Facts { event, service, revisions: &revisions, recorded: None, repositories };
    if let Some(ending) = judge(&seen).history_to_read() {
        recorded = history(ecs, service, ending).await?;
        if let Some(recorded) = &recorded {
            read(ecs, &mut revisions, [recorded.task_definition.as_str()].into_iter()).await?;
        }
    }

    let facts = Facts { event, service, revisions: &revisions, recorded: recorded.as_ref(), repositories };
    let outcomes = outcomes(&facts);
    let names: Vec<String> =
        outcomes.iter().filter_map(|outcome| outcome.previous_to_read(&revisions)).map(str::to_owned).collect();
    if names.is_empty() {
        return Ok(outcomes);
    }
    read(ecs, &mut revisions, names.iter().map(String::as_str)).await?;
    Ok(self::outcomes(&Facts { event, service, revisions: &revisions, recorded: recorded.as_ref(), repositories }))
}

fn outcomes(facts: &Facts<'_>) -> Vec<Outcome> {
    let mut outcomes = vec![judge(facts)];
    outcomes.extend(superseded(facts));
    outcomes
}

/// Reads revisions side by side. One that can't be read is only missing in what is told; a passing fault is tried again.
async fn read(
    ecs: &Ecs,
    revisions: &mut HashMap<TaskDefinitionArn, Revision>,
    names: impl Iterator<Item = &str>,
) -> Result<(), Error> {
    let mut names: Vec<&str> =
        names.filter(|name| !revisions.keys().any(|arn| arn.as_str() == *name || arn.short() == *name)).collect();
    names.dedup();
    for answer in join_all(names.into_iter().map(|name| ecs.describe_task_definition(name))).await {
        match answer {
            Ok(revision) => _ = revisions.insert(revision.arn.clone(), revision),
            Err(error) if error.kind.is_passing() => return Err(error),
            Err(error) => warn!(%error, "a task definition could not be read"),
        }
    }
    Ok(())
}

/// The newest service deployment that ended so, and what it ran; `None` where ECS has no history of it.
async fn history(ecs: &Ecs, service: &ServiceFacts, ending: Ending) -> Result<Option<Recorded>, Error> {
    let read = async {
        let all = ecs.list_service_deployments(&service.cluster, &service.service).await?;
        let Some(found) = all.into_iter().find(|it| ending.is(&it.status)) else { return Ok(None) };
        let Some(revision) = &found.target else { return Ok(None) };
        let revisions = ecs.describe_service_revisions(std::slice::from_ref(revision)).await?;
        let task_definition = revisions.into_iter().find_map(|revision| revision.task_definition);
        Ok(task_definition.map(|task_definition| Recorded {
            task_definition,
            reason: found.status_reason,
            created_at: found.created_at,
        }))
    };
    match read.await {
        Err(error @ Error { kind: Kind::NotFound | Kind::Denied | Kind::Rejected, .. }) => {
            warn!(%error, "the service's history could not be read");
            Ok(None)
        }
        read => read,
    }
}
