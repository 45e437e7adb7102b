//! Text as Slack shows it: nothing in it mentions anybody, links, or ends a code block; no escape is cut in half.

use slipway_core::model::clean::clean;
use slipway_core::text::notice;

/// Prose or lines of code in at most `longest` characters after escaping.
///
/// Slack has three control characters, which are escaped; and back-ticks, for which it knows no escape.
pub(crate) fn escaped(text: &str, longest: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for character in clean(text).chars() {
        let mut buffer = [0; 4];
        let piece = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '`' => "'",
            _ => character.encode_utf8(&mut buffer),
        };
        length += piece.chars().count();
        if length >= longest {
            return escaped + "…";
        }
        escaped.push_str(piece);
    }
    escaped
}

/// Whether the text fits as it is, with its escapes.
pub(crate) fn fits(text: &str, longest: usize) -> bool {
    escaped(text, usize::MAX).chars().count() < longest
}

/// The text in one line, cleaned.
pub(crate) fn one_line(text: &str) -> String {
    notice::one_line(&clean(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_mentions_anybody_or_ends_a_code_block() {
        assert_eq!(escaped("<!channel> & co", 100), "&lt;!channel&gt; &amp; co");
        assert_eq!(escaped("a ``` b", 100), "a ''' b");
        assert_eq!(escaped("a\u{202E}b", 100), "a\u{FFFD}b");
        assert_eq!(escaped("&&&", 11), "&amp;&amp;…");
        assert_eq!(one_line(" a\n\tb "), "a b");
        assert!(fits("&&x", 12) && !fits("&&x", 11));
        assert_eq!((escaped("&&x", 12).as_str(), escaped("&&x", 11).as_str()), ("&amp;&amp;x", "&amp;&amp;…"));
    }
}
