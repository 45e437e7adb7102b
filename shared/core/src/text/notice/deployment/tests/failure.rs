//! A deployment that fails: why, who rolls back, and what a person can do.

use super::*;

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
