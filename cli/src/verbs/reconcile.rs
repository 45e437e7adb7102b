//! `slipway reconcile`: compares the registry with what runs now.

use serde_json::json;

use crate::acting::{self, Acting};
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;

/// Compare the registry with what runs now, without waiting for the next time.
///
/// It deploys the best image that the tag policy and the gates allow, as the reconcile does by itself every 15 minutes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway reconcile
  slipway reconcile prod/web --yes")]
pub(crate) struct Args {
    /// The targets, cluster/service; all by default.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    #[command(flatten)]
    acting: Acting,
}

/// Shows the plan, asks, and reconciles.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let request = json!({ "action": "reconcile", "target": acting::names(&args.targets) });
    acting::act(options, &args.acting, request).await
}
