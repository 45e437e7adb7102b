//! Chooses among the images that the pending inputs of a target mean: the best is deployed, the others are not.

use jiff::Timestamp;
use slipway_core::config::Target;
use slipway_core::model::facts::ImageName;
use slipway_core::model::notice::TriggeredBy;
use slipway_core::model::plan::{Plan, Shown};
use slipway_core::model::reason::Reason;
use slipway_core::model::record::{PendingInput, Service};
use slipway_core::rules::base;
use slipway_core::rules::candidate::{By, Candidate};
use slipway_core::rules::choose::{self, CandidateImage};
use slipway_core::rules::gates::GatedImage;
use slipway_core::rules::note::Note;
use slipway_core::rules::placeholder::{self, ImageBefore};
use slipway_core::rules::recency::Recency;

use crate::cloud::Cloud;
use crate::error::Error;
use crate::observe::Planner;
use crate::plan::{ObservedService, refuses};

/// What is decided about a target, with what is recorded if it is done.
#[derive(Clone, Debug)]
pub(crate) struct Decided<'t> {
    pub(crate) target: &'t Target,
    pub(crate) plan: Plan,
    pub(crate) cause: TriggeredBy,
    /// The input that it is about; `None` for a request.
    pub(crate) input: Option<PendingInput>,
    /// The revision that a request for a rollback names.
    pub(crate) requested_revision: Option<String>,
    /// The image about which the record's gate is asked once more in the write of the intent.
    pub(crate) gated: Option<GatedImage>,
}

/// What inputs mean for a target.
pub(crate) struct Wanted<'t> {
    /// The images, the best first.
    pub(crate) candidates: Vec<CandidateImage>,
    /// When the last of them came.
    pub(crate) came_at: Option<Timestamp>,
    /// The inputs that mean none, each with its plan, which does nothing.
    pub(crate) passed: Vec<Decided<'t>>,
    /// What they add to the record.
    pub(crate) notes: Vec<Note>,
}

impl<'t> Decided<'t> {
    pub(crate) fn of_input(target: &'t Target, input: &PendingInput, plan: Plan) -> Self {
        Self { target, plan, cause: cause_of(input), input: Some(input.clone()), requested_revision: None, gated: None }
    }

    pub(crate) fn nothing(target: &'t Target, input: &PendingInput, reason: Reason) -> Self {
        Self::of_input(target, input, Plan::nothing(target.name.clone(), reason))
    }
}

/// Who or what an input is left by.
pub(crate) fn cause_of(input: &PendingInput) -> TriggeredBy {
    TriggeredBy::new(&input.trigger, &input.event).by(input.who.clone())
}

impl<C: Cloud> Planner<'_, C> {
    /// The images that these inputs mean for a target, and what they add to the record.
    pub(crate) async fn wanted<'t>(
        &self,
        target: &'t Target,
        inputs: &[PendingInput],
        record: &Service,
    ) -> Result<Wanted<'t>, Error> {
        let repository = target.repository.at(self.call.home);
        let (mut wanted, mut passed): (Vec<CandidateImage>, Vec<Decided<'t>>) = (Vec::new(), Vec::new());
        for input in inputs {
            let Some(tag) = &input.tag else { continue };
            if let Some(plan) = refuses(target, tag) {
                passed.push(Decided::of_input(target, input, plan));
                continue;
            }
            match self.image(&repository, &ImageName::Tag(tag.clone())).await? {
                Some(image) => wanted.push(CandidateImage { image, tag: tag.clone(), input: input.clone() }),
                None => {
                    let reason = Reason::TagGone { tag: tag.clone(), repository: repository.name.clone() };
                    passed.push(Decided::nothing(target, input, reason));
                }
            }
        }
        let notes: Vec<Note> = wanted.iter().filter_map(CandidateImage::push).map(Note::TagPushed).collect();
        let mut record = record.clone();
        notes.iter().for_each(|note| note.write(&mut record));
        let recency = Recency { target, record: &record };
        if let Some(input) = again(inputs).filter(|_| record.hold.is_none()) {
            let images = self.images(&repository).await?;
            for (image, tag) in choose::ranked(recency, images.iter()) {
                wanted.push(CandidateImage { image: image.clone(), tag: tag.clone(), input: input.clone() });
            }
        }
        let candidates = choose::in_order(recency, wanted);
        let came_at = candidates.iter().filter_map(|it| recency.came_at(&it.image)).max();
        Ok(Wanted { candidates, came_at, passed, notes })
    }

    /// Decides about each of them, the best first. At most one has steps.
    pub(crate) async fn choose<'t>(
        &self,
        target: &'t Target,
        observed: &ObservedService,
        wanted: &[CandidateImage],
        inputs: &[PendingInput],
    ) -> Result<Vec<Decided<'t>>, Error> {
        let repository = target.repository.at(self.call.home);
        let facts = observed.facts(target, &repository);
        let mut restored = match (again(inputs), &observed.before) {
            (Some(input), Some(before)) => self.restore(target, observed, input, before).await?,
            _ => None,
        };
        let mut decided = Vec::new();
        let mut best: Option<String> = None;
        let mut found = None;
        for it in wanted {
            let by_registry = it.is_by_registry();
            if by_registry && (best.is_some() || found.is_some()) {
                continue;
            }
            // What ran before the placeholder is as what runs: none after it is better.
            if by_registry && observed.before.as_ref().is_some_and(|before| before.digest == it.image.digest) {
                found = restored.take();
                continue;
            }
            let shown = it.tag.to_string();
            if let Some(to) = &best {
                let reason = Reason::GaveWay { candidate: shown, to: to.clone() };
                decided.push(Decided::nothing(target, &it.input, reason));
                continue;
            }
            if by_registry && it.is_kept_out(&facts) {
                continue;
            }
            let by = if by_registry { By::Registry(&it.tag) } else { By::Push(&it.tag) };
            let PendingInput { event, trigger, .. } = &it.input;
            let candidate = Candidate { image: &it.image, by, trigger, event, request: self.call.request_id };
            let plan = self.plan_image(target, observed, &candidate).await?;
            if by_registry && choose::cannot_run(&plan) {
                continue;
            }
            if !plan.steps.is_empty() || matches!(plan.reason, Reason::Queued { .. }) {
                best = Some(shown);
            }
            // What is older than that is no candidate, and that itself goes in the end.
            if by_registry && restored.is_some() && plan.steps.is_empty() && plan.blocked.is_none() {
                continue;
            }
            let plan = if by_registry { choose::best_runs(plan) } else { plan };
            let one = Decided { gated: Some(it.gated(&facts)), ..Decided::of_input(target, &it.input, plan) };
            match by_registry {
                true => found = Some(one),
                false => decided.push(one),
            }
        }
        if let Some(input) = again(inputs) {
            let found = found.or(restored.filter(|_| best.is_none()));
            let found = match &best {
                Some(_) => found,
                None => self.with_definition(target, observed, input, found).await?,
            };
            decided.push(found.unwrap_or_else(|| {
                let adopted = observed.is_adopted().then(|| observed.running.arn.short());
                let reason = choose::no_candidate(target, observed.record.hold.as_ref(), adopted, best.as_deref());
                Decided::nothing(target, input, reason)
            }));
        }
        Ok(decided)
    }

    /// The image that runs, to be deployed with a new definition of its family, where nothing else is to be done; else what was found.
    async fn with_definition<'t>(
        &self,
        target: &'t Target,
        observed: &ObservedService,
        input: &PendingInput,
        found: Option<Decided<'t>>,
    ) -> Result<Option<Decided<'t>>, Error> {
        let repository = target.repository.at(self.call.home);
        let facts = observed.facts(target, &repository);
        let running = base::image_to_redeploy(&facts, found.as_ref().map(|it| &it.plan));
        let Some(running) = running.filter(|_| !observed.is_adopted()) else { return Ok(found) };
        let digest = match running.digest {
            Some(digest) => Some(digest),
            None => self.digest_that_ran(observed, &running.container).await?,
        };
        let Some(digest) = digest else { return Ok(found) };
        let images = self.images(&repository).await?;
        let Some(image) = images.iter().find(|image| image.digest == digest) else { return Ok(found) };
        let event = base::event(&facts.base.arn);
        let (by, request) = (By::Definition(running.tag.as_ref()), self.call.request_id);
        let candidate = Candidate { image, by, trigger: &input.trigger, event: &event, request };
        let plan = self.plan_image(target, observed, &candidate).await?;
        if base::changes_nothing(&plan) {
            return Ok(found);
        }
        let shown = Shown { tag: running.tag, digest: Some(digest.clone()) }.to_string();
        let gated = Some(GatedImage::with_definition(&facts, digest, shown));
        let cause = TriggeredBy { event: Some(event), ..cause_of(input) };
        Ok(Some(Decided { cause, gated, ..Decided::of_input(target, input, plan) }))
    }

    /// The image that ran before a placeholder, to be deployed again; `None` where the registry no longer has it.
    async fn restore<'t>(
        &self,
        target: &'t Target,
        observed: &ObservedService,
        input: &PendingInput,
        before: &ImageBefore,
    ) -> Result<Option<Decided<'t>>, Error> {
        let repository = target.repository.at(self.call.home);
        let Some(image) = self.image(&repository, &ImageName::Digest(before.digest.clone())).await? else {
            return Ok(None);
        };
        let Some(primary) = observed.service.primary() else { return Ok(None) };
        let shown = Shown { tag: before.image.tag.clone(), digest: Some(before.digest.clone()) }.to_string();
        if let Some(reason) = placeholder::replaced_before(&observed.record, &observed.service, &shown) {
            return Ok(Some(Decided::nothing(target, input, reason)));
        }
        let event = placeholder::event(&primary.id);
        let (by, request) = (By::Restore(before.image.tag.as_ref()), self.call.request_id);
        let candidate = Candidate { image: &image, by, trigger: &input.trigger, event: &event, request };
        let plan = self.plan_image(target, observed, &candidate).await?;
        let cause = TriggeredBy { event: Some(event.clone()), ..cause_of(input) };
        let gated = Some(GatedImage::restored(before.digest.clone(), shown));
        Ok(Some(Decided { cause, gated, ..Decided::of_input(target, input, plan) }))
    }
}

/// The input to decide again among everything that the registry has, if it is one of these.
pub(crate) fn again(inputs: &[PendingInput]) -> Option<&PendingInput> {
    inputs.iter().find(|input| input.tag.is_none())
}
