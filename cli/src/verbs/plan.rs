//! `slipway plan`: what a deploy would change.

use serde_json::json;

use crate::acting;
use crate::answer::{self, ActionAnswer};
use crate::ask::Functions;
use crate::exit::Exit;
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::session::Session;
use crate::subject::{AnyTargets, ImageArgs};

/// Show what a deploy would change, and change nothing.
///
/// With an image: what its deploy would change. Without: what Slipway would deploy by itself now.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway plan
  slipway plan prod/web --tag 1.8.2")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: AnyTargets,
    #[command(flatten)]
    image: ImageArgs,
}

/// Asks for a dry run, and shows the plans.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let session = Session::open(options).await?;
    let action = if args.image.is_named() { "deploy" } else { "reconcile" };
    let mut request = args.targets.request(action);
    request["dry_run"] = json!(true);
    args.image.put_into(&mut request);
    let answer = Functions::of(&session).read(request).await?;
    match options.output {
        Output::Json => println!("{answer:#}"),
        Output::Human => acting::show_plans(&answer),
    }
    let plans: ActionAnswer = answer::read(&answer);
    Ok(Exit::of_all(plans.targets.iter().map(answer::Acted::exit)))
}
