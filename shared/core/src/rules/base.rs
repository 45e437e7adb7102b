//! Which task definition a new revision is made from: what the service runs or, with `base: family`, the family's newest
//! revision that Slipway did not register.
//!
//! Slipway's own revisions are made from an older base, so they say nothing of what people want; and in a family that several
//! services share, the newest may be meant for another of them.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::config::{Base, Target};
use crate::model::diff::Diff;
use crate::model::facts::{OtherService, Revision, ServiceFacts};
use crate::model::id::{EventId, Home, TaskDefinitionArn};
use crate::model::image::ImageRef;
use crate::model::plan::Plan;
use crate::model::provenance::{PREFIX, Provenance};
use crate::model::reason::{Reason, Weight};
use crate::model::record::{Family, Service};
use crate::rules::candidate::TargetFacts;
use crate::rules::render::{self, ContainerImage, images};

/// So many of a family's revisions are looked at, the newest first, where no base is remembered.
pub const LOOK_BACK: u64 = 25;

/// What was looked up of a target's family.
#[derive(Clone, Debug)]
pub struct FamilyFacts {
    /// The newest revision that Slipway did not register; `None` where none was found.
    pub base: Option<Revision>,
    /// What is remembered of that for the next time.
    pub remembered: Family,
    /// Another service of the family to which somebody gave something else, if there is one.
    pub other: Option<OtherService>,
}

/// A revision of a family that somebody else registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The revision.
    pub revision: TaskDefinitionArn,
    /// When it was registered, if that is known.
    pub registered_at: Option<Timestamp>,
}

/// The family from which a target is rendered, if it is.
pub fn family_to_read<'s>(target: &Target, service: &'s ServiceFacts) -> Option<&'s str> {
    match target.base {
        Base::Service => None,
        Base::Family => Some(service.task_definition.family()),
    }
}

/// The base of a family as the record remembers it.
pub fn remembered<'r>(record: &'r Service, family: &str) -> Option<&'r Family> {
    record.family.as_ref().filter(|known| known.name == family)
}

/// The numbers of the revisions to read beside the family's latest before the base is known, newest first.
pub fn to_read(known: Option<&Family>, latest: &Revision) -> Vec<u64> {
    if !is_by_slipway(latest) {
        return Vec::new();
    }
    let number = latest.arn.revision().unwrap_or_default();
    let oldest = (number + 1).saturating_sub(LOOK_BACK).max(1);
    let unknown = known.map_or(oldest, |known| oldest.max(known.seen + 1));
    (unknown..number).rev().collect()
}

/// The newest active revision among these that Slipway did not register. `running` is another one of the family, for
/// comparison only.
pub fn newest<'r>(read: &'r [Revision], running: &'r Revision) -> Option<&'r Revision> {
    let known = || read.iter().chain([running]);
    let by_others = read.iter().filter(|it| is_active(it) && (!is_by_slipway(it) || is_copy(it, known())));
    by_others.max_by_key(|it| it.arn.revision())
}

/// A family's base with what Slipway set in the running revision for these entries of the configuration: a service may run
/// images of several repositories, and one deploy is about one of them.
pub fn with_what_runs(base: &Revision, running: &Revision, entries: &[&Target], home: &Home) -> Revision {
    let running = running.definition.get("containerDefinitions").and_then(Value::as_array);
    let mut definition = base.definition.clone();
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        let of_name = |it: &&Value| it.get("name").is_some() && it.get("name") == container.get("name");
        let Some(runs) = running.into_iter().flatten().find(of_name) else { continue };
        let Some(image) = runs.get("image").filter(|image| image_of(image, entries, home)) else { continue };
        container.insert("image".to_owned(), image.clone());
        let variables = runs.get("environment").and_then(Value::as_array);
        for variable in variables.into_iter().flatten().filter(|it| is_set(it, entries)) {
            render::set_variable(container, variable);
        }
    }
    Revision { definition, ..base.clone() }
}

/// The image that runs, where it may be deployed with another definition of the family by itself.
///
/// The target asks for that, nobody holds the service, and nothing else is to be done, by the plan that was `found`.
pub fn image_to_redeploy(facts: &TargetFacts<'_>, found: Option<&Plan>) -> Option<ContainerImage> {
    let base = facts.family?.base.as_ref()?;
    let is_idle = |plan: &Plan| plan.blocked.is_none() && plan.reason.weight() == Weight::Skip;
    let wanted = facts.target.deploy_definition_changes
        && base.arn != facts.running.arn
        && facts.record.hold.is_none()
        && found.is_none_or(is_idle);
    images(facts.running, facts.recency(), facts.repository).into_iter().next().filter(|_| wanted)
}

/// Whether a plan for the image that runs says that its definition is not new.
pub fn changes_nothing(plan: &Plan) -> bool {
    use Reason::{AlreadyFailed, AlreadyRuns, AlreadyUnderWay};
    matches!(plan.reason, AlreadyRuns { .. } | AlreadyUnderWay { .. } | AlreadyFailed { .. })
}

/// What a deployment of a definition alone is triggered by: the definition, so that it is made once.
pub fn event(definition: &TaskDefinitionArn) -> EventId {
    EventId::new(format!("definition-{}", definition.short()))
}

/// The revision that a service ran last that Slipway did not register, or else one that was made from that, if one is known.
///
/// It is what somebody gave this service. Revisions made from the family's base say nothing of that: where one service is deployed
/// after another, they differ for a while.
pub fn origin(running: &Revision, known: Option<u64>) -> Option<u64> {
    match Provenance::of(running).map(|it| it.definition) {
        Some(Some(_)) => known,
        Some(None) => known.or(running.arn.revision()),
        None => running.arn.revision(),
    }
}

/// What is remembered of a service's family; `looked` are its latest revision and the base, where it was looked through.
pub fn memory(record: &Service, running: &Revision, looked: Option<(&Revision, Option<&Revision>)>) -> Family {
    let name = running.arn.family();
    let known = remembered(record, name).and_then(|known| known.origin);
    let number = |revision: &Revision| revision.arn.revision();
    Family {
        name: name.to_owned(),
        seen: looked.and_then(|(latest, _)| number(latest)).unwrap_or_default(),
        base: looked.and_then(|(_, base)| number(base?)),
        origin: origin(running, known),
    }
}

/// Whether that is to be remembered. A family that was looked through a little further is not worth a write.
pub fn is_worth_remembering(known: Option<&Family>, found: &Family) -> bool {
    const FURTHER: u64 = 10;
    changes_membership(known, found)
        || known.is_none_or(|known| known.base != found.base || known.seen + FURTHER <= found.seen)
}

/// Whether other services of the family have to know of it.
pub fn changes_membership(known: Option<&Family>, found: &Family) -> bool {
    known.is_none_or(|known| (&known.name, known.origin) != (&found.name, found.origin))
}

/// Whether a revision can be made from this one: it is there and was not deregistered.
pub fn is_active(revision: &Revision) -> bool {
    revision.definition.get("status").and_then(Value::as_str).is_none_or(|status| status == "ACTIVE")
}

fn is_by_slipway(revision: &Revision) -> bool {
    Provenance::of(revision).is_some()
}

/// Whether somebody else made a revision from one of Slipway's, tags included, as the console does: the older one has the same
/// provenance, and another registered it.
fn is_copy<'r>(revision: &Revision, mut known: impl Iterator<Item = &'r Revision>) -> bool {
    let provenance = |it: &Revision| -> Vec<(String, String)> {
        let mut tags: Vec<_> = it.tags.iter().filter(|(key, _)| key.starts_with(PREFIX)).cloned().collect();
        tags.sort();
        tags
    };
    let by = |it: &Revision| it.definition.get("registeredBy").and_then(Value::as_str).map(str::to_owned);
    known.any(|it| {
        it.arn.revision() < revision.arn.revision()
            && provenance(it) == provenance(revision)
            && by(it).zip(by(revision)).is_some_and(|(one, other)| one != other)
    })
}

/// The first place in which two revisions differ, but for what Slipway sets for these entries of the configuration: images of their
/// repositories, and variables.
pub fn differs(one: &Revision, other: &Revision, entries: &[&Target], home: &Home) -> Option<String> {
    let [one, other] = [one, other].map(|it| without_what_is_set(it, entries, home));
    Diff::between(&one, &other).changes.into_iter().next().map(|change| change.path)
}

fn without_what_is_set(revision: &Revision, entries: &[&Target], home: &Home) -> Map<String, Value> {
    let mut definition = revision.definition.clone();
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        if container.get("image").is_some_and(|image| image_of(image, entries, home)) {
            container.shift_remove("image");
        }
        if let Some(environment) = container.get_mut("environment").and_then(Value::as_array_mut) {
            environment.retain(|variable| !is_set(variable, entries));
            if environment.is_empty() {
                container.shift_remove("environment");
            }
        }
    }
    definition
}

/// Whether an image is of the repository of one of these entries.
fn image_of(image: &Value, entries: &[&Target], home: &Home) -> bool {
    let Some(repository) = image.as_str().and_then(ImageRef::parse).map(|image| image.repository()) else {
        return false;
    };
    entries.iter().any(|entry| entry.repository.is(&repository, home))
}

/// Whether one of these entries sets the environment variable.
fn is_set(variable: &Value, entries: &[&Target]) -> bool {
    let name = variable.get("name").and_then(Value::as_str);
    entries.iter().flat_map(|entry| &entry.environment).any(|(set, _)| Some(set.as_str()) == name)
}

#[cfg(test)]
mod tests;
