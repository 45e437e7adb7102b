//! Tag policies: which tags a target deploys, and which of two is newer.
//!
//! A policy is one rule, and the globs of the tags that are left out whatever the rule says.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use ::semver::VersionReq;
use jiff::{SignedDuration, Timestamp};

pub use ignore::Glob;

use crate::model::image::{Digest, Tag};

use pattern::Pattern;

mod ignore;
mod pattern;
mod semver;
#[cfg(test)]
mod tests;

/// Which tags a target deploys, and their order. A clone shares the rule.
#[derive(Clone, Debug)]
pub struct TagPolicy {
    rule: Arc<Rule>,
    /// In the document's order; they come after the default ones.
    ignore: Vec<Glob>,
}

/// A way to choose tags and to order them.
#[derive(Debug)]
enum Rule {
    Tag(Tag),
    Semver { text: String, range: VersionReq },
    Numerical(Pattern),
    Alphabetical(Pattern),
    Newest(Pattern),
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

/// A tag of an image, and when it came to it.
#[derive(Clone, Copy, Debug)]
pub struct TagOfImage<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// When it was pushed, as far as that is known.
    pub at: Option<Timestamp>,
}

/// The tags of one build are pushed within this time of each other; what comes later is a push of its own.
pub const ONE_BUILD: SignedDuration = SignedDuration::from_mins(15);

/// Why a tag is not deployed by a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoMatch {
    /// An ignore pattern says so; which one.
    Ignored(String),
    /// It isn't what the policy deploys; the policy in words, `semver ">=1.4, <2"`.
    NotOfPolicy(String),
}

impl TagPolicy {
    /// Deploys exactly this tag, whatever it points to now, an older image too, so that re-tagging promotes.
    ///
    /// The error, here and below, says what is wrong with the text, and what would be right.
    pub fn tag(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no image tag; a tag is of letters, digits and . _ -, such as \"prod\"");
        Tag::parse(text).map(|tag| Self::of(Rule::Tag(tag))).ok_or_else(wrong)
    }

    /// Deploys the tags that are versions, with or without a leading `v`, within a range of Cargo's dialect:
    /// `>=1.4, <2`. A pre-release counts only if the range names one of the same version.
    pub fn semver(range: &str) -> Result<Self, String> {
        Ok(Self::of(Rule::Semver { text: range.to_owned(), range: semver::range(range)? }))
    }

    /// Deploys the tags in which the pattern's group `v` finds digits; orders them by that number, exact at any size.
    pub fn numerical(pattern: &str) -> Result<Self, String> {
        let pattern = Pattern::parse(pattern)?.with_group(r"^build-(?P<v>\d+)$")?;
        Ok(Self::of(Rule::Numerical(pattern)))
    }

    /// Deploys the tags that match; orders them by the text that the pattern's group `v` finds, byte by byte, as dates
    /// sort.
    pub fn alphabetical(pattern: &str) -> Result<Self, String> {
        let pattern = Pattern::parse(pattern)?.with_group(r"^release-(?P<v>.+)$")?;
        Ok(Self::of(Rule::Alphabetical(pattern)))
    }

    /// Deploys the tags that match; orders them by when the registry received their image. For git SHAs, which have no
    /// order.
    ///
    /// Images received within one second are ordered by tag, then by digest, so that the order never changes.
    pub fn newest(pattern: &str) -> Result<Self, String> {
        Ok(Self::of(Rule::Newest(Pattern::parse(pattern)?)))
    }

    /// The same rule, leaving out what these globs say besides the default ones.
    pub fn ignoring(self, ignore: Vec<Glob>) -> Self {
        Self { ignore, ..self }
    }

    /// Whether the policy deploys this tag, and if not, why.
    ///
    /// A policy `tag` ignores nothing: a person named its one tag.
    pub fn admits(&self, tag: &Tag) -> Result<(), NoMatch> {
        if self.follows_tag().is_none()
            && let Some(glob) = ignore::ignored_by(&self.ignore, tag)
        {
            return Err(NoMatch::Ignored(glob.to_owned()));
        }
        if self.rule.admits(tag) { Ok(()) } else { Err(NoMatch::NotOfPolicy(self.to_string())) }
    }

    /// The best of an image's tags under this policy, to show and to order by; `None` if the policy deploys none of them.
    ///
    /// The best is the highest. Among equals, which all are under `newest`, it is one that came last; of those that came
    /// together it is under `newest` the longest, because a whole SHA says more than its first digits, and then the first in
    /// the alphabet.
    pub fn best<'t>(&self, tags: impl IntoIterator<Item = TagOfImage<'t>>) -> Option<&'t Tag> {
        let tags: Vec<TagOfImage<'t>> = tags.into_iter().filter(|it| self.admits(it.tag).is_ok()).collect();
        let last = tags.iter().filter_map(|it| it.at).max();
        let came_last = |it: &TagOfImage<'_>| last.is_none_or(|last| it.at.is_some_and(|at| at + ONE_BUILD >= last));
        let best = tags.iter().max_by(|one, other| {
            let by_text = self.rule.by_text(one.tag, other.tag);
            let by_time = || came_last(one).cmp(&came_last(other));
            let by_length = || self.rule.length(one.tag).cmp(&self.rule.length(other.tag));
            by_text.then_with(by_time).then_with(by_length).then_with(|| other.tag.cmp(one.tag))
        });
        best.map(|it| it.tag)
    }

    /// Orders two images by this policy; `None` where the policy gives no order: a tag is not of the policy,
    /// or the policy is `tag`, for which the tag's present target is simply right.
    ///
    /// Of two images under the same version, number or text, the one pushed later is the greater.
    pub fn compare(&self, one: &TaggedImage<'_>, other: &TaggedImage<'_>) -> Option<Ordering> {
        self.admits(one.tag).and_then(|()| self.admits(other.tag)).ok()?;
        match &*self.rule {
            Rule::Tag(_) => None,
            Rule::Semver { .. } | Rule::Numerical(_) | Rule::Alphabetical(_) => {
                let pushed =
                    || one.pushed_at.zip(other.pushed_at).map_or(Ordering::Equal, |(one, other)| one.cmp(&other));
                Some(self.rule.by_text(one.tag, other.tag).then_with(pushed))
            }
            // Whole seconds are compared: ECR documents no finer resolution, and a day's answers must agree with each other.
            Rule::Newest(_) => {
                let (second, other_second) = (one.pushed_at?.as_second(), other.pushed_at?.as_second());
                Some((second, one.tag, one.digest).cmp(&(other_second, other.tag, other.digest)))
            }
        }
    }

    /// The tag that a policy `tag` deploys, be its image older or newer.
    pub fn follows_tag(&self) -> Option<&Tag> {
        match &*self.rule {
            Rule::Tag(tag) => Some(tag),
            Rule::Semver { .. } | Rule::Numerical(_) | Rule::Alphabetical(_) | Rule::Newest(_) => None,
        }
    }

    fn of(rule: Rule) -> Self {
        Self { rule: Arc::new(rule), ignore: Vec::new() }
    }
}

impl fmt::Display for TagPolicy {
    /// The policy in words, as the document has it: `semver ">=1.4, <2"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.rule {
            Rule::Tag(tag) => write!(f, "tag \"{tag}\""),
            Rule::Semver { text, .. } => write!(f, "semver {text:?}"),
            Rule::Numerical(pattern) => write!(f, "numerical {pattern}"),
            Rule::Alphabetical(pattern) => write!(f, "alphabetical {pattern}"),
            Rule::Newest(pattern) => write!(f, "newest {pattern}"),
        }
    }
}

impl Rule {
    /// Whether the rule deploys this tag.
    fn admits(&self, tag: &Tag) -> bool {
        match self {
            Self::Tag(own) => tag == own,
            Self::Semver { range, .. } => semver::version(tag).is_some_and(|version| range.matches(&version)),
            Self::Numerical(pattern) => pattern.number(tag).is_some(),
            Self::Alphabetical(pattern) => pattern.extract(tag).is_some(),
            Self::Newest(pattern) => pattern.matches(tag),
        }
    }

    /// How much a tag says, where its text has no order.
    fn length(&self, tag: &Tag) -> usize {
        match self {
            Self::Newest(_) => tag.as_str().len(),
            Self::Tag(_) | Self::Semver { .. } | Self::Numerical(_) | Self::Alphabetical(_) => 0,
        }
    }

    /// Orders two admitted tags by what they say alone, without regard to what they point to.
    fn by_text(&self, one: &Tag, other: &Tag) -> Ordering {
        match self {
            Self::Tag(_) | Self::Newest(_) => Ordering::Equal,
            Self::Semver { .. } => match (semver::version(one), semver::version(other)) {
                (Some(one), Some(other)) => one.cmp_precedence(&other),
                (one, other) => one.is_some().cmp(&other.is_some()),
            },
            Self::Numerical(pattern) => pattern.number(one).cmp(&pattern.number(other)),
            Self::Alphabetical(pattern) => pattern.extract(one).cmp(&pattern.extract(other)),
        }
    }
}
