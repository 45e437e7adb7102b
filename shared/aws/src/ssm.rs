//! Parameter Store: the configuration document, and Slack's secret.

use std::sync::OnceLock;

use aws_sdk_ssm::Client;
use slipway_engine::{Error, ErrorKind};

use crate::error;

/// Parameter Store, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ssm {
    settings: aws_config::SdkConfig,
    client: OnceLock<Client>,
}

impl Ssm {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { settings: settings.clone(), client: OnceLock::new() }
    }

    /// Built at the first call, because the document may be elsewhere. A function that needs it calls when it starts.
    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.settings))
    }

    /// A parameter's value, decrypted where it is a SecureString.
    pub async fn parameter(&self, name: &str) -> Result<String, Error> {
        const CALL: &str = "SSM.GetParameter";
        let answer = self
            .client()
            .get_parameter()
            .name(name)
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| error::of(CALL, name, error))?;
        answer
            .parameter
            .and_then(|parameter| parameter.value)
            .ok_or_else(|| Error::new(CALL, name, ErrorKind::Rejected, "the answer has no value"))
    }
}
