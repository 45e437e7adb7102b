//! What Slack refuses about a message's shape, by the limits of Block Kit and of `chat.postMessage`.

use serde_json::Value;

/// The most that all blocks of a message hold together.
const ALL_TEXT: usize = 12_000;

/// Slack's word for what is wrong with a message.
pub(super) fn message(body: &Value, known: &[&str]) -> Result<(), &'static str> {
    let members = body.as_object().ok_or("invalid_json")?;
    if members.keys().any(|key| !known.contains(&key.as_str())) {
        return Err("invalid_arguments");
    }
    let blocks = list(body, "blocks")?;
    let attachments = list(body, "attachments")?;
    let text = body["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err("no_text");
    }
    if text.chars().count() > 40_000 {
        return Err("msg_too_long");
    }
    if attachments.len() > 100 {
        return Err("too_many_attachments");
    }
    let mut all: Vec<&Value> = blocks.iter().collect();
    for attachment in attachments {
        only(attachment, &["color", "fallback", "blocks"]).map_err(|_| "invalid_attachments")?;
        let colour = attachment["color"].as_str().unwrap_or_default();
        let is_colour =
            colour.len() == 7 && colour.starts_with('#') && colour[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_colour {
            return Err("invalid_attachments");
        }
        all.extend(list(attachment, "blocks")?);
    }
    if all.len() > 50 {
        return Err("invalid_blocks");
    }
    all.iter().try_for_each(|it| block(it))?;
    let written: usize = all.iter().map(|it| characters(it)).sum();
    if written > ALL_TEXT {
        return Err("msg_blocks_too_long");
    }
    if let Some(metadata) = body.get("metadata") {
        only(metadata, &["event_type", "event_payload"]).map_err(|_| "invalid_metadata_format")?;
        if !metadata["event_type"].is_string() || !metadata["event_payload"].is_object() {
            return Err("invalid_metadata_schema");
        }
    }
    Ok(())
}

/// Whether the message calls people: by `<!channel>`, `<!here>` and their like.
pub(super) fn mentions(body: &Value) -> bool {
    body.to_string().contains("<!")
}

fn block(block: &Value) -> Result<(), &'static str> {
    const WRONG: &str = "invalid_blocks";
    match block["type"].as_str() {
        Some("header") => {
            only(block, &["type", "text"])?;
            text(&block["text"], &["plain_text"], 150)
        }
        Some("section") => {
            only(block, &["type", "text", "fields"])?;
            let fields = list(block, "fields")?;
            if block.get("text").is_none() && fields.is_empty() || fields.len() > 10 {
                return Err(WRONG);
            }
            if let Some(within) = block.get("text") {
                text(within, &["plain_text", "mrkdwn"], 3_000)?;
            }
            fields.iter().try_for_each(|field| text(field, &["plain_text", "mrkdwn"], 2_000))
        }
        Some("context") => {
            only(block, &["type", "elements"])?;
            let elements = list(block, "elements")?;
            if !(1..=10).contains(&elements.len()) {
                return Err(WRONG);
            }
            elements.iter().try_for_each(|element| text(element, &["plain_text", "mrkdwn"], 3_000))
        }
        Some("divider") => only(block, &["type"]),
        _ => Err(WRONG),
    }
}

fn text(text: &Value, kinds: &[&str], longest: usize) -> Result<(), &'static str> {
    only(text, &["type", "text", "emoji"])?;
    let kind = text["type"].as_str().unwrap_or_default();
    let length = text["text"].as_str().map_or(0, |text| text.chars().count());
    let emoji = text.get("emoji").is_some() && kind != "plain_text";
    if kinds.contains(&kind) && (1..=longest).contains(&length) && !emoji { Ok(()) } else { Err("invalid_blocks") }
}

fn only(value: &Value, known: &[&str]) -> Result<(), &'static str> {
    let members = value.as_object().ok_or("invalid_blocks")?;
    if members.keys().all(|key| known.contains(&key.as_str())) { Ok(()) } else { Err("invalid_blocks") }
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], &'static str> {
    match value.get(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err("invalid_blocks"),
    }
}

fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(characters).sum(),
        Value::Object(members) => members.values().map(characters).sum(),
        _ => 0,
    }
}
