//! The check of a request or an answer against a service's model: members, types, constraints, each with its path.

use std::collections::BTreeSet;
use std::fmt;

use regex::Regex;
use serde_json::Value;

use super::{Kind, ServiceModel, Shape};

/// Whether a request or an answer is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Answer,
}

/// A place where a request or an answer doesn't fit the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The member, `containerDefinitions[0].cpu`.
    pub(crate) path: String,
    /// What is wrong there.
    pub(crate) rule: String,
    /// Whether the value could not even be read, because something required is missing or has the wrong type.
    pub(crate) severity: Severity,
}

/// How much a violation breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The value cannot be read.
    Unreadable,
    /// The value can be read, but breaks a constraint or has a member that nobody knows.
    Wrong,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.path.is_empty() { "the body" } else { &self.path }, self.rule)
    }
}

impl ServiceModel {
    /// Where a request or an answer doesn't fit; members named in `invented` are let through at any depth.
    pub(crate) fn check(
        &self,
        operation: &str,
        side: Side,
        value: &Value,
        invented: &BTreeSet<String>,
    ) -> Vec<Violation> {
        let Some(described) = self.operations.get(operation) else {
            return vec![Violation {
                path: String::new(),
                rule: "asks for an operation that doesn't exist".to_owned(),
                severity: Severity::Unreadable,
            }];
        };
        let shape = match side {
            Side::Request => &described.input,
            Side::Answer => &described.output,
        };
        let mut check = Check { model: self, invented, found: Vec::new() };
        if let Some(shape) = shape {
            check.value(&shape.shape, value, "");
        }
        check.found
    }
}

struct Check<'a> {
    model: &'a ServiceModel,
    invented: &'a BTreeSet<String>,
    found: Vec<Violation>,
}

impl Check<'_> {
    fn value(&mut self, name: &str, value: &Value, path: &str) {
        let Some(shape) = self.model.shapes.get(name) else {
            return self.unreadable(path, format!("has the shape {name}, which the model doesn't describe"));
        };
        match (shape.kind, value) {
            (Kind::Structure, _) if shape.document.0 => {}
            (Kind::Structure, Value::Object(members)) => {
                for (member, value) in members {
                    // AWS reads a null as an absent member.
                    if value.is_null() {
                        continue;
                    }
                    let path = if path.is_empty() { member.clone() } else { format!("{path}.{member}") };
                    match shape.members.get(member) {
                        Some(reference) => self.value(&reference.shape, value, &path),
                        None if self.invented.contains(member) => {}
                        None => self.wrong(&path, format!("is no member of {name}")),
                    }
                }
                for required in &shape.required {
                    if members.get(required).is_none_or(Value::is_null) {
                        self.unreadable(path, format!("lacks {required}, which {name} requires"));
                    }
                }
            }
            (Kind::List, Value::Array(values)) => {
                self.size(shape, values.len(), "entries", path);
                if let Some(member) = &shape.member {
                    for (index, value) in values.iter().enumerate() {
                        self.value(&member.shape, value, &format!("{path}[{index}]"));
                    }
                }
            }
            (Kind::Map, Value::Object(entries)) => {
                self.size(shape, entries.len(), "entries", path);
                for (key, value) in entries {
                    let path = format!("{path}[{key:?}]");
                    if let Some(shape) = &shape.key {
                        self.value(&shape.shape, &Value::String(key.clone()), &path);
                    }
                    if let Some(shape) = &shape.value {
                        self.value(&shape.shape, value, &path);
                    }
                }
            }
            (Kind::String, Value::String(text)) => self.text(name, shape, text, path),
            (Kind::Blob, Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => {}
            (Kind::Integer | Kind::Long, Value::Number(number)) => match number.as_i64() {
                Some(number) => self.range(shape, number as f64, path),
                None => self.unreadable(path, format!("is {number}, not a whole number")),
            },
            (Kind::Double | Kind::Float, Value::Number(number)) => {
                self.range(shape, number.as_f64().unwrap_or(f64::NAN), path);
            }
            (Kind::Timestamp, Value::Number(_)) => {}
            (kind, value) => self.unreadable(path, format!("is {}, not a {kind:?}", kind_of(value))),
        }
    }

    fn text(&mut self, name: &str, shape: &Shape, text: &str, path: &str) {
        self.size(shape, text.chars().count(), "characters", path);
        if !shape.values.is_empty() && !shape.values.iter().any(|value| value == text) {
            self.wrong(path, format!("is {text:?}, and {name} knows only {}", shape.values.join(", ")));
        }
        if let Some(pattern) = &shape.pattern {
            let expression = shape.expression.get_or_init(|| compile(pattern));
            if !expression.is_match(text) {
                self.wrong(path, format!("is {text:?}, which doesn't match {pattern}"));
            }
        }
    }

    fn size(&mut self, shape: &Shape, size: usize, of: &str, path: &str) {
        if shape.min.is_some_and(|min| (size as f64) < min) || shape.max.is_some_and(|max| size as f64 > max) {
            self.wrong(path, format!("has {size} {of}, and {} are allowed", allowed(shape)));
        }
    }

    fn range(&mut self, shape: &Shape, number: f64, path: &str) {
        if shape.min.is_some_and(|min| number < min) || shape.max.is_some_and(|max| number > max) {
            self.wrong(path, format!("is {number}, and {} is allowed", allowed(shape)));
        }
    }

    fn wrong(&mut self, path: &str, rule: String) {
        self.found.push(Violation { path: path.to_owned(), rule, severity: Severity::Wrong });
    }

    fn unreadable(&mut self, path: &str, rule: String) {
        self.found.push(Violation { path: path.to_owned(), rule, severity: Severity::Unreadable });
    }
}

fn allowed(shape: &Shape) -> String {
    match (shape.min, shape.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "anything".to_owned(),
    }
}

fn compile(pattern: &str) -> Regex {
    // The models' patterns are Java's, which takes a hyphen after a class for itself.
    let pattern = pattern.replace(r"\w-", r"\w\-");
    Regex::new(&format!("^(?:{pattern})$")).unwrap_or_else(|error| panic!("the model's pattern {pattern}: {error}"))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::world::tests::models;

    #[track_caller]
    fn check(operation: &str, side: Side, value: Value, invented: &[&str], expected: &[&str]) {
        let invented = invented.iter().map(|&name| name.to_owned()).collect();
        let service = if operation == "DescribeImages" { "ecr" } else { "ecs" };
        let found = models().service(service).check(operation, side, &value, &invented);
        let found: Vec<String> = found.iter().map(Violation::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_right_request_passes() {
        let container = json!({"name": "web", "image": "nginx", "environment": [{"name": "A", "value": ""}]});
        check(
            "RegisterTaskDefinition",
            Side::Request,
            json!({"family": "web", "containerDefinitions": [container], "tags": [{"key": "team", "value": ""}]}),
            &[],
            &[],
        );
    }

    #[test]
    fn an_unknown_member_is_named_with_its_path_unless_it_is_invented_on_purpose() {
        let request = json!({"family": "web", "containerDefinitions": [{"name": "web", "quantumMode": {"a": [1]}}]});
        check(
            "RegisterTaskDefinition",
            Side::Request,
            request.clone(),
            &[],
            &["containerDefinitions[0].quantumMode is no member of ContainerDefinition"],
        );
        check("RegisterTaskDefinition", Side::Request, request, &["quantumMode"], &[]);
    }

    #[test]
    fn what_is_missing_mistyped_or_out_of_bounds_is_named() {
        check(
            "RegisterTaskDefinition",
            Side::Request,
            json!({"family": 7, "networkMode": "vpc", "tags": [{"key": "", "value": "a*"}]}),
            &[],
            &[
                "family is a number, not a String",
                "networkMode is \"vpc\", and NetworkMode knows only bridge, host, awsvpc, none",
                "tags[0].key has 0 characters, and 1 to 128 are allowed",
                "tags[0].value is \"a*\", which doesn't match ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)",
                "the body lacks containerDefinitions, which RegisterTaskDefinitionRequest requires",
            ],
        );
        check(
            "DescribeImages",
            Side::Request,
            json!({"repositoryName": "Shop", "maxResults": 1001, "imageIds": []}),
            &[],
            &[
                "repositoryName is \"Shop\", which doesn't match [a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*",
                "maxResults is 1001, and 1 to 1000 is allowed",
                "imageIds has 0 entries, and 1 to 100 are allowed",
            ],
        );
        check(
            "DescribeServices",
            Side::Answer,
            json!({"services": [{"createdAt": "today", "desiredCount": 1.5}]}),
            &[],
            &[
                "services[0].createdAt is a string, not a Timestamp",
                "services[0].desiredCount is 1.5, not a whole number",
            ],
        );
    }

    #[test]
    fn every_pattern_of_the_services_that_world_answers_compiles() {
        // SSM's has look-arounds, in operations that World doesn't answer.
        for service in ["ecs", "ecr", "sns", "codedeploy"] {
            for shape in models().service(service).shapes.values() {
                if let Some(pattern) = &shape.pattern {
                    compile(pattern);
                }
            }
        }
    }
}
