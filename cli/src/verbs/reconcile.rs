//! `slipway reconcile`: compares the registry with what runs now.

use crate::acting::{self, Acting};
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::subject::AnyTargets;

/// Compare the registry with what runs now, without waiting for the next time.
///
/// It deploys the best image that the tag policy and the gates allow, as the reconcile does by itself every 15 minutes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway reconcile
  slipway reconcile prod/web --yes")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: AnyTargets,
    #[command(flatten)]
    acting: Acting,
}

/// Shows the plan, asks, and reconciles.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    acting::act(options, &args.acting, args.targets.request("reconcile")).await
}
