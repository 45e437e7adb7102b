//! Reads the members of a request, each with every mistake that a person can make in it.

use serde_json::{Map, Value};
use strum::VariantArray as _;

use super::keys::Key;
use super::{Action, LAST, Targets, Verb, quoted};
use crate::config::Mistake;
use crate::model::facts::ImageName;
use crate::model::id::{TargetName, TaskDefinitionArn};
use crate::model::image::{Digest, Tag};

/// How the targets are written.
pub(super) const TARGETS: &str = "\"cluster/service\", a list of such, or \"*\"";

pub(super) struct Reader<'r> {
    pub(super) request: &'r Map<String, Value>,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'r> Reader<'r> {
    pub(super) fn mistake(&mut self, path: &str, text: String) {
        self.mistakes.push(Mistake { path: path.to_owned(), text });
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.request.contains_key(key.word())
    }

    pub(super) fn require(&mut self, key: Key, what: &str) {
        if !self.has(key) {
            self.mistake(key.word(), format!("is missing; give {what}"));
        }
    }

    pub(super) fn text(&mut self, key: Key) -> Option<&'r str> {
        match self.request.get(key.word())? {
            Value::String(text) => Some(text),
            other => {
                self.mistake(key.word(), format!("is {}, and must be a string", kind(other)));
                None
            }
        }
    }

    /// What is asked for, which says what else may be there.
    pub(super) fn verb(&mut self) -> Option<Verb> {
        let known = quoted(Verb::VARIANTS.iter().map(|verb| verb.into()));
        let Some(word) = self.text(Key::Action) else {
            self.require(Key::Action, &format!("one of {known}"));
            return None;
        };
        let verb = word.parse().ok();
        if verb.is_none() {
            self.mistake(Key::Action.word(), format!("{word:?} is not an action; the actions are {known}"));
        }
        verb
    }

    pub(super) fn refuse_unknown_keys(&mut self, verb: Verb) {
        let known = || verb.keys().iter().map(|key| key.word());
        let verb: &str = verb.into();
        for key in self.request.keys().filter(|key| known().all(|known| known != key.as_str())) {
            self.mistake(key, format!("is not a key of {verb}; its keys are {}", quoted(known())));
        }
    }

    /// A deploy of this image, which has to be named.
    pub(super) fn deploy(&mut self, image: Option<ImageName>) -> Option<Action> {
        if !self.has(Key::Tag) && !self.has(Key::Digest) {
            self.mistake(Key::Tag.word(), "is missing; say which image: \"tag\": \"1.8.2\", or \"digest\"".to_owned());
        }
        let force = self.truth(Key::Force) == Some(true);
        image.map(|image| Action::Deploy { image, force })
    }

    pub(super) fn image(&mut self) -> Option<ImageName> {
        if self.has(Key::Tag) && self.has(Key::Digest) {
            self.mistake(Key::Digest.word(), "stands beside \"tag\"; give one of the two".to_owned());
            return None;
        }
        if let Some(text) = self.text(Key::Tag) {
            let tag = Tag::parse(text);
            if tag.is_none() {
                self.mistake(Key::Tag.word(), format!("{text:?} is not an image tag; tags look like \"1.8.2\""));
            }
            return tag.map(ImageName::Tag);
        }
        let text = self.text(Key::Digest)?;
        let digest = Digest::parse(text);
        if digest.is_none() {
            self.mistake(
                Key::Digest.word(),
                format!("{text:?} is not a digest; digests are \"sha256:\" and 64 hexadecimal digits"),
            );
        }
        digest.map(ImageName::Digest)
    }

    pub(super) fn targets(&mut self) -> Option<Targets> {
        match self.request.get(Key::Target.word())? {
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
                self.mistake(Key::Target.word(), format!("is an empty list; give {TARGETS}"));
                None
            }
            other => {
                self.mistake(Key::Target.word(), format!("is {}; give {TARGETS}", kind(other)));
                None
            }
        }
    }

    /// A text that says something, where it is there.
    pub(super) fn filled(&mut self, key: Key) -> Option<&'r str> {
        let text = self.text(key)?;
        if text.is_empty() {
            self.mistake(key.word(), "is empty; leave it out, or give a text of your own".to_owned());
        }
        Some(text)
    }

    /// `false` where it isn't there, `None` where it is no truth value.
    pub(super) fn truth(&mut self, key: Key) -> Option<bool> {
        match self.request.get(key.word()) {
            None => Some(false),
            Some(Value::Bool(truth)) => Some(*truth),
            Some(other) => {
                self.mistake(key.word(), format!("is {}, and must be true or false", kind(other)));
                None
            }
        }
    }

    pub(super) fn count(&mut self, key: Key) -> Option<usize> {
        const MOST: u64 = 100;
        match self.request.get(key.word()) {
            None => Some(LAST),
            Some(Value::Number(number)) if number.as_u64().is_some_and(|number| (1..=MOST).contains(&number)) => {
                number.as_u64().and_then(|number| usize::try_from(number).ok())
            }
            Some(other) => {
                self.mistake(key.word(), format!("is {other}, and must be a whole number from 1 to {MOST}"));
                None
            }
        }
    }

    /// `family:revision`, or its ARN.
    pub(super) fn revision(&mut self, key: Key) -> Option<String> {
        let text = self.text(key)?;
        let revision = TaskDefinitionArn::new(text);
        if revision.family().is_empty() || revision.revision().is_none() {
            self.mistake(key.word(), format!("{text:?} is not a revision; revisions look like \"web:41\""));
        }
        Some(text.to_owned())
    }

    pub(super) fn event(&mut self) -> Option<Value> {
        self.require(Key::Event, "an event as EventBridge sends it");
        match self.request.get(Key::Event.word())? {
            event @ Value::Object(_) => Some(event.clone()),
            other => {
                let text = format!("is {}, and must be an event as EventBridge sends it", kind(other));
                self.mistake(Key::Event.word(), text);
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
