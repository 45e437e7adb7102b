//! Sets environment variables of a container where they stand.

use serde_json::{Map, Value, json};

use crate::model::facts::Revision;
use crate::model::id::ContainerName;
use crate::model::reason::Reason;
use crate::rules::render::containers::unrenderable;

/// Sets each variable of a container of this base: a known one where it stands, its entry's other members kept; a new one at
/// the end. ECS refuses a name that is also a secret's.
pub(super) fn set(
    base: &Revision,
    container: &mut Map<String, Value>,
    variables: &[(&str, String)],
) -> Result<(), Reason> {
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (variable, value) in variables {
        let secrets = container.get("secrets").and_then(Value::as_array);
        if secrets.into_iter().flatten().any(|secret| is_named(secret, variable)) {
            let variable = (*variable).to_owned();
            return Err(Reason::SetBySecret { container: ContainerName::new(name), variable });
        }
        if !put(container, variable, &json!(value)) {
            return Err(unrenderable(base, format!("the environment of container {name} is not a list")));
        }
    }
    Ok(())
}

/// Sets a variable of a container as this entry of another one has it.
pub(in crate::rules) fn set_variable(container: &mut Map<String, Value>, entry: &Value) {
    if let (Some(name), Some(value)) = (entry.get("name").and_then(Value::as_str), entry.get("value")) {
        put(container, name, value);
    }
}

/// Whether it could be set.
fn put(container: &mut Map<String, Value>, variable: &str, value: &Value) -> bool {
    // Inserting keeps the member's place, also where null stood.
    if container.get("environment").is_none_or(Value::is_null) {
        container.insert("environment".to_owned(), json!([]));
    }
    let Some(entries) = container.get_mut("environment").and_then(Value::as_array_mut) else { return false };
    // A name that stands twice is set twice: which of them counts is not documented.
    let mut is_set = false;
    for entry in entries.iter_mut().filter(|entry| is_named(entry, variable)).filter_map(Value::as_object_mut) {
        entry.insert("value".to_owned(), value.clone());
        is_set = true;
    }
    if !is_set {
        entries.push(json!({ "name": variable, "value": value }));
    }
    true
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}
