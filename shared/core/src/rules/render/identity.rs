//! What makes two renderings one: the same text whatever the order of what has no order, and of provenance only the event.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::model::image::Digest;
use crate::rules::render::tagging;

/// The SHA-256, in hexadecimal digits, of a body and of the event for which it is rendered. Bodies have the same exactly where
/// [`Diff::between`](crate::model::diff::Diff::between) finds no difference, and people's tags and the event are the same.
pub(super) fn identity(body: &Map<String, Value>) -> String {
    let mut text = String::new();
    object(&mut text, body.iter().filter(|(member, _)| *member != "tags"), Place::Top);
    for tag in tagging::sorted(&tagging::read(body)) {
        let _ = write!(text, "{tag:?}");
    }
    let _ = write!(text, "{:?}", tagging::event(&tagging::all(body)));
    Digest::of(text.as_bytes()).hex().to_owned()
}

/// As far down as order is not always data.
#[derive(Clone, Copy)]
enum Place {
    Top,
    Containers,
    Container,
    Variables,
    Elsewhere,
}

impl Place {
    fn of(self, member: &str) -> Self {
        match (self, member) {
            (Self::Top, "containerDefinitions") => Self::Containers,
            (Self::Container, "environment" | "secrets") => Self::Variables,
            _ => Self::Elsewhere,
        }
    }
}

fn object<'a>(text: &mut String, members: impl Iterator<Item = (&'a String, &'a Value)>, place: Place) {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable_by_key(|(member, _)| *member);
    text.push('{');
    for (member, member_value) in members {
        let _ = write!(text, "{member:?}:");
        value(text, member_value, place.of(member));
    }
    text.push('}');
}

fn value(text: &mut String, given: &Value, place: Place) {
    match given {
        Value::Object(members) => object(text, members.iter(), place),
        Value::Array(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            if matches!(place, Place::Variables) && has_names(&entries) {
                entries.sort_by_key(|entry| name(entry));
            }
            let within = if matches!(place, Place::Containers) { Place::Container } else { Place::Elsewhere };
            text.push('[');
            for entry in entries {
                value(text, entry, within);
                text.push(',');
            }
            text.push(']');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}

/// Variables of one name twice keep their order: which counts may depend on it.
fn has_names(entries: &[&Value]) -> bool {
    let mut names: Vec<_> = entries.iter().filter_map(|entry| name(entry)).collect();
    names.sort_unstable();
    names.dedup();
    names.len() == entries.len()
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
