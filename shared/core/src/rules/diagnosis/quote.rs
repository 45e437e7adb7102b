//! Others' text made fit to be quoted: one line, no control characters, cut on character boundaries.
//!
//! Markup is left as it is; each rendering of a notice makes it harmless.

/// Characters of a line of a log.
const LINE: usize = 300;

/// Characters of a reason in AWS's words.
const REASON: usize = 500;

/// Characters of a name within our own sentence.
const NAME: usize = 120;

/// Characters of a line's indentation, which says much in a stack trace.
const INDENT: usize = 16;

/// A line of somebody's log, with its indentation.
pub fn line(text: &str) -> String {
    let blanks = text.chars().take_while(|it| matches!(it, ' ' | '\t'));
    let indent: usize = blanks.map(|it| if it == '\t' { 4 } else { 1 }).take(INDENT).sum();
    let indent = " ".repeat(indent.min(INDENT));
    match cut(text, LINE - indent.len()) {
        empty if empty.is_empty() => empty,
        visible => indent + &visible,
    }
}

/// A reason in AWS's words.
pub fn reason(text: &str) -> String {
    cut(text, REASON)
}

/// A name or a few words that stand within a sentence of ours.
pub(crate) fn short(text: &str) -> String {
    cut(text, NAME)
}

/// What stands between two signs.
pub(super) fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(open)?;
    // The last closing sign: what is quoted may hold brackets of its own.
    let end = rest.rfind(close).or_else(|| rest.find(close))?;
    Some(rest[..end].trim()).filter(|found| !found.is_empty())
}

/// The name of the first role that a text names by its ARN.
pub(super) fn role(text: &str) -> Option<String> {
    arns(text).find_map(|arn| arn.split_once(":role/")).map(|(_, name)| short(name))
}

/// The name of the first secret or parameter that a text names by its ARN.
pub(super) fn secret(text: &str) -> Option<String> {
    arns(text)
        .find_map(|arn| arn.split_once(":secret:").or_else(|| arn.split_once(":parameter/")))
        .map(|(_, name)| short(name))
}

fn arns(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ',' | '(' | ')' | '[' | ']' | ';');
    text.split(ends).filter(|word| word.starts_with("arn:")).map(|word| word.trim_end_matches(['.', ':']))
}

/// The text on one line, without control characters and direction overrides, runs of blanks as one, in at most
/// `longest` characters.
fn cut(text: &str, longest: usize) -> String {
    let mut kept = String::new();
    let mut length = 0;
    // A log line may be megabytes long; what is not shown is not read.
    for character in uncoloured(text) {
        let character = match character {
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
            _ if character.is_whitespace() || character.is_control() => ' ',
            _ => character,
        };
        if character == ' ' && (kept.is_empty() || kept.ends_with(' ')) {
            continue;
        }
        if length == longest {
            kept.pop();
            kept.push('…');
            return kept;
        }
        kept.push(character);
        length += 1;
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// The characters without a terminal's colours, `ESC [ … m` and the like.
fn uncoloured(text: &str) -> impl Iterator<Item = char> {
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        loop {
            let next = characters.next()?;
            if next != '\u{1B}' || characters.next_if_eq(&'[').is_none() {
                return Some(next);
            }
            while characters.next_if(|c| c.is_ascii_digit() || matches!(c, ';' | '?')).is_some() {}
            characters.next_if(char::is_ascii_alphabetic);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(line(text), expected);
    }

    #[test]
    fn a_quoted_line_is_one_line_of_visible_characters() {
        check("  panic:\tat\r\n\u{0}main.rs \u{7}", "  panic: at main.rs");
        check("\tat shop.Main", "    at shop.Main");
        check(&format!("{}x", "\t".repeat(1_000)), &format!("{}x", " ".repeat(16)));
        check(" \t ", "");
        check("\u{1B}[1;31mERROR\u{1B}[0m broken", "ERROR broken");
        check("\u{1B} alone, \u{1B}[", "alone,");
        check("\u{202E}gnp.exe", "\u{FFFD}gnp.exe");
        check("<!channel> `x` *b* 🚢", "<!channel> `x` *b* 🚢");
        check("", "");
    }

    #[test]
    fn it_is_cut_between_characters() {
        check(&"é".repeat(300), &"é".repeat(300));
        check(&"é".repeat(301), &format!("{}…", "é".repeat(299)));
        check(&format!("    {}", "x".repeat(300)), &format!("    {}…", "x".repeat(295)));
        check(&"🚢".repeat(1_000_000), &format!("{}…", "🚢".repeat(299)));
        assert_eq!(reason(&"x".repeat(600)).chars().count(), 500);
    }

    #[test]
    fn names_are_found_in_free_text() {
        let text = "unable to assume the role 'arn:aws:iam::123456789012:role/team/web-exec'.";
        assert_eq!(role(text).as_deref(), Some("team/web-exec"));
        let text = "on resource: arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf because";
        assert_eq!(secret(text).as_deref(), Some("prod/db-AbCdEf"));
        let text = "(reason Health checks failed with these codes: [502])";
        assert_eq!(between(text, "(reason ", ")"), Some("Health checks failed with these codes: [502]"));
        assert_eq!(between("(reason ", "(reason ", ")"), None);
    }
}
