//! World's HTTP side: takes a call, lets a planned fault happen, has it answered or handed on, and writes it down.
//!
//! It speaks hyper's own language instead of a framework's, because cutting a connection is one of its answers.

use std::sync::Arc;
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::faults::{Fault, broken, throttled};
use super::forward::Upstream;
use super::gate::{GoOn, Halt, Held};
use super::refusal::Refusal;
use super::state::{Replied, Shared};
use super::wire::{Protocol, Request};
use super::{identity, transcript};

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was cut on order")
    }
}

impl std::error::Error for Cut {}

/// Takes connections until the task that runs this ends, which ends all of them.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, upstream: Option<Upstream>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection(stream, Arc::clone(&shared), upstream.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, upstream: Option<Upstream>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(request, Arc::clone(&shared), upstream.clone()));
    // A cut ends here as an error, and so does a client that goes away. Neither is ours to report.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(
    request: HttpRequest<Incoming>,
    shared: Arc<Shared>,
    upstream: Option<Upstream>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let request = Request::read(&head, &body);
    let (number, line, fault, latency) = {
        let mut state = shared.lock();
        let now = state.clock.now();
        let before =
            (request.call() == "DynamoDB.PutItem").then(|| state.alone.tables.before(&request.members)).flatten();
        let number = state.record.begin(&request, now, before);
        let line = state.record.call(number).map(transcript::line).unwrap_or_default();
        let admitted = state.faults.admit(&request.call(), Instant::now());
        let fault = state.faults.meet(&line).or((!admitted).then_some(Fault::Throttle));
        (number, line, fault, state.faults.latency())
    };
    let mut fault = fault;
    if !latency.is_zero() {
        let family = (request.call() == "ECS.RegisterTaskDefinition").then(|| request.members["family"].clone());
        let family = family.and_then(|family| family.as_str().map(str::to_owned));
        if family.as_deref().is_some_and(|family| shared.lock().faults.begin_registration(family)) {
            let text = "Too many concurrent attempts to create a new revision of the specified family.";
            fault = fault.or(Some(Fault::Refuse(Refusal::new("ClientException", text))));
        }
        tokio::time::sleep(latency).await;
        family.iter().for_each(|family| shared.lock().faults.end_registration(family));
    }
    let held = Held { number, line, caller: request.caller.clone().unwrap_or_default(), at: Halt::Call };
    let goes_on = hold(&shared, held.clone()).await;
    let fault = match &goes_on {
        GoOn::Into(fault) => Some(fault.clone()),
        GoOn::Wholly | GoOn::UntilAnswered => fault,
    };
    let refusal = match &fault {
        Some(Fault::CutBefore) => {
            shared.lock().record.end(number, None, Some("cut before it took effect".to_owned()));
            return Err(Cut);
        }
        Some(Fault::Throttle) => Some(throttled(request.protocol)),
        Some(Fault::Break) => Some(broken(request.protocol)),
        Some(Fault::Refuse(refusal)) => Some(refusal.clone()),
        Some(Fault::CutAfter | Fault::Late(_) | Fault::Unparsable) | None => None,
    };
    let (response, code) = match refusal {
        Some(refusal) => (refused(&request, &refusal, number), Some(refusal.code)),
        None => answer(&request, &head, body, number, &shared, upstream).await,
    };
    shared.lock().record.decided(number);
    if goes_on == GoOn::UntilAnswered {
        hold(&shared, Held { at: Halt::Answer, ..held }).await;
    }
    match fault {
        Some(Fault::CutAfter) => {
            shared.lock().record.end(number, None, Some("cut after it took effect".to_owned()));
            return Err(Cut);
        }
        Some(Fault::Late(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    let response = match fault {
        Some(Fault::Unparsable) => unparsable(response).await,
        _ => response,
    };
    shared.lock().record.end(number, Some(response.status().as_u16()), code);
    Ok(response)
}

/// Waits until the call may go on; at once where nobody holds calls.
async fn hold(shared: &Shared, held: Held) -> GoOn {
    let reported = shared.lock().gate.arrive(held);
    match reported {
        Some(reported) => reported.await.unwrap_or(GoOn::Wholly),
        None => GoOn::Wholly,
    }
}

async fn answer(
    request: &Request,
    head: &Parts,
    body: Bytes,
    number: usize,
    shared: &Shared,
    upstream: Option<Upstream>,
) -> (Response<Full<Bytes>>, Option<String>) {
    let replied = shared.lock().reply(request, number, upstream.is_some());
    match (replied, upstream) {
        (Replied::Json(answer), _) => (json(200, &answer, number), None),
        (Replied::Object(bytes), _) => (object(bytes), None),
        (Replied::Published(id), _) => (published(&id, number), None),
        (Replied::Refused(refusal), _) => (refused(request, &refusal, number), Some(refusal.code)),
        (Replied::NotOurs, Some(upstream)) => match upstream.send(head, body).await {
            Ok(response) => {
                if request.call() == "DynamoDB.PutItem" && response.status().is_success() {
                    shared.lock().alone.tables.note(&request.members);
                }
                (response, None)
            }
            Err(reason) => {
                shared.lock().violations.push(format!("{} could not be handed on: {reason}", request.call()));
                (with(502, "text/plain", reason), Some("unreachable".to_owned()))
            }
        },
        (Replied::NotOurs, None) => {
            let call = request.call();
            shared.lock().violations.push(format!("{call}: World alone doesn't know this call"));
            let refusal = Refusal::new("UnknownOperationException", format!("World alone doesn't know {call}."));
            (refused(request, &refusal, number), Some(refusal.code))
        }
    }
}

/// The same answer, but for a member of the task definition that only an answer has: it is of another type.
async fn unparsable(response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    answer["taskDefinition"]["requiresAttributes"] = "a type of tomorrow".into();
    let body = Bytes::from(answer.to_string());
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    response.headers_mut().remove("content-length");
    response
}

fn refused(request: &Request, refusal: &Refusal, number: usize) -> Response<Full<Bytes>> {
    let Refusal { status, code, message, .. } = refusal;
    match request.protocol {
        Protocol::Json => json(*status, &refusal.json(), number),
        Protocol::Query => {
            let kind = if *status < 500 { "Sender" } else { "Receiver" };
            let id = identity::uuid("request", number);
            let body = format!(
                "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{kind}</Type>\
                 <Code>{code}</Code><Message>{}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
                escape(message)
            );
            with(*status, "text/xml", body)
        }
        Protocol::RestJson => {
            let mut response = with(*status, "application/json", serde_json::json!({ "Message": message }).to_string());
            if let Ok(code) = code.parse() {
                response.headers_mut().insert("x-amzn-errortype", code);
            }
            response
        }
        Protocol::Rest => {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{}</Message></Error>",
                escape(message)
            );
            with(*status, "application/xml", body)
        }
    }
}

fn json(status: u16, body: &Value, number: usize) -> Response<Full<Bytes>> {
    let mut response = with(status, "application/x-amz-json-1.1", body.to_string());
    if let Ok(id) = identity::uuid("request", number).parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

fn published(id: &str, number: usize) -> Response<Full<Bytes>> {
    let request = identity::uuid("request", number);
    let body = format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
         <MessageId>{id}</MessageId></PublishResult><ResponseMetadata><RequestId>{request}</RequestId>\
         </ResponseMetadata></PublishResponse>"
    );
    with(200, "text/xml", body)
}

fn object(bytes: Bytes) -> Response<Full<Bytes>> {
    let tag = identity::digest(&bytes);
    let mut response = with(200, "binary/octet-stream", bytes);
    if let Ok(tag) = format!("\"{}\"", &tag["sha256:".len()..][..32]).parse() {
        response.headers_mut().insert("etag", tag);
    }
    response
}

fn with(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::IM_A_TEAPOT);
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(content_type));
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
