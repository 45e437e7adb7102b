//! Delivers one notice to one channel: takes the message's turn in the table, does what the turn says, and records at once
//! what Slack answered.
//!
//! A function that dies before it recorded that may make a message twice: Slack has no idempotent post, and to look for the
//! message would need the right to read the channel. Each message names its notice in its metadata, which shows a copy.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use slipway_aws::ledger::note::Place;
use slipway_core::model::notice::Notice;
use slipway_core::rules::message_state::{Main, MessageState, Reply, Subscription, Transport, Turn, Work, Writer};
use slipway_core::text::notice::shorten;
use tracing::{error, warn};

use crate::api::{Answer, Method};
use crate::pace::{self, later};
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::{Poster, blocks};

/// Pauses before the tries that follow the first, where Slack is not available.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// With less time left, no try begins: it may take eight seconds.
const ENOUGH: Duration = Duration::from_secs(10);

/// Longer than any notice waits: the queue keeps one for two weeks at most.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why a notice was not delivered, without any secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// A later try can help.
    Later(String),
    /// No try can help, until a person fixes something; Slack's error.
    Never(String),
}

/// Without the table nobody knows what was posted, so nothing is.
impl From<slipway_aws::Error> for Undelivered {
    fn from(error: slipway_aws::Error) -> Self {
        Self::Later(error.to_string())
    }
}

/// A channel that gets the notice, and whether it subscribed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) channel: String,
    pub(crate) wanted: Subscription,
}

/// The delivery of one batch.
pub(crate) struct Delivery<'a> {
    poster: &'a Poster,
    /// The invocation, which holds the turns.
    by: String,
    until: Timestamp,
    /// Why nothing more of the batch needs to be tried.
    stopped: Option<Undelivered>,
    /// Why nothing more needs to be tried in a channel.
    closed: HashMap<String, Undelivered>,
    /// Whether the secret was read again.
    renewed: bool,
}

/// What came of a request to Slack.
enum Sent {
    Done { channel: Option<String>, ts: Option<String> },
    Gone,
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(poster: &'a Poster, by: &str, until: Timestamp) -> Self {
        Self { poster, by: by.to_owned(), until, stopped: None, closed: HashMap::new(), renewed: false }
    }

    /// Delivers the notice, of the queue's message `record`, to a channel.
    pub(crate) async fn deliver(&mut self, notice: &Notice, to: &Recipient, record: &str) -> Result<(), Undelivered> {
        let closed = self.stopped.as_ref().or_else(|| self.closed.get(&to.channel)).cloned();
        if let Some(why @ Undelivered::Later(_)) = closed {
            return Err(why);
        }
        let place = place(notice, &to.channel);
        // The invocation that writes the message is done in a second or two, or has died.
        let mut tries = 10;
        let (work, state) = loop {
            let turn = self.change(&place, |state| match state.lost.iter().any(|lost| lost == record) {
                // It is in the dead-letter queue; the queue has it again because of another channel.
                true => Turn::Nothing,
                false => {
                    let (transport, now) = (self.poster.settings.transport, self.poster.aws.now());
                    state.take(notice, transport, to.wanted, self.holder(), now)
                }
            });
            match turn.await? {
                (Turn::Nothing, _) => return Ok(()),
                (Turn::Ours(work), state) => break (work, state),
                (Turn::Wait(_), _) if tries > 0 && self.left() > ENOUGH => {
                    tries -= 1;
                    self.poster.aws.clock.sleep(Duration::from_secs(1)).await;
                }
                (Turn::Wait(_), _) => {
                    return Err(Undelivered::Later("another invocation writes the message".to_owned()));
                }
            }
        };
        let done = match closed {
            Some(never) => Err(never),
            None => self.work(notice, &to.channel, &place, work, state).await,
        };
        match &done {
            Ok(()) => {}
            Err(Undelivered::Later(_)) => {
                if let Err(why) = self.change(&place, MessageState::let_go).await {
                    warn!(?why, "the message's turn was not ended; it ends when its time is over");
                }
            }
            Err(Undelivered::Never(_)) => _ = self.change(&place, MessageState::let_go).await?,
        }
        done
    }

    /// The notice is in the dead-letter queue for this channel; a second delivery of its record does nothing.
    pub(crate) async fn lost(&self, notice: &Notice, to: &Recipient, record: &str) -> Result<(), Undelivered> {
        self.change(&place(notice, &to.channel), |state| state.lost(record)).await.map(drop)
    }

    async fn work(
        &mut self,
        notice: &Notice,
        channel: &str,
        place: &Place,
        Work { mut main, mut reply }: Work,
        mut state: MessageState,
    ) -> Result<(), Undelivered> {
        let last = reply.is_none();
        if main == Main::Edit {
            let there = json!({ "channel": state.channel, "ts": state.ts });
            match self.send(channel, Method::Update, notice, blocks::message, &there).await? {
                Sent::Done { .. } => {
                    let edited = |state: &mut MessageState| {
                        state.edited(notice, reply);
                        if last {
                            state.done(notice);
                        }
                    };
                    state = self.change(place, edited).await?.1;
                }
                Sent::Gone => {
                    warn!(notice.id = notice.id, slack.channel = channel, "the message is gone; it is posted again");
                    main = Main::Post;
                    // The post itself reaches the whole channel.
                    reply = reply.map(|_| Reply::Thread);
                }
            }
        }
        if main == Main::Post {
            let (method, show, there): (_, fn(&Notice) -> Value, _) = match self.poster.settings.transport {
                Transport::Bot => (Method::Post, blocks::message, json!({ "channel": channel })),
                Transport::Webhook => (Method::Webhook, blocks::full_message, json!({})),
            };
            if let Sent::Done { channel, ts } = self.send(channel, method, notice, show, &there).await? {
                let posted = |state: &mut MessageState| {
                    state.posted(notice, channel.clone(), ts.clone(), reply);
                    if last {
                        state.done(notice);
                    }
                };
                state = self.change(place, posted).await?.1;
            }
        }
        let Some(reply) = reply else { return Ok(()) };
        if state.ts.is_some() {
            let mut there = json!({ "channel": state.channel, "thread_ts": state.ts });
            if reply == Reply::Broadcast {
                there["reply_broadcast"] = Value::Bool(true);
            }
            if let Sent::Gone = self.send(channel, Method::Post, notice, blocks::reply, &there).await? {
                warn!(notice.id = notice.id, slack.channel = channel, "the thread is gone; there is no reply");
            }
        }
        self.change(place, |state| state.done(notice)).await.map(drop)
    }

    /// Sends until Slack has done it, or until another try cannot help.
    async fn send(
        &mut self,
        channel: &str,
        method: Method,
        notice: &Notice,
        show: fn(&Notice) -> Value,
        there: &Value,
    ) -> Result<Sent, Undelivered> {
        let mut body = addressed(show(notice), there, notice, method);
        let mut simplified = false;
        let mut pauses = PAUSES.into_iter();
        loop {
            let secret = self.secret().await?;
            self.keep_pace(channel).await?;
            if self.left() < ENOUGH {
                return Err(self.stop(Undelivered::Later("the function ran out of time".to_owned())));
            }
            let pause = match self.poster.api.ask(method, &secret, &body).await {
                Answer::Done { channel, ts } => return Ok(Sent::Done { channel, ts }),
                Answer::Busy(pause) => {
                    // The other invocations hold off as well. This one does by the same second of the channel.
                    pace::pause(&self.poster.aws, channel, pause).await?;
                    Duration::ZERO
                }
                Answer::Away(why) => match pauses.next() {
                    Some(pause) => pause,
                    None => return Err(self.stop(Undelivered::Later(why))),
                },
                // A layout that Slack rejects must not cost the notice.
                Answer::Refused { refusal: Refusal::Layout, word } if !simplified => {
                    error!(notice.id = notice.id, word, "Slack rejected the layout; it gets the text alone");
                    body = addressed(blocks::plain(notice), there, notice, Method::Webhook);
                    simplified = true;
                    Duration::ZERO
                }
                Answer::Refused { refusal: Refusal::Layout, word } => return Err(Undelivered::Never(word)),
                Answer::Refused { refusal: Refusal::Gone, .. } => return Ok(Sent::Gone),
                Answer::Refused { refusal: Refusal::Permanent, word } => {
                    let never = Undelivered::Never(word);
                    self.closed.insert(channel.to_owned(), never.clone());
                    return Err(never);
                }
                Answer::Refused { refusal: Refusal::Secret, word } => {
                    if !self.renew(&secret).await? {
                        return Err(self.stop(Undelivered::Never(word)));
                    }
                    Duration::ZERO
                }
            };
            self.poster.aws.clock.sleep(pause).await;
        }
    }

    /// Waits for the channel's next second, if it comes in time.
    async fn keep_pace(&mut self, channel: &str) -> Result<(), Undelivered> {
        let longest = self.left().saturating_sub(ENOUGH);
        match pace::take(&self.poster.aws, channel, &self.by, longest).await? {
            Ok(wait) => {
                self.poster.aws.clock.sleep(wait).await;
                Ok(())
            }
            Err(wait) => {
                let why = Undelivered::Later(format!("the channel's next free second is {} s away", wait.as_secs()));
                self.closed.insert(channel.to_owned(), why.clone());
                Err(why)
            }
        }
    }

    async fn secret(&mut self) -> Result<Secret, Undelivered> {
        let (poster, parameter) = (self.poster, &self.poster.settings.parameter);
        match poster.secret.current(&poster.aws, parameter).await {
            Ok(secret) => Ok(secret),
            Err(why) => Err(self.stop(Undelivered::Later(format!("Slack's secret could not be read: {why}")))),
        }
    }

    /// Reads the secret again, once in a batch: it may have been replaced. Says whether there is another one now.
    async fn renew(&mut self, refused: &Secret) -> Result<bool, Undelivered> {
        if std::mem::replace(&mut self.renewed, true) {
            return Ok(false);
        }
        match self.poster.secret.read(&self.poster.aws, &self.poster.settings.parameter).await {
            Ok(secret) => Ok(secret != *refused),
            Err(why) => Err(self.stop(Undelivered::Later(format!("Slack's secret could not be read again: {why}")))),
        }
    }

    async fn change<T>(
        &self,
        place: &Place,
        change: impl FnMut(&mut MessageState) -> T,
    ) -> Result<(T, MessageState), Undelivered> {
        let until = later(self.poster.aws.now(), KEPT);
        Ok(self.poster.aws.ledger.change_note(place, until, change).await?)
    }

    /// A turn outlives the invocation by a little, as the calls that it began do.
    fn holder(&self) -> Writer {
        Writer { by: self.by.clone(), until: later(self.until, SignedDuration::from_secs(15)) }
    }

    /// What fails now would fail for the rest of the batch too.
    fn stop(&mut self, why: Undelivered) -> Undelivered {
        self.stopped = Some(why.clone());
        why
    }

    fn left(&self) -> Duration {
        Duration::try_from(self.until.duration_since(self.poster.aws.now())).unwrap_or_default()
    }
}

fn place(notice: &Notice, channel: &str) -> Place {
    let target = notice.target.as_ref().map_or("slack", |target| target.as_str());
    Place::new(target, format!("slack#{channel}#{}", notice.thread()))
}

/// A layout with where it goes, and with the notice's id, which shows copies.
fn addressed(mut layout: Value, there: &Value, notice: &Notice, method: Method) -> Value {
    for (name, value) in there.as_object().into_iter().flatten() {
        layout[name] = value.clone();
    }
    if method != Method::Webhook {
        let payload = json!({ "notice": shorten(&notice.id, 200), "kind": notice.kind.as_str() });
        layout["metadata"] = json!({ "event_type": "slipway_notice", "event_payload": payload });
    }
    if method == Method::Post {
        layout["unfurl_links"] = Value::Bool(false);
    }
    layout
}
