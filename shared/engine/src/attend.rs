//! Attends to one service until nothing is due there: follows its deployments, then serves what waited for them.
//!
//! The same for ECS's events, for timers, and for what a push or the reconcile found unjudged. So the invocation that sees a
//! deployment end also starts what waited behind it.

use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::config::Config;
use slipway_core::model::id::{EventId, TargetName};
use slipway_core::model::record::Service;
use slipway_core::rules::unfinished::is_unfinished;
use tracing::{error, info};

use crate::cloud::{Cloud, Metric};
use crate::error::{Error, Failure};
use crate::follow::{FollowSession, Managed, ours};
use crate::input::{Hint, ServiceTrigger};
use crate::invocation::Call;
use crate::lease::{HeldLease, Waiting};
use crate::observe::Observations;
use crate::plan::AdoptedSince;
use crate::serve::{Served, Session};
use crate::store;

/// What was served may leave something to judge, and so on; what comes after that has a timer.
const ROUNDS: u32 = 4;

impl<C: Cloud> Call<'_, C> {
    /// Handles what ECS said of a service, or a timer. A document that cannot be used stops deploys; it must not silence
    /// the deployments that are under way.
    pub(crate) async fn attend(&self, event: &ServiceTrigger) -> Result<Value, Failure> {
        match self.engine.document.read(self.cloud()).await {
            Ok(Ok(config)) => self.attend_to(Some(&config), event).await,
            Ok(Err(mistakes)) => {
                error!(config.version = mistakes.version, "the configuration has mistakes");
                self.attend_to(None, event).await
            }
            Err(error) if error.kind.is_passing() => Err(error.into()),
            Err(error) => {
                error!(%error, "the configuration could not be read");
                self.attend_to(None, event).await
            }
        }
    }

    /// Attends to a service because something there has to be judged.
    pub(crate) async fn attend_named(&self, config: &Config, target: &TargetName) -> Result<(), Failure> {
        match ServiceTrigger::of(target, Hint::Unjudged) {
            Some(event) => self.attend_to(Some(config), &event).await.map(drop),
            None => Ok(()),
        }
    }

    async fn attend_to(&self, config: Option<&Config>, event: &ServiceTrigger) -> Result<Value, Failure> {
        let home = event.home.as_ref().unwrap_or(self.home);
        let Some(ours) = ours(config, event, home) else {
            info!(ecs.service = %event.service, "the service is not in the configuration");
            return Ok(ignored("the service is not in the configuration"));
        };
        let mut known = None;
        if event.hint == Hint::Timer {
            let item = store::read(self.cloud(), &ours.target).await?;
            if !is_due(&item.record, self.now()) {
                info!(ecs.service = %ours.target, "nothing is due");
                return Ok(ignored("nothing is due"));
            }
            known = Some(item);
        }
        let (mut published, mut hint) = (Vec::new(), &event.hint);
        for _ in 0..ROUNDS {
            let mut session = FollowSession::new(self, home, &ours, hint);
            let followed = async {
                session.observe(known.take()).await?;
                session.follow().await
            };
            if let Err(error) = Box::pin(followed).await {
                return self.not_followed(&ours, error);
            }
            published.append(&mut session.published);
            let pending = has_pending(&session.item.record, hint, self.now());
            let Some(config) = config.filter(|_| pending) else { break };
            if !Box::pin(self.serve_pending(config, &ours.target)).await? {
                break;
            }
            hint = &Hint::Unjudged;
        }
        Ok(json!({ "ok": true, "target": ours.target, "published": published }))
    }

    /// What no other try can help is logged, counted, and answered.
    fn not_followed(&self, ours: &Managed, error: Error) -> Result<Value, Failure> {
        if error.kind.is_passing() {
            return Err(error.into());
        }
        error!(%error, "the service could not be followed");
        self.cloud().count(Metric::NoticesFailed, Some(&ours.target));
        Ok(json!({ "ok": false, "target": ours.target, "error": error.to_string() }))
    }

    /// Serves the inputs that are pending on a service, unless somebody else is at work there, who will. Whether that left
    /// something to judge.
    async fn serve_pending(&self, config: &Config, target: &TargetName) -> Result<bool, Failure> {
        let entries = config.of_name(target);
        if entries.is_empty() {
            return Ok(false);
        }
        let cloud = self.cloud();
        let Ok(lease) = HeldLease::take(cloud, target, &self.holder, &[], Waiting::Wakes).await? else {
            return Ok(false);
        };
        let Served { own, failure, unjudged } = Session::new(self, lease, entries)
            .grant_all(&Observations::new(cloud), Vec::new(), AdoptedSince::ItsDeployment)
            .await;
        let event = EventId::new(self.request_id);
        self.answer("timer", &event, own, failure.into_iter().collect())?;
        Ok(unjudged)
    }
}

/// Whether a timer may find something to do.
fn is_due(record: &Service, now: Timestamp) -> bool {
    record.deployments.iter().any(is_unfinished) || record.pending.iter().any(|it| it.is_due(now))
}

/// Whether inputs are to be served now: those that nothing blocks, and where a timer fired, those that waited for it.
fn has_pending(record: &Service, hint: &Hint, now: Timestamp) -> bool {
    record.unblocked().next().is_some() || *hint == Hint::Timer && record.pending.iter().any(|it| it.is_due(now))
}

/// The answer to what is not for the function.
fn ignored(why: &str) -> Value {
    json!({ "ok": true, "ignored": why })
}
