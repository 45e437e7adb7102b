//! Slack's HTTP side: whom it lets in, what it answers. The Web API says no with status 200.

use std::sync::Arc;

use axum::extract::{Path, State as Extracted};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::state::{Asked, State};
use super::{Shared, check};

type Answer = (StatusCode, HeaderMap, String);

const POST: [&str; 9] = [
    "channel",
    "text",
    "blocks",
    "attachments",
    "thread_ts",
    "reply_broadcast",
    "metadata",
    "unfurl_links",
    "unfurl_media",
];

const UPDATE: [&str; 6] = ["channel", "ts", "text", "blocks", "attachments", "metadata"];

/// Why Slack does not do it.
enum No {
    /// Its word.
    Word(&'static str),
    /// Too many messages; the pause in seconds.
    Busy(u64),
    Down,
}

impl From<&'static str> for No {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

pub(super) async fn post_message(
    Extracted(shared): Extracted<Arc<Shared>>,
    headers: HeaderMap,
    body: String,
) -> Answer {
    web_api(&shared, "chat.postMessage", &headers, &body, |state, body| {
        check::message(body, &POST)?;
        let channel = state.id_of(body["channel"].as_str().unwrap_or_default())?;
        let now = shared.now();
        state.admit(channel, now).map_err(|pause| No::Busy(pause.as_secs()))?;
        dislike(state)?;
        match body["thread_ts"].as_str() {
            Some(thread) if state.message(channel, thread).is_none() => return Err("thread_not_found".into()),
            Some(_) => {}
            None if body["reply_broadcast"] == true => return Err("invalid_arguments".into()),
            None => shared.show(body),
        }
        Ok((channel, state.take(channel, body, now)))
    })
}

pub(super) async fn update(Extracted(shared): Extracted<Arc<Shared>>, headers: HeaderMap, body: String) -> Answer {
    web_api(&shared, "chat.update", &headers, &body, |state, body| {
        check::message(body, &UPDATE)?;
        let given = body["channel"].as_str().unwrap_or_default();
        // Other than a post, an edit takes only a channel's id.
        let channel = state.id_of(given)?;
        if given != channel {
            return Err("channel_not_found".into());
        }
        state.admit(channel, shared.now()).map_err(|pause| No::Busy(pause.as_secs()))?;
        dislike(state)?;
        let ts = body["ts"].as_str().unwrap_or_default().to_owned();
        let message = state.message(channel, &ts).ok_or("message_not_found")?;
        message.body = body.clone();
        message.edits += 1;
        if message.thread.is_none() {
            shared.show(body);
        }
        Ok((channel, ts))
    })
}

pub(super) async fn webhook(
    Extracted(shared): Extracted<Arc<Shared>>,
    Path(secret): Path<String>,
    body: String,
) -> Answer {
    let mut state = shared.lock();
    let now = shared.now();
    let taken = (|| {
        if state.down {
            return Err(No::Down);
        }
        if secret != state.secret() {
            return Err("no_service".into());
        }
        let body: Value = serde_json::from_str(&body).map_err(|_| "invalid_payload")?;
        check::message(&body, &["text", "blocks", "attachments"])?;
        let channel = state.id_of("#webhook")?;
        state.admit(channel, now).map_err(|pause| No::Busy(pause.as_secs()))?;
        dislike(&mut state)?;
        state.take(channel, &body, now);
        shared.show(&body);
        Ok(())
    })();
    let (status, word, pause) = match taken {
        Ok(()) => (200, "ok", None),
        Err(No::Word(word @ "no_service")) => (404, word, None),
        Err(No::Word(word @ "is_archived")) => (410, word, None),
        Err(No::Word(word)) => (400, word, None),
        Err(No::Busy(pause)) => (429, "rate_limited", Some(pause)),
        Err(No::Down) => (503, "", None),
    };
    note(&mut state, "webhook", "#webhook", word, now);
    answer(status, word.to_owned(), pause)
}

fn web_api(
    shared: &Shared,
    method: &'static str,
    headers: &HeaderMap,
    body: &str,
    act: impl FnOnce(&mut State, &Value) -> Result<(&'static str, String), No>,
) -> Answer {
    let mut state = shared.lock();
    let now = shared.now();
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let done = if state.down {
        Err(No::Down)
    } else if header("authorization") != format!("Bearer xoxb-{}", state.secret()) {
        Err(if header("authorization").is_empty() { "not_authed" } else { "invalid_auth" }.into())
    } else if !header("content-type").starts_with("application/json") || parsed.is_null() {
        Err("invalid_form_data".into())
    } else if check::mentions(&parsed) {
        Err("everybody_was_called".into())
    } else {
        act(&mut state, &parsed)
    };
    let channel = state.name_of(parsed["channel"].as_str().unwrap_or_default());
    let (status, word, pause, body) = match done {
        Ok((channel, ts)) => (200, "ok", None, json!({ "ok": true, "channel": channel, "ts": ts })),
        Err(No::Word(word)) => (200, word, None, json!({ "ok": false, "error": word })),
        Err(No::Busy(pause)) => (429, "ratelimited", Some(pause), json!({ "ok": false, "error": "ratelimited" })),
        Err(No::Down) => (503, "down", None, json!("")),
    };
    note(&mut state, method, &channel, word, now);
    answer(status, body.to_string(), pause)
}

fn dislike(state: &mut State) -> Result<(), No> {
    if state.disliked == 0 {
        return Ok(());
    }
    state.disliked -= 1;
    Err("invalid_blocks".into())
}

fn note(state: &mut State, method: &'static str, channel: &str, answer: &str, at: std::time::SystemTime) {
    state.asked.push(Asked { method, channel: channel.to_owned(), answer: answer.to_owned(), at });
}

fn answer(status: u16, body: String, pause: Option<u64>) -> Answer {
    let mut headers = HeaderMap::new();
    if let Some(seconds) = pause {
        headers.insert("retry-after", seconds.into());
    }
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers, body)
}
