//! A fake Slack on a free port answers what it is told to; the delivery has to cope.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

type Script = Arc<Mutex<Slack>>;

#[derive(Default)]
struct Slack {
    answers: VecDeque<(u16, &'static str, Option<&'static str>)>,
    posted: Vec<Value>,
}

/// Answers by the script, then with 200. It ends with the test.
struct Server {
    address: String,
    slack: Script,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(answers: &[(u16, &'static str, Option<&'static str>)]) -> Self {
        let slack = Script::default();
        slack.lock().unwrap().answers = answers.iter().copied().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/services/T/B/secret", listener.local_addr().unwrap());
        let router = Router::new().route("/services/T/B/secret", post(answer)).with_state(slack.clone());
        let running = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, slack, running }
    }

    fn posted(&self) -> Vec<Value> {
        self.slack.lock().unwrap().posted.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn answer(State(slack): State<Script>, body: String) -> (StatusCode, HeaderMap, &'static str) {
    let mut slack = slack.lock().unwrap();
    slack.posted.push(serde_json::from_str(&body).unwrap());
    let (status, words, retry_after) = slack.answers.pop_front().unwrap_or((200, "ok", None));
    let mut headers = HeaderMap::new();
    if let Some(seconds) = retry_after {
        headers.insert("retry-after", seconds.parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers, words)
}

fn notice(headline: &str) -> Notice {
    Notice { id: headline.to_owned(), headline: headline.to_owned(), ..Notice::default() }
}

/// Posts two notices; says what became of each.
async fn deliver(webhook: &Webhook, address: impl AsyncFn() -> Result<String, String>, left: Duration) -> [String; 2] {
    let mut delivery = Delivery::new(webhook, address, Instant::now() + left);
    let mut results = Vec::new();
    for headline in ["first", "second"] {
        results.push(match delivery.post(&notice(headline)).await {
            Ok(()) => "posted".to_owned(),
            Err(Undelivered(why)) => why,
        });
    }
    results.try_into().unwrap()
}

#[track_caller]
fn texts(server: &Server) -> Vec<String> {
    server.posted().iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// What becomes of two notices while Slack answers so.
async fn against(answers: &[(u16, &'static str, Option<&'static str>)]) -> ([String; 2], Vec<String>) {
    let server = Server::start(answers).await;
    let webhook = Webhook::new();
    let outcome = deliver(&webhook, async || Ok(server.address.clone()), Duration::from_secs(60)).await;
    (outcome, texts(&server))
}

#[tokio::test]
async fn notices_are_posted_in_order() {
    let (outcome, texts) = against(&[]).await;
    assert_eq!(outcome, ["posted", "posted"]);
    assert_eq!(texts, ["ℹ️ first", "ℹ️ second"]);
}

#[tokio::test]
async fn a_busy_slack_is_waited_for() {
    let (outcome, texts) = against(&[(429, "rate_limited", Some("0")), (429, "rate_limited", Some("1"))]).await;
    assert_eq!(outcome, ["posted", "posted"]);
    assert_eq!(texts, ["ℹ️ first", "ℹ️ first", "ℹ️ first", "ℹ️ second"]);
}

#[tokio::test]
async fn a_slack_that_is_busy_for_long_gets_the_rest_later() {
    let (outcome, texts) = against(&[(200, "ok", None), (429, "rate_limited", Some("3600"))]).await;
    assert_eq!(outcome, ["posted", "Slack takes nothing for 3600 s"]);
    assert_eq!(texts.len(), 2);
}

#[tokio::test]
async fn a_slack_out_of_order_is_tried_again_and_then_left_alone() {
    let (outcome, texts) = against(&[(503, "", None)]).await;
    assert_eq!(outcome, ["posted", "posted"]);
    assert_eq!(texts.len(), 3);

    let (outcome, texts) = against(&[(503, "", None), (500, "", None), (502, "", None)]).await;
    assert_eq!(outcome, ["HTTP 502", "HTTP 502"]);
    assert_eq!(texts.len(), 3);
}

#[tokio::test]
async fn a_refused_layout_costs_only_the_layout() {
    let server = Server::start(&[(400, "invalid_blocks", None)]).await;
    let webhook = Webhook::new();
    let outcome = deliver(&webhook, async || Ok(server.address.clone()), Duration::from_secs(60)).await;
    assert_eq!(outcome, ["posted", "posted"]);
    assert!(server.posted()[0]["blocks"].is_array() && server.posted()[1]["blocks"].is_null());

    let (outcome, _) = against(&[(400, "invalid_payload", None), (400, "no_text", None)]).await;
    assert_eq!(outcome, ["HTTP 400, no_text", "posted"]);
}

#[tokio::test]
async fn a_replaced_webhook_is_read_again_once() {
    let (old, new) = (Server::start(&[(404, "no_service", None)]).await, Server::start(&[]).await);
    let webhook = Webhook::new();
    webhook.set(&old.address);
    let reads = Cell::new(0);
    let read = async || {
        reads.set(reads.get() + 1);
        Ok(new.address.clone())
    };
    assert_eq!(deliver(&webhook, read, Duration::from_secs(60)).await, ["posted", "posted"]);
    assert_eq!((reads.get(), texts(&old).len(), texts(&new).len()), (1, 1, 2));
}

#[tokio::test]
async fn a_webhook_that_is_gone_stops_the_batch() {
    let server = Server::start(&[(410, "channel_is_archived", None)]).await;
    let webhook = Webhook::new();
    webhook.set(&server.address);
    let gone = "Slack refuses the webhook: HTTP 410, channel_is_archived";
    let outcome = deliver(&webhook, async || Ok(server.address.clone()), Duration::from_secs(60)).await;
    assert_eq!(outcome, [gone, gone]);
    assert_eq!(server.posted().len(), 1);
}

#[tokio::test]
async fn without_an_address_or_time_everything_goes_back() {
    let webhook = Webhook::new();
    let unread =
        deliver(&webhook, async || Err("SSM.GetParameter /x: denied".to_owned()), Duration::from_secs(60)).await;
    let why = "the webhook's address could not be read: SSM.GetParameter /x: denied";
    assert_eq!(unread, [why, why]);

    let server = Server::start(&[]).await;
    let late = deliver(&webhook, async || Ok(server.address.clone()), Duration::from_secs(3)).await;
    assert_eq!(late, ["the function's time ended", "the function's time ended"]);
    assert_eq!(server.posted().len(), 0);
}

#[tokio::test]
async fn no_answer_names_the_address() {
    let webhook = Webhook::new();
    for address in ["http://127.0.0.1:1/services/T/B/secret", "no url at all secret", "ftp://127.0.0.1:1/secret"] {
        let answer = webhook.post(address, "{}".to_owned()).await;
        assert!(!matches!(answer, Answer::Posted), "{address}");
        assert!(!format!("{answer:?} {webhook:?}").contains("secret"), "{answer:?}");
    }
}
