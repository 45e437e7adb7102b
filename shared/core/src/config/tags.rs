//! Tag policies: which tags a target deploys, and which of two is newer.
//!
//! A policy is one rule, each in a file of its own, and the globs of the tags that are left out whatever the rule says.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

pub use ignore::{DEFAULT_IGNORES, Glob, Ignore};
pub use pattern::Pattern;

use crate::model::image::{Digest, Tag};

mod alphabetical;
mod exact;
mod ignore;
mod newest;
mod numerical;
mod pattern;
mod semver;

/// Which tags a target deploys, and their order. A clone shares the rule.
#[derive(Clone, Debug)]
pub struct TagPolicy {
    rule: Arc<dyn Rule>,
    ignore: Ignore,
}

/// What a policy orders: a tag with the image it stands for.
#[derive(Clone, Copy, Debug)]
pub struct TaggedImage<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// The image.
    pub digest: &'a Digest,
    /// When the registry received the image.
    pub pushed_at: Option<Timestamp>,
}

/// Why a tag is not deployed by a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoMatch {
    /// An ignore pattern says so; which one.
    Ignored(String),
    /// It isn't what the policy deploys; the policy in words, `semver ">=1.4, <2"`.
    NotOfPolicy(String),
}

impl TagPolicy {
    /// Deploys exactly this tag, whatever it points to now, an older image too.
    pub fn tag(tag: Tag) -> Self {
        Self::of(exact::Exact::new(tag))
    }

    /// Deploys the tags that are versions, with or without a leading `v`, within a range of Cargo's dialect:
    /// `>=1.4, <2`. A pre-release counts only if the range names one of the same version.
    ///
    /// The error says what is wrong with the range, and what would be right.
    pub fn semver(range: &str) -> Result<Self, String> {
        semver::Semver::parse(range).map(Self::of)
    }

    /// Deploys the tags in which the pattern's group `v` finds digits; orders them by that number, exact at any size.
    ///
    /// The error says that the pattern has no group `v`.
    pub fn numerical(pattern: Pattern) -> Result<Self, String> {
        numerical::Numerical::new(pattern).map(Self::of)
    }

    /// Deploys the tags that match; orders them by the text that the pattern's group `v` finds, byte by byte.
    ///
    /// The error says that the pattern has no group `v`.
    pub fn alphabetical(pattern: Pattern) -> Result<Self, String> {
        alphabetical::Alphabetical::new(pattern).map(Self::of)
    }

    /// Deploys the tags that match; orders them by when the registry received their image.
    ///
    /// Images received within one second are ordered by tag, then by digest, so that the order never changes.
    pub fn newest(pattern: Pattern) -> Self {
        Self::of(newest::Newest::new(pattern))
    }

    /// The same rule, leaving out what these globs say besides the default ones.
    pub fn ignoring(self, ignore: Ignore) -> Self {
        Self { ignore, ..self }
    }

    /// Whether the policy deploys this tag, and if not, why.
    ///
    /// A policy `tag` ignores nothing: its one tag was named by a person.
    pub fn admits(&self, tag: &Tag) -> Result<(), NoMatch> {
        if self.follows_tag().is_none()
            && let Some(glob) = self.ignore.hit(tag)
        {
            return Err(NoMatch::Ignored(glob.to_owned()));
        }
        if self.rule.admits(tag) { Ok(()) } else { Err(NoMatch::NotOfPolicy(self.to_string())) }
    }

    /// The best of an image's tags under this policy, to show and to order by; `None` if the policy deploys none of them.
    ///
    /// The best is the highest, under `newest` the longest; among equals, `1.4.2` and `v1.4.2`, the first in the alphabet.
    pub fn best<'t>(&self, tags: &'t [Tag]) -> Option<&'t Tag> {
        tags.iter()
            .filter(|tag| self.admits(tag).is_ok())
            .max_by(|one, other| self.rule.by_text(one, other).then_with(|| other.cmp(one)))
    }

    /// Orders two images by this policy; `None` where the policy gives no order: a tag is not of the policy,
    /// or the policy is `tag`, for which the tag's present target is simply right.
    ///
    /// Of two images under the same version, number or text, the one pushed later is the greater.
    pub fn compare(&self, one: &TaggedImage<'_>, other: &TaggedImage<'_>) -> Option<Ordering> {
        self.admits(one.tag).and_then(|()| self.admits(other.tag)).ok()?;
        self.rule.compare(one, other)
    }

    /// Whether the policy is `tag`: the tag's target is deployed, be it older or newer.
    pub fn follows_tag(&self) -> Option<&Tag> {
        self.rule.followed()
    }

    fn of(rule: impl Rule + 'static) -> Self {
        Self { rule: Arc::new(rule), ignore: Ignore::default() }
    }
}

impl fmt::Display for TagPolicy {
    /// The policy in words, as the document has it: `semver ">=1.4, <2"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}

/// One way to choose tags and to order them; its `Display` is the rule in words.
trait Rule: fmt::Debug + fmt::Display + Send + Sync {
    /// Whether the rule deploys this tag.
    fn admits(&self, tag: &Tag) -> bool;

    /// Orders two admitted tags by what they say alone, without regard to what they point to.
    fn by_text(&self, one: &Tag, other: &Tag) -> Ordering;

    /// Orders two images under admitted tags.
    fn compare(&self, one: &TaggedImage<'_>, other: &TaggedImage<'_>) -> Option<Ordering> {
        let pushed = || match (one.pushed_at, other.pushed_at) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => Ordering::Equal,
        };
        Some(self.by_text(one.tag, other.tag).then_with(pushed))
    }

    /// The one tag that the rule follows, if it is such a rule.
    fn followed(&self) -> Option<&Tag> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn tag(text: &str) -> Tag {
        Tag::parse(text).expect(text)
    }

    /// Compares two images, each `TAG SECOND`, with digests of their own.
    pub(super) fn compared(
        policy: &TagPolicy,
        one: (&str, Option<f64>),
        other: (&str, Option<f64>),
    ) -> Option<Ordering> {
        let at = |second: Option<f64>| second.map(|s| Timestamp::from_millisecond((s * 1000.0) as i64).unwrap());
        let digests = ["1", "2"].map(|digit| Digest::parse(&format!("sha256:{}", digit.repeat(64))).unwrap());
        let tags = [tag(one.0), tag(other.0)];
        policy.compare(
            &TaggedImage { tag: &tags[0], digest: &digests[0], pushed_at: at(one.1) },
            &TaggedImage { tag: &tags[1], digest: &digests[1], pushed_at: at(other.1) },
        )
    }

    /// `tags` stand in the policy's order, each greater than the one before, although pushed in reverse.
    #[track_caller]
    pub(super) fn check_order(policy: &TagPolicy, tags: &[&str]) {
        for (at, one) in tags.iter().enumerate() {
            for (later, other) in tags.iter().enumerate().skip(at + 1) {
                let (pushed, before) = (Some(100.0 - at as f64), Some(100.0 - later as f64));
                assert_eq!(compared(policy, (one, pushed), (other, before)), Some(Ordering::Less), "{one} < {other}");
                assert_eq!(
                    compared(policy, (other, before), (one, pushed)),
                    Some(Ordering::Greater),
                    "{other} > {one}"
                );
            }
        }
    }

    /// The policy deploys all of `yes` and none of `no`.
    #[track_caller]
    pub(super) fn check_admits(policy: &TagPolicy, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert_eq!(policy.admits(&tag(text)), Ok(()), "{text}");
        }
        for text in no {
            assert_eq!(policy.admits(&tag(text)), Err(NoMatch::NotOfPolicy(policy.to_string())), "{text}");
        }
    }

    #[track_caller]
    pub(super) fn check_best(policy: &TagPolicy, tags: &[&str], best: Option<&str>) {
        let mut tags: Vec<Tag> = tags.iter().map(|text| tag(text)).collect();
        assert_eq!(policy.best(&tags).map(Tag::as_str), best);
        tags.reverse();
        assert_eq!(policy.best(&tags).map(Tag::as_str), best, "the order in which ECR names the tags changes nothing");
    }

    #[test]
    fn an_ignored_tag_has_no_order() {
        let policy = TagPolicy::semver("*").unwrap().ignoring(Ignore::new(vec![Glob::parse("*.13").unwrap()]));
        assert_eq!(policy.admits(&tag("1.2.13")), Err(NoMatch::Ignored("*.13".to_owned())));
        assert_eq!(compared(&policy, ("1.2.13", None), ("1.2.14", None)), None);
        check_best(&policy, &["1.2.13", "1.2.3"], Some("1.2.3"));
    }
}
