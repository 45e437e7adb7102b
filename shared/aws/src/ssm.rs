//! Parameter Store: the configuration document, and Slack's secret.

use aws_sdk_ssm::Client;
use slipway_engine::{Error, ErrorKind};

use crate::clients::Lazy;
use crate::error;

/// Parameter Store, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Ssm {
    client: Lazy<Client>,
}

impl Ssm {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Lazy::new(settings) }
    }

    /// A parameter's value, decrypted where it is a SecureString.
    pub async fn parameter(&self, name: &str) -> Result<String, Error> {
        const CALL: &str = "SSM.GetParameter";
        let answer = self
            .client
            .get(Client::new)
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
