//! Decides a redeploy: the running images are rendered again, and a deployment is made even if nothing changes.

use crate::model::facts::{RanImage, Revision};
use crate::model::id::EventId;
use crate::model::image::{Digest, Tag};
use crate::model::plan::{ImageChange, NextRevision, Plan, Rendering, Shown};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::trigger::Trigger;
use crate::rules::candidate::{By, TargetFacts};
use crate::rules::gates::{NotOpen, of_this_service, undisturbed};
use crate::rules::render;
use crate::rules::steps::{can_be_forced, register_and_update, update};

/// What was looked up for a redeploy of one service.
#[derive(Clone, Copy, Debug)]
pub struct Redeploy<'a> {
    /// The service's entries in the configuration, one per repository and at least one.
    pub entries: &'a [TargetFacts<'a>],
    /// What really ran, asked only where the task definition names a tag.
    pub ran: &'a [RanImage],
    /// The request's id, where it has one of its own: then a repeat must be recognisable.
    pub id: Option<&'a EventId>,
    /// What to write as the event of a new revision.
    pub event: &'a EventId,
    /// Lambda's id of the invocation, which its own tries share.
    pub request: &'a str,
}

/// Somebody asks for it, of no image in particular.
const BY: By<'static> = By::Request { tag: None, force: false };

/// Plans a redeploy of a service, with every one of its repositories' images as they run.
pub fn redeploy(facts: &Redeploy<'_>) -> Plan {
    let first = facts.entries[0];
    let mut rendered: Option<Rendering> = None;
    let mut image: Option<ImageChange> = None;
    let mut refusal = of_this_service(&first).map_err(NotOpen::into_reason).err();
    for entry in facts.entries {
        let Some((digest, tag)) = running_image(facts, entry) else { continue };
        // The second entry is rendered upon what the first one gave.
        let base = rendered.as_ref().map_or_else(|| first.base.clone(), |rendering| rendering.as_base(first.base));
        match render_again(facts, entry, &base, &digest, tag.as_ref()) {
            Ok(rendering) => {
                let new = Shown { tag, digest: Some(digest) };
                let repository = entry.repository.name.clone();
                image.get_or_insert(ImageChange { repository, old: Some(new.clone()), new });
                rendered = Some(rendering);
            }
            Err(reason) => refusal = Some(reason),
        }
    }
    let running = Some(first.running.arn.clone());
    let undisturbed = undisturbed(first.service, first.record, BY).map_err(NotOpen::into_reason);
    let (reason, steps) = match (refusal, undisturbed, rendered) {
        (Some(reason), _, _) | (None, Err(reason), _) => (reason, Vec::new()),
        (None, Ok(()), Some(rendering))
            if facts.id.is_some() || !rendering.equals(first.running) || !can_be_forced(first.service) =>
        {
            let reason = match facts.id {
                _ if !rendering.equals(first.running) => Reason::RedeployChanged,
                Some(id) => Reason::RedeployMarked { id: id.to_string() },
                None => Reason::RedeployForced,
            };
            (reason, register_and_update(first.service, rendering.against(first.running)))
        }
        // Nothing of the repositories runs, or nothing changes: the same revision once more.
        (None, Ok(()), _) => {
            let to = NextRevision::Existing(first.running.arn.clone());
            (Reason::RedeployForced, vec![update(first.service, to, true)])
        }
    };
    Plan { image, running, made_from: first.made_from(), steps, ..Plan::nothing(first.target.name.clone(), reason) }
}

/// Whether the task definition names a tag of one of these repositories: what such a container really ran must be asked.
pub fn names_a_tag(entries: &[TargetFacts<'_>]) -> bool {
    let mut images = entries.iter().flat_map(|it| render::images(it.running, it.recency(), it.repository));
    images.any(|image| image.digest.is_none())
}

/// The digest and the tag of the image that runs of this entry's repository, if the digest is known.
fn running_image(facts: &Redeploy<'_>, entry: &TargetFacts<'_>) -> Option<(Digest, Option<Tag>)> {
    let provenance = Provenance::of(entry.running).filter(|it| it.repository == entry.repository.name);
    render::images(entry.running, entry.recency(), entry.repository).into_iter().find_map(|image| {
        let ran = || facts.ran.iter().find(|ran| ran.container == image.container.as_str())?.digest.clone();
        let digest = image.digest.clone().or_else(ran)?;
        let tag = provenance.as_ref().filter(|it| it.digest == digest).and_then(|it| it.tag.clone());
        Some((digest, tag.or(image.tag)))
    })
}

fn render_again(
    facts: &Redeploy<'_>,
    entry: &TargetFacts<'_>,
    base: &Revision,
    digest: &Digest,
    tag: Option<&Tag>,
) -> Result<Rendering, Reason> {
    let provenance = Provenance {
        repository: entry.repository.name.clone(),
        tag: tag.cloned(),
        digest: digest.clone(),
        pushed_at: Provenance::of(entry.running).filter(|it| it.digest == *digest).and_then(|it| it.pushed_at),
        event: facts.event.clone(),
        request: Some(facts.request.to_owned()),
        trigger: Trigger::Redeploy,
        previous: Some(entry.running.arn.short().to_owned()),
        definition: entry.definition().map(|it| it.revision.short().to_owned()),
    };
    render::render(base, entry.target, entry.repository, &entry.target.containers, &provenance)
}

#[cfg(test)]
mod tests;
