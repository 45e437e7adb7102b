//! Turns an EventBridge event into the one kind that this function acts on, leniently: ECS adds fields and names.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use slipway_core::id::{ClusterName, DeploymentId, ServiceArn};
use slipway_core::outcome::{Change, DeploymentEvent};
use tracing::info;

/// A service's deployment changed its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The service, as the event's first resource names it.
    pub service: ServiceArn,
    /// Its cluster, from the service's ARN or from the event's `clusterArn`; a service that was never migrated to the
    /// long ARN form may have neither.
    pub cluster: Option<ClusterName>,
    /// What changed.
    pub deployment: DeploymentEvent,
}

/// Why an event that claims to be ours cannot be read. Another delivery would be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope {
    #[serde(default)]
    source: String,
    #[serde(default)]
    detail_type: String,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    detail: Value,
}

/// The `detail` of an `ECS Deployment State Change`, as far as we read it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateChange {
    #[serde(default)]
    event_name: String,
    #[serde(default)]
    deployment_id: String,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    cluster_arn: Option<String>,
}

/// Reads an event. `Ok(None)` is a known kind that is not ours, or a name that ECS has added since.
///
/// `received` stands in for the time of an event that bears none.
pub fn parse(payload: Value, received: Timestamp) -> Result<Option<Event>, Malformed> {
    let envelope: Envelope = serde_json::from_value(payload).map_err(|error| Malformed(error.to_string()))?;
    if envelope.source != "aws.ecs" || envelope.detail_type != "ECS Deployment State Change" {
        info!(event.source = envelope.source, event.type = envelope.detail_type, "the event is not for this function");
        return Ok(None);
    }
    let detail: StateChange =
        serde_json::from_value(envelope.detail).map_err(|error| Malformed(format!("detail: {error}")))?;
    let change = match detail.event_name.as_str() {
        "SERVICE_DEPLOYMENT_IN_PROGRESS" => Change::InProgress,
        "SERVICE_DEPLOYMENT_COMPLETED" => Change::Completed,
        "SERVICE_DEPLOYMENT_FAILED" => Change::Failed,
        name => {
            info!(event.name = name, resources = ?envelope.resources, "an event of a name that is not known");
            return Ok(None);
        }
    };
    let service = envelope.resources.iter().find_map(|arn| ServiceArn::parse(arn));
    let Some(service) = service.filter(|arn| !arn.service.as_str().is_empty()) else {
        return Err(Malformed(format!("resources: {:?} name no service", envelope.resources)));
    };
    if detail.deployment_id.is_empty() {
        return Err(Malformed("detail.deploymentId: is missing".to_owned()));
    }
    let time = |text: Option<String>| text.and_then(|text| text.parse().ok());
    Ok(Some(Event {
        cluster: service.cluster.clone().or_else(|| detail.cluster_arn.as_deref().and_then(cluster)),
        service,
        deployment: DeploymentEvent {
            change,
            deployment: DeploymentId::new(detail.deployment_id),
            reason: detail.reason.filter(|reason| !reason.is_empty()),
            at: time(detail.updated_at).or_else(|| time(envelope.time)).unwrap_or(received),
        },
    }))
}

fn cluster(arn: &str) -> Option<ClusterName> {
    arn.split_once(":cluster/").map(|(_, name)| ClusterName::new(name)).filter(|name| !name.as_str().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn received() -> Timestamp {
        "2026-09-04T18:00:00Z".parse().unwrap()
    }

    fn state_change(resource: &str, detail: &Value) -> Value {
        json!({ "source": "aws.ecs", "detail-type": "ECS Deployment State Change", "resources": [resource], "detail": detail })
    }

    /// The service, its cluster and the change.
    type Seen<'a> = (&'a str, Option<&'a str>, Change);

    #[track_caller]
    fn check(payload: Value, expected: Result<Option<Seen<'_>>, &str>) {
        let parsed = parse(payload, received());
        let seen = match &parsed {
            Ok(event) => Ok(event.as_ref().map(|event| {
                let cluster = event.cluster.as_ref().map(|cluster| cluster.as_str());
                (event.service.service.as_str(), cluster, event.deployment.change)
            })),
            Err(Malformed(text)) => Err(text.as_str()),
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_cluster_comes_from_either_arn_or_is_unknown() {
        let completed = json!({ "eventName": "SERVICE_DEPLOYMENT_COMPLETED", "deploymentId": "ecs-svc/1" });
        let mut with_cluster = completed.clone();
        with_cluster["clusterArn"] = "arn:aws:ecs:eu-west-1:123456789012:cluster/blue".into();
        let (long, short) = (
            "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:service/prod/web",
            "arn:aws:ecs:eu-west-1:123456789012:service/web",
        );
        check(state_change(long, &completed), Ok(Some(("web", Some("prod"), Change::Completed))));
        check(state_change(long, &with_cluster), Ok(Some(("web", Some("prod"), Change::Completed))));
        check(state_change(short, &with_cluster), Ok(Some(("web", Some("blue"), Change::Completed))));
        check(state_change(short, &completed), Ok(Some(("web", None, Change::Completed))));
    }

    #[test]
    fn what_is_not_ours_is_no_error_and_what_is_malformed_is() {
        let service = "arn:aws:ecs:eu-west-1:123456789012:service/prod/web";
        let named = |name: &str| json!({ "eventName": name, "deploymentId": "ecs-svc/1" });
        check(state_change(service, &named("SERVICE_DEPLOYMENT_PAUSED")), Ok(None));
        check(state_change(service, &json!({})), Ok(None));
        check(json!({ "source": "aws.ecs", "detail-type": "ECS Service Action" }), Ok(None));
        check(json!({}), Ok(None));
        check(
            state_change("arn:aws:ecs:eu-west-1:123456789012:cluster/prod", &named("SERVICE_DEPLOYMENT_FAILED")),
            Err("resources: [\"arn:aws:ecs:eu-west-1:123456789012:cluster/prod\"] name no service"),
        );
        check(
            state_change(service, &json!({ "eventName": "SERVICE_DEPLOYMENT_FAILED" })),
            Err("detail.deploymentId: is missing"),
        );
        assert!(parse(json!("text"), received()).is_err());
        assert!(parse(state_change(service, &json!("SERVICE_DEPLOYMENT_FAILED")), received()).is_err());
    }

    #[test]
    fn the_time_is_when_it_happened() {
        let at = |time: Value, updated_at: Value| {
            let detail = json!({
                "eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": "ecs-svc/1", "updatedAt": updated_at
            });
            let mut payload = state_change("arn:aws:ecs:eu-west-1:123456789012:service/prod/web", &detail);
            payload["time"] = time;
            parse(payload, received()).unwrap().unwrap().deployment.at.to_string()
        };
        assert_eq!(at("2026-09-04T17:12:33Z".into(), "2026-09-04T17:12:31.714Z".into()), "2026-09-04T17:12:31.714Z");
        assert_eq!(at("2026-09-04T17:12:33Z".into(), Value::Null), "2026-09-04T17:12:33Z");
        assert_eq!(at(Value::Null, "yesterday".into()), received().to_string());
    }
}
