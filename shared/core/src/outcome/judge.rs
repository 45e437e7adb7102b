//! Judges an event by itself, without a record.

use std::collections::HashMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::facts::{Deployment, Revision, Rollout, ServiceFacts};
use crate::id::{DeploymentId, TaskDefinitionArn};
use crate::image::ImageRef;
use crate::notice::RevisionChange;
use crate::plan::{ImageChange, Shown};
use crate::provenance::Provenance;

use super::DeploymentEvent;
use super::standing::stand;

/// What was looked up about an event.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What ECS says.
    pub event: &'a DeploymentEvent,
    /// The service as it is now.
    pub service: &'a ServiceFacts,
    /// The revisions that could be read, see [`revisions_to_read`].
    pub revisions: &'a HashMap<TaskDefinitionArn, Revision>,
    /// What ECS's history says of a deployment that it no longer lists, see [`Outcome::history_to_read`].
    pub recorded: Option<&'a Recorded>,
    /// The names of the repositories that feed the service, to find the image of a revision that isn't Slipway's.
    pub repositories: &'a [&'a str],
}

/// A deployment as ECS's history records it: its service deployment, and that one's revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What it ran, or was to run.
    pub task_definition: TaskDefinitionArn,
    /// ECS's words about how it ended.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
}

/// How a deployment stands, and all there is to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it stands.
    pub standing: Standing,
    /// Whether people are told, or only the log.
    pub telling: Telling,
    /// Which deployment it is about; of a rollback the one that failed, if ECS still names it.
    pub deployment: Option<DeploymentId>,
    /// Whose it is.
    pub whose: Whose,
    /// What ran before, and what this deployment runs or was to run.
    pub image: Option<ImageChange>,
    /// The same as revisions.
    pub revision: RevisionChange,
    /// ECS's words about it.
    pub ecs_says: Option<String>,
    /// Seconds from the deployment's start to the event.
    pub duration_seconds: Option<i64>,
    /// ECS's log of the service since the deployment's start, newest first; only of a deploy that went wrong.
    pub log: Vec<String>,
    /// When: the event's time.
    pub at: Timestamp,
}

/// How a deployment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is under way.
    InProgress,
    /// It won.
    Completed {
        /// A deployment that has begun since.
        since: Option<DeploymentId>,
    },
    /// It failed, and ECS leaves it at that.
    Failed(WayBack),
    /// It failed, and ECS puts the last version back by itself: only to be told.
    RollingBack,
    /// It failed, and ECS has put the last version back.
    RolledBack,
    /// A newer deployment took its place; it didn't fail.
    ///
    /// ECS sends no event for this. It is noticed, and told once, when the newer deployment's `IN_PROGRESS` arrives while
    /// ECS still lists this one as unfinished; a superseded deployment that is gone from the list by then is only
    /// missed here, and an event of its own that arrives later is logged.
    Superseded {
        /// The newer one.
        by: DeploymentId,
    },
    /// The event is older than what ECS shows; the event of what ECS shows tells it, or has told it.
    Behind,
    /// ECS no longer lists the deployment, and nothing says how it ended or what it ran.
    Unlisted,
}

/// How it stands, in half a sentence for the log.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProgress => f.write_str("it is in progress"),
            Self::Completed { since: None } => f.write_str("it completed"),
            Self::Completed { since: Some(newer) } => write!(f, "it completed, and {newer} has begun since"),
            Self::Failed(WayBack::Off) => f.write_str("it failed, and ECS is not set to roll back"),
            Self::Failed(WayBack::Nowhere) => f.write_str("it failed, and ECS has nothing to go back to"),
            Self::Failed(WayBack::FailedToo) => f.write_str("ECS went back to it, and it failed too"),
            Self::RollingBack => f.write_str("it failed, and ECS is rolling back"),
            Self::RolledBack => f.write_str("it failed, and ECS rolled back"),
            Self::Superseded { by } => write!(f, "it was superseded by {by}"),
            Self::Behind => f.write_str("the event is older than what ECS shows now"),
            Self::Unlisted => f.write_str("ECS no longer lists it"),
        }
    }
}

/// Why ECS does not put the last version back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// It is not set to.
    Off,
    /// It is set to, but knows no deployment that completed.
    Nowhere,
    /// This is what ECS went back to, and it failed too.
    FailedToo,
}

/// Whether people are told, or only the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// A notice is published.
    Notice,
    /// A line is logged.
    Log,
}

/// Whose a deployment is.
#[derive(Clone, Debug, PartialEq)]
pub enum Whose {
    /// Slipway registered its revision, and deployed it then.
    Slipway(Provenance),
    /// It runs a revision that Slipway registered long before; nothing says who deployed it this time.
    Again(Provenance),
    /// Somebody else's: its revision isn't Slipway's.
    Outside,
    /// Its revision could not be read.
    Unknown,
}

/// The longest time between registering a revision and deploying it: a Lambda function runs for 15 minutes at most.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// The revisions to read for an event: those of every deployment that ECS lists, the event's own first.
pub fn revisions_to_read(event: &DeploymentEvent, service: &ServiceFacts) -> Vec<TaskDefinitionArn> {
    let (own, others): (Vec<_>, Vec<_>) = service.deployments.iter().partition(|it| it.id == event.deployment);
    let mut arns = Vec::new();
    for deployment in own.into_iter().chain(others) {
        if !arns.contains(&deployment.task_definition) {
            arns.push(deployment.task_definition.clone());
        }
    }
    arns
}

/// Judges the event's deployment; for a rollback by ECS, the deployment that failed.
pub fn judge(facts: &Facts<'_>) -> Outcome {
    let verdict = stand(facts.event, facts.service);
    let about = verdict.about;
    let rollback = matches!(verdict.standing, Standing::RollingBack | Standing::RolledBack);
    let recorded = facts.recorded.filter(|_| about.is_none());

    let new = about.map(|it| &it.task_definition).or(recorded.map(|it| &it.task_definition));
    let began = about.and_then(|it| it.created_at).or(recorded.and_then(|it| it.created_at));
    let whose = facts.whose(new, began);
    // What comes back is the PRIMARY, unless ECS has yet to make it so.
    let coming_back = facts.service.primary().filter(|it| rollback && about.is_none_or(|about| about.id != it.id));
    let old = match coming_back {
        Some(primary) => Some(primary.task_definition.clone()),
        None => facts.before(about, &whose),
    };
    // A deployment that ECS went back to bears the time of its first start.
    let timed = !matches!(
        verdict.standing,
        Standing::InProgress | Standing::Superseded { .. } | Standing::Failed(WayBack::FailedToo)
    );
    let wrong = rollback || matches!(verdict.standing, Standing::Failed(_));
    let of_the_event = !rollback || about.is_some_and(|it| it.id == facts.event.deployment);
    let ecs_says = if of_the_event {
        facts.event.reason.clone()
    } else {
        let listed = about.and_then(|it| it.rollout_reason.clone());
        listed.or_else(|| recorded.and_then(|it| it.reason.clone())).or_else(|| facts.event.reason.clone())
    };

    Outcome {
        telling: verdict.telling,
        deployment: verdict.deployment,
        image: facts.image(old.as_ref(), new, &whose),
        revision: RevisionChange { old: old.as_ref().map(short), new: new.map(short) },
        ecs_says,
        duration_seconds: began.filter(|_| timed).map(|began| seconds(began, facts.event.at)),
        log: if wrong { facts.log(began) } else { Vec::new() },
        at: facts.event.at,
        standing: verdict.standing,
        whose,
    }
}

/// The deployments of Slipway whose place the event's deployment takes, see [`Standing::Superseded`].
pub fn superseded(facts: &Facts<'_>) -> Vec<Outcome> {
    let Some(primary) = facts.service.primary() else { return Vec::new() };
    if stand(facts.event, facts.service).standing != Standing::InProgress {
        return Vec::new();
    }
    let unfinished = |it: &&Deployment| {
        it.id != primary.id && it.rollout == Some(Rollout::InProgress) && it.created_at < primary.created_at
    };
    let outcomes = facts.service.deployments.iter().filter(unfinished).map(|it| {
        let whose = facts.whose(Some(&it.task_definition), it.created_at);
        let old = facts.before(Some(it), &whose);
        Outcome {
            standing: Standing::Superseded { by: primary.id.clone() },
            telling: Telling::Notice,
            deployment: Some(it.id.clone()),
            image: facts.image(old.as_ref(), Some(&it.task_definition), &whose),
            revision: RevisionChange { old: old.as_ref().map(short), new: Some(short(&it.task_definition)) },
            ecs_says: None,
            duration_seconds: None,
            log: Vec::new(),
            at: facts.event.at,
            whose,
        }
    });
    outcomes.filter(|outcome| matches!(outcome.whose, Whose::Slipway(_) | Whose::Again(_))).collect()
}

impl Outcome {
    /// The revision before, as `family:revision`, if it is known by name only and has to be read to name its image.
    pub fn previous_to_read(&self, read: &HashMap<TaskDefinitionArn, Revision>) -> Option<&str> {
        let old = self.revision.old.as_deref()?;
        (self.telling == Telling::Notice && !read.keys().any(|arn| arn.short() == old)).then_some(old)
    }

    /// How the service deployment ended that has to be looked up in ECS's history, because ECS no longer lists the
    /// deployment itself. The two bear different ids, and AWS documents no mapping: it is the newest that ended so.
    pub fn history_to_read(&self) -> Option<Ending> {
        match self.standing {
            _ if self.telling == Telling::Log || self.revision.new.is_some() => None,
            Standing::RollingBack | Standing::RolledBack => Some(Ending::RolledBack),
            Standing::Completed { .. } => Some(Ending::Successful),
            _ => None,
        }
    }
}

/// How a service deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// `SUCCESSFUL`.
    Successful,
    /// `ROLLBACK_SUCCESSFUL`, or on its way there.
    RolledBack,
}

impl Ending {
    /// Whether a service deployment's status says so.
    pub fn is(self, status: &str) -> bool {
        match self {
            Self::Successful => status == "SUCCESSFUL",
            Self::RolledBack => status.starts_with("ROLLBACK_"),
        }
    }
}

impl Facts<'_> {
    fn whose(&self, revision: Option<&TaskDefinitionArn>, began: Option<Timestamp>) -> Whose {
        let Some(revision) = revision.and_then(|arn| self.revisions.get(arn)) else { return Whose::Unknown };
        let Some(provenance) = Provenance::of(revision) else { return Whose::Outside };
        match (began, revision.registered_at()) {
            (Some(began), Some(registered)) if began.duration_since(registered) > SOON => Whose::Again(provenance),
            _ => Whose::Slipway(provenance),
        }
    }

    /// What ran before this deployment: the last one that completed, as far as ECS still lists it; else what Slipway
    /// wrote down when it registered the revision.
    fn before(&self, about: Option<&Deployment>, whose: &Whose) -> Option<TaskDefinitionArn> {
        let older = |it: &&Deployment| about.is_some_and(|about| it.id != about.id && it.created_at < about.created_at);
        let completed = |it: &&Deployment| it.rollout == Some(Rollout::Completed);
        let listed = self.service.deployments.iter().filter(older).filter(completed).max_by_key(|it| it.created_at);
        if let Some(listed) = listed {
            return Some(listed.task_definition.clone());
        }
        match whose {
            Whose::Slipway(provenance) => {
                let name = provenance.previous.as_deref()?;
                let read = self.revisions.keys().find(|arn| arn.short() == name);
                Some(read.cloned().unwrap_or_else(|| TaskDefinitionArn::new(name)))
            }
            // The revision was made for an earlier deployment: what ran before that is not what ran before this.
            Whose::Again(_) | Whose::Outside | Whose::Unknown => None,
        }
    }

    fn image(
        &self,
        old: Option<&TaskDefinitionArn>,
        new: Option<&TaskDefinitionArn>,
        whose: &Whose,
    ) -> Option<ImageChange> {
        let revision = self.revisions.get(new?)?;
        let (repository, new) = match whose {
            Whose::Slipway(provenance) | Whose::Again(provenance) => {
                let new = Shown { tag: provenance.tag.clone(), digest: Some(provenance.digest.clone()) };
                (provenance.repository.clone(), new)
            }
            Whose::Outside | Whose::Unknown => self
                .repositories
                .iter()
                .find_map(|repository| Some(((*repository).to_owned(), shown(revision, repository)?)))?,
        };
        let old = old.and_then(|arn| shown(self.revisions.get(arn)?, &repository));
        Some(ImageChange { repository, old, new })
    }

    fn log(&self, since: Option<Timestamp>) -> Vec<String> {
        const MOST: usize = 10;
        let events = self.service.events.iter().filter(|event| match (event.at, since) {
            (Some(at), Some(since)) => at >= since,
            _ => true,
        });
        events
            .take(MOST)
            .map(|event| match event.at {
                Some(at) => format!("{} {}", at.strftime("%H:%M:%S"), event.message),
                None => event.message.clone(),
            })
            .collect()
    }
}

/// The image of this repository that a revision runs, with the tag that Slipway wrote down or the revision names.
fn shown(revision: &Revision, repository: &str) -> Option<Shown> {
    if let Some(provenance) = Provenance::of(revision).filter(|it| it.repository == repository) {
        return Some(Shown { tag: provenance.tag, digest: Some(provenance.digest) });
    }
    let containers = revision.definition.get("containerDefinitions")?.as_array()?;
    let images = containers.iter().filter_map(|container| ImageRef::parse(container.get("image")?.as_str()?));
    images
        .filter(|image| image.repository().name == repository)
        .map(|image| Shown { tag: image.tag, digest: image.digest })
        .next()
}

fn short(arn: &TaskDefinitionArn) -> String {
    arn.short().to_owned()
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    // Whole seconds; ECS's two clocks may differ by some milliseconds.
    to.duration_since(from).as_secs().max(0)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
