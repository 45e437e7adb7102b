//! YAML text → a tree that still knows lines and quotes, so that a mistake can be reported where it was made.
//!
//! The one file that knows the YAML library. What YAML allows and a document of ours never needs
//! (merge keys, custom tags, several documents) becomes a [`Value::Wrong`], reported at its path like any other mistake.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::Value as Json;

use super::Mistake;

/// More than the document's shape needs, and little enough for any stack.
const DEEPEST: usize = 32;

/// How many nodes aliases may copy: far more than a right document repeats, far less than fills a function's memory.
const MOST_COPIED: usize = 200_000;

/// A value and the line where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node<'d> {
    pub(super) line: usize,
    pub(super) value: Value<'d>,
}

#[derive(Clone, Debug)]
pub(super) enum Value<'d> {
    /// Without quotes: a text, or what YAML takes for a number, a truth value or nothing.
    Plain(Cow<'d, str>),
    /// In quotes or in a block: always a text.
    Text(Cow<'d, str>),
    List(Vec<Node<'d>>),
    /// In the document's order, keys that come twice included.
    Map(Vec<(Node<'d>, Node<'d>)>),
    /// What YAML allows and we don't: what is wrong, and what would be right.
    Wrong(String),
}

/// Reads one document; a mistake is one of syntax, which ends the reading.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Mistake> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(text, &error))?;
        tree.take(event, span)?;
    }
    tree.root.ok_or_else(|| mistake(1, "the document is empty; it begins with \"version: 1\" and a list of `targets`"))
}

/// The same as JSON, with every scalar as a text; `None` where it is no YAML.
pub(crate) fn to_json(text: &str) -> Option<Json> {
    parse(text).ok().map(|node| json_of(&node))
}

fn json_of(node: &Node<'_>) -> Json {
    match &node.value {
        Value::Plain(text) | Value::Text(text) => Json::String(text.clone().into_owned()),
        Value::List(items) => items.iter().map(json_of).collect(),
        Value::Map(entries) => {
            let name = |key: &Node<'_>| json_of(key).as_str().unwrap_or_default().to_owned();
            entries.iter().map(|(key, value)| (name(key), json_of(value))).collect()
        }
        Value::Wrong(_) => Json::Null,
    }
}

#[derive(Default)]
struct Tree<'d> {
    open: Vec<Open<'d>>,
    anchors: HashMap<usize, Node<'d>>,
    copied: usize,
    root: Option<Node<'d>>,
}

/// A list or a map whose end has not come.
struct Open<'d> {
    node: Node<'d>,
    anchor: usize,
    key: Option<Node<'d>>,
}

impl<'d> Tree<'d> {
    fn take(&mut self, event: Event<'d>, span: Span) -> Result<(), Mistake> {
        let line = span.start.line();
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(mistake(line, "a second document begins here; everything stands in one, without `---` between"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(text, style, tag.as_deref());
                self.close(Node { line, value }, anchor);
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Node { line, value: collection(tag.as_deref(), Value::List(Vec::new())) }, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.open(Node { line, value: collection(tag.as_deref(), Value::Map(Vec::new())) }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { node, anchor, .. }) = self.open.pop() {
                    self.close(node, anchor);
                }
                Ok(())
            }
            Event::Alias(anchor) => self.copy(anchor, line),
            _ => Ok(()),
        }
    }

    fn open(&mut self, node: Node<'d>, anchor: usize) -> Result<(), Mistake> {
        if self.open.len() == DEEPEST {
            let text = format!("this is nested more than {DEEPEST} deep, which no right document is");
            return Err(mistake(node.line, text));
        }
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    /// Puts a complete value where it belongs: in a list, as a key, beside its key, or as the whole document.
    fn close(&mut self, node: Node<'d>, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => entries.push((key, node)),
            },
            // The list or map has a tag, which is the mistake; its content is of no interest.
            _ => {}
        }
    }

    fn copy(&mut self, anchor: usize, line: usize) -> Result<(), Mistake> {
        // An alias within its own anchor finds nothing: the value is not complete.
        let value = match self.anchors.get(&anchor) {
            Some(node) => node.value.clone(),
            None => Value::Wrong("an alias that refers to what it stands in".to_owned()),
        };
        self.copied += size(&value);
        if self.copied > MOST_COPIED {
            return Err(mistake(line, "the aliases of this document copy too much; write less by `defaults`"));
        }
        self.close(Node { line, value }, 0);
        Ok(())
    }
}

fn size(value: &Value<'_>) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(|item| size(&item.value)).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(key, it)| size(&key.value) + size(&it.value)).sum::<usize>(),
        _ => 1,
    }
}

fn scalar<'d>(text: Cow<'d, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value<'d> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Value::Text(text),
        // Nothing follows, so `!name` was intended as a text: `!*cache*` among the globs.
        Some(tag) if text.is_empty() || text == "~" => tagged(tag, &format!("write {:?}", written(tag))),
        Some(tag) => tagged(tag, "leave it out"),
        None if style == ScalarStyle::Plain => Value::Plain(text),
        None => Value::Text(text),
    }
}

fn collection<'d>(tag: Option<&Tag>, value: Value<'d>) -> Value<'d> {
    tag.map_or(value, |tag| tagged(tag, "leave it out"))
}

fn tagged<'d>(tag: &Tag, right: &str) -> Value<'d> {
    Value::Wrong(format!("{} without quotes is one of YAML's tags, which mean nothing here; {right}", written(tag)))
}

fn written(tag: &Tag) -> String {
    let handle = if tag.is_yaml_core_schema() { "!!" } else { tag.handle.as_str() };
    format!("{handle}{}", tag.suffix)
}

/// What the library says, and what to do about it. It has no kinds of errors, so its words decide.
fn syntax(text: &str, error: &ScanError) -> Mistake {
    let (line, column) = (error.marker().line(), error.marker().col() + 1);
    let says = error.info();
    if says.contains("unknown anchor") {
        let word = word_at(text, line, column);
        let wrong =
            format!("{word} without quotes is one of YAML's aliases, and nothing has that name; write {word:?}");
        return mistake(line, wrong);
    }
    const ADVICE: [(&str, &str); 10] = [
        ("tab", "indent with spaces, not with tabs"),
        ("unexpected character", "put the value in quotes"),
        ("escape", "in double quotes a backslash escapes, so write patterns in single quotes"),
        (
            "mapping values are not allowed",
            "a value with a colon needs quotes, and a key needs a space after its colon",
        ),
        ("quoted scalar", "a quote is not closed"),
        ("flow", "a bracket or a brace is not closed"),
        ("expected node content", "a bracket or a brace is not closed, or a value is missing"),
        ("expected <document start>", "nothing stands after the document's end"),
        ("did not find expected", "keys that belong together begin in the same column"),
        ("", "see what stands before it, too"),
    ];
    let advice = ADVICE.iter().find(|(words, _)| says.contains(words)).map_or("", |(_, advice)| advice);
    mistake(line, format!("the document is not YAML: {says} at column {column}; {advice}"))
}

fn word_at(text: &str, line: usize, column: usize) -> String {
    let from = text.lines().nth(line - 1).unwrap_or_default().chars().skip(column - 1);
    from.take_while(|c| !c.is_whitespace() && !matches!(c, ',' | ']' | '}')).collect()
}

fn mistake(line: usize, text: impl AsRef<str>) -> Mistake {
    Mistake::in_line(line, String::new(), text.as_ref())
}
