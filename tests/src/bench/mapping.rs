//! How long a large document takes to be parsed and validated, and an event to find its targets.
//!
//! It needs nothing but `core`: no emulator, no network. Figures only mean something in a release build.

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use slipway_core::config::Config;
use slipway_core::id::Home;
use slipway_core::image::Repository;

const TARGETS: usize = 10_000;
const ROUNDS: usize = 9;
const MATCHES: usize = 10_000;

/// A document of [`TARGETS`] targets.
struct Subject {
    name: &'static str,
    text: String,
}

/// Measures, and prints a table of medians.
pub fn run() {
    print!("{}", table());
}

fn table() -> String {
    let mut table = format!("{TARGETS} targets, median of {ROUNDS}      size   parse and validate   match per event\n");
    for subject in subjects() {
        let parsing = median((0..ROUNDS).map(|_| timed(|| config(&subject.text)).0));
        let config = config(&subject.text);
        let matching = median((0..ROUNDS).map(|_| match_all(&config)));
        let (size, parsing) = (subject.text.len() / 1024, parsing.as_secs_f64() * 1e3);
        let matching = matching.as_secs_f64() * 1e6 / MATCHES as f64;
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{:<32} {size:>6} KB {parsing:>16.1} ms {matching:>14.2} µs", subject.name);
    }
    table
}

fn subjects() -> [Subject; 5] {
    let lean = |at| format!("  - repository: shop/service-{at}\n    service: service-{at}\n    cluster: prod\n");
    let usual = |at: usize| format!("{}    tags: {{ semver: \">=1.4, <{}\" }}\n", lean(at), at % 7 + 2);
    let full = |at| {
        format!(
            "{}    containers: [web, sidekiq]\n    base: family\n    environment:\n      APP_VERSION: \"{{tag}}\"\n      SHA: \"{{digest}}\"\n",
            usual(at)
        )
    };
    let json = |at: usize| {
        format!(
            r#"{{"repository": "shop/service-{at}", "service": "service-{at}", "cluster": "prod", "tags": {{"semver": ">=1.4, <{}"}}}}"#,
            at % 7 + 2
        )
    };
    let wrong = |at: usize| format!("{}    tgas: {{}}\n", usual(at).replace(">=1.4", ">=1.x.y"));
    let yaml = |target: &dyn Fn(usize) -> String| {
        let targets: String = (0..TARGETS).map(target).collect();
        format!("version: 1\ndefaults:\n  tags: {{ semver: \"*\" }}\ntargets:\n{targets}")
    };
    let list: Vec<String> = (0..TARGETS).map(json).collect();
    [
        Subject { name: "YAML, policy from the defaults", text: yaml(&lean) },
        Subject { name: "YAML, a policy each", text: yaml(&usual) },
        Subject { name: "YAML, every key", text: yaml(&full) },
        Subject {
            name: "JSON, a policy each",
            text: format!(r#"{{"version": 1, "targets": [{}]}}"#, list.join(",\n")),
        },
        Subject { name: "YAML, two mistakes each", text: yaml(&wrong) },
    ]
}

/// The targets of a right document; of a wrong one nothing but the time it took to say so.
fn config(text: &str) -> Option<Config> {
    Config::parse(text).ok()
}

/// One look-up for each of [`MATCHES`] pushes, half of them to repositories that no target names.
fn match_all(config: &Option<Config>) -> Duration {
    let Some(config) = config else { return Duration::ZERO };
    let Some(home) = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy") else {
        unreachable!("the ARN is one")
    };
    let pushes: Vec<Repository> =
        (0..MATCHES).map(|at| Repository::at_home(&format!("shop/service-{}", at * 2), &home)).collect();
    timed(|| pushes.iter().map(|push| config.of_repository(push, &home).len()).sum::<usize>()).0
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = black_box(work());
    (start.elapsed(), done)
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}
