//! The configuration and the account against each other: what `slipway check` looks at, in which order.
//!
//! What the product decides it does not decide again: whether a deploy would fail, the engine answers (`engine.rs`), and what is
//! wrong in the document, its reader. Beside that it compares: names with the stack's lists, states with what they should be.

pub(crate) mod account;
pub(crate) mod finding;

mod allowed;
mod document;
mod engine;
mod parameters;
mod policy;
mod port;
mod pull;
mod show;
mod stack;
mod targets;

use std::path::Path;

use futures_util::future::join;
use serde_json::{Value, json};
use slipway_aws::Aws;
use slipway_aws::clients::Names;
use slipway_core::config::Config;
use slipway_core::model::id::Home;

use crate::check::account::Account;
use crate::check::document::Document;
use crate::check::engine::Plans;
use crate::check::finding::{Findings, Level, Report};
use crate::check::parameters::Parameters;
use crate::check::port::{ReadOnly, Records};
use crate::check::stack::Installed;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::seen;
use crate::session::Session;

/// What is checked.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    /// The configuration's file, if it is not the installed one.
    pub(crate) config: Option<&'a Path>,
    /// The file with the parameters that the stack will have.
    pub(crate) parameters: Option<&'a Path>,
}

/// What was checked, and what was found.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// Which document: the file, or where the stack keeps it.
    document: Option<String>,
    /// The stack's name.
    stack: String,
    /// Where it is looked for, `in eu-west-1`.
    place: String,
    /// Its state; `None` where it is not installed, or cannot be looked at.
    status: Option<String>,
    /// How many targets there are.
    targets: usize,
    /// What was found.
    report: Report,
}

impl Checked {
    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        self.report.exit()
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let count = |level| self.report.count(level);
        json!({
            "version": crate::ask::VERSION,
            "action": "check",
            "ok": self.exit() == Exit::AsAsked,
            "stack": { "name": self.stack, "status": self.status },
            "configuration": self.document,
            "targets_checked": self.targets,
            "counts": {
                "error": count(Level::Error),
                "warning": count(Level::Warning),
                "not_checked": count(Level::NotChecked),
                "note": count(Level::Note),
                "fine": self.report.fine,
            },
            "findings": self.report.findings,
        })
    }

    /// For people, in lines of at most so many columns.
    pub(crate) fn text(&self, width: usize) -> String {
        show::text(self, width)
    }
}

/// Checks. The error is what makes a check impossible.
pub(crate) async fn check(session: &Session, subject: &Subject<'_>) -> Result<Checked, Problem> {
    let file = subject.config.map(|path| Ok((path.display().to_string(), read(path)?))).transpose()?;
    let given = subject.parameters.map(|path| Ok((path.display().to_string(), read(path)?))).transpose()?;
    let caller = session.caller().await?;
    let home = home(&caller, &session.place.region)?;
    let (account, name) = (Account::new(&session.settings), session.place.stack.clone());
    let mut findings = Findings::default();
    let installed = match findings.seen(account.stack(&name).await, "how the stack is installed") {
        Some(Some(facts)) => Some(Installed { name: name.clone(), facts }),
        Some(None) if file.is_none() => return Err(no_stack(session)),
        Some(None) => {
            let text = format!("it is not installed {}, so this checks what is to be installed", session.shown());
            let fix = if given.is_some() { "" } else { "Give --parameters to check the parameters that it will have." };
            findings.note("not_installed", format!("stack {name}"), text, fix);
            None
        }
        None => None,
    };
    let parameters = parameters(installed.as_ref(), given, &mut findings)?;
    let aws = Aws::new(&session.settings, &names(installed.as_ref().and_then(Installed::table)));
    let place =
        document::Place { aws: &aws, stack: &name, parameters: parameters.as_ref(), installed: installed.is_some() };
    let document = document::read(&place, file, &mut findings).await;
    if let Some(parameters) = &parameters {
        stack::reconcile(parameters, &mut findings);
    }
    let parts = async {
        let mut findings = Findings::default();
        if let Some(installed) = &installed {
            installed.state(&mut findings);
            stack::parts(&account, installed, &mut findings).await;
        }
        findings
    };
    let targets = async {
        let mut findings = Findings::default();
        if let Some(Document { config: Some(config), text, .. }) = &document {
            let records = installed.as_ref().and_then(Installed::table).map_or(Records::None, |_| Records::InTable);
            let port = ReadOnly::new(aws, text.clone(), records);
            whole(&account, port, config, &home, parameters.as_ref(), &mut findings).await?;
        }
        Ok::<_, Problem>(findings)
    };
    let (parts, targets) = join(parts, targets).await;
    findings.join(targets?);
    findings.join(parts);
    Ok(Checked {
        targets: document.as_ref().and_then(|it| it.config.as_ref()).map_or(0, |config| config.targets().len()),
        document: document.map(|document| document.name),
        stack: name,
        place: session.shown(),
        status: installed.map(|installed| installed.facts.status),
        report: findings.report(),
    })
}

/// The targets of a right document against the account.
async fn whole(
    account: &Account,
    port: ReadOnly,
    config: &Config,
    home: &Home,
    parameters: Option<&Parameters>,
    findings: &mut Findings,
) -> Result<(), Problem> {
    let plans = Plans::over(port, home.clone()).await.map_err(Problem::unavailable)?;
    let observed = targets::planned(&plans, config, home, findings).await;
    targets::families(&observed, findings);
    pull::roles(account, home, &observed, findings).await;
    pull::architectures(plans.port(), &observed, findings).await;
    targets::unanswered(&plans, findings);
    let Some(parameters) = parameters else {
        let text = "it is not known which roles, services, families, repositories and log groups Slipway may use, nor who \
                    gets notices";
        findings.not_checked("parameters", "the stack's parameters", text, "Give --parameters parameters.json.");
        return Ok(());
    };
    allowed::targets(&observed, parameters, home, findings);
    allowed::bus(account, parameters, home, findings).await;
    let mut channels: Vec<String> =
        config.targets().iter().flat_map(|target| &target.notify).map(|route| route.slack.clone()).collect();
    channels.sort();
    channels.dedup();
    stack::channels(&channels, parameters, findings);
    Ok(())
}

/// The parameters that count: those of a file, or else those of the stack.
fn parameters(
    installed: Option<&Installed>,
    given: Option<(String, String)>,
    findings: &mut Findings,
) -> Result<Option<Parameters>, Problem> {
    let Some((name, text)) = given else { return Ok(installed.map(Installed::parameters)) };
    let read = Parameters::of_file(&name, &text, findings).map_err(|why| {
        Problem::usage(format!("{name} {why}"))
            .fix("Write a list of {\"ParameterKey\": …, \"ParameterValue\": …}, as in infra/examples.")
    })?;
    Ok(Some(read))
}

fn names(table: Option<&str>) -> Names {
    Names { table: table.unwrap_or_default().to_owned(), ..Names::default() }
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        Problem::usage(format!("{} cannot be read: {error}", path.display())).fix("Give the path of a file.")
    })
}

/// The account and the region that are checked.
fn home(caller: &str, region: &str) -> Result<Home, Problem> {
    let parts: Vec<&str> = caller.splitn(6, ':').collect();
    let ["arn", partition, _, _, account, _] = parts.as_slice() else {
        return Err(Problem::unavailable(format!("AWS says that you are {caller:?}, which names no account")));
    };
    Ok(Home {
        partition: slipway_core::model::id::Partition::new(*partition),
        account: slipway_core::model::id::AccountId::new(*account),
        region: slipway_core::model::id::Region::new(region),
    })
}

fn no_stack(session: &Session) -> Problem {
    let (stack, region) = (&session.place.stack, &session.place.region);
    let problem = Problem::usage(format!("there is no stack {stack} {}, and no --config to check", session.shown()))
        .fix("Before the install, give --config slipway.yaml and --parameters parameters.json.")
        .fix(format!("Is the stack named differently, or elsewhere? Give --stack (now {stack}), --region (now {region}) or --profile."));
    let seen = seen::all().into_iter().filter(|seen| *seen != session.place);
    seen.take(3).fold(problem, |problem, seen| problem.fix(format!("One was seen before with {}.", seen.options())))
}
