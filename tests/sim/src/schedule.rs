//! One schedule: what happens, in which order, by chance from a seed; then calm, and the laws at rest.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use slipway_core::model::id::{AccountId, EventId, Region};
use slipway_core::model::image::{Registry, Repository};
use slipway_engine::{Engine, Invocation, Push};

use crate::bug::Bug;
use crate::cloud::Port;
use crate::delivery::{Came, Delivery, Function, Payload, Work};
use crate::registry::{Order, Quality};
use crate::setup::{Infrastructure, REPOSITORY, Setup, home, push, tag};
use crate::simulation::{Lost, Phase, Simulation};

pub use crate::simulation::Detail;

/// So many invocations are at work at once, at most.
const AT_ONCE: usize = 4;

/// Lambda ends an invocation after so many seconds.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(300);

/// Where the functions read the configuration.
const CONFIG: &str = "ssm:/slipway/config";

/// What a schedule came to.
#[derive(Clone, Debug, Default)]
pub struct Result {
    /// The law that was broken, if one was.
    pub broken: Option<String>,
    /// What happened, a line each.
    pub trace: Vec<String>,
    /// Updates of the services.
    pub updates: u32,
    /// Rollbacks by Slipway.
    pub rollbacks: u32,
    /// Notices.
    pub notices: u32,
    /// Calls to AWS, and waits for them.
    pub calls: u64,
}

/// Runs the schedule of this seed.
pub fn run(seed: u64, bug: Option<Bug>, detail: Detail) -> Result {
    match detail {
        Detail::Trace => crate::log::keeping(|| run_one(seed, bug, detail)),
        Detail::Result => run_one(seed, bug, detail),
    }
}

fn run_one(seed: u64, bug: Option<Bug>, detail: Detail) -> Result {
    let mut chance = fastrand::Rng::with_seed(seed);
    let setup = Setup::random(&mut chance);
    let (order, alarms) = (setup.order, setup.alarms);
    let simulation = Rc::new(RefCell::new(Simulation::new(setup, chance.fork(), bug, detail)));
    let (works, idle) = (Vec::new(), Vec::new());
    let mut schedule = Schedule { simulation, chance, works, idle, order, alarms, pushes: 0, requests: 0, asleep: 0 };
    schedule.happen();
    schedule.calm();
    // What is still at work holds the simulation, too.
    schedule.works.clear();
    let mut simulation = schedule.simulation.borrow_mut();
    Result {
        broken: simulation.laws.broken.take(),
        trace: simulation.take_trace(),
        updates: simulation.laws.updates,
        rollbacks: simulation.laws.rollbacks,
        notices: simulation.laws.notices,
        calls: simulation.moves,
    }
}

/// A schedule under way.
pub(crate) struct Schedule {
    pub(crate) simulation: Rc<RefCell<Simulation>>,
    pub(crate) chance: fastrand::Rng,
    pub(crate) works: Vec<Work>,
    /// The functions' instances that wait for their next invocation.
    idle: Vec<(Function, Engine<Port>)>,
    order: Order,
    alarms: bool,
    pushes: u32,
    /// Numbers the requests of people.
    pub(crate) requests: u32,
    /// So many steps in a row found somebody asleep.
    pub(crate) asleep: usize,
}

impl Schedule {
    fn happen(&mut self) {
        self.simulation.borrow_mut().pass(SignedDuration::from_secs(1));
        for _ in 0..self.chance.u32(60..300) {
            if self.is_broken() {
                return;
            }
            match self.chance.u32(0..100) {
                0..=3 => self.push(),
                4..=18 => self.deliver(),
                19..=84 => self.steps(),
                85 => self.crash(),
                86..=91 => {
                    self.tick();
                    self.interrupt();
                }
                92..=95 => self.pass(),
                96 | 97 => match self.chance.u8(0..16) {
                    0 => self.image_turns_bad(),
                    1..=6 if self.is_managed() => self.infrastructure(),
                    _ => self.person(),
                },
                98 => self.reconcile(),
                _ => self.next_timer(),
            }
        }
    }

    fn push(&mut self) {
        let simulation = Rc::clone(&self.simulation);
        let mut simulation = simulation.borrow_mut();
        let simulation = &mut *simulation;
        // Builds end in another order than they began, sometimes.
        self.pushes += 1;
        let number = match self.order {
            Order::Version if self.chance.u8(0..4) == 0 => self.chance.u32(1..=self.pushes + 1),
            _ => self.pushes,
        };
        let tag = tag(self.order, number);
        let now = simulation.now;
        let there = simulation.images.all().len();
        // Promotion by re-tagging, or a revert whose build gives an old image again.
        let again = there > 1 && self.chance.u8(0..4) == 0;
        let digest = if again {
            let digest = simulation.images.all()[self.chance.usize(0..there)].digest.clone();
            // Where the tag points to it already, ECR refuses, and nothing happens.
            if simulation.aws.retag(REPOSITORY, digest.as_str(), tag.as_str()).is_err() {
                return;
            }
            digest
        } else {
            push(&mut simulation.aws, &tag, &self.pushes.to_string())
        };
        let quality = if again { Quality::KnownGood } else { self.behavior(simulation, &digest) };
        simulation.images.tagged(&tag, &digest, quality, now);
        let copies = match self.chance.u8(0..20) {
            0 => 0,
            1..=3 => 2,
            _ => 1,
        };
        if copies == 0 {
            simulation.lost = Lost::Something;
        }
        let quality = simulation.images.quality(&digest);
        simulation.note(format_args!("{tag} is pushed: {} ({quality:?}), {copies} events", digest.short()));
        let id = EventId::new(format!("push-{}-{}", self.pushes, digest.short()));
        let place = simulation.aws.place();
        let registry = Registry::Ecr {
            account: AccountId::new(place.account.as_str()),
            region: Region::new(place.region.as_str()),
        };
        let repository = Repository { registry, name: REPOSITORY.to_owned() };
        for _ in 0..copies {
            let (id, repository, tag) = (id.clone(), repository.clone(), tag.clone());
            simulation.invoke(Payload::Push(Push { id, repository, tag, at: now }));
        }
        // Two pushes never bear the same second here; ties have a test of their own.
        simulation.pass(SignedDuration::from_secs(1));
    }

    /// What becomes of a new image.
    fn behavior(&mut self, simulation: &mut Simulation, digest: &slipway_core::model::image::Digest) -> Quality {
        use fake_aws::Behavior;
        let behavior = match self.chance.u8(0..20) {
            0..=9 => Behavior::Works,
            10..=13 => Behavior::WorksSlowly,
            14 | 15 => Behavior::SoundsAlarm,
            _ => Behavior::Crashes,
        };
        simulation.aws.set_behavior(digest.clone(), behavior);
        match behavior {
            Behavior::Crashes => Quality::Bad,
            Behavior::SoundsAlarm if self.alarms => Quality::Bad,
            _ => Quality::KnownGood,
        }
    }

    /// Delivers one of the invocations that are ready.
    pub(crate) fn deliver(&mut self) {
        let mut simulation = self.simulation.borrow_mut();
        let now = simulation.now;
        let ready: Vec<usize> =
            (0..simulation.queue.len()).filter(|at| simulation.queue[*at].ready_at <= now).collect();
        if self.works.len() >= AT_ONCE || ready.is_empty() {
            return;
        }
        // Events overtake each other.
        let at = match simulation.phase {
            Phase::Faults => self.chance.usize(0..ready.len().min(5)),
            Phase::Calm => 0,
        };
        let delivery = simulation.queue.remove(ready[at]);
        let deadline = simulation.now + TIMEOUT;
        let (line, request, trial) = (delivery.payload.line(), delivery.request, delivery.tries + 1);
        simulation.note(format_args!("#{request} begins, try {trial}: {line}"));
        let Some((function, input)) = delivery.payload.read() else {
            simulation.laws.break_law(format!("no function can read this {line}"));
            return;
        };
        simulation.laws.begins(request);
        if matches!(&delivery.payload, Payload::Request(asked) if asked["action"] == "release") {
            simulation.laws.releasing(request);
        }
        if matches!(&delivery.payload, Payload::Request(asked) if asked["action"] == "rollback") {
            simulation.rollbacks_asked_for.insert(request);
        }
        let is_replaced = simulation.phase == Phase::Faults && self.chance.u8(0..12) == 0;
        drop(simulation);
        let kept = self.idle.iter().position(|(of, _)| *of == function).map(|at| self.idle.remove(at).1);
        let kept = kept.filter(|_| !is_replaced);
        let port = Port::new(&self.simulation);
        let invocation = Invocation { request_id: format!("req-{request}"), deadline, home: home() };
        let future = Box::pin(async move {
            let engine = match kept {
                Some(engine) => engine,
                None => {
                    port.works_on(request);
                    Engine::start(port, CONFIG).await.expect("the setting is right")
                }
            };
            engine.cloud().works_on(request);
            let came = engine.handle(&invocation, input).await;
            (engine, came)
        });
        self.works.push(Work { delivery, function, deadline, future });
    }

    /// One of those at work goes on for a few calls.
    fn steps(&mut self) {
        for _ in 0..self.chance.u8(1..6) {
            self.step();
        }
        // Whoever sleeps would sleep for ever if time stood still.
        if self.asleep > 0 && self.chance.bool() {
            self.wake_up();
        }
    }

    /// One of those at work makes its next call.
    pub(crate) fn step(&mut self) {
        if self.works.is_empty() {
            return;
        }
        let at = self.chance.usize(0..self.works.len());
        if self.works[at].deadline <= self.simulation.borrow().now {
            return self.end(at, None, "is out of time");
        }
        let moves = self.simulation.borrow().moves;
        let mut context = Context::from_waker(Waker::noop());
        let polled = self.works[at].future.as_mut().poll(&mut context);
        self.asleep = if self.simulation.borrow().moves == moves { self.asleep + 1 } else { 0 };
        if let Poll::Ready(came) = polled {
            self.asleep = 0;
            self.end(at, Some(came), "is done");
        }
    }

    /// Time passes until the first sleeper wakes up.
    pub(crate) fn wake_up(&mut self) {
        let mut simulation = self.simulation.borrow_mut();
        if let Some(at) = simulation.wakes_at.take() {
            simulation.pass_until(at);
        }
        self.asleep = 0;
    }

    fn crash(&mut self) {
        if !self.works.is_empty() {
            let at = self.chance.usize(0..self.works.len());
            self.end(at, None, "dies");
        }
    }

    /// Lambda tries what nobody waits for three times, with the same request id.
    fn end(&mut self, at: usize, came: Option<Came>, how: &str) {
        let Work { delivery, function, future, .. } = self.works.swap_remove(at);
        drop(future);
        let mut simulation = self.simulation.borrow_mut();
        let request = delivery.request;
        let is_done = match came {
            Some((engine, came)) => {
                self.idle.push((function, engine));
                match &came {
                    Ok(answer) => simulation.note(format_args!("#{request} {how}: {answer}")),
                    Err(error) => simulation.note(format_args!("#{request} fails: {error}")),
                }
                came.is_ok()
            }
            None => {
                simulation.note(format_args!("#{request} {how}"));
                false
            }
        };
        if is_done {
            return;
        }
        let tries = delivery.tries + 1;
        if tries < delivery.payload.tries() {
            let ready_at = simulation.now + SignedDuration::from_secs(60 * i64::from(tries));
            simulation.queue.push(Delivery { tries, ready_at, ..delivery });
        } else {
            simulation.lost = Lost::Something;
        }
    }

    pub(crate) fn tick(&mut self) {
        let mut simulation = self.simulation.borrow_mut();
        simulation.aws.tick();
        simulation.enqueue_new_events();
    }

    fn pass(&mut self) {
        let seconds = self.chance.i64(1..90);
        self.simulation.borrow_mut().pass(SignedDuration::from_secs(seconds));
    }

    fn next_timer(&mut self) {
        let mut simulation = self.simulation.borrow_mut();
        if let Some(at) = simulation.timers.next() {
            simulation.pass_until(at + SignedDuration::from_secs(1));
        }
    }

    /// The reconcile, which comes every fifteen minutes by itself.
    pub(crate) fn reconcile(&mut self) {
        self.simulation.borrow_mut().invoke(Payload::Reconcile);
    }

    fn is_managed(&self) -> bool {
        self.simulation.borrow().infrastructure == Infrastructure::Managed
    }

    /// An infrastructure tool updates a service that is rolled back just now, sometimes.
    fn interrupt(&mut self) {
        let mut simulation = self.simulation.borrow_mut();
        for service in simulation.services.clone() {
            if simulation.is_rolled_back(&service) && simulation.comes_first() {
                simulation.infrastructure_updates(&service);
            }
        }
    }

    /// An infrastructure tool updates one of the services.
    fn infrastructure(&mut self) {
        let mut simulation = self.simulation.borrow_mut();
        let service = simulation.services[self.chance.usize(0..simulation.services.len())].clone();
        simulation.infrastructure_updates(&service);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.simulation.borrow().laws.broken.is_some()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.simulation.borrow().now
    }
}
