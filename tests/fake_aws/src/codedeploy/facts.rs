//! The state of CodeDeploy in Slipway's words, without JSON on the way: what the SDK's answers become, straight from the state.
//!
//! `tests/wire.rs` of package e2e holds both ways side by side, value for value.

use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::model::facts::{
    AppSpecSource, CodeDeployStatus, CodeDeployment, DeploymentGroup, DeploymentWait, GroupName, LifecycleEvent,
    LifecycleStatus, RollbackInfo,
};
use slipway_core::model::id::{ClusterName, DeploymentId, ServiceName};

use super::deployments::{self, Deployment};
use super::{CodeDeploy, Context, requests, targets};
use crate::Aws;
use crate::refusal::{Members, Refusal};

/// Calls of CodeDeploy as Slipway makes them.
impl Aws {
    /// GetDeploymentGroup; `None` where it is missing.
    pub fn get_deployment_group(&self, name: &GroupName) -> Option<DeploymentGroup> {
        let codedeploy = &self.codedeploy;
        let group = codedeploy.applications.get(&name.application)?.groups.get(&name.group)?;
        let (application, of) = (name.application.as_str(), name.group.as_str());
        let service = group.service();
        Some(DeploymentGroup {
            name: name.clone(),
            service: service.map(|(cluster, service)| (ClusterName::new(cluster), ServiceName::new(service))),
            last: codedeploy.of_group(application, of).last().map(Deployment::typed_id),
            revision: codedeploy.last_successful(application, of).map(Deployment::source),
        })
    }

    /// GetDeployment; `None` where it is missing.
    pub fn get_deployment(&self, id: &DeploymentId) -> Option<CodeDeployment> {
        self.codedeploy.find(id).map(Deployment::facts)
    }

    /// The task definition that a deployment's AppSpec names.
    pub fn code_deploy_task_definition(&self, id: &DeploymentId) -> Option<String> {
        self.codedeploy.find(id).map(|it| it.spec.task_definition.clone())
    }

    /// GetDeploymentTarget: the lifecycle events, and the percentage of the traffic; `None` before it has started.
    pub fn get_deployment_target(&self, id: &DeploymentId) -> Option<(Vec<LifecycleEvent>, Option<u8>)> {
        let deployment = self.codedeploy.find(id).filter(|it| it.started_at.is_some())?;
        let service = self.ecs.service_named(&deployment.cluster, &deployment.service);
        let has_green =
            deployment.green.as_ref().is_some_and(|green| service.is_some_and(|it| it.task_set(green).is_some()));
        let weight = u8::try_from(deployment.weight).ok().filter(|_| has_green);
        Some((deployment.events.iter().map(targets::LifecycleEvent::facts).collect(), weight))
    }

    /// GetApplicationRevision for an AppSpec; its text, or `None` where the application doesn't have it.
    pub fn get_application_revision(&self, application: &str, sha256: &str) -> Option<String> {
        let known = self.codedeploy.applications.get(application)?.revisions.iter();
        let mut of_it = known.filter(|known| known.location()["appSpecContent"]["sha256"] == sha256);
        of_it.next()?.content().map(str::to_owned)
    }

    /// ListDeployments of a group since then.
    pub fn list_deployments(&self, group: &GroupName, since: Timestamp) -> Vec<DeploymentId> {
        let of_group = self.codedeploy.of_group(&group.application, &group.group);
        let listed = of_group.filter(|it| it.listed_from <= self.now && it.created_at >= since);
        listed.map(Deployment::typed_id).collect()
    }

    /// CreateDeployment of an AppSpec.
    pub fn create_deployment(
        &mut self,
        group: &GroupName,
        app_spec: &str,
        description: &str,
    ) -> Result<DeploymentId, Refusal> {
        let request = members(json!({
            "applicationName": group.application,
            "deploymentGroupName": group.group,
            "description": description,
            "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": app_spec } },
        }));
        let created = self.on_code_deploy(|codedeploy, context: &mut Context<'_, '_>| {
            deployments::create(codedeploy, context, &request)
        })?;
        Ok(DeploymentId::new(created["deploymentId"].as_str().unwrap_or_default()))
    }

    /// StopDeployment with a rollback.
    pub fn stop_deployment(&mut self, id: &DeploymentId) -> Result<(), Refusal> {
        let request = members(json!({ "deploymentId": id, "autoRollbackEnabled": true }));
        self.on_code_deploy(|codedeploy, context| requests::stop(codedeploy, context, &request)).map(drop)
    }

    /// ContinueDeployment.
    pub fn continue_deployment(&mut self, id: &DeploymentId, wait: DeploymentWait) -> Result<(), Refusal> {
        let wait: &str = wait.into();
        let request = members(json!({ "deploymentId": id, "deploymentWaitType": wait }));
        self.on_code_deploy(|codedeploy, context| requests::go_on(codedeploy, context.now(), &request)).map(drop)
    }
}

fn members(request: Value) -> Members {
    match request {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}

impl CodeDeploy {
    fn find(&self, id: &DeploymentId) -> Option<&Deployment> {
        self.deployments.iter().find(|it| it.id == id.as_str())
    }
}

impl Deployment {
    fn typed_id(&self) -> DeploymentId {
        DeploymentId::new(self.id.as_str())
    }

    fn source(&self) -> AppSpecSource {
        let sha256 = self.revision.location["appSpecContent"]["sha256"].as_str();
        sha256.map_or(AppSpecSource::Elsewhere, |sha256| AppSpecSource::Content(sha256.to_owned()))
    }

    fn facts(&self) -> CodeDeployment {
        let setting = |name: &str| self.settings.get(name).unwrap_or(&Value::Null);
        let options = setting("blueGreenDeploymentConfiguration");
        let (ready, ends) = (&options["deploymentReadyOption"], &options["terminateBlueInstancesOnDeploymentSuccess"]);
        let minutes =
            |it: &Value, name: &str| it[name].as_i64().and_then(|it| i32::try_from(it).ok()).unwrap_or_default();
        let id = |id: &Option<String>| id.as_deref().map(DeploymentId::new);
        let rolls_back = setting("autoRollbackConfiguration");
        let events = rolls_back["events"].as_array().filter(|_| rolls_back["enabled"] == true);
        CodeDeployment {
            id: self.typed_id(),
            group: GroupName { application: self.application.clone(), group: self.group.clone() },
            status: CodeDeployStatus::from(self.status),
            revision: Some(self.source()),
            task_definition: None,
            created_at: Some(self.created_at),
            completed_at: self.completed_at,
            error: self.error.as_ref().map(|(code, message)| ((*code).to_owned(), message.clone())),
            rollback: RollbackInfo {
                by: id(&self.rollback.by),
                of: id(&self.rollback.of),
                message: self.rollback.message.clone(),
            },
            rolls_back_on: events.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            ready_minutes: (ready["actionOnTimeout"] == "STOP_DEPLOYMENT").then(|| minutes(ready, "waitTimeInMinutes")),
            termination_minutes: minutes(ends, "terminationWaitTimeInMinutes"),
            events: Vec::new(),
            traffic: None,
        }
    }
}

impl targets::LifecycleEvent {
    fn facts(&self) -> LifecycleEvent {
        let (name, status, started_at, ended_at) = self.shown();
        LifecycleEvent { name: name.to_owned(), status: LifecycleStatus::from(status), started_at, ended_at }
    }
}
