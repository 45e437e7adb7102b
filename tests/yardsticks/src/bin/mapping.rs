//! How long a document of 10,000 targets takes to be parsed and validated, and how long an event to be matched in it; in
//! microseconds, as JSON.
//!
//! A program of its own, because it is measured in release, as the functions run it.

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use slipway_core::config::Config;
use slipway_core::model::id::Home;
use slipway_core::model::image::{Repository, Tag};

const TARGETS: usize = 10_000;
const TIMES: usize = 21;

fn main() {
    let document = document();
    let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy").expect("an ARN");
    let parse = median(|| drop(black_box(Config::parse(black_box(&document)))));
    let config = Config::parse(&document).expect("a document without mistakes");
    assert_eq!(config.targets().len(), TARGETS);
    // The last ones, so that a search from the front has all of them before it.
    let repository = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team-{}/shop", TARGETS / 10 - 1);
    let repository = Repository::parse(&repository).expect("a repository");
    let tag = Tag::parse("1.5.0").expect("a tag");
    let matched = || {
        let targets = config.of_repository(black_box(&repository), &home);
        targets.into_iter().filter(|target| target.tags.admits(black_box(&tag)).is_ok()).count()
    };
    assert_eq!(matched(), 10);
    let event = median(|| {
        black_box(matched());
    });
    println!("{}", json!({ "parse": parse.as_secs_f64() * 1e6, "match": event.as_secs_f64() * 1e6 }));
}

/// Ten services of each repository, with policies of each kind among them.
fn document() -> String {
    let policies = [
        r#"{ semver: ">=1.4, <2" }"#,
        r#"{ semver: "*" }"#,
        r"{ newest: { pattern: '^\d+\.\d+\.\d+$' } }",
        "{ tag: 1.5.0 }",
    ];
    let mut document = "version: 1\ntargets:\n".to_owned();
    for number in 0..TARGETS {
        let (team, policy) = (number / 10, policies[number % policies.len()]);
        writeln!(
            document,
            "  - {{ repository: team-{team}/shop, cluster: prod, service: web-{number}, tags: {policy} }}"
        )
        .expect("memory takes all text");
    }
    document
}

fn median(mut measured: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            measured();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[TIMES / 2]
}
