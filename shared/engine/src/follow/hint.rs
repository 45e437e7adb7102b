//! Records what triggered the session, as far as it is evidence: tasks that stopped by themselves, ECS's warnings, and
//! deployments that are not on record.

use slipway_core::model::facts::ServiceFacts;
use slipway_core::model::record::Deployment;
use slipway_core::rules::mechanism::{Unrecorded, completed_early, is_completed, that_started, unrecorded};
use slipway_core::rules::note::is_first_observation;
use tracing::info;

use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::input::{Hint, Warning};

/// So many warnings are kept of one deployment.
const WARNINGS: usize = 10;

/// So many of the deployments that ECS lists are read to know what ran before; it rarely lists more than two.
const LISTED: usize = 4;

impl<C: Cloud> FollowSession<'_, C> {
    /// Records what triggered the session.
    pub(crate) async fn note_hint(&mut self) -> Result<(), Error> {
        let open = || self.record().deployments.iter().filter(|it| it.is_open() && it.failing().is_none());
        match self.hint {
            Hint::TaskStopped(task) => {
                let service = self.service.as_ref();
                let started_by = task.started_by.as_ref().map(|by| service.map_or(by, |it| that_started(it, by)));
                let own = open().find(|it| it.id().is_some() && it.id() == started_by);
                let Some(number) = own.map(|it| it.number) else { return Ok(()) };
                self.write(|record| record.task_failed(number, &task.arn)).await.map(drop)
            }
            Hint::Warning(warning) => {
                let line = line(warning);
                let about = open().find(|it| it.intended_at <= warning.at);
                let Some(number) = about.map(|it| it.number) else { return Ok(()) };
                self.write(|record| {
                    if let Some(it) = record.at(number).filter(|it| !it.warnings.contains(&line)) {
                        it.warnings.insert(0, line.clone());
                        it.warnings.truncate(WARNINGS);
                    }
                })
                .await
            }
            Hint::Deployment(_) | Hint::Changed | Hint::Timer | Hint::Unjudged => Ok(()),
        }
    }

    /// Records a deployment that is not on record: somebody else's, or one whose record was lost.
    pub(crate) async fn note_unrecorded(&mut self, service: &ServiceFacts) -> Result<(), Error> {
        let Some(primary) = service.primary().filter(|it| self.record().of_id(&it.id).is_none()) else {
            return Ok(());
        };
        let named = self.event().is_some_and(|event| event.deployment == primary.id);
        // A service that has long run well is adopted when Slipway first deploys there.
        let has_completed = is_completed(primary) || completed_early(primary);
        if is_first_observation(self.record()) && !named && has_completed {
            return Ok(());
        }
        if self.unrecorded(service).is_none() {
            return Ok(());
        }
        let arns: Vec<_> = service.deployments.iter().map(|it| it.task_definition.clone()).take(LISTED).collect();
        self.read_revisions(&arns).await?;
        let Some(deployment) = self.unrecorded(service) else { return Ok(()) };
        if deployment.is_external() && self.managed.repositories.is_empty() {
            return Ok(());
        }
        let id = deployment.id().map_or("", |id| id.as_str()).to_owned();
        let trigger = deployment.trigger.clone();
        if let Some(number) = self.record_found(deployment).await? {
            info!(target = %self.managed.target, deployment.id = id, number, %trigger, "a deployment that was not on record");
        }
        Ok(())
    }

    fn unrecorded(&self, service: &ServiceFacts) -> Option<Deployment> {
        let repositories: Vec<&str> = self.managed.repositories.iter().map(String::as_str).collect();
        unrecorded(&Unrecorded {
            record: self.record(),
            service,
            revisions: &self.revisions,
            repositories: &repositories,
            settings: &self.managed.settings,
            now: self.cloud.now(),
        })
    }
}

/// The warning as the evidence shows it.
fn line(warning: &Warning) -> String {
    match &warning.reason {
        Some(reason) => format!("{}: {reason}", warning.name),
        None => warning.name.clone(),
    }
}
