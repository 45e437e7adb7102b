//! The document's shape: what a person may write, key by key, and how it becomes targets.
//!
//! The JSON Schema is generated from these types, so what their fields say is read in editors too.

use super::environment::{self, Environment};
use super::life::Life;
use super::notify;
use super::policy::Policies;
use super::reader::{Fields, Path, Reader};
#[cfg(test)]
use super::schema;
use super::uniqueness::{self, Claim};
use super::yaml::{self, Node};
use super::{Base, Mistake, RepositoryName, Target, names, surrogates};
use crate::config::tags::TagPolicy;
use crate::model::id::{ClusterName, ContainerName, ServiceName, TargetName};
use crate::model::notice::Route;

/// The version of the document's shape that this release reads.
pub(super) const VERSION: u64 = 1;

const RIGHT_TARGET: &str = r#"{repository: shop/web, service: web, cluster: prod, tags: {semver: "*"}}"#;

/// One entry of `targets`: a service, and the repository whose images are deployed to it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Entry {
    /// Where the images come from: the name of an ECR repository in the account and region where Slipway runs
    /// (`shop/web`), or the full URI of any private ECR repository.
    #[cfg_attr(test, schemars(with = "schema::RepositoryUri"))]
    repository: Option<RepositoryName>,
    /// The name of the ECS service that runs them.
    #[cfg_attr(test, schemars(with = "schema::Name"))]
    service: Option<ServiceName>,
    #[cfg_attr(test, serde(flatten))]
    settings: Settings,
}

/// The keys that an entry has, and that `defaults` may give to all entries.
#[derive(Default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Settings {
    /// The name of the ECS cluster. Every target has one, here or in `defaults`.
    #[cfg_attr(test, schemars(with = "schema::Name", default))]
    cluster: Option<ClusterName>,
    /// Which tags are deployed, and which of two is newer. Every target has it, here or in `defaults`;
    /// a target's replaces the defaults' as a whole.
    #[cfg_attr(test, schemars(with = "schema::Tags", default))]
    tags: Option<TagPolicy>,
    /// The containers whose image is set. Without it: every container whose image comes from the repository.
    #[cfg_attr(test, schemars(with = "schema::Containers", default))]
    containers: Option<Vec<ContainerName>>,
    /// Which task definition is taken as the base: the revision that the `service` runs (the default),
    /// or the latest one of its `family`, so that what Terraform registers flows in.
    #[cfg_attr(test, schemars(with = "schema::BaseName", default))]
    base: Option<Base>,
    /// Environment variables that are set in these containers at each deploy. The placeholders `{tag}`, `{digest}`
    /// and `{short_digest}` are filled in; other braces are data. A target's variables are added to the defaults'.
    #[cfg_attr(test, schemars(with = "schema::Variables", default))]
    environment: Option<Environment>,
    /// The Slack channels that are told, each of everything or `on` certain kinds and severities of notices. A target's
    /// replaces the defaults' as a whole; without any, the channel that the template names is told.
    #[cfg_attr(test, schemars(with = "schema::Routes", default))]
    notify: Option<Vec<Route>>,
    #[cfg_attr(test, serde(flatten))]
    life: Life,
}

/// Reads a document; the error is every mistake, in the document's order.
pub(super) fn read(text: &str) -> Result<Vec<Target>, Vec<Mistake>> {
    let text = surrogates::joined(text);
    let root = yaml::parse(&text).map_err(|mistake| vec![mistake])?;
    let mut reader = Reader::default();
    let targets = document(&mut reader, &root);
    reader.finish(targets)
}

fn document(reader: &mut Reader, root: &Node<'_>) -> Vec<Target> {
    let path = Path::Document;
    let Some(mut fields) = reader.fields(root, &path, "\"version: 1\" and a list of `targets`") else {
        return Vec::new();
    };
    let (version, defaults, list) = (fields.get("version"), fields.get("defaults"), fields.get("targets"));
    if !is_known(reader, version, &fields) {
        // Another version's keys are not ours to judge.
        return Vec::new();
    }
    reader.unknown(&fields, &path);

    let mut policies = Policies::default();
    let (defaults, given) = match defaults {
        Some(node) => default_settings(reader, &mut policies, node),
        None => Default::default(),
    };
    let path = Path::Key(&path, "targets");
    let Some(list) = list else {
        missing::<()>(reader, &Path::Document, "targets", &fields, &format!("write a list such as [{RIGHT_TARGET}]"));
        return Vec::new();
    };
    let items = reader.list(list, &path, &format!("[{RIGHT_TARGET}]")).unwrap_or_default();
    if let (yaml::Value::List(_), []) = (&list.value, items) {
        reader.wrong(
            &path,
            list.line,
            format!("has no entry, so nothing would ever be deployed; write [{RIGHT_TARGET}]"),
        );
    }

    let mut targets = Vec::with_capacity(items.len());
    let mut claims = Vec::with_capacity(items.len());
    for (at, node) in items.iter().enumerate() {
        let path = Path::Item(&path, at);
        let Some(mut fields) = reader.fields(node, &path, RIGHT_TARGET) else {
            continue;
        };
        let entry = entry(reader, &mut policies, &mut fields, &path, &given);
        reader.unknown(&fields, &path);
        let own = entry.settings;
        let (Some(repository), Some(service)) = (entry.repository, entry.service) else {
            continue;
        };
        let Some(cluster) = own.cluster.or_else(|| defaults.cluster.clone()) else {
            continue;
        };
        let containers = own.containers.or_else(|| defaults.containers.clone()).unwrap_or_default();
        claims.push(Claim {
            at,
            line: fields.line,
            cluster: cluster.clone(),
            service: service.clone(),
            repository: repository.clone(),
            containers: containers.clone(),
        });
        let Some(tags) = own.tags.or_else(|| defaults.tags.clone()) else {
            continue;
        };
        targets.push(Target {
            name: TargetName::new(format!("{cluster}/{service}")),
            repository,
            tags,
            cluster,
            service,
            containers,
            base: own.base.or(defaults.base).unwrap_or_default(),
            environment: environment::merged(defaults.environment.as_ref(), own.environment),
            notify: own.notify.or_else(|| defaults.notify.clone()).unwrap_or_default(),
            settings: own.life.settings(&defaults.life),
            settle: own.life.settle(&defaults.life),
        });
    }
    uniqueness::check(reader, &claims);
    targets
}

/// Which keys `defaults` gives, rightly or wrongly: a target need not give them.
#[derive(Default)]
struct Given {
    cluster: bool,
    tags: bool,
}

fn is_known(reader: &mut Reader, version: Option<&Node<'_>>, fields: &Fields<'_, '_>) -> bool {
    let path = Path::Key(&Path::Document, "version");
    let right = VERSION.to_string();
    let Some(node) = version else {
        missing::<()>(reader, &Path::Document, "version", fields, &format!("write version: {right}"));
        return true;
    };
    let Some(version) = reader.number(node, &path, &right) else {
        return true;
    };
    if version != VERSION {
        reader.wrong(
            &path,
            node.line,
            format!("{version} is not known to this release of Slipway; write version: {right}, which it knows"),
        );
    }
    version == VERSION
}

fn default_settings<'n>(reader: &mut Reader, policies: &mut Policies<'n>, node: &'n Node<'_>) -> (Settings, Given) {
    let path = Path::Key(&Path::Document, "defaults");
    let Some(mut fields) = reader.fields(node, &path, r#"{cluster: prod, tags: {semver: "*"}}"#) else {
        // What was meant is not known, so no target is told that it lacks a key.
        return (Settings::default(), Given { cluster: true, tags: true });
    };
    let settings = settings(reader, policies, &mut fields, &path);
    let given = Given { cluster: fields.has("cluster"), tags: fields.has("tags") };
    for key in ["repository", "service"] {
        if let Some(node) = fields.stray(key) {
            reader.wrong(&Path::Key(&path, key), node.line, "is each target's own; write it there");
        }
    }
    reader.unknown(&fields, &path);
    (settings, given)
}

fn entry<'n>(
    reader: &mut Reader,
    policies: &mut Policies<'n>,
    fields: &mut Fields<'n, '_>,
    path: &Path<'_>,
    defaults: &Given,
) -> Entry {
    let repository = match fields.get("repository") {
        Some(node) => {
            let path = Path::Key(path, "repository");
            let text = reader.text(node, &path, "one such as shop/web");
            text.and_then(|text| reader.right(&path, node.line, RepositoryName::parse(text)))
        }
        None => missing(
            reader,
            path,
            "repository",
            fields,
            "write where the images come from, such as repository: shop/web",
        ),
    };
    let service = match fields.get("service") {
        Some(node) => name(reader, node, &Path::Key(path, "service"), "service").map(ServiceName::new),
        None => missing(reader, path, "service", fields, "write the ECS service's name, such as service: web"),
    };
    let settings = settings(reader, policies, fields, path);
    if !fields.has("cluster") && !defaults.cluster {
        let right = "write the ECS cluster's name, such as cluster: prod, here or under the document's `defaults`";
        missing::<()>(reader, path, "cluster", fields, right);
    }
    if !fields.has("tags") && !defaults.tags {
        let right = r#"write which tags are deployed, such as tags: {semver: ">=1, <2"}, here or under the document's `defaults`"#;
        missing::<()>(reader, path, "tags", fields, right);
    }
    Entry { repository, service, settings }
}

fn settings<'n>(
    reader: &mut Reader,
    policies: &mut Policies<'n>,
    fields: &mut Fields<'n, '_>,
    path: &Path<'_>,
) -> Settings {
    Settings {
        cluster: fields
            .get("cluster")
            .and_then(|node| name(reader, node, &Path::Key(path, "cluster"), "cluster"))
            .map(ClusterName::new),
        tags: fields.get("tags").and_then(|node| policies.read(reader, node, &Path::Key(path, "tags"))),
        containers: fields.get("containers").and_then(|node| containers(reader, node, &Path::Key(path, "containers"))),
        base: fields.get("base").and_then(|node| base(reader, node, &Path::Key(path, "base"))),
        environment: fields
            .get("environment")
            .and_then(|node| environment::read(reader, node, &Path::Key(path, "environment"))),
        notify: fields.get("notify").and_then(|node| notify::read(reader, node, &Path::Key(path, "notify"))),
        life: Life::read(reader, fields, path),
    }
}

fn missing<T>(reader: &mut Reader, path: &Path<'_>, key: &str, fields: &Fields<'_, '_>, right: &str) -> Option<T> {
    if !fields.has_slip_of(key) {
        reader.wrong(&Path::Key(path, key), fields.line, format!("is missing; {right}"));
    }
    None
}

fn name<'n>(reader: &mut Reader, node: &'n Node<'_>, path: &Path<'_>, what: &str) -> Option<&'n str> {
    let text = reader.text(node, path, &format!("the {what}'s name"))?;
    reader.right(path, node.line, names::check(what, text))?;
    Some(text)
}

fn base(reader: &mut Reader, node: &Node<'_>, path: &Path<'_>) -> Option<Base> {
    let known = match reader.text(node, path, "service or family")? {
        "service" => Ok(Base::Service),
        "family" => Ok(Base::Family),
        other => Err(format!("{other:?} is no base; write service or family")),
    };
    reader.right(path, node.line, known)
}

fn containers(reader: &mut Reader, node: &Node<'_>, path: &Path<'_>) -> Option<Vec<ContainerName>> {
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
