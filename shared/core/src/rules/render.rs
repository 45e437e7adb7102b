//! Renders a task definition with the chosen image, on ECS's own JSON, without losing a member.
//!
//! Only the image of the chosen containers, the configured environment values and the tags change.

use serde_json::{Map, Value};

use crate::model::diff::Diff;
use crate::model::facts::Revision;
use crate::model::id::ContainerName;
use crate::model::image::{Digest, ImageRef, LONGEST, Repository};
use crate::model::plan::Rendering;
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;

pub use again::again;
pub use containers::{containers, containers_of, image_of, shown_in};

mod again;
mod containers;
mod diff;
mod environment;
mod identity;
mod tagging;

/// The members that only `DescribeTaskDefinition`'s answer has, which `RegisterTaskDefinition` does not take
/// (the difference of the two in ECS's service model).
pub const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// What a rendering shall change.
#[derive(Clone, Debug)]
pub struct Edits<'a> {
    /// The repository whose containers are meant, and whose image is set.
    pub repository: &'a Repository,
    /// The image.
    pub digest: &'a Digest,
    /// The containers by name; empty means every container whose image is of the repository.
    pub containers: &'a [ContainerName],
    /// Environment variables to set in these containers, values filled in already.
    pub environment: &'a [(String, String)],
    /// What to write on the revision.
    pub provenance: &'a Provenance,
}

impl Rendering {
    /// Whether this revision already is what the rendering would register; provenance does not count, people's tags do.
    ///
    /// Equal is what [`Diff::between`] finds no difference in: members in any order, numbers as written.
    pub fn equals(&self, running: &Revision) -> bool {
        Diff::between(&running.definition, &self.body).is_empty()
            && tagging::same(&tagging::carried(&running.tags), &tagging::read(&self.body))
    }

    /// A text that two renderings share where one revision serves both: the same but for provenance, and for the same event,
    /// by which what came of an update is recognised.
    pub fn identity(&self) -> String {
        identity::identity(&self.body)
    }

    /// Whether this revision is the rendering, registered for the same event: then an unanswered call was carried out.
    ///
    /// `RegisterTaskDefinition` has no client token. Without room for the event's tag nobody can tell: it is not.
    pub fn is_registered_as(&self, latest: &Revision) -> bool {
        let event = tagging::event(&latest.tags);
        event.is_some() && event == tagging::event(&tagging::all(&self.body)) && self.equals(latest)
    }

    /// The rendering as a base, to be rendered further; it goes by the name of its own base.
    pub fn as_base(&self, base: &Revision) -> Revision {
        let mut definition = self.body.clone();
        definition.shift_remove("tags");
        Revision { arn: base.arn.clone(), definition, tags: tagging::all(&self.body) }
    }

    /// The same rendering, its difference told against another base: one that was rendered upon a rendering
    /// is compared with what both began with.
    pub fn against(self, base: &Revision) -> Self {
        Self { diff: Diff::between(&base.definition, &self.body), ..self }
    }
}

/// Renders `base` with `change`; the error is the reason for a refusal, such as no container of that repository.
///
/// Members keep their order and their form, be they known to us, empty, or null. What is read-only is left out at
/// the top and nowhere else. Tags are carried over, except `aws:…`, which ECS refuses, and an older provenance.
pub fn render(base: &Revision, change: &Edits<'_>) -> Result<Rendering, Reason> {
    let chosen = containers_of(base, change.repository, change.containers)?;
    let mut body: Map<String, Value> = base
        .definition
        .iter()
        .filter(|(member, _)| !READ_ONLY.contains(&member.as_str()))
        .map(|(member, value)| (member.clone(), value.clone()))
        .collect();
    for container in containers::chosen(&mut body, &chosen) {
        set_image(container, change).map_err(|problem| containers::unrenderable(base, problem))?;
        environment::set(container, change.environment).map_err(|refusal| refusal.reason(base))?;
    }
    let diff = Diff::between(&base.definition, &body);
    if let Some(tags) = tagging::tags(&base.tags, change.provenance) {
        body.insert("tags".to_owned(), tags);
    }
    Ok(Rendering { body, diff, containers: chosen })
}

fn set_image(container: &mut Map<String, Value>, change: &Edits<'_>) -> Result<(), String> {
    let running = container.get("image").and_then(Value::as_str).and_then(ImageRef::parse);
    let image = match running.filter(|image| image.repository() == *change.repository) {
        Some(image) => image.pinned(change.digest),
        None => change.repository.image(change.digest),
    };
    let text = image.to_string();
    let length = text.len() - "@".len() - change.digest.as_str().len();
    if length > LONGEST {
        return Err(format!("the image {} is longer than the {LONGEST} characters that ECS takes", change.repository));
    }
    container.insert("image".to_owned(), Value::String(text));
    Ok(())
}

#[cfg(test)]
mod tests;
