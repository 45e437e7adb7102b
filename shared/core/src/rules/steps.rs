//! The steps of a plan that updates a service.

use crate::model::facts::{Controller, Hooks, ServiceFacts};
use crate::model::plan::{CreateDeployment, NextRevision, Rendering, Step, UpdateCall};
use crate::rules::mechanism::serving_placement;

pub(super) fn register_and_update(service: &ServiceFacts, rendering: Rendering) -> Vec<Step> {
    vec![Step::Register(rendering), update(service, NextRevision::Registered, false)]
}

/// With `force_new_deployment`, a deployment is made although the service runs this revision.
pub(super) fn update(service: &ServiceFacts, to: NextRevision, force_new_deployment: bool) -> Step {
    Step::Update {
        cluster: service.cluster.clone(),
        service: service.service.clone(),
        to,
        call: call(service, force_new_deployment),
        previous_primary: service.primary().map(|primary| primary.id.clone()),
    }
}

/// Whether a service can be made to deploy the revision that it runs.
pub(super) fn can_be_forced(service: &ServiceFacts) -> bool {
    service.controller != Controller::Express
}

fn call(service: &ServiceFacts, force_new_deployment: bool) -> UpdateCall {
    if service.controller == Controller::Express {
        return UpdateCall::UpdateExpressGatewayService { service: service.arn.clone() };
    }
    let Some(code_deploy) = &service.code_deploy else { return UpdateCall::UpdateService { force_new_deployment } };
    UpdateCall::CreateDeployment(Box::new(CreateDeployment {
        group: code_deploy.group.name.clone(),
        placement: serving_placement(service),
        hooks: match &code_deploy.hooks {
            Hooks::Known(hooks) => hooks.clone(),
            // A gate refuses the service before.
            Hooks::Unreadable => Vec::new(),
        },
    }))
}
