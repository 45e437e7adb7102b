//! EventBridge's envelopes around what ECR and ECS say, in the exact shape of the real ones.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::identity;
use crate::place::Place;

/// An event as EventBridge delivers it. The id follows from what it says and when.
pub(crate) fn envelope(
    place: &Place,
    at: Timestamp,
    source: &str,
    detail_type: &str,
    resources: &[&str],
    detail: Value,
) -> Value {
    // EventBridge's own time has whole seconds.
    let seconds = at.round(jiff::Unit::Second).unwrap_or(at);
    let seconds = if seconds > at { seconds - SignedDuration::from_secs(1) } else { seconds };
    json!({
        "version": "0",
        "id": identity::uuid(&format!("{at}{detail}"), 0),
        "detail-type": detail_type,
        "source": source,
        "account": place.account,
        "time": seconds.to_string(),
        "region": place.region,
        "resources": resources,
        "detail": detail,
    })
}

/// The same event as an ECS service sends it that was never migrated to the long ARN form.
///
/// Its ARN is `…:service/web`, without a cluster in it, and there is no `clusterArn` either.
pub fn in_short_form(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(Value::String(arn)) = event.pointer_mut("/resources/0")
        && let Some((head, rest)) = arn.split_once(":service/")
        && let Some((_, service)) = rest.split_once('/')
    {
        *arn = format!("{head}:service/{service}");
    }
    if let Some(Value::Object(detail)) = event.get_mut("detail") {
        detail.shift_remove("clusterArn");
    }
    event
}
