//! Which services Slipway manages: those of the document, and those whose deployments are on record.

use std::collections::BTreeSet;

use slipway_core::config::Config;
use slipway_core::model::id::{ClusterName, Home, ServiceName, TargetName};
use slipway_core::model::record::DeploymentSettings;
use tracing::error;

use crate::input::{Hint, ServiceTrigger};

#[derive(Clone, Debug)]
pub(crate) struct Managed {
    pub(crate) target: TargetName,
    pub(crate) service: ServiceName,
    /// Its cluster, by the event or else by the one target with a service of that name.
    pub(crate) cluster: ClusterName,
    /// The names of its images' repositories; empty where the document does not name the service or cannot be used. Then
    /// only deployments on record are followed: nothing says that Slipway manages the others.
    pub(crate) repositories: Vec<String>,
    /// Its settings of today, for a deployment of which nothing is recorded.
    pub(crate) settings: DeploymentSettings,
}

/// The event's service, if Slipway manages it. `config` is `None` where the document cannot be used.
pub(crate) fn managed(config: Option<&Config>, event: &ServiceTrigger, home: &Home) -> Option<Managed> {
    let unnamed = |cluster: &ClusterName| Managed {
        target: TargetName::of(cluster, &event.service),
        service: event.service.clone(),
        cluster: cluster.clone(),
        repositories: Vec::new(),
        settings: DeploymentSettings::default(),
    };
    let Some(config) = config else { return event.cluster.as_ref().map(unnamed) };
    let name = &event.service;
    let targets = config.targets().iter().filter(|target| {
        target.service == *name && event.cluster.as_ref().is_none_or(|cluster| target.cluster == *cluster)
    });
    let targets: Vec<_> = targets.collect();
    let clusters: BTreeSet<_> = targets.iter().map(|target| &target.cluster).collect();
    if clusters.len() > 1 {
        let clusters: Vec<_> = clusters.iter().map(|cluster| cluster.as_str()).collect();
        error!(
            ecs.service = %name,
            ?clusters,
            "the event names no cluster, and several have a service of this name; migrate it to the long ARN format"
        );
        return None;
    }
    let Some(cluster) = clusters.into_iter().next() else {
        // A timer is Slipway's own: the target was taken out of the document while its deployment went on.
        return event.cluster.as_ref().filter(|_| matches!(event.hint, Hint::Timer | Hint::Unjudged)).map(unnamed);
    };
    Some(Managed {
        repositories: targets.iter().map(|target| target.repository.at(home).name).collect(),
        settings: targets.first().map(|target| target.settings.clone()).unwrap_or_default(),
        ..unnamed(cluster)
    })
}
