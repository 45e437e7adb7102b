//! The rule `semver`: tags that are versions within a range, in the order of their precedence.
//!
//! Ranges are Cargo's dialect; a range in npm's is answered with Cargo's.

use semver::{Version, VersionReq};

use crate::model::image::Tag;

/// The range; the error says what is wrong with the text, and what would be right.
pub(super) fn range(text: &str) -> Result<VersionReq, String> {
    VersionReq::parse(text).map_err(|_| mistake(text))
}

/// The version that a tag is; whole ones only, since `1.4` and `latest` move.
pub(super) fn version(tag: &Tag) -> Option<Version> {
    let text = tag.as_str();
    Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

fn mistake(text: &str) -> String {
    let range = without_leading_v(text);
    if text.trim().is_empty() {
        return "an empty text is not a version range; write \"*\" for every version".to_owned();
    }
    if text.contains("||") {
        let spanning = spanning(text);
        return format!(
            "{text:?} is not a version range: there is no \"or\"; write one that spans both, such as {spanning:?}"
        );
    }
    if let Some(right) =
        [range.clone(), with_commas(&range), from_to(&range)].iter().find(|it| VersionReq::parse(it).is_ok())
    {
        return format!("{text:?} is not a version range; try {right:?}");
    }
    format!("{text:?} is not a version range; try {:?}", spanning(&range))
}

/// `>=v1.4` becomes `>=1.4`.
fn without_leading_v(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let before_digit = text[at + c.len_utf8()..].starts_with(|next: char| next.is_ascii_digit());
        let within_word = kept.ends_with(|before: char| before.is_ascii_alphanumeric());
        if !matches!(c, 'v' | 'V') || !before_digit || within_word {
            kept.push(c);
        }
    }
    kept
}

/// npm's `>=1.4 <2` is Cargo's `>=1.4, <2`.
fn with_commas(text: &str) -> String {
    let mut range = String::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let operator_stands_alone = range.ends_with(['<', '>', '=', '~', '^']);
        if !range.is_empty() && !operator_stands_alone {
            range.push_str(", ");
        }
        range.push_str(word);
    }
    range
}

/// npm's `1.4 - 1.6` is Cargo's `>=1.4, <=1.6`.
fn from_to(text: &str) -> String {
    text.split_once(" - ").map_or_else(String::new, |(from, to)| format!(">={}, <={}", from.trim(), to.trim()))
}

/// A range from the lowest to the highest major version that the text names.
fn spanning(text: &str) -> String {
    let majors = text
        .split(['|', ' ', ',', '<', '>', '=', '^', '~', 'v'])
        .filter_map(|word| word.split('.').next()?.parse::<u32>().ok());
    let (low, high) = majors.fold((u32::MAX, 0), |(low, high), major| (low.min(major), high.max(major)));
    let (low, high) = if low > high { (1, 1) } else { (low, high) };
    format!(">={low}, <{}", u64::from(high) + 1)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use crate::config::tags::TagPolicy;
    use crate::config::tags::tests::{check_admits, check_best, check_order, compared};

    #[test]
    fn whole_versions_within_the_range_with_or_without_a_v() {
        let policy = TagPolicy::semver(">=1.4, <2").unwrap();
        check_admits(
            &policy,
            &["1.4.0", "v1.4.0", "1.99.7"],
            &["1.3.9", "2.0.0", "1.4", "v1", "latest", "V1.4.0", "vv1.4.0", "01.4.0", "1.4.0-rc.1", "web-1.4.0"],
        );
        assert_eq!(policy.to_string(), r#"semver ">=1.4, <2""#);
    }

    #[test]
    fn a_pre_release_counts_only_if_the_range_names_one() {
        check_admits(&TagPolicy::semver("*").unwrap(), &["0.0.1", "7.0.0"], &["1.5.0-rc.1"]);
        check_admits(
            &TagPolicy::semver(">=1.5.0-rc.1, <2").unwrap(),
            &["1.5.0-rc.1", "1.5.0-rc.2", "1.5.0", "1.6.0"],
            &["1.5.0-beta", "1.6.0-rc.1"],
        );
    }

    #[test]
    fn versions_are_ordered_by_precedence_not_by_text() {
        let policy = TagPolicy::semver(">=1.0.0-0").unwrap();
        check_order(
            &policy,
            &["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2", "v1.0.0-rc.10", "1.0.0", "1.9.0", "v1.10.0"],
        );
    }

    #[test]
    fn the_same_version_pushed_again_is_newer() {
        let policy = TagPolicy::semver("*").unwrap();
        let ordered = |one, other| compared(&policy, ("1.4.2", one), ("v1.4.2", other));
        assert_eq!(ordered(Some(1.0), Some(2.0)), Some(Ordering::Less));
        assert_eq!(ordered(Some(2.0), Some(1.5)), Some(Ordering::Greater));
        assert_eq!(ordered(Some(1.0), Some(1.0)), Some(Ordering::Equal));
        assert_eq!(ordered(None, Some(1.0)), Some(Ordering::Equal));
        assert_eq!(compared(&policy, ("latest", Some(1.0)), ("1.4.2", Some(2.0))), None);
    }

    #[test]
    fn the_highest_version_is_the_best_tag() {
        let policy = TagPolicy::semver("*").unwrap();
        check_best(&policy, &["latest", "1.8", "1.8.2", "1"], Some("1.8.2"));
        check_best(&policy, &["v1.8.2", "1.8.2"], Some("1.8.2"));
        check_best(&policy, &["1.9.0", "1.10.0"], Some("1.10.0"));
        check_best(&policy, &["latest", "sha256-abc.sig"], None);
    }

    #[test]
    fn a_wrong_range_is_reported_with_a_right_one() {
        let reported: Vec<String> =
            [">=1.x.y", "1.x || 2.x", ">=1.4 <2", "1.4 - 1.6", ">=v1.4", "latest", "", "1.2.3.4", ">= 3, <", "^1 ^2"]
                .iter()
                .map(|range| TagPolicy::semver(range).unwrap_err())
                .collect();
        insta::assert_snapshot!(reported.join("\n"), @r#"
        ">=1.x.y" is not a version range; try ">=1, <2"
        "1.x || 2.x" is not a version range: there is no "or"; write one that spans both, such as ">=1, <3"
        ">=1.4 <2" is not a version range; try ">=1.4, <2"
        "1.4 - 1.6" is not a version range; try ">=1.4, <=1.6"
        ">=v1.4" is not a version range; try ">=1.4"
        "latest" is not a version range; try ">=1, <2"
        an empty text is not a version range; write "*" for every version
        "1.2.3.4" is not a version range; try ">=1, <2"
        ">= 3, <" is not a version range; try ">=3, <4"
        "^1 ^2" is not a version range; try "^1, ^2"
        "#);
    }

    #[test]
    fn every_range_that_is_offered_is_right() {
        for range in [">=1.x.y", "1.x || 3.x", "4294967295.a", "99999999999.a", "v", "~> 1.2", "=> 1", "1 || latest"] {
            let reported = TagPolicy::semver(range).unwrap_err();
            let offered = reported.rsplit('"').nth(1).unwrap();
            assert!(TagPolicy::semver(offered).is_ok(), "{reported}");
        }
    }
}
