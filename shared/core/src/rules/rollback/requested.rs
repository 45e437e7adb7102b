//! Decides a rollback that somebody asked for: to the last good revision, or to the one they name.
//!
//! A revision that names a tag, or that was deregistered, is registered anew with the digests that ran.

use crate::config::Target;
use crate::model::facts::{Revision, ServiceFacts};
use crate::model::id::{EventId, TaskDefinitionArn};
use crate::model::image::{Digest, ImageRef, Repository};
use crate::model::plan::{Force, ImageChange, Plan, Rendering, To};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::record::{Ran, Service};
use crate::model::trigger::Trigger;
use crate::rules::candidate::{By, Insist};
use crate::rules::gates::undisturbed;
use crate::rules::redeploy;
use crate::rules::render::{self, shown_in};
use crate::rules::steps::{register_and_update, update};

/// What was looked up for a rollback of one service.
#[derive(Clone, Copy, Debug)]
pub struct Rollback<'a> {
    /// The first of the service's entries; what is not of one repository is taken from it.
    pub first: &'a Target,
    /// The service's entries in the configuration, one per repository, with the repository that each means.
    pub entries: &'a [(&'a Target, Repository)],
    /// The service, as it is now.
    pub service: &'a ServiceFacts,
    /// The revision that the service runs.
    pub running: &'a Revision,
    /// The revision to go back to.
    pub to: &'a Revision,
    /// What it really ran, as far as it is known.
    pub ran: &'a [Ran],
    /// What Slipway remembers of the service.
    pub record: &'a Service,
    /// What to write as the event of a new revision.
    pub event: &'a EventId,
    /// Lambda's id of the invocation, which its own tries share.
    pub request: &'a str,
}

/// A revision that a rollback may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// The revision, by its ARN or as `family:revision`.
    pub revision: String,
    /// What really ran, where it is known.
    pub ran: Vec<Ran>,
}

/// The good revisions to go back to, the last one first; never what runs.
pub fn candidates(record: &Service, running: &TaskDefinitionArn) -> Vec<Back> {
    let other = |revision: &str| TaskDefinitionArn::new(revision).short() != running.short();
    let good = record.good.iter().filter(|good| other(&good.revision));
    good.map(|good| Back { revision: good.revision.clone(), ran: good.ran.clone() }).collect()
}

/// The images of the entries' repositories that a revision needs, to ask the registry whether it has them still.
pub fn images(to: &Revision, entries: &[(&Target, Repository)], ran: &[Ran]) -> Vec<(Repository, Digest)> {
    entries
        .iter()
        .filter_map(|(target, repository)| Some((repository.clone(), digest_of(to, target, repository, ran)?)))
        .collect()
}

/// Plans a rollback that somebody asked for.
pub fn rollback(facts: &Rollback<'_>) -> Plan {
    let revision = facts.to.arn.short().to_owned();
    let decided = undisturbed(facts.service, facts.record, By::Request(None, Insist::No)).and_then(|()| {
        if facts.to.arn == facts.running.arn {
            return Err(Reason::RunsAlready { revision: revision.clone() });
        }
        if !is_active(facts.to) || names_a_tag(facts) {
            return render_anew(facts).map(|rendering| register_and_update(facts.service, rendering));
        }
        Ok(vec![update(facts.service, To::Existing(facts.to.arn.clone()), Force::No)])
    });
    let (reason, steps) = match decided {
        Ok(steps) => (Reason::RollbackAsked { revision }, steps),
        Err(reason) => (reason, Vec::new()),
    };
    let image = facts.entries.iter().find_map(|(target, repository)| {
        let mut new = shown_in(facts.to, target, repository)?;
        new.digest = new.digest.or_else(|| digest_of(facts.to, target, repository, facts.ran));
        let old = shown_in(facts.running, target, repository);
        Some(ImageChange { repository: repository.name.clone(), old, new })
    });
    Plan { target: facts.first.name.clone(), reason, image, running: Some(facts.running.arn.clone()), steps }
}

/// ECS accepts only ACTIVE revisions for an update.
fn is_active(revision: &Revision) -> bool {
    revision.definition.get("status").and_then(serde_json::Value::as_str).is_none_or(|status| status == "ACTIVE")
}

fn names_a_tag(facts: &Rollback<'_>) -> bool {
    let is_pinned_by_us = |(target, repository): &(&Target, Repository)| {
        let known = digest_of(facts.to, target, repository, facts.ran).is_some();
        known && redeploy::names_a_tag(facts.to, &[(*target, repository.clone())])
    };
    facts.entries.iter().any(is_pinned_by_us)
}

/// The digest of a repository's image in a revision: as it is pinned there, or as it ran.
fn digest_of(to: &Revision, target: &Target, repository: &Repository, ran: &[Ran]) -> Option<Digest> {
    let containers = render::containers_of(to, repository, &target.containers).ok()?;
    containers.iter().find_map(|container| {
        let image = ImageRef::parse(render::image_of(to, container)?)?;
        if image.repository() != *repository {
            return None;
        }
        let ran = || ran.iter().find(|it| it.container == container.as_str())?.digest.clone();
        image.digest.or_else(ran)
    })
}

fn render_anew(facts: &Rollback<'_>) -> Result<Rendering, Reason> {
    let mut rendered: Option<Rendering> = None;
    for (target, repository) in facts.entries {
        let Some(digest) = digest_of(facts.to, target, repository, facts.ran) else { continue };
        let base = rendered.as_ref().map_or_else(|| facts.to.clone(), |rendering| rendering.as_base(facts.to));
        let made = Provenance::of(facts.to).filter(|made| made.digest == digest);
        let tag = shown_in(facts.to, target, repository).and_then(|shown| shown.tag);
        let provenance = Provenance {
            repository: repository.name.clone(),
            tag,
            digest: digest.clone(),
            pushed_at: made.and_then(|made| made.pushed_at),
            event: facts.event.clone(),
            request: Some(facts.request.to_owned()),
            trigger: Trigger::Rollback,
            previous: Some(facts.running.arn.short().to_owned()),
        };
        rendered = Some(render::render(
            &base,
            &render::Change {
                repository,
                digest: &digest,
                containers: &target.containers,
                environment: &[],
                provenance: &provenance,
            },
        )?);
    }
    let rendering = rendered.ok_or_else(|| Reason::Unrenderable {
        revision: facts.to.arn.short().to_owned(),
        problem: "nobody knows which images it ran".to_owned(),
    })?;
    Ok(rendering.against(facts.running))
}
