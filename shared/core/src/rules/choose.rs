//! Which image a target deploys: the order of a repository's images and of pending inputs, which candidates are kept out, and
//! the reason where there is none.

use std::cmp::Ordering;

use crate::config::Target;
use crate::config::tags::TaggedImage;
use crate::model::facts::ImageFacts;
use crate::model::image::{Digest, Tag};
use crate::model::plan::{Plan, Shown};
use crate::model::reason::{Reason, Weight};
use crate::model::record::{Hold, PendingInput, TagPush};
use crate::rules::candidate::TargetFacts;
use crate::rules::gates::{GatedImage, gate};
use crate::rules::recency::Recency;
use crate::rules::render::shown_in;

/// The images that the policy deploys, the best first, each with the tag by which it is ordered.
///
/// Under the policy `tag` that is the one image which has the tag.
pub fn ranked<'i>(
    recency: Recency<'_>,
    images: impl IntoIterator<Item = &'i ImageFacts>,
) -> Vec<(&'i ImageFacts, &'i Tag)> {
    let of_image = |image: &'i ImageFacts| {
        let (tag, digest) = (recency.tag(image)?, &image.digest);
        Some((image, TaggedImage { tag, digest, pushed_at: recency.came_at(image) }))
    };
    let mut ranked: Vec<_> = images.into_iter().filter_map(of_image).collect();
    ranked.sort_by(|(_, one), (_, other)| compare(recency.target, other, one));
    ranked.into_iter().map(|(image, tagged)| (image, tagged.tag)).collect()
}

/// A total order: where the policy gives none, the time of the push and then the digest do. An image whose push time nobody
/// knows is ordered last where the time counts.
fn compare(target: &Target, one: &TaggedImage<'_>, other: &TaggedImage<'_>) -> Ordering {
    let by_time = || one.pushed_at.cmp(&other.pushed_at);
    let by_policy = target.tags.compare(one, other).unwrap_or_else(by_time);
    by_policy.then_with(by_time).then_with(|| one.digest.cmp(other.digest))
}

/// A candidate: an image that a pending input is about.
#[derive(Clone, Debug)]
pub struct CandidateImage {
    /// The image, as the registry describes it now.
    pub image: ImageFacts,
    /// The tag under which it is a candidate.
    pub tag: Tag,
    /// The input.
    pub input: PendingInput,
}

impl CandidateImage {
    /// Whether the registry was compared with what runs, and nobody pushed just now.
    pub fn is_by_registry(&self) -> bool {
        self.input.tag.is_none()
    }

    /// The push event by which it is a candidate. The tag came to the image then or later: when it came, the tag pointed to the
    /// image of the event, and now it points to this one.
    pub fn push(&self) -> Option<TagPush> {
        let at = self.input.tag.as_ref().map(|_| self.input.at)?;
        Some(TagPush { digest: self.image.digest.clone(), tag: self.tag.clone(), at })
    }

    /// The image as the gates see it.
    pub fn gated(&self, facts: &TargetFacts<'_>) -> GatedImage {
        let shown = facts.recency().tag(&self.image).unwrap_or(&self.tag).to_string();
        GatedImage::of(facts, &self.image, shown)
    }

    /// Whether the record keeps out an image that the registry has. The running image is never kept out, because none after it
    /// is better.
    pub fn is_kept_out(&self, facts: &TargetFacts<'_>) -> bool {
        let running = shown_in(facts.running, facts.recency(), facts.repository).and_then(|shown| shown.digest);
        running.as_ref() != Some(&self.image.digest) && gate(facts.record, &self.gated(facts)).is_err()
    }
}

/// The best first; of one image what was pushed before what the registry has, so that one build is one deploy.
pub fn in_order(recency: Recency<'_>, mut candidates: Vec<CandidateImage>) -> Vec<CandidateImage> {
    let order: Vec<Digest> =
        ranked(recency, candidates.iter().map(|it| &it.image)).iter().map(|(image, _)| image.digest.clone()).collect();
    let place = |it: &CandidateImage| order.iter().position(|digest| *digest == it.image.digest);
    candidates.sort_by_key(|it| (place(it), it.is_by_registry()));
    // Each push is answered. What is refused of a push is the registry's best as well, and nothing older is instead.
    candidates.dedup_by(|it, before| {
        it.is_by_registry() && before.is_by_registry() && it.image.digest == before.image.digest
    });
    candidates
}

/// Whether ECS cannot run the image of a plan: what the registry has besides is the candidate then.
pub fn cannot_run(plan: &Plan) -> bool {
    use Reason::{Archived, BeingRestored, NotAnImage};
    matches!(plan.reason, NotAnImage { .. } | Archived { .. } | BeingRestored { .. })
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
    use crate::model::record::Service;
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
            let record = Service::default();
            let recency = Recency { target: &target, record: &record };
            let order: Vec<char> = ranked(recency, &images)
                .iter()
                .map(|(image, _)| image.digest.short().chars().next().unwrap())
                .collect();
            assert_eq!(order, expected);
            let reverse: Vec<char> = ranked(recency, images.iter().rev())
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

    /// A candidate by a push of this tag, or by the registry where `by_registry` says so; `DIGIT` is the image.
    fn candidate(text: &str, digit: char, pushed: Option<&str>, by_registry: bool) -> CandidateImage {
        let again = PendingInput::again(EventId::new("event-2"), Trigger::Reconcile, at("12:00:00"));
        let input =
            if by_registry { again } else { PendingInput { tag: Some(tag(text)), trigger: Trigger::Push, ..again } };
        CandidateImage { image: image(&[text], digit, pushed), tag: tag(text), input }
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
            let order = in_order(Recency { target: &versions(), record: &Service::default() }, all);
            let by = |it: &CandidateImage| if it.is_by_registry() { "found" } else { "pushed" };
            let order: Vec<String> = order.iter().map(|it| format!("{} {}", it.tag, by(it))).collect();
            assert_eq!(order, expected);
        }
        check(vec![push("1.4.2", 'a'), push("1.5.0", 'b')], &["1.5.0 pushed", "1.4.2 pushed"]);
        check(vec![found("1.4.2", 'a'), found("1.5.0", 'b')], &["1.5.0 found", "1.4.2 found"]);
        check(vec![found("1.5.0", 'b'), push("1.5.0", 'b')], &["1.5.0 pushed", "1.5.0 found"]);
        check(vec![found("1.5.0", 'b'), found("1.5.0", 'b')], &["1.5.0 found"]);
        // Each push is answered.
        check(vec![push("1.5.0", 'b'), push("1.5.0", 'b')], &["1.5.0 pushed", "1.5.0 pushed"]);
        check(Vec::new(), &[]);
    }

    #[test]
    fn a_push_event_says_when_its_tag_came_to_the_image_that_it_points_to_now() {
        let pushed = push("1.5.0", 'b').push().unwrap();
        assert_eq!((pushed.digest, pushed.tag, pushed.at), (digest('b'), tag("1.5.0"), at("12:00:00")));
        assert_eq!(found("1.5.0", 'b').push(), None);
    }

    #[test]
    fn what_the_record_keeps_out_is_no_candidate_unless_it_runs() {
        #[track_caller]
        fn check(it: &CandidateImage, record: &Service, expected: bool) {
            let (target, repository, running) = (versions(), repository("shop/web"), running());
            let service = situation::service(Vec::new());
            let facts = TargetFacts {
                target: &target,
                repository: &repository,
                service: &service,
                running: &running,
                base: &running,
                family: None,
                record,
                before: None,
            };
            assert_eq!(it.is_kept_out(&facts), expected);
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
