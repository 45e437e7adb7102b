//! The target of a deployment, which for ECS is one service: its lifecycle events, and the task sets with their traffic.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::deployments::Deployment;
use super::lifecycle::Phase;
use super::{CodeDeploy, Context, refused};
use crate::refusal::{Answer, Members, Refusal, text, texts};
use crate::time::epoch_seconds;

/// The lifecycle events of a deployment to ECS, in their order.
pub(super) const EVENTS: [&str; 8] = [
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
];
/// The places of those in which more happens than a hook.
pub(super) const INSTALL: usize = 1;
pub(super) const ALLOW_TEST_TRAFFIC: usize = 3;
pub(super) const BEFORE_ALLOW_TRAFFIC: usize = 5;
pub(super) const ALLOW_TRAFFIC: usize = 6;

/// A lifecycle event of a deployment.
#[derive(Clone, Debug)]
pub(super) struct LifecycleEvent {
    name: &'static str,
    /// `Pending`, `InProgress`, `Succeeded`, `Failed` or `Skipped`.
    status: &'static str,
    pub(super) started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// What a hook that failed says.
    message: Option<String>,
}

impl LifecycleEvent {
    /// All of them, before anything happened.
    pub(super) fn all() -> Vec<Self> {
        let pending = |name| Self { name, status: "Pending", started_at: None, ended_at: None, message: None };
        EVENTS.map(pending).to_vec()
    }

    pub(super) fn begin(&mut self, now: Timestamp) {
        self.status = "InProgress";
        self.started_at = Some(now);
    }

    pub(super) fn succeed(&mut self, now: Timestamp) {
        self.status = "Succeeded";
        self.ended_at = Some(now);
    }

    pub(super) fn skip(&mut self) {
        self.status = "Skipped";
    }

    /// The deployment has ended otherwise than well: what was in progress failed, and what was to come does not come.
    pub(super) fn cut(&mut self, now: Timestamp, message: &str) {
        match self.status {
            "InProgress" => {
                self.status = "Failed";
                self.ended_at = Some(now);
                self.message = Some(message.to_owned());
            }
            "Pending" => self.skip(),
            _ => {}
        }
    }

    /// Its name, its status, when it began and when it ended.
    pub(super) fn shown(&self) -> (&str, &str, Option<Timestamp>, Option<Timestamp>) {
        (self.name, self.status, self.started_at, self.ended_at)
    }

    fn described(&self) -> Value {
        let mut described = json!({ "lifecycleEventName": self.name, "status": self.status });
        for (member, at) in [("startTime", self.started_at), ("endTime", self.ended_at)] {
            if let Some(at) = at {
                described[member] = json!(epoch_seconds(at));
            }
        }
        if let Some(message) = &self.message {
            described["diagnostics"] = json!({ "errorCode": "UnknownError", "message": message });
        }
        described
    }
}

/// GetDeploymentTarget.
pub(super) fn get(codedeploy: &CodeDeploy, context: &Context<'_, '_>, request: &Members) -> Answer {
    let deployment = started(codedeploy, request)?;
    let target = text(request, "targetId").unwrap_or_default();
    Ok(json!({ "deploymentTarget": described(deployment, context, target)? }))
}

/// BatchGetDeploymentTargets: at most 25.
pub(super) fn batch_get(codedeploy: &CodeDeploy, context: &Context<'_, '_>, request: &Members) -> Answer {
    let deployment = started(codedeploy, request)?;
    let targets = texts(request, "targetIds");
    if targets.is_empty() {
        return Err(refused("DeploymentTargetIdRequired", "A deployment target ID must be given."));
    }
    if targets.len() > 25 {
        return Err(refused("DeploymentTargetListSizeExceeded", "At most 25 targets can be asked for."));
    }
    let targets: Result<Vec<_>, _> = targets.iter().map(|target| described(deployment, context, target)).collect();
    Ok(json!({ "deploymentTargets": targets? }))
}

/// ListDeploymentTargets: the one that there is.
pub(super) fn list(codedeploy: &CodeDeploy, request: &Members) -> Answer {
    let deployment = started(codedeploy, request)?;
    let wanted = request.get("targetFilters").and_then(|filters| filters["TargetStatus"].as_array());
    let is_wanted = wanted.is_none_or(|wanted| wanted.iter().any(|status| status == deployment.target_status()));
    let ids: Vec<_> = is_wanted.then(|| deployment.target()).into_iter().collect();
    Ok(json!({ "targetIds": ids }))
}

/// The deployment that a request means, once it has a target.
fn started<'d>(codedeploy: &'d CodeDeploy, request: &Members) -> Result<&'d Deployment, Refusal> {
    let deployment = &codedeploy.deployments[codedeploy.deployment(request)?];
    if deployment.started_at.is_none() {
        let message = format!("The deployment {} has not started.", deployment.id);
        return Err(refused("DeploymentNotStarted", message));
    }
    Ok(deployment)
}

fn described(deployment: &Deployment, context: &Context<'_, '_>, target: &str) -> Answer {
    if target != deployment.target() {
        return Err(refused("DeploymentTargetDoesNotExist", format!("The deployment has no target {target}.")));
    }
    let path = format!("service/{}/{}", deployment.cluster, deployment.service);
    Ok(json!({
        "deploymentTargetType": "ECSTarget",
        "ecsTarget": {
            "deploymentId": deployment.id,
            "targetId": target,
            "targetArn": context.around.place.arn("ecs", &path),
            "lastUpdatedAt": epoch_seconds(deployment.updated_at),
            "lifecycleEvents": deployment.events.iter().map(LifecycleEvent::described).collect::<Vec<_>>(),
            "status": deployment.target_status(),
            "taskSetsInfo": task_sets(deployment, context),
        },
    }))
}

/// The task sets of a deployment that are still there.
fn task_sets(deployment: &Deployment, context: &Context<'_, '_>) -> Vec<Value> {
    let service = context.ecs.service_named(&deployment.cluster, &deployment.service);
    let sets = [("Blue", &deployment.blue, 100 - deployment.weight), ("Green", &deployment.green, deployment.weight)];
    let described = sets.into_iter().filter_map(|(label, id, weight)| {
        let set = service?.task_set(id.as_deref()?)?;
        let mut described = json!({
            // AWS writes it so.
            "identifer": set.id,
            "desiredCount": set.desired,
            "pendingCount": (set.desired - set.running).max(0),
            "runningCount": set.running,
            "status": set.status,
            "trafficWeight": weight as f64,
            "taskSetLabel": label,
        });
        if let Some(group) = set.target_group() {
            described["targetGroup"] = json!({ "name": group });
        }
        Some(described)
    });
    described.collect()
}

impl Deployment {
    /// The id of its target, cluster and service.
    pub(super) fn target(&self) -> String {
        format!("{}:{}", self.cluster, self.service)
    }

    fn target_status(&self) -> &'static str {
        match (self.status, &self.phase) {
            ("Succeeded", _) => "Succeeded",
            ("Failed" | "Stopped", _) => "Failed",
            (_, Phase::AwaitsReady) => "Ready",
            _ => "InProgress",
        }
    }

    /// Whether the wait for the end of the old tasks has begun, or is over.
    pub(super) fn termination_wait_started(&self) -> bool {
        !self.is_rollback() && self.events.last().is_some_and(|last| last.status == "Succeeded")
    }

    /// The lifecycle event that is in progress, if it has a hook.
    pub(super) fn hook(&self) -> Option<&'static str> {
        let Phase::At(place) = self.phase else { return None };
        self.spec.hooks.iter().any(|hook| hook == EVENTS[place]).then_some(EVENTS[place])
    }
}
