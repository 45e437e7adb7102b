//! The keys that count for a deployment's life: when it begins, how long it may take, and what is done when it fails.

use std::ops::RangeInclusive;

use super::reader::{At, Reader};
use crate::model::record::RollbackMode;

const LONGEST_DEADLINE: u64 = 24 * 60 * 60;

/// Lambda waits for it, so it is short.
pub(super) const LONGEST_SETTLE: u64 = 120;

/// The units of a length of time, in seconds; a number without a unit is last.
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 60 * 60), ("", 1)];

pub(super) fn deadline<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<u64> {
    span(reader, at, "30m", 60..=LONGEST_DEADLINE, &UNITS[..3])
}

/// How long new tasks serve before the wait for the end of the old ones may be cut.
pub(super) fn cut_after<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<u64> {
    span(reader, at, "10m", 60..=LONGEST_DEADLINE, &UNITS[..3])
}

pub(super) fn settle<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<u64> {
    span(reader, at, "10s", 0..=LONGEST_SETTLE, &UNITS)
}

/// `off` is a truth value to some YAML readers, and a word to who writes it here.
pub(super) fn rollback<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<RollbackMode> {
    let known = match at.node.word() {
        Some(word) => word.parse().map_err(|_| format!("{word:?} is no way to roll back; write auto, notify or off")),
        None => Err("has no word; write auto, notify or off".to_owned()),
    };
    reader.accept(at, known)
}

pub(super) fn tasks<'n>(reader: &mut Reader<'n>, at: &At<'n, '_>) -> Option<u32> {
    let number = reader.number(at, "3")?;
    let tasks = u32::try_from(number).ok().filter(|tasks| *tasks > 0);
    let wrong = || format!("{number} is no number of tasks to stop at; write 1 or more, or leave the key out");
    reader.accept(at, tasks.ok_or_else(wrong))
}

fn span<'n>(
    reader: &mut Reader<'n>,
    at: &At<'n, '_>,
    right: &str,
    range: RangeInclusive<u64>,
    units: &[(&str, u64)],
) -> Option<u64> {
    let seconds = match at.node.word() {
        Some(word) => match parse(word, units) {
            Some(seconds) if range.contains(&seconds) => Ok(seconds),
            Some(_) => {
                let (least, most) = (shown(*range.start()), shown(*range.end()));
                Err(format!("is not between {least} and {most}; write one such as {right}"))
            }
            None => Err(format!("{word:?} is no length of time; write a number and s, m or h, such as {right}")),
        },
        None => Err(format!("has no length of time; write one such as {right}")),
    };
    reader.accept(at, seconds)
}

fn parse(word: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, seconds) = units.iter().find(|(unit, _)| *unit == &word[digits.len()..])?;
    digits.parse::<u64>().ok()?.checked_mul(*seconds)
}

fn shown(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        hours if hours % 3600 == 0 => format!("{}h", hours / 3600),
        minutes if minutes % 60 == 0 => format!("{}m", minutes / 60),
        seconds => format!("{seconds}s"),
    }
}
