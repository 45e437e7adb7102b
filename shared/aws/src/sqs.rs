//! SQS: the queue for what can't be delivered, where a person finds it.

use aws_sdk_sqs::Client;
use slipway_engine::Error;

use crate::clients::Lazy;
use crate::error;

/// SQS, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Sqs {
    client: Lazy<Client>,
}

impl Sqs {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Lazy::new(settings) }
    }

    /// Puts a text into a queue. The SDK may repeat it.
    pub async fn send(&self, queue_url: &str, text: &str) -> Result<(), Error> {
        let request = self.client.get(Client::new).send_message().queue_url(queue_url).message_body(text);
        request.send().await.map(|_| ()).map_err(|error| error::of("SQS.SendMessage", queue_url, error))
    }
}
