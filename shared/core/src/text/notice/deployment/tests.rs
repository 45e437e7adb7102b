//! A deployment's notices as people read them, from the table alone.

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
fn where_only_the_definition_changed_the_image_is_not_called_bad() {
    let text = ended(&definition_only(), Outcome::RolledBackBySlipway);
    assert!(
        text.contains(
            "Only the task definition changed, so web:42 is quarantined here, and not shop/web:1.5.0: no push, retry or \
             reconcile deploys the two together again until somebody releases them."
        ),
        "{text}"
    );
    assert!(text.contains("\n- If the task definition is not the cause, release it: "), "{text}");
}

#[test]
fn a_rollback_under_way_and_done() {
    insta::assert_snapshot!(published(&rolled_back(), &News::RollingBack { by: RollbackInitiator::Slipway, to: Some("web:41") }), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, Slipway is rolling back to 1.4.2

    The deployment failed: its container web exited with code 1, and 3 of its tasks stopped unexpectedly. Slipway is rolling back to web:41.

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Rollback to   1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Wait: a notice follows when the rollback has ended
    - Read the last lines of the container's log, fix the image, and push it
    "#);
    insta::assert_snapshot!(published(&failing(FailedBy::Ecs), &News::RollingBack { by: RollbackInitiator::Ecs, to: None }), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, ECS is rolling back to 1.4.2

    The deployment failed: its container web exited with code 1. ECS is rolling back to the previous version automatically; Slipway does not intervene.

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Rollback to   1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Wait: a notice follows when the rollback has ended
    - Read the last lines of the container's log, fix the image, and push it
    "#);
    insta::assert_snapshot!(ended(&rolled_back(), Outcome::RolledBackBySlipway), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again

    The deployment failed: its container web exited with code 1, and 3 of its tasks stopped unexpectedly. Slipway rolled back; prod/web runs web:41 again. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Runs again    1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Read the last lines of the container's log, fix the image, and push it
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    "#);
    let by_ecs = End {
        says: Some("ECS deployment circuit breaker: tasks failed to start.".to_owned()),
        ..end(Outcome::RolledBackByEcs)
    };
    insta::assert_snapshot!(published(&failing(FailedBy::Ecs), &News::Ended { end: &by_ecs, next: None }), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again

    The deployment failed: its container web exited with code 1. ECS rolled back automatically; prod/web runs the previous version again. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.
    ECS says: "ECS deployment circuit breaker: tasks failed to start."

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Runs again    1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Read the last lines of the container's log, fix the image, and push it
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    "#);
    insta::assert_snapshot!(ended(&rolled_back(), Outcome::RollbackFailed), @r#"
    Rollback failed on prod/web: shop/web:1.5.0 failed, and so did the rollback

    The deployment failed: its container web exited with code 1, and 3 of its tasks stopped unexpectedly. The rollback failed too, and Slipway tries nothing else: prod/web may run too few tasks, or none. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Before        1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Check the service now: Slipway does nothing more here automatically
    - Roll back to web:41: run `slipway rollback prod/web --to web:41`, or invoke the deploy function's alias operate with {"action": "rollback", "target": "prod/web", "to": "web:41"}
    - Read the last lines of the container's log, fix the image, and push it
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    "#);
}

#[test]
fn a_failure_without_a_rollback() {
    let news = |decision: &RollbackDecision, outcome| {
        published(&failing(FailedBy::Ecs), &News::Ended { end: &end(outcome), next: Some(decision) })
    };
    insta::assert_snapshot!(news(&RollbackDecision::ManualAction(ManualAction::NoKnownGood), Outcome::Failed), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, its container web exited with code 1

    The deployment failed: its container web exited with code 1. Slipway does not roll back, because there is no other known-good revision. Old tasks that still run keep running. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Before        1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Deploy an image that is known to work: run `slipway deploy prod/web --tag …`, or invoke the deploy function's alias operate with {"action": "deploy", "target": "prod/web", "tag": "…"}
    - Read the last lines of the container's log, fix the image, and push it
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    "#);
    insta::assert_snapshot!(news(&RollbackDecision::NoRollback(NoRollback::Notify(Box::new(update()))), Outcome::Failed), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, its container web exited with code 1

    The deployment failed: its container web exited with code 1. Slipway does not roll back, because the target says "rollback: notify"; it would roll back to web:41. Old tasks that still run keep running. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Before        1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Roll back to web:41: run `slipway rollback prod/web --to web:41`, or invoke the deploy function's alias operate with {"action": "rollback", "target": "prod/web", "to": "web:41"}
    - Read the last lines of the container's log, fix the image, and push it
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    "#);
    let late = published(
        &failing(FailedBy::Deadline),
        &News::Ended { end: &end(Outcome::TimedOut), next: Some(&RollbackDecision::NoRollback(NoRollback::Off)) },
    );
    insta::assert_snapshot!(late, @r#"
    Deploy timed out on prod/web: shop/web:1.5.0, its container web exited with code 1

    The deployment did not complete within 30 min. The most likely cause: its container web exited with code 1. Slipway does not roll back, because the target says "rollback: off". Old tasks that still run keep running. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Before        1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  an image push (event 13cde686)
    Took          4 min 30 s

    What Slipway observed:
      Task 0ebb429f stopped at 17:02:31: Essential container in task exited (EssentialContainerExited)
        container web: exit code 1
      The last lines of web's log:
      | panic: DATABASE_URL is not set

    What you can do:
    - Roll back to web:41: run `slipway rollback prod/web --to web:41`, or invoke the deploy function's alias operate with {"action": "rollback", "target": "prod/web", "to": "web:41"}
    - Read the last lines of the container's log, fix the image, and push it
    - If the image is not the cause, release it: run `slipway release prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "release", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
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
fn ecs_s_words_are_quoted_once() {
    let says = "ECS deployment circuit breaker: tasks failed to start.";
    let end = End { says: Some(says.to_owned()), ..end(Outcome::RolledBackByEcs) };
    let (deployment, news) = (failing(FailedBy::Ecs), News::Ended { end: &end, next: None });
    let reason = |evidence: &[String]| notice_with(&deployment, &news, evidence).reason;
    assert!(reason(&evidence()).ends_with("tasks failed to start.\""));
    assert!(!reason(&[format!("ECS says: \"{says}\"")]).contains(says));
}

#[test]
fn evidence_is_shown_of_what_failed_where_that_is_the_news() {
    #[track_caller]
    fn check(deployment: &Deployment, news: &News<'_>, shown: bool) {
        assert_eq!(news.shows_evidence(deployment), shown);
        assert_eq!(notice(deployment, news).details, if shown { evidence() } else { Vec::new() });
    }
    let failed = failing(FailedBy::Ecs);
    check(&failed, &News::InProgress, false);
    check(&failed, &News::RollingBack { by: RollbackInitiator::Slipway, to: None }, true);
    check(&failed, &News::Ended { end: &end(Outcome::Failed), next: None }, true);
    check(&failed, &News::Ended { end: &end(Outcome::RolledBackByEcs), next: None }, true);
    check(&failed, &News::Ended { end: &end(Outcome::Superseded), next: None }, false);
    // It completed after all.
    check(&failed, &News::Ended { end: &end(Outcome::Completed), next: None }, false);
    // Nobody gathered any.
    check(&deployment(), &News::Ended { end: &end(Outcome::Stopped), next: None }, false);
    let theirs = Deployment { trigger: Trigger::External, ..failed };
    check(&theirs, &News::Ended { end: &end(Outcome::Failed), next: None }, true);
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

#[test]
fn somebody_else_s_deployment_is_not_blamed_on_slipway() {
    insta::assert_snapshot!(published(&external(), &News::InProgress), @r#"
    Changed outside Slipway: prod/web is getting web:42 with shop/web:1.5.0

    ECS is starting the new tasks of prod/web. Slipway did not start this deployment and does not intervene.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  somebody outside Slipway
    "#);
    insta::assert_snapshot!(ended(&external(), Outcome::RolledBackByEcs), @r#"
    Changed outside Slipway: prod/web was going to run web:42 with shop/web:1.5.0, but ECS rolled back

    The deployment failed. ECS rolled back automatically; prod/web runs the previous version again. Slipway did not start this deployment and does not intervene.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  somebody outside Slipway
    Took          4 min 30 s
    "#);
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
fn what_is_archived_is_restored_by_a_person_or_by_slipway() {
    let said = |decision: &RollbackDecision| {
        let news = News::Ended { end: &end(Outcome::Failed), next: Some(decision) };
        let notice = notice(&failing(FailedBy::Ecs), &news);
        (notice.reason, notice.advice[..2].join("\n"))
    };
    let (reason, advice) = said(&RollbackDecision::ManualAction(ManualAction::NoneUsable(vec![archived()])));
    insta::assert_snapshot!(reason, @"The deployment failed: its container web exited with code 1. Slipway does not roll back, because no known-good revision can be used: web:41 needs shop/web@sha256:aaaaaaaaaaaa, which is archived in ECR. Old tasks that still run keep running. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.");
    insta::assert_snapshot!(advice, @r#"
    Restore shop/web@sha256:aaaaaaaaaaaa: aws ecr update-image-storage-class --repository-name shop/web --image-id imageDigest=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa --target-storage-class STANDARD; when it is ACTIVE, roll back to web:41: run `slipway rollback prod/web --to web:41`, or invoke the deploy function's alias operate with {"action": "rollback", "target": "prod/web", "to": "web:41"}
    Deploy an image that is known to work: run `slipway deploy prod/web --tag …`, or invoke the deploy function's alias operate with {"action": "deploy", "target": "prod/web", "tag": "…"}
    "#);
    let (reason, advice) = said(&restoring());
    insta::assert_snapshot!(reason, @"The deployment failed: its container web exited with code 1. Slipway does not roll back, because no known-good revision can be used now: web:41 needs shop/web@sha256:aaaaaaaaaaaa, which is archived in ECR. Slipway asked ECR to restore what web:41 needs, which takes a while; somebody has to roll back then. Old tasks that still run keep running. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.");
    insta::assert_snapshot!(advice, @r#"
    When ECR has restored its images, roll back to web:41: run `slipway rollback prod/web --to web:41`, or invoke the deploy function's alias operate with {"action": "rollback", "target": "prod/web", "to": "web:41"}
    Deploy an image that is known to work: run `slipway deploy prod/web --tag …`, or invoke the deploy function's alias operate with {"action": "deploy", "target": "prod/web", "tag": "…"}
    "#);
    let mut deployment = rolled_back();
    deployment.in_progress().unwrap().rollback.as_mut().unwrap().passed_over = vec![archived()];
    let notice = notice(&deployment, &News::RollingBack { by: RollbackInitiator::Slipway, to: Some("web:40") });
    insta::assert_snapshot!(notice.reason, @"The deployment failed: its container web exited with code 1, and 3 of its tasks stopped unexpectedly. Slipway is rolling back to web:40, because web:41 needs shop/web@sha256:aaaaaaaaaaaa, which is archived in ECR.");
}

/// Every news, of every record.
fn all() -> Vec<Notice> {
    let decisions = [
        update(),
        RollbackDecision::Update(
            Destination::Anew {
                base: Revision {
                    arn: TaskDefinitionArn::new("web:41"),
                    definition: serde_json::Map::new(),
                    tags: Vec::new(),
                },
                ran: Vec::new(),
                because: RegisterReason::TagMoved,
            }
            .into(),
        ),
        RollbackDecision::NoRollback(NoRollback::Off),
        RollbackDecision::NoRollback(NoRollback::Notify(Box::new(update()))),
        RollbackDecision::ManualAction(ManualAction::IsRollback),
        RollbackDecision::ManualAction(ManualAction::NoneUsable(vec![archived()])),
        restoring(),
    ];
    let outcomes = [
        Outcome::Completed,
        Outcome::Failed,
        Outcome::Superseded,
        Outcome::RolledBackByEcs,
        Outcome::RolledBackBySlipway,
        Outcome::RollbackFailed,
        Outcome::Stopped,
        Outcome::TimedOut,
        Outcome::External,
    ];
    let ends = outcomes.map(end);
    let bare = Deployment { image: None, revision: RevisionChange::default(), ..failing(FailedBy::Ecs) };
    let state = record::DeploymentState::Intended { previous_primary: None };
    let nobody = Deployment { state, event: None, ..bare.clone() };
    let mut notices = Vec::new();
    for deployment in
        [deployment(), failing(FailedBy::Tasks), failing(FailedBy::Deadline), rolled_back(), external(), bare, nobody]
    {
        let mut news = vec![News::InProgress];
        news.extend(
            [RollbackInitiator::Ecs, RollbackInitiator::Slipway, RollbackInitiator::Somebody]
                .map(|by| News::RollingBack { by, to: None }),
        );
        for end in &ends {
            news.push(News::Ended { end, next: None });
            news.extend(decisions.iter().map(|next| News::Ended { end, next: Some(next) }));
        }
        notices.extend(news.iter().map(|news| notice(&deployment, news)));
    }
    notices
}

#[test]
fn every_notice_reads_as_sentences() {
    for notice in all() {
        for text in [&notice.headline, &notice.reason] {
            for blot in ["  ", "..", " .", " ,", "None", "Some(", ". .", ":.", "the the"] {
                assert!(!text.contains(blot), "{blot:?} in {text:?}");
            }
        }
        assert!(notice.reason.ends_with(['.', '"']), "{}", notice.reason);
        assert!(!notice.headline.ends_with(['.', ',', ' ']), "{}", notice.headline);
        assert!(notice.advice.iter().all(|advice| !advice.ends_with('.')), "{:?}", notice.advice);
        assert_eq!(Notice::parse(&notice.json()), Some(notice));
    }
}

#[test]
fn the_same_observed_twice_makes_a_copy_and_the_rank_only_grows() {
    let id = |deployment: &Deployment, news: &News<'_>| notice(deployment, news).id;
    let completed = end(Outcome::Completed);
    let done = News::Ended { end: &completed, next: None };
    assert_eq!(id(&deployment(), &done), "ecs-svc/2/completed");
    assert_eq!(id(&external(), &done), "ecs-svc/2/external/completed");
    assert_eq!(
        id(&rolled_back(), &News::RollingBack { by: RollbackInitiator::Slipway, to: None }),
        "ecs-svc/2/rolling_back"
    );
    let ranks = [NoticeKind::Started, NoticeKind::InProgress, NoticeKind::RollingBack, NoticeKind::RolledBack];
    let ranks = ranks.map(NoticeKind::rank);
    assert!(ranks.is_sorted_by(|one, next| one < next));
    for notice in all().iter().filter(|notice| notice.id.starts_with("ecs-svc/2/") && !notice.id.contains("external")) {
        let ending = !matches!(notice.kind, NoticeKind::InProgress | NoticeKind::RollingBack | NoticeKind::External);
        assert_eq!(notice.kind.rank() == 4, ending, "{:?}", notice.kind);
    }
    // An end is an assessment too.
    assert!(matches!(Assessment::from(completed), Assessment::Ended(_)));
}

#[test]
fn a_placeholder_of_others_is_no_decision_and_an_older_image_is_one() {
    let placeholder = Deployment { image: None, ..external() };
    let text = ended(&placeholder, Outcome::Completed);
    println!("{text}");
    assert!(text.contains("so it counts as a placeholder and not as a decision."), "{text}");
    assert!(text.contains("\n- To end this, let the tool leave the service's task definition alone"), "{text}");
    assert_eq!(
        notice(&placeholder, &News::Ended { end: &end(Outcome::Completed), next: None }).severity,
        Severity::Warning
    );
    let text = published(&placeholder, &News::InProgress);
    assert!(text.starts_with("Changed outside Slipway: prod/web is getting web:42 with a placeholder image"), "{text}");
    let text = ended(&external(), Outcome::Completed);
    assert!(text.contains("It counts as a decision: from now on, only images that are pushed later"), "{text}");
}
