//! One writer per service: what is done under its lease, from taking it to letting it go.
//!
//! First comes what this invocation is about, then the inputs that others left meanwhile, until none is left. The same
//! for pushes, timers, the reconcile and manual requests.

use slipway_core::rules::gates;
use slipway_core::rules::unfinished;
use std::time::Duration;

use jiff::SignedDuration;
use slipway_core::config::Target;
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Blocked, PendingInput};
use slipway_core::rules::choose::CandidateImage;
use slipway_core::rules::gates::{NotOpen, Verdict};
use slipway_core::rules::note::Note;
use tracing::{error, warn};

use crate::act::TargetResult;
use crate::choose::Decided;
use crate::cloud::Cloud;
use crate::error::{Error, Failure};
use crate::invocation::Call;
use crate::lease::{HeldLease, Stop};
use crate::observe::Observations;
use crate::plan::{AdoptedSince, ObservedService, Planner};
use crate::{report, timer};

/// After an update, inputs are gathered for so long before they are served: a burst ends in few deployments.
const BREATH: Duration = Duration::from_secs(1);

/// A settling push is waited for here, if it takes no longer; else a timer brings it back.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// What cannot be served now is looked at again after this time, if nothing else brings it back.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// One service, its lease held.
pub(crate) struct Session<'a, C> {
    pub(crate) call: &'a Call<'a, C>,
    pub(crate) lease: HeldLease<'a, C>,
    /// The service's entries in the configuration, one per repository.
    pub(crate) entries: Vec<&'a Target>,
    /// Whether it updated the service since the inputs were gathered.
    updated: bool,
    /// Whether it waited for better images already.
    settled: bool,
    /// Inputs that were served, and those that have to wait.
    served: Vec<PendingInput>,
    aside: Vec<PendingInput>,
    /// What this invocation itself is about; its own next try brings that back.
    own: Vec<PendingInput>,
    /// Whether something was put in line behind what is under way.
    queued: bool,
    /// Whether a timer is made for what waits.
    has_timer: bool,
    /// Whether ECS went back from a deployment that nobody has judged.
    unjudged: bool,
}

/// What a session brought about.
pub(crate) struct Served {
    /// Of what the invocation is about.
    pub(crate) own: Vec<TargetResult>,
    /// A failure that another try can help.
    pub(crate) failure: Option<Failure>,
    /// Whether there is an end to judge that nobody may have heard of.
    pub(crate) unjudged: bool,
}

impl<'a, C: Cloud> Session<'a, C> {
    pub(crate) fn new(call: &'a Call<'a, C>, lease: HeldLease<'a, C>, entries: Vec<&'a Target>) -> Self {
        Self {
            call,
            lease,
            entries,
            updated: false,
            settled: false,
            served: Vec::new(),
            aside: Vec::new(),
            own: Vec::new(),
            queued: false,
            has_timer: false,
            unjudged: false,
        }
    }

    /// Grants this invocation's own inputs, with those that a holder left who died, and then everybody's.
    pub(crate) async fn grant_all(
        mut self,
        observations: &Observations<'_, C>,
        own: Vec<PendingInput>,
        adopted_since: AdoptedSince,
    ) -> Served {
        self.own.clone_from(&own);
        let mut inputs = own.clone();
        inputs.extend(self.lease.unblocked_but(&own));
        let results = self.grant(observations, inputs, adopted_since).await;
        self.finish(results).await
    }

    /// Tells what was done, and serves inputs until the lease can be let go.
    pub(crate) async fn finish(mut self, own: Vec<TargetResult>) -> Served {
        let mut failure = self.publish(&own).await.err();
        loop {
            if let Err(error) = self.arm_for_what_waits().await {
                failure = failure.or(Some(error.into()));
            }
            let inputs = match self.lease.let_go(&self.served, &self.aside).await {
                Ok(inputs) if inputs.is_empty() => break,
                Ok(inputs) => inputs,
                Err(Stop::Failed(error)) => {
                    error!(%error, "the lease could not be let go; it ends by itself");
                    failure = failure.or(Some(error.into()));
                    break;
                }
                Err(stop) => {
                    warn!(ecs.service = %self.lease.target, ?stop, "the lease was lost");
                    break;
                }
            };
            if self.call.now() >= self.call.until {
                self.aside.extend(inputs);
                continue;
            }
            if self.updated {
                self.updated = false;
                self.call.cloud().sleep(BREATH).await;
                self.refresh().await;
            }
            let observations = Observations::new(self.call.cloud());
            let mut inputs = inputs;
            inputs.extend(self.lease.unblocked_but(&inputs));
            let results = self.grant(&observations, inputs, AdoptedSince::ItsDeployment).await;
            failure = failure.or(self.publish(&results).await.err());
        }
        failure = failure.or(self.arm_for_what_waits().await.err().map(Failure::from));
        Served { own, failure, unjudged: self.unjudged }
    }

    /// Makes a timer for what waits, where no deployment's end will bring it back.
    ///
    /// Done before the inputs are put aside, because whoever dies in between is not made up for, and once more after it: the
    /// deployment that they wait for may have ended in that moment.
    async fn arm_for_what_waits(&mut self) -> Result<(), Error> {
        let unfollowed = self.queued && self.lease.record().open().is_none();
        if self.has_timer || !unfollowed && self.aside.is_empty() {
            return Ok(());
        }
        timer::arm(self.call.cloud(), &self.lease.target, self.call.now() + AGAIN).await?;
        self.has_timer = true;
        Ok(())
    }

    /// Serves these inputs, entry by entry.
    async fn grant(
        &mut self,
        observations: &Observations<'_, C>,
        inputs: Vec<PendingInput>,
        adopted_since: AdoptedSince,
    ) -> Vec<TargetResult> {
        let mut results = Vec::new();
        for target in self.entries.clone() {
            let uri = target.repository.at(self.call.home).to_string();
            let of_entry = |input: &&PendingInput| input.repository.as_ref().is_none_or(|it| *it == uri);
            let inputs: Vec<PendingInput> = inputs.iter().filter(of_entry).cloned().collect();
            if inputs.is_empty() {
                continue;
            }
            // What an earlier entry's update changed shows only in a new look.
            let anew = Observations::new(self.call.cloud());
            let observations = if self.updated { &anew } else { observations };
            results.extend(self.grant_one(observations, target, inputs, adopted_since).await);
        }
        self.served.extend(inputs);
        results
    }

    async fn grant_one(
        &mut self,
        observations: &Observations<'_, C>,
        target: &'a Target,
        inputs: Vec<PendingInput>,
        adopted_since: AdoptedSince,
    ) -> Vec<TargetResult> {
        let mut all = inputs.clone();
        let decided = match Box::pin(self.decide(observations, target, &mut all, adopted_since)).await {
            Ok(decided) => decided,
            Err(error) => {
                self.postpone(&all, &error);
                let failed = |input: &PendingInput| {
                    TargetResult::failed(&target.name, error.clone(), input.trigger.clone(), &input.event)
                };
                return all.iter().map(failed).collect();
            }
        };
        self.served.extend(all);
        let mut results = Vec::new();
        for one in decided {
            let blocked = one.plan.blocked;
            if let (Some(blocked), Some(input)) = (blocked, &one.input) {
                self.lease.note(Note::Blocked(input.clone(), blocked));
            }
            self.queued |= blocked == Some(Blocked::Deployment);
            let input = one.input.clone();
            let result = Box::pin(self.call.carry_out(&mut self.lease, one)).await;
            if result.number.is_some() {
                self.updated = true;
            }
            if let (Some(error), Some(input)) = (&result.passing, input) {
                self.postpone(&[input], error);
            }
            results.push(result);
        }
        results
    }

    /// What is done about the inputs; those that came while better ones were waited for are added to them.
    async fn decide(
        &mut self,
        observations: &Observations<'_, C>,
        target: &'a Target,
        inputs: &mut Vec<PendingInput>,
        adopted_since: AdoptedSince,
    ) -> Result<Vec<Decided<'a>>, Error> {
        let planner = self.call.planner(observations);
        let is_held = |session: &Self| session.lease.record().hold.is_some();
        let (mut wanted, mut decided) = planner.wanted(target, inputs, is_held(self)).await?;
        if let Err(NotOpen::Until(Blocked::Settling { until }, reason)) = self.settle(target, &wanted) {
            let left = until.duration_since(self.call.now());
            let fits = until < self.call.until;
            if left > PATIENCE || !fits {
                timer::arm(self.call.cloud(), &self.lease.target, until).await?;
                let waits = NotOpen::Until(Blocked::Settling { until }, reason).plan(&target.name);
                return Ok(inputs.iter().map(|input| Decided::of_input(target, input, waits.clone())).collect());
            }
            self.call.cloud().sleep(left.unsigned_abs()).await;
            self.settled = true;
            self.refresh().await;
            // What was seen before the wait is of before.
            observations.begin_anew(until).await;
            let uri = target.repository.at(self.call.home).to_string();
            let more = self.lease.unblocked_but(inputs).into_iter();
            inputs.extend(more.filter(|it| it.repository.as_ref().is_none_or(|it| *it == uri)));
            (wanted, decided) = planner.wanted(target, inputs, is_held(self)).await?;
        }
        let again = inputs.iter().find(|input| input.tag.is_none());
        if wanted.is_empty() && again.is_none() {
            return Ok(decided);
        }
        match self.observe(&planner, target, wanted.first(), adopted_since).await? {
            Ok(observed) => decided.extend(planner.choose(target, &observed, &wanted, again).await?),
            Err(reason) => {
                let refused = |input: &PendingInput| {
                    Decided::of_input(target, input, Plan::nothing(target.name.clone(), reason.clone()))
                };
                let passed: Vec<PendingInput> = decided.iter().filter_map(|it| it.input.clone()).collect();
                decided.extend(inputs.iter().filter(|input| !passed.contains(input)).map(refused));
            }
        }
        Ok(decided)
    }

    /// The service and what is known of it; what the look adds to the record is noted.
    pub(crate) async fn observe(
        &mut self,
        planner: &Planner<'_, C>,
        target: &Target,
        wanted: Option<&CandidateImage>,
        adopted_since: AdoptedSince,
    ) -> Result<Result<ObservedService, Reason>, Error> {
        let observed =
            Box::pin(planner.observe(target, self.lease.record(), wanted.map(|it| &it.image), adopted_since)).await?;
        if let Ok(observed) = &observed {
            observed.notes.iter().for_each(|note| self.lease.note(note.clone()));
            self.unjudged |= unfinished::unjudged(&observed.record, &observed.service).next().is_some();
        }
        Ok(observed)
    }

    /// Whether better images are waited for: a push came so lately that some may follow.
    fn settle(&self, target: &Target, wanted: &[CandidateImage]) -> Verdict {
        if self.settled {
            return Ok(());
        }
        let pushed = wanted.iter().filter_map(CandidateImage::came_at).max();
        gates::settle(target.settle, pushed, self.call.now())
    }

    /// Inputs whose serving met trouble that passes.
    fn postpone(&mut self, inputs: &[PendingInput], error: &Error) {
        if error.kind.is_passing() {
            self.aside.extend(inputs.iter().filter(|input| !self.own.contains(input)).cloned());
        }
    }

    /// Reads the record again, for the inputs that came.
    async fn refresh(&mut self) {
        if let Err(error) = self.lease.refresh().await {
            warn!(%error, "the record could not be read again; the inputs that came are served in the next round");
        }
    }

    /// Tells what was done, and what an earlier holder did and could not tell. A copy bears the same id.
    async fn publish(&mut self, results: &[TargetResult]) -> Result<(), Failure> {
        let record = self.lease.record();
        let now = self.call.now();
        let mut notices: Vec<_> =
            results.iter().filter_map(|it| Some((it.number, report::of_result(it, self.call.home, now)?))).collect();
        for intended in unfinished::unpublished(&record) {
            if results.iter().all(|it| it.number != Some(intended.number)) {
                let late = report::late(&self.lease.target, intended, self.call.home, now);
                notices.extend(late.map(|notice| (Some(intended.number), notice)));
            }
        }
        notices.retain(|(_, notice)| !record.has_published(&notice.id));
        self.add_builds(&record, &mut notices).await;
        let published: Vec<_> =
            notices.iter().map(|(number, notice)| Note::Published(*number, notice.id.clone())).collect();
        self.call.publish(notices.into_iter().map(|(_, notice)| notice).collect()).await?;
        published.into_iter().for_each(|note| self.lease.note(note));
        Ok(())
    }

    /// Carries out what was decided about a request.
    pub(crate) async fn carry_out(&mut self, decided: Decided<'_>) -> TargetResult {
        let result = Box::pin(self.call.carry_out(&mut self.lease, decided)).await;
        if result.number.is_some() {
            self.updated = true;
        }
        result
    }
}
