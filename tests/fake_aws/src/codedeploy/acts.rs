//! What a test moves by hand. A deployment is named by its service, since a deployment group has one service and one open
//! deployment.
//!
//! What an act gives rise to is its answer, in CodeDeploy's order.

use serde_json::{Value, json};

use super::appspec::AppSpec;
use super::deployments::{self, New};
use super::failure::Cause;
use super::lifecycle::{CodeDeployStage, Pace, Phase};
use super::revisions::Revision;
use super::{CodeDeploy, Context};
use crate::Aws;
use crate::ecs::Failure;
use crate::refusal::{Members, Refusal};

/// Deployments of CodeDeploy. A service without an open one is refused, and so is what cannot happen to it now.
impl Aws {
    /// Moves the open deployment of a service to a stage, without regard to the clock: tasks run, waits are over, and one that
    /// waits for somebody is let go on.
    pub fn move_code_deploy(
        &mut self,
        cluster: &str,
        service: &str,
        stage: CodeDeployStage,
    ) -> Result<Vec<Value>, Refusal> {
        self.on_open_deployment(cluster, service, |codedeploy, context, place| {
            codedeploy.move_to(context, place, stage)
        })
    }

    /// The open deployment of a service goes wrong: tasks that never run and hooks fail it, an alarm stops it. Whether it is
    /// rolled back then, its configuration says; the rollback is another deployment, which is the open one from then on. The
    /// events of the tasks that stopped wait in [`Aws::take_events`].
    pub fn fail_code_deploy(&mut self, cluster: &str, service: &str, failure: &Failure) -> Result<Vec<Value>, Refusal> {
        self.on_open_deployment(cluster, service, |codedeploy, context, place| codedeploy.fail(context, place, failure))
    }

    /// CodeDeploy does what StopDeployment asked for.
    pub fn carry_out_code_deploy_stop(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_open_deployment(cluster, service, |codedeploy, context, place| {
            if codedeploy.deployments[place].stop.is_none() {
                return Err(Refusal::invalid("Nobody asked to stop the deployment."));
            }
            codedeploy.carry_out_stop(context, place);
            Ok(())
        })
    }

    /// The open deployment of a service will call itself `Succeeded` once it was stopped and rolled back.
    pub fn let_code_deploy_deny_its_stop(&mut self, cluster: &str, service: &str) -> Result<(), Refusal> {
        let denied = self.on_open_deployment(cluster, service, |codedeploy, _, place| {
            codedeploy.deployments[place].denies_its_stop = true;
            Ok(())
        });
        denied.map(drop)
    }

    /// The open deployment of a service, which waits before it ends the old tasks, says `Baking` of itself.
    pub fn let_code_deploy_bake(&mut self, cluster: &str, service: &str) -> Result<(), Refusal> {
        let baked = self.on_open_deployment(cluster, service, |codedeploy, _, place| {
            let deployment = &mut codedeploy.deployments[place];
            if deployment.phase != Phase::AwaitsTermination {
                return Err(Refusal::invalid("The deployment does not wait before it ends the old tasks."));
            }
            deployment.status = "Baking";
            Ok(())
        });
        baked.map(drop)
    }

    /// Somebody else deploys by a revision that the fake cannot read, from S3 or in YAML: a `RevisionLocation`, and what it says.
    /// The deployment's id.
    pub fn deploy_unread_revision(
        &mut self,
        (application, group): (&str, &str),
        revision: &Value,
        task_definition: &str,
        (container, port): (&str, i64),
    ) -> Result<String, Refusal> {
        let request = Members::from_iter([("revision".to_owned(), revision.clone())]);
        let spec = AppSpec {
            task_definition: task_definition.to_owned(),
            container: container.to_owned(),
            port,
            settings: Members::from_iter([("platformVersion".to_owned(), json!("LATEST"))]),
            hooks: Vec::new(),
        };
        let new = New { revision: Revision::of(&request)?, spec, description: None, own: Members::new() };
        self.on_code_deploy(|codedeploy, context| deployments::begin(codedeploy, context, (application, group), new))
    }

    fn on_open_deployment(
        &mut self,
        cluster: &str,
        service: &str,
        act: impl FnOnce(&mut CodeDeploy, &mut Context<'_, '_>, usize) -> Result<(), Refusal>,
    ) -> Result<Vec<Value>, Refusal> {
        let mut caused = Vec::new();
        self.on_services(&mut caused, |codedeploy, context| {
            let place = codedeploy.deployments.iter().position(|deployment| {
                deployment.is_open() && (deployment.cluster.as_str(), deployment.service.as_str()) == (cluster, service)
            });
            let place =
                place.ok_or_else(|| Refusal::invalid(format!("{cluster}/{service} has no open deployment.")))?;
            act(codedeploy, context, place)
        })?;
        Ok(caused)
    }
}

impl CodeDeploy {
    fn move_to(&mut self, context: &mut Context<'_, '_>, place: usize, stage: CodeDeployStage) -> Result<(), Refusal> {
        while self.deployments[place].stage() < stage {
            self.go_on(context, place, Pace::AtOnce);
        }
        let reached = self.deployments[place].stage();
        if reached == stage {
            return Ok(());
        }
        Err(Refusal::invalid(format!("The deployment is {reached:?}, and does not come to {stage:?} any more.")))
    }

    fn fail(&mut self, context: &mut Context<'_, '_>, place: usize, failure: &Failure) -> Result<(), Refusal> {
        let cause = match failure {
            Failure::SoundsAlarm { .. } if self.deployments[place].watches_alarms() => Cause::Alarm,
            // Nobody hears it.
            Failure::SoundsAlarm { .. } => return Ok(()),
            Failure::FailsHook => self.go_to_hook(context, place)?,
            _ => {
                self.move_to(context, place, CodeDeployStage::Installing)?;
                let deployment = &self.deployments[place];
                let service = context.ecs.service_mut(&deployment.cluster, &deployment.service)?;
                let before = context.around.events.len();
                service.lose_tasks_in_set(context.around, 0, failure, 3)?;
                let stopped = context.around.events.split_off(before);
                context.around.tasks.extend(stopped);
                Cause::NeverHealthy
            }
        };
        self.end_otherwise(context, place, &cause);
        Ok(())
    }

    /// Moves a deployment to the next lifecycle event that has a hook, which then fails.
    fn go_to_hook(&mut self, context: &mut Context<'_, '_>, place: usize) -> Result<Cause, Refusal> {
        while self.deployments[place].stage() < CodeDeployStage::Serving {
            if let Some(event) = self.deployments[place].hook() {
                return Ok(Cause::Hook { event });
            }
            self.go_on(context, place, Pace::AtOnce);
        }
        Err(Refusal::invalid("The deployment has no hook any more that could fail."))
    }
}
