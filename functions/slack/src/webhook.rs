//! The one call that leaves AWS: a POST to Slack's incoming webhook, over the same way out as those of the SDK.
//!
//! The URL is the secret. It is kept here, goes into the request, and into nothing that is logged.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use slipway_aws::https;
use tokio::time::timeout;

/// Slack answers within a second or two.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Without a Retry-After, Slack's limit of a message a second and channel.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Webhook {
    connector: SharedHttpConnector,
    address: Mutex<Option<String>>,
}

/// What Slack answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It took the message.
    Posted,
    /// It takes no more messages for so long.
    Busy(Duration),
    /// It won't take this message, or any by this address; its words.
    Refused { status: u16, words: String },
    /// It, or the way to it, is out of order.
    Away(String),
}

impl Webhook {
    /// Knows no address yet.
    pub(crate) fn new() -> Self {
        Self { connector: https::connector(), address: Mutex::default() }
    }

    /// Uses this address from now on.
    pub(crate) fn set(&self, address: &str) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.trim().to_owned());
    }

    /// The address in use, if one was read yet.
    pub(crate) fn address(&self) -> Option<String> {
        self.address.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Posts a payload to an address.
    pub(crate) async fn post(&self, address: &str, payload: String) -> Answer {
        let mut request = HttpRequest::new(SdkBody::from(payload));
        let built = request.set_method("POST").and_then(|_| request.set_uri(address));
        if built.is_err() {
            // The error would name the address.
            return Answer::Refused { status: 0, words: "the webhook's address is not a URL".to_owned() };
        }
        request.headers_mut().insert("content-type", "application/json; charset=utf-8");
        match timeout(LONGEST_WAIT, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Answer::Away(format!("no answer within {} s", LONGEST_WAIT.as_secs())),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Answer {
        let response = match self.connector.call(request).await {
            Ok(response) => response,
            // Its text may name the address.
            Err(error) if error.is_timeout() => return Answer::Away("the connection timed out".to_owned()),
            Err(error) if error.is_io() => return Answer::Away("no connection".to_owned()),
            Err(_) => return Answer::Away("the request could not be sent".to_owned()),
        };
        match response.status().as_u16() {
            200..300 => Answer::Posted,
            429 => Answer::Busy(pause(&response)),
            status @ 500.. => Answer::Away(format!("HTTP {status}")),
            status => Answer::Refused { status, words: words(response).await },
        }
    }
}

/// Never shows the address.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

fn pause(response: &HttpResponse) -> Duration {
    let seconds = response.headers().get("retry-after").and_then(|seconds| seconds.trim().parse().ok());
    seconds.map_or(USUAL_PAUSE, Duration::from_secs)
}

/// Slack explains a refusal in a word, such as `invalid_payload` or `no_service`.
async fn words(response: HttpResponse) -> String {
    const MOST: usize = 200;
    match ByteStream::new(response.into_body()).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.into_bytes()).trim().chars().take(MOST).collect(),
        Err(_) => String::new(),
    }
}
