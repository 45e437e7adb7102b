//! `slipway deploy`: deploys an image, older or newer.

use serde_json::json;

use crate::acting::{self, Acting};
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::subject::{ImageArgs, Targets};

/// Deploy an image, older or newer.
///
/// It counts as your decision: from then on, only images that are pushed later are deployed automatically.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway deploy prod/web --tag 1.8.2
  slipway deploy prod/web --tag 1.8.2 --yes --wait")]
#[command(group(clap::ArgGroup::new("image").args(["tag", "digest"]).required(true)))]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    image: ImageArgs,
    /// Deploy it although it failed here before, or although the target is on hold.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    acting: Acting,
}

/// Shows the plan, asks, and deploys.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let mut request = args.targets.request("deploy");
    args.image.put_into(&mut request);
    if args.force {
        request["force"] = json!(true);
    }
    acting::act(options, &args.acting, request).await
}
