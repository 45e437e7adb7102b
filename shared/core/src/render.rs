//! Renders a task definition with the chosen image, on ECS's own JSON, without losing a member.
//!
//! Only the image of the chosen containers, the configured environment values and the tags change.

use serde_json::{Map, Value};

use crate::diff::Diff;
use crate::facts::Revision;
use crate::id::ContainerName;
use crate::image::{Digest, ImageRef, LONGEST, Repository};
use crate::provenance::Provenance;
use crate::reason::Reason;

pub use containers::{containers, containers_of, image_of};

mod containers;
mod environment;
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
pub struct Change<'a> {
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

/// A task definition ready to be registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// The body of `RegisterTaskDefinition`, `tags` included.
    pub body: Map<String, Value>,
    /// What it changes in its base, tags left out.
    pub diff: Diff,
    /// The containers whose image was set, in the task definition's order.
    pub containers: Vec<ContainerName>,
}

impl Rendering {
    /// Whether this revision already is what the rendering would register; provenance does not count, people's tags do.
    ///
    /// Equal is what [`Diff::between`] finds no difference in: members in any order, numbers as written.
    pub fn equals(&self, running: &Revision) -> bool {
        Diff::between(&running.definition, &self.body).is_empty()
            && tagging::same(&tagging::carried(&running.tags), &tagging::read(&self.body))
    }

    /// The same for two renderings that would register the same, provenance left out: one revision then serves both.
    pub fn identity(&self) -> String {
        let mut body = self.body.clone();
        body.insert("tags".to_owned(), serde_json::json!(tagging::read(&self.body)));
        Value::Object(body).to_string()
    }

    /// Whether this revision is the rendering, registered for the same event: then an unanswered call was carried out.
    pub fn is_registered_as(&self, latest: &Revision) -> bool {
        self.equals(latest) && tagging::event(&latest.tags).is_some_and(|event| Some(event) == self.event())
    }

    /// The rendering as a base, to be rendered further.
    pub fn as_base(&self, base: &Revision) -> Revision {
        let tags = tagging::read(&self.body);
        Revision {
            arn: base.arn.clone(),
            definition: self.body.iter().filter(|(member, _)| *member != "tags").map(clone_member).collect(),
            tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        }
    }

    /// The same rendering with its difference from another base: the one that a chain of renderings began with.
    pub fn against(self, base: &Revision) -> Self {
        let mut body = self.body.clone();
        body.remove("tags");
        Self { diff: Diff::between(&base.definition, &body), ..self }
    }

    /// The family that it will be registered in.
    pub fn family(&self) -> &str {
        self.body.get("family").and_then(Value::as_str).unwrap_or_default()
    }

    fn event(&self) -> Option<&str> {
        let tags = self.body.get("tags").and_then(Value::as_array)?;
        let event = tags.iter().find(|tag| tag.get("key").and_then(Value::as_str) == Some(tagging::EVENT))?;
        event.get("value").and_then(Value::as_str)
    }

    /// The body as the text to send, members in the base's order and numbers as they came.
    pub fn json(&self) -> String {
        Value::Object(self.body.clone()).to_string()
    }
}

/// Renders `base` with `change`; the error is the reason for a refusal, such as no container of that repository.
///
/// Members keep their order and their form, be they known to us, empty, or null. What is read-only is left out at
/// the top and nowhere else. Tags are carried over, except `aws:…`, which ECS refuses, and an older provenance.
pub fn render(base: &Revision, change: &Change<'_>) -> Result<Rendering, Reason> {
    let chosen = containers_of(base, change.repository, change.containers)?;
    let mut body: Map<String, Value> = base
        .definition
        .iter()
        .filter(|(member, _)| !READ_ONLY.contains(&member.as_str()))
        .map(clone_member)
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

fn clone_member((member, value): (&String, &Value)) -> (String, Value) {
    (member.clone(), value.clone())
}

fn set_image(container: &mut Map<String, Value>, change: &Change<'_>) -> Result<(), String> {
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
