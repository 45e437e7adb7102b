//! `slipway check`: the configuration and the account against each other, before the install and after.

use std::path::PathBuf;

use crate::check::{self, Subject};
use crate::exit::Exit;
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::screen;
use crate::session::Session;

/// Check the configuration, the account and the installed stack against each other; changes nothing.
///
/// It reads with your own credentials, and says everything that it finds at once, each with its fix. What you may not look at is
/// "not checked".
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway check
  slipway check --config slipway.yaml
  slipway check --config slipway.yaml --parameters parameters.json

Exit codes:
  0   no errors; there may be warnings, and things that were not checked
  1   at least one error: a deploy would fail, or its events or notices would not come
  64  the command was called wrongly
  69  nothing of the account could be looked at")]
pub(crate) struct Args {
    /// The configuration document to check; by default the installed one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The parameters that the stack will have, as `aws cloudformation` reads them; by default those of the installed stack.
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
}

/// Checks, and shows what was found.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let session = Session::open(options).await?;
    let subject = Subject { config: args.config.as_deref(), parameters: args.parameters.as_deref() };
    let checked = check::check(&session, &subject).await?;
    match options.output {
        Output::Json => println!("{:#}", checked.json()),
        Output::Human => anstream::print!("{}", checked.text(screen::width())),
    }
    Ok(checked.exit())
}
