//! S3: the configuration document, when it is too large for a parameter.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use slipway_engine::{Error, ErrorKind};

use crate::clients::Lazy;
use crate::error;

/// S3, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct S3 {
    client: Lazy<Client>,
}

impl S3 {
    pub(crate) fn new(settings: &SdkConfig) -> Self {
        Self { client: Lazy::new(settings) }
    }

    /// An object's text, of at most `limit` bytes; one byte more is read, so that the caller sees that it is too large.
    pub(crate) async fn text(&self, bucket: &str, key: &str, limit: usize) -> Result<String, Error> {
        const CALL: &str = "S3.GetObject";
        let subject = format!("{bucket}/{key}");
        let answer = self
            .client
            .get(by_path)
            .get_object()
            .bucket(bucket)
            .key(key)
            .range(format!("bytes=0-{limit}"))
            .send()
            .await
            .map_err(|error| error::of(CALL, &subject, error))?;
        let bytes = answer
            .body
            .collect()
            .await
            .map_err(|error| Error::new(CALL, &subject, ErrorKind::Unreachable, error.to_string()))?
            .into_bytes();
        String::from_utf8(bytes.to_vec())
            .map_err(|_| Error::new(CALL, &subject, ErrorKind::Rejected, "the object is not UTF-8 text"))
    }
}

/// Path style, because a bucket's name may hold dots, which no certificate of S3 covers as a host.
fn by_path(settings: &SdkConfig) -> Client {
    Client::from_conf(Builder::from(settings).force_path_style(true).build())
}
