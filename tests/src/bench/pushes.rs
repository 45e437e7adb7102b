//! What a push costs in calls and time, for one service, ten and a hundred; and what AWS's rate limits make of a hundred
//! families.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::function::Function;
use super::runtime_api::{Answer, Invocation};
use super::setup::{self, DOCUMENT, Families, TOPIC};
use super::table::Table;
use crate::world::{Call, World, longest_chain};

/// How long each call to AWS takes, at least.
const LATENCY: Duration = Duration::from_millis(20);

/// Lambda's tries of an asynchronous invocation: the first, and two more.
const TRIES: usize = 3;

/// A push to one service, ten, and a hundred of one family: each to a warm function, the fastest of three.
pub async fn measure(deploy: &Path, table: &mut Table) {
    let mut of_one = Duration::MAX;
    for (services, at_most) in [(1, None), (10, Some(1.5)), (100, Some(4.0))] {
        let mut fastest = Duration::MAX;
        let mut calls = Vec::new();
        for _ in 0..3 {
            let world = setup::world(services, Families::Shared).await;
            let function = warm(deploy, &world).await;
            world.set_latency(LATENCY);
            let answer = function.invoke(setup::push(&world, "shop/web")).await;
            calls = world.take_calls();
            assert_eq!(updates(&calls).len(), services, "{:#?}", answer.result);
            fastest = fastest.min(answer.took);
        }
        let what = |figure: &str| format!("push to {}: {figure}", counted(services));
        table.add(what("AWS calls"), calls.len().to_string());
        let accepted = calls.iter().filter(|call| call.operation == "UpdateService").map(|call| call.span.end).max();
        let look_and_do: Vec<Call> = calls.into_iter().filter(|call| Some(call.span.end) <= accepted).collect();
        let chain = longest_chain(&look_and_do) as f64;
        match at_most {
            None => table.aim(what("calls one after the other, to the update"), chain, 4.0, ""),
            Some(_) => table.add(what("calls one after the other, per service"), format!("{chain:.2}")),
        }
        table.add(what("wall time at 20 ms a call"), format!("{:.0} ms", fastest.as_secs_f64() * 1e3));
        match at_most {
            None => of_one = fastest,
            Some(at_most) => {
                let ratio = fastest.as_secs_f64() / of_one.as_secs_f64();
                table.aim(what("wall time, to one service's"), ratio, at_most, " ×");
            }
        }
    }
}

/// A push to a hundred services of a family each, with AWS's rate limits: in a function with time enough, and in one whose
/// time ends first, where Lambda's next tries have to go on.
pub async fn measure_limits(deploy: &Path, table: &mut Table) {
    for time in [Duration::from_secs(300), Duration::from_secs(60)] {
        let world = setup::world(100, Families::Own).await;
        let function = warm(deploy, &world).await;
        world.set_latency(LATENCY);
        world.keep_aws_limits();
        let invocation = Invocation { time, ..setup::push(&world, "shop/web") };
        let mut took = Vec::new();
        let mut last: Option<Answer> = None;
        while took.len() < TRIES && last.as_ref().is_none_or(|answer| answer.result.is_err()) {
            // Lambda waits a minute or two before a try, in which the buckets fill; here they get no rest.
            let answer = function.invoke(invocation.clone()).await;
            took.push(answer.took);
            last = Some(answer);
        }
        let calls = world.take_calls();
        let throttled = calls.iter().filter(|call| call.refused.as_deref() == Some("ThrottlingException")).count();
        let updates = updates(&calls);
        let revisions = answered(&calls, "ECS.RegisterTaskDefinition", "family");
        let twice = |of: &BTreeMap<String, usize>| of.values().filter(|count| **count > 1).count();
        let ended = if last.is_some_and(|answer| answer.result.is_ok()) { "done" } else { "not done" };

        let what = |figure: &str| format!("push to 100 families in {} s: {figure}", time.as_secs());
        let seconds: Vec<String> = took.iter().map(|took| format!("{:.0} s", took.as_secs_f64())).collect();
        table.add(what("tries"), format!("{} ({}), {ended}", took.len(), seconds.join(", ")));
        table.add(what("services updated"), updates.len().to_string());
        table.add(what("AWS calls, of which throttled"), format!("{}, {throttled}", calls.len()));
        table.aim(what("families with two revisions"), twice(&revisions) as f64, 0.0, "");
        table.aim(what("services updated twice"), twice(&updates) as f64, 0.0, "");
    }
}

/// A function that has read its configuration and has a connection to each service.
async fn warm(deploy: &Path, world: &World) -> Function {
    let variables = [
        ("AWS_ENDPOINT_URL", world.url().to_owned()),
        ("SLIPWAY_CONFIG", DOCUMENT.to_owned()),
        ("SLIPWAY_TOPIC_ARN", TOPIC.to_owned()),
    ];
    let variables: Vec<_> = variables.into_iter().chain(setup::names(world)).collect();
    let mut function = Function::start("deploy", deploy, &variables).await;
    function.ready().await;
    let answer = function.invoke(setup::push(world, "shop/warm")).await;
    assert_eq!(updates(&world.take_calls()).len(), 1, "{:#?}", answer.result);
    function
}

/// How often each service was updated.
fn updates(calls: &[Call]) -> BTreeMap<String, usize> {
    answered(calls, "ECS.UpdateService", "service")
}

/// How often each value of a member had this call take effect.
fn answered(calls: &[Call], name: &str, member: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls.iter().filter(|call| call.name() == name && call.status == Some(200)) {
        *counts.entry(call.request[member].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    counts
}

fn counted(services: usize) -> String {
    match services {
        1 => "1 service".to_owned(),
        _ => format!("{services} services of one family"),
    }
}
