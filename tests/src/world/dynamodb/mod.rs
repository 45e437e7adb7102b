//! DynamoDB: tables with a hash and a range key, and the operations and expressions that the ledger uses.
//!
//! Whatever else DynamoDB can do is refused loudly: an expression that World read wrongly would prove nothing.

mod expression;
mod size;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::refusal::{Answer, Members, Refusal, number, text};
use expression::{Condition, Scope};

/// The largest item that DynamoDB takes, in bytes.
const LARGEST: usize = 400 * 1024;

/// A Query's page ends with the item with which it reaches this size, in bytes.
const PAGE: usize = 1024 * 1024;

/// The tables of the account and region.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    tables: BTreeMap<String, Table>,
}

/// A table's items, by hash and range key.
#[derive(Debug, Default)]
struct Table {
    items: BTreeMap<(String, String), Members>,
}

/// The attributes that make the key of the ledger's table; both are texts.
const HASH: &str = "target";
const RANGE: &str = "item";

impl Tables {
    /// Makes a table, unless it is there.
    pub(crate) fn make(&mut self, name: &str) {
        self.tables.entry(name.to_owned()).or_default();
    }

    /// Answers one operation, its name without the service.
    pub(crate) fn answer(&mut self, operation: &str, request: &Members) -> Answer {
        let name = text(request, "TableName").unwrap_or_default();
        let table = self.tables.get_mut(last_part(name));
        let table = table.ok_or_else(|| Refusal::new("ResourceNotFoundException", "Requested resource not found"))?;
        match operation {
            "GetItem" => table.get(request),
            "PutItem" => table.put(request),
            "DeleteItem" => table.delete(request),
            "Query" => table.query(request),
            _ => Err(refused(format!("World's DynamoDB doesn't know {operation}."))),
        }
    }

    /// The item that a PutItem would replace.
    pub(crate) fn before(&self, request: &Value) -> Option<Value> {
        let table = self.tables.get(last_part(request["TableName"].as_str()?))?;
        let item = table.items.get(&key_of(request["Item"].as_object()?).ok()?)?;
        Some(Value::Object(item.clone()))
    }

    /// Notes an item that somebody else keeps, the emulator.
    pub(crate) fn note(&mut self, request: &Value) {
        let Some(item) = request["Item"].as_object() else { return };
        if let (Some(table), Ok(key)) = (request["TableName"].as_str(), key_of(item)) {
            self.tables.entry(last_part(table).to_owned()).or_default().items.insert(key, item.clone());
        }
    }

    /// All items of a table.
    pub(crate) fn items(&self, name: &str) -> Vec<Members> {
        self.tables.get(name).map(|table| table.items.values().cloned().collect()).unwrap_or_default()
    }

    /// Changes an item that is there.
    pub(crate) fn edit(&mut self, name: &str, hash: &str, range: &str, change: impl FnOnce(&mut Members)) {
        let key = (hash.to_owned(), range.to_owned());
        if let Some(item) = self.tables.get_mut(name).and_then(|table| table.items.get_mut(&key)) {
            change(item);
        }
    }

    /// Takes an item away.
    pub(crate) fn remove(&mut self, name: &str, hash: &str, range: &str) {
        if let Some(table) = self.tables.get_mut(name) {
            table.items.remove(&(hash.to_owned(), range.to_owned()));
        }
    }
}

impl Table {
    fn get(&self, request: &Members) -> Answer {
        only(request, &["TableName", "Key", "ConsistentRead", "ReturnConsumedCapacity"])?;
        let found = self.items.get(&whole_key(request)?);
        Ok(found.map_or_else(|| json!({}), |item| json!({ "Item": item })))
    }

    fn put(&mut self, request: &Members) -> Answer {
        only(request, &["TableName", "Item", "ReturnValues"])?;
        let item = request.get("Item").and_then(Value::as_object).cloned().unwrap_or_default();
        let key = key_of(&item)?;
        if size::of_item(&item) > LARGEST {
            return Err(invalid("Item size has exceeded the maximum allowed size"));
        }
        self.check(&key, request)?;
        self.items.insert(key, item);
        Ok(json!({}))
    }

    fn delete(&mut self, request: &Members) -> Answer {
        only(request, &["TableName", "Key", "ReturnValues"])?;
        let key = whole_key(request)?;
        self.check(&key, request)?;
        self.items.remove(&key);
        Ok(json!({}))
    }

    fn query(&self, request: &Members) -> Answer {
        let known =
            ["TableName", "KeyConditionExpression", "ScanIndexForward", "Limit", "ConsistentRead", "ExclusiveStartKey"];
        only(request, &known)?;
        let scope = Scope::of(request)?;
        let key =
            text(request, "KeyConditionExpression").ok_or_else(|| invalid("KeyConditionExpression is missing"))?;
        let key = Condition::parse(key, &scope)?;
        scope.all_used()?;
        let hash = key.equal_to(HASH).ok_or_else(|| invalid("Query condition missed key schema element: target"))?;
        let mut items: Vec<&Members> =
            self.items.iter().filter(|((of, _), item)| *of == hash && key.holds(Some(item))).map(|it| it.1).collect();
        if request.get("ScanIndexForward") == Some(&json!(false)) {
            items.reverse();
        }
        if let Some(after) = request.get("ExclusiveStartKey").and_then(Value::as_object) {
            let after = key_of(after)?;
            let place = items.iter().position(|item| key_of(item).is_ok_and(|key| key == after));
            items.drain(..=place.ok_or_else(|| invalid("The provided starting key is outside query boundaries"))?);
        }
        let most = number(request, "Limit").and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let mut size = 0;
        let within = items.iter().take_while(|item| {
            let fits = size < PAGE;
            size += size::of_item(item);
            fits
        });
        let most = most.min(within.count());
        let more = items.len() > most;
        items.truncate(most);
        let mut answer = json!({ "Items": items, "Count": items.len(), "ScannedCount": items.len() });
        if let (true, Some(last)) = (more, items.last()) {
            answer["LastEvaluatedKey"] = json!({ HASH: last[HASH], RANGE: last[RANGE] });
        }
        Ok(answer)
    }

    /// The condition of a write, by what is there now.
    fn check(&self, key: &(String, String), request: &Members) -> Result<(), Refusal> {
        let scope = Scope::of(request)?;
        let condition = text(request, "ConditionExpression").map(|text| Condition::parse(text, &scope)).transpose()?;
        scope.all_used()?;
        let there = self.items.get(key);
        if condition.is_none_or(|condition| condition.holds(there)) {
            return Ok(());
        }
        let mut refusal = Refusal::new("ConditionalCheckFailedException", "The conditional request failed");
        if let (Some("ALL_OLD"), Some(item)) = (text(request, "ReturnValuesOnConditionCheckFailure"), there) {
            refusal.besides.push(("Item".to_owned(), json!(item)));
        }
        Err(refusal)
    }
}

/// DynamoDB's `ValidationException`, which is in no model.
fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

/// What World doesn't do, though DynamoDB might.
fn refused(message: impl Into<String>) -> Refusal {
    Refusal::new("UnknownOperationException", message)
}

/// Refuses members that World would pass over in silence.
fn only(request: &Members, known: &[&str]) -> Result<(), Refusal> {
    const EXPRESSIONS: [&str; 4] = [
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValuesOnConditionCheckFailure",
    ];
    match request.keys().find(|name| !known.contains(&name.as_str()) && !EXPRESSIONS.contains(&name.as_str())) {
        Some(name) => Err(refused(format!("World's DynamoDB doesn't know the member {name}."))),
        None => Ok(()),
    }
}

fn whole_key(request: &Members) -> Result<(String, String), Refusal> {
    let key = request.get("Key").and_then(Value::as_object).cloned().unwrap_or_default();
    if key.len() != 2 {
        return Err(invalid("The provided key element does not match the schema"));
    }
    key_of(&key)
}

fn key_of(item: &Members) -> Result<(String, String), Refusal> {
    let part = |name: &str| match item.get(name).and_then(|value| value["S"].as_str()) {
        Some("") => Err(invalid(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty string value. Key: {name}"
        ))),
        Some(text) => Ok(text.to_owned()),
        None => Err(invalid(format!("One or more parameter values were invalid: Missing the key {name} in the item"))),
    };
    Ok((part(HASH)?, part(RANGE)?))
}

/// A table's name, also of its ARN.
fn last_part(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}
