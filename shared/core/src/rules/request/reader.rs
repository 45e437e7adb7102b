//! Reads the members of a request, each with every mistake that a person can make in it.

use serde_json::{Map, Value};

use super::{LAST, Targets, quoted};
use crate::config::Mistake;
use crate::model::facts::ImageName;
use crate::model::id::{TargetName, TaskDefinitionArn};
use crate::model::image::{Digest, Tag};

pub(super) struct Reader<'r> {
    pub(super) request: &'r Map<String, Value>,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'r> Reader<'r> {
    pub(super) fn mistake(&mut self, path: &str, text: String) {
        self.mistakes.push(Mistake { path: path.to_owned(), text });
    }

    pub(super) fn require(&mut self, key: &str, what: &str) {
        if !self.request.contains_key(key) {
            self.mistake(key, format!("is missing; give {what}"));
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<&'r str> {
        match self.request.get(key)? {
            Value::String(text) => Some(text),
            other => {
                self.mistake(key, format!("is {}, and must be a string", kind(other)));
                None
            }
        }
    }

    pub(super) fn refuse_unknown_keys(&mut self, action: &str, known: &[&str]) {
        for key in self.request.keys().filter(|key| !known.contains(&key.as_str())) {
            self.mistake(key, format!("is not a key of {action}; its keys are {}", quoted(known)));
        }
    }

    pub(super) fn image(&mut self) -> Option<ImageName> {
        if self.request.contains_key("tag") && self.request.contains_key("digest") {
            self.mistake("digest", "stands beside \"tag\"; give one of the two".to_owned());
            return None;
        }
        if let Some(text) = self.text("tag") {
            let tag = Tag::parse(text);
            if tag.is_none() {
                self.mistake("tag", format!("{text:?} is not an image tag; tags look like \"1.8.2\""));
            }
            return tag.map(ImageName::Tag);
        }
        let text = self.text("digest")?;
        let digest = Digest::parse(text);
        if digest.is_none() {
            self.mistake(
                "digest",
                format!("{text:?} is not a digest; digests are \"sha256:\" and 64 hexadecimal digits"),
            );
        }
        digest.map(ImageName::Digest)
    }

    pub(super) fn targets(&mut self) -> Option<Targets> {
        const SHAPE: &str = "\"cluster/service\", a list of such, or \"*\"";
        match self.request.get("target")? {
            Value::String(name) if name == "*" => Some(Targets::All),
            Value::String(name) => Some(Targets::Named(vec![TargetName::new(name)])),
            Value::Array(names) if !names.is_empty() => {
                let mut named = Vec::new();
                for (place, name) in names.iter().enumerate() {
                    match name {
                        Value::String(name) => {
                            let name = TargetName::new(name);
                            if !named.contains(&name) {
                                named.push(name);
                            }
                        }
                        other => {
                            let text = format!("is {}, and must be \"cluster/service\"", kind(other));
                            self.mistake(&format!("target[{place}]"), text);
                        }
                    }
                }
                Some(Targets::Named(named))
            }
            Value::Array(_) => {
                self.mistake("target", format!("is an empty list; give {SHAPE}"));
                None
            }
            other => {
                self.mistake("target", format!("is {}; give {SHAPE}", kind(other)));
                None
            }
        }
    }

    /// A text that says something, where it is there.
    pub(super) fn filled(&mut self, key: &str) -> Option<&'r str> {
        let text = self.text(key)?;
        if text.is_empty() {
            self.mistake(key, "is empty; leave it out, or give a text of your own".to_owned());
        }
        Some(text)
    }

    /// `false` where it isn't there, `None` where it is no truth value.
    pub(super) fn truth(&mut self, key: &str) -> Option<bool> {
        match self.request.get(key) {
            None => Some(false),
            Some(Value::Bool(truth)) => Some(*truth),
            Some(other) => {
                self.mistake(key, format!("is {}, and must be true or false", kind(other)));
                None
            }
        }
    }

    pub(super) fn count(&mut self, key: &str) -> Option<usize> {
        const MOST: u64 = 100;
        match self.request.get(key) {
            None => Some(LAST),
            Some(Value::Number(number)) if number.as_u64().is_some_and(|number| (1..=MOST).contains(&number)) => {
                number.as_u64().and_then(|number| usize::try_from(number).ok())
            }
            Some(other) => {
                self.mistake(key, format!("is {other}, and must be a whole number from 1 to {MOST}"));
                None
            }
        }
    }

    /// `family:revision`, or its ARN.
    pub(super) fn revision(&mut self, key: &str) -> Option<String> {
        let text = self.text(key)?;
        let revision = TaskDefinitionArn::new(text);
        if revision.family().is_empty() || revision.revision().is_none() {
            self.mistake(key, format!("{text:?} is not a revision; revisions look like \"web:41\""));
        }
        Some(text.to_owned())
    }

    pub(super) fn event(&mut self) -> Option<Value> {
        match self.request.get("event") {
            Some(event @ Value::Object(_)) => Some(event.clone()),
            Some(other) => {
                let text = format!("is {}, and must be an event as EventBridge sends it", kind(other));
                self.mistake("event", text);
                None
            }
            None => {
                self.mistake("event", "is missing; give an event as EventBridge sends it".to_owned());
                None
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
