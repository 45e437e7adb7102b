//! Brings one notice to one channel: takes the message's turn in the ledger, does what the turn says, and writes down what
//! Slack answered.
//!
//! What Slack answered is written down right after. A function that dies in between may make a message twice: Slack has no
//! idempotent post, and to look for the message would need the right to read the channel. Each message names its notice in
//! its metadata, by which a copy can be told.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use slipway_aws::ledger::note::Place;
use slipway_core::model::notice::Notice;
use slipway_core::rules::message_state::{Main, MessageState, Reply, Subscription, Transport, Turn, Work, Writer};
use tracing::{error, warn};

use crate::api::{Answer, Method};
use crate::blocks;
use crate::pace;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::{Poster, pace::later};

/// Pauses before the tries that follow the first, where Slack is out of order.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// With less time left, no try begins: it may take eight seconds.
const ENOUGH: Duration = Duration::from_secs(10);

/// Longer than any notice is under way: the queue keeps one for two weeks at most.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why a notice was not delivered, without any secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undelivered {
    /// A later try can help.
    Later(String),
    /// No try can help, until a person mends something; Slack's word.
    Never(String),
}

/// A channel that is told, and whether it asked for it.
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
    renewed: Renewed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewed {
    Not,
    Already,
}

/// What came of a request to Slack.
enum Sent {
    Done { channel: Option<String>, ts: Option<String> },
    Gone,
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(poster: &'a Poster, by: &str, until: Timestamp) -> Self {
        Self { poster, by: by.to_owned(), until, stopped: None, closed: HashMap::new(), renewed: Renewed::Not }
    }

    /// Brings the notice, of the queue's message `record`, to a channel.
    pub(crate) async fn bring(&mut self, notice: &Notice, to: &Recipient, record: &str) -> Result<(), Undelivered> {
        let closed = self.stopped.as_ref().or_else(|| self.closed.get(&to.channel));
        if let Some(why @ Undelivered::Later(_)) = closed {
            return Err(why.clone());
        }
        let place = place(notice, &to.channel);
        // Whoever writes the message is done in a second or two, or has died.
        let mut patience = 10;
        let work = loop {
            let turn = self.change(&place, |living| match living.lost.iter().any(|lost| lost == record) {
                // It was put aside; the queue has it again because of another channel.
                true => Turn::Nothing,
                false => living.take(notice, self.poster.settings.way, to.wanted, self.holder(), self.poster.aws.now()),
            });
            match turn.await? {
                (Turn::Nothing, _) => return Ok(()),
                (Turn::Ours(work), living) => break (work, living),
                (Turn::Wait(_), _) if patience > 0 && self.left() > ENOUGH => {
                    patience -= 1;
                    self.poster.aws.clock.sleep(Duration::from_secs(1)).await;
                }
                (Turn::Wait(_), _) => {
                    return Err(Undelivered::Later("another invocation writes the message".to_owned()));
                }
            }
        };
        let done = match closed_for_good(self.stopped.as_ref().or_else(|| self.closed.get(&to.channel))) {
            Some(why) => Err(why),
            None => self.work(notice, &to.channel, &place, work).await,
        };
        match &done {
            Ok(()) => {}
            Err(Undelivered::Later(_)) => {
                if let Err(why) = self.change(&place, MessageState::let_go).await {
                    warn!(?why, "the message's turn ends by itself");
                }
            }
            Err(Undelivered::Never(_)) => _ = self.change(&place, MessageState::let_go).await?,
        }
        done
    }

    /// The notice was put aside for this channel; its record comes no second time.
    pub(crate) async fn lost(&self, notice: &Notice, to: &Recipient, record: &str) -> Result<(), Undelivered> {
        self.change(&place(notice, &to.channel), |living| living.lost(record)).await.map(drop)
    }

    async fn work(
        &mut self,
        notice: &Notice,
        channel: &str,
        place: &Place,
        (work, mut living): (Work, MessageState),
    ) -> Result<(), Undelivered> {
        let last = work.reply.is_none();
        let Work { mut main, mut reply } = work;
        if main == Main::Edit {
            let there = json!({ "channel": living.channel, "ts": living.ts });
            match self.send(channel, Method::Update, notice, blocks::living, &there).await? {
                Sent::Done { .. } => {
                    let edited = |living: &mut MessageState| {
                        living.edited(notice, reply);
                        if last {
                            living.done(notice);
                        }
                    };
                    living = self.change(place, edited).await?.1;
                }
                Sent::Gone => {
                    warn!(notice.id = notice.id, slack.channel = channel, "the message is gone; it is made anew");
                    main = Main::Post;
                    // What is posted tells the channel.
                    reply = reply.map(|_| Reply::Thread);
                }
            }
        }
        if main == Main::Post {
            let (method, show): (_, fn(&Notice) -> Value) = match self.poster.settings.way {
                Transport::Bot => (Method::Post, blocks::living),
                Transport::Webhook => (Method::Webhook, blocks::whole),
            };
            let there = match method {
                Method::Webhook => json!({}),
                _ => json!({ "channel": channel }),
            };
            if let Sent::Done { channel, ts } = self.send(channel, method, notice, show, &there).await? {
                let posted = |living: &mut MessageState| {
                    living.posted(notice, channel.clone(), ts.clone(), reply);
                    if last {
                        living.done(notice);
                    }
                };
                living = self.change(place, posted).await?.1;
            }
        }
        let Some(reply) = reply else { return Ok(()) };
        if living.ts.is_some() {
            let mut there = json!({ "channel": living.channel, "thread_ts": living.ts });
            if reply == Reply::Broadcast {
                there["reply_broadcast"] = Value::Bool(true);
            }
            if let Sent::Gone = self.send(channel, Method::Post, notice, blocks::reply, &there).await? {
                warn!(notice.id = notice.id, slack.channel = channel, "the thread is gone; there is no reply");
            }
        }
        self.change(place, |living| living.done(notice)).await.map(drop)
    }

    /// Asks Slack until it did it, or until there is no use in asking.
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
                return Err(self.stop(Undelivered::Later("the function's time ended".to_owned())));
            }
            let pause = match self.poster.api.ask(method, &secret, &body).await {
                Answer::Done { channel, ts } => return Ok(Sent::Done { channel, ts }),
                Answer::Busy(pause) => {
                    // The other invocations hold off as well. This one does by the same second of the channel.
                    self.ledger(pace::pause(&self.poster.aws, channel, pause).await)?;
                    Duration::ZERO
                }
                Answer::Away(why) => match pauses.next() {
                    Some(pause) => pause,
                    None => return Err(self.stop(Undelivered::Later(why))),
                },
                // A layout that Slack does not like must not cost the notice.
                Answer::Refused { refusal: Refusal::Layout, word } if !simplified => {
                    error!(notice.id = notice.id, word, "Slack refused the layout; it gets the text alone");
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
        match self.ledger(pace::take(&self.poster.aws, channel, &self.by, longest).await)? {
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
        if self.renewed == Renewed::Already {
            return Ok(false);
        }
        self.renewed = Renewed::Already;
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
        self.ledger(self.poster.aws.ledger.change_note(place, until, change).await)
    }

    /// Without the ledger nobody knows what was posted, so nothing is.
    fn ledger<T>(&self, answer: Result<T, slipway_aws::Error>) -> Result<T, Undelivered> {
        answer.map_err(|error| Undelivered::Later(error.to_string()))
    }

    /// A turn outlives the invocation by a little, as the calls that it began do.
    fn holder(&self) -> Writer {
        Writer { by: self.by.clone(), until: later(self.until, SignedDuration::from_secs(15)) }
    }

    /// What cannot be had now cannot be had for the rest of the batch either.
    fn stop(&mut self, why: Undelivered) -> Undelivered {
        self.stopped = Some(why.clone());
        why
    }

    fn left(&self) -> Duration {
        Duration::try_from(self.until.duration_since(self.poster.aws.now())).unwrap_or_default()
    }
}

fn closed_for_good(why: Option<&Undelivered>) -> Option<Undelivered> {
    why.filter(|why| matches!(why, Undelivered::Never(_))).cloned()
}

fn place(notice: &Notice, channel: &str) -> Place {
    let target = notice.target.as_ref().map_or("slack", |target| target.as_str());
    Place::new(target, format!("slack#{channel}#{}", notice.thread()))
}

/// A layout with where it goes, and with the notice's id for whoever looks for copies.
fn addressed(layout: Value, there: &Value, notice: &Notice, method: Method) -> Value {
    let mut body = layout;
    if let (Some(body), Some(there)) = (body.as_object_mut(), there.as_object()) {
        body.extend(there.clone());
        if method != Method::Webhook {
            let payload = json!({ "notice": blocks::cut(&notice.id, 200), "kind": notice.kind.as_str() });
            body.insert("metadata".to_owned(), json!({ "event_type": "slipway_notice", "event_payload": payload }));
            body.insert("unfurl_links".to_owned(), Value::Bool(false));
        }
    }
    if method == Method::Update
        && let Some(body) = body.as_object_mut()
    {
        body.remove("unfurl_links");
    }
    body
}
