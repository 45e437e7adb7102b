//! Whether a request was carried out before: a client that got no answer in time repeats it, with the same id, or a
//! rollback perhaps without one.

use jiff::{SignedDuration, Timestamp};

use crate::model::facts::{Revision, ServiceFacts};
use crate::model::id::{EventId, TaskDefinitionArn};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::model::record::{Outcome, Service};

/// By the record, which keeps the last ten deployments.
pub fn done_by_record(record: &Service, id: &EventId) -> Option<Reason> {
    let made = record.deployments.iter().find(|it| it.event.as_ref() == Some(id) && it.id().is_some())?;
    Some(done(id, made.revision.new.as_deref().unwrap_or("a new deployment")))
}

/// By the family's newest revisions, which bear the id as well.
///
/// A revision without a deployment does not count: the try that registered it died before its update.
pub fn done_by_revision(record: &Service, newest: &[Revision], running: &Revision, id: &EventId) -> Option<Reason> {
    let made = newest.iter().find(|revision| Provenance::of(revision).is_some_and(|made| made.is_of(id)))?;
    let deployed = record.deployments.iter().filter_map(|it| it.revision.new.as_deref());
    let last = deployed.filter_map(|revision| TaskDefinitionArn::new(revision).revision()).max();
    let unused = last.is_some() && made.arn.revision() > last && made.arn != running.arn;
    (!unused).then(|| done(id, made.arn.short()))
}

/// Whether a rollback without an id, to the revision that is named or else to the last known-good one, was made just now.
///
/// Carried out again it would go back one revision more, so within this time the same request counts as repeated. Not where
/// anything began since, or where the first one failed: then somebody wants another rollback.
pub fn done_lately(record: &Service, service: &ServiceFacts, to: Option<&str>, now: Timestamp) -> Option<Reason> {
    const SAME_WITHIN: SignedDuration = SignedDuration::from_mins(5);
    let last = record.deployments.first().filter(|it| it.is_rollback())?;
    let to = to.map(|to| TaskDefinitionArn::new(to).short().to_owned());
    let is_same = to == last.requested_revision || to.is_some() && to == last.revision.new;
    let is_latest = service.primary().is_some_and(|primary| last.id() == Some(&primary.id));
    let is_well = match last.outcome() {
        None => last.failing().is_none(),
        Some(outcome) => outcome == Outcome::Completed,
    };
    let is_recent = now.duration_since(last.began_at()) <= SAME_WITHIN;
    let is_done = is_same && is_latest && is_well && is_recent;
    Some(done(last.event.as_ref()?, last.revision.new.as_deref()?)).filter(|_| is_done)
}

fn done(id: &EventId, revision: &str) -> Reason {
    Reason::AlreadyDone { id: id.to_string(), revision: revision.to_owned() }
}

#[cfg(test)]
mod tests;
