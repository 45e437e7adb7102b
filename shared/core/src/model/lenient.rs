//! Reads what another version of Slipway or a person wrote: what isn't understood is left out, never an error.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The value, or its default where it has another shape.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The items that are understood.
pub(crate) fn items<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(from)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

/// A structure whose members all have a default: the members that are understood, and the default of the others.
pub(crate) fn members<T: DeserializeOwned + Default>(mut members: Map<String, Value>) -> T {
    members.retain(|name, value| {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<T>(alone.into()).is_ok()
    });
    serde_json::from_value(members.into()).unwrap_or_default()
}
