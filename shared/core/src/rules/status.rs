//! Decides how a target stands: what runs and what is under way; how an image stands that somebody asks about is in `image`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::Target;
use crate::model::facts::{DeploymentFacts, Hook, Revision, ServiceDeploymentFacts, ServiceFacts};
use crate::model::id::{DeploymentId, TargetName, TaskDefinitionArn};
use crate::model::image::{Digest, Repository, Tag};
use crate::model::plan::Shown;
use crate::model::reason::Reason;
use crate::model::record::{Blocked, Decision, Hold, Pending, Quarantined, Service};
use crate::rules::mechanism::{self, Stage};
use crate::rules::recency::Recency;
use crate::rules::render::shown_in;

use image::Verdict;
pub use image::{
    Acceptable, Asked, BlockedOn, ImageQuestion, ImageStatus, State, StatusReason, WaitFor, pushed_at, stage_to_read,
};

mod image;

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
    /// The service deployment of [`stage_to_read`], with its stage.
    pub service_deployment: Option<&'a ServiceDeploymentFacts>,
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
    /// What is still to be decided about.
    pub waiting: Vec<Waiting>,
    /// The newest known-good revision: where a rollback goes from what runs now.
    pub last_known_good: Option<String>,
    /// A person's last decision.
    pub decision: Option<Decision>,
}

/// Something that is still to be decided about, and what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// The tag that was pushed; `None` where everything that the registry has is compared.
    pub tag: Option<Tag>,
    /// Since when.
    pub since: Timestamp,
    /// What it waits for.
    pub reason: StatusReason,
    /// When that is over at the latest, as far as is known now.
    pub until: Option<Timestamp>,
}

impl Waiting {
    fn of(record: &Service, pending: &Pending) -> Self {
        let Pending { input, blocked } = pending;
        let (reason, until) = (StatusReason::Pending(*blocked), image::until(record, pending));
        Self { tag: input.tag.clone(), since: input.at, reason, until }
    }
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
            waiting: record.pending.iter().map(|pending| Waiting::of(record, pending)).collect(),
            last_known_good: record.known_good.first().map(|it| it.revision.short().to_owned()),
            decision: record.decision.clone(),
        }
    }
}

impl Memory {
    /// What waits for a deployment waits until that has baked, whatever deadline it had to get there.
    fn until_it_has_baked(mut self, stage: Option<Stage>) -> Self {
        if let Some(Stage::Baking { until: Some(until) }) = stage {
            let waits = StatusReason::Pending(Some(Blocked::Deployment));
            self.waiting.iter_mut().filter(|it| it.reason == waits).for_each(|it| it.until = Some(until));
        }
        self
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
    /// At which stage it is, where its traffic is shifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The hook that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Hook>,
    /// ECS's words about it.
    pub reason: Option<String>,
    /// When it was made.
    pub since: Option<Timestamp>,
    /// Tasks running.
    pub running: i32,
    /// Tasks wanted.
    pub desired: i32,
}

/// The status of a target about which nothing can be said but why, and of an image, where one is asked about.
pub fn refused(
    target: &Target,
    repository: &Repository,
    reason: Reason,
    asked: Option<(&Shown, &ImageQuestion)>,
) -> Status {
    let verdict = || Verdict::of_reason(&reason, &Service::default());
    Status {
        target: target.name.clone(),
        repository: repository.name.clone(),
        asked: asked.map(|(shown, question)| verdict().of_image(shown, question)),
        refused: Some(reason),
        running: None,
        in_flight: None,
        memory: None,
    }
}

/// The status of a target, and of an image, where one is asked about.
pub fn status(facts: &StatusFacts<'_>, asked: Option<&Asked<'_>>) -> Status {
    let (running, in_flight) = (facts.running(), facts.in_flight());
    let shift: Option<&ServiceDeploymentFacts> =
        in_flight.and_then(|it| facts.service_deployment.filter(|shift| mechanism::belongs_to(shift, it)));
    let stage = shift.and_then(mechanism::stage);
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
            stage,
            waits_for: shift.and_then(mechanism::hook).cloned(),
            reason: deployment.rollout_reason.clone(),
            since: deployment.created_at,
            running: deployment.running_count,
            desired: deployment.desired_count,
        }),
        memory: Some(Memory::of(&facts.target.name, Ok(facts.record)).until_it_has_baked(stage)),
        asked: asked.map(|asked| {
            let mut image = facts.verdict(asked).of_image(asked.shown, asked.question);
            if image.state == State::Deploying && shift.and_then(mechanism::pause).is_some() {
                image.blocked_on = Some(BlockedOn::Person);
            }
            image
        }),
    }
}

impl<'a> StatusFacts<'a> {
    /// The deployment that completed last, or the only one there is.
    fn running(&self) -> Option<&'a DeploymentFacts> {
        self.service.deployments.iter().find(|it| mechanism::is_completed(it)).or(self.service.primary())
    }

    /// The deployment that is under way, or has failed and was left so.
    fn in_flight(&self) -> Option<&'a DeploymentFacts> {
        self.service.primary().filter(|primary| mechanism::has_not_won(self.record, primary))
    }

    /// Whether a deployment brings this image. Where its revision names a tag, ECS knows which image that was: `past` is the
    /// newest service deployment of the image.
    fn brings(&self, deployment: &DeploymentFacts, digest: &Digest, past: Option<&ServiceDeploymentFacts>) -> bool {
        self.image_of(deployment).is_some_and(|image| match &image.digest {
            Some(brought) => brought == digest,
            None => past.is_some_and(|past| mechanism::belongs_to(past, deployment)),
        })
    }

    /// The image of the target's repository that a deployment brings, as far as its revision says.
    fn image_of(&self, deployment: &DeploymentFacts) -> Option<Shown> {
        let revision = self.revisions.get(&deployment.task_definition)?;
        shown_in(revision, Recency { target: self.target, record: self.record }, self.repository)
    }
}

#[cfg(test)]
mod tests;
