//! SNS: publishes notices.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use futures_util::future::join_all;
use slipway_core::notice::Notice;

use crate::error::Error;
use crate::metric::{Metric, Metrics};

/// SNS, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Sns {
    client: Client,
}

impl Sns {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(settings) }
    }

    /// Publishes notices side by side. One that could not be published is counted, and stands whole in the error:
    /// Lambda's dead letter holds the error's message, so the notice is not lost even if every try fails.
    pub async fn publish_all(&self, topic: &str, notices: &[Notice], metrics: &Metrics) -> Result<(), Error> {
        let published = join_all(notices.iter().map(|notice| self.publish(topic, notice))).await;
        let mut lost = None;
        for (notice, published) in notices.iter().zip(published) {
            if let Err(error) = published {
                tracing::error!(%error, notice = %notice.json(), "a notice could not be published");
                metrics.count(Metric::Untold, notice.target.as_ref());
                lost = Some(error.adding(&format!("the notice is {}", notice.json())));
            }
        }
        lost.map_or(Ok(()), Err)
    }

    /// Publishes a notice with its subject, its faces for each protocol, and its attributes.
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
        request.send().await.map(|_| ()).map_err(|error| Error::of("SNS.Publish", &notice.id, error))
    }
}
