//! One schedule: what happens, in which order, by chance from a seed; then calm, and the laws at rest.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use jiff::ToSpan;
use slipway_core::facts::{ImageName, Rollout};
use slipway_core::id::EventId;

use crate::bug::Bug;
use crate::invocation::{Again, Ask, Invocation, Payload, Work};
use crate::laws::By;
use crate::registry::Fate;
use crate::scene::{Order, Scene, tag};
use crate::world::{Hand, Lost, Weather, World};

pub use crate::world::Telling;
use crate::{deployer, tracker};

/// So many invocations are at work at once, at most.
const AT_ONCE: usize = 4;

/// Lambda ends an invocation after so many seconds.
const TIMEOUT: i64 = 300;

/// What a schedule came to.
#[derive(Clone, Debug, Default)]
pub struct Came {
    /// The law that was broken, if one was.
    pub broken: Option<String>,
    /// What happened, a line each.
    pub trace: Vec<String>,
    /// Updates of the service.
    pub updates: u32,
    /// Rollbacks by Slipway.
    pub rollbacks: u32,
}

/// Runs the schedule of this seed.
pub fn run(seed: u64, bug: Option<Bug>, telling: Telling) -> Came {
    let mut chance = fastrand::Rng::with_seed(seed);
    let scene = Scene::by_chance(&mut chance);
    let order = scene.order;
    let world = Rc::new(RefCell::new(World::new(scene, chance.fork(), bug, telling)));
    let mut storm = Storm { world, chance, works: Vec::new(), order, pushes: 0 };
    storm.blow();
    storm.calm();
    let world = storm.world.borrow();
    Came {
        broken: world.laws.broken.clone(),
        trace: world.trace.clone(),
        updates: world.laws.updates,
        rollbacks: world.laws.rollbacks.values().sum(),
    }
}

struct Storm {
    world: Rc<RefCell<World>>,
    chance: fastrand::Rng,
    works: Vec<Work>,
    order: Order,
    pushes: u32,
}

impl Storm {
    fn blow(&mut self) {
        self.world.borrow_mut().pass(1);
        for _ in 0..self.chance.u32(60..240) {
            if self.is_broken() {
                return;
            }
            match self.chance.u32(0..100) {
                0..=5 => self.push(),
                6..=20 => self.deliver(),
                21..=84 => self.step(),
                85 => self.crash(),
                86..=92 => self.tick(),
                93..=96 => self.pass(),
                97 => match self.chance.u8(0..8) {
                    0 => self.rot(),
                    _ => self.person(),
                },
                98 => self.world.borrow_mut().invoke(Payload::Reconcile),
                _ => self.next_ring(),
            }
        }
    }

    /// Nothing fails any more; whatever is still to come comes, and the reconcile runs as it does every quarter of an hour.
    fn calm(&mut self) {
        /// Deployments end within ten minutes or are rolled back, and a rollback may be followed by another try.
        const ROUNDS: u32 = 40;
        {
            let mut world = self.world.borrow_mut();
            world.weather = Weather::Calm;
            world.note(format_args!("the storm is over"));
            world.invoke(Payload::Ask(Ask::Release));
        }
        let mut quiet = 0;
        for round in 0..ROUNDS {
            let before = self.world.borrow().laws.updates;
            // Only what was lost needs the reconcile.
            if round % 2 == 1 && self.world.borrow().lost == Lost::Something {
                self.world.borrow_mut().invoke(Payload::Reconcile);
            }
            self.settle();
            if self.is_broken() {
                return;
            }
            let mut world = self.world.borrow_mut();
            let still =
                world.laws.updates == before && world.store.next().is_none() && world.store.record().open().is_none();
            quiet = if still && world.ecs.primary().rollout != Some(Rollout::InProgress) { quiet + 1 } else { 0 };
            if quiet >= 3 {
                break;
            }
            world.pass(7 * 60 + 31);
        }
        let mut world = self.world.borrow_mut();
        let world = &mut *world;
        world.laws.at_rest(&world.ecs, &world.registry, world.store.record());
    }

    /// Delivers and works until nothing waits and ECS has nothing under way.
    fn settle(&mut self) {
        for _ in 0..5_000 {
            if self.is_broken() {
                return;
            }
            if !self.works.is_empty() {
                self.step();
            } else if !self.world.borrow().queue.is_empty() {
                self.deliver();
            } else if self.world.borrow().ecs.primary().rollout == Some(Rollout::InProgress) && self.chance.u8(0..4) > 0
            {
                self.tick();
                self.world.borrow_mut().pass(20);
            } else {
                return;
            }
        }
        self.world.borrow_mut().laws.broken.get_or_insert("it never comes to rest".to_owned());
    }

    fn push(&mut self) {
        let mut world = self.world.borrow_mut();
        // Builds end in another order than they began, sometimes.
        self.pushes += 1;
        let number = match self.order {
            Order::Version if self.chance.u8(0..4) == 0 => self.chance.u32(1..=self.pushes + 1),
            _ => self.pushes,
        };
        let tag = tag(self.order, number);
        let fate = if self.chance.u8(0..10) < 7 { Fate::Good } else { Fate::Bad };
        let now = world.now;
        let old = world.registry.images().len();
        // Promotion by re-tagging.
        let again = self.order == Order::OneTag && old > 1 && self.chance.u8(0..4) == 0;
        let digest = if again {
            let digest = world.registry.images()[self.chance.usize(0..old)].facts.digest.clone();
            world.registry.tag(&tag, &digest);
            digest
        } else {
            world.registry.push(&tag, fate, now)
        };
        world.laws.pushed(&digest, now);
        let copies = match self.chance.u8(0..20) {
            0 => 0,
            1..=3 => 2,
            _ => 1,
        };
        if copies == 0 {
            world.lost = Lost::Something;
        }
        let fate = world.registry.fate(&digest);
        world.note(format_args!("{tag} is pushed: {} ({fate:?}), its event comes {copies} times", digest.short()));
        let event = EventId::new(format!("push-{}-{}", self.pushes, digest.short()));
        for _ in 0..copies {
            world.invoke(Payload::Push { event: event.clone(), tag: tag.clone(), at: now });
        }
        // Two pushes never bear the same second here; ties have a test of their own.
        world.pass(1);
    }

    fn deliver(&mut self) {
        let mut world = self.world.borrow_mut();
        if self.works.len() >= AT_ONCE || world.queue.is_empty() {
            return;
        }
        // In a storm events overtake each other.
        let at = match world.weather {
            Weather::Storm => self.chance.usize(0..world.queue.len().min(5)),
            Weather::Calm => 0,
        };
        let invocation = world.queue.remove(at);
        let deadline = world.now.saturating_add(TIMEOUT.seconds()).unwrap_or(world.now);
        world.note(format_args!(
            "#{} begins, try {}: {:?}",
            invocation.request,
            invocation.tries + 1,
            invocation.payload
        ));
        drop(world);
        let hand = Hand::new(&self.world, invocation.request, deadline);
        let payload = invocation.payload.clone();
        let future: std::pin::Pin<Box<dyn Future<Output = Result<(), Again>>>> = match payload {
            Payload::Ecs(told) => Box::pin(tracker::hear(hand, told)),
            Payload::Ring(ring) if ring["slipway"] == "deadline" => Box::pin(tracker::ring(hand, ring)),
            payload => Box::pin(deployer::answer(hand, payload)),
        };
        self.works.push(Work { invocation, deadline, future });
    }

    /// One of those at work makes its next call.
    fn step(&mut self) {
        if self.works.is_empty() {
            return;
        }
        let at = self.chance.usize(0..self.works.len());
        if self.works[at].deadline <= self.world.borrow().now {
            return self.end(at, Err(Again), "is out of time");
        }
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(ended) = self.works[at].future.as_mut().poll(&mut context) {
            self.end(at, ended, if ended.is_ok() { "is done" } else { "fails" });
        }
    }

    fn crash(&mut self) {
        if !self.works.is_empty() {
            let at = self.chance.usize(0..self.works.len());
            self.end(at, Err(Again), "dies");
        }
    }

    /// Lambda tries three times, with the same request id.
    fn end(&mut self, at: usize, ended: Result<(), Again>, how: &str) {
        let work = self.works.swap_remove(at);
        let mut world = self.world.borrow_mut();
        world.note(format_args!("#{} {how}", work.invocation.request));
        let by_hand = matches!(work.invocation.payload, Payload::Ask(_));
        if ended.is_err() && work.invocation.tries < 2 && !by_hand {
            let tries = work.invocation.tries + 1;
            world.queue.push(Invocation { tries, ..work.invocation });
        } else if ended.is_err() {
            world.lost = Lost::Something;
        }
    }

    fn tick(&mut self) {
        let mut world = self.world.borrow_mut();
        let world = &mut *world;
        let told = world.ecs.tick(&world.registry, world.now);
        world.hear(told);
    }

    fn pass(&mut self) {
        let seconds = self.chance.i64(1..90);
        self.world.borrow_mut().pass(seconds);
    }

    fn next_ring(&mut self) {
        let mut world = self.world.borrow_mut();
        if let Some(at) = world.store.next() {
            let seconds = at.duration_since(world.now).as_secs().max(0) + 1;
            world.pass(seconds);
        }
    }

    fn person(&mut self) {
        let mut world = self.world.borrow_mut();
        match self.chance.u8(0..6) {
            0 | 1 => {
                let images = world.registry.images();
                let digest = images[self.chance.usize(0..images.len())].facts.digest.clone();
                world.note(format_args!("somebody asks for {}", digest.short()));
                world.invoke(Payload::Ask(Ask::Deploy(ImageName::Digest(digest))));
            }
            2 => world.invoke(Payload::Ask(Ask::Rollback)),
            3 => world.invoke(Payload::Ask(Ask::Hold)),
            4 => world.invoke(Payload::Ask(Ask::Release)),
            _ => self.by_hand(&mut world),
        }
    }

    /// What an older image needs has changed, so that a rollback to it will fail too.
    fn rot(&self) {
        let mut world = self.world.borrow_mut();
        let images = world.registry.images();
        let Some(image) = images.iter().rev().skip(1).find(|image| image.fate == Fate::Good) else { return };
        let digest = image.facts.digest.clone();
        world.note(format_args!("{} does well no more", digest.short()));
        world.registry.rot(&digest);
    }

    /// Somebody updates the service past Slipway, to an image that does well, when nothing is under way.
    fn by_hand(&self, world: &mut World) {
        if world.ecs.primary().rollout == Some(Rollout::InProgress) {
            return;
        }
        let Some(image) = world.registry.images().iter().find(|image| image.fate == Fate::Good) else { return };
        let digest = image.facts.digest.clone();
        let text = format!("{}@{digest}", world.registry.repository);
        let now = world.now;
        let revision = world.ecs.register_by_hand(&text, now);
        world.note(format_args!("somebody updates the service past Slipway to {}", digest.short()));
        world.laws.updating(By::Outside, now, Some(&digest), &world.ecs, &world.registry);
        world.laws.pardoned(&digest);
        let (made, told) = world.ecs.update(&revision, now);
        world.laws.decided_outside(made, now);
        world.hear(told);
        world.pass(1);
    }

    fn is_broken(&self) -> bool {
        self.world.borrow().laws.broken.is_some()
    }
}
