//! Everything that the engine can reach in a schedule: the account, the table, the timers, the topic, the time.
//!
//! Time passes only here. Whatever happens is a line of the trace, and shown to the laws.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fake_aws::Aws;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use slipway_core::model::facts::{DeploymentFacts, Pause, Rollout, ServiceFacts};
use slipway_core::model::id::{ClusterName, DeploymentId, ServiceName, TargetName};
use slipway_core::model::record::Deployment;
use slipway_engine::cloud::Versioned;

use crate::bug::Bug;
use crate::code_deploy;
use crate::delivery::{Delivery, Payload};
use crate::events;
use crate::laws::Laws;
use crate::registry::Images;
use crate::setup::{History, Infrastructure, Setup, TargetService};
use crate::table::{Table, Timers};

/// The simulation of one schedule.
#[derive(Debug)]
pub(crate) struct Simulation {
    /// The time, which only the schedule and the calls move.
    pub(crate) now: Timestamp,
    /// ECS, ECR and the logs.
    pub(crate) aws: Aws,
    /// The images that were pushed.
    pub(crate) images: Images,
    /// DynamoDB.
    pub(crate) table: Table,
    /// EventBridge Scheduler.
    pub(crate) timers: Timers,
    /// The ids of the notices that were published.
    pub(crate) topic: BTreeSet<String>,
    /// What waits to be delivered, the oldest first.
    pub(crate) queue: Vec<Delivery>,
    /// What must hold.
    pub(crate) laws: Laws,
    /// The services.
    pub(crate) services: Vec<TargetService>,
    /// The configuration document.
    pub(crate) document: String,
    /// What Slipway gets to see of ECS's history.
    pub(crate) history: History,
    /// Whether an infrastructure tool updates the services.
    pub(crate) infrastructure: Infrastructure,
    /// The invocations by which a person asks for a rollback.
    pub(crate) rollbacks_asked_for: BTreeSet<u64>,
    /// The deployments of CodeDeploy that Slipway asked to stop.
    pub(crate) stops_asked_for: BTreeSet<DeploymentId>,
    /// Which bug is planted.
    pub(crate) bug: Option<Bug>,
    /// What a lagging list still shows, and since when.
    pub(crate) stale: BTreeMap<TargetName, (Timestamp, ServiceFacts)>,
    /// Chance, from the seed.
    pub(crate) chance: fastrand::Rng,
    /// Whether calls may fail; not any more once the inputs have stopped.
    pub(crate) phase: Phase,
    /// Whether anything was lost that only the reconcile finds.
    pub(crate) lost: Lost,
    /// Counts what the engine does, to know whether it only sleeps.
    pub(crate) moves: u64,
    /// When the first of those wakes up that were found asleep.
    pub(crate) wakes_at: Option<Timestamp>,
    trace: Vec<String>,
    detail: Detail,
    requests: u64,
}

/// Whether calls may fail, and events may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// They may.
    Faults,
    /// They don't: every call succeeds.
    Calm,
}

/// Whether an event or an invocation was lost for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// None was.
    Nothing,
    /// One was.
    Something,
}

/// Whether a schedule is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Every line.
    Trace,
    /// Only what came of it.
    Result,
}

impl Simulation {
    /// A simulation in which nothing has happened yet.
    pub(crate) fn new(setup: Setup, chance: fastrand::Rng, bug: Option<Bug>, detail: Detail) -> Self {
        let laws = Laws::new(&setup.services, setup.document.contains("containers:"));
        let mut simulation = Self {
            now: setup.began,
            aws: setup.aws,
            images: setup.images,
            table: Table::default(),
            timers: Timers::default(),
            topic: BTreeSet::new(),
            queue: Vec::new(),
            laws,
            services: setup.services,
            document: setup.document,
            history: setup.history,
            infrastructure: setup.infrastructure,
            rollbacks_asked_for: BTreeSet::new(),
            stops_asked_for: BTreeSet::new(),
            bug,
            stale: BTreeMap::new(),
            chance,
            phase: Phase::Faults,
            lost: Lost::Nothing,
            moves: 0,
            wakes_at: None,
            trace: Vec::new(),
            detail,
            requests: 0,
        };
        simulation.note(format_args!("{}", setup.summary));
        simulation
    }

    /// Notes what happens.
    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        if self.detail == Detail::Trace {
            let at = self.now.strftime("%H:%M:%S%.3f");
            self.trace.extend(crate::log::take().into_iter().map(|line| format!("{at}     {line}")));
            self.trace.push(format!("{at} {line}"));
        }
    }

    /// The lines so far.
    pub(crate) fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }

    /// Lets time pass; what is due meanwhile is delivered.
    pub(crate) fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap_or(self.now);
        self.aws.set_time(self.now);
        self.fire();
    }

    /// Lets time pass until then.
    pub(crate) fn pass_until(&mut self, then: Timestamp) {
        self.pass(then.duration_since(self.now).max(SignedDuration::ZERO));
    }

    fn fire(&mut self) {
        let gone = self.now + SignedDuration::from_secs(self.chance.i64(0..60));
        for fired in self.timers.due(self.now, gone) {
            let copies = match (self.phase, self.chance.u8(0..40)) {
                (Phase::Faults, 0) => {
                    self.lost = Lost::Something;
                    0
                }
                (Phase::Faults, 1 | 2) => 2,
                _ => 1,
            };
            self.note(format_args!("timer {} fires, {copies} times", fired.name));
            for _ in 0..copies {
                // Scheduler is exact to the minute.
                let late = match self.phase {
                    Phase::Faults => SignedDuration::from_secs(self.chance.i64(0..60)),
                    Phase::Calm => SignedDuration::ZERO,
                };
                self.enqueue(Payload::Timer(fired.payload.clone()), late);
            }
        }
    }

    /// A new invocation waits to be delivered.
    pub(crate) fn invoke(&mut self, payload: Payload) {
        self.enqueue(payload, SignedDuration::ZERO);
    }

    fn enqueue(&mut self, payload: Payload, late: SignedDuration) {
        self.requests += 1;
        let ready_at = self.now + late;
        let at_once = matches!(&payload, Payload::Request(_) | Payload::Reconcile);
        let delivery = Delivery { payload, request: self.requests, tries: 0, ready_at };
        // Whoever invokes the function waits for the answer; events wait in line.
        match at_once {
            true => self.queue.insert(0, delivery),
            false => self.queue.push(delivery),
        }
    }

    /// What the fake's events become: some are lost, some come twice, all may be late.
    pub(crate) fn enqueue_events(&mut self, events: Vec<Value>) {
        for event in events {
            let Some(event) = events::of_aws(&event, &self.aws) else { continue };
            let copies = match (self.phase, self.chance.u8(0..20)) {
                (Phase::Faults, 0) => {
                    self.lost = Lost::Something;
                    0
                }
                (Phase::Faults, 1..=3) => 2,
                _ => 1,
            };
            self.note(format_args!("AWS sends, {copies} times: {}", events::line(&event)));
            for _ in 0..copies {
                let late = match (self.phase, self.chance.u8(0..8)) {
                    (Phase::Faults, 0) => SignedDuration::from_secs(self.chance.i64(0..90)),
                    _ => SignedDuration::ZERO,
                };
                self.enqueue(Payload::Event(Box::new(event.clone())), late);
            }
        }
    }

    /// The events of the calls that were made.
    pub(crate) fn enqueue_new_events(&mut self) {
        let events = self.aws.take_events();
        self.enqueue_events(events);
    }

    /// A service as it really is.
    pub(crate) fn service(&self, service: &TargetService) -> Option<ServiceFacts> {
        service_of(&self.aws, &service.cluster, &service.name)
    }

    /// The service that a target means.
    pub(crate) fn target_service(&self, target: &TargetName) -> Option<&TargetService> {
        self.services.iter().find(|it| it.target == *target)
    }

    /// Whether the service's deployment waits for a person.
    pub(crate) fn is_paused(&self, service: &TargetService) -> bool {
        if code_deploy::is_ready(&self.aws, &service.name) {
            return true;
        }
        let current = self.service(service).and_then(|it| it.current_service_deployment);
        let whole = current.and_then(|arn| self.aws.describe_service_deployment(&arn));
        whole.is_some_and(|it| matches!(it.pause, Pause::Hook(_)))
    }

    /// Whether a service's newest deployment is under way.
    pub(crate) fn is_under_way(&self, service: &TargetService) -> bool {
        let facts = self.service(service);
        facts.as_ref().and_then(primary).is_some_and(is_under_way)
    }

    /// Whether ECS or Slipway rolls a service back.
    pub(crate) fn is_rolled_back(&self, service: &TargetService) -> bool {
        let by_slipway = |it: &Deployment| it.is_open() && it.rollback().is_some();
        let record = self.table.record(&service.target);
        let facts = self.service(service);
        let by_ecs = facts.as_ref().and_then(primary).is_some_and(|it| it.is_rollback());
        self.is_under_way(service) && (by_ecs || record.is_some_and(|record| record.deployments.iter().any(by_slipway)))
    }

    /// A record as `GetItem` answers it, which a bug may change.
    pub(crate) fn read_record(&self, target: &TargetName) -> Versioned {
        let mut item = self.table.read(target);
        match self.bug {
            Some(Bug::NoLease) => item.record.lease = None,
            Some(Bug::NoQuarantine) => item.record.quarantine.clear(),
            Some(Bug::NoHold) => item.record.hold = None,
            Some(Bug::NoDecision) => item.record.decision = None,
            _ => {}
        }
        item
    }
}

/// A service as it really is, what CodeDeploy deploys in ECS's words.
pub(crate) fn service_of(aws: &Aws, cluster: &ClusterName, name: &ServiceName) -> Option<ServiceFacts> {
    let service = aws.describe_services(cluster, &[name]).ok()?.pop().flatten()?;
    Some(code_deploy::shown(aws, service))
}

/// Whether a deployment is under way, also where ECS called it completed before all its tasks run.
pub(crate) fn is_under_way(deployment: &DeploymentFacts) -> bool {
    matches!(deployment.rollout, Some(Rollout::InProgress | Rollout::CompletedEarly))
}

/// The deployment that ECS is bringing about or has brought about.
pub(crate) fn primary(service: &ServiceFacts) -> Option<&DeploymentFacts> {
    service.deployments.iter().find(|it| it.status == "PRIMARY")
}
