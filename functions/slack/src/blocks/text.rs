//! Text as Slack shows it: nothing in it mentions anybody, links, or ends a code block; no escape is cut in half.

use slipway_core::model::clean::clean;

/// Prose in at most `longest` characters after escaping.
pub(crate) fn prose(text: &str, longest: usize) -> String {
    escaped(text, longest)
}

/// Whether the text fits as it is, with its escapes.
pub(crate) fn fits(text: &str, longest: usize) -> bool {
    let width = |character| match character {
        '&' => "&amp;".len(),
        '<' | '>' => "&lt;".len(),
        _ => 1,
    };
    text.trim_end()
        .chars()
        .map(width)
        .scan(0, |all, it| {
            *all += it;
            Some(*all)
        })
        .all(|all| all < longest)
}

/// Lines for a code block, in at most `longest` characters after escaping.
pub(crate) fn code(text: &str, longest: usize) -> String {
    escaped(text.trim_end(), longest)
}

/// The text in one line.
pub(crate) fn oneline(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `longest` characters, as they stand.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

/// Slack has three control characters, which are escaped; and back-ticks, for which it knows no escape.
fn escaped(text: &str, longest: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for character in clean(text).chars() {
        let piece = match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '`' => "'".to_owned(),
            _ => character.to_string(),
        };
        length += piece.chars().count();
        if length >= longest {
            return escaped + "…";
        }
        escaped.push_str(&piece);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_mentions_anybody_or_ends_a_code_block() {
        assert_eq!(prose("<!channel> & co", 100), "&lt;!channel&gt; &amp; co");
        assert_eq!(code("a ``` b", 100), "a ''' b");
        assert_eq!(prose("a\u{202E}b", 100), "a\u{FFFD}b");
        assert_eq!(prose("&&&", 11), "&amp;&amp;…");
        assert_eq!(oneline(" a\n\tb "), "a b");
        assert!(fits("&&x", 12) && !fits("&&x", 11));
        assert_eq!((prose("&&x", 12).as_str(), prose("&&x", 11).as_str()), ("&amp;&amp;x", "&amp;&amp;…"));
    }
}
