//! Decides a rollback that somebody asked for: to the last known-good revision, or to the one they name.

use super::{Destination, Gone, KnownGoodFacts, Origin, select, steps, usable};
use crate::config::Target;
use crate::model::facts::{RanImage, Revision, ServiceFacts};
use crate::model::id::{EventId, TaskDefinitionArn};
use crate::model::image::{Digest, ImageRef, Repository};
use crate::model::plan::{ImageChange, Plan, Step};
use crate::model::reason::Reason;
use crate::model::record::{KnownGood, Service};
use crate::rules::candidate::By;
use crate::rules::gates::{NotOpen, undisturbed};
use crate::rules::render::{self, shown_in};

/// What was looked up for a rollback of one service.
#[derive(Clone, Copy, Debug)]
pub struct RequestedRollback<'a> {
    /// The first of the service's entries; what is not of one repository is taken from it.
    pub first: &'a Target,
    /// The service's entries in the configuration, one per repository, with the repository that each means.
    pub entries: &'a [(&'a Target, Repository)],
    /// The service, as it is now.
    pub service: &'a ServiceFacts,
    /// The revision that the service runs.
    pub running: &'a Revision,
    /// What may be gone back to, those of [`candidates`] or the one that is named.
    pub known_good: &'a [KnownGoodFacts],
    /// Those of them that could be read.
    pub revisions: &'a [Revision],
    /// The revision that the request names.
    pub named: Option<&'a str>,
    /// What Slipway remembers of the service.
    pub record: &'a Service,
    /// What to write as the event of a new revision.
    pub event: &'a EventId,
    /// Lambda's id of the invocation, which its own tries share.
    pub request: &'a str,
}

/// The known-good revisions to go back to, the last one first; never what runs.
pub fn candidates(record: &Service, running: &TaskDefinitionArn) -> Vec<KnownGood> {
    let other = |good: &&KnownGood| TaskDefinitionArn::new(&good.revision).short() != running.short();
    record.known_good.iter().filter(other).cloned().collect()
}

/// Plans a rollback that somebody asked for.
pub fn rollback(facts: &RequestedRollback<'_>) -> Plan {
    let nothing = |reason| Plan::nothing(facts.first.name.clone(), reason);
    let destination = match destination(facts) {
        Ok(destination) => destination,
        Err(reason) => return nothing(reason),
    };
    let to = facts.revisions.iter().find(|it| it.arn.short() == destination.revision().short());
    let (reason, steps) = match decide(facts, &destination, to) {
        Ok(steps) => (Reason::RollbackAsked { revision: destination.revision().short().to_owned() }, steps),
        Err(reason) => (reason, Vec::new()),
    };
    let ran = match facts.known_good.iter().find(|it| it.known_good.revision == destination.revision().as_str()) {
        Some(it) => it.known_good.ran.as_slice(),
        None => &[],
    };
    let image = to.and_then(|to| facts.entries.iter().find_map(|entry| image(facts.running, to, entry, ran)));
    Plan { image, running: Some(facts.running.arn.clone()), steps, ..nothing(reason) }
}

fn destination(facts: &RequestedRollback<'_>) -> Result<Destination, Reason> {
    let Some(named) = facts.named else {
        return select(facts.record, facts.known_good, Some(facts.running.arn.short()))
            .map_err(|_| Reason::NoKnownGood);
    };
    let no_such = || Reason::NoSuchRevision { revision: named.to_owned() };
    let it = facts.known_good.first().ok_or_else(no_such)?;
    usable(it).map_err(|gone| match gone {
        Gone::Revision => no_such(),
        Gone::Image(image) => {
            let revision = TaskDefinitionArn::new(&it.known_good.revision).short().to_owned();
            Reason::ImageGone { revision, image }
        }
    })
}

fn decide(
    facts: &RequestedRollback<'_>,
    destination: &Destination,
    to: Option<&Revision>,
) -> Result<Vec<Step>, Reason> {
    undisturbed(facts.service, facts.record, By::Request { tag: None, force: false }).map_err(NotOpen::into_reason)?;
    let revision = destination.revision().short();
    if revision == facts.running.arn.short() {
        return Err(Reason::RunsAlready { revision: revision.to_owned() });
    }
    let origin = Origin {
        event: facts.event.clone(),
        request: Some(facts.request.to_owned()),
        repository: facts.entries.first().map(|(_, repository)| repository.name.clone()),
        before: None,
        previous: Some(facts.running.arn.short().to_owned()),
    };
    let against = |step| match step {
        Step::Register(rendering) => Step::Register(rendering.against(facts.running)),
        Step::Update { .. } => step,
    };
    Ok(steps(facts.service, destination, to, &origin)?.into_iter().map(against).collect())
}

/// What becomes of an entry's image.
fn image(
    running: &Revision,
    to: &Revision,
    (target, repository): &(&Target, Repository),
    ran: &[RanImage],
) -> Option<ImageChange> {
    let mut new = shown_in(to, target, repository)?;
    new.digest = new.digest.or_else(|| digest_of(to, target, repository, ran));
    Some(ImageChange { repository: repository.name.clone(), old: shown_in(running, target, repository), new })
}

/// The digest of a repository's image in a revision: as it is pinned there, or as it ran.
fn digest_of(to: &Revision, target: &Target, repository: &Repository, ran: &[RanImage]) -> Option<Digest> {
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

#[cfg(test)]
mod tests;
