//! What CodeDeploy carries out: the same words, and its name where it acts.

use super::*;

pub(super) fn by_code_deploy(mut deployment: Deployment) -> Deployment {
    deployment.in_progress().unwrap().deployment = DeploymentId::new("d-7QK2M9X4P");
    deployment
}

/// What happened, in its sentences; the rest is as for a deployment of ECS's own.
fn sentences(deployment: &Deployment, news: &News<'_>) -> String {
    let notice = notice(&by_code_deploy(deployment.clone()), news);
    format!("{}\n{}", notice.headline, notice.reason)
}

#[test]
fn it_goes_well() {
    insta::assert_snapshot!(published(&by_code_deploy(deployment()), &News::InProgress), @r#"
    In progress on prod/web: shop/web:1.5.0 (was 1.4.2)

    CodeDeploy is starting the new tasks of prod/web.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    d-7QK2M9X4P
    Triggered by  an image push (event 13cde686)
    "#);
    insta::assert_snapshot!(sentences(&deployment(), &News::Reached(Milestone::Serving)), @r#"
    Serving on prod/web: shop/web:1.5.0 takes all traffic
    The new tasks take all production traffic. Until the deployment has ended, CodeDeploy keeps the old tasks to go back to.
    "#);
    let ready = hook(OnTimeout::RollsBack);
    let ready = News::Paused { hook: &ready, stage: Some(Stage::Ready), since: Some(time("17:01:00")), again: false };
    insta::assert_snapshot!(sentences(&deployment(), &ready), @r#"
    Paused on prod/web: shop/web:1.5.0 waits for somebody to continue it
    The deployment has been waiting at the stage "ready to shift traffic" since 2026-09-04 17:01 UTC, because its deployment group is set to wait, for somebody to continue it or roll it back. If nobody does by 2026-09-04 18:01 UTC, CodeDeploy stops it.
    "#);
}

#[test]
fn it_fails() {
    let back = News::RollingBack { by: RollbackInitiator::Ecs, to: Some("web:41") };
    insta::assert_snapshot!(sentences(&failing(FailedBy::Ecs), &back), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, CodeDeploy is rolling back to 1.4.2
    The deployment failed: its container web exited with code 1. CodeDeploy is rolling back to web:41 automatically; Slipway does not intervene.
    "#);
    let alarm = "ALARM_ACTIVE: One or more alarms have been activated.".to_owned();
    let done = End { says: Some(alarm), ..end(Outcome::RolledBackByEcs) };
    let done = News::Ended { end: &done, next: None };
    insta::assert_snapshot!(sentences(&failing(FailedBy::Ecs), &done), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again
    The deployment failed: its container web exited with code 1. CodeDeploy rolled back automatically; prod/web runs the previous version again. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.
    CodeDeploy says: "ALARM_ACTIVE: One or more alarms have been activated."
    "#);
    insta::assert_snapshot!(sentences(&external(), &done), @r#"
    Changed outside Slipway: prod/web was going to run web:42 with shop/web:1.5.0, but CodeDeploy rolled back
    The deployment failed. CodeDeploy rolled back automatically; prod/web runs the previous version again. Slipway did not start this deployment and does not intervene.
    CodeDeploy says: "ALARM_ACTIVE: One or more alarms have been activated."
    "#);
    let somebody = News::RollingBack { by: RollbackInitiator::Somebody, to: None };
    insta::assert_snapshot!(sentences(&deployment(), &somebody), @r#"
    Deploy stopped on prod/web: shop/web:1.5.0, CodeDeploy is rolling back to 1.4.2
    Somebody stopped the deployment, and CodeDeploy is rolling back to the previous version.
    "#);
}

#[test]
fn it_fails_and_nobody_rolls_back() {
    let timeout = "TIMEOUT: The replacement task set did not become healthy.".to_owned();
    let kept = End { says: Some(timeout), ..end(Outcome::Failed) };
    insta::assert_snapshot!(sentences(&failing(FailedBy::Ecs), &News::Ended { end: &kept, next: None }), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, its container web exited with code 1
    The deployment failed: its container web exited with code 1. It never took all production traffic: the previous version kept serving. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.
    CodeDeploy says: "TIMEOUT: The replacement task set did not become healthy."
    "#);
    let off = RollbackDecision::NoRollback(NoRollback::Off);
    let serves = News::Ended { end: &end(Outcome::Failed), next: Some(&off) };
    insta::assert_snapshot!(sentences(&deployment(), &serves), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, CodeDeploy gives no reason
    The deployment failed. Slipway does not roll back, because the target says "rollback: off". Old tasks that still run keep running. shop/web:1.5.0 is quarantined here: no push, retry or reconcile deploys it again until somebody releases it.
    "#);
}

#[test]
fn nobody_reads_that_ecs_does_what_codedeploy_does() {
    for notice in every::all().iter().filter(|it| it.deployment == by_code_deploy(deployment()).id().cloned()) {
        for text in notice.advice.iter().chain([&notice.headline, &notice.reason]) {
            assert!(!text.contains("ECS"), "{text}");
        }
    }
}
