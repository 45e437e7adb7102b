//! The end of a schedule: inputs stop, calls succeed, and within bounded time everything has to come to rest.

use jiff::SignedDuration;
use serde_json::json;
use slipway_core::model::facts::{Rollout, ServiceDeploymentStatus};
use slipway_core::model::provenance::Provenance;
use slipway_core::model::record::Outcome;

use crate::code_deploy;
use crate::delivery::Payload;
use crate::laws::View;
use crate::schedule::Schedule;
use crate::setup::{History, TargetService};
use crate::simulation::{Lost, Phase, primary};

/// Deployments end within ten minutes or are rolled back, and a rollback may be followed by another try. Where nobody rolls
/// back, CodeDeploy gives each up after an hour.
const ROUNDS: u32 = 240;

/// So long a round takes.
const ROUND: SignedDuration = SignedDuration::from_secs(7 * 60 + 31);

impl Schedule {
    /// Nothing fails any more; whatever is still to come comes, and the reconcile runs as it does every quarter of an hour.
    pub(crate) fn calm(&mut self) {
        {
            let mut simulation = self.simulation.borrow_mut();
            simulation.phase = Phase::Calm;
            simulation.note(format_args!("inputs stop, and calls succeed"));
        }
        // Who was asked to hold a service before holds it until somebody lets go.
        self.settle();
        {
            let mut simulation = self.simulation.borrow_mut();
            for service in simulation.services.clone() {
                let target = service.target.as_str();
                simulation.invoke(Payload::Request(json!({ "action": "release", "target": target })));
            }
        }
        let (mut quiet, mut at_rest, mut was_moving) = (0, false, true);
        for round in 0..ROUNDS {
            let (before, stages) = (self.came_to(), self.stages());
            // Only what was lost, or what ECS or others did after an end, needs the reconcile.
            let needed = self.simulation.borrow().lost == Lost::Something
                || self.simulation.borrow().laws.has_new_definition()
                || self.ecs_rolled_back_late()
                || self.ecs_rolled_back_what_nobody_recorded()
                || self.may_complete_without_an_event()
                || self.no_rollback_comes()
                || self.went_on_after_a_failed_rollback();
            if round % 2 == 1 && needed {
                self.reconcile();
            }
            self.settle();
            if self.is_broken() {
                return;
            }
            // What ECS does at last, the reconcile may have to act on.
            let is_moving = self.simulation.borrow().aws.is_moving();
            let nothing_came = self.came_to() == before && self.stages() == stages && is_moving == was_moving;
            let is_quiet = nothing_came && self.is_quiet();
            quiet = if is_quiet { quiet + 1 } else { 0 };
            was_moving = is_moving;
            // What ECS tries for ever, because nothing watches it, is waited for a while.
            let long = if is_moving { 12 } else { 3 };
            if quiet >= long {
                at_rest = true;
                break;
            }
            self.simulation.borrow_mut().pass(ROUND);
        }
        self.at_rest();
        if !self.is_broken() && at_rest {
            self.stays_at_rest();
        } else if !self.is_broken() && !self.is_stuck() {
            self.simulation.borrow_mut().laws.break_law("it never comes to rest".to_owned());
        }
    }

    /// What Slipway has done so far, as people and ECS see it.
    fn came_to(&self) -> (u32, u32, u32) {
        let simulation = self.simulation.borrow();
        (simulation.laws.updates, simulation.laws.rollbacks, simulation.laws.notices)
    }

    /// The stages of what ECS deploys. It may go on slowly with what was given up, and complete after all.
    fn stages(&self) -> Vec<Option<String>> {
        let simulation = self.simulation.borrow();
        let stage = |service: &TargetService| {
            if let Some(stage) = code_deploy::stage(&simulation.aws, &service.name) {
                return Some(stage);
            }
            let current = simulation.service(service)?.current_service_deployment?;
            simulation.aws.describe_service_deployment(&current)?.stage
        };
        simulation.services.iter().map(stage).collect()
    }

    /// Whether nothing is under way, and no timer is armed.
    fn is_quiet(&self) -> bool {
        let simulation = self.simulation.borrow();
        let open = |target| simulation.table.record(target).is_some_and(|record| record.open().is_some());
        simulation.timers.next().is_none() && simulation.services.iter().all(|it| !open(&it.target))
    }

    /// Whether ECS itself went back from a deployment that was on record as failed by then, and that nobody was to undo, or
    /// from somebody else's: whether that was of an image of Slipway's, which is to be tried once more, only the reconcile asks.
    fn ecs_rolled_back_late(&self) -> bool {
        let simulation = self.simulation.borrow();
        simulation.services.iter().any(|service| {
            let last = simulation.table.record(&service.target).and_then(|record| record.deployments.first());
            let given_up = last.filter(|it| match it.outcome() {
                Some(Outcome::Failed | Outcome::TimedOut) => true,
                Some(_) => it.is_external(),
                None => false,
            });
            let facts = simulation.service(service);
            let primary = facts.as_ref().and_then(primary).map(|it| &it.id);
            given_up.is_some_and(|it| it.id() != primary)
        })
    }

    /// Whether ECS or CodeDeploy went back from somebody else's deployment that is not on record, because it had begun when Slipway adopted the
    /// service: nobody paid attention to its end.
    fn ecs_rolled_back_what_nobody_recorded(&self) -> bool {
        let simulation = self.simulation.borrow();
        simulation.services.iter().any(|service| {
            let history = simulation.aws.list_service_deployments(&service.cluster, &service.name).unwrap_or_default();
            let newest = history.first().filter(|it| it.status == ServiceDeploymentStatus::RollbackSuccessful);
            let id = newest.and_then(|it| Some(it.key()?.id()));
            let id = id.or_else(|| code_deploy::failed(&simulation.aws, &service.name));
            id.is_some_and(|id| simulation.table.record(&service.target).is_none_or(|it| it.of_id(&id).is_none()))
        })
    }

    /// Whether something that was given up, or that somebody else deployed, may still get all its tasks after an early success, of
    /// which ECS sends no event.
    fn may_complete_without_an_event(&self) -> bool {
        let simulation = self.simulation.borrow();
        simulation.services.iter().any(|service| {
            let last = simulation.table.record(&service.target).and_then(|record| record.deployments.first());
            let given_up = last.is_some_and(|it| match it.outcome() {
                Some(outcome) => matches!(outcome, Outcome::Failed | Outcome::TimedOut),
                None => it.is_external(),
            });
            given_up && simulation.service(service).is_some_and(|facts| facts.completes_early)
        })
    }

    /// Whether somebody else's deployment failed, and ECS found nothing to go back to, which only its history says. What the
    /// deployment superseded may have been a rollback, and still looks like the one that is awaited; what others did has no deadline.
    fn no_rollback_comes(&self) -> bool {
        let simulation = self.simulation.borrow();
        simulation.history == History::Denied
            && simulation.services.iter().any(|service| {
                let facts = simulation.service(service);
                let failed = facts.as_ref().and_then(primary).filter(|it| it.rollout == Some(Rollout::Failed));
                let recorded = failed.and_then(|it| simulation.table.record(&service.target)?.of_id(&it.id));
                recorded.is_some_and(|it| it.is_external() && it.is_open())
            })
    }

    /// Whether something was deployed after a rollback failed: that ends the wait for a person, and what was kept out until then
    /// waits no more.
    fn went_on_after_a_failed_rollback(&self) -> bool {
        let simulation = self.simulation.borrow();
        simulation.services.iter().any(|service| {
            let deployments = simulation.table.record(&service.target).map(|record| record.deployments.as_slice());
            let [last, before, ..] = deployments.unwrap_or_default() else { return false };
            !last.is_intent() && before.outcome() == Some(Outcome::RollbackFailed)
        })
    }

    /// Whether ECS tries somebody else's deployment for ever.
    fn is_stuck(&self) -> bool {
        let simulation = self.simulation.borrow();
        simulation.services.iter().any(|service| {
            let facts = simulation.service(service);
            let record = simulation.table.record(&service.target);
            let of_primary = facts.as_ref().and_then(primary).and_then(|it| record?.of_id(&it.id));
            simulation.is_under_way(service) && of_primary.is_none_or(|it| it.is_external())
        })
    }

    fn at_rest(&mut self) {
        let mut simulation = self.simulation.borrow_mut();
        let simulation = &mut *simulation;
        for service in simulation.services.clone() {
            let Some(facts) = simulation.service(&service) else { continue };
            let running = primary(&facts).and_then(|it| simulation.digest_of(&service.target, &it.id));
            let revision = simulation.aws.describe_task_definition(facts.task_definition.as_str());
            let names_a_digest = revision.is_ok_and(|it| Provenance::of(&it).is_some());
            if simulation.history == History::Denied && !names_a_digest {
                simulation.laws.nobody_knows_what_runs(&service.target);
            }
            let view = View { now: simulation.now, images: &simulation.images, table: &simulation.table };
            simulation.laws.at_rest(&service.target, &facts, running.as_ref(), simulation.lost, &view);
        }
    }

    /// The reconcile finds nothing to do, an hour later as well.
    fn stays_at_rest(&mut self) {
        let before = self.came_to();
        for _ in 0..2 {
            self.reconcile();
            self.settle();
            self.simulation.borrow_mut().pass(ROUND * 4);
        }
        self.settle();
        if self.came_to() != before {
            let broken = "it had come to rest, and then something happened".to_owned();
            self.simulation.borrow_mut().laws.break_law(broken);
        }
    }

    /// Delivers and works until nothing is ready and ECS has nothing under way.
    fn settle(&mut self) {
        for _ in 0..20_000 {
            if self.is_broken() {
                return;
            }
            if !self.works.is_empty() {
                self.step();
                if self.asleep > 2 * self.works.len() {
                    self.wake_up();
                }
                if self.works.len() > 1 || self.chance.bool() {
                    continue;
                }
            }
            let next = self.simulation.borrow().queue.iter().map(|it| it.ready_at).min();
            match next {
                Some(at) if at <= self.now() => self.deliver(),
                Some(at) if self.works.is_empty() => self.simulation.borrow_mut().pass_until(at),
                None if self.works.is_empty() && !self.moves_on() => return,
                _ => {}
            }
        }
        self.simulation.borrow_mut().laws.break_law("it never stops working".to_owned());
    }

    /// ECS goes on with what is under way; whether there was any.
    fn moves_on(&mut self) -> bool {
        let is_moving = self.simulation.borrow().aws.is_moving() && self.chance.u8(0..8) > 0;
        if is_moving {
            self.tick();
            self.simulation.borrow_mut().pass(SignedDuration::from_secs(20));
        }
        is_moving
    }
}
