//! Reads a notice that another version of Slipway may have written: what isn't understood is left out, never an error.

use serde_json::Value;

use super::Notice;

pub(super) use crate::model::lenient::{items, or_default};

pub(super) fn notice(text: &str) -> Option<Notice> {
    let value: Value = serde_json::from_str(text).ok()?;
    let is_notice = value.get("id").is_some_and(Value::is_string) && value.get("kind").is_some_and(Value::is_string);
    is_notice.then(|| serde_json::from_value(value).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notice::{NoticeKind, Severity};

    #[test]
    fn a_notice_of_a_later_version_is_read_as_far_as_it_is_understood() {
        let notice = notice(
            r#"{"version": 7, "id": "x/held", "kind": "held", "severity": "purple", "headline": "prod/web is on hold",
                "at": "yesterday", "image": {"repository": "shop/web", "new": {"digest": "md5:1"}}, "target": "prod/web",
                "details": ["one", 2, "three"], "changes": [{"path": "a", "how": "moved"}], "surprise": {"a": [1]}}"#,
        )
        .unwrap();
        assert_eq!((notice.version, notice.kind, notice.severity), (7, NoticeKind::Unknown, Severity::Info));
        assert_eq!(notice.headline, "prod/web is on hold");
        assert_eq!(notice.target.unwrap().as_str(), "prod/web");
        assert_eq!(notice.image, None);
        assert_eq!(notice.details, ["one", "three"]);
        assert_eq!(notice.changes, []);
    }

    #[test]
    fn what_is_no_notice_is_told_apart() {
        for text in ["", "nonsense", "[]", "3", "{}", r#"{"id": "x"}"#, r#"{"kind": "failed", "id": 4}"#] {
            assert_eq!(notice(text), None, "{text}");
        }
    }
}
