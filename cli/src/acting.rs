//! What the acting verbs share: the plan first, the question whether to go on, the request, and what came of it.

use std::io::{BufRead as _, Write as _};

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::{self, Acted, ActionAnswer, Memory, MemoryAnswer};
use crate::ask::Functions;
use crate::exit::Exit;
use crate::options::{Options, Output};
use crate::problem::Problem;
use crate::progress::{Question, wait};
use crate::screen::{BOLD, FAINT, GREEN, RED, YELLOW, can_ask, harmless};
use crate::session::Session;
use crate::table::quarantined;
use crate::times;

/// How an acting verb acts.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Acting {
    /// Do not show the plan first, and do not ask; needed where nobody can be asked.
    #[arg(long, short)]
    yes: bool,
    /// Then wait until the deployment has ended.
    #[arg(long)]
    wait: bool,
    /// How long to wait.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = times::parse)]
    timeout: SignedDuration,
    /// Makes the request harmless to repeat: with the same id it is carried out once.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// What is recorded with a request that only changes the record.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Recorded {
    /// Why, for whoever looks later.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Makes the request harmless to repeat.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// Shows the plan and asks, unless that is not wanted; then has the request carried out, and shows what came of it.
pub(crate) async fn act(options: &Options, how: &Acting, mut request: Value) -> Result<Exit, Problem> {
    let asks = !how.yes;
    if asks && (options.output == Output::Json || !can_ask()) {
        return Err(Problem::usage("this changes what runs, and nobody can be asked here")
            .fix("Add --yes to have it carried out.")
            .fix("`slipway plan` shows what a deploy would change."));
    }
    let session = Session::open(options).await?;
    let functions = Functions::of(&session);
    if asks && let Some(exit) = declined(&functions, &request).await? {
        return Ok(exit);
    }
    request["who"] = json!(session.caller().await?);
    if let Some(id) = &how.id {
        request["id"] = json!(id);
    }
    let answer = functions.operate(request).await?;
    let acted: ActionAnswer = answer::read(&answer);
    let exit = Exit::of_all(acted.targets.iter().map(Acted::exit));
    let questions = if how.wait && exit == Exit::AsAsked { Question::of_started(&acted) } else { Vec::new() };
    match options.output {
        Output::Human => show_results(&acted),
        Output::Json if questions.is_empty() => println!("{answer:#}"),
        // One document: how it ended.
        Output::Json => {}
    }
    match questions.is_empty() {
        true => Ok(exit),
        false => Ok(Exit::of_all(wait(options, &functions, &questions, how.timeout).await?)),
    }
}

/// Has a request carried out that has no plan to show, and shows what came of it.
pub(crate) async fn act_unasked(options: &Options, mut request: Value) -> Result<Exit, Problem> {
    let session = Session::open(options).await?;
    request["who"] = json!(session.caller().await?);
    let answer = Functions::of(&session).operate(request).await?;
    let acted: ActionAnswer = answer::read(&answer);
    match options.output {
        Output::Human => show_results(&acted),
        Output::Json => println!("{answer:#}"),
    }
    Ok(Exit::of_all(acted.targets.iter().map(Acted::exit)))
}

/// Has a request carried out that only changes the record, and shows the record.
pub(crate) async fn change_record(options: &Options, what: &Recorded, mut request: Value) -> Result<Exit, Problem> {
    let session = Session::open(options).await?;
    request["who"] = json!(session.caller().await?);
    for (key, value) in [("reason", &what.reason), ("id", &what.id)] {
        if let Some(value) = value {
            request[key] = json!(value);
        }
    }
    let is_hold = request["action"] == "hold";
    let answer = Functions::of(&session).operate(request).await?;
    let changed: MemoryAnswer = answer::read(&answer);
    match options.output {
        Output::Json => println!("{answer:#}"),
        Output::Human => changed.targets.iter().for_each(|memory| show_record(memory, is_hold)),
    }
    let refused = changed.targets.iter().any(|memory| memory.refused.is_some());
    Ok(if refused { Exit::Unavailable } else { Exit::AsAsked })
}

fn show_record(memory: &Memory, is_hold: bool) {
    let target = harmless(&memory.target);
    let now = match (&memory.refused, &memory.held) {
        (Some(reason), _) => {
            anstream::println!("{RED}✗{RED:#} {BOLD}{target}{BOLD:#}  {}", harmless(&reason.text));
            return;
        }
        (None, Some(_)) if is_hold => {
            format!("on hold: Slipway deploys nothing there by itself until `slipway release {target}`")
        }
        (None, Some(_)) => "released from quarantine; the target is still on hold".to_owned(),
        (None, None) => "released: Slipway decides again which image is the best".to_owned(),
    };
    anstream::println!("{GREEN}✓{GREEN:#} {BOLD}{target}{BOLD:#}  {now}");
    if !memory.quarantined.is_empty() {
        let images: Vec<String> = memory.quarantined.iter().map(quarantined).collect();
        anstream::println!("  {FAINT}still quarantined: {}{FAINT:#}", harmless(&images.join(", ")));
    }
}

/// Shows the plans of a dry run.
pub(crate) fn show_plans(answer: &Value) {
    let plans: ActionAnswer = answer::read(answer);
    for it in &plans.targets {
        let text = it.plan.as_ref().map(|plan| plan.text.clone()).unwrap_or_default();
        let reason = || it.reason.as_ref().map(|reason| format!("{}: {}", it.target, reason.text)).unwrap_or_default();
        let text = if text.is_empty() { reason() } else { text };
        let mut lines = text.lines();
        let colour = if it.outcome == "refused" || it.outcome == "failed" { RED } else { BOLD };
        anstream::println!("{colour}{}{colour:#}", harmless(lines.next().unwrap_or_default()));
        lines.for_each(|line| anstream::println!("{}", harmless(line)));
    }
    match &plans.ignored {
        Some(Value::String(why)) => anstream::println!("{}", harmless(why)),
        Some(_) => anstream::println!("the event is not the push of a tagged image, and only those are explained"),
        None if plans.targets.is_empty() => anstream::println!("no target is concerned"),
        None => {}
    }
}

/// Shows the plan, and asks whether it shall be carried out; how the command ends where it is not.
async fn declined(functions: &Functions<'_>, request: &Value) -> Result<Option<Exit>, Problem> {
    let mut dry = request.clone();
    dry["dry_run"] = json!(true);
    let answer = functions.read(dry).await?;
    show_plans(&answer);
    let plans: ActionAnswer = answer::read(&answer);
    if !plans.targets.iter().any(|it| it.outcome == "planned") {
        return Ok(Some(Exit::of_all(plans.targets.iter().map(Acted::exit))));
    }
    anstream::eprint!("\n{BOLD}Carry this out?{BOLD:#} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut said = String::new();
    let read = std::io::stdin().lock().read_line(&mut said);
    match read.is_ok() && matches!(said.trim().to_lowercase().as_str(), "y" | "yes") {
        true => Ok(None),
        false => {
            anstream::eprintln!("Nothing was changed.");
            Ok(Some(Exit::LeftOut))
        }
    }
}

fn show_results(acted: &ActionAnswer) {
    for it in &acted.targets {
        let reason = it.reason.as_ref().map(|reason| harmless(&reason.text)).unwrap_or_default();
        let target = harmless(&it.target);
        match it.outcome.as_str() {
            "started" => {
                let revision = it.revision.as_ref();
                let revisions = revision.and_then(|it| Some(format!("  {} → {}", it.old.as_ref()?, it.new.as_ref()?)));
                anstream::println!(
                    "{GREEN}✓{GREEN:#} {BOLD}{target}{BOLD:#}  started: {reason}{FAINT}{}{FAINT:#}",
                    harmless(&revisions.unwrap_or_default())
                );
            }
            "skipped" => anstream::println!("{FAINT}–{FAINT:#} {BOLD}{target}{BOLD:#}  nothing to do: {reason}"),
            "refused" => anstream::println!("{YELLOW}!{YELLOW:#} {BOLD}{target}{BOLD:#}  refused: {reason}"),
            other => anstream::println!("{RED}✗{RED:#} {BOLD}{target}{BOLD:#}  {}: {reason}", harmless(other)),
        }
    }
    if acted.targets.is_empty() {
        anstream::println!("no target is concerned");
    }
}
