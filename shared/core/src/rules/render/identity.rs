//! What makes two renderings one: the same text whatever the order of what has no order, and of provenance only the event.

use serde_json::{Map, Value};

use crate::rules::render::tagging;

/// The text of a body and of the event for which it is rendered. Bodies have the same exactly where
/// [`Diff::between`](crate::model::diff::Diff::between) finds no difference, and people's tags and the event are the same.
pub(super) fn identity(body: &Map<String, Value>) -> String {
    let tags = tagging::all(body);
    let mut definition = body.clone();
    definition.shift_remove("tags");
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        for member in ["environment", "secrets"] {
            if let Some(entries) = container.get_mut(member).and_then(Value::as_array_mut) {
                sort_by_name(entries);
            }
        }
    }
    let mut definition = Value::Object(definition);
    definition.sort_all_objects();
    format!("{definition} {:?} {:?}", tagging::sorted(&tags), tagging::event(&tags))
}

/// Variables without a name, or of one name twice, keep their order: which counts may depend on it.
fn sort_by_name(entries: &mut [Value]) {
    let mut names: Vec<_> = entries.iter().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() == entries.len() {
        entries.sort_by(|one, other| name(one).cmp(&name(other)));
    }
}

fn name(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_bodies_are_one_where_only_what_has_no_order_is_in_another() {
        #[track_caller]
        fn check(one: Value, other: Value, expected: bool) {
            let identity = |body: &Value| identity(body.as_object().unwrap());
            assert_eq!(identity(&one) == identity(&other), expected, "{one} {other}");
        }
        let container =
            |member: &str, entries: Value| json!({ "containerDefinitions": [{ "name": "web", member: entries }] });
        let named = |names: [&str; 2]| json!(names.map(|name| json!({ "name": name })));
        check(json!({ "cpu": "1", "memory": "2" }), json!({ "memory": "2", "cpu": "1" }), true);
        check(json!({ "cpu": "1" }), json!({ "cpu": "2" }), false);
        for member in ["environment", "secrets"] {
            check(container(member, named(["A", "B"])), container(member, named(["B", "A"])), true);
            check(container(member, named(["A", "B"])), container(member, named(["A", "C"])), false);
        }
        check(container("mountPoints", named(["A", "B"])), container("mountPoints", named(["B", "A"])), false);
        check(json!({ "environment": named(["A", "B"]) }), json!({ "environment": named(["B", "A"]) }), false);
        check(
            json!({ "containerDefinitions": named(["A", "B"]) }),
            json!({ "containerDefinitions": named(["B", "A"]) }),
            false,
        );
        // Of a name that stands twice the order may count, and so may that of what has no name.
        let variable = |name: &str, value: &str| json!({ "name": name, "value": value });
        let twice = |first: &str, second: &str| json!([variable("A", first), variable("A", second)]);
        check(container("environment", twice("1", "2")), container("environment", twice("2", "1")), false);
        let around = |entries: [Value; 3]| container("environment", json!(entries));
        let (first, second, other) = (variable("A", "1"), variable("A", "2"), variable("B", "3"));
        check(around([first.clone(), second.clone(), other.clone()]), around([first, other, second]), false);
        let nameless = |first: &str, second: &str| json!([{ "value": first }, { "value": second }]);
        check(container("environment", nameless("1", "2")), container("environment", nameless("2", "1")), false);
    }
}
