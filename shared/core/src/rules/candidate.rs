//! A candidate, an image that may run on a target, and what was looked up to decide about it.

use crate::config::Target;
use crate::model::facts::{ImageFacts, Revision, ServiceFacts};
use crate::model::id::{ContainerName, EventId};
use crate::model::image::{Repository, Tag};
use crate::model::labels::BuildIdentity;
use crate::model::plan::MadeFrom;
use crate::model::record;
use crate::model::trigger::Trigger;
use crate::rules::base::{Definition, FamilyFacts};
use crate::rules::placeholder::ImageBefore;
use crate::rules::recency::Recency;
use crate::rules::render::images;

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
    /// What was looked up of the family, where the base is its.
    pub family: Option<&'a FamilyFacts>,
    /// The record of the service.
    pub record: &'a record::Service,
    /// The image that ran before, where no container runs one of the repository.
    pub before: Option<&'a ImageBefore>,
}

impl<'a> TargetFacts<'a> {
    /// What decides how new an image is here.
    pub fn recency(&self) -> Recency<'a> {
        Recency { target: self.target, record: self.record }
    }

    /// Whether no container runs an image of the repository.
    pub fn runs_a_placeholder(&self) -> bool {
        images(self.running, self.recency(), self.repository).is_empty()
    }

    /// Whether none is known to have run either: nobody decided about one yet.
    pub fn is_untouched(&self) -> bool {
        self.before.is_none() && self.runs_a_placeholder()
    }

    /// The definition that is deployed with the image: a revision of the family, and when it was registered.
    pub fn definition(&self) -> Option<Definition> {
        let base = self.family?.base.as_ref()?;
        Some(Definition { revision: base.arn.clone(), registered_at: base.registered_at() })
    }

    /// What a new revision is made from.
    pub fn made_from(&self) -> MadeFrom {
        match self.family.map(|family| &family.base) {
            None => MadeFrom::Running,
            Some(Some(base)) => MadeFrom::Family(base.arn.clone()),
            Some(None) => MadeFrom::RunningForLack,
        }
    }

    /// The containers whose image is set, where they cannot be found by the repository of their image: those of the target, else
    /// those that ran it before.
    pub fn named_containers(&self) -> &'a [ContainerName] {
        match (self.target.containers.as_slice(), self.before) {
            ([], Some(before)) if images(self.base, self.recency(), self.repository).is_empty() => &before.containers,
            (named, _) => named,
        }
    }
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
}

/// Who or what made an image a candidate.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// It was pushed under this tag; the policy orders it.
    Push(&'a Tag),
    /// The registry has it under this tag; the policy orders it likewise.
    Registry(&'a Tag),
    /// It ran before a placeholder took its place, under this tag if under one; no order keeps it out.
    Restore(Option<&'a Tag>),
    /// It runs, under this tag if under one, and the family has a new definition; no order keeps it out.
    Definition(Option<&'a Tag>),
    /// A person or a pipeline asked for it, by this tag if by one; no order keeps it out.
    Request {
        /// The tag.
        tag: Option<&'a Tag>,
        /// Whether they know of a quarantine or a hold: `"force": true`.
        force: bool,
    },
}

impl By<'_> {
    /// Whether the tag policy decides if it is newer than what runs.
    pub(in crate::rules) fn is_ordered(&self) -> bool {
        match self {
            Self::Push(_) | Self::Registry(_) => true,
            Self::Restore(_) | Self::Definition(_) | Self::Request { .. } => false,
        }
    }
}

/// What was looked up about the running image, where it was needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The answer to [`question`](crate::rules::gates::question).
    pub running_image: Option<&'a ImageFacts>,
    /// The candidate and the running image as builds, where [`to_compare`](crate::rules::gates::to_compare) asked for them.
    pub builds: Option<(&'a BuildIdentity, &'a BuildIdentity)>,
}

/// The tag under which an image is shown for a target: the best that the policy deploys, else the one it was asked for by, else any.
pub fn tag_to_show<'a>(recency: Recency<'_>, candidate: &Candidate<'a>) -> Option<&'a Tag> {
    match candidate.by {
        By::Push(tag) | By::Registry(tag) => recency.tag(candidate.image).or(Some(tag)),
        By::Request { tag: Some(tag), .. } | By::Restore(Some(tag)) | By::Definition(Some(tag)) => Some(tag),
        By::Request { tag: None, .. } | By::Restore(None) | By::Definition(None) => {
            recency.tag(candidate.image).or(candidate.image.tags.first())
        }
    }
}
