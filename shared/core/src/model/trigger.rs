//! Who or what triggered a deployment: one word for it in the record, in a revision's tags, in notices and in answers.

use serde::{Deserialize, Serialize};

/// Who or what triggered a deployment. It is a word in JSON and in a tag, and read from it by `From<&str>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Trigger {
    /// An image was pushed.
    Push,
    /// Somebody requested a deploy.
    Deploy,
    /// Somebody requested a redeploy.
    Redeploy,
    /// Somebody requested a rollback.
    Rollback,
    /// The registry was compared with what runs, by schedule or by hand.
    Reconcile,
    /// Somebody released the service from a hold, or an image from its quarantine, so that it was decided again.
    Release,
    /// Somebody else did it: a person, Terraform, a pipeline.
    #[serde(alias = "outside")]
    #[strum(to_string = "external", serialize = "outside")]
    External,
    /// Nothing says who or what.
    #[default]
    #[serde(alias = "")]
    #[strum(to_string = "unknown", serialize = "")]
    Unknown,
    /// A word that a later version of Slipway wrote.
    #[serde(untagged)]
    #[strum(default, transparent)]
    Other(String),
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::lenient;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        use Trigger::*;
        for trigger in [Push, Deploy, Redeploy, Rollback, Reconcile, Release, External, Unknown] {
            let word = serde_json::to_value(&trigger).unwrap();
            assert_eq!(word, trigger.to_string());
            assert_eq!(Trigger::from(trigger.to_string().as_str()), trigger);
            assert_eq!(serde_json::from_value::<Trigger>(word).unwrap(), trigger);
        }
    }

    #[test]
    fn what_is_not_known_is_kept_or_unknown() {
        let check = |value: Value, expected: Trigger| assert_eq!(lenient::or_default(value).ok(), Some(expected));
        check(json!("outside"), Trigger::External);
        check(json!("promotion"), Trigger::Other("promotion".to_owned()));
        check(json!(""), Trigger::Unknown);
        check(json!(7), Trigger::Unknown);
        check(json!({ "by": "a version to come" }), Trigger::Unknown);
    }
}
