//! Random task definitions, seeded: a rendering changes nothing but what it shall, and a diff shows no secret.

use serde_json::{Map, Number, Value, json};

use crate::model::diff::Diff;
use crate::model::facts::Revision;
use crate::model::id::ContainerName;
use crate::rules::render::identity::identity;
use crate::rules::render::tests::{Edit, HOST, pinned, registered, revision};

/// Stands in every generated text that is not a name or an image, and never makes a text an image.
const SECRET: &str = "hunter 2";

/// `SplitMix64`: small, and the same on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    fn text(&mut self) -> Value {
        let quirk =
            self.of(&["", " ", "=", "\n", "\"", "é🚢", "${tag}", "{tag}", "aws:", "sha256:", "\u{0}", "https://u:"]);
        match self.below(8) {
            0 => json!(""),
            _ => json!(format!("{quirk}{SECRET}{}", self.below(3))),
        }
    }

    fn number(&mut self) -> Value {
        let text =
            self.of(&["0", "-0", "1", "1.0", "1.10", "1e+3", "1.5E-7", "-2.5", "123456789012345678901234567890"]);
        Value::Number(text.parse::<Number>().unwrap())
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 4 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => self.number(),
            3 => self.text(),
            4 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object(self.object(depth - 1)),
        }
    }

    fn object(&mut self, depth: usize) -> Map<String, Value> {
        let names = [
            "invented",
            "value",
            "options",
            "command",
            "tags",
            "revision",
            "status",
            "registeredAt",
            "environment",
            "secrets",
            "key with spaces",
            "",
            "a.b",
            "a[0]",
            "compatibilities",
            "credentialsParameter",
        ];
        (0..self.below(5)).map(|_| (self.of(&names).to_owned(), self.value(depth))).collect()
    }

    fn pairs(&mut self, value: &str) -> Value {
        let mut names = vec!["A", "B", "APP_VERSION", "Z_1", "with-dash"];
        let count = self.below(5);
        (0..count)
            .map(|_| {
                let name = names.remove(self.below(names.len()));
                let mut entry = self.object(0);
                entry.insert("name".to_owned(), json!(name));
                entry.insert(value.to_owned(), self.text());
                Value::Object(entry)
            })
            .collect()
    }

    fn container(&mut self, name: &str) -> Value {
        let mut container = self.object(3);
        let image = self.of(&["web:1", "web", "web-worker:1", "other:2"]);
        let host = self.of(&[HOST, "123456789012.dkr-ecr.eu-west-1.on.aws", "localhost:5000"]);
        container.insert("name".to_owned(), json!(name));
        container.insert("image".to_owned(), json!(format!("{host}/shop/{image}")));
        container.extend(self.object(2).into_iter().map(|(member, value)| (format!("x{member}"), value)));
        match self.below(4) {
            0 => container.shift_remove("environment"),
            1 => container.insert("environment".to_owned(), Value::Null),
            _ => container.insert("environment".to_owned(), self.pairs("value")),
        };
        container.insert("xsecrets".to_owned(), self.pairs("valueFrom"));
        container.shift_remove("secrets");
        if self.below(2) == 0 {
            container.insert("secrets".to_owned(), json!([{ "name": "DATABASE_URL", "valueFrom": self.text() }]));
        }
        Value::Object(container)
    }

    fn definition(&mut self) -> Map<String, Value> {
        let mut definition = self.object(3);
        definition.shift_remove("tags");
        let mut containers = vec![json!({ "name": "web", "image": format!("{HOST}/shop/web:0") })];
        for name in ["sidekiq", "log", "x"] {
            containers.insert(self.below(containers.len() + 1), self.container(name));
        }
        definition.insert("containerDefinitions".to_owned(), Value::Array(containers));
        definition.insert("volumes".to_owned(), json!([{ "name": "v", "invented": self.value(3) }]));
        definition.extend(self.object(3).into_iter().filter(|(member, _)| member != "tags"));
        definition
    }

    /// Changes, adds or removes one member or entry somewhere.
    fn mutate(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) if !members.is_empty() && self.below(4) > 0 => {
                let member = members.keys().nth(self.below(members.len())).unwrap().clone();
                match self.below(8) {
                    // Names are shown, so they stay free of secrets.
                    _ if member == "name" => {}
                    0 => {
                        members.shift_remove(&member);
                    }
                    _ => self.mutate(&mut members[&member]),
                }
            }
            Value::Array(entries) if !entries.is_empty() && self.below(4) > 0 => {
                let at = self.below(entries.len());
                match self.below(8) {
                    0 => drop(entries.remove(at)),
                    1 => entries.rotate_left(1),
                    2 => entries.push(entries[at].clone()),
                    _ => self.mutate(&mut entries[at]),
                }
            }
            other => *other = self.value(2),
        }
    }
}

#[test]
fn a_rendering_changes_nothing_but_the_chosen_places() {
    let mut chance = Chance(1);
    for round in 0..400 {
        let definition = chance.definition();
        let base = revision(&Value::Object(definition.clone()).to_string());
        assert_eq!(base.definition, definition, "round {round}");
        let value = format!("{SECRET}-set");
        let edit = Edit {
            containers: if chance.below(2) == 0 { &[] } else { &["log", "web"] },
            environment: &[("APP_VERSION", &value), ("NEW", &value)],
            ..Edit::default()
        };
        let rendering = edit.render(&base).unwrap();

        let mut members = rendering.body.iter().filter(|(member, _)| *member != "tags");
        for (member, value) in definition.iter().filter(|(member, _)| !Revision::READ_ONLY.contains(&member.as_str())) {
            let (rendered_member, rendered) = members.next().unwrap();
            assert_eq!(rendered_member, member, "round {round}");
            match member.as_str() {
                "containerDefinitions" => check_containers(value, rendered, &rendering.containers),
                _ => assert_eq!(rendered.to_string(), value.to_string(), "round {round}"),
            }
        }
        assert_eq!(members.next(), None);

        for shown in [rendering.diff.to_string(), serde_json::to_string(&rendering.diff).unwrap()] {
            assert!(!shown.contains(SECRET), "round {round}: {shown}");
        }
        let running = registered(&rendering);
        assert!(rendering.equals(&running));
        assert!(edit.render(&running).unwrap().diff.is_empty());
    }
}

#[track_caller]
fn check_containers(base: &Value, rendered: &Value, chosen: &[ContainerName]) {
    let (base, rendered) = (base.as_array().unwrap(), rendered.as_array().unwrap());
    assert_eq!(base.len(), rendered.len());
    for (base, rendered) in base.iter().zip(rendered) {
        if !chosen.iter().any(|name| name.as_str() == base["name"]) {
            assert_eq!(rendered.to_string(), base.to_string());
            continue;
        }
        let image = rendered["image"].as_str().unwrap();
        let (_, tail) = pinned().split_once('/').map(|(host, tail)| (host.to_owned(), tail.to_owned())).unwrap();
        assert!(image.ends_with(&tail) && image.starts_with("123456789012.dkr"), "{image}");

        let list =
            |container: &Value| container.get("environment").and_then(Value::as_array).cloned().unwrap_or_default();
        let (old, new) = (list(base), list(rendered));
        for (at, entry) in new.iter().enumerate() {
            let name = entry["name"].as_str().unwrap();
            let set = matches!(name, "APP_VERSION" | "NEW");
            match old.get(at) {
                Some(old) if set => {
                    let mut expected = old.clone();
                    expected["value"] = entry["value"].clone();
                    assert_eq!(entry.to_string(), expected.to_string());
                }
                Some(old) => assert_eq!(entry.to_string(), old.to_string()),
                None => assert!(set, "{name}"),
            }
            assert!(!set || entry["value"] == json!(format!("{SECRET}-set")));
        }
        assert!(["APP_VERSION", "NEW"].iter().all(|name| new.iter().any(|entry| entry["name"] == *name)));

        let rest = |container: &Value| {
            let mut members = container.as_object().unwrap().clone();
            members.shift_remove("image");
            members.shift_remove("environment");
            Value::Object(members).to_string()
        };
        assert_eq!(rest(rendered), rest(base));
    }
}

#[test]
fn a_diff_is_empty_exactly_for_equal_definitions_and_shows_no_secret() {
    let mut chance = Chance(2);
    let (mut equal, mut different) = (0, 0);
    for round in 0..1_500 {
        let old = Value::Object(chance.definition());
        let mut new = old.clone();
        chance.mutate(&mut new);
        let (Value::Object(old), Value::Object(new)) = (&old, &new) else { continue };
        let diff = Diff::between(old, new);
        assert_eq!(diff.is_empty(), comparable(old) == comparable(new), "round {round}: {diff}\n{old:?}\n{new:?}");
        let without_read_only = |definition: &Map<String, Value>| {
            let mut body = definition.clone();
            Revision::READ_ONLY.iter().for_each(|member| drop(body.shift_remove(*member)));
            identity(&body)
        };
        assert_eq!(diff.is_empty(), without_read_only(old) == without_read_only(new), "round {round}: {diff}");
        assert_eq!(Diff::between(new, old).changes.len(), diff.changes.len(), "round {round}");
        for shown in [diff.to_string(), serde_json::to_string(&diff).unwrap()] {
            assert!(!shown.contains(SECRET), "round {round}: {shown}");
        }
        match diff.is_empty() {
            true => equal += 1,
            false => different += 1,
        }
    }
    assert!(equal > 50 && different > 500, "{equal} equal, {different} different");
}

/// A definition without what does not count: an oracle for [`Diff::between`], by other means.
fn comparable(definition: &Map<String, Value>) -> Map<String, Value> {
    let mut definition = definition.clone();
    definition.retain(|member, _| member != "tags" && !Revision::READ_ONLY.contains(&member.as_str()));
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        for list in ["environment", "secrets"] {
            if let Some(entries) = container.get_mut(list).and_then(Value::as_array_mut) {
                let name = |entry: &Value| entry.get("name").and_then(Value::as_str).map(str::to_owned);
                let mut names: Vec<_> = entries.iter().filter_map(name).collect();
                names.sort();
                names.dedup();
                if names.len() == entries.len() {
                    entries.sort_by_key(name);
                }
            }
        }
    }
    definition
}
