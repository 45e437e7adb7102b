//! The size of an item as DynamoDB counts it: the bytes of names and values, and what lists and maps cost besides.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>

use serde_json::Value;

use crate::world::refusal::Members;

/// The bytes of an item.
pub(super) fn of_item(item: &Members) -> usize {
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

/// A list or a map costs three bytes, and one for each of its members.
fn of_value(value: &Value) -> usize {
    let Some((kind, held)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    match (kind.as_str(), held) {
        ("S", Value::String(text)) => text.len(),
        // Two digits are a byte, and one is added.
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("L", Value::Array(items)) => 3 + items.iter().map(|item| 1 + of_value(item)).sum::<usize>(),
        ("M", Value::Object(members)) => {
            3 + members.iter().map(|(name, value)| 1 + name.len() + of_value(value)).sum::<usize>()
        }
        ("SS", Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::len).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_values_lists_and_maps_count() {
        #[track_caller]
        fn check(item: Value, expected: usize) {
            assert_eq!(of_item(item.as_object().unwrap()), expected);
        }
        check(json!({}), 0);
        check(json!({ "ab": { "S": "cde" } }), 5);
        check(json!({ "a": { "S": "é" } }), 3);
        check(json!({ "a": { "N": "1234" } }), 4);
        check(json!({ "a": { "BOOL": true }, "b": { "NULL": true } }), 4);
        check(json!({ "a": { "L": [{ "S": "x" }, { "S": "yz" }] } }), 9);
        check(json!({ "a": { "M": { "bc": { "S": "d" } } } }), 8);
    }
}
