//! The ECS of the storm: one service, its revisions, its deployments, and what ECS does about them by itself.
//!
//! It moves only when the storm ticks it, and tells what it did as events, which the storm may lose, repeat or reorder.

use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_core::facts::{
    Breaker, Controller, Deployment, Management, Revision, Rollout, ServiceEvent, ServiceFacts, Strategy,
};
use slipway_core::id::{
    ClusterName, DeploymentId, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TaskDefinitionArn,
};
use slipway_core::image::{Digest, ImageRef};
use slipway_core::outcome::{Change, DeploymentEvent};
use slipway_core::render::Rendering;

use crate::registry::{Fate, Registry};

/// ECS's circuit breaker with two tasks: three failures.
const THRESHOLD: i32 = 3;

/// What ECS tells.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// `ECS Deployment State Change`.
    Change(DeploymentEvent),
    /// `ECS Task State Change` of a task that stopped by itself: its deployment and its ARN.
    TaskStopped(DeploymentId, String),
}

/// A service deployment of ECS's history.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    /// Its ARN.
    pub(crate) arn: ServiceDeploymentArn,
    /// The deployment it is about.
    pub(crate) deployment: DeploymentId,
    /// What it brings about.
    pub(crate) task_definition: TaskDefinitionArn,
    /// `IN_PROGRESS`, `SUCCESSFUL`, …
    pub(crate) status: &'static str,
    /// When it was asked for.
    pub(crate) created_at: Timestamp,
    /// When it ended.
    pub(crate) finished_at: Option<Timestamp>,
}

impl Past {
    /// The service revision that it targets; as on AWS it bears the deployment's number.
    pub(crate) fn target(&self) -> ServiceRevisionArn {
        let number = self.deployment.as_str().trim_start_matches("ecs-svc/");
        ServiceRevisionArn::new(format!("arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/web/{number}"))
    }
}

/// One service.
#[derive(Debug)]
pub(crate) struct Ecs {
    breaker: Breaker,
    strategy: Strategy,
    revisions: Vec<Revision>,
    deployments: Vec<Deployment>,
    past: Vec<Past>,
    log: Vec<ServiceEvent>,
    tasks: u32,
}

impl Ecs {
    /// A service that runs `image`, as somebody deployed it before Slipway came.
    pub(crate) fn new(breaker: Breaker, strategy: Strategy, image: &str, now: Timestamp) -> Self {
        let mut ecs = Self {
            breaker,
            strategy,
            revisions: Vec::new(),
            deployments: Vec::new(),
            past: Vec::new(),
            log: Vec::new(),
            tasks: 0,
        };
        let definition = json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": image }] });
        let first = ecs.add(definition, Vec::new(), now);
        ecs.begin(&first, now);
        ecs.deployments[0].rollout = Some(Rollout::Completed);
        ecs.past[0].status = "SUCCESSFUL";
        ecs.past[0].finished_at = Some(now);
        ecs
    }

    /// DescribeServices.
    pub(crate) fn service(&self) -> ServiceFacts {
        ServiceFacts {
            arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/web".to_owned(),
            cluster: ClusterName::new("prod"),
            service: ServiceName::new("web"),
            status: "ACTIVE".to_owned(),
            controller: Controller::Ecs,
            management: Management::Customer,
            task_definition: self.primary().task_definition.clone(),
            desired_count: 2,
            running_count: 2,
            strategy: self.strategy.clone(),
            breaker: self.breaker,
            deployments: self.deployments.clone(),
            current_service_deployment: self.under_way().map(|past| past.arn.clone()),
            current_revisions: Vec::new(),
            events: self.log.iter().rev().take(20).cloned().collect(),
        }
    }

    /// DescribeTaskDefinition, by ARN.
    pub(crate) fn revision(&self, arn: &TaskDefinitionArn) -> Option<&Revision> {
        self.revisions.iter().find(|it| it.arn == *arn || it.arn.short() == arn.short())
    }

    /// The family's latest revision.
    pub(crate) fn latest(&self) -> &Revision {
        &self.revisions[self.revisions.len() - 1]
    }

    /// ListServiceDeployments, the newest first.
    pub(crate) fn past(&self) -> impl Iterator<Item = &Past> {
        self.past.iter().rev()
    }

    /// RegisterTaskDefinition.
    pub(crate) fn register(&mut self, rendering: &Rendering, now: Timestamp) -> TaskDefinitionArn {
        let mut body = rendering.body.clone();
        let tags = body.shift_remove("tags").unwrap_or_default();
        let text = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let tags = tags.as_array().into_iter().flatten().map(|tag| (text(tag, "key"), text(tag, "value"))).collect();
        self.add(Value::Object(body), tags, now)
    }

    /// A revision as a person registers it.
    pub(crate) fn register_by_hand(&mut self, image: &str, now: Timestamp) -> TaskDefinitionArn {
        let definition = json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": image }] });
        self.add(definition, Vec::new(), now)
    }

    /// UpdateService: the PRIMARY afterwards. The same revision again changes nothing.
    pub(crate) fn update(&mut self, to: &TaskDefinitionArn, now: Timestamp) -> (DeploymentId, Vec<Told>) {
        if self.primary().task_definition == *to {
            return (self.primary().id.clone(), Vec::new());
        }
        if let Some(past) = self.under_way_mut() {
            past.status = "STOPPED";
            past.finished_at = Some(now);
        }
        (self.begin(to, now), vec![self.change(Change::InProgress, 0, "in progress")])
    }

    /// StopServiceDeployment with ROLLBACK; `None` where nothing is under way or there is nothing to go back to.
    pub(crate) fn stop(&mut self, arn: &ServiceDeploymentArn, now: Timestamp) -> Option<Vec<Told>> {
        let under_way = self.under_way().filter(|past| past.arn == *arn)?;
        if under_way.deployment != self.primary().id || self.last_completed().is_none() {
            return None;
        }
        self.deployments[0].rollout = Some(Rollout::Failed);
        Some(self.go_back(now, "ROLLBACK_REQUESTED"))
    }

    /// Time passes for ECS: what is under way goes on by one step. What it tells of it.
    pub(crate) fn tick(&mut self, registry: &Registry, now: Timestamp) -> Vec<Told> {
        if self.primary().rollout != Some(Rollout::InProgress) {
            return Vec::new();
        }
        let fate = digest_of(self.revision(&self.primary().task_definition.clone()))
            .map_or(Fate::Good, |digest| registry.fate(&digest));
        self.deployments[0].updated_at = Some(now);
        match fate {
            Fate::Good => self.win(now),
            Fate::Bad => self.lose_a_task(now),
        }
    }

    /// The deployment that ECS brings about, or has brought about.
    pub(crate) fn primary(&self) -> &Deployment {
        &self.deployments[0]
    }

    fn win(&mut self, now: Timestamp) -> Vec<Told> {
        let rollback = self.primary().is_rollback();
        self.deployments.truncate(1);
        let primary = &mut self.deployments[0];
        primary.rollout = Some(Rollout::Completed);
        primary.rollout_reason = Some("completed".to_owned());
        primary.failed_tasks = 0;
        if let Some(past) = self.under_way_mut() {
            past.status = if rollback { "ROLLBACK_SUCCESSFUL" } else { "SUCCESSFUL" };
            past.finished_at = Some(now);
        }
        vec![self.change(Change::Completed, 0, "completed")]
    }

    fn lose_a_task(&mut self, now: Timestamp) -> Vec<Told> {
        self.tasks += 1;
        let task = format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{:032x}", self.tasks);
        let primary = &mut self.deployments[0];
        primary.failed_tasks += 1;
        let mut told = vec![Told::TaskStopped(primary.id.clone(), task)];
        if primary.failed_tasks < THRESHOLD || self.breaker == Breaker::Off {
            return told;
        }
        let rollback = primary.is_rollback();
        primary.rollout = Some(Rollout::Failed);
        primary.rollout_reason = Some("ECS deployment circuit breaker: tasks failed to start.".to_owned());
        told.push(self.change(Change::Failed, 0, "circuit breaker: tasks failed to start"));
        if self.breaker == Breaker::RollsBack && !rollback && self.last_completed().is_some() {
            told.extend(self.go_back(now, "ROLLBACK_IN_PROGRESS"));
            return told;
        }
        let status = if self.breaker == Breaker::RollsBack { "ROLLBACK_FAILED" } else { "STOPPED" };
        if let Some(past) = self.under_way_mut() {
            past.status = status;
            past.finished_at = Some(now);
        }
        told
    }

    /// The last completed deployment becomes PRIMARY again, under its old id.
    fn go_back(&mut self, now: Timestamp, status: &'static str) -> Vec<Told> {
        let Some(at) = self.last_completed() else { return Vec::new() };
        let mut old = self.deployments.remove(at);
        let message = format!("(service web) rolling back to deployment {}.", old.id);
        self.log.push(ServiceEvent { at: Some(now), message });
        old.status = "PRIMARY".to_owned();
        old.rollout = Some(Rollout::InProgress);
        old.rollout_reason = Some(format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", old.id));
        old.updated_at = Some(now);
        old.failed_tasks = 0;
        self.deployments[0].status = "ACTIVE".to_owned();
        self.deployments.insert(0, old);
        if let Some(past) = self.under_way_mut() {
            past.status = status;
        }
        let reason = self.deployments[0].rollout_reason.clone().unwrap_or_default();
        vec![self.change(Change::InProgress, 0, &reason)]
    }

    fn begin(&mut self, to: &TaskDefinitionArn, now: Timestamp) -> DeploymentId {
        let number = self.past.len() + 1;
        let id = DeploymentId::new(format!("ecs-svc/{number}"));
        if let Some(primary) = self.deployments.first_mut() {
            primary.status = "ACTIVE".to_owned();
        }
        // What neither won nor is PRIMARY drains, and is gone; the last that won stays until another wins.
        let mut kept = false;
        self.deployments.retain(|it| {
            let completed = it.rollout == Some(Rollout::Completed) && !std::mem::replace(&mut kept, true);
            completed || it.status == "ACTIVE" && it.rollout == Some(Rollout::InProgress)
        });
        let deployment = Deployment {
            id: id.clone(),
            status: "PRIMARY".to_owned(),
            task_definition: to.clone(),
            rollout: Some(Rollout::InProgress),
            rollout_reason: Some("in progress".to_owned()),
            created_at: Some(now),
            updated_at: Some(now),
            failed_tasks: 0,
            desired_count: 2,
            running_count: 0,
            pending_count: 2,
        };
        self.deployments.insert(0, deployment);
        self.past.push(Past {
            arn: ServiceDeploymentArn::new(format!(
                "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/web/{number:020}"
            )),
            deployment: id.clone(),
            task_definition: to.clone(),
            status: "IN_PROGRESS",
            created_at: now,
            finished_at: None,
        });
        id
    }

    fn add(&mut self, definition: Value, tags: Vec<(String, String)>, now: Timestamp) -> TaskDefinitionArn {
        let number = self.revisions.len() + 1;
        let arn = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{number}");
        let arn = TaskDefinitionArn::new(arn);
        let mut definition = definition.as_object().cloned().unwrap_or_default();
        definition.insert("registeredAt".to_owned(), json!(now.as_second()));
        self.revisions.push(Revision { arn: arn.clone(), definition, tags });
        arn
    }

    fn change(&self, change: Change, at: usize, reason: &str) -> Told {
        let deployment = &self.deployments[at];
        Told::Change(DeploymentEvent {
            change,
            deployment: deployment.id.clone(),
            reason: Some(reason.to_owned()),
            at: deployment.updated_at.or(deployment.created_at).unwrap_or_default(),
        })
    }

    fn last_completed(&self) -> Option<usize> {
        self.deployments.iter().skip(1).position(|it| it.rollout == Some(Rollout::Completed)).map(|at| at + 1)
    }

    fn under_way(&self) -> Option<&Past> {
        self.past.iter().rev().find(|past| past.finished_at.is_none())
    }

    fn under_way_mut(&mut self) -> Option<&mut Past> {
        self.past.iter_mut().rev().find(|past| past.finished_at.is_none())
    }
}

/// The digest that a revision's container names.
pub(crate) fn digest_of(revision: Option<&Revision>) -> Option<Digest> {
    let containers = revision?.definition.get("containerDefinitions")?.as_array()?;
    ImageRef::parse(containers.first()?.get("image")?.as_str()?)?.digest
}
