//! What an observation of a service adds to its record: what became of the intents, and what others did.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join_all;
use jiff::Timestamp;
use slipway_core::config::Target;
use slipway_core::model::facts::{RanImage, Revision, ServiceFacts};
use slipway_core::model::id::TaskDefinitionArn;
use slipway_core::model::record::{Deployment, Service};
use slipway_core::rules::mechanism::{Intent, list_decides};
use slipway_core::rules::note::Note;
use slipway_core::rules::placeholder::is_placeholder;
use slipway_core::rules::{adoption, unfinished};
use tracing::warn;

use crate::cloud::Cloud;
use crate::error::{Error, ErrorKind};
use crate::observe::{Planner, with_task_definitions};

/// What ECS's history says of an intent; nothing where it cannot be read and the list of deployments decides alone
/// ([`list_decides`]).
///
/// Until then, and always after a throttled call, another try can help: the error is of a kind that passes.
pub(crate) fn history_or_none<T: Default>(
    read: Result<T, Error>,
    deployment: &Deployment,
    now: Timestamp,
) -> Result<T, Error> {
    match read {
        Err(error) if error.kind == ErrorKind::Throttled => Err(error),
        Err(error) if !list_decides(deployment, now) => Err(error
            .of_kind(ErrorKind::Unreachable)
            .adding("ECS's list of deployments may still lag, so it is tried again")),
        Err(error) => {
            warn!(
                %error,
                deployment.number = deployment.number,
                "ECS's history cannot be read; its list of deployments decides alone"
            );
            Ok(T::default())
        }
        read => read,
    }
}

type Revisions = HashMap<TaskDefinitionArn, Revision>;

impl<C: Cloud> Planner<'_, C> {
    /// What became of the intents, and the service as it was read last meanwhile: the next decision uses that.
    pub(crate) async fn resolved(
        &self,
        record: &Service,
        mut service: ServiceFacts,
    ) -> Result<(Vec<Note>, ServiceFacts), Error> {
        let unresolved: Vec<_> = record.deployments.iter().filter(|it| it.is_intent()).collect();
        if unresolved.is_empty() {
            return Ok((Vec::new(), service));
        }
        let (mut notes, mut record) = (Vec::new(), record.clone());
        let mut revisions = self.revisions_of(&service).await?;
        for deployment in unresolved {
            let note = match self.resolve(&record, deployment, &mut service, &mut revisions).await? {
                Note::Discarded(number) if deployment.request.as_deref() != Some(self.call.request_id) => {
                    Note::NeverBegan(number)
                }
                note => note,
            };
            note.write(&mut record);
            notes.push(note);
        }
        Ok((notes, service))
    }

    /// What the observation of a service adds to its record, beyond what became of the intents.
    pub(crate) async fn notes(
        &self,
        record: &Service,
        service: &ServiceFacts,
        entries: &[&Target],
        ran: &[RanImage],
    ) -> Result<Vec<Note>, Error> {
        let mut external = adoption::external(record, service, |_| false);
        if external.is_some() {
            let revisions = self.revisions_of(service).await?;
            external = adoption::external(record, service, |arn| {
                revisions.get(arn).is_some_and(|it| is_placeholder(it, entries, record, self.call.home))
            });
        }
        let mut notes: Vec<Note> = external.into_iter().collect();
        if !ran.is_empty() {
            notes.push(Note::Ran(service.task_definition.clone(), ran.to_vec()));
        }
        Ok(notes)
    }

    /// What became of an intent. ECS's history is read before it is discarded: what is no longer listed may have begun.
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
        let history = async {
            let history = self.call.service_deployments(service, Some(deployment)).await?;
            with_task_definitions(self.cloud, record, deployment, history).await
        };
        let history = history_or_none(history.await, deployment, self.call.now())?;
        // Read after its history, the list shows what that names, unless it really lists it no more: a late update may
        // have taken effect between the two.
        if let Some(listed) = self.call.service(&service.cluster, &service.service).await? {
            *service = listed;
        }
        let named = history.iter().filter_map(|it| it.task_definition.as_ref());
        let listed = service.deployments.iter().map(|it| &it.task_definition);
        let more = self.read(named.chain(listed).filter(|arn| !revisions.contains_key(arn)).collect()).await?;
        revisions.extend(more);
        Ok(unfinished::resolve(&Intent { record, deployment, service, revisions }, &history))
    }

    /// The revisions of a service's deployments; one that was deleted meanwhile is left out.
    pub(crate) async fn revisions_of(&self, service: &ServiceFacts) -> Result<Revisions, Error> {
        self.read(service.deployments.iter().map(|deployment| &deployment.task_definition).collect()).await
    }

    async fn read(&self, arns: BTreeSet<&TaskDefinitionArn>) -> Result<Revisions, Error> {
        let read = join_all(arns.iter().map(|arn| self.existing_revision(arn.as_str()))).await;
        let read = read.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(arns.into_iter().zip(read).filter_map(|(arn, revision)| Some((arn.clone(), revision?))).collect())
    }
}
