//! Environment values with placeholders.

use crate::model::image::{Digest, Tag};

/// An environment value with placeholders; `{tag}`, `{digest}` and `{short_digest}` only, other braces are data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// Takes the text as the document has it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Fills the placeholders in. Without a tag, `{tag}` is the short digest.
    pub fn fill(&self, tag: Option<&Tag>, digest: &Digest) -> String {
        let placeholders = [
            ("{tag}", tag.map_or(digest.short(), Tag::as_str)),
            ("{digest}", digest.as_str()),
            ("{short_digest}", digest.short()),
        ];
        let mut filled = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(brace) = rest.find('{') {
            let (before, from) = rest.split_at(brace);
            filled.push_str(before);
            let (written, value) =
                placeholders.into_iter().find(|(name, _)| from.starts_with(name)).unwrap_or(("{", "{"));
            filled.push_str(value);
            rest = &from[written.len()..];
        }
        filled + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6";

    #[track_caller]
    fn check(template: &str, tag: Option<&str>, filled: &str) {
        let digest = Digest::parse(&format!("sha256:{HEX}")).unwrap();
        assert_eq!(Template::new(template).fill(tag.and_then(Tag::parse).as_ref(), &digest), filled);
    }

    #[test]
    fn three_names_are_placeholders() {
        check("{tag}", Some("1.4.2"), "1.4.2");
        check("v{tag}-{short_digest}", Some("1.4.2"), "v1.4.2-1bc04b5291c2");
        check("{digest}", Some("1.4.2"), &format!("sha256:{HEX}"));
        check("{tag}", None, "1bc04b5291c2");
        check("{tag}{tag}", Some("a"), "aa");
    }

    #[test]
    fn other_braces_are_data() {
        check(r#"{"level":"info","tag":"{tag}"}"#, Some("7"), r#"{"level":"info","tag":"7"}"#);
        check("${tag} {{tag}} {Tag} {tag {tags} { tag }", Some("7"), "$7 {7} {Tag} {tag {tags} { tag }");
        check("{", None, "{");
        check("", None, "");
        check("é{tag}é", Some("7"), "é7é");
    }
}
