//! `slipway release`: ends a hold, or releases an image from quarantine.

use crate::acting::{self, Recorded};
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::subject::{ImageArgs, Targets};

/// End a hold, or release an image from quarantine.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway release prod/web
  slipway release prod/web --tag 1.8.2 --reason \"the secret is back\"")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    image: ImageArgs,
    #[command(flatten)]
    recorded: Recorded,
}

/// Asks for it, and shows what is on record then.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let mut request = args.targets.request("release");
    args.image.put_into(&mut request);
    acting::change_record(options, &args.recorded, request).await
}
