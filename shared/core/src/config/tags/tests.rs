//! The policies in tables: what each rule admits, how it orders, and which of an image's tags is the best.

use super::*;

pub(super) fn tag(text: &str) -> Tag {
    Tag::parse(text).expect(text)
}

/// Compares two images, each `TAG SECOND`, with digests of their own.
pub(super) fn compared(policy: &TagPolicy, one: (&str, Option<f64>), other: (&str, Option<f64>)) -> Option<Ordering> {
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
            assert_eq!(compared(policy, (other, before), (one, pushed)), Some(Ordering::Greater), "{other} > {one}");
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
    check_best_of(policy, &tags.iter().map(|text| (*text, None)).collect::<Vec<_>>(), best);
}

/// As [`check_best`], each tag with the second in which it came.
#[track_caller]
fn check_best_of(policy: &TagPolicy, tags: &[(&str, Option<i64>)], best: Option<&str>) {
    let at = |second: &i64| Timestamp::from_second(*second).unwrap();
    let tags: Vec<_> = tags.iter().map(|(text, second)| (tag(text), second.as_ref().map(at))).collect();
    let of_image = |(tag, at): &'_ (Tag, Option<Timestamp>)| (tag.clone(), *at);
    let found = |tags: Vec<(Tag, Option<Timestamp>)>| {
        policy.best(tags.iter().map(|(tag, at)| TagOfImage { tag, at: *at })).map(|tag| tag.as_str().to_owned())
    };
    assert_eq!(found(tags.iter().map(of_image).collect()).as_deref(), best);
    let reversed = found(tags.iter().rev().map(of_image).collect());
    assert_eq!(reversed.as_deref(), best, "the order in which ECR names the tags changes nothing");
}

#[test]
fn an_ignored_tag_has_no_order() {
    let policy = TagPolicy::semver("*").unwrap().ignoring(vec![Glob::parse("*.13").unwrap()]);
    assert_eq!(policy.admits(&tag("1.2.13")), Err(NoMatch::Ignored("*.13".to_owned())));
    assert_eq!(compared(&policy, ("1.2.13", None), ("1.2.14", None)), None);
    check_best(&policy, &["1.2.13", "1.2.3"], Some("1.2.3"));
}

#[test]
fn only_the_tag_itself_and_in_no_order() {
    let policy = TagPolicy::tag("prod").unwrap();
    check_admits(&policy, &["prod"], &["prod-1", "Prod", "production"]);
    check_best(&policy, &["1.4.2", "prod", "zzz"], Some("prod"));
    check_best(&policy, &["1.4.2"], None);
    assert_eq!(policy.follows_tag(), Some(&tag("prod")));
    assert_eq!(compared(&policy, ("prod", Some(1.0)), ("prod", Some(2.0))), None);
    assert_eq!(policy.to_string(), r#"tag "prod""#);
}

#[test]
fn a_tag_that_a_person_named_is_never_ignored() {
    check_admits(&TagPolicy::tag("mycache").unwrap(), &["mycache"], &["cache"]);
}

#[test]
fn tags_are_ordered_by_the_text_that_the_group_finds() {
    let policy = TagPolicy::alphabetical(r"^[a-z]+-(?P<v>\d{8}T\d{6}Z)$").unwrap();
    check_admits(&policy, &["web-20261121T080000Z"], &["20261121T080000Z", "web-20261121"]);
    check_order(&policy, &["z-20261120T235959Z", "m-20261121T000000Z", "a-20261121T000001Z"]);
    check_best(&policy, &["b-20261121T000000Z", "a-20261121T000001Z"], Some("a-20261121T000001Z"));
    assert_eq!(policy.to_string(), r"alphabetical '^[a-z]+-(?P<v>\d{8}T\d{6}Z)$'");
}

fn numerical(pattern: &str) -> TagPolicy {
    TagPolicy::numerical(pattern).unwrap()
}

#[test]
fn numbers_are_exact_at_any_size() {
    let policy = numerical(r"^build-(?P<v>\d+)$");
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
    check_admits(&numerical(r"^build-(?P<v>.*)$"), &["build-1"], &["build-", "build-1a", "build--1", "build"]);
    check_admits(&numerical(r"^(?:a-(?P<v>\d+)|b)$"), &["a-1"], &["b"]);
}

#[test]
fn a_pattern_without_its_group_is_a_mistake() {
    let reported = TagPolicy::numerical(r"^build-(\d+)$").unwrap_err();
    insta::assert_snapshot!(reported, @r#"'^build-(\d+)$' has no group named v around what is ordered; write it like '^build-(?P<v>\d+)$'"#);
    assert!(TagPolicy::alphabetical("^release-").unwrap_err().contains("no group named v"));
}

fn shas() -> TagPolicy {
    TagPolicy::newest("^[0-9a-f]{7,40}$").unwrap()
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

#[test]
fn of_tags_without_an_order_the_one_that_came_last_is_the_best() {
    const DAY: i64 = 24 * 60 * 60;
    let whole = "9fceb02d0ae598e95dc970b74767f19372d61af8";
    check_best_of(&shas(), &[("ccccccc", Some(0)), ("ddddddd", Some(DAY))], Some("ddddddd"));
    check_best_of(&shas(), &[(whole, Some(0)), ("ddddddd", Some(DAY))], Some("ddddddd"));
    // The tags of one push come within seconds of each other, in any order.
    check_best_of(&shas(), &[(whole, Some(DAY)), ("9fceb02", Some(DAY + 2))], Some(whole));
    check_best_of(&shas(), &[(whole, Some(DAY)), ("9fceb02", Some(DAY - 2))], Some(whole));
    // A tag of which nobody knows when it came is an older one.
    check_best_of(&shas(), &[(whole, None), ("ddddddd", Some(DAY))], Some("ddddddd"));

    let versions = TagPolicy::semver("*").unwrap();
    check_best_of(&versions, &[("1.9.0", Some(0)), ("1.5.0", Some(DAY))], Some("1.9.0"));
    let builds = TagPolicy::numerical(r"-(?P<v>\d+)$").unwrap();
    check_best_of(&builds, &[("rc-17", Some(0)), ("release-17", Some(DAY))], Some("release-17"));
    check_best_of(&builds, &[("rc-17", Some(0)), ("release-17", Some(9))], Some("rc-17"));
}
