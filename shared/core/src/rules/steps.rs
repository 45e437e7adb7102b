//! The steps of a plan that updates a service.

use crate::model::facts::ServiceFacts;
use crate::model::plan::{Force, Rendering, Step, To};

/// Registers a revision, and makes the service run it.
pub(super) fn register_and_update(service: &ServiceFacts, rendering: Rendering) -> Vec<Step> {
    vec![Step::Register(rendering), update(service, To::Registered, Force::No)]
}

/// Makes the service run a revision.
pub(super) fn update(service: &ServiceFacts, to: To, force: Force) -> Step {
    Step::Update {
        cluster: service.cluster.clone(),
        service: service.service.clone(),
        to,
        force,
        previous_primary: service.primary().map(|primary| primary.id.clone()),
    }
}
