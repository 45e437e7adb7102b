//! `slipway explain`: what an event would cause, and why.

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::acting;
use crate::ask::Functions;
use crate::exit::Exit;
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::session::Session;

/// Show what an event would cause, and why; does nothing.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway explain event.json
  pbpaste | slipway explain -")]
pub(crate) struct Args {
    /// The file with the event's JSON, as EventBridge delivered it; `-` reads the standard input.
    #[arg(value_name = "FILE")]
    event: PathBuf,
}

/// Reads the event, asks, and shows the plans.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let event = read(args)?;
    let session = Session::open(options).await?;
    let answer = Functions::of(&session).read(json!({ "action": "explain", "event": event })).await?;
    match options.output {
        Output::Json => println!("{answer:#}"),
        Output::Human => acting::show_plans(&answer),
    }
    Ok(Exit::AsAsked)
}

fn read(args: &Args) -> Result<Value, Problem> {
    let is_piped = args.event.as_os_str() == "-";
    let name = if is_piped { "the standard input".to_owned() } else { args.event.display().to_string() };
    let mut text = String::new();
    let read = match is_piped {
        true => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        false => std::fs::read_to_string(&args.event).map(|read| text = read),
    };
    read.map_err(|error| Problem::usage(format!("{name} cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| {
        Problem::usage(format!("{name} is not JSON: {error}")).fix("Give the whole event, as EventBridge delivered it.")
    })
}
