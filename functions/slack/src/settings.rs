//! The function's settings: where the secret is, the default channel, where to send what Slack rejects.

use slipway_core::config::Mistake;
use slipway_core::rules::message_state::Transport;

/// Slack's API; companies on `GovSlack` have another.
const API: &str = "https://slack.com/api";

/// The settings. None of them is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How Slack is written to.
    pub transport: Transport,
    /// The parameter that holds the bot's token or the webhook's address; `/aws/reference/secretsmanager/NAME` names a
    /// secret of Secrets Manager, which Parameter Store hands through.
    pub parameter: String,
    /// The channel where the configuration names none; empty for a webhook, whose channel only Slack knows.
    pub channel: String,
    /// The address of Slack's API.
    pub api: String,
    /// The topic, for the notice that Slack rejects notices.
    pub topic: String,
    /// The dead-letter queue for notices that Slack rejects permanently.
    pub refused: String,
}

impl Settings {
    /// Reads them from the environment, `variable`; the error is the first mistake.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Mistake> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let needed = |name: &str, what: &str| {
            set(name).ok_or_else(|| Mistake::of_setting(name, format!("is empty; it is {what}")))
        };
        let (transport, name) = match set("SLIPWAY_SLACK_TOKEN") {
            Some(_) => (Transport::Bot, "SLIPWAY_SLACK_TOKEN"),
            None => (Transport::Webhook, "SLIPWAY_SLACK_WEBHOOK"),
        };
        let parameter = set(name).unwrap_or_default();
        let parameter = parameter.strip_prefix("ssm:").unwrap_or_default();
        if parameter.is_empty() {
            return Err(Mistake::of_setting(
                name,
                "is not the name of an SSM parameter; it is `ssm:` and the name, ssm:/slipway/slack-token",
            ));
        }
        let channel = match transport {
            Transport::Bot => needed("SLIPWAY_SLACK_CHANNEL", "the default channel, #deploys")?,
            Transport::Webhook => String::new(),
        };
        Ok(Self {
            transport,
            parameter: parameter.to_owned(),
            channel,
            api: set("SLIPWAY_SLACK_API").unwrap_or_else(|| API.to_owned()).trim_end_matches('/').to_owned(),
            topic: needed("SLIPWAY_TOPIC_ARN", "the ARN of the topic for notices")?,
            refused: needed("SLIPWAY_SLACK_REFUSED", "the URL of the queue for what Slack rejects")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Settings, String> {
        let found =
            |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::read(found).map_err(|mistake| mistake.to_string())
    }

    const REST: [(&str, &str); 2] = [("SLIPWAY_TOPIC_ARN", "arn"), ("SLIPWAY_SLACK_REFUSED", "https://queue")];

    #[test]
    fn a_token_or_a_webhook_is_named() {
        let [topic, refused] = REST;
        let settings = read(&[("SLIPWAY_SLACK_WEBHOOK", "ssm:/slipway/slack-webhook"), topic, refused]).unwrap();
        assert_eq!((settings.transport, settings.parameter.as_str()), (Transport::Webhook, "/slipway/slack-webhook"));
        let token = ("SLIPWAY_SLACK_TOKEN", "ssm:/aws/reference/secretsmanager/slack");
        let settings = read(&[token, ("SLIPWAY_SLACK_CHANNEL", "#deploys"), topic, refused]).unwrap();
        assert_eq!(
            (settings.transport, settings.parameter.as_str()),
            (Transport::Bot, "/aws/reference/secretsmanager/slack")
        );
        assert_eq!(settings.api, "https://slack.com/api");
    }

    #[test]
    fn what_is_missing_is_said() {
        let [topic, refused] = REST;
        for (settings, missing) in [
            (vec![], "SLIPWAY_SLACK_WEBHOOK"),
            (vec![("SLIPWAY_SLACK_TOKEN", "xoxb-secret")], "SLIPWAY_SLACK_TOKEN"),
            (vec![("SLIPWAY_SLACK_TOKEN", "ssm:/t"), topic, refused], "SLIPWAY_SLACK_CHANNEL"),
            (vec![("SLIPWAY_SLACK_WEBHOOK", "ssm:/t"), topic], "SLIPWAY_SLACK_REFUSED"),
        ] {
            let mistake = read(&settings).unwrap_err();
            assert!(mistake.contains(missing) && !mistake.contains("secret"), "{mistake}");
        }
    }
}
