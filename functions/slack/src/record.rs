//! Finds the notice in a queue's message, whether SNS wraps it (raw message delivery off) or not.

use serde::Deserialize;
use slipway_core::model::notice::Notice;

/// SNS's envelope, as far as we read it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    message: String,
}

/// The notice; `None` for anything else that was published to the topic, of which no other try makes a notice.
pub(crate) fn read(body: &str) -> Option<Notice> {
    let wrapped = serde_json::from_str::<Envelope>(body).ok();
    let text = wrapped.as_ref().map_or(body, |envelope| envelope.message.as_str());
    Notice::parse(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_notice_is_found_with_and_without_the_envelope() {
        let raw = r#"{"id": "ecs-svc/1/failed", "kind": "failed", "headline": "Deploy failed"}"#;
        let wrapped = json!({ "Type": "Notification", "MessageId": "1", "Subject": "Deploy failed", "Message": raw });
        let notice = read(raw);
        assert_eq!(notice.as_ref().map(|notice| notice.headline.as_str()), Some("Deploy failed"));
        assert_eq!(read(&wrapped.to_string()), notice);
    }

    #[test]
    fn anything_else_is_no_notice() {
        let hello = json!({ "Type": "Notification", "Message": "hello" }).to_string();
        for body in ["", "hello", "{}", "[1]", r#"{"Message": 3}"#, hello.as_str()] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
