//! Decides how an image stands that somebody asks about: whether a build may stop waiting for it, and whether that is well.

use jiff::Timestamp;
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::StatusFacts;
use crate::model::facts::{DeploymentFacts, ImageFacts, ImageName, ServiceDeploymentFacts};
use crate::model::id::{DeploymentId, ServiceDeploymentArn};
use crate::model::image::{Digest, Tag};
use crate::model::plan::{Plan, Shown};
use crate::model::reason::{Reason, Weight};
use crate::model::record::{self, Blocked, Outcome, Service};
use crate::rules::mechanism::{self, Became, became};

/// What somebody asks about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageQuestion {
    /// The image.
    pub image: ImageName,
    /// The states in which they call it well that it does not run.
    pub accept: Vec<Acceptable>,
    /// What they wait for.
    pub wait_for: WaitFor,
}

/// A state in which an image does not run, which whoever asks may call well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Acceptable {
    /// [`State::Skipped`].
    Skipped,
    /// [`State::Superseded`].
    Superseded,
}

/// How far a deployment has to come before its image counts as running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum WaitFor {
    /// The new tasks take the whole traffic.
    Serving,
    /// The deployment completed.
    #[default]
    Completed,
}

/// What was looked up about an image that somebody asks about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What they ask.
    pub question: &'a ImageQuestion,
    /// The image as they named it, with the digest that the registry has by that name.
    pub shown: &'a Shown,
    /// What the registry has by that name.
    pub image: Option<&'a ImageFacts>,
    /// The newest service deployment of this image, where there is one.
    pub past: Option<&'a ServiceDeploymentFacts>,
    /// The plan for a push of it now.
    pub plan: Option<&'a Plan>,
}

/// How an image stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageStatus {
    /// The image.
    pub image: Shown,
    /// How it stands.
    pub state: State,
    /// Whether that is its end, as things are; a build that waits may stop waiting.
    pub done: bool,
    /// Whether that is well; only where it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// Why, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<StatusReason>,
    /// Who has to do something before the image can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_on: Option<BlockedOn>,
    /// When what it waits for is over at the latest, as far as is known now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Why an image stands so. It is written as its sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum StatusReason {
    /// What a plan for it would give as its reason.
    Reason(Reason),
    /// Its input is pending, and this blocks it.
    Pending(Option<Blocked>),
    /// Its tasks take the whole traffic, and this deployment has not ended.
    Serves(DeploymentId),
    /// The repository has it, and no tag means it, so nothing deploys it automatically.
    Untagged,
    /// ECS's words.
    Ecs(String),
    /// The cause of its failure, and how its deployment ended.
    Failed {
        /// In half a sentence.
        cause: String,
        /// How its deployment ended, if it has.
        outcome: Option<Outcome>,
    },
}

/// How an image stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(VariantArray))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It would be deployed, and its event has not come yet, or never will: a manual deploy does not wait for it.
    Waiting,
    /// It is being deployed.
    Deploying,
    /// Its push came, and is decided about when something else is over.
    Queued,
    /// It runs.
    Running,
    /// A person keeps Slipway from deploying automatically.
    Held,
    /// It failed here, and a person has to release it.
    Quarantined,
    /// A person has to fix something first.
    Refused,
    /// Its deployment failed.
    Failed,
    /// Its deployment failed, and ECS or Slipway rolled it back.
    RolledBack,
    /// The repository does not have it.
    Missing,
    /// It is not deployed automatically: it is older, was pushed before a person's decision, or has no tag of the policy.
    Skipped,
    /// It ran, or was being deployed, and another image took its place.
    Superseded,
}

impl State {
    /// Whether that is well for whoever accepts these; `None` as long as the image is not done.
    pub fn ok(self, accept: &[Acceptable]) -> Option<bool> {
        match self {
            Self::Waiting | Self::Deploying | Self::Queued => None,
            Self::Running => Some(true),
            Self::Held | Self::Quarantined | Self::Refused => Some(false),
            Self::Failed | Self::RolledBack | Self::Missing => Some(false),
            Self::Skipped => Some(accept.contains(&Acceptable::Skipped)),
            Self::Superseded => Some(accept.contains(&Acceptable::Superseded)),
        }
    }

    /// Who has to do something before the image can run; `None` where nothing is left to be done for it.
    pub fn blocked_on(self) -> Option<BlockedOn> {
        match self {
            Self::Waiting | Self::Deploying | Self::Queued => Some(BlockedOn::Machine),
            Self::Held | Self::Quarantined | Self::Refused => Some(BlockedOn::Person),
            Self::Running | Self::Failed | Self::RolledBack | Self::Missing => None,
            Self::Skipped | Self::Superseded => None,
        }
    }
}

/// Who has to do something before an image can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedOn {
    /// ECS or Slipway: a deployment, a lease or a time has to end.
    Machine,
    /// A person: nothing goes on by itself.
    Person,
}

/// How an image stands, why, and until when at the latest.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    state: State,
    reason: Option<StatusReason>,
    until: Option<Timestamp>,
}

/// The service deployment whose stage is to be read: of what is in flight, where its traffic is shifted.
pub fn stage_to_read<'a>(facts: &StatusFacts<'a>) -> Option<&'a ServiceDeploymentArn> {
    facts.in_flight()?;
    mechanism::traffic_shift(facts.service)
}

/// When this tag was pushed to the image at the earliest, by the registry; `None` for now.
///
/// Where the tag was pushed to another image after that, it has come back since, and the event of that is still to come.
pub fn pushed_at(record: &Service, image: &ImageFacts, tag: &Tag) -> Option<Timestamp> {
    let of_tag = || record.tag_pushes.iter().filter(|push| push.tag == *tag);
    let to_it = of_tag().filter(|push| push.digest == image.digest).map(|push| push.at).max();
    let to_others = of_tag().filter(|push| push.digest != image.digest).map(|push| push.at).max();
    image.pushed_at.filter(|at| to_others <= to_it.max(Some(*at)))
}

impl<'a> StatusFacts<'a> {
    /// The order of the questions is from what is seen to what is only expected.
    pub(super) fn verdict(&self, asked: &Asked<'_>) -> Verdict {
        let missing = || {
            let (image, repository) = (asked.shown.to_string(), self.repository.name.clone());
            Verdict::of_reason(&Reason::NoSuchImage { image, repository }, self.record)
        };
        let Some(digest) = asked.image.map(|image| &image.digest).or(asked.shown.digest.as_ref()) else {
            return missing();
        };
        let brings = |deployment: &&DeploymentFacts| self.brings(deployment, digest, asked.past);
        // Slipway may have noticed what ECS does not call a failure, and knows the cause of what ECS only calls one.
        let failure = self.failure(digest);
        if let Some(deployment) = self.in_flight().filter(brings) {
            return match failure.filter(|failed| failed.id() == Some(&deployment.id)) {
                Some(failed) => Verdict::of_failure(failed),
                None => self.under_way(deployment, asked.question.wait_for),
            };
        }
        if self.running().filter(brings).is_some() {
            return Verdict::of(State::Running, None);
        }
        let expected = self.expected(asked);
        if let Some(failed) = failure {
            // What a person released is decided about again.
            let is_released = failed.ended().is_some() && self.record.quarantine.iter().all(|it| it.digest != *digest);
            let again = expected.filter(|it| is_released && it.state.ok(&[]).is_none());
            return again.unwrap_or_else(|| Verdict::of_failure(failed));
        }
        let mut failed = self.service.deployments.iter().filter(|it| mechanism::has_failed(it));
        if let Some(deployment) = failed.find(brings) {
            return Verdict::by_ecs(State::Failed, &deployment.rollout_reason);
        }
        let past = asked.past.and_then(|past| {
            let state = match became(&past.status) {
                Became::InProgress => State::Deploying,
                Became::RollsBack if !past.is_ongoing() => State::RolledBack,
                Became::RollsBack | Became::Failed => State::Failed,
                // It may be about to come back, because its tag was pushed again, or because it waits for its turn.
                Became::Won | Became::CutShort => match &expected {
                    Some(expected) if expected.state != State::Skipped => return None,
                    Some(_) | None => State::Superseded,
                },
            };
            Some(Verdict::by_ecs(state, &past.status_reason))
        });
        past.or(expected).unwrap_or_else(|| match asked.image {
            Some(_) => Verdict::of(State::Skipped, Some(StatusReason::Untagged)),
            None => missing(),
        })
    }

    /// How the image stands that is being deployed.
    fn under_way(&self, deployment: &DeploymentFacts, wait_for: WaitFor) -> Verdict {
        let serves = self.service_deployment.is_some_and(|it| mechanism::takes_all_traffic(deployment, it));
        if wait_for == WaitFor::Serving && serves {
            return Verdict::of(State::Running, Some(StatusReason::Serves(deployment.id.clone())));
        }
        if mechanism::has_failed(deployment) {
            return Verdict::by_ecs(State::Failed, &deployment.rollout_reason);
        }
        let until = deadline(self.record, &deployment.id);
        Verdict { until, ..Verdict::by_ecs(State::Deploying, &deployment.rollout_reason) }
    }

    /// How the image will stand by its input, if one is pending, or else by the plan for a push of it now.
    fn expected(&self, asked: &Asked<'_>) -> Option<Verdict> {
        let planned = asked.plan.map(|plan| Verdict::of_reason(&plan.reason, self.record));
        match planned {
            // It names what is waited for.
            Some(planned) if planned.state == State::Queued => Some(planned),
            planned => self.pending(asked).or(planned),
        }
    }

    /// How the image stands whose input is pending: what a plan says of it now is not the last word.
    fn pending(&self, asked: &Asked<'_>) -> Option<Verdict> {
        let image = asked.image?;
        let is_of_image = |input: &record::PendingInput| {
            let repository = self.repository.to_string();
            input.repository.as_ref().is_none_or(|it| *it == repository)
                && input.tag.as_ref().is_some_and(|tag| image.tags.contains(tag))
        };
        let pending = self.record.pending.iter().find(|it| is_of_image(&it.input))?;
        let until = until(self.record, pending);
        Some(Verdict { until, ..Verdict::of(State::Queued, Some(StatusReason::Pending(pending.blocked))) })
    }

    /// The last deployment of this image, if it is known to have failed. It may have completed after all.
    fn failure(&self, digest: &Digest) -> Option<&'a record::Deployment> {
        let last = self.record.deployments.iter().find(|it| it.digest() == Some(digest))?;
        let failed = last.outcome().map_or_else(|| last.failing().is_some(), Outcome::quarantines);
        Some(last).filter(|_| failed)
    }
}

/// When that is over at the latest which a pending input waits for, as far as is known.
pub(super) fn until(record: &Service, pending: &record::Pending) -> Option<Timestamp> {
    match pending.blocked {
        Some(Blocked::Deployment) => record.open().and_then(|open| open.deadline),
        Some(Blocked::Settling { until }) => Some(until),
        Some(Blocked::Retry) => None,
        None => record.lease.as_ref().map(|lease| lease.until),
    }
}

impl Verdict {
    pub(super) fn of(state: State, reason: Option<StatusReason>) -> Self {
        Self { state, reason, until: None }
    }

    fn by_ecs(state: State, words: &Option<String>) -> Self {
        Self::of(state, words.clone().map(StatusReason::Ecs))
    }

    /// How an image stands whose plan has this reason.
    #[rustfmt::skip]
    pub(super) fn of_reason(reason: &Reason, record: &Service) -> Self {
        use Reason::*;
        let (state, until) = match reason {
            Pushed { .. } | Asked { .. } | RedeployChanged | RedeployForced | RedeployMarked { .. }
            | Reconciled { .. } | PlaceholderReplaced { .. } | DefinitionChanged { .. } | RollbackAsked { .. } | Failed { .. } => (State::Waiting, None),
            AlreadyUnderWay { deployment, .. } | Continued { deployment } | PauseRolledBack { deployment }
            | StopRequested { deployment } => {
                (State::Deploying, deadline(record, deployment))
            }
            Queued { deployment, .. } | InFlight { deployment, .. } | RollingBack { deployment } => {
                (State::Queued, deadline(record, deployment))
            }
            Busy { until } | StillBusy { until } | Settling { until } => (State::Queued, Some(*until)),
            OutOfTime => (State::Queued, None),
            AlreadyRuns { .. } => (State::Running, None),
            AlreadyFailed { .. } => (State::Failed, None),
            Held { .. } | HeldNeedsForce { .. } => (State::Held, None),
            Quarantined { .. } | NeedsForce { .. } => (State::Quarantined, None),
            NoSuchImage { .. } | TagGone { .. } => (State::Missing, None),
            GaveWay { .. } => (State::Superseded, None),
            Older { .. } | OlderThanBefore { .. } | PushedBefore { .. } | BeforeDecision { .. } | SameBuild { .. }
            | NotOfPolicy { .. } | Ignored { .. } | NotAnImage { .. } | NoCandidate { .. } | BestRuns { .. } | Adopted { .. }
            | DefinitionBeforeDecision { .. } | DefinitionOlder { .. } | AlreadyDone { .. } | NotQuarantined { .. } | NotPaused => (State::Skipped, None),
            // Nothing is known of the image for now; asking again can help.
            Aws { kind, .. } if matches!(kind.as_str(), "Throttled" | "Conflict" | "Unreachable") => (State::Waiting, None),
            Aws { .. } | GaveUp { .. } | PlaceholderAgain { .. } | ServiceMissing { .. } | ServiceNotActive { .. }
            | WrongController { .. } | NoDeploymentGroup { .. } | HooksUnknown { .. } | NotForExpress { .. } | NoContainer { .. } | SharedFamily { .. } | UnknownContainer { .. } | Unrenderable { .. }
            | SetBySecret { .. } | Archived { .. } | BeingRestored { .. } | NoKnownGood { .. } | RunsAlready { .. } | NoSuchRevision { .. }
            | ImageGone { .. } | ImageArchived { .. } | WhichRepository { .. } | NotItsRepository { .. } => (State::Refused, None),
        };
        // A push that has not come yet is no reason.
        let why = Some(reason).filter(|_| reason.weight() != Weight::Go);
        Self { state, until, reason: why.cloned().map(StatusReason::Reason) }
    }

    /// How an image stands whose deployment failed: why, and what came of it.
    fn of_failure(failed: &record::Deployment) -> Self {
        let outcome = failed.outcome();
        let state = match outcome {
            Some(Outcome::RolledBackByEcs | Outcome::RolledBackBySlipway) => State::RolledBack,
            Some(Outcome::Failed | Outcome::RollbackFailed | Outcome::Stopped | Outcome::TimedOut) => State::Failed,
            // One that is known to fail and has not ended; what ended otherwise did not fail.
            None | Some(Outcome::Completed | Outcome::Superseded | Outcome::External) => State::Failed,
        };
        let cause = failed.failing().map(|it| it.cause.clone()).or_else(|| failed.ended()?.reason.clone());
        Self::of(state, cause.map(|cause| StatusReason::Failed { cause, outcome }))
    }

    pub(super) fn of_image(self, shown: &Shown, question: &ImageQuestion) -> ImageStatus {
        let Self { state, reason, until } = self;
        let ok = state.ok(&question.accept);
        let blocked_on = state.blocked_on();
        ImageStatus { image: shown.clone(), state, done: ok.is_some(), ok, reason, blocked_on, until }
    }
}

/// When a deployment that has not ended is judged at the latest, if it is on record.
fn deadline(record: &Service, deployment: &DeploymentId) -> Option<Timestamp> {
    record.of_id(deployment).filter(|it| it.is_open())?.deadline
}
