//! The key `notify`: which channels are told of a target, and of what.

use super::keys::ROUTE;
use super::nearest::nearest;
use super::reader::{Path, Reader};
use super::yaml::Node;
use crate::model::notice::{Route, route};

const RIGHT: &str = "[{slack: \"#deploys\"}]";

const RIGHT_CHANNEL: &str = "\"#deploys\"";

/// Slack's longest channel name.
const LONGEST: usize = 80;

pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>, path: &Path<'_>) -> Option<Vec<Route>> {
    let items = reader.list(node, path, RIGHT)?;
    let mut routes: Vec<Route> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let path = Path::Item(path, at);
        let Some(route) = route(reader, item, &path) else { continue };
        if routes.iter().any(|other| other.slack == route.slack) {
            reader.wrong(&path, item.line, format!("{} stands there twice; keep one", route.slack));
        } else {
            routes.push(route);
        }
    }
    Some(routes)
}

fn route<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>, path: &Path<'_>) -> Option<Route> {
    let mut route = Route::default();
    reader.map(node, path, "{slack: \"#deploys\"}", ROUTE, &mut route)?;
    (!route.slack.is_empty()).then_some(route)
}

pub(super) fn slack(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<String> {
    let text = reader.text(node, path, RIGHT_CHANNEL)?;
    reader.right(path, node.line, channel(text))
}

pub(super) fn words(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Vec<String> {
    let items = reader.list(node, path, "[failed, rolled_back]").unwrap_or_default();
    if items.is_empty() && matches!(node.value, super::yaml::Value::List(_)) {
        reader.wrong(path, node.line, "is empty, so that nothing would be told; leave the key out to mean everything");
    }
    let mut words: Vec<String> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let path = Path::Item(path, at);
        let Some(word) = reader.text(item, &path, "a kind of notice such as failed") else { continue };
        if route::words().any(|known| known == word) {
            words.push(word.to_owned());
            continue;
        }
        let text = match nearest(word, route::words(), |known| known) {
            Some(meant) => format!("{word:?} is no kind of notice; did you mean {meant}?"),
            None => {
                let known: Vec<&str> = route::words().collect();
                format!("{word:?} is no kind of notice; the known ones are {}", known.join(", "))
            }
        };
        reader.wrong(&path, item.line, text);
    }
    words
}

/// Slack's names: a `#`, then letters of any script in lower case, digits, `-` and `_`; or a channel's id.
fn channel(text: &str) -> Result<String, String> {
    let is_id = |text: &str| {
        text.len() >= 9
            && text.starts_with(['C', 'G'])
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let is_name = |name: &str| {
        (1..=LONGEST).contains(&name.chars().count())
            && name.chars().all(|it| it == '-' || it == '_' || (it.is_alphanumeric() && !it.is_uppercase()))
    };
    match text.strip_prefix('#') {
        Some(name) if is_name(name) => Ok(text.to_owned()),
        None if is_id(text) => Ok(text.to_owned()),
        None if is_name(text) => Err(format!("{text:?} lacks the # of a channel's name; write \"#{text}\"")),
        _ => Err(format!(
            "{text:?} is no channel of Slack; write its name in lower case, such as {RIGHT_CHANNEL}, or its id"
        )),
    }
}
