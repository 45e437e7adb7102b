//! One item of the table, whatever it holds: read, and written only on the condition that nobody wrote in between.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_core::model::id::TargetName;
use slipway_engine::Error;
use slipway_engine::cloud::Versioned;

use super::{Ledger, key, value};
use crate::error;

/// What an item may hold: plain data that is empty where there is none yet.
///
/// A write that is refused because the very same was written counts as made. Where two writers must not take each other's
/// write for their own, the record names its writer.
pub trait Record: Serialize + DeserializeOwned + Default + Clone + PartialEq {}

impl<T: Serialize + DeserializeOwned + Default + Clone + PartialEq> Record for T {}

/// Where an item stands: the hash key and the range key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) target: TargetName,
    pub(super) item: String,
}

impl Place {
    /// The item of this name beside this target's record.
    pub fn new(target: &str, item: impl Into<String>) -> Self {
        Self { target: TargetName::new(target), item: item.into() }
    }

    /// The record of a service.
    pub(crate) fn service(target: &TargetName) -> Self {
        Self { target: target.clone(), item: "service".to_owned() }
    }
}

impl Ledger {
    /// The item as of now (a consistent read); an empty one with `rev` 0 where there is none.
    pub(crate) async fn read_item<R: Record>(&self, place: &Place) -> Result<Versioned<R>, Error> {
        let answer = self
            .client
            .get(Client::new)
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(&place.target, &place.item)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| error::of("DynamoDB.GetItem", place.target.as_str(), error))?;
        Ok(answer.item.map(of_attributes).unwrap_or_default())
    }

    /// Writes an item on the condition that it is still of its `rev`.
    ///
    /// The inner result is what is there now: as written, or as somebody else wrote it meanwhile.
    pub(crate) async fn write_item<R: Record>(
        &self,
        place: &Place,
        read: Versioned<R>,
        until: Option<Timestamp>,
    ) -> Result<Result<Versioned<R>, Versioned<R>>, Error> {
        let new = Versioned { rev: read.rev + 1, record: read.record };
        let mut attributes = key(&place.target, &place.item);
        attributes.insert("rev".to_owned(), AttributeValue::N(new.rev.to_string()));
        attributes.insert("record".to_owned(), value::of_record(&new.record));
        if let Some(until) = until {
            attributes.insert("ttl".to_owned(), AttributeValue::N(until.as_second().to_string()));
        }
        let request = self
            .client
            .get(Client::new)
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = if read.rev == 0 {
            request.condition_expression("attribute_not_exists(rev)")
        } else {
            request
                .condition_expression("rev = :rev")
                .expression_attribute_values(":rev", AttributeValue::N(read.rev.to_string()))
        };
        match request.send().await {
            Ok(_) => Ok(Ok(new)),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    let there = match refused.item.clone() {
                        Some(item) => of_attributes(item),
                        None => self.read_item(place).await?,
                    };
                    // A write that took effect without an answer is repeated by the SDK, and then refused by itself.
                    Ok(if there == new { Ok(new) } else { Err(there) })
                }
                _ => Err(error::of("DynamoDB.PutItem", place.target.as_str(), error)),
            },
        }
    }
}

fn of_attributes<R: Record>(mut attributes: HashMap<String, AttributeValue>) -> Versioned<R> {
    let rev = attributes.get("rev").and_then(|rev| rev.as_n().ok()?.parse().ok()).unwrap_or_default();
    let record = attributes.remove("record").and_then(value::to_record).unwrap_or_default();
    Versioned { rev, record }
}
