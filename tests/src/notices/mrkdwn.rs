//! Slack's mrkdwn as HTML, by the rules that Slack documents: three escapes, `*bold*`, `_italic_`, `~struck~`, code, links.
//!
//! Rules: <https://docs.slack.dev/messaging/formatting-message-text>. What Slipway never sends (a mention of people or
//! channels, a date) is an error, so that it is noticed.

use super::html::escape;

const FENCE: &str = "```";

/// The text as HTML.
pub(super) fn html(text: &str) -> Result<String, String> {
    let mut html = String::new();
    for (at, piece) in text.split(FENCE).enumerate() {
        if at % 2 == 1 {
            html.push_str(&format!("<pre>{}</pre>", escape(&unescape(piece.trim_matches('\n')))));
            continue;
        }
        // A block of code stands in lines of its own.
        let piece = if at > 0 { piece.strip_prefix('\n').unwrap_or(piece) } else { piece };
        let piece = piece.strip_suffix('\n').filter(|_| text.matches(FENCE).count() > at).unwrap_or(piece);
        let lines: Result<Vec<String>, String> = piece.split('\n').map(line).collect();
        html.push_str(&lines?.join("<br>"));
    }
    Ok(html)
}

/// Slack's three escapes, undone.
pub(super) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn line(line: &str) -> Result<String, String> {
    let mut html = String::new();
    let mut before = None;
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let (piece, length) = match first {
            '<' => {
                let inside =
                    &after[..after.find('>').ok_or_else(|| format!("{line:?} has a < that nothing closes"))?];
                (link(inside)?, inside.len() + 2)
            }
            '`' if between(after, '`').is_some() => {
                let inside = between(after, '`').unwrap_or_default();
                (format!("<code>{}</code>", escape(&unescape(inside))), inside.len() + 2)
            }
            '*' | '_' | '~' if styled(before, after, first).is_some() => {
                let inside = styled(before, after, first).unwrap_or_default();
                let tag = match first {
                    '*' => "b",
                    '_' => "i",
                    _ => "s",
                };
                (format!("<{tag}>{}</{tag}>", self::line(inside)?), inside.len() + 2)
            }
            _ => {
                let end = after.find(['<', '`', '*', '_', '~']).unwrap_or(after.len()) + first.len_utf8();
                (escape(&unescape(&rest[..end])), end)
            }
        };
        html.push_str(&piece);
        before = rest[..length].chars().next_back();
        rest = &rest[length..];
    }
    Ok(html)
}

/// What stands before the next sign, if that is something.
fn between(text: &str, sign: char) -> Option<&str> {
    text.split_once(sign).map(|(inside, _)| inside).filter(|inside| !inside.trim().is_empty())
}

/// What a sign of style encloses: it opens after a word's end and before a word, and closes the other way round.
fn styled(before: Option<char>, after: &str, sign: char) -> Option<&str> {
    let inside = between(after, sign)?;
    let next = after[inside.len() + 1..].chars().next();
    let apart = |it: Option<char>| it.is_none_or(|it| !it.is_alphanumeric() && it != sign);
    let tight = !inside.starts_with(char::is_whitespace) && !inside.ends_with(char::is_whitespace);
    (apart(before) && apart(next) && tight).then_some(inside)
}

fn link(inside: &str) -> Result<String, String> {
    let (url, name) = inside.split_once('|').unwrap_or((inside, inside));
    let url = unescape(url);
    if !url.starts_with("https://") && !url.starts_with("mailto:") {
        return Err(format!("<{inside}> is no link"));
    }
    Ok(format!("<a href=\"{}\">{}</a>", escape(&url), escape(&unescape(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mrkdwn: &str, expected: &str) {
        assert_eq!(html(mrkdwn).as_deref(), Ok(expected));
    }

    #[test]
    fn text_is_shown_as_slack_shows_it() {
        check("a &amp;&lt;b&gt; \"c\"", "a &amp;&lt;b&gt; &quot;c&quot;");
        check("&amp;lt;", "&amp;lt;");
        check("*bold* _it_ ~no~ `a *b* &lt;`", "<b>bold</b> <i>it</i> <s>no</s> <code>a *b* &lt;</code>");
        check("*Title*\nText", "<b>Title</b><br>Text");
        check("*Title*\n```a\n&amp;  b```\nafter", "<b>Title</b><pre>a\n&amp;  b</pre>after");
        check(
            "<https://a.example/?a=1&amp;b=2|the &lt;page&gt;>",
            "<a href=\"https://a.example/?a=1&amp;b=2\">the &lt;page&gt;</a>",
        );
    }

    #[test]
    fn what_is_no_style_stays() {
        check("2 * 3 * 4", "2 * 3 * 4");
        check("my_app_web", "my_app_web");
        check("a*b*c", "a*b*c");
        check("one ` tick", "one ` tick");
    }

    #[test]
    fn what_slipway_never_sends_is_an_error() {
        for mrkdwn in ["<!channel>", "<@U1>", "<javascript:alert(1)|x>", "a < b"] {
            assert!(html(mrkdwn).is_err(), "{mrkdwn}");
        }
    }
}
