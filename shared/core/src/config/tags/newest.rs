//! The rule `newest`: tags that match, in the order in which the registry received their images. For git SHAs, which have no order.

use std::cmp::Ordering;
use std::fmt;

use super::{Pattern, Rule, TaggedImage};
use crate::model::image::Tag;

#[derive(Debug)]
pub(super) struct Newest {
    pattern: Pattern,
}

impl Newest {
    pub(super) fn new(pattern: Pattern) -> Self {
        Self { pattern }
    }
}

impl Rule for Newest {
    fn admits(&self, tag: &Tag) -> bool {
        self.pattern.matches(tag)
    }

    /// The longer tag says more: a whole SHA more than its first digits.
    fn by_text(&self, one: &Tag, other: &Tag) -> Ordering {
        one.as_str().len().cmp(&other.as_str().len())
    }

    /// Whole seconds are compared: ECR documents no finer resolution, and a day's answers must agree with each other.
    fn compare(&self, one: &TaggedImage<'_>, other: &TaggedImage<'_>) -> Option<Ordering> {
        let key = |image: &TaggedImage<'_>| image.pushed_at.map(|at| at.as_second());
        let (second, other_second) = (key(one)?, key(other)?);
        Some((second, one.tag, one.digest).cmp(&(other_second, other.tag, other.digest)))
    }
}

impl fmt::Display for Newest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "newest {}", self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use crate::config::tags::tests::{check_admits, check_best, compared};
    use crate::config::tags::{Pattern, TagPolicy};

    fn shas() -> TagPolicy {
        TagPolicy::newest(Pattern::parse("^[0-9a-f]{7,40}$").unwrap())
    }

    #[test]
    fn images_are_ordered_by_when_they_were_pushed() {
        let ordered = |one, other| compared(&shas(), ("fffffff", one), ("0000000", other));
        assert_eq!(ordered(Some(1.0), Some(2.0)), Some(Ordering::Less));
        assert_eq!(ordered(Some(3.0), Some(2.0)), Some(Ordering::Greater));
        assert_eq!(ordered(None, Some(2.0)), None);
    }

    #[test]
    fn within_one_second_the_tag_decides_then_the_digest() {
        let ordered = |one, other| compared(&shas(), one, other);
        assert_eq!(ordered(("fffffff", Some(1.1)), ("0000000", Some(1.9))), Some(Ordering::Greater));
        // The digests that `compared` gives are the lower one first.
        assert_eq!(ordered(("fffffff", Some(1.9)), ("fffffff", Some(1.1))), Some(Ordering::Less));
    }

    #[test]
    fn the_longest_tag_is_the_best() {
        check_admits(&shas(), &["9fceb02"], &["latest", "9fceb0"]);
        check_best(
            &shas(),
            &["latest", "9fceb02", "9fceb02d0ae598e95dc970b74767f19372d61af8"],
            Some("9fceb02d0ae598e95dc970b74767f19372d61af8"),
        );
        check_best(&shas(), &["ccccccc", "ddddddd"], Some("ccccccc"));
    }
}
