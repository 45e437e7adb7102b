//! Decides why a deployment failed, the likeliest cause first, from everything that was gathered.
//!
//! Everything quoted is others' text: an application's log, ECS's free words. It is cleaned and cut, once, by [`quote`].

use jiff::Timestamp;

use crate::model::facts::{HookWaitsFor, Monitor, ServiceMessage, StoppedTask};
use crate::model::id::TargetName;
use crate::model::image::Digest;
use crate::model::record::FailedBy;
use crate::rules::mechanism::is_task_failure;

pub(crate) use cause::{Cause, ImageProblem, Lacking, SecretProblem};

mod cause;
pub mod quote;
mod task;

/// What was gathered when it failed. Stopped tasks vanish within the hour.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The service, as people name it.
    pub target: &'a TargetName,
    /// The image that failed, if it is known.
    pub digest: Option<&'a Digest>,
    /// Who noticed.
    pub by: FailedBy,
    /// Seconds that the deployment had, [`Settings::deadline_seconds`](crate::model::record::DeploymentSettings).
    pub deadline_seconds: u64,
    /// When the deployment began; older events of the service are about others.
    pub since: Option<Timestamp>,
    /// Who carries the deployment out, as people are told: `ECS` or `CodeDeploy`.
    pub carrier: &'static str,
    /// Their words: the service deployment's status reason, the deployment's rollout reason, the event's reason.
    pub says: &'a [String],
    /// ECS's monitors that were triggered, where its service deployment was read.
    pub monitors: &'a [Monitor],
    /// The hook for which ECS rolls back, by whom it waited for.
    pub failed_hook: Option<HookWaitsFor>,
    /// Tasks of the deployment that stopped, newest first; three are shown.
    pub tasks: &'a [StoppedTask],
    /// ECS's log of the service, newest first.
    pub events: &'a [ServiceMessage],
    /// What ECS warned of meanwhile, newest first.
    pub warnings: &'a [String],
}

/// What ECS states as the reason comes first, then what most tasks died of, then what kept tasks from starting at all; that the
/// time is up only where nothing else is known.
pub(crate) fn likeliest(evidence: &Evidence<'_>) -> Cause {
    if evidence.failed_hook == Some(HookWaitsFor::Person) {
        return Cause::Unanswered;
    }
    let alarms = evidence.monitors.iter().find_map(cause::of_monitor);
    alarms
        .or_else(|| evidence.says.iter().find_map(|words| cause::stated(words)))
        .or_else(|| of_tasks(evidence.tasks))
        .or_else(|| evidence.warnings.iter().find_map(|words| cause::of_service(words)))
        .or_else(|| recent(evidence).find_map(|event| cause::of_service(&event.message)))
        .or_else(|| evidence.says.iter().find_map(|words| cause::of_service(words)))
        .unwrap_or_else(|| unknown(evidence))
}

/// What most of the tasks died of; of equals the newest.
fn of_tasks(tasks: &[StoppedTask]) -> Option<Cause> {
    let counting: Vec<&StoppedTask> = tasks.iter().filter(|task| is_task_failure(task)).collect();
    // Where nothing counts, an interrupted task is still the best there is to say.
    let examined = if counting.is_empty() { tasks.iter().collect() } else { counting };
    let causes: Vec<Cause> = examined.into_iter().filter_map(task::cause).collect();
    let counted: Vec<Cause> = causes.iter().map(Cause::without_details).collect();
    let count = |cause: &Cause| counted.iter().filter(|it| **it == cause.without_details()).count();
    causes.iter().rev().max_by_key(|cause| count(cause)).cloned()
}

/// ECS's log of the service since the deployment began, newest first.
pub(crate) fn recent<'a>(evidence: &Evidence<'a>) -> impl Iterator<Item = &'a ServiceMessage> {
    let since = evidence.since;
    evidence.events.iter().filter(move |event| match (event.at, since) {
        (Some(at), Some(since)) => at >= since,
        _ => true,
    })
}

/// Whether a text in lower case has one of these signs.
fn has(lower: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| lower.contains(sign))
}

fn unknown(evidence: &Evidence<'_>) -> Cause {
    match evidence.by {
        FailedBy::Deadline => Cause::Deadline { seconds: evidence.deadline_seconds },
        FailedBy::Tasks => Cause::TasksStopped,
        FailedBy::Ecs => Cause::Unexplained,
    }
}
