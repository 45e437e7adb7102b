//! Small records beside a service's: a message's place in Slack, a channel's next free second.
//!
//! Each is an item of its own, written only on the condition that nobody wrote in between, and deleted by DynamoDB when
//! its time is over.

use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_core::id::TargetName;
use tokio::time::sleep;

use super::{Ledger, TRIES, key, value};
use crate::error::{Error, Kind};

/// Where a note stands: the hash key and the range key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    target: TargetName,
    item: String,
}

impl Place {
    /// The item of this name beside this target's record.
    pub fn new(target: &str, item: impl Into<String>) -> Self {
        Self { target: TargetName::new(target), item: item.into() }
    }
}

/// What a note may be: plain data that is empty where there is none yet.
///
/// A write that is refused because the very same was written counts as made. Where two writers must not take each other's
/// write for their own, the note names its writer.
pub trait Note: Serialize + DeserializeOwned + Default + Clone + PartialEq {}

impl<T: Serialize + DeserializeOwned + Default + Clone + PartialEq> Note for T {}

struct Read<T> {
    rev: u64,
    note: T,
}

impl Ledger {
    /// Changes a note: reads, changes, writes, and begins again where somebody else wrote meanwhile.
    ///
    /// `change` may be called several times, each time on what is there then. A note that it leaves as it is is not
    /// written. It is kept until `until` at least.
    pub async fn change_note<N: Note, T>(
        &self,
        place: &Place,
        until: Timestamp,
        mut change: impl FnMut(&mut N) -> T,
    ) -> Result<(T, N), Error> {
        let mut there: Read<N> = self.read_note(place).await?;
        for again in 0..TRIES {
            let mut note = there.note.clone();
            let changed = change(&mut note);
            if note == there.note {
                return Ok((changed, note));
            }
            match self.write_note(place, Read { rev: there.rev, note }, until).await? {
                Ok(written) => return Ok((changed, written)),
                Err(other) => there = other,
            }
            sleep(Duration::from_millis(u64::from(2 * again.min(10)))).await;
        }
        let message = "others wrote the note each time in between; it is tried again";
        Err(Error::new("DynamoDB.PutItem", place.target.as_str(), Kind::Throttled, message))
    }

    async fn read_note<N: Note>(&self, place: &Place) -> Result<Read<N>, Error> {
        const CALL: &str = "DynamoDB.GetItem";
        let answer = self
            .client()
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(&place.target, &place.item)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Error::of(CALL, place.target.as_str(), error))?;
        Ok(of_attributes(answer.item.unwrap_or_default()))
    }

    /// The inner error is what somebody else wrote meanwhile.
    async fn write_note<N: Note>(
        &self,
        place: &Place,
        read: Read<N>,
        until: Timestamp,
    ) -> Result<Result<N, Read<N>>, Error> {
        const CALL: &str = "DynamoDB.PutItem";
        let rev = read.rev + 1;
        let mut attributes = key(&place.target, &place.item);
        attributes.insert("rev".to_owned(), AttributeValue::N(rev.to_string()));
        attributes.insert("record".to_owned(), value::of_record(&read.note));
        attributes.insert("ttl".to_owned(), AttributeValue::N(until.as_second().to_string()));
        let request = self
            .client()
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
            Ok(_) => Ok(Ok(read.note)),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    let there: Read<N> = match refused.item.clone() {
                        Some(item) => of_attributes(item),
                        None => self.read_note(place).await?,
                    };
                    // A write that took effect without an answer is repeated by the SDK, and then refused by itself.
                    Ok(if there.rev == rev && there.note == read.note { Ok(read.note) } else { Err(there) })
                }
                _ => Err(Error::of(CALL, place.target.as_str(), error)),
            },
        }
    }
}

fn of_attributes<N: Note>(mut attributes: std::collections::HashMap<String, AttributeValue>) -> Read<N> {
    let rev = attributes.get("rev").and_then(|rev| rev.as_n().ok()?.parse().ok()).unwrap_or_default();
    let note = attributes.remove("record").and_then(value::to_record).unwrap_or_default();
    Read { rev, note }
}
