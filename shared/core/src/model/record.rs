//! What Slipway remembers of a service: one record, changed only by compare-and-set.
//!
//! Every transition is a pure function on the record, so that a writer can read, change, and write on the condition that
//! nobody wrote in between. The record is never the truth: where it is missing, what ECS and ECR say is enough.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::facts::RanImage;
use crate::model::id::{DeploymentId, EventId, TaskDefinitionArn};
use crate::model::image::{Digest, Tag};
use crate::model::lenient;
use crate::model::trigger::Trigger;

pub use deployment::{Deployment, DeploymentState, Ended, Failing, Progress, Rollback};
pub use evidence::RecordedEvidence;
pub use family::{Family, FamilyMember};
pub use lease::{Busy, Fence, Lost};
pub use life::{Began, Once};
pub use passed_over::{PassedOver, Unusable};
pub use settings::{DeploymentSettings, RollbackMode};
pub use words::{DecisionKind, FailedBy, Outcome, RollbackMethod};

mod deployment;
mod evidence;
mod family;
mod lease;
mod life;
mod passed_over;
mod settings;
mod size;
mod words;

/// The version of the record's shape that this crate reads and writes.
pub const VERSION: u32 = 2;

/// So many deployments stay in the record; older ones are archived.
pub const RECENT: usize = 10;

/// So many known-good revisions are kept for a rollback.
const KNOWN_GOOD: usize = 5;

/// So many digests stay quarantined.
const QUARANTINED: usize = 50;

/// So many ids of notices about no recorded deployment are kept.
const PUBLISHED: usize = 50;

/// So many push events are kept.
const TAG_PUSHES: usize = 50;

/// A newer version of Slipway wrote the record, so this one must not act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer(pub u32);

impl fmt::Display for Newer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a newer version of Slipway wrote the record of this service (version {} of its shape; this one knows \
             {VERSION}), so nothing is done; update Slipway's functions to that version or a later one",
            self.0
        )
    }
}

/// The record of one service, `cluster/service`.
///
/// A member that is missing or of another shape is its default, and unknown ones are ignored, so that what somebody
/// edited can be read. [`Service::current`] is the record to act on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// The version of the shape.
    pub version: u32,
    /// Counts the holders of the lease; the number of the last one.
    #[serde(deserialize_with = "lenient::or_default")]
    pub fence: u64,
    /// Who may update the service now.
    #[serde(deserialize_with = "lenient::or_default")]
    pub lease: Option<Lease>,
    /// What is still to be decided, each with what blocks it, if anything.
    #[serde(deserialize_with = "lenient::items")]
    pub pending: Vec<Pending>,
    /// The revisions whose deployments completed, newest first; where a rollback goes.
    #[serde(deserialize_with = "lenient::items")]
    pub known_good: Vec<KnownGood>,
    /// Images that failed here, newest first; they stay until a person releases them, or deploys them all the same and that
    /// completes.
    #[serde(deserialize_with = "lenient::items")]
    pub quarantine: Vec<Quarantined>,
    /// When tags came to images that the target's policy deploys, newest first; ECR keeps an image's first push only.
    #[serde(deserialize_with = "lenient::items")]
    pub tag_pushes: Vec<TagPush>,
    /// The family of its task definition, where a target of the configuration is rendered from its family.
    #[serde(deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// A person's last decision; only images pushed after it are deployed automatically.
    #[serde(deserialize_with = "lenient::or_default")]
    pub decision: Option<Decision>,
    /// Set while a person keeps Slipway from deploying automatically.
    #[serde(deserialize_with = "lenient::or_default")]
    pub hold: Option<Hold>,
    /// Numbers the deployments.
    #[serde(deserialize_with = "lenient::or_default")]
    pub count: u64,
    /// The deployments, newest first; the last [`RECENT`] of them.
    #[serde(deserialize_with = "lenient::items")]
    pub deployments: Vec<Deployment>,
    /// The ids of published notices about no recorded deployment (refusals, others' deployments), newest first.
    #[serde(deserialize_with = "lenient::items")]
    pub published: Vec<String>,
}

/// Who may update the service, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The Lambda request that holds it; Lambda's own next try of it takes its lease over.
    pub holder: String,
    /// The holder's number.
    pub fence: u64,
    /// When it ends, should the holder die.
    pub until: Timestamp,
}

/// An input that is not served yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The input.
    #[serde(flatten)]
    pub input: PendingInput,
    /// What blocks it; `None` where it can be served now, by the holder of the lease.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
}

/// What an input waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Blocked {
    /// The end of a deployment that must not be cut short.
    Deployment,
    /// Better images may follow until then.
    Settling {
        /// The time of the `settle` setting.
        until: Timestamp,
    },
    /// A call failed, or the time of the function was up; a timer brings it back.
    Retry,
}

/// What is to be decided about: an image that was pushed, or everything that the registry has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingInput {
    /// The event or the request; the same for a repeated one.
    pub event: EventId,
    /// The repository's URI; `None` to decide again among everything that the registry has.
    pub repository: Option<String>,
    /// The tag that was pushed; `None` likewise.
    pub tag: Option<Tag>,
    /// When it was pushed, or asked for.
    pub at: Timestamp,
    /// A push, the reconcile, or a release.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub trigger: Trigger,
    /// Who asked to decide again, where a request said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why they did, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl PendingInput {
    /// To decide again among everything that the registry has.
    pub fn again(event: EventId, trigger: Trigger, at: Timestamp) -> Self {
        Self { event, repository: None, tag: None, at, trigger, who: None, reason: None }
    }

    /// The same, asked for by somebody who gave a name, and perhaps a reason.
    pub fn by(self, who: Option<String>, reason: Option<String>) -> Self {
        Self { who, reason, ..self }
    }

    /// To decide again among everything that the registry has, after this deployment; the same for a repeated one.
    pub fn after(deployment: &Deployment, at: Timestamp) -> Self {
        let id = deployment.id().map(|id| id.as_str().to_owned());
        let event = EventId::new(format!("after-{}", id.unwrap_or_else(|| deployment.number.to_string())));
        Self::again(event, Trigger::Reconcile, at)
    }
}

/// A revision whose deployment completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownGood {
    /// The revision's ARN.
    pub revision: TaskDefinitionArn,
    /// The images that really ran, by container; where the revision names a tag, this says which image that was.
    #[serde(default)]
    pub ran: Vec<RanImage>,
    /// When its deployment completed, or when it was first observed to run.
    pub at: Timestamp,
}

/// An image that failed on this service, or a revision with an image that ran before with another task definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The repository's name.
    pub repository: String,
    /// The image.
    pub digest: Digest,
    /// The tag under which it was deployed.
    pub tag: Option<Tag>,
    /// The revision, `web:43`, where only that is quarantined, because the image had run before.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Why, in half a sentence: "its tasks stopped with exit code 1".
    pub cause: String,
    /// Since when.
    pub at: Timestamp,
}

/// A tag was pushed to an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagPush {
    /// The image.
    pub digest: Digest,
    /// The tag.
    pub tag: Tag,
    /// When, by the push event.
    pub at: Timestamp,
}

/// A person's decision about what runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub what: DecisionKind,
    /// When.
    pub at: Timestamp,
    /// By whom, where the request said so.
    pub who: Option<String>,
}

/// A person keeps Slipway from deploying automatically.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub at: Timestamp,
    /// Who, where the request said so.
    pub who: Option<String>,
    /// Why, in the person's words.
    pub reason: Option<String>,
}

impl Service {
    /// The record to act on, in the shape of today.
    ///
    /// Of version 1, which no release wrote, a person's hold, the quarantine, the lease and the numbers are kept; otherwise
    /// the service is as one that is observed for the first time.
    pub fn current(self) -> Result<Self, Newer> {
        let Self { version, fence, lease, quarantine, hold, count, .. } = &self;
        match *version {
            VERSION => Ok(self),
            // No record, or one that somebody made by hand.
            0 => Ok(Self { version: VERSION, ..self }),
            1 => Ok(Self {
                version: VERSION,
                fence: *fence,
                lease: lease.clone(),
                quarantine: quarantine.clone(),
                hold: hold.clone(),
                count: *count,
                ..Self::default()
            }),
            newer => Err(Newer(newer)),
        }
    }

    /// The newest deployment that has not ended.
    pub fn open(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|it| it.is_open())
    }

    /// The deployment of this number.
    pub fn numbered(&self, number: u64) -> Option<&Deployment> {
        self.deployments.iter().find(|it| it.number == number)
    }

    /// The deployment with this id of ECS, or whose rollback has it.
    pub fn of_id(&self, id: &DeploymentId) -> Option<&Deployment> {
        self.deployments.iter().find(|it| it.id() == Some(id) || it.rolls_back_as(id))
    }

    /// Whether something was intended whose deployment has no id yet: an unknown deployment may be it.
    pub fn expects_a_deployment(&self) -> bool {
        self.deployments.iter().any(|it| match &it.state {
            DeploymentState::Intended { .. } => true,
            DeploymentState::InProgress(it) => {
                it.rollback.as_ref().is_some_and(|rollback| rollback.deployment.is_none())
            }
            DeploymentState::Ended(_) => false,
        })
    }

    /// The quarantine of an image, if it failed here.
    pub fn quarantined(&self, digest: &Digest) -> Option<&Quarantined> {
        self.quarantine.iter().find(|it| it.digest == *digest && it.revision.is_none())
    }

    /// The quarantine of a revision, `web:43`, if it failed here with an image that had run before.
    pub fn quarantined_revision(&self, revision: &str) -> Option<&Quarantined> {
        self.quarantine.iter().find(|it| it.revision.as_deref() == Some(revision))
    }

    /// A person's request for a rollback since then, if that is the last decision.
    pub fn rollback_asked_since(&self, since: Timestamp) -> Option<&Decision> {
        self.decision.as_ref().filter(|it| it.what == DecisionKind::Rollback && it.at >= since)
    }

    /// Whether a notice was published.
    pub fn has_published(&self, id: &str) -> bool {
        self.published.iter().any(|it| it == id)
            || self.deployments.iter().any(|it| it.published.iter().any(|it| it == id))
    }
}

#[cfg(test)]
mod tests;
