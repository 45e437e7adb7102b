//! SNS: publishes notices.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use slipway_core::model::notice::Notice;
use slipway_engine::Error;

use crate::error;

/// SNS, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Sns {
    client: Client,
}

impl Sns {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(settings) }
    }

    /// Publishes a notice with its subject, its rendering for each protocol, and its attributes.
    ///
    /// The SDK may repeat it: a copy bears the same notice id.
    pub async fn publish(&self, topic: &str, notice: &Notice) -> Result<(), Error> {
        let mut request = self
            .client
            .publish()
            .topic_arn(topic)
            .subject(notice.subject())
            .message(notice.message())
            .message_structure("json");
        for (name, value) in notice.attributes() {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            match value {
                Ok(value) => request = request.message_attributes(name, value),
                // The builder refuses only a value without a type, and it has one.
                Err(error) => tracing::warn!(%error, attribute = name, "attribute left out"),
            }
        }
        request.send().await.map(|_| ()).map_err(|error| error::of("SNS.Publish", &notice.id, error))
    }
}
