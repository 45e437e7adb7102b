//! What differs between two task definitions, place by place.
//!
//! Names of environment variables and secrets are compared and named, their values never shown: a diff goes into notices
//! and logs. A value is shown only at a place that is known as harmless; a member that AWS adds tomorrow is not.

use serde_json::{Map, Value};

use crate::model::diff::{Change, Diff, How};
use crate::model::facts::Revision;

mod shown;

impl Diff {
    /// Compares two task definitions; tags and what only `DescribeTaskDefinition` answers do not count.
    ///
    /// Members may stand in any order, and so may environment variables and secrets, whose order ECS does not keep.
    /// Entries of other arrays are matched by `name` where all have one, else by place. Numbers are compared as
    /// written: both sides come from ECS, which writes them alike.
    pub fn between(base: &Map<String, Value>, new: &Map<String, Value>) -> Self {
        let mut diff = Self::default();
        diff.members(&Place::default(), base, new);
        diff
    }

    fn compare(&mut self, place: &Place, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        if !place.is_whole() {
            if let (Some(Value::Object(old)), Some(Value::Object(new))) = (old, new) {
                return self.members(place, old, new);
            }
            if let (Some(old), Some(new)) = (named(old), named(new))
                && (!old.is_empty() || !new.is_empty())
            {
                return self.entries(place, &old, &new);
            }
            if let (Some(Value::Array(old)), Some(Value::Array(new))) = (old, new)
                && old.len() == new.len()
                && old.iter().chain(new).all(Value::is_object)
            {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    self.compare(&place.entry(&index.to_string()), Some(old), Some(new));
                }
                return;
            }
        }
        self.changes.push(Change {
            path: place.path.clone(),
            old: old.and_then(|value| shown::value(&place.kind, value)),
            new: new.and_then(|value| shown::value(&place.kind, value)),
            how: match (old, new) {
                (None, _) => How::Added,
                (_, None) => How::Removed,
                _ => How::Changed,
            },
        });
    }

    fn members(&mut self, place: &Place, old: &Map<String, Value>, new: &Map<String, Value>) {
        let added = new.keys().filter(|key| !old.contains_key(*key));
        for key in old.keys().chain(added) {
            if place.counts(key) {
                self.compare(&place.member(key), old.get(key), new.get(key));
            }
        }
    }

    fn entries(&mut self, place: &Place, old: &[(&str, &Value)], new: &[(&str, &Value)]) {
        let before = self.changes.len();
        let find = |entries: &[(&str, &Value)], name: &str| entries.iter().position(|(n, _)| *n == name);
        let added = new.iter().filter(|(name, _)| find(old, name).is_none());
        for (name, _) in old.iter().chain(added) {
            let (in_old, in_new) = (find(old, name).map(|at| old[at].1), find(new, name).map(|at| new[at].1));
            self.compare(&place.entry(name), in_old, in_new);
        }
        let same_order = old.iter().map(|(name, _)| name).eq(new.iter().map(|(name, _)| name));
        if self.changes.len() == before && !same_order && !place.is_set() {
            self.changes.push(Change { path: place.path.clone(), old: None, new: None, how: How::Reordered });
        }
    }
}

#[derive(Clone, Default)]
struct Place {
    /// With names: `containerDefinitions[web].environment[APP_VERSION]`.
    path: String,
    /// Without: `containerDefinitions[].environment[]`, and `?` for a key that could be taken for more than a key.
    kind: String,
    /// Members and entries above this place.
    depth: usize,
}

impl Place {
    fn member(&self, key: &str) -> Self {
        let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric());
        let dot = if self.depth == 0 { "" } else { "." };
        // Keys like `awslogs-group` and `com.example.team` would be taken for a path of their own.
        let path = if plain { format!("{dot}{key}") } else { format!("[{}]", label(key)) };
        let key = if plain { key } else { "?" };
        Self { path: format!("{}{path}", self.path), kind: format!("{}{dot}{key}", self.kind), depth: self.depth + 1 }
    }

    fn entry(&self, name: &str) -> Self {
        Self {
            path: format!("{}[{}]", self.path, label(name)),
            kind: format!("{}[]", self.kind),
            depth: self.depth + 1,
        }
    }

    fn counts(&self, key: &str) -> bool {
        self.depth > 0 || (key != "tags" && !Revision::READ_ONLY.contains(&key))
    }

    /// Whether a change here is shown as one, by name: the inside of a variable or a secret is its value.
    fn is_whole(&self) -> bool {
        ["environment[]", "secrets[]", "secretOptions[]"].iter().any(|kind| self.kind.ends_with(kind))
    }

    fn is_set(&self) -> bool {
        matches!(self.kind.as_str(), "containerDefinitions[].environment" | "containerDefinitions[].secrets")
    }
}

/// A name as a part of a path: one line, and no bracket that would end it.
fn label(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || matches!(c, '[' | ']') { '?' } else { c }).collect()
}

/// The entries of an array by name; `None` unless each has a name of its own. What is absent has no entries.
fn named(value: Option<&Value>) -> Option<Vec<(&str, &Value)>> {
    let entries = match value {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return None,
    };
    let mut found: Vec<(&str, &Value)> = Vec::new();
    for entry in entries {
        let name = entry.get("name")?.as_str()?;
        if found.iter().any(|(other, _)| *other == name) {
            return None;
        }
        found.push((name, entry));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[track_caller]
    fn check(old: Value, new: Value, expected: &[&str]) {
        let diff = Diff::between(&object(old), &object(new));
        let lines: Vec<String> = diff
            .changes
            .iter()
            .map(|change| {
                let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                format!("{} {:?} {} {}", change.path, change.how, value(&change.old), value(&change.new))
            })
            .collect();
        assert_eq!(lines, expected);
    }

    fn container(members: Value) -> Value {
        let mut web = object(json!({ "name": "web" }));
        web.extend(object(members));
        json!({ "containerDefinitions": [web] })
    }

    #[test]
    fn equal_definitions_have_no_difference() {
        check(json!({}), json!({}), &[]);
        check(json!({ "cpu": "256", "memory": "512" }), json!({ "memory": "512", "cpu": "256" }), &[]);
    }

    #[test]
    fn tags_and_read_only_members_do_not_count() {
        let described = json!({ "family": "web", "revision": 3, "status": "ACTIVE", "registeredAt": 1.5 });
        check(described, json!({ "family": "web", "tags": [{ "key": "team", "value": "shop" }] }), &[]);
        // Below the top the same names are data.
        check(
            container(json!({ "dockerLabels": { "status": "a", "tags": "b" } })),
            container(json!({ "dockerLabels": {} })),
            &[
                "containerDefinitions[web].dockerLabels.status Removed - -",
                "containerDefinitions[web].dockerLabels.tags Removed - -",
            ],
        );
    }

    #[test]
    fn entries_are_matched_by_name() {
        check(
            json!({ "containerDefinitions": [{ "name": "web", "cpu": 1 }, { "name": "log", "image": "fluent:1" }] }),
            json!({ "containerDefinitions": [{ "name": "init", "image": "busybox" }, { "name": "web", "cpu": 2 }] }),
            &[
                "containerDefinitions[web].cpu Changed 1 2",
                "containerDefinitions[log] Removed fluent:1 -",
                "containerDefinitions[init] Added - busybox",
            ],
        );
    }

    #[test]
    fn variables_and_secrets_are_named_and_their_values_are_not() {
        check(
            container(json!({
                "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
                "secrets": [{ "name": "TOKEN", "valueFrom": "arn:old" }],
            })),
            container(json!({
                "environment": [{ "name": "C", "value": "3" }, { "name": "A", "value": "9" }],
                "secrets": [{ "name": "TOKEN", "valueFrom": "arn:new" }],
            })),
            &[
                "containerDefinitions[web].environment[A] Changed - -",
                "containerDefinitions[web].environment[B] Removed - -",
                "containerDefinitions[web].environment[C] Added - -",
                "containerDefinitions[web].secrets[TOKEN] Changed - -",
            ],
        );
    }

    #[test]
    fn variables_have_no_order_but_containers_have() {
        let (a, b) = (json!({ "name": "a" }), json!({ "name": "b" }));
        check(container(json!({ "environment": [a, b] })), container(json!({ "environment": [b, a] })), &[]);
        check(
            json!({ "containerDefinitions": [a, b] }),
            json!({ "containerDefinitions": [b, a] }),
            &["containerDefinitions Reordered - -"],
        );
    }

    #[test]
    fn a_first_variable_is_named_too() {
        let set = container(json!({ "environment": [{ "name": "A", "value": "1" }] }));
        for nothing in [json!({}), json!({ "environment": null }), json!({ "environment": [] })] {
            check(container(nothing), set.clone(), &["containerDefinitions[web].environment[A] Added - -"]);
        }
    }

    #[test]
    fn absent_null_and_empty_are_three_things() {
        check(json!({}), json!({ "volumes": null }), &["volumes Added - -"]);
        check(json!({ "volumes": null }), json!({ "volumes": [] }), &["volumes Changed - -"]);
        check(json!({ "volumes": [] }), json!({}), &["volumes Removed - -"]);
        check(json!({ "x": {} }), json!({ "x": null }), &["x Changed - -"]);
    }

    #[test]
    fn what_has_no_names_is_matched_by_place() {
        check(
            container(json!({ "portMappings": [{ "containerPort": 80, "protocol": "tcp" }], "command": ["a", "b"] })),
            container(
                json!({ "portMappings": [{ "containerPort": 81, "protocol": "tcp" }], "command": ["a", "", "b"] }),
            ),
            &[
                "containerDefinitions[web].portMappings[0].containerPort Changed 80 81",
                "containerDefinitions[web].command Changed - -",
            ],
        );
        let twice = json!({ "environment": [{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }] });
        let once = json!({ "environment": [{ "name": "A", "value": "1" }] });
        check(container(twice), container(once), &["containerDefinitions[web].environment Changed - -"]);
    }

    #[test]
    fn odd_names_stay_on_one_line_within_their_brackets() {
        check(
            container(json!({ "environment": [{ "name": "A]\n[B", "value": "1" }], "dockerLabels": { "a.b": "1" } })),
            container(json!({ "environment": [], "dockerLabels": { "a.b": "2" } })),
            &[
                "containerDefinitions[web].environment[A???B] Removed - -",
                "containerDefinitions[web].dockerLabels[a.b] Changed - -",
            ],
        );
    }

    #[test]
    fn a_key_that_looks_like_a_harmless_path_is_not_one() {
        let secret = |value: &str| json!({ "runtimePlatform.cpuArchitecture": value, "": { "tags": value } });
        check(secret("a"), secret("b"), &["[runtimePlatform.cpuArchitecture] Changed - -", "[].tags Changed - -"]);
    }

    #[test]
    fn numbers_are_compared_as_written() {
        let number =
            |text: &str| serde_json::from_str(&format!("{{\"ephemeralStorage\":{{\"sizeInGiB\":{text}}}}}")).unwrap();
        check(number("30"), number("30"), &[]);
        check(number("30"), number("30.0"), &["ephemeralStorage.sizeInGiB Changed 30 30.0"]);
    }
}
