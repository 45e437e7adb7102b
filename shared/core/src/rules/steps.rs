//! The steps of a plan that updates a service.

use crate::model::facts::ServiceFacts;
use crate::model::plan::{NextRevision, Rendering, Step};

pub(super) fn register_and_update(service: &ServiceFacts, rendering: Rendering) -> Vec<Step> {
    vec![Step::Register(rendering), update(service, NextRevision::Registered, false)]
}

/// With `force_new_deployment`, a deployment is made although the service runs this revision.
pub(super) fn update(service: &ServiceFacts, to: NextRevision, force_new_deployment: bool) -> Step {
    Step::Update {
        cluster: service.cluster.clone(),
        service: service.service.clone(),
        to,
        force_new_deployment,
        previous_primary: service.primary().map(|primary| primary.id.clone()),
    }
}
