//! The keys that count for a deployment's life: when it begins, how long it may take, and what is done when it fails.

use std::ops::RangeInclusive;

use super::reader::{Path, Reader};
use super::yaml::Node;
use crate::model::record::RollbackMode;

/// A day: the longest a deployment may take before somebody is told.
const LONGEST_DEADLINE: u64 = 24 * 60 * 60;

/// Lambda waits for it, so it is short.
pub(super) const LONGEST_SETTLE: u64 = 120;

pub(super) fn deadline(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<u64> {
    span(reader, node, path, "30m", 60..=LONGEST_DEADLINE, BareNumber::Refused)
}

pub(super) fn settle(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<u64> {
    span(reader, node, path, "10s", 0..=LONGEST_SETTLE, BareNumber::Seconds)
}

/// What a number without a unit means.
#[derive(Clone, Copy)]
enum BareNumber {
    Seconds,
    Refused,
}

/// `off` is a truth value to some YAML readers, and a word to whoever writes it here.
pub(super) fn rollback(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<RollbackMode> {
    let known = match node.word() {
        Some("auto") => Ok(RollbackMode::Auto),
        Some("notify") => Ok(RollbackMode::Notify),
        Some("off") => Ok(RollbackMode::Off),
        Some(other) => Err(format!("{other:?} is no way to roll back; write auto, notify or off")),
        None => Err("has no word; write auto, notify or off".to_owned()),
    };
    reader.right(path, node.line, known)
}

pub(super) fn tasks(reader: &mut Reader<'_>, node: &Node<'_>, path: &Path<'_>) -> Option<u32> {
    let number = reader.number(node, path, "3")?;
    let right = match u32::try_from(number) {
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("{number} is no number of tasks to stop at; write 1 or more, or leave the key out")),
    };
    reader.right(path, node.line, right)
}

fn span(
    reader: &mut Reader<'_>,
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
