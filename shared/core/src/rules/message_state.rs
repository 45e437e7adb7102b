//! A deployment's message in one Slack channel: what is known of it, and what the next notice does to it.
//!
//! Notices come in any order, twice, or after the end. The message only moves forward, by the notice's rank and time,
//! never by the order of a queue.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::lenient;
use crate::model::notice::{Notice, NoticeKind, Severity};

/// So many lines of a notice's details are shown in a message; the thread and the e-mail have more.
pub const GLANCE: usize = 8;

/// So many notices are kept of one message; a deployment has fewer.
const KEPT: usize = 30;

/// What is known of a message.
///
/// The turn is taken before Slack is called, and Slack's answer is recorded at once. A function that dies between the two may
/// post the same message twice; no notice is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageState {
    /// The channel's id, by which Slack takes edits.
    #[serde(deserialize_with = "lenient::or_default")]
    pub channel: Option<String>,
    /// The message's id in the channel.
    #[serde(deserialize_with = "lenient::or_default")]
    pub ts: Option<String>,
    /// The notice that it shows.
    #[serde(deserialize_with = "lenient::or_default")]
    pub shown: Option<ShownNotice>,
    /// The reply that is still missing in the thread.
    #[serde(deserialize_with = "lenient::or_default")]
    pub pending_reply: Option<PendingReply>,
    /// The rank of the failure that was broadcast to the whole channel.
    #[serde(deserialize_with = "lenient::or_default")]
    pub broadcast: Option<u8>,
    /// The notices that are handled, newest first.
    #[serde(deserialize_with = "lenient::items")]
    pub handled: Vec<String>,
    /// The queue's messages that were put aside because Slack refused them, newest first.
    #[serde(deserialize_with = "lenient::items")]
    pub lost: Vec<String>,
    /// Who writes now.
    #[serde(deserialize_with = "lenient::or_default")]
    pub turn: Option<Writer>,
}

/// The notice that a message shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownNotice {
    /// Its id.
    pub id: String,
    /// How far the deployment had come.
    pub rank: u8,
    /// When.
    pub at: Timestamp,
}

/// A reply that is still to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingReply {
    /// The notice that it is about.
    pub id: String,
    /// How.
    pub reply: Reply,
}

/// Who writes a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The invocation.
    pub by: String,
    /// Its turn ends then, should it die.
    pub until: Timestamp,
}

/// How a channel is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By a bot, which can edit and reply.
    Bot,
    /// By an incoming webhook, which can only post.
    Webhook,
}

/// Whether a channel gets a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// It subscribed to it.
    Yes,
    /// It did not, but a message that is there already is kept up to date.
    IfThere,
}

/// What a notice changes in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it is handled, or not subscribed to.
    Nothing,
    /// Another invocation writes the message; at the latest until then.
    Wait(Timestamp),
    /// The turn is ours.
    Ours(Work),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// With the message itself.
    pub main: Main,
    /// In its thread, after that.
    pub reply: Option<Reply>,
}

/// What is done with the message itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Main {
    /// It shows something newer, or this already.
    Leave,
    /// It is made.
    Post,
    /// It is made to show this.
    Edit,
}

/// A reply in the message's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Who follows the thread sees it.
    Thread,
    /// The whole channel sees it.
    Broadcast,
}

impl MessageState {
    /// Takes the turn for a notice, if there is something to do.
    pub fn take(
        &mut self,
        notice: &Notice,
        transport: Transport,
        subscription: Subscription,
        holder: Writer,
        now: Timestamp,
    ) -> Turn {
        if self.handled.contains(&notice.id) || (subscription == Subscription::IfThere && self.shown.is_none()) {
            return Turn::Nothing;
        }
        if let Some(other) = self.turn.as_ref().filter(|other| other.by != holder.by && other.until > now) {
            return Turn::Wait(other.until);
        }
        let work = self.work(notice, transport);
        if work == (Work { main: Main::Leave, reply: None }) {
            self.done(notice);
            return Turn::Nothing;
        }
        self.turn = Some(holder);
        Turn::Ours(work)
    }

    /// The message was made.
    pub fn posted(&mut self, notice: &Notice, channel: Option<String>, ts: Option<String>, reply: Option<Reply>) {
        (self.channel, self.ts) = (channel, ts);
        if notice.severity == Severity::Failure {
            // The message itself reaches the whole channel.
            self.broadcast = self.broadcast.max(Some(notice.kind.rank()));
        }
        self.edited(notice, reply);
    }

    /// The message shows the notice.
    pub fn edited(&mut self, notice: &Notice, reply: Option<Reply>) {
        self.shown = Some(ShownNotice { id: notice.id.clone(), rank: notice.kind.rank(), at: notice.at });
        self.pending_reply = reply.map(|reply| PendingReply { id: notice.id.clone(), reply });
    }

    /// Somebody deleted the message: it is made anew.
    pub fn gone(&mut self) {
        (self.channel, self.ts) = (None, None);
    }

    /// The notice is handled, and the turn ends.
    pub fn done(&mut self, notice: &Notice) {
        let replied = self.pending_reply.take_if(|pending| pending.id == notice.id);
        let is_failure = notice.severity == Severity::Failure;
        if is_failure && replied.is_some_and(|replied| replied.reply == Reply::Broadcast) {
            self.broadcast = self.broadcast.max(Some(notice.kind.rank()));
        }
        keep(&mut self.handled, &notice.id);
        self.turn = None;
    }

    /// A message of the queue was put aside: it does not count again, should the queue deliver it again.
    pub fn lost(&mut self, record: &str) {
        keep(&mut self.lost, record);
    }

    /// The turn ends, and the notice waits for another one.
    pub fn let_go(&mut self) {
        self.turn = None;
    }

    fn work(&self, notice: &Notice, transport: Transport) -> Work {
        let forward = self.shown.as_ref().is_none_or(|shown| (notice.kind.rank(), notice.at) > (shown.rank, shown.at));
        let in_thread = has_depth(notice).then_some(Reply::Thread);
        match (transport, &self.ts) {
            (Transport::Webhook, _) if forward && deserves_a_message(notice.kind) => {
                Work { main: Main::Post, reply: None }
            }
            (Transport::Webhook, _) => Work { main: Main::Leave, reply: None },
            (Transport::Bot, None) => {
                // A message that was deleted is posted again as what it showed or shall show, never as something older.
                match forward || self.shown.as_ref().is_some_and(|shown| shown.id == notice.id) {
                    true => Work { main: Main::Post, reply: has_more(notice).then_some(Reply::Thread) },
                    false => Work { main: Main::Leave, reply: None },
                }
            }
            (Transport::Bot, Some(_)) if forward => {
                let broadcast = self.alarms(notice).then_some(Reply::Broadcast);
                Work { main: Main::Edit, reply: broadcast.or(in_thread) }
            }
            (Transport::Bot, Some(_)) => {
                let pending = self.pending_reply.as_ref().filter(|pending| pending.id == notice.id);
                Work { main: Main::Leave, reply: pending.map(|pending| pending.reply).or(in_thread) }
            }
        }
    }

    /// Whether the whole channel gets it: what waits for a person, and once when it fails, and again if the rollback fails too.
    fn alarms(&self, notice: &Notice) -> bool {
        match notice.kind {
            NoticeKind::Paused | NoticeKind::RollbackFailed => true,
            _ => notice.severity == Severity::Failure && self.broadcast.is_none(),
        }
    }
}

/// Puts an id first, unless the list has it; the oldest give way.
fn keep(ids: &mut Vec<String>, id: &str) {
    if !ids.iter().any(|it| it == id) {
        ids.insert(0, id.to_owned());
        ids.truncate(KEPT);
    }
}

/// Whether there is more than a new message shows, or will show when it has moved on.
fn has_more(notice: &Notice) -> bool {
    let moves_on = (1..NoticeKind::Failed.rank()).contains(&notice.kind.rank());
    !notice.changes.is_empty() || notice.details.len() > GLANCE || (moves_on && has_depth(notice))
}

/// Whether the thread has something to keep.
fn has_depth(notice: &Notice) -> bool {
    !notice.changes.is_empty() || !notice.details.is_empty() || notice.severity == Severity::Failure
}

/// A webhook's channel gets the start, the failure and the end, each as a message of its own.
fn deserves_a_message(kind: NoticeKind) -> bool {
    kind != NoticeKind::InProgress
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(kind: NoticeKind, second: i64) -> Notice {
        let severity = match kind {
            NoticeKind::RollingBack | NoticeKind::RolledBack | NoticeKind::RollbackFailed | NoticeKind::Failed => {
                Severity::Failure
            }
            _ => Severity::Info,
        };
        let at = Timestamp::from_second(second).unwrap();
        Notice { id: format!("ecs-svc/1/{}", kind.as_str()), kind, severity, at, ..Notice::default() }
    }

    fn holder(by: &str) -> Writer {
        Writer { by: by.to_owned(), until: Timestamp::from_second(1_000).unwrap() }
    }

    /// What these notices change in the message, in the order in which they arrive.
    fn effects(transport: Transport, notices: &[Notice]) -> Vec<String> {
        let mut state = MessageState::default();
        notices.iter().map(|notice| effect_of(&mut state, transport, Subscription::Yes, notice)).collect()
    }

    fn effect_of(
        state: &mut MessageState,
        transport: Transport,
        subscription: Subscription,
        notice: &Notice,
    ) -> String {
        match state.take(notice, transport, subscription, holder("a"), Timestamp::UNIX_EPOCH) {
            Turn::Ours(work) => {
                match work.main {
                    Main::Post => {
                        let ts = (transport == Transport::Bot).then(|| "1.0".to_owned());
                        state.posted(notice, Some("C1".to_owned()), ts, work.reply);
                    }
                    Main::Edit => state.edited(notice, work.reply),
                    Main::Leave => {}
                }
                state.done(notice);
                format!("{:?} {:?}", work.main, work.reply)
            }
            turn => format!("{turn:?}"),
        }
    }

    #[test]
    fn one_message_follows_its_deployment() {
        let (started, progress, completed) =
            (notice(NoticeKind::Started, 1), notice(NoticeKind::InProgress, 2), notice(NoticeKind::Completed, 9));
        let all = [started.clone(), progress.clone(), completed.clone(), completed.clone(), started.clone()];
        assert_eq!(effects(Transport::Bot, &all), ["Post None", "Edit None", "Edit None", "Nothing", "Nothing"]);
        let reverse = [completed, progress, started];
        assert_eq!(effects(Transport::Bot, &reverse), ["Post None", "Nothing", "Nothing"]);
    }

    #[test]
    fn what_waits_for_a_person_is_broadcast_and_so_is_a_failure_after_it() {
        let all = [NoticeKind::Started, NoticeKind::Paused, NoticeKind::RollingBack, NoticeKind::RolledBack];
        let all: Vec<Notice> = all.into_iter().zip(1..).map(|(kind, second)| notice(kind, second)).collect();
        let expected = ["Post None", "Edit Some(Broadcast)", "Edit Some(Broadcast)", "Edit Some(Thread)"];
        assert_eq!(effects(Transport::Bot, &all), expected);
        assert_eq!(effects(Transport::Webhook, &all[..2]), ["Post None", "Post None"]);
    }

    #[test]
    fn a_failure_is_broadcast_once_and_a_failed_rollback_again() {
        let all = [NoticeKind::Started, NoticeKind::RollingBack, NoticeKind::RolledBack];
        let all: Vec<Notice> = all.into_iter().zip(1..).map(|(kind, second)| notice(kind, second)).collect();
        let expected = ["Post None", "Edit Some(Broadcast)", "Edit Some(Thread)"];
        assert_eq!(effects(Transport::Bot, &all), expected);

        let all = [NoticeKind::RollingBack, NoticeKind::RollbackFailed];
        let all: Vec<Notice> = all.into_iter().zip(1..).map(|(kind, second)| notice(kind, second)).collect();
        let expected = ["Post Some(Thread)", "Edit Some(Broadcast)"];
        assert_eq!(effects(Transport::Bot, &all), expected);
    }

    #[test]
    fn a_thread_begins_where_the_message_does_not_show_all() {
        let with = |kind, lines: usize| Notice { details: vec!["a line".to_owned(); lines], ..notice(kind, 1) };
        assert_eq!(effects(Transport::Bot, &[with(NoticeKind::Failed, GLANCE)]), ["Post None"]);
        assert_eq!(effects(Transport::Bot, &[with(NoticeKind::ConfigInvalid, GLANCE)]), ["Post None"]);
        assert_eq!(effects(Transport::Bot, &[with(NoticeKind::Failed, GLANCE + 1)]), ["Post Some(Thread)"]);
        // It shows something else soon.
        assert_eq!(effects(Transport::Bot, &[with(NoticeKind::RollingBack, 1)]), ["Post Some(Thread)"]);
    }

    #[test]
    fn a_webhook_gets_the_start_the_failure_and_the_end() {
        let all = [NoticeKind::Started, NoticeKind::InProgress, NoticeKind::Completed, NoticeKind::Started]
            .map(|kind| notice(kind, 1));
        assert_eq!(effects(Transport::Webhook, &all), ["Post None", "Nothing", "Post None", "Nothing"]);
        let all = [NoticeKind::Started, NoticeKind::RollingBack, NoticeKind::RolledBack].map(|kind| notice(kind, 1));
        assert_eq!(effects(Transport::Webhook, &all), ["Post None", "Post None", "Post None"]);
        let all = [notice(NoticeKind::Completed, 2), notice(NoticeKind::Started, 1)];
        assert_eq!(effects(Transport::Webhook, &all), ["Post None", "Nothing"]);
    }

    #[test]
    fn a_channel_that_asked_for_failures_sees_how_they_end() {
        let mut state = MessageState::default();
        let mut effect =
            |kind, second, subscription| effect_of(&mut state, Transport::Bot, subscription, &notice(kind, second));
        assert_eq!(effect(NoticeKind::Started, 1, Subscription::IfThere), "Nothing");
        assert_eq!(effect(NoticeKind::RollingBack, 2, Subscription::Yes), "Post Some(Thread)");
        assert_eq!(effect(NoticeKind::Superseded, 3, Subscription::IfThere), "Edit None");
    }

    #[test]
    fn two_invocations_take_turns_and_a_dead_one_s_turn_ends() {
        let mut state = MessageState::default();
        let (started, completed) = (notice(NoticeKind::Started, 1), notice(NoticeKind::Completed, 2));
        let now = Timestamp::UNIX_EPOCH;
        let take = |state: &mut MessageState, notice: &Notice, by: &str, now| {
            state.take(notice, Transport::Bot, Subscription::Yes, holder(by), now)
        };
        assert!(matches!(take(&mut state, &started, "a", now), Turn::Ours(_)));
        assert_eq!(take(&mut state, &completed, "b", now), Turn::Wait(holder("a").until));
        assert!(matches!(take(&mut state, &completed, "b", holder("a").until), Turn::Ours(_)));
    }

    #[test]
    fn a_reply_that_was_not_made_is_made_later() {
        let mut state = MessageState::default();
        effect_of(&mut state, Transport::Bot, Subscription::Yes, &notice(NoticeKind::Started, 1));
        let failing = notice(NoticeKind::RollingBack, 2);
        state.take(&failing, Transport::Bot, Subscription::Yes, holder("a"), Timestamp::UNIX_EPOCH);
        state.edited(&failing, Some(Reply::Broadcast));
        // It dies here.
        let turn = state.take(&failing, Transport::Bot, Subscription::Yes, holder("b"), holder("a").until);
        assert_eq!(turn, Turn::Ours(Work { main: Main::Leave, reply: Some(Reply::Broadcast) }));
    }

    #[test]
    fn a_message_that_somebody_deleted_comes_back_as_what_it_showed() {
        let mut state = MessageState::default();
        let (started, failing) = (notice(NoticeKind::Started, 1), notice(NoticeKind::RollingBack, 2));
        effect_of(&mut state, Transport::Bot, Subscription::Yes, &started);
        let take = |state: &mut MessageState, notice: &Notice| {
            state.take(notice, Transport::Bot, Subscription::Yes, holder("a"), Timestamp::UNIX_EPOCH)
        };
        assert!(matches!(take(&mut state, &failing), Turn::Ours(Work { main: Main::Edit, .. })));
        state.edited(&failing, Some(Reply::Broadcast));
        // The reply finds no message to reply to.
        state.gone();
        assert_eq!((state.channel.clone(), state.ts.clone()), (None, None));
        assert_eq!(
            effect_of(&mut state, Transport::Bot, Subscription::Yes, &notice(NoticeKind::InProgress, 1)),
            "Nothing",
            "it is older"
        );
        assert_eq!(take(&mut state, &failing), Turn::Ours(Work { main: Main::Post, reply: Some(Reply::Thread) }));
    }

    #[test]
    fn a_notice_and_a_message_of_the_queue_are_done_with_once() {
        let mut state = MessageState::default();
        let started = notice(NoticeKind::Started, 1);
        for _ in 0..2 {
            state.done(&started);
            state.lost("message-1");
            state.lost("message-2");
        }
        assert_eq!(state.handled, [started.id]);
        assert_eq!(state.lost, ["message-2", "message-1"]);
    }

    #[test]
    fn a_turn_that_is_let_go_is_anybody_s() {
        let mut state = MessageState::default();
        let started = notice(NoticeKind::Started, 1);
        let take = |state: &mut MessageState, by: &str| {
            state.take(&started, Transport::Bot, Subscription::Yes, holder(by), Timestamp::UNIX_EPOCH)
        };
        assert!(matches!(take(&mut state, "a"), Turn::Ours(_)));
        state.let_go();
        assert!(matches!(take(&mut state, "b"), Turn::Ours(_)));
    }

    #[test]
    fn what_has_details_or_changes_is_in_the_thread_too() {
        let completed = || notice(NoticeKind::Completed, 2);
        let change = crate::model::diff::Change {
            path: "cpu".to_owned(),
            old: None,
            new: None,
            how: crate::model::diff::How::Added,
        };
        for more in [
            Notice { details: vec!["a line".to_owned()], ..completed() },
            Notice { changes: vec![change], ..completed() },
        ] {
            assert_eq!(
                effects(Transport::Bot, &[notice(NoticeKind::Started, 1), more]),
                ["Post None", "Edit Some(Thread)"]
            );
        }
        assert_eq!(effects(Transport::Bot, &[notice(NoticeKind::Started, 1), completed()]), ["Post None", "Edit None"]);
    }

    #[test]
    fn only_a_broadcast_tells_the_whole_channel() {
        let mut state = MessageState::default();
        let failing = notice(NoticeKind::RollingBack, 2);
        state.edited(&failing, Some(Reply::Thread));
        state.done(&failing);
        assert_eq!(state.broadcast, None);
        state.edited(&failing, Some(Reply::Broadcast));
        state.done(&notice(NoticeKind::Started, 1));
        assert_eq!(state.broadcast, None, "another notice's reply is still pending_reply");
        state.done(&failing);
        assert_eq!(state.broadcast, Some(NoticeKind::RollingBack.rank()));
    }
}
