//! What people and tools ask of a deployment that is open: to stop, or to go on.

use jiff::Timestamp;
use serde_json::json;

use super::failure::{Cause, Rollback};
use super::lifecycle::Phase;
use super::{CodeDeploy, Context, refused};
use crate::refusal::{Answer, Members, Refusal, text};

/// StopDeployment: at once where nothing has begun, else with a later step.
pub(super) fn stop(codedeploy: &mut CodeDeploy, context: &mut Context<'_, '_>, request: &Members) -> Answer {
    let place = open(codedeploy, request)?;
    let rolls_back = match request.get("autoRollbackEnabled").and_then(serde_json::Value::as_bool) {
        Some(true) => Rollback::Wanted,
        Some(false) => Rollback::NotWanted,
        None => Rollback::AsConfigured,
    };
    let deployment = &mut codedeploy.deployments[place];
    if deployment.started_at.is_none() {
        codedeploy.end_otherwise(context, place, &Cause::Request { rolls_back });
        return Ok(
            json!({ "status": "Succeeded", "statusMessage": "No more commands will be scheduled for execution" }),
        );
    }
    deployment.stop.get_or_insert(rolls_back);
    Ok(json!({ "status": "Pending", "statusMessage": "The stop operation is pending." }))
}

/// ContinueDeployment: the traffic is moved, or the old tasks end, without any more waiting.
pub(super) fn go_on(codedeploy: &mut CodeDeploy, now: Timestamp, request: &Members) -> Answer {
    let place = open(codedeploy, request)?;
    let deployment = &mut codedeploy.deployments[place];
    match (text(request, "deploymentWaitType").unwrap_or("READY_WAIT"), &deployment.phase) {
        ("READY_WAIT", Phase::AwaitsReady) => deployment.reroute(now),
        ("TERMINATION_WAIT", Phase::AwaitsTermination) => deployment.waits_until = Some(now),
        ("READY_WAIT" | "TERMINATION_WAIT", _) => {
            let message = format!("The deployment {} does not wait for that.", deployment.id);
            return Err(refused("DeploymentIsNotInReadyState", message));
        }
        (other, _) => {
            return Err(refused("InvalidDeploymentWaitType", format!("{other} is no wait type.")));
        }
    }
    Ok(json!({}))
}

/// The place of the deployment that a request means, if it has not ended.
fn open(codedeploy: &CodeDeploy, request: &Members) -> Result<usize, Refusal> {
    let place = codedeploy.deployment(request)?;
    let deployment = &codedeploy.deployments[place];
    if !deployment.is_open() {
        let message = format!("The deployment {} is already complete.", deployment.id);
        return Err(refused("DeploymentAlreadyCompleted", message));
    }
    Ok(place)
}

impl CodeDeploy {
    /// Does what StopDeployment asked for.
    pub(super) fn carry_out_stop(&mut self, context: &mut Context<'_, '_>, place: usize) {
        if let Some(rolls_back) = self.deployments[place].stop.take() {
            self.end_otherwise(context, place, &Cause::Request { rolls_back });
        }
    }
}
