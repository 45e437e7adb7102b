//! Lambda's Runtime API as a function sees it: it hands out invocations, and takes the answers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

/// An invocation to be handed out.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's request id, which is the same in each of Lambda's tries.
    pub id: String,
    /// The event.
    pub payload: Value,
    /// From handing it out to the function's deadline.
    pub time: Duration,
}

/// What came of an invocation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The function's answer, or its error.
    pub result: Result<Value, Value>,
    /// From handing out the event to the answer.
    pub took: Duration,
}

/// The API of one execution environment. Dropping it closes its server.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    function: String,
    invocations: mpsc::UnboundedSender<(Invocation, oneshot::Sender<Answer>)>,
    asked: watch::Receiver<Option<Instant>>,
    server: AbortHandle,
}

/// An invocation under way.
type Pending = (Instant, oneshot::Sender<Answer>);

#[derive(Debug)]
struct Shared {
    function: String,
    waiting: Mutex<mpsc::UnboundedReceiver<(Invocation, oneshot::Sender<Answer>)>>,
    pending: std::sync::Mutex<HashMap<String, Pending>>,
    asked: watch::Sender<Option<Instant>>,
}

impl RuntimeApi {
    /// Starts the API of this function on a free port of the loopback.
    pub async fn start(function: &str) -> std::io::Result<Self> {
        let (invocations, waiting) = mpsc::unbounded_channel();
        let (asking, asked) = watch::channel(None);
        let shared = Arc::new(Shared {
            function: format!("arn:aws:lambda:eu-west-1:123456789012:function:slipway-{function}"),
            waiting: Mutex::new(waiting),
            pending: std::sync::Mutex::default(),
            asked: asking,
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(shared);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move { axum::serve(listener, routes).await }).abort_handle();
        Ok(Self { address, function: function.to_owned(), invocations, asked, server })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` is to be, `127.0.0.1:54321`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The function's name, without the stack's prefix.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// When the function asked for its first invocation: its init is over then.
    pub async fn first_asked(&mut self) -> Option<Instant> {
        self.asked.wait_for(Option::is_some).await.ok().and_then(|asked| *asked)
    }

    /// Hands out an invocation; `None` if the function never answers it.
    pub async fn invoke(&self, invocation: Invocation) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        self.invocations.send((invocation, answer)).ok()?;
        answered.await.ok()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    shared.asked.send_if_modified(|asked| asked.is_none() && asked.replace(Instant::now()).is_none());
    let (invocation, answer) = match shared.waiting.lock().await.recv().await {
        Some(waiting) => waiting,
        None => return (StatusCode::GONE, HeaderMap::new(), String::new()),
    };
    let deadline = SystemTime::now() + invocation.time;
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", invocation.id.clone()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", shared.function.clone()),
        ("content-type", "application/json".to_owned()),
    ] {
        headers.insert(name, value.parse().expect("a header's value"));
    }
    shared.pending().insert(invocation.id, (Instant::now(), answer));
    (StatusCode::OK, headers, invocation.payload.to_string())
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    shared.end(&id, Ok(json(&body)))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    shared.end(&id, Err(json(&body)))
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

impl Shared {
    fn end(&self, id: &str, result: Result<Value, Value>) -> StatusCode {
        let Some((began, answer)) = self.pending().remove(id) else { return StatusCode::BAD_REQUEST };
        // Nobody waits for it any more only when the benchmark has failed already.
        let _ = answer.send(Answer { result, took: began.elapsed() });
        StatusCode::ACCEPTED
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, HashMap<String, Pending>> {
        self.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
