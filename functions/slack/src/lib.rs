//! The slack function: notices from the queue become messages in Slack, one for each deployment and channel, which move
//! forward as the deployment does.
//!
//! A notice that Slack does not accept returns to the queue; one that it never will accept goes to the dead-letter queue. It
//! never stops those beside it, and never anything that deploys.

mod api;
mod blocks;
mod deliver;
mod pace;
mod record;
mod refusal;
mod refused;
mod secret;
mod settings;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use slipway_aws::Aws;
use slipway_aws::metric::{Metric, Metrics};
use slipway_core::model::notice::{Notice, NoticeKind};
use slipway_core::rules::message_state::{Subscription, Transport};
use tracing::{error, info, warn};

use api::Api;
use deliver::{Delivery, Recipient, Undelivered};
use refused::Refused;
use secret::Keeper;

pub use blocks::{full_message, message, reply};
pub use settings::Settings;

/// The name of a webhook's one channel, which only Slack knows.
const WEBHOOK: &str = "the webhook's channel";

/// What the function keeps from one batch to the next.
#[derive(Debug)]
pub struct Poster {
    aws: Aws,
    settings: Settings,
    secret: Keeper,
    api: Api,
}

impl Poster {
    /// Reads the secret at once: init has a full core, an invocation may not. What fails here is tried again by the
    /// invocation.
    pub async fn new(aws: Aws, settings: Settings) -> Self {
        let api = Api::new(&settings.api);
        let poster = Self { aws, settings, secret: Keeper::default(), api };
        if let Err(why) = poster.secret.read(&poster.aws, &poster.settings.parameter).await {
            error!(why, "Slack's secret could not be read at the start");
        }
        poster
    }

    /// The channels that get a notice, by its routes or else the default.
    fn channels(&self, notice: &Notice) -> Vec<Recipient> {
        let wanted = |wants: bool| if wants { Subscription::Yes } else { Subscription::IfThere };
        match self.settings.transport {
            Transport::Webhook => {
                let wants = notice.notify.is_empty() || notice.notify.iter().any(|route| route.wants(notice));
                vec![Recipient { channel: WEBHOOK.to_owned(), wanted: wanted(wants) }]
            }
            Transport::Bot if notice.notify.is_empty() => {
                vec![Recipient { channel: self.settings.channel.clone(), wanted: Subscription::Yes }]
            }
            Transport::Bot => {
                let routes = notice.notify.iter().filter(|route| !route.slack.is_empty());
                routes
                    .map(|route| Recipient { channel: route.slack.clone(), wanted: wanted(route.wants(notice)) })
                    .collect()
            }
        }
    }
}

/// Delivers a batch. The answer names the records that return to the queue; there is nothing else to fail with.
pub async fn handle(poster: &Poster, batch: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Diagnostic> {
    let (batch, context) = batch.into_parts();
    let metrics = Metrics::of(&context.env_config.function_name);
    let mut delivery = Delivery::new(poster, &context.request_id, until(&context));
    let mut refused = Refused::new(poster, &context.invoked_function_arn, &metrics);

    let mut answer = SqsBatchResponse::default();
    for record in batch.records {
        let id = record.message_id.unwrap_or_default();
        let Some(notice) = record::read(record.body.as_deref().unwrap_or_default()) else {
            error!(sqs.message = id, body = record.body, "the message is no notice; nothing is posted");
            metrics.count(Metric::NoticesFailed, None);
            continue;
        };
        if notice.kind == NoticeKind::Undelivered {
            continue;
        }
        let mut returns = false;
        for to in poster.channels(&notice) {
            let (channel, kind) = (&to.channel, notice.kind.as_str());
            match delivery.deliver(&notice, &to, &id).await {
                Ok(()) => info!(notice.id = notice.id, notice.kind = kind, slack.channel = channel, "delivered"),
                Err(Undelivered::Later(why)) => {
                    warn!(
                        notice.id = notice.id,
                        slack.channel = channel,
                        why,
                        "not delivered; it returns to the queue"
                    );
                    returns = true;
                }
                Err(Undelivered::Never(word)) => {
                    error!(notice.id = notice.id, slack.channel = channel, word, "Slack rejects it permanently");
                    let safe = refused.dead_letter(&notice, channel, &word).await;
                    returns |= !safe || delivery.lost(&notice, &to, &id).await.is_err();
                }
            }
        }
        if returns {
            answer.add_failure(id);
        }
    }
    Ok(answer)
}

/// The invocation's end but two seconds, to answer Lambda.
fn until(context: &Context) -> Timestamp {
    let milliseconds = i64::try_from(context.deadline).unwrap_or(i64::MAX).saturating_sub(2_000);
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}
