//! What the track function says: how a deployment stands, whose it is, and what a person can do about it.

use crate::outcome::{Outcome, Standing, Telling, WayBack, Whose};
use crate::plan::ImageChange;

use super::announce::{arrow, name, request};
use super::{Cause, Kind, Notice, Place, Severity, links};

impl Notice {
    /// The notice of an outcome; `None` for an outcome that is only logged.
    ///
    /// Its id is the deployment's with the kind, so that two events that tell the same make copies of one notice.
    pub fn outcome(place: Place<'_>, outcome: &Outcome) -> Option<Self> {
        let kind = kind(&outcome.standing).filter(|_| outcome.telling == Telling::Notice)?;
        let outside = outcome.whose == Whose::Outside;
        let deployment = match &outcome.deployment {
            Some(id) => id.as_str().to_owned(),
            // ECS named a rollback, but not what it went back from. The minute tells it from the service's others.
            None => format!("{}/{}", place.target(), outcome.at.strftime("%Y-%m-%dT%H:%M")),
        };
        let words = Words { place, outcome };
        Some(Self {
            id: match outside {
                true => format!("{deployment}/{}/{}", Kind::External.as_str(), kind.as_str()),
                false => format!("{deployment}/{}", kind.as_str()),
            },
            headline: if outside { words.headline_outside() } else { words.headline() },
            reason: words.reason(),
            image: outcome.image.clone(),
            revision: Some(outcome.revision.clone()),
            deployment: outcome.deployment.clone(),
            cause: Some(match &outcome.whose {
                Whose::Slipway(provenance) => Cause::new(&provenance.trigger, &provenance.event),
                Whose::Outside => Cause::outside(),
                Whose::Again(_) | Whose::Unknown => Cause::unknown(),
            }),
            duration_seconds: outcome.duration_seconds,
            details: outcome.log.clone(),
            advice: words.advice(),
            links: links::of_service(place, outcome.revision.new.as_deref()),
            ..Self::about(
                place,
                if outside { Kind::External } else { kind },
                severity(kind, &outcome.whose),
                outcome.at,
            )
        })
    }
}

fn kind(standing: &Standing) -> Option<Kind> {
    match standing {
        Standing::InProgress => Some(Kind::InProgress),
        Standing::Completed { .. } => Some(Kind::Completed),
        Standing::Failed(_) => Some(Kind::Failed),
        Standing::RollingBack => Some(Kind::RollingBack),
        Standing::RolledBack => Some(Kind::RolledBack),
        Standing::Superseded { .. } => Some(Kind::Superseded),
        Standing::Behind | Standing::Unlisted => None,
    }
}

fn severity(kind: Kind, whose: &Whose) -> Severity {
    match (kind, whose) {
        // Somebody else's deployments are theirs to look after.
        (Kind::Failed | Kind::RollingBack | Kind::RolledBack, Whose::Outside) => Severity::Warning,
        (_, Whose::Outside) => Severity::Info,
        (Kind::Completed, _) => Severity::Success,
        (Kind::Failed | Kind::RollingBack | Kind::RolledBack, _) => Severity::Failure,
        _ => Severity::Info,
    }
}

struct Words<'a> {
    place: Place<'a>,
    outcome: &'a Outcome,
}

impl Words<'_> {
    fn headline(&self) -> String {
        let target = self.place.target();
        let (new, old) = (self.coming(), self.former());
        match &self.outcome.standing {
            Standing::InProgress => format!("In progress on {target}: {}", self.change()),
            Standing::Completed { .. } => format!("Deployed to {target}: {}", self.change()),
            Standing::Failed(WayBack::FailedToo) => format!("Rollback failed on {target}: {new} failed too"),
            Standing::Failed(WayBack::Off | WayBack::Nowhere) => format!("Deploy failed on {target}: {new}"),
            Standing::RollingBack => match old {
                Some(old) => format!("Deploy failed on {target}: {new}, ECS is rolling back to {old}"),
                None => format!("Deploy failed on {target}: {new}, ECS is rolling back"),
            },
            Standing::RolledBack => match old {
                Some(old) => format!("Deploy failed on {target}: {new}, {old} runs again"),
                None => format!("Deploy failed on {target}: {new}, ECS rolled back"),
            },
            Standing::Superseded { .. } => format!("Superseded on {target}: {new}, a newer deployment took its place"),
            standing @ (Standing::Behind | Standing::Unlisted) => format!("{target}: {standing}"),
        }
    }

    fn headline_outside(&self) -> String {
        let target = self.place.target();
        let what = match (&self.outcome.revision.new, &self.outcome.image) {
            (Some(revision), Some(_)) => format!("{revision} with {}", self.coming()),
            _ => self.coming(),
        };
        match &self.outcome.standing {
            Standing::Completed { .. } => format!("Changed outside Slipway: {target} runs {what}"),
            Standing::Failed(_) => format!("Changed outside Slipway: {target} was to run {what}, which failed"),
            Standing::RollingBack => {
                format!("Changed outside Slipway: {target} was to run {what}, ECS is rolling back")
            }
            Standing::RolledBack => format!("Changed outside Slipway: {target} was to run {what}, ECS rolled back"),
            _ => format!("Changed outside Slipway: {target} is getting {what}"),
        }
    }

    fn reason(&self) -> String {
        let mut sentences = vec![self.what_happened()];
        match &self.outcome.whose {
            Whose::Slipway(_) => {}
            Whose::Again(provenance) => sentences.push(format!(
                "The revision was registered by Slipway earlier (for {} {}), but nothing says who deployed it this time.",
                provenance.trigger, provenance.event
            )),
            Whose::Outside => sentences.push(
                "Slipway did not do this: its tags are not on the revision. It leaves the deployment alone.".to_owned(),
            ),
            Whose::Unknown => {
                sentences.push("What it runs could not be looked up, so nothing says whose deployment it is.".to_owned());
            }
        }
        let said = sentences.join(" ");
        match &self.outcome.ecs_says {
            Some(words) => format!("{said}\nECS says: \"{}\"", words.trim()),
            None => said,
        }
    }

    fn what_happened(&self) -> String {
        let target = self.place.target();
        match &self.outcome.standing {
            Standing::InProgress => format!("ECS is starting the new tasks of {target}."),
            Standing::Completed { since: None } => format!("{target} now runs {}.", self.coming()),
            Standing::Completed { since: Some(newer) } => {
                format!("The deployment completed. A newer one, {newer}, has begun since.")
            }
            Standing::Failed(WayBack::Off) => {
                "The deployment failed, and ECS is not set to put the last version back. Old tasks that still run keep \
                 running."
                    .to_owned()
            }
            Standing::Failed(WayBack::Nowhere) => {
                "The deployment failed, and ECS knows no version that ran well to go back to.".to_owned()
            }
            Standing::Failed(WayBack::FailedToo) => {
                "ECS went back to this version by itself, and it failed too. ECS goes back no further.".to_owned()
            }
            Standing::RollingBack => {
                "The deployment failed. ECS is putting the last version back by itself.".to_owned()
            }
            Standing::RolledBack => {
                format!("The deployment failed. ECS put the last version back by itself; {target} runs that again.")
            }
            Standing::Superseded { by } => {
                format!("It had not ended when the newer deployment {by} began. It did not fail.")
            }
            standing @ (Standing::Behind | Standing::Unlisted) => format!("{standing}."),
        }
    }

    fn advice(&self) -> Vec<String> {
        let target = self.place.target();
        let Some(image) = self.outcome.image.as_ref().filter(|_| self.outcome.whose != Whose::Outside) else {
            return if self.went_wrong() { vec![self.why_tasks_stopped()] } else { Vec::new() };
        };
        let put_back = |old| format!("Put {old} back: invoke the deploy function with {}", request(&target, old));
        match &self.outcome.standing {
            Standing::Failed(way_back) => {
                let mut advice = vec![self.why_tasks_stopped()];
                advice.push(match earlier(image) {
                    Some(old) => put_back(old),
                    None => "Nothing good is known to go back to: deploy another image".to_owned(),
                });
                if *way_back == WayBack::Off {
                    advice.push(
                        "Let ECS put the last version back by itself next time: switch on the service's deployment \
                         circuit breaker with rollback"
                            .to_owned(),
                    );
                }
                advice
            }
            Standing::RollingBack => {
                vec!["Wait: a notice follows when the rollback has ended".to_owned(), self.why_tasks_stopped()]
            }
            Standing::RolledBack => vec![
                self.why_tasks_stopped(),
                "Mend the image and push it; the service needs nothing from you meanwhile".to_owned(),
                format!("Try the same image again: invoke the deploy function with {}", request(&target, &image.new)),
            ],
            _ => Vec::new(),
        }
    }

    fn went_wrong(&self) -> bool {
        matches!(self.outcome.standing, Standing::Failed(_) | Standing::RollingBack | Standing::RolledBack)
    }

    /// ECS forgets stopped tasks after about an hour.
    fn why_tasks_stopped(&self) -> String {
        let (cluster, service) = (shell_word(self.place.cluster.as_str()), shell_word(self.place.service.as_str()));
        let region = shell_word(self.place.home.region.as_str());
        format!(
            "See why its tasks stopped, within the hour: aws ecs describe-tasks --region {region} --cluster {cluster} \
             --tasks $(aws ecs list-tasks --region {region} --cluster {cluster} --service-name {service} \
             --desired-status STOPPED --query 'taskArns[]' --output text) \
             --query 'tasks[].[stoppedReason,containers[].[name,exitCode,reason]]'"
        )
    }

    /// The image to come and the one before, else the revisions.
    fn change(&self) -> String {
        match (&self.outcome.image, &self.outcome.revision.old) {
            (Some(image), _) => arrow(image),
            (None, Some(old)) => format!("{} (was {old})", self.coming()),
            (None, None) => self.coming(),
        }
    }

    fn coming(&self) -> String {
        match (&self.outcome.image, &self.outcome.revision.new, &self.outcome.deployment) {
            (Some(image), _, _) => name(&image.repository, &image.new),
            (None, Some(revision), _) => revision.clone(),
            (None, None, Some(deployment)) => deployment.to_string(),
            (None, None, None) => "a deployment".to_owned(),
        }
    }

    fn former(&self) -> Option<String> {
        match &self.outcome.image {
            // The same image in another revision: the revision is what differs.
            Some(image) => earlier(image).map(ToString::to_string).or_else(|| self.outcome.revision.old.clone()),
            None => self.outcome.revision.old.clone(),
        }
    }
}

fn earlier(image: &ImageChange) -> Option<&crate::plan::Shown> {
    image.old.as_ref().filter(|old| **old != image.new)
}

/// The text as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '/' | ':');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
