//! The fleet on a screen: a row for each target, on any width, and one target in full.
//!
//! It stands apart from the verbs, because `status` draws it once and `status --watch` again and again.

use std::fmt::Write as _;

use anstyle::Style;
use jiff::Timestamp;

use crate::answer::{Deployment, Image, Memory, Quarantined, StatusAnswer, TargetStatus, Waiting};
use crate::screen::{
    BLUE, BOLD, FAINT, GREEN, RED, YELLOW, bar, columns, harmless, padded, shortened, shortened_inside, wrapped,
};
use crate::times;

/// On fewer columns than this, what happens stands below each target.
const NARROW: usize = 90;

/// Columns that are left for what happens, at least.
const REMARK: usize = 32;

/// Cells of a bar.
const BAR: usize = 8;

/// Something that a person wants to know of a target, and how urgent it looks.
struct Remark {
    style: Style,
    text: String,
}

/// Every target in a row, and a line that counts them.
pub(crate) fn fleet(answer: &StatusAnswer, width: usize) -> String {
    let now = answer.at.unwrap_or_else(Timestamp::now);
    let rows: Vec<Row> = answer.targets.iter().map(|target| Row::of(target, now)).collect();
    let mut text = String::new();
    if rows.is_empty() {
        return "The configuration has no targets.\n".to_owned();
    }
    let widest = |cells: fn(&Row) -> &str, least: usize| {
        rows.iter().map(|row| columns(cells(row))).max().unwrap_or(0).max(least)
    };
    let is_narrow = width < NARROW;
    let runs = widest(|row| &row.runs, 4).min(if is_narrow { 14 } else { 24 });
    let revision = widest(|row| &row.revision, 8).min(20);
    let since = widest(|row| &row.since, 5);
    let tasks = widest(|row| &row.tasks, 5);
    let others = if is_narrow { runs + since + tasks + 6 } else { runs + revision + since + tasks + 10 + REMARK };
    let name = widest(|row| &row.name, 6).min(width.saturating_sub(others).max(12));
    let mut head = format!("{}  {}  ", padded("TARGET", name), padded("RUNS", runs));
    if !is_narrow {
        let _ = write!(head, "{}  ", padded("REVISION", revision));
    }
    let _ = write!(head, "{}  {}", padded("SINCE", since), padded("TASKS", tasks));
    let left = if is_narrow { 0 } else { columns(&head) + 2 };
    let now = if !is_narrow && rows.iter().any(|row| !row.remarks.is_empty()) { "  NOW" } else { "" };
    let _ = writeln!(text, "{FAINT}{head}{now}{FAINT:#}");
    for row in &rows {
        let mut line = format!(
            "{BOLD}{}{BOLD:#}  {}  ",
            padded(&shortened_inside(&row.name, name), name),
            padded(&shortened(&row.runs, runs), runs)
        );
        if !is_narrow {
            let _ = write!(line, "{FAINT}{}{FAINT:#}  ", padded(&shortened_inside(&row.revision, revision), revision));
        }
        let _ = write!(line, "{}  {}", padded(&row.since, since), padded(&row.tasks, tasks));
        let mut remarks = row.remarks.iter();
        if !is_narrow && let Some(Remark { style, text: remark }) = remarks.next() {
            let _ = write!(line, "  {style}{}{style:#}", shortened(remark, width.saturating_sub(left).max(20)));
        }
        let _ = writeln!(text, "{}", line.trim_end());
        for Remark { style, text: remark } in remarks {
            let indent = if is_narrow { 2 } else { left };
            let room = width.saturating_sub(indent).max(20);
            let _ = writeln!(text, "{:indent$}{style}{}{style:#}", "", shortened(remark, room));
        }
    }
    text.push('\n');
    for line in wrapped(&count(&answer.targets), width) {
        let _ = writeln!(text, "{FAINT}{line}{FAINT:#}");
    }
    text
}

/// One target, with all that is known.
pub(crate) fn whole(target: &TargetStatus, now: Timestamp, width: usize) -> String {
    let mut text = String::new();
    let _ =
        writeln!(text, "{BOLD}{}{BOLD:#}  {FAINT}{}{FAINT:#}", harmless(&target.target), harmless(&target.repository));
    let mut part = |name: &str, style: Style, said: &str| {
        for (place, line) in wrapped(&harmless(said), width.saturating_sub(16).max(30)).iter().enumerate() {
            let name = if place == 0 { name } else { "" };
            let _ = writeln!(text, "  {FAINT}{}{FAINT:#}  {style}{line}{style:#}", padded(name, 11));
        }
    };
    let plain = Style::new();
    if let Some(reason) = &target.refused {
        part("Refused", RED, &reason.text);
    }
    if let Some(runs) = &target.running {
        let since = runs.since.map(|at| format!(", for {}", times::ago(at, now))).unwrap_or_default();
        part(
            "Runs",
            plain,
            &format!("{} ({}){since}, {} of {} tasks", image(runs), runs.revision, runs.running, runs.desired),
        );
    }
    if let Some(flight) = &target.in_flight {
        let (style, said) = in_flight(flight, now);
        part("In progress", style, &said);
    }
    if let Some(memory) = &target.memory {
        for waiting in &memory.waiting {
            part("Pending", BLUE, &waits(waiting, now));
        }
        if let Some(said) = held(memory, now) {
            part("On hold", YELLOW, &said);
        }
        for image in &memory.quarantined {
            part("Quarantined", YELLOW, &format!("{}: {}", quarantined(image), image.cause));
        }
        if let Some(revision) = &memory.last_known_good {
            part("Known good", plain, revision);
        }
        if let Some(decision) = &memory.decision {
            let who = decision.who.as_deref().map(|who| format!(", by {who} as they say")).unwrap_or_default();
            let when = decision.at.map(|at| format!(", {} ago", times::ago(at, now))).unwrap_or_default();
            part(
                "Decision",
                plain,
                &format!("{}{when}{who}: only what is pushed later is deployed automatically", decision.what),
            );
        }
    }
    if let Some(asked) = &target.asked {
        let reason = asked.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let style = match (asked.done, asked.ok) {
            (false, _) => BLUE,
            (true, Some(true)) => GREEN,
            (true, _) => RED,
        };
        part("Asked", style, &format!("{}{reason}", asked.shown()));
    }
    text
}

/// A quarantined image in a few words: its tag, or the revision where only that is.
pub(crate) fn quarantined(it: &Quarantined) -> String {
    let image = Image { tag: it.tag.clone(), digest: it.digest.clone() };
    match &it.revision {
        Some(revision) => format!("the revision {revision}"),
        None => image.shown(),
    }
}

/// What a row shows.
struct Row {
    name: String,
    runs: String,
    revision: String,
    since: String,
    tasks: String,
    remarks: Vec<Remark>,
}

impl Row {
    fn of(target: &TargetStatus, now: Timestamp) -> Self {
        let running = target.running.as_ref();
        let mut remarks = Vec::new();
        let mut remark = |style, text: String| remarks.push(Remark { style, text: harmless(&text).replace('\n', " ") });
        if let Some(reason) = &target.refused {
            remark(RED, format!("refused: {}", reason.text));
        }
        if let Some(flight) = &target.in_flight {
            let (style, said) = in_flight(flight, now);
            remark(style, said);
        }
        if let Some(memory) = &target.memory {
            for waiting in &memory.waiting {
                remark(BLUE, waits(waiting, now));
            }
            if let Some(said) = held(memory, now) {
                remark(YELLOW, format!("on hold {said}"));
            }
            match memory.quarantined.as_slice() {
                [] => {}
                [one] => remark(YELLOW, format!("quarantined: {} ({})", quarantined(one), one.cause)),
                [newest, older @ ..] => {
                    remark(YELLOW, format!("quarantined: {} and {} more", quarantined(newest), older.len()));
                }
            }
        }
        Self {
            name: harmless(&target.target),
            runs: running.map(image).map(|it| harmless(&it)).unwrap_or_else(|| "–".to_owned()),
            revision: running.map(|it| harmless(&it.revision)).unwrap_or_default(),
            since: running.and_then(|it| it.since).map(|at| times::ago(at, now)).unwrap_or_default(),
            tasks: running.map(|it| format!("{}/{}", it.running, it.desired)).unwrap_or_default(),
            remarks,
        }
    }
}

fn image(deployment: &Deployment) -> String {
    deployment.image.as_ref().map_or_else(|| "another image".to_owned(), Image::shown)
}

fn in_flight(flight: &Deployment, now: Timestamp) -> (Style, String) {
    let since = flight.since.map(|at| format!(", {}", times::ago(at, now))).unwrap_or_default();
    let tasks = bar(flight.running, flight.desired, BAR);
    let stage = flight.stage(Some(now)).map(|stage| format!(", {stage}")).unwrap_or_default();
    match flight.state.as_deref() {
        Some("rolling_back") => (YELLOW, format!("rolling back to {} {tasks}{since}", image(flight))),
        Some("failed") => (RED, format!("{} failed, and was left so", image(flight))),
        _ if flight.waits_for.is_some() => (YELLOW, format!("deploying {}{stage} {tasks}{since}", image(flight))),
        _ => (BLUE, format!("deploying {}{stage} {tasks}{since}", image(flight))),
    }
}

fn waits(waiting: &Waiting, now: Timestamp) -> String {
    let what = waiting.tag.as_deref().unwrap_or("a comparison with the registry");
    let since = waiting.since.map(|at| format!(" for {}", times::ago(at, now))).unwrap_or_default();
    format!("{what} pending{since}: {}", waiting.reason)
}

fn held(memory: &Memory, now: Timestamp) -> Option<String> {
    let hold = memory.held.as_ref()?;
    let since = hold.at.map(|at| format!("for {}", times::ago(at, now)));
    let who = hold.who.as_deref().map(|who| format!("by {}", who.rsplit('/').next().unwrap_or(who)));
    let reason = hold.reason.as_deref().map(|reason| format!("({reason})"));
    Some([since, who, reason].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn count(targets: &[TargetStatus]) -> String {
    let number = |is: &dyn Fn(&TargetStatus) -> bool| targets.iter().filter(|target| is(target)).count();
    let memory = |target: &TargetStatus, is: fn(&Memory) -> bool| target.memory.as_ref().is_some_and(is);
    let counts = [
        (number(&|it| it.in_flight.as_ref().is_some_and(|it| it.state.as_deref() != Some("failed"))), "in progress"),
        (number(&|it| it.in_flight.as_ref().is_some_and(|it| it.state.as_deref() == Some("failed"))), "failed"),
        (number(&|it| memory(it, |memory| memory.held.is_some())), "on hold"),
        (number(&|it| memory(it, |memory| !memory.quarantined.is_empty())), "with quarantined images"),
        (number(&|it| it.refused.is_some()), "refused"),
    ];
    let whole = format!("{} target{}", targets.len(), if targets.len() == 1 { "" } else { "s" });
    let parts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    std::iter::once(whole).chain(parts).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::answer;

    fn target(name: &str, tag: &str, memory: Value) -> Value {
        json!({
            "target": name, "repository": "shop/web",
            "running": { "image": { "tag": tag, "digest": null }, "revision": "web:41",
                "since": "2026-11-21T09:00:00Z", "running": 2, "desired": 2 },
            "memory": memory,
        })
    }

    fn drawn(targets: Vec<Value>, width: usize) -> String {
        let answer = json!({ "at": "2026-11-21T12:00:00Z", "targets": targets });
        anstream::adapter::strip_str(&fleet(&answer::read(&answer), width)).to_string()
    }

    fn some() -> Vec<Value> {
        let cause = "its container web exited with code 1, and so did those of two more tasks";
        let quarantined = |tag: &str| json!({ "tag": tag, "digest": null, "cause": cause });
        let mut moving = target(
            "prod/checkout-service-with-a-long-name-europe",
            "2026.11.21-production-3f2a91c",
            json!({
                "waiting": [{ "tag": "1.7.0", "since": "2026-11-21T11:58:00Z",
                    "reason": "it waits for the end of a deployment, and is decided then" }],
                "quarantined": [quarantined("1.6.0"), quarantined("1.5.9")],
            }),
        );
        moving["in_flight"] = json!({ "image": { "tag": "1.6.1", "digest": null }, "revision": "web:42",
            "state": "in_progress", "since": "2026-11-21T11:59:18Z", "running": 1, "desired": 2 });
        vec![
            moving,
            target(
                "prod/api",
                "1.4.2",
                json!({
                    "held": { "at": "2026-11-21T11:00:00Z", "who": "arn:aws:sts::1:assumed-role/x/ana", "reason": "sale" },
                    "quarantined": [quarantined("1.5.0")],
                }),
            ),
            target("edge/プロキシ", "1.4.2", json!({})),
            json!({ "target": "prod/gone", "refused": { "code": "x", "text": "there is no service gone in prod" } }),
        ]
    }

    #[test]
    fn a_fleet_is_readable_on_any_width() {
        insta::assert_snapshot!("wide", drawn(some(), 140));
        insta::assert_snapshot!("narrow", drawn(some(), 60));
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for width in [60, 80, 100, 200] {
            for line in drawn(some(), width).lines() {
                assert!(columns(line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn two_hundred_targets_are_as_many_lines() {
        let targets = (0..200).map(|n| target(&format!("prod/service-{n}"), "1.4.2", json!({}))).collect();
        assert_eq!(drawn(targets, 100).lines().count(), 203);
        assert_eq!(drawn(Vec::new(), 100), "The configuration has no targets.\n");
    }

    #[test]
    fn what_a_newer_slipway_says_differently_is_shown_as_far_as_it_is_known() {
        let odd = json!({ "target": "prod/web", "running": 7, "memory": { "quarantined": [1, { "tag": "1.0.0" }] } });
        assert!(drawn(vec![odd], 100).contains("quarantined: 1.0.0"));
    }
}
