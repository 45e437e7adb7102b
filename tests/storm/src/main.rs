//! `cargo storm`: runs schedules, and prints the first that breaks a law so that it can be replayed.

use std::num::NonZero;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use storm::bug::{BUGS, Bug};
use storm::schedule::{self, Telling};

const USAGE: &str = "cargo storm [COUNT [FROM]]       so many schedules, a million without it, from this seed on
cargo storm --seed SEED          one schedule, line by line
cargo storm --bug NAME [COUNT]   with a decision broken on purpose; it is well if a law is seen to break
cargo storm --bugs [COUNT]       each of them in turn";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => weather(0, 1_000_000),
        ["--seed", seed] => seed.parse().map_or_else(|_| usage(), replay),
        ["--bug", name] => with_bug(name, "10000"),
        ["--bug", name, count] => with_bug(name, count),
        ["--bugs"] => with_bugs("10000"),
        ["--bugs", count] => with_bugs(count),
        [count] => count.parse().map_or_else(|_| usage(), |count| weather(0, count)),
        [count, from] => match (count.parse(), from.parse()) {
            (Ok(count), Ok(from)) => weather(from, count),
            _ => usage(),
        },
        _ => usage(),
    }
}

/// Runs so many schedules; well if no law is broken. What is printed does not depend on the number of threads.
fn weather(from: u64, count: u64) -> ExitCode {
    let began = Instant::now();
    let sum = all(from..from.saturating_add(count), None);
    if let Some(seed) = sum.broken {
        let came = schedule::run(seed, None, Telling::Everything);
        let law = came.broken.unwrap_or_default();
        println!("{}\n\nseed {seed}: {law}\nreplay it with: cargo storm --seed {seed}", came.trace.join("\n"));
        return ExitCode::FAILURE;
    }
    let seconds = began.elapsed().as_secs_f64();
    let Sum { updates, rollbacks, .. } = sum;
    println!("{count} schedules, {updates} updates, {rollbacks} rollbacks by Slipway, no law broken; {seconds:.0} s");
    ExitCode::SUCCESS
}

/// What so many schedules came to.
#[derive(Default)]
struct Sum {
    updates: u64,
    rollbacks: u64,
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
            let came = schedule::run(seed, bug, Telling::Nothing);
            sum.updates += u64::from(came.updates);
            sum.rollbacks += u64::from(came.rollbacks);
            if came.broken.is_some() {
                first.fetch_min(seed, Ordering::Relaxed);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut whole = thread::scope(|scope| {
        let at_work: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        at_work.into_iter().fold(Sum::default(), |whole, one| {
            let one = one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Sum { updates: whole.updates + one.updates, rollbacks: whole.rollbacks + one.rollbacks, broken: None }
        })
    });
    whole.broken = Some(first.into_inner()).filter(|seed| *seed < seeds.end);
    whole
}

fn replay(seed: u64) -> ExitCode {
    let came = schedule::run(seed, None, Telling::Everything);
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
    let all_found = BUGS.iter().all(|(name, _)| with_bug(name, count) == ExitCode::SUCCESS);
    if all_found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn with_bug(name: &str, count: &str) -> ExitCode {
    let bug: Option<Bug> = BUGS.iter().find(|(known, _)| *known == name).map(|(_, bug)| *bug);
    let (Some(bug), Ok(count)) = (bug, count.parse::<u64>()) else { return usage() };
    if let Some(seed) = all(0..count, Some(bug)).broken {
        let law = schedule::run(seed, Some(bug), Telling::Nothing).broken.unwrap_or_default();
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
