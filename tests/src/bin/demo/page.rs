//! What the demo prints, and how.

use std::io::{IsTerminal, Write};

use serde_json::Value;

/// A notice with its evidence and its advice.
pub(crate) fn in_full(notice: &Value) {
    println!("  {} {}", bold("notice"), notice["headline"].as_str().unwrap_or_default());
    for line in notice["reason"].as_str().unwrap_or_default().lines() {
        println!("         {line}");
    }
    for member in ["details", "advice"] {
        for line in notice[member].as_array().into_iter().flatten() {
            println!("         - {}", line.as_str().unwrap_or_default());
        }
    }
}

pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// Packages go by in a word each; everything else is a line.
pub(crate) fn show_progress(line: &str) {
    match line.strip_prefix("python: ") {
        Some(package) if !package.contains('`') => print!("{} ", faint(package.split(' ').next().unwrap_or_default())),
        _ => println!("{}", faint(line)),
    }
    let _ = std::io::stdout().flush();
}

pub(crate) fn heading(text: &str) {
    println!("\n{}\n", bold(&format!("── {text} ")));
    // The parts come one by one, also through a pipe.
    let _ = std::io::stdout().flush();
}

pub(crate) fn say(text: &str) {
    println!("{text}");
}

pub(crate) fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

pub(crate) fn bold(text: &str) -> String {
    styled("1", text)
}

pub(crate) fn faint(text: &str) -> String {
    styled("2", text)
}

fn styled(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
