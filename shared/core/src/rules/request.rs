//! Manual requests: what a person or a pipeline may ask by invoking the deploy function.
//!
//! A request is read strictly, since a person can mend it: every mistake is told at once, and then nothing is done.

mod reader;

use serde_json::{Map, Value};

use crate::config::{Config, Mistake, Target};
use crate::model::facts::ImageName;
use crate::model::id::{EventId, Home, TargetName};
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::rules::candidate::Insist;

use reader::Reader;

/// Something asked for by invoking the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub action: Action,
    /// To what.
    pub targets: Targets,
    /// Of a service that runs images of several repositories, the one that is meant.
    pub repository: Option<String>,
    /// Whether it is carried out.
    pub run: Run,
    /// By which a repeated request is recognised.
    pub id: Option<EventId>,
    /// Who asks, as they say; it is written down.
    pub who: Option<String>,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Run this image.
    Deploy(ImageName, Insist),
    /// Render the running image again, and make a new deployment in any case.
    Redeploy,
    /// Go back to the last good revision, or to this one.
    Rollback(Option<String>),
    /// Keep Slipway from deploying by itself, for this reason.
    Hold(Option<String>),
    /// Let it again; or let this image out of its quarantine.
    Release(Option<ImageName>, Option<String>),
    /// Compare what runs with what the registry has, and mend the difference.
    Reconcile,
    /// Tell the last so many deployments.
    History(usize),
    /// Tell what this event would bring about.
    Explain(Value),
    /// Tell what runs, and what became of this image.
    Status(Option<ImageName>),
}

/// The targets of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Every target of the configuration, `"*"`.
    All,
    /// These.
    Named(Vec<TargetName>),
}

/// Whether a request is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It is.
    Real,
    /// The plan is answered, and nothing is done.
    Dry,
}

/// So many deployments are told where a request for the history doesn't say how many.
pub const LAST: usize = 10;

/// The actions with their keys, and the keys that only some of them need.
const ACTIONS: [(&str, &[&str]); 9] = [
    ("deploy", &["action", "target", "repository", "tag", "digest", "force", "who", "dry_run", "id"]),
    ("redeploy", &["action", "target", "who", "dry_run", "id"]),
    ("rollback", &["action", "target", "to", "who", "dry_run", "id"]),
    ("hold", &["action", "target", "reason", "who"]),
    ("release", &["action", "target", "repository", "tag", "digest", "reason", "who"]),
    ("reconcile", &["action", "target", "who", "dry_run", "id"]),
    ("history", &["action", "target", "last", "who"]),
    ("explain", &["action", "event", "who"]),
    ("status", &["action", "target", "repository", "tag", "digest", "who", "dry_run", "id"]),
];

impl Action {
    /// The action's word in a request.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deploy(..) => "deploy",
            Self::Redeploy => "redeploy",
            Self::Rollback(_) => "rollback",
            Self::Hold(_) => "hold",
            Self::Release(..) => "release",
            Self::Reconcile => "reconcile",
            Self::History(_) => "history",
            Self::Explain(_) => "explain",
            Self::Status(_) => "status",
        }
    }

    /// Whether it means every target where it names none: what only looks, and what is the same for all.
    fn may_mean_all(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Reconcile | Self::History(_) | Self::Explain(_))
    }
}

/// How people are shown an image that is asked for by name only.
pub fn shown(name: &ImageName) -> Shown {
    match name {
        ImageName::Tag(tag) => Shown { tag: Some(tag.clone()), digest: None },
        ImageName::Digest(digest) => Shown { tag: None, digest: Some(digest.clone()) },
    }
}

/// Reads a request; the error is every mistake in it.
pub fn parse(request: &Map<String, Value>) -> Result<Request, Vec<Mistake>> {
    let mut reader = Reader { request, mistakes: Vec::new() };
    let names = ACTIONS.map(|(name, _)| name);
    let action_name = reader.text("action");
    let Some((name, known)) = ACTIONS.into_iter().find(|(name, _)| Some(*name) == action_name) else {
        match action_name {
            Some(other) => {
                reader.mistake("action", format!("{other:?} is not an action; the actions are {}", quoted(&names)));
            }
            None => reader.require("action", &format!("one of {}", quoted(&names))),
        }
        return Err(reader.mistakes);
    };
    reader.refuse_unknown_keys(name, known);
    let image = reader.image();
    let targets = reader.targets();
    let repository = reader.text("repository").map(str::to_owned);
    let run = reader.truth("dry_run");
    let run = if run == Some(false) { Run::Real } else { Run::Dry };
    let id = reader.filled("id").map(EventId::new);
    let who = reader.filled("who").map(str::to_owned);
    let reason = reader.filled("reason").map(str::to_owned);
    let action = match name {
        "deploy" => {
            if image.is_none() && !request.contains_key("tag") && !request.contains_key("digest") {
                reader.mistake("tag", "is missing; say which image: \"tag\": \"1.8.2\", or \"digest\"".to_owned());
            }
            let insist = if reader.truth("force") == Some(true) { Insist::Yes } else { Insist::No };
            image.map(|image| Action::Deploy(image, insist))
        }
        "rollback" => Some(Action::Rollback(reader.revision("to"))),
        "hold" => Some(Action::Hold(reason)),
        "release" => Some(Action::Release(image, reason)),
        "reconcile" => Some(Action::Reconcile),
        "history" => reader.count("last").map(Action::History),
        "explain" => reader.event().map(Action::Explain),
        "status" => Some(Action::Status(image)),
        _ => Some(Action::Redeploy),
    };
    let targets = match targets {
        None if !request.contains_key("target")
            && (name == "explain" || action.as_ref().is_some_and(Action::may_mean_all)) =>
        {
            Some(Targets::All)
        }
        None => {
            reader.require("target", "\"cluster/service\", a list of such, or \"*\"");
            None
        }
        targets => targets,
    };
    match (action, targets) {
        (Some(action), Some(targets)) if reader.mistakes.is_empty() => {
            Ok(Request { action, targets, repository, run, id, who })
        }
        _ => Err(reader.mistakes),
    }
}

/// The configuration's entries that a request means; the error is every name that it doesn't have.
pub fn resolve<'c>(request: &Request, config: &'c Config, home: &Home) -> Result<Vec<&'c Target>, Vec<Mistake>> {
    let of_repository = |target: &&Target| match &request.repository {
        Some(name) => target.repository.at(home).name == *name,
        None => true,
    };
    let names = match &request.targets {
        Targets::All => return Ok(config.targets().iter().filter(of_repository).collect()),
        Targets::Named(names) => names,
    };
    let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
    for (place, name) in names.iter().enumerate() {
        let path = if names.len() == 1 { "target".to_owned() } else { format!("target[{place}]") };
        let all = config.of_name(name);
        let repositories = || all.iter().map(|target| target.repository.at(home).name).collect();
        let meant: Vec<_> = all.iter().copied().filter(of_repository).collect();
        let reason = match (all.as_slice(), meant.as_slice(), &request.repository) {
            ([], _, _) => {
                mistakes.push(Mistake { path, text: unknown_target(name, config) });
                continue;
            }
            (_, [], Some(repository)) => Reason::NotItsRepository {
                target: name.clone(),
                repository: repository.clone(),
                repositories: repositories(),
            },
            (_, [_, _, ..], None) if matches!(request.action, Action::Deploy(..)) => {
                Reason::WhichRepository { target: name.clone(), repositories: repositories() }
            }
            _ => {
                entries.extend(meant);
                continue;
            }
        };
        mistakes.push(Mistake { path, text: reason.to_string() });
    }
    if mistakes.is_empty() { Ok(entries) } else { Err(mistakes) }
}

fn unknown_target(name: &TargetName, config: &Config) -> String {
    /// More names than this would bury the answer.
    const SHOWN: usize = 20;
    let names: Vec<_> = config.names().map(|name| name.to_string()).collect();
    let more = match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    let known = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>();
    let known = format!("the targets are {}{more}", quoted(&known));
    match config.nearest(name.as_str()) {
        Some(nearest) => {
            format!("there is no target {:?}; did you mean {:?}? {known}", name.as_str(), nearest.as_str())
        }
        None => format!("there is no target {:?}; {known}", name.as_str()),
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
