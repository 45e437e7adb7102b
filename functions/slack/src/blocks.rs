//! Lays a notice out for Slack: Block Kit for the eye, and a text for notifications and for where blocks don't show.
//!
//! Every word is the notice's own; only the layout and Slack's limits are decided here. A colour bar stands beside what an
//! attachment holds. Links are links and no buttons: Slack takes a press of a button, even of one with an address, for a
//! request to the app, and shows a warning where no server answers.

mod text;

use serde_json::{Value, json};
use slipway_core::notice::{ADVICE, CHANGES, Kind, Link, Notice, Severity};

use text::{code, oneline, prose, shortened};

pub(crate) use text::shortened as cut;

/// Characters of a header's plain text.
const HEADER: usize = 150;

/// Characters of a section's text; what follows adds up to less than 12,000, the most that a message holds as a whole.
const SECTION: usize = 3_000;

const REASON: usize = 1_200;

const FIELD: usize = 250;

const FIELDS: usize = 10;

/// Lines of a list in the message itself; the thread and the e-mail have more.
const GLANCE: usize = 4;

const LINES: usize = 12;

const CODE: usize = 2_000;

const BULLETS: usize = 1_500;

const LINKS: usize = 2_000;

const CONTEXT: usize = 300;

/// How much of the evidence a message shows.
#[derive(Clone, Copy)]
enum Depth {
    /// The first lines; the rest is in the thread.
    Glance,
    /// All that fits.
    Whole,
}

/// The message that follows a deployment, edited as it goes.
pub fn living(notice: &Notice) -> Value {
    message(notice, Depth::Glance)
}

/// The message where there is no thread: by a webhook.
pub fn whole(notice: &Notice) -> Value {
    message(notice, Depth::Whole)
}

/// The reply in the thread: all there is to know of this step. It stands in the channel too, if it is broadcast.
pub fn reply(notice: &Notice) -> Value {
    let headline = headline(notice);
    let mut blocks = vec![];
    blocks.extend(reason(notice));
    blocks.extend(evidence(notice, Depth::Whole));
    blocks.extend(listed(CHANGES, &notice.changed(), LINES, Look::Code));
    blocks.extend(listed(ADVICE, &notice.advice, LINES, Look::Bullets));
    blocks.push(signature(notice));
    json!({
        "text": prose(&headline, SECTION),
        "blocks": [section(&format!("*{}*", prose(&headline, HEADER)))],
        "attachments": [attachment(notice, blocks)],
    })
}

/// The message without a layout, for when Slack refuses that.
pub(crate) fn plain(notice: &Notice) -> Value {
    let text = format!("{}\n{}", headline(notice), notice.reason);
    json!({ "text": prose(&text, SECTION), "blocks": [], "attachments": [] })
}

fn message(notice: &Notice, depth: Depth) -> Value {
    let mut blocks = vec![];
    blocks.extend(reason(notice));
    blocks.extend(table(notice));
    if matches!(depth, Depth::Whole) {
        blocks.extend(listed(CHANGES, &notice.changed(), LINES, Look::Code));
    }
    blocks.extend(evidence(notice, depth));
    blocks.extend(listed(ADVICE, &notice.advice, LINES, Look::Bullets));
    blocks.extend(links(&notice.all_links()));
    blocks.push(signature(notice));
    let headline = headline(notice);
    json!({
        "text": prose(&headline, SECTION),
        "blocks": [{
            "type": "header",
            "text": { "type": "plain_text", "text": shortened(&headline, HEADER), "emoji": true },
        }],
        "attachments": [attachment(notice, blocks)],
    })
}

fn attachment(notice: &Notice, blocks: Vec<Value>) -> Value {
    let colour = match (notice.severity, notice.kind) {
        (Severity::Failure, _) => "#e01e5a",
        (Severity::Warning, _) => "#ecb22e",
        (Severity::Success, _) => "#2eb67d",
        (Severity::Info, Kind::Started | Kind::InProgress) => "#36c5f0",
        (Severity::Info, _) => "#8d8d8d",
    };
    json!({ "color": colour, "fallback": shortened(&headline(notice), HEADER), "blocks": blocks })
}

/// Never empty: Slack refuses a message without a text.
fn headline(notice: &Notice) -> String {
    let sign = match (notice.severity, notice.kind) {
        (Severity::Info, Kind::Started | Kind::InProgress) => "⏳",
        (Severity::Info, _) => "ℹ️",
        (Severity::Success, _) => "✅",
        (Severity::Warning, _) => "⚠️",
        (Severity::Failure, Kind::Failing | Kind::RollingBack) => "🔻",
        (Severity::Failure, Kind::RolledBack) => "↩️",
        (Severity::Failure, _) => "❌",
    };
    // A header's plain text is not parsed, but neither is it documented to unescape.
    let line = oneline(&notice.headline).replace('<', "‹").replace('>', "›");
    if line.is_empty() { format!("{sign} {}", notice.subject()) } else { format!("{sign} {line}") }
}

fn reason(notice: &Notice) -> Option<Value> {
    (!notice.reason.trim().is_empty()).then(|| section(&prose(&notice.reason, REASON)))
}

fn table(notice: &Notice) -> Option<Value> {
    let rows = notice.table();
    let fields: Vec<Value> = rows
        .iter()
        .take(FIELDS)
        .map(|(label, value)| json!({ "type": "mrkdwn", "text": format!("*{label}*\n{}", prose(value, FIELD)) }))
        .collect();
    (!fields.is_empty()).then(|| json!({ "type": "section", "fields": fields }))
}

fn evidence(notice: &Notice, depth: Depth) -> Option<Value> {
    let most = match depth {
        Depth::Glance => GLANCE,
        Depth::Whole => LINES,
    };
    listed(notice.details_title(), &notice.details, most, Look::Code)
}

enum Look {
    /// As it stands, in a fixed width.
    Code,
    /// Sentences.
    Bullets,
}

fn listed(title: &str, lines: &[String], most: usize, look: Look) -> Option<Value> {
    const FENCE: &str = "```";
    if lines.is_empty() {
        return None;
    }
    let mut shown: Vec<String> = lines.iter().take(most).cloned().collect();
    if lines.len() > most {
        shown.push(format!("… and {} more", lines.len() - most));
    }
    Some(section(&match look {
        Look::Code => format!("*{title}*\n{FENCE}{}{FENCE}", code(&shown.join("\n"), CODE)),
        Look::Bullets => format!("*{title}*\n{}", prose(&format!("• {}", shown.join("\n• ")), BULLETS)),
    }))
}

fn links(links: &[Link]) -> Option<Value> {
    const BETWEEN: &str = "  ·  ";
    let safe = |link: &&Link| {
        let harmful = |it: char| it.is_control() || it.is_whitespace() || matches!(it, '<' | '>' | '|' | '`');
        link.url.starts_with("https://") && !link.url.contains(harmful) && link.url.len() < 500
    };
    let mut text = String::new();
    for link in links.iter().filter(safe) {
        let name = prose(&oneline(&link.name.replace('|', " ")), 75);
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
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": prose(&notice.signature(), CONTEXT) }] })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

#[cfg(test)]
mod tests;
