//! Who or what brought a deployment about: one word for it in the record, in a revision's tags, in notices and in answers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Who or what asked for a deployment.
///
/// It is a word in JSON, and any other value is read as [`Trigger::Unknown`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// An image was pushed.
    Push,
    /// Somebody asked for a deploy, by a manual invoke.
    Deploy,
    /// Somebody asked for a redeploy, by a manual invoke.
    Redeploy,
    /// Somebody asked for a rollback, by a manual invoke.
    Rollback,
    /// The registry was compared with what runs, by schedule or by hand.
    Reconcile,
    /// Somebody released the service from a hold, or an image from its quarantine, so that it was decided again.
    Release,
    /// Somebody else did it: a person, Terraform, a pipeline.
    External,
    /// Nothing says who or what.
    #[default]
    Unknown,
    /// A word that a later version of Slipway wrote.
    Other(String),
}

impl Trigger {
    /// The trigger of this word; see [`Trigger::as_str`].
    pub fn of(word: &str) -> Self {
        match word {
            "push" => Self::Push,
            "deploy" => Self::Deploy,
            "redeploy" => Self::Redeploy,
            "rollback" => Self::Rollback,
            "reconcile" => Self::Reconcile,
            "release" => Self::Release,
            // The second is the word of before.
            "external" | "outside" => Self::External,
            "unknown" | "" => Self::Unknown,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Push => "push",
            Self::Deploy => "deploy",
            Self::Redeploy => "redeploy",
            Self::Rollback => "rollback",
            Self::Reconcile => "reconcile",
            Self::Release => "release",
            Self::External => "external",
            Self::Unknown => "unknown",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Trigger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Trigger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Value::deserialize(deserializer)?.as_str().map_or(Self::Unknown, Self::of))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        use Trigger::*;
        for trigger in [Push, Deploy, Redeploy, Rollback, Reconcile, Release, External, Unknown] {
            let word = serde_json::to_value(&trigger).unwrap();
            assert_eq!(word, trigger.as_str());
            assert_eq!(serde_json::from_value::<Trigger>(word).unwrap(), trigger);
        }
    }

    #[test]
    fn what_is_not_known_is_kept_or_unknown() {
        let check = |value: Value, expected: Trigger| assert_eq!(serde_json::from_value(value).ok(), Some(expected));
        check(json!("outside"), Trigger::External);
        check(json!("promotion"), Trigger::Other("promotion".to_owned()));
        check(json!(""), Trigger::Unknown);
        check(json!(7), Trigger::Unknown);
        check(json!({ "by": "a version to come" }), Trigger::Unknown);
    }
}
