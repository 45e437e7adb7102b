//! The findings as people read them: each names its thing, says what is wrong, and how to fix it.

use std::fmt::Write as _;

use anstyle::Style;

use crate::check::Checked;
use crate::check::finding::{Finding, Level};
use crate::screen::{BLUE, BOLD, FAINT, GREEN, RED, YELLOW, harmless, wrapped};

/// The text.
pub(crate) fn text(checked: &Checked, width: usize) -> String {
    let mut text = String::new();
    for line in wrapped(&harmless(&head(checked)), width) {
        let _ = writeln!(text, "{FAINT}{line}{FAINT:#}");
    }
    for finding in &checked.report.findings {
        text.push('\n');
        one(&mut text, finding, width);
    }
    let (style, count) = foot(checked);
    text.push('\n');
    for line in wrapped(&count, width) {
        let _ = writeln!(text, "{style}{line}{style:#}");
    }
    text
}

fn head(checked: &Checked) -> String {
    let what = match (&checked.document, checked.targets) {
        (None, _) => "no configuration".to_owned(),
        // It has mistakes.
        (Some(name), 0) => name.clone(),
        (Some(name), 1) => format!("1 target of {name}"),
        (Some(name), many) => format!("{many} targets of {name}"),
    };
    let stack = match &checked.status {
        Some(status) => format!("the stack {} ({status})", checked.stack),
        None => "the account".to_owned(),
    };
    format!("{what}, checked against {stack} {}", checked.place)
}

fn one(text: &mut String, finding: &Finding, width: usize) {
    let (style, word) = shown(finding.level);
    let Finding { place, text: said, fix, .. } = finding;
    let first = harmless(&format!("{word}: {place}: {said}"));
    // The word and the place stand out; they may be longer than a line.
    for (at, line) in wrapped(&first, width.saturating_sub(2)).iter().enumerate() {
        match line.strip_prefix(word).filter(|_| at == 0) {
            Some(rest) => drop(writeln!(text, "{style}{BOLD}{word}{BOLD:#}{style:#}{rest}")),
            None => drop(writeln!(text, "  {line}")),
        }
    }
    // A command is copied, so it stays on one line.
    let most = if fix.contains("aws ") { usize::MAX } else { width.saturating_sub(4) };
    for line in wrapped(&harmless(fix), most).iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "  {FAINT}{line}{FAINT:#}");
    }
}

fn shown(level: Level) -> (Style, &'static str) {
    match level {
        Level::Error => (RED, "error"),
        Level::Warning => (YELLOW, "warning"),
        Level::NotChecked => (BLUE, "not checked"),
        Level::Note => (Style::new(), "note"),
    }
}

fn foot(checked: &Checked) -> (Style, String) {
    let count = |level, one: &str, many: &str| match checked.report.count(level) {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let parts: Vec<String> = [
        count(Level::Error, "error", "errors"),
        count(Level::Warning, "warning", "warnings"),
        count(Level::NotChecked, "thing not checked", "things not checked"),
        count(Level::Note, "note", "notes"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let fine = match checked.report.fine {
        0 => "nothing is known to be fine".to_owned(),
        1 => "1 check is fine".to_owned(),
        many => format!("{many} checks are fine"),
    };
    let style = match (checked.report.count(Level::Error), checked.report.count(Level::Warning)) {
        (0, 0) => GREEN,
        (0, _) => YELLOW,
        _ => RED,
    };
    let all = if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") };
    (style, format!("{all}; {fine}"))
}
