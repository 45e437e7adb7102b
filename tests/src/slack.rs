//! A Slack to post to: an HTTP server that takes messages by its Web API and by an incoming webhook.
//!
//! It refuses as Slack does, and remembers what it was sent, so that a scenario can look at its channels.
//!
//! Reference: <https://docs.slack.dev/reference/methods/chat.postMessage>, `chat.update`, and the limits of Block Kit.

mod check;
mod server;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

pub use state::{Asked, Message};

use state::State;

/// A running Slack; dropping it closes its server.
#[derive(Debug)]
pub struct Slack {
    api: String,
    webhook: String,
    state: Arc<Shared>,
    messages: tokio::sync::Mutex<mpsc::UnboundedReceiver<Value>>,
    server: AbortHandle,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    sender: mpsc::UnboundedSender<Value>,
}

impl Slack {
    /// Starts on a free port of the loopback, with the public channels `#deploys` and `#incidents`.
    ///
    /// # Panics
    /// If no port can be had.
    pub async fn start() -> Self {
        Self::by(SystemTime::now).await
    }

    /// The same with the time of a scenario, by which messages are counted.
    ///
    /// # Panics
    /// If no port can be had.
    pub async fn by(clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let state = Arc::new(Shared { state: Mutex::new(State::new()), clock: Box::new(clock), sender });
        let router = Router::new()
            .route("/api/chat.postMessage", post(server::post_message))
            .route("/api/chat.update", post(server::update))
            .route("/services/T0/B0/{secret}", post(server::webhook))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on the loopback");
        let address = listener.local_addr().expect("the listener's address");
        let serve = async { axum::serve(listener, router).await.expect("a server that goes on") };
        let server = tokio::spawn(serve).abort_handle();
        Self {
            api: format!("http://{address}/api"),
            webhook: format!("http://{address}/services/T0/B0"),
            state,
            messages: tokio::sync::Mutex::new(messages),
            server,
        }
    }

    /// The address of the Web API.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// The incoming webhook's URL.
    pub fn webhook(&self) -> String {
        format!("{}/{}", self.webhook, self.lock().secret())
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        format!("xoxb-{}", self.lock().secret())
    }

    /// Takes the token and the webhook back; there are new ones from now on.
    pub fn rotate(&self) {
        self.lock().rotate();
    }

    /// Archives a channel.
    pub fn archive(&self, channel: &str) {
        self.lock().archive(channel);
    }

    /// From now on Slack answers nothing but status 503, until [`Slack::come_back`].
    pub fn go_down(&self) {
        self.lock().down = true;
    }

    /// Slack is there again.
    pub fn come_back(&self) {
        self.lock().down = false;
    }

    /// The next so many messages are refused with `invalid_blocks`, whatever they hold.
    pub fn dislike_blocks(&self, times: usize) {
        self.lock().disliked = times;
    }

    /// The next request is answered by 429 with this Retry-After.
    pub fn ask_for_a_pause(&self, pause: Duration) {
        self.lock().pause = Some(pause);
    }

    /// Somebody deletes every message of a channel.
    pub fn sweep(&self, channel: &str) {
        self.lock().sweep(channel);
    }

    /// The messages of a channel, in the order of their posting, replies included.
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.lock().messages(channel)
    }

    /// A channel as a person sees it: each message's last text, how often it was edited, and its thread.
    pub fn view(&self, channel: &str) -> String {
        self.lock().view(channel)
    }

    /// Everything that was asked, with Slack's answer.
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    /// The next state of a message outside of threads: when it was posted, and when it was edited. Waits for it, half a
    /// minute at most.
    pub async fn next(&self) -> Option<Value> {
        timeout(Duration::from_secs(30), async { self.messages.lock().await.recv().await }).await.ok().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Nobody may be listening.
    pub(crate) fn show(&self, body: &Value) {
        _ = self.sender.send(body.clone());
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[cfg(test)]
mod tests;
