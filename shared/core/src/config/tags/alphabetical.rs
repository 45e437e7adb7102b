//! The rule `alphabetical`: tags in which a pattern finds a text, in the order of that text. Dates sort so.

use std::cmp::Ordering;
use std::fmt;

use super::{Pattern, Rule};
use crate::model::image::Tag;

#[derive(Debug)]
pub(super) struct Alphabetical {
    pattern: Pattern,
}

impl Alphabetical {
    pub(super) fn new(pattern: Pattern) -> Result<Self, String> {
        pattern.with_group(r"^release-(?P<v>.+)$").map(|pattern| Self { pattern })
    }
}

impl Rule for Alphabetical {
    fn admits(&self, tag: &Tag) -> bool {
        self.pattern.extract(tag).is_some()
    }

    fn by_text(&self, one: &Tag, other: &Tag) -> Ordering {
        self.pattern.extract(one).cmp(&self.pattern.extract(other))
    }
}

impl fmt::Display for Alphabetical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alphabetical {}", self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tags::tests::{check_admits, check_best, check_order};
    use crate::config::tags::{Pattern, TagPolicy};

    #[test]
    fn tags_are_ordered_by_the_text_that_the_group_finds() {
        let policy = TagPolicy::alphabetical(Pattern::parse(r"^[a-z]+-(?P<v>\d{8}T\d{6}Z)$").unwrap()).unwrap();
        check_admits(&policy, &["web-20261121T080000Z"], &["20261121T080000Z", "web-20261121"]);
        check_order(&policy, &["z-20261120T235959Z", "m-20261121T000000Z", "a-20261121T000001Z"]);
        check_best(&policy, &["b-20261121T000000Z", "a-20261121T000001Z"], Some("a-20261121T000001Z"));
        assert_eq!(policy.to_string(), r"alphabetical '^[a-z]+-(?P<v>\d{8}T\d{6}Z)$'");
    }

    #[test]
    fn a_pattern_without_its_group_is_a_mistake() {
        assert!(
            TagPolicy::alphabetical(Pattern::parse("^release-").unwrap()).unwrap_err().contains("no group named v")
        );
    }
}
