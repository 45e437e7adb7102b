//! Random schedules against the real handlers: pushes, copies, lost and late events, faults, crashes and a person, with
//! every AWS call held until chance lets it go. Then calm, and what must hold at rest.
//!
//! `cargo sim` runs far more of them against a model of the functions; these say that the functions are like it. With
//! `SLIPWAY_SCHEDULES=500` there are so many of each kind. Sockets and timers have a say in the order, so that a seed does
//! not replay a schedule to the letter: what breaks a law prints all that happened.

mod laws;
mod schedule;

use std::env;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{service, service_with_breaker, side_by_side};
use crate::{scenarios, trial};

use schedule::Schedule;

/// So many schedules of each kind, if nothing else is said.
const SCHEDULES: u64 = 24;

/// So many worlds at once; they mostly wait.
const AT_ONCE: usize = 8;

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "random" {
        rolling_deployments_by_chance
        rolling_deployments_with_a_breaker_by_chance
        blue_green_deployments_by_chance
    } }
}

async fn rolling_deployments_by_chance(name: &'static str) {
    weather(name, service("web")).await;
}

async fn rolling_deployments_with_a_breaker_by_chance(name: &'static str) {
    weather(name, service_with_breaker("web")).await;
}

async fn blue_green_deployments_by_chance(name: &'static str) {
    let mut service = service("web");
    service["deploymentConfiguration"] = json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1 });
    weather(name, service).await;
}

/// Runs the schedules of this kind, until one breaks a law.
async fn weather(name: &'static str, service: Value) {
    let count = env::var("SLIPWAY_SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(SCHEDULES);
    let seeds: Vec<u64> = (0..count).collect();
    let (mut updates, mut rollbacks) = (0, 0);
    for seeds in seeds.chunks(AT_ONCE) {
        let runs = seeds.iter().map(async |seed| (*seed, Schedule::run(name, *seed, &service).await));
        for (seed, came) in side_by_side(runs.collect()).await {
            let trace = came.trace.join("\n");
            assert!(came.broken.is_empty(), "{trace}\n\n{name}, seed {seed}:\n{}", came.broken.join("\n"));
            updates += came.updates;
            rollbacks += came.rollbacks;
        }
    }
    println!("{name}: {count} schedules, {updates} updates, {rollbacks} rollbacks by Slipway, no law broken");
}
