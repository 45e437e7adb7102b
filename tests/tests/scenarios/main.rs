//! The scenarios: what happens to users, with the real handlers and the real SDK against World.
//!
//! They run side by side; after them the stack, and when the whole set was run, the template's roles are judged by every
//! call recorded in any of them.

mod authority;
mod build;
mod classic;
mod code_deploy;
mod early;
mod elsewhere;
mod examples;
mod express;
mod failure;
mod family;
mod faults;
mod following;
mod generated;
mod lease;
mod manual;
mod memory;
mod order;
mod outcomes;
mod placeholder;
mod push;
mod random;
mod recency;
mod reconcile;
mod record;
mod roles;
mod rollback;
mod room;
mod scenario;
mod shifts;
mod slack;
mod stack;
mod track;
mod trouble;
mod troubled;
mod unobserved;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A scenario by its name, which is the name of its function.
macro_rules! scenarios {
    ($module:literal { $($name:ident)* }) => {
        vec![$(trial(concat!($module, "::", stringify!($name)), $name),)*]
    };
}
pub(crate) use scenarios;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They wait for answers that do not come far more than they compute.
    arguments.test_threads.get_or_insert(4);
    let mut trials = push::scenarios();
    trials.extend(order::scenarios());
    trials.extend(manual::scenarios());
    trials.extend(authority::scenarios());
    trials.extend(elsewhere::scenarios());
    trials.extend(faults::scenarios());
    trials.extend(family::scenarios());
    trials.extend(examples::scenarios());
    trials.extend(lease::scenarios());
    trials.extend(memory::scenarios());
    trials.extend(placeholder::scenarios());
    trials.extend(recency::scenarios());
    trials.extend(reconcile::scenarios());
    trials.extend(generated::scenarios());
    trials.extend(track::scenarios());
    trials.extend(failure::scenarios());
    trials.extend(rollback::scenarios());
    trials.extend(outcomes::scenarios());
    trials.extend(shifts::scenarios());
    trials.extend(code_deploy::scenarios());
    trials.extend(express::scenarios());
    trials.extend(early::scenarios());
    trials.extend(classic::scenarios());
    trials.extend(troubled::scenarios());
    trials.extend(unobserved::scenarios());
    trials.extend(slack::scenarios());
    trials.extend(build::scenarios());
    trials.extend(random::scenarios());
    let whole = arguments.filter.is_none() && arguments.skip.is_empty();
    let scenarios = libtest_mimic::run(&arguments, trials);
    if scenarios.has_failed() {
        return scenarios.exit_code();
    }
    // Only now, because the roles are judged by every call of every scenario.
    let stack = Trial::test("stack::a_push_goes_all_the_way_and_the_roles_are_right", move || {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failed::from(error.to_string()))?;
        runtime.block_on(async {
            let stage = stack::a_push_goes_all_the_way().await;
            stack::a_failing_deployment_is_rolled_back_when_its_deadline_passes(&stage).await;
            stack::every_event_finds_its_function(&stage).await;
            let judged = if whole { roles::judge_all(&stage).await } else { Ok(()) };
            // What still fires on this stage may still be written down.
            stage.world.take_calls();
            judged
        })
    });
    libtest_mimic::run(&arguments, vec![stack]).exit_code()
}

/// The handlers' futures are large without optimisation, and a test's thread has two megabytes.
const STACK: usize = 32 << 20;

/// A trial that runs a scenario on a runtime and a thread of its own.
fn trial<F: Future<Output = ()> + 'static>(name: &'static str, scenario: fn(&'static str) -> F) -> Trial {
    Trial::test(name, move || {
        let running = std::thread::Builder::new().stack_size(STACK).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Failed::from(error.to_string()))?;
            runtime.block_on(scenario(name));
            Ok(())
        })?;
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
