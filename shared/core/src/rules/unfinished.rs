//! Holds what the record says against what ECS says: what nobody remembers, what was begun and not finished, what was
//! not told.

use jiff::{Timestamp, ToSpan};

use crate::model::build::BuildChange;
use crate::model::facts::{RanImage, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, TargetName, TaskDefinitionArn};
use crate::model::notice::Kind;
use crate::model::plan::{Plan, Shown};
use crate::model::reason::Reason;
use crate::model::record::{Began, Decision, Deployment, Good, RECENT, Ran, Service, Wish};
use crate::rules::mechanism::{self, Intent, effect};

/// Something to write into the record with the next write; noting it twice changes nothing more.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The service was seen for the first time: what runs is taken over as it is.
    Adopted(Option<Good>, Decision),
    /// A person decided, here or elsewhere.
    Decided(Decision),
    /// What a good revision's tags really meant when it ran.
    Ran(String, Vec<Ran>),
    /// An update whose answer was lost made this deployment.
    Began(u64, Began),
    /// An update that was meant never took effect.
    Forgotten(u64),
    /// What the images of a deployment were built from.
    Built(u64, BuildChange),
    /// A notice was published; of a deployment, where it has a number.
    Told(Option<u64>, String),
    /// A wish waits until what is under way has ended, or for better images.
    Waits(Wish),
}

impl Note {
    /// Writes it down.
    pub fn write(&self, record: &mut Service) {
        match self {
            Self::Adopted(good, decision) => {
                if is_first_sight(record) {
                    good.iter().for_each(|good| record.proved(good.clone()));
                    record.decided(decision.clone());
                }
            }
            Self::Decided(decision) => record.decided(decision.clone()),
            Self::Ran(revision, ran) => {
                if let Some(good) = record.good.iter_mut().find(|it| it.revision == *revision && it.ran.is_empty()) {
                    good.ran.clone_from(ran);
                }
            }
            Self::Began(number, began) => record.began(*number, began),
            Self::Forgotten(number) => record.forget(*number),
            Self::Built(number, build) => record.built(*number, build.clone()),
            Self::Told(number, id) => record.tell(*number, id),
            Self::Waits(wish) => {
                record.wishes.retain(|it| it != wish);
                // To decide again once is to decide about everything.
                if wish.tag.is_some() || record.waiting.iter().all(|it| it.tag.is_some()) {
                    record.wait(wish.clone());
                }
            }
        }
    }
}

/// Whether nothing is remembered of the service: Slipway sees it for the first time, or the table was lost.
pub fn is_first_sight(record: &Service) -> bool {
    record.decision.is_none() && record.good.is_empty() && record.deployments.is_empty()
}

/// What is remembered of a service that is seen for the first time.
///
/// `at` is when that counts as decided: when what runs was deployed, or now, so that nothing of before is deployed.
pub fn first_sight(service: &ServiceFacts, ran: &[RanImage], at: Option<Timestamp>, now: Timestamp) -> Note {
    let primary = service.primary();
    let made = primary.and_then(|primary| primary.created_at).unwrap_or(now);
    let won = primary.filter(|primary| mechanism::is_completed(primary));
    let good = won.map(|primary| Good {
        revision: primary.task_definition.to_string(),
        ran: as_ran(ran),
        at: primary.updated_at.unwrap_or(made).min(now),
    });
    let decision = Decision { what: "adopted".to_owned(), at: at.unwrap_or(made), who: None };
    Note::Adopted(good, decision)
}

/// What really ran, as the record keeps it.
pub fn as_ran(ran: &[RanImage]) -> Vec<Ran> {
    ran.iter()
        .map(|it| Ran { container: it.container.clone(), image: it.image.clone(), digest: it.digest.clone() })
        .collect()
}

/// An update by somebody else, which counts as a person's decision, if the service has one that is not remembered.
///
/// It need not be the PRIMARY any more: an update of ours may have gone over it before anybody saw it.
pub fn outside(record: &Service, service: &ServiceFacts) -> Option<Note> {
    if is_first_sight(record) {
        return None;
    }
    let decided = record.decision.as_ref().map(|decision| decision.at);
    let unknown = service.deployments.iter().filter(|it| record.of_id(&it.id).is_none() && !it.is_rollback());
    // What is older than a full record may have been in it.
    let full = record.deployments.get(RECENT - 1..).and_then(<[Deployment]>::last);
    let since = full.map(|oldest| oldest.began_at.unwrap_or(oldest.intended_at));
    let unknown = unknown.filter(|it| since.is_none_or(|since| it.created_at.is_some_and(|created| created > since)));
    let unknown = unknown.filter(|it| !mechanism::is_primary(it) || !is_way_back(record, it));
    let at = unknown.filter_map(|it| it.created_at).max().filter(|at| decided.is_none_or(|decided| decided < *at))?;
    Some(Note::Decided(Decision { what: "outside".to_owned(), at, who: None }))
}

/// Whether this deployment put the service back after what was deployed last. One that was there before, and that ECS put
/// back, is whatever it was before.
fn is_way_back(record: &Service, made: &crate::model::facts::Deployment) -> bool {
    record.deployments.first().is_some_and(|last| {
        let back_to = |revision: &Option<String>| revision.as_deref() == Some(made.task_definition.short());
        let since = made.created_at.is_none_or(|created| created >= last.began_at.unwrap_or(last.intended_at));
        since
            && (last.failing.is_some() || last.rollback.is_some() || last.outcome.is_some_and(|it| it.condemns()))
            && (back_to(&last.revision.old) || last.rollback.as_ref().is_some_and(|it| back_to(&it.to)))
    })
}

/// The updates that were meant and of which nobody knows whether they took effect: whoever meant them died.
pub fn unresolved(record: &Service) -> Vec<&Deployment> {
    record.deployments.iter().filter(|it| it.deployment.is_none() && it.outcome.is_none() && !it.is_outside()).collect()
}

/// Whether such an update took effect. It is forgotten only where ECS's history, if it was asked, knows nothing of it either.
pub fn resolve(intent: &Intent<'_>, history: &[ServiceDeploymentFacts]) -> Note {
    match effect(intent, history) {
        Some(began) => Note::Began(intent.meant.number, began),
        None => Note::Forgotten(intent.meant.number),
    }
}

/// The deployments of ours whose story has not ended although something older is the PRIMARY again: they failed, and nobody
/// has judged that yet.
pub fn unjudged<'a>(record: &'a Service, service: &ServiceFacts) -> impl Iterator<Item = &'a Deployment> {
    let primary = service.primary().and_then(|primary| Some((primary.id.clone(), primary.created_at?)));
    record.deployments.iter().filter(move |it| {
        let is_open = it.outcome.is_none() && it.rollback.is_none() && !it.is_outside();
        let went_back = primary.as_ref().is_some_and(|(id, created)| {
            it.deployment.as_ref().is_some_and(|own| own != id) && it.began_at.is_some_and(|began| began > *created)
        });
        is_open && went_back
    })
}

/// The deployments that began and of which nobody was told.
pub fn untold(record: &Service) -> Vec<&Deployment> {
    let is_told = |it: &Deployment, id: &DeploymentId| it.told.contains(&format!("{id}/{}", Kind::Started.as_str()));
    let untold = |it: &&Deployment| it.deployment.as_ref().is_some_and(|id| !is_told(it, id));
    record.deployments.iter().filter(|it| it.outcome.is_none() && !it.is_outside()).filter(untold).collect()
}

/// The plan of a deployment whose notice was lost, as the record remembers it.
pub fn told_late(target: &TargetName, meant: &Deployment) -> Plan {
    let image = meant.image.as_ref().map(|image| image.new.clone()).unwrap_or(Shown { tag: None, digest: None });
    let reason = match (meant.trigger.as_str(), image.tag.clone()) {
        ("push", Some(tag)) => Reason::Pushed { tag },
        ("redeploy", _) => Reason::RedeployForced,
        ("rollback", _) => Reason::RollbackAsked { revision: meant.revision.new.clone().unwrap_or_default() },
        ("reconcile", _) => Reason::Reconciled { image: image.to_string() },
        _ => Reason::Asked { image: image.to_string() },
    };
    Plan {
        image: meant.image.clone(),
        running: meant.revision.old.as_deref().map(TaskDefinitionArn::new),
        ..Plan::nothing(target.clone(), reason)
    }
}

/// Whether a reconcile looks after a deployment: it has no end, or nobody was told of it.
pub fn is_unfinished(deployment: &Deployment) -> bool {
    deployment.outcome.is_none() || end_is_untold(deployment)
}

/// The deployments that a reconcile looks after, each with when its deadline ought to ring.
///
/// `None` where that is now: it is past, ECS knows an end that nobody saw, or nobody was told of the end.
pub fn overdue(record: &Service, service: Option<&ServiceFacts>, now: Timestamp) -> Vec<(u64, Option<Timestamp>)> {
    let goes_on = |id: &DeploymentId| {
        let made = service.and_then(|service| service.deployments.iter().find(|it| it.id == *id));
        made.is_some_and(|it| mechanism::is_primary(it) && mechanism::is_in_progress(it))
    };
    let unfinished = record.deployments.iter().filter(|it| is_unfinished(it));
    unfinished
        .filter_map(|it| {
            let id = it.deployment.as_ref()?;
            Some((it.number, it.deadline.filter(|at| it.outcome.is_none() && *at > now && goes_on(id))))
        })
        .collect()
}

/// Whether ECS's answer is older than the last update that is recorded: ECS answers are eventually consistent.
pub fn is_stale(record: &Service, service: &ServiceFacts, now: Timestamp) -> bool {
    /// Longer than ECS lags behind itself.
    const LAG_SECONDS: i64 = 60;
    let last = record.deployments.iter().find(|it| it.deployment.is_some() && it.outcome.is_none());
    let Some((id, at)) = last.and_then(|it| Some((it.deployment.as_ref()?, it.began_at?))) else { return false };
    let recent = at.checked_add(LAG_SECONDS.seconds()).is_ok_and(|until| until > now);
    let newer = |it: &crate::model::facts::Deployment| it.id == *id || it.created_at.is_some_and(|made| made >= at);
    recent && !service.deployments.iter().any(newer)
}

/// Whether a deployment has ended and nobody was told. What others did says nothing afterwards of how it ended.
pub fn end_is_untold(deployment: &Deployment) -> bool {
    let Some(outcome) = deployment.outcome.filter(|_| !deployment.is_outside()) else { return false };
    let end = format!("/{}", Kind::of_end(outcome).as_str());
    !deployment.told.iter().any(|id| id.ends_with(&end))
}

#[cfg(test)]
mod tests;
