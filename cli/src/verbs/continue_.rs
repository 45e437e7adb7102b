//! `slipway continue`: lets a deployment go on that waits for somebody.

use crate::acting;
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::subject::Targets;

/// Let a deployment go on that is paused, because a pause hook of its service waits for somebody.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway continue prod/web
  slipway rollback prod/web     # the other answer")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
}

/// Asks for it, and shows what came of it.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    acting::act_unasked(options, args.targets.request("continue")).await
}
