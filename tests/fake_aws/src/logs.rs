//! CloudWatch Logs: the streams that containers write to, and reading the last of their lines.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::refusal::{Answer, Members, Refusal, number, text};

/// The lines of a stream, each with its time.
type Stream = Vec<(Timestamp, String)>;

/// The log groups of the account and region.
#[derive(Debug)]
pub struct Logs {
    groups: BTreeMap<String, BTreeMap<String, Stream>>,
    /// What a container writes before it fails.
    last_words: Vec<String>,
}

impl Default for Logs {
    fn default() -> Self {
        let last_words = ["Starting up.", "Error: DATABASE_URL is not set"].map(str::to_owned).to_vec();
        Self { groups: BTreeMap::new(), last_words }
    }
}

impl Logs {
    /// Adds lines to a stream; group and stream are made where they are not there.
    pub fn write(&mut self, at: Timestamp, group: &str, stream: &str, lines: &[String]) {
        let stream = self.groups.entry(group.to_owned()).or_default().entry(stream.to_owned()).or_default();
        stream.extend(lines.iter().map(|line| (at, line.clone())));
    }

    /// Sets what containers write from now on before they fail.
    pub fn set_last_words(&mut self, lines: &[&str]) {
        self.last_words = lines.iter().map(|line| (*line).to_owned()).collect();
    }

    /// A container that ran writes its last words.
    pub fn write_last_words(&mut self, at: Timestamp, group: &str, stream: &str) {
        let lines = self.last_words.clone();
        self.write(at, group, stream, &lines);
    }

    /// Whether there is such a group.
    pub fn has(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// The last lines of a stream, oldest first; none where there is no such stream.
    pub fn last_lines(&self, group: &str, stream: &str, most: usize) -> Vec<String> {
        let lines = self.groups.get(group).and_then(|streams| streams.get(stream)).map_or(&[][..], Vec::as_slice);
        lines[lines.len().saturating_sub(most)..].iter().map(|(_, line)| line.clone()).collect()
    }

    /// Answers GetLogEvents: one page from the head or from the tail, oldest line first either way.
    pub fn answer(&self, operation: &str, request: &Members) -> Answer {
        if operation != "GetLogEvents" {
            let message = format!("The fake's CloudWatch Logs doesn't know {operation}.");
            return Err(Refusal::new("UnknownOperationException", message));
        }
        let group = text(request, "logGroupName").or(text(request, "logGroupIdentifier")).unwrap_or_default();
        let missing =
            |what: &str| Refusal::new("ResourceNotFoundException", format!("The specified {what} does not exist."));
        let streams = self.groups.get(group).ok_or_else(|| missing("log group"))?;
        let stream = streams.get(text(request, "logStreamName").unwrap_or_default());
        let stream = stream.ok_or_else(|| missing("log stream"))?;
        let most = number(request, "limit").and_then(|most| usize::try_from(most).ok()).unwrap_or(10_000);
        let from_head = request.get("startFromHead").and_then(Value::as_bool).unwrap_or_default();
        let skipped = if from_head { 0 } else { stream.len().saturating_sub(most) };
        let events: Vec<Value> = stream.iter().skip(skipped).take(most).map(event).collect();
        Ok(json!({ "events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/1" }))
    }
}

fn event((at, line): &(Timestamp, String)) -> Value {
    json!({ "timestamp": at.as_millisecond(), "message": line, "ingestionTime": at.as_millisecond() })
}
