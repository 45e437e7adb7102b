//! What a look at a service adds to its record: what is seen for the first time, what was begun and not finished, and what
//! others did.

use slipway_core::rules::adoption;
use slipway_core::rules::unfinished;
use std::collections::HashMap;

use futures_util::future::join_all;
use jiff::Timestamp;
use slipway_core::model::facts::{RanImage, Revision, ServiceDeploymentFacts, ServiceFacts};
use slipway_core::model::id::TaskDefinitionArn;
use slipway_core::model::record::{Deployment, Service};
use slipway_core::rules::mechanism::{Intent, list_decides, of_its_time};
use slipway_core::rules::note::Note;
use tracing::warn;

use crate::cloud::{Cloud, REVISIONS_PER_CALL};
use crate::error::{Error, ErrorKind};
use crate::observe::with_task_definitions;
use crate::plan::Planner;

/// What ECS's history told of an intent; nothing where it cannot be asked and the list of deployments decides alone
/// ([`list_decides`]).
///
/// Until then another try can help, whatever the trouble is: the error is of a kind that passes. So is a call that was one
/// too many.
pub(crate) fn witness<T: Default>(
    asked: Result<T, Error>,
    deployment: &Deployment,
    now: Timestamp,
) -> Result<T, Error> {
    match asked {
        Err(error) if error.kind == ErrorKind::Throttled => Err(error),
        Err(error) if !list_decides(deployment, now) => Err(error
            .of_kind(ErrorKind::Unreachable)
            .adding("ECS's list of deployments may still lag, so it is tried again")),
        Err(error) => {
            warn!(
                %error,
                deployment.number = deployment.number,
                "ECS's history cannot be asked; its list of deployments decides alone"
            );
            Ok(T::default())
        }
        told => told,
    }
}

type Revisions = HashMap<TaskDefinitionArn, Revision>;

impl<C: Cloud> Planner<'_, C> {
    /// What became of the updates that were meant and not finished, and the service as it was seen last on the way: what is
    /// decided next is decided by that.
    pub(crate) async fn resolved(
        &self,
        record: &Service,
        mut service: ServiceFacts,
    ) -> Result<(Vec<Note>, ServiceFacts), Error> {
        let unresolved = unfinished::unresolved(record);
        if unresolved.is_empty() {
            return Ok((Vec::new(), service));
        }
        let (mut notes, mut remembered) = (Vec::new(), record.clone());
        let mut revisions = self.revisions_of(&service).await?;
        for deployment in unresolved {
            let note = match self.resolve(&remembered, deployment, &mut service, &mut revisions).await? {
                Note::Discarded(number) if deployment.request.as_deref() != Some(self.request) => {
                    Note::NeverBegan(number)
                }
                note => note,
            };
            note.write(&mut remembered);
            notes.push(note);
        }
        Ok((notes, service))
    }

    /// What the look at a service adds to its record, beyond what became of what was meant.
    pub(crate) fn notes(&self, record: &Service, service: &ServiceFacts, ran: &[RanImage]) -> Vec<Note> {
        let mut notes: Vec<Note> = adoption::external(record, service).into_iter().collect();
        if !ran.is_empty() {
            notes.push(Note::Ran(service.task_definition.to_string(), ran.to_vec()));
        }
        notes
    }

    /// What became of an update that was intended. ECS's history is asked before it is forgotten: what ECS lists no more may
    /// have begun all the same.
    async fn resolve(
        &self,
        record: &Service,
        deployment: &Deployment,
        service: &mut ServiceFacts,
        revisions: &mut Revisions,
    ) -> Result<Note, Error> {
        let note = unfinished::resolve(&Intent { record, deployment, service, revisions }, &[]);
        if !matches!(note, Note::Discarded(_)) {
            return Ok(note);
        }
        let asked = self.history_of(record, deployment, service).await;
        let history = witness(asked, deployment, self.observations.cloud.now())?;
        // Read after its history, the list shows what that names, unless it really lists it no more: a late update may
        // have taken effect between the two.
        let listed = self.observations.cloud.describe_services(&service.cluster, &[&service.service]).await?;
        if let Some(listed) = listed.into_iter().next().flatten() {
            *service = listed;
        }
        let named = history.iter().filter_map(|it| it.task_definition.as_ref());
        let listed = service.deployments.iter().map(|it| &it.task_definition);
        let more = self.read(named.chain(listed).filter(|arn| !revisions.contains_key(arn)).collect()).await?;
        revisions.extend(more);
        Ok(unfinished::resolve(&Intent { record, deployment, service, revisions }, &history))
    }

    /// ECS's history of a service; what may have come of this update comes with its task definition.
    async fn history_of(
        &self,
        record: &Service,
        deployment: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        let cloud = self.observations.cloud;
        let history = cloud.list_service_deployments(&service.cluster, &service.service).await?;
        let of_its_time: Vec<_> = of_its_time(record, deployment, &history)
            .filter_map(|it| it.target.clone())
            .take(REVISIONS_PER_CALL)
            .collect();
        with_task_definitions(cloud, history, &of_its_time).await
    }

    /// The revisions of a service's deployments; one that was deleted meanwhile is left out.
    pub(crate) async fn revisions_of(&self, service: &ServiceFacts) -> Result<Revisions, Error> {
        self.read(service.deployments.iter().map(|deployment| &deployment.task_definition).collect()).await
    }

    async fn read(&self, mut arns: Vec<&TaskDefinitionArn>) -> Result<Revisions, Error> {
        arns.sort();
        arns.dedup();
        let found = join_all(arns.iter().map(|arn| self.observations.revision(arn.as_str()))).await;
        let mut revisions = HashMap::new();
        for (arn, revision) in arns.into_iter().zip(found) {
            match revision {
                Ok(revision) => drop(revisions.insert(arn.clone(), revision)),
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(revisions)
    }
}
