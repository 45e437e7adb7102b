//! Takes out of others' text what no notice may hold, wherever the text came from.

/// The text without what SQS refuses or what makes a mail program show another text than there is: control characters
/// but line breaks and tabs, direction overrides, noncharacters.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
            _ if character.is_control() => '\u{FFFD}',
            _ => character,
        })
        .collect()
}
