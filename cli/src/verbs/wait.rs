//! `slipway wait`: waits until an image runs; what a build calls after its push.

use clap::ValueEnum;
use jiff::SignedDuration;
use serde_json::json;

use crate::ask::Functions;
use crate::exit::Exit;
use crate::options::Options;
use crate::problem::Problem;
use crate::progress::{self, Question};
use crate::session::Session;
use crate::subject::{ImageArgs, Targets};
use crate::times;

/// Wait until an image runs; what a build calls after its push.
///
/// It only reads: the policy of the stack's output `ReadPolicyArn` is enough. If the deployment fails, it says why.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway wait prod/web --tag 1.8.2
  slipway wait prod/web prod/worker --tag \"$TAG\" --timeout 20m --accept skipped,superseded")]
#[command(group(clap::ArgGroup::new("image").args(["tag", "digest"]).required(true)))]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    image: ImageArgs,
    /// How far a deployment has to come: until its tasks take the whole traffic, or to its end.
    #[arg(long = "for", value_name = "STAGE", default_value = "completed")]
    stage: Stage,
    /// How long to wait.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = times::parse)]
    timeout: SignedDuration,
    /// States that are well too, for builds that a newer one may overtake.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    accept: Vec<Acceptable>,
}

/// How far a deployment has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Its tasks take the whole traffic.
    Serving,
    /// It has ended.
    Completed,
}

/// A state in which the image does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Acceptable {
    /// It is older than what runs or than a decision, or has no tag of the policy.
    Skipped,
    /// Another image took its place.
    Superseded,
}

/// Waits, and says how it ended.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let mut request = args.targets.request("status");
    args.image.put_into(&mut request);
    if args.stage == Stage::Serving {
        request["for"] = json!("serving");
    }
    let accept: Vec<&str> = args
        .accept
        .iter()
        .map(|state| match state {
            Acceptable::Skipped => "skipped",
            Acceptable::Superseded => "superseded",
        })
        .collect();
    if !accept.is_empty() {
        request["accept"] = json!(accept);
    }
    let session = Session::open(options).await?;
    let exits = progress::wait(options, &Functions::of(&session), &[Question::of(request)], args.timeout).await?;
    Ok(Exit::of_all(exits))
}
