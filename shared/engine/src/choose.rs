//! Chooses among the images that the pending inputs of a target mean: the best is deployed, the others are not.

use slipway_core::config::Target;
use slipway_core::model::facts::ImageName;
use slipway_core::model::notice::TriggeredBy;
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::PendingInput;
use slipway_core::rules::candidate::{By, Candidate};
use slipway_core::rules::choose::{self, CandidateImage};
use slipway_core::rules::gates::GatedImage;
use slipway_core::rules::note::Note;

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
    /// The image about which the record's gate is asked once more in the write of the intent.
    pub(crate) gated: Option<GatedImage>,
}

impl<'t> Decided<'t> {
    pub(crate) fn of_input(target: &'t Target, input: &PendingInput, plan: Plan) -> Self {
        Self { target, plan, cause: cause_of(input), input: Some(input.clone()), gated: None }
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
    /// The images that these inputs mean for a target; inputs that mean none come with their plans, which do nothing.
    pub(crate) async fn wanted<'t>(
        &self,
        target: &'t Target,
        inputs: &[PendingInput],
        held: bool,
    ) -> Result<(Vec<CandidateImage>, Vec<Decided<'t>>), Error> {
        let repository = target.repository.at(self.call.home);
        let (mut wanted, mut passed): (Vec<CandidateImage>, Vec<Decided<'t>>) = (Vec::new(), Vec::new());
        for input in inputs {
            let Some(tag) = &input.tag else { continue };
            if let Some(plan) = refuses(target, tag) {
                passed.push(Decided::of_input(target, input, plan));
                continue;
            }
            let tagged_at = Some(input.at);
            match self.image(&repository, &ImageName::Tag(tag.clone())).await? {
                Some(image) => {
                    wanted.push(CandidateImage { image, tag: tag.clone(), tagged_at, input: input.clone() });
                }
                None => {
                    let reason = Reason::TagGone { tag: tag.clone(), repository: repository.name.clone() };
                    passed.push(Decided::nothing(target, input, reason));
                }
            }
        }
        if let Some(input) = again(inputs).filter(|_| !held) {
            let images = self.images(&repository).await?;
            for (image, tag) in choose::ranked(target, images.iter()) {
                let (image, tag, input) = (image.clone(), tag.clone(), input.clone());
                wanted.push(CandidateImage { image, tag, tagged_at: None, input });
            }
        }
        Ok((choose::in_order(target, wanted), passed))
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
        let mut decided = Vec::new();
        let mut best: Option<String> = None;
        let mut found = None;
        for it in wanted {
            let by_registry = it.is_by_registry();
            if by_registry && (best.is_some() || found.is_some()) {
                continue;
            }
            let shown = it.tag.to_string();
            if let Some(to) = &best {
                let reason = Reason::GaveWay { candidate: shown, to: to.clone() };
                decided.push(Decided::nothing(target, &it.input, reason));
                continue;
            }
            if by_registry && it.is_kept_out(target, &repository, &observed.running, &observed.record) {
                continue;
            }
            let by = if by_registry { By::Registry(&it.tag) } else { By::Push(&it.tag) };
            let PendingInput { event, trigger, .. } = &it.input;
            let (request, tagged_at) = (self.call.request_id, it.tagged_at);
            let candidate = Candidate { image: &it.image, by, trigger, event, request, tagged_at };
            let plan = self.plan_image(target, observed, &candidate).await?;
            if by_registry && matches!(plan.reason, Reason::NotAnImage { .. } | Reason::Archived { .. }) {
                continue;
            }
            if !plan.steps.is_empty() || matches!(plan.reason, Reason::Queued { .. }) {
                best = Some(shown);
            }
            let plan = if by_registry { choose::best_runs(plan) } else { plan };
            let one = Decided { gated: Some(it.gated(target)), ..Decided::of_input(target, &it.input, plan) };
            match by_registry {
                true => found = Some(one),
                false => decided.push(one),
            }
        }
        if let Some(input) = again(inputs) {
            decided.push(found.unwrap_or_else(|| {
                let is_adoption = |note: &Note| matches!(note, Note::Adopted(..));
                let adopted = observed.notes.iter().any(is_adoption).then(|| observed.running.arn.short());
                let reason = choose::no_candidate(target, observed.record.hold.as_ref(), adopted, best.as_deref());
                Decided::nothing(target, input, reason)
            }));
        }
        Ok(decided)
    }
}

/// The input to decide again among everything that the registry has, if it is one of these.
pub(crate) fn again(inputs: &[PendingInput]) -> Option<&PendingInput> {
    inputs.iter().find(|input| input.tag.is_none())
}
