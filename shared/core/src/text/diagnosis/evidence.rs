//! What was observed, laid out a line each: ECS's words, the stopped tasks, the log of the container that died, the events.

use crate::model::facts::{Monitor, StoppedContainer, StoppedTask};
use crate::rules::diagnosis::{Evidence, quote, recent};

/// So many stopped tasks are shown.
const TASKS: usize = 3;

/// So many lines of a log are shown.
const LOG: usize = 20;

/// So many of ECS's events, and of its warnings.
const EVENTS: usize = 5;

/// Bytes of all lines together: an item of the table has room for them, and so has each notice of the failure.
const MOST: usize = 16 * 1024;

pub(super) fn lines(evidence: &Evidence<'_>) -> Vec<String> {
    let tasks = &evidence.tasks[..evidence.tasks.len().min(TASKS)];
    let mut lines: Vec<String> = Vec::new();
    for words in evidence.says {
        push(&mut lines, format!("{} says: \"{}\"", evidence.carrier, quote::reason(words)));
    }
    lines.extend(evidence.monitors.iter().map(|monitor| of_monitor(monitor, evidence.carrier)));
    lines.extend(of_tasks(tasks));
    for words in evidence.warnings.iter().take(EVENTS) {
        push(&mut lines, format!("ECS warned: {}", quote::reason(words)));
    }
    for event in recent(evidence).take(EVENTS) {
        let at = event.at.map(|at| at.strftime("%H:%M:%S ").to_string()).unwrap_or_default();
        push(&mut lines, at + &quote::reason(&event.message));
    }
    // A log may be long, so it comes last. One is enough: the others are the same or a consequence.
    if let Some(container) = tasks.iter().find_map(|task| task.died().filter(|it| !it.log.is_empty())) {
        push(&mut lines, format!("The last lines of {}'s log:", quote::short(container.name.as_str())));
        let last = container.log.len().saturating_sub(LOG);
        lines.extend(container.log[last..].iter().map(|line| format!("| {}", quote::line(line))));
    }
    within(lines)
}

fn of_monitor(monitor: &Monitor, carrier: &str) -> String {
    match monitor {
        Monitor::Breaker => "ECS's circuit breaker called it failed".to_owned(),
        Monitor::Alarms(names) if names.is_empty() => format!("{carrier} called it failed by an alarm"),
        Monitor::Alarms(names) => {
            format!("{carrier} called it failed by its alarms: {}", quote::reason(&names.join(", ")))
        }
    }
}

/// Most tasks fail alike: how they ended is shown once, with the first task that ended so.
fn of_tasks(tasks: &[StoppedTask]) -> Vec<String> {
    let ends: Vec<Vec<String>> = tasks.iter().map(end).collect();
    let mut lines = Vec::new();
    for (index, (task, end)) in tasks.iter().zip(&ends).enumerate() {
        if ends[..index].contains(end) {
            continue;
        }
        lines.push(format!("Task {} stopped{}{}", quote::short(task.short()), at(task), end[0]));
        lines.extend_from_slice(&end[1..]);
        let alike = tasks.iter().zip(&ends).skip(index + 1).filter(|(_, other)| *other == end);
        let alike: Vec<String> =
            alike.map(|(task, _)| format!("task {}{}", quote::short(task.short()), at(task))).collect();
        if !alike.is_empty() {
            lines.push(format!("  so did {}", alike.join(" and ")));
        }
    }
    lines
}

/// How a task ended, then a line for each container of which that is known.
fn end(task: &StoppedTask) -> Vec<String> {
    let reason = task.stopped_reason.as_deref().map(quote::reason).filter(|reason| !reason.is_empty());
    let code = task.stop_code.as_deref().map(quote::short).filter(|code| !code.is_empty());
    let why = match (reason, code) {
        (Some(reason), Some(code)) => format!(": {reason} ({code})"),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (None, None) => String::new(),
    };
    let containers = task.containers.iter().filter_map(|container| of_container(task, container));
    std::iter::once(why).chain(containers).collect()
}

fn at(task: &StoppedTask) -> String {
    task.stopped_at.map(|at| at.strftime(" at %H:%M:%S").to_string()).unwrap_or_default()
}

/// How a container ended; ECS often says of it what it says of its task, which is not repeated.
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
    while lines.iter().map(String::len).sum::<usize>() > MOST {
        match lines.iter().position(|line| line.starts_with("| ")) {
            Some(first) => _ = lines.remove(first),
            None => _ = lines.pop(),
        }
    }
    lines
}
