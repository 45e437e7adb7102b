//! `slipway hold`: keeps Slipway from deploying to a target by itself.

use crate::acting::{self, Recorded};
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::subject::Targets;

/// Keep Slipway from deploying to a target by itself.
///
/// Pushes are remembered meanwhile. `slipway release` ends it, and then the best image is deployed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  slipway hold prod/web --reason \"sale until Monday\"")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    recorded: Recorded,
}

/// Asks for it, and shows what is on record then.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    acting::change_record(options, &args.recorded, args.targets.request("hold")).await
}
