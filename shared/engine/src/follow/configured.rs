//! Which services are ours: those of the document, and those whose deployments we have on record.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::document::Reading;
use crate::error::Error;
use slipway_core::config::Config;
use slipway_core::id::{ClusterName, Home};
use slipway_core::ledger::Settings;
use tracing::error;

use crate::input::{Hint, ServiceEvent};

/// What the configuration says about services, as far as it can be used.
pub(crate) enum Configured {
    /// The document is right.
    Document(Arc<Config>),
    /// It has mistakes, or cannot be read: the deploy function tells that.
    Unusable,
}

/// A service that is ours.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    /// Its cluster, by the event or else by the one target with a service of that name.
    pub(crate) cluster: ClusterName,
    /// The names of the repositories that feed it.
    pub(crate) repositories: Vec<String>,
    /// Its settings of today, for a deployment of which nothing is recorded.
    pub(crate) settings: Settings,
    /// What others do to it.
    pub(crate) others: Others,
}

/// What becomes of deployments that others make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are told.
    Told,
    /// They are left alone: without a document nothing says that the service is ours. A wrong document stops deploys, it
    /// must not silence those under way.
    Ignored,
}

impl Configured {
    /// The error is one that may pass.
    pub(crate) fn of(reading: Result<Reading, Error>) -> Result<Self, Error> {
        match reading {
            Ok(Ok(config)) => Ok(Self::Document(config)),
            Ok(Err(mistakes)) => {
                error!(config.version = mistakes.version, "the configuration has mistakes");
                Ok(Self::Unusable)
            }
            Err(error) if error.kind.is_passing() => Err(error),
            Err(error) => {
                error!(%error, "the configuration could not be read");
                Ok(Self::Unusable)
            }
        }
    }

    /// The event's service, if it is ours; of one that is not nothing is looked up.
    pub(crate) fn ours(&self, event: &ServiceEvent, home: &Home) -> Option<Ours> {
        let unnamed = |cluster: &ClusterName| Ours {
            cluster: cluster.clone(),
            repositories: Vec::new(),
            settings: Settings::default(),
            others: Others::Ignored,
        };
        let Self::Document(config) = self else { return event.cluster.as_ref().map(unnamed) };
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
            // Only Slipway itself rings so: the target was taken out of the document while its deployment went on.
            return event.cluster.as_ref().filter(|_| matches!(event.hint, Hint::Deadline(_))).map(unnamed);
        };
        Some(Ours {
            cluster: cluster.clone(),
            repositories: targets.iter().map(|target| target.repository.at(home).name).collect(),
            settings: targets.first().map(|target| target.settings.clone()).unwrap_or_default(),
            others: Others::Told,
        })
    }
}
