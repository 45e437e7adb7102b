//! DynamoDB: the table of the records. One item for each service, written only on the condition that nobody wrote in between.
//!
//! | attribute | |
//! |---|---|
//! | `target` (hash key) | `prod/web` |
//! | `item` (range key) | `service`, `deployment#…` of an archived deployment, `evidence#…` of one that failed, or a note's name; of `target` `family#web` the name of a service in the family |
//! | `rev` | counts the writes; the condition of every write |
//! | `record` | [`Service`](slipway_core::model::record::Service), [`Deployment`], [`RecordedEvidence`], [`FamilyMember`] or a note as a map |
//! | `ttl` | when DynamoDB may delete an archived deployment, evidence or a note, in seconds since 1970 |

pub mod note;

mod item;
mod value;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_core::model::id::TargetName;
use slipway_core::model::record::{Deployment, FamilyMember, RecordedEvidence};
use slipway_engine::Error;

use crate::clients::Lazy;
use crate::error;

pub use item::Record;

/// What the range keys of archived deployments begin with.
const ARCHIVED: &str = "deployment#";

/// What the range keys of evidence begin with.
const EVIDENCE: &str = "evidence#";

/// An archived deployment and its evidence are kept for thirteen months, so that last year's can be compared.
const KEPT_SECONDS: i64 = 400 * 24 * 3600;

/// The table, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ledger {
    client: Lazy<Client>,
    table: String,
}

impl Ledger {
    pub(crate) fn new(settings: &aws_config::SdkConfig, table: &str) -> Self {
        Self { client: Lazy::new(settings), table: table.to_owned() }
    }

    pub(crate) async fn archive(&self, target: &TargetName, deployment: &Deployment) -> Result<(), Error> {
        self.keep(target, &numbered(ARCHIVED, deployment.number), deployment, deployment.intended_at).await
    }

    pub(crate) async fn history(&self, target: &TargetName, most: usize) -> Result<Vec<Deployment>, Error> {
        let answer = self
            .client
            .get(Client::new)
            .query()
            .table_name(&self.table)
            .key_condition_expression("#target = :target AND begins_with(#item, :archived)")
            .expression_attribute_names("#target", "target")
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":target", AttributeValue::S(target.to_string()))
            .expression_attribute_values(":archived", AttributeValue::S(ARCHIVED.to_owned()))
            .scan_index_forward(false)
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| error::of("DynamoDB.Query", target.as_str(), error))?;
        Ok(records(answer.items.unwrap_or_default()))
    }

    pub(crate) async fn put_evidence(&self, target: &TargetName, evidence: &RecordedEvidence) -> Result<(), Error> {
        self.keep(target, &numbered(EVIDENCE, evidence.number), evidence, evidence.at).await
    }

    pub(crate) async fn evidence(
        &self,
        target: &TargetName,
        numbers: RangeInclusive<u64>,
    ) -> Result<Vec<RecordedEvidence>, Error> {
        let range_key = |number: &u64| AttributeValue::S(numbered(EVIDENCE, *number));
        let pages = self
            .client
            .get(Client::new)
            .query()
            .table_name(&self.table)
            .key_condition_expression("#target = :target AND #item BETWEEN :first AND :last")
            .expression_attribute_names("#target", "target")
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":target", AttributeValue::S(target.to_string()))
            .expression_attribute_values(":first", range_key(numbers.start()))
            .expression_attribute_values(":last", range_key(numbers.end()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let items = pages.try_collect().await;
        let items = items.map_err(|error| error::of("DynamoDB.Query", target.as_str(), error))?;
        Ok(records(items))
    }

    /// Puts an item, whatever is there, which is kept for [`KEPT_SECONDS`] from then on.
    async fn keep(
        &self,
        target: &TargetName,
        item: &str,
        record: &impl Serialize,
        from: Timestamp,
    ) -> Result<(), Error> {
        let mut attributes = key(target, item);
        attributes.insert("record".to_owned(), value::of_record(record));
        attributes.insert("ttl".to_owned(), AttributeValue::N((from.as_second() + KEPT_SECONDS).to_string()));
        let request = self.client.get(Client::new).put_item().table_name(&self.table).set_item(Some(attributes));
        request.send().await.map(|_| ()).map_err(|error| error::of("DynamoDB.PutItem", target.as_str(), error))
    }

    pub(crate) async fn put_family_member(&self, family: &str, member: &FamilyMember) -> Result<(), Error> {
        let mut attributes = key(&of_family(family), member.target.as_str());
        attributes.insert("record".to_owned(), value::of_record(member));
        let request = self.client.get(Client::new).put_item().table_name(&self.table).set_item(Some(attributes));
        request.send().await.map(|_| ()).map_err(|error| error::of("DynamoDB.PutItem", family, error))
    }

    pub(crate) async fn family_members(&self, family: &str) -> Result<Vec<FamilyMember>, Error> {
        let pages = self
            .client
            .get(Client::new)
            .query()
            .table_name(&self.table)
            .key_condition_expression("#target = :target")
            .expression_attribute_names("#target", "target")
            .expression_attribute_values(":target", AttributeValue::S(of_family(family).to_string()))
            .into_paginator()
            .items()
            .send();
        let items = pages.try_collect().await.map_err(|error| error::of("DynamoDB.Query", family, error))?;
        Ok(records(items))
    }
}

/// What these items hold, as far as it can be read.
fn records<R: DeserializeOwned>(items: Vec<HashMap<String, AttributeValue>>) -> Vec<R> {
    items.into_iter().filter_map(|mut item| value::to_record(item.remove("record")?)).collect()
}

/// The hash key of a family; no service's name begins like it.
fn of_family(family: &str) -> TargetName {
    TargetName::new(format!("family#{family}"))
}

/// A range key with a number: all of one length, so that the numbers' order is the keys' order.
fn numbered(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:020}")
}

fn key(target: &TargetName, item: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("target".to_owned(), AttributeValue::S(target.to_string())),
        ("item".to_owned(), AttributeValue::S(item.to_owned())),
    ])
}
