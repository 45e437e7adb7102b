//! The steps of a plan that updates a service.

use crate::model::facts::ServiceFacts;
use crate::model::id::TaskDefinitionArn;
use crate::model::plan::{NextRevision, Rendering, Step};

pub(super) fn register_and_update(service: &ServiceFacts, rendering: Rendering) -> Vec<Step> {
    vec![Step::Register(rendering), update(service, NextRevision::Registered)]
}

pub(super) fn update(service: &ServiceFacts, to: NextRevision) -> Step {
    step(service, to, false)
}

/// Makes a new deployment, although the service runs this revision.
pub(super) fn update_anyway(service: &ServiceFacts, running: TaskDefinitionArn) -> Step {
    step(service, NextRevision::Existing(running), true)
}

fn step(service: &ServiceFacts, to: NextRevision, force_new_deployment: bool) -> Step {
    Step::Update {
        cluster: service.cluster.clone(),
        service: service.service.clone(),
        to,
        force_new_deployment,
        previous_primary: service.primary().map(|primary| primary.id.clone()),
    }
}
