//! Looks at a service: its record and the service itself first, and more of both only where an open question needs it.

use futures_util::future::{join_all, try_join};
use slipway_core::model::facts::{Revision, ServiceDeploymentFacts, ServiceFacts, Strategy};
use slipway_core::model::id::TaskDefinitionArn;
use slipway_core::model::record::Deployment;
use slipway_core::rules::mechanism::{its_service_deployment, of_its_time};

use super::session::FollowSession;
use crate::cloud::{Cloud, REVISIONS_PER_CALL, Versioned};
use crate::error::{Error, optional};
use crate::observe::with_task_definitions;
use crate::recall::witness;
use crate::store;

impl<C: Cloud> FollowSession<'_, C> {
    /// Reads the record, unless that is `known` from a moment ago, and the service, side by side.
    pub(crate) async fn observe(&mut self, known: Option<Versioned>) -> Result<(), Error> {
        let record = async {
            match known {
                Some(item) => Ok(item),
                None => store::read(self.cloud, &self.target).await,
            }
        };
        (self.item, self.service) = try_join(record, self.read_service()).await?;
        self.history = None;
        Ok(())
    }

    /// Reads the service again: the record was just read, and what ECS showed before is of before.
    pub(crate) async fn observe_again(&mut self) -> Result<(), Error> {
        self.service = self.read_service().await?;
        self.history = None;
        Ok(())
    }

    pub(crate) async fn read_service(&self) -> Result<Option<ServiceFacts>, Error> {
        let services = self.cloud.describe_services(&self.ours.cluster, &[self.name]).await?;
        // ECS keeps a deleted service for a while, and lists nothing of it.
        Ok(services.into_iter().next().flatten().filter(|service| service.status != "INACTIVE"))
    }

    /// ECS's own story of a deployment, in as much detail as its state calls for.
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
        // Its stage, what it waits for and why it goes back are only asked where they decide something.
        let late = deployment.deadline.is_some_and(|deadline| deadline <= self.cloud.now());
        let brief_does = !brief.is_ongoing() || (service.strategy == Strategy::Rolling && !late);
        if brief_does {
            return Ok(Some(brief.clone()));
        }
        let read = self.cloud.describe_service_deployment(&brief.arn).await;
        let whole = witness(self.optional(read), deployment, self.cloud.now())?.flatten();
        Ok(Some(whole.unwrap_or_else(|| brief.clone())))
    }

    /// What ECS's history tells; nothing where it cannot be asked: a deployment that is on record is judged by the list.
    async fn read_history(
        &self,
        deployment: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        let read = self.cloud.list_service_deployments(&service.cluster, &service.service).await;
        let history = witness(self.optional(read), deployment, self.cloud.now())?;
        Ok(history.unwrap_or_default())
    }

    /// The revisions by which the deployment is recognised, read only where nobody wrote its id down: those that ECS lists
    /// and that were not the PRIMARY before.
    pub(crate) async fn read_listed(&mut self, deployment: &Deployment, service: &ServiceFacts) -> Result<(), Error> {
        if !deployment.is_intent() {
            return Ok(());
        }
        let listed = service.deployments.iter().filter(|it| Some(&it.id) != deployment.previous_primary());
        self.read_revisions(listed.map(|it| &it.task_definition)).await
    }

    /// ECS's own stories, those with their task definitions that may be of this deployment, which ECS does not list.
    pub(crate) async fn history_of(
        &mut self,
        deployment: &Deployment,
        service: &ServiceFacts,
    ) -> Result<Vec<ServiceDeploymentFacts>, Error> {
        let history = self.read_history(deployment, service).await?;
        let of_its_time = of_its_time(self.record(), deployment, &history).filter_map(|it| it.target.clone());
        let of_its_time: Vec<_> = of_its_time.take(REVISIONS_PER_CALL).collect();
        let read = with_task_definitions(self.cloud, history.clone(), &of_its_time).await.map(Some);
        let history = witness(read, deployment, self.cloud.now())?.unwrap_or(history);
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
        let known = |arn: &TaskDefinitionArn| self.revisions.keys().any(|it| it.short() == arn.short());
        let mut unread: Vec<&TaskDefinitionArn> = arns.into_iter().filter(|arn| !known(arn)).collect();
        unread.sort();
        unread.dedup();
        let cloud = self.cloud;
        let read = join_all(unread.iter().map(|arn| cloud.describe_task_definition(arn.as_str()))).await;
        for revision in read {
            if let Some(revision) = self.optional(revision)? {
                self.revisions.insert(revision.arn.clone(), revision);
            }
        }
        Ok(())
    }

    /// The revision of this name, `web:42` or its ARN, if it was read.
    pub(crate) fn revision(&self, name: &str) -> Option<&Revision> {
        let short = TaskDefinitionArn::new(name);
        self.revisions.values().find(|it| it.arn.short() == short.short())
    }

    /// What was looked up, if it could be; a fault that may pass is tried again.
    pub(crate) fn optional<T>(&self, read: Result<T, Error>) -> Result<Option<T>, Error> {
        optional(&self.target, read)
    }
}
