//! Takes a tree apart into texts, lists and maps, and notes every mistake with its path on the way.
//!
//! It knows YAML's surprises, and nothing of what the document means.

use std::collections::{HashMap, HashSet};

use super::Mistake;
use super::key::{Key, Need};
use super::nearest::nearest;
use super::yaml::{Node, Value};
use crate::config::tags::TagPolicy;

/// A value of the document, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'n, 'p> {
    pub(super) node: &'n Node<'n>,
    path: Path<'p>,
}

/// It is only written out when there is a mistake.
#[derive(Clone, Copy)]
enum Path<'p> {
    Document,
    Key(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl<'n, 'p> At<'n, 'p> {
    pub(super) fn document(node: &'n Node<'n>) -> Self {
        Self { node, path: Path::Document }
    }

    pub(super) fn key(&'p self, name: &'p str, node: &'n Node<'n>) -> Self {
        Self { node, path: Path::Key(&self.path, name) }
    }

    pub(super) fn item(&'p self, index: usize, node: &'n Node<'n>) -> Self {
        Self { node, path: Path::Item(&self.path, index) }
    }

    /// `targets[2].tags`; empty for the document as a whole.
    pub(super) fn path(&self) -> String {
        self.path.write()
    }
}

impl Path<'_> {
    fn write(&self) -> String {
        match self {
            Self::Document => String::new(),
            Self::Item(parent, at) => format!("{}[{at}]", parent.write()),
            Self::Key(Path::Document, key) => (*key).to_owned(),
            Self::Key(parent, key) => format!("{}.{key}", parent.write()),
        }
    }
}

/// The mistakes so far.
#[derive(Default)]
pub(super) struct Reader<'n> {
    /// Each with its line.
    mistakes: Vec<(usize, Mistake)>,
    /// What the rules for tags have been compiled to, by their name and text, see [`policy`](super::policy).
    pub(super) rules: HashMap<(&'static str, &'n str), Result<TagPolicy, String>>,
}

impl<'n> Reader<'n> {
    /// Notes a mistake: what is wrong, and what would be right.
    pub(super) fn wrong(&mut self, at: &At<'_, '_>, text: impl AsRef<str>) {
        let line = at.node.line;
        self.mistakes.push((line, Mistake::in_line(line, at.path(), text.as_ref())));
    }

    /// What was read, unless there were mistakes: these in the document's order.
    pub(super) fn finish<T>(mut self, read: T) -> Result<T, Vec<Mistake>> {
        if self.mistakes.is_empty() {
            return Ok(read);
        }
        self.mistakes.sort_by_key(|(line, _)| *line);
        Err(self.mistakes.into_iter().map(|(_, mistake)| mistake).collect())
    }

    /// The value, or `None` and the mistake noted.
    pub(super) fn accept<T>(&mut self, at: &At<'_, '_>, value: Result<T, String>) -> Option<T> {
        value.map_err(|text| self.wrong(at, text)).ok()
    }

    /// A text; `right` is one as the document would have it, quotes included.
    pub(super) fn text(&mut self, at: &At<'n, '_>, right: &str) -> Option<&'n str> {
        let wrong = match &at.node.value {
            Value::Text(text) => return Some(text),
            Value::Plain(text) => match typed(text) {
                Typed::Text => return Some(text),
                Typed::Nothing => format!("has no value; write {right}"),
                Typed::Number => format!("{text} without quotes is a number in YAML; write \"{text}\""),
                Typed::Truth => format!("{text} without quotes is a truth value in YAML; write \"{text}\""),
            },
            Value::Map(entries) => match entries.as_slice() {
                [(Node { value: Value::Plain(name), .. }, nothing)] if nothing.is_nothing() => {
                    format!("{{{name}}} without quotes is a map in YAML; write \"{{{name}}}\"")
                }
                _ => expected("a text", right, at.node),
            },
            _ => expected("a text", right, at.node),
        };
        self.wrong(at, wrong);
        None
    }

    pub(super) fn truth(&mut self, at: &At<'_, '_>) -> Option<bool> {
        let wrong = match (&at.node.value, at.node.word()) {
            (Value::Plain(_), Some("true")) => return Some(true),
            (Value::Plain(_), Some("false")) => return Some(false),
            (Value::Text(text), Some("true" | "false")) => format!("{text:?} in quotes is a text; write {text}"),
            (_, Some(word)) => format!("{word} is neither true nor false; write one of them"),
            (_, None) => expected("true or false", "one of them", at.node),
        };
        self.wrong(at, wrong);
        None
    }

    pub(super) fn number(&mut self, at: &At<'_, '_>, right: &str) -> Option<u64> {
        let wrong = match (&at.node.value, at.node.word().map(str::parse)) {
            (Value::Plain(_), Some(Ok(number))) => return Some(number),
            (Value::Text(text), Some(Ok(_))) => format!("{text:?} in quotes is a text; write {right}"),
            (Value::Plain(word) | Value::Text(word), Some(Err(_))) => {
                format!("{word} is not a whole number; write {right}")
            }
            _ => expected("a number", right, at.node),
        };
        self.wrong(at, wrong);
        None
    }

    pub(super) fn list<'p>(&mut self, at: &'p At<'n, 'p>, right: &str) -> Option<Vec<At<'n, 'p>>> {
        if let Value::List(items) = &at.node.value {
            return Some(items.iter().enumerate().map(|(index, node)| at.item(index, node)).collect());
        }
        let wrong = match at.node.word() {
            Some(word) => format!("one text stands where a list is expected; write [{word:?}]"),
            None => expected("a list", right, at.node),
        };
        self.wrong(at, wrong);
        None
    }

    /// The entries of a map whose keys people choose; a key that comes twice is noted.
    pub(super) fn entries(&mut self, at: &At<'n, '_>, right: &str) -> Option<Vec<(&'n str, &'n Node<'n>)>> {
        let Value::Map(entries) = &at.node.value else {
            self.wrong(at, expected("a map", right, at.node));
            return None;
        };
        let mut named: Vec<(&str, &Node<'_>)> = Vec::with_capacity(entries.len());
        // A handful of keys is looked through faster than it is hashed, and nearly every map is a handful.
        let mut many = (entries.len() > 16).then(HashSet::new);
        for (key, value) in entries {
            let at_key = At { node: key, ..*at };
            let name = match &key.value {
                Value::Plain(name) | Value::Text(name) => name.as_ref(),
                Value::Wrong(text) => {
                    self.wrong(&at_key, text);
                    continue;
                }
                Value::List(_) | Value::Map(_) => {
                    self.wrong(&at_key, "a key is a list or a map here; a key is a text");
                    continue;
                }
            };
            if name == "<<" {
                let text =
                    "YAML's merge keys (<<) are not read; put what targets share under the document's `defaults`";
                self.wrong(&at_key, text);
                continue;
            }
            let is_new = match &mut many {
                Some(known) => known.insert(name),
                None => named.iter().all(|(known, _)| *known != name),
            };
            if is_new {
                named.push((name, value));
            } else {
                self.wrong(&at.key(name, key), "comes twice in the same map; keep one");
            }
        }
        Some(named)
    }

    /// A map with known keys: reads them into `into`, and notes the keys that are unknown or missing.
    pub(super) fn map<'p, T>(
        &mut self,
        at: &'p At<'n, 'p>,
        right: &str,
        keys: &'static [Key<T>],
        into: &mut T,
    ) -> Option<Fields<'n, 'p>> {
        let fields = self.fields(at, right)?;
        self.unknown(&fields, keys);
        self.keys(&fields, keys, into);
        Some(fields)
    }

    /// A map with known keys, none of them read yet.
    pub(super) fn fields<'p>(&mut self, at: &'p At<'n, 'p>, right: &str) -> Option<Fields<'n, 'p>> {
        Some(Fields { at, entries: self.entries(at, right)? })
    }

    /// Notes the keys that are not known, with the known key that is nearest to each.
    pub(super) fn unknown<T>(&mut self, fields: &Fields<'n, '_>, keys: &'static [Key<T>]) {
        for (name, node) in fields.entries.iter().filter(|(name, _)| !is_known(name, keys)) {
            let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
            let text = match nearest(name, known.iter().copied()) {
                Some(intended) => format!("is not a known key; did you mean `{intended}`?"),
                None => format!("is not a known key; the known ones are {}", known.join(", ")),
            };
            self.wrong(&fields.at.key(name, node), text);
        }
    }

    /// Reads these keys, in their order, and notes those that are required and missing.
    pub(super) fn keys<T>(&mut self, fields: &Fields<'n, '_>, keys: &'static [Key<T>], into: &mut T) {
        for key in keys {
            match (fields.get(key.name), &key.need) {
                (Some(node), _) => (key.read)(into, self, &fields.at.key(key.name, node)),
                (None, Need::Required(right)) => self.missing(fields, keys, key.name, right),
                (None, _) => {}
            }
        }
    }

    /// Notes that a key is missing, unless another key looks like a misspelling of it.
    pub(super) fn missing<T>(&mut self, fields: &Fields<'n, '_>, keys: &'static [Key<T>], name: &str, right: &str) {
        if !fields.misspells(name, keys) {
            self.wrong(&fields.at.key(name, fields.at.node), format!("is missing; {right}"));
        }
    }
}

/// The entries of a map with known keys.
pub(super) struct Fields<'n, 'p> {
    at: &'p At<'n, 'p>,
    pub(super) entries: Vec<(&'n str, &'n Node<'n>)>,
}

impl<'n> Fields<'n, '_> {
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The place of a key: where it stands, or else the map that would have it.
    pub(super) fn place<'a>(&'a self, name: &'a str) -> At<'n, 'a> {
        self.at.key(name, self.get(name).unwrap_or(self.at.node))
    }

    fn get(&self, name: &str) -> Option<&'n Node<'n>> {
        self.entries.iter().find(|(known, _)| *known == name).map(|(_, node)| *node)
    }

    /// Whether an unknown key looks like a misspelling of this one, which [`Reader::unknown`] notes.
    pub(super) fn misspells<T>(&self, name: &str, keys: &'static [Key<T>]) -> bool {
        let mut unknown = self.entries.iter().filter(|(given, _)| !is_known(given, keys));
        unknown.any(|(given, _)| nearest(given, std::iter::once(name)).is_some())
    }
}

fn is_known<T>(name: &str, keys: &'static [Key<T>]) -> bool {
    keys.iter().any(|key| key.name == name)
}

impl Node<'_> {
    /// What stands here if it is one word, in quotes or not.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Text(text) if !text.is_empty() && !self.is_nothing() => Some(text),
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Plain(text) if matches!(typed(text), Typed::Nothing))
    }
}

fn expected(what: &str, right: &str, node: &Node<'_>) -> String {
    let found = match &node.value {
        Value::Wrong(text) => return text.clone(),
        Value::Plain(text) => match typed(text) {
            Typed::Nothing => return format!("has no value; write {right}"),
            Typed::Number => "a number",
            Typed::Truth => "a truth value",
            Typed::Text => "a text",
        },
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    };
    format!("{found} stands where {what} is expected; write {right}")
}

/// What YAML takes a text without quotes for: by the core schema of YAML 1.2,
/// and for truth values also by YAML 1.1, which many editors and tools still read.
enum Typed {
    Text,
    Number,
    Truth,
    Nothing,
}

fn typed(text: &str) -> Typed {
    match text.as_bytes().first() {
        None => Typed::Nothing,
        Some(b'~') if text.len() == 1 => Typed::Nothing,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') if is_number(text) => Typed::Number,
        Some(b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O') if text.len() < 6 => {
            match text.to_ascii_lowercase().as_str() {
                "null" => Typed::Nothing,
                "true" | "false" | "yes" | "no" | "on" | "off" => Typed::Truth,
                _ => Typed::Text,
            }
        }
        _ => Typed::Text,
    }
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str, radix| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    if let Some(hex) = text.strip_prefix("0x") {
        return digits(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    all_digits && !(whole.is_empty() && fraction.is_empty()) && exponent.is_none_or(|exponent| digits(exponent, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_yaml_takes_for_one() {
        for text in [
            "1", "0", "-1", "+1", "1.10", "1.", ".5", "1e5", "12e4567", "1.5E-3", "007", "0x1F", "0o17", "-.inf",
            ".nan",
        ] {
            assert!(matches!(typed(text), Typed::Number), "{text}");
        }
        for text in [
            "1.4.2", "1e", "e5", ".", "-", "+", "--1", "0x", "0xg", "0o8", "1_000", "v1", "9fceb02", "1.2.3e4", "-.nan",
        ] {
            assert!(matches!(typed(text), Typed::Text), "{text}");
        }
    }

    #[test]
    fn yes_and_no_are_truth_values_to_many() {
        for text in ["yes", "No", "ON", "off", "true", "False"] {
            assert!(matches!(typed(text), Typed::Truth), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert!(matches!(typed(text), Typed::Nothing), "{text}");
        }
        for text in ["none", "yesterday", "node", "~x", "office"] {
            assert!(matches!(typed(text), Typed::Text), "{text}");
        }
    }
}
