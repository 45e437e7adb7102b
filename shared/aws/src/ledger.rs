//! DynamoDB: the table of the records. One item for each service, written only on the condition that nobody wrote in between.
//!
//! | attribute | |
//! |---|---|
//! | `target` (hash key) | `prod/web` |
//! | `item` (range key) | `service`, `deployment#…` of an archived deployment, or a note's name; of `target` `family#web` the name of a service in the family |
//! | `rev` | counts the writes; the condition of every write |
//! | `record` | [`Service`](slipway_core::model::record::Service), [`Deployment`], [`FamilyMember`] or a note as a map |
//! | `ttl` | when DynamoDB may delete an archived deployment or a note, in seconds since 1970 |

pub mod note;

mod item;
mod value;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use slipway_core::model::id::TargetName;
use slipway_core::model::record::{Deployment, FamilyMember};
use slipway_engine::Error;

use crate::clients::Lazy;
use crate::error;

pub use item::Record;

/// What the range keys of archived deployments begin with.
const ARCHIVED: &str = "deployment#";

/// An archived deployment is kept for thirteen months, so that last year's can be compared.
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
        // Numbers of one length, so that their order is the keys' order.
        let mut attributes = key(target, &format!("{ARCHIVED}{:020}", deployment.number));
        attributes.insert("record".to_owned(), value::of_record(deployment));
        let until = deployment.intended_at.as_second() + KEPT_SECONDS;
        attributes.insert("ttl".to_owned(), AttributeValue::N(until.to_string()));
        let request = self.client.get(Client::new).put_item().table_name(&self.table).set_item(Some(attributes));
        request.send().await.map(|_| ()).map_err(|error| error::of("DynamoDB.PutItem", target.as_str(), error))
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
        let items = answer.items.unwrap_or_default();
        Ok(items.into_iter().filter_map(|mut item| value::to_record(item.remove("record")?)).collect())
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
        Ok(items.into_iter().filter_map(|mut item| value::to_record(item.remove("record")?)).collect())
    }
}

/// The hash key of a family; no service's name begins like it.
fn of_family(family: &str) -> TargetName {
    TargetName::new(format!("family#{family}"))
}

fn key(target: &TargetName, item: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("target".to_owned(), AttributeValue::S(target.to_string())),
        ("item".to_owned(), AttributeValue::S(item.to_owned())),
    ])
}
