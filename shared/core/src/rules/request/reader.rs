//! Reads the members of a request, each with every mistake that a person can make in it.

use serde_json::{Map, Value};
use strum::VariantArray as _;

use super::keys::Key;
use super::{Action, LAST, Targets, Verb, quoted};
use crate::config::Mistake;
use crate::model::facts::ImageName;
use crate::model::id::{TargetName, TaskDefinitionArn};
use crate::model::image::{Digest, Tag};
use crate::rules::status::{Acceptable, ImageQuestion, WaitFor};

/// How the targets are written.
pub(super) const TARGETS: &str = "\"cluster/service\", a list of such, or \"*\"";

pub(super) struct Reader<'r> {
    pub(super) request: &'r Map<String, Value>,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'r> Reader<'r> {
    fn mistake(&mut self, path: &str, text: String) {
        self.mistakes.push(Mistake { path: path.to_owned(), text });
    }

    /// Reports a mistake in a key's value, so that there is none.
    fn refuse<T>(&mut self, key: Key, text: String) -> Option<T> {
        self.mistake(key.word(), text);
        None
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
            other => self.refuse(key, format!("is {}, and must be a string", kind(other))),
        }
    }

    /// What is asked for, which says what else may be there.
    pub(super) fn verb(&mut self) -> Option<Verb> {
        let known = quoted(Verb::VARIANTS.iter().map(|verb| verb.into()));
        self.require(Key::Action, &format!("one of {known}"));
        let word = self.text(Key::Action)?;
        let unknown = || format!("{word:?} is not an action; the actions are {known}");
        word.parse().ok().or_else(|| self.refuse(Key::Action, unknown()))
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
            return self.refuse(Key::Digest, "stands beside \"tag\"; give one of the two".to_owned());
        }
        if let Some(text) = self.text(Key::Tag) {
            let unknown = || format!("{text:?} is not an image tag; tags look like \"1.8.2\"");
            return Tag::parse(text).map(ImageName::Tag).or_else(|| self.refuse(Key::Tag, unknown()));
        }
        let text = self.text(Key::Digest)?;
        let unknown = || format!("{text:?} is not a digest; digests are \"sha256:\" and 64 hexadecimal digits");
        Digest::parse(text).map(ImageName::Digest).or_else(|| self.refuse(Key::Digest, unknown()))
    }

    /// The status of this image, where one is named, with what whoever asks makes of it.
    pub(super) fn status(&mut self, image: Option<ImageName>) -> Action {
        for key in [Key::Accept, Key::For] {
            if self.has(key) && !self.has(Key::Tag) && !self.has(Key::Digest) {
                self.mistake(key.word(), "is about an image; name it by \"tag\" or \"digest\"".to_owned());
            }
        }
        let (accept, wait_for) = (self.accept(), self.wait_for());
        Action::Status(image.map(|image| ImageQuestion { image, accept, wait_for }))
    }

    fn accept(&mut self) -> Vec<Acceptable> {
        let known = quoted(Acceptable::VARIANTS.iter().map(|state| state.into()));
        let mut accept = Vec::new();
        match self.request.get(Key::Accept.word()) {
            None => {}
            Some(Value::Array(states)) => {
                for (place, state) in states.iter().enumerate() {
                    match state.as_str().and_then(|word| word.parse().ok()) {
                        Some(state) => accept.push(state),
                        None => {
                            self.mistake(&format!("accept[{place}]"), format!("is {state}, and must be one of {known}"))
                        }
                    }
                }
            }
            Some(other) => {
                self.mistake(Key::Accept.word(), format!("is {}, and must be a list of {known}", kind(other)));
            }
        }
        accept
    }

    fn wait_for(&mut self) -> WaitFor {
        let Some(word) = self.text(Key::For) else { return WaitFor::default() };
        let known = quoted(WaitFor::VARIANTS.iter().map(|it| it.into()));
        let unknown = || format!("{word:?} cannot be waited for; give one of {known}");
        word.parse().ok().or_else(|| self.refuse(Key::For, unknown())).unwrap_or_default()
    }

    pub(super) fn targets(&mut self) -> Option<Targets> {
        match self.request.get(Key::Target.word())? {
            Value::String(name) if name == "*" => Some(Targets::All),
            Value::String(name) => Some(Targets::Named(vec![TargetName::new(name)])),
            Value::Array(names) if !names.is_empty() => {
                let mut named = Vec::new();
                for (place, name) in names.iter().enumerate() {
                    let Some(name) = name.as_str().map(TargetName::new) else {
                        let text = format!("is {}, and must be \"cluster/service\"", kind(name));
                        self.mistake(&format!("target[{place}]"), text);
                        continue;
                    };
                    if !named.contains(&name) {
                        named.push(name);
                    }
                }
                Some(Targets::Named(named))
            }
            Value::Array(_) => self.refuse(Key::Target, format!("is an empty list; give {TARGETS}")),
            other => self.refuse(Key::Target, format!("is {}; give {TARGETS}", kind(other))),
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
            Some(other) => self.refuse(key, format!("is {}, and must be true or false", kind(other))),
        }
    }

    pub(super) fn count(&mut self, key: Key) -> Option<usize> {
        const MOST: u64 = 100;
        let Some(value) = self.request.get(key.word()) else { return Some(LAST) };
        let count = value.as_u64().filter(|count| (1..=MOST).contains(count));
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.or_else(|| self.refuse(key, format!("is {value}, and must be a whole number from 1 to {MOST}")))
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
                self.refuse(Key::Event, format!("is {}, and must be an event as EventBridge sends it", kind(other)))
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
