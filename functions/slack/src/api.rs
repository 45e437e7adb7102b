//! The calls that leave AWS: Slack's Web API, and its incoming webhooks, over the same connector as those of the SDK.
//!
//! Nothing here logs, and no answer names the token or the webhook's address.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;
use slipway_aws::https;
use tokio::time::timeout;

use crate::refusal::Refusal;
use crate::secret::Secret;

/// Slack answers within a second or two.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Without a Retry-After, Slack's limit of a message a second and channel.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// The client of Slack's API.
#[derive(Debug)]
pub(crate) struct Api {
    connector: SharedHttpConnector,
    url: String,
}

/// What is asked of Slack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `chat.postMessage`
    Post,
    /// `chat.update`
    Update,
    /// A post to the incoming webhook, whose address is the secret.
    Webhook,
}

/// What Slack answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done; where the message is, if Slack says so.
    Done { channel: Option<String>, ts: Option<String> },
    /// It takes no more for so long.
    Busy(Duration),
    /// It won't do this; its error, `is_archived`.
    Refused { word: String, refusal: Refusal },
    /// It is not available, or not reachable.
    Away(String),
}

impl Api {
    pub(crate) fn new(url: &str) -> Self {
        Self { connector: https::connector(), url: url.to_owned() }
    }

    /// Asks Slack once.
    pub(crate) async fn ask(&self, method: Method, secret: &Secret, body: &Value) -> Answer {
        let Ok(request) = self.request(method, secret, body) else {
            // The error would name the address, or the token.
            return Answer::Refused { word: "invalid_token".to_owned(), refusal: Refusal::Secret };
        };
        let exchange = async {
            let response = match self.connector.call(request).await {
                Ok(response) => response,
                // Its text may name the address.
                Err(error) if error.is_timeout() => return Answer::Away("the connection timed out".to_owned()),
                Err(error) if error.is_io() => return Answer::Away("no connection".to_owned()),
                Err(_) => return Answer::Away("the request could not be sent".to_owned()),
            };
            let status = response.status().as_u16();
            match (method, status) {
                (_, 429) => Answer::Busy(pause(&response)),
                (_, 500..) => Answer::Away(format!("HTTP {status}")),
                (Method::Webhook, 200..300) => Answer::Done { channel: None, ts: None },
                (Method::Webhook, _) => of_webhook(status, text(response).await.trim()),
                (Method::Post | Method::Update, _) => of_web_api(status, pause(&response), &text(response).await),
            }
        };
        match timeout(LONGEST_WAIT, exchange).await {
            Ok(answer) => answer,
            Err(_) => Answer::Away(format!("no answer within {} s", LONGEST_WAIT.as_secs())),
        }
    }

    fn request(&self, method: Method, secret: &Secret, body: &Value) -> Result<HttpRequest, ()> {
        let mut request = HttpRequest::new(SdkBody::from(body.to_string()));
        request.set_method("POST").map_err(drop)?;
        match method {
            Method::Post => request.set_uri(format!("{}/chat.postMessage", self.url)).map_err(drop)?,
            Method::Update => request.set_uri(format!("{}/chat.update", self.url)).map_err(drop)?,
            Method::Webhook => request.set_uri(secret.expose()).map_err(drop)?,
        }
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json; charset=utf-8");
        if method != Method::Webhook {
            headers.try_insert("authorization", format!("Bearer {}", secret.expose())).map_err(drop)?;
        }
        Ok(request)
    }
}

/// The Web API answers 200 to whatever it understood; the body says whether it did it.
fn of_web_api(status: u16, pause: Duration, body: &str) -> Answer {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let member = |name: &str| body[name].as_str().map(str::to_owned);
    if body["ok"] == Value::Bool(true) {
        return Answer::Done { channel: member("channel"), ts: member("ts") };
    }
    match member("error") {
        Some(word) if matches!(word.as_str(), "ratelimited" | "rate_limited") => Answer::Busy(pause),
        Some(word) => match Refusal::of(&word) {
            Some(refusal) => Answer::Refused { word, refusal },
            None => Answer::Away(word),
        },
        // A proxy's page, or half an answer.
        None => Answer::Away(format!("HTTP {status} without Slack's answer")),
    }
}

/// A webhook refuses with a status, and a word in the body.
fn of_webhook(status: u16, body: &str) -> Answer {
    let is_word = !body.is_empty() && body.len() <= 50 && !body.contains(['<', ' ']);
    let word = if is_word { body.to_owned() } else { format!("HTTP {status}") };
    Answer::Refused { word, refusal: if status == 400 { Refusal::Layout } else { Refusal::Secret } }
}

fn pause(response: &HttpResponse) -> Duration {
    let seconds = response.headers().get("retry-after").and_then(|seconds| seconds.trim().parse().ok());
    seconds.map_or(USUAL_PAUSE, Duration::from_secs)
}

async fn text(response: HttpResponse) -> String {
    match ByteStream::new(response.into_body()).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.into_bytes()).into_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_answer_names_the_secret() {
        let secret = |text: &str| {
            let keeper = crate::secret::Secret::of(text);
            assert!(!format!("{keeper:?}").contains("secret"));
            keeper
        };
        let api = Api::new("http://127.0.0.1:1");
        for (method, value) in [
            (Method::Webhook, "http://127.0.0.1:1/services/T/B/secret"),
            (Method::Webhook, "no url at all secret"),
            (Method::Webhook, "ftp://127.0.0.1:1/secret"),
            (Method::Post, "xoxb-secret"),
            (Method::Update, "xoxb-\u{1}secret"),
        ] {
            let answer = api.ask(method, &secret(value), &Value::Null).await;
            assert!(!matches!(answer, Answer::Done { .. }), "{method:?}");
            assert!(!format!("{answer:?} {api:?}").contains("secret"), "{answer:?}");
        }
    }
}
