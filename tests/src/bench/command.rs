//! What a start of the command costs: `slipway --help` beside an empty program with clap.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::table::Table;

/// The programs, each in the profile of the command.
const PROGRAMS: [&str; 2] = ["empty_command", "slipway"];

/// Measures so many starts of each program, in turn, so that whatever else the machine does meets both.
///
/// # Panics
/// If a program does not run.
pub fn measure(directory: &Path, starts: usize, table: &mut Table) {
    let mut times = PROGRAMS.map(|_| Vec::new());
    // The first round fills the page cache, and isn't counted.
    for round in 0..=starts {
        for (times, program) in times.iter_mut().zip(PROGRAMS) {
            let time = help(&directory.join(program));
            if round > 0 {
                times.push(time);
            }
        }
    }
    let [empty, slipway] = times.map(median);
    for (program, time) in PROGRAMS.iter().zip([empty, slipway]) {
        table.add(format!("{program} --help"), format!("{:.2} ms", time.as_secs_f64() * 1e3));
    }
    let ratio = slipway.as_secs_f64() / empty.as_secs_f64();
    table.aim("slipway --help, to the empty command's", ratio, 3.0, " ×");
}

/// From the start of the process to its end.
fn help(program: &Path) -> Duration {
    let started = Instant::now();
    let status = Command::new(program).arg("--help").stdin(Stdio::null()).stdout(Stdio::null()).status();
    let time = started.elapsed();
    assert!(status.is_ok_and(|status| status.success()), "{} --help failed", program.display());
    time
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
