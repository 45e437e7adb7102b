//! Reads the configuration document from where `SLIPWAY_CONFIG` says it is, and keeps it for a minute.

use std::sync::Arc;
use std::time::Duration;

use slipway_core::config::{Config, Mistakes, Source};
use slipway_core::notice::Notice;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clients::Aws;
use crate::error::Error;

/// So long a document counts as fresh; a change is in force a minute later at most.
const FRESH: Duration = Duration::from_secs(60);

/// The document, as a function holds it from one event to the next.
#[derive(Debug)]
pub struct Document {
    source: Source,
    kept: Mutex<Option<Kept>>,
}

/// What a document says: right, or every mistake in it.
pub type Reading = Result<Arc<Config>, Arc<Mistakes>>;

#[derive(Debug)]
struct Kept {
    text: String,
    reading: Reading,
    at: Instant,
}

impl Document {
    /// A document at this place; nothing is read yet.
    pub fn new(source: Source) -> Self {
        Self { source, kept: Mutex::new(None) }
    }

    /// Where the document is.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The document, at most a minute old.
    ///
    /// The error is the call's that failed: an older document is not used in its place, because somebody may have
    /// changed it for a reason.
    pub async fn read(&self, aws: &Aws) -> Result<Reading, Error> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = &*kept
            && (kept.at.elapsed() < FRESH || matches!(self.source, Source::Inline(_)))
        {
            return Ok(kept.reading.clone());
        }
        let text = self.text(aws).await?;
        let reading = match kept.take() {
            Some(kept) if kept.text == text => kept.reading,
            _ => self.parse(&text),
        };
        *kept = Some(Kept { text, reading: reading.clone(), at: Instant::now() });
        Ok(reading)
    }

    /// A notice with the routes of its target, by the document as it was read last; without any where that has mistakes.
    pub async fn routed(&self, notice: Notice) -> Notice {
        let kept = self.kept.lock().await;
        match (kept.as_ref().map(|kept| &kept.reading), &notice.target) {
            (Some(Ok(config)), Some(target)) => {
                let routes = config.routes(target);
                notice.routed(&routes)
            }
            _ => notice,
        }
    }

    async fn text(&self, aws: &Aws) -> Result<String, Error> {
        match &self.source {
            Source::Inline(text) => Ok(text.clone()),
            Source::Parameter(name) => aws.ssm.parameter(name).await,
            Source::Object { bucket, key } => aws.s3.text(bucket, key, self.source.limit()).await,
        }
    }

    fn parse(&self, text: &str) -> Reading {
        self.source.parse_document(text).map(Arc::new).map_err(Arc::new)
    }
}
