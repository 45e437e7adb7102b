//! CloudWatch Logs: the last lines of a container's log.

use aws_sdk_cloudwatchlogs::Client;
use slipway_engine::{Error, ErrorKind};

use crate::clients::Lazy;
use crate::error;

/// CloudWatch Logs, as Slipway uses it.
#[derive(Clone, Debug)]
pub struct Logs {
    client: Lazy<Client>,
}

impl Logs {
    pub(crate) fn new(settings: &aws_config::SdkConfig) -> Self {
        Self { client: Lazy::new(settings) }
    }

    /// The last lines of a stream, oldest first; none where the group or the stream is not there.
    ///
    /// `region` is the one that the container's log options name.
    pub(crate) async fn last_lines(
        &self,
        region: &str,
        group: &str,
        stream: &str,
        most: i32,
    ) -> Result<Vec<String>, Error> {
        let settings = aws_sdk_cloudwatchlogs::config::Builder::new()
            .region(aws_sdk_cloudwatchlogs::config::Region::new(region.to_owned()));
        let answer = self
            .client
            .get(Client::new)
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .start_from_head(false)
            .limit(most)
            .customize()
            .config_override(settings)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(answer.events().iter().filter_map(|event| event.message()).map(str::to_owned).collect()),
            Err(error) => match error::of("Logs.GetLogEvents", format!("{group} {stream}"), error) {
                error if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
                error => Err(error),
            },
        }
    }
}
