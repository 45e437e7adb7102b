//! What the track function reports of a recorded deployment: that it fails and why, who rolls it back, how it ended.
//!
//! Read at three in the morning: the headline says what happened to which service, the reason why and what happens next,
//! the advice what a person can do. All of it is in the table, so that a copy says the same.

use jiff::Timestamp;

use super::announce::{arrow, deploy, name};
use super::links;
use crate::model::facts::{Hook, OnTimeout};
use crate::model::id::DeploymentId;
use crate::model::notice::{Link, Notice, NoticeKind, Place, Severity, TriggeredBy};
use crate::model::record::{Deployment, FailedBy, Failing, Outcome, Unusable};
use crate::rules::diagnosis::quote;
use crate::rules::mechanism::{End, Milestone, RollbackInitiator, Stage};
use crate::rules::rollback::{ManualAction, NoRollback, RollbackDecision};
use crate::text::invoke::{invoke, request};
use crate::text::passed_over::{each, restore, short};
use crate::text::reason::minute;

/// What runs after a rollback, where nothing names its revision.
const PREVIOUS: &str = "the previous version";

/// What there is to report of a deployment.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// ECS starts its tasks.
    InProgress,
    /// Its traffic is shifted, and it came so far.
    Reached(Milestone),
    /// It waits for a person.
    Paused {
        /// The hook that it waits at.
        hook: &'a Hook,
        /// At which stage.
        stage: Option<Stage>,
        /// Since when, as far as is known.
        since: Option<Timestamp>,
        /// Whether that was published before, and is over soon.
        again: bool,
    },
    /// It failed, and it is being rolled back.
    RollingBack {
        /// Who rolls it back.
        by: RollbackInitiator,
        /// To which revision, `web:41`, where that is known.
        to: Option<&'a str>,
    },
    /// It ended.
    Ended {
        /// How.
        end: &'a End,
        /// What was decided about a failure, where it ended with that: why there is no rollback.
        next: Option<&'a RollbackDecision>,
    },
}

impl News<'_> {
    /// Whether its notice shows the evidence of the deployment's failure: there is some, and the news is that it went wrong.
    pub fn shows_evidence(&self, deployment: &Deployment) -> bool {
        deployment.failing().is_some() && self.went_wrong(deployment)
    }

    /// What waits for a person did not.
    fn went_wrong(&self, deployment: &Deployment) -> bool {
        !matches!(self, Self::Paused { .. }) && self.severity(deployment) >= Severity::Warning
    }

    fn severity(&self, deployment: &Deployment) -> Severity {
        let external = deployment.is_external();
        // What others deploy is theirs to watch.
        let failure = if external { Severity::Warning } else { Severity::Failure };
        match self {
            Self::InProgress | Self::Reached(_) => Severity::Info,
            Self::Paused { .. } => Severity::Warning,
            // A person's decision is no failure.
            Self::RollingBack { by: RollbackInitiator::Somebody, .. } => Severity::Warning,
            Self::RollingBack { .. } => failure,
            Self::Ended { end, .. } => match end.outcome {
                Outcome::Completed if !external => Severity::Success,
                // The tool and Slipway will go on undoing each other's work.
                Outcome::Completed if deployment.is_placeholder() => Severity::Warning,
                Outcome::Completed | Outcome::Superseded | Outcome::External => Severity::Info,
                Outcome::Stopped => Severity::Warning,
                Outcome::RolledBackByEcs | Outcome::RolledBackBySlipway | Outcome::RollbackFailed => failure,
                Outcome::Failed | Outcome::TimedOut => failure,
            },
        }
    }

    /// The kind of its notice, were the deployment Slipway's.
    fn kind(&self) -> NoticeKind {
        match self {
            Self::InProgress | Self::Reached(_) => NoticeKind::InProgress,
            Self::Paused { .. } => NoticeKind::Paused,
            Self::RollingBack { .. } => NoticeKind::RollingBack,
            Self::Ended { end, .. } => NoticeKind::of_end(end.outcome),
        }
    }
}

impl Notice {
    /// The notice of a recorded deployment, with the lines of its evidence where [`News::shows_evidence`] asks for them.
    pub fn of_deployment(
        place: Place<'_>,
        deployment: &Deployment,
        news: &News<'_>,
        evidence: &[String],
        at: Timestamp,
    ) -> Self {
        let external = deployment.is_external();
        let evidence = if news.shows_evidence(deployment) { evidence } else { &[] };
        let report = Report { place, deployment, news, evidence };
        let (kind, severity) = (news.kind(), news.severity(deployment));
        Self {
            id: Self::id_of_deployment(place, deployment, news),
            headline: if external { report.headline_of_external() } else { report.headline() },
            reason: report.reason(),
            image: deployment.image.clone(),
            build: deployment.build.clone().filter(|build| !build.is_empty()),
            revision: Some(deployment.revision.clone()),
            deployment: deployment.id().cloned(),
            cause: Some(TriggeredBy::of(deployment)),
            // Whole seconds; ECS's clock and ours may differ by some milliseconds.
            duration_seconds: (!matches!(kind, NoticeKind::InProgress | NoticeKind::Paused | NoticeKind::Superseded))
                .then(|| at.duration_since(deployment.began_at()).as_secs().max(0)),
            details: evidence.to_vec(),
            advice: report.advice(),
            links: report.links(),
            ..Self::about(place, if external { NoticeKind::External } else { kind }, severity, at)
        }
    }

    /// The id of that notice, `ecs-svc/…/failed`; of what others did `ecs-svc/…/external/failed`.
    ///
    /// It is the deployment's with the kind, the stage and the hook, so that observing the same again makes a copy of the same notice.
    pub fn id_of_deployment(place: Place<'_>, deployment: &Deployment, news: &News<'_>) -> String {
        let kind = news.kind();
        let id = match deployment.id() {
            Some(id) => id.to_string(),
            None => format!("{}/{}", place.target(), deployment.number),
        };
        let external = if deployment.is_external() && kind != NoticeKind::External { "/external" } else { "" };
        let part = match news {
            News::Reached(milestone) => format!("/{}", <&str>::from(milestone)),
            News::Paused { hook, again, .. } => format!("/{}{}", hook.id, if *again { "/again" } else { "" }),
            News::InProgress | News::RollingBack { .. } | News::Ended { .. } => String::new(),
        };
        format!("{id}{external}/{}{part}", kind.as_str())
    }
}

struct Report<'a> {
    place: Place<'a>,
    deployment: &'a Deployment,
    news: &'a News<'a>,
    evidence: &'a [String],
}

impl Report<'_> {
    fn went_wrong(&self) -> bool {
        self.news.went_wrong(self.deployment)
    }

    /// Why it is known to fail, where the news is that it went wrong.
    fn failing(&self) -> Option<&Failing> {
        self.deployment.failing().filter(|_| self.went_wrong())
    }

    fn next(&self) -> Option<&RollbackDecision> {
        match self.news {
            News::Ended { next, .. } => *next,
            News::InProgress | News::Reached(_) | News::Paused { .. } | News::RollingBack { .. } => None,
        }
    }

    /// Where to look next: what a failed task logged, before all else.
    fn links(&self) -> Vec<Link> {
        let log = self.failing().and_then(|failing| links::of_log(self.place, failing.log.as_ref()?));
        let code_deploy = self.deployment.id().and_then(|id| links::of_code_deploy(self.place, id));
        log.into_iter()
            .chain(code_deploy)
            .chain(links::of_service(self.place, self.deployment.revision.new.as_deref()))
            .collect()
    }

    fn is_of_code_deploy(&self) -> bool {
        self.deployment.id().is_some_and(DeploymentId::is_of_code_deploy)
    }

    /// Who carries the deployment out.
    fn carrier(&self) -> &'static str {
        self.deployment.id().map_or("ECS", DeploymentId::carrier)
    }

    fn headline(&self) -> String {
        let (target, new) = (self.place.target(), self.new_version());
        match self.news {
            News::InProgress => format!("In progress on {target}: {}", self.change()),
            News::Reached(Milestone::TestTraffic) => format!("Test traffic on {target}: {new} takes it"),
            News::Reached(Milestone::Shifting) => format!("Shifting traffic on {target}: to {new}"),
            News::Reached(Milestone::Serving) => format!("Serving on {target}: {new} takes all traffic"),
            News::Paused { again: false, .. } => format!("Paused on {target}: {new} waits for somebody to continue it"),
            News::Paused { again: true, .. } => format!("Still paused on {target}: nobody has continued {new}"),
            News::RollingBack { by, .. } => {
                let what = if *by == RollbackInitiator::Somebody { "stopped" } else { "failed" };
                let who = if *by == RollbackInitiator::Slipway { "Slipway" } else { self.carrier() };
                let to = self.restored().map(|restored| format!(" to {restored}")).unwrap_or_default();
                format!("Deploy {what} on {target}: {new}, {who} is rolling back{to}")
            }
            News::Ended { end, .. } => match end.outcome {
                Outcome::Completed => {
                    let after_all = if self.corrected_from().is_some() { " after all" } else { "" };
                    format!("Deployed to {target}{after_all}: {}", self.change())
                }
                Outcome::RolledBackByEcs | Outcome::RolledBackBySlipway => {
                    let restored = self.restored().unwrap_or_else(|| PREVIOUS.to_owned());
                    format!("Deploy failed on {target}: {new}, {restored} runs again")
                }
                Outcome::RollbackFailed => {
                    format!("Rollback failed on {target}: {new} failed, and so did the rollback")
                }
                Outcome::Stopped => format!("Deploy stopped on {target}: {new}, somebody stopped it"),
                Outcome::TimedOut => format!("Deploy timed out on {target}: {new}, {}", self.cause()),
                Outcome::Superseded => format!("Superseded on {target}: {new}, a newer deployment took its place"),
                Outcome::Failed | Outcome::External => {
                    format!("Deploy failed on {target}: {new}, {}", self.cause())
                }
            },
        }
    }

    /// The outcome of an earlier notice, where the deployment completed after all.
    fn corrected_from(&self) -> Option<Outcome> {
        self.deployment.ended()?.corrected_from
    }

    fn headline_of_external(&self) -> String {
        let target = self.place.target();
        let what = match (&self.deployment.revision.new, &self.deployment.image) {
            (Some(revision), Some(_)) => format!("{revision} with {}", self.new_version()),
            (Some(revision), None) => format!("{revision} with a placeholder image"),
            _ => self.new_version(),
        };
        let but = match (self.news.kind(), self.news) {
            (NoticeKind::Paused, News::Paused { again, .. }) => {
                let still = if *again { "still waits" } else { "waits" };
                return format!("Changed outside Slipway: {target} {still} for somebody to continue {what}");
            }
            (NoticeKind::InProgress, _) => return format!("Changed outside Slipway: {target} is getting {what}"),
            (NoticeKind::Stopped, _) | (_, News::RollingBack { by: RollbackInitiator::Somebody, .. }) => {
                "somebody stopped it"
            }
            (NoticeKind::RollingBack, _) => &format!("{} is rolling back", self.carrier()),
            (NoticeKind::RolledBack, _) => &format!("{} rolled back", self.carrier()),
            (NoticeKind::RollbackFailed, _) => &format!("it failed, and so did {}'s rollback", self.carrier()),
            (NoticeKind::Superseded, _) => "a newer deployment took its place",
            (NoticeKind::Failed | NoticeKind::TimedOut, _) => "it failed",
            _ => return format!("Changed outside Slipway: {target} runs {what}"),
        };
        format!("Changed outside Slipway: {target} was going to run {what}, but {but}")
    }

    fn reason(&self) -> String {
        let mut reason = self.what_happened();
        if self.deployment.is_external() {
            reason.push_str(&self.what_follows_from_external());
        }
        if let Some(quarantine) = self.quarantine() {
            reason = format!("{reason} {quarantine}");
        }
        let News::Ended { end: End { says: Some(says), .. }, .. } = self.news else { return reason };
        let quoted = format!("{} says: \"{}\"", self.carrier(), quote::reason(says));
        if self.evidence.contains(&quoted) || quote::reason(says).is_empty() {
            reason
        } else {
            format!("{reason}\n{quoted}")
        }
    }

    /// What somebody else's deployment means to Slipway.
    fn what_follows_from_external(&self) -> String {
        let completed = matches!(self.news, News::Ended { end: End { outcome: Outcome::Completed, .. }, .. });
        if !self.deployment.is_placeholder() {
            let decision =
                " It counts as a decision: from now on, only images that are pushed later are deployed automatically.";
            let decision = if completed { decision } else { "" };
            return format!(" Slipway did not start this deployment and does not intervene.{decision}");
        }
        let next = if completed { "Slipway now deploys" } else { "When it has ended, Slipway deploys" };
        format!(
            " Slipway did not start this deployment. No container runs an image of the target's repository, so it counts as a \
             placeholder and not as a decision. {next} the image that ran before on this task definition, once, or, where \
             none did, the best image that the tag policy allows."
        )
    }

    fn what_happened(&self) -> String {
        match self.news {
            News::InProgress => format!("{} is starting the new tasks of {}.", self.carrier(), self.place.target()),
            News::Reached(Milestone::TestTraffic) => {
                "The new tasks run and take test traffic; the production traffic still goes to the old ones.".to_owned()
            }
            News::Reached(Milestone::Shifting) => "The production traffic moves to the new tasks.".to_owned(),
            News::Reached(Milestone::Serving) => format!(
                "The new tasks take all production traffic. Until the deployment has ended, {} keeps the old tasks to go back \
                 to.",
                self.carrier()
            ),
            News::Paused { hook, stage, since, .. } => self.paused(hook, *stage, *since),
            News::RollingBack { by, to } => {
                let (failure, to) = (self.failure(), to.unwrap_or(PREVIOUS));
                match by {
                    RollbackInitiator::Slipway => {
                        format!("{failure} Slipway is rolling back to {to}{}.", self.passed_over())
                    }
                    RollbackInitiator::Ecs => {
                        format!(
                            "{failure} {} is rolling back to {to} automatically; Slipway does not intervene.",
                            self.carrier()
                        )
                    }
                    RollbackInitiator::Somebody => {
                        format!("Somebody stopped the deployment, and {} is rolling back to {to}.", self.carrier())
                    }
                }
            }
            News::Ended { end, .. } => self.how_it_ended(end),
        }
    }

    fn how_it_ended(&self, end: &End) -> String {
        let (target, new, failure) = (self.place.target(), self.new_version(), self.failure());
        match (end.outcome, &end.newer) {
            (Outcome::Completed, Some(newer)) => {
                format!("The deployment completed. A newer one, {newer}, has begun since.")
            }
            (Outcome::Completed, None) => match self.corrected_from() {
                Some(before) => format!(
                    "{target} now runs {new}. This corrects an earlier notice, which said that the deployment {}. {} went \
                     on with it, and it completed. Its image is no longer quarantined.",
                    if before == Outcome::TimedOut { "did not end in time" } else { "failed" },
                    self.carrier(),
                ),
                None => format!("{target} now runs {new}."),
            },
            (Outcome::Superseded, newer) => {
                let newer =
                    newer.as_ref().map_or("a newer deployment".to_owned(), |it| format!("the newer deployment {it}"));
                format!("It had not ended when {newer} began. It did not fail.")
            }
            (Outcome::RolledBackByEcs, _) => {
                format!("{failure} {} rolled back automatically; {target} runs {PREVIOUS} again.", self.carrier())
            }
            (Outcome::RolledBackBySlipway, _) => {
                let restored = self.rolled_back_to().unwrap_or(PREVIOUS);
                format!("{failure} Slipway rolled back; {target} runs {restored} again.")
            }
            (Outcome::RollbackFailed, _) => format!(
                "{failure} The rollback failed too, and Slipway tries nothing else: {target} may run too few tasks, or none."
            ),
            (Outcome::Stopped, _) if self.is_of_code_deploy() => {
                "Somebody stopped the deployment before it had ended.".to_owned()
            }
            (Outcome::Stopped, _) => {
                "Somebody stopped the deployment before it had ended, so its image does not run.".to_owned()
            }
            (Outcome::Failed | Outcome::TimedOut, Some(newer)) => {
                format!("{failure} The newer deployment {newer} began before any rollback.")
            }
            (Outcome::Failed, None) if self.next().is_none() && self.is_of_code_deploy() => {
                format!("{failure} It never took all production traffic: {PREVIOUS} kept serving.")
            }
            (Outcome::Failed | Outcome::TimedOut, None) => {
                let next = self.next().map(|next| format!(" {next}.")).unwrap_or_default();
                format!("{failure}{next} Old tasks that still run keep running.")
            }
            (Outcome::External, _) => format!("Somebody else deployed {new} to {target}."),
        }
    }

    /// Who noticed the failure, and the likeliest cause.
    fn failure(&self) -> String {
        let Some(Failing { by, cause, .. }) = self.deployment.failing() else {
            return "The deployment failed.".to_owned();
        };
        match by {
            FailedBy::Tasks => {
                let count = self.deployment.failed_tasks.len();
                format!("The deployment failed: {cause}, and {count} of its tasks stopped unexpectedly.")
            }
            FailedBy::Deadline if !cause.starts_with("it did not complete") => {
                let minutes = self.deployment.settings.deadline_seconds.div_ceil(60);
                format!("The deployment did not complete within {minutes} min. The most likely cause: {cause}.")
            }
            FailedBy::Ecs | FailedBy::Deadline => format!("The deployment failed: {cause}."),
        }
    }

    /// That the image is not deployed again, where it is quarantined.
    fn quarantine(&self) -> Option<String> {
        let News::Ended { end, .. } = self.news else { return None };
        let image = self.deployment.image.as_ref().filter(|_| end.recorded(self.deployment).quarantines())?;
        image.new.digest.as_ref()?;
        let name = name(&image.repository, &image.new);
        if let Some(revision) = self.deployment.revision.new.as_ref().filter(|_| self.deployment.definition_only) {
            return Some(format!(
                "Only the task definition changed, so {revision} is quarantined here, and not {name}: no push, retry or \
                 reconcile deploys the two together again until somebody releases them."
            ));
        }
        Some(format!(
            "{name} is quarantined here: no push, retry or reconcile deploys it again until somebody releases it."
        ))
    }

    fn advice(&self) -> Vec<String> {
        if self.went_wrong() && self.deployment.is_placeholder() {
            return vec![
                "To end this, let the tool leave the service's task definition alone (Terraform: ignore_changes = \
                 [task_definition]), or name an image of the repository in its task definition: then it counts as a decision"
                    .to_owned(),
            ];
        }
        let target = self.place.target();
        if let News::Paused { .. } = self.news {
            return vec![
                format!("Let it go on: {}", request("continue", &target)),
                format!("Or roll it back: {}", request("rollback", &target)),
            ];
        }
        if !self.went_wrong() || self.deployment.is_external() {
            return Vec::new();
        }
        let mut advice = Vec::new();
        match (self.news, self.next()) {
            (News::Ended { end: End { outcome: Outcome::RollbackFailed, .. }, .. }, _) => {
                advice.push("Check the service now: Slipway does nothing more here automatically".to_owned());
                advice.extend(self.roll_back());
            }
            (News::RollingBack { .. }, _) => {
                advice.push("Wait: a notice follows when the rollback has ended".to_owned());
            }
            (_, Some(RollbackDecision::NoRollback(NoRollback::Notify(_) | NoRollback::Off))) => {
                advice.extend(self.roll_back());
            }
            (_, Some(RollbackDecision::ManualAction(why))) => {
                advice.extend(self.after_a_restore(why));
                advice.push(format!("Deploy an image that is known to work: {}", deploy(&target, None)));
            }
            _ => {}
        }
        advice.extend(self.deployment.failing().map(|failing| failing.advice.clone()).unwrap_or_default());
        if let (Some(_), Some(digest)) = (self.quarantine(), self.deployment.digest())
            && !advice.iter().any(|line| line.contains("\"release\""))
        {
            let release = invoke("release", &target, "digest", digest.as_str());
            let what = if self.deployment.definition_only { "the task definition" } else { "the image" };
            advice.push(format!("If {what} is not the cause, release it: {release}"));
        }
        advice
    }

    /// Why it is not a newer known-good revision that is restored.
    fn passed_over(&self) -> String {
        let passed_over = self.deployment.rollback().map(|it| it.passed_over.as_slice()).unwrap_or_default();
        if passed_over.is_empty() { String::new() } else { format!(", because {}", each(passed_over)) }
    }

    /// How a person rolls back to what needs an image from ECR's archive.
    fn after_a_restore(&self, why: &ManualAction) -> Option<String> {
        let roll_back = |to: &str| invoke("rollback", &self.place.target(), "to", to);
        match why {
            ManualAction::Restoring { revision, .. } => {
                let to = revision.short();
                Some(format!("When ECR has restored its images, roll back to {to}: {}", roll_back(to)))
            }
            ManualAction::NoneUsable(passed_over) => passed_over.iter().find_map(|it| match &it.because {
                Unusable::ImageArchived(image) => Some(format!(
                    "Restore {}: {}; when it is ACTIVE, roll back to {}: {}",
                    short(image),
                    restore(image),
                    it.revision,
                    roll_back(&it.revision)
                )),
                Unusable::ImageRestoring(image) => Some(format!(
                    "When {} is ACTIVE, roll back to {}: {}",
                    short(image),
                    it.revision,
                    roll_back(&it.revision)
                )),
                Unusable::RevisionGone | Unusable::ImageGone(_) => None,
            }),
            ManualAction::IsRollback | ManualAction::NoKnownGood => None,
        }
    }

    /// How a person rolls back.
    fn roll_back(&self) -> Option<String> {
        let decided = self.next().and_then(RollbackDecision::to);
        let to = decided.or(self.deployment.revision.old.as_deref())?;
        Some(format!("Roll back to {to}: {}", invoke("rollback", &self.place.target(), "to", to)))
    }

    fn cause(&self) -> String {
        let unknown = || format!("{} gives no reason", self.carrier());
        self.deployment.failing().map_or_else(unknown, |failing| failing.cause.clone())
    }

    /// The new image and the one before, else the revisions.
    fn change(&self) -> String {
        match (&self.deployment.image, &self.deployment.revision.old) {
            (Some(image), _) => arrow(image),
            (None, Some(old)) => format!("{} (was {old})", self.new_version()),
            (None, None) => self.new_version(),
        }
    }

    /// The new image, else the revision.
    fn new_version(&self) -> String {
        match (&self.deployment.image, &self.deployment.revision.new, self.deployment.id()) {
            (Some(image), _, _) => name(&image.repository, &image.new),
            (None, Some(revision), _) => revision.clone(),
            (None, None, Some(deployment)) => deployment.to_string(),
            (None, None, None) => "a deployment".to_owned(),
        }
    }

    fn rolled_back_to(&self) -> Option<&str> {
        self.deployment.rollback()?.to.as_deref()
    }

    /// That it waits for a person: since when, until when, and what comes then.
    fn paused(&self, hook: &Hook, stage: Option<Stage>, since: Option<Timestamp>) -> String {
        let carrier = self.carrier();
        let stage = stage.map(|stage| format!(" at the stage \"{stage}\"")).unwrap_or_default();
        let waits = match since {
            Some(at) => format!("The deployment has been waiting{stage} since {}", minute(&at)),
            None => format!("The deployment waits{stage}"),
        };
        let then = match hook.then {
            OnTimeout::GoesOn => "goes on by itself",
            // Whether it also rolls back is the group's; no traffic has moved.
            OnTimeout::RollsBack if self.is_of_code_deploy() => "stops it",
            OnTimeout::RollsBack => "rolls back",
        };
        let until = match hook.until {
            Some(until) => format!(" If nobody does by {}, {carrier} {then}.", minute(&until)),
            None => String::new(),
        };
        let why = match self.is_of_code_deploy() {
            true => "because its deployment group is set to wait",
            false => "because of a pause hook of the service",
        };
        format!("{waits}, {why}, for somebody to continue it or roll it back.{until}")
    }

    /// What the rollback restores: the image before where that is what the revision runs, else the revision.
    fn restored(&self) -> Option<String> {
        let to = match self.news {
            News::RollingBack { to: Some(to), .. } => Some(*to),
            _ => self.rolled_back_to(),
        };
        let old = self.deployment.revision.old.as_deref();
        if let Some(to) = to.filter(|_| old != to) {
            return Some(to.to_owned());
        }
        let image = self.deployment.image.as_ref();
        let before = image.and_then(|image| image.old.as_ref().filter(|old| **old != image.new));
        before.map(ToString::to_string).or_else(|| old.map(str::to_owned))
    }
}

#[cfg(test)]
mod tests;
