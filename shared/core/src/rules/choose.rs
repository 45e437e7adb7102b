//! Which of a repository's images a target would deploy, the best first.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::config::Target;
use crate::config::tags::TaggedImage;
use crate::model::facts::ImageFacts;
use crate::model::image::Tag;

/// The images that the policy deploys, the best first, each with the tag by which it is ordered.
///
/// Under the policy `tag` that is the one image which has the tag.
pub fn ranked<'i>(target: &Target, images: impl IntoIterator<Item = &'i ImageFacts>) -> Vec<(&'i ImageFacts, &'i Tag)> {
    let mut ranked: Vec<(&ImageFacts, &Tag)> =
        images.into_iter().filter_map(|image| Some((image, target.tags.best(&image.tags)?))).collect();
    // A total order is needed here; where the policy gives none, the time of the push and then the digest do.
    ranked.sort_by(|one, other| {
        let of = |it: &(&'i ImageFacts, &'i Tag)| (it.0.pushed_at, it.0.digest.clone());
        compare(target, other, one).then_with(|| of(other).cmp(&of(one)))
    });
    ranked
}

/// When an image counts as pushed: under the policy `tag`, when the tag was moved to it.
pub(super) fn counts_as_pushed(target: &Target, image: &ImageFacts, tagged_at: Option<Timestamp>) -> Option<Timestamp> {
    match target.tags.follows_tag() {
        Some(_) => tagged_at.max(image.pushed_at),
        None => image.pushed_at,
    }
}

fn compare(target: &Target, one: &(&ImageFacts, &Tag), other: &(&ImageFacts, &Tag)) -> Ordering {
    let candidate = |it: &(&ImageFacts, &Tag)| (it.0.digest.clone(), it.0.pushed_at);
    let ((one_digest, one_at), (other_digest, other_at)) = (candidate(one), candidate(other));
    let one = TaggedImage { tag: one.1, digest: &one_digest, pushed_at: one_at };
    let other = TaggedImage { tag: other.1, digest: &other_digest, pushed_at: other_at };
    // An image of which nobody knows when it was pushed is ordered last where the time is what counts.
    target.tags.compare(&one, &other).unwrap_or_else(|| one_at.cmp(&other_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::situation;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-21T{time}Z").parse().unwrap()
    }

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
}
