//! Renders a revision that ran once so that the very same images run again, whatever its tags point to now.

use serde_json::{Map, Value};

use crate::model::diff::Diff;
use crate::model::facts::{RanImage, Revision};
use crate::model::id::ContainerName;
use crate::model::image::ImageRef;
use crate::model::plan::Rendering;
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;

use super::{READ_ONLY, containers, tagging};

/// Renders `base` with each container's image pinned to what ran in it; what is not recorded stays as it is named.
pub fn again(base: &Revision, ran: &[RanImage], provenance: &Provenance) -> Result<Rendering, Reason> {
    containers::check(base).map_err(|problem| containers::unrenderable(base, problem))?;
    let mut body: Map<String, Value> = base
        .definition
        .iter()
        .filter(|(member, _)| !READ_ONLY.contains(&member.as_str()))
        .map(|(member, value)| (member.clone(), value.clone()))
        .collect();
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
    let diff = Diff::between(&base.definition, &body);
    if let Some(tags) = tagging::tags(&base.tags, provenance) {
        body.insert("tags".to_owned(), tags);
    }
    Ok(Rendering { body, diff, containers: pinned })
}
