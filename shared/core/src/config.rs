//! The configuration document: read whole, every mistake told at once, each with its path and what would be right.

use crate::id::{ClusterName, ContainerName, Home, ServiceName, TargetName};
use crate::image::{Digest, Repository, Tag};
use crate::tags::TagPolicy;

/// A right document.
#[derive(Clone, Debug)]
pub struct Config {
    targets: Vec<Target>,
    version: String,
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
    /// Environment variables to set at deploy.
    pub environment: Vec<(String, Template)>,
}

/// A repository as the document names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RepositoryName {
    /// A name in the account and region where Slipway runs: `shop/web`.
    Home(String),
    /// A full registry URI: `123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web`.
    Full(Repository),
}

impl RepositoryName {
    /// The repository meant, seen from where the function runs.
    pub fn at(&self, home: &Home) -> Repository {
        match self {
            Self::Home(name) => Repository::at_home(name, home),
            Self::Full(repository) => repository.clone(),
        }
    }
}

/// Which task definition is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The revision that the service runs; the default.
    Service,
    /// The family's latest active revision, so that Terraform's edits flow.
    Family,
}

/// An environment value with placeholders; `{tag}`, `{digest}` and `{short_digest}` only, other braces are data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// Takes the text as the document has it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Fills the placeholders in. Without a tag, `{tag}` is the short digest.
    pub fn fill(&self, tag: Option<&Tag>, digest: &Digest) -> String {
        todo!("{tag:?} {digest}")
    }
}

/// A mistake in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `targets[2].tags.semver`; empty for the document as a whole.
    pub path: String,
    /// What is wrong, and what would be right: `">=1.x.y" is not a version range; try ">=1, <2"`.
    pub text: String,
}

/// Every mistake of one version of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    /// The version of the document that has them, see [`Config::version`].
    pub version: String,
    /// All of them, in the order of the document.
    pub mistakes: Vec<Mistake>,
}

impl Config {
    /// Reads a document, YAML or JSON; tells every mistake at once.
    pub fn parse(document: &str) -> Result<Self, Mistakes> {
        todo!("{document}")
    }

    /// The document's version: the first twelve hexadecimal digits of its text's SHA-256.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Every target, in the document's order.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The targets whose images come from this repository, in the document's order, found by an index.
    pub fn of_repository(&self, repository: &Repository, home: &Home) -> Vec<&Target> {
        todo!("{repository:?} {home:?}")
    }

    /// The entries of one service, `cluster/service`; several where it runs images of several repositories.
    pub fn of_name(&self, name: &TargetName) -> Vec<&Target> {
        todo!("{name}")
    }
}
