//! The table: what became of an image that somebody asks about, and how prod/web stands.
//!
//! It runs 1.4.2 (`a`) as web:41; where something is under way, that is 1.5.0 (`b`) as web:42, in ecs-svc/2.

use serde_json::json;

use super::*;
use crate::model::facts::{Rollout, ServiceDeploymentStatus};
use crate::rules::situation::*;

struct Case {
    target: Target,
    service: ServiceFacts,
    revisions: Vec<Revision>,
    record: Service,
    asked: (Shown, Option<ImageFacts>),
    past: Option<ServiceDeploymentFacts>,
    plan: Option<Plan>,
}

fn by_tag(text: &str) -> Shown {
    Shown { tag: Some(tag(text)), digest: None }
}

/// What is asked about is 1.5.0, which the registry has.
fn with(deployments: Vec<DeploymentFacts>) -> Case {
    let next = ours(revision(42, &[("web", pinned('b'))]), Some("1.5.0"), 'b', None);
    Case {
        target: versions(),
        service: service(deployments),
        revisions: vec![running(), next],
        record: Service::default(),
        asked: (by_tag("1.5.0"), Some(image(&["1.5.0"], 'b', None))),
        past: None,
        plan: None,
    }
}

fn next(rollout: Rollout, reason: Option<&str>) -> DeploymentFacts {
    DeploymentFacts {
        id: DeploymentId::new("ecs-svc/2"),
        task_definition: arn(42),
        rollout_reason: reason.map(str::to_owned),
        ..primary(rollout)
    }
}

fn old() -> DeploymentFacts {
    DeploymentFacts { status: "ACTIVE".to_owned(), ..primary(Rollout::Completed) }
}

fn idle() -> Case {
    with(vec![primary(Rollout::Completed)])
}

fn under_way(rollout: Rollout, reason: Option<&str>) -> Case {
    with(vec![next(rollout, reason), old()])
}

impl Case {
    fn about(self, shown: Shown, image: Option<ImageFacts>) -> Self {
        Self { asked: (shown, image), ..self }
    }

    /// The last deployments, the newest first, each of this image.
    fn record(self, deployments: &[(&str, char, serde_json::Value)]) -> Self {
        let deployments = deployments.iter().map(|(id, digit, members)| {
            let change =
                json!({ "repository": "shop/web", "old": null, "new": { "tag": null, "digest": digest(*digit) } });
            let mut members = members.clone();
            members
                .as_object_mut()
                .unwrap()
                .extend([("deployment".to_owned(), json!(id)), ("image".to_owned(), change)]);
            recorded(1, members)
        });
        Self { record: Service { deployments: deployments.collect(), ..Service::default() }, ..self }
    }

    fn past(self, status: &str) -> Self {
        Self { past: Some(service_deployment(ServiceDeploymentStatus::from(status))), ..self }
    }

    fn plan(self, reason: Reason) -> Self {
        Self { plan: Some(Plan::nothing(TargetName::new("prod/web"), reason)), ..self }
    }

    fn would_go(self) -> Self {
        self.plan(Reason::Pushed { tag: tag("1.5.0") })
    }

    fn status(&self) -> Status {
        let revisions = self.revisions.iter().map(|it| (it.arn.clone(), it.clone())).collect();
        let facts = StatusFacts {
            target: &self.target,
            repository: &repository("shop/web"),
            service: &self.service,
            revisions: &revisions,
            record: &self.record,
        };
        let (shown, image) = (&self.asked.0, self.asked.1.as_ref());
        status(&facts, Some(&Asked { shown, image, past: self.past.as_ref(), plan: self.plan.as_ref() }))
    }
}

#[track_caller]
fn row(situation: &str, case: Case, expected: &str) {
    let status = case.status().asked.unwrap();
    let reason = match status.reason {
        None => String::new(),
        Some(StatusReason::Reason(reason)) => format!(": {}", reason.code()),
        Some(StatusReason::Ecs(words)) => format!(": ECS says {words:?}"),
        Some(StatusReason::Failed { cause, outcome }) => format!(": {cause}, {outcome:?}"),
    };
    let waits = if status.done { "" } else { ", and may change" };
    assert_eq!(format!("{:?}{waits}{reason}", status.state), expected, "{situation}");
}

#[test]
fn a_build_learns_what_became_of_its_image() {
    row("it runs", idle().about(by_tag("1.4.2"), Some(image(&["1.4.2"], 'a', None))), "Running");
    let by_digest = Shown { tag: None, digest: Some(digest('a')) };
    row("it runs, and the registry has it no more", idle().about(by_digest, None), "Running");
    row(
        "it is under way",
        under_way(Rollout::InProgress, Some("ECS deployment in progress.")),
        "Deploying, and may change: ECS says \"ECS deployment in progress.\"",
    );
    row(
        "ECS calls it failed",
        under_way(Rollout::Failed, Some("tasks failed to start.")),
        "Failed: ECS says \"tasks failed to start.\"",
    );
    let back = vec![
        primary(Rollout::Completed),
        DeploymentFacts { status: "ACTIVE".to_owned(), ..next(Rollout::Failed, Some("tasks failed to start.")) },
    ];
    row("ECS called it failed, and has gone back", with(back), "Failed: ECS says \"tasks failed to start.\"");
    let drains = vec![
        primary(Rollout::Completed),
        DeploymentFacts { status: "ACTIVE".to_owned(), ..next(Rollout::InProgress, None) },
    ];
    row("ECS went back, and never called it failed", with(drains).would_go(), "Waiting, and may change");
    row(
        "what runs is asked about while another is under way",
        under_way(Rollout::InProgress, None).about(by_tag("1.4.2"), Some(image(&["1.4.2"], 'a', None))),
        "Running",
    );
    row(
        "another one failed",
        under_way(Rollout::Failed, None).about(by_tag("1.6.0"), Some(image(&["1.6.0"], 'c', None))).would_go(),
        "Waiting, and may change",
    );
    row("the registry has no such image", idle().about(by_tag("9.9.9"), None), "Missing: no_such_image");
}

#[test]
fn slipway_knows_of_failures_that_ecs_does_not_call_so() {
    let cause = || json!({ "failing": { "at": at("12:00:00"), "cause": "its tasks stopped" } });
    let ended = || json!({ "outcome": "timed_out", "reason": "it did not end" });
    let in_progress = || under_way(Rollout::InProgress, None);
    row(
        "Slipway noticed that it fails",
        in_progress().record(&[("ecs-svc/2", 'b', cause())]),
        "Failed: its tasks stopped, None",
    );
    row(
        "an earlier deployment of it failed",
        in_progress().record(&[("ecs-svc/0", 'b', cause())]),
        "Deploying, and may change",
    );
    row(
        "its deployment ended so",
        idle().record(&[("ecs-svc/2", 'b', ended())]),
        "Failed: it did not end, Some(TimedOut)",
    );
    row(
        "it failed, and has not ended",
        idle().record(&[("ecs-svc/2", 'b', cause())]),
        "Failed: its tasks stopped, None",
    );
    row(
        "it failed once, and completed later",
        idle().record(&[("ecs-svc/3", 'b', json!({ "outcome": "completed" })), ("ecs-svc/2", 'b', ended())]).would_go(),
        "Waiting, and may change",
    );
    row("another image failed", idle().record(&[("ecs-svc/2", 'c', ended())]).would_go(), "Waiting, and may change");
}

#[test]
fn ecs_s_history_knows_what_the_record_does_not() {
    row("it is to begin", idle().past("PENDING"), "Deploying, and may change");
    row("it is under way", idle().past("IN_PROGRESS"), "Deploying, and may change");
    row("it succeeded, and something newer came", idle().past("SUCCESSFUL"), "Superseded");
    row("something newer cut it short", idle().past("STOPPED"), "Superseded");
    row("something newer is about to", idle().past("STOP_REQUESTED"), "Superseded");
    row("ECS went back", idle().past("ROLLBACK_SUCCESSFUL"), "Failed");
}

#[test]
fn what_was_never_deployed_is_asked_of_a_plan() {
    row("it would be deployed", idle().would_go(), "Waiting, and may change");
    row(
        "the policy passes it over",
        idle().plan(Reason::NoCandidate { repository: "shop/web".to_owned() }),
        "Skipped: no_candidate",
    );
    row("somebody has to fix something", idle().plan(Reason::ManagedByEcs), "Refused: managed_by_ecs");
    row("there is no plan", idle(), "Missing: no_such_image");
}

#[test]
fn what_is_under_way_comes_with_its_state() {
    #[track_caller]
    fn check(case: Case, expected: Option<&str>) {
        let shown = case.status().in_flight.map(|it| {
            format!("{} {} {}", it.state, it.revision, it.image.map(|image| image.to_string()).unwrap_or_default())
        });
        assert_eq!(shown.as_deref(), expected);
    }
    let back = Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.");
    check(under_way(Rollout::InProgress, None), Some("in_progress web:42 1.5.0"));
    check(under_way(Rollout::InProgress, back), Some("rolling_back web:42 1.5.0"));
    check(under_way(Rollout::Failed, back), Some("failed web:42 1.5.0"));
    check(idle(), None);
    let classic = DeploymentFacts { rollout: None, ..primary(Rollout::Completed) };
    check(with(vec![classic]), None);
}

#[test]
fn what_runs_is_what_completed_last_by_the_tag_that_slipway_wrote_down() {
    #[track_caller]
    fn check(case: Case, expected: Option<&str>) {
        let running = case.status().running.unwrap();
        assert_eq!(running.image.map(|image| image.to_string()).as_deref(), expected);
    }
    let runs = |revision: Revision| Case { revisions: vec![revision], ..idle() };
    check(idle(), Some("1.4.2"));
    check(under_way(Rollout::InProgress, None), Some("1.4.2"));
    check(with(vec![next(Rollout::InProgress, None)]), Some("1.5.0"));
    let bare = || revision(41, &[("web", pinned('a'))]);
    check(runs(bare()), Some("sha256:aaaaaaaaaaaa"));
    check(runs(revision(41, &[("web", "shop/web:prod".to_owned())])), Some("prod"));
    // What Slipway wrote of another image, or for another repository.
    let job = || revision(41, &[("web", pinned('a')), ("job", format!("shop/job@{}", digest('b')))]);
    check(runs(ours(job(), Some("1.5.0"), 'b', None)), Some("sha256:aaaaaaaaaaaa"));
    let for_api = running().tags.into_iter().map(|(key, value)| (key, value.replace("shop/web", "shop/api"))).collect();
    check(runs(Revision { tags: for_api, ..bare() }), Some("sha256:aaaaaaaaaaaa"));
    // The container that is named may run another repository's image.
    let named =
        |revision: Revision| Case { target: target("tags: { semver: '*' }, containers: [web]"), ..runs(revision) };
    check(named(revision(41, &[("web", format!("shop/api@{}", digest('a')))])), None);
    check(named(bare()), Some("sha256:aaaaaaaaaaaa"));
}
