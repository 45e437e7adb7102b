//! Renders a task definition with the chosen image, on ECS's own JSON, without losing a member.
//!
//! Only the image of the chosen containers, the configured environment values and the tags change.

use serde_json::{Map, Value};

use crate::config::{Target, Template};
use crate::model::diff::Diff;
use crate::model::facts::{RanImage, Revision};
use crate::model::id::ContainerName;
use crate::model::image::{Digest, ImageRef, LONGEST, Repository};
use crate::model::plan::Rendering;
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;

pub(super) use environment::set_variable;

pub use containers::{ContainerImage, containers, containers_of, images, shown_in};

mod containers;
mod diff;
mod environment;
mod identity;
mod tagging;

impl Rendering {
    /// Whether this revision already is what the rendering would register; provenance does not count, people's tags do.
    ///
    /// Equal is what [`Diff::between`] finds no difference in: members in any order, numbers as written.
    pub fn equals(&self, running: &Revision) -> bool {
        Diff::between(&running.definition, &self.body).is_empty()
            && tagging::sorted(&running.tags) == tagging::sorted(&tagging::all(&self.body))
    }

    /// A text that two renderings share where one revision serves both: the same but for provenance, and for the same event,
    /// by which an update's effect is recognised.
    pub fn identity(&self) -> String {
        identity::identity(&self.body)
    }

    /// Whether this revision is the rendering, registered for the same event: then an unanswered call was carried out.
    ///
    /// `RegisterTaskDefinition` has no client token. Without room for the event's tag that is unknown: it is not.
    pub fn is_registered_as(&self, latest: &Revision) -> bool {
        let event = tagging::event(&latest.tags);
        event.is_some() && event == tagging::event(&tagging::all(&self.body)) && self.equals(latest)
    }

    /// The rendering as a base, to be rendered further, under the name of its own base.
    pub fn as_base(&self, base: &Revision) -> Revision {
        let mut definition = self.body.clone();
        definition.shift_remove("tags");
        Revision { arn: base.arn.clone(), definition, tags: tagging::all(&self.body) }
    }

    /// The same rendering with its difference from another base: one that was rendered upon a rendering is compared with
    /// what both began with.
    pub fn against(self, base: &Revision) -> Self {
        Self { diff: Diff::between(&base.definition, &self.body), ..self }
    }
}

/// Renders `base` with the image of `provenance`, which is of this repository, and the target's environment variables. Without
/// `named` containers, those change that have an image of the repository.
///
/// The error is the reason for a refusal, such as no container of that repository.
///
/// Members keep their order and their form, be they known to us, empty, or null. What is read-only is left out at
/// the top and nowhere else. Tags are carried over, except `aws:…`, which ECS refuses, and an older provenance.
pub fn render(
    base: &Revision,
    target: &Target,
    repository: &Repository,
    named: &[ContainerName],
    provenance: &Provenance,
) -> Result<Rendering, Reason> {
    let chosen = containers_of(base, repository, named)?;
    let fill = |template: &Template| template.fill(provenance.tag.as_ref(), &provenance.digest);
    let variables: Vec<_> = target.environment.iter().map(|(name, template)| (name.as_str(), fill(template))).collect();
    let mut body = without_read_only(base);
    for container in containers::chosen(&mut body, &chosen) {
        set_image(base, container, repository, &provenance.digest)?;
        environment::set(base, container, &variables)?;
    }
    Ok(rendering(base, body, chosen, provenance))
}

/// Renders `base` with each container's image pinned to what ran in it, whatever its tags point to now; what is not recorded
/// stays as it is named.
pub fn again(base: &Revision, ran: &[RanImage], provenance: &Provenance) -> Result<Rendering, Reason> {
    containers::check(base)?;
    let mut body = without_read_only(base);
    let names: Vec<ContainerName> = ran.iter().map(|ran| ContainerName::new(&ran.container)).collect();
    let mut pinned = Vec::new();
    for container in containers::chosen(&mut body, &names) {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let digest = ran.iter().find(|ran| ran.container == name).and_then(|ran| ran.digest.as_ref());
        let image = container.get("image").and_then(Value::as_str).and_then(ImageRef::parse);
        let (Some(digest), Some(image)) = (digest, image) else { continue };
        // What names a digest is that digest, whatever the record says.
        if image.digest.is_none() {
            container.insert("image".to_owned(), Value::String(image.pinned(digest).to_string()));
            pinned.push(ContainerName::new(name));
        }
    }
    Ok(rendering(base, body, pinned, provenance))
}

fn without_read_only(base: &Revision) -> Map<String, Value> {
    let mut body = base.definition.clone();
    body.retain(|member, _| !Revision::READ_ONLY.contains(&member.as_str()));
    body
}

fn rendering(
    base: &Revision,
    mut body: Map<String, Value>,
    containers: Vec<ContainerName>,
    provenance: &Provenance,
) -> Rendering {
    let diff = Diff::between(&base.definition, &body);
    if let Some(tags) = tagging::tags(&base.tags, provenance) {
        body.insert("tags".to_owned(), tags);
    }
    Rendering { body, diff, containers }
}

fn set_image(
    base: &Revision,
    container: &mut Map<String, Value>,
    repository: &Repository,
    digest: &Digest,
) -> Result<(), Reason> {
    let running = container.get("image").and_then(Value::as_str).and_then(ImageRef::parse);
    let image = match running.filter(|image| image.repository() == *repository) {
        Some(image) => image.pinned(digest),
        None => repository.image(digest),
    };
    let text = image.to_string();
    if text.len() - "@".len() - digest.as_str().len() > LONGEST {
        let problem = format!("the image {repository} is longer than the {LONGEST} characters that ECS takes");
        return Err(containers::unrenderable(base, problem));
    }
    container.insert("image".to_owned(), Value::String(text));
    Ok(())
}

#[cfg(test)]
mod tests;
