//! The rule `numerical`: tags in which a pattern finds a number, in the order of that number.

use std::cmp::Ordering;
use std::fmt;

use super::{Pattern, Rule};
use crate::model::image::Tag;

#[derive(Debug)]
pub(super) struct Numerical {
    pattern: Pattern,
}

impl Numerical {
    pub(super) fn new(pattern: Pattern) -> Result<Self, String> {
        pattern.with_group(r"^build-(?P<v>\d+)$").map(|pattern| Self { pattern })
    }

    /// The number's digits without leading zeros: such texts compare exactly, however long they are.
    fn digits<'t>(&self, tag: &'t Tag) -> Option<&'t str> {
        let text = self.pattern.extract(tag)?;
        let right = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        right.then(|| text.trim_start_matches('0'))
    }
}

impl Rule for Numerical {
    fn admits(&self, tag: &Tag) -> bool {
        self.digits(tag).is_some()
    }

    fn by_text(&self, one: &Tag, other: &Tag) -> Ordering {
        let key = |tag| self.digits(tag).map(|digits| (digits.len(), digits));
        key(one).cmp(&key(other))
    }
}

impl fmt::Display for Numerical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "numerical {}", self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use crate::config::tags::tests::{check_admits, check_best, check_order, compared};
    use crate::config::tags::{Pattern, TagPolicy};

    fn policy(pattern: &str) -> TagPolicy {
        TagPolicy::numerical(Pattern::parse(pattern).unwrap()).unwrap()
    }

    #[test]
    fn numbers_are_exact_at_any_size() {
        let policy = policy(r"^build-(?P<v>\d+)$");
        check_order(
            &policy,
            &[
                "build-0",
                "build-9",
                "build-010",
                "build-99",
                "build-18446744073709551615",
                "build-18446744073709551616",
                "build-99999999999999999999999999999999999999999998",
                "build-99999999999999999999999999999999999999999999",
            ],
        );
        assert_eq!(compared(&policy, ("build-007", Some(1.0)), ("build-7", Some(2.0))), Some(Ordering::Less));
        check_best(&policy, &["build-9", "build-10", "latest"], Some("build-10"));
        assert_eq!(policy.to_string(), r"numerical '^build-(?P<v>\d+)$'");
    }

    #[test]
    fn what_the_group_finds_must_be_digits() {
        check_admits(&policy(r"^build-(?P<v>.*)$"), &["build-1"], &["build-", "build-1a", "build--1", "build"]);
        check_admits(&policy(r"^(?:a-(?P<v>\d+)|b)$"), &["a-1"], &["b"]);
    }

    #[test]
    fn a_pattern_without_its_group_is_a_mistake() {
        let told = TagPolicy::numerical(Pattern::parse(r"^build-(\d+)$").unwrap()).unwrap_err();
        insta::assert_snapshot!(told, @r#"'^build-(\d+)$' has no group named v around what is ordered; write it like '^build-(?P<v>\d+)$'"#);
    }
}
