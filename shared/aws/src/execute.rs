//! Carries out a plan's steps from top to bottom. There is no choice left to make here, only answers to understand.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use slipway_core::facts::Deployment;
use slipway_core::id::{ClusterName, DeploymentId, ServiceName, TaskDefinitionArn};
use slipway_core::notice::Tasks;
use slipway_core::plan::{Force, Plan, Step, To};
use slipway_core::render::Rendering;
use tokio::join;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use crate::ecs::{Ecs, Updated};
use crate::error::{Error, Kind};

/// A new revision is known everywhere within a second or so; after that, "not found" is the truth.
const UNTIL_KNOWN: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

/// A registration that would leave less time than this for its update is not begun.
const TO_UPDATE: Duration = Duration::from_secs(3);

/// What carrying out a plan brought about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// The revision that was registered, or adopted.
    pub revision: Option<TaskDefinitionArn>,
    /// The deployment that the update made.
    pub deployment: Option<DeploymentId>,
    /// When ECS made it, by ECS's clock.
    pub created_at: Option<Timestamp>,
    /// How many of the service's tasks ran then.
    pub tasks: Option<Tasks>,
}

/// The revisions registered for one event, so that plans with the same rendering share one.
#[derive(Debug, Default)]
pub struct Registrations {
    cells: Mutex<HashMap<String, Registration>>,
    /// The families in which an earlier try may have left a revision.
    suspects: Mutex<HashSet<String>>,
}

type Registration = Arc<OnceCell<Result<TaskDefinitionArn, Error>>>;

/// Carries out the plan. Nothing is begun after `until`; what is under way then is still waited for.
///
/// `ready` is what has to be done before the service is updated; a registration goes on beside it. If it fails, nothing
/// is updated, and its error is the answer.
///
/// An error leaves the plan's later steps undone. Carrying out the plan of a fresh look again is always right:
/// what took effect shows there.
pub async fn execute<E: From<Error>>(
    ecs: &Ecs,
    plan: &Plan,
    registrations: &Registrations,
    until: Instant,
    ready: impl Future<Output = Result<(), E>>,
) -> Result<Done, E> {
    let mut done = Done::default();
    let mut ready = Some(ready);
    for step in &plan.steps {
        match step {
            Step::Register(rendering) => {
                // A revision that no update follows would be registered again by the next try.
                let until = until.checked_sub(TO_UPDATE).unwrap_or(until);
                let registered = registrations.register(ecs, rendering, until);
                let registered = match ready.take() {
                    Some(ready) => {
                        let (registered, is_ready) = join!(registered, ready);
                        is_ready?;
                        registered
                    }
                    None => registered.await,
                };
                done.revision = Some(registered?);
            }
            Step::Update { cluster, service, to, force, over } => {
                if let Some(ready) = ready.take() {
                    ready.await?;
                }
                let update = Update { cluster, service, force: *force, over: over.as_ref() };
                let updated = match to {
                    To::Existing(revision) => update.to(ecs, revision, until).await?,
                    To::Registered => {
                        let subject =
                            || Error::new("ECS.UpdateService", plan.target.as_str(), Kind::Rejected, "no revision");
                        let revision = done.revision.clone().ok_or_else(subject)?;
                        update.to_new(ecs, &revision, until).await?
                    }
                };
                (done.deployment, done.created_at) = (updated.deployment, updated.created_at);
                done.tasks = updated.tasks;
            }
        }
    }
    Ok(done)
}

impl Registrations {
    /// An earlier try died, and may have registered a revision of this family for the same event: it is looked for, and
    /// adopted, before another is registered.
    pub fn suspect(&self, family: &str) {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner).insert(family.to_owned());
    }

    async fn register(&self, ecs: &Ecs, rendering: &Rendering, until: Instant) -> Result<TaskDefinitionArn, Error> {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            cells.entry(rendering.identity()).or_default().clone()
        };
        cell.get_or_init(|| self.register_or_adopt(ecs, rendering, until)).await.clone()
    }

    async fn register_or_adopt(
        &self,
        ecs: &Ecs,
        rendering: &Rendering,
        until: Instant,
    ) -> Result<TaskDefinitionArn, Error> {
        let suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner).contains(rendering.family());
        if suspects
            && let Ok(latest) = ecs.describe_task_definition(rendering.family()).await
            && rendering.is_registered_as(&latest)
        {
            return Ok(latest.arn);
        }
        register(ecs, rendering, until).await
    }
}

async fn register(ecs: &Ecs, rendering: &Rendering, until: Instant) -> Result<TaskDefinitionArn, Error> {
    let family = rendering.family();
    match ecs.paces.register.call(family, until, async || ecs.register_task_definition(rendering).await).await {
        Err(error) if error.kind == Kind::Unreachable => {
            // It may have been carried out: a repeat would leave two revisions, so look for ours first.
            tracing::warn!(%error, "no answer to a registration; looking whether it was carried out");
            match ecs.describe_task_definition(family).await {
                Ok(latest) if rendering.is_registered_as(&latest) => Ok(latest.arn),
                Ok(_) => {
                    ecs.paces.register.call(family, until, async || ecs.register_task_definition(rendering).await).await
                }
                Err(_) => Err(error),
            }
        }
        answer => answer,
    }
}

/// An UpdateService, but for the revision.
struct Update<'a> {
    cluster: &'a ClusterName,
    service: &'a ServiceName,
    force: Force,
    over: Option<&'a DeploymentId>,
}

impl Update<'_> {
    /// To a revision that was registered a moment ago, which ECS may not know everywhere yet.
    async fn to_new(&self, ecs: &Ecs, revision: &TaskDefinitionArn, until: Instant) -> Result<Updated, Error> {
        for pause in UNTIL_KNOWN {
            match self.to(ecs, revision, until).await {
                Err(error) if is_unknown_revision(&error) => sleep(pause).await,
                answer => return answer,
            }
        }
        self.to(ecs, revision, until).await
    }

    async fn to(&self, ecs: &Ecs, revision: &TaskDefinitionArn, until: Instant) -> Result<Updated, Error> {
        let subject = format!("{}/{}", self.cluster, self.service);
        let call = async || ecs.update_service(self.cluster, self.service, revision, self.force).await;
        match ecs.paces.update.call(&subject, until, call).await {
            Err(error) if error.kind == Kind::Unreachable => {
                tracing::warn!(%error, "no answer to an update; looking whether it was carried out");
                match self.took_effect(ecs, revision).await {
                    Ok(Some(updated)) => Ok(updated),
                    Ok(None) => ecs.paces.update.call(&subject, until, call).await,
                    Err(_) => Err(error),
                }
            }
            answer => answer,
        }
    }

    /// Whether the service has a deployment of this revision that wasn't there when the plan was made.
    async fn took_effect(&self, ecs: &Ecs, revision: &TaskDefinitionArn) -> Result<Option<Updated>, Error> {
        let services = ecs.describe_services(self.cluster, &[self.service]).await?;
        let is_new = |primary: &Deployment| primary.task_definition == *revision && Some(&primary.id) != self.over;
        let updated = services.iter().flatten().find(|service| service.primary().is_some_and(is_new));
        Ok(updated.map(|service| Updated::of(Some(service))))
    }
}

/// ECS says `ClientException: TaskDefinition not found.`; the text is all there is to tell it by.
fn is_unknown_revision(error: &Error) -> bool {
    let text = error.message.to_ascii_lowercase();
    matches!(error.kind, Kind::Rejected | Kind::NotFound)
        && (text.contains("taskdefinition") || text.contains("task definition"))
        && text.contains("not found")
}
