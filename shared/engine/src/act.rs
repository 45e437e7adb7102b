//! Carries out what was decided about a service, under its lease: the intent and its deadline first, then the update.

use futures_util::future::try_join3;
use jiff::{Timestamp, ToSpan};
use slipway_core::model::id::{EventId, TargetName, TaskDefinitionArn};
use slipway_core::model::notice::Tasks;
use slipway_core::model::plan::RevisionChange;
use slipway_core::model::plan::{NextRevision as Revision, Plan, Step};
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Began, Deployment, DeploymentState};
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::gates::gate;
use slipway_core::text::answer::{Answer, AnswerOutcome};
use tracing::{error, warn};

use crate::choose::Decided;
use crate::cloud::Cloud;
use crate::error::{Error, ErrorKind};
use crate::execute::execute;
use crate::invocation::{Call, log};
use crate::lease::{HeldLease, Stop};
use crate::timer;

/// What became of a target: the plan, the answer, and the error that another try may help.
#[derive(Clone, Debug)]
pub(crate) struct TargetResult {
    pub(crate) plan: Plan,
    pub(crate) answer: Answer,
    pub(crate) revision: Option<TaskDefinitionArn>,
    pub(crate) passing: Option<Error>,
    pub(crate) trigger: Trigger,
    pub(crate) event: EventId,
    /// Who asked, where the request said so.
    pub(crate) who: Option<String>,
    /// How many of the service's tasks ran when it was updated.
    pub(crate) tasks: Option<Tasks>,
    /// The deployment's number in the record.
    pub(crate) number: Option<u64>,
}

impl TargetResult {
    /// Nothing was done: there was nothing to do, or it was only asked what would be.
    pub(crate) fn of_plan(plan: Plan, trigger: Trigger, event: &EventId) -> Self {
        let answer = Answer::planned(&plan);
        let event = event.clone();
        Self { answer, plan, revision: None, passing: None, trigger, event, who: None, tasks: None, number: None }
    }

    /// A call failed before anything was planned.
    pub(crate) fn failed(target: &TargetName, error: Error, trigger: Trigger, event: &EventId) -> Self {
        Self::of_error(Plan::nothing(target.clone(), error.reason()), error, trigger, event)
    }

    /// A call failed.
    fn of_error(plan: Plan, error: Error, trigger: Trigger, event: &EventId) -> Self {
        error!(ecs.service = %plan.target, %error, "a call failed");
        let outcome = if error.kind.is_passing() { AnswerOutcome::Failed } else { AnswerOutcome::Refused };
        Self {
            answer: Answer::failed(&plan, error.reason(), outcome),
            passing: Some(error.clone()).filter(|error| error.kind.is_passing()),
            ..Self::of_plan(Plan { reason: error.reason(), blocked: None, ..plan }, trigger, event)
        }
    }
}

impl<C: Cloud> Call<'_, C> {
    /// Decided is decided: does what the plan says, and says how it ended.
    pub(crate) async fn carry_out(&self, lease: &mut HeldLease<'_, C>, decided: Decided<'_>) -> TargetResult {
        let Decided { plan, trigger, event, .. } = &decided;
        log(event, plan);
        if plan.steps.is_empty() {
            return TargetResult::of_plan(plan.clone(), trigger.clone(), event);
        }
        match self.update(lease, &decided).await {
            Ok(result) => result,
            Err(Stop::Failed(error)) => TargetResult::of_error(plan.clone(), error, trigger.clone(), event),
            Err(Stop::Refused(reason)) => TargetResult::of_plan(
                Plan { reason, blocked: None, steps: Vec::new(), ..plan.clone() },
                trigger.clone(),
                event,
            ),
            Err(Stop::Lost) => {
                warn!(ecs.service = %plan.target, "the lease was lost; nothing is done on its strength");
                let lost = Reason::Busy { until: self.now() };
                TargetResult::of_plan(Plan::nothing(plan.target.clone(), lost), trigger.clone(), event)
            }
        }
    }

    async fn update(&self, lease: &mut HeldLease<'_, C>, decided: &Decided<'_>) -> Result<TargetResult, Stop> {
        let Decided { plan, trigger, event, .. } = decided;
        if lease.suspects()
            && let Some(rendering) = plan.rendering()
        {
            self.registrations.suspect(rendering.family());
        }
        let mut number = None;
        let intend = async {
            number = Some(self.intend(lease, decided).await?);
            Ok(())
        };
        let done = execute::<Stop>(&self.calls(), plan, &self.registrations, intend).await;
        let done = match (done, number) {
            (Ok(done), _) => done,
            (Err(stop), Some(number)) if is_certain(&stop) => {
                self.forget(lease, number).await;
                return Err(stop);
            }
            // Whether it took effect shows in the next look at the service.
            (Err(stop), _) => return Err(stop),
        };
        // ECS's own time, by which its story of the deployment is found again.
        let (revision, at) = (done.revision.as_ref().or(existing(plan)), done.created_at.unwrap_or(self.now()));
        let began = done.deployment.clone().zip(revision.cloned());
        let began = began.map(|(deployment, revision)| Began { deployment, at, revision });
        let write = |record: &mut slipway_core::model::record::Service, _| {
            if let (Some(number), Some(began)) = (number, &began) {
                record.began(number, began);
            }
            Ok(())
        };
        // What is not written down now is found by whoever looks next; the update itself has happened.
        if let Err(stop) = lease.change(write).await {
            warn!(ecs.service = %plan.target, ?stop, "a deployment's beginning could not be written down");
        }
        Ok(TargetResult {
            answer: Answer::done(plan, revision, done.deployment.clone()),
            revision: revision.cloned(),
            who: decided.who.clone(),
            tasks: done.tasks,
            number,
            ..TargetResult::of_plan(plan.clone(), trigger.clone(), event)
        })
    }

    /// Writes the intent, makes the timer of its deadline and keeps what the record has no more room for, side by side.
    async fn intend(&self, lease: &mut HeldLease<'_, C>, decided: &Decided<'_>) -> Result<u64, Stop> {
        let cloud = self.cloud();
        let now = self.now();
        let deployment = self.deployment(decided, now);
        let deadline = deployment.deadline.unwrap_or(now);
        let target = lease.target.clone();
        let arm = async { timer::arm(cloud, &target, deadline).await.map_err(Stop::Failed) };
        let (_, full) = lease.record().add(deployment.clone());
        let write = lease.change(|record, _| {
            if let Some(image) = &decided.gated {
                gate(record, image).map_err(|it| Stop::Refused(it.into_reason()))?;
            }
            // What a person asked for becomes their decision when it began: what ECS refuses decides nothing.
            Ok(record.add(deployment.clone()).0)
        });
        let archive = async {
            for deployment in &full {
                cloud.archive_deployment(&target, deployment).await?;
            }
            Ok(())
        };
        let (number, (), ()) = try_join3(write, arm, archive).await?;
        Ok(number)
    }

    fn deployment(&self, decided: &Decided<'_>, now: Timestamp) -> Deployment {
        let Decided { target, plan, trigger, event, who, input, .. } = decided;
        let settings = target.settings.clone();
        let seconds = i64::try_from(settings.deadline_seconds).unwrap_or(i64::MAX);
        Deployment {
            event: Some(event.clone()),
            request: Some(self.request_id.to_owned()),
            who: who.clone(),
            request_reason: input.as_ref().and_then(|input| input.reason.clone()),
            image: plan.image.clone(),
            revision: RevisionChange {
                old: plan.running.as_ref().map(|running| running.short().to_owned()),
                new: existing(plan).map(|revision| revision.short().to_owned()),
            },
            deadline: now.checked_add(seconds.seconds()).ok(),
            settings,
            state: DeploymentState::Intended {
                previous_primary: plan.steps.iter().find_map(|step| match step {
                    Step::Update { previous_primary, .. } => previous_primary.clone(),
                    Step::Register(_) => None,
                }),
            },
            ..Deployment::of(trigger.clone(), now)
        }
    }

    /// What was meant did not come about.
    async fn forget(&self, lease: &mut HeldLease<'_, C>, number: u64) {
        let forgotten = lease.change(|record, _| {
            record.discard_intent(number);
            Ok(())
        });
        if let Err(stop) = forgotten.await {
            warn!(ecs.service = %lease.target, ?stop, "an intent could not be taken back");
        }
    }
}

/// The revision that the plan updates to, where it is there already.
fn existing(plan: &Plan) -> Option<&TaskDefinitionArn> {
    plan.steps.iter().find_map(|step| match step {
        Step::Update { to: Revision::Existing(revision), .. } => Some(revision),
        _ => None,
    })
}

/// Whether the service certainly was not updated.
fn is_certain(stop: &Stop) -> bool {
    match stop {
        Stop::Failed(error) => error.call != "ECS.UpdateService" || error.kind != ErrorKind::Unreachable,
        Stop::Lost | Stop::Refused(_) => true,
    }
}
