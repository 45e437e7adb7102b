//! What is not recorded: a service that is observed for the first time, and an update that somebody made outside Slipway.

use jiff::Timestamp;

use crate::model::facts::{DeploymentFacts, RanImage, ServiceFacts};
use crate::model::id::TaskDefinitionArn;
use crate::model::record::{Decision, DecisionKind, Deployment, KnownGood, RECENT, Service};
use crate::rules::mechanism;
use crate::rules::note::{Note, is_first_observation};

/// What is recorded of a service that is observed for the first time.
///
/// `at` is when that counts as decided: when what runs was deployed, or now, so that nothing of before is deployed.
pub fn first_observation(service: &ServiceFacts, ran: &[RanImage], at: Option<Timestamp>, now: Timestamp) -> Note {
    let primary = service.primary();
    let made = primary.and_then(|primary| primary.created_at).unwrap_or(now);
    let won =
        primary.filter(|it| mechanism::is_completed(it) && mechanism::has_run(service, it.task_definition.short()));
    let known_good = won.map(|primary| KnownGood {
        revision: primary.task_definition.clone(),
        ran: ran.to_vec(),
        at: primary.updated_at.unwrap_or(made).min(now),
    });
    let decision = Decision { what: DecisionKind::Adopted, at: at.unwrap_or(made), who: None };
    Note::Adopted(known_good, decision)
}

/// Whether the record knows what this revision ran: it is known-good, or Slipway deployed it.
pub fn knows_what_ran(record: &Service, revision: &TaskDefinitionArn) -> bool {
    record.known_good.iter().any(|it| it.revision.short() == revision.short())
        || record.deployments.iter().any(|it| !it.is_external() && it.revision.new.as_deref() == Some(revision.short()))
}

/// An update by somebody else, which counts as a person's decision, if the service has one that is not recorded.
///
/// It may no longer be the PRIMARY: an update of ours may have superseded it before it was observed. A placeholder is nobody's
/// decision.
pub fn external(
    record: &Service,
    service: &ServiceFacts,
    is_placeholder: impl Fn(&TaskDefinitionArn) -> bool,
) -> Option<Note> {
    if is_first_observation(record) {
        return None;
    }
    let decided = record.decision.as_ref().map(|decision| decision.at);
    let unknown = service.deployments.iter().filter(|it| record.of_id(&it.id).is_none() && !it.is_rollback());
    // What is older than a full record may have been in it.
    let full = record.deployments.get(RECENT - 1..).and_then(<[Deployment]>::last);
    let since = full.map(|oldest| oldest.began_at());
    let unknown = unknown.filter(|it| since.is_none_or(|since| it.created_at.is_some_and(|created| created > since)));
    // Slipway's own rollback, whose id is not recorded yet.
    let mut open = record.deployments.iter().filter(|it| it.is_open());
    let own = open.find_map(|it| mechanism::its_rollback(it, service)).map(|it| &it.id);
    let unknown = unknown.filter(|it| Some(&it.id) != own);
    let unknown = unknown.filter(|it| !is_rollback_of_last(record, it));
    let unknown = unknown.filter(|it| !is_placeholder(&it.task_definition));
    let at = unknown.filter_map(|it| it.created_at).max().filter(|at| decided.is_none_or(|decided| decided < *at))?;
    Some(Note::Decided(Decision { what: DecisionKind::External, at, who: None }))
}

/// Whether this deployment rolls back what was deployed last before it. One that ECS restored is older than that.
fn is_rollback_of_last(record: &Service, made: &DeploymentFacts) -> bool {
    let is_before = |it: &&Deployment| made.created_at.is_none_or(|created| created >= it.began_at());
    record.deployments.iter().find(is_before).is_some_and(|last| {
        let is_to = |revision: &Option<String>| revision.as_deref() == Some(made.task_definition.short());
        let has_failed =
            last.failing().is_some() || last.rollback().is_some() || last.outcome().is_some_and(|it| it.quarantines());
        has_failed && (is_to(&last.revision.old) || last.rollback().is_some_and(|it| is_to(&it.to)))
    })
}
