//! A Slack to post to: an HTTP server that takes messages at an incoming webhook's URL, as Slack does.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Duration, timeout};

/// A running Slack; dropping it closes its server.
#[derive(Debug)]
pub struct Slack {
    url: String,
    messages: Mutex<mpsc::UnboundedReceiver<Value>>,
    server: AbortHandle,
}

impl Slack {
    /// Starts on a free port of the loopback.
    ///
    /// # Panics
    /// If no port can be had.
    pub async fn start() -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let router = Router::new().route("/services/T0/B0/secret", post(take)).with_state(Arc::new(sender));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on the loopback");
        let address = listener.local_addr().expect("the listener's address");
        let serve = async { axum::serve(listener, router).await.expect("a server that goes on") };
        let server = tokio::spawn(serve).abort_handle();
        Self { url: format!("http://{address}/services/T0/B0/secret"), messages: Mutex::new(messages), server }
    }

    /// The incoming webhook's URL.
    pub fn webhook(&self) -> &str {
        &self.url
    }

    /// The next message that was posted; waits for it, half a minute at most.
    pub async fn next(&self) -> Option<Value> {
        timeout(Duration::from_secs(30), async { self.messages.lock().await.recv().await }).await.ok().flatten()
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Slack answers `invalid_payload` to what is no JSON, and `no_text` to a message without words.
async fn take(State(taken): State<Arc<mpsc::UnboundedSender<Value>>>, body: String) -> (StatusCode, &'static str) {
    let Ok(message) = serde_json::from_str::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload");
    };
    if message["text"].as_str().is_none_or(str::is_empty) {
        return (StatusCode::BAD_REQUEST, "no_text");
    }
    match taken.send(message) {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "rollup_error"),
    }
}
