//! The SNS message: readable text for e-mail, JSON for everything that computes.

use serde_json::json;

use super::Notice;
use super::limits::fitting;

impl Notice {
    /// The whole notice as JSON, as long as it may be.
    pub fn json(&self) -> String {
        // Strings, numbers and string keys only: nothing in a notice can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The message for SNS with `MessageStructure` `json`, within SNS's 256 KiB whatever the notice holds.
    ///
    /// Queues, functions and endpoints get the JSON as SNS's `default`, so that it travels once; e-mail gets the text,
    /// a phone the headline. What had to be left out is named in the notice's `cut`.
    pub fn message(&self) -> String {
        fitting(self, structured)
    }
}

fn structured(notice: &Notice) -> String {
    json!({
        "default": notice.json(),
        "email": notice.text(),
        "sms": notice.subject(),
    })
    .to_string()
}
