//! Tells people: one notice for each target that was updated, or that a person has to mend.

use jiff::Timestamp;
use slipway_aws::Aws;
use slipway_aws::metric::{Metric, Metrics};
use slipway_core::answer::Outcome;
use slipway_core::deploy;
use slipway_core::id::{EventId, Home, TargetName, TaskDefinitionArn};
use slipway_core::ledger::Deployment;
use slipway_core::notice::{Cause, Kind, Notice, Place};
use slipway_core::provenance::Trigger;

use crate::Failure;
use crate::act::Ending;

/// The notice of how a target's plan ended; skips, dry runs and what is tried again are not told.
///
/// What is refused to somebody who asked concerns them, and they read the answer; what begins concerns everybody.
pub(crate) fn of_ending(ending: &Ending, home: &Home, at: Timestamp) -> Option<Notice> {
    let (answer, plan) = (&ending.answer, &ending.plan);
    let (cluster, service) = plan.place()?;
    let place = Place { home, cluster: &cluster, service: &service };
    match answer.outcome {
        Outcome::Started => {
            let cause = Cause::new(&ending.trigger, &ending.event).by(ending.who.clone());
            let revision = ending.revision.as_ref().or(plan.running.as_ref()).map_or("", TaskDefinitionArn::as_str);
            let revision = TaskDefinitionArn::new(revision);
            let started = Notice::started(place, plan, &revision, answer.deployment.as_ref(), cause, at);
            Some(Notice { tasks: ending.tasks, ..started })
        }
        Outcome::Refused => match ending.trigger {
            Trigger::Push => Some(Notice::refused(place, plan, Cause::new(&Trigger::Push, &ending.event), at)),
            // Every reconcile finds the same trouble again; it is told once for an image.
            Trigger::Reconcile => {
                let image = plan.image.as_ref().and_then(|image| image.new.digest.as_ref());
                let event = image.map(|digest| EventId::new(digest.as_str()));
                let cause = Cause { trigger: Trigger::Reconcile.as_str().to_owned(), event, who: None };
                Some(Notice::refused(place, plan, cause, at))
            }
            _ => None,
        },
        Outcome::Planned | Outcome::Skipped | Outcome::Failed => None,
    }
}

/// The notice of a deployment that an earlier try made and could not tell of.
pub(crate) fn late(target: &TargetName, meant: &Deployment, home: &Home, at: Timestamp) -> Option<Notice> {
    let plan = deploy::told_late(target, meant);
    let (cluster, service) = plan.place()?;
    let place = Place { home, cluster: &cluster, service: &service };
    let revision = TaskDefinitionArn::new(meant.revision.new.clone().unwrap_or_default());
    Some(Notice::started(place, &plan, &revision, meant.deployment.as_ref(), Cause::of(meant), at))
}

/// Publishes all notices, and counts those that say what a person has to mend.
pub(crate) async fn publish(aws: &Aws, topic: &str, notices: Vec<Notice>, metrics: &Metrics) -> Result<(), Failure> {
    for notice in notices.iter().filter(|notice| matches!(notice.kind, Kind::Refused | Kind::ConfigInvalid)) {
        metrics.count(Metric::Refusals, notice.target.as_ref());
    }
    Ok(aws.sns.publish_all(topic, &notices, metrics).await?)
}
