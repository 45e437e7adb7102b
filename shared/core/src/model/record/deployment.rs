//! One deployment in the record: what it is, how far it has come, and what is known of it by then.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DeploymentSettings, FailedBy, Outcome, PassedOver, RollbackMethod};
use crate::model::build::BuildChange;
use crate::model::id::{DeploymentId, EventId, LogStream};
use crate::model::image::Digest;
use crate::model::lenient;
use crate::model::plan::{ImageChange, RevisionChange};
use crate::model::trigger::Trigger;

/// A deployment from its intent to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its number on this service.
    pub number: u64,
    /// Who or what triggered it.
    #[serde(deserialize_with = "lenient::or_default")]
    pub trigger: Trigger,
    /// The event or the request.
    pub event: Option<EventId>,
    /// The Lambda request that intended it, by which that request's next try recognises it.
    pub request: Option<String>,
    /// Who asked, where the request said so.
    pub who: Option<String>,
    /// Why they asked, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_reason: Option<String>,
    /// The revision that a request for a rollback named, `web:41`, where it named one.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub requested_revision: Option<String>,
    /// The image before and after.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub image: Option<ImageChange>,
    /// What the images before and after were built from, once that was read.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub build: Option<BuildChange>,
    /// The revision before and after, `web:42`; the new one is known when it is registered.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub revision: RevisionChange,
    /// The family's revision that the new one was made from, `web:40`, with `base: family`.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Whether it brings the image that ran well before it, so that only the task definition can be why it fails.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "std::ops::Not::not")]
    pub definition_only: bool,
    /// The target's settings as they were.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub settings: DeploymentSettings,
    /// When it was intended; UpdateService comes after this.
    pub intended_at: Timestamp,
    /// How far it has come.
    pub state: DeploymentState,
    /// When it is judged at the latest.
    pub deadline: Option<Timestamp>,
    /// The ARNs of its tasks that stopped although nobody stopped them, each once.
    #[serde(default, deserialize_with = "lenient::items")]
    pub failed_tasks: Vec<String>,
    /// What ECS warned of meanwhile (placement failures and such), newest first.
    #[serde(default, deserialize_with = "lenient::items")]
    pub warnings: Vec<String>,
    /// The ids of the notices published of it.
    #[serde(default, deserialize_with = "lenient::items")]
    pub published: Vec<String>,
}

/// How far a deployment has come, with what is known of it by then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// It is on record; whether UpdateService was called and took effect is not known.
    Intended {
        /// The PRIMARY deployment at that time: another one shows that the update took effect.
        previous_primary: Option<DeploymentId>,
    },
    /// ECS made it, and it has not ended.
    InProgress(Progress),
    /// It ended.
    Ended(Ended),
}

/// What is known of a deployment that ECS made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// ECS's id of it.
    pub deployment: DeploymentId,
    /// When ECS made it.
    pub began_at: Timestamp,
    /// Set once it is known to have failed; what follows is the rollback.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub failing: Option<Failing>,
    /// The rollback that Slipway began; at most one for each deployment.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub rollback: Option<Rollback>,
}

impl Progress {
    /// Of a deployment that ECS made, and that is not known to fail.
    pub fn of(deployment: DeploymentId, began_at: Timestamp) -> Self {
        Self { deployment, began_at, failing: None, rollback: None }
    }
}

/// The end of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// How somebody else's deployment ended; its outcome is only that somebody else made it.
    #[serde(default, deserialize_with = "lenient::or_default", skip_serializing_if = "Option::is_none")]
    pub external: Option<Outcome>,
    /// How it was published to have ended, where it completed after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected_from: Option<Outcome>,
    /// What was known of it by then; `None` of an intent whose service was deleted.
    pub progress: Option<Progress>,
}

/// A deployment is known to have failed. What shows it is [`RecordedEvidence`](super::RecordedEvidence).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// When that was noticed.
    pub at: Timestamp,
    /// Who noticed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub by: FailedBy,
    /// The likeliest cause, in half a sentence.
    pub cause: String,
    /// The log of the container that died.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub log: Option<LogStream>,
    /// What a person can do about the cause, a sentence each.
    #[serde(default, deserialize_with = "lenient::items")]
    pub advice: Vec<String>,
}

/// Slipway's rollback from a deployment that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// By which call.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub how: RollbackMethod,
    /// The revision it goes back to, `web:41`.
    pub to: Option<String>,
    /// The newer known-good revisions that it could not go back to.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// When it was decided; the call comes after this.
    pub at: Timestamp,
    /// The PRIMARY deployment when it was decided.
    pub previous_primary: Option<DeploymentId>,
    /// The deployment that brings it about, once ECS named it.
    pub deployment: Option<DeploymentId>,
    /// When ECS accepted it.
    pub done_at: Option<Timestamp>,
}

impl Deployment {
    /// One of which nothing else is known yet; [`add`](super::Service::add) numbers it.
    pub fn of(trigger: Trigger, intended_at: Timestamp) -> Self {
        Self {
            number: 0,
            trigger,
            event: None,
            request: None,
            who: None,
            request_reason: None,
            requested_revision: None,
            image: None,
            build: None,
            revision: RevisionChange::default(),
            definition: None,
            definition_only: false,
            settings: DeploymentSettings::default(),
            intended_at,
            state: DeploymentState::Intended { previous_primary: None },
            deadline: None,
            failed_tasks: Vec::new(),
            warnings: Vec::new(),
            published: Vec::new(),
        }
    }

    /// Whether it is not known to have taken effect.
    pub fn is_intent(&self) -> bool {
        matches!(self.state, DeploymentState::Intended { .. })
    }

    /// The PRIMARY deployment when it was intended, while it is not known to have taken effect.
    pub fn previous_primary(&self) -> Option<&DeploymentId> {
        match &self.state {
            DeploymentState::Intended { previous_primary } => previous_primary.as_ref(),
            DeploymentState::InProgress(_) | DeploymentState::Ended(_) => None,
        }
    }

    /// ECS's id of it, once ECS made it.
    pub fn id(&self) -> Option<&DeploymentId> {
        self.progress().map(|it| &it.deployment)
    }

    /// When ECS made it; until that is known, when it was intended.
    pub fn began_at(&self) -> Timestamp {
        self.progress().map_or(self.intended_at, |it| it.began_at)
    }

    /// Why it is known to have failed, if it is.
    pub fn failing(&self) -> Option<&Failing> {
        self.progress()?.failing.as_ref()
    }

    /// The rollback that Slipway began, if it did.
    pub fn rollback(&self) -> Option<&Rollback> {
        self.progress()?.rollback.as_ref()
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.ended().is_none()
    }

    /// Its end.
    pub fn ended(&self) -> Option<&Ended> {
        match &self.state {
            DeploymentState::Ended(ended) => Some(ended),
            DeploymentState::Intended { .. } | DeploymentState::InProgress(_) => None,
        }
    }

    /// How it ended.
    pub fn outcome(&self) -> Option<Outcome> {
        self.ended().map(|it| it.outcome)
    }

    /// How it ended, also where somebody else made it.
    pub fn published_outcome(&self) -> Option<Outcome> {
        self.ended().map(|it| it.external.unwrap_or(it.outcome))
    }

    /// What is known of it since ECS made it.
    pub fn progress(&self) -> Option<&Progress> {
        match &self.state {
            DeploymentState::Intended { .. } => None,
            DeploymentState::InProgress(progress) => Some(progress),
            DeploymentState::Ended(ended) => ended.progress.as_ref(),
        }
    }

    /// The same, to change it, while it has not ended.
    pub fn in_progress(&mut self) -> Option<&mut Progress> {
        match &mut self.state {
            DeploymentState::InProgress(progress) => Some(progress),
            DeploymentState::Intended { .. } | DeploymentState::Ended(_) => None,
        }
    }

    /// Whether ECS's deployment of this id is the rollback from this one.
    pub fn rolls_back_as(&self, id: &DeploymentId) -> bool {
        self.rollback().is_some_and(|it| it.deployment.as_ref() == Some(id))
    }

    /// Whether somebody asked for a rollback.
    pub fn is_rollback(&self) -> bool {
        self.trigger == Trigger::Rollback
    }

    /// Whether somebody else made it.
    pub fn is_external(&self) -> bool {
        self.trigger == Trigger::External
    }

    /// Whether it brings the image that it found.
    pub(super) fn keeps_image(&self) -> bool {
        let old = self.image.as_ref().and_then(|image| image.old.as_ref()?.digest.as_ref());
        old.is_some() && old == self.digest()
    }

    /// Whether somebody else made it, with no image of the target's repositories.
    pub fn is_placeholder(&self) -> bool {
        self.is_external() && self.image.is_none()
    }

    /// The digest it brings, if it is known.
    pub fn digest(&self) -> Option<&Digest> {
        self.image.as_ref()?.new.digest.as_ref()
    }
}
