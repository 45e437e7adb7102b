//! `slipway completions`: what a shell needs to complete the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::exit::Exit;
use crate::options::Command;

/// Print the completions for a shell.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  slipway completions bash > /etc/bash_completion.d/slipway")]
pub(crate) struct Args {
    /// Which shell.
    shell: Shell,
}

/// Prints them. AWS is not asked.
pub(crate) fn run(args: &Args) -> Exit {
    clap_complete::generate(args.shell, &mut Command::command(), "slipway", &mut std::io::stdout());
    Exit::AsAsked
}
