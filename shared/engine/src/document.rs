//! Reads the configuration document from where `SLIPWAY_CONFIG` says it is, and keeps it for a minute.

use std::sync::Arc;

use futures_util::lock::Mutex;
use jiff::{SignedDuration, Timestamp};
use slipway_core::config::{Config, Mistakes, Source};
use slipway_core::model::notice::Notice;

use crate::cloud::Cloud;
use crate::error::Error;

/// So long a document counts as fresh; a change is in force a minute later at most.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The document, as a function holds it from one event to the next.
#[derive(Debug)]
pub(crate) struct Document {
    source: Source,
    kept: Mutex<Option<Kept>>,
}

/// What a document says: right, or every mistake in it.
pub(crate) type Reading = Result<Arc<Config>, Arc<Mistakes>>;

#[derive(Debug)]
struct Kept {
    text: String,
    reading: Reading,
    at: Timestamp,
}

impl Document {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, kept: Mutex::new(None) }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// The document, at most a minute old. Where the call fails, no older one is used: somebody may have changed it for
    /// a reason.
    pub(crate) async fn read(&self, cloud: &impl Cloud) -> Result<Reading, Error> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = &*kept
            && (cloud.now().duration_since(kept.at) < FRESH || matches!(self.source, Source::Inline(_)))
        {
            return Ok(kept.reading.clone());
        }
        let text = cloud.configuration(&self.source).await?;
        let reading = match kept.take() {
            Some(kept) if kept.text == text => kept.reading,
            _ => self.source.parse_document(&text).map(Arc::new).map_err(Arc::new),
        };
        *kept = Some(Kept { text, reading: reading.clone(), at: cloud.now() });
        Ok(reading)
    }

    /// The document as it was read last, however old it is; `None` where none was read yet, and where it has mistakes.
    pub(crate) async fn last(&self) -> Option<Arc<Config>> {
        self.kept.lock().await.as_ref().and_then(|kept| kept.reading.clone().ok())
    }

    /// A notice with the routes of its target, by the document as it was read last; without any where that has mistakes.
    pub(crate) async fn routed(&self, notice: Notice) -> Notice {
        match (self.last().await, &notice.target) {
            (Some(config), Some(target)) => {
                let routes = config.routes(target);
                notice.routed(&routes)
            }
            _ => notice,
        }
    }
}
