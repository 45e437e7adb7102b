//! Turns what the function is invoked with into a closed enum.
//!
//! `Ok(Some(event))` is ours, `Ok(None)` is known and not ours, `Err` is malformed, with every mistake in it.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use slipway_core::config::Mistake;
use slipway_core::id::{AccountId, EventId, Region, TargetName};
use slipway_core::image::{Registry, Repository, Tag};
use slipway_core::request::{self, Request};

/// What can set the function going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An image was pushed under a tag.
    Push(Push),
    /// Somebody invoked the function by hand.
    Request(Request),
    /// A schedule rings: wishes may lie with this service, or wait there.
    Wake(TargetName),
}

/// An image was pushed under a tag. Which image the tag means is asked of the registry, not of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The event's id, the same in every delivery of it.
    pub id: EventId,
    /// Where to.
    pub repository: Repository,
    /// Under which tag.
    pub tag: Tag,
    /// When.
    pub at: Timestamp,
}

/// The `detail` of an `ECR Image Action`, as far as we read it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ImageAction {
    #[serde(default)]
    result: String,
    #[serde(default)]
    action_type: String,
    #[serde(default)]
    repository_name: String,
    #[serde(default)]
    image_tag: String,
}

/// Reads an invocation's payload.
pub fn parse(payload: Value) -> Result<Option<Event>, Vec<Mistake>> {
    let Value::Object(object) = &payload else {
        return Err(vec![mistake("", "the payload is neither an event nor a request; both are JSON objects")]);
    };
    if object.contains_key("detail-type") {
        let event = serde_json::from_value(payload).map_err(|error| vec![mistake("", &error.to_string())])?;
        return push(event).map(|push| push.map(Event::Push));
    }
    if let Some(word) = object.get("slipway") {
        return match (word.as_str(), object.get("target").and_then(Value::as_str)) {
            (Some("wake"), Some(target)) => Ok(Some(Event::Wake(TargetName::new(target)))),
            _ => Err(vec![mistake("slipway", "is not a ring of this function")]),
        };
    }
    request::parse(object).map(|request| Some(Event::Request(request)))
}

fn push(event: EventBridgeEvent<Value>) -> Result<Option<Push>, Vec<Mistake>> {
    if event.source != "aws.ecr" || event.detail_type != "ECR Image Action" {
        return Ok(None);
    }
    let action: ImageAction =
        serde_json::from_value(event.detail).map_err(|error| vec![mistake("detail", &error.to_string())])?;
    // Children of an index and attestations come without a tag.
    if action.action_type != "PUSH" || action.result != "SUCCESS" || action.image_tag.is_empty() {
        return Ok(None);
    }
    let tag = Tag::parse(&action.image_tag);
    // Without a time it counts as long ago; the registry says when the image came.
    let at = event.time.and_then(|time| Timestamp::from_millisecond(time.timestamp_millis()).ok()).unwrap_or_default();
    let mut mistakes = Vec::new();
    let mut required = |value: Option<String>, path: &str| {
        let value = value.filter(|value| !value.is_empty());
        if value.is_none() {
            mistakes.push(mistake(path, "is missing"));
        }
        value.unwrap_or_default()
    };
    let id = required(event.id, "id");
    let account = required(event.account, "account");
    let region = required(event.region, "region");
    let name = required(Some(action.repository_name), "detail.repository-name");
    if tag.is_none() {
        mistakes.push(mistake("detail.image-tag", "is not an image tag"));
    }
    match tag {
        Some(tag) if mistakes.is_empty() => Ok(Some(Push {
            id: EventId::new(id),
            repository: Repository {
                registry: Registry::Ecr { account: AccountId::new(account), region: Region::new(region) },
                name,
            },
            tag,
            at,
        })),
        _ => Err(mistakes),
    }
}

fn mistake(path: &str, text: &str) -> Mistake {
    Mistake { path: path.to_owned(), text: text.to_owned() }
}
