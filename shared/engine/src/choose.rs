//! Chooses among what is wished of one target: the best image goes, the others give way or are passed over.

use slipway_core::config::Target;
use slipway_core::model::facts::ImageName;
use slipway_core::model::id::EventId;
use slipway_core::model::plan::Plan;
use slipway_core::model::reason::Reason;
use slipway_core::model::record::PendingInput;
use slipway_core::model::trigger::Trigger;
use slipway_core::rules::candidate::{By, Candidate};
use slipway_core::rules::choose;
use slipway_core::rules::choose::CandidateImage;
use slipway_core::rules::gates::GatedImage;
use slipway_core::rules::note;

use crate::cloud::Cloud;
use crate::error::Error;
use crate::plan::{ObservedService, Planner, refuses};

/// What is decided about a target, with what is written down if it is done.
#[derive(Clone, Debug)]
pub(crate) struct Decided<'t> {
    pub(crate) target: &'t Target,
    pub(crate) plan: Plan,
    pub(crate) trigger: Trigger,
    pub(crate) event: EventId,
    pub(crate) who: Option<String>,
    /// What wished for it, unless somebody asked.
    pub(crate) input: Option<PendingInput>,
    /// What the record's gate is asked once more in the moment of the intent.
    pub(crate) gated: Option<GatedImage>,
}

impl<'t> Decided<'t> {
    /// What is decided about an input.
    pub(crate) fn of_input(target: &'t Target, input: &PendingInput, plan: Plan) -> Self {
        let (trigger, event, who) = (input.trigger.clone(), input.event.clone(), input.who.clone());
        let input = Some(input.clone());
        Self { target, plan, trigger, event, who, input, gated: None }
    }
}

impl<C: Cloud> Planner<'_, C> {
    /// The images that these inputs mean for a target; the others come with their plans that do nothing.
    pub(crate) async fn wanted<'t>(
        &self,
        target: &'t Target,
        inputs: &[PendingInput],
        held: bool,
    ) -> Result<(Vec<CandidateImage>, Vec<Decided<'t>>), Error> {
        let repository = target.repository.at(self.home);
        let (mut wanted, mut passed): (Vec<CandidateImage>, Vec<Decided<'t>>) = (Vec::new(), Vec::new());
        for input in inputs {
            let Some(tag) = &input.tag else { continue };
            if let Some(plan) = refuses(target, tag) {
                passed.push(Decided::of_input(target, input, plan));
                continue;
            }
            match self.observations.image(&repository, &ImageName::Tag(tag.clone())).await? {
                Some(image) => {
                    wanted.push(CandidateImage {
                        image,
                        tag: tag.clone(),
                        tagged_at: Some(input.at),
                        input: input.clone(),
                    });
                }
                None => {
                    let reason = Reason::TagGone { tag: tag.clone(), repository: repository.name.clone() };
                    passed.push(Decided::of_input(target, input, Plan::nothing(target.name.clone(), reason)));
                }
            }
        }
        let again = inputs.iter().find(|input| input.tag.is_none()).filter(|_| !held);
        if let Some(input) = again {
            let images = self.observations.images(&repository).await?;
            for (image, tag) in choose::ranked(target, images.iter()) {
                wanted.push(CandidateImage {
                    image: image.clone(),
                    tag: tag.clone(),
                    tagged_at: None,
                    input: input.clone(),
                });
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
        again: Option<&PendingInput>,
    ) -> Result<Vec<Decided<'t>>, Error> {
        let repository = target.repository.at(self.home);
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
                decided.push(Decided::of_input(target, &it.input, Plan::nothing(target.name.clone(), reason)));
                continue;
            }
            if by_registry && it.is_kept_out(target, &repository, &observed.running, &observed.record) {
                continue;
            }
            let by = if by_registry { By::Registry(&it.tag) } else { By::Push(&it.tag) };
            let PendingInput { event, trigger, .. } = &it.input;
            let candidate =
                Candidate { image: &it.image, by, trigger, event, request: self.request, tagged_at: it.tagged_at };
            let plan = self.image(target, observed, &candidate).await?;
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
        if let Some(input) = again {
            decided.push(found.unwrap_or_else(|| {
                let adopted = observed.notes.iter().any(is_adoption).then(|| observed.running.arn.short());
                let reason = choose::no_candidate(target, observed.record.hold.as_ref(), adopted, best.as_deref());
                Decided::of_input(target, input, Plan::nothing(target.name.clone(), reason))
            }));
        }
        Ok(decided)
    }
}

fn is_adoption(note: &note::Note) -> bool {
    matches!(note, note::Note::Adopted(..))
}
