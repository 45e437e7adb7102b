//! The `tags` of a target: exactly one rule, and the globs of what is left out.

use super::key::Key;
use super::keys::TAGS;
use super::reader::{At, Reader};
use crate::config::tags::{Glob, TagPolicy};

const RIGHT: &str = r#"{semver: ">=1, <2"}, or one of tag, numerical, alphabetical, newest"#;

/// What is read of a policy.
pub(super) struct Tags {
    /// Without a value if there is a mistake in it.
    pub(super) ignore: Option<Vec<Glob>>,
    pub(super) policy: Option<TagPolicy>,
}

/// What one text says about the tags.
pub(super) struct Rule {
    name: &'static str,
    right: &'static str,
    compile: fn(&str) -> Result<TagPolicy, String>,
}

/// What is read of a rule that is a map with a pattern.
pub(super) struct Matched {
    rule: &'static Rule,
    policy: Option<TagPolicy>,
}

pub(super) static TAG: Rule = Rule { name: "tag", right: r#""prod""#, compile: TagPolicy::tag };

pub(super) static SEMVER: Rule =
    Rule { name: "semver", right: r#"a range such as ">=1, <2""#, compile: TagPolicy::semver };

pub(super) static NUMERICAL: Rule =
    Rule { name: "numerical", right: r"{pattern: '^build-(?P<v>\d+)$'}", compile: TagPolicy::numerical };

pub(super) static ALPHABETICAL: Rule =
    Rule { name: "alphabetical", right: r"{pattern: '^release-(?P<v>.+)$'}", compile: TagPolicy::alphabetical };

pub(super) static NEWEST: Rule =
    Rule { name: "newest", right: "{pattern: '^[0-9a-f]{40}$'}", compile: TagPolicy::newest };

pub(super) fn read<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<TagPolicy> {
    if let Some(text) = at.node.word() {
        let key = if TagPolicy::semver(text).is_ok() { "semver" } else { "tag" };
        reader.wrong(at, format!("says {text:?} but not how tags are chosen; write {{{key}: {text:?}}}"));
        return None;
    }
    let mut tags = Tags { ignore: Some(Vec::new()), policy: None };
    let fields = reader.map(at, RIGHT, TAGS, &mut tags)?;
    let rules = || TAGS.iter().filter(|key| key.is_one_of()).map(|key| key.name);
    let given: Vec<&str> = rules().filter(|rule| fields.has(rule)).collect();
    match given.as_slice() {
        [_] => {}
        [] if rules().any(|rule| fields.misspells(rule, TAGS)) => {}
        [] => reader.wrong(at, format!("does not say which tags are deployed; write {RIGHT}")),
        several => {
            reader.wrong(at, format!("{} are given; exactly one of them decides, so keep one", several.join(" and ")));
            return None;
        }
    }
    let (policy, ignore) = (tags.policy?, tags.ignore?);
    if let Some(tag) = policy.follows_tag()
        && let Some(index) = ignore.iter().position(|glob| !glob.takes_back() && glob.matches(tag))
    {
        let text = format!(
            "{:?} leaves out the tag {:?} that is to be deployed; leave one of the two out",
            ignore[index].as_str(),
            tag.as_str()
        );
        reader.wrong(&at.key("ignore", at.node).item(index, at.node), text);
        return None;
    }
    Some(policy.ignoring(ignore))
}

pub(super) fn ignore<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<Vec<Glob>> {
    let items = reader.list(at, r#"["*-dev"]"#)?;
    let mut globs = Vec::with_capacity(items.len());
    for at in &items {
        if let Some(text) = reader.text(at, r#""*-dev""#) {
            globs.extend(reader.accept(at, Glob::parse(text)));
        }
    }
    (globs.len() == items.len()).then_some(globs)
}

impl Rule {
    /// A rule that is a text. Each distinct one is compiled once, however many targets have it.
    pub(super) fn read<'n>(&self, reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<TagPolicy> {
        let text = reader.text(at, self.right)?;
        let rule = reader.rules.entry((self.name, text)).or_insert_with(|| (self.compile)(text)).clone();
        reader.accept(at, rule)
    }

    /// A rule that is a map with a pattern.
    pub(super) fn read_map<'n>(
        &'static self,
        reader: &mut Reader<'n>,
        at: &At<'n, '_>,
        keys: &'static [Key<Matched>],
    ) -> Option<TagPolicy> {
        if let Some(text) = at.node.word() {
            reader.wrong(at, format!("one text stands where a map is expected; write {{pattern: '{text}'}}"));
            return None;
        }
        let mut matched = Matched { rule: self, policy: None };
        let fields = reader.map(at, self.right, keys, &mut matched)?;
        if keys.iter().all(|key| !fields.has(key.name)) {
            reader.wrong(at, format!("has no pattern; write {}", self.right));
        }
        matched.policy
    }
}

impl Matched {
    pub(super) fn pattern<'n>(&mut self, reader: &mut Reader<'n>, at: &At<'n, '_>) {
        self.policy = self.rule.read(reader, at);
    }
}
