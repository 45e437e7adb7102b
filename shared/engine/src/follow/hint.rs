//! Writes down what rang, as far as it is evidence: tasks that stopped by themselves, ECS's warnings, and deployments
//! that nobody wrote down.

use slipway_core::model::facts::ServiceFacts;
use slipway_core::model::record::Deployment;
use slipway_core::rules::mechanism::{Unrecorded, is_completed, unrecorded};
use slipway_core::rules::note::is_first_observation;
use tracing::info;

use super::configured::NotManaged;
use super::session::FollowSession;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::input::{Hint, Warning};

/// So many warnings are kept of one deployment.
const WARNINGS: usize = 10;

/// So many of the deployments that ECS lists are read to know what ran before; it rarely lists more than two.
const LISTED: usize = 4;

impl<C: Cloud> FollowSession<'_, C> {
    /// Writes down what rang.
    pub(crate) async fn note_hint(&mut self) -> Result<(), Error> {
        match self.hint {
            Hint::TaskStopped(task) => {
                let Some(id) = &task.started_by else { return Ok(()) };
                let started_by = |it: &&Deployment| it.is_open() && it.failing().is_none() && it.id() == Some(id);
                let Some(number) = self.record().deployments.iter().find(started_by).map(|it| it.number) else {
                    return Ok(());
                };
                self.write(|record| record.task_failed(number, &task.arn)).await?;
            }
            Hint::Warning(warning) => {
                let line = line(warning);
                let about = |it: &&Deployment| it.is_open() && it.failing().is_none() && it.intended_at <= warning.at;
                let Some(number) = self.record().deployments.iter().find(about).map(|it| it.number) else {
                    return Ok(());
                };
                self.write(|record| {
                    if let Some(it) = record.at(number).filter(|it| !it.warnings.contains(&line)) {
                        it.warnings.insert(0, line.clone());
                        it.warnings.truncate(WARNINGS);
                    }
                })
                .await?;
            }
            Hint::Deployment(_) | Hint::Timer | Hint::Unjudged => {}
        }
        Ok(())
    }

    /// Writes down a deployment that nobody wrote down: somebody else's, or one whose record was lost.
    pub(crate) async fn note_unrecorded(&mut self, service: &ServiceFacts) -> Result<(), Error> {
        let Some(primary) = service.primary().filter(|it| self.record().of_id(&it.id).is_none()) else {
            return Ok(());
        };
        let named = self.event().is_some_and(|event| event.deployment == primary.id);
        // What runs well, and has for long, is taken up by the deploy function when it first deploys there.
        if is_first_observation(self.record()) && !named && is_completed(primary) {
            return Ok(());
        }
        if self.unrecorded(service).is_none() {
            return Ok(());
        }
        let arns: Vec<_> = service.deployments.iter().map(|it| it.task_definition.clone()).take(LISTED).collect();
        self.read_revisions(&arns).await?;
        let found = self.unrecorded(service);
        let Some(deployment) = found else { return Ok(()) };
        if deployment.is_external() && self.ours.others == NotManaged::Ignored {
            return Ok(());
        }
        let id = deployment.id().map_or("", |id| id.as_str()).to_owned();
        let trigger = deployment.trigger.clone();
        if let Some(number) = self.write_down(deployment).await? {
            info!(target = %self.target, deployment.id = id, number, %trigger, "a deployment that nobody wrote down");
        }
        Ok(())
    }
}

impl<C: Cloud> FollowSession<'_, C> {
    fn unrecorded(&self, service: &ServiceFacts) -> Option<Deployment> {
        let repositories: Vec<&str> = self.ours.repositories.iter().map(String::as_str).collect();
        unrecorded(&Unrecorded {
            record: self.record(),
            service,
            revisions: &self.revisions,
            repositories: &repositories,
            settings: &self.ours.settings,
            now: self.cloud.now(),
        })
    }
}

/// The warning as the evidence tells it.
fn line(warning: &Warning) -> String {
    match &warning.reason {
        Some(reason) => format!("{}: {reason}", warning.name),
        None => warning.name.clone(),
    }
}
