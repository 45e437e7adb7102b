//! Reports to people: one notice for each target that was updated, or that a person has to act on.

use futures_util::future::join_all;
use jiff::Timestamp;
use slipway_core::model::id::{EventId, Home, TargetName, TaskDefinitionArn};
use slipway_core::model::notice::{Notice, NoticeKind, Place, TriggeredBy};
use slipway_core::model::record::Deployment;
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::unfinished;
use slipway_core::text::answer::AnswerOutcome;
use tracing::error;

use crate::act::TargetResult;
use crate::cloud::{Cloud, Metric};
use crate::error::Error;
use crate::invocation::Call;

/// The notice of how a target's plan ended; skips, dry runs and what is tried again are not published.
///
/// What is refused to somebody who asked concerns them, and they read the answer; what begins concerns everybody.
pub(crate) fn of_result(result: &TargetResult, home: &Home, at: Timestamp) -> Option<Notice> {
    let (answer, plan) = (&result.answer, &result.plan);
    let (cluster, service) = plan.target.place()?;
    let place = Place { home, cluster: &cluster, service: &service };
    match answer.outcome {
        AnswerOutcome::Started => {
            let revision = result.revision.as_ref().or(plan.running.as_ref()).map_or("", TaskDefinitionArn::as_str);
            let (revision, cause) = (TaskDefinitionArn::new(revision), result.cause.clone());
            let started = Notice::started(place, plan, &revision, answer.deployment.as_ref(), cause, at);
            Some(Notice { tasks: result.tasks, ..started })
        }
        AnswerOutcome::Refused => match result.cause.trigger {
            Trigger::Push => Some(Notice::refused(place, plan, result.cause.clone(), at)),
            // Every reconcile finds the same trouble again; it is published once for an image, also after a release.
            Trigger::Reconcile | Trigger::Release => {
                let image = plan.image.as_ref().and_then(|image| image.new.digest.as_ref());
                let event = image.map(|digest| EventId::new(digest.as_str()));
                let cause = TriggeredBy { trigger: Trigger::Reconcile, event, who: None };
                Some(Notice::refused(place, plan, cause, at))
            }
            Trigger::Deploy | Trigger::Redeploy | Trigger::Rollback => None,
            Trigger::External | Trigger::Unknown | Trigger::Other(_) => None,
        },
        AnswerOutcome::Planned | AnswerOutcome::Skipped | AnswerOutcome::Failed => None,
    }
}

/// The notice of a deployment that an earlier try made and did not publish.
pub(crate) fn late(target: &TargetName, deployment: &Deployment, home: &Home, at: Timestamp) -> Option<Notice> {
    let plan = unfinished::late_plan(target, deployment);
    let (cluster, service) = plan.target.place()?;
    let place = Place { home, cluster: &cluster, service: &service };
    let revision = TaskDefinitionArn::new(deployment.revision.new.clone().unwrap_or_default());
    Some(Notice::started(place, &plan, &revision, deployment.id(), TriggeredBy::of(deployment), at))
}

impl<C: Cloud> Call<'_, C> {
    /// Publishes notices side by side, each with the routes of its target, and counts those that say what a person has to fix.
    ///
    /// One that could not be published is counted, and stands whole in the error: Lambda's dead letter holds the error's
    /// message, so the notice is not lost even if every try fails.
    pub(crate) async fn publish(&self, notices: Vec<Notice>) -> Result<(), Error> {
        let (cloud, document) = (self.cloud(), &self.engine.document);
        let notices = join_all(notices.into_iter().map(|notice| document.routed(notice))).await;
        let to_fix = |it: &&Notice| matches!(it.kind, NoticeKind::Refused | NoticeKind::ConfigInvalid);
        for notice in notices.iter().filter(to_fix) {
            cloud.count(Metric::DeploysRefused, notice.target.as_ref());
        }
        let published = join_all(notices.iter().map(|notice| cloud.publish(notice))).await;
        let mut lost = None;
        for (notice, published) in notices.iter().zip(published) {
            if let Err(error) = published {
                error!(%error, notice = %notice.json(), "a notice could not be published");
                cloud.count(Metric::NoticesFailed, notice.target.as_ref());
                lost = Some(error.adding(&format!("the notice is {}", notice.json())));
            }
        }
        lost.map_or(Ok(()), Err)
    }
}
