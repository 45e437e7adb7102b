//! JSON writes a character beyond the first 65,536 as two escapes, a surrogate pair; YAML knows one long escape.
//!
//! The pairs are rewritten before the text is read as YAML, in JSON documents only: elsewhere a backslash may be data.

use std::borrow::Cow;

/// The same document with each pair as YAML's escape: `\ud83d\udea2` as `\U0001f6a2`.
pub(super) fn joined(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with('{') || !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        joined.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match pair(rest) {
            Some(character) => {
                joined.push_str(&format!("\\U{:08x}", u32::from(character)));
                "\\uXXXX\\uXXXX".len()
            }
            // Any other escape is one character at least, which may be another backslash.
            None => {
                let taken = rest.chars().take(2).map(char::len_utf8).sum();
                joined.push_str(&rest[..taken]);
                taken
            }
        };
        rest = &rest[taken..];
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

fn pair(escape: &str) -> Option<char> {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let units = [unit(0)?, unit(6)?];
    let mut characters = char::decode_utf16(units);
    match (characters.next(), characters.next()) {
        (Some(Ok(character)), None) => Some(character),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, joined: &str) {
        assert_eq!(super::joined(text), joined);
    }

    #[test]
    fn pairs_become_one_escape() {
        check(r#"{"a": "\ud83d\udea2 \uD83D\uDEA2"}"#, r#"{"a": "\U0001f6a2 \U0001f6a2"}"#);
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            r#"{"a": "\u00e9\n\\ud83d\\udea2 \\\" é"}"#,
            r#"{"a": "\ud83d"}"#,
            r#"{"a": "\ud83dx\udea2"}"#,
            r#"{"a": "\u0041\u0042"}"#,
            r#"{"a": "\ud8"#,
            "{\"\\u\u{e9}\\",
            r"a: '\ud83d\udea2'",
        ] {
            check(text, text);
        }
    }
}
