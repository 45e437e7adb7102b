//! What people and pipelines ask: deploy, redeploy, rollback, hold, release, history, explain and status.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use slipway_core::text::answer;

use slipway_core::config::{Config, Mistake, Target};
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::{EventId, TargetName};
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Decision, DecisionKind, Hold, PendingInput, Service};
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::note::Note;
use slipway_core::rules::request::{Action, Request, Run, resolve};
use slipway_core::rules::status::Memory;
use tracing::error;

use crate::act::TargetResult;
use crate::choose::Decided;
use crate::cloud::Cloud;
use crate::error::{Error, Failure};
use crate::input::Push;
use crate::invocation::{Call, answers, in_turn, log};
use crate::lease::HeldLease;
use crate::observe::Observations;
use crate::plan::{AdoptedSince, ObservedService, Planner};
use crate::push::input_of;
use crate::serve::{Served, Session};
use crate::store;

impl<C: Cloud> Call<'_, C> {
    /// Answers a request, with every mistake in it or with what became of each target.
    pub(crate) async fn request(&self, config: &Config, request: &Request) -> Result<Value, Failure> {
        let targets = match resolve(request, config, self.home) {
            Ok(targets) => targets,
            Err(mistakes) => return Ok(answer::of_mistakes(&mistakes)),
        };
        let event = request.id.clone().unwrap_or_else(|| EventId::new(self.request_id));
        let services = by_service(&targets);
        let asked = Asked { request, event: &event, trigger: Trigger::from(request.action.name()) };
        let update = match &request.action {
            Action::Status(image) => return Ok(self.status(&targets, image.as_ref()).await),
            Action::History(last) => return Ok(self.history(&services, *last).await),
            // The function reads the event that is to be explained, and hands on the push that it is.
            Action::Explain(_) => return Ok(answer::of_mistakes(&[not_a_push()])),
            Action::Hold(reason) => return Ok(self.hold(&services, request.who.clone(), reason.clone()).await),
            Action::Release(image, reason) => {
                return self.release(config, &services, &asked, (image.as_ref(), reason.as_ref())).await;
            }
            Action::Reconcile => return self.reconcile(config, &services, &asked).await,
            Action::Deploy { image, force } => Update::Deploy(image, *force),
            Action::Redeploy => Update::Redeploy,
            Action::Rollback(to) => Update::Rollback(to.as_deref()),
        };
        let served: Vec<Vec<TargetResult>> = match request.run {
            Run::Dry => {
                let observations = Observations::new(self.cloud());
                observations.at_services(&targets).await;
                in_turn(services.iter().map(|(_, entries)| self.preview(&observations, &asked, update, entries))).await
            }
            Run::Real => {
                in_turn(services.iter().map(|(name, entries)| self.ask(config, &asked, update, (name, entries)))).await
            }
        };
        let results: Vec<TargetResult> = served.into_iter().flatten().collect();
        Ok(answer::of_targets(request.action.name(), &event, &answers(&results)))
    }

    /// Does what is asked of one service under its lease, for which it waits.
    async fn ask(
        &self,
        config: &Config,
        asked: &Asked<'_>,
        update: Update<'_>,
        (name, entries): (&TargetName, &[&Target]),
    ) -> Vec<TargetResult> {
        let cloud = self.cloud();
        let nothing = |reason| Plan::nothing(name.clone(), reason);
        let lease = match HeldLease::wait(cloud, name, &self.holder, self.patience()).await {
            Ok(Ok(lease)) => lease,
            Ok(Err(busy)) => {
                let plan = nothing(Reason::StillBusy { until: busy.until });
                log(asked.event, &plan);
                return vec![TargetResult::of_plan(plan, asked.trigger.clone(), asked.event)];
            }
            Err(error) => {
                return vec![TargetResult::failed(name, error, asked.trigger.clone(), asked.event)];
            }
        };
        let mut session = Session::new(self, lease, config.of_name(name));
        let mut results = Vec::new();
        for entries in update.rounds(entries) {
            let observations = Observations::new(cloud);
            let planner = self.planner(&observations);
            let target = entries[0];
            let observed = match session.observe(&planner, target, None, AdoptedSince::ItsDeployment).await {
                Ok(Ok(observed)) => Ok(observed),
                Ok(Err(reason)) => Err(Plan::nothing(name.clone(), reason)),
                Err(error) => {
                    results.push(TargetResult::failed(&target.name, error, asked.trigger.clone(), asked.event));
                    continue;
                }
            };
            let plan = match observed {
                Ok(observed) => asked.plan(&planner, update, &entries, &observed).await,
                Err(plan) => Ok(plan),
            };
            results.push(match plan {
                Ok(plan) => {
                    if let Some(decision) = asked.decision_without_steps(&plan, self.now()) {
                        session.lease.note(Note::Decided(decision));
                    }
                    session.carry_out(asked.decided(target, plan)).await
                }
                Err(error) => TargetResult::failed(&target.name, error, asked.trigger.clone(), asked.event),
            });
        }
        let Served { own, mut failure, unjudged } = session.finish(results).await;
        if unjudged {
            failure = failure.or(Box::pin(self.attend_named(config, name)).await.err());
        }
        // A notice that fails is counted, and changes nothing of what was done.
        if let Some(failure) = failure {
            error!(failure.message, "a request was carried out, but not all that follows from it");
        }
        own
    }

    /// What would be done, without a lease and without a write.
    async fn preview(
        &self,
        observations: &Observations<'_, C>,
        asked: &Asked<'_>,
        update: Update<'_>,
        entries: &[&Target],
    ) -> Vec<TargetResult> {
        let planner = self.planner(observations);
        let mut results = Vec::new();
        for entries in update.rounds(entries) {
            let plan = async {
                let record = store::read(self.cloud(), &entries[0].name).await?.record;
                match planner.observe(entries[0], record, None, AdoptedSince::ItsDeployment).await? {
                    Ok(observed) => asked.plan(&planner, update, &entries, &observed).await,
                    Err(reason) => Ok(Plan::nothing(entries[0].name.clone(), reason)),
                }
            };
            results.push(self.planned(plan.await, entries[0], asked.trigger.clone(), asked.event));
        }
        results
    }

    pub(crate) fn planned(
        &self,
        plan: Result<Plan, Error>,
        target: &Target,
        trigger: Trigger,
        event: &EventId,
    ) -> TargetResult {
        match plan {
            Ok(plan) => {
                log(event, &plan);
                TargetResult::of_plan(plan, trigger, event)
            }
            Err(error) => TargetResult::failed(&target.name, error, trigger, event),
        }
    }

    /// What a push would bring about; nothing is done.
    pub(crate) async fn explain(&self, config: &Config, push: &Push) -> Value {
        let targets = config.of_repository(&push.repository, self.home);
        let observations = Observations::new(self.cloud());
        observations.at_services(&targets).await;
        let results = in_turn(targets.iter().map(|target| self.explain_one(&observations, target, push))).await;
        answer::of_targets("explain", &push.id, &answers(&results))
    }

    async fn explain_one(&self, observations: &Observations<'_, C>, target: &Target, push: &Push) -> TargetResult {
        let plan = async {
            let record = store::read(self.cloud(), &target.name).await?.record;
            self.if_served(observations, target, record, &input_of(push), AdoptedSince::ItsDeployment).await
        };
        self.planned(plan.await, target, Trigger::Push, &push.id)
    }

    /// What an input would bring about.
    pub(crate) async fn if_served(
        &self,
        observations: &Observations<'_, C>,
        target: &Target,
        record: Service,
        input: &PendingInput,
        adopted_since: AdoptedSince,
    ) -> Result<Plan, Error> {
        let planner = self.planner(observations);
        let inputs = std::slice::from_ref(input);
        let (wanted, passed) = planner.wanted(target, inputs, record.hold.is_some()).await?;
        let again = inputs.iter().find(|input| input.tag.is_none());
        if let (Some(one), None) = (passed.into_iter().next(), again) {
            return Ok(one.plan);
        }
        let observed = match planner.observe(target, record, wanted.first().map(|it| &it.image), adopted_since).await? {
            Ok(observed) => observed,
            Err(reason) => return Ok(Plan::nothing(target.name.clone(), reason)),
        };
        let decided = planner.choose(target, &observed, &wanted, again).await?.into_iter().next();
        let none = || Reason::NoCandidate { repository: target.repository.name().to_owned() };
        Ok(decided.map_or_else(|| Plan::nothing(target.name.clone(), none()), |decided| decided.plan))
    }

    /// Keeps Slipway from deploying by itself.
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

    /// Takes the hold off, or lets an image out of its quarantine; then it is decided again at once.
    async fn release(
        &self,
        config: &Config,
        services: &[(TargetName, Vec<&Target>)],
        asked: &Asked<'_>,
        (image, why): (Option<&ImageName>, Option<&String>),
    ) -> Result<Value, Failure> {
        let released = in_turn(services.iter().map(async |(name, entries)| {
            let nothing =
                |reason| TargetResult::of_plan(Plan::nothing(name.clone(), reason), Trigger::Release, asked.event);
            match self.release_one(name, entries, image).await {
                Ok(None) => Ok(name.clone()),
                Ok(Some(reason)) => Err(nothing(reason)),
                Err(error) => Err(TargetResult::failed(name, error, Trigger::Release, asked.event)),
            }
        }))
        .await;
        let (mut names, mut results) = (Vec::new(), Vec::new());
        for one in released {
            match one {
                Ok(name) => names.push(name),
                Err(result) => results.push(result),
            }
        }
        let who = asked.request.who.clone();
        let input = PendingInput::again(asked.event.clone(), Trigger::Release, self.now()).by(who, why.cloned());
        let (served, failures) = self.grant(config, &names, &input, AdoptedSince::Now).await;
        results.extend(served);
        for failure in failures {
            error!(failure.message, "a release was carried out, but not all that follows from it");
        }
        Ok(answer::of_targets("release", asked.event, &answers(&results)))
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
        let shown = slipway_core::rules::request::shown(image).to_string();
        let record = store::read(cloud, name).await?.record;
        let known = record.quarantine.iter().find(|it| match image {
            ImageName::Tag(tag) => it.tag.as_ref() == Some(tag),
            ImageName::Digest(digest) => it.digest == *digest,
        });
        let mut digest = known.map(|it| it.digest.clone());
        if digest.is_none() {
            let observations = Observations::new(cloud);
            for target in entries {
                let found = observations.image(&target.repository.at(self.home), image).await?;
                digest = digest.or(found.map(|image| image.digest));
            }
        }
        let Some(digest) = digest else { return Ok(Some(Reason::NotQuarantined { image: shown })) };
        let (released, _) = store::change(cloud, name, |record| record.release_image(&digest)).await?;
        Ok((!released).then_some(Reason::NotQuarantined { image: shown }))
    }

    /// The last deployments of each service, newest first.
    async fn history(&self, services: &[(TargetName, Vec<&Target>)], last: usize) -> Value {
        let told = in_turn(services.iter().map(async |(name, _)| {
            let read = async {
                let mut deployments = self.cloud().read_record(name).await?.record.deployments;
                if deployments.len() < last {
                    let archived = self.cloud().archived_deployments(name, last).await?;
                    deployments.extend(archived);
                }
                deployments.sort_by_key(|it| std::cmp::Reverse(it.number));
                deployments.dedup_by_key(|it| it.number);
                deployments.truncate(last);
                Ok::<_, Error>(deployments)
            };
            answer::History::of(name, read.await.map_err(|error| error.reason()))
        }));
        answer::of_history(&told.await)
    }

    /// A synchronous invocation by the AWS CLI is given up after 60 s.
    fn patience(&self) -> Timestamp {
        const PATIENCE: SignedDuration = SignedDuration::from_secs(40);
        self.until.min(self.now() + PATIENCE)
    }
}

/// A request that makes services run something else.
#[derive(Clone, Copy)]
enum Update<'r> {
    /// This image.
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
}

/// A request, and what is written down of it.
pub(crate) struct Asked<'r> {
    pub(crate) request: &'r Request,
    pub(crate) event: &'r EventId,
    trigger: Trigger,
}

impl Asked<'_> {
    async fn plan<C: Cloud>(
        &self,
        planner: &Planner<'_, C>,
        update: Update<'_>,
        entries: &[&Target],
        observed: &ObservedService,
    ) -> Result<Plan, Error> {
        let id = (self.event, self.request.id.as_ref());
        match update {
            Update::Deploy(image, force) => planner.deploy(entries[0], observed, (image, force), id).await,
            Update::Redeploy => planner.redeploy(entries, observed, id).await,
            Update::Rollback(to) => planner.rollback(entries, observed, to, id).await,
        }
    }

    fn decided<'t>(&self, target: &'t Target, plan: Plan) -> Decided<'t> {
        Decided {
            target,
            plan,
            trigger: self.trigger.clone(),
            event: self.event.clone(),
            who: self.request.who.clone(),
            input: None,
            gated: None,
        }
    }

    /// Who asks for what runs already has decided, too.
    fn decision_without_steps(&self, plan: &Plan, now: Timestamp) -> Option<Decision> {
        let runs = matches!(plan.reason, Reason::AlreadyRuns { .. } | Reason::AlreadyUnderWay { .. });
        let what = DecisionKind::of_trigger(&self.trigger).filter(|_| runs)?;
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

fn not_a_push() -> Mistake {
    Mistake { path: "event".to_owned(), text: "is not the event of an image push".to_owned() }
}
