//! How new an image is for a target, and under which of its tags.
//!
//! ECR keeps the time of an image's first push only ([issue 214 of the containers roadmap]). So the push events of its tags
//! count as well: an image that is released under another tag, or a build that gives an old image again, is as new as that.
//!
//! [issue 214 of the containers roadmap]: https://github.com/aws/containers-roadmap/issues/214

use jiff::Timestamp;

use crate::config::Target;
use crate::config::tags::TagOfImage;
use crate::model::facts::ImageFacts;
use crate::model::image::{Digest, Tag};
use crate::model::record::{Service, TagPush};

/// What decides how new an image is: the target's policy says which tags count, the record knows when they came.
#[derive(Clone, Copy, Debug)]
pub struct Recency<'a> {
    /// What the configuration says.
    pub target: &'a Target,
    /// The record of the service.
    pub record: &'a Service,
}

impl<'a> Recency<'a> {
    /// When an image came: the latest of its push and the push events of its tags that the target deploys.
    pub fn came_at(&self, image: &ImageFacts) -> Option<Timestamp> {
        let of_tags = self.pushes(&image.digest).filter(|push| image.tags.contains(&push.tag));
        of_tags.map(|push| push.at).max().max(image.pushed_at)
    }

    /// The tag by which an image is ordered and shown; `None` where the target deploys none of its tags.
    pub fn tag<'i>(&self, image: &'i ImageFacts) -> Option<&'i Tag> {
        let of_image = |tag: &'i Tag| {
            let push = self.pushes(&image.digest).find(|push| push.tag == *tag);
            TagOfImage { tag, at: push.map(|push| push.at).or(image.pushed_at) }
        };
        self.target.tags.best(image.tags.iter().map(of_image))
    }

    /// The tag and the time of an image that runs, without the registry: what a revision says of it, and what came since.
    pub fn of_running(
        &self,
        digest: &Digest,
        tag: Option<&Tag>,
        pushed_at: Option<Timestamp>,
    ) -> (Option<Tag>, Option<Timestamp>) {
        // A tag that was pushed to another image since is no longer this one's.
        let newest_of = |tag: &Tag| self.record.tag_pushes.iter().find(|push| push.tag == *tag);
        let is_its = |push: &&TagPush| newest_of(&push.tag).is_some_and(|newest| newest.digest == *digest);
        let pushes: Vec<&TagPush> = self.pushes(digest).filter(is_its).collect();
        let known = tag.map(|tag| TagOfImage { tag, at: pushed_at });
        let tags = pushes.iter().map(|push| TagOfImage { tag: &push.tag, at: Some(push.at) }).chain(known);
        let best = self.target.tags.best(tags).or(tag);
        (best.cloned(), pushes.iter().map(|push| push.at).max().max(pushed_at))
    }

    /// The push events of an image's tags that the target deploys, the newest first.
    fn pushes(&self, digest: &Digest) -> impl Iterator<Item = &'a TagPush> {
        let target = self.target;
        let of_image = self.record.tag_pushes.iter().filter(move |push| push.digest == *digest);
        of_image.filter(move |push| target.tags.admits(&push.tag).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::situation::{at, digest, image, tag, tag_pushed, target};

    /// 1.5.0 was pushed to the image b at 12:30, and `latest` at 12:45; prod to c at 12:10, then to b at 12:50.
    fn record() -> Service {
        let record = tag_pushed(Service::default(), "1.5.0", 'b', "12:30:00");
        let record = tag_pushed(record, "latest", 'b', "12:45:00");
        tag_pushed(tag_pushed(record, "prod", 'c', "12:10:00"), "prod", 'b', "12:50:00")
    }

    #[test]
    fn an_image_is_as_new_as_the_last_push_of_a_tag_that_counts() {
        #[track_caller]
        fn check(keys: &str, image: &ImageFacts, expected: Option<&str>) {
            let (target, record) = (target(keys), record());
            assert_eq!(Recency { target: &target, record: &record }.came_at(image), expected.map(at));
        }
        let versions = "tags: { semver: '*' }";
        check(versions, &image(&["1.5.0"], 'b', Some("12:00:00")), Some("12:30:00"));
        check(versions, &image(&["1.5.0"], 'b', Some("12:40:00")), Some("12:40:00"));
        check(versions, &image(&["1.5.0"], 'b', None), Some("12:30:00"));
        check(versions, &image(&["1.5.0"], 'c', Some("12:00:00")), Some("12:00:00"));
        check(versions, &image(&["1.5.0"], 'c', None), None);
        // Only the tags that it has now, and that the policy deploys.
        check(versions, &image(&["1.4.0", "latest"], 'b', Some("12:00:00")), Some("12:00:00"));
        check("tags: { tag: prod }", &image(&["prod", "1.5.0"], 'b', Some("12:00:00")), Some("12:50:00"));
        check("tags: { tag: prod }", &image(&["1.5.0"], 'b', Some("12:00:00")), Some("12:00:00"));
        check(
            "tags: { newest: { pattern: '.' } }",
            &image(&["1.5.0", "latest"], 'b', Some("12:00:00")),
            Some("12:45:00"),
        );
    }

    #[test]
    fn the_tag_that_came_last_shows_an_image_where_their_texts_have_no_order() {
        #[track_caller]
        fn check(keys: &str, tags: &[&str], expected: Option<&str>) {
            let (target, record) = (target(keys), record());
            let image = image(tags, 'b', Some("12:00:00"));
            assert_eq!(Recency { target: &target, record: &record }.tag(&image).map(Tag::as_str), expected);
        }
        let newest = "tags: { newest: { pattern: '.' } }";
        check(newest, &["a-longer-one", "1.5.0"], Some("1.5.0"));
        check(newest, &["a-longer-one", "another-long-one"], Some("another-long-one"));
        check(newest, &[], None);
        check("tags: { semver: '*' }", &["1.9.0", "1.5.0"], Some("1.9.0"));
    }

    #[test]
    fn what_runs_has_the_tag_that_came_to_it_last() {
        #[track_caller]
        fn check(keys: &str, digit: char, tag_of_revision: Option<&str>, expected: (Option<&str>, Option<&str>)) {
            let (target, record) = (target(keys), record());
            let named = tag_of_revision.map(tag);
            let recency = Recency { target: &target, record: &record };
            let (tag, came) = recency.of_running(&digest(digit), named.as_ref(), Some(at("10:00:00")));
            assert_eq!((tag.as_ref().map(Tag::as_str), came), (expected.0, expected.1.map(at)));
        }
        let (newest, versions) = ("tags: { newest: { pattern: '.' } }", "tags: { semver: '*' }");
        check(newest, 'b', Some("rc-1"), (Some("latest"), Some("12:50:00")));
        check(newest, 'a', Some("rc-1"), (Some("rc-1"), Some("10:00:00")));
        check(newest, 'a', None, (None, Some("10:00:00")));
        check(versions, 'b', Some("1.5.0-rc.1"), (Some("1.5.0"), Some("12:30:00")));
        check(versions, 'b', Some("1.9.0"), (Some("1.9.0"), Some("12:30:00")));
        check(versions, 'b', Some("hotfix"), (Some("1.5.0"), Some("12:30:00")));
        // prod was pushed to b since.
        check("tags: { tag: prod }", 'c', Some("prod"), (Some("prod"), Some("10:00:00")));
    }
}
