//! The deploy function's answer: what was done, or would be, for each target, as JSON that people and pipelines read.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{Mistake, Mistakes};
use crate::model::diff;
use crate::model::id::{DeploymentId, EventId, TargetName, TaskDefinitionArn};
use crate::model::image::Repository;
use crate::model::plan::{ImageChange, Plan, RevisionChange};
use crate::model::reason::{Reason, Weight};
use crate::model::record::{Deployment, RecordedEvidence};
use crate::rules::authority::{Attempt, NotAllowed};
use crate::rules::status::{Memory, Status};

/// What became of a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Which target.
    pub target: TargetName,
    /// What became of it.
    pub outcome: AnswerOutcome,
    /// Why.
    pub reason: Reason,
    /// The image before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageChange>,
    /// The revision before and after.
    pub revision: RevisionChange,
    /// The deployment that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    /// What the plan was.
    pub plan: PlanText,
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// The service was updated; the deployment began.
    Started,
    /// It would be updated; this is a dry run.
    Planned,
    /// There was nothing to do.
    Skipped,
    /// A person has to fix something.
    Refused,
    /// A call failed that another try may carry out.
    Failed,
}

/// A plan as data and as text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanText {
    /// The steps, from top to bottom.
    pub steps: Vec<String>,
    /// What changes in the task definition.
    pub changes: Vec<diff::Change>,
    /// The whole as a person reads it.
    pub text: String,
}

impl Answer {
    /// The answer for a plan that was not carried out, because it has no steps or because this is a dry run.
    pub fn planned(plan: &Plan) -> Self {
        let outcome = match plan.reason.weight() {
            Weight::Go => AnswerOutcome::Planned,
            Weight::Skip => AnswerOutcome::Skipped,
            Weight::Refuse => AnswerOutcome::Refused,
        };
        Self {
            target: plan.target.clone(),
            outcome,
            reason: plan.reason.clone(),
            image: plan.image.clone(),
            revision: RevisionChange::of(plan.running.as_ref(), None),
            deployment: None,
            plan: PlanText {
                steps: plan.steps.iter().map(ToString::to_string).collect(),
                changes: plan.rendering().map(|it| it.diff.changes.clone()).unwrap_or_default(),
                text: plan.to_string(),
            },
        }
    }

    /// The answer for a plan that was carried out.
    pub fn done(plan: &Plan, revision: Option<&TaskDefinitionArn>, deployment: Option<DeploymentId>) -> Self {
        let running = plan.running.as_ref();
        Self {
            outcome: AnswerOutcome::Started,
            revision: RevisionChange::of(running, revision.or(running)),
            deployment,
            ..Self::planned(plan)
        }
    }

    /// The answer for a plan that a failing call cut short.
    pub fn failed(plan: &Plan, reason: Reason, outcome: AnswerOutcome) -> Self {
        Self { outcome, reason, ..Self::planned(plan) }
    }
}

/// The whole answer to an event or a request.
pub fn of_targets(action: &str, event: &EventId, answers: &[Answer]) -> Value {
    let bad = |answer: &Answer| matches!(answer.outcome, AnswerOutcome::Refused | AnswerOutcome::Failed);
    json!({ "action": action, "id": event, "ok": !answers.iter().any(bad), "targets": answers })
}

/// The answer to a push to a repository that no target has; `namesakes` are the targets' repositories of the same name
/// elsewhere.
pub fn of_no_target(action: &str, event: &EventId, repository: &Repository, namesakes: &[Repository]) -> Value {
    let others: Vec<String> = namesakes.iter().map(ToString::to_string).collect();
    let instead = if others.is_empty() { String::new() } else { format!("; it names {}", others.join(", ")) };
    let why = format!("the configuration has no target of the repository {repository}{instead}");
    json!({ "action": action, "id": event, "ok": true, "targets": [], "ignored": why })
}

/// The last deployments of a service, or why they are not known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct History {
    /// Which service.
    pub target: TargetName,
    /// Newest first.
    pub deployments: Vec<Value>,
    /// Why they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Reason>,
}

impl History {
    /// What the table answered, with the evidence of those that failed.
    pub fn of(target: &TargetName, read: Result<(Vec<Deployment>, Vec<RecordedEvidence>), Reason>) -> Self {
        let (deployments, refused) = match read {
            Ok((deployments, evidence)) => {
                let lines = |number| evidence.iter().find(|it| it.number == number).map_or(&[][..], |it| &it.lines);
                (deployments.iter().map(|it| of_deployment(it, lines(it.number))).collect(), None)
            }
            Err(reason) => (Vec::new(), Some(reason)),
        };
        Self { target: target.clone(), deployments, refused }
    }
}

/// A deployment as one flat object: `outcome`, `ended_at` and `reason` are those of its end, and null before it.
fn of_deployment(it: &Deployment, evidence: &[String]) -> Value {
    let (progress, ended) = (it.progress(), it.ended());
    json!({
        "number": it.number,
        "trigger": it.trigger,
        "event": it.event,
        "request": it.request,
        "who": it.who,
        "request_reason": it.request_reason,
        "image": it.image,
        "build": it.build,
        "revision": it.revision,
        "settings": it.settings,
        "intended_at": it.intended_at,
        "deployment": it.id(),
        "began_at": progress.map(|it| it.began_at),
        "deadline": it.deadline,
        "failed_tasks": it.failed_tasks,
        "warnings": it.warnings,
        "failing": it.failing().map(|failing| json!({
            "at": failing.at,
            "by": failing.by,
            "cause": failing.cause,
            "evidence": evidence,
            "log": failing.log,
            "advice": failing.advice,
        })),
        "rollback": it.rollback(),
        "outcome": it.published_outcome(),
        "ended_at": ended.map(|it| it.at),
        "reason": ended.and_then(|it| it.reason.as_ref()),
    })
}

/// The answer to a request for the history.
pub fn of_history(histories: &[History]) -> Value {
    json!({ "action": "history", "ok": histories.iter().all(|it| it.refused.is_none()), "targets": histories })
}

/// The answer to a request that only changes the record.
pub fn of_memory(action: &str, memories: &[Memory]) -> Value {
    json!({ "action": action, "ok": memories.iter().all(|it| it.refused.is_none()), "targets": memories })
}

/// The answer to a status request of that time; `done` where no image that was asked about is still on its way, and `ok` where all of them
/// are well besides.
pub fn of_status(statuses: &[Status], at: Timestamp) -> Value {
    let asked = || statuses.iter().filter_map(|status| status.asked.as_ref());
    let done = asked().all(|image| image.done);
    let ok = asked().all(|image| image.ok == Some(true)) && statuses.iter().all(|status| status.refused.is_none());
    json!({ "action": "status", "at": at, "ok": ok, "done": done, "targets": statuses })
}

/// The answer where a call failed before anything could be planned.
pub fn of_error(reason: &Reason) -> Value {
    json!({ "ok": false, "error": reason })
}

/// What became of each target, for the error that asks Lambda for another try.
pub fn failure(answers: &[Answer]) -> String {
    let lines: Vec<_> = answers.iter().map(|answer| format!("{}: {}", answer.target, answer.reason)).collect();
    lines.join("; ")
}

/// The answer to a request with mistakes: nothing was done.
pub fn of_mistakes(mistakes: &[Mistake]) -> Value {
    json!({ "ok": false, "error": { "code": "bad_request", "mistakes": mistakes } })
}

/// The answer to what may not come as it came: nothing was done. It has the shape of mistakes, because whoever asked fixes it.
pub fn of_not_allowed(refused: &NotAllowed) -> Value {
    let path = match refused.attempt {
        Attempt::Request { .. } => "action",
        Attempt::Event | Attempt::Scheduled => "",
    };
    let mistake = Mistake { path: path.to_owned(), text: refused.to_string() };
    json!({ "ok": false, "error": { "code": "not_allowed", "mistakes": [mistake] } })
}

/// The answer while the configuration has mistakes: nothing was done.
pub fn of_config(mistakes: &Mistakes) -> Value {
    let Mistakes { version, mistakes } = mistakes;
    json!({ "ok": false, "error": { "code": "bad_configuration", "version": version, "mistakes": mistakes } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Shown;
    use crate::rules::status::{ImageStatus, State};

    /// prod/web, with this image that was asked about, if any.
    fn status(asked: Option<State>, refused: Option<Reason>) -> Status {
        let asked = asked.map(|state| ImageStatus {
            image: Shown { tag: None, digest: None },
            state,
            done: state.ok(&[]).is_some(),
            ok: state.ok(&[]),
            reason: None,
            blocked_on: None,
            until: None,
        });
        let target = TargetName::new("prod/web");
        let repository = "shop/web".to_owned();
        Status { target, repository, refused, running: None, in_flight: None, memory: None, asked }
    }

    #[test]
    fn a_status_is_done_and_well_where_all_its_targets_are() {
        #[track_caller]
        fn check(statuses: &[Status], done: bool, ok: bool) {
            let answer = of_status(statuses, Timestamp::UNIX_EPOCH);
            assert_eq!((&answer["done"], &answer["ok"]), (&json!(done), &json!(ok)), "{answer:#}");
        }
        let asked = |state| status(Some(state), None);
        check(&[asked(State::Running)], true, true);
        check(&[asked(State::Running), asked(State::Queued)], false, false);
        check(&[asked(State::Running), asked(State::Skipped)], true, false);
        check(&[asked(State::Failed), asked(State::Queued)], false, false);
        // Nobody asks about an image.
        let not_active = || Reason::ServiceNotActive { status: "DRAINING".to_owned() };
        check(&[status(None, None)], true, true);
        check(&[status(None, None), status(None, Some(not_active()))], true, false);
        // A target about which nothing more can be said.
        check(&[status(Some(State::Waiting), Some(Reason::OutOfTime))], false, false);
        check(&[status(Some(State::Refused), Some(not_active()))], true, false);
    }
}
