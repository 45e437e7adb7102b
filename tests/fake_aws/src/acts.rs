//! What happens to the account from outside, and what a test moves by hand: images are pushed and taken away,
//! deployments go on.
//!
//! What an act gives rise to is its answer. [`Aws::take_events`] holds only what API calls and tasks on the way of
//! something larger gave rise to.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::Aws;
use crate::Place;
use crate::ecr::{self, Ecr, Image, Push};
use crate::ecs::{self, Failure, RollbackCause, Service};
use crate::refusal::Refusal;

/// The registry.
impl Aws {
    /// Pushes an image under these tags; without tags by its digest only. The repository is made if there is none.
    pub fn push(&mut self, repository: &str, tags: &[String], image: &Image) -> Push {
        self.on_registry(|ecr, context| ecr.push(context, repository, tags, image))
    }

    /// Pushes an image to the registry of another account or region.
    pub fn push_to(&mut self, place: &Place, repository: &str, tags: &[String], image: &Image) -> Push {
        self.on_registry_at(place, |ecr, context| ecr.push(context, repository, tags, image))
    }

    /// ECR's replication brings a tag's image from one registry into another; the destination's events, first the one that
    /// says so.
    pub fn replicate(&mut self, from: &Place, to: &Place, repository: &str, tag: &str) -> Result<Vec<Value>, Refusal> {
        let source = std::mem::take(self.registries.at(from));
        let replicated = self.on_registry_at(to, |ecr, context| {
            ecr.replicate(context, (from, &source), repository, tag).map(|()| std::mem::take(context.events))
        });
        *self.registries.at(from) = source;
        replicated
    }

    /// Changes when an image was pushed, as if it had been then.
    pub fn set_pushed_at(&mut self, repository: &str, digest: &str, at: Timestamp) -> Result<(), Refusal> {
        self.on_registry(|ecr, context| ecr.set_pushed_at(context, repository, digest, at))
    }

    /// Points one more tag at an image by its digest; the event.
    pub fn retag(&mut self, repository: &str, digest: &str, tag: &str) -> Result<Value, Refusal> {
        self.on_registry(|ecr, context| ecr.retag(context, repository, digest, tag))
    }

    /// Deletes a tag or, named by its digest, an image; the events, one for each tag.
    pub fn delete_image(&mut self, repository: &str, tag_or_digest: &str) -> Result<Vec<Value>, Refusal> {
        self.registry_events(|ecr, context| ecr.delete(context, repository, tag_or_digest))
    }

    /// Archives an image, which then cannot be pulled; the event.
    pub fn archive_image(&mut self, repository: &str, digest: &str) -> Result<Vec<Value>, Refusal> {
        self.registry_events(|ecr, context| ecr.archive(context, repository, digest))
    }

    /// Brings an archived image back; the event.
    pub fn restore_image(&mut self, repository: &str, digest: &str) -> Result<Vec<Value>, Refusal> {
        self.registry_events(|ecr, context| ecr.restore(context, repository, digest))
    }

    fn registry_events(
        &mut self,
        act: impl FnOnce(&mut Ecr, &mut ecr::Context<'_>) -> Result<(), Refusal>,
    ) -> Result<Vec<Value>, Refusal> {
        self.on_registry(|ecr, context| act(ecr, context).map(|()| std::mem::take(context.events)))
    }

    fn on_registry<T>(&mut self, act: impl FnOnce(&mut Ecr, &mut ecr::Context<'_>) -> T) -> T {
        self.on_registry_at(&self.place.clone(), act)
    }

    fn on_registry_at<T>(&mut self, place: &Place, act: impl FnOnce(&mut Ecr, &mut ecr::Context<'_>) -> T) -> T {
        let mut events = Vec::new();
        let mut context = ecr::Context { place, now: self.now, url: &self.url, events: &mut events };
        act(self.registries.at(place), &mut context)
    }
}

/// Deployments. Each act answers with ECS's events, in ECS's order; a service that isn't there is refused, and so is what
/// cannot happen to it now.
impl Aws {
    /// The PRIMARY deployment wins: COMPLETED. A rollback under way succeeds.
    pub fn complete(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.complete(context))
    }

    /// ECS calls the PRIMARY deployment completed by the service's early success criteria, with so many of its tasks running:
    /// COMPLETED.
    pub fn complete_early(&mut self, cluster: &str, service: &str, running: i64) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.complete_early(context, running))
    }

    /// So many more tasks run, of the deployment in progress or of what completed early; ECS sends no event of that.
    pub fn run_more(&mut self, cluster: &str, service: &str, count: i64) -> Result<(), Refusal> {
        self.on_service(cluster, service, |service, context| service.run_more(context, count)).map(drop)
    }

    /// The PRIMARY deployment goes wrong. What follows is ECS's decision by the service's configuration: without
    /// circuit breaker nothing but failed tasks, and no event; with it FAILED; with rollback FAILED, and a moment
    /// later `IN_PROGRESS` of the old deployment. The events of the tasks that stopped wait in [`Aws::take_events`].
    pub fn fail(&mut self, cluster: &str, service: &str, failure: &Failure) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.fail(context, failure))
    }

    /// So many tasks of the PRIMARY deployment stop, each with its event, and ECS decides nothing about it (yet). Where
    /// CodeDeploy deploys, those of the newest task set.
    pub fn stop_tasks(
        &mut self,
        cluster: &str,
        service: &str,
        failure: &Failure,
        count: usize,
    ) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| {
            if service.controller() != "ECS" {
                return service.lose_tasks_in_set(context, 0, failure, count);
            }
            service.lose_tasks(context, failure, count);
            Ok(())
        })
    }

    /// So many tasks of the deployment before the PRIMARY stop, each with its event; or of the task set before the newest.
    pub fn stop_old_tasks(
        &mut self,
        cluster: &str,
        service: &str,
        failure: &Failure,
        count: usize,
    ) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| match service.controller() {
            "ECS" => service.lose_old_tasks(context, failure, count),
            _ => service.lose_tasks_in_set(context, 1, failure, count),
        })
    }

    /// ECS reports something about a service by an event "ECS Service Action", `SERVICE_TASK_PLACEMENT_FAILURE` for instance,
    /// whose reason is like `RESOURCE:MEMORY`.
    pub fn service_action(
        &mut self,
        cluster: &str,
        service: &str,
        name: &str,
        reason: Option<&str>,
    ) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| {
            service.service_action(context, name, reason);
            Ok(())
        })
    }

    /// The circuit breaker's rollback begins although the failed deployment is not yet called failed: the odd order.
    /// [`Aws::call_failed`] is the other half.
    pub fn begin_rollback(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.roll_back(context, &RollbackCause::CircuitBreaker))
    }

    /// The circuit breaker calls the newest deployment failed, and nothing else happens yet.
    pub fn call_failed(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| {
            service.call_failed(context, &RollbackCause::CircuitBreaker)
        })
    }

    /// An alarm is triggered, by which ECS calls the newest deployment failed, and nothing else happens yet.
    pub fn call_failed_by_alarm(&mut self, cluster: &str, service: &str, alarm: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| {
            service.trigger_alarm(alarm);
            service.call_failed(context, &RollbackCause::Alarm)
        })
    }

    /// The function of a lifecycle hook fails, for which ECS calls the newest deployment failed, and nothing else happens yet.
    pub fn call_failed_by_hook(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| {
            service.fail_function();
            service.call_failed(context, &RollbackCause::Hook)
        })
    }

    /// ECS goes back for the function of a lifecycle hook: the other half of [`Aws::call_failed_by_hook`].
    pub fn roll_back_for_hook(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.roll_back(context, &RollbackCause::Hook))
    }

    /// ECS does what StopServiceDeployment asked for: the rollback begins.
    pub fn carry_out_stop(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.roll_back(context, &RollbackCause::StopRequest))
    }

    /// A blue/green, linear or canary deployment reaches a lifecycle stage, `BAKE_TIME`.
    pub fn reach_stage(&mut self, cluster: &str, service: &str, stage: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.reach(context.now, stage))
    }

    /// So many percent of the production traffic are to go to the tasks of a linear or canary deployment.
    pub fn shift_traffic(&mut self, cluster: &str, service: &str, percent: u8) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| {
            service.reach(context.now, "PRODUCTION_TRAFFIC_SHIFT")?;
            service.weigh(percent);
            Ok(())
        })
    }

    /// A blue/green, linear or canary deployment waits at a pause hook of its stage, for at most this long; then it is rolled
    /// back. It also goes on when it reaches its next stage.
    pub fn pause(&mut self, cluster: &str, service: &str, patience: Duration) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.pause(context, patience, true))
    }

    /// The same, but it goes on when nobody answers.
    pub fn pause_and_go_on(&mut self, cluster: &str, service: &str, patience: Duration) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| service.pause(context, patience, false))
    }

    /// Nobody has answered a pause hook in time, and ECS does what it is set to.
    pub fn time_out_pause(&mut self, cluster: &str, service: &str) -> Result<Vec<Value>, Refusal> {
        self.on_service(cluster, service, |service, context| match service.time_out(context.now) {
            Some(true) => service.fail(context, &Failure::FailsHook),
            Some(false) => Ok(()),
            None => Err(Refusal::invalid("No pause hook of the service has run out of time.")),
        })
    }

    /// DescribeServices leaves out the rollout states of a service's deployments from now on, as it may where a strategy other than
    /// rolling is set, and behind a Classic Load Balancer.
    pub fn leave_out_rollout_states(&mut self, cluster: &str, service: &str) -> Result<(), Refusal> {
        let left_out = self.on_service(cluster, service, |service, _| {
            service.says_rollout = false;
            Ok(())
        });
        left_out.map(drop)
    }

    fn on_service(
        &mut self,
        cluster: &str,
        name: &str,
        act: impl FnOnce(&mut Service, &mut ecs::Context<'_>) -> Result<(), Refusal>,
    ) -> Result<Vec<Value>, Refusal> {
        let mut caused = Vec::new();
        self.on_ecs_with(&mut caused, |ecs, context| {
            ecs.service_mut(cluster, name).and_then(|service| act(service, context))
        })?;
        Ok(caused)
    }
}
