//! Tells people: one notice for each target that was updated, or that a person has to mend.

use jiff::Timestamp;
use slipway_aws::Aws;
use slipway_aws::metric::{Metric, Metrics};
use slipway_core::answer::Outcome;
use slipway_core::id::{Home, TaskDefinitionArn};
use slipway_core::notice::{Cause, Kind, Notice, Place};

use crate::{Ending, Failure};

/// The notice of how a target's plan ended; skips, dry runs and what is tried again are not told.
pub(crate) fn of_ending(ending: &Ending, home: &Home, cause: &Cause, at: Timestamp) -> Option<Notice> {
    let (answer, plan) = (&ending.answer, &ending.plan);
    let (cluster, service) = plan.place()?;
    let place = Place { home, cluster: &cluster, service: &service };
    if let Some(earlier) = &plan.earlier_try {
        let revision = plan.running.as_ref()?;
        return Some(Notice::started(
            place,
            &plan.as_told_late(),
            revision,
            Some(&earlier.deployment),
            cause.clone(),
            at,
        ));
    }
    match answer.outcome {
        Outcome::Started => {
            let revision = ending.revision.as_ref().or(plan.running.as_ref()).map_or("", TaskDefinitionArn::as_str);
            let revision = TaskDefinitionArn::new(revision);
            Some(Notice::started(place, plan, &revision, answer.deployment.as_ref(), cause.clone(), at))
        }
        Outcome::Refused => Some(Notice::refused(place, plan, cause.clone(), at)),
        Outcome::Planned | Outcome::Skipped | Outcome::Failed => None,
    }
}

/// Publishes all notices, and counts those that say what a person has to mend.
pub(crate) async fn publish(aws: &Aws, topic: &str, notices: Vec<Notice>, metrics: &Metrics) -> Result<(), Failure> {
    for notice in notices.iter().filter(|notice| matches!(notice.kind, Kind::Refused | Kind::ConfigInvalid)) {
        metrics.count(Metric::Refusals, notice.target.as_ref());
    }
    Ok(aws.sns.publish_all(topic, &notices, metrics).await?)
}
