//! Deployments: how one is asked for, and how they are listed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::appspec::AppSpec;
use super::configs::{self, Config};
use super::failure::Rollback;
use super::lifecycle::Phase;
use super::revisions::Revision;
use super::targets::LifecycleEvent;
use super::{CodeDeploy, Context, described, groups, no_application, page, refused, with_token};
use crate::identity;
use crate::refusal::{Answer, Members, Refusal, text, texts};
use crate::time::epoch_seconds;

/// A description has at most so many characters.
const LONGEST_DESCRIPTION: usize = 256;

/// A deployment.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) application: String,
    pub(super) group: String,
    pub(super) group_id: String,
    pub(super) cluster: String,
    pub(super) service: String,
    pub(super) config: &'static Config,
    pub(super) revision: Revision,
    /// The location of what the last successful deployment before it brought about.
    pub(super) previous: Option<Value>,
    pub(super) spec: AppSpec,
    pub(super) description: Option<String>,
    /// `user`, or `codeDeployRollback`.
    pub(super) creator: &'static str,
    /// The group's settings when it was made, and over them its own.
    pub(super) settings: Members,
    pub(super) created_at: Timestamp,
    /// Since when ListDeployments has it.
    pub(super) listed_from: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    pub(super) updated_at: Timestamp,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) status: &'static str,
    pub(super) phase: Phase,
    /// Until when it waits, for somebody who lets it go on or for the end of the old tasks.
    pub(super) waits_until: Option<Timestamp>,
    pub(super) events: Vec<LifecycleEvent>,
    /// Code and message.
    pub(super) error: Option<(&'static str, String)>,
    pub(super) rollback: RollbackInfo,
    /// The task set that served before; it goes.
    pub(super) blue: Option<String>,
    /// The one that shall serve.
    pub(super) green: Option<String>,
    /// How many percent of the traffic the green one has.
    pub(super) weight: i64,
    /// What StopDeployment asked for, until it is carried out.
    pub(super) stop: Option<Rollback>,
    /// Whether it will call itself `Succeeded` once it was stopped and rolled back.
    pub(super) denies_its_stop: bool,
}

/// What a deployment has to do with rollbacks.
#[derive(Clone, Debug, Default)]
pub(super) struct RollbackInfo {
    /// The deployment that rolls it back.
    pub(super) by: Option<String>,
    /// The deployment that it rolls back.
    pub(super) of: Option<String>,
    pub(super) message: Option<String>,
}

/// A deployment to be.
pub(super) struct New {
    pub(super) revision: Revision,
    pub(super) spec: AppSpec,
    pub(super) description: Option<String>,
    /// What it sets instead of its group.
    pub(super) own: Members,
}

/// CreateDeployment.
pub(super) fn create(codedeploy: &mut CodeDeploy, context: &mut Context<'_, '_>, request: &Members) -> Answer {
    let (application, name, _) = codedeploy.group(request)?;
    let mut revision = Revision::of(request)?;
    if revision.content.is_none() {
        revision.content = codedeploy.content_of(application, &revision);
    }
    let content = revision.content.as_deref();
    let content =
        content.ok_or_else(|| refused("InvalidRevision", "The fake's CodeDeploy reads AppSpecContent only."))?;
    let spec = AppSpec::parse(content)?;
    let description = text(request, "description").map(str::to_owned);
    if description.as_ref().is_some_and(|it| it.chars().count() > LONGEST_DESCRIPTION) {
        return Err(refused("DescriptionTooLong", "The description is too long."));
    }
    groups::check_rollback(request)?;
    groups::check_alarms(request.get("overrideAlarmConfiguration"))?;
    let own = ["deploymentConfigName", "autoRollbackConfiguration", "overrideAlarmConfiguration"];
    let own = own.iter().filter_map(|name| Some(((*name).to_owned(), request.get(*name)?.clone())));
    let new = New { revision, spec, description, own: own.collect() };
    let id = begin(codedeploy, context, (application, name), new)?;
    Ok(json!({ "deploymentId": id }))
}

/// A deployment begins, if the group has none that is open; its id.
pub(super) fn begin(
    codedeploy: &mut CodeDeploy,
    context: &mut Context<'_, '_>,
    (application, name): (&str, &str),
    new: New,
) -> Result<String, Refusal> {
    let of = codedeploy.applications.get(application).ok_or_else(|| no_application(application))?;
    let group = of.groups.get(name).filter(|_| of.platform == "ECS");
    let service = group.and_then(|group| Some((group, group.service()?)));
    let (group, (cluster, service)) =
        service.ok_or_else(|| refused("InvalidComputePlatform", "The fake's CodeDeploy deploys to ECS only."))?;
    let found = context.ecs.service_named(cluster, service);
    if found.is_none_or(|found| found.controller() != "CODE_DEPLOY" || found.primary_task_set().is_none()) {
        let message =
            format!("The ECS service {cluster}:{service} is not there, or has another deployment controller.");
        return Err(refused("InvalidECSService", message));
    }
    if let Some(active) = codedeploy.of_group(application, name).find(|it| it.is_open()) {
        let message = format!("The Deployment Group '{name}' already has an active Deployment '{}'", active.id);
        return Err(refused("DeploymentLimitExceeded", message));
    }
    let mut settings = group.settings.clone();
    settings.extend(new.own);
    let config = configs::named(text(&settings, "deploymentConfigName"))?;
    let (now, id) = (context.now(), codedeploy.next_id());
    let deployment = Deployment {
        id: id.clone(),
        application: application.to_owned(),
        group: name.to_owned(),
        group_id: group.id.clone(),
        cluster: cluster.to_owned(),
        service: service.to_owned(),
        config,
        previous: codedeploy.last_successful(application, name).map(|last| last.revision.location.clone()),
        revision: new.revision,
        spec: new.spec,
        description: new.description,
        creator: "user",
        settings,
        created_at: now,
        listed_from: context.around.listed_from(),
        started_at: None,
        updated_at: now,
        completed_at: None,
        status: "Created",
        phase: Phase::Created,
        waits_until: None,
        events: LifecycleEvent::all(),
        error: None,
        rollback: RollbackInfo::default(),
        blue: None,
        green: None,
        weight: 0,
        stop: None,
        denies_its_stop: false,
    };
    codedeploy.take_in(now, deployment);
    Ok(id)
}

/// GetDeployment.
pub(super) fn get(codedeploy: &CodeDeploy, request: &Members) -> Answer {
    let deployment = &codedeploy.deployments[codedeploy.deployment(request)?];
    Ok(json!({ "deploymentInfo": described::deployment(deployment) }))
}

/// ListDeployments, the oldest first, so that nobody relies on another order.
pub(super) fn list(codedeploy: &CodeDeploy, now: Timestamp, request: &Members) -> Answer {
    let group = match (text(request, "applicationName"), text(request, "deploymentGroupName")) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(refused("ApplicationNameRequired", "A deployment group is named with its application."));
        }
        (Some(_), _) => codedeploy.group(request).map(|(application, name, _)| Some((application, name)))?,
    };
    let statuses = texts(request, "includeOnlyStatuses");
    let range = request.get("createTimeRange").unwrap_or(&Value::Null);
    let (start, end) = (range["start"].as_f64(), range["end"].as_f64());
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(refused("InvalidTimeRange", "The time range ends before it starts."));
    }
    let listed = codedeploy.deployments.iter().filter(|deployment| {
        let at = epoch_seconds(deployment.created_at);
        deployment.listed_from <= now
            && group.is_none_or(|group| group == (deployment.application.as_str(), deployment.group.as_str()))
            && (statuses.is_empty() || statuses.iter().any(|status| status == deployment.status))
            && start.is_none_or(|start| at >= start)
            && end.is_none_or(|end| at <= end)
    });
    let (ids, next) = page(listed.map(|deployment| deployment.id.as_str()).collect(), request)?;
    Ok(with_token(json!({ "deployments": ids }), next))
}

impl CodeDeploy {
    /// The deployments of a group, the oldest first.
    pub(super) fn of_group(&self, application: &str, group: &str) -> impl DoubleEndedIterator<Item = &Deployment> {
        let of = move |it: &&Deployment| (it.application.as_str(), it.group.as_str()) == (application, group);
        self.deployments.iter().filter(of)
    }

    /// The last deployment of a group that succeeded and was not rolled back.
    pub(super) fn last_successful(&self, application: &str, group: &str) -> Option<&Deployment> {
        self.of_group(application, group).rfind(|it| it.succeeded())
    }

    /// The id of the next deployment.
    pub(super) fn next_id(&self) -> String {
        identity::code_deploy_id("deployment", self.deployments.len())
    }

    /// Takes a new deployment in, and its revision.
    pub(super) fn take_in(&mut self, now: Timestamp, deployment: Deployment) {
        if let Some(application) = self.applications.get_mut(&deployment.application) {
            application.use_revision(now, &deployment.revision);
        }
        self.deployments.push(deployment);
    }
}

impl Deployment {
    /// Whether it has not ended.
    pub(super) fn is_open(&self) -> bool {
        self.completed_at.is_none()
    }

    /// Whether it succeeded and was not rolled back.
    pub(super) fn succeeded(&self) -> bool {
        self.status == "Succeeded" && self.rollback.by.is_none()
    }

    /// Whether CodeDeploy made it to roll another one back.
    pub(super) fn is_rollback(&self) -> bool {
        self.rollback.of.is_some()
    }
}
