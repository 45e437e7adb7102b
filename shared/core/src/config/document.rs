//! How the document becomes targets: which version it is, what `defaults` gives, and what each target makes of it.

use super::key::{Key, Need};
use super::keys::{self, DOCUMENT, TARGET};
use super::reader::{Path, Reader};
use super::uniqueness::{self, Claim};
use super::yaml::{self, Node};
use super::{Base, Mistake, RepositoryName, Target, Template, names, surrogates};
use crate::config::tags::TagPolicy;
use crate::model::id::{ClusterName, ContainerName, ServiceName, TargetName};
use crate::model::notice::Route;
use crate::model::record::DeploymentSettings;

/// The version of the document's form that this release reads.
pub(super) const VERSION: u64 = 1;

const RIGHT_TARGET: &str = r#"{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}"#;

/// What is read of a document.
#[derive(Default)]
pub(super) struct Document {
    /// Whether it has a version that this release does not know.
    is_foreign: bool,
    defaults: Entry,
    /// Which keys that every target has are given by `defaults`, rightly or wrongly: a target need not give them.
    given: Vec<&'static str>,
    targets: Vec<Target>,
}

/// What is read of an entry of `targets`, or of `defaults`. An entry begins as a copy of the defaults.
#[derive(Clone, Default)]
pub(super) struct Entry {
    pub(super) repository: Option<RepositoryName>,
    pub(super) service: Option<ServiceName>,
    pub(super) cluster: Option<ClusterName>,
    pub(super) tags: Option<TagPolicy>,
    pub(super) containers: Vec<ContainerName>,
    pub(super) base: Base,
    pub(super) environment: Vec<(String, Template)>,
    pub(super) notify: Vec<Route>,
    pub(super) settings: DeploymentSettings,
    pub(super) settle: u64,
}

/// Reads a document; the error is every mistake, in the document's order.
pub(super) fn read(text: &str) -> Result<Vec<Target>, Vec<Mistake>> {
    let text = surrogates::joined(text);
    let root = yaml::parse(&text).map_err(|mistake| vec![mistake])?;
    let mut reader = Reader::default();
    let mut document = Document::default();
    if let Some(fields) = reader.fields(&root, &Path::Document, "\"version: 1\" and a list of `targets`") {
        let (version, others) = DOCUMENT.split_at(1);
        reader.keys(&fields, version, &mut document, &Path::Document);
        // Another version's keys are not ours to judge.
        if !document.is_foreign {
            reader.unknown(&fields, DOCUMENT, &Path::Document);
            reader.keys(&fields, others, &mut document, &Path::Document);
        }
    }
    reader.finish(document.targets)
}

pub(super) fn version<'n>(document: &mut Document, reader: &mut Reader<'n>, node: &'n Node<'n>, path: &Path<'_>) {
    let right = VERSION.to_string();
    let Some(version) = reader.number(node, path, &right) else { return };
    document.is_foreign = version != VERSION;
    if document.is_foreign {
        let text = format!("{version} is not known to this release of Slipway; write version: {right}, which it knows");
        reader.wrong(path, node.line, text);
    }
}

pub(super) fn defaults<'n>(document: &mut Document, reader: &mut Reader<'n>, node: &'n Node<'n>, path: &Path<'_>) {
    let inherited = keys::shared().iter().filter(|key| matches!(key.need, Need::Inherited(_))).map(|key| key.name);
    let Some(mut fields) = reader.fields(node, path, r#"{cluster: prod, tags: {semver: "*"}}"#) else {
        // What was meant is not known, so no target is told that it lacks a key.
        document.given = inherited.collect();
        return;
    };
    let is_own = |(name, _): &(&str, _)| TARGET.iter().any(|key| key.is_own() && key.name == *name);
    let own: Vec<_> = fields.entries.extract_if(.., |entry| is_own(entry)).collect();
    reader.unknown(&fields, keys::shared(), path);
    reader.keys(&fields, keys::shared(), &mut document.defaults, path);
    for (name, node) in own {
        reader.wrong(&Path::Key(path, name), node.line, "is each target's own; write it there");
    }
    document.given = inherited.filter(|name| fields.has(name)).collect();
}

pub(super) fn targets<'n>(document: &mut Document, reader: &mut Reader<'n>, node: &'n Node<'n>, path: &Path<'_>) {
    let items = reader.list(node, path, &format!("[{RIGHT_TARGET}]")).unwrap_or_default();
    if let (yaml::Value::List(_), []) = (&node.value, items) {
        let text = format!("has no entry, so nothing would ever be deployed; write [{RIGHT_TARGET}]");
        reader.wrong(path, node.line, text);
    }
    document.targets.reserve(items.len());
    let mut claims = Vec::with_capacity(items.len());
    for (at, node) in items.iter().enumerate() {
        let Some(entry) = entry(document, reader, node, &Path::Item(path, at)) else { continue };
        let Entry { repository: Some(repository), service: Some(service), cluster: Some(cluster), .. } = entry else {
            continue;
        };
        claims.push(Claim {
            at,
            line: node.line,
            cluster: cluster.clone(),
            service: service.clone(),
            repository: repository.clone(),
            containers: entry.containers.clone(),
        });
        let Some(tags) = entry.tags else { continue };
        document.targets.push(Target {
            name: TargetName::new(format!("{cluster}/{service}")),
            repository,
            tags,
            cluster,
            service,
            containers: entry.containers,
            base: entry.base,
            environment: entry.environment,
            notify: entry.notify,
            settings: entry.settings,
            settle: entry.settle,
        });
    }
    uniqueness::check(reader, &claims);
}

fn entry<'n>(document: &Document, reader: &mut Reader<'n>, node: &'n Node<'n>, path: &Path<'_>) -> Option<Entry> {
    let mut entry = document.defaults.clone();
    let fields = reader.map(node, path, RIGHT_TARGET, TARGET, &mut entry)?;
    for Key { name, need, .. } in TARGET {
        if let Need::Inherited(right) = need
            && !fields.has(name)
            && !document.given.contains(name)
        {
            reader.missing(&fields, TARGET, name, right, path);
        }
    }
    Some(entry)
}

pub(super) fn repository(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<RepositoryName> {
    let text = reader.text(node, path, "one such as shop/web")?;
    reader.right(path, node.line, RepositoryName::parse(text))
}

/// The name of a service, a cluster or a container, `what`.
pub(super) fn name<'n>(reader: &mut Reader<'_>, node: &'n Node<'_>, path: &Path<'_>, what: &str) -> Option<&'n str> {
    let text = reader.text(node, path, &format!("the {what}'s name"))?;
    reader.right(path, node.line, names::check(what, text))?;
    Some(text)
}

pub(super) fn base(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<Base> {
    let known = match reader.text(node, path, "service or family")? {
        "service" => Ok(Base::Service),
        "family" => Ok(Base::Family),
        other => Err(format!("{other:?} is no base; write service or family")),
    };
    reader.right(path, node.line, known)
}

pub(super) fn containers(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<Vec<ContainerName>> {
    let items = reader.list(node, path, "[web]")?;
    if items.is_empty() {
        reader.wrong(
            path,
            node.line,
            "names no container; name one, or leave the key out to mean all whose image is the repository's",
        );
    }
    let mut containers: Vec<ContainerName> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let path = Path::Item(path, at);
        let Some(name) = name(reader, item, &path, "container") else {
            continue;
        };
        let name = ContainerName::new(name);
        if containers.contains(&name) {
            reader.wrong(&path, item.line, format!("{name} is named twice; keep one"));
        } else {
            containers.push(name);
        }
    }
    Some(containers)
}
