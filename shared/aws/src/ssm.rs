//! Parameter Store: the configuration document, and Slack's secret.

use aws_sdk_ssm::Client;

use crate::error::{Error, Kind};

/// Parameter Store, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ssm {
    client: Client,
}

impl Ssm {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(settings) }
    }

    /// A parameter's value, decrypted where it is a SecureString.
    pub async fn parameter(&self, name: &str) -> Result<String, Error> {
        const CALL: &str = "SSM.GetParameter";
        let answer = self
            .client
            .get_parameter()
            .name(name)
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| Error::of(CALL, name, error))?;
        answer
            .parameter
            .and_then(|parameter| parameter.value)
            .ok_or_else(|| Error::new(CALL, name, Kind::Rejected, "the answer has no value"))
    }
}
