//! What this Slack knows: its channels, their messages, its secret, and how busy each channel is.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// A channel takes one message a second, and this many at once.
const BURST: f64 = 4.0;

/// A message as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub ts: String,
    /// The message whose thread it is in.
    pub thread: Option<String>,
    /// Whether it stands in the channel too.
    pub broadcast: bool,
    /// What it says, whole.
    pub body: Value,
    /// How often it was edited.
    pub edits: usize,
    /// When it was posted.
    pub at: SystemTime,
    pub(super) channel: String,
}

/// A request, and Slack's answer in a word: `ok`, `ratelimited`, `invalid_auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `chat.postMessage`, `chat.update` or `webhook`.
    pub method: &'static str,
    /// The channel's name.
    pub channel: String,
    /// The answer.
    pub answer: String,
    /// When.
    pub at: SystemTime,
}

pub(crate) struct State {
    channels: Vec<Channel>,
    messages: Vec<Message>,
    pub(super) asked: Vec<Asked>,
    generation: usize,
    pub(super) down: bool,
    pub(super) disliked: usize,
    pub(super) pause: Option<Duration>,
    buckets: HashMap<String, (f64, SystemTime)>,
}

struct Channel {
    name: &'static str,
    id: &'static str,
    archived: bool,
}

impl State {
    pub(super) fn new() -> Self {
        let channel = |name, id| Channel { name, id, archived: false };
        Self {
            channels: vec![
                channel("#deploys", "C00DEPLOYS"),
                channel("#incidents", "C0INCIDENT"),
                channel("#webhook", "C00WEBHOOK"),
            ],
            messages: Vec::new(),
            asked: Vec::new(),
            generation: 1,
            down: false,
            disliked: 0,
            pause: None,
            buckets: HashMap::new(),
        }
    }

    pub(super) fn secret(&self) -> String {
        format!("secret-{}", self.generation)
    }

    pub(super) fn rotate(&mut self) {
        self.generation += 1;
    }

    pub(super) fn archive(&mut self, name: &str) {
        for channel in self.channels.iter_mut().filter(|channel| channel.name == name) {
            channel.archived = true;
        }
    }

    pub(super) fn sweep(&mut self, name: &str) {
        let Ok(id) = self.find(name).map(|channel| channel.id) else { return };
        self.messages.retain(|message| message.channel != id);
    }

    pub(super) fn messages(&self, name: &str) -> Vec<Message> {
        let id = self.channels.iter().find(|channel| channel.name == name).map(|channel| channel.id);
        self.messages.iter().filter(|message| Some(message.channel.as_str()) == id).cloned().collect()
    }

    pub(super) fn view(&self, name: &str) -> String {
        let messages = self.messages(name);
        let text = |message: &Message| message.body["text"].as_str().unwrap_or_default().to_owned();
        let mut view = String::new();
        for message in messages.iter().filter(|message| message.thread.is_none()) {
            let edited = if message.edits > 0 { format!(" (edited {}×)", message.edits) } else { String::new() };
            view.push_str(&format!("{}{edited}\n", text(message)));
            for reply in messages.iter().filter(|reply| reply.thread.as_ref() == Some(&message.ts)) {
                let mark = if reply.broadcast { " (also in the channel)" } else { "" };
                view.push_str(&format!("  ↳ {}{mark}\n", text(reply)));
            }
        }
        view
    }

    /// The channel of this id or name, if it takes messages; else Slack's word.
    pub(super) fn id_of(&self, channel: &str) -> Result<&'static str, &'static str> {
        let channel = self.find(channel)?;
        if channel.archived { Err("is_archived") } else { Ok(channel.id) }
    }

    fn find(&self, name: &str) -> Result<&Channel, &'static str> {
        self.channels.iter().find(|channel| channel.name == name || channel.id == name).ok_or("channel_not_found")
    }

    pub(super) fn name_of(&self, channel: &str) -> String {
        self.find(channel).map_or_else(|_| channel.to_owned(), |channel| channel.name.to_owned())
    }

    /// Whether the channel takes one more message now; else the pause that Slack asks for.
    pub(super) fn admit(&mut self, channel: &str, now: SystemTime) -> Result<(), Duration> {
        if let Some(pause) = self.pause.take() {
            return Err(pause);
        }
        let (left, at) = self.buckets.entry(channel.to_owned()).or_insert((BURST, now));
        *left = (*left + now.duration_since(*at).unwrap_or_default().as_secs_f64()).min(BURST);
        *at = now;
        if *left < 1.0 {
            return Err(Duration::from_secs(1));
        }
        *left -= 1.0;
        Ok(())
    }

    pub(super) fn message(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.channel == channel && message.ts == ts)
    }

    /// Takes a message; its id.
    pub(super) fn take(&mut self, channel: &str, body: &Value, at: SystemTime) -> String {
        let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let ts = format!("{seconds}.{:06}", self.asked.len() + 1);
        self.messages.push(Message {
            ts: ts.clone(),
            thread: body["thread_ts"].as_str().map(str::to_owned),
            broadcast: body["reply_broadcast"] == true,
            body: body.clone(),
            edits: 0,
            at,
            channel: channel.to_owned(),
        });
        ts
    }
}
