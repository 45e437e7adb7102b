//! The SNS message: one publish, each protocol's own form of the notice, and the attributes by which subscriptions filter.

use serde_json::json;

use super::limits::{fitting, one_line, shorten};
use crate::model::clean::clean;
use crate::model::notice::Notice;

/// Characters of an attribute: longer than any of ECS's names (255), and short enough that all together stay small.
const LONGEST_ATTRIBUTE: usize = 300;

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
        fitting(self, |notice| {
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
        })
    }

    /// The message attributes: `kind`, `severity`, and of a service's notice `target`, `cluster` and `service`.
    ///
    /// SNS takes no empty value, so what is absent has no attribute.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let attributes = [
            ("kind", Some(self.kind.as_str())),
            ("severity", Some(self.severity.as_str())),
            ("target", self.target.as_ref().map(|target| target.as_str())),
            ("cluster", self.cluster.as_ref().map(|cluster| cluster.as_str())),
            ("service", self.service.as_ref().map(|service| service.as_str())),
        ];
        attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name, shorten(&one_line(&clean(value?)), LONGEST_ATTRIBUTE))))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}
