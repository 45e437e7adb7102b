//! Lambda and STS as the command meets them: Invoke in front of the real deploy function, and who calls; beside it the
//! track function, for ECS's events.
//!
//! The functions run in this process, on a thread of their own, because their futures stay on one.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_engine::Engine;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, LocalSet};

use crate::functions::{aws, event, invoked};
use crate::world::World;

/// Bytes of the functions' stack: without optimization their futures are large.
const STACK: usize = 32 * 1024 * 1024;

/// Who calls, by STS.
pub const CALLER: &str = "arn:aws:sts::123456789012:assumed-role/platform/ana";

/// A running Lambda with one function, `slipway-deploy`, and its aliases. Dropping it closes its server.
#[derive(Debug)]
pub struct Lambda {
    url: String,
    shared: Arc<Shared>,
    server: AbortHandle,
}

/// What one invocation meets instead of its usual answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The caller's role does not allow it.
    Denied,
    /// The function ends with this error.
    Fails(String),
    /// Another answer comes, of an older or a newer function.
    Answers(Value),
    /// Nobody answers.
    CutBefore,
    /// It is carried out, and nobody answers.
    CutAfter,
    /// It takes so long.
    Slow(Duration),
}

/// A request as it came: through which alias, and what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoked {
    /// The alias.
    pub alias: String,
    /// The payload.
    pub request: Value,
}

#[derive(Debug)]
struct Shared {
    faults: Mutex<VecDeque<Fault>>,
    invoked: Mutex<Vec<Invoked>>,
    answered: AtomicUsize,
    arn: String,
    jobs: mpsc::UnboundedSender<Job>,
}

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Deploy.
    Deploy,
    /// Track.
    Track,
}

/// An invocation that the functions' thread carries out: of which function, by which ARN, with what, and where the answer goes.
#[derive(Debug)]
struct Job {
    function: Function,
    arn: String,
    payload: Value,
    answer: oneshot::Sender<Result<Value, String>>,
}

impl Lambda {
    /// In front of this world, with the configuration document of its Parameter Store.
    ///
    /// # Panics
    /// If no port can be had, or the function does not start.
    pub async fn start(world: &World) -> Self {
        let (sender, jobs) = mpsc::unbounded_channel();
        let (deploy, track, now) = (aws(world, "deploy").await, aws(world, "track").await, world.time());
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn(move || run(deploy, track, jobs, &now)).expect("a thread");
        let arn = invoked(world, "", "").trim_end_matches('-').to_owned();
        let (faults, invoked, answered) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        let shared = Arc::new(Shared { faults, invoked, answered, arn, jobs: sender });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on the loopback");
        let url = format!("http://{}", listener.local_addr().expect("the listener's address"));
        let routes = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route("/", post(identity))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await }).abort_handle();
        Self { url, shared, server }
    }

    /// The endpoint for the SDK's clients of Lambda and STS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Delivers an event or a timer to a function, as EventBridge does.
    ///
    /// # Panics
    /// If the function ends with an error.
    pub async fn deliver(&self, function: Function, payload: &Value) -> Value {
        let name = match function {
            Function::Deploy => "deploy",
            Function::Track => "track",
        };
        let answer = self.shared.ask(function, format!("-{name}"), payload.clone()).await;
        answer.unwrap_or_else(|kind| panic!("{name} ended with {kind}"))
    }

    /// Plans a fault for the next invocation that has none yet.
    pub fn plan(&self, fault: Fault) {
        lock(&self.shared.faults).push_back(fault);
    }

    /// Waits until the deploy function has answered so many invocations through an alias.
    pub async fn until_answered(&self, count: usize) {
        while self.shared.answered.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The invocations since the last reading.
    pub fn take_invoked(&self) -> Vec<Invoked> {
        std::mem::take(&mut *lock(&self.shared.invoked))
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    /// Has a function invoked by the ARN that ends so; the error is its type.
    async fn ask(&self, function: Function, end: String, payload: Value) -> Result<Value, String> {
        let (answer, answered) = oneshot::channel();
        let arn = format!("{}{end}", self.arn);
        let gone = |_| "Runtime.ExitError".to_owned();
        self.jobs.send(Job { function, arn, payload, answer }).map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))?
    }
}

/// Carries invocations out, side by side, until nobody can send any more.
fn run(deploy: Aws, track: Aws, mut jobs: mpsc::UnboundedReceiver<Job>, now: &impl Fn() -> SystemTime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let start = async |aws| Rc::new(Engine::start(aws, "ssm:/slipway/config").await.expect("right settings"));
        let (deploy, track) = (start(deploy).await, start(track).await);
        let mut number = 0;
        while let Some(Job { function, arn, payload, answer }) = jobs.recv().await {
            number += 1;
            let (deploy, track) = (Rc::clone(&deploy), Rc::clone(&track));
            let at = now();
            tokio::task::spawn_local(async move {
                let left = Duration::from_secs(300);
                let answered = match function {
                    Function::Deploy => {
                        slipway_deploy::handle(&deploy, event(&payload, "deploy", arn, number, at, left)).await
                    }
                    Function::Track => {
                        slipway_track::handle(&track, event(&payload, "track", arn, number, at, left)).await
                    }
                };
                // Whoever asked may have gone.
                let _ = answer.send(answered.map_err(|failure| failure.error_type));
            });
        }
    });
}

async fn invoke(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let alias = query.as_deref().and_then(|query| query.strip_prefix("Qualifier=")).unwrap_or_default().to_owned();
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if name != "slipway-deploy" || !["read", "operate"].contains(&alias.as_str()) {
        let text = format!("Function not found: arn:aws:lambda:eu-west-1:123456789012:function:{name}:{alias}");
        return refused(StatusCode::NOT_FOUND, "ResourceNotFoundException", &text);
    }
    lock(&shared.invoked).push(Invoked { alias: alias.clone(), request: request.clone() });
    let fault = lock(&shared.faults).pop_front();
    match &fault {
        Some(Fault::Denied) => {
            let text = format!(
                "User: {CALLER} is not authorized to perform: lambda:InvokeFunction on resource: \
                 arn:aws:lambda:eu-west-1:123456789012:function:{name}:{alias} because no identity-based policy allows \
                 the lambda:InvokeFunction action"
            );
            return refused(StatusCode::FORBIDDEN, "AccessDeniedException", &text);
        }
        Some(Fault::Fails(kind)) => return failed(kind),
        Some(Fault::Answers(answer)) => return answer.to_string().into_response(),
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Slow(time)) => tokio::time::sleep(*time).await,
        Some(Fault::CutAfter) | None => {}
    }
    let answer = shared.ask(Function::Deploy, format!("-deploy:{alias}"), request).await;
    shared.answered.fetch_add(1, Ordering::SeqCst);
    match (fault, answer) {
        (Some(Fault::CutAfter), _) => cut(),
        (_, Ok(answer)) => answer.to_string().into_response(),
        (_, Err(kind)) => failed(&kind),
    }
}

async fn identity() -> Response {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{CALLER}</Arn><UserId>AROA:ana</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    .into_response()
}

fn refused(status: StatusCode, code: &'static str, text: &str) -> Response {
    (status, [("x-amzn-errortype", code)], json!({ "Message": text }).to_string()).into_response()
}

fn failed(kind: &str) -> Response {
    let error = json!({ "errorType": kind, "errorMessage": format!("{kind}: the function ended with an error") });
    ([("x-amz-function-error", "Unhandled")], error.to_string()).into_response()
}

/// A body that breaks off ends the connection.
fn cut() -> Response {
    Response::new(axum::body::Body::new(Broken))
}

/// A body that breaks.
#[derive(Debug)]
struct Broken;

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::Error::other("the connection was cut on order"))))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
