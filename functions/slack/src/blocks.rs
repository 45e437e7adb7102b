//! Lays a notice out for Slack: Block Kit for the eye, and a text for notifications and for where blocks don't show.
//!
//! Every word is the notice's own; only the layout and Slack's limits are decided here.

use serde_json::{Value, json};
use slipway_core::notice::{ADVICE, CHANGES, Link, Notice, Severity};

/// Characters of a header's plain text.
const HEADER: usize = 150;

/// Characters of a section's text.
const SECTION: usize = 3_000;

/// Characters of a field, of which a section has ten at most.
const FIELD: usize = 2_000;

const FIELDS: usize = 10;

/// Lines of a list; more is for the e-mail and the JSON.
const LINES: usize = 10;

/// The message's payload for an incoming webhook.
pub fn payload(notice: &Notice) -> Value {
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": shortened(&headline(notice), HEADER), "emoji": true },
    })];
    if !notice.reason.trim().is_empty() {
        blocks.push(section(&escaped(&notice.reason, SECTION)));
    }
    let fields = notice.table();
    if !fields.is_empty() {
        let fields = fields.iter().take(FIELDS).map(|(label, value)| {
            let text = format!("*{label}*\n{}", escaped(value, FIELD - label.len() - 3));
            json!({ "type": "mrkdwn", "text": text })
        });
        blocks.push(json!({ "type": "section", "fields": fields.collect::<Vec<_>>() }));
    }
    blocks.extend(listed(CHANGES, &notice.changed(), Look::Code));
    blocks.extend(listed(notice.details_title(), &notice.details, Look::Code));
    blocks.extend(listed(ADVICE, &notice.advice, Look::Bullets));
    blocks.extend(links(&notice.links));
    blocks.push(json!({
        "type": "context",
        "elements": [{ "type": "mrkdwn", "text": escaped(&notice.signature(), SECTION) }],
    }));
    json!({ "text": escaped(&headline(notice), SECTION), "blocks": blocks })
}

/// The message without a layout, for when Slack refuses that.
pub(crate) fn plain(notice: &Notice) -> Value {
    json!({ "text": escaped(&format!("{}\n{}", headline(notice), notice.reason), SECTION) })
}

/// Never empty: Slack refuses a message without a text.
fn headline(notice: &Notice) -> String {
    let sign = match notice.severity {
        Severity::Info => "ℹ️",
        Severity::Success => "✅",
        Severity::Warning => "⚠️",
        Severity::Failure => "❌",
    };
    let line = notice.headline.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { format!("{sign} {}", notice.subject()) } else { format!("{sign} {line}") }
}

enum Look {
    /// As it stands, in a fixed width.
    Code,
    /// Sentences.
    Bullets,
}

fn listed(title: &str, lines: &[String], look: Look) -> Option<Value> {
    const FENCE: &str = "```";
    if lines.is_empty() {
        return None;
    }
    let mut shown: Vec<String> = lines.iter().take(LINES).cloned().collect();
    if lines.len() > LINES {
        shown.push(format!("… and {} more", lines.len() - LINES));
    }
    let room = SECTION - title.len() - 20;
    Some(section(&match look {
        Look::Code => format!("*{title}*\n{FENCE}{}{FENCE}", escaped(&shown.join("\n").replace(FENCE, "'''"), room)),
        Look::Bullets => format!("*{title}*\n{}", escaped(&format!("• {}", shown.join("\n• ")), room)),
    }))
}

fn links(links: &[Link]) -> Option<Value> {
    let safe = |link: &&Link| {
        link.url.starts_with("https://") && !link.url.contains(['<', '>', '|', ' ', '\n']) && link.url.len() < 500
    };
    let links: Vec<String> = links
        .iter()
        .filter(safe)
        .take(5)
        .map(|link| format!("<{}|{}>", link.url.replace('&', "&amp;"), escaped(&link.name.replace('|', " "), 75)))
        .collect();
    (!links.is_empty()).then(|| section(&links.join("  ·  ")))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

/// The text with Slack's three control characters escaped, so that nothing in it mentions or links, in at most
/// `longest` characters; no escape is cut in half.
fn escaped(text: &str, longest: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for character in text.chars() {
        let piece = match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            _ => character.to_string(),
        };
        length += piece.chars().count();
        if length >= longest {
            return escaped + "…";
        }
        escaped.push_str(&piece);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use slipway_core::notice::{Cause, Kind};

    use super::*;

    fn notice() -> Notice {
        let text = r#"{
            "version": 1, "id": "ecs-svc/2/rolled_back", "kind": "rolled_back", "severity": "failure",
            "at": "2026-09-04T17:15:10Z",
            "headline": "Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again",
            "reason": "The deployment failed. ECS put the last version back by itself.\nECS says: \"tasks <!channel> failed & died\"",
            "target": "prod/web", "deployment": "ecs-svc/2", "duration_seconds": 910,
            "cause": { "trigger": "push", "event": "13cde686" },
            "details": ["17:12:31 (service web) deployment failed: ```tasks```"],
            "advice": ["Mend the image and push it"],
            "links": [{ "name": "Deployments", "url": "https://eu-west-1.console.aws.amazon.com/ecs/v2?a=1&b=2" },
                      { "name": "Trap", "url": "https://evil.example/|<!here>" }],
            "account": "123456789012", "region": "eu-west-1"
        }"#;
        Notice::parse(text).unwrap()
    }

    #[test]
    fn a_notice_is_laid_out() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&payload(&notice())).unwrap(), @r#"
        {
          "text": "❌ Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again",
          "blocks": [
            {
              "type": "header",
              "text": {
                "type": "plain_text",
                "text": "❌ Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again",
                "emoji": true
              }
            },
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "The deployment failed. ECS put the last version back by itself.\nECS says: \"tasks &lt;!channel&gt; failed &amp; died\""
              }
            },
            {
              "type": "section",
              "fields": [
                {
                  "type": "mrkdwn",
                  "text": "*Deployment*\necs-svc/2"
                },
                {
                  "type": "mrkdwn",
                  "text": "*Triggered by*\nan image push (event 13cde686)"
                },
                {
                  "type": "mrkdwn",
                  "text": "*Took*\n15 min 10 s"
                }
              ]
            },
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "*ECS's own log of the service, newest first*\n```17:12:31 (service web) deployment failed: '''tasks'''```"
              }
            },
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "*What you can do*\n• Mend the image and push it"
              }
            },
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "<https://eu-west-1.console.aws.amazon.com/ecs/v2?a=1&amp;b=2|Deployments>"
              }
            },
            {
              "type": "context",
              "elements": [
                {
                  "type": "mrkdwn",
                  "text": "Slipway, 2026-09-04 17:15:10 UTC, account 123456789012 in eu-west-1, notice ecs-svc/2/rolled_back"
                }
              ]
            }
          ]
        }
        "#);
    }

    #[test]
    fn a_kind_of_a_later_version_is_posted_with_its_headline() {
        let later = Notice { kind: Kind::Unknown, ..notice() };
        assert_eq!(payload(&later)["text"], "❌ Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again");
        assert_eq!(payload(&Notice::default())["text"], "ℹ️ Slipway: unknown");
    }

    #[test]
    fn slack_s_limits_hold_whatever_the_notice() {
        for text in ["&", "<", "🚢", "x", "`", "\n", "\u{202E}א"] {
            let text = text.repeat(5_000);
            let link = Link { name: text.clone(), url: format!("https://a.example/{text}") };
            check_limits(&Notice {
                headline: text.clone(),
                reason: text.clone(),
                cause: Some(Cause { trigger: text.clone(), event: None }),
                details: vec![text.clone(); 200],
                advice: vec![text.clone(); 200],
                links: vec![link; 200],
                ..notice()
            });
        }
    }

    #[track_caller]
    fn check_limits(notice: &Notice) {
        let payload = payload(notice);
        let blocks = payload["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
        for block in blocks {
            let text = length(&block["text"]["text"]);
            assert!(text <= if block["type"] == "header" { 150 } else { 3_000 }, "{text}");
            for field in block["fields"].as_array().into_iter().flatten() {
                assert!((1..=2_000).contains(&length(&field["text"])));
            }
        }
        assert!((1..=3_000).contains(&length(&payload["text"])));
        assert!((1..=3_000).contains(&length(&plain(notice)["text"])));
    }

    #[test]
    fn nothing_mentions_anybody() {
        assert_eq!(escaped("<!channel> & co", 100), "&lt;!channel&gt; &amp; co");
        assert_eq!(escaped("&&&", 11), "&amp;&amp;…");
    }
}
