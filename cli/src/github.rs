//! What a build in GitHub Actions shows besides: an annotation, and a line in the summary of the step.
//!
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>

use std::fs::OpenOptions;
use std::io::Write as _;

use crate::answer::{Asked, TargetStatus};
use crate::diagnosis::Diagnosis;
use crate::exit::Exit;
use crate::screen::harmless;

/// Reports how a target ended, where the command runs in GitHub Actions.
pub(crate) fn report(target: &TargetStatus, asked: &Asked, exit: Exit, diagnosis: Option<&Diagnosis>) {
    if std::env::var("GITHUB_ACTIONS").as_deref() != Ok("true") {
        return;
    }
    let why = diagnosis.map(|it| it.failing.cause.clone()).or_else(|| asked.reason.clone()).unwrap_or_default();
    let colon = if why.is_empty() { "" } else { ": " };
    let text = harmless(&format!("{} on {}{colon}{why}", asked.shown(), target.target));
    let level = match exit {
        Exit::AsAsked => None,
        Exit::LeftOut | Exit::TimedOut => Some("warning"),
        Exit::Failed | Exit::NeedsPerson | Exit::Usage | Exit::Unavailable => Some("error"),
    };
    if let Some(level) = level {
        // On the standard error: the runner reads both, and the standard output may be for a program.
        eprintln!("::{level} title={}::{}", property(&format!("Slipway: {}", target.target)), data(&text));
    }
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") else { return };
    let mark = if exit == Exit::AsAsked { "✅" } else { "❌" };
    let mut lines = format!("{mark} {}\n", markdown(&text));
    for line in diagnosis.iter().flat_map(|it| &it.failing.evidence) {
        // An indented block takes any text as it is.
        line.lines().for_each(|line| lines.push_str(&format!("\n    {}", harmless(line))));
    }
    for advice in diagnosis.iter().flat_map(|it| &it.failing.advice) {
        lines.push_str(&format!("\n\n- {}", markdown(&harmless(advice))));
    }
    lines.push_str("\n\n");
    let written =
        OpenOptions::new().append(true).create(true).open(path).and_then(|mut file| file.write_all(lines.as_bytes()));
    if let Err(error) = written {
        eprintln!("the step's summary cannot be written: {error}");
    }
}

/// As the data of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As a property of one.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// As plain text in Markdown.
fn markdown(text: &str) -> String {
    text.chars().fold(String::new(), |mut plain, letter| {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            plain.push('\\');
        }
        plain.push(letter);
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_commands_nothing() {
        assert_eq!(data("100 %\n::error::x"), "100 %25%0A::error::x");
        assert_eq!(property("Slipway: a,b"), "Slipway%3A a%2Cb");
        assert_eq!(markdown("a_b <x>"), "a\\_b \\<x\\>");
    }
}
