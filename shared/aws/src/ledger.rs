//! DynamoDB: the ledger. One item for each service, written only on the condition that nobody wrote in between.
//!
//! | attribute | |
//! |---|---|
//! | `target` (hash key) | `prod/web` |
//! | `item` (range key) | `service`, `deployment#…` of an archived deployment, or a note's name |
//! | `rev` | counts the writes; the condition of every write |
//! | `record` | [`Service`](slipway_core::model::record::Service), [`Deployment`] or a note as a map |
//! | `ttl` | when DynamoDB may delete an archived deployment or a note, in seconds since 1970 |

pub mod note;

mod item;

mod value;

use std::collections::HashMap;
use std::sync::OnceLock;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use item::Place;
use slipway_core::model::id::TargetName;
use slipway_core::model::record::Deployment;
use slipway_engine::Error;
use slipway_engine::cloud::Versioned;

use crate::error;

pub use item::Record;

/// The range key of a service's record.
const SERVICE: &str = "service";

/// What the range keys of archived deployments begin with.
const ARCHIVED: &str = "deployment#";

/// An archived deployment is kept for thirteen months, so that last year's can be compared.
const KEPT_SECONDS: i64 = 400 * 24 * 3600;

/// The table, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ledger {
    settings: aws_config::SdkConfig,
    client: OnceLock<Client>,
    table: String,
}

impl Ledger {
    pub(crate) fn new(settings: &aws_config::SdkConfig, table: &str) -> Self {
        Self { settings: settings.clone(), client: OnceLock::new(), table: table.to_owned() }
    }

    /// The record of a service as of now (a consistent read); an empty one with `rev` 0 where there is none.
    pub(crate) async fn read(&self, target: &TargetName) -> Result<Versioned, Error> {
        self.read_item(&service(target)).await
    }

    /// Writes a record on the condition that it is still of its `rev`.
    pub(crate) async fn write(
        &self,
        target: &TargetName,
        record: Versioned,
    ) -> Result<Result<Versioned, Versioned>, Error> {
        self.write_item(&service(target), record, None).await
    }

    /// Keeps a deployment for which the record has no more room. The same one again changes nothing.
    pub(crate) async fn archive(&self, target: &TargetName, deployment: &Deployment) -> Result<(), Error> {
        const CALL: &str = "DynamoDB.PutItem";
        // Numbers of one length, so that their order is the keys' order.
        let mut attributes = key(target, &format!("{ARCHIVED}{:020}", deployment.number));
        attributes.insert("record".to_owned(), value::of_record(deployment));
        let until = deployment.intended_at.as_second() + KEPT_SECONDS;
        attributes.insert("ttl".to_owned(), AttributeValue::N(until.to_string()));
        let request = self.client().put_item().table_name(&self.table).set_item(Some(attributes));
        request.send().await.map(|_| ()).map_err(|error| error::of(CALL, target.as_str(), error))
    }

    /// The archived deployments of a service, newest first, at most so many.
    pub(crate) async fn history(&self, target: &TargetName, most: usize) -> Result<Vec<Deployment>, Error> {
        const CALL: &str = "DynamoDB.Query";
        let answer = self
            .client()
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
            .map_err(|error| error::of(CALL, target.as_str(), error))?;
        let items = answer.items.unwrap_or_default();
        Ok(items.into_iter().filter_map(|mut item| value::to_record(item.remove("record")?)).collect())
    }

    /// Built at the first call, which is after Lambda's init has found out that the settings are right.
    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.settings))
    }
}

fn service(target: &TargetName) -> Place {
    Place { target: target.clone(), item: SERVICE.to_owned() }
}

fn key(target: &TargetName, item: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("target".to_owned(), AttributeValue::S(target.to_string())),
        ("item".to_owned(), AttributeValue::S(item.to_owned())),
    ])
}
