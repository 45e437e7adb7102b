//! A candidate, an image that may run on a target, and what was looked up to decide about it.

use jiff::Timestamp;

use crate::config::{Base, Target};
use crate::model::facts::{ImageFacts, Revision, ServiceFacts};
use crate::model::id::EventId;
use crate::model::image::{Repository, Tag};
use crate::model::labels::BuildIdentity;
use crate::model::record;
use crate::model::trigger::Trigger;

/// What was looked up for one target.
#[derive(Clone, Copy, Debug)]
pub struct TargetFacts<'a> {
    /// What the configuration says.
    pub target: &'a Target,
    /// The target's repository.
    pub repository: &'a Repository,
    /// The service, as it is now.
    pub service: &'a ServiceFacts,
    /// The revision that the service runs, or is being updated to.
    pub running: &'a Revision,
    /// The revision that is rendered.
    pub base: &'a Revision,
    /// The record of the service.
    pub record: &'a record::Service,
}

/// An image that may run.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The image, as the registry describes it now.
    pub image: &'a ImageFacts,
    /// Who or what made it a candidate.
    pub by: By<'a>,
    /// The trigger, as the revision's tags say it.
    pub trigger: &'a Trigger,
    /// The event's or the request's id.
    pub event: &'a EventId,
    /// Lambda's id of the invocation, which its own tries share.
    pub request: &'a str,
    /// When the tag was moved to the image, where an event says so: for the policy `tag` that counts as its push.
    pub tagged_at: Option<Timestamp>,
}

/// Who or what made an image a candidate.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// It was pushed under this tag; the policy orders it.
    Push(&'a Tag),
    /// The registry has it under this tag; the policy orders it likewise.
    Registry(&'a Tag),
    /// A person or a pipeline asked for it, by this tag if by one; no order keeps it out.
    Request {
        /// The tag.
        tag: Option<&'a Tag>,
        /// Whether they know of a quarantine or a hold: `"force": true`.
        force: bool,
    },
}

/// What was looked up about the running image, where it was needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The answer to [`question`](crate::rules::gates::question).
    pub running_image: Option<&'a ImageFacts>,
    /// The candidate and the running image as builds, where [`to_compare`](crate::rules::gates::to_compare) asked for them.
    pub builds: Option<(&'a BuildIdentity, &'a BuildIdentity)>,
}

/// The family whose latest revision is rendered; `None` where that is what runs.
///
/// The latest may be somebody's unreleased revision, so a target has to ask for it.
pub fn family_to_read<'s>(target: &Target, service: &'s ServiceFacts) -> Option<&'s str> {
    match target.base {
        Base::Service => None,
        Base::Family => Some(service.task_definition.family()),
    }
}

/// The tag under which an image is shown for a target: the best that the policy deploys, else the one it was asked for by, else any.
pub fn tag_to_show<'a>(target: &Target, candidate: &Candidate<'a>) -> Option<&'a Tag> {
    match candidate.by {
        By::Push(tag) | By::Registry(tag) => target.tags.best(&candidate.image.tags).or(Some(tag)),
        By::Request { tag: Some(tag), .. } => Some(tag),
        By::Request { tag: None, .. } => target.tags.best(&candidate.image.tags).or(candidate.image.tags.first()),
    }
}
