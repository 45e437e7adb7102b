//! Observes a service: its record and the service itself first, and more of both only where an open question needs it.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use slipway_core::model::facts::{Revision, ServiceDeploymentFacts, ServiceFacts, Strategy};
use slipway_core::model::id::TaskDefinitionArn;
use slipway_core::model::record::Deployment;
use slipway_core::rules::mechanism::{asks_which_was_triggered, its_service_deployment};

use super::configured::Managed;
use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::{Error, optional};
use crate::invocation::Call;
use crate::observe::with_task_definitions;
use crate::resolve::history_or_none;

/// The service; `None` where the cluster has none of this name any more.
pub(crate) async fn read_service(
    call: &Call<'_, impl Cloud>,
    managed: &Managed,
) -> Result<Option<ServiceFacts>, Error> {
    let service = call.service(&managed.cluster, &managed.service).await?;
    // ECS keeps a deleted service for a while, and lists nothing of it.
    Ok(service.filter(|service| service.status != "INACTIVE"))
}

impl<C: Cloud> FollowSession<'_, C> {
    /// Reads the service again: the record was just read, and what ECS showed before may be outdated.
    pub(crate) async fn observe_again(&mut self) -> Result<(), Error> {
        self.read_service_again().await?;
        self.history = None;
        Ok(())
    }

    /// Reads the service again, and keeps what was read of its history.
    pub(crate) async fn read_service_again(&mut self) -> Result<(), Error> {
        self.observed_at = self.cloud.now();
        self.service = read_service(self.call, self.managed).await?;
        Ok(())
    }

    /// ECS's service deployment of a deployment, in as much detail as its state calls for.
    pub(crate) async fn service_deployment_of(
        &mut self,
        deployment: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Option<ServiceDeploymentFacts>, Error> {
        if deployment.is_intent() {
            return Ok(None);
        }
        if self.history.is_none() {
            self.history = Some(self.read_history(deployment, service).await?);
        }
        let history = self.history.as_deref().unwrap_or_default();
        let Some(brief) = its_service_deployment(deployment, service, history) else { return Ok(None) };
        if brief.is_of_code_deploy() {
            return Ok(Some(brief.clone()));
        }
        // Its stage, what it waits for and why it failed are only read where they decide something.
        let late = deployment.deadline.is_some_and(|deadline| deadline <= self.cloud.now());
        let stage_counts = brief.is_ongoing() && (service.strategy != Strategy::Rolling || late);
        if !stage_counts && !asks_which_was_triggered(deployment, service, brief, self.event()) {
            return Ok(Some(brief.clone()));
        }
        let read = self.cloud.describe_service_deployment(&brief.arn).await;
        let whole = history_or_none(self.optional(read), deployment, self.cloud.now())?.flatten();
        Ok(Some(whole.unwrap_or_else(|| brief.clone())))
    }

    /// ECS's history; nothing where it cannot be read: a deployment that is on record is judged by the list.
    async fn read_history(
        &self,
        deployment: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        let read = self.call.service_deployments(service, Some(deployment)).await;
        Ok(history_or_none(self.optional(read), deployment, self.cloud.now())?.unwrap_or_default())
    }

    /// Reads the revisions that identify a deployment without a recorded id: those listed, but for the PRIMARY before.
    pub(crate) async fn read_listed(&mut self, deployment: &Deployment, service: &ServiceFacts) -> Result<(), Error> {
        if !deployment.is_intent() {
            return Ok(());
        }
        let listed = service.deployments.iter().filter(|it| Some(&it.id) != deployment.previous_primary());
        self.read_revisions(listed.map(|it| &it.task_definition)).await
    }

    /// ECS's history; service deployments that may have come of this unlisted deployment get their task definitions.
    pub(crate) async fn history_of(
        &mut self,
        deployment: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        let history = self.read_history(deployment, service).await?;
        let read = with_task_definitions(self.cloud, self.record(), deployment, history.clone()).await.map(Some);
        let history = history_or_none(read, deployment, self.cloud.now())?.unwrap_or(history);
        let revisions: Vec<_> = history.iter().filter_map(|it| it.task_definition.clone()).collect();
        self.read_revisions(&revisions).await?;
        self.history = Some(history.clone());
        Ok(history)
    }

    /// Reads task definitions side by side, each once. One that can't be read is only missing in what follows.
    pub(crate) async fn read_revisions(
        &mut self,
        arns: impl IntoIterator<Item = &TaskDefinitionArn>,
    ) -> Result<(), Error> {
        let unread: BTreeSet<_> = arns.into_iter().filter(|arn| self.revision(arn).is_none()).collect();
        let cloud = self.cloud;
        let read = join_all(unread.iter().map(|arn| cloud.describe_task_definition(arn.as_str()))).await;
        for revision in read {
            if let Some(revision) = self.optional(revision)? {
                self.revisions.insert(revision.arn.clone(), revision);
            }
        }
        Ok(())
    }

    /// The revision with this ARN, or with this name, `web:42`, if it was read.
    pub(crate) fn revision(&self, arn: &TaskDefinitionArn) -> Option<&Revision> {
        self.revisions.values().find(|it| it.arn.short() == arn.short())
    }

    /// What was read, if it could be; an error that passes is tried again.
    pub(crate) fn optional<T>(&self, read: Result<T, Error>) -> Result<Option<T>, Error> {
        optional(&self.managed.target, read)
    }
}
