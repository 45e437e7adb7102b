//! The configuration document: read whole, every mistake reported at once, each with its path and what would be right.

use std::collections::HashMap;

pub use mistake::{Mistake, Mistakes};
pub use repository::RepositoryName;
pub use source::Source;
pub use template::Template;

use serde_json::Value;

use crate::config::tags::TagPolicy;
use crate::model::facts::GroupName;
use crate::model::id::{ClusterName, ContainerName, Home, ServiceName, TargetName};
use crate::model::image::{Digest, Repository};
use crate::model::notice::{Route, route};
use crate::model::record::DeploymentSettings;

mod code_deploy;
mod document;
mod key;
mod keys;
mod life;
mod mistake;
mod names;
mod nearest;
mod notify;
mod policy;
mod reader;
mod repository;
#[cfg(test)]
mod schema;
mod source;
mod surrogates;
pub mod tags;
mod template;
mod uniqueness;
pub(crate) mod yaml;

/// A right document.
#[derive(Clone, Debug)]
pub struct Config {
    targets: Vec<Target>,
    version: String,
    /// The places in `targets`, by the repository's name without its registry.
    by_repository: HashMap<String, Vec<usize>>,
    by_name: HashMap<TargetName, Vec<usize>>,
    has_family_base: bool,
}

/// A service, and what is deployed to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// What people call it, `cluster/service`; two entries share it where a service runs images of two repositories.
    pub name: TargetName,
    /// Where its images come from.
    pub repository: RepositoryName,
    /// Which tags are deployed, and their order.
    pub tags: TagPolicy,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The service's name.
    pub service: ServiceName,
    /// The containers whose image is set; empty means every container whose image is of the repository.
    pub containers: Vec<ContainerName>,
    /// What is rendered.
    pub base: Base,
    /// Whether the reconcile deploys a change of the definition alone; only with [`Base::Family`].
    pub deploy_definition_changes: bool,
    /// Environment variables to set at deploy.
    pub environment: Vec<(String, Template)>,
    /// Which Slack channels get its notices.
    pub notify: Vec<Route>,
    /// What counts for the whole life of a deployment; it is written down with it.
    pub settings: DeploymentSettings,
    /// Seconds to wait after a push for a better one.
    pub settle: u64,
    /// How CodeDeploy deploys to the service, where it does.
    pub code_deploy: CodeDeploySettings,
}

/// What the document says of CodeDeploy for a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeDeploySettings {
    /// The application and the group; `None` where they are found by what deployed the service last.
    pub group: Option<GroupName>,
    /// The hooks of each deployment, as an AppSpec has them; `None` where they are those of the group's last revision.
    pub hooks: Option<Vec<Value>>,
    /// After how many seconds without a failure a push that waits ends the wait before the old tasks end; `None` where it waits
    /// to its end.
    pub cut_after: Option<u64>,
}

/// Which task definition is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Base {
    /// The revision that the service runs; the default.
    #[default]
    Service,
    /// The family's newest active revision that Slipway did not register, so that Terraform's edits are taken over.
    Family,
}

impl Config {
    /// Reads a document, YAML or JSON; the error is every mistake.
    pub fn parse(document: &str) -> Result<Self, Mistakes> {
        let version = version_of(document);
        match document::read(document) {
            Ok(targets) => Ok(Self::of(targets, version)),
            Err(mistakes) => Err(Mistakes { version, mistakes }),
        }
    }

    /// The document's version: the first twelve hexadecimal digits of its text's SHA-256.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether a target is rendered from its family: then it matters which services share one.
    pub fn has_family_base(&self) -> bool {
        self.has_family_base
    }

    /// Every target, in the document's order.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The targets whose images come from this repository, in the document's order, found by an index.
    pub fn of_repository(&self, repository: &Repository, home: &Home) -> Vec<&Target> {
        let mut targets = self.at(self.by_repository.get(&repository.name));
        targets.retain(|target| target.repository.is(repository, home));
        targets
    }

    /// The targets' repositories that have this one's name, in other registries.
    pub fn namesakes(&self, repository: &Repository, home: &Home) -> Vec<Repository> {
        let named = self.at(self.by_repository.get(&repository.name));
        let mut others: Vec<Repository> = named.into_iter().map(|target| target.repository.at(home)).collect();
        others.retain(|other| other != repository);
        others.dedup();
        others
    }

    /// The entries of one service, `cluster/service`; several where it runs images of several repositories.
    pub fn of_name(&self, name: &TargetName) -> Vec<&Target> {
        self.at(self.by_name.get(name))
    }

    /// Which Slack channels get the notices of a service, by all of its entries.
    pub fn routes(&self, name: &TargetName) -> Vec<Route> {
        route::joined(self.of_name(name).into_iter().flat_map(|target| &target.notify))
    }

    /// Every target's name once, in the document's order.
    pub fn names(&self) -> impl Iterator<Item = &TargetName> {
        let is_first = |(at, target): &(usize, &Target)| self.by_name[&target.name].first() == Some(at);
        self.targets.iter().enumerate().filter(is_first).map(|(_, target)| &target.name)
    }

    /// The known name that is most like this one, if one is like it: it is misspelled, or lacks the cluster.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let names = || self.names().map(TargetName::as_str);
        let mut of_service = names().filter(|known| known.split_once('/').is_some_and(|(_, it)| it == name));
        match (of_service.next(), of_service.next()) {
            (Some(only), None) => Some(only),
            _ => nearest::nearest(name, names()),
        }
    }

    fn of(targets: Vec<Target>, version: String) -> Self {
        let has_family_base = targets.iter().any(|target| target.base == Base::Family);
        let (by_repository, by_name) = (HashMap::new(), HashMap::new());
        let mut config = Self { targets, version, by_repository, by_name, has_family_base };
        for (at, target) in config.targets.iter().enumerate() {
            config.by_repository.entry(target.repository.name().to_owned()).or_default().push(at);
            config.by_name.entry(target.name.clone()).or_default().push(at);
        }
        config
    }

    fn at(&self, places: Option<&Vec<usize>>) -> Vec<&Target> {
        places.into_iter().flatten().filter_map(|place| self.targets.get(*place)).collect()
    }
}

fn version_of(document: &str) -> String {
    Digest::of(document.as_bytes()).short().to_owned()
}

#[cfg(test)]
mod tests;
