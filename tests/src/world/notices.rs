//! SNS's Publish: its form taken apart and checked by the model and by SNS's documented rules, and what was published.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::models::{Kind, ServiceModel};
use super::refusal::{Members, Refusal, text};

/// A published message, as a subscriber reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The topic's ARN.
    pub topic: String,
    /// The subject, which e-mails show.
    pub subject: String,
    /// The message.
    pub message: String,
    /// The message attributes' names and values.
    pub attributes: BTreeMap<String, String>,
    /// World's time when it was published.
    pub at: Timestamp,
}

impl Notice {
    /// The notice that a right Publish request makes.
    pub(crate) fn of(members: &Members, at: Timestamp) -> Self {
        let text = |name| text(members, name).unwrap_or_default().to_owned();
        let attributes = members.get("MessageAttributes").and_then(Value::as_object);
        let attributes = attributes
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value["StringValue"].as_str().unwrap_or_default().to_owned()));
        Self {
            topic: text("TopicArn"),
            subject: text("Subject"),
            message: text("Message"),
            attributes: attributes.collect(),
            at,
        }
    }
}

/// Puts a query form's fields back into the structure that the model describes:
/// `MessageAttributes.entry.1.Value.DataType` and the like.
pub(crate) fn structure(model: &ServiceModel, operation: &str, fields: &Members) -> Value {
    let mut given = fields.clone();
    for envelope in ["Action", "Version"] {
        given.shift_remove(envelope);
    }
    let shape = model.input(operation).unwrap_or_default();
    collect(model, shape, "", &given)
}

fn collect(model: &ServiceModel, shape: &str, prefix: &str, fields: &Members) -> Value {
    let Some(shape) = model.shape(shape) else {
        return Value::Null;
    };
    let below = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    let is_there = |path: &str| fields.keys().any(|key| key == path || key.starts_with(&format!("{path}.")));
    let numbered = |path: String| (1..).map(move |n| format!("{path}.{n}")).take_while(|path| is_there(path));
    match shape.kind {
        Kind::Structure => {
            // By the fields that came, so that a field that nobody knows is found by the check.
            let mut names: Vec<&str> = Vec::new();
            for key in fields.keys() {
                let rest = if prefix.is_empty() { Some(key.as_str()) } else { key.strip_prefix(&format!("{prefix}.")) };
                let name = rest.map(|rest| rest.split('.').next().unwrap_or_default()).unwrap_or_default();
                if !name.is_empty() && !names.contains(&name) {
                    names.push(name);
                }
            }
            let members = names.into_iter().map(|name| {
                let value = match shape.members.get(name) {
                    Some(member) => collect(model, &member.shape, &below(name), fields),
                    None => Value::String(String::new()),
                };
                (name.to_owned(), value)
            });
            Value::Object(members.collect())
        }
        Kind::Map => {
            let (Some(key), Some(value)) = (&shape.key, &shape.value) else {
                return Value::Null;
            };
            let key_name = key.location_name.as_deref().unwrap_or("key");
            let value_name = value.location_name.as_deref().unwrap_or("value");
            let entries: Map<String, Value> = numbered(below("entry"))
                .map(|path| {
                    let key = text(fields, &format!("{path}.{key_name}")).unwrap_or_default().to_owned();
                    (key, collect(model, &value.shape, &format!("{path}.{value_name}"), fields))
                })
                .collect();
            Value::Object(entries)
        }
        Kind::List => {
            let member = shape.member.as_ref().map_or("", |member| member.shape.as_str());
            numbered(below("member")).map(|path| collect(model, member, &path, fields)).collect()
        }
        _ => fields.get(prefix).cloned().unwrap_or(Value::Null),
    }
}

/// What SNS refuses beyond its model, by Publish's documentation.
pub(crate) fn check(members: &Members) -> Result<(), Refusal> {
    let invalid = |reason: &str| Err(Refusal::new("InvalidParameter", format!("Invalid parameter: {reason}")));
    if !members.contains_key("TopicArn") {
        return invalid("TopicArn or TargetArn Reason: no value for required parameter");
    }
    let message = text(members, "Message").unwrap_or_default();
    if message.is_empty() {
        return invalid("Empty message");
    }
    if let Some(subject) = text(members, "Subject") {
        // ASCII is the stricter, older rule; the newer one isn't everywhere.
        if subject.is_empty() || subject.len() > 100 || !subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return invalid("Subject");
        }
    }
    let attributes = members.get("MessageAttributes").and_then(Value::as_object);
    let mut size = message.len();
    for (name, value) in attributes.into_iter().flatten() {
        let kind = value["DataType"].as_str().unwrap_or_default();
        let text = value["StringValue"].as_str().unwrap_or_default();
        size += name.len() + kind.len() + text.len();
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if name.is_empty() || name.len() > 256 || !name.bytes().all(named) {
            return invalid("The message contains an invalid message attribute name");
        }
        if !["String", "Number", "Binary"].iter().any(|known| kind.split('.').next() == Some(known)) {
            return invalid(&format!("The message attribute '{name}' has an invalid message attribute type"));
        }
        if text.is_empty() && value.get("BinaryValue").is_none() {
            return invalid(&format!("The message attribute '{name}' must contain a non-empty value"));
        }
    }
    if size > 256 * 1024 {
        return invalid("Message too long");
    }
    Ok(())
}
