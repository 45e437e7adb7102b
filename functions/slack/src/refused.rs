//! What Slack refuses for good: it is put into the dead-letter queue, counted, and told once by the topic, whose filter
//! keeps that notice from coming back here.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use slipway_aws::ledger::note::Place;
use slipway_aws::metric::{Metric, Metrics};
use slipway_core::model::id::Home;
use slipway_core::model::notice::{Notice, Route};
use tracing::error;

use crate::Poster;
use crate::pace::later;

/// The refused notices of one batch.
pub(crate) struct Refused<'a> {
    poster: &'a Poster,
    home: Option<Home>,
    metrics: &'a Metrics,
    /// What was told already.
    told: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Told {
    told: bool,
}

impl<'a> Refused<'a> {
    pub(crate) fn new(poster: &'a Poster, function: &str, metrics: &'a Metrics) -> Self {
        Self { poster, home: Home::of_arn(function), metrics, told: Vec::new() }
    }

    /// Puts a notice for this channel aside, and says whether it is safe there.
    ///
    /// What is put aside names this channel alone, so that a redrive repeats nothing elsewhere.
    pub(crate) async fn put_aside(&mut self, notice: &Notice, channel: &str, word: &str) -> bool {
        let settings = &self.poster.settings;
        let only = Route { slack: channel.to_owned(), on: Vec::new() };
        let aside = notice.clone().routed(&[only]).json();
        if let Err(error) = self.poster.aws.sqs.send(&settings.refused, &aside).await {
            error!(%error, notice.id = notice.id, "it could not be put aside; it goes back to the queue");
            return false;
        }
        self.metrics.count(Metric::NoticesFailed, notice.target.as_ref());
        if let Err(error) = self.tell(channel, word).await {
            // The metric's alarm tells it as well.
            error!(%error, slack.channel = channel, "that Slack refuses could not be told");
        }
        true
    }

    /// Told once a day for a channel and a word: published first, then written down.
    async fn tell(&mut self, channel: &str, word: &str) -> Result<(), slipway_aws::Error> {
        let (aws, settings) = (&self.poster.aws, &self.poster.settings);
        let Some(home) = &self.home else { return Ok(()) };
        let notice = Notice::undelivered(home, channel, word, &settings.parameter, aws.now());
        if self.told.contains(&notice.id) {
            return Ok(());
        }
        let place = Place::new("slack", format!("told#{}", notice.id));
        let until = later(aws.now(), SignedDuration::from_hours(48));
        let (told, _) = aws.ledger.change_note(&place, until, |note: &mut Told| note.told).await?;
        if !told {
            aws.sns.publish(&settings.topic, &notice).await?;
            aws.ledger.change_note(&place, until, |note: &mut Told| note.told = true).await?;
        }
        self.told.push(notice.id);
        Ok(())
    }
}
