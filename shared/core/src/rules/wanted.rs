//! The images that pending inputs mean for a target: which of them goes first, which are kept out, and what is said where none
//! goes.

use jiff::Timestamp;

use crate::config::Target;
use crate::model::facts::{ImageFacts, Revision};
use crate::model::image::{Digest, Repository, Tag};
use crate::model::plan::{Plan, Shown};
use crate::model::reason::{Reason, Weight};
use crate::model::record::{Hold, PendingInput, Service};
use crate::rules::choose::{counts_as_pushed, ranked};
use crate::rules::gates::{GatedImage, gate};
use crate::rules::render::shown_in;

/// An image that a pending input means.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The image, as the registry describes it now.
    pub image: ImageFacts,
    /// The tag by which it is wanted.
    pub tag: Tag,
    /// When the tag came to mean it, where an event says so.
    pub tagged_at: Option<Timestamp>,
    /// What wants it.
    pub input: PendingInput,
}

impl Wanted {
    /// Whether the registry was compared with what runs, and nobody pushed just now.
    pub fn is_by_registry(&self) -> bool {
        self.input.tag.is_none()
    }

    /// When it came to be what it is: pushed, or its tag moved.
    pub fn came_at(&self) -> Option<Timestamp> {
        self.tagged_at.max(self.image.pushed_at)
    }

    /// The image as the gates see it.
    pub fn gated(&self, target: &Target) -> GatedImage {
        let pushed_at = counts_as_pushed(target, &self.image, self.tagged_at);
        GatedImage { digest: self.image.digest.clone(), shown: self.tag.to_string(), pushed_at }
    }

    /// Whether the record speaks against an image that the registry has; what runs is asked about nevertheless, because
    /// nothing behind it is better.
    pub fn is_kept_out(&self, target: &Target, repository: &Repository, running: &Revision, record: &Service) -> bool {
        let running = shown_in(running, target, repository).and_then(|shown| shown.digest);
        running.as_ref() != Some(&self.image.digest) && gate(record, &self.gated(target)).is_err()
    }
}

/// The best first; of several inputs for one image the first, so that one build is one deploy.
pub fn in_order(target: &Target, mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    let order: Vec<Digest> =
        ranked(target, wanted.iter().map(|it| &it.image)).iter().map(|(image, _)| image.digest.clone()).collect();
    let place = |it: &Wanted| order.iter().position(|digest| *digest == it.image.digest);
    wanted.sort_by_key(|it| (place(it), it.is_by_registry()));
    // What a push wants is not wanted once more by the registry.
    let mut kept: Vec<Wanted> = Vec::new();
    for it in wanted {
        if !it.is_by_registry() || kept.iter().all(|one| one.image.digest != it.image.digest) {
            kept.push(it);
        }
    }
    kept
}

/// Who compares the registry with what runs reads that the best runs, not that the best is no news.
pub fn best_runs(plan: Plan) -> Plan {
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

/// Why comparing the registry with what runs brings nothing: the service is held, was adopted just now (`adopted` is its
/// revision), another image goes (`best`), or there is no candidate.
pub fn no_candidate(target: &Target, hold: Option<&Hold>, adopted: Option<&str>, best: Option<&str>) -> Reason {
    let repository = target.repository.name().to_owned();
    match (hold, adopted, best) {
        (Some(hold), _, _) => Reason::Held { who: hold.who.clone(), why: hold.reason.clone(), since: hold.at },
        (None, Some(revision), _) => Reason::Adopted { revision: revision.to_owned() },
        (None, None, Some(to)) => Reason::GaveWay { candidate: repository, to: to.to_owned() },
        (None, None, None) => Reason::NoCandidate { repository },
    }
}
