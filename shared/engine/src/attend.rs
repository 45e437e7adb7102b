//! Attends to one service until nothing is due there: follows its deployments, then serves the inputs that waited for them.
//!
//! The same for ECS's events, for timers, and for what a push or the reconcile found unjudged. So the invocation that
//! observes the end of a deployment also starts what waited behind it.

use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::config::Config;
use slipway_core::model::id::{EventId, TargetName};
use slipway_core::model::record::{Blocked, Pending, Service};
use slipway_core::rules::unfinished::is_unfinished;
use tracing::{error, info};

use crate::cloud::{Cloud, Metric};
use crate::error::Error;
use crate::follow::{FollowSession, managed};
use crate::input::{GroupTrigger, Hint, ServiceTrigger};
use crate::invocation::Call;
use crate::lease::{HeldLease, Purpose};
use crate::observe::Planner;
use crate::serve::{Served, Session};
use crate::store;

/// What was served may leave something to judge, and so on; what comes after that has a timer.
const ROUNDS: u32 = 4;

impl<C: Cloud> Call<'_, C> {
    /// Handles an event of ECS or a timer. A document that cannot be used stops deploys, but not what is under way.
    pub(crate) async fn attend(&self, event: &ServiceTrigger) -> Result<Value, Error> {
        let config = match self.engine.document.read(self.cloud()).await {
            Ok(Ok(config)) => Some(config),
            Ok(Err(mistakes)) => {
                error!(config.version = mistakes.version, "the configuration has mistakes");
                None
            }
            Err(error) if error.kind.is_passing() => {
                if !self.is_foreign(event).await {
                    return Err(error);
                }
                info!(%error, ecs.service = %event.service, "not known, and the configuration could not be read");
                return Ok(ignored("the service is not known, and the configuration could not be read"));
            }
            Err(error) => {
                error!(%error, "the configuration could not be read");
                None
            }
        };
        self.attend_to(config.as_deref(), event).await
    }

    /// Handles an event of CodeDeploy, whose group says which service it is about.
    pub(crate) async fn attend_group(&self, event: &GroupTrigger) -> Result<Value, Error> {
        let found = match self.cloud().get_deployment_group(&event.group).await {
            Err(error) if error.kind.is_passing() => return Err(error),
            Err(error) => {
                info!(%error, "a deployment group cannot be read, so it is taken for somebody else's");
                None
            }
            Ok(found) => found.and_then(|group| group.service),
        };
        let Some((cluster, service)) = found else { return Ok(ignored("the deployment group is of no known service")) };
        let home = Some(event.home.clone());
        self.attend(&ServiceTrigger { home, cluster: Some(cluster), service, hint: Hint::Changed }).await
    }

    /// Whether the service is none of Slipway's, as far as that can be said while the document cannot be read: the rules
    /// pass on the events of every service in the account, and those of others must not fail until it can.
    ///
    /// The document as it was read last says so; where none was read yet, the table, which has a record of every service
    /// that Slipway has deployed to or followed. This decides nothing else: a service that is not foreign waits for the
    /// document.
    async fn is_foreign(&self, event: &ServiceTrigger) -> bool {
        if let Some(config) = self.engine.document.last().await {
            return managed(Some(&config), event, self.home).is_none();
        }
        let Some(cluster) = &event.cluster else { return false };
        let read = store::read(self.cloud(), &TargetName::of(cluster, &event.service)).await;
        read.is_ok_and(|item| item.rev == 0)
    }

    /// Attends to a service because something there has to be judged.
    pub(crate) async fn attend_named(&self, config: &Config, target: &TargetName) -> Result<(), Error> {
        match ServiceTrigger::of(target, Hint::Unjudged) {
            Some(event) => self.attend_to(Some(config), &event).await.map(drop),
            None => Ok(()),
        }
    }

    async fn attend_to(&self, config: Option<&Config>, event: &ServiceTrigger) -> Result<Value, Error> {
        let home = event.home.as_ref().unwrap_or(self.home);
        let Some(managed) = managed(config, event, home) else {
            info!(ecs.service = %event.service, "the service is not in the configuration");
            return Ok(ignored("the service is not in the configuration"));
        };
        let target = &managed.target;
        let mut known = None;
        if event.hint == Hint::Timer {
            let item = store::read(self.cloud(), target).await?;
            if !is_due(&item.record, self.now()) {
                info!(ecs.service = %target, "nothing is due");
                return Ok(ignored("nothing is due"));
            }
            known = Some(item);
        }
        let (mut published, mut hint) = (Vec::new(), &event.hint);
        for _ in 0..ROUNDS {
            let followed = async {
                let mut session = FollowSession::observe(self, home, &managed, hint, known.take()).await?;
                session.follow().await?;
                Ok(session)
            };
            let mut session = match Box::pin(followed).await {
                Ok(session) => session,
                Err(error) => return self.not_followed(target, error),
            };
            published.append(&mut session.published);
            let pending = has_pending(&session.item.record, hint, self.now());
            let Some(config) = config.filter(|_| pending) else { break };
            if !Box::pin(self.serve_pending(config, target)).await? {
                break;
            }
            hint = &Hint::Unjudged;
        }
        Ok(json!({ "ok": true, "target": target, "published": published }))
    }

    /// Where no other try can help, the error is logged, counted, and answered.
    fn not_followed(&self, target: &TargetName, error: Error) -> Result<Value, Error> {
        if error.kind.is_passing() {
            return Err(error);
        }
        error!(%error, "the service could not be followed");
        self.cloud().count(Metric::NoticesFailed, Some(target));
        Ok(json!({ "ok": false, "target": target, "error": error.to_string() }))
    }

    /// Serves a service's pending inputs, unless the holder of its lease will. Answers whether something is left to judge.
    async fn serve_pending(&self, config: &Config, target: &TargetName) -> Result<bool, Error> {
        let entries = config.of_name(target);
        if entries.is_empty() {
            return Ok(false);
        }
        let Ok(lease) = HeldLease::take(self, target, Purpose::Pending).await? else { return Ok(false) };
        let session = Session::new(self, lease, entries);
        let Served { own, error, unjudged } = session.serve_all(&Planner::new(self), Vec::new()).await;
        self.answer("timer", &EventId::new(self.request_id), own, error.into_iter().collect())?;
        Ok(unjudged)
    }
}

/// Whether a timer may find something to do.
fn is_due(record: &Service, now: Timestamp) -> bool {
    record.deployments.iter().any(is_unfinished) || record.pending.iter().any(|it| it.is_due(now))
}

/// Whether inputs are to be served now: those that nothing blocks, and where a timer fired, those that waited for it. What
/// waits for a deployment waits on while one is on record: its end unblocks it.
fn has_pending(record: &Service, hint: &Hint, now: Timestamp) -> bool {
    let still_waits = |it: &Pending| it.blocked == Some(Blocked::Deployment) && record.open().is_some();
    let due = || record.pending.iter().any(|it| it.is_due(now) && !still_waits(it));
    record.unblocked().next().is_some() || *hint == Hint::Timer && due()
}

/// The answer to what is not for the function.
fn ignored(why: &str) -> Value {
    json!({ "ok": true, "ignored": why })
}
