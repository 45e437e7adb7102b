//! What was seen, laid out a line each: ECS's words, the stopped tasks, the log of the container that died, the events.

use jiff::Timestamp;

use crate::model::facts::{StoppedContainer, StoppedTask};

use crate::rules::diagnosis::{Evidence, quote, recent};

/// So many stopped tasks are told.
const TASKS: usize = 3;

/// So many lines of a log are told.
const LOG: usize = 20;

/// So many of ECS's events, and of its warnings.
const EVENTS: usize = 5;

/// Bytes of all lines together: the record keeps ten deployments in an item of 400 kB.
const MOST: usize = 16 * 1024;

pub(super) fn lines(evidence: &Evidence<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for words in evidence.says {
        push(&mut lines, format!("ECS says: \"{}\"", quote::reason(words)));
    }
    let tasks = &evidence.tasks[..evidence.tasks.len().min(TASKS)];
    // Most fail alike: each way to end is told once, with the first task that ended so.
    for (at, task) in tasks.iter().enumerate() {
        if tasks[..at].iter().any(|it| ended_alike(it, task)) {
            continue;
        }
        lines.push(of_task(task));
        lines.extend(task.containers.iter().filter_map(|container| of_container(task, container)));
        let alike: Vec<String> = tasks[at + 1..].iter().filter(|it| ended_alike(it, task)).map(when).collect();
        if !alike.is_empty() {
            lines.push(format!("  so did {}", alike.join(" and ")));
        }
    }
    // One log tells the story; the others are the same or a consequence.
    let log = tasks.iter().find_map(|task| task.died().filter(|it| !it.log.is_empty()));
    // A log may be long: what is short comes before it and is never crowded out.
    for words in evidence.warnings.iter().take(EVENTS) {
        push(&mut lines, format!("ECS warned: {}", quote::reason(words)));
    }
    for event in recent(evidence).take(EVENTS) {
        let message = quote::reason(&event.message);
        push(
            &mut lines,
            match event.at {
                Some(at) => format!("{} {message}", at.strftime("%H:%M:%S")),
                None => message,
            },
        );
    }
    if let Some(container) = log {
        push(&mut lines, format!("The last lines of {}'s log:", quote::short(container.name.as_str())));
        let last = container.log.len().saturating_sub(LOG);
        for line in &container.log[last..] {
            lines.push(format!("| {}", quote::line(line)));
        }
    }
    within(lines)
}

fn of_task(task: &StoppedTask) -> String {
    let reason = task.stopped_reason.as_deref().map(quote::reason).filter(|reason| !reason.is_empty());
    let code = task.stop_code.as_deref().map(quote::short).filter(|code| !code.is_empty());
    let why = match (reason, code) {
        (Some(reason), Some(code)) => format!(": {reason} ({code})"),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (None, None) => String::new(),
    };
    let at = task.stopped_at.map(at).unwrap_or_default();
    format!("Task {} stopped{at}{why}", quote::short(task.short()))
}

fn ended_alike(one: &StoppedTask, other: &StoppedTask) -> bool {
    let ends = |task: &StoppedTask| {
        let containers: Vec<Option<String>> =
            task.containers.iter().map(|container| of_container(task, container)).collect();
        (task.stop_code.clone(), task.stopped_reason.clone(), containers)
    };
    ends(one) == ends(other)
}

/// `task 9c1d5a07 at 17:02:38`.
fn when(task: &StoppedTask) -> String {
    format!("task {}{}", quote::short(task.short()), task.stopped_at.map(at).unwrap_or_default())
}

fn at(time: Timestamp) -> String {
    time.strftime(" at %H:%M:%S").to_string()
}

/// How a container ended; ECS often says of it what it says of its task, which is not said twice.
fn of_container(task: &StoppedTask, container: &StoppedContainer) -> Option<String> {
    let own = container.reason.as_deref().filter(|reason| Some(*reason) != task.stopped_reason.as_deref());
    let reason = own.map(quote::reason).filter(|reason| !reason.is_empty());
    let ended = match (container.exit_code, reason) {
        (Some(code), Some(reason)) => format!("exit code {code}, {reason}"),
        (Some(code), None) => format!("exit code {code}"),
        (None, Some(reason)) => reason,
        (None, None) => return None,
    };
    Some(format!("  container {}: {ended}", quote::short(container.name.as_str())))
}

/// ECS says some things twice.
fn push(lines: &mut Vec<String>, line: String) {
    if !lines.contains(&line) {
        lines.push(line);
    }
}

/// As many lines as there is room for; of a log the end is what counts, so its first lines go.
fn within(mut lines: Vec<String>) -> Vec<String> {
    let size = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
    while size(&lines) > MOST {
        match lines.iter().position(|line| line.starts_with("| ")) {
            Some(first) => _ = lines.remove(first),
            None => _ = lines.pop(),
        }
    }
    lines
}
