//! Chooses among what is wished of one target: the best image goes, the others give way or are passed over.

use crate::cloud::Cloud;
use crate::error::Error;
use slipway_core::config::Target;
use slipway_core::deploy::{self, By, Wish as Image};
use slipway_core::facts::{ImageFacts, ImageName};
use slipway_core::id::EventId;
use slipway_core::image::{Digest, Tag};
use slipway_core::ledger::{self, Wish, gate};
use slipway_core::plan::{Plan, Shown};
use slipway_core::reason::{Reason, Weight};
use slipway_core::status::shown_in;
use slipway_core::trigger::Trigger;

use crate::plan::{Planner, Scene, refuses};

/// An image that is wished for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) image: ImageFacts,
    tag: Tag,
    /// When the tag came to mean it, where an event says so.
    pub(crate) tagged_at: Option<jiff::Timestamp>,
    wish: Wish,
}

/// What is decided about a target, with what is written down if it is done.
#[derive(Clone, Debug)]
pub(crate) struct Decided<'t> {
    pub(crate) target: &'t Target,
    pub(crate) plan: Plan,
    pub(crate) trigger: Trigger,
    pub(crate) event: EventId,
    pub(crate) who: Option<String>,
    /// What wished for it, unless somebody asked.
    pub(crate) wish: Option<Wish>,
    /// What the record's gate is asked once more in the moment of the intent.
    pub(crate) gate: Option<Gate>,
}

/// An image as the gate sees it.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    digest: Digest,
    shown: String,
    pushed_at: Option<jiff::Timestamp>,
}

impl Wanted {
    /// When it came to be what it is: pushed, or its tag moved.
    pub(crate) fn came_at(&self) -> Option<jiff::Timestamp> {
        self.tagged_at.max(self.image.pushed_at)
    }
}

impl Gate {
    pub(crate) fn pass(&self, record: &ledger::Service) -> Result<(), Reason> {
        let candidate = ledger::Candidate { digest: &self.digest, shown: &self.shown, pushed_at: self.pushed_at };
        gate(record, &candidate)
    }
}

impl<'t> Decided<'t> {
    /// What is decided about a wish.
    pub(crate) fn of_wish(target: &'t Target, wish: &Wish, plan: Plan) -> Self {
        let (trigger, event, who) = (wish.trigger.clone(), wish.event.clone(), wish.who.clone());
        let wish = Some(wish.clone());
        Self { target, plan, trigger, event, who, wish, gate: None }
    }
}

impl<C: Cloud> Planner<'_, C> {
    /// The images that these wishes mean for a target; the others come with their plans that do nothing.
    pub(crate) async fn wanted<'t>(
        &self,
        target: &'t Target,
        wishes: &[Wish],
        held: bool,
    ) -> Result<(Vec<Wanted>, Vec<Decided<'t>>), Error> {
        let repository = target.repository.at(self.home);
        let (mut wanted, mut passed): (Vec<Wanted>, Vec<Decided<'t>>) = (Vec::new(), Vec::new());
        for wish in wishes {
            let Some(tag) = &wish.tag else { continue };
            if let Some(plan) = refuses(target, tag) {
                passed.push(Decided::of_wish(target, wish, plan));
                continue;
            }
            match self.look.image(&repository, &ImageName::Tag(tag.clone())).await? {
                Some(image) => {
                    wanted.push(Wanted { image, tag: tag.clone(), tagged_at: Some(wish.at), wish: wish.clone() });
                }
                None => {
                    let reason = Reason::TagGone { tag: tag.clone(), repository: repository.name.clone() };
                    passed.push(Decided::of_wish(target, wish, Plan::nothing(target.name.clone(), reason)));
                }
            }
        }
        let again = wishes.iter().find(|wish| wish.tag.is_none()).filter(|_| !held);
        if let Some(wish) = again {
            let images = self.look.images(&repository).await?;
            for (image, tag) in deploy::ranked(target, images.iter()) {
                wanted.push(Wanted { image: image.clone(), tag: tag.clone(), tagged_at: None, wish: wish.clone() });
            }
        }
        Ok((in_order(target, wanted), passed))
    }

    /// Decides about each of them, the best first. At most one has steps.
    pub(crate) async fn choose<'t>(
        &self,
        target: &'t Target,
        scene: &Scene,
        wanted: &[Wanted],
        again: Option<&Wish>,
    ) -> Result<Vec<Decided<'t>>, Error> {
        let mut decided = Vec::new();
        let mut best: Option<String> = None;
        let mut found = None;
        for it in wanted {
            let by_registry = it.wish.tag.is_none();
            if by_registry && (best.is_some() || found.is_some()) {
                continue;
            }
            let shown = it.tag.to_string();
            if let Some(to) = &best {
                let reason = Reason::GaveWay { candidate: shown, to: to.clone() };
                decided.push(Decided::of_wish(target, &it.wish, Plan::nothing(target.name.clone(), reason)));
                continue;
            }
            if by_registry && self.is_kept_out(target, scene, it) {
                continue;
            }
            let by = if by_registry { By::Registry(&it.tag) } else { By::Push(&it.tag) };
            let Wish { event, trigger, .. } = &it.wish;
            let wish = Image { image: &it.image, by, trigger, event, request: self.request, tagged_at: it.tagged_at };
            let plan = self.image(target, scene, &wish).await?;
            if by_registry && matches!(plan.reason, Reason::NotAnImage { .. } | Reason::Archived { .. }) {
                continue;
            }
            if !plan.steps.is_empty() || matches!(plan.reason, Reason::Queued { .. }) {
                best = Some(shown.clone());
            }
            let gate = Gate { digest: it.image.digest.clone(), shown, pushed_at: self.counts(target, it) };
            let plan = if by_registry { best_runs(plan) } else { plan };
            let one = Decided { gate: Some(gate), ..Decided::of_wish(target, &it.wish, plan) };
            match by_registry {
                true => found = Some(one),
                false => decided.push(one),
            }
        }
        if let Some(wish) = again {
            decided.push(found.unwrap_or_else(|| {
                let reason = match (&scene.record.hold, scene.notes.iter().any(is_adoption), &best) {
                    (Some(hold), _, _) => {
                        Reason::Held { who: hold.who.clone(), why: hold.reason.clone(), since: hold.at }
                    }
                    (None, true, _) => Reason::Adopted { revision: scene.running.arn.short().to_owned() },
                    (None, false, Some(to)) => {
                        Reason::GaveWay { candidate: target.repository.name().to_owned(), to: to.clone() }
                    }
                    (None, false, None) => Reason::NoCandidate { repository: target.repository.name().to_owned() },
                };
                Decided::of_wish(target, wish, Plan::nothing(target.name.clone(), reason))
            }));
        }
        Ok(decided)
    }

    /// Whether the record speaks against an image that the registry has; what runs is asked about nevertheless, because
    /// nothing behind it is better.
    fn is_kept_out(&self, target: &Target, scene: &Scene, it: &Wanted) -> bool {
        let repository = target.repository.at(self.home);
        let running = shown_in(&scene.running, target, &repository).and_then(|shown| shown.digest);
        let gate =
            Gate { digest: it.image.digest.clone(), shown: it.tag.to_string(), pushed_at: self.counts(target, it) };
        running.as_ref() != Some(&it.image.digest) && gate.pass(&scene.record).is_err()
    }

    fn counts(&self, target: &Target, it: &Wanted) -> Option<jiff::Timestamp> {
        match target.tags.follows_tag() {
            Some(_) => it.tagged_at.max(it.image.pushed_at),
            None => it.image.pushed_at,
        }
    }
}

/// The best first; of several wishes for one image the first, so that one build is one deploy.
fn in_order(target: &Target, wanted: Vec<Wanted>) -> Vec<Wanted> {
    let order: Vec<Digest> = deploy::ranked(target, wanted.iter().map(|it| &it.image))
        .iter()
        .map(|(image, _)| image.digest.clone())
        .collect();
    let place = |it: &Wanted| order.iter().position(|digest| *digest == it.image.digest);
    let mut wanted = wanted;
    wanted.sort_by_key(|it| (place(it), it.wish.tag.is_none()));
    // What a push wished for is not wished for once more by the registry.
    let mut kept: Vec<Wanted> = Vec::new();
    for it in wanted {
        if it.wish.tag.is_some() || kept.iter().all(|one| one.image.digest != it.image.digest) {
            kept.push(it);
        }
    }
    kept
}

/// Who compares the registry with what runs is told that the best runs, not that the best is no news.
fn best_runs(plan: Plan) -> Plan {
    let settled = matches!(
        plan.reason,
        Reason::AlreadyRuns { .. } | Reason::Older { .. } | Reason::PushedBefore { .. } | Reason::SameBuild { .. }
    );
    if !settled || plan.reason.weight() != Weight::Skip {
        return plan;
    }
    let image = plan.image.as_ref().and_then(|image| image.old.clone()).unwrap_or(Shown { tag: None, digest: None });
    let revision = plan.running.as_ref().map(|running| running.short().to_owned()).unwrap_or_default();
    Plan { reason: Reason::BestRuns { image: image.to_string(), revision }, ..plan }
}

fn is_adoption(note: &deploy::Note) -> bool {
    matches!(note, deploy::Note::Adopted(..))
}
