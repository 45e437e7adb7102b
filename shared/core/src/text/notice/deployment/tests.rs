//! A deployment's notices as people read them, from the table alone: one that goes well, and ends that are no failure. Failures, what
//! is deployed outside Slipway, and what holds of every notice have files of their own.

use serde_json::json;

use super::*;
use crate::model::facts::Revision;
use crate::model::id::{ClusterName, DeploymentId, Home, LogStream, ServiceName, TaskDefinitionArn};
use crate::model::plan::RevisionChange;
use crate::model::record;
use crate::model::record::PassedOver;
use crate::model::trigger::Trigger;
use crate::rules::mechanism::Assessment;
use crate::rules::rollback::{Destination, ManualAction, RegisterReason};

mod code_deploy;
mod every;
mod failure;
mod outside;

fn time(text: &str) -> Timestamp {
    format!("2026-09-04T{text}Z").parse().unwrap()
}

fn deployment() -> Deployment {
    serde_json::from_value(json!({
        "number": 2, "trigger": "push", "event": "13cde686", "state": { "in_progress": { "deployment": "ecs-svc/2", "began_at": time("17:00:00") } },
        "intended_at": time("16:59:58"), "revision": { "old": "web:41", "new": "web:42" },
        "image": {
            "repository": "shop/web",
            "old": { "tag": "1.4.2", "digest": format!("sha256:{}", "a".repeat(64)) },
            "new": { "tag": "1.5.0", "digest": format!("sha256:{}", "b".repeat(64)) },
        },
    }))
    .unwrap()
}

/// What the table keeps of the failure.
fn evidence() -> Vec<String> {
    let lines = [
        "Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)",
        "  container web: exit code 1",
        "The last lines of web's log:",
        "| panic: DATABASE_URL is not set",
    ];
    lines.map(str::to_owned).to_vec()
}

fn hook(then: OnTimeout) -> Hook {
    let (id, waits_for) = ("ecs-pause-1".to_owned(), crate::model::facts::HookWaitsFor::Person);
    Hook { id, waits_for, until: Some(time("18:01:00")), then }
}

fn paused(hook: &Hook, again: bool) -> News<'_> {
    News::Paused { hook, stage: Some(Stage::TestTraffic), since: Some(time("17:01:00")), again }
}

fn failing(by: FailedBy) -> Deployment {
    let failing = record::Failing {
        at: time("17:04:00"),
        by,
        cause: "its container web exited with code 1".to_owned(),
        log: Some(LogStream {
            region: "eu-west-1".to_owned(),
            group: "/ecs/web".to_owned(),
            stream: "shop/web/0ebb429fa86d481c2630fac53db1c91c".to_owned(),
        }),
        advice: vec!["Read the last lines of the container's log, fix the image, and push it".to_owned()],
    };
    let failed_tasks =
        if by == FailedBy::Tasks { vec!["t1".to_owned(), "t2".to_owned(), "t3".to_owned()] } else { Vec::new() };
    let mut deployment = Deployment { failed_tasks, ..deployment() };
    deployment.in_progress().unwrap().failing = Some(failing);
    deployment
}

fn rolled_back() -> Deployment {
    let rollback = record::Rollback {
        how: record::RollbackMethod::Update,
        to: Some("web:41".to_owned()),
        passed_over: Vec::new(),
        at: time("17:04:01"),
        previous_primary: None,
        deployment: Some(DeploymentId::new("ecs-svc/4")),
        done_at: Some(time("17:04:02")),
    };
    let mut deployment = failing(FailedBy::Tasks);
    deployment.in_progress().unwrap().rollback = Some(rollback);
    deployment
}

/// It brought the image that ran, with another task definition.
fn definition_only() -> Deployment {
    let mut deployment = rolled_back();
    let image = deployment.image.as_mut().unwrap();
    image.old = Some(image.new.clone());
    Deployment { definition_only: true, ..deployment }
}

fn external() -> Deployment {
    Deployment { trigger: Trigger::External, event: None, ..deployment() }
}

fn update() -> RollbackDecision {
    let to = TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:41");
    RollbackDecision::Update(Destination::Existing(to).into())
}

fn end(outcome: Outcome) -> End {
    End::of(outcome)
}

fn notice(deployment: &Deployment, news: &News<'_>) -> Notice {
    notice_with(deployment, news, &evidence())
}

fn notice_with(deployment: &Deployment, news: &News<'_>, evidence: &[String]) -> Notice {
    let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:track").unwrap();
    let (cluster, service) = (ClusterName::new("prod"), ServiceName::new("web"));
    let place = Place { home: &home, cluster: &cluster, service: &service };
    let notice = Notice::of_deployment(place, deployment, news, evidence, time("17:04:30"));
    assert_eq!(notice.id, Notice::id_of_deployment(place, deployment, news));
    notice
}

/// The notice's text without its links and last line, which every notice has.
fn published(deployment: &Deployment, news: &News<'_>) -> String {
    notice(deployment, news).text().split("\nLook here:").next().unwrap().to_owned()
}

fn ended(deployment: &Deployment, outcome: Outcome) -> String {
    published(deployment, &News::Ended { end: &end(outcome), next: None })
}

fn archived() -> PassedOver {
    let image = format!("shop/web@sha256:{}", "a".repeat(64));
    PassedOver { revision: "web:41".to_owned(), because: Unusable::ImageArchived(image) }
}

fn restoring() -> RollbackDecision {
    let revision = TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:41");
    RollbackDecision::ManualAction(ManualAction::Restoring { revision, passed_over: vec![archived()] })
}

#[test]
fn a_deployment_that_goes_well() {
    insta::assert_snapshot!(published(&deployment(), &News::InProgress), @r#"
    In progress on prod/web: shop/web:1.5.0 (was 1.4.2)

    ECS is starting the new tasks of prod/web.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    "#);
    insta::assert_snapshot!("serving", published(&deployment(), &News::Reached(Milestone::Serving)));
    insta::assert_snapshot!("paused", published(&deployment(), &paused(&hook(OnTimeout::RollsBack), false)));
    insta::assert_snapshot!("still_paused", published(&deployment(), &paused(&hook(OnTimeout::GoesOn), true)));
    insta::assert_snapshot!(ended(&deployment(), Outcome::Completed), @r#"
    Deployed to prod/web: shop/web:1.5.0 (was 1.4.2)

    prod/web now runs shop/web:1.5.0.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s
    "#);
}

#[test]
fn what_a_person_stops_is_no_failure() {
    let news = News::RollingBack { by: RollbackInitiator::Somebody, to: Some("web:41") };
    assert_eq!(notice(&deployment(), &news).severity, Severity::Warning);
    insta::assert_snapshot!(published(&deployment(), &news), @r#"
    Deploy stopped on prod/web: shop/web:1.5.0, ECS is rolling back to 1.4.2

    Somebody stopped the deployment, and ECS is rolling back to web:41.

    Repository    shop/web
    Stopped       1.5.0 (sha256:bbbbbbbbbbbb)
    Rollback to   1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What you can do:
    - Wait: a notice follows when the rollback has ended
    "#);
}

#[test]
fn other_endings() {
    let newer = End { newer: Some(DeploymentId::new("ecs-svc/3")), ..end(Outcome::Superseded) };
    insta::assert_snapshot!(published(&deployment(), &News::Ended { end: &newer, next: None }), @r#"
    Superseded on prod/web: shop/web:1.5.0, a newer deployment took its place

    It had not ended when the newer deployment ecs-svc/3 began. It did not fail.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    "#);
    insta::assert_snapshot!(ended(&deployment(), Outcome::Stopped), @r#"
    Deploy stopped on prod/web: shop/web:1.5.0, somebody stopped it

    Somebody stopped the deployment before it had ended, so its image does not run. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.

    Repository    shop/web
    Stopped       1.5.0 (sha256:bbbbbbbbbbbb)
    Before        1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What you can do:
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    "#);
}
