//! `slipway init`: writes the configuration and the template's parameters from what runs. It changes nothing in the account.

use std::path::PathBuf;

use crate::exit::Exit;
use crate::init::files::{Files, Overwrite};
use crate::init::plan::Row;
use crate::init::{account, document, parameters, plan, shown};
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::screen;
use crate::session::Session;

/// Write slipway.yaml and the template's parameters from what runs; it changes nothing in the account.
///
/// It reads the clusters, services, task definitions, repositories and tags, and chooses for each service the tag policy that fits. What it cannot know
/// is in the file as a comment.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway init
  slipway init --cluster prod --cluster edge
  slipway init --out deploy --force")]
pub(crate) struct Args {
    /// Only the services of this cluster; may be given again. All by default.
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// The folder for slipway.yaml and parameters.json.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// Replace the files if they are there.
    #[arg(long)]
    force: bool,
}

/// Reads the account, and writes both files.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let files = Files::in_folder(&args.out, if args.force { Overwrite::Force } else { Overwrite::Never })?;
    let session = Session::open(options).await?;
    let plan = plan::of(account::read(&session, &args.cluster).await?);
    let text = document::of(&plan)?;
    let (granted, warnings) = parameters::of(&plan);
    let has_targets = plan.services.iter().any(|row| !row.targets.is_empty());
    if has_targets {
        files.write([&text, &granted])?;
    }
    let proposal = shown::Proposal {
        plan: &plan,
        warnings,
        files: has_targets.then(|| files.shown()),
        stack: &options.stack,
        size: text.len(),
    };
    match options.output {
        Output::Json => println!("{:#}", proposal.json(&parameters::values(&granted))),
        Output::Human => anstream::print!("{}", proposal.text(screen::width())),
    }
    Ok(match (plan.services.iter().any(Row::is_written), has_targets) {
        (true, _) => Exit::AsAsked,
        (false, true) => Exit::NeedsPerson,
        (false, false) => Exit::Failed,
    })
}
