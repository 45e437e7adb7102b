//! The notice's subject: what SNS accepts as one, whatever the headline holds.

use crate::model::notice::Notice;

/// SNS takes fewer than 100 characters.
const LONGEST: usize = 99;

impl Notice {
    /// The headline in at most 99 printable ASCII characters; it starts with a letter or digit and is never empty.
    pub fn subject(&self) -> String {
        let mut ascii = String::new();
        for character in self.headline.chars() {
            match character {
                '→' => ascii.push_str("->"),
                '…' => ascii.push_str("..."),
                '–' | '—' => ascii.push('-'),
                '“' | '”' => ascii.push('"'),
                '‘' | '’' => ascii.push('\''),
                ' '..='~' => ascii.push(character),
                _ if character.is_whitespace() || character.is_control() => ascii.push(' '),
                _ => ascii.push('?'),
            }
        }
        let words: Vec<&str> = ascii.split_ascii_whitespace().collect();
        // Older documentation of SNS asks for a letter, digit or punctuation mark first; a letter or digit also sorts well.
        let line = words.join(" ");
        let line = line.trim_start_matches(|first: char| !first.is_ascii_alphanumeric());
        match line.len() {
            0 => format!("Slipway: {}", self.kind.as_str()),
            // All of it is ASCII, so every byte is a character's boundary.
            1..=LONGEST => line.to_owned(),
            _ => format!("{}...", line[..LONGEST - 3].trim_end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headline: &str, expected: &str) {
        let notice = Notice { headline: headline.to_owned(), ..Notice::default() };
        assert_eq!(notice.subject(), expected);
    }

    #[test]
    fn a_subject_is_short_printable_ascii_and_never_empty() {
        check("Deployed to prod/web: 1.4.2 → 1.5.0", "Deployed to prod/web: 1.4.2 -> 1.5.0");
        check("a\r\nBcc: everybody\t\u{7}x", "a Bcc: everybody x");
        check("  … prod/wéb", "prod/w?b");
        check("", "Slipway: unknown");
        check("🚢🚢", "Slipway: unknown");
        check(&"word ".repeat(30), &format!("{}...", "word ".repeat(20)[..96].trim_end()));
        check(&"x".repeat(99), &"x".repeat(99));
        check(&"x".repeat(100), &format!("{}...", "x".repeat(96)));
    }
}
