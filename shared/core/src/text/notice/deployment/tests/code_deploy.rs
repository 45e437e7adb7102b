//! What CodeDeploy carries out: the same words, and its name where it acts.

use super::*;

fn by_code_deploy(mut deployment: Deployment) -> Deployment {
    deployment.in_progress().unwrap().deployment = DeploymentId::new("d-7QK2M9X4P");
    deployment
}

/// The sentences without the table: what happened, and what can be done.
fn sentences(deployment: &Deployment, news: &News<'_>) -> String {
    let notice = notice(&by_code_deploy(deployment.clone()), news);
    let advice: Vec<String> = notice.advice.iter().map(|line| format!("\n- {line}")).collect();
    format!("{}\n{}{}", notice.headline, notice.reason, advice.concat())
}

#[test]
fn it_goes_well() {
    insta::assert_snapshot!(published(&by_code_deploy(deployment()), &News::InProgress), @"");
    insta::assert_snapshot!(sentences(&deployment(), &News::Reached(Milestone::Serving)), @"");
    let ready = hook(OnTimeout::RollsBack);
    let ready = News::Paused { hook: &ready, stage: Some(Stage::Ready), since: Some(time("17:01:00")), again: false };
    insta::assert_snapshot!(sentences(&deployment(), &ready), @"");
}

#[test]
fn it_fails() {
    let back = News::RollingBack { by: RollbackInitiator::Ecs, to: Some("web:41") };
    insta::assert_snapshot!(sentences(&failing(FailedBy::Ecs), &back), @"");
    let says = "ALARM_ACTIVE: One or more alarms have been activated.".to_owned();
    let done = End { says: Some(says), ..end(Outcome::RolledBackByEcs) };
    insta::assert_snapshot!(sentences(&failing(FailedBy::Ecs), &News::Ended { end: &done, next: None }), @"");
    let says = "TIMEOUT: The replacement task set did not become healthy.".to_owned();
    let kept = End { says: Some(says), ..end(Outcome::Failed) };
    insta::assert_snapshot!(sentences(&deployment(), &News::Ended { end: &kept, next: None }), @"");
    let off = RollbackDecision::NoRollback(NoRollback::Off);
    let left = News::Ended { end: &end(Outcome::Failed), next: Some(&off) };
    insta::assert_snapshot!(sentences(&failing(FailedBy::Ecs), &left), @"");
    let somebody = News::RollingBack { by: RollbackInitiator::Somebody, to: None };
    insta::assert_snapshot!(sentences(&deployment(), &somebody), @"");
    insta::assert_snapshot!(sentences(&external(), &News::Ended { end: &done, next: None }), @"");
}
