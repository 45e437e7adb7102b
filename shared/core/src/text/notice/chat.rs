//! The notice for Amazon Q Developer in chat applications (AWS Chatbot), which drops whatever has another schema.
//!
//! Schema: <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>. It states no lengths; these are what
//! a person reads in a chat, far below what Slack, Teams and Chime take.

use serde_json::{Map, Value, json};

use super::details::details_within;
use super::limits::{one_line, shorten};
use crate::model::notice::Notice;

const TITLE: usize = 250;
const DESCRIPTION: usize = 4_000;
const REASON: usize = 1_500;
const STEP: usize = 350;
const STEPS: usize = 10;
const LINES: usize = 10;
const CONTEXT: usize = 300;
const KEYWORD: usize = 75;

impl Notice {
    /// The custom notification of a cleaned notice as JSON. Every notice of one deployment has the same `threadId`.
    pub(super) fn custom_notification(&self) -> String {
        let title = match shorten(&one_line(&self.headline), TITLE) {
            headline if headline.is_empty() => self.subject(),
            headline => harmless(&headline),
        };
        let steps: Vec<String> =
            self.advice.iter().take(STEPS).map(|step| shorten(&one_line(&harmless(step)), STEP)).collect();
        let keywords: Vec<String> = [Some(self.kind.as_str()), self.target.as_ref().map(|target| target.as_str())]
            .into_iter()
            .flatten()
            .map(|word| shorten(&one_line(&harmless(word)), KEYWORD))
            .filter(|word| !word.is_empty())
            .collect();
        let row = |(label, value): (&str, String)| (label.to_owned(), Value::from(shorten(&one_line(&value), CONTEXT)));
        let context: Map<String, Value> = self.table().into_iter().map(row).collect();
        let links = self.all_links();
        let safe = links.iter().filter(|link| link.url.starts_with("https://") && link.url.len() < 1_000);
        let resources: Vec<&str> = safe.take(5).map(|link| link.url.as_str()).collect();
        json!({
            "version": "1.0",
            "source": "custom",
            "id": shorten(&one_line(&self.id), CONTEXT),
            "content": {
                "textType": "client-markdown",
                "title": title,
                "description": shorten(&self.description(), DESCRIPTION),
                "nextSteps": steps,
                "keywords": keywords,
            },
            "metadata": {
                "threadId": shorten(&one_line(self.thread()), CONTEXT),
                "summary": title,
                "eventType": self.kind.as_str(),
                "relatedResources": resources,
                "additionalContext": context,
            },
        })
        .to_string()
    }

    /// Why, then the evidence, then the facts.
    fn description(&self) -> String {
        let quoted = |text: &str, longest| harmless(&shorten(text, longest));
        let details = details_within(&self.details, LINES);
        let title = if details.is_empty() { None } else { Some(format!("*{}*", self.details_title())) };
        let details = details.iter().map(|line| format!("• {}", quoted(line, STEP)));
        let rows = self.table();
        let rows = rows.iter().map(|(label, value)| format!("*{label}*: {}", quoted(value, CONTEXT)));
        let paragraphs = [
            quoted(&self.reason, REASON),
            title.into_iter().chain(details).collect::<Vec<_>>().join("\n"),
            rows.collect::<Vec<_>>().join("\n"),
        ];
        paragraphs.into_iter().filter(|paragraph| !paragraph.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
    }
}

/// Without what mentions people or formats the text: the chat's markdown knows no escape for it in every client.
fn harmless(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›").replace('`', "'")
}
