//! The situations of the table: a deployment N that goes over O, as the record, ECS's list and its service deployment have it.

use std::collections::HashMap;

use serde_json::json;

use crate::model::event::{DeploymentEvent, StateChange};
use crate::model::facts::{
    Controller, DeploymentFacts, Hook, HookWaitsFor, Monitors, OnFailure, OnTimeout, Pause, Revision, Rollout,
    ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts, ServiceMessage, Strategy,
};
use crate::model::id::{
    ClusterName, DeploymentId, EventId, ServiceDeploymentArn, ServiceName, ServiceRevisionArn, TaskDefinitionArn,
};
use crate::model::image::Digest;
use crate::model::provenance::Provenance;
use crate::model::record::{self, DeploymentState, FailedBy, Outcome, Progress, RollbackMethod};
use crate::model::trigger::Trigger;
use crate::rules::mechanism::*;
use jiff::Timestamp;

use OnFailure::Off;
use Rollout::{Completed, Failed, InProgress};
use ServiceDeploymentStatus as Status;

pub(super) const O: &str = "ecs-svc/1000000000000000001";
/// It came after O, failed, and ended before N.
pub(super) const W: &str = "ecs-svc/1500000000000000001";
pub(super) const N: &str = "ecs-svc/2000000000000000002";
pub(super) const X: &str = "ecs-svc/3000000000000000003";
pub(super) const R: &str = "ecs-svc/4000000000000000004";

pub(super) const STUCK: &str = "ECS deployment circuit breaker: tasks failed to start.";
pub(super) const BACK: &str =
    "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1000000000000000001.";

pub(super) fn time(text: &str) -> Timestamp {
    format!("2026-09-04T{text}Z").parse().unwrap()
}

pub(super) fn created(id: &str) -> Timestamp {
    match id {
        O => "2026-09-03T10:00:00Z".parse().unwrap(),
        N => time("17:00:00"),
        X => time("17:05:00"),
        _ => time("17:10:00"),
    }
}

pub(super) fn arn(id: &str) -> TaskDefinitionArn {
    let revision = match id {
        O | R => 41,
        N => 42,
        _ => 43,
    };
    TaskDefinitionArn::new(format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}"))
}

/// The service revision of this deployment.
pub(super) fn revision(id: &str) -> ServiceRevisionArn {
    let number = id.strip_prefix("ecs-svc/").unwrap_or(id);
    ServiceRevisionArn::new(format!("arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/web/{number}"))
}

pub(super) fn listed(status: &str, id: &str, rollout: impl Into<Option<Rollout>>) -> DeploymentFacts {
    let rollout = rollout.into();
    DeploymentFacts {
        id: DeploymentId::new(id),
        status: status.to_owned(),
        task_definition: arn(id),
        rollout_reason: (rollout == Some(Failed)).then(|| STUCK.to_owned()),
        rollout,
        created_at: Some(created(id)),
        updated_at: Some(created(id)),
        failed_tasks: 0,
        desired_count: 2,
        running_count: 1,
        pending_count: 1,
    }
}

pub(super) fn primary(id: &str, rollout: impl Into<Option<Rollout>>) -> DeploymentFacts {
    listed("PRIMARY", id, rollout)
}

pub(super) fn active(id: &str, rollout: impl Into<Option<Rollout>>) -> DeploymentFacts {
    listed("ACTIVE", id, rollout)
}

/// O as the PRIMARY again, as ECS shows its rollback.
pub(super) fn back(rollout: Rollout) -> DeploymentFacts {
    DeploymentFacts { rollout_reason: Some(BACK.to_owned()), ..primary(O, rollout) }
}

pub(super) struct Case {
    pub(super) record: record::Service,
    pub(super) service: ServiceFacts,
    pub(super) event: Option<DeploymentEvent>,
    pub(super) service_deployment: Option<ServiceDeploymentFacts>,
    pub(super) revisions: HashMap<TaskDefinitionArn, Revision>,
    pub(super) history: Vec<ServiceDeploymentFacts>,
    pub(super) now: Timestamp,
}

/// The record says that the deployment ended so.
pub(crate) fn end(it: &mut record::Deployment, outcome: Outcome) {
    let progress = it.progress().cloned();
    it.state = DeploymentState::Ended(record::Ended {
        outcome,
        at: time("17:04:00"),
        reason: None,
        external: None,
        corrected_from: None,
        progress,
    });
}

/// N is recorded, and this is what ECS lists.
pub(super) fn with(breaker: OnFailure, deployments: Vec<DeploymentFacts>) -> Case {
    let recorded = |number: u64, id: &str| -> record::Deployment {
        serde_json::from_value(json!({
            "number": number, "trigger": "push", "event": format!("event-{number}"), "request": format!("request-{number}"),
            "revision": { "old": null, "new": arn(id).short() },
            "intended_at": created(id) - ecs_messages::SKEW,
            "state": { "in_progress": { "deployment": id, "began_at": created(id) } },
        }))
        .unwrap()
    };
    let mut old = recorded(1, O);
    end(&mut old, Outcome::Completed);
    let service = ServiceFacts {
        arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/web".to_owned(),
        cluster: ClusterName::new("prod"),
        service: ServiceName::new("web"),
        status: "ACTIVE".to_owned(),
        controller: Controller::Ecs,
        task_definition: deployments.first().map_or_else(|| arn(O), |it| it.task_definition.clone()),
        desired_count: 2,
        running_count: 2,
        strategy: Strategy::Rolling,
        breaker,
        alarms: Off,
        completes_early: false,
        deployments,
        current_service_deployment: None,
        current_revisions: Vec::new(),
        events: Vec::new(),
        task_sets: Vec::new(),
        code_deploy: None,
    };
    Case {
        record: record::Service { deployments: vec![recorded(2, N), old], count: 2, ..Default::default() },
        service,
        event: None,
        service_deployment: None,
        revisions: HashMap::new(),
        history: Vec::new(),
        now: time("17:06:00"),
    }
}

impl Case {
    pub(super) fn at(self, now: &str) -> Self {
        Self { now: time(now), ..self }
    }

    pub(super) fn event(self, change: StateChange, id: &str, at: &str) -> Self {
        let reason = match (change, id) {
            (StateChange::InProgress, O) => BACK,
            (StateChange::Failed, _) => STUCK,
            _ => "ECS deployment in progress or completed.",
        };
        let event = DeploymentEvent {
            change,
            deployment: DeploymentId::new(id),
            reason: Some(reason.to_owned()),
            at: time(at),
        };
        Self { event: Some(event), ..self }
    }

    pub(super) fn service_deployment(self, status: Status, reason: &str) -> Self {
        let service_deployment = ServiceDeploymentFacts {
            arn: ServiceDeploymentArn::new("arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/web/N"),
            status,
            status_reason: Some(reason.to_owned()),
            rollback_reason: None,
            rollback_to: None,
            rollback_at: None,
            monitors: Monitors::Unread,
            stage: None,
            pause: Pause::No,
            traffic: None,
            bake_minutes: None,
            failed_hook: None,
            target: Some(revision(N)),
            task_definition: Some(arn(N)),
            created_at: Some(created(N)),
            updated_at: None,
            finished_at: None,
        };
        Self { service_deployment: Some(service_deployment), ..self }
    }

    /// What ECS's monitors say in its service deployment.
    pub(super) fn monitors(mut self, monitors: Monitors) -> Self {
        self.service_deployment =
            self.service_deployment.map(|service_deployment| ServiceDeploymentFacts { monitors, ..service_deployment });
        self
    }

    /// Where ECS goes back to by its service deployment.
    pub(super) fn rolls_back_to(mut self, id: &str) -> Self {
        self.service_deployment = self
            .service_deployment
            .map(|service_deployment| ServiceDeploymentFacts { rollback_to: Some(revision(id)), ..service_deployment });
        self
    }

    /// When that began.
    pub(super) fn rolls_back_since(mut self, at: &str) -> Self {
        self.service_deployment = self
            .service_deployment
            .map(|service_deployment| ServiceDeploymentFacts { rollback_at: Some(time(at)), ..service_deployment });
        self
    }

    /// A hook failed that waited for this.
    pub(super) fn failed_hook(mut self, whom: HookWaitsFor) -> Self {
        self.service_deployment = self
            .service_deployment
            .map(|service_deployment| ServiceDeploymentFacts { failed_hook: Some(whom), ..service_deployment });
        self
    }

    /// What ECS does when an alarm is triggered.
    pub(super) fn alarms(mut self, alarms: OnFailure) -> Self {
        self.service.alarms = alarms;
        self
    }

    /// ECS may call a deployment completed before all its tasks run.
    pub(super) fn completes_early(mut self) -> Self {
        self.service.completes_early = true;
        self
    }

    pub(super) fn stage(mut self, stage: &str, updated_at: &str) -> Self {
        let service_deployment = self.service_deployment.take().unwrap();
        let service_deployment = ServiceDeploymentFacts {
            stage: Some(stage.to_owned()),
            updated_at: Some(time(updated_at)),
            ..service_deployment
        };
        Self { service_deployment: Some(service_deployment), ..self }
    }

    pub(super) fn paused(mut self) -> Self {
        self.service_deployment = self.service_deployment.map(|service_deployment| ServiceDeploymentFacts {
            pause: Pause::Hook(Hook {
                id: "hook".to_owned(),
                waits_for: HookWaitsFor::Person,
                until: None,
                then: OnTimeout::RollsBack,
            }),
            ..service_deployment
        });
        self
    }

    pub(super) fn strategy(mut self, strategy: Strategy) -> Self {
        self.service.strategy = strategy;
        self
    }

    pub(super) fn status(mut self, status: &str) -> Self {
        self.service.status = status.to_owned();
        self
    }

    /// Changes the recorded N.
    pub(super) fn n(mut self, change: impl FnOnce(&mut record::Deployment)) -> Self {
        change(self.record.deployments.iter_mut().find(|it| it.number == 2).unwrap());
        self
    }

    /// Changes what is known of the recorded N, which is in progress.
    pub(super) fn progress(self, change: impl FnOnce(&mut Progress)) -> Self {
        self.n(|n| change(n.in_progress().unwrap()))
    }

    /// Only the intent is recorded.
    pub(super) fn intent(self) -> Self {
        self.n(|n| {
            n.state = DeploymentState::Intended { previous_primary: Some(DeploymentId::new(O)) };
            n.revision.new = None;
        })
    }

    /// The revision of this deployment bears this event.
    pub(super) fn marked(mut self, id: &str, event: &str, request: &str) -> Self {
        let digest = Digest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap();
        let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@{digest}");
        let definition = json!({ "containerDefinitions": [{ "name": "web", "image": image }] });
        let provenance = Provenance {
            repository: "shop/web".to_owned(),
            tag: None,
            digest,
            pushed_at: None,
            event: EventId::new(event),
            request: Some(request.to_owned()),
            trigger: Trigger::Push,
            previous: None,
            definition: None,
        };
        let definition = definition.as_object().unwrap().clone();
        self.revisions.insert(arn(id), Revision { arn: arn(id), definition, tags: provenance.tags() });
        self
    }

    /// ECS's history has a service deployment of the revision of this deployment, made then.
    pub(super) fn history(mut self, id: &str, status: Status, at: &str) -> Self {
        let service_deployment = self.service_deployment_of();
        self.history.push(ServiceDeploymentFacts {
            arn: ServiceDeploymentArn::new(format!(
                "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/web/{at}"
            )),
            status,
            target: Some(revision(id)),
            task_definition: Some(arn(id)),
            created_at: Some(time(at)),
            finished_at: Some(time("17:04:00")),
            ..service_deployment
        });
        self
    }

    pub(super) fn failing(self, by: FailedBy) -> Self {
        let failing = record::Failing {
            at: time("17:04:00"),
            by,
            cause: "its container web exited with code 1".to_owned(),
            log: None,
            advice: Vec::new(),
        };
        self.progress(|n| n.failing = Some(failing))
    }

    pub(super) fn task_failures(self, count: usize) -> Self {
        self.n(|n| n.failed_tasks = (0..count).map(|n| format!("task/{n}")).collect())
    }

    /// Somebody asked for a rollback then.
    pub(super) fn rollback_asked(mut self, at: &str) -> Self {
        let decision = record::Decision { what: record::DecisionKind::Rollback, at: time(at), who: None };
        self.record.decision = Some(decision);
        self
    }

    /// X is recorded too.
    pub(super) fn recorded_newer(mut self) -> Self {
        let n = self.record.deployments[0].clone();
        let state = DeploymentState::InProgress(Progress::of(DeploymentId::new(X), n.began_at()));
        let x = record::Deployment { number: 3, state, ..n };
        self.record.deployments.insert(0, x);
        self
    }

    /// Slipway decided at 17:10:00 to roll back.
    pub(super) fn rollback_decided(self, how: RollbackMethod, id: Option<&str>, done_at: Option<&str>) -> Self {
        let rollback = record::Rollback {
            how,
            to: Some("web:41".to_owned()),
            passed_over: Vec::new(),
            at: time("17:09:59"),
            previous_primary: Some(DeploymentId::new(N)),
            deployment: id.map(DeploymentId::new),
            done_at: done_at.map(time),
        };
        let case = self.failing(FailedBy::Tasks).progress(|n| n.rollback = Some(rollback));
        Self { now: time("17:15:00"), ..case }
    }

    pub(super) fn log(mut self, lines: &[(&str, String)]) -> Self {
        let event = |(at, message): &(&str, String)| ServiceMessage { at: Some(time(at)), message: message.clone() };
        self.service.events = lines.iter().map(event).collect();
        self
    }
}

/// How N stands.
pub(super) fn judge(case: &Case) -> Assessment {
    assess(&Situation {
        record: &case.record,
        deployment: case.record.deployments.iter().find(|it| it.number == 2).unwrap(),
        event: case.event.as_ref(),
        service: &with_rollouts(case.service.clone()),
        service_deployment: case.service_deployment.as_ref(),
        revisions: &case.revisions,
        history: &case.history,
        now: case.now,
    })
}

#[track_caller]
pub(super) fn row(situation: &str, case: Case, expected: &str) {
    let assessment = judge(&case);
    let short = [(O, "O"), (N, "N"), (X, "X"), (R, "R"), ("2026-09-04T", ""), (":00Z", "")];
    let text = short.iter().fold(assessment.to_string(), |text, (long, short)| text.replace(long, short));
    assert_eq!(text.strip_prefix("it ").unwrap_or(&text), expected, "{situation}");
}

/// N moved lately: three of its minutes ago.
pub(super) fn moving() -> Vec<DeploymentFacts> {
    vec![DeploymentFacts { updated_at: Some(time("17:28:00")), ..primary(N, InProgress) }, active(O, Completed)]
}

pub(super) fn going() -> Vec<DeploymentFacts> {
    vec![primary(N, InProgress), active(O, Completed)]
}

impl Case {
    pub(super) fn service_deployment_of(&self) -> ServiceDeploymentFacts {
        with(Off, Vec::new()).service_deployment(Status::InProgress, "").service_deployment.unwrap()
    }
}
