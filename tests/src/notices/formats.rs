//! The formats of the fixtures' notices: what Slack gets by the turns that the ledger's state of the message allows, and what
//! the topic's other subscribers get.

use jiff::Timestamp;
use serde_json::Value;
use slipway_core::model::notice::{Notice, NoticeKind};
use slipway_core::rules::message_state::{Main, MessageState, Reply, Subscription, Transport, Turn, Writer};

/// A notice as everybody gets it.
pub(super) struct Formats {
    /// The message that follows the deployment, and what was done with it.
    pub(super) message: Option<(Main, Value)>,
    /// The reply in its thread.
    pub(super) reply: Option<(Reply, Value)>,
    /// The message by an incoming webhook.
    pub(super) webhook: Option<Value>,
    pub(super) subject: String,
    pub(super) email: String,
    pub(super) sms: String,
    pub(super) structured: Value,
    pub(super) custom: Value,
}

impl Formats {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let slack = [self.message.is_some(), self.reply.is_some(), self.webhook.is_some()];
        // E-mail, SMS, the structured notice, Amazon Q.
        slack.into_iter().filter(|it| *it).count() + 4
    }
}

/// The formats of one deployment's notices, which arrive in this order.
pub(super) fn of_scenario(notices: &[Notice]) -> Result<Vec<Formats>, String> {
    let (mut bot, mut webhook) = (MessageState::default(), MessageState::default());
    notices.iter().map(|notice| formats(notice, &mut bot, &mut webhook)).collect()
}

fn formats(notice: &Notice, bot: &mut MessageState, webhook: &mut MessageState) -> Result<Formats, String> {
    let message: Value = serde_json::from_str(&notice.message()).map_err(|error| error.to_string())?;
    let format = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let json = |name: &str| serde_json::from_str(&format(name)).map_err(|error| format!("{name}: {error}"));
    let by_bot = turn(bot, notice, Transport::Bot);
    let (main, reply) = by_bot.map_or((Main::Leave, None), |work| (work.0, work.1));
    let by_webhook = turn(webhook, notice, Transport::Webhook);
    Ok(Formats {
        message: (main != Main::Leave).then(|| (main, slipway_slack::message(notice))),
        reply: reply.map(|reply| (reply, slipway_slack::reply(notice))),
        webhook: by_webhook.map(|_| slipway_slack::full_message(notice)),
        subject: notice.subject(),
        email: format("email"),
        sms: format("sms"),
        structured: json("sqs")?,
        custom: json("https")?,
    })
}

/// What the slack function does with the message, as its record says.
fn turn(living: &mut MessageState, notice: &Notice, way: Transport) -> Option<(Main, Option<Reply>)> {
    if notice.kind == NoticeKind::Undelivered {
        // It says that Slack takes nothing.
        return None;
    }
    let holder = Writer { by: "page".to_owned(), until: Timestamp::MAX };
    let Turn::Ours(work) = living.take(notice, way, Subscription::Yes, holder, notice.at) else { return None };
    match work.main {
        Main::Post => {
            let ts = (way == Transport::Bot).then(|| "1.0".to_owned());
            living.posted(notice, Some("C1".to_owned()), ts, work.reply);
        }
        Main::Edit => living.edited(notice, work.reply),
        Main::Leave => {}
    }
    living.done(notice);
    Some((work.main, work.reply))
}
