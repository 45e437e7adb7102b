//! The `tags` of a target: exactly one rule, and the globs of what is left out.

use std::collections::HashMap;

use super::reader::{Fields, Path, Reader};
use super::yaml::Node;
use crate::config::tags::{Glob, Ignore, Pattern, TagPolicy};
use crate::model::image::Tag;

const RIGHT: &str = r#"{semver: ">=1, <2"}, or one of tag, numerical, alphabetical, newest"#;
const BUILD: &str = r"{pattern: '^build-(?P<v>\d+)$'}";
const DATE: &str = r"{pattern: '^release-(?P<v>.+)$'}";
const SHA: &str = "{pattern: '^[0-9a-f]{40}$'}";

/// Reads policies. Each distinct rule is compiled once, however many targets have it.
#[derive(Default)]
pub(super) struct Policies<'n> {
    rules: HashMap<(&'static str, &'n str), Result<TagPolicy, String>>,
}

type Compile = fn(&str) -> Result<TagPolicy, String>;

impl<'n> Policies<'n> {
    pub(super) fn read(&mut self, reader: &mut Reader, node: &'n Node<'_>, path: &Path<'_>) -> Option<TagPolicy> {
        if let Some(text) = node.word() {
            let key = if TagPolicy::semver(text).is_ok() { "semver" } else { "tag" };
            reader.wrong(
                path,
                node.line,
                format!("says {text:?} but not how tags are chosen; write {{{key}: {text:?}}}"),
            );
            return None;
        }
        let mut fields = reader.fields(node, path, RIGHT)?;
        let rules: [(&'static str, Option<&'n Node<'_>>); 5] =
            ["tag", "semver", "numerical", "alphabetical", "newest"].map(|key| (key, fields.get(key)));
        let ignore = self.ignore(reader, &mut fields, path);
        reader.unknown(&fields, path);

        let mut policy = None;
        let mut given = Vec::new();
        for (key, node) in rules {
            let Some(node) = node else { continue };
            given.push(key);
            let path = Path::Key(path, key);
            policy = match key {
                "tag" => self.plain(reader, key, node, &path, r#""prod""#, |text| {
                    let wrong =
                        || format!("{text:?} is no image tag; a tag is of letters, digits and . _ -, such as \"prod\"");
                    Tag::parse(text).map(TagPolicy::tag).ok_or_else(wrong)
                }),
                "semver" => self.plain(reader, key, node, &path, r#"a range such as ">=1, <2""#, TagPolicy::semver),
                "numerical" => self.pattern(reader, key, node, &path, BUILD, |text| {
                    Pattern::parse(text).and_then(TagPolicy::numerical)
                }),
                "alphabetical" => self.pattern(reader, key, node, &path, DATE, |text| {
                    Pattern::parse(text).and_then(TagPolicy::alphabetical)
                }),
                _ => self.pattern(reader, key, node, &path, SHA, |text| Pattern::parse(text).map(TagPolicy::newest)),
            };
        }
        match given.as_slice() {
            [_] => {}
            [] if rules.iter().any(|(key, _)| fields.has_slip_of(key)) => {}
            [] => reader.wrong(path, fields.line, format!("does not say which tags are deployed; write {RIGHT}")),
            several => {
                let text = format!("{} are given; exactly one of them decides, so keep one", several.join(" and "));
                reader.wrong(path, fields.line, text);
                return None;
            }
        }
        let (policy, ignore) = (policy?, ignore?);
        if let Some(tag) = policy.follows_tag()
            && let Some(at) = ignore.iter().position(|glob| !glob.takes_back() && glob.matches(tag))
        {
            let text = format!(
                "{:?} leaves out the tag {:?} that is to be deployed; leave one of the two out",
                ignore[at].as_str(),
                tag.as_str()
            );
            reader.wrong(&Path::Item(&Path::Key(path, "ignore"), at), fields.line, text);
            return None;
        }
        Some(policy.ignoring(Ignore::new(ignore)))
    }

    /// A rule that is a text.
    fn plain(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        node: &'n Node<'_>,
        path: &Path<'_>,
        right: &str,
        compile: Compile,
    ) -> Option<TagPolicy> {
        let text = reader.text(node, path, right)?;
        let rule = self.rules.entry((key, text)).or_insert_with(|| compile(text)).clone();
        reader.right(path, node.line, rule)
    }

    /// A rule that has a pattern.
    fn pattern(
        &mut self,
        reader: &mut Reader,
        key: &'static str,
        node: &'n Node<'_>,
        path: &Path<'_>,
        right: &str,
        compile: Compile,
    ) -> Option<TagPolicy> {
        if let Some(text) = node.word() {
            reader.wrong(
                path,
                node.line,
                format!("one text stands where a map is expected; write {{pattern: '{text}'}}"),
            );
            return None;
        }
        let mut fields = reader.fields(node, path, right)?;
        let pattern = fields.get("pattern");
        reader.unknown(&fields, path);
        let Some(pattern) = pattern else {
            reader.wrong(path, fields.line, format!("has no pattern; write {right}"));
            return None;
        };
        self.plain(reader, key, pattern, &Path::Key(path, "pattern"), right, compile)
    }

    fn ignore(&mut self, reader: &mut Reader, fields: &mut Fields<'n, '_>, path: &Path<'_>) -> Option<Vec<Glob>> {
        let Some(node) = fields.get("ignore") else {
            return Some(Vec::new());
        };
        let path = Path::Key(path, "ignore");
        let items = reader.list(node, &path, r#"["*-dev"]"#)?;
        let mut globs = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let path = Path::Item(&path, at);
            if let Some(text) = reader.text(item, &path, r#""*-dev""#)
                && let Some(glob) = reader.right(&path, item.line, Glob::parse(text))
            {
                globs.push(glob);
            }
        }
        (globs.len() == items.len()).then_some(globs)
    }
}
