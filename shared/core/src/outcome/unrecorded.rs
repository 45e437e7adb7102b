//! A PRIMARY that no record knows: somebody else's deployment, or one of ours whose record was lost.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::facts::{Deployment, Revision, Rollout, ServiceFacts};
use crate::id::TaskDefinitionArn;
use crate::image::ImageRef;
use crate::ledger;
use crate::notice::RevisionChange;
use crate::plan::{ImageChange, Shown};
use crate::provenance::Provenance;

/// The longest time between registering a revision and deploying it: a Lambda function runs for 15 minutes at most.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// What there is to see of a PRIMARY deployment.
#[derive(Clone, Copy, Debug)]
pub struct Unrecorded<'a> {
    /// The record.
    pub record: &'a ledger::Service,
    /// The service.
    pub service: &'a ServiceFacts,
    /// The revisions that could be read: the PRIMARY's, and the one before it.
    pub revisions: &'a HashMap<TaskDefinitionArn, Revision>,
    /// The names of the repositories that feed the service, to find the image of a revision that isn't Slipway's.
    pub repositories: &'a [&'a str],
    /// The target's settings of today; there are none of then.
    pub settings: &'a ledger::Settings,
    /// The time.
    pub now: Timestamp,
}

/// The PRIMARY as a deployment to be recorded; `None` where it is recorded, or may be what an open intent or rollback
/// brought about, or is what ECS went back to.
///
/// It is `outside` unless Slipway registered its revision just before: then it is Slipway's, and its record was lost.
pub fn unrecorded(it: &Unrecorded<'_>) -> Option<ledger::Deployment> {
    let primary = it.service.primary()?;
    let unnamed = |open: &ledger::Deployment| {
        let meant = open.deployment.is_none();
        let way_back = open.rollback.as_ref().is_some_and(|rollback| rollback.deployment.is_none());
        open.outcome.is_none() && (meant || way_back)
    };
    if it.record.of_id(&primary.id).is_some() || primary.is_rollback() || it.record.deployments.iter().any(unnamed) {
        return None;
    }
    let revision = it.revisions.get(&primary.task_definition);
    let ours = revision.and_then(|revision| {
        let provenance = Provenance::of(revision)?;
        let soon = primary.created_at?.duration_since(revision.registered_at()?) <= SOON;
        soon.then_some(provenance)
    });
    let old = before(it, primary);
    let made = primary.created_at.unwrap_or(it.now);
    Some(ledger::Deployment {
        number: 0,
        trigger: ours.as_ref().map_or("outside", |provenance| provenance.trigger.as_str()).to_owned(),
        event: ours.as_ref().map(|provenance| provenance.event.clone()),
        request: ours.as_ref().and_then(|provenance| provenance.request.clone()),
        who: None,
        image: revision.and_then(|revision| image(it, old.as_ref(), revision)),
        revision: RevisionChange {
            old: old.as_ref().map(|old| old.short().to_owned()),
            new: Some(primary.task_definition.short().to_owned()),
        },
        settings: it.settings.clone(),
        intended_at: made,
        over: None,
        deployment: Some(primary.id.clone()),
        began_at: Some(made),
        deadline: None,
        failed_tasks: Vec::new(),
        warnings: Vec::new(),
        failing: None,
        rollback: None,
        outcome: None,
        ended_at: None,
        reason: None,
        told: Vec::new(),
    })
}

/// What ran before: the last that completed, as far as ECS lists it, else the last that is recorded as good.
fn before(it: &Unrecorded<'_>, primary: &Deployment) -> Option<TaskDefinitionArn> {
    let older = |other: &&Deployment| other.id != primary.id && other.created_at < primary.created_at;
    let completed = it.service.deployments.iter().filter(older).filter(|it| it.rollout == Some(Rollout::Completed));
    let listed = completed.max_by_key(|it| it.created_at).map(|it| it.task_definition.clone());
    listed.or_else(|| it.record.good.first().map(|good| TaskDefinitionArn::new(&good.revision)))
}

fn image(it: &Unrecorded<'_>, old: Option<&TaskDefinitionArn>, revision: &Revision) -> Option<ImageChange> {
    let named = |repository: &&str| Some(((*repository).to_owned(), shown(revision, repository)?));
    let ours = Provenance::of(revision)
        .map(|provenance| (provenance.repository, Shown { tag: provenance.tag, digest: Some(provenance.digest) }));
    let (repository, new) = ours.or_else(|| it.repositories.iter().find_map(named))?;
    let old = old.and_then(|arn| it.revisions.values().find(|read| read.arn.short() == arn.short()));
    let old = old.and_then(|revision| shown(revision, &repository));
    Some(ImageChange { repository, old, new })
}

/// The image of this repository that a revision runs, with the tag that Slipway wrote down or the revision names.
pub(super) fn shown(revision: &Revision, repository: &str) -> Option<Shown> {
    if let Some(provenance) = Provenance::of(revision).filter(|it| it.repository == repository) {
        return Some(Shown { tag: provenance.tag, digest: Some(provenance.digest) });
    }
    let containers = revision.definition.get("containerDefinitions")?.as_array()?;
    let images = containers.iter().filter_map(|container| ImageRef::parse(container.get("image")?.as_str()?));
    images
        .filter(|image| image.repository().name == repository)
        .map(|image| Shown { tag: image.tag, digest: image.digest })
        .next()
}
