//! Which image a target deploys: the order of a repository's images and of pending inputs, which candidates are kept out, and
//! the reason where there is none.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::config::Target;
use crate::config::tags::TaggedImage;
use crate::model::facts::{ImageFacts, Revision};
use crate::model::image::{Digest, Repository, Tag};
use crate::model::plan::{Plan, Shown};
use crate::model::reason::{Reason, Weight};
use crate::model::record::{Hold, PendingInput, Service};
use crate::rules::gates::{GatedImage, gate};
use crate::rules::render::shown_in;

/// The images that the policy deploys, the best first, each with the tag by which it is ordered.
///
/// Under the policy `tag` that is the one image which has the tag.
pub fn ranked<'i>(target: &Target, images: impl IntoIterator<Item = &'i ImageFacts>) -> Vec<(&'i ImageFacts, &'i Tag)> {
    let mut ranked: Vec<(&ImageFacts, &Tag)> =
        images.into_iter().filter_map(|image| Some((image, target.tags.best(&image.tags)?))).collect();
    ranked.sort_by(|one, other| compare(target, other, one));
    ranked
}

/// A total order: where the policy gives none, the time of the push and then the digest do. An image whose push time nobody
/// knows is ordered last where the time counts.
fn compare(target: &Target, one: &(&ImageFacts, &Tag), other: &(&ImageFacts, &Tag)) -> Ordering {
    let ((one, one_tag), (other, other_tag)) = (one, other);
    let tagged = TaggedImage { tag: one_tag, digest: &one.digest, pushed_at: one.pushed_at };
    let other_tagged = TaggedImage { tag: other_tag, digest: &other.digest, pushed_at: other.pushed_at };
    let by_policy = target.tags.compare(&tagged, &other_tagged);
    let by_time = || one.pushed_at.cmp(&other.pushed_at);
    by_policy.unwrap_or_else(by_time).then_with(by_time).then_with(|| one.digest.cmp(&other.digest))
}

/// When an image counts as pushed: under the policy `tag`, when the tag was moved to it.
pub(super) fn counts_as_pushed(target: &Target, image: &ImageFacts, tagged_at: Option<Timestamp>) -> Option<Timestamp> {
    match target.tags.follows_tag() {
        Some(_) => tagged_at.max(image.pushed_at),
        None => image.pushed_at,
    }
}

/// A candidate: an image that a pending input is about.
#[derive(Clone, Debug)]
pub struct CandidateImage {
    /// The image, as the registry describes it now.
    pub image: ImageFacts,
    /// The tag under which it is a candidate.
    pub tag: Tag,
    /// When the tag was moved to it, where an event says so.
    pub tagged_at: Option<Timestamp>,
    /// The input.
    pub input: PendingInput,
}

impl CandidateImage {
    /// Whether the registry was compared with what runs, and nobody pushed just now.
    pub fn is_by_registry(&self) -> bool {
        self.input.tag.is_none()
    }

    /// When it was pushed, or its tag moved.
    pub fn came_at(&self) -> Option<Timestamp> {
        self.tagged_at.max(self.image.pushed_at)
    }

    /// The image as the gates see it.
    pub fn gated(&self, target: &Target) -> GatedImage {
        let pushed_at = counts_as_pushed(target, &self.image, self.tagged_at);
        GatedImage { digest: self.image.digest.clone(), shown: self.tag.to_string(), pushed_at }
    }

    /// Whether the record keeps out an image that the registry has. The running image is never kept out, because none after it
    /// is better.
    pub fn is_kept_out(&self, target: &Target, repository: &Repository, running: &Revision, record: &Service) -> bool {
        let running = shown_in(running, target, repository).and_then(|shown| shown.digest);
        running.as_ref() != Some(&self.image.digest) && gate(record, &self.gated(target)).is_err()
    }
}

/// The best first; of several inputs for one image the first, so that one build is one deploy.
pub fn in_order(target: &Target, mut candidates: Vec<CandidateImage>) -> Vec<CandidateImage> {
    let order: Vec<Digest> =
        ranked(target, candidates.iter().map(|it| &it.image)).iter().map(|(image, _)| image.digest.clone()).collect();
    let place = |it: &CandidateImage| order.iter().position(|digest| *digest == it.image.digest);
    candidates.sort_by_key(|it| (place(it), it.is_by_registry()));
    // What a push is about is no candidate of the registry once more.
    let mut kept: Vec<CandidateImage> = Vec::new();
    for it in candidates {
        if !it.is_by_registry() || kept.iter().all(|one| one.image.digest != it.image.digest) {
            kept.push(it);
        }
    }
    kept
}

/// The plan of comparing the registry with what runs says that the best runs, not that the best is nothing new.
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

/// Why comparing the registry with what runs deploys nothing: the service is held, was adopted just now (`adopted` is its
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
    use crate::rules::situation::{
        self, arn, at, digest, held, image, quarantined, repository, running, tag, versions,
    };

    /// `TAG DIGIT PUSHED`, an image of this tag and digest.
    fn images(all: &[(&str, char, Option<&str>)]) -> Vec<ImageFacts> {
        all.iter().map(|(tag, digit, pushed)| situation::image(&[tag], *digit, *pushed)).collect()
    }

    #[test]
    fn the_best_image_goes_first() {
        #[track_caller]
        fn check(keys: &str, all: &[(&str, char, Option<&str>)], expected: &[char]) {
            let (target, images) = (situation::target(keys), images(all));
            let order: Vec<char> = ranked(&target, &images)
                .iter()
                .map(|(image, _)| image.digest.short().chars().next().unwrap())
                .collect();
            assert_eq!(order, expected);
            let reverse: Vec<char> = ranked(&target, images.iter().rev())
                .iter()
                .map(|(image, _)| image.digest.short().chars().next().unwrap())
                .collect();
            assert_eq!(reverse, expected, "the order in which the registry names them changes nothing");
        }
        let (early, late) = (Some("10:00:00"), Some("11:00:00"));
        let versions = "tags: { semver: '*' }";
        check(versions, &[("1.4.2", 'a', late), ("1.5.0", 'b', early), ("latest", 'c', late)], &['b', 'a']);
        check(versions, &[("1.5.0", 'a', early), ("1.5.0", 'b', late)], &['b', 'a']);
        check(versions, &[("1.5.0", 'a', early), ("1.5.0", 'b', early)], &['b', 'a']);
        check(versions, &[], &[]);
        check("tags: { tag: prod }", &[("prod", 'a', early), ("1.5.0", 'b', late)], &['a']);
    }

    #[test]
    fn an_image_counts_as_pushed_when_the_tag_that_is_followed_was_moved_to_it() {
        #[track_caller]
        fn check(keys: &str, tag: &str, tagged: Option<&str>, pushed: Option<&str>, expected: Option<&str>) {
            let (target, image) = (situation::target(keys), situation::image(&[tag], 'a', pushed));
            assert_eq!(counts_as_pushed(&target, &image, tagged.map(at)), expected.map(at));
        }
        let (early, late) = (Some("10:00:00"), Some("11:00:00"));
        check("tags: { tag: prod }", "prod", late, early, late);
        check("tags: { tag: prod }", "prod", early, late, late);
        check("tags: { tag: prod }", "prod", None, early, early);
        check("tags: { tag: prod }", "prod", None, None, None);
        check("tags: { semver: '*' }", "1.5.0", late, early, early);
        check("tags: { semver: '*' }", "1.5.0", late, None, None);
    }

    /// A candidate by a push of this tag, or by the registry where `by_registry` says so; `DIGIT` is the image.
    fn candidate(text: &str, digit: char, pushed: Option<&str>, by_registry: bool) -> CandidateImage {
        let again = PendingInput::again(EventId::new("event-2"), Trigger::Reconcile, at("12:00:00"));
        let input =
            if by_registry { again } else { PendingInput { tag: Some(tag(text)), trigger: Trigger::Push, ..again } };
        CandidateImage { image: image(&[text], digit, pushed), tag: tag(text), tagged_at: None, input }
    }

    fn push(text: &str, digit: char) -> CandidateImage {
        candidate(text, digit, Some("12:00:00"), false)
    }

    fn found(text: &str, digit: char) -> CandidateImage {
        candidate(text, digit, Some("12:00:00"), true)
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
            let it = CandidateImage { tagged_at: tagged.map(at), ..candidate("1.5.0", 'b', pushed, false) };
            assert_eq!(it.came_at(), expected.map(at));
        }
        check(None, Some("12:00:00"), Some("12:00:00"));
        check(Some("12:30:00"), Some("12:00:00"), Some("12:30:00"));
        check(Some("12:30:00"), None, Some("12:30:00"));
        check(None, None, None);
    }

    #[test]
    fn what_the_record_keeps_out_is_no_candidate_unless_it_runs() {
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
    fn comparing_says_that_the_best_runs() {
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
    fn why_comparing_deploys_nothing() {
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
