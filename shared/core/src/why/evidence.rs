//! What was seen, laid out a line each: ECS's words, the stopped tasks, the log of the container that died, the events.

use crate::facts::{StoppedContainer, StoppedTask};

use super::{Evidence, quote, recent};

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
    let mut log = None;
    for group in alike(evidence.tasks) {
        push(&mut lines, of_task(group[0]));
        lines.extend(group[0].containers.iter().filter_map(|container| of_container(group[0], container)));
        lines.extend(of_the_others(&group[1..]));
        // One log tells the story; the others are the same or a consequence.
        log = log.or_else(|| group.iter().find_map(|task| task.died().filter(|it| !it.log.is_empty())));
    }
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
    let at = task.stopped_at.map(|at| at.strftime(" at %H:%M:%S").to_string()).unwrap_or_default();
    let reason = task.stopped_reason.as_deref().map(quote::reason).filter(|reason| !reason.is_empty());
    let code = task.stop_code.as_deref().map(quote::short).filter(|code| !code.is_empty());
    let why = match (reason, code) {
        (Some(reason), Some(code)) => format!(": {reason} ({code})"),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (None, None) => String::new(),
    };
    format!("Task {} stopped{at}{why}", quote::short(task.short()))
}

/// The tasks that are told, those together that stopped in the same way.
fn alike(tasks: &[StoppedTask]) -> Vec<Vec<&StoppedTask>> {
    let same = |one: &StoppedTask, other: &StoppedTask| {
        let containers = one.containers.iter().zip(&other.containers);
        (&one.stopped_reason, &one.stop_code) == (&other.stopped_reason, &other.stop_code)
            && one.containers.len() == other.containers.len()
            && containers.into_iter().all(|(one, other)| {
                (&one.name, one.exit_code, &one.reason) == (&other.name, other.exit_code, &other.reason)
            })
    };
    let mut groups: Vec<Vec<&StoppedTask>> = Vec::new();
    for task in tasks.iter().take(TASKS) {
        match groups.iter_mut().find(|group| same(group[0], task)) {
            Some(group) => group.push(task),
            None => groups.push(vec![task]),
        }
    }
    groups
}

fn of_the_others(tasks: &[&StoppedTask]) -> Option<String> {
    let names: Vec<String> = tasks.iter().map(|task| quote::short(task.short())).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("Task {one} stopped in the same way")),
        names => Some(format!("Tasks {} stopped in the same way", names.join(" and "))),
    }
}

/// How a container of a task ended, unless the task's own words say it already.
fn of_container(task: &StoppedTask, container: &StoppedContainer) -> Option<String> {
    let of_task = task.stopped_reason.as_deref().unwrap_or_default();
    let reason = container.reason.as_deref().filter(|reason| !of_task.contains(reason.trim()));
    let reason = reason.map(quote::reason).filter(|reason| !reason.is_empty());
    let ended = match (container.exit_code, reason) {
        (Some(code), Some(reason)) => format!("exit code {code}, {reason}"),
        (Some(code), None) => format!("exit code {code}"),
        (None, Some(reason)) => reason,
        (None, None) => return None,
    };
    Some(format!("Its container {}: {ended}", quote::short(container.name.as_str())))
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
