//! The regular expressions that choose tags, and extract from them what is ordered.

use std::fmt;

use regex_lite::Regex;

use crate::model::image::Tag;

/// The name of the group whose text is ordered.
const GROUP: &str = "v";

/// A regular expression over tags. It is found anywhere in a tag unless it says `^` and `$`.
#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles the expression; the error says what is wrong with it, and what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty text is no pattern; write '.*' for every tag".to_owned());
        }
        match Regex::new(text) {
            Ok(regex) => Ok(Self(regex)),
            Err(error) => Err(format!("{} is not a regular expression: {error}; {}", quoted(text), advice(text))),
        }
    }

    pub(super) fn matches(&self, tag: &Tag) -> bool {
        self.0.is_match(tag.as_str())
    }

    /// What the group `v` finds in the tag.
    pub(super) fn extract<'t>(&self, tag: &'t Tag) -> Option<&'t str> {
        Some(self.0.captures(tag.as_str())?.name(GROUP)?.as_str())
    }

    /// The number that the group `v` finds in the tag, exact at any size: how many digits it has, leading zeros left out,
    /// and these digits.
    pub(super) fn number<'t>(&self, tag: &'t Tag) -> Option<(usize, &'t str)> {
        let text = self.extract(tag)?;
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let digits = text.trim_start_matches('0');
        is_number.then_some((digits.len(), digits))
    }

    /// The pattern, if it has the group `v`; the error shows `right`, one that has it.
    pub(super) fn with_group(self, right: &str) -> Result<Self, String> {
        if self.0.capture_names().flatten().any(|name| name == GROUP) {
            return Ok(self);
        }
        Err(format!("{self} has no group named v around what is ordered; write it like '{right}'"))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(self.0.as_str()))
    }
}

/// The text in YAML's single quotes, in which a backslash stands for itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn advice(text: &str) -> &'static str {
    if text.starts_with(['*', '?', '+']) {
        "to match any text write '.*', not '*'"
    } else if text.contains("(?=") || text.contains("(?!") || text.contains("(?<=") || text.contains("(?<!") {
        "leave tags out with `ignore`"
    } else {
        r"a right one is '^build-(?P<v>\d+)$'"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pattern_is_reported_with_a_right_one() {
        let reported: Vec<String> =
            ["", "*", "^build-(?P<v>\\d+$", "^(?!dev).*$", "[z-a]", "(?P<v>a)(?P<v>b)", "it's ("]
                .iter()
                .map(|text| Pattern::parse(text).unwrap_err())
                .collect();
        insta::assert_snapshot!(reported.join("\n"), @r#"
        an empty text is no pattern; write '.*' for every tag
        '*' is not a regular expression: uncounted repetition operator must be applied to a sub-expression; to match any text write '.*', not '*'
        '^build-(?P<v>\d+$' is not a regular expression: found open group without closing ')'; a right one is '^build-(?P<v>\d+)$'
        '^(?!dev).*$' is not a regular expression: look-around is not supported; leave tags out with `ignore`
        '[z-a]' is not a regular expression: invalid range in character class; a right one is '^build-(?P<v>\d+)$'
        '(?P<v>a)(?P<v>b)' is not a regular expression: duplicate capture group name; a right one is '^build-(?P<v>\d+)$'
        'it''s (' is not a regular expression: found open group without closing ')'; a right one is '^build-(?P<v>\d+)$'
        "#);
    }

    #[test]
    fn the_group_may_be_written_in_both_forms() {
        let tag = Tag::parse("build-7").unwrap();
        for text in ["-(?P<v>.)", "-(?<v>.)"] {
            assert_eq!(Pattern::parse(text).unwrap().extract(&tag), Some("7"));
        }
    }
}
