//! One schedule: what happens, in which order, by chance from a seed; then calm.

use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

use e2e::world::{Failure, Fault, GoOn, Halt, Held, Image, World};
use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_engine::Engine;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

use super::laws::{Laws, Pushed};
use crate::following::web_with;
use crate::scenario::{Scenario, event, web_definition};

/// So many invocations are at work at once, at most.
const AT_WORK: usize = 4;

/// So many pushes, at most: the record remembers ten deployments.
const PUSHES: u32 = 5;

/// Lambda ends an invocation after this time.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How long a person waits for the answer: a busy service is waited for in the machine's time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Lambda tries an event so often.
const TRIES: u32 = 3;

/// Calm goes on for at least and at most so many rounds of four minutes; a deployment and its rollback have ten each.
const ROUNDS: RangeInclusive<u32> = 8..=60;

/// What a schedule came to.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// What happened, a line each.
    pub(super) trace: Vec<String>,
    /// The laws that were broken.
    pub(super) broken: Vec<String>,
    pub(super) updates: usize,
    pub(super) rollbacks: usize,
}

/// Something for a function, on its way.
#[derive(Clone, Debug)]
struct Delivery {
    function: &'static str,
    payload: Value,
    /// Lambda's id of the invocation, which its tries share.
    request: u32,
    tries: u32,
}

impl Delivery {
    /// Whether a person waits for it.
    fn is_asked(&self) -> bool {
        self.payload["action"] == "rollback" || self.payload["action"] == "redeploy"
    }
}

/// An invocation at work.
struct Work {
    delivery: Delivery,
    since: Timestamp,
    task: JoinHandle<bool>,
}

pub(super) struct Schedule {
    world: World,
    deployer: Rc<Engine<Aws>>,
    tracker: Rc<Engine<Aws>>,
    chance: fastrand::Rng,
    inbox: Vec<Delivery>,
    at_work: Vec<Work>,
    requests: u32,
    pushes: u32,
    laws: Laws,
    trace: Vec<String>,
}

impl Schedule {
    /// Runs the schedule of this seed.
    pub(super) async fn run(name: &'static str, seed: u64, service: &Value) -> Came {
        let (world, deployer, tracker) = Scenario::begin(name, &web_with("deadline: 10m")).await.into_parts();
        let schedule = Self {
            world,
            deployer: Rc::new(deployer),
            tracker: Rc::new(tracker),
            chance: fastrand::Rng::with_seed(seed),
            inbox: Vec::new(),
            at_work: Vec::new(),
            requests: 0,
            pushes: 0,
            laws: Laws::default(),
            trace: Vec::new(),
        };
        LocalSet::new().run_until(schedule.goes(service.clone())).await
    }

    async fn goes(mut self, service: Value) -> Came {
        self.push_image("1.0.0", true);
        self.world.register(web_definition("1.0.0"));
        self.world.running_service(service);
        self.world.hold_calls();
        // What runs is taken over as it is.
        self.invoke("deploy", json!({ "slipway": "reconcile" }), 1);
        self.drain().await;
        // What is pushed in the moment of the takeover is taken over with it.
        self.world.advance(Duration::from_secs(2));
        self.blow().await;
        self.calm().await;
        self.laws.at_rest(&self.world);
        self.world.take_calls();
        let violations = self.world.violations();
        self.world.finish();
        let broken = self.laws.broken.into_iter().chain(violations).collect();
        Came { trace: self.trace, broken, updates: self.laws.updates, rollbacks: self.laws.rollbacks + self.laws.stops }
    }

    /// The random schedule.
    async fn blow(&mut self) {
        for _ in 0..self.chance.u32(80..240) {
            match self.chance.u32(0..100) {
                0..=5 => self.push(),
                6..=19 => self.deliver(),
                20..=84 => self.let_one_go(),
                85..=86 => self.kill(),
                87..=93 => self.move_on(),
                94..=97 => self.pass(),
                98 => self.ask(),
                _ => self.outside(),
            }
            self.collect();
            self.settle().await;
        }
    }

    /// No more faults, and nobody dies; all that waits comes, and what of ECS's events is still lost is made up for.
    async fn calm(&mut self) {
        self.note("the schedule is over".to_owned());
        for round in 1..=*ROUNDS.end() {
            self.drain().await;
            if round > *ROUNDS.start() && round % 4 == 1 && self.laws.is_over(&self.world) {
                return;
            }
            self.move_on();
            self.collect();
            self.drain().await;
            self.world.advance(Duration::from_secs(240));
            if round % 4 == 0 {
                self.invoke("deploy", json!({ "slipway": "reconcile" }), 1);
            }
            self.collect();
        }
    }

    /// Lets everything go on until nothing is left to do.
    async fn drain(&mut self) {
        loop {
            self.reap().await;
            while self.at_work.len() < AT_WORK && !self.inbox.is_empty() {
                self.deliver();
            }
            for held in self.world.held() {
                self.let_go(&held, GoOn::Wholly);
            }
            self.collect();
            if self.at_work.is_empty() && self.inbox.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Until what was let go came as far as it comes now.
    async fn settle(&mut self) {
        let mut before = usize::MAX;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.reap().await;
            let now = self.world.held().len() * 100 + self.at_work.len();
            if now == before {
                return;
            }
            before = now;
        }
    }

    fn push(&mut self) {
        if self.pushes == PUSHES {
            return;
        }
        self.pushes += 1;
        let good = self.chance.u32(0..10) < 6;
        // Now and then an older one comes late.
        let minor = if self.chance.u32(0..6) == 0 { self.pushes * 2 - 1 } else { self.pushes * 2 };
        let event = self.push_image(&format!("1.{minor}.0"), good);
        let copies = self.copies();
        self.note(format!("1.{minor}.0 is pushed, {}, {copies} events", if good { "good" } else { "bad" }));
        self.invoke("deploy", event, copies);
    }

    fn push_image(&mut self, tag: &str, good: bool) -> Value {
        let at = self.world.now();
        let push = self.world.push("shop/web", [tag], &Image::single(tag));
        let minor = tag.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default();
        self.laws.pushed(Pushed { digest: push.digest.clone(), minor, good, at });
        push.event()
    }

    /// How often an event comes: mostly once.
    fn copies(&mut self) -> usize {
        match self.chance.u32(0..10) {
            0 => 0,
            1 | 2 => 2,
            _ => 1,
        }
    }

    fn invoke(&mut self, function: &'static str, payload: Value, copies: usize) {
        for _ in 0..copies {
            self.requests += 1;
            let delivery = Delivery { function, payload: payload.clone(), request: self.requests, tries: 0 };
            self.inbox.push(delivery);
        }
    }

    fn deliver(&mut self) {
        if self.at_work.len() == AT_WORK || self.inbox.is_empty() {
            return;
        }
        let mut delivery = self.inbox.swap_remove(self.chance.usize(0..self.inbox.len()));
        delivery.tries += 1;
        if delivery.is_asked() {
            self.laws.asked();
        }
        let patience = if delivery.is_asked() { PATIENCE } else { TIMEOUT };
        let event = event(&self.world, delivery.function, &delivery.payload, delivery.request, patience);
        let word = ["action", "slipway"].into_iter().find_map(|key| delivery.payload[key].as_str());
        let what = word.unwrap_or(delivery.function);
        self.note(format!("#{} {what} begins, try {}", delivery.request, delivery.tries));
        let task = match delivery.function {
            "deploy" => {
                let deployer = Rc::clone(&self.deployer);
                spawn_local(async move { slipway_deploy::handle(&deployer, event).await.is_ok() })
            }
            _ => {
                let tracker = Rc::clone(&self.tracker);
                spawn_local(async move { slipway_track::handle(&tracker, event).await.is_ok() })
            }
        };
        self.at_work.push(Work { delivery, since: self.world.now(), task });
    }

    /// Takes away what has ended, and has tried again what failed.
    async fn reap(&mut self) {
        let now = self.world.now();
        let mut left = Vec::new();
        for work in std::mem::take(&mut self.at_work) {
            let request = work.delivery.request;
            if !work.task.is_finished() {
                let late = now.duration_since(work.since).unsigned_abs() >= TIMEOUT;
                match late {
                    true => self.die(work, "is out of time"),
                    false => left.push(work),
                }
                continue;
            }
            if work.delivery.is_asked() {
                // It may have been decided until now.
                self.laws.answered(now);
            }
            match work.task.await {
                Ok(true) => self.note(format!("#{request} is done")),
                Ok(false) => self.again(work.delivery, "fails"),
                Err(_) => self.laws.broken.push(format!("#{request} panicked")),
            }
        }
        self.at_work.extend(left);
    }

    fn kill(&mut self) {
        if !self.at_work.is_empty() {
            let work = self.at_work.swap_remove(self.chance.usize(0..self.at_work.len()));
            self.die(work, "dies");
        }
    }

    fn die(&mut self, work: Work, how: &str) {
        work.task.abort();
        if work.delivery.is_asked() {
            self.laws.answered(self.world.now());
        }
        self.again(work.delivery, how);
    }

    fn again(&mut self, delivery: Delivery, how: &str) {
        self.note(format!("#{} {how}", delivery.request));
        if delivery.tries < TRIES {
            self.inbox.push(delivery);
        }
    }

    fn let_one_go(&mut self) {
        let held = self.world.held();
        let Some(held) = self.chance.choice(&held) else { return };
        let how = match (held.at, self.chance.u32(0..100)) {
            (Halt::Answer, _) => GoOn::Wholly,
            (_, 0) => GoOn::Into(Fault::Throttle),
            (_, 1) => GoOn::Into(Fault::Break),
            (_, 2) => GoOn::Into(Fault::CutBefore),
            (_, 3 | 4) => GoOn::Into(Fault::CutAfter),
            (_, 5..=16) => GoOn::UntilAnswered,
            _ => GoOn::Wholly,
        };
        self.let_go(held, how);
    }

    fn let_go(&mut self, held: &Held, how: GoOn) {
        let what = match (held.at, &how) {
            (Halt::Answer, _) => "is answered".to_owned(),
            (_, GoOn::Wholly) => String::new(),
            (_, GoOn::UntilAnswered) => "takes effect".to_owned(),
            (_, GoOn::Into(fault)) => format!("{fault:?}"),
        };
        self.note(format!("{}: {} {what}", held.caller, held.line));
        let acts = matches!(how, GoOn::Wholly | GoOn::UntilAnswered | GoOn::Into(Fault::CutAfter));
        if held.at == Halt::Call && acts {
            let since = self.at_work.iter().map(|work| work.since).min();
            self.laws.calls(&self.world, held, since);
        }
        self.world.let_go(held.number, how);
    }

    /// ECS goes on with what is under way.
    fn move_on(&mut self) {
        let service = self.laws.service(&self.world);
        let primary = &service["deployments"][0];
        if primary["rolloutState"] != "IN_PROGRESS" {
            return;
        }
        let deployments = service["deployments"].as_array().cloned().unwrap_or_default();
        let goes_back = deployments.iter().any(|it| it["rolloutState"] == "COMPLETED");
        let moved = if self.laws.stop_is_requested(&self.world) && goes_back {
            self.note("ECS obeys the stop".to_owned());
            self.world.carry_out_stop("prod", "web")
        } else if self.laws.runs_well(&self.world, primary) {
            self.note(format!("ECS completes {}", primary["id"]));
            self.world.complete("prod", "web")
        } else {
            self.note(format!("the tasks of {} fail", primary["id"]));
            self.world.fail("prod", "web", Failure::Exits { code: 1 })
        };
        for event in moved.events {
            self.hear(event);
        }
    }

    /// ECS's events, and timers that are due.
    fn collect(&mut self) {
        for event in self.world.take_events() {
            if event["source"] == "aws.ecs" {
                self.hear(event);
            }
        }
        for timer in self.world.due() {
            self.note(format!("{} fires", timer.name));
            self.invoke("deploy", timer.input, 1);
        }
        self.laws.hear(&self.world.notices());
    }

    fn hear(&mut self, event: Value) {
        let copies = self.copies();
        let detail = &event["detail"];
        let what = detail["eventName"].as_str().or(detail["stopCode"].as_str()).unwrap_or_default().to_owned();
        let of = detail["deploymentId"].as_str().or(detail["startedBy"].as_str()).unwrap_or_default().to_owned();
        self.note(format!("ECS says {what} of {of}, {copies} times"));
        self.invoke("track", event, copies);
    }

    fn pass(&mut self) {
        let seconds = if self.chance.u32(0..12) == 0 { self.chance.u64(120..700) } else { self.chance.u64(1..60) };
        self.world.advance(Duration::from_secs(seconds));
    }

    /// Somebody asks for the last good version, or for new tasks, and has little patience. Nobody asks again for them.
    fn ask(&mut self) {
        let action = if self.chance.bool() { "rollback" } else { "redeploy" };
        self.requests += 1;
        let payload = json!({ "action": action, "target": "prod/web" });
        self.inbox.push(Delivery { function: "deploy", payload, request: self.requests, tries: TRIES });
    }

    /// Somebody puts the first version back, past Slipway.
    fn outside(&mut self) {
        if self.chance.u32(0..4) != 0 {
            return;
        }
        self.note("somebody updates the service past Slipway".to_owned());
        let update =
            json!({ "cluster": "prod", "service": "web", "taskDefinition": "web:1", "forceNewDeployment": true });
        self.laws.decided(self.world.now());
        self.world.by_hand("ECS.UpdateService", update);
    }

    fn note(&mut self, line: String) {
        self.trace.push(format!("{} {line}", self.world.now().strftime("%H:%M:%S")));
    }
}
