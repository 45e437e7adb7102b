//! Which repository a service waits for that was made with a dummy image. Only names say so, so it is a proposal unless the
//! names are the same and the image is one that nobody runs for long.

use slipway_core::model::image::ImageRef;

use super::account::Service;
use super::definition::{Container, Definition};

/// Images that people take before they have one of their own, by the last part of their names.
const DUMMIES: [&str; 9] = [
    "amazon-ecs-sample",
    "nginx",
    "httpd",
    "hello-world",
    "busybox",
    "alpine",
    "whoami",
    "http-echo",
    "ecs-hello-world",
];

/// A container, and the repository whose images it may be meant to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// The container.
    pub(crate) container: String,
    /// The repository's name, in the registry beside the services.
    pub(crate) repository: String,
    /// How much the names say.
    pub(crate) certainty: Certainty,
}

/// How sure a match is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// The names are the same, and the image is a dummy.
    Sure,
    /// The names are the same, and the image may well be what shall run.
    MayBeMeant,
    /// The names are only alike.
    Alike,
    /// Several repositories have the name; these others.
    Several(Vec<String>),
}

/// What may be a placeholder in a service of which no container runs an image of ECR.
pub(crate) fn matches(service: &Service, repositories: &[String]) -> Vec<Match> {
    let Some(definition) = service.definition.as_ref().filter(|it| it.has_no_image_of_ecr()) else { return Vec::new() };
    let matches = |container| of_container(container, definition, service.facts.service.as_str(), repositories);
    definition.containers.iter().filter_map(matches).collect()
}

fn of_container(
    container: &Container,
    definition: &Definition,
    service: &str,
    repositories: &[String],
) -> Option<Match> {
    let is_only = definition.containers.len() == 1;
    // Of several containers, the service's name says nothing about one of them, unless it bears it.
    let names: Vec<&str> = match is_only {
        true => vec![service, &container.name, definition.arn.family()],
        false => vec![&container.name],
    };
    let found = |certainty: Certainty, repository: &str| {
        Some(Match { container: container.name.clone(), repository: repository.to_owned(), certainty })
    };
    let same: Vec<&String> = repositories.iter().filter(|it| names.iter().any(|name| is_same(it, name))).collect();
    // The whole name says more than its end: of `web` and `shop/web`, `web` is meant by a service of this name.
    let whole = same.iter().find(|it| names.contains(&it.as_str()));
    match (same.as_slice(), whole) {
        ([], _) if is_dummy(container) && is_only => {
            let alike = repositories.iter().find(|it| names.iter().any(|name| is_alike(it, name)));
            alike.and_then(|it| found(Certainty::Alike, it))
        }
        ([], _) => None,
        ([first, others @ ..], None) if !others.is_empty() => {
            found(Certainty::Several(others.iter().map(|it| (*it).clone()).collect()), first)
        }
        ([first, ..], whole) => {
            let repository = whole.unwrap_or(first);
            let is_mirror = container.image.as_ref().is_some_and(|it| last_part(&it.path) == last_part(repository));
            let certainty = if is_dummy(container) && !is_mirror { Certainty::Sure } else { Certainty::MayBeMeant };
            found(certainty, repository)
        }
    }
}

/// Whether a repository is called like this, wholly or by its last part.
fn is_same(repository: &str, name: &str) -> bool {
    repository == name || last_part(repository) == name || repository.replace('/', "-") == name
}

/// Whether a repository's last part is a word at one end of the name: `web` of `prod-web` and of `web-service`.
fn is_alike(repository: &str, name: &str) -> bool {
    let word = last_part(repository);
    let rest = name.strip_prefix(word).map(|rest| rest.starts_with(['-', '_']));
    let before = name.strip_suffix(word).map(|before| before.ends_with(['-', '_']));
    rest == Some(true) || before == Some(true)
}

fn is_dummy(container: &Container) -> bool {
    container.image.as_ref().is_some_and(|ImageRef { path, .. }| DUMMIES.contains(&last_part(path)))
}

fn last_part(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
