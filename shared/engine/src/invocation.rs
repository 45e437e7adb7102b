//! What one invocation shares among the services that it is about: its time, as whom it takes leases, and what it
//! registered.

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::Value;
use slipway_core::config::Config;
use slipway_core::model::id::{Home, TargetName};
use slipway_core::model::image::{Digest, Tag};
use slipway_core::model::notice::{Notice, TriggeredBy};
use slipway_core::model::plan::Plan;
use slipway_core::text::answer::{self, Answer};
use tracing::{info, warn};

use crate::act::TargetResult;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::execute::Registrations;
use crate::input::Invocation;
use crate::{Engine, store};

/// So many targets are worked on at once. More connections than that cost a small function more than they win it.
const AT_ONCE: usize = 16;

/// One invocation.
pub(crate) struct Call<'a, C> {
    pub(crate) engine: &'a Engine<C>,
    pub(crate) home: &'a Home,
    pub(crate) request_id: &'a str,
    /// No step begins after this.
    pub(crate) until: Timestamp,
    /// When it can no longer be alive; until then it takes leases.
    pub(crate) lease_until: Timestamp,
    pub(crate) registrations: Registrations,
    /// So much longer than others it waits after a throttled call: two invocations that met once do not meet again each time.
    pub(crate) spread: SignedDuration,
}

impl<'a, C: Cloud> Call<'a, C> {
    pub(crate) fn of(engine: &'a Engine<C>, invocation: &'a Invocation) -> Self {
        /// A lease outlives its holder's deadline, whatever the clocks say.
        const SURELY_DEAD_SECONDS: i64 = 30;
        /// What is under way at the last step must end, 20 s at most, and be reported before Lambda's deadline.
        const TO_FINISH: SignedDuration = SignedDuration::from_secs(25);
        let (now, deadline) = (engine.cloud.now(), invocation.deadline);
        let left = deadline.duration_since(now).max(SignedDuration::ZERO);
        Self {
            engine,
            home: &invocation.home,
            request_id: &invocation.request_id,
            until: now + left - TO_FINISH.min(left / 3),
            lease_until: deadline.max(now).saturating_add(SURELY_DEAD_SECONDS.seconds()).unwrap_or(now),
            registrations: Registrations::default(),
            spread: spread(&invocation.request_id),
        }
    }

    pub(crate) fn cloud(&self) -> &'a C {
        &self.engine.cloud
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.cloud.now()
    }

    /// A document with mistakes, or one that is not there or may not be read, deploys nothing, and a notice says so; one
    /// that could not be reached is tried again.
    pub(crate) async fn with_config(
        &self,
        work: impl AsyncFnOnce(&Config) -> Result<Value, Error>,
    ) -> Result<Value, Error> {
        match self.engine.document.read(self.cloud()).await {
            Ok(Ok(config)) => work(&config).await,
            Ok(Err(mistakes)) => {
                self.publish_once(Notice::config_invalid(self.home, &mistakes, self.now())).await?;
                Ok(answer::of_config(&mistakes))
            }
            Err(error) if error.kind.is_passing() => Err(error),
            Err(error) => {
                let (place, reason) = (self.engine.document.source().to_string(), error.reason());
                self.publish_once(Notice::config_unreadable(self.home, &place, &reason, self.now())).await?;
                Ok(answer::of_error(&reason))
            }
        }
    }

    /// Publishes what is not published yet. A table that cannot be asked keeps nobody from it: a copy bears the same id.
    async fn publish_once(&self, notice: Notice) -> Result<(), Error> {
        /// The document is no service, but what was published of it is recorded as a service's is.
        const DOCUMENT: &str = "slipway/configuration";
        let (cloud, document) = (self.cloud(), TargetName::new(DOCUMENT));
        match cloud.read_record(&document).await {
            Ok(item) if item.record.has_published(&notice.id) => return Ok(()),
            Ok(_) => {}
            Err(error) => warn!(%error, "what was published of the document could not be read"),
        }
        let id = notice.id.clone();
        self.publish(vec![notice]).await?;
        if let Err(error) = store::change(cloud, &document, |record| record.record_published(None, &id)).await {
            warn!(%error, "what was published of the document could not be written down");
        }
        Ok(())
    }
}

/// Up to half a second, by the request's id: an engine that drew it by lot could not be replayed.
fn spread(request_id: &str) -> SignedDuration {
    let digest = Digest::of(request_id.as_bytes());
    let number = u32::from_str_radix(&digest.short()[..4], 16).unwrap_or_default();
    SignedDuration::from_millis(i64::from(number % 500))
}

/// One line for each plan, with what a search would ask for as fields.
pub(crate) fn log(cause: &TriggeredBy, plan: &Plan) {
    let image = plan.image.as_ref().map(|image| &image.new);
    let place = plan.target.place();
    info!(
        event.id = cause.event.as_ref().map(tracing::field::display),
        ecs.cluster = place.as_ref().map(|(cluster, _)| cluster.as_str()),
        ecs.service = place.as_ref().map(|(_, service)| service.as_str()),
        image.tag = image.and_then(|image| image.tag.as_ref()).map(Tag::as_str),
        image.digest = image.and_then(|image| image.digest.as_ref()).map(Digest::as_str),
        reason = plan.reason.code(),
        %plan,
        "{}: {}",
        plan.target,
        plan.reason
    );
}

pub(crate) async fn in_turn<T>(work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(AT_ONCE).collect().await
}

pub(crate) fn answers(results: &[TargetResult]) -> Vec<Answer> {
    results.iter().map(|result| result.answer.clone()).collect()
}
