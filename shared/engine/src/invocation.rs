//! What one invocation shares among the services that it is about: its time, as whom it takes leases, and what it
//! registered.

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::Value;
use slipway_core::config::{Config, Mistakes};
use slipway_core::model::id::{EventId, Home, TargetName};
use slipway_core::model::image::{Digest, Tag};
use slipway_core::model::notice::Notice;
use slipway_core::model::plan::Plan;
use slipway_core::text::answer;
use slipway_core::text::answer::Answer;
use tracing::{info, warn};

use crate::act::TargetResult;
use crate::cloud::Cloud;
use crate::error::{Error, Failure};
use crate::execute::{Calls, Registrations};
use crate::input::Invocation;
use crate::lease::Holder;
use crate::observe::Observations;
use crate::plan::Planner;
use crate::{Engine, report, store};

/// So many targets are worked on at once. More connections than that cost a small function more than they win it.
const AT_ONCE: usize = 16;

/// One invocation.
pub(crate) struct Call<'a, C> {
    pub(crate) engine: &'a Engine<C>,
    pub(crate) home: &'a Home,
    /// Lambda's id of it.
    pub(crate) request_id: &'a str,
    /// No step begins after this.
    pub(crate) until: Timestamp,
    /// As whom it takes leases.
    pub(crate) holder: Holder,
    /// The revisions registered in it.
    pub(crate) registrations: Registrations,
}

impl<'a, C: Cloud> Call<'a, C> {
    pub(crate) fn of(engine: &'a Engine<C>, invocation: &'a Invocation) -> Self {
        let now = engine.cloud.now();
        Self {
            engine,
            home: &invocation.home,
            request_id: &invocation.request_id,
            until: begin_until(invocation.deadline, now),
            holder: Holder::of(invocation, now),
            registrations: Registrations::default(),
        }
    }

    pub(crate) fn cloud(&self) -> &'a C {
        &self.engine.cloud
    }

    pub(crate) fn calls(&self) -> Calls<'a, C> {
        Calls { cloud: &self.engine.cloud, paces: &self.engine.paces, until: self.until }
    }

    pub(crate) fn planner<'p>(&'p self, observations: &'p Observations<'p, C>) -> Planner<'p, C> {
        Planner { observations, home: self.home, request: self.request_id }
    }

    pub(crate) async fn publish(&self, notices: Vec<Notice>) -> Result<(), Failure> {
        let document = &self.engine.document;
        let notices = join_all(notices.into_iter().map(|notice| document.routed(notice))).await;
        Ok(report::publish(self.cloud(), &notices).await?)
    }

    /// Does what needs a configuration; without one that can be used, says so.
    pub(crate) async fn with_config(
        &self,
        work: impl AsyncFnOnce(&Config) -> Result<Value, Failure>,
    ) -> Result<Value, Failure> {
        match self.engine.document.read(self.cloud()).await {
            Ok(Ok(config)) => work(&config).await,
            Ok(Err(mistakes)) => self.wrong_configuration(&mistakes).await,
            Err(error) => self.unreadable_configuration(error).await,
        }
    }

    /// A document with mistakes deploys nothing, and says so loudly.
    async fn wrong_configuration(&self, mistakes: &Mistakes) -> Result<Value, Failure> {
        self.publish_once(Notice::config_invalid(self.home, mistakes, self.now())).await?;
        Ok(answer::of_config(mistakes))
    }

    /// So does a document that is not there, or may not be read; one that could not be reached is tried again.
    async fn unreadable_configuration(&self, error: Error) -> Result<Value, Failure> {
        if error.kind.is_passing() {
            return Err(error.into());
        }
        let place = self.engine.document.source().to_string();
        self.publish_once(Notice::config_unreadable(self.home, &place, &error.reason(), self.now())).await?;
        Ok(answer::of_error(&error.reason()))
    }

    /// Publishes what is not published yet. A table that cannot be asked keeps nobody from it: a copy bears the same id.
    async fn publish_once(&self, notice: Notice) -> Result<(), Failure> {
        /// The document is no service, but what was published of it is remembered as a service's is.
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

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.cloud.now()
    }
}

impl Holder {
    /// The holder that an invocation is.
    pub(crate) fn of(invocation: &Invocation, now: Timestamp) -> Self {
        /// A lease outlives its holder's deadline, whatever the clocks say.
        const SURELY_DEAD_SECONDS: i64 = 30;
        let until = invocation.deadline.max(now).saturating_add(SURELY_DEAD_SECONDS.seconds()).unwrap_or(now);
        Self { id: invocation.request_id.clone(), until }
    }
}

/// Nothing is begun after this: what is under way then must end, 20 s at most, and be reported before Lambda's deadline.
pub(crate) fn begin_until(deadline: Timestamp, now: Timestamp) -> Timestamp {
    const TO_FINISH: SignedDuration = SignedDuration::from_secs(25);
    let left = deadline.duration_since(now).max(SignedDuration::ZERO);
    now + left - TO_FINISH.min(left / 3)
}

/// One line for each plan, with what a search would ask for as fields.
pub(crate) fn log(event: &EventId, plan: &Plan) {
    let image = plan.image.as_ref().map(|image| &image.new);
    let place = plan.place();
    info!(
        event.id = %event,
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
