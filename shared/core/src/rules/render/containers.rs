//! Chooses the containers that a change is about: by name, or every one whose image is of the repository.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::model::facts::Revision;
use crate::model::id::ContainerName;
use crate::model::image::{Digest, ImageRef, Repository, Tag};
use crate::model::plan::Shown;
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::rules::recency::Recency;

/// The revision's containers with their images as written, in its order; a missing name or image is empty.
pub fn containers(revision: &Revision) -> Vec<(ContainerName, String)> {
    let text =
        |container: &Value, member: &str| container.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let containers = revision.definition.get("containerDefinitions").and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .map(|container| (ContainerName::new(text(container, "name")), text(container, "image")))
        .collect()
}

/// The containers that a change is about, by name or by repository, in the task definition's order;
/// the error names what the revision has instead, or what is wrong with it.
pub fn containers_of(
    base: &Revision,
    repository: &Repository,
    named: &[ContainerName],
) -> Result<Vec<ContainerName>, Reason> {
    check(base)?;
    let containers = containers(base);
    if named.is_empty() {
        let of_repository = |image: &str| ImageRef::parse(image).is_some_and(|image| image.repository() == *repository);
        let chosen: Vec<_> =
            containers.iter().filter(|(_, image)| of_repository(image)).map(|(name, _)| name.clone()).collect();
        return match chosen.is_empty() {
            true => Err(Reason::NoContainer { repository: repository.to_string(), containers }),
            false => Ok(chosen),
        };
    }
    let known: Vec<_> = containers.into_iter().map(|(name, _)| name).collect();
    let missing: Vec<_> = named.iter().filter(|name| !known.contains(name)).cloned().collect();
    match missing.is_empty() {
        true => Ok(known.into_iter().filter(|name| named.contains(name)).collect()),
        false => Err(Reason::UnknownContainer { missing, known }),
    }
}

/// An image of a repository, as a container of a revision names it.
#[derive(Clone, Debug)]
pub struct ContainerImage {
    /// The container.
    pub container: ContainerName,
    /// The digest, if the container names one.
    pub digest: Option<Digest>,
    /// The tag that came to it last, as the record knows, else the one that the revision's provenance has for this image, else
    /// the one that the container names.
    pub tag: Option<Tag>,
    /// When the image came, as the provenance says it and the record knows.
    pub pushed_at: Option<Timestamp>,
}

/// The images of the target's repository that its containers run in this revision, in the task definition's order.
pub fn images(revision: &Revision, recency: Recency<'_>, repository: &Repository) -> Vec<ContainerImage> {
    let chosen = containers_of(revision, repository, &recency.target.containers).unwrap_or_default();
    let provenance = Provenance::of(revision).filter(|it| it.repository == repository.name);
    let image = |(container, image): (ContainerName, String)| {
        let image = ImageRef::parse(&image).filter(|image| image.repository() == *repository)?;
        let ours = provenance.as_ref().filter(|it| Some(&it.digest) == image.digest.as_ref());
        let (tag, pushed_at) = (ours.and_then(|it| it.tag.clone()).or(image.tag), ours.and_then(|it| it.pushed_at));
        let (tag, pushed_at) = match &image.digest {
            Some(digest) => recency.of_running(digest, tag.as_ref(), pushed_at),
            None => (tag, pushed_at),
        };
        Some(ContainerImage { container, tag, pushed_at, digest: image.digest })
    };
    containers(revision).into_iter().filter(|(name, _)| chosen.contains(name)).filter_map(image).collect()
}

/// The image of the target's repository in a revision, by the tag that its provenance or the reference gives.
pub fn shown_in(revision: &Revision, recency: Recency<'_>, repository: &Repository) -> Option<Shown> {
    let first = images(revision, recency, repository).into_iter().next()?;
    Some(Shown { tag: first.tag, digest: first.digest })
}

/// The chosen containers, to be changed in place.
pub(super) fn chosen<'b>(
    body: &'b mut Map<String, Value>,
    chosen: &[ContainerName],
) -> impl Iterator<Item = &'b mut Map<String, Value>> {
    let containers = body.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    let is_chosen = |container: &Map<String, Value>| {
        container.get("name").and_then(Value::as_str).is_some_and(|name| chosen.iter().any(|c| c.as_str() == name))
    };
    containers.into_iter().flatten().filter_map(Value::as_object_mut).filter(move |container| is_chosen(container))
}

/// The refusal of a base that is no task definition as ECS has them.
pub(super) fn unrenderable(base: &Revision, problem: String) -> Reason {
    Reason::Unrenderable { revision: base.arn.short().to_owned(), problem }
}

/// ECS never answers with such a definition; but a wrong guess about it would be registered.
pub(super) fn check(base: &Revision) -> Result<(), Reason> {
    let refuse = |problem: String| Err(unrenderable(base, problem));
    let containers = match base.definition.get("containerDefinitions") {
        Some(Value::Array(containers)) => containers,
        Some(_) => return refuse("containerDefinitions is not a list".to_owned()),
        None => return refuse("it has no containerDefinitions".to_owned()),
    };
    let mut names = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        let Some(container) = container.as_object() else {
            return refuse(format!("containerDefinitions[{index}] is not an object"));
        };
        match container.get("name").and_then(Value::as_str) {
            Some(name) if names.contains(&name) => return refuse(format!("two containers have the name {name:?}")),
            Some(name) => names.push(name),
            None => return refuse(format!("containerDefinitions[{index}] has no name")),
        }
    }
    Ok(())
}
