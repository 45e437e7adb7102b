//! Which tag policy fits a repository: core's own policies are tried on the tags that are there, and the one is taken that admits what
//! runs and orders the most.
//!
//! A tag that runs says what the others look like. Where none runs, the kind is taken of which there are the most.

use std::cmp::{Ordering, Reverse};

use serde_json::{Value, json};
use slipway_core::config::tags::{NoMatch, TagPolicy, TaggedImage};
use slipway_core::model::facts::ImageFacts;
use slipway_core::model::image::{Digest, Tag};

use super::document;
use super::shape::{Kind, Shape};

/// Tags that people move from image to image.
const MOVING: [&str; 24] = [
    "latest",
    "prod",
    "production",
    "live",
    "stable",
    "release",
    "released",
    "current",
    "main",
    "master",
    "trunk",
    "edge",
    "nightly",
    "staging",
    "stage",
    "preprod",
    "uat",
    "qa",
    "test",
    "dev",
    "develop",
    "development",
    "beta",
    "canary",
];

/// So many tags are named that are not deployed.
const NAMED: usize = 3;

/// What a service runs of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    /// The image under a tag.
    Tag(Tag),
    /// An image by its digest.
    Digest(Digest),
    /// Nothing of it: a placeholder.
    Nothing,
}

/// A policy, and why it is taken.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// The policy.
    pub(crate) policy: TagPolicy,
    /// The policy as the document has it.
    pub(crate) rule: Rule,
    /// Why, in sentences.
    pub(crate) why: String,
    /// The newest tag by the policy.
    pub(crate) newest: Option<Tag>,
}

/// A policy as the document has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// This tag.
    Tag(String),
    /// The versions in a range.
    Semver(String),
    /// Those that fit a pattern, by this rule.
    Pattern(&'static str, String),
}

impl Rule {
    /// In YAML: `{ semver: "*" }`.
    pub(crate) fn yaml(&self) -> String {
        match self {
            Self::Tag(tag) => format!("{{ tag: {} }}", document::plain(tag)),
            Self::Semver(range) => format!("{{ semver: \"{range}\" }}"),
            Self::Pattern(rule, pattern) => format!("{{ {rule}: {{ pattern: '{pattern}' }} }}"),
        }
    }

    /// In JSON.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Tag(tag) => json!({ "tag": tag }),
            Self::Semver(range) => json!({ "semver": range }),
            Self::Pattern(rule, pattern) => json!({ *rule: { "pattern": pattern } }),
        }
    }

    fn every_version() -> Self {
        Self::Semver("*".to_owned())
    }

    fn following(tag: &Tag) -> Self {
        Self::Tag(tag.as_str().to_owned())
    }
}

/// Which policy.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// This one.
    Take(Box<Choice>),
    /// A person has to decide: why, and what may be right.
    Ask {
        /// Why.
        why: String,
        /// What to do.
        advice: String,
        /// A policy that may be right.
        rule: Rule,
    },
}

/// A policy that is tried.
struct Candidate {
    policy: TagPolicy,
    rule: Rule,
    kind: Kind,
    /// A tag that looks so.
    like: Tag,
}

/// The tags of a repository, and what runs.
struct Tags<'i> {
    all: Vec<TaggedImage<'i>>,
    running: Option<&'i ImageFacts>,
}

/// The policy for a repository's tags. The cluster is one that a moving tag may be named after.
pub(crate) fn choose(images: &[ImageFacts], running: &Running, cluster: &str) -> Verdict {
    let tags = Tags::of(images, running);
    if tags.all.is_empty() {
        return Verdict::Ask {
            why: "The repository has no tags yet, so nothing says what they will look like.".to_owned(),
            advice: "Choose the tags, and remove the # signs.".to_owned(),
            rule: Rule::every_version(),
        };
    }
    match running {
        Running::Tag(tag) => tags.by_running(tag, cluster),
        Running::Digest(_) => match tags.running.and_then(|image| tags.says_most(image)) {
            Some(tag) => tags.by_running(&tag, cluster),
            None => tags.by_number(),
        },
        Running::Nothing => tags.by_number(),
    }
}

impl<'i> Tags<'i> {
    fn of(images: &'i [ImageFacts], running: &Running) -> Self {
        let tagged = |image: &'i ImageFacts| {
            let ImageFacts { digest, pushed_at, .. } = image;
            image.tags.iter().map(|tag| TaggedImage { tag, digest, pushed_at: *pushed_at })
        };
        let is_running = |image: &&ImageFacts| match running {
            Running::Tag(tag) => image.tags.contains(tag),
            Running::Digest(digest) => image.digest == *digest,
            Running::Nothing => false,
        };
        Self { all: images.iter().flat_map(tagged).collect(), running: images.iter().find(is_running) }
    }

    /// By the tag that the definition names.
    fn by_running(&self, tag: &Tag, cluster: &str) -> Verdict {
        if let Some(choice) = self.as_version(tag) {
            return Verdict::Take(Box::new(choice));
        }
        let mut candidates = self.candidates(tag);
        // Stable: of two that order as many, the first stays.
        candidates.sort_by_key(|it| Reverse(self.admitted(&it.policy).len()));
        if let Some(candidate) = candidates.into_iter().next() {
            return Verdict::Take(Box::new(self.choice(candidate)));
        }
        let is_moving = MOVING.contains(&tag.as_str()) || tag.as_str() == cluster;
        let Ok(policy) = TagPolicy::tag(tag.as_str()) else { return self.nothing_orders(Some(tag)) };
        match is_moving {
            true => Verdict::Take(Box::new(Choice {
                policy,
                rule: Rule::following(tag),
                why: self.follows(tag),
                newest: Some(tag.clone()),
            })),
            false => self.nothing_orders(Some(tag)),
        }
    }

    /// What runs is a version, under this tag or, where this one moves with the versions, under another.
    fn as_version(&self, tag: &Tag) -> Option<Choice> {
        let every = TagPolicy::semver("*").ok()?;
        let of_running = || self.running.into_iter().flat_map(|image| &image.tags);
        let version = of_running().find(|it| every.admits(it).is_ok());
        let range = if every.admits(tag).is_ok() {
            "*".to_owned()
        } else if let Some(range) = pre_release(tag) {
            range
        } else if tag.as_str() == "latest" {
            // Only where `latest` is the newest version, the versions say what is deployed today.
            let best = self.newest(&every)?;
            (Some(best.digest) == self.running.map(|image| &image.digest)).then(|| "*".to_owned())?
        } else {
            // `1.4` moves with 1.4.2.
            let short = tag.as_str().strip_prefix('v').unwrap_or(tag.as_str());
            let version = version?.as_str();
            let rest = version.strip_prefix('v').unwrap_or(version).strip_prefix(short)?;
            let numbers = short.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
            (numbers && rest.starts_with('.')).then(|| format!("~{short}"))?
        };
        let policy = TagPolicy::semver(&range).ok()?;
        let candidate = Candidate { policy, rule: Rule::Semver(range), kind: Kind::Version, like: tag.clone() };
        Some(self.choice(candidate))
    }

    /// By the kind of which there are the most tags.
    fn by_number(&self) -> Verdict {
        if let Ok(policy) = TagPolicy::semver("*")
            && let Some(like) = self.newest(&policy).map(|it| it.tag.clone())
        {
            let candidate = Candidate { policy, rule: Rule::every_version(), kind: Kind::Version, like };
            return Verdict::Take(Box::new(self.choice(candidate)));
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for it in &self.all {
            if candidates.iter().all(|known| known.policy.admits(it.tag).is_err()) {
                candidates
                    .extend(self.candidates(it.tag).into_iter().filter(|it| !self.admitted(&it.policy).is_empty()));
            }
        }
        candidates.sort_by_cached_key(|it| Reverse((self.is_of_main(it), self.admitted(&it.policy).len())));
        let Some(best) = candidates.into_iter().next() else { return self.by_moving() };
        // Builds of branches look like those of the main one, but for their names: nobody knows which are meant.
        let others = self.all.iter().filter(|it| best.policy.admits(it.tag).is_err());
        let rivals = others.filter(|it| !is_ignored(it.tag) && Shape::of(it.tag).is_some());
        match self.is_of_main(&best) || rivals.count() == 0 {
            true => Verdict::Take(Box::new(self.choice(best))),
            false => Verdict::Ask {
                why: format!("Its tags are of several kinds: {}.", self.named(|_| true)),
                advice: "Choose which are deployed, and remove the # signs.".to_owned(),
                rule: best.rule,
            },
        }
    }

    fn by_moving(&self) -> Verdict {
        let is_known = |it: &&TaggedImage<'_>| MOVING.contains(&it.tag.as_str());
        let known: Vec<&Tag> = self.all.iter().filter(is_known).map(|it| it.tag).collect();
        match (known.as_slice(), self.all.len()) {
            ([only], 1) => match TagPolicy::tag(only.as_str()) {
                Ok(policy) => Verdict::Take(Box::new(Choice {
                    policy,
                    rule: Rule::following(only),
                    why: format!("Its one tag is {only}, which moves: whatever it points to is deployed."),
                    newest: Some((*only).clone()),
                })),
                Err(_) => self.nothing_orders(None),
            },
            _ => self.nothing_orders(known.first().copied()),
        }
    }

    fn nothing_orders(&self, tag: Option<&Tag>) -> Verdict {
        let first = tag.or(self.all.iter().map(|it| it.tag).find(|it| !is_ignored(it)));
        let rule = first.map_or_else(Rule::every_version, Rule::following);
        Verdict::Ask {
            why: format!("Nothing orders its tags: {}.", self.named(|_| true)),
            advice: match first {
                Some(tag) => format!(
                    "If your builds move the tag {tag} to each image that shall be deployed, remove the # signs. \
                     If not, give the images versions, build numbers or commit SHAs as tags."
                ),
                None => "Give the images versions, build numbers or commit SHAs as tags.".to_owned(),
            },
            rule,
        }
    }

    /// What a tag's form allows: its number, its date, or the time of its push.
    fn candidates(&self, tag: &Tag) -> Vec<Candidate> {
        let Some(shape) = Shape::of(tag) else { return Vec::new() };
        let alike: Vec<&Tag> = self.all.iter().map(|it| it.tag).filter(|it| shape.fits(it)).collect();
        let candidate = |(kind, pattern): (Kind, String)| {
            let (policy, name) = match kind {
                Kind::Number => (TagPolicy::numerical(&pattern), "numerical"),
                Kind::Date => (TagPolicy::alphabetical(&pattern), "alphabetical"),
                Kind::Version | Kind::Sha | Kind::Other => (TagPolicy::newest(&pattern), "newest"),
            };
            Some(Candidate { policy: policy.ok()?, rule: Rule::Pattern(name, pattern), kind, like: tag.clone() })
        };
        let found = shape.patterns(&alike).into_iter().filter_map(candidate);
        found.filter(|it| it.policy.admits(tag).is_ok()).collect()
    }

    fn choice(&self, candidate: Candidate) -> Choice {
        let Candidate { policy, rule, kind, like } = candidate;
        let newest = self.newest(&policy);
        let why = self.why(&policy, kind, &like, newest);
        Choice { why, rule, newest: newest.map(|it| it.tag.clone()), policy }
    }

    /// `14 of 17 tags are versions; the newest is 1.8.2, which runs. latest, main and buildcache are not deployed.`
    fn why(&self, policy: &TagPolicy, kind: Kind, like: &Tag, best: Option<&TaggedImage<'_>>) -> String {
        let (admitted, total) = (self.admitted(policy).len(), self.all.len());
        let what = match kind {
            Kind::Version if admitted == 1 => "a version".to_owned(),
            Kind::Version => "versions".to_owned(),
            Kind::Number if Shape::is_number(like) => "build numbers".to_owned(),
            Kind::Sha if Shape::is_sha(like) => "commit SHAs, ordered by the time of their push".to_owned(),
            Kind::Date if admitted == 1 => "a date".to_owned(),
            Kind::Date if Shape::is_date(like) => "dates".to_owned(),
            Kind::Number | Kind::Date => format!("like {like}"),
            Kind::Sha | Kind::Other => format!("like {like}, ordered by the time of their push"),
        };
        let which = match (admitted, total) {
            (1, 1) => format!("Its one tag is {what}"),
            (2, 2) => format!("Both tags are {what}"),
            (all, total) if all == total => format!("All {total} tags are {what}"),
            (1, total) => format!("1 of {total} tags is {what}"),
            (some, total) => format!("{some} of {total} tags are {what}"),
        };
        let newest = best.map(|best| match self.running {
            Some(image) if total == 1 && image.digest == *best.digest => format!(", {}, which runs", best.tag),
            None if total == 1 => format!(", {}", best.tag),
            Some(image) if image.digest == *best.digest => format!("; the newest is {}, which runs", best.tag),
            Some(image) => {
                let runs = image.tags.iter().find(|tag| policy.admits(tag).is_ok());
                format!("; the newest is {}, and {} runs", best.tag, runs.map_or("an older image", Tag::as_str))
            }
            None => format!("; the newest is {}", best.tag),
        });
        let left = total - admitted;
        let left = (left > 0).then(|| {
            let are = if left == 1 { "is" } else { "are" };
            format!(" {} {are} not deployed.", self.named(|tag| policy.admits(tag).is_err()))
        });
        format!("{which}{}.{}", newest.unwrap_or_default(), left.unwrap_or_default())
    }

    fn follows(&self, tag: &Tag) -> String {
        let others = self.all.len() - self.all.iter().filter(|it| it.tag == tag).count();
        let others = match others {
            0 => String::new(),
            1 => format!(" {} is not deployed.", self.named(|it| it != tag)),
            _ => format!(" {} are not deployed.", self.named(|it| it != tag)),
        };
        format!("It runs {tag}, a tag that moves: whatever it points to is deployed.{others}")
    }

    /// The tag of what runs that says the most: a version, then what has an order, then any other.
    fn says_most(&self, image: &ImageFacts) -> Option<Tag> {
        let is_version = |tag: &Tag| TagPolicy::semver("*").is_ok_and(|policy| policy.admits(tag).is_ok());
        let rank = |tag: &&Tag| (is_version(tag), Shape::of(tag).is_some(), !is_ignored(tag), tag.as_str().len());
        image.tags.iter().max_by_key(rank).cloned()
    }

    fn admitted(&self, policy: &TagPolicy) -> Vec<&TaggedImage<'i>> {
        self.all.iter().filter(|it| policy.admits(it.tag).is_ok()).collect()
    }

    fn newest(&self, policy: &TagPolicy) -> Option<&TaggedImage<'i>> {
        self.admitted(policy).into_iter().max_by(|one, other| policy.compare(one, other).unwrap_or(Ordering::Equal))
    }

    fn is_of_main(&self, candidate: &Candidate) -> bool {
        ["main-", "master-", "release-"].iter().any(|branch| candidate.like.as_str().starts_with(branch))
    }

    /// The first few of these tags: `latest, main and 3 more`.
    fn named(&self, which: impl Fn(&Tag) -> bool) -> String {
        let mut tags: Vec<&str> = self.all.iter().map(|it| it.tag).filter(|it| which(it)).map(Tag::as_str).collect();
        tags.sort_unstable();
        let shown = if tags.len() <= NAMED + 1 { tags.len() } else { NAMED };
        let rest = tags.len() - shown;
        match (&tags[..shown], rest) {
            (names, 1..) => format!("{} and {rest} more", names.join(", ")),
            ([names @ .., last], 0) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
            (names, 0) => names.concat(),
        }
    }
}

/// The range that begins with a pre-release's version, where the tag is one.
fn pre_release(tag: &Tag) -> Option<String> {
    let text = tag.as_str().strip_prefix('v').unwrap_or(tag.as_str());
    let (version, _) = text.split_once('-')?;
    let range = format!(">={version}-0");
    TagPolicy::semver(&range).ok()?.admits(tag).is_ok().then_some(range)
}

/// What core leaves out whatever the policy is.
fn is_ignored(tag: &Tag) -> bool {
    TagPolicy::newest(".*").is_ok_and(|every| matches!(every.admits(tag), Err(NoMatch::Ignored(_))))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use slipway_core::model::facts::Storage;
    use slipway_core::model::image::Repository;

    use super::*;

    /// Images with these tags, separated by blanks, in the order of their push.
    fn images(tags: &[&str]) -> Vec<ImageFacts> {
        let repository = Repository::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web").unwrap();
        let image = |(place, tags): (usize, &&str)| ImageFacts {
            repository: repository.clone(),
            digest: digest(tags),
            tags: tags.split(' ').filter_map(Tag::parse).collect(),
            pushed_at: Timestamp::from_second(1_800_000_000 + 60 * i64::try_from(place).unwrap()).ok(),
            media_type: None,
            artifact_media_type: None,
            storage: Storage::Active,
        };
        tags.iter().enumerate().map(image).collect()
    }

    fn digest(tags: &str) -> Digest {
        Digest::of(tags.as_bytes())
    }

    fn chosen(tags: &[&str], running: &Running) -> String {
        match choose(&images(tags), running, "eu") {
            Verdict::Take(choice) => format!("{}\n  {}", choice.rule.yaml(), choice.why),
            Verdict::Ask { why, advice, rule } => format!("? {}\n  {why} {advice}", rule.yaml()),
        }
    }

    fn runs(tags: &[&str], tag: &str) -> String {
        format!("{tag} of {}\n  {}\n", tags.join(" | "), chosen(tags, &Running::Tag(Tag::parse(tag).unwrap())))
    }

    fn waits(tags: &[&str]) -> String {
        format!("{}\n  {}\n", tags.join(" | "), chosen(tags, &Running::Nothing))
    }

    /// The table of what is taken: read it aloud.
    #[test]
    fn the_policy_that_orders_the_most_and_admits_what_runs_is_taken() {
        let shown = [
            runs(&["1.8.0", "1.8.1", "1.8.2 latest", "buildcache"], "1.8.2"),
            runs(&["1.8.0", "1.8.1 latest", "1.9.0"], "1.8.0"),
            runs(&["v1.0.0"], "v1.0.0"),
            runs(&["1.0.0", "2.0.0-rc.1", "2.0.0-rc.2"], "2.0.0-rc.1"),
            runs(&["1.4.1", "1.4.2 1.4 1 latest"], "latest"),
            runs(&["1.4.1 latest", "1.4.2"], "latest"),
            runs(&["1.4.1", "1.4.2 1.4", "1.5.0"], "1.4"),
            runs(&["1.4", "1.10"], "1.4"),
            runs(&["0a1b2c3", "4d5e6f7", "1234567", "latest"], "4d5e6f7"),
            runs(&["0a1b2c3", "4d5e6f7", "1234567"], "1234567"),
            runs(&["main-0a1b2c3", "pr-17-8b1d02e", "feature-x"], "main-0a1b2c3"),
            runs(&["9", "10", "11"], "11"),
            runs(&["build-9", "build-10"], "build-9"),
            runs(&["20261120-0900", "20261121-1530"], "20261120-0900"),
            runs(&["2026.01.05", "2026.01.12"], "2026.01.12"),
            runs(&["release-1.9.0", "release-1.10.0"], "release-1.10.0"),
            runs(&["17-0a1b2c3", "18-4d5e6f7"], "18-4d5e6f7"),
            runs(&["production", "staging", "0a1b2c3 production"], "production"),
            runs(&["eu", "us"], "eu"),
            runs(&["blue", "green"], "blue"),
            runs(&["1.0.0"], "0.9.0"),
        ];
        insta::assert_snapshot!("running", shown.join("\n"));
    }

    #[test]
    fn over_a_placeholder_the_kind_of_which_there_are_the_most_is_taken() {
        let shown = [
            waits(&[]),
            waits(&["0.8.0", "0.9.0 latest"]),
            waits(&["996", "997"]),
            waits(&["main-0a1b2c3", "pr-17-8b1d02e", "pr-18-4d5e6f7"]),
            waits(&["pr-17-8b1d02e", "fix-4d5e6f7"]),
            waits(&["0a1b2c3 latest", "4d5e6f7"]),
            waits(&["latest"]),
            waits(&["blue", "green"]),
            waits(&["buildcache"]),
        ];
        insta::assert_snapshot!("waiting", shown.join("\n"));
    }

    #[test]
    fn an_image_by_its_digest_is_known_by_the_tag_that_says_the_most() {
        let by_digest = |tags: &[&str], digest: Digest| chosen(tags, &Running::Digest(digest));
        let tags = ["1.8.1 0a1b2c3", "1.8.2 4d5e6f7 latest"];
        assert!(by_digest(&tags, digest("1.8.1 0a1b2c3")).starts_with(r#"{ semver: "*" }"#));
        assert!(by_digest(&["0a1b2c3 latest"], digest("0a1b2c3 latest")).starts_with("{ newest:"));
        assert!(by_digest(&["9", "10"], digest("gone")).starts_with("{ numerical:"));
    }
}
