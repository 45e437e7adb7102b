//! World: AWS as the scenarios need it.
//!
//! It is the HTTP side of [`fake_aws`], which owns ECS, ECR and CodeDeploy. It hands everything else on to the emulator (or knows the
//! little that is needed of SNS, SSM and S3 itself), checks every call against AWS's own models, and records it.
//!
//! A scenario makes its services by hand, delivers an event to a handler whose SDK speaks to [`World::url`], reads the
//! [`World::transcript`], and moves deployments on. World fails the scenario, in [`World::finish`] or at the latest when
//! it is dropped, for a call that breaks AWS's models, a write that the scenario never read, or a planned
//! fault that no call met. Time stands still until the scenario moves it, and every id follows from what it names.

mod acts;
mod alone;
mod clock;
mod codedeploy;
mod dynamodb;
mod faults;
mod forward;
mod gate;
mod ledger;
mod models;
mod notices;
mod record;
mod scheduler;
mod server;
mod state;
mod transcript;
mod wire;

#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub use acts::Moved;
pub use fake_aws::{CodeDeployStage, Failure, Image, Place, Push, Refusal, in_short_form};
pub use faults::Fault;
pub use gate::{GoOn, Halt, Held};
pub use models::Models;
pub use notices::Notice;
pub use record::{Call, Span};
pub use scheduler::Schedule;
pub use transcript::{longest_chain, transcript};

use fake_aws::{identity, refusal};

use clock::Clock;
use forward::Upstream;
use state::{Shared, State};

/// A running world. Dropping it closes its server.
#[derive(Debug)]
pub struct World {
    shared: Arc<Shared>,
    url: String,
    place: Place,
    server: AbortHandle,
    finished: Finished,
}

/// Whether the scenario was judged already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finished {
    No,
    Yes,
}

/// A world to be.
#[derive(Debug)]
pub struct Builder {
    models: PathBuf,
    upstream: Option<String>,
    place: Place,
    invented: Vec<String>,
    listener: Option<std::net::TcpListener>,
    clock: Clock,
}

impl Builder {
    /// Listens here instead of on any free port: the emulator must know World's address before World knows its own.
    pub fn listen_on(mut self, listener: std::net::TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Puts the world elsewhere than into account 123456789012 in eu-west-1.
    pub fn place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Lets time go as the machine's does, for functions in a process of their own; [`World::advance`] still puts it
    /// forward.
    pub fn in_real_time(mut self) -> Self {
        self.clock = Clock::of_the_machine();
        self
    }

    /// Lets members of these names through at any depth, for scenarios about fields newer than the models.
    pub fn allow_invented<const N: usize>(mut self, names: [&str; N]) -> Self {
        self.invented.extend(names.map(str::to_owned));
        self
    }

    /// Starts the server on a free port of the loopback.
    ///
    /// # Panics
    /// If the models cannot be read or no port can be had.
    pub async fn start(self) -> World {
        let models = Models::at(self.models);
        let listener = self.listener.or_else(|| std::net::TcpListener::bind(("127.0.0.1", 0)).ok());
        let listener = listener.expect("a free port on the loopback");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let listener = TcpListener::from_std(listener).expect("a listener for the runtime");
        let url = format!("http://{}", listener.local_addr().expect("the listener's address"));
        let mut state = State::new(self.place.clone(), models);
        state.invented.extend(self.invented);
        state.clock = self.clock;
        state.aws.set_url(&url);
        let shared = Arc::new(Shared::new(state));
        let upstream = self.upstream.as_deref().map(Upstream::at);
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared), upstream)).abort_handle();
        World { shared, url, place: self.place, server, finished: Finished::No }
    }
}

impl World {
    /// A world without an emulator: it knows by itself what the functions ask of SNS, SSM, S3, DynamoDB,
    /// Scheduler and CloudWatch Logs.
    /// `models` is botocore's `data` directory.
    pub fn alone(models: impl Into<PathBuf>) -> Builder {
        Builder {
            models: models.into(),
            upstream: None,
            place: Place::default(),
            invented: Vec::new(),
            listener: None,
            clock: Clock::new(),
        }
    }

    /// A world in front of the emulator at this URL, which gets every call but ECS's, ECR's and CodeDeploy's.
    pub fn before(emulator: &str, models: impl Into<PathBuf>) -> Builder {
        Builder { upstream: Some(emulator.to_owned()), ..Self::alone(models) }
    }

    /// The endpoint for the SDK's clients, `http://127.0.0.1:54321`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The partition, region and account of the world.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What time it is in the world.
    pub fn now(&self) -> Timestamp {
        self.shared.lock().clock.now()
    }

    /// The world's time for somebody else to read, an SDK's clients for instance.
    pub fn time(&self) -> impl Fn() -> std::time::SystemTime + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.lock().clock.now().into()
    }

    /// Moves the world's time forward to a moment, for somebody else who waits; a later time stays.
    pub fn forward(&self) -> impl Fn(std::time::SystemTime) + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move |until| {
            let mut shared = shared.lock();
            let now: std::time::SystemTime = shared.clock.now().into();
            if let Ok(left) = until.duration_since(now) {
                shared.clock.breathe(left);
            }
        }
    }

    /// Lets time pass in the world.
    pub fn advance(&self, time: Duration) {
        self.shared.lock().clock.advance(time);
    }

    /// The calls since the last reading, one line each, in the order that [`transcript()`] documents. Reading claims
    /// them: no write in them will fail the scenario.
    pub fn transcript(&self) -> String {
        transcript(&self.shared.lock().record.take())
    }

    /// The calls since the last reading as they came; reading claims them like [`World::transcript`].
    pub fn take_calls(&self) -> Vec<Call> {
        self.shared.lock().record.take()
    }

    /// The calls since the last reading; it claims nothing.
    pub fn unread(&self) -> Vec<Call> {
        self.shared.lock().record.unread().to_vec()
    }

    /// Every call since World started, read or not; it claims nothing.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().record.all().to_vec()
    }

    /// Claims exactly these writes since the last reading, as lines of the transcript; the reads are passed over, and
    /// so is the taking and letting go of the lease.
    ///
    /// # Panics
    /// If there were others, or fewer.
    #[track_caller]
    pub fn expect_writes<const N: usize>(&self, expected: [&str; N]) {
        let calls = self.take_calls();
        let writes: Vec<Call> = calls.into_iter().filter(|call| call.is_write() && !call.is_lease()).collect();
        let written = transcript(&writes);
        assert_eq!(written.lines().collect::<Vec<_>>(), expected, "the writes are not the expected ones");
    }

    /// The notices published so far that nobody has taken yet, in the order they came.
    pub fn notices(&self) -> Vec<Notice> {
        std::mem::take(&mut self.shared.lock().notices)
    }

    /// The events that API calls (by a handler or by hand) gave rise to and that nobody has taken yet.
    pub fn take_events(&self) -> Vec<Value> {
        self.shared.lock().aws.take_events()
    }

    /// The fake of AWS behind the wire, for what needs no HTTP; it knows what time it is. None of it is recorded as a call.
    pub fn aws<T>(&self, ask: impl FnOnce(&mut fake_aws::Aws) -> T) -> T {
        ask(self.shared.lock().aws_now())
    }

    /// Plans a fault for the nth call from now on, counted from 1, whose line in the transcript begins with these
    /// words: `ECS.UpdateService`, or `ECS.UpdateService prod/web`.
    pub fn fault(&self, calls: &str, nth: usize, fault: Fault) {
        self.shared.lock().faults.plan(calls, nth, fault);
    }

    /// Plans a fault for every such call, until [`World::heal`].
    pub fn fault_each(&self, calls: &str, fault: Fault) {
        self.shared.lock().faults.plan_for_each(calls, fault);
    }

    /// Takes back the faults planned with these very words.
    pub fn heal(&self, calls: &str) {
        self.shared.lock().faults.heal(calls);
    }

    /// Makes every call take at least this long, in real time.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.lock().faults.set_latency(latency);
    }

    /// Keeps AWS's rate limits for ECS from now on, in real time and with full buckets.
    pub fn keep_aws_limits(&self) {
        self.shared.lock().faults.keep_limits();
    }

    /// What broke AWS's models so far, each with its call, its path and the rule.
    pub fn violations(&self) -> Vec<String> {
        self.shared.lock().violations.clone()
    }

    /// Judges the scenario.
    ///
    /// # Panics
    /// If a call broke AWS's models, a write was never read, or a planned fault was never met.
    #[track_caller]
    pub fn finish(mut self) {
        self.finished = Finished::Yes;
        let violations = self.all_violations();
        assert!(violations.is_empty(), "{violations}");
    }

    fn all_violations(&self) -> String {
        let state = self.shared.lock();
        let unclaimed: Vec<Call> =
            state.record.unread().iter().filter(|call| call.is_write() && !call.is_lease()).cloned().collect();
        let mut violations = state.violations.clone();
        violations.extend(transcript(&unclaimed).lines().map(|line| format!("no scenario claims this write: {line}")));
        violations.extend(state.faults.unmet());
        violations.join("\n")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
        // A scenario that fails already has its message; a second panic would hide it.
        if self.finished == Finished::No && !std::thread::panicking() {
            let violations = self.all_violations();
            assert!(violations.is_empty(), "{violations}");
        }
    }
}
