//! `slipway history`: the last deployments.

use std::fmt::Write as _;

use anstyle::Style;
use jiff::Timestamp;
use serde_json::json;

use crate::answer::{self, HistoryAnswer, Image, PastDeployment, TargetHistory};
use crate::ask::Functions;
use crate::diagnosis::Diagnosis;
use crate::exit::Exit;
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::screen::{BLUE, BOLD, FAINT, GREEN, RED, YELLOW, harmless, shortened, width};
use crate::session::Session;
use crate::subject::AnyTargets;
use crate::times;

/// Show the last deployments: image, who, how long, how they ended and why.
///
/// Who asked is what the request said, so it is a claim; what the command sends is the ARN of its caller.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  slipway history prod/web
  slipway history prod/web -n 3 --why")]
pub(crate) struct Args {
    #[command(flatten)]
    targets: AnyTargets,
    /// How many of each target.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    last: u16,
    /// Show what was observed of each failure, and what a person can do.
    #[arg(long)]
    why: bool,
}

/// Asks, and shows the deployments, newest first.
pub(crate) async fn run(options: &Options, args: &Args) -> Result<Exit, Problem> {
    let session = Session::open(options).await?;
    let mut request = args.targets.request("history");
    request["last"] = json!(args.last);
    let answer = Functions::of(&session).read(request).await?;
    let history: HistoryAnswer = answer::read(&answer);
    match options.output {
        Output::Json => println!("{answer:#}"),
        Output::Human => history.targets.iter().for_each(|target| show(target, args.why)),
    }
    let refused = history.targets.iter().any(|target| target.refused.is_some());
    Ok(if refused { Exit::Unavailable } else { Exit::AsAsked })
}

fn show(target: &TargetHistory, why: bool) {
    anstream::println!("{BOLD}{}{BOLD:#}", harmless(&target.target));
    if let Some(reason) = &target.refused {
        anstream::println!("  {RED}{}{RED:#}", harmless(&reason.text));
    }
    if target.deployments.is_empty() && target.refused.is_none() {
        anstream::println!("  no deployment is on record");
    }
    for it in &target.deployments {
        anstream::println!("{}", line(it));
        for said in [&it.request_reason, &it.reason].into_iter().flatten() {
            anstream::println!(
                "      {FAINT}{}{FAINT:#}",
                shortened(&harmless(said).replace('\n', " "), width().saturating_sub(6))
            );
        }
        match Diagnosis::of(&it.failing) {
            Some(diagnosis) if why => diagnosis.show(6),
            Some(diagnosis) if it.reason.is_none() => {
                anstream::println!("      {FAINT}{}{FAINT:#}", harmless(&diagnosis.failing.cause));
            }
            Some(_) | None => {}
        }
    }
}

/// `#12  2026-11-21 12:00  1.4.2 → 1.5.0  completed after 1 min 12 s  push`.
fn line(it: &PastDeployment) -> String {
    let mut line = format!("  {FAINT}#{}{FAINT:#}", it.number);
    if let Some(at) = it.intended_at {
        let _ = write!(line, "  {}", at.strftime("%F %H:%M:%S UTC"));
    }
    let images = it.image.as_ref().map(|change| {
        let shown = |image: &Option<Image>| image.as_ref().map(Image::shown);
        match (shown(&change.old), shown(&change.new)) {
            (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
            (_, new) => new.unwrap_or_default(),
        }
    });
    let revision = it.revision.as_ref().and_then(|change| change.new.clone());
    let what = images.or(revision).unwrap_or_default();
    let _ = write!(line, "  {BOLD}{}{BOLD:#}", harmless(&what));
    let (style, outcome) = outcome(it);
    let _ = write!(line, "  {style}{outcome}{style:#}");
    let time = it.began_at.zip(it.ended_at).map(|(from, to): (Timestamp, Timestamp)| to.duration_since(from));
    if let Some(time) = time {
        let _ = write!(line, " after {}", times::exact(time));
    }
    let who = it.who.as_deref().map(|who| format!(" by {who}, as they say")).unwrap_or_default();
    let _ = write!(line, "  {FAINT}{}{}{FAINT:#}", harmless(&it.trigger), harmless(&who));
    line
}

fn outcome(it: &PastDeployment) -> (Style, String) {
    let style = match it.outcome.as_deref() {
        None => return (BLUE, "in progress".to_owned()),
        Some("completed") => GREEN,
        Some("superseded" | "external") => FAINT,
        Some("stopped") => YELLOW,
        Some(_) => RED,
    };
    let words = match it.outcome.as_deref().unwrap_or_default() {
        // By ECS, or by CodeDeploy where that deploys the service.
        "rolled_back_by_ecs" => "rolled back automatically".to_owned(),
        "rolled_back_by_slipway" => "rolled back by Slipway".to_owned(),
        word => harmless(&word.replace('_', " ")),
    };
    (style, words)
}
