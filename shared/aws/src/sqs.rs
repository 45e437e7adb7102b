//! SQS: what can't be delivered is put aside, where a person finds it.

use std::sync::OnceLock;

use aws_sdk_sqs::Client;
use slipway_engine::Error;

use crate::error;

/// SQS, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Sqs {
    settings: aws_config::SdkConfig,
    client: OnceLock<Client>,
}

impl Sqs {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { settings: settings.clone(), client: OnceLock::new() }
    }

    /// Built at the first call: nearly every notice is delivered.
    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.settings))
    }

    /// Puts a text into a queue. The SDK may repeat it.
    pub async fn send(&self, queue_url: &str, text: &str) -> Result<(), Error> {
        let request = self.client().send_message().queue_url(queue_url).message_body(text);
        request.send().await.map(|_| ()).map_err(|error| error::of("SQS.SendMessage", queue_url, error))
    }
}
