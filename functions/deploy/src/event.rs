//! Turns what the function is invoked with into a closed enum.
//!
//! `Ok(Some(input))` is for Slipway, `Ok(None)` is known and not for it, `Err` is malformed, with every mistake in it.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use slipway_core::config::Mistake;
use slipway_core::model::id::{AccountId, EventId, Region};
use slipway_core::model::image::{Registry, Repository, Tag};
use slipway_core::model::timer::Scheduled;
use slipway_core::rules::authority::InvokedWith;
use slipway_core::rules::request;
use slipway_core::rules::request::{Action, Request};
use slipway_engine::{Input, Push};

/// What the function is invoked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// What a person or a pipeline asks.
    Request(Request),
    /// An image was pushed.
    Event(Push),
    /// One of Slipway's schedules fired.
    Scheduled(Input),
}

impl Payload {
    /// What it is, as far as it matters who may send it.
    pub fn invoked_with(&self) -> InvokedWith<'_> {
        match self {
            Self::Request(request) => InvokedWith::Request(request),
            Self::Event(_) => InvokedWith::Event,
            Self::Scheduled(_) => InvokedWith::Scheduled,
        }
    }

    /// What the engine is to do; `None` where somebody asks about an event that is not for Slipway.
    pub fn input(self) -> Result<Option<Input>, Vec<Mistake>> {
        match self {
            Self::Request(Request { action: Action::Explain(event), .. }) => explained(event),
            Self::Request(request) => Ok(Some(Input::Request(request))),
            Self::Event(push) => Ok(Some(Input::Push(push))),
            Self::Scheduled(input) => Ok(Some(input)),
        }
    }
}

/// The `detail` of an `ECR Image Action` or an `ECR Replication Action`, as far as we read it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct ImageAction {
    result: String,
    action_type: String,
    repository_name: String,
    image_tag: String,
}

/// Reads an invocation's payload.
pub fn parse(payload: Value) -> Result<Option<Payload>, Vec<Mistake>> {
    let Value::Object(object) = &payload else {
        return Err(vec![mistake("", "the payload is neither an event nor a request; both are JSON objects")]);
    };
    if object.contains_key("detail-type") {
        let event = serde_json::from_value(payload).map_err(|error| vec![mistake("", &error.to_string())])?;
        return push(event).map(|push| push.map(Payload::Event));
    }
    if object.contains_key(Scheduled::KEY) {
        let input = Scheduled::parse(object).and_then(Input::scheduled);
        let unknown =
            || vec![mistake(Scheduled::KEY, "is neither a timer of a service, cluster/service, nor the reconcile")];
        return input.map(|input| Some(Payload::Scheduled(input))).ok_or_else(unknown);
    }
    Ok(Some(Payload::Request(request::parse(object)?)))
}

/// The push that somebody asks about; `None` where the event is not one.
fn explained(event: Value) -> Result<Option<Input>, Vec<Mistake>> {
    let at = |it: Mistake| Mistake { path: format!("event.{}", it.path).trim_end_matches('.').to_owned(), ..it };
    match parse(event) {
        Ok(Some(Payload::Event(push))) => Ok(Some(Input::Explain(push))),
        Ok(Some(Payload::Request(_) | Payload::Scheduled(_)) | None) => Ok(None),
        Err(mistakes) => Err(mistakes.into_iter().map(at).collect()),
    }
}

fn push(event: EventBridgeEvent<Value>) -> Result<Option<Push>, Vec<Mistake>> {
    let pushes = match event.detail_type.as_str() {
        "ECR Image Action" => "PUSH",
        // Sent where the copy is, so it names that registry.
        "ECR Replication Action" => "REPLICATE",
        _ => return Ok(None),
    };
    if event.source != "aws.ecr" {
        return Ok(None);
    }
    let action: ImageAction =
        serde_json::from_value(event.detail).map_err(|error| vec![mistake("detail", &error.to_string())])?;
    // Children of an index and attestations come without a tag.
    if action.action_type != pushes || action.result != "SUCCESS" || action.image_tag.is_empty() {
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use slipway_core::model::id::{ClusterName, ServiceName, TargetName};
    use slipway_core::rules::request::Targets;
    use slipway_engine::{Hint, ServiceTrigger};

    use super::*;

    #[test]
    fn a_timer_names_a_service() {
        let payload = parse(json!({ "slipway": "timer", "target": "prod/web" })).unwrap();
        let (cluster, service) = (Some(ClusterName::new("prod")), ServiceName::new("web"));
        let trigger = ServiceTrigger { home: None, cluster, service, hint: Hint::Timer };
        assert_eq!(payload, Some(Payload::Scheduled(Input::Service(trigger))));
        for wrong in [
            json!({ "slipway": "timer", "target": "web" }),
            json!({ "slipway": "timer", "target": "prod/" }),
            json!({ "slipway": "timer" }),
            json!({ "slipway": "deadline", "target": "prod/web" }),
        ] {
            assert!(parse(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_to_be_explained_is_a_push() {
        let push = json!({
            "version": "0", "id": "1", "detail-type": "ECR Image Action", "source": "aws.ecr", "account": "123456789012",
            "time": "2026-11-21T10:00:00Z", "region": "eu-west-1", "resources": [],
            "detail": { "result": "SUCCESS", "action-type": "PUSH", "repository-name": "shop/web", "image-tag": "1.5.0" },
        });
        let explained = |event: Value| {
            let payload = parse(json!({ "action": "explain", "event": event })).unwrap().unwrap();
            assert!(matches!(payload.invoked_with(), InvokedWith::Request(_)), "{payload:?}");
            payload.input()
        };
        let Ok(Some(Payload::Event(pushed))) = parse(push.clone()) else { panic!("a push") };
        assert_eq!(explained(push), Ok(Some(Input::Explain(pushed))));
        for other in [
            json!({ "detail-type": "Object Created", "source": "aws.s3", "detail": {} }),
            json!({ "slipway": "timer", "target": "prod/web" }),
            json!({ "action": "rollback", "target": "prod/web" }),
        ] {
            assert_eq!(explained(other), Ok(None));
        }
    }

    #[test]
    fn the_reconcile_that_comes_by_itself_is_no_request() {
        let all = parse(json!({ "slipway": "reconcile" })).unwrap();
        let two = parse(json!({ "slipway": "reconcile", "targets": ["prod/web", "prod/api"] })).unwrap();
        let named = Targets::Named(["prod/web", "prod/api"].map(TargetName::new).into());
        for (payload, targets) in [(all, Targets::All), (two, named)] {
            let input = Input::Request(Request::scheduled_reconcile(targets));
            assert_eq!(payload, Some(Payload::Scheduled(input)));
        }
    }
}
