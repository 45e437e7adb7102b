//! The tags that are left out whatever the rule says: signatures, attestations, build caches, and what the document names.

use crate::model::image::Tag;

/// What is left out unless the document says otherwise: what signing and caching tools push beside images.
const DEFAULT_IGNORES: [&str; 5] = ["sha256-*", "*.sig", "*.att", "*.sbom", "*cache*"];

/// A glob over tags: `*` is any text, `?` one character; a leading `!` takes matching tags back in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

/// The glob that leaves this tag out, if one does. Of the document's globs, and then of the default ones, the last that
/// matches the tag decides.
pub(super) fn ignored_by<'g>(globs: &'g [Glob], tag: &Tag) -> Option<&'g str> {
    match globs.iter().rev().find(|glob| glob.matches(tag)) {
        Some(glob) if glob.takes_back() => None,
        Some(glob) => Some(glob.as_str()),
        None => DEFAULT_IGNORES.into_iter().find(|glob| matches(glob, tag.as_str())),
    }
}

impl Glob {
    /// Takes a glob; the error says what is wrong with it, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let glob = text.strip_prefix('!').unwrap_or(text);
        if glob.is_empty() {
            return Err(format!("{text:?} is no glob; write one such as \"*-dev\""));
        }
        let stray = glob.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-*?".contains(*c)));
        match stray {
            None => Ok(Self(text.to_owned())),
            Some(c) => Err(format!(
                "{text:?} matches no tag, since no tag has a {c:?}; a glob is made of a tag's characters, \
                 * for any text and ? for one character, such as \"*-dev\""
            )),
        }
    }

    /// The glob as the document has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the glob takes tags back in instead of leaving them out.
    pub fn takes_back(&self) -> bool {
        self.0.starts_with('!')
    }

    /// Whether the glob is about this tag.
    pub fn matches(&self, tag: &Tag) -> bool {
        matches(self.0.strip_prefix('!').unwrap_or(&self.0), tag.as_str())
    }
}

/// Matches in time proportional to the product of the lengths, whatever the stars: only the last star is ever tried again.
fn matches(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut g, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => (g, t) = (g + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (g, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(globs: &[&str], tag: &str, hit: Option<&str>) {
        let globs: Vec<Glob> = globs.iter().map(|glob| Glob::parse(glob).unwrap()).collect();
        assert_eq!(ignored_by(&globs, &Tag::parse(tag).unwrap()), hit);
    }

    #[test]
    fn what_tools_push_beside_images_is_left_out() {
        check(&[], "sha256-1bc04b52.sig", Some("sha256-*"));
        check(&[], "1.4.2.att", Some("*.att"));
        check(&[], "1.4.2.sbom", Some("*.sbom"));
        check(&[], "buildcache", Some("*cache*"));
        check(&[], "cache-main", Some("*cache*"));
        check(&[], "1.4.2", None);
        check(&[], "sha256", None);
        check(&[], "signature", None);
    }

    #[test]
    fn the_last_glob_that_matches_decides() {
        check(&["*-dev"], "1.4.2-dev", Some("*-dev"));
        check(&["*-dev"], "buildcache", Some("*cache*"));
        check(&["!*cache*"], "buildcache", None);
        check(&["!*cache*"], "buildcache.sig", None);
        check(&["!*cache*", "*.sig"], "buildcache.sig", Some("*.sig"));
        check(&["!memcache-*"], "memcache-7", None);
        check(&["!memcache-*"], "memcache", Some("*cache*"));
    }

    #[track_caller]
    fn check_glob(glob: &str, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert!(matches(glob, text), "{glob} matches {text}");
        }
        for text in no {
            assert!(!matches(glob, text), "{glob} does not match {text}");
        }
    }

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        check_glob("*", &["", "a"], &[]);
        check_glob("a*c", &["ac", "abc", "abcbc"], &["abcb", "bac", "a"]);
        check_glob("a?c", &["abc"], &["ac", "abbc"]);
        check_glob("*-rc.*", &["1-rc.1", "1-rc.-rc.2"], &["1-rc", "1-rc1"]);
        check_glob("*a*a*b", &["aab", "xaxaxb"], &["ab", "aa"]);
        check_glob("dev", &["dev"], &["devel", "a-dev"]);
        check_glob(&"*a".repeat(40), &[], &[&"a".repeat(39), &"b".repeat(128)]);
    }

    #[test]
    fn a_wrong_glob_is_reported_with_a_right_one() {
        let reported: Vec<String> =
            ["", "!", "dev/*", "{a,b}", "*-dev "].iter().map(|glob| Glob::parse(glob).unwrap_err()).collect();
        insta::assert_snapshot!(reported.join("\n"), @r#"
    "" is no glob; write one such as "*-dev"
    "!" is no glob; write one such as "*-dev"
    "dev/*" matches no tag, since no tag has a '/'; a glob is made of a tag's characters, * for any text and ? for one character, such as "*-dev"
    "{a,b}" matches no tag, since no tag has a '{'; a glob is made of a tag's characters, * for any text and ? for one character, such as "*-dev"
    "*-dev " matches no tag, since no tag has a ' '; a glob is made of a tag's characters, * for any text and ? for one character, such as "*-dev"
    "#);
    }
}
