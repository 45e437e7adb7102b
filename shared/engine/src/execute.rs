//! Carries out a plan's steps from top to bottom. No choice is left to make here; only answers have to be understood.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use futures_util::lock::Mutex;
use jiff::{SignedDuration, Timestamp};
use slipway_core::model::id::{ClusterName, DeploymentId, ServiceName, TaskDefinitionArn};
use slipway_core::model::notice::Tasks;
use slipway_core::model::plan::{NextRevision, Plan, Rendering, Step, UpdateCall};
use slipway_core::rules::mechanism::{Unanswered, unanswered};
use tracing::warn;

use crate::cloud::Cloud;
use crate::error::{Error, ErrorKind};
use crate::invocation::Call;
use crate::memo::Memo;

/// A new revision is known everywhere within a second or so; after that, "not found" is the truth.
const UNTIL_KNOWN: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

/// A registration that would leave less time than this for its update is not begun.
const TO_UPDATE: SignedDuration = SignedDuration::from_secs(3);

/// What carrying out a plan brought about.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Done {
    pub(crate) revision: Option<TaskDefinitionArn>,
    pub(crate) deployment: Option<DeploymentId>,
    /// When ECS made it, by ECS's clock.
    pub(crate) created_at: Option<Timestamp>,
    /// How many of the service's tasks ran then.
    pub(crate) tasks: Option<Tasks>,
}

/// The revisions registered for one event, so that plans with the same rendering share one.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    made: Memo<String, Result<TaskDefinitionArn, Error>>,
    /// Of each family, whoever registers a revision: ECS refuses two at once.
    families: RefCell<BTreeMap<String, Rc<Mutex<()>>>>,
    /// The families in which an earlier try may have left a revision.
    suspects: RefCell<BTreeSet<String>>,
}

/// `ready` is what has to be done before the service is updated; a registration goes on beside it. If it fails, nothing
/// is updated, and its error is the answer.
///
/// `who` asked for it, as a deployment of CodeDeploy says.
///
/// An error leaves the plan's later steps undone. Observing again and carrying out a new plan is always right: what took
/// effect shows there.
pub(crate) async fn execute<E: From<Error>>(
    call: &Call<'_, impl Cloud>,
    plan: &Plan,
    who: Option<&str>,
    registrations: &Registrations,
    ready: impl Future<Output = Result<(), E>>,
) -> Result<Done, E> {
    let mut done = Done::default();
    let mut ready = Some(ready);
    let mut until_ready = async || match ready.take() {
        Some(ready) => ready.await,
        None => Ok(()),
    };
    for step in &plan.steps {
        match step {
            Step::Register(rendering) => {
                let (registered, ready) = join(registrations.register(call, rendering), until_ready()).await;
                ready?;
                done.revision = Some(registered?);
            }
            Step::Update { cluster, service, to, call: how, previous_primary } => {
                until_ready().await?;
                let (description, previous_primary) = (plan.description(who), previous_primary.as_ref());
                let update = Update { cluster, service, how, description, previous_primary };
                let updated = match to {
                    NextRevision::Existing(revision) => update.to(call, revision).await?,
                    NextRevision::Registered => {
                        let subject = || {
                            Error::new("ECS.UpdateService", plan.target.as_str(), ErrorKind::Rejected, "no revision")
                        };
                        let revision = done.revision.clone().ok_or_else(subject)?;
                        update.to_new(call, &revision).await?
                    }
                };
                done = Done { revision: done.revision, ..updated };
            }
        }
    }
    Ok(done)
}

impl Registrations {
    /// An earlier try may have registered a revision of this family for the same event: if so, that one is adopted.
    pub(crate) fn suspect(&self, family: &str) {
        self.suspects.borrow_mut().insert(family.to_owned());
    }

    /// Registers a rendering, once.
    pub(crate) async fn register(
        &self,
        call: &Call<'_, impl Cloud>,
        rendering: &Rendering,
    ) -> Result<TaskDefinitionArn, Error> {
        self.made.get(rendering.identity(), || self.register_or_adopt(call, rendering)).await
    }

    async fn register_or_adopt(
        &self,
        call: &Call<'_, impl Cloud>,
        rendering: &Rendering,
    ) -> Result<TaskDefinitionArn, Error> {
        let family = self.families.borrow_mut().entry(rendering.family().to_owned()).or_default().clone();
        let _alone = family.lock().await;
        let is_suspect = self.suspects.borrow().contains(rendering.family());
        if is_suspect
            && let Ok(latest) = call.cloud().describe_task_definition(rendering.family()).await
            && rendering.is_registered_as(&latest)
        {
            return Ok(latest.arn);
        }
        register(call, rendering).await
    }
}

async fn register(call: &Call<'_, impl Cloud>, rendering: &Rendering) -> Result<TaskDefinitionArn, Error> {
    let (cloud, pace, family) = (call.cloud(), &call.engine.paces.register, rendering.family());
    // A revision that no update follows would be registered again by the next try.
    let until = call.until - TO_UPDATE;
    let register = async || cloud.register_task_definition(rendering).await;
    match pace.call(call, family, until, register).await {
        Err(error) if error.kind == ErrorKind::Unreachable => {
            // It may have been carried out: a repeat would leave two revisions, so ECS is asked for ours first.
            warn!(%error, "no answer to a registration; checking whether it was carried out");
            match cloud.describe_task_definition(family).await {
                Ok(latest) if rendering.is_registered_as(&latest) => Ok(latest.arn),
                Ok(_) => pace.call(call, family, until, register).await,
                Err(_) => Err(error),
            }
        }
        answer => answer,
    }
}

/// An update of a service, but for the revision.
struct Update<'a> {
    cluster: &'a ClusterName,
    service: &'a ServiceName,
    how: &'a UpdateCall,
    description: String,
    previous_primary: Option<&'a DeploymentId>,
}

impl Update<'_> {
    /// To a revision that was registered a moment ago, which ECS may not know everywhere yet.
    async fn to_new(&self, call: &Call<'_, impl Cloud>, revision: &TaskDefinitionArn) -> Result<Done, Error> {
        for pause in UNTIL_KNOWN {
            match self.to(call, revision).await {
                Err(error) if is_unknown_revision(&error) => call.cloud().sleep(pause).await,
                answer => return answer,
            }
        }
        self.to(call, revision).await
    }

    async fn to(&self, call: &Call<'_, impl Cloud>, revision: &TaskDefinitionArn) -> Result<Done, Error> {
        let (pace, until) = (&call.engine.paces.update, call.until);
        let subject = format!("{}/{}", self.cluster, self.service);
        let place = (self.cluster, self.service);
        let update = async || call.update_to(place, revision, self.how, &self.description, self.previous_primary).await;
        match pace.call(call, &subject, until, update).await {
            Err(error) if error.kind == ErrorKind::Unreachable => {
                warn!(%error, "no answer to an update; checking whether it was carried out");
                let read = call.service(self.cluster, self.service).await;
                let Some(service) = read.ok().flatten() else { return Err(error) };
                match unanswered(&service, revision, self.previous_primary) {
                    Unanswered::TookEffect => Ok(Done::by_primary(&service)),
                    Unanswered::Repeatable => pace.call(call, &subject, until, update).await,
                    Unanswered::Outdated => Err(error),
                }
            }
            answer => answer,
        }
    }
}

/// ECS says `ClientException: TaskDefinition not found.`; only the text distinguishes it.
fn is_unknown_revision(error: &Error) -> bool {
    let text = error.message.to_ascii_lowercase();
    matches!(error.kind, ErrorKind::Rejected | ErrorKind::NotFound)
        && (text.contains("taskdefinition") || text.contains("task definition"))
        && text.contains("not found")
}
