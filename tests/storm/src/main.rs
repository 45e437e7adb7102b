//! `cargo storm`: runs schedules, and prints the first that breaks a law so that it can be replayed.

use std::process::ExitCode;
use std::time::Instant;

use storm::bug::{BUGS, Bug};
use storm::schedule::{self, Telling};

const USAGE: &str = "cargo storm [COUNT]              so many schedules, a million without it
cargo storm --seed SEED          one schedule, line by line
cargo storm --bug NAME [COUNT]   with a decision broken on purpose; it is well if a law is seen to break
cargo storm --bugs [COUNT]       each of them in turn";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => weather(1_000_000),
        ["--seed", seed] => seed.parse().map_or_else(|_| usage(), replay),
        ["--bug", name] => with_bug(name, "10000"),
        ["--bug", name, count] => with_bug(name, count),
        ["--bugs"] => with_bugs("10000"),
        ["--bugs", count] => with_bugs(count),
        [count] => count.parse().map_or_else(|_| usage(), weather),
        _ => usage(),
    }
}

/// Runs so many schedules; well if no law is broken.
fn weather(count: u64) -> ExitCode {
    let began = Instant::now();
    let (mut updates, mut rollbacks) = (0u64, 0u64);
    for seed in 0..count {
        let came = schedule::run(seed, None, Telling::Nothing);
        updates += u64::from(came.updates);
        rollbacks += u64::from(came.rollbacks);
        if let Some(law) = came.broken {
            let came = schedule::run(seed, None, Telling::Everything);
            println!("{}\n\nseed {seed}: {law}\nreplay it with: cargo storm --seed {seed}", came.trace.join("\n"));
            return ExitCode::FAILURE;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{count} schedules, {updates} updates, {rollbacks} rollbacks by Slipway, no law broken; {seconds:.0} s");
    ExitCode::SUCCESS
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
    for seed in 0..count {
        if let Some(law) = schedule::run(seed, Some(bug), Telling::Nothing).broken {
            println!("{name}: found by seed {seed}: {law}");
            return ExitCode::SUCCESS;
        }
    }
    println!("{name}: not found in {count} schedules");
    ExitCode::FAILURE
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}
