//! One writer per service: what is done under its lease, from taking it to letting it go.
//!
//! First comes what this invocation is about, then the inputs that others left meanwhile, until none is left. The same
//! for pushes, timers, the reconcile and manual requests.

use std::time::Duration;

use jiff::SignedDuration;
use slipway_core::config::Target;
use slipway_core::model::facts::ImageFacts;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{Blocked, FamilyMember, PendingInput};
use slipway_core::rules::base;
use slipway_core::rules::gates::{self, NotOpen};
use slipway_core::rules::note::Note;
use slipway_core::rules::unfinished;
use tracing::{error, warn};

use crate::act::TargetResult;
use crate::choose::{Decided, Wanted, again, cause_of};
use crate::cloud::Cloud;
use crate::error::Error;
use crate::invocation::Call;
use crate::lease::{HeldLease, Stop};
use crate::observe::Planner;
use crate::plan::ObservedService;
use crate::{report, timer};

/// After an update, inputs are gathered for so long before they are served: a burst ends in few deployments.
const GATHERING: Duration = Duration::from_secs(1);

/// A settling push is waited for here, if it takes no longer; else a timer brings it back.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(20);

/// What cannot be served now is tried again after this time, if nothing else brings it back.
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
    deferred: Vec<PendingInput>,
    /// What this invocation itself is about; its own next try brings that back.
    own: Vec<PendingInput>,
    /// Whether an input was blocked by a deployment in progress.
    queued: bool,
    /// Whether a timer is made for what waits.
    has_timer: bool,
    /// Whether ECS rolled back a deployment that nobody has judged.
    unjudged: bool,
}

pub(crate) struct Served {
    /// Of what the invocation is about.
    pub(crate) own: Vec<TargetResult>,
    /// An error that another try can help.
    pub(crate) error: Option<Error>,
    /// Whether there is an end to judge that nobody may have published.
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
            deferred: Vec::new(),
            own: Vec::new(),
            queued: false,
            has_timer: false,
            unjudged: false,
        }
    }

    /// Serves this invocation's own inputs, with those that a holder left who died, and then everybody's.
    pub(crate) async fn serve_all(mut self, planner: &Planner<'_, C>, own: Vec<PendingInput>) -> Served {
        let mut inputs = own.clone();
        inputs.extend(self.lease.unblocked_but(&own));
        self.own = own;
        let results = self.serve(planner, inputs).await;
        self.finish(results).await
    }

    /// Publishes what was done, and serves inputs until the lease can be let go.
    pub(crate) async fn finish(mut self, own: Vec<TargetResult>) -> Served {
        let mut error = self.publish(&own).await.err();
        loop {
            error = error.or(self.arm_for_what_waits().await.err());
            let mut inputs = match self.lease.let_go(&self.served, &self.deferred).await {
                Ok(inputs) if inputs.is_empty() => break,
                Ok(inputs) => inputs,
                Err(Stop::Failed(failed)) => {
                    error!(error = %failed, "the lease could not be let go; it expires");
                    error = error.or(Some(failed));
                    break;
                }
                Err(stop) => {
                    warn!(ecs.service = %self.lease.target, ?stop, "the lease was lost");
                    break;
                }
            };
            if self.call.now() >= self.call.until {
                self.deferred.extend(inputs);
                continue;
            }
            if self.updated {
                self.updated = false;
                self.call.cloud().sleep(GATHERING).await;
                self.lease.refresh().await;
            }
            inputs.extend(self.lease.unblocked_but(&inputs));
            let results = self.serve(&Planner::new(self.call), inputs).await;
            error = error.or(self.publish(&results).await.err());
        }
        error = error.or(self.arm_for_what_waits().await.err());
        Served { own, error, unjudged: self.unjudged }
    }

    /// Makes a timer for what waits, where no deployment's end will bring it back.
    ///
    /// Done before the inputs are deferred, because nobody else would make it should this invocation die in between, and once
    /// more after it: the deployment that they wait for may have ended in that moment.
    async fn arm_for_what_waits(&mut self) -> Result<(), Error> {
        let unfollowed = self.queued && self.lease.record().open().is_none();
        if self.has_timer || !unfollowed && self.deferred.is_empty() {
            return Ok(());
        }
        timer::arm(self.call.cloud(), &self.lease.target, self.call.now() + AGAIN).await?;
        self.has_timer = true;
        Ok(())
    }

    /// Serves these inputs, entry by entry.
    async fn serve(&mut self, planner: &Planner<'_, C>, inputs: Vec<PendingInput>) -> Vec<TargetResult> {
        let mut results = Vec::new();
        for target in self.entries.clone() {
            let of_entry = inputs.iter().filter(|input| self.call.is_about(input, target));
            let inputs: Vec<PendingInput> = of_entry.cloned().collect();
            if inputs.is_empty() {
                continue;
            }
            // Only a new planner observes what an earlier entry's update changed.
            let anew = Planner::new(self.call);
            let planner = if self.updated { &anew } else { planner };
            results.extend(self.serve_entry(planner, target, inputs).await);
        }
        self.served.extend(inputs);
        results
    }

    async fn serve_entry(
        &mut self,
        planner: &Planner<'_, C>,
        target: &'a Target,
        mut inputs: Vec<PendingInput>,
    ) -> Vec<TargetResult> {
        let decided = match Box::pin(self.decide(planner, target, &mut inputs)).await {
            Ok(decided) => decided,
            Err(error) => {
                self.postpone(&inputs, &error);
                let failed = |input: &PendingInput| TargetResult::failed(&target.name, error.clone(), &cause_of(input));
                return inputs.iter().map(failed).collect();
            }
        };
        self.served.extend(inputs);
        let mut results = Vec::new();
        for one in decided {
            let (blocked, input) = (one.plan.blocked, one.input.clone());
            if let (Some(blocked), Some(input)) = (blocked, &input) {
                self.lease.note(Note::Blocked(input.clone(), blocked));
            }
            self.queued |= blocked == Some(Blocked::Deployment);
            let result = self.carry_out(one).await;
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
        planner: &Planner<'_, C>,
        target: &'a Target,
        inputs: &mut Vec<PendingInput>,
    ) -> Result<Vec<Decided<'a>>, Error> {
        let mut wanted = self.wanted(planner, target, inputs).await?;
        // Better images are waited for: the last push was so recent that others may follow.
        if !self.settled
            && let Err(NotOpen::Until(Blocked::Settling { until }, reason)) =
                gates::settle(target.settle, wanted.came_at, self.call.now())
        {
            let left = until.duration_since(self.call.now());
            if left > LONGEST_WAIT || until >= self.call.until {
                timer::arm(self.call.cloud(), &self.lease.target, until).await?;
                let waits = NotOpen::Until(Blocked::Settling { until }, reason).plan(&target.name);
                return Ok(inputs.iter().map(|input| Decided::of_input(target, input, waits.clone())).collect());
            }
            self.call.cloud().sleep(left.unsigned_abs()).await;
            self.settled = true;
            self.lease.refresh().await;
            planner.begin_anew(until).await;
            let more = self.lease.unblocked_but(inputs).into_iter();
            inputs.extend(more.filter(|input| self.call.is_about(input, target)));
            wanted = self.wanted(planner, target, inputs).await?;
        }
        let (wanted, mut decided) = (wanted.candidates, wanted.passed);
        if wanted.is_empty() && again(inputs).is_none() {
            return Ok(decided);
        }
        match self.observe(planner, target, inputs, wanted.first().map(|it| &it.image)).await? {
            Ok(observed) => decided.extend(planner.choose(target, &observed, &wanted, inputs).await?),
            Err(reason) => {
                let passed: Vec<PendingInput> = decided.iter().filter_map(|it| it.input.clone()).collect();
                let others = inputs.iter().filter(|input| !passed.contains(input));
                decided.extend(others.map(|input| Decided::nothing(target, input, reason.clone())));
            }
        }
        Ok(decided)
    }

    /// What the inputs mean; what that adds to the record is noted.
    async fn wanted(
        &mut self,
        planner: &Planner<'_, C>,
        target: &'a Target,
        inputs: &[PendingInput],
    ) -> Result<Wanted<'a>, Error> {
        let wanted = planner.wanted(target, inputs, &self.lease.record()).await?;
        wanted.notes.iter().for_each(|note| self.lease.note(note.clone()));
        Ok(wanted)
    }

    /// The service and what is known of it; what that adds to the record is noted.
    pub(crate) async fn observe(
        &mut self,
        planner: &Planner<'_, C>,
        target: &Target,
        inputs: &[PendingInput],
        wanted: Option<&ImageFacts>,
    ) -> Result<Result<ObservedService, Reason>, Error> {
        let observed = Box::pin(planner.observe(target, &self.entries, self.lease.record(), inputs, wanted)).await?;
        if let Ok(observed) = &observed {
            observed.notes.iter().for_each(|note| self.lease.note(note.clone()));
            self.unjudged |= unfinished::unjudged(&observed.record, &observed.service).next().is_some();
            self.note_family(observed).await?;
        }
        Ok(observed)
    }

    /// Remembers the service's family, and notes the service there: others that are rendered from it have to know.
    async fn note_family(&mut self, observed: &ObservedService) -> Result<(), Error> {
        let config = self.call.engine.document.last().await;
        if !config.is_some_and(|config| config.has_family_base()) {
            return Ok(());
        }
        let known = self.lease.record().family;
        let found = observed.family.as_ref().map(|it| it.remembered.clone());
        let found = found.unwrap_or_else(|| base::memory(&observed.record, &observed.running, None));
        if base::changes_membership(known.as_ref(), &found) {
            let member = FamilyMember { target: self.lease.target.clone(), origin: found.origin };
            self.call.cloud().put_family_member(&found.name, &member).await?;
        }
        if base::is_worth_remembering(known.as_ref(), &found) {
            self.lease.note(Note::Family(found));
        }
        Ok(())
    }

    /// Defers inputs, if another try can help.
    fn postpone(&mut self, inputs: &[PendingInput], error: &Error) {
        if error.kind.is_passing() {
            self.deferred.extend(inputs.iter().filter(|input| !self.own.contains(input)).cloned());
        }
    }

    /// Publishes what was done, and what an earlier holder did and did not publish. A copy bears the same id.
    async fn publish(&mut self, results: &[TargetResult]) -> Result<(), Error> {
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
        let (published, notices): (Vec<Note>, Vec<_>) =
            notices.into_iter().map(|(number, notice)| (Note::Published(number, notice.id.clone()), notice)).unzip();
        self.call.publish(notices).await?;
        published.into_iter().for_each(|note| self.lease.note(note));
        Ok(())
    }

    pub(crate) async fn carry_out(&mut self, decided: Decided<'_>) -> TargetResult {
        let result = Box::pin(self.call.carry_out(&mut self.lease, decided)).await;
        self.updated |= result.number.is_some();
        result
    }
}
