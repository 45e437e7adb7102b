//! Block Kit as HTML: the blocks that Slipway sends, drawn as Slack draws them.
//!
//! A block, a member or a style that is not known here is an error, so that nothing is silently left out of the page.

use serde_json::Value;

use super::html::escape;
use super::mrkdwn;

/// A message's body as HTML.
pub(super) fn message(body: &Value) -> Result<String, String> {
    only(body, &["text", "blocks", "attachments"])?;
    let (own, attachments) = (list(body, "blocks"), list(body, "attachments"));
    if own.is_empty() && attachments.is_empty() {
        return Ok(format!("<div class=\"section\">{}</div>", mrkdwn::html(text(&body["text"])?)?));
    }
    let attached: Result<String, String> = attachments.iter().map(attachment).collect();
    Ok(blocks(own)? + &attached?)
}

fn attachment(attachment: &Value) -> Result<String, String> {
    only(attachment, &["color", "fallback", "blocks"])?;
    let colour = escape(text(&attachment["color"])?);
    let inside = blocks(list(attachment, "blocks"))?;
    Ok(format!("<div class=\"attachment\"><i style=\"background: {colour}\"></i><div>{inside}</div></div>"))
}

fn blocks(blocks: &[Value]) -> Result<String, String> {
    blocks.iter().map(block).collect()
}

fn block(block: &Value) -> Result<String, String> {
    match block["type"].as_str() {
        Some("header") => {
            only(block, &["type", "text"])?;
            Ok(format!("<div class=\"header\">{}</div>", text_object(&block["text"])?))
        }
        Some("section") => {
            only(block, &["type", "text", "fields"])?;
            let mut html = String::new();
            if let Some(text) = block.get("text") {
                html.push_str(&format!("<div class=\"section\">{}</div>", text_object(text)?));
            }
            let fields: Result<Vec<String>, String> = list(block, "fields").iter().map(text_object).collect();
            let fields: String = fields?.iter().map(|field| format!("<div>{field}</div>")).collect();
            if !fields.is_empty() {
                html.push_str(&format!("<div class=\"fields\">{fields}</div>"));
            }
            Ok(html)
        }
        Some("context") => {
            only(block, &["type", "elements"])?;
            let elements: Result<Vec<String>, String> = list(block, "elements").iter().map(text_object).collect();
            Ok(format!("<div class=\"context\">{}</div>", elements?.join(" ")))
        }
        Some("divider") => only(block, &["type"]).map(|()| "<hr>".to_owned()),
        _ => Err(format!("the page does not know the block {block}")),
    }
}

fn text_object(object: &Value) -> Result<String, String> {
    only(object, &["type", "text", "emoji"])?;
    match object["type"].as_str() {
        Some("plain_text") => Ok(escape(text(&object["text"])?)),
        Some("mrkdwn") => mrkdwn::html(text(&object["text"])?),
        _ => Err(format!("the page does not know the text {object}")),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is no text"))
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn only(value: &Value, known: &[&str]) -> Result<(), String> {
    let members = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
    match members.keys().find(|member| !known.contains(&member.as_str())) {
        Some(member) => Err(format!("the page does not know the member {member:?} of {value}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_page_does_not_know_is_an_error() {
        let of = |block: Value| message(&json!({ "text": "x", "blocks": [block] }));
        assert!(of(json!({ "type": "divider" })).is_ok());
        assert!(of(json!({ "type": "image", "image_url": "https://a.example/" })).is_err());
        assert!(of(json!({ "type": "divider", "colour": "red" })).is_err());
        assert!(of(json!({ "type": "header", "text": { "type": "markdown", "text": "x" } })).is_err());
        assert!(message(&json!({ "text": "x", "icon_emoji": ":ship:" })).is_err());
    }

    #[test]
    fn a_message_without_a_layout_is_its_text() {
        let html = message(&json!({ "text": "a &lt; b", "blocks": [], "attachments": [] }));
        assert_eq!(html.as_deref(), Ok("<div class=\"section\">a &lt; b</div>"));
    }
}
