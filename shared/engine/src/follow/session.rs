//! A visit to one service because something rang: what is known of it, and the one way to change its record.

use slipway_core::model::record;
use std::collections::HashMap;

use jiff::Timestamp;
use slipway_core::model::facts::{Revision, ServiceDeploymentFacts, ServiceFacts};
use slipway_core::model::id::{Home, ServiceName, TargetName, TaskDefinitionArn};

use slipway_core::model::event::DeploymentEvent;
use slipway_core::model::notice::Place;
use slipway_core::model::record::Deployment;
use slipway_core::rules::rollback::KnownGoodFacts;

use super::configured::Managed;
use crate::cloud::{Cloud, Versioned};
use crate::error::Error;
use crate::input::Hint;
use crate::invocation::Call;
use crate::store;

/// What follows the deployments of one service, for one event.
pub(crate) struct FollowSession<'a, C> {
    pub(crate) call: &'a Call<'a, C>,
    pub(crate) cloud: &'a C,
    pub(crate) home: &'a Home,
    pub(crate) ours: &'a Managed,
    pub(crate) hint: &'a Hint,
    pub(crate) name: &'a ServiceName,
    pub(crate) target: TargetName,
    /// The record as it was read or written last.
    pub(crate) item: Versioned,
    /// The service as it was read last; `None` where the cluster has none of this name any more.
    pub(crate) service: Option<ServiceFacts>,
    /// The service deployments that ECS has of it, newest first; read when they are asked for.
    pub(crate) history: Option<Vec<ServiceDeploymentFacts>>,
    /// The task definitions that were read.
    pub(crate) revisions: HashMap<TaskDefinitionArn, Revision>,
    /// What became of the known-good revisions; read when a rollback is decided.
    pub(crate) known_good: Option<Vec<KnownGoodFacts>>,
    /// The ids of the notices published in this visit.
    pub(crate) published: Vec<String>,
}

impl<'a, C: Cloud> FollowSession<'a, C> {
    /// A visit that has not looked yet.
    pub(crate) fn new(call: &'a Call<'a, C>, home: &'a Home, ours: &'a Managed, hint: &'a Hint) -> Self {
        Self {
            call,
            cloud: call.cloud(),
            home,
            ours,
            hint,
            name: &ours.service,
            target: ours.target.clone(),
            item: Versioned::default(),
            service: None,
            history: None,
            revisions: HashMap::new(),
            known_good: None,
            published: Vec::new(),
        }
    }

    pub(crate) fn record(&self) -> &record::Service {
        &self.item.record
    }

    /// A deployment of the record; `None` where it is there no more.
    pub(crate) fn deployment(&self, number: u64) -> Option<&Deployment> {
        self.record().numbered(number)
    }

    /// The deployments that have not ended, the oldest first.
    pub(crate) fn open(&self) -> Vec<u64> {
        let open = self.record().deployments.iter().filter(|it| it.is_open());
        let mut numbers: Vec<u64> = open.map(|it| it.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// What ECS said, if that is what rang.
    pub(crate) fn event(&self) -> Option<&'a DeploymentEvent> {
        match self.hint {
            Hint::Deployment(event) => Some(event),
            Hint::TaskStopped(_) | Hint::Warning(_) | Hint::Timer | Hint::Unjudged => None,
        }
    }

    /// When what rang happened, if it is about this deployment; else the time.
    pub(crate) fn at(&self, deployment: &Deployment) -> Timestamp {
        let of_it = |event: &&DeploymentEvent| {
            deployment.id() == Some(&event.deployment) || deployment.rolls_back_as(&event.deployment)
        };
        self.event().filter(of_it).map_or_else(|| self.cloud.now(), |event| event.at)
    }

    pub(crate) fn place(&self) -> Place<'_> {
        Place { home: self.home, cluster: &self.ours.cluster, service: self.name }
    }

    /// Changes the record by compare-and-set; `change` may be called several times, on what is there then.
    pub(crate) async fn write<T>(&mut self, change: impl FnMut(&mut record::Service) -> T) -> Result<T, Error> {
        let (changed, item) = store::change_from(self.cloud, &self.target, self.item.clone(), change).await?;
        self.item = item;
        Ok(changed)
    }

    /// Writes a deployment down that was found, unless somebody else was faster; one that there is no more room for is
    /// archived.
    pub(crate) async fn write_down(&mut self, deployment: Deployment) -> Result<Option<u64>, Error> {
        let Some((number, dropped)) = self.write(|record| record.add_observed(deployment.clone())).await? else {
            return Ok(None);
        };
        for old in &dropped {
            self.cloud.archive_deployment(&self.target, old).await?;
        }
        Ok(Some(number))
    }
}
