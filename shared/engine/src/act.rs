//! Carries out what was decided about a service, under its lease: first the intent and the timer of its deadline, then the
//! update.

use futures_util::future::try_join3;
use jiff::Timestamp;
use slipway_core::model::id::{TargetName, TaskDefinitionArn};
use slipway_core::model::notice::{Tasks, TriggeredBy};
use slipway_core::model::plan::{NextRevision, Plan, RevisionChange, Step};
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Began, Deployment, DeploymentState, Service};
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

#[derive(Clone, Debug)]
pub(crate) struct TargetResult {
    pub(crate) plan: Plan,
    pub(crate) answer: Answer,
    pub(crate) cause: TriggeredBy,
    /// The revision that the service was updated to.
    pub(crate) revision: Option<TaskDefinitionArn>,
    /// An error that another try may help.
    pub(crate) passing: Option<Error>,
    /// How many of the service's tasks ran when it was updated.
    pub(crate) tasks: Option<Tasks>,
    /// The deployment's number in the record.
    pub(crate) number: Option<u64>,
}

impl TargetResult {
    /// Nothing was done: there was nothing to do, or somebody only asked what would be done.
    pub(crate) fn of_plan(plan: Plan, cause: &TriggeredBy) -> Self {
        let (answer, cause) = (Answer::planned(&plan), cause.clone());
        Self { plan, answer, cause, revision: None, passing: None, tasks: None, number: None }
    }

    /// The same, with a line in the log.
    pub(crate) fn planned(plan: Plan, cause: &TriggeredBy) -> Self {
        log(cause, &plan);
        Self::of_plan(plan, cause)
    }

    /// What would be done, or the call that failed.
    pub(crate) fn of_preview(plan: Result<Plan, Error>, target: &TargetName, cause: &TriggeredBy) -> Self {
        match plan {
            Ok(plan) => Self::planned(plan, cause),
            Err(error) => Self::failed(target, error, cause),
        }
    }

    /// A call failed before anything was planned.
    pub(crate) fn failed(target: &TargetName, error: Error, cause: &TriggeredBy) -> Self {
        Self::of_error(Plan::nothing(target.clone(), error.reason()), error, cause)
    }

    fn of_error(plan: Plan, error: Error, cause: &TriggeredBy) -> Self {
        error!(ecs.service = %plan.target, %error, "a call failed");
        let outcome = if error.kind.is_passing() { AnswerOutcome::Failed } else { AnswerOutcome::Refused };
        Self {
            answer: Answer::failed(&plan, error.reason(), outcome),
            passing: Some(error.clone()).filter(|error| error.kind.is_passing()),
            ..Self::of_plan(Plan { reason: error.reason(), blocked: None, ..plan }, cause)
        }
    }
}

impl<C: Cloud> Call<'_, C> {
    /// Does what the plan says, and says how it ended; nothing is decided any more.
    pub(crate) async fn carry_out(&self, lease: &mut HeldLease<'_, C>, decided: Decided<'_>) -> TargetResult {
        let Decided { plan, cause, .. } = &decided;
        log(cause, plan);
        if plan.steps.is_empty() {
            return TargetResult::of_plan(plan.clone(), cause);
        }
        match self.update(lease, &decided).await {
            Ok(result) => result,
            Err(Stop::Failed(error)) => TargetResult::of_error(plan.clone(), error, cause),
            Err(Stop::Refused(reason)) => {
                TargetResult::of_plan(Plan { reason, blocked: None, steps: Vec::new(), ..plan.clone() }, cause)
            }
            Err(Stop::Lost) => {
                warn!(ecs.service = %plan.target, "the lease was lost, so nothing is done");
                let lost = Reason::Busy { until: self.now() };
                TargetResult::of_plan(Plan::nothing(plan.target.clone(), lost), cause)
            }
        }
    }

    async fn update(&self, lease: &mut HeldLease<'_, C>, decided: &Decided<'_>) -> Result<TargetResult, Stop> {
        let Decided { plan, cause, .. } = decided;
        if lease.may_have_registered()
            && let Some(rendering) = plan.rendering()
        {
            self.registrations.suspect(rendering.family());
        }
        let mut number = None;
        let intend = async {
            number = Some(self.intend(lease, decided).await?);
            Ok(())
        };
        let done = execute::<Stop>(self, plan, cause.who.as_deref(), &self.registrations, intend).await;
        let done = match (done, number) {
            (Ok(done), _) => done,
            (Err(stop), Some(number)) if is_certain(&stop) => {
                self.discard_intent(lease, number).await;
                return Err(stop);
            }
            // The next observation of the service shows whether it took effect.
            (Err(stop), _) => return Err(stop),
        };
        // ECS's own time, by which its service deployment is found again.
        let (revision, at) = (done.revision.as_ref().or(existing(plan)), done.created_at.unwrap_or(self.now()));
        let made = done.deployment.clone().zip(revision.cloned());
        let began = made.map(|(deployment, revision)| Began { deployment, at, revision });
        let write = |record: &mut Service, _| {
            if let (Some(number), Some(began)) = (number, &began) {
                record.began(number, began);
            }
            Ok(())
        };
        // The update has happened; the next invocation finds what is not recorded now.
        if let Err(stop) = lease.change(write).await {
            warn!(ecs.service = %plan.target, ?stop, "a deployment's beginning could not be recorded");
        }
        Ok(TargetResult {
            answer: Answer::done(plan, revision, done.deployment.clone()),
            revision: revision.cloned(),
            tasks: done.tasks,
            number,
            ..TargetResult::of_plan(plan.clone(), cause)
        })
    }

    /// Writes the intent, makes the timer of its deadline and archives what the record has no more room for, side by side.
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
        let Decided { target, plan, cause, input, requested_revision, .. } = decided;
        let settings = target.settings.clone();
        Deployment {
            event: cause.event.clone(),
            request: Some(self.request_id.to_owned()),
            who: cause.who.clone(),
            request_reason: input.as_ref().and_then(|input| input.reason.clone()),
            requested_revision: requested_revision.clone(),
            image: plan.image.clone(),
            revision: RevisionChange::of(plan.running.as_ref(), existing(plan)),
            definition: plan.definition().map(|it| it.short().to_owned()),
            deadline: Some(now + settings.allowance()),
            settings,
            state: DeploymentState::Intended {
                previous_primary: plan.steps.iter().find_map(|step| match step {
                    Step::Update { previous_primary, .. } => previous_primary.clone(),
                    Step::Register(_) => None,
                }),
            },
            ..Deployment::of(cause.trigger.clone(), now)
        }
    }

    /// The service certainly was not updated.
    async fn discard_intent(&self, lease: &mut HeldLease<'_, C>, number: u64) {
        let discarded = lease.change(|record, _| {
            record.discard_intent(number);
            Ok(())
        });
        if let Err(stop) = discarded.await {
            warn!(ecs.service = %lease.target, ?stop, "an intent could not be discarded");
        }
    }
}

/// The revision that the plan updates to, where it exists already.
fn existing(plan: &Plan) -> Option<&TaskDefinitionArn> {
    plan.steps.iter().find_map(|step| match step {
        Step::Update { to: NextRevision::Existing(revision), .. } => Some(revision),
        _ => None,
    })
}

/// Whether the service certainly was not updated.
fn is_certain(stop: &Stop) -> bool {
    match stop {
        Stop::Failed(error) => {
            !["ECS.UpdateService", "ECS.UpdateExpressGatewayService", "CodeDeploy.CreateDeployment"]
                .contains(&error.call)
                || error.kind != ErrorKind::Unreachable
        }
        Stop::Lost | Stop::Refused(_) => true,
    }
}
