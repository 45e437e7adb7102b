//! `slipway rollback`: rolls back to the last known-good revision, or to the one that is named.

use serde_json::json;

use crate::acting::{self, Acting};
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::subject::Targets;

/// Roll back to the last known-good revision, or to the one you name.
///
/// It counts as your decision: from then on, only images that are pushed later are deployed automatically.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway rollback prod/web
  slipway rollback prod/web --to web:41 --yes --wait")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    /// The revision, family:number.
    #[arg(long, value_name = "REVISION")]
    to: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

/// Shows the plan, asks, and rolls back.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let mut request = args.targets.request("rollback");
    if let Some(to) = &args.to {
        request["to"] = json!(to);
    }
    acting::act(options, &args.acting, request).await
}
