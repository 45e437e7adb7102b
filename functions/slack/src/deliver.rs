//! Delivers the notices of one batch, one after another: waits where Slack asks for it, as long as the time allows,
//! tries again what may pass, and gives back to the queue what does not.

use std::time::Duration;

use slipway_core::notice::Notice;
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use crate::blocks::{payload, plain};
use crate::webhook::{Answer, Webhook};

/// Pauses before the tries that follow the first, where Slack is out of order.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// With less time left, no try begins: it may take eight seconds.
const ENOUGH: Duration = Duration::from_secs(10);

/// Why a notice was not posted, without the webhook's address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Undelivered(pub(crate) String);

/// The delivery of one batch.
pub(crate) struct Delivery<'a, A> {
    webhook: &'a Webhook,
    /// Reads the webhook's address.
    address: A,
    until: Instant,
    /// Why no later notice of the batch needs to be tried.
    stopped: Option<String>,
    renewed: Renewed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewed {
    Not,
    Already,
}

/// What to do after an answer.
enum Next {
    Done,
    Pause(Duration),
    GiveUp(String),
    Stop(String),
}

impl<'a, A: AsyncFn() -> Result<String, String>> Delivery<'a, A> {
    pub(crate) fn new(webhook: &'a Webhook, address: A, until: Instant) -> Self {
        Self { webhook, address, until, stopped: None, renewed: Renewed::Not }
    }

    /// Posts a notice, or says why not.
    pub(crate) async fn post(&mut self, notice: &Notice) -> Result<(), Undelivered> {
        if let Some(why) = &self.stopped {
            return Err(Undelivered(why.clone()));
        }
        let mut message = payload(notice).to_string();
        let mut simplified = false;
        let mut pauses = PAUSES.into_iter();
        loop {
            let address = self.current().await?;
            if self.left() < ENOUGH {
                return Err(self.stop("the function's time ended"));
            }
            let next = match self.webhook.post(&address, message.clone()).await {
                Answer::Posted => Next::Done,
                Answer::Busy(pause) => Next::Pause(pause),
                Answer::Away(why) => match pauses.next() {
                    Some(pause) => Next::Pause(pause),
                    None => Next::Stop(why),
                },
                // A layout that Slack does not like must not cost the notice.
                Answer::Refused { status: 400, words } if !simplified => {
                    error!(notice.id = notice.id, words, "Slack refused the layout; it gets the text alone");
                    message = plain(notice).to_string();
                    simplified = true;
                    continue;
                }
                Answer::Refused { status: 400, words } => Next::GiveUp(format!("HTTP 400, {words}")),
                Answer::Refused { status, words } => match self.renew(&address).await {
                    true => continue,
                    false => Next::Stop(format!("Slack refuses the webhook: HTTP {status}, {words}")),
                },
            };
            match next {
                Next::Done => return Ok(()),
                Next::Pause(pause) if pause < self.left() => sleep(pause).await,
                Next::Pause(pause) => {
                    return Err(self.stop(&format!("Slack takes nothing for {} s", pause.as_secs())));
                }
                Next::GiveUp(why) => return Err(Undelivered(why)),
                Next::Stop(why) => return Err(self.stop(&why)),
            }
        }
    }

    async fn current(&mut self) -> Result<String, Undelivered> {
        if let Some(address) = self.webhook.address() {
            return Ok(address);
        }
        match (self.address)().await {
            Ok(address) => {
                self.webhook.set(&address);
                self.renewed = Renewed::Already;
                Ok(address.trim().to_owned())
            }
            Err(why) => Err(self.stop(&format!("the webhook's address could not be read: {why}"))),
        }
    }

    /// Reads the address again, once in a batch: it may have been replaced. Says whether there is another one now.
    async fn renew(&mut self, refused: &str) -> bool {
        if self.renewed == Renewed::Already {
            return false;
        }
        self.renewed = Renewed::Already;
        match (self.address)().await {
            Ok(address) => {
                self.webhook.set(&address);
                address.trim() != refused
            }
            Err(why) => {
                warn!(why, "the webhook's address could not be read again");
                false
            }
        }
    }

    /// What cannot be had now cannot be had for the rest of the batch either.
    fn stop(&mut self, why: &str) -> Undelivered {
        self.stopped = Some(why.to_owned());
        Undelivered(why.to_owned())
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests;
