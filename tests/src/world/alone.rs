//! The little of SNS, SQS, SSM, S3, DynamoDB and Scheduler that the functions use, for worlds without an emulator behind them.

use std::collections::{BTreeMap, BTreeSet};

use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::dynamodb::Tables;
use super::identity;
use super::notices::Notice;
use super::refusal::{Answer, Members, Refusal, text};
use super::scheduler::Scheduler;
use fake_aws::Place;
use fake_aws::time::epoch_seconds;

/// Topics, parameters, objects, tables and schedules.
#[derive(Debug, Default)]
pub(crate) struct Alone {
    pub(crate) topics: BTreeSet<String>,
    pub(crate) parameters: BTreeMap<String, Parameter>,
    pub(crate) objects: BTreeMap<(String, String), Bytes>,
    /// The texts in each queue, by its URL.
    pub(crate) queues: BTreeMap<String, Vec<String>>,
    /// Before an emulator these are only what went there.
    pub(crate) tables: Tables,
    pub(crate) scheduler: Scheduler,
}

/// A parameter of the Parameter Store.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) value: String,
    pub(crate) kind: ParameterKind,
    pub(crate) version: i64,
    pub(crate) changed_at: Timestamp,
}

/// Whether a parameter is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    String,
    SecureString,
}

impl Alone {
    /// SNS's Publish: the notice's id, or a refusal for a topic that doesn't exist.
    pub(crate) fn publish(&self, notice: &Notice, ordinal: usize) -> Result<String, Refusal> {
        if self.topics.contains(&notice.topic) {
            Ok(identity::uuid(&notice.topic, ordinal))
        } else {
            Err(Refusal { status: 404, ..Refusal::new("NotFound", "Topic does not exist") })
        }
    }

    /// SSM's GetParameter; a secret that is not to be decrypted comes as something unreadable.
    pub(crate) fn get_parameter(&self, place: &Place, request: &Members) -> Answer {
        let name = text(request, "Name").unwrap_or_default();
        let parameter = self.parameters.get(name);
        let parameter = parameter.ok_or_else(|| Refusal::new("ParameterNotFound", ""))?;
        let decrypt = request.get("WithDecryption").and_then(Value::as_bool).unwrap_or_default();
        let (kind, value) = match parameter.kind {
            ParameterKind::String => ("String", parameter.value.clone()),
            ParameterKind::SecureString if decrypt => ("SecureString", parameter.value.clone()),
            ParameterKind::SecureString => ("SecureString", identity::digest(parameter.value.as_bytes())),
        };
        Ok(json!({ "Parameter": {
            "Name": name,
            "Type": kind,
            "Value": value,
            "Version": parameter.version,
            "LastModifiedDate": epoch_seconds(parameter.changed_at),
            "ARN": place.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/'))),
            "DataType": "text",
        }}))
    }

    /// SQS's SendMessage.
    pub(crate) fn send_message(&mut self, request: &Members, ordinal: usize) -> Answer {
        let url = text(request, "QueueUrl").unwrap_or_default();
        let queue = self.queues.get_mut(url);
        let queue = queue.ok_or_else(|| Refusal::new("QueueDoesNotExist", "The specified queue does not exist."))?;
        let body = text(request, "MessageBody").unwrap_or_default();
        queue.push(body.to_owned());
        Ok(json!({ "MessageId": identity::uuid(url, ordinal), "MD5OfMessageBody": identity::digest(body.as_bytes()) }))
    }

    /// S3's GetObject.
    pub(crate) fn get_object(&self, request: &Members) -> Result<Bytes, Refusal> {
        let bucket = text(request, "Bucket").unwrap_or_default().to_owned();
        let key = text(request, "Key").unwrap_or_default().to_owned();
        if let Some(bytes) = self.objects.get(&(bucket.clone(), key)) {
            return Ok(bytes.clone());
        }
        let (code, message) = if self.objects.keys().any(|(known, _)| *known == bucket) {
            ("NoSuchKey", "The specified key does not exist.")
        } else {
            ("NoSuchBucket", "The specified bucket does not exist")
        };
        Err(Refusal { status: 404, ..Refusal::new(code, message) })
    }
}
