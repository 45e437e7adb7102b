//! The slack function: notices from the queue become messages of an incoming webhook.
//!
//! A notice that Slack does not take goes back to the queue, and in the end to the queue for dead letters: it never
//! stops those beside it, and never anything that deploys.

mod blocks;
mod deliver;
mod record;
mod webhook;

use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Diagnostic, LambdaEvent};
use slipway_aws::Aws;
use slipway_aws::metric::{Metric, Metrics};
use slipway_core::config::Mistake;
use tokio::time::Instant;
use tracing::{error, info};

use deliver::{Delivery, Undelivered};
use record::Read;
use webhook::Webhook;

pub use blocks::payload;

/// What the function keeps from one batch to the next.
#[derive(Debug)]
pub struct Poster {
    aws: Aws,
    /// The parameter that holds the webhook's URL, which is a secret: whoever knows it can post.
    parameter: String,
    webhook: Webhook,
}

impl Poster {
    /// The setting is `ssm:/name`; what cannot be right is the error.
    pub async fn new(aws: Aws, setting: &str) -> Result<Self, Mistake> {
        let parameter = setting.strip_prefix("ssm:").unwrap_or_default();
        if parameter.is_empty() {
            return Err(Mistake::of_setting(
                "SLIPWAY_SLACK_WEBHOOK",
                "is not the name of an SSM parameter; it is `ssm:` and the name, ssm:/slipway/slack-webhook",
            ));
        }
        let poster = Self { aws, parameter: parameter.to_owned(), webhook: Webhook::new() };
        // Init has a full core, an invocation may not; what fails here is tried again by the invocation.
        match poster.aws.ssm.parameter(&poster.parameter).await {
            Ok(url) => poster.webhook.set(&url),
            Err(error) => error!(%error, "the webhook's address could not be read at the start"),
        }
        Ok(poster)
    }
}

/// Posts a batch. The answer names the records that go back to the queue; there is nothing else to fail with.
pub async fn handle(poster: &Poster, batch: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Diagnostic> {
    let (batch, context) = batch.into_parts();
    let metrics = Metrics::of(&context.env_config.function_name);
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
    let address = async || poster.aws.ssm.parameter(&poster.parameter).await.map_err(|error| error.to_string());
    // Two seconds to answer Lambda.
    let until = Instant::now() + left.saturating_sub(Duration::from_secs(2));
    let mut delivery = Delivery::new(&poster.webhook, address, until);

    let mut answer = SqsBatchResponse::default();
    for record in batch.records {
        let id = record.message_id.unwrap_or_default();
        let notice = match record::read(record.body.as_deref().unwrap_or_default()) {
            Read::Notice(notice) => notice,
            Read::Foreign => {
                error!(sqs.message = id, body = record.body, "the message is no notice; nothing is posted");
                metrics.count(Metric::Untold, None);
                continue;
            }
        };
        match delivery.post(&notice).await {
            Ok(()) => info!(notice.id = notice.id, notice.kind = notice.kind.as_str(), "posted"),
            Err(Undelivered(why)) => {
                error!(notice.id = notice.id, why, "not posted; it goes back to the queue");
                metrics.count(Metric::Untold, notice.target.as_ref());
                answer.add_failure(id);
            }
        }
    }
    Ok(answer)
}
