//! What people and pipelines ask: deploy, redeploy, rollback, hold, release, history, explain and status.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use slipway_core::config::{Config, Mistake, Target};
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::{EventId, TargetName, TaskDefinitionArn};
use slipway_core::model::notice::TriggeredBy;
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Decision, DecisionKind, Hold, PendingInput, Service};
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::note::Note;
use slipway_core::rules::request::{Action, Request, Run, resolve, shown};
use slipway_core::rules::status::Memory;
use slipway_core::text::answer;
use tracing::error;

use crate::act::TargetResult;
use crate::choose::{Decided, Wanted, cause_of};
use crate::cloud::{Cloud, HookAnswer};
use crate::error::Error;
use crate::input::Push;
use crate::invocation::{Call, answers, in_turn};
use crate::lease::HeldLease;
use crate::observe::Planner;
use crate::plan::ObservedService;
use crate::push::input_of;
use crate::serve::{Served, Session};
use crate::store;

impl<C: Cloud> Call<'_, C> {
    /// Answers a request, with every mistake in it or with what became of each target.
    pub(crate) async fn request(&self, config: &Config, request: &Request) -> Result<Value, Error> {
        let targets = match resolve(request, config, self.home) {
            Ok(targets) => targets,
            Err(mistakes) => return Ok(answer::of_mistakes(&mistakes)),
        };
        let event = request.id.clone().unwrap_or_else(|| EventId::new(self.request_id));
        let services = by_service(&targets);
        let cause = TriggeredBy::new(&Trigger::from(request.action.name()), &event).by(request.who.clone());
        let asked = Asked { request, event: &event, cause };
        let update = match &request.action {
            Action::Status(image) => return Ok(self.status(config, &targets, image.as_ref()).await),
            Action::History(last) => return Ok(self.history(&services, *last).await),
            // The function reads the event that is to be explained, and hands on the push that it is.
            Action::Explain(_) => {
                let text = "is not the event of an image push".to_owned();
                return Ok(answer::of_mistakes(&[Mistake { path: "event".to_owned(), text }]));
            }
            Action::Continue => {
                let results = self.let_go_on(config, &services, &asked).await;
                return Ok(answer::of_targets(request.action.name(), &event, &answers(&results)));
            }
            Action::Hold(reason) => return Ok(self.hold(&services, request.who.clone(), reason.clone()).await),
            Action::Release(image, reason) => {
                return Ok(self.release(config, &services, &asked, image.as_ref(), reason.clone()).await);
            }
            Action::Reconcile => return self.reconcile(config, &services, &asked).await,
            Action::Deploy { image, force } => Update::Deploy(image, *force),
            Action::Redeploy => Update::Redeploy,
            Action::Rollback(to) => Update::Rollback(to.as_deref()),
        };
        let results = match request.run {
            Run::Dry => {
                let planner = Planner::of(self, &targets).await;
                in_turn(services.iter().map(|(_, entries)| self.preview(config, &planner, &asked, update, entries)))
                    .await
            }
            Run::Real => {
                in_turn(services.iter().map(|(name, entries)| self.ask(config, &asked, update, name, entries))).await
            }
        };
        Ok(answer::of_targets(request.action.name(), &event, &answers(&results.concat())))
    }

    /// Does what is asked of one service under its lease, for which it waits.
    async fn ask(
        &self,
        config: &Config,
        asked: &Asked<'_>,
        update: Update<'_>,
        name: &TargetName,
        entries: &[&Target],
    ) -> Vec<TargetResult> {
        /// A synchronous invocation by the AWS CLI is given up after 60 s.
        const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(40);
        if let Some(answered) = self.roll_back_paused(config, &Planner::new(self), asked, update, entries).await {
            return vec![answered];
        }
        let until = self.until.min(self.now() + LONGEST_WAIT);
        let lease = match HeldLease::wait(self, name, until).await {
            Ok(Ok(lease)) => lease,
            Ok(Err(busy)) => {
                let plan = Plan::nothing(name.clone(), Reason::StillBusy { until: busy.until });
                return vec![TargetResult::planned(plan, &asked.cause)];
            }
            Err(error) => return vec![TargetResult::failed(name, error, &asked.cause)],
        };
        let mut session = Session::new(self, lease, config.of_name(name));
        let mut results = Vec::new();
        for entries in update.rounds(entries) {
            let planner = Planner::new(self);
            let plan = async {
                let observed = session.observe(&planner, entries[0], &[], None).await?;
                asked.plan(&planner, update, &entries, observed).await
            };
            results.push(match plan.await {
                Ok(plan) => {
                    if let Some(decision) = asked.decision_without_steps(&plan, self.now()) {
                        session.lease.note(Note::Decided(decision));
                    }
                    let (cause, requested_revision) = (asked.cause.clone(), update.requested_revision());
                    let target = entries[0];
                    let decided = Decided { target, plan, cause, input: None, requested_revision, gated: None };
                    session.carry_out(decided).await
                }
                Err(error) => TargetResult::failed(name, error, &asked.cause),
            });
        }
        let Served { own, mut error, unjudged } = session.finish(results).await;
        if unjudged {
            error = error.or(Box::pin(self.attend_named(config, name)).await.err());
        }
        // A notice that fails is counted, and changes nothing of what was done.
        if let Some(error) = error {
            error!(%error, "a request was carried out, but not all that follows from it");
        }
        own
    }

    /// A rollback is an answer to a deployment that waits for a person, and stops one of CodeDeploy that has not ended; `None` where
    /// there is none, or another revision is named.
    async fn roll_back_paused(
        &self,
        config: &Config,
        planner: &Planner<'_, C>,
        asked: &Asked<'_>,
        update: Update<'_>,
        entries: &[&Target],
    ) -> Option<TargetResult> {
        let Update::Rollback(None) = update else { return None };
        // What cannot be read or deployed to, the rollback itself finds out and says.
        let answerable = self.answerable(planner, entries[0]).await.ok()?.ok()??;
        Some(self.give_answer(config, asked, &entries[0].name, &answerable, HookAnswer::RollBack).await)
    }

    /// What would be done, without a lease and without a write.
    async fn preview(
        &self,
        config: &Config,
        planner: &Planner<'_, C>,
        asked: &Asked<'_>,
        update: Update<'_>,
        entries: &[&Target],
    ) -> Vec<TargetResult> {
        if let Some(answered) = self.roll_back_paused(config, planner, asked, update, entries).await {
            return vec![answered];
        }
        let mut results = Vec::new();
        for entries in update.rounds(entries) {
            let plan = async {
                let record = store::read(self.cloud(), &entries[0].name).await?.record;
                let observed = planner.observe(entries[0], &entries, record, &[], None).await?;
                asked.plan(planner, update, &entries, observed).await
            };
            results.push(TargetResult::of_preview(plan.await, &entries[0].name, &asked.cause));
        }
        results
    }

    /// What a push would bring about; nothing is done.
    pub(crate) async fn explain(&self, config: &Config, push: &Push) -> Result<Value, Error> {
        let targets = config.of_repository(&push.repository, self.home);
        if targets.is_empty() {
            return Ok(self.nobodys("explain", config, push));
        }
        Ok(self.preview_input(config, "explain", &targets, &input_of(push)).await)
    }

    /// What an input would bring about at these targets; nothing is done.
    pub(crate) async fn preview_input(
        &self,
        config: &Config,
        action: &str,
        targets: &[&Target],
        input: &PendingInput,
    ) -> Value {
        let planner = Planner::of(self, targets).await;
        let results = in_turn(targets.iter().map(async |target| {
            let plan = async {
                let record = store::read(self.cloud(), &target.name).await?.record;
                self.if_served(&planner, target, &config.of_name(&target.name), record, input).await
            };
            TargetResult::of_preview(plan.await, &target.name, &cause_of(input))
        }));
        answer::of_targets(action, &input.event, &answers(&results.await))
    }

    pub(crate) async fn if_served(
        &self,
        planner: &Planner<'_, C>,
        target: &Target,
        entries: &[&Target],
        mut record: Service,
        input: &PendingInput,
    ) -> Result<Plan, Error> {
        let inputs = std::slice::from_ref(input);
        let Wanted { candidates: wanted, passed, notes, .. } = planner.wanted(target, inputs, &record).await?;
        notes.iter().for_each(|note| note.write(&mut record));
        if let Some(one) = passed.into_iter().next() {
            return Ok(one.plan);
        }
        let observed =
            match planner.observe(target, entries, record, inputs, wanted.first().map(|it| &it.image)).await? {
                Ok(observed) => observed,
                Err(reason) => return Ok(Plan::nothing(target.name.clone(), reason)),
            };
        let decided = planner.choose(target, &observed, &wanted, inputs).await?.into_iter().next();
        let none = || Reason::NoCandidate { repository: target.repository.name().to_owned() };
        Ok(decided.map_or_else(|| Plan::nothing(target.name.clone(), none()), |decided| decided.plan))
    }

    async fn hold(
        &self,
        services: &[(TargetName, Vec<&Target>)],
        who: Option<String>,
        reason: Option<String>,
    ) -> Value {
        let hold = Hold { at: self.now(), who, reason };
        let held = in_turn(services.iter().map(async |(name, _)| {
            let held = store::change(self.cloud(), name, |record| {
                record.hold.get_or_insert_with(|| hold.clone());
            });
            Memory::of(name, held.await.map(|(_, item)| item.record).map_err(|error| error.reason()).as_ref())
        }));
        answer::of_memory("hold", &held.await)
    }

    /// Ends the hold, or the quarantine of an image; then it is decided again at once.
    async fn release(
        &self,
        config: &Config,
        services: &[(TargetName, Vec<&Target>)],
        asked: &Asked<'_>,
        image: Option<&ImageName>,
        why: Option<String>,
    ) -> Value {
        let (mut names, mut results) = (Vec::new(), Vec::new());
        let released = services.iter().map(|(name, entries)| self.release_one(name, entries, image));
        for ((name, _), released) in services.iter().zip(in_turn(released).await) {
            match released {
                Ok(None) => names.push(name.clone()),
                Ok(Some(reason)) => {
                    results.push(TargetResult::of_plan(Plan::nothing(name.clone(), reason), &asked.cause));
                }
                Err(error) => results.push(TargetResult::failed(name, error, &asked.cause)),
            }
        }
        let who = asked.request.who.clone();
        let input = PendingInput::again(asked.event.clone(), Trigger::Release, self.now()).by(who, why);
        let (served, errors) = self.serve(config, &names, &input).await;
        results.extend(served);
        for error in errors {
            error!(%error, "a release was carried out, but not all that follows from it");
        }
        answer::of_targets("release", asked.event, &answers(&results))
    }

    /// `None` if something was released, else why not.
    async fn release_one(
        &self,
        name: &TargetName,
        entries: &[&Target],
        image: Option<&ImageName>,
    ) -> Result<Option<Reason>, Error> {
        let cloud = self.cloud();
        let Some(image) = image else {
            store::change(cloud, name, |record| record.hold = None).await?;
            return Ok(None);
        };
        let shown = shown(image).to_string();
        let record = store::read(cloud, name).await?.record;
        let known = record.quarantine.iter().find(|it| match image {
            ImageName::Tag(tag) => it.tag.as_ref() == Some(tag),
            ImageName::Digest(digest) => it.digest == *digest,
        });
        let mut digest = known.map(|it| it.digest.clone());
        if digest.is_none() {
            let planner = Planner::new(self);
            for target in entries {
                let found = planner.image(&target.repository.at(self.home), image).await?;
                digest = digest.or(found.map(|image| image.digest));
            }
        }
        let Some(digest) = digest else { return Ok(Some(Reason::NotQuarantined { image: shown })) };
        let (released, _) = store::change(cloud, name, |record| record.release_image(&digest)).await?;
        Ok((!released).then_some(Reason::NotQuarantined { image: shown }))
    }

    /// The last deployments of each service, newest first.
    async fn history(&self, services: &[(TargetName, Vec<&Target>)], last: usize) -> Value {
        let histories = in_turn(services.iter().map(async |(name, _)| {
            let read = async {
                let mut deployments = self.cloud().read_record(name).await?.record.deployments;
                if deployments.len() < last {
                    deployments.extend(self.cloud().archived_deployments(name, last).await?);
                }
                deployments.sort_by_key(|it| Reverse(it.number));
                deployments.dedup_by_key(|it| it.number);
                deployments.truncate(last);
                let failed = || deployments.iter().filter(|it| it.failing().is_some()).map(|it| it.number);
                let evidence = match (failed().min(), failed().max()) {
                    (Some(first), Some(last)) => self.cloud().evidence(name, first..=last).await?,
                    _ => Vec::new(),
                };
                Ok::<_, Error>((deployments, evidence))
            };
            answer::History::of(name, read.await.map_err(|error| error.reason()))
        }));
        answer::of_history(&histories.await)
    }
}

/// A request that makes services run something else.
#[derive(Clone, Copy)]
enum Update<'r> {
    Deploy(&'r ImageName, bool),
    /// What runs, rendered again.
    Redeploy,
    /// The last known-good revision, or this one.
    Rollback(Option<&'r str>),
}

impl Update<'_> {
    /// The entries that one plan is about: a deploy is of one repository's image, the others of the whole service.
    fn rounds<'t>(self, entries: &[&'t Target]) -> Vec<Vec<&'t Target>> {
        match self {
            Self::Deploy(..) => entries.iter().map(|target| vec![*target]).collect(),
            Self::Redeploy | Self::Rollback(_) => vec![entries.to_vec()],
        }
    }

    /// The revision that a rollback names, `web:41`.
    fn requested_revision(self) -> Option<String> {
        match self {
            Self::Rollback(to) => to.map(|to| TaskDefinitionArn::new(to).short().to_owned()),
            Self::Deploy(..) | Self::Redeploy => None,
        }
    }
}

/// A request, and what is recorded of it.
pub(crate) struct Asked<'r> {
    pub(crate) request: &'r Request,
    pub(crate) event: &'r EventId,
    pub(crate) cause: TriggeredBy,
}

impl Asked<'_> {
    async fn plan<C: Cloud>(
        &self,
        planner: &Planner<'_, C>,
        update: Update<'_>,
        entries: &[&Target],
        observed: Result<ObservedService, Reason>,
    ) -> Result<Plan, Error> {
        let observed = match &observed {
            Ok(observed) => observed,
            Err(reason) => return Ok(Plan::nothing(entries[0].name.clone(), reason.clone())),
        };
        let id = (self.event, self.request.id.as_ref());
        match update {
            Update::Deploy(image, force) => planner.plan_deploy(entries[0], observed, (image, force), id).await,
            Update::Redeploy => planner.plan_redeploy(entries, observed, id).await,
            Update::Rollback(to) => planner.plan_rollback(entries, observed, to, id).await,
        }
    }

    /// A request for what runs already is a decision, too.
    fn decision_without_steps(&self, plan: &Plan, now: Timestamp) -> Option<Decision> {
        let runs = matches!(plan.reason, Reason::AlreadyRuns { .. } | Reason::AlreadyUnderWay { .. });
        let what = DecisionKind::of_trigger(&self.cause.trigger).filter(|_| runs)?;
        Some(Decision { what, at: now, who: self.request.who.clone() })
    }
}

/// Entries of the same service together, in the order they came.
fn by_service<'t>(targets: &[&'t Target]) -> Vec<(TargetName, Vec<&'t Target>)> {
    let mut services: Vec<(TargetName, Vec<&Target>)> = Vec::new();
    for target in targets {
        match services.iter_mut().find(|(name, _)| *name == target.name) {
            Some((_, entries)) => entries.push(target),
            None => services.push((target.name.clone(), vec![target])),
        }
    }
    services
}
