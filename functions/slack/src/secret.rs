//! Slack's secret: a bot's token, or a webhook's address, which is as good as one. It is kept here, goes into the requests,
//! and into nothing that is logged.

use std::fmt;

use serde_json::Value;
use slipway_aws::Aws;
use tokio::sync::Mutex;

/// The secret, as it was last read.
#[derive(Debug, Default)]
pub(crate) struct Keeper(Mutex<Option<Secret>>);

/// A secret's value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Of a parameter's or a secret's text, which may be a JSON object: Secrets Manager's console makes one.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim();
        let looks_right = |value: &str| value.starts_with("xox") || value.starts_with("http");
        let within = serde_json::from_str::<Value>(text).ok().and_then(|value| {
            let values = value.as_object()?.values().filter_map(Value::as_str).map(str::trim);
            values.clone().find(|value| looks_right(value)).or_else(|| values.clone().next()).map(str::to_owned)
        });
        Self(within.unwrap_or_else(|| text.to_owned()))
    }
}

impl Keeper {
    /// The secret as it was last read; it is read now if it never was.
    pub(crate) async fn current(&self, aws: &Aws, parameter: &str) -> Result<Secret, String> {
        let known = self.0.lock().await.clone();
        match known {
            Some(secret) => Ok(secret),
            None => self.read(aws, parameter).await,
        }
    }

    /// Reads the secret again. The error is AWS's, which does not name the value.
    pub(crate) async fn read(&self, aws: &Aws, parameter: &str) -> Result<Secret, String> {
        let text = aws.ssm.parameter(parameter).await.map_err(|error| error.to_string())?;
        let secret = Secret::of(&text);
        *self.0.lock().await = Some(secret.clone());
        Ok(secret)
    }
}

/// Never shows the value.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_text_or_a_member_of_a_json_object() {
        for text in ["xoxb-1", " xoxb-1\n", r#"{"token": "xoxb-1"}"#, r#"{"app": "A1", "bot": "xoxb-1"}"#] {
            assert_eq!(Secret::of(text).expose(), "xoxb-1");
        }
        assert_eq!(
            Secret::of("https://hooks.slack.com/services/T/B/x").expose(),
            "https://hooks.slack.com/services/T/B/x"
        );
    }

    #[test]
    fn it_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::of("xoxb-1")), "Secret");
    }
}
