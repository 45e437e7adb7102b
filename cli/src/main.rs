//! The command `slipway`: it asks the functions of an installed Slipway, and shows people and builds what they answer.
//!
//! It decides nothing by itself. One verb is one file in `verbs`.

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Exit;
use crate::options::Command;

mod acting;
mod answer;
mod ask;
mod check;
mod diagnosis;
mod exit;
mod github;
mod init;
mod options;
mod problem;
mod progress;
mod screen;
mod seen;
mod session;
mod subject;
mod table;
mod times;
mod verbs;

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help and the version are no mistakes.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::AsAsked };
            let _ = error.print();
            return exit.into();
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let exit = match runtime {
        Ok(runtime) => runtime.block_on(verbs::run(&command)),
        Err(error) => Err(problem::Problem::unavailable(format!("the program cannot start: {error}"))),
    };
    let exit = exit.unwrap_or_else(|problem| {
        problem.print(command.options.output);
        problem.exit
    });
    exit.into()
}
