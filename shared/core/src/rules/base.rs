//! Which revision is rendered for a new one: what the service runs, or its family's latest.

use crate::config::{Base, Target};
use crate::model::facts::{Revision, ServiceFacts};

/// The family whose latest revision is the base; `None` where that is what runs.
///
/// The latest may be somebody's unreleased revision, so a target has to ask for it.
pub fn family_to_read<'s>(target: &Target, service: &'s ServiceFacts) -> Option<&'s str> {
    match target.base {
        Base::Service => None,
        Base::Family => Some(service.task_definition.family()),
    }
}

/// The base, given what runs and the latest revision of [`family_to_read`].
pub fn base(running: &Revision, latest: Option<Revision>) -> Revision {
    latest.unwrap_or_else(|| running.clone())
}
