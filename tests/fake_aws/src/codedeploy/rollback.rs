//! How a deployment ends otherwise than well, and CodeDeploy's own rollback: a new deployment of what last succeeded.

use super::deployments::{Deployment, RollbackInfo};
use super::failure::{Cause, Rollback};
use super::lifecycle::Phase;
use super::targets::LifecycleEvent;
use super::{CodeDeploy, Context};

impl CodeDeploy {
    /// A deployment, by its place, fails or is stopped; a rollback follows where that is wanted and something was installed.
    pub(super) fn end_otherwise(&mut self, context: &mut Context<'_, '_>, place: usize, cause: &Cause) {
        let now = context.now();
        let deployment = &mut self.deployments[place];
        let rolls_back = deployment.rolls_back(cause);
        let message = cause.message();
        deployment.events.iter_mut().for_each(|event| event.cut(now, &message));
        if rolls_back && deployment.denies_its_stop {
            deployment.end(context, "Succeeded");
            deployment.send(context, "SUCCESS");
        } else {
            deployment.error = Some((cause.code(), message));
            deployment.end(context, cause.status());
            deployment.send(context, if cause.status() == "Failed" { "FAILURE" } else { "STOP" });
        }
        if rolls_back {
            self.roll_back(context, place);
        }
    }

    /// What succeeded last in the group of this deployment, apart from itself.
    fn last_successful_but(&self, failed: &Deployment) -> Option<&Deployment> {
        let mut others = self.of_group(&failed.application, &failed.group).filter(|it| it.id != failed.id);
        others.rfind(|it| it.succeeded())
    }

    fn roll_back(&mut self, context: &mut Context<'_, '_>, place: usize) {
        let failed = self.deployments[place].clone();
        let Some(target) = self.last_successful_but(&failed).cloned() else {
            let message = "The deployment was not rolled back: no deployment of its group has succeeded.";
            self.deployments[place].rollback.message = Some(message.to_owned());
            return;
        };
        let now = context.now();
        let id = self.next_id();
        let message = format!("Deployment {} is rolled back by deployment {id}.", failed.id);
        let info = RollbackInfo { by: Some(id.clone()), of: None, message: Some(message.clone()) };
        self.deployments[place].rollback = info;
        let rollback = Deployment {
            id,
            revision: target.revision,
            spec: target.spec,
            previous: Some(failed.revision.location.clone()),
            description: None,
            creator: "codeDeployRollback",
            created_at: now,
            listed_from: context.around.listed_from(),
            started_at: None,
            updated_at: now,
            completed_at: None,
            status: "Created",
            phase: Phase::Created,
            events: LifecycleEvent::all(),
            error: None,
            rollback: RollbackInfo { by: None, of: Some(failed.id.clone()), message: Some(message) },
            // The other way round: what served before shall serve.
            blue: failed.green.clone(),
            green: failed.blue.clone(),
            weight: 0,
            denies_its_stop: false,
            ..failed
        };
        self.take_in(now, rollback);
    }
}

impl Deployment {
    /// Whether CodeDeploy rolls it back for this. It cannot before a task set was made or once the old tasks end, and rolls no
    /// rollback back.
    fn rolls_back(&self, cause: &Cause) -> bool {
        let asked = match cause {
            Cause::Request { rolls_back: Rollback::Wanted } => true,
            Cause::Request { rolls_back: Rollback::NotWanted } => false,
            _ => self.rolls_back_on(cause.rollback_event()),
        };
        asked && self.green.is_some() && !self.is_rollback() && self.phase != Phase::Terminates
    }

    /// Whether its configuration names this event, `DEPLOYMENT_FAILURE`.
    fn rolls_back_on(&self, event: &str) -> bool {
        let configuration = self.settings.get("autoRollbackConfiguration");
        configuration.is_some_and(|configuration| {
            let mut events = configuration["events"].as_array().into_iter().flatten();
            configuration["enabled"] == true && events.any(|named| named == event)
        })
    }
}
