//! Decides a rollback that somebody asked for: to the last known-good revision, or to the one they name.

use super::{Destination, KnownGoodFacts, ManualAction, Origin, Selected, select, steps, usable};
use crate::model::facts::{RanImage, Revision};
use crate::model::id::{EventId, TaskDefinitionArn};
use crate::model::plan::{ImageChange, Plan, Step};
use crate::model::reason::Reason;
use crate::model::record::{KnownGood, PassedOver, Service, Unusable};
use crate::rules::candidate::{By, TargetFacts};
use crate::rules::gates::{NotOpen, undisturbed};
use crate::rules::render::{self, ContainerImage, shown_in};

/// What was looked up for a rollback of one service.
#[derive(Clone, Copy, Debug)]
pub struct RequestedRollback<'a> {
    /// The service's entries in the configuration, one per repository and at least one.
    pub entries: &'a [TargetFacts<'a>],
    /// The revisions that may be gone back to: those of [`candidates`] or the one that is named.
    pub known_good: &'a [KnownGoodFacts],
    /// The revision that the request names.
    pub named: Option<&'a str>,
    /// What to write as the event of a new revision.
    pub event: &'a EventId,
    /// Lambda's id of the invocation, which its own tries share.
    pub request: &'a str,
}

/// The known-good revisions to go back to, the last one first; never what runs.
pub fn candidates(record: &Service, running: &TaskDefinitionArn) -> Vec<KnownGood> {
    record.known_good.iter().filter(|it| it.revision.short() != running.short()).cloned().collect()
}

/// Plans a rollback that somebody asked for.
pub fn rollback(facts: &RequestedRollback<'_>) -> Plan {
    let first = facts.entries[0];
    let no_op = |reason| Plan::nothing(first.target.name.clone(), reason);
    let Selected { destination, passed_over } = match destination(facts) {
        Ok(selected) => selected,
        Err(reason) => return no_op(reason),
    };
    let known_good = facts.known_good.iter().find(|it| it.known_good.revision == *destination.revision());
    let to = known_good.and_then(|it| it.revision.as_ref());
    let (reason, steps) = match decide(facts, &destination) {
        Ok(steps) => {
            let revision = destination.revision().short().to_owned();
            (Reason::RollbackAsked { revision, passed_over }, steps)
        }
        Err(reason) => (reason, Vec::new()),
    };
    let ran = known_good.map_or(&[][..], |it| &it.known_good.ran);
    let image = to.and_then(|to| facts.entries.iter().find_map(|entry| image(entry, to, ran)));
    Plan { image, running: Some(first.running.arn.clone()), steps, ..no_op(reason) }
}

fn destination(facts: &RequestedRollback<'_>) -> Result<Selected, Reason> {
    let TargetFacts { record, running, .. } = facts.entries[0];
    let Some(named) = facts.named else {
        return select(record, facts.known_good, Some(running.arn.short())).map_err(|none| match none {
            ManualAction::NoneUsable(passed_over) | ManualAction::Restoring { passed_over, .. } => {
                Reason::NoKnownGood { passed_over }
            }
            ManualAction::NoKnownGood | ManualAction::IsRollback => Reason::NoKnownGood { passed_over: Vec::new() },
        });
    };
    let no_such = || Reason::NoSuchRevision { revision: named.to_owned() };
    let it = facts.known_good.first().ok_or_else(no_such)?;
    let destination = usable(it).map_err(|because| match because {
        Unusable::RevisionGone => no_such(),
        Unusable::ImageGone(image) => Reason::ImageGone { revision: it.known_good.revision.short().to_owned(), image },
        because @ (Unusable::ImageArchived(_) | Unusable::ImageRestoring(_)) => {
            let revision = it.known_good.revision.short().to_owned();
            Reason::ImageArchived { it: PassedOver { revision, because } }
        }
    })?;
    Ok(destination.into())
}

fn decide(facts: &RequestedRollback<'_>, destination: &Destination) -> Result<Vec<Step>, Reason> {
    let TargetFacts { service, record, running, repository, .. } = facts.entries[0];
    undisturbed(service, record, By::Request { tag: None, force: false }).map_err(NotOpen::into_reason)?;
    let revision = destination.revision().short();
    if revision == running.arn.short() {
        return Err(Reason::RunsAlready { revision: revision.to_owned() });
    }
    let origin = Origin {
        event: facts.event.clone(),
        request: Some(facts.request.to_owned()),
        repository: Some(repository.name.clone()),
        before: None,
        previous: Some(running.arn.short().to_owned()),
    };
    let against = |step| match step {
        Step::Register(rendering) => Step::Register(rendering.against(running)),
        Step::Update { .. } => step,
    };
    Ok(steps(service, destination, &origin)?.into_iter().map(against).collect())
}

/// The image of an entry before and after; its digest as it is pinned in the revision, or as it ran.
fn image(entry: &TargetFacts<'_>, to: &Revision, ran: &[RanImage]) -> Option<ImageChange> {
    let TargetFacts { repository, running, .. } = *entry;
    let recency = entry.recency();
    let digest_of = |image: ContainerImage| {
        let ran = || ran.iter().find(|it| it.container == image.container.as_str())?.digest.clone();
        image.digest.clone().or_else(ran)
    };
    let mut new = shown_in(to, recency, repository)?;
    new.digest = new.digest.or_else(|| render::images(to, recency, repository).into_iter().find_map(digest_of));
    Some(ImageChange { repository: repository.name.clone(), old: shown_in(running, recency, repository), new })
}

#[cfg(test)]
mod tests;
