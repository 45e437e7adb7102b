//! `cargo sim`: runs schedules, and prints the first that breaks a law so that it can be replayed.

use std::num::NonZero;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use sim::bug::{BUGS, Bug};
use sim::schedule::{self, Detail};

const USAGE: &str = "cargo sim [COUNT [FROM]]       so many schedules, 250000 without it, from this seed on
cargo sim --seed SEED          one schedule, line by line
cargo sim --bug NAME [COUNT]   with a bug planted in the port; it is well if a law breaks
cargo sim --bugs [COUNT]       each of the bugs in turn";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => without_bug(0, 250_000),
        ["--seed", seed] => seed.parse().map_or_else(|_| usage(), replay),
        ["--bug", name] => with_bug(name, "10000"),
        ["--bug", name, count] => with_bug(name, count),
        ["--bugs"] => with_bugs("10000"),
        ["--bugs", count] => with_bugs(count),
        [count] => count.parse().map_or_else(|_| usage(), |count| without_bug(0, count)),
        [count, from] => match (count.parse(), from.parse()) {
            (Ok(count), Ok(from)) => without_bug(from, count),
            _ => usage(),
        },
        _ => usage(),
    }
}

/// Runs so many schedules; well if no law is broken. But for the rate, what is printed does not depend on the machine.
fn without_bug(from: u64, count: u64) -> ExitCode {
    let began = Instant::now();
    let sum = all(from..from.saturating_add(count), None);
    if let Some(seed) = sum.broken {
        let came = schedule::run(seed, None, Detail::Trace);
        let law = came.broken.unwrap_or_default();
        println!("{}\n\nseed {seed}: {law}\nreplay it with: cargo sim --seed {seed}", came.trace.join("\n"));
        return ExitCode::FAILURE;
    }
    let seconds = began.elapsed().as_secs_f64();
    let Sum { updates, rollbacks, notices, .. } = sum;
    println!("{count} schedules, {updates} updates, {rollbacks} rollbacks, {notices} notices, no law broken");
    println!("{:.0} schedules a second on {} cores, {seconds:.0} s", count as f64 / seconds, cores());
    ExitCode::SUCCESS
}

/// What so many schedules came to.
#[derive(Default)]
struct Sum {
    updates: u64,
    rollbacks: u64,
    notices: u64,
    /// The first seed that breaks a law.
    broken: Option<u64>,
}

/// Runs the schedules of these seeds on all cores, none beyond the first that breaks a law.
fn all(seeds: Range<u64>, bug: Option<Bug>) -> Sum {
    let (next, first) = (AtomicU64::new(seeds.start), AtomicU64::new(u64::MAX));
    let work = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || seed > first.load(Ordering::Relaxed) {
                return sum;
            }
            let came = schedule::run(seed, bug, Detail::Result);
            sum.updates += u64::from(came.updates);
            sum.rollbacks += u64::from(came.rollbacks);
            sum.notices += u64::from(came.notices);
            if came.broken.is_some() {
                first.fetch_min(seed, Ordering::Relaxed);
            }
        }
    };
    let mut whole = thread::scope(|scope| {
        let at_work: Vec<_> = (0..cores()).map(|_| scope.spawn(work)).collect();
        at_work.into_iter().fold(Sum::default(), |whole, one| {
            let one = one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Sum {
                updates: whole.updates + one.updates,
                rollbacks: whole.rollbacks + one.rollbacks,
                notices: whole.notices + one.notices,
                broken: None,
            }
        })
    });
    whole.broken = Some(first.into_inner()).filter(|seed| *seed < seeds.end);
    whole
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

fn replay(seed: u64) -> ExitCode {
    let came = schedule::run(seed, None, Detail::Trace);
    println!("{}\n", came.trace.join("\n"));
    match came.broken {
        Some(law) => {
            println!("seed {seed}: {law}");
            ExitCode::FAILURE
        }
        None => {
            println!("seed {seed}: no law is broken");
            ExitCode::SUCCESS
        }
    }
}

fn with_bugs(count: &str) -> ExitCode {
    // Each is tried, also where one before was not found.
    let found: Vec<bool> = BUGS.iter().map(|(name, _)| with_bug(name, count) == ExitCode::SUCCESS).collect();
    if found.iter().all(|found| *found) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn with_bug(name: &str, count: &str) -> ExitCode {
    let bug: Option<Bug> = BUGS.iter().find(|(known, _)| *known == name).map(|(_, bug)| *bug);
    let (Some(bug), Ok(count)) = (bug, count.parse::<u64>()) else { return usage() };
    if let Some(seed) = all(0..count, Some(bug)).broken {
        let law = schedule::run(seed, Some(bug), Detail::Result).broken.unwrap_or_default();
        println!("{name}: found by seed {seed}: {law}");
        return ExitCode::SUCCESS;
    }
    println!("{name}: not found in {count} schedules");
    ExitCode::FAILURE
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}
