//! The key `notify`: which channels get the notices of a target, and which of them.

use super::keys::ROUTE;
use super::nearest::nearest;
use super::reader::{At, Reader};
use crate::model::notice::{Route, route};

const RIGHT_CHANNEL: &str = "\"#deploys\"";

/// Slack's longest channel name.
const LONGEST: usize = 80;

pub(super) fn read<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<Vec<Route>> {
    let items = reader.list(at, "[{slack: \"#deploys\"}]")?;
    let mut routes: Vec<Route> = Vec::with_capacity(items.len());
    for at in &items {
        let mut route = Route::default();
        if reader.map(at, "{slack: \"#deploys\"}", ROUTE, &mut route).is_none() || route.slack.is_empty() {
            continue;
        }
        if routes.iter().any(|other| other.slack == route.slack) {
            reader.wrong(at, format!("{} stands there twice; keep one", route.slack));
        } else {
            routes.push(route);
        }
    }
    Some(routes)
}

pub(super) fn slack<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<String> {
    let text = reader.text(at, RIGHT_CHANNEL)?;
    reader.accept(at, channel(text))
}

pub(super) fn words<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<Vec<String>> {
    let items = reader.list(at, "[failed, rolled_back]")?;
    if items.is_empty() {
        reader.wrong(at, "is empty, so that nothing would be sent; leave the key out to mean everything");
    }
    let mut words: Vec<String> = Vec::with_capacity(items.len());
    for at in &items {
        let Some(word) = reader.text(at, "a kind of notice such as failed") else { continue };
        if route::words().any(|known| known == word) {
            words.push(word.to_owned());
            continue;
        }
        let text = match nearest(word, route::words()) {
            Some(intended) => format!("{word:?} is no kind of notice; did you mean {intended}?"),
            None => {
                let known: Vec<&str> = route::words().collect();
                format!("{word:?} is no kind of notice; the known ones are {}", known.join(", "))
            }
        };
        reader.wrong(at, text);
    }
    Some(words)
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
