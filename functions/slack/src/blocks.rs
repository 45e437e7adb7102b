//! Lays a notice out for Slack: Block Kit for the eye, and a text for notifications and for where blocks don't show.
//!
//! Every word is the notice's own; only the layout and Slack's limits are decided here. What happened and why stands at the
//! top, where Slack never folds it; a colour bar stands beside the rest, an attachment, of which Slack may fold the end. So
//! the evidence comes first there, then what a person can do, then the facts. Links are links and no buttons: Slack takes a
//! press of a button, even of one with an address, for a request to the app, and shows a warning where no server answers.

mod text;

use serde_json::{Value, json};
use slipway_core::model::id::EventId;
use slipway_core::model::notice::{Link, Notice, NoticeKind, Severity, TriggeredBy};
use slipway_core::rules::message_state::GLANCE;
use slipway_core::text::notice::{ADVICE, CHANGES, details_within, shorten};

use text::{escaped, fits, one_line};

/// Characters of a header's plain text.
const HEADER: usize = 150;
/// Characters of a section's text; what follows adds up to less than 12,000, the most that a message holds as a whole.
const SECTION: usize = 3_000;
const REASON: usize = 1_200;
const FIELD: usize = 250;
const FIELDS: usize = 10;
/// Lines of a list of evidence where there is no other place for it; the e-mail has them all.
const EVIDENCE: usize = 30;
const LINES: usize = 12;
const CODE: usize = 2_000;
const BULLETS: usize = 1_500;
const BULLET: usize = 500;
const LINKS: usize = 2_000;
const CONTEXT: usize = 300;

/// The message that follows a deployment, edited as it goes: its thread has the rest of the evidence.
pub fn message(notice: &Notice) -> Value {
    laid_out(notice, GLANCE, None)
}

/// The message where there is no thread: by a webhook.
pub fn full_message(notice: &Notice) -> Value {
    laid_out(notice, EVIDENCE, changes(notice))
}

/// The reply in the thread: all there is to know of this step. It is in the channel too, if it is broadcast.
pub fn reply(notice: &Notice) -> Value {
    let headline = headline(notice);
    let lists = [reason(notice), evidence(notice, EVIDENCE), changes(notice), advice(notice)];
    let mut blocks: Vec<Value> = lists.into_iter().flatten().collect();
    if notice.severity == Severity::Failure {
        // It is broadcast, and readers in the channel do not see the message above it.
        blocks.extend(links(&notice.all_links()));
    }
    blocks.push(signature(notice));
    json!({
        "text": escaped(&headline, SECTION),
        "blocks": [section(&format!("*{}*", escaped(&headline, HEADER)))],
        "attachments": [attachment(notice, blocks)],
    })
}

/// The message without a layout, for when Slack refuses that.
pub(crate) fn plain(notice: &Notice) -> Value {
    let text = format!("{}\n{}", headline(notice), notice.reason);
    json!({ "text": escaped(&text, SECTION), "blocks": [], "attachments": [] })
}

fn laid_out(notice: &Notice, evidence_lines: usize, changes: Option<Value>) -> Value {
    let headline = headline(notice);
    let mut top = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": shorten(&headline, HEADER), "emoji": true },
    })];
    top.extend(reason(notice));
    let links = links(&notice.all_links());
    let parts = [evidence(notice, evidence_lines), advice(notice), table(notice), changes, links];
    let mut blocks: Vec<Value> = parts.into_iter().flatten().collect();
    blocks.push(signature(notice));
    json!({ "text": escaped(&headline, SECTION), "blocks": top, "attachments": [attachment(notice, blocks)] })
}

fn attachment(notice: &Notice, blocks: Vec<Value>) -> Value {
    let colour = match (notice.severity, notice.kind) {
        (Severity::Failure, _) => "#e01e5a",
        (Severity::Warning, _) => "#ecb22e",
        (Severity::Success, _) => "#2eb67d",
        (Severity::Info, NoticeKind::Started | NoticeKind::InProgress) => "#36c5f0",
        (Severity::Info, _) => "#8d8d8d",
    };
    json!({ "color": colour, "fallback": shorten(&headline(notice), HEADER), "blocks": blocks })
}

/// Never empty: Slack refuses a message without a text.
fn headline(notice: &Notice) -> String {
    let sign = match (notice.severity, notice.kind) {
        (Severity::Info, NoticeKind::Started | NoticeKind::InProgress) => "⏳",
        (Severity::Info, _) => "ℹ️",
        (Severity::Success, _) => "✅",
        (Severity::Warning, NoticeKind::Paused) => "⏸️",
        (Severity::Warning, _) => "⚠️",
        (Severity::Failure, NoticeKind::RollingBack) => "🔻",
        (Severity::Failure, NoticeKind::RolledBack) => "↩️",
        (Severity::Failure, _) => "❌",
    };
    // A header's plain text is not parsed, but neither is it documented to unescape.
    let line = one_line(&notice.headline).replace('<', "‹").replace('>', "›");
    if line.is_empty() { format!("{sign} {}", notice.subject()) } else { format!("{sign} {line}") }
}

fn reason(notice: &Notice) -> Option<Value> {
    (!notice.reason.trim().is_empty()).then(|| section(&escaped(&notice.reason, REASON)))
}

fn table(notice: &Notice) -> Option<Value> {
    let rows = brief(notice).table();
    let fields: Vec<Value> = rows
        .iter()
        .take(FIELDS)
        .map(|(label, value)| json!({ "type": "mrkdwn", "text": format!("*{label}*\n{}", escaped(value, FIELD)) }))
        .collect();
    (!fields.is_empty()).then(|| json!({ "type": "section", "fields": fields }))
}

/// The notice where room is short: its id is in the message's metadata, and the first digits of an event's id distinguish it
/// from others, as a commit's do.
fn brief(notice: &Notice) -> Notice {
    let cause = notice.cause.clone().map(|cause| match cause.event.as_ref().map(|event| event.as_str()) {
        Some(event) if is_uuid(event) => TriggeredBy { event: Some(EventId::new(&event[..8])), ..cause },
        _ => cause,
    });
    Notice { id: String::new(), cause, ..notice.clone() }
}

fn is_uuid(text: &str) -> bool {
    let hexadecimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(hexadecimal)
}

fn evidence(notice: &Notice, most: usize) -> Option<Value> {
    // Fewer lines, chosen well, rather than a block that ends in the middle of a log.
    let details: Vec<String> = notice.details.iter().map(|line| shorten(line, CODE)).collect();
    let lines = |most: usize| details_within(&details, most).join("\n");
    let most = (2..=most).rev().find(|most| fits(lines(*most).trim_end(), CODE)).unwrap_or(1);
    fenced(notice.details_title(), &lines(most))
}

fn changes(notice: &Notice) -> Option<Value> {
    fenced(CHANGES, &at_most(notice.changed()).join("\n"))
}

/// Lines as they are, in a fixed width.
fn fenced(title: &str, lines: &str) -> Option<Value> {
    (!lines.trim().is_empty()).then(|| section(&format!("*{title}*\n```{}```", escaped(lines.trim_end(), CODE))))
}

/// Sentences, a bullet each.
fn advice(notice: &Notice) -> Option<Value> {
    let mut text = String::new();
    for line in at_most(notice.advice.clone()) {
        let line = format!("\n• {}", step(&line));
        if text.chars().count() + line.chars().count() > BULLETS {
            text.push_str("\n…");
            break;
        }
        text.push_str(&line);
    }
    (!text.is_empty()).then(|| section(&format!("*{ADVICE}*{text}")))
}

/// A sentence; a command and a request that a person can copy are set as code.
fn step(line: &str) -> String {
    if line.chars().count() >= BULLET {
        return escaped(line, BULLET);
    }
    let all = |text: &str| escaped(text, usize::MAX);
    let (mut text, mut rest) = (String::new(), line);
    while let Some((before, code, after)) = command(rest).or_else(|| request(rest)) {
        text.push_str(&format!("{}`{}`", all(before), one_line(&all(code))));
        rest = after;
    }
    text + &all(rest)
}

/// The first command of a line, which stands in back-ticks, with what is before and after it.
fn command(line: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = line.split_once("`slipway ")?;
    let end = rest.find('`')?;
    Some((before, &line[before.len() + 1..line.len() - rest.len() + end], &rest[end + 1..]))
}

/// The request of a line, likewise.
fn request(line: &str) -> Option<(&str, &str, &str)> {
    let (begin, end) = line.find("{\"action\"").zip(line.rfind('}')).filter(|(begin, end)| begin < end)?;
    Some((&line[..begin], &line[begin..=end], &line[end + 1..]))
}

fn at_most(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines
}

fn links(links: &[Link]) -> Option<Value> {
    const BETWEEN: &str = "  ·  ";
    let safe = |link: &&Link| {
        let harmful = |it: char| it.is_control() || it.is_whitespace() || matches!(it, '<' | '>' | '|' | '`');
        link.url.starts_with("https://") && !link.url.contains(harmful) && link.url.len() < 500
    };
    let mut text = String::new();
    for link in links.iter().filter(safe) {
        let name = escaped(&one_line(&link.name.replace('|', " ")), 75);
        let piece = format!("<{}|{name}>", link.url.replace('&', "&amp;"));
        if name.is_empty() || text.chars().count() + piece.chars().count() + BETWEEN.len() > LINKS {
            continue;
        }
        if !text.is_empty() {
            text.push_str(BETWEEN);
        }
        text.push_str(&piece);
    }
    (!text.is_empty()).then(|| section(&text))
}

fn signature(notice: &Notice) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": escaped(&brief(notice).signature(), CONTEXT) }] })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

#[cfg(test)]
mod tests;
