//! What the command writes to: a terminal with a width, or a log. Colours are left out by `anstream` where nobody sees them.

use std::io::{IsTerminal, stderr, stdin, stdout};

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A heading, and what the eye is to find first.
pub(crate) const BOLD: Style = Style::new().bold();
/// What is of less interest.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What went well.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// What failed.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// What a person has to look at.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// What is in progress.
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default();

/// Columns of a log, which has no width of its own.
const LOG: usize = 120;

/// Columns of the standard output.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(LOG, |(width, _)| usize::from(width.0))
}

/// Rows of the terminal; `None` where there is none.
pub(crate) fn height() -> Option<usize> {
    terminal_size::terminal_size().map(|(_, height)| usize::from(height.0))
}

/// Whether a person reads the standard output as it comes.
pub(crate) fn is_watched() -> bool {
    stdout().is_terminal()
}

/// Whether a person sees a line that moves, on the standard error.
pub(crate) fn is_live() -> bool {
    stderr().is_terminal()
}

/// Whether a person can be asked.
pub(crate) fn can_ask() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// The columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// At most so many columns of a text; what is left out shows as `…`.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let (mut short, mut used) = (String::new(), 1);
    for letter in text.chars() {
        used += letter.width().unwrap_or(0);
        if used > most {
            break;
        }
        short.push(letter);
    }
    short.push('…');
    short
}

/// The same, where what is left out is in the middle: names differ at their ends.
pub(crate) fn shortened_inside(text: &str, most: usize) -> String {
    if columns(text) <= most || most < 3 {
        return shortened(text, most);
    }
    let end: Vec<char> = {
        let (mut end, mut used) = (Vec::new(), 0);
        for letter in text.chars().rev() {
            used += letter.width().unwrap_or(0);
            if used > (most - 1) / 2 {
                break;
            }
            end.push(letter);
        }
        end.into_iter().rev().collect()
    };
    let end: String = end.into_iter().collect();
    format!("{}{end}", shortened(text, most - columns(&end)))
}

/// A text with as many blanks after it as so many columns need.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// A text in lines of at most so many columns, broken at blanks.
pub(crate) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for part in text.lines() {
        let mut line = String::new();
        for word in part.split(' ') {
            if !line.is_empty() && columns(&line) + 1 + columns(word) > most {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// `████░░░░ 1/2`: how many of so many.
pub(crate) fn bar(now: i64, whole: i64, cells: usize) -> String {
    let share = |cells: i64| if whole <= 0 { cells } else { cells * now.clamp(0, whole) / whole };
    let full = usize::try_from(share(i64::try_from(cells).unwrap_or(0))).unwrap_or(0).min(cells);
    format!("{}{} {now}/{whole}", "█".repeat(full), "░".repeat(cells - full))
}

/// What terminals take for a command is shown as `?`: a log line or a tag may hold anything.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() && letter != '\n' && letter != '\t' { '?' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_wide_is_shortened() {
        assert_eq!(shortened("prod/web", 8), "prod/web");
        assert_eq!(shortened("prod/web", 7), "prod/w…");
        assert_eq!(shortened_inside("prod/checkout-worker", 12), "prod/c…orker");
        assert_eq!(columns(&shortened("プロダクション", 6)), 5);
        assert_eq!(columns(&shortened_inside("プロダクション", 7)), 7);
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrapped("its tasks stopped\nwith exit code 1", 9), ["its tasks", "stopped", "with exit", "code 1"]);
        assert_eq!(wrapped("a-very-long-word", 4), ["a-very-long-word"]);
    }

    #[test]
    fn a_bar_shows_the_share() {
        assert_eq!(bar(1, 2, 4), "██░░ 1/2");
        assert_eq!(bar(0, 2, 4), "░░░░ 0/2");
        assert_eq!(bar(3, 2, 4), "████ 3/2");
        assert_eq!(bar(0, 0, 4), "████ 0/0");
    }

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\tc\r\n"), "a?[2Jb\tc?\n");
    }
}
