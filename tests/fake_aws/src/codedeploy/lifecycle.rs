//! How a deployment goes from one stage to the next, whether a test moves it or it moves by itself.
//!
//! The traffic is moved between two task sets: the blue one, which serves when the deployment begins, and the green one, which
//! the deployment makes. `FIDELITY.md` says where the stages and their order are known from.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::deployments::Deployment;
use super::failure::Cause;
use super::targets::{ALLOW_TEST_TRAFFIC, ALLOW_TRAFFIC, BEFORE_ALLOW_TRAFFIC, EVENTS, INSTALL};
use super::{CodeDeploy, Context};
use crate::ecs::{Growth, Service};
use crate::identity;
use crate::refusal::Members;

/// So long CodeDeploy waits for the replacement's tasks to run.
const INSTALL_TIMEOUT: SignedDuration = SignedDuration::from_mins(60);

/// What a deployment does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Created,
    Queued,
    /// The lifecycle event at this place is in progress.
    At(usize),
    /// It waits for somebody who lets it go on, before any traffic moves.
    AwaitsReady,
    /// It serves, and waits before it ends the old tasks.
    AwaitsTermination,
    /// The old tasks end.
    Terminates,
    Ended,
}

/// How far a deployment is, for a test that moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeDeployStage {
    /// Nothing of it is there yet.
    Created,
    /// The new task set is there, and its tasks start.
    Installing,
    /// The tasks run, and test traffic reaches them where the group has a listener for it.
    TestTraffic,
    /// It waits for somebody who lets it go on.
    Ready,
    /// Traffic moves, or the hook after it runs.
    Shifting,
    /// All traffic has moved, and the old tasks still run.
    Serving,
    /// It has ended.
    Ended,
}

/// Whether the clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Waits last as long as they are set to, and tasks run if their images work.
    ByClock,
    /// A test says what happens: no wait lasts, and all tasks run.
    AtOnce,
}

impl CodeDeploy {
    /// Takes a deployment, by its place, one step further; it may fail by that.
    pub(super) fn go_on(&mut self, context: &mut Context<'_, '_>, place: usize, pace: Pace) {
        if let Some(cause) = self.deployments[place].go_on(context, pace) {
            self.end_otherwise(context, place, &cause);
        }
    }
}

impl Deployment {
    /// How far it is.
    pub(super) fn stage(&self) -> CodeDeployStage {
        match self.phase {
            Phase::Created | Phase::Queued => CodeDeployStage::Created,
            Phase::At(place) if place >= ALLOW_TRAFFIC => CodeDeployStage::Shifting,
            Phase::At(place) if place > ALLOW_TEST_TRAFFIC => CodeDeployStage::TestTraffic,
            Phase::At(_) if self.green.is_some() => CodeDeployStage::Installing,
            Phase::At(_) => CodeDeployStage::Created,
            Phase::AwaitsReady => CodeDeployStage::Ready,
            Phase::AwaitsTermination | Phase::Terminates => CodeDeployStage::Serving,
            Phase::Ended => CodeDeployStage::Ended,
        }
    }

    fn go_on(&mut self, context: &mut Context<'_, '_>, pace: Pace) -> Option<Cause> {
        let now = context.now();
        let is_over = pace == Pace::AtOnce || self.waits_until.is_some_and(|until| now >= until);
        match self.phase {
            Phase::Created => {
                self.phase = Phase::Queued;
                self.status = "Queued";
            }
            Phase::Queued => return self.start(context),
            Phase::At(ALLOW_TRAFFIC) if self.is_rollback() => self.return_traffic(context),
            Phase::At(INSTALL) => return self.install(context, pace),
            Phase::At(ALLOW_TRAFFIC) => return self.shift(context, pace),
            Phase::At(place) => self.pass(context, place),
            Phase::AwaitsReady if pace == Pace::AtOnce => self.reroute(now),
            Phase::AwaitsReady => return is_over.then_some(Cause::NotContinued),
            Phase::AwaitsTermination => return self.wait_to_terminate(context, pace, is_over),
            Phase::Terminates => self.succeed(context),
            Phase::Ended => {}
        }
        None
    }

    /// The service that it deploys to.
    fn service_in<'c>(&self, context: &'c mut Context<'_, '_>) -> Result<&'c mut Service, Cause> {
        let service = context.ecs.service_mut(&self.cluster, &self.service);
        service.map_err(|refusal| Cause::RefusedByEcs { message: refusal.message })
    }

    fn start(&mut self, context: &mut Context<'_, '_>) -> Option<Cause> {
        let now = context.now();
        self.status = "InProgress";
        self.started_at = Some(now);
        self.send(context, "START");
        if self.is_rollback() {
            self.events.iter_mut().for_each(|event| event.skip());
            self.begin_event(now, ALLOW_TRAFFIC);
            return None;
        }
        match self.service_in(context) {
            Ok(service) => self.blue = service.primary_task_set().map(|set| set.id.clone()),
            Err(cause) => return Some(cause),
        }
        self.begin_event(now, 0);
        None
    }

    fn begin_event(&mut self, now: Timestamp, place: usize) {
        self.phase = Phase::At(place);
        self.events[place].begin(now);
        self.updated_at = now;
        if place == ALLOW_TRAFFIC && !self.is_rollback() {
            self.weight = self.config.shifted_after(SignedDuration::ZERO);
        }
    }

    /// A lifecycle event is over; what comes next begins. Without a hook there was nothing to do in it.
    fn pass(&mut self, context: &mut Context<'_, '_>, place: usize) {
        let now = context.now();
        self.events[place].succeed(now);
        self.updated_at = now;
        let mut next = place + 1;
        while (ALLOW_TEST_TRAFFIC..BEFORE_ALLOW_TRAFFIC).contains(&next) && !self.has_test_traffic() {
            self.events[next].skip();
            next += 1;
        }
        match next {
            BEFORE_ALLOW_TRAFFIC if self.minutes("/deploymentReadyOption/waitTimeInMinutes").is_some() => {
                self.await_ready(context);
            }
            _ if next == EVENTS.len() => {
                let minutes = self.minutes("/terminateBlueInstancesOnDeploymentSuccess/terminationWaitTimeInMinutes");
                self.waits_until = now.checked_add(SignedDuration::from_mins(minutes.unwrap_or_default())).ok();
                self.phase = Phase::AwaitsTermination;
            }
            _ => self.begin_event(now, next),
        }
    }

    /// The new task set is made, and its tasks have to run.
    fn install(&mut self, context: &mut Context<'_, '_>, pace: Pace) -> Option<Cause> {
        let now = context.now();
        let Some(green) = self.green.clone() else {
            return self.create_task_set(context).err();
        };
        let service = match context.ecs.service_mut(&self.cluster, &self.service) {
            Ok(service) => service,
            Err(refusal) => return Some(Cause::RefusedByEcs { message: refusal.message }),
        };
        let growth = match pace {
            Pace::AtOnce => {
                service.run_task_set(context.around, &green);
                Growth::Steady
            }
            Pace::ByClock => service.grow_task_set(context.around, &green),
        };
        if growth == Growth::Steady {
            self.pass(context, INSTALL);
            return None;
        }
        let since = self.events[INSTALL].started_at.unwrap_or(now);
        (now.duration_since(since) >= INSTALL_TIMEOUT).then_some(Cause::NeverHealthy)
    }

    fn create_task_set(&mut self, context: &mut Context<'_, '_>) -> Result<(), Cause> {
        let settings = self.task_set_settings(context)?;
        let service = self.service_in(context)?;
        // A deployment that failed may have left one behind.
        for spare in service.spare_task_sets() {
            service.delete_task_set(&spare);
        }
        let named = (self.cluster.as_str(), self.service.as_str());
        let definition = &self.spec.task_definition;
        let made = context.ecs.create_task_set(context.around, named, definition, settings, &self.id);
        self.green = Some(made.map_err(|refusal| Cause::RefusedByEcs { message: refusal.message })?);
        self.updated_at = context.now();
        Ok(())
    }

    /// The AppSpec's settings, and the target group of the pair behind which nobody serves.
    fn task_set_settings(&self, context: &mut Context<'_, '_>) -> Result<Members, Cause> {
        let place = context.around.place;
        let service = self.service_in(context)?;
        let pair = self.settings.get("loadBalancerInfo").and_then(|it| it.pointer("/targetGroupPairInfoList/0"));
        let groups = pair.and_then(|pair| pair["targetGroups"].as_array()).into_iter().flatten();
        let serving = service.primary_task_set().and_then(|set| set.target_group());
        let mut names = groups.filter_map(|group| group["name"].as_str());
        let other = names.find(|name| Some(*name) != serving).unwrap_or_default();
        let made_up = || place.arn("elasticloadbalancing", &format!("targetgroup/{other}/{}", identity::short(other)));
        let arn = service.own_target_group(other).map_or_else(made_up, str::to_owned);
        let mut settings = self.spec.settings.clone();
        let balancer = json!([{
            "targetGroupArn": arn, "containerName": self.spec.container, "containerPort": self.spec.port,
        }]);
        settings.insert("loadBalancers".to_owned(), balancer);
        Ok(settings)
    }

    fn await_ready(&mut self, context: &mut Context<'_, '_>) {
        let minutes = self.minutes("/deploymentReadyOption/waitTimeInMinutes").unwrap_or_default();
        self.waits_until = context.now().checked_add(SignedDuration::from_mins(minutes)).ok();
        self.phase = Phase::AwaitsReady;
        self.status = "Ready";
        self.send(context, "READY");
    }

    /// Somebody let it go on: the traffic is moved.
    pub(super) fn reroute(&mut self, now: Timestamp) {
        self.waits_until = None;
        self.status = "InProgress";
        self.begin_event(now, BEFORE_ALLOW_TRAFFIC);
    }

    /// The traffic moves in steps, as the deployment configuration says. With the last one the green task set is PRIMARY.
    fn shift(&mut self, context: &mut Context<'_, '_>, pace: Pace) -> Option<Cause> {
        let now = context.now();
        if pace == Pace::ByClock && self.hears_alarm(context) {
            return Some(Cause::Alarm);
        }
        let begun = self.events[ALLOW_TRAFFIC].started_at.unwrap_or(now);
        let weight = if pace == Pace::AtOnce { 100 } else { self.config.shifted_after(now.duration_since(begun)) };
        if weight != self.weight {
            self.weight = weight;
            self.updated_at = now;
        }
        if weight == 100 {
            let green = self.green.clone().unwrap_or_default();
            match self.service_in(context) {
                Ok(service) => service.set_primary(now, &green),
                Err(cause) => return Some(cause),
            }
            self.pass(context, ALLOW_TRAFFIC);
        }
        None
    }

    /// A rollback moves the traffic back at once, since the task set that served before still runs.
    fn return_traffic(&mut self, context: &mut Context<'_, '_>) {
        let now = context.now();
        let green = self.green.clone().unwrap_or_default();
        self.weight = 100;
        self.events[ALLOW_TRAFFIC].succeed(now);
        if let Ok(service) = self.service_in(context) {
            service.set_primary(now, &green);
        }
        self.terminate(context);
    }

    fn wait_to_terminate(&mut self, context: &mut Context<'_, '_>, pace: Pace, is_over: bool) -> Option<Cause> {
        if pace == Pace::ByClock {
            if self.hears_alarm(context) {
                return Some(Cause::Alarm);
            }
            let green = self.green.clone().unwrap_or_default();
            if let Ok(service) = context.ecs.service_mut(&self.cluster, &self.service) {
                service.crash(context.around, &green);
            }
        }
        if is_over {
            self.terminate(context);
        }
        None
    }

    /// The blue task set drains.
    fn terminate(&mut self, context: &mut Context<'_, '_>) {
        let now = context.now();
        self.phase = Phase::Terminates;
        self.waits_until = None;
        self.status = "InProgress";
        self.updated_at = now;
        if let (Ok(service), Some(blue)) = (self.service_in(context), &self.blue) {
            service.drain_task_set(now, blue);
        }
    }

    fn succeed(&mut self, context: &mut Context<'_, '_>) {
        if let (Ok(service), Some(blue)) = (self.service_in(context), &self.blue) {
            service.delete_task_set(blue);
        }
        self.end(context, "Succeeded");
        self.send(context, "SUCCESS");
    }

    /// It has ended, with this status.
    pub(super) fn end(&mut self, context: &mut Context<'_, '_>, status: &'static str) {
        let now = context.now();
        self.status = status;
        self.phase = Phase::Ended;
        self.waits_until = None;
        self.stop = None;
        self.updated_at = now;
        self.completed_at = Some(now);
        if let Ok(service) = self.service_in(context) {
            service.take_over_task_definition();
        }
    }

    /// Whether alarms are watched; those of the deployment count instead of the group's.
    pub(super) fn watches_alarms(&self) -> bool {
        let own = self.settings.get("overrideAlarmConfiguration");
        own.or(self.settings.get("alarmConfiguration")).is_some_and(|alarms| alarms["enabled"] == true)
    }

    fn hears_alarm(&self, context: &mut Context<'_, '_>) -> bool {
        let service = context.ecs.service_named(&self.cluster, &self.service);
        let green = self.green.as_deref().unwrap_or_default();
        self.watches_alarms() && service.is_some_and(|service| service.sounds_alarm(context.around, green))
    }

    /// Whether the group has a listener for test traffic.
    fn has_test_traffic(&self) -> bool {
        let route = "/targetGroupPairInfoList/0/testTrafficRoute/listenerArns/0";
        self.settings.get("loadBalancerInfo").and_then(|info| info.pointer(route)).is_some()
    }

    /// Minutes that the group waits, by JSON pointer; none where it does not wait for anybody.
    fn minutes(&self, pointer: &str) -> Option<i64> {
        let options = self.settings.get("blueGreenDeploymentConfiguration")?;
        if pointer.starts_with("/deploymentReadyOption")
            && options["deploymentReadyOption"]["actionOnTimeout"] != "STOP_DEPLOYMENT"
        {
            return None;
        }
        options.pointer(pointer).and_then(Value::as_i64)
    }
}
