//! The SNS message: one publish, and each protocol's own face of the notice.

use serde_json::json;

use super::limits::fitting;
use crate::model::notice::Notice;

impl Notice {
    /// The whole notice as JSON, as long as it may be.
    pub fn json(&self) -> String {
        // Strings, numbers and string keys only: nothing in a notice can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The message for SNS with `MessageStructure` `json`, within SNS's 256 KiB whatever the notice holds.
    ///
    /// People get the text, a phone the headline, queues and functions the structured notice, and HTTPS endpoints, by
    /// which Amazon Q Developer in chat applications listens, its custom notification. What had to be left out is named
    /// in the notice's `cut`.
    pub fn message(&self) -> String {
        fitting(self, faces)
    }
}

fn faces(notice: &Notice) -> String {
    let (structured, text, custom) = (notice.json(), notice.text(), notice.custom_notification());
    json!({
        "default": text,
        "email": text,
        "sms": notice.subject(),
        "lambda": structured,
        "sqs": structured,
        "http": custom,
        "https": custom,
    })
    .to_string()
}
