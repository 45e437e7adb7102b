//! Everything the storm's functions can reach: the registry, ECS, the ledger, the time, and what was told.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use jiff::{Timestamp, ToSpan};
use slipway_core::config::Target;

use crate::bug::Bug;
use crate::ecs::{Ecs, Told};
use crate::invocation::{Invocation, Payload};
use crate::laws::Laws;
use crate::registry::Registry;
use crate::store::Store;

/// The world of one schedule.
#[derive(Debug)]
pub(crate) struct World {
    /// The time, which only the schedule moves.
    pub(crate) now: Timestamp,
    /// ECR.
    pub(crate) registry: Registry,
    /// ECS.
    pub(crate) ecs: Ecs,
    /// DynamoDB and Scheduler.
    pub(crate) store: Store,
    /// What waits to be delivered, the oldest first.
    pub(crate) queue: Vec<Invocation>,
    /// What must hold.
    pub(crate) laws: Laws,
    /// The one target.
    pub(crate) target: Target,
    /// Which decision is broken on purpose.
    pub(crate) bug: Option<Bug>,
    /// The schedule so far, a line for each thing that happened.
    pub(crate) trace: Vec<String>,
    /// Whether it is written down.
    pub(crate) telling: Telling,
    /// Chance, from the seed.
    pub(crate) chance: fastrand::Rng,
    /// Whether calls may fail; not any more once the storm is over.
    pub(crate) weather: Weather,
    /// Whether anything was lost that only the reconcile finds.
    pub(crate) lost: Lost,
    requests: u64,
}

/// Whether an event or an invocation was lost for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// None was.
    Nothing,
    /// One was.
    Something,
}

/// Whether a schedule is written down; only one that is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Every line.
    Everything,
    /// Nothing.
    Nothing,
}

/// Whether calls may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// They may.
    Storm,
    /// They don't.
    Calm,
}

/// A call to AWS that did not come back well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault;

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(scene: crate::scene::Scene, chance: fastrand::Rng, bug: Option<Bug>, telling: Telling) -> Self {
        Self {
            now: scene.began,
            laws: Laws::new(&scene),
            registry: scene.registry,
            ecs: scene.ecs,
            store: Store::default(),
            queue: Vec::new(),
            target: scene.target,
            bug,
            trace: Vec::new(),
            telling,
            chance,
            weather: Weather::Storm,
            lost: Lost::Nothing,
            requests: 0,
        }
    }

    /// Notes what happens.
    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        if self.telling == Telling::Everything {
            let at = self.now.strftime("%H:%M:%S");
            self.trace.push(format!("{at} {line}"));
        }
    }

    /// Lets time pass; what rings meanwhile is delivered.
    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self.now.saturating_add(seconds.seconds()).unwrap_or(self.now);
        for ring in self.store.due(self.now) {
            self.note(format_args!("{} rings", ring.name));
            self.invoke(Payload::Ring(ring.payload));
        }
    }

    /// A new invocation waits to be delivered.
    pub(crate) fn invoke(&mut self, payload: Payload) {
        self.requests += 1;
        let request = self.requests;
        self.queue.push(Invocation { payload, request, tries: 0 });
    }

    /// What ECS tells becomes events. In a storm some are lost, some come twice.
    pub(crate) fn hear(&mut self, told: Vec<Told>) {
        for told in told {
            let (copies, what) = match (self.weather, self.chance.u8(0..20)) {
                (Weather::Storm, 0) => {
                    self.lost = Lost::Something;
                    (0, "lost")
                }
                (Weather::Storm, 1..=3) => (2, "twice"),
                _ => (1, "once"),
            };
            self.note(format_args!("ECS tells {}, {what}", line(&told)));
            for _ in 0..copies {
                self.invoke(Payload::Ecs(told.clone()));
            }
        }
    }
}

/// How a function reaches the world: one call at a time, any of which may fail, and after any of which it may die.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    world: Rc<RefCell<World>>,
    /// Lambda's request id.
    pub(crate) request: u64,
    /// When Lambda ends the invocation.
    pub(crate) deadline: Timestamp,
}

impl Hand {
    /// A hand for one invocation.
    pub(crate) fn new(world: &Rc<RefCell<World>>, request: u64, deadline: Timestamp) -> Self {
        Self { world: Rc::clone(world), request, deadline }
    }

    /// One call to AWS. The error may come before or after it took effect, as with the real ones.
    pub(crate) async fn call<T>(&self, name: &str, call: impl FnOnce(&mut World) -> T) -> Result<T, Fault> {
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        let mut world = self.world.borrow_mut();
        let fault = match world.weather {
            Weather::Storm => world.chance.u8(0..60),
            Weather::Calm => u8::MAX,
        };
        if fault == 0 {
            world.note(format_args!("#{} {name} fails", self.request));
            return Err(Fault);
        }
        let answer = call(&mut world);
        if fault == 1 {
            world.note(format_args!("#{} {name} takes effect without an answer", self.request));
            return Err(Fault);
        }
        world.note(format_args!("#{} {name}", self.request));
        Ok(answer)
    }

    /// What the function knows without asking: the time, its settings.
    pub(crate) fn know<T>(&self, know: impl FnOnce(&World) -> T) -> T {
        know(&self.world.borrow())
    }

    /// What the laws have to know, and no call tells.
    pub(crate) fn judge(&self, judge: impl FnOnce(&mut Laws)) {
        judge(&mut self.world.borrow_mut().laws);
    }

    /// Writes a line of the trace.
    pub(crate) fn note(&self, line: fmt::Arguments<'_>) {
        self.world.borrow_mut().note(format_args!("#{} {line}", self.request));
    }
}

fn line(told: &Told) -> String {
    match told {
        Told::Change(event) => format!("{:?} of {}", event.change, event.deployment),
        Told::TaskStopped(deployment, _) => format!("a task of {deployment} stopped"),
    }
}
