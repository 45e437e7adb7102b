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
pub struct CandidateImage {
    /// The image, as the registry describes it now.
    pub image: ImageFacts,
    /// The tag by which it is wanted.
    pub tag: Tag,
    /// When the tag came to mean it, where an event says so.
    pub tagged_at: Option<Timestamp>,
    /// What wants it.
    pub input: PendingInput,
}

impl CandidateImage {
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
pub fn in_order(target: &Target, mut wanted: Vec<CandidateImage>) -> Vec<CandidateImage> {
    let order: Vec<Digest> =
        ranked(target, wanted.iter().map(|it| &it.image)).iter().map(|(image, _)| image.digest.clone()).collect();
    let place = |it: &CandidateImage| order.iter().position(|digest| *digest == it.image.digest);
    wanted.sort_by_key(|it| (place(it), it.is_by_registry()));
    // What a push wants is not wanted once more by the registry.
    let mut kept: Vec<CandidateImage> = Vec::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{EventId, TargetName};
    use crate::model::plan::ImageChange;
    use crate::model::trigger::Trigger;
    use crate::rules::situation::{arn, at, digest, held, image, quarantined, repository, running, tag, versions};

    /// Wanted by a push of this tag, or by the registry where `by_registry` says so; `DIGIT` is the image.
    fn wanted(text: &str, digit: char, pushed: Option<&str>, by_registry: bool) -> CandidateImage {
        let again = PendingInput::again(EventId::new("event-2"), Trigger::Reconcile, at("12:00:00"));
        let input =
            if by_registry { again } else { PendingInput { tag: Some(tag(text)), trigger: Trigger::Push, ..again } };
        CandidateImage { image: image(&[text], digit, pushed), tag: tag(text), tagged_at: None, input }
    }

    fn push(text: &str, digit: char) -> CandidateImage {
        wanted(text, digit, Some("12:00:00"), false)
    }

    fn found(text: &str, digit: char) -> CandidateImage {
        wanted(text, digit, Some("12:00:00"), true)
    }

    #[test]
    fn the_best_goes_first_and_one_build_once() {
        #[track_caller]
        fn check(all: Vec<CandidateImage>, expected: &[&str]) {
            let order = in_order(&versions(), all);
            let by = |it: &CandidateImage| if it.is_by_registry() { "found" } else { "pushed" };
            let order: Vec<String> = order.iter().map(|it| format!("{} {}", it.tag, by(it))).collect();
            assert_eq!(order, expected);
        }
        check(vec![push("1.4.2", 'a'), push("1.5.0", 'b')], &["1.5.0 pushed", "1.4.2 pushed"]);
        check(vec![found("1.4.2", 'a'), found("1.5.0", 'b')], &["1.5.0 found", "1.4.2 found"]);
        check(vec![found("1.5.0", 'b'), push("1.5.0", 'b')], &["1.5.0 pushed"]);
        check(vec![found("1.5.0", 'b'), found("1.5.0", 'b')], &["1.5.0 found"]);
        // Each push is answered.
        check(vec![push("1.5.0", 'b'), push("1.5.0", 'b')], &["1.5.0 pushed", "1.5.0 pushed"]);
        check(Vec::new(), &[]);
    }

    #[test]
    fn it_came_when_it_was_pushed_or_its_tag_was_moved() {
        #[track_caller]
        fn check(tagged: Option<&str>, pushed: Option<&str>, expected: Option<&str>) {
            let it = CandidateImage { tagged_at: tagged.map(at), ..wanted("1.5.0", 'b', pushed, false) };
            assert_eq!(it.came_at(), expected.map(at));
        }
        check(None, Some("12:00:00"), Some("12:00:00"));
        check(Some("12:30:00"), Some("12:00:00"), Some("12:30:00"));
        check(Some("12:30:00"), None, Some("12:30:00"));
        check(None, None, None);
    }

    #[test]
    fn what_the_record_speaks_against_is_kept_out_unless_it_runs() {
        #[track_caller]
        fn check(it: &CandidateImage, record: &Service, expected: bool) {
            assert_eq!(it.is_kept_out(&versions(), &repository("shop/web"), &running(), record), expected);
        }
        let (new, runs) = (push("1.5.0", 'b'), push("1.4.2", 'a'));
        check(&new, &Service::default(), false);
        check(&new, &quarantined('b'), true);
        check(&new, &quarantined('a'), false);
        check(&new, &held(), true);
        check(&runs, &quarantined('a'), false);
        check(&runs, &held(), false);
    }

    #[test]
    fn who_compares_reads_that_the_best_runs() {
        #[track_caller]
        fn check(reason: Reason, expected: &str) {
            let shown = |text: &str, digit| Shown { tag: Some(tag(text)), digest: Some(digest(digit)) };
            let change = ImageChange {
                repository: "shop/web".to_owned(),
                old: Some(shown("1.4.2", 'a')),
                new: shown("1.5.0", 'b'),
            };
            let plan = Plan::nothing(TargetName::new("prod/web"), reason);
            let plan = best_runs(Plan { image: Some(change), running: Some(arn(41)), ..plan });
            assert_eq!(plan.reason.to_string(), expected);
            assert_eq!(plan.running, Some(arn(41)));
        }
        let best = "1.4.2, the best image in the registry, already runs, as web:41";
        let (candidate, running) = ("1.4.1".to_owned(), "1.4.2".to_owned());
        check(Reason::AlreadyRuns { image: running.clone(), revision: "web:41".to_owned() }, best);
        check(Reason::Older { candidate: candidate.clone(), running: running.clone() }, best);
        check(Reason::PushedBefore { candidate: candidate.clone(), running: running.clone() }, best);
        check(Reason::SameBuild { candidate, running }, best);
        check(Reason::Pushed { tag: tag("1.5.0") }, "1.5.0 was pushed");
        check(
            Reason::NoCandidate { repository: "shop/web".to_owned() },
            "shop/web has no image that the policy deploys",
        );
    }

    #[test]
    fn why_comparing_brings_nothing() {
        #[track_caller]
        fn check(hold: Option<&Hold>, adopted: Option<&str>, best: Option<&str>, expected: &str) {
            assert_eq!(no_candidate(&versions(), hold, adopted, best).code(), expected);
        }
        check(held().hold.as_ref(), Some("web:41"), Some("1.5.0"), "held");
        check(None, Some("web:41"), Some("1.5.0"), "adopted");
        check(None, None, Some("1.5.0"), "gave_way");
        check(None, None, None, "no_candidate");
    }
}
