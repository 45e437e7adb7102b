//! The notice for Amazon Q Developer in chat applications (AWS Chatbot), which drops whatever has another schema.
//!
//! Schema: <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>. It states no lengths; these are what
//! a person reads in a chat, far below what Slack, Teams and Chime take.

use serde_json::{Map, Value, json};

use super::limits::shorten;
use crate::model::clean::clean;
use crate::model::notice::Notice;

const TITLE: usize = 250;
const DESCRIPTION: usize = 4_000;
const STEP: usize = 350;
const STEPS: usize = 10;
const LINES: usize = 10;
const CONTEXT: usize = 300;

impl Notice {
    /// The custom notification as JSON. Everything told of one deployment has the same `threadId`.
    pub(super) fn custom_notification(&self) -> String {
        let line =
            |text: &str, longest| shorten(&clean(text).split_whitespace().collect::<Vec<_>>().join(" "), longest);
        let title = match line(&self.headline, TITLE) {
            headline if headline.is_empty() => self.subject(),
            headline => headline,
        };
        let steps: Vec<String> = self.advice.iter().take(STEPS).map(|step| line(&harmless(step), STEP)).collect();
        let keywords: Vec<String> = [Some(self.kind.as_str()), self.target.as_ref().map(|target| target.as_str())]
            .into_iter()
            .flatten()
            .map(|word| line(&harmless(word), 75))
            .filter(|word| !word.is_empty())
            .collect();
        let context: Map<String, Value> = self
            .table()
            .into_iter()
            .map(|(label, value)| (label.to_owned(), Value::from(line(&value, CONTEXT))))
            .collect();
        let links = self.all_links();
        let safe = links.iter().filter(|link| link.url.starts_with("https://") && link.url.len() < 1_000);
        let resources: Vec<&str> = safe.take(5).map(|link| link.url.as_str()).collect();
        json!({
            "version": "1.0",
            "source": "custom",
            "id": line(&self.id, CONTEXT),
            "content": {
                "textType": "client-markdown",
                "title": harmless(&title),
                "description": shorten(&self.description(), DESCRIPTION),
                "nextSteps": steps,
                "keywords": keywords,
            },
            "metadata": {
                "threadId": line(self.thread(), CONTEXT),
                "summary": harmless(&title),
                "eventType": self.kind.as_str(),
                "relatedResources": resources,
                "additionalContext": context,
            },
        })
        .to_string()
    }

    /// Why, then the evidence, then the facts.
    fn description(&self) -> String {
        let mut paragraphs = Vec::new();
        if !self.reason.trim().is_empty() {
            paragraphs.push(harmless(&shorten(&clean(&self.reason), 1_500)));
        }
        let details = self.details_within(LINES);
        if !details.is_empty() {
            let mut lines = vec![format!("*{}*", self.details_title())];
            lines.extend(details.iter().map(|line| format!("• {}", harmless(&shorten(&clean(line), STEP)))));
            paragraphs.push(lines.join("\n"));
        }
        let rows = self.table();
        if !rows.is_empty() {
            let rows =
                rows.iter().map(|(label, value)| format!("*{label}*: {}", harmless(&shorten(&clean(value), CONTEXT))));
            paragraphs.push(rows.collect::<Vec<_>>().join("\n"));
        }
        paragraphs.join("\n\n")
    }
}

/// Without what mentions people or formats the text: the chat's markdown knows no escape for it in every client.
fn harmless(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›").replace('`', "'")
}
