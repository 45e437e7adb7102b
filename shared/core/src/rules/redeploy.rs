//! Decides a redeploy: the running images are rendered again, and a deployment is made even if nothing changes.

use crate::config::Target;
use crate::model::facts::{RanImage, Revision, ServiceFacts};
use crate::model::id::EventId;
use crate::model::image::{Digest, ImageRef, Repository, Tag};
use crate::model::plan::{ImageChange, Plan, Rendering, Shown};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::record;
use crate::model::trigger::Trigger;
use crate::rules::candidate::By;
use crate::rules::gates::{NotOpen, undisturbed};
use crate::rules::render;
use crate::rules::steps::{register_and_update, update_anyway};

/// What was looked up for a redeploy of one service.
#[derive(Clone, Copy, Debug)]
pub struct Redeploy<'a> {
    /// The first of the service's entries; what is not of one repository is taken from it.
    pub first: &'a Target,
    /// The service's entries in the configuration, one per repository, with the repository that each means.
    pub entries: &'a [(&'a Target, Repository)],
    /// The service, as it is now.
    pub service: &'a ServiceFacts,
    /// The revision that the service runs.
    pub running: &'a Revision,
    /// The revision that is rendered.
    pub base: &'a Revision,
    /// What really ran, asked only where the task definition names a tag.
    pub ran: &'a [RanImage],
    /// The request's id, where it has one of its own: then a repeat must be recognisable.
    pub id: Option<&'a EventId>,
    /// What to write as the event of a new revision.
    pub event: &'a EventId,
    /// Lambda's id of the invocation, which its own tries share.
    pub request: &'a str,
    /// What Slipway remembers of the service.
    pub record: &'a record::Service,
}

/// Somebody asks for it, of no image in particular.
const BY: By<'static> = By::Request { tag: None, force: false };

/// Plans a redeploy of a service, with every one of its repositories' images as they run.
pub fn redeploy(facts: &Redeploy<'_>) -> Plan {
    let mut rendered: Option<Rendering> = None;
    let mut shown: Option<(&Repository, Shown)> = None;
    let mut refusal = None;
    for (target, repository) in facts.entries {
        let Some((digest, tag)) = running_image(facts, target, repository) else { continue };
        // The second entry is rendered upon what the first one gave.
        let base = rendered.as_ref().map_or_else(|| facts.base.clone(), |rendering| rendering.as_base(facts.base));
        match render_again(facts, target, repository, &base, &digest, tag.as_ref()) {
            Ok(rendering) => {
                shown.get_or_insert((repository, Shown { tag, digest: Some(digest) }));
                rendered = Some(rendering);
            }
            Err(reason) => refusal = Some(reason),
        }
    }
    let (reason, steps) =
        match (refusal, undisturbed(facts.service, facts.record, BY).map_err(NotOpen::into_reason), rendered) {
            (Some(reason), _, _) | (None, Err(reason), _) => (reason, Vec::new()),
            (None, Ok(()), Some(rendering)) if !rendering.equals(facts.running) => {
                (Reason::RedeployChanged, register_and_update(facts.service, rendering.against(facts.base)))
            }
            (None, Ok(()), Some(rendering)) if facts.id.is_some() => {
                let id = facts.id.map(ToString::to_string).unwrap_or_default();
                (Reason::RedeployMarked { id }, register_and_update(facts.service, rendering.against(facts.base)))
            }
            // Nothing of the repositories runs, or nothing changes: the same revision once more.
            (None, Ok(()), _) => {
                (Reason::RedeployForced, vec![update_anyway(facts.service, facts.running.arn.clone())])
            }
        };
    let image = shown.map(|(repository, image)| ImageChange {
        repository: repository.name.clone(),
        old: Some(image.clone()),
        new: image,
    });
    let running = Some(facts.running.arn.clone());
    Plan { image, running, steps, ..Plan::nothing(facts.first.name.clone(), reason) }
}

/// Whether the task definition names a tag of one of these repositories: what such a container really ran must be asked.
pub fn names_a_tag(running: &Revision, entries: &[(&Target, Repository)]) -> bool {
    entries.iter().any(|(target, repository)| {
        let containers = render::containers_of(running, repository, &target.containers).unwrap_or_default();
        containers
            .iter()
            .filter_map(|container| ImageRef::parse(render::image_of(running, container)?))
            .any(|image| image.digest.is_none() && image.repository() == *repository)
    })
}

/// The digest that runs of this repository, and the tag it goes by.
fn running_image(facts: &Redeploy<'_>, target: &Target, repository: &Repository) -> Option<(Digest, Option<Tag>)> {
    let containers = render::containers_of(facts.running, repository, &target.containers).ok()?;
    let provenance = Provenance::of(facts.running);
    containers.iter().find_map(|container| {
        let image = ImageRef::parse(render::image_of(facts.running, container)?)?;
        if image.repository() != *repository {
            return None;
        }
        let ran = || facts.ran.iter().find(|ran| ran.container == container.as_str())?.digest.clone();
        let digest = image.digest.clone().or_else(ran)?;
        let tag = provenance
            .as_ref()
            .filter(|provenance| provenance.digest == digest && provenance.repository == repository.name)
            .and_then(|provenance| provenance.tag.clone());
        Some((digest, tag.or(image.tag)))
    })
}

fn render_again(
    facts: &Redeploy<'_>,
    target: &Target,
    repository: &Repository,
    base: &Revision,
    digest: &Digest,
    tag: Option<&Tag>,
) -> Result<Rendering, Reason> {
    let pushed_at = Provenance::of(facts.running)
        .filter(|provenance| provenance.digest == *digest)
        .and_then(|provenance| provenance.pushed_at);
    let provenance = Provenance {
        repository: repository.name.clone(),
        tag: tag.cloned(),
        digest: digest.clone(),
        pushed_at,
        event: facts.event.clone(),
        request: Some(facts.request.to_owned()),
        trigger: Trigger::Redeploy,
        previous: Some(facts.running.arn.short().to_owned()),
    };
    let environment: Vec<_> =
        target.environment.iter().map(|(name, value)| (name.clone(), value.fill(tag, digest))).collect();
    render::render(
        base,
        &render::Edits {
            repository,
            digest,
            containers: &target.containers,
            environment: &environment,
            provenance: &provenance,
        },
    )
}

#[cfg(test)]
mod tests;
