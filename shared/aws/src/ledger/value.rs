//! JSON as DynamoDB's attribute values and back, so that a record can be read in the console and queried.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

pub(super) fn of_record(record: &impl Serialize) -> AttributeValue {
    // Our records have text keys only, which is all that could fail here.
    serde_json::to_value(record).map_or(AttributeValue::Null(true), of_json)
}

pub(super) fn to_record<T: DeserializeOwned>(value: AttributeValue) -> Option<T> {
    serde_json::from_value(to_json(value)).inspect_err(|error| tracing::error!(%error, "a record cannot be read")).ok()
}

fn of_json(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(truth) => AttributeValue::Bool(truth),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(items) => AttributeValue::L(items.into_iter().map(of_json).collect()),
        // What isn't set is left out: it reads the same, and the item stays short.
        Value::Object(members) => AttributeValue::M(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, of_json(value)))
                .collect(),
        ),
    }
}

fn to_json(value: AttributeValue) -> Value {
    match value {
        AttributeValue::Bool(truth) => Value::Bool(truth),
        AttributeValue::N(number) => number.parse::<Number>().map_or(Value::Null, Value::Number),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::L(items) => Value::Array(items.into_iter().map(to_json).collect()),
        AttributeValue::M(members) => {
            let members = members.into_iter().map(|(name, value)| (name, to_json(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        AttributeValue::Ss(items) => Value::Array(items.into_iter().map(Value::String).collect()),
        // Slipway writes no sets of numbers and no bytes.
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_comes_back_as_it_went() {
        let json = json!({ "a": [1, 2.5, "x", true, null, {}], "b": { "c": 18446744073709551615u64 }, "d": "" });
        assert_eq!(to_json(of_json(json.clone())), json);
    }

    #[test]
    fn what_is_not_set_is_left_out() {
        assert_eq!(to_json(of_json(json!({ "a": null, "b": 1 }))), json!({ "b": 1 }));
    }
}
