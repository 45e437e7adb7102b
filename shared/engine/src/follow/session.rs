//! One session with a service: what is known of it, and the one way to change its record.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::try_join;
use jiff::Timestamp;
use slipway_core::model::event::DeploymentEvent;
use slipway_core::model::facts::{Revision, ServiceDeploymentFacts, ServiceFacts};
use slipway_core::model::id::{Home, TaskDefinitionArn};
use slipway_core::model::record::{Deployment, Service};
use slipway_core::rules::rollback::KnownGoodFacts;

use super::configured::Managed;
use super::observe::read_service;
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
    pub(crate) managed: &'a Managed,
    pub(crate) hint: &'a Hint,
    /// The record as it was read or written last.
    pub(crate) item: Versioned,
    /// The service as it was read last; `None` where the cluster has none of this name any more.
    pub(crate) service: Option<ServiceFacts>,
    /// When it was asked for. A session may take minutes, and the record it writes to have younger deployments by then.
    pub(crate) observed_at: Timestamp,
    /// The service deployments that ECS has of it, newest first; read when they are needed.
    pub(crate) history: Option<Vec<ServiceDeploymentFacts>>,
    pub(crate) revisions: HashMap<TaskDefinitionArn, Revision>,
    /// What became of the known-good revisions; read when a rollback is decided.
    pub(crate) known_good: Option<Vec<KnownGoodFacts>>,
    /// The lines of evidence that were written or read, by the deployment's number.
    pub(crate) evidence: BTreeMap<u64, Vec<String>>,
    /// The ids of the notices published in this session.
    pub(crate) published: Vec<String>,
}

impl<'a, C: Cloud> FollowSession<'a, C> {
    /// Begins: reads the record, unless that is `known` from a moment ago, and the service, side by side.
    pub(crate) async fn observe(
        call: &'a Call<'a, C>,
        home: &'a Home,
        managed: &'a Managed,
        hint: &'a Hint,
        known: Option<Versioned>,
    ) -> Result<Self, Error> {
        let cloud = call.cloud();
        let record = async {
            match known {
                Some(item) => Ok(item),
                None => store::read(cloud, &managed.target).await,
            }
        };
        let observed_at = cloud.now();
        let (item, service) = try_join(record, read_service(call, managed)).await?;
        let (history, revisions, known_good) = (None, HashMap::new(), None);
        let (evidence, published) = (BTreeMap::new(), Vec::new());
        Ok(Self {
            call,
            cloud,
            home,
            managed,
            hint,
            item,
            service,
            observed_at,
            history,
            revisions,
            known_good,
            evidence,
            published,
        })
    }

    pub(crate) fn record(&self) -> &Service {
        &self.item.record
    }

    /// A deployment of the record; `None` where the record has it no more.
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

    /// What ECS said, if that is the trigger.
    pub(crate) fn event(&self) -> Option<&'a DeploymentEvent> {
        let Hint::Deployment(event) = self.hint else { return None };
        Some(event)
    }

    /// The time of the trigger, if it is about this deployment; else the present.
    pub(crate) fn at(&self, deployment: &Deployment) -> Timestamp {
        let of_it = |event: &&DeploymentEvent| {
            deployment.id() == Some(&event.deployment) || deployment.rolls_back_as(&event.deployment)
        };
        self.event().filter(of_it).map_or_else(|| self.cloud.now(), |event| event.at)
    }

    /// Reads the record again. Answers whether somebody has changed it meanwhile.
    pub(crate) async fn read_record_again(&mut self) -> Result<bool, Error> {
        let item = store::read(self.cloud, &self.managed.target).await?;
        let has_changed = item.rev != self.item.rev;
        self.item = item;
        Ok(has_changed)
    }

    /// Changes the record by compare-and-set; `change` may be called several times, on what is there then.
    pub(crate) async fn write<T>(&mut self, change: impl FnMut(&mut Service) -> T) -> Result<T, Error> {
        let (changed, item) = store::change_from(self.cloud, &self.managed.target, self.item.clone(), change).await?;
        self.item = item;
        Ok(changed)
    }

    /// Records a deployment that was found, unless somebody else was faster; archives what has no more room.
    pub(crate) async fn record_found(&mut self, deployment: Deployment) -> Result<Option<u64>, Error> {
        let Some((number, dropped)) = self.write(|record| record.add_observed(deployment.clone())).await? else {
            return Ok(None);
        };
        for old in &dropped {
            self.cloud.archive_deployment(&self.managed.target, old).await?;
        }
        Ok(Some(number))
    }
}
