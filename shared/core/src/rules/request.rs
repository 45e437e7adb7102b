//! Manual requests: what a person or a pipeline may ask by invoking the deploy function.
//!
//! A request is read strictly, since a person can fix it: every mistake is reported at once, and then nothing is done.

mod keys;
mod reader;

use serde_json::{Map, Value};
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

use crate::config::{Config, Mistake, Target};
use crate::model::facts::ImageName;
use crate::model::id::{EventId, Home, TargetName};
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::rules::status::ImageQuestion;

use keys::Key;
use reader::{Reader, TARGETS};

/// Something asked for by invoking the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub action: Action,
    /// To what.
    pub targets: Targets,
    /// Of a service that runs images of several repositories, the one that it is about.
    pub repository: Option<String>,
    /// Whether it is carried out.
    pub run: Run,
    /// By which a repeated request is recognised.
    pub id: Option<EventId>,
    /// Who asks, as they say; it is recorded.
    pub who: Option<String>,
}

/// What a request asks for. `Verb` is its word.
#[derive(Clone, Debug, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(Verb), vis(pub(self)), derive(EnumString, IntoStaticStr, VariantArray))]
#[strum_discriminants(strum(serialize_all = "snake_case"))]
pub enum Action {
    /// Run this image.
    Deploy {
        /// The image.
        image: ImageName,
        /// Whether they know of a quarantine or a hold: `"force": true`.
        force: bool,
    },
    /// Render the running image again, and make a new deployment in any case.
    Redeploy,
    /// Go back to the last known-good revision, or to this one.
    Rollback(Option<String>),
    /// Keep Slipway from deploying automatically, for this reason.
    Hold(Option<String>),
    /// Let a deployment go on that waits for a person.
    Continue,
    /// Allow it again; or release this image from its quarantine.
    Release(Option<ImageName>, Option<String>),
    /// Compare what runs with what the registry has, and fix the difference.
    Reconcile,
    /// Report the last so many deployments.
    History(usize),
    /// Report what this event would change.
    Explain(Value),
    /// Report what runs, and how this image stands.
    Status(Option<ImageQuestion>),
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

impl Request {
    /// The reconcile that comes by itself: nobody asks for it.
    pub fn scheduled_reconcile(targets: Targets) -> Self {
        Self { action: Action::Reconcile, targets, repository: None, run: Run::Real, id: None, who: None }
    }
}

/// So many deployments are reported where a request for the history doesn't say how many.
pub const LAST: usize = 10;

impl Action {
    /// The action's word in a request.
    pub fn name(&self) -> &'static str {
        Verb::from(self).into()
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
    let Some(verb) = reader.verb() else { return Err(reader.mistakes) };
    reader.refuse_unknown_keys(verb);
    let image = reader.image();
    let targets = reader.targets();
    let repository = reader.text(Key::Repository).map(str::to_owned);
    let run = match reader.truth(Key::DryRun) {
        Some(false) => Run::Real,
        Some(true) | None => Run::Dry,
    };
    let id = reader.filled(Key::Id).map(EventId::new);
    let who = reader.filled(Key::Who).map(str::to_owned);
    let reason = reader.filled(Key::Reason).map(str::to_owned);
    let action = match verb {
        Verb::Deploy => reader.deploy(image),
        Verb::Redeploy => Some(Action::Redeploy),
        Verb::Rollback => Some(Action::Rollback(reader.revision(Key::To))),
        Verb::Hold => Some(Action::Hold(reason)),
        Verb::Continue => Some(Action::Continue),
        Verb::Release => Some(Action::Release(image, reason)),
        Verb::Reconcile => Some(Action::Reconcile),
        Verb::History => reader.count(Key::Last).map(Action::History),
        Verb::Explain => reader.event().map(Action::Explain),
        Verb::Status => Some(reader.status(image)),
    };
    let all = (verb.may_be_for_all() && !reader.has(Key::Target)).then_some(Targets::All);
    let targets = targets.or(all);
    if targets.is_none() {
        reader.require(Key::Target, TARGETS);
    }
    match (action, targets) {
        (Some(action), Some(targets)) if reader.mistakes.is_empty() => {
            Ok(Request { action, targets, repository, run, id, who })
        }
        _ => Err(reader.mistakes),
    }
}

/// The configuration's entries that a request is about; the error is every name that it doesn't have.
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
        let chosen: Vec<_> = all.iter().copied().filter(of_repository).collect();
        let reason = match (all.as_slice(), chosen.as_slice(), &request.repository) {
            ([], _, _) => {
                mistakes.push(Mistake { path, text: unknown_target(name, config) });
                continue;
            }
            (_, [], Some(repository)) => Reason::NotItsRepository {
                target: name.clone(),
                repository: repository.clone(),
                repositories: repositories(),
            },
            (_, [_, _, ..], None) if matches!(request.action, Action::Deploy { .. }) => {
                Reason::WhichRepository { target: name.clone(), repositories: repositories() }
            }
            _ => {
                entries.extend(chosen);
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
    let more = match config.names().count().checked_sub(SHOWN) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    let known = format!("the targets are {}{more}", quoted(config.names().take(SHOWN).map(TargetName::as_str)));
    match config.nearest(name.as_str()) {
        Some(nearest) => format!("there is no target {:?}; did you mean {nearest:?}? {known}", name.as_str()),
        None => format!("there is no target {:?}; {known}", name.as_str()),
    }
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
