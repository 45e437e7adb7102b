//! Sets environment variables of a container where they stand.

use serde_json::{Map, Value, json};

use crate::model::facts::Revision;
use crate::model::id::ContainerName;
use crate::model::reason::Reason;
use crate::rules::render::containers::unrenderable;

/// Why a variable cannot be set.
pub(super) enum Refusal {
    /// A secret of this name is there; ECS refuses a name that stands in both.
    Secret { container: ContainerName, variable: String },
    /// The definition is not as ECS has it.
    Malformed(String),
}

impl Refusal {
    pub(super) fn reason(self, base: &Revision) -> Reason {
        match self {
            Self::Secret { container, variable } => Reason::SetBySecret { container, variable },
            Self::Malformed(problem) => unrenderable(base, problem),
        }
    }
}

/// Sets each variable: a known one where it stands, its entry's other members kept; a new one at the end.
pub(super) fn set(container: &mut Map<String, Value>, variables: &[(String, String)]) -> Result<(), Refusal> {
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (variable, value) in variables {
        let secrets = container.get("secrets").and_then(Value::as_array);
        if secrets.into_iter().flatten().any(|secret| is_named(secret, variable)) {
            return Err(Refusal::Secret { container: ContainerName::new(name), variable: variable.clone() });
        }
        // Inserting keeps the member's place, also where null stood.
        if container.get("environment").is_none_or(Value::is_null) {
            container.insert("environment".to_owned(), json!([]));
        }
        let Some(entries) = container.get_mut("environment").and_then(Value::as_array_mut) else {
            return Err(Refusal::Malformed(format!("the environment of container {name} is not a list")));
        };
        let mut known = entries.iter_mut().filter(|entry| is_named(entry, variable)).filter_map(Value::as_object_mut);
        match known.next() {
            // A name that stands twice is set twice: which of them counts is not documented.
            Some(first) => std::iter::once(first).chain(known).for_each(|entry| {
                entry.insert("value".to_owned(), json!(value));
            }),
            None => entries.push(json!({ "name": variable, "value": value })),
        }
    }
    Ok(())
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}
