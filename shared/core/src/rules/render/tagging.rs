//! A revision's tags: people's are carried over, ours are written anew, and never at the cost of one of theirs.

use serde_json::{Map, Value, json};

use crate::model::provenance::{self, Provenance};

/// The most tags that ECS keeps on a revision (ECS's service model).
const MOST: usize = 50;

/// The tag by which an event's own revision is recognised.
const EVENT: &str = "slipway:event";

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
        .into_iter()
        .chain(ours.iter().take(room))
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect();
    (!tags.is_empty()).then_some(Value::Array(tags))
}

/// Every tag of a body, as a revision has them.
pub(super) fn all(body: &Map<String, Value>) -> Vec<(String, String)> {
    let tags = body.get("tags").and_then(Value::as_array);
    let text = |tag: &Value, member: &str| Some(tag.get(member)?.as_str()?.to_owned());
    tags.into_iter().flatten().filter_map(|tag| Some((text(tag, "key")?, text(tag, "value")?))).collect()
}

/// People's tags, in an order of their own.
pub(super) fn sorted(tags: &[(String, String)]) -> Vec<&(String, String)> {
    let mut carried = carried(tags);
    carried.sort_unstable();
    carried
}

/// The tags that are people's: neither AWS's own, which nobody may set, nor provenance.
fn carried(tags: &[(String, String)]) -> Vec<&(String, String)> {
    // AWS reserves `aws:` in upper and lower case.
    let is_aws = |key: &str| key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"));
    tags.iter().filter(|(key, _)| !is_aws(key) && !key.starts_with(provenance::PREFIX)).collect()
}
