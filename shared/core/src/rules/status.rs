//! Decides how a target stands: what runs, what is under way, and how an image stands that somebody asks about.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::Target;
use crate::model::facts::{DeploymentFacts, ImageFacts, Revision, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, TargetName, TaskDefinitionArn};
use crate::model::image::{Digest, Repository};
use crate::model::plan::{Plan, Shown};
use crate::model::reason::{Reason, Weight};
use crate::model::record::{self, Decision, Hold, Outcome, Quarantined, Service};
use crate::rules::mechanism::{self, Became, became};
use crate::rules::recency::Recency;
use crate::rules::render::shown_in;

/// What was looked up for the status of one target.
#[derive(Clone, Copy, Debug)]
pub struct StatusFacts<'a> {
    /// What the configuration says.
    pub target: &'a Target,
    /// The target's repository.
    pub repository: &'a Repository,
    /// The service, as it is now.
    pub service: &'a ServiceFacts,
    /// The revisions of the service's deployments.
    pub revisions: &'a HashMap<TaskDefinitionArn, Revision>,
    /// The record of the service.
    pub record: &'a Service,
}

/// What was looked up about an image that somebody asks about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// How they named it.
    pub shown: &'a Shown,
    /// What the registry has by that name.
    pub image: Option<&'a ImageFacts>,
    /// The newest service deployment of this image, where there is one.
    pub past: Option<&'a ServiceDeploymentFacts>,
    /// The plan for a push of it now.
    pub plan: Option<&'a Plan>,
}

/// How a target stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Which target.
    pub target: TargetName,
    /// The repository's name.
    pub repository: String,
    /// Why nothing more can be said: the service is missing, or is none that Slipway can deploy to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Reason>,
    /// What runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Runs>,
    /// What is under way, or has failed and was left so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlight>,
    /// What is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// How the image stands that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<ImageStatus>,
}

/// What is recorded of a service, as far as people ask for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Memory {
    /// Which service.
    pub target: TargetName,
    /// Why nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Reason>,
    /// Who keeps Slipway from deploying automatically.
    pub held: Option<Hold>,
    /// The images that failed here, newest first.
    pub quarantined: Vec<Quarantined>,
    /// The newest known-good revision: where a rollback goes from what runs now.
    pub last_known_good: Option<String>,
    /// A person's last decision.
    pub decision: Option<Decision>,
}

impl Memory {
    /// What the record says, or why it could not be read.
    pub fn of(target: &TargetName, record: Result<&Service, &Reason>) -> Self {
        let none = Service::default();
        let (record, refused) = match record {
            Ok(record) => (record, None),
            Err(reason) => (&none, Some(reason.clone())),
        };
        Self {
            target: target.clone(),
            refused,
            held: record.hold.clone(),
            quarantined: record.quarantine.clone(),
            last_known_good: record.known_good.first().map(|it| it.revision.short().to_owned()),
            decision: record.decision.clone(),
        }
    }
}

/// What runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runs {
    /// The image of the target's repository; `None` where no container runs one.
    pub image: Option<Shown>,
    /// The revision, `web:42`.
    pub revision: String,
    /// When its deployment was made.
    pub since: Option<Timestamp>,
    /// Tasks running.
    pub running: i32,
    /// Tasks wanted.
    pub desired: i32,
}

/// A deployment that has not won.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InFlight {
    /// Its id, as ECS events name it.
    pub deployment: DeploymentId,
    /// The image of the target's repository that it brings.
    pub image: Option<Shown>,
    /// The revision, `web:43`.
    pub revision: String,
    /// `in_progress`, `rolling_back` or `failed`.
    pub state: &'static str,
    /// ECS's words about it.
    pub reason: Option<String>,
    /// When it was made.
    pub since: Option<Timestamp>,
    /// Tasks running.
    pub running: i32,
    /// Tasks wanted.
    pub desired: i32,
}

/// How an image stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageStatus {
    /// The image.
    pub image: Shown,
    /// How it stands.
    pub state: State,
    /// Whether that is its end; a build that waits may stop waiting.
    pub done: bool,
    /// Why, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<StatusReason>,
}

/// Why an image stands so. It is written as its sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum StatusReason {
    /// What a plan for it would give as its reason.
    Reason(Reason),
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
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    Running,
    /// It is being deployed.
    Deploying,
    /// It would be deployed, and its event has not come yet, or never will: a manual deploy does not wait for it.
    Waiting,
    /// Its deployment failed.
    Failed,
    /// It ran, or was being deployed, and another image took its place.
    Superseded,
    /// The policy does not deploy it.
    Skipped,
    /// A person has to fix something first.
    Refused,
    /// The repository does not have it.
    Missing,
}

/// The status of a target about which nothing can be said but why.
pub fn refused(target: &Target, repository: &Repository, reason: Reason) -> Status {
    Status {
        target: target.name.clone(),
        repository: repository.name.clone(),
        refused: Some(reason),
        running: None,
        in_flight: None,
        memory: None,
        asked: None,
    }
}

/// The status of a target, and of an image, where one is asked about.
pub fn status(facts: &StatusFacts<'_>, asked: Option<&Asked<'_>>) -> Status {
    let primary = facts.service.primary();
    let running = facts.service.deployments.iter().find(|it| mechanism::is_completed(it)).or(primary);
    let in_flight = primary.filter(|primary| mechanism::has_not_won(primary));
    Status {
        target: facts.target.name.clone(),
        repository: facts.repository.name.clone(),
        refused: None,
        // A service's first deployment is both what runs, as far as it does, and what is under way.
        running: running.map(|deployment| Runs {
            image: facts.image_of(deployment),
            revision: deployment.task_definition.short().to_owned(),
            since: deployment.created_at,
            running: deployment.running_count,
            desired: facts.service.desired_count,
        }),
        in_flight: in_flight.map(|deployment| InFlight {
            deployment: deployment.id.clone(),
            image: facts.image_of(deployment),
            revision: deployment.task_definition.short().to_owned(),
            state: match mechanism::has_failed(deployment) {
                true => "failed",
                false if deployment.is_rollback() => "rolling_back",
                false => "in_progress",
            },
            reason: deployment.rollout_reason.clone(),
            since: deployment.created_at,
            running: deployment.running_count,
            desired: deployment.desired_count,
        }),
        memory: Some(Memory::of(&facts.target.name, Ok(facts.record))),
        asked: asked.map(|asked| facts.image_status(asked, running, in_flight)),
    }
}

impl StatusFacts<'_> {
    fn image_status(
        &self,
        asked: &Asked<'_>,
        running: Option<&DeploymentFacts>,
        in_flight: Option<&DeploymentFacts>,
    ) -> ImageStatus {
        let (state, reason) = self.state(asked, running, in_flight);
        let done = !matches!(state, State::Deploying | State::Waiting);
        ImageStatus { image: asked.shown.clone(), state, done, reason }
    }

    fn state(
        &self,
        asked: &Asked<'_>,
        running: Option<&DeploymentFacts>,
        in_flight: Option<&DeploymentFacts>,
    ) -> (State, Option<StatusReason>) {
        let by_ecs = |state: State, words: &Option<String>| (state, words.clone().map(StatusReason::Ecs));
        let by_reason = |state: State, reason: Reason| (state, Some(StatusReason::Reason(reason)));
        let missing = || {
            let (image, repository) = (asked.shown.to_string(), self.repository.name.clone());
            by_reason(State::Missing, Reason::NoSuchImage { image, repository })
        };
        let Some(digest) = asked.image.map(|image| &image.digest).or(asked.shown.digest.as_ref()) else {
            return missing();
        };
        let brings = |deployment: &&DeploymentFacts| {
            self.image_of(deployment).is_some_and(|image| image.digest.as_ref() == Some(digest))
        };
        // Slipway may have noticed what ECS does not call a failure, and knows the cause of what ECS only calls one.
        let failure = self.failure(digest);
        if let Some(deployment) = in_flight.filter(brings) {
            let state = if mechanism::has_failed(deployment) { State::Failed } else { State::Deploying };
            return match failure.filter(|failed| failed.id() == Some(&deployment.id)) {
                Some(failed) => (State::Failed, cause(failed)),
                None => by_ecs(state, &deployment.rollout_reason),
            };
        }
        if running.filter(brings).is_some() {
            return (State::Running, None);
        }
        if let Some(failed) = failure {
            return (State::Failed, cause(failed));
        }
        let mut failed = self.service.deployments.iter().filter(|it| mechanism::has_failed(it));
        if let Some(deployment) = failed.find(brings) {
            return by_ecs(State::Failed, &deployment.rollout_reason);
        }
        if let Some(past) = asked.past {
            let state = match became(&past.status) {
                Became::InProgress => State::Deploying,
                Became::Won | Became::CutShort => State::Superseded,
                Became::RollsBack | Became::Failed => State::Failed,
            };
            return by_ecs(state, &past.status_reason);
        }
        match asked.plan.map(|plan| (plan.reason.weight(), &plan.reason)) {
            Some((Weight::Go, _)) => (State::Waiting, None),
            Some((Weight::Skip, reason)) => by_reason(State::Skipped, reason.clone()),
            Some((Weight::Refuse, reason)) => by_reason(State::Refused, reason.clone()),
            None => missing(),
        }
    }

    /// The last deployment of this image, if it is known to have failed.
    fn failure(&self, digest: &Digest) -> Option<&record::Deployment> {
        let last = self.record.deployments.iter().find(|it| it.digest() == Some(digest))?;
        let failed = last.failing().is_some() || last.outcome().is_some_and(Outcome::quarantines);
        Some(last).filter(|_| failed)
    }

    /// The image of the target's repository that a deployment brings, as far as its revision says.
    fn image_of(&self, deployment: &DeploymentFacts) -> Option<Shown> {
        let revision = self.revisions.get(&deployment.task_definition)?;
        shown_in(revision, Recency { target: self.target, record: self.record }, self.repository)
    }
}

/// Why a deployment failed, and what came of it.
fn cause(failed: &record::Deployment) -> Option<StatusReason> {
    let cause = failed.failing().map(|failing| failing.cause.clone()).or_else(|| failed.ended()?.reason.clone())?;
    Some(StatusReason::Failed { cause, outcome: failed.outcome() })
}

#[cfg(test)]
mod tests;
