//! Decides what a push or a request means for a target: from facts to a plan.
//!
//! The order of the checks is the order of the reasons a person would want to hear.

mod admission;

mod build;

mod candidates;

mod order;

mod recall;

mod redeploy;

mod rollback;

mod turn;

use jiff::Timestamp;

use crate::config::Target;
use crate::facts::{Controller, ImageFacts, Management, Revision, Rollout, ServiceFacts, Storage};
use crate::id::EventId;
use crate::image::{Repository, Tag};
use crate::ledger;
use crate::plan::{Force, ImageChange, Plan, Shown, Step, To};
use crate::provenance::{Provenance, Trigger};
use crate::reason::Reason;
use crate::render::{self, Rendering};

use turn::undisturbed;

pub use build::{Build, guess as guess_same_build, to_compare};
pub use candidates::{ranked, settles_at};
pub use order::{Question, question};
pub use recall::{
    Note, as_ran, first_sight, is_first_sight, is_stale, is_unfinished, outside, overdue, resolve, told_late, unjudged,
    unresolved, untold,
};
pub use redeploy::{Redeploy, names_a_tag, redeploy};
pub use rollback::{Back, Rollback, candidates as rollback_candidates, images as rollback_images, rollback};

/// What was looked up for one target.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What the configuration says.
    pub target: &'a Target,
    /// The repository that the target's name for it means.
    pub repository: &'a Repository,
    /// The service, as it is now.
    pub service: &'a ServiceFacts,
    /// The revision that the service runs, or is being updated to.
    pub running: &'a Revision,
    /// The revision that is rendered.
    pub base: &'a Revision,
    /// What Slipway remembers of the service.
    pub record: &'a ledger::Service,
}

/// An image that somebody or something wants to run.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The image, as the registry describes it now.
    pub image: &'a ImageFacts,
    /// Who wants it.
    pub by: By<'a>,
    /// The event's or the request's id.
    pub event: &'a EventId,
    /// Lambda's id of the invocation, which its own tries share.
    pub request: &'a str,
    /// When the tag came to mean the image, where an event says so: for the policy `tag` that counts as its push.
    pub tagged_at: Option<Timestamp>,
}

/// Who wants an image to run.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// It was pushed under this tag; the policy orders it.
    Push(&'a Tag),
    /// The registry has it under this tag; the policy orders it likewise.
    Registry(&'a Tag),
    /// A person or a pipeline asked for it, by this tag if by one; no order holds it back.
    Request(Option<&'a Tag>, Insist),
}

/// Whether a request says that it knows of a quarantine or a hold: `"force": true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insist {
    /// It does.
    Yes,
    /// It doesn't.
    No,
}

/// What was looked up about the running image, where it was needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The answer to [`question`].
    pub running_image: Option<&'a ImageFacts>,
    /// The wanted image and the running one as builds, where [`to_compare`] asked for them.
    pub builds: Option<(&'a Build, &'a Build)>,
}

/// Whether Slipway can deploy to this service at all; decided before its task definition is looked up.
pub fn deployable<'s>(target: &Target, service: Option<&'s ServiceFacts>) -> Result<&'s ServiceFacts, Reason> {
    let missing =
        || Reason::ServiceMissing { service: target.service.to_string(), cluster: target.cluster.to_string() };
    let service = service.ok_or_else(missing)?;
    // Deleted services still come for a while, as INACTIVE.
    if service.status != "ACTIVE" {
        return Err(Reason::ServiceNotActive { status: service.status.clone() });
    }
    let controller = match &service.controller {
        Controller::Ecs if service.management == Management::Ecs => return Err(Reason::ManagedByEcs),
        Controller::Ecs => return Ok(service),
        Controller::CodeDeploy => "CODE_DEPLOY",
        Controller::External => "EXTERNAL",
        Controller::Other(name) => name,
    };
    Err(Reason::WrongController { controller: controller.to_owned() })
}

/// Whether what the registry holds is something that ECS can run.
pub fn runnable(image: &ImageFacts, shown: &Shown) -> Result<(), Reason> {
    const IMAGES: [&str; 2] =
        ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
    // An index has no artifact type; charts, signatures and SBOMs have one of their own.
    if let Some(media_type) = &image.artifact_media_type
        && !IMAGES.contains(&media_type.as_str())
    {
        return Err(Reason::NotAnImage { image: shown.to_string(), media_type: media_type.clone() });
    }
    match image.storage {
        Storage::Active => Ok(()),
        Storage::Archived => Err(Reason::Archived { image: shown.to_string() }),
    }
}

/// Plans to run an image.
pub fn deploy(facts: &Facts<'_>, wish: &Wish<'_>, known: &Known<'_>) -> Plan {
    let new = Shown { tag: tag_to_show(facts.target, wish).cloned(), digest: Some(wish.image.digest.clone()) };
    let running = order::running(facts, &wish.image.digest);
    let old = running.as_ref().map(|running| running.shown(facts.target, known.running_image));
    let reason = match wish.by {
        By::Push(tag) => Reason::Pushed { tag: new.tag.clone().unwrap_or_else(|| tag.clone()) },
        By::Registry(_) => Reason::Reconciled { image: new.to_string() },
        By::Request(..) => Reason::Asked { image: new.to_string() },
    };
    let ordered = || match (wish.by, &running) {
        (By::Push(_) | By::Registry(_), Some(running)) => {
            order::not_older(facts.target, wish, &new, running, known.running_image)
                .and_then(|()| build::another(wish, &new, running, facts.target, known))
        }
        _ => Ok(()),
    };
    let decided = runnable(wish.image, &new)
        .and_then(|()| ordered())
        .and_then(|()| render_wish(facts, wish, &new))
        .and_then(|rendering| {
            if rendering.equals(facts.running) {
                return Err(as_it_is(facts, &new));
            }
            admission::admit(facts, wish, &new)?;
            undisturbed(facts.service, facts.record, wish.by).map(|()| rendering)
        });
    let (reason, steps) = match decided {
        Ok(rendering) => (reason, register_and_update(facts.service, rendering)),
        Err(reason) => (reason, Vec::new()),
    };
    Plan {
        target: facts.target.name.clone(),
        reason,
        image: Some(ImageChange { repository: facts.repository.name.clone(), old, new }),
        running: Some(facts.running.arn.clone()),
        steps,
    }
}

/// The tag an image goes by for a target: the best that the policy deploys, else the one it was asked for by, else any.
pub fn tag_to_show<'a>(target: &Target, wish: &Wish<'a>) -> Option<&'a Tag> {
    match wish.by {
        By::Push(tag) | By::Registry(tag) => target.tags.best(&wish.image.tags).or(Some(tag)),
        By::Request(Some(tag), _) => Some(tag),
        By::Request(None, _) => target.tags.best(&wish.image.tags).or(wish.image.tags.first()),
    }
}

fn render_wish(facts: &Facts<'_>, wish: &Wish<'_>, shown: &Shown) -> Result<Rendering, Reason> {
    let provenance = Provenance {
        repository: facts.repository.name.clone(),
        tag: shown.tag.clone(),
        digest: wish.image.digest.clone(),
        pushed_at: wish.image.pushed_at,
        event: wish.event.clone(),
        request: Some(wish.request.to_owned()),
        trigger: match wish.by {
            By::Push(_) => Trigger::Push,
            By::Registry(_) => Trigger::Reconcile,
            By::Request(..) => Trigger::Deploy,
        },
        previous: Some(facts.running.arn.short().to_owned()),
    };
    let environment = environment(facts.target, shown, wish);
    render::render(
        facts.base,
        &render::Change {
            repository: facts.repository,
            digest: &wish.image.digest,
            containers: &facts.target.containers,
            environment: &environment,
            provenance: &provenance,
        },
    )
}

fn environment(target: &Target, shown: &Shown, wish: &Wish<'_>) -> Vec<(String, String)> {
    let fill = |(name, template): &(String, crate::config::Template)| {
        (name.clone(), template.fill(shown.tag.as_ref(), &wish.image.digest))
    };
    target.environment.iter().map(fill).collect()
}

/// Why nothing is to be done when the service has exactly what is wanted.
fn as_it_is(facts: &Facts<'_>, shown: &Shown) -> Reason {
    let (image, revision) = (shown.to_string(), facts.running.arn.short().to_owned());
    match facts.service.primary() {
        Some(primary) if primary.rollout == Some(Rollout::InProgress) => {
            Reason::AlreadyUnderWay { image, revision, deployment: primary.id.clone() }
        }
        Some(primary) if primary.rollout == Some(Rollout::Failed) => {
            Reason::AlreadyFailed { image, revision, deployment: primary.id.clone() }
        }
        _ => Reason::AlreadyRuns { image, revision },
    }
}

fn register_and_update(service: &ServiceFacts, rendering: Rendering) -> Vec<Step> {
    vec![Step::Register(rendering), update(service, To::Registered, Force::No)]
}

fn update(service: &ServiceFacts, to: To, force: Force) -> Step {
    Step::Update {
        cluster: service.cluster.clone(),
        service: service.service.clone(),
        to,
        force,
        over: service.primary().map(|primary| primary.id.clone()),
    }
}

#[cfg(test)]
mod tests;
