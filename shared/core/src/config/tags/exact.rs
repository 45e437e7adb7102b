//! The rule `tag`: exactly one tag, whatever it points to now, so that re-tagging promotes.

use std::cmp::Ordering;
use std::fmt;

use super::{Rule, TaggedImage};
use crate::model::image::Tag;

#[derive(Debug)]
pub(super) struct Exact {
    tag: Tag,
}

impl Exact {
    pub(super) fn new(tag: Tag) -> Self {
        Self { tag }
    }
}

impl Rule for Exact {
    fn admits(&self, tag: &Tag) -> bool {
        *tag == self.tag
    }

    fn by_text(&self, _: &Tag, _: &Tag) -> Ordering {
        Ordering::Equal
    }

    fn compare(&self, _: &TaggedImage<'_>, _: &TaggedImage<'_>) -> Option<Ordering> {
        None
    }

    fn followed(&self) -> Option<&Tag> {
        Some(&self.tag)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tag \"{}\"", self.tag)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tags::TagPolicy;
    use crate::config::tags::tests::{check_admits, check_best, compared, tag};

    #[test]
    fn only_the_tag_itself_and_in_no_order() {
        let policy = TagPolicy::tag(tag("prod"));
        check_admits(&policy, &["prod"], &["prod-1", "Prod", "production"]);
        check_best(&policy, &["1.4.2", "prod", "zzz"], Some("prod"));
        check_best(&policy, &["1.4.2"], None);
        assert_eq!(policy.follows_tag(), Some(&tag("prod")));
        assert_eq!(compared(&policy, ("prod", Some(1.0)), ("prod", Some(2.0))), None);
        assert_eq!(policy.to_string(), r#"tag "prod""#);
    }

    #[test]
    fn a_tag_that_a_person_named_is_never_ignored() {
        check_admits(&TagPolicy::tag(tag("mycache")), &["mycache"], &["cache"]);
    }
}
