//! What the track function says of a recorded deployment: that it fails and why, who puts what back, how it ended.
//!
//! Read at three in the morning: the headline says what happened to which service, the reason why and what happens next,
//! the advice what a person can do. All of it is in the record, so that a copy says the same.

use jiff::Timestamp;

use super::announce::{arrow, name, request};
use super::links;
use crate::model::notice::{Link, Notice, NoticeKind, Place, Severity, TriggeredBy};
use crate::model::plan::{ImageChange, Shown};
use crate::model::record::FailedBy;
use crate::model::record::{Deployment, Outcome};
use crate::rules::diagnosis::quote;
use crate::rules::mechanism::{End, RollbackInitiator};
use crate::rules::rollback::{NoRollback, RollbackDecision};
use crate::text::diagnosis;

/// What there is to tell of a deployment.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// ECS starts its tasks.
    InProgress,
    /// It is known to fail; told at once, where what comes next takes its time.
    Failing {
        /// What is done about it.
        next: &'a RollbackDecision,
    },
    /// It failed, and it is being rolled back.
    RollingBack {
        /// Who puts it back.
        by: RollbackInitiator,
        /// Which revision comes back, `web:41`, where that is known.
        to: Option<&'a str>,
    },
    /// It ended.
    Ended {
        /// How.
        end: &'a End,
        /// What was decided about a failure, where it ended with that: why nothing is put back.
        next: Option<&'a RollbackDecision>,
    },
}

impl News<'_> {
    /// The kind of its notice, were the deployment Slipway's.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Self::InProgress => NoticeKind::InProgress,
            Self::Failing { .. } => NoticeKind::Failing,
            Self::RollingBack { .. } => NoticeKind::RollingBack,
            Self::Ended { end, .. } => NoticeKind::of_end(end.outcome),
        }
    }
}

impl Notice {
    /// The notice of a recorded deployment.
    ///
    /// Its id is the deployment's with the kind, so that a second look at the same makes a copy of the same notice.
    pub fn of_deployment(place: Place<'_>, deployment: &Deployment, news: &News<'_>, at: Timestamp) -> Self {
        let outside = deployment.is_external();
        let words = Words { place, deployment, news };
        let (kind, about) = (news.kind(), if outside { NoticeKind::External } else { news.kind() });
        let began = deployment.began_at();
        Self {
            id: service_deployment_id(place, deployment, kind),
            headline: if outside { words.headline_outside() } else { words.headline() },
            reason: words.reason(),
            image: deployment.image.clone(),
            build: deployment.build.clone().filter(|build| !build.is_empty()),
            revision: Some(deployment.revision.clone()),
            deployment: deployment.id().cloned(),
            cause: Some(TriggeredBy::of(deployment)),
            // Whole seconds; ECS's clock and ours may differ by some milliseconds.
            duration_seconds: (!matches!(kind, NoticeKind::InProgress | NoticeKind::Superseded))
                .then(|| at.duration_since(began).as_secs().max(0)),
            details: words.evidence().to_vec(),
            advice: words.advice(),
            links: words.links(),
            ..Self::about(place, about, severity(news, outside), at)
        }
    }
}

/// `ecs-svc/…/failed`; of what others did `ecs-svc/…/external/failed`.
fn service_deployment_id(place: Place<'_>, deployment: &Deployment, kind: NoticeKind) -> String {
    let id = match &deployment.id() {
        Some(id) => id.as_str().to_owned(),
        None => format!("{}/{}", place.target(), deployment.number),
    };
    match deployment.is_external() && kind != NoticeKind::External {
        true => format!("{id}/{}/{}", NoticeKind::External.as_str(), kind.as_str()),
        false => format!("{id}/{}", kind.as_str()),
    }
}

fn severity(news: &News<'_>, outside: bool) -> Severity {
    match (news.kind(), news) {
        (NoticeKind::Completed, _) if outside => Severity::Info,
        (NoticeKind::Completed, _) => Severity::Success,
        // A person's decision is no failure.
        (NoticeKind::Stopped, _) | (_, News::RollingBack { by: RollbackInitiator::Somebody, .. }) => Severity::Warning,
        (
            NoticeKind::Failing
            | NoticeKind::Failed
            | NoticeKind::TimedOut
            | NoticeKind::RollingBack
            | NoticeKind::RolledBack
            | NoticeKind::RollbackFailed,
            _,
        ) => {
            // Somebody else's deployments are theirs to look after.
            if outside { Severity::Warning } else { Severity::Failure }
        }
        _ => Severity::Info,
    }
}

struct Words<'a> {
    place: Place<'a>,
    deployment: &'a Deployment,
    news: &'a News<'a>,
}

impl Words<'_> {
    /// Where to look next: what a failed task logged, before all else.
    fn links(&self) -> Vec<Link> {
        let failed = self.deployment.failing().filter(|_| self.went_wrong());
        let log = failed.and_then(|failing| links::of_log(self.place, failing.log.as_ref()?));
        log.into_iter().chain(links::of_service(self.place, self.deployment.revision.new.as_deref())).collect()
    }

    fn headline(&self) -> String {
        let target = self.place.target();
        let new = self.coming();
        let back = self.back();
        match (self.news.kind(), self.news) {
            (NoticeKind::InProgress, _) => format!("In progress on {target}: {}", self.change()),
            (NoticeKind::Completed, _) if self.corrected_from().is_some() => {
                format!("Deployed to {target} after all: {}", self.change())
            }
            (NoticeKind::Completed, _) => format!("Deployed to {target}: {}", self.change()),
            (NoticeKind::Failing, _) => format!("Deploy is failing on {target}: {new}, {}", self.cause()),
            (NoticeKind::RollingBack, News::RollingBack { by, .. }) => {
                let (what, who) = match by {
                    RollbackInitiator::Slipway => ("failed", "Slipway"),
                    RollbackInitiator::Ecs => ("failed", "ECS"),
                    RollbackInitiator::Somebody => ("stopped", "ECS"),
                };
                let to = back.map(|back| format!(" to {back}")).unwrap_or_default();
                format!("Deploy {what} on {target}: {new}, {who} is rolling back{to}")
            }
            (NoticeKind::RolledBack, _) => match back {
                Some(back) => format!("Deploy failed on {target}: {new}, {back} runs again"),
                None => format!("Deploy failed on {target}: {new}, the last version runs again"),
            },
            (NoticeKind::RollbackFailed, _) => {
                format!("Rollback failed on {target}: {new} failed, and putting the last version back failed too")
            }
            (NoticeKind::Stopped, _) => format!("Deploy stopped on {target}: {new}, somebody stopped it"),
            (NoticeKind::TimedOut, _) => format!("Deploy timed out on {target}: {new}, {}", self.cause()),
            (NoticeKind::Superseded, _) => format!("Superseded on {target}: {new}, a newer deployment took its place"),
            _ => format!("Deploy failed on {target}: {new}, {}", self.cause()),
        }
    }

    /// How it was published to have ended, where it completed after all.
    fn corrected_from(&self) -> Option<Outcome> {
        self.deployment.ended()?.corrected_from
    }

    fn headline_outside(&self) -> String {
        let target = self.place.target();
        let what = match (&self.deployment.revision.new, &self.deployment.image) {
            (Some(revision), Some(_)) => format!("{revision} with {}", self.coming()),
            _ => self.coming(),
        };
        let was = |what_then: &str| format!("Changed outside Slipway: {target} was to run {what}, {what_then}");
        match (self.news.kind(), self.news) {
            (NoticeKind::InProgress, _) => format!("Changed outside Slipway: {target} is getting {what}"),
            (NoticeKind::RollingBack, News::RollingBack { by: RollbackInitiator::Somebody, .. }) => {
                was("somebody stopped that")
            }
            (NoticeKind::RollingBack, _) => was("ECS is rolling back"),
            (NoticeKind::RolledBack, _) => was("ECS rolled back"),
            (NoticeKind::RollbackFailed, _) => was("which failed, and so did ECS's rollback"),
            (NoticeKind::Stopped, _) => was("somebody stopped that"),
            (NoticeKind::Superseded, _) => was("a newer deployment took its place"),
            (NoticeKind::Failing | NoticeKind::Failed | NoticeKind::TimedOut, _) => was("which failed"),
            _ => format!("Changed outside Slipway: {target} runs {what}"),
        }
    }

    fn reason(&self) -> String {
        let mut sentences = vec![self.what_happened()];
        if self.deployment.is_external() {
            sentences.push("Slipway did not do this, and leaves the deployment alone.".to_owned());
        }
        sentences.extend(self.quarantine());
        let said = sentences.join(" ");
        let says = match self.news {
            News::Ended { end, .. } => end.says.as_deref().map(quote::reason).filter(|words| !words.is_empty()),
            _ => None,
        };
        let says = says.map(|words| format!("ECS says: \"{words}\""));
        match says.filter(|says| !self.evidence().contains(says)) {
            Some(says) => format!("{said}\n{says}"),
            None => said,
        }
    }

    fn evidence(&self) -> &[String] {
        let failing = self.deployment.failing().filter(|_| self.went_wrong());
        failing.map(|failing| failing.evidence.as_slice()).unwrap_or_default()
    }

    fn what_happened(&self) -> String {
        let target = self.place.target();
        let next = |way: &RollbackDecision| format!(" {}.", capital(&way.to_string()));
        match self.news {
            News::InProgress => format!("ECS is starting the new tasks of {target}."),
            News::Failing { next: way } => format!("{}{}", self.noticed(), next(way)),
            News::RollingBack { by, to } => {
                let what = to.map_or_else(|| "the last version".to_owned(), str::to_owned);
                let back = match by {
                    RollbackInitiator::Slipway => format!("Slipway is putting {what} back."),
                    RollbackInitiator::Ecs => format!("ECS is putting {what} back by itself; Slipway only watches."),
                    RollbackInitiator::Somebody => {
                        return format!("Somebody stopped the deployment, and ECS is putting {what} back.");
                    }
                };
                format!("{} {back}", self.noticed())
            }
            News::Ended { end, next: way } => self.how_it_ended(end, way.map(next).unwrap_or_default()),
        }
    }

    fn how_it_ended(&self, end: &End, next: String) -> String {
        let target = self.place.target();
        let newer = end.newer.as_ref();
        match end.outcome {
            Outcome::Completed => match newer {
                Some(newer) => format!("The deployment completed. A newer one, {newer}, has begun since."),
                None => match self.corrected_from() {
                    Some(before) => format!(
                        "{target} now runs {}. This corrects an earlier notice, which said that the deployment {}. ECS went on with \
                         it, and it completed. Its image is no longer quarantined.",
                        self.coming(),
                        if before == Outcome::TimedOut { "did not end in its time" } else { "failed" },
                    ),
                    None => format!("{target} now runs {}.", self.coming()),
                },
            },
            Outcome::Superseded => match newer {
                Some(newer) => format!("It had not ended when the newer deployment {newer} began. It did not fail."),
                None => "A newer deployment began before it had ended. It did not fail.".to_owned(),
            },
            Outcome::RolledBackByEcs => {
                format!("{} ECS put the last version back by itself; {target} runs that again.", self.noticed())
            }
            Outcome::RolledBackBySlipway => {
                let what = self.rolled_back_to().map_or_else(|| "the last version".to_owned(), str::to_owned);
                format!("{} Slipway put {what} back; {target} runs that again.", self.noticed())
            }
            Outcome::RollbackFailed => format!(
                "{} The way back failed too, and Slipway tries nothing else: {target} may run too few tasks, or none.",
                self.noticed()
            ),
            Outcome::Stopped => {
                "Somebody stopped the deployment before it had ended, so that its image does not run.".to_owned()
            }
            Outcome::Failed | Outcome::TimedOut => match newer {
                Some(newer) => {
                    format!("{} The newer deployment {newer} began before anything was put back.", self.noticed())
                }
                None => format!("{}{next} Old tasks that still run keep running.", self.noticed()),
            },
            Outcome::External => format!("Somebody else deployed {} to {target}.", self.coming()),
        }
    }

    /// Who noticed the failure, and the likeliest cause.
    fn noticed(&self) -> String {
        let Some(failing) = &self.deployment.failing() else { return "The deployment failed.".to_owned() };
        let cause = &failing.cause;
        match failing.by {
            FailedBy::Tasks => {
                let count = self.deployment.failed_tasks.len();
                format!("The deployment failed: {cause}, and {count} of its tasks stopped by themselves.")
            }
            FailedBy::Deadline if !cause.starts_with("it did not complete") => {
                let minutes = self.deployment.settings.deadline_seconds.div_ceil(60);
                format!("The deployment did not complete within {minutes} min; the likeliest cause: {cause}.")
            }
            FailedBy::Ecs | FailedBy::Deadline => format!("The deployment failed: {cause}."),
        }
    }

    /// That the image stays away, where it does.
    fn quarantine(&self) -> Option<String> {
        let News::Ended { end, .. } = self.news else { return None };
        let image = self.deployment.image.as_ref().filter(|_| end.recorded(self.deployment).quarantines())?;
        image.new.digest.as_ref()?;
        Some(format!(
            "{} is quarantined here: no push, retry or reconcile brings it back until somebody releases it.",
            name(&image.repository, &image.new)
        ))
    }

    fn advice(&self) -> Vec<String> {
        if !self.went_wrong() || self.deployment.is_external() {
            return Vec::new();
        }
        let mut advice = Vec::new();
        match self.news {
            News::Ended { end: End { outcome: Outcome::RollbackFailed, .. }, .. } => {
                advice.push("Look at the service now: Slipway does nothing more here by itself".to_owned());
                advice.extend(self.put_back());
            }
            News::Failing { next } | News::Ended { next: Some(next), .. } => match next {
                RollbackDecision::NoRollback(NoRollback::Notify(_) | NoRollback::Off) => advice.extend(self.put_back()),
                RollbackDecision::ManualAction(_) => advice.push(format!(
                    "Deploy an image that is known to work: invoke the deploy function with {}",
                    request(&self.place.target(), &Shown { tag: None, digest: None }).replace('}', ", \"tag\": …}")
                )),
                _ => {}
            },
            News::RollingBack { .. } => advice.push("Wait: a notice follows when the rollback has ended".to_owned()),
            _ => {}
        }
        let known = self.deployment.failing().map(|failing| failing.advice.clone()).unwrap_or_default();
        let released = known.iter().any(|line| line.contains("\"release\""));
        advice.extend(known);
        advice.extend(self.release().filter(|_| !released));
        advice
    }

    /// How a person rolls back.
    fn put_back(&self) -> Option<String> {
        let to = match self.news {
            News::Failing { next } | News::Ended { next: Some(next), .. } => next.to(),
            _ => None,
        };
        let to = to.or(self.deployment.revision.old.as_deref())?;
        let target = serde_json::Value::from(self.place.target().as_str());
        Some(format!(
            "Put {to} back: invoke the deploy function with {{\"action\": \"rollback\", \"target\": {target}, \"to\": {}}}",
            serde_json::Value::from(to)
        ))
    }

    fn release(&self) -> Option<String> {
        self.quarantine()?;
        let digest = self.deployment.digest()?;
        let target = self.place.target();
        Some(format!(
            "If the image is innocent, release it: invoke the deploy function with {}",
            diagnosis::release(&target, digest)
        ))
    }

    fn went_wrong(&self) -> bool {
        matches!(
            self.news.kind(),
            NoticeKind::Failing
                | NoticeKind::Failed
                | NoticeKind::TimedOut
                | NoticeKind::Stopped
                | NoticeKind::RollingBack
                | NoticeKind::RolledBack
                | NoticeKind::RollbackFailed
        )
    }

    fn cause(&self) -> &str {
        self.deployment.failing().map_or("ECS gives no reason", |failing| failing.cause.as_str())
    }

    /// The image to come and the one before, else the revisions.
    fn change(&self) -> String {
        match (&self.deployment.image, &self.deployment.revision.old) {
            (Some(image), _) => arrow(image),
            (None, Some(old)) => format!("{} (was {old})", self.coming()),
            (None, None) => self.coming(),
        }
    }

    fn coming(&self) -> String {
        match (&self.deployment.image, &self.deployment.revision.new, &self.deployment.id()) {
            (Some(image), _, _) => name(&image.repository, &image.new),
            (None, Some(revision), _) => revision.clone(),
            (None, None, Some(deployment)) => deployment.to_string(),
            (None, None, None) => "a deployment".to_owned(),
        }
    }

    /// The revision that Slipway put back.
    fn rolled_back_to(&self) -> Option<&str> {
        self.deployment.rollback()?.to.as_deref()
    }

    /// What comes back: the image before where that is what the revision runs, else the revision.
    fn back(&self) -> Option<String> {
        let to = match self.news {
            News::RollingBack { to, .. } => to.or_else(|| self.rolled_back_to()),
            _ => self.rolled_back_to(),
        };
        let old = self.deployment.revision.old.as_deref();
        let before = self.deployment.image.as_ref().and_then(earlier).map(ToString::to_string);
        match to {
            Some(to) if old != Some(to) => Some(to.to_owned()),
            _ => before.or_else(|| old.map(str::to_owned)),
        }
    }
}

fn earlier(image: &ImageChange) -> Option<&Shown> {
    image.old.as_ref().filter(|old| **old != image.new)
}

fn capital(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
