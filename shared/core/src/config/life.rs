//! The keys that count for a deployment's life: when it begins, how long it may take, and what is done when it fails.

use std::ops::RangeInclusive;

use super::reader::{Fields, Path, Reader};
#[cfg(test)]
use super::schema;
use super::yaml::Node;
use crate::model::record::{RollbackMode, Settings};

/// A day: the longest a deployment may take before somebody is told.
const LONGEST_DEADLINE: u64 = 24 * 60 * 60;

/// Lambda waits for it, so it is short.
const LONGEST_SETTLE: u64 = 120;

/// The keys, as far as they are given.
#[derive(Clone, Debug, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Life {
    /// What is done when a deployment fails and ECS does not roll back by itself: `auto` (the default) puts the last good
    /// revision back, `notify` tells how to, `off` only tells that it failed.
    #[cfg_attr(test, schemars(with = "schema::RollbackWord", default))]
    rollback: Option<RollbackMode>,
    /// How long a deployment may take before it counts as failed, as `45m` or `2h`; `30m` without it, `24h` at most.
    /// One that still makes progress then gets more time.
    #[cfg_attr(test, schemars(with = "schema::Span", default))]
    deadline: Option<u64>,
    /// So many tasks of a deployment may stop by themselves before it counts as failed. Without it, as ECS's own circuit
    /// breaker has it: half of the desired count, at least 3 and at most 200.
    #[cfg_attr(test, schemars(with = "schema::TaskCount", default))]
    max_failed_tasks: Option<u32>,
    /// How long to wait after a push for a better one, in seconds or as `10s`; 0 without it, 120 seconds at most.
    #[cfg_attr(test, schemars(with = "schema::Seconds", default))]
    settle: Option<u64>,
}

impl Life {
    pub(super) fn read(reader: &mut Reader, fields: &mut Fields<'_, '_>, path: &Path<'_>) -> Self {
        Self {
            rollback: fields.get("rollback").and_then(|node| rollback(reader, node, &Path::Key(path, "rollback"))),
            deadline: fields.get("deadline").and_then(|node| {
                span(reader, node, &Path::Key(path, "deadline"), "30m", 60..=LONGEST_DEADLINE, BareNumber::Refused)
            }),
            max_failed_tasks: fields
                .get("max_failed_tasks")
                .and_then(|node| tasks(reader, node, &Path::Key(path, "max_failed_tasks"))),
            settle: fields.get("settle").and_then(|node| {
                span(reader, node, &Path::Key(path, "settle"), "10s", 0..=LONGEST_SETTLE, BareNumber::Seconds)
            }),
        }
    }

    /// These keys, and where they are not given those of the document's `defaults`.
    pub(super) fn settings(&self, defaults: &Self) -> Settings {
        let default = Settings::default();
        Settings {
            rollback: self.rollback.or(defaults.rollback).unwrap_or(default.rollback),
            deadline_seconds: self.deadline.or(defaults.deadline).unwrap_or(default.deadline_seconds),
            max_failed_tasks: self.max_failed_tasks.or(defaults.max_failed_tasks),
        }
    }

    pub(super) fn settle(&self, defaults: &Self) -> u64 {
        self.settle.or(defaults.settle).unwrap_or_default()
    }
}

/// What a number without a unit means.
#[derive(Clone, Copy)]
enum BareNumber {
    Seconds,
    Refused,
}

/// `off` is a truth value to some YAML readers, and a word to whoever writes it here.
fn rollback(reader: &mut Reader, node: &Node<'_>, path: &Path<'_>) -> Option<RollbackMode> {
    let known = match node.word() {
        Some("auto") => Ok(RollbackMode::Auto),
        Some("notify") => Ok(RollbackMode::Notify),
        Some("off") => Ok(RollbackMode::Off),
        Some(other) => Err(format!("{other:?} is no way to roll back; write auto, notify or off")),
        None => Err("has no word; write auto, notify or off".to_owned()),
    };
    reader.right(path, node.line, known)
}

fn tasks(reader: &mut Reader, node: &Node<'_>, path: &Path<'_>) -> Option<u32> {
    let number = reader.number(node, path, "3")?;
    let right = match u32::try_from(number) {
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("{number} is no number of tasks to stop at; write 1 or more, or leave the key out")),
    };
    reader.right(path, node.line, right)
}

fn span(
    reader: &mut Reader,
    node: &Node<'_>,
    path: &Path<'_>,
    right: &str,
    range: RangeInclusive<u64>,
    bare: BareNumber,
) -> Option<u64> {
    let seconds = match node.word() {
        Some(word) => parse(word, bare)
            .ok_or_else(|| format!("{word:?} is no length of time; write a number and s, m or h, such as {right}")),
        None => Err(format!("has no length of time; write one such as {right}")),
    };
    let fits = seconds.and_then(|seconds| {
        if range.contains(&seconds) {
            return Ok(seconds);
        }
        Err(format!("is not between {} and {}; write one such as {right}", shown(*range.start()), shown(*range.end())))
    });
    reader.right(path, node.line, fits)
}

fn parse(word: &str, bare: BareNumber) -> Option<u64> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    match (&word[digits.len()..], bare) {
        ("s", _) | ("", BareNumber::Seconds) => Some(number),
        ("m", _) => number.checked_mul(60),
        ("h", _) => number.checked_mul(60 * 60),
        _ => None,
    }
}

fn shown(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        hours if hours % 3600 == 0 => format!("{}h", hours / 3600),
        minutes if minutes % 60 == 0 => format!("{}m", minutes / 60),
        seconds => format!("{seconds}s"),
    }
}
