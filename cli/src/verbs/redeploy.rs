//! `slipway redeploy`: renders the running image again, and deploys it.

use crate::acting::{self, Acting};
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::subject::Targets;

/// Render the running image again, and deploy it.
///
/// With `base: family` this deploys a new task definition. If nothing changes, ECS replaces the tasks all the same.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  slipway redeploy prod/web --wait")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    acting: Acting,
}

/// Shows the plan, asks, and redeploys.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    acting::act(options, &args.acting, args.targets.request("redeploy")).await
}
