//! How the document becomes targets: which version it is, what `defaults` gives, and what each target makes of it.

use super::key::{Key, Need};
use super::keys::{self, DOCUMENT, TARGET};
use super::reader::{At, Reader};
use super::{Base, CodeDeploySettings, Mistake, RepositoryName, Target, Template, names, surrogates, uniqueness, yaml};
use crate::config::tags::TagPolicy;
use crate::model::id::{ClusterName, ContainerName, ServiceName, TargetName};
use crate::model::notice::Route;
use crate::model::record::DeploymentSettings;

/// The version of the document's form that this release reads.
pub(super) const VERSION: u64 = 1;

const RIGHT_TARGET: &str = r#"{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}"#;

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
    pub(super) deploy_definition_changes: bool,
    pub(super) environment: Vec<(String, Template)>,
    pub(super) notify: Vec<Route>,
    pub(super) settings: DeploymentSettings,
    pub(super) settle: u64,
    pub(super) code_deploy: CodeDeploySettings,
}

/// Reads a document; the error is every mistake, in the document's order.
pub(super) fn read(text: &str) -> Result<Vec<Target>, Vec<Mistake>> {
    let text = surrogates::joined(text);
    let root = yaml::parse(&text).map_err(|mistake| vec![mistake])?;
    let mut reader = Reader::default();
    let mut document = Document::default();
    let at = At::document(&root);
    if let Some(fields) = reader.fields(&at, "\"version: 1\" and a list of `targets`") {
        let (version, others) = DOCUMENT.split_at(1);
        reader.keys(&fields, version, &mut document);
        // Another version's keys are not ours to judge.
        if !document.is_foreign {
            reader.unknown(&fields, DOCUMENT);
            reader.keys(&fields, others, &mut document);
        }
    }
    reader.finish(document.targets)
}

pub(super) fn version(document: &mut Document, reader: &mut Reader<'_>, at: &At<'_, '_>) {
    let right = VERSION.to_string();
    let Some(version) = reader.number(at, &right) else { return };
    document.is_foreign = version != VERSION;
    if document.is_foreign {
        let text = format!("{version} is not known to this release of Slipway; write version: {right}, which it knows");
        reader.wrong(at, text);
    }
}

pub(super) fn defaults<'n>(document: &mut Document, reader: &mut Reader<'n>, at: &At<'n, '_>) {
    let inherited = keys::shared().iter().filter(|key| matches!(key.need, Need::Inherited(_))).map(|key| key.name);
    let Some(mut fields) = reader.fields(at, r#"{cluster: prod, tags: {semver: "*"}}"#) else {
        // What was intended is not known, so no target is said to lack a key.
        document.given = inherited.collect();
        return;
    };
    let is_own = |(name, _): &(&str, _)| TARGET.iter().any(|key| key.is_own() && key.name == *name);
    let own: Vec<_> = fields.entries.extract_if(.., |entry| is_own(entry)).collect();
    reader.unknown(&fields, keys::shared());
    reader.keys(&fields, keys::shared(), &mut document.defaults);
    for (name, node) in own {
        reader.wrong(&at.key(name, node), "is each target's own; write it there");
    }
    document.given = inherited.filter(|name| fields.has(name)).collect();
}

pub(super) fn targets<'n>(document: &mut Document, reader: &mut Reader<'n>, at: &At<'n, '_>) {
    let Some(items) = reader.list(at, &format!("[{RIGHT_TARGET}]")) else { return };
    if items.is_empty() {
        reader.wrong(at, format!("has no entry, so nothing would ever be deployed; write [{RIGHT_TARGET}]"));
    }
    let mut entries = Vec::with_capacity(items.len());
    for at in &items {
        if let Some(entry) = entry(document, reader, at) {
            entries.push((at, entry));
        }
    }
    uniqueness::check(reader, &entries);
    document.targets = entries.into_iter().filter_map(|(_, entry)| entry.target()).collect();
}

fn entry<'n>(document: &Document, reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<Entry> {
    let mut entry = document.defaults.clone();
    let fields = reader.map(at, RIGHT_TARGET, TARGET, &mut entry)?;
    for Key { name, need, .. } in TARGET {
        if let Need::Inherited(right) = need
            && !fields.has(name)
            && !document.given.contains(name)
        {
            reader.missing(&fields, TARGET, name, right);
        }
    }
    if entry.deploy_definition_changes && entry.base != Base::Family {
        let text = "needs `base: family`, because only a family can get a new definition; add that, or write \
                    deploy_definition_changes: false";
        reader.wrong(&fields.place("deploy_definition_changes"), text);
    }
    Some(entry)
}

impl Entry {
    /// The target; `None` without one of the keys that every target has, which was noted.
    fn target(self) -> Option<Target> {
        let (cluster, service) = (self.cluster?, self.service?);
        Some(Target {
            name: TargetName::of(&cluster, &service),
            repository: self.repository?,
            tags: self.tags?,
            cluster,
            service,
            containers: self.containers,
            base: self.base,
            deploy_definition_changes: self.deploy_definition_changes,
            environment: self.environment,
            notify: self.notify,
            settings: self.settings,
            settle: self.settle,
            code_deploy: self.code_deploy,
        })
    }
}

pub(super) fn repository<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<RepositoryName> {
    let text = reader.text(at, "one such as shop/web")?;
    reader.accept(at, RepositoryName::parse(text))
}

/// The name of a service, a cluster or a container, `what`.
pub(super) fn name<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>, what: &str) -> Option<&'n str> {
    let text = reader.text(at, &format!("the {what}'s name"))?;
    reader.accept(at, names::check(what, text))?;
    Some(text)
}

pub(super) fn base<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<Base> {
    let text = reader.text(at, "service or family")?;
    reader.accept(at, text.parse().map_err(|_| format!("{text:?} is no base; write service or family")))
}

pub(super) fn containers<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<Vec<ContainerName>> {
    let items = reader.list(at, "[web]")?;
    if items.is_empty() {
        reader.wrong(
            at,
            "names no container; name one, or leave the key out to mean all whose image is the repository's",
        );
    }
    let mut containers: Vec<ContainerName> = Vec::with_capacity(items.len());
    for at in &items {
        let Some(name) = name(reader, at, "container").map(ContainerName::new) else { continue };
        if containers.contains(&name) {
            reader.wrong(at, format!("{name} is named twice; keep one"));
        } else {
            containers.push(name);
        }
    }
    Some(containers)
}

/// Reads variables, in the document's order, into those of the defaults: each replaces the one of the same name.
pub(super) fn environment<'n>(environment: &mut Vec<(String, Template)>, reader: &mut Reader<'n>, at: &At<'n, '_>) {
    const RIGHT: &str = r#"{APP_VERSION: "{tag}"}"#;
    for (name, value) in reader.entries(at, RIGHT).unwrap_or_default() {
        let at = at.key(name, value);
        if name.is_empty() || name.contains(['=', '\0']) {
            reader.wrong(&at, format!("{name:?} is no variable's name; write {RIGHT}"));
        }
        let Some(text) = reader.text(&at, "a text in quotes, \"\" for an empty one") else { continue };
        match environment.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = Template::new(text),
            None => environment.push((name.to_owned(), Template::new(text))),
        }
    }
}
