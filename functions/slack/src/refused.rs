//! What Slack rejects permanently: it is sent to the dead-letter queue, counted, and published once by the topic, whose
//! filter keeps that notice from coming back here.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use slipway_aws::ledger::note::Place;
use slipway_aws::metric::{Metric, Metrics};
use slipway_core::model::id::Home;
use slipway_core::model::notice::{Notice, Route};
use tracing::error;

use crate::Poster;
use crate::pace::later;

/// The rejected notices of one batch.
pub(crate) struct Refused<'a> {
    poster: &'a Poster,
    home: Option<Home>,
    metrics: &'a Metrics,
    /// The ids of the notices about it that are known to be published.
    published: Vec<String>,
}

/// Whether a notice about a channel and an error was published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Published {
    published: bool,
}

impl<'a> Refused<'a> {
    pub(crate) fn new(poster: &'a Poster, function: &str, metrics: &'a Metrics) -> Self {
        Self { poster, home: Home::of_arn(function), metrics, published: Vec::new() }
    }

    /// Sends a notice for this channel to the dead-letter queue, and says whether it is safe there.
    ///
    /// What is sent names this channel alone, so that a redrive repeats nothing elsewhere.
    pub(crate) async fn dead_letter(&mut self, notice: &Notice, channel: &str, word: &str) -> bool {
        let settings = &self.poster.settings;
        let only = Route { slack: channel.to_owned(), on: Vec::new() };
        let routed = notice.clone().routed(&[only]).json();
        if let Err(error) = self.poster.aws.sqs.send(&settings.refused, &routed).await {
            error!(%error, notice.id = notice.id, "the dead-letter queue did not take it; it returns to the queue");
            return false;
        }
        self.metrics.count(Metric::NoticesFailed, notice.target.as_ref());
        if let Err(error) = self.publish(channel, word).await {
            // The metric's alarm reports it as well.
            error!(%error, slack.channel = channel, "that Slack rejects notices could not be published");
        }
        true
    }

    /// Once a day for a channel and an error: published first, then recorded.
    async fn publish(&mut self, channel: &str, word: &str) -> Result<(), slipway_aws::Error> {
        let (aws, settings) = (&self.poster.aws, &self.poster.settings);
        let Some(home) = &self.home else { return Ok(()) };
        let notice = Notice::undelivered(home, channel, word, &settings.parameter, aws.now());
        if self.published.contains(&notice.id) {
            return Ok(());
        }
        let place = Place::new("slack", format!("published#{}", notice.id));
        let until = later(aws.now(), SignedDuration::from_hours(48));
        let (published, _) = aws.ledger.change_note(&place, until, |note: &mut Published| note.published).await?;
        if !published {
            aws.sns.publish(&settings.topic, &notice).await?;
            aws.ledger.change_note(&place, until, |note: &mut Published| note.published = true).await?;
        }
        self.published.push(notice.id);
        Ok(())
    }
}
