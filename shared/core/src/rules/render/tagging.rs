//! A revision's tags: people's are carried over, ours are written anew, and never at the cost of one of theirs.

use serde_json::{Map, Value, json};

use crate::model::provenance::{self, Provenance};

/// The most tags that ECS keeps on a revision (ECS's service model).
const MOST: usize = 50;

/// The tag by which an event's own revision is recognised.
pub(super) const EVENT: &str = "slipway:event";

/// The mark of the event that a revision with these tags was registered for.
pub(super) fn event(tags: &[(String, String)]) -> Option<&str> {
    tags.iter().find(|(key, _)| key == EVENT).map(|(_, value)| value.as_str())
}

/// The `tags` member of `RegisterTaskDefinition`; `None` where there is nothing to write.
pub(super) fn tags(base: &[(String, String)], provenance: &Provenance) -> Option<Value> {
    let carried = carried(base);
    let room = MOST.saturating_sub(carried.len());
    let ours = provenance.tags();
    let tags: Vec<Value> = carried
        .iter()
        .copied()
        .chain(ours.iter().take(room).map(|(key, value)| (key.as_str(), value.as_str())))
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect();
    (!tags.is_empty()).then_some(Value::Array(tags))
}

/// The tags that are people's: neither AWS's own, which nobody may set, nor provenance.
pub(super) fn carried(tags: &[(String, String)]) -> Vec<(&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).filter(|(key, _)| is_carried(key)).collect()
}

/// The people's tags of a body.
pub(super) fn read(body: &Map<String, Value>) -> Vec<(&str, &str)> {
    pairs(body).filter(|(key, _)| is_carried(key)).collect()
}

/// Every tag of a body, as a revision has them.
pub(super) fn all(body: &Map<String, Value>) -> Vec<(String, String)> {
    pairs(body).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Whether both are the same tags, in any order.
pub(super) fn same(one: &[(&str, &str)], other: &[(&str, &str)]) -> bool {
    sorted(one) == sorted(other)
}

/// The tags in an order of their own.
pub(super) fn sorted<'t>(tags: &[(&'t str, &'t str)]) -> Vec<(&'t str, &'t str)> {
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags
}

fn pairs(body: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    let tags = body.get("tags").and_then(Value::as_array);
    tags.into_iter().flatten().filter_map(|tag| Some((tag.get("key")?.as_str()?, tag.get("value")?.as_str()?)))
}

fn is_carried(key: &str) -> bool {
    // AWS reserves `aws:` in upper and lower case.
    let aws = key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"));
    !aws && !key.starts_with(provenance::PREFIX)
}
