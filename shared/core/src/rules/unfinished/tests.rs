//! What the record means for what comes next: what was begun and not finished, what was not published, what must wait for it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::model::facts::{DeploymentFacts as EcsDeployment, RanImage, Revision, Rollout, Strategy};
use crate::model::id::EventId;
use crate::model::image::Tag;
use crate::model::record::{
    self, Blocked, Decision, DecisionKind, DeploymentState, Ended, Outcome, Pending, PendingInput, Progress,
};
use crate::model::trigger::Trigger;
use crate::rules::adoption::{external, first_observation, knows_what_ran};
use crate::rules::candidate::By;
use crate::rules::gates::undisturbed;
use crate::rules::note::is_first_observation;
use crate::rules::situation::{self, with_state};

fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}Z").parse().unwrap()
}

fn deployment(id: &str, revision: &str, made: &str, rollout: Rollout) -> EcsDeployment {
    EcsDeployment {
        id: DeploymentId::new(id),
        status: "PRIMARY".to_owned(),
        task_definition: TaskDefinitionArn::new(revision),
        rollout: Some(rollout),
        rollout_reason: None,
        created_at: Some(at(made)),
        updated_at: Some(at(made)),
        failed_tasks: 0,
        desired_count: 2,
        running_count: 2,
        pending_count: 0,
    }
}

fn service(primary: EcsDeployment) -> ServiceFacts {
    ServiceFacts { task_definition: primary.task_definition.clone(), ..situation::service(vec![primary]) }
}

/// An intent of 10:00:00, when `ecs-svc/1` was the PRIMARY.
fn intended(number: u64, more: serde_json::Value) -> record::Deployment {
    let mut deployment = json!({ "number": number, "trigger": "push", "event": "e-1", "request": "r-1",
        "intended_at": at("10:00:00"), "over": "ecs-svc/1", "revision": { "old": "web:1", "new": null } });
    for (name, value) in more.as_object().unwrap() {
        deployment[name] = value.clone();
    }
    serde_json::from_value(with_state(deployment)).unwrap()
}

/// The same, when it began as this deployment.
fn begun(number: u64, id: &str, more: serde_json::Value) -> record::Deployment {
    let state = DeploymentState::InProgress(Progress::of(DeploymentId::new(id), at("10:00:02")));
    record::Deployment { state, ..intended(number, more) }
}

/// The same, when it ended so.
fn ended(outcome: Outcome, more: serde_json::Value) -> record::Deployment {
    let begun = begun(1, "ecs-svc/2", more);
    let progress = begun.progress().cloned();
    let state = DeploymentState::Ended(Ended {
        outcome,
        at: at("10:05:00"),
        reason: None,
        external: None,
        corrected_from: None,
        progress,
    });
    record::Deployment { state, ..begun }
}

fn record(deployments: Vec<record::Deployment>) -> Service {
    let decision = Decision { what: DecisionKind::Adopted, at: at("09:00:00"), who: None };
    Service { deployments, decision: Some(decision), ..Service::default() }
}

#[test]
fn what_runs_is_adopted_once_and_is_known_good_if_it_won() {
    let service = service(deployment("ecs-svc/1", "web:1", "08:00:00", Rollout::Completed));
    let note = first_observation(&service, &[], None, at("10:00:00"));
    let mut record = Service::default();
    assert!(is_first_observation(&record));
    note.write(&mut record);
    note.write(&mut record);
    assert_eq!(record.decision.as_ref().unwrap().at, at("08:00:00"));
    assert_eq!(record.known_good.iter().map(|it| it.revision.as_str()).collect::<Vec<_>>(), ["web:1"]);
    assert!(!is_first_observation(&record));
    let under_way = self::service(deployment("ecs-svc/1", "web:1", "08:00:00", Rollout::InProgress));
    let Note::Adopted(good, _) = first_observation(&under_way, &[], None, at("10:00:00")) else { panic!() };
    assert_eq!(good, None, "nobody knows yet whether it is good");
    // The reconcile's first look decides as of now.
    let Note::Adopted(_, decision) = first_observation(&service, &[], Some(at("10:00:00")), at("10:00:00")) else {
        panic!()
    };
    assert_eq!(decision.at, at("10:00:00"));
}

#[test]
fn an_update_that_nobody_remembers_is_somebody_elses() {
    #[track_caller]
    fn check(record: &Service, primary: EcsDeployment, expected: Option<&str>) {
        let note = external(record, &service(primary), |_| false);
        let shown = note.map(|note| match note {
            Note::Decided(decision) => decision.at.to_string(),
            other => format!("{other:?}"),
        });
        assert_eq!(shown.as_deref(), expected);
    }
    let other = || deployment("ecs-svc/9", "web:7", "10:30:00", Rollout::InProgress);
    check(&record(Vec::new()), other(), Some("2026-11-21T10:30:00Z"));
    check(&record(vec![begun(1, "ecs-svc/9", json!({}))]), other(), None);
    check(&Service::default(), other(), None);
    check(&record(Vec::new()), deployment("ecs-svc/1", "web:1", "08:00:00", Rollout::Completed), None);
    // ECS's rollback is nobody's decision.
    let mut back = deployment("ecs-svc/9", "web:1", "10:30:00", Rollout::InProgress);
    back.rollout_reason = Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.".to_owned());
    check(&record(Vec::new()), back.clone(), None);
    back.rollout_reason = None;
    let failed = ended(Outcome::RolledBackByEcs, json!({}));
    check(&record(vec![failed.clone()]), back.clone(), None);
    // What somebody did unobserved before it, and ECS puts back, is theirs.
    back.created_at = Some(at("09:59:00"));
    check(&record(vec![failed]), back, Some("2026-11-21T09:59:00Z"));
    // Slipway's own rollback to what was registered anew, while nobody has written down its name.
    let rolled_back = |outcome: Option<Outcome>| {
        let rollback = json!({ "how": "update", "at": at("10:29:59") });
        record(vec![intended(1, json!({ "deployment": "ecs-svc/2", "outcome": outcome, "rollback": rollback }))])
    };
    check(&rolled_back(None), other(), None);
    check(&rolled_back(Some(Outcome::Failed)), other(), Some("2026-11-21T10:30:00Z"));
}

#[test]
fn an_unanswered_update_took_effect_if_a_new_deployment_runs_what_it_meant() {
    let revision = |tags: Vec<(&str, &str)>| {
        let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:{}", "1".repeat(64));
        let definition = json!({ "containerDefinitions": [{ "name": "web", "image": image }] });
        Revision {
            arn: TaskDefinitionArn::new("web:2"),
            definition: definition.as_object().unwrap().clone(),
            tags: tags.into_iter().map(|(key, value)| (format!("slipway:{key}"), value.to_owned())).collect(),
        }
    };
    let digest = format!("sha256:{}", "1".repeat(64));
    let check = |on_record: &record::Deployment, id: &str, request: &str| {
        let revision = revision(vec![("event", "e-1"), ("digest", &digest), ("request", request)]);
        let revisions = HashMap::from([(revision.arn.clone(), revision)]);
        let service = service(deployment(id, "web:2", "10:00:01", Rollout::InProgress));
        let record = record(vec![on_record.clone()]);
        let intent = Intent { record: &record, deployment: on_record, service: &service, revisions: &revisions };
        matches!(resolve(&intent, &[]), Note::Began(1, ..))
    };
    let intent = intended(1, json!({}));
    assert!(check(&intent, "ecs-svc/2", "r-1"));
    assert!(check(&intent, "ecs-svc/2", "r-2"), "of a revision that an earlier try registered");
    assert!(!check(&intended(1, json!({ "event": "e-2" })), "ecs-svc/2", "r-1"), "another event's");
    assert!(!check(&intent, "ecs-svc/1", "r-1"), "it was there before");
    let existing = intended(1, json!({ "request": "r-9", "revision": { "old": "web:2", "new": "web:2" } }));
    assert!(check(&existing, "ecs-svc/2", "r-1"), "a forced deployment of the same revision");
}

#[test]
fn nothing_comes_by_itself_before_what_failed_is_judged() {
    #[track_caller]
    fn check(open: record::Deployment, primary: EcsDeployment, expected: usize) {
        let record = record(vec![open]);
        assert_eq!(unjudged(&record, &service(primary)).count(), expected);
    }
    let open = || begun(1, "ecs-svc/2", json!({}));
    let old = || deployment("ecs-svc/1", "web:1", "08:00:00", Rollout::Completed);
    check(open(), old(), 1);
    check(open(), deployment("ecs-svc/1", "web:1", "10:00:01", Rollout::InProgress), 1);
    check(open(), deployment("ecs-svc/1", "web:1", "10:00:02", Rollout::InProgress), 0);
    check(open(), deployment("ecs-svc/2", "web:2", "10:00:02", Rollout::InProgress), 0);
    check(open(), deployment("ecs-svc/3", "web:3", "10:01:00", Rollout::InProgress), 0);
    check(ended(Outcome::Failed, json!({})), old(), 0);
    check(intended(1, json!({})), old(), 0);
    check(begun(1, "ecs-svc/2", json!({ "trigger": "external" })), old(), 0);
}

#[test]
fn nobody_waits_for_what_failed_for_good_but_for_a_rollback() {
    #[track_caller]
    fn check(ended: record::Deployment, primary: EcsDeployment, waits: bool) {
        let record = record(vec![ended]);
        let service = ServiceFacts { strategy: Strategy::BlueGreen, ..service(primary) };
        let tag = Tag::parse("1.0.0").unwrap();
        assert_eq!(undisturbed(&service, &record, By::Push(&tag)).is_err(), waits);
    }
    let own = || deployment("ecs-svc/2", "web:2", "10:00:02", Rollout::InProgress);
    let back = || deployment("ecs-svc/3", "web:1", "10:05:00", Rollout::InProgress);
    let ecs_back = || EcsDeployment {
        rollout_reason: Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.".to_owned()),
        ..back()
    };
    let rolled_back = |outcome: Outcome| {
        let mut it = ended(outcome, json!({}));
        let rollback = json!({ "how": "update", "at": at("10:04:00"), "deployment": "ecs-svc/3" });
        if let DeploymentState::Ended(Ended { progress: Some(progress), .. }) = &mut it.state {
            progress.rollback = serde_json::from_value(rollback).unwrap();
        }
        it
    };
    check(begun(1, "ecs-svc/2", json!({})), own(), true);
    check(ended(Outcome::TimedOut, json!({})), own(), false);
    check(ended(Outcome::Superseded, json!({})), own(), true);
    // Somebody's update had ended the deployment before Slipway's rollback went through.
    check(rolled_back(Outcome::Failed), back(), true);
    check(rolled_back(Outcome::RollbackFailed), back(), false);
    check(rolled_back(Outcome::RolledBackByEcs), ecs_back(), true);
    check(rolled_back(Outcome::RollbackFailed), ecs_back(), false);
    // ECS went back after the deployment had ended, and its tasks stop again and again.
    check(rolled_back(Outcome::TimedOut), ecs_back(), true);
    let crashing = |failed_tasks: i32| EcsDeployment { failed_tasks, ..ecs_back() };
    check(rolled_back(Outcome::TimedOut), crashing(2), true);
    check(rolled_back(Outcome::TimedOut), crashing(3), false);
    check(rolled_back(Outcome::Failed), crashing(3), false);
    check(rolled_back(Outcome::RolledBackByEcs), crashing(3), true);
    check(ended(Outcome::External, json!({})), crashing(2), true);
    check(ended(Outcome::External, json!({})), crashing(3), false);
    // It went back to what is older, and says nothing of it, as where ECS tells no rollout state.
    let silent = |failed_tasks: i32| EcsDeployment {
        failed_tasks,
        ..deployment("ecs-svc/1", "web:1", "09:00:00", Rollout::InProgress)
    };
    check(ended(Outcome::TimedOut, json!({})), silent(2), true);
    check(ended(Outcome::TimedOut, json!({})), silent(3), false);
    check(begun(1, "ecs-svc/2", json!({})), crashing(3), true);
}

#[test]
fn what_was_archived_is_nobody_elses() {
    let all = (1..=record::RECENT as u64).rev().map(|number| {
        let began = at("10:00:00") + jiff::SignedDuration::from_secs(number as i64);
        let state = DeploymentState::InProgress(Progress::of(DeploymentId::new(format!("ecs-svc/{number}")), began));
        record::Deployment { state, ..intended(number, json!({})) }
    });
    let full = record(all.collect());
    let mut service = service(deployment("ecs-svc/10", "web:2", "10:00:10", Rollout::InProgress));
    let other = |made: &str| EcsDeployment {
        status: "ACTIVE".to_owned(),
        ..deployment("ecs-svc/0", "web:2", made, Rollout::InProgress)
    };
    service.deployments.push(other("10:00:01"));
    assert_eq!(external(&full, &service, |_| false), None);
    service.deployments[1] = other("10:00:02");
    assert!(external(&full, &service, |_| false).is_some());
}

#[test]
fn what_began_and_is_not_published_is_published_by_the_next_invocation() {
    let began = begun(2, "ecs-svc/2", json!({ "revision": { "old": "web:1", "new": "web:2" } }));
    let mut record = record(vec![intended(3, json!({})), began]);
    assert_eq!(unpublished(&record).iter().map(|it| it.number).collect::<Vec<_>>(), [2]);
    Note::Published(Some(2), "ecs-svc/2/started".to_owned()).write(&mut record);
    assert!(unpublished(&record).is_empty());
    for over in [json!({ "outcome": "superseded" }), json!({ "trigger": "external" })] {
        let mut it = json!({ "deployment": "ecs-svc/2" });
        it.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        assert!(
            unpublished(&self::record(vec![intended(2, it)])).is_empty(),
            "its end is published, or nothing: {over}"
        );
    }
    let plan = late_plan(&crate::model::id::TargetName::new("prod/web"), &record.deployments[1]);
    assert_eq!(plan.running.unwrap().short(), "web:1");
}

#[test]
fn an_answer_older_than_the_last_update_is_stale() {
    let began = begun(1, "ecs-svc/2", json!({}));
    let record = record(vec![began]);
    let before = service(deployment("ecs-svc/1", "web:1", "08:00:00", Rollout::Completed));
    assert!(is_stale(&record, &before, at("10:00:03")));
    assert!(!is_stale(&record, &before, at("10:05:00")), "by then it is the truth");
    assert!(is_stale(&record, &before, at("10:01:01")));
    assert!(!is_stale(&record, &before, at("10:01:02")), "ECS lags for a minute at most");
    let ended = self::record(vec![intended(
        1,
        json!({
            "deployment": "ecs-svc/2", "began_at": at("10:00:02"), "outcome": "superseded",
        }),
    )]);
    assert!(!is_stale(&ended, &before, at("10:00:03")), "what has ended need not be listed any more");
    let newer = |made: &str| service(deployment("ecs-svc/3", "web:3", made, Rollout::InProgress));
    assert!(!is_stale(&record, &newer("10:00:02"), at("10:00:03")), "somebody deployed in the same second");
    assert!(is_stale(&record, &newer("10:00:01"), at("10:00:03")));
    let after = service(deployment("ecs-svc/2", "web:2", "10:00:02", Rollout::InProgress));
    assert!(!is_stale(&record, &after, at("10:00:03")));
}

#[test]
fn what_waits_to_decide_again_waits_once() {
    let input = |event: &str| PendingInput::again(EventId::new(event), Trigger::Reconcile, at("10:00:00"));
    let blocked = |input: PendingInput| Pending { input, blocked: Some(Blocked::Deployment) };
    let mut record = Service::default();
    for event in ["1", "2", "3"] {
        Note::Blocked(input(event), Blocked::Deployment).write(&mut record);
    }
    assert_eq!(record.pending, [blocked(input("1"))]);

    let release = |event: &str| {
        PendingInput::again(EventId::new(event), Trigger::Release, at("10:01:00"))
            .by(Some("dana".to_owned()), Some("the migration is done".to_owned()))
    };
    for release in [release("4"), release("5")] {
        Note::Blocked(release, Blocked::Deployment).write(&mut record);
    }
    assert_eq!(record.pending, [blocked(release("4"))], "who asked for it is what people want to read");
    Note::Blocked(input("6"), Blocked::Deployment).write(&mut record);
    assert_eq!(record.pending, [blocked(release("4"))], "and it stays");
    // A push waits beside it, and is no longer left for the holder of the lease.
    let push = PendingInput { tag: Tag::parse("1.5.0"), trigger: Trigger::Push, ..input("7") };
    record.leave(push.clone());
    record.leave(input("8"));
    Note::Blocked(push.clone(), Blocked::Deployment).write(&mut record);
    let left = Pending { input: input("8"), blocked: None };
    assert_eq!(record.pending, [blocked(release("4")), left, blocked(push)]);
}

#[test]
fn a_deadline_that_is_past_or_whose_deployment_ended_is_due_now() {
    let open = begun(1, "ecs-svc/2", json!({ "deadline": at("10:30:00") }));
    let record = record(vec![open]);
    let goes_on = service(deployment("ecs-svc/2", "web:2", "10:00:02", Rollout::InProgress));
    let ended = service(deployment("ecs-svc/2", "web:2", "10:00:02", Rollout::Completed));
    assert_eq!(overdue(&record, Some(&goes_on), at("10:05:00")), [(1, Some(at("10:30:00")))]);
    assert_eq!(overdue(&record, Some(&goes_on), at("10:30:00")), [(1, None)]);
    assert_eq!(overdue(&record, Some(&ended), at("10:05:00")), [(1, None)]);
    assert_eq!(overdue(&record, None, at("10:05:00")), [(1, None)]);
    let mut replaced = goes_on.clone();
    replaced.deployments[0].status = "ACTIVE".to_owned();
    assert_eq!(overdue(&record, Some(&replaced), at("10:05:00")), [(1, None)], "another one is the PRIMARY");
    let over = |published: &[&str]| {
        self::record(vec![self::ended(Outcome::Failed, json!({ "deadline": at("10:30:00"), "published": published }))])
    };
    assert_eq!(
        overdue(&over(&["ecs-svc/2/started"]), Some(&goes_on), at("10:05:00")),
        [(1, None)],
        "of an unpublished end"
    );
    assert_eq!(overdue(&over(&["ecs-svc/2/failed"]), Some(&goes_on), at("10:05:00")), []);
    let theirs = |outcome: Option<Outcome>, published: &[&str]| {
        let mut it = self::ended(Outcome::External, json!({ "trigger": "external", "published": published }));
        let DeploymentState::Ended(ended) = &mut it.state else { panic!() };
        ended.external = outcome;
        overdue(&self::record(vec![it]), Some(&goes_on), at("10:05:00"))
    };
    let superseded = Some(Outcome::Superseded);
    assert_eq!(theirs(superseded, &[]), [(1, None)], "of an unpublished end of somebody else's");
    assert_eq!(theirs(superseded, &["ecs-svc/2/external/superseded"]), []);
    assert_eq!(theirs(None, &["ecs-svc/2/external/completed"]), [], "as versions before wrote it");
}

#[test]
fn what_a_known_good_revision_ran_is_noted_once() {
    let ran = |digit: &str| {
        let digest = crate::model::image::Digest::parse(&format!("sha256:{}", digit.repeat(64)));
        let image = RanImage { container: "web".to_owned(), image: "shop/web:prod".to_owned(), digest };
        vec![image]
    };
    let good = |revision: &str| record::KnownGood {
        revision: TaskDefinitionArn::new(revision),
        ran: Vec::new(),
        at: at("09:00:00"),
    };
    let mut record = Service { known_good: vec![good("web:2"), good("web:1")], ..Service::default() };
    for digit in ["a", "b"] {
        Note::Ran(TaskDefinitionArn::new("web:1"), ran(digit)).write(&mut record);
    }
    assert_eq!(record.known_good.iter().map(|it| it.ran.clone()).collect::<Vec<_>>(), [Vec::new(), ran("a")]);
    assert_eq!((ran("a").len(), ran("a")[0].container.as_str()), (1, "web"));
}

#[test]
fn what_slipway_brought_or_saw_run_well_need_not_be_asked_for() {
    let arn = |number: u32| format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{number}");
    #[track_caller]
    fn check(record: &Service, revision: &str, expected: bool) {
        assert_eq!(knows_what_ran(record, &TaskDefinitionArn::new(revision)), expected);
    }
    let good = record::KnownGood { revision: TaskDefinitionArn::new(arn(1)), ran: Vec::new(), at: at("09:00:00") };
    let known = Service { known_good: vec![good], ..Service::default() };
    check(&known, &arn(1), true);
    check(&known, &arn(2), false);
    let brought = |trigger: &str| {
        let revision = json!({ "old": "web:1", "new": "web:2" });
        record(vec![intended(1, json!({ "trigger": trigger, "revision": revision }))])
    };
    check(&brought("push"), &arn(2), true);
    check(&brought("push"), &arn(1), false);
    check(&brought("external"), &arn(2), false);
}

#[test]
fn what_puts_the_service_back_is_no_decision() {
    // web:1 is the PRIMARY again, as a deployment of 10:30.
    #[track_caller]
    fn check(last: serde_json::Value, expected: bool) {
        let back = deployment("ecs-svc/9", "web:1", "10:30:00", Rollout::InProgress);
        assert_eq!(external(&record(vec![intended(1, last)]), &service(back), |_| false).is_some(), expected);
    }
    let failing = json!({ "at": at("10:20:00"), "cause": "its tasks stopped" });
    let rollback = |to: &str| json!({ "how": "update", "at": at("10:20:00"), "to": to, "deployment": "ecs-svc/8" });
    let old = json!({ "old": "web:1", "new": "web:2" });
    check(json!({ "deployment": "ecs-svc/2", "failing": failing }), false);
    check(json!({ "deployment": "ecs-svc/2", "outcome": "failed" }), false);
    check(json!({ "deployment": "ecs-svc/2", "outcome": "completed" }), true);
    check(json!({ "deployment": "ecs-svc/2", "revision": old, "rollback": rollback("web:0") }), false);
    let other = json!({ "old": "web:0", "new": "web:2" });
    check(json!({ "deployment": "ecs-svc/2", "revision": other, "rollback": rollback("web:1") }), false);
    check(json!({ "deployment": "ecs-svc/2", "revision": other, "rollback": rollback("web:0") }), true);
}

#[test]
fn somebody_s_update_is_noted_once() {
    // What was decided in the second of the deployment is that deployment.
    let decided = |when: &str| {
        let decision = Decision { what: DecisionKind::External, at: at(when), who: None };
        Service { decision: Some(decision), ..Service::default() }
    };
    let other = service(deployment("ecs-svc/9", "web:7", "10:30:00", Rollout::InProgress));
    assert!(external(&decided("10:29:59"), &other, |_| false).is_some());
    assert!(external(&decided("10:30:00"), &other, |_| false).is_none());
}

#[test]
fn a_notice_that_was_lost_says_what_the_record_remembers() {
    #[track_caller]
    fn check(trigger: &str, tag: Option<&str>, expected: &str) {
        let digest = format!("sha256:{}", "b".repeat(64));
        let image = json!({ "repository": "shop/web", "old": null, "new": { "tag": tag, "digest": digest } });
        let revision = json!({ "old": "web:1", "new": "web:2" });
        let it = intended(1, json!({ "trigger": trigger, "image": image, "revision": revision }));
        let plan = late_plan(&crate::model::id::TargetName::new("prod/web"), &it);
        assert_eq!(plan.image, it.image);
        assert_eq!(plan.reason.code(), expected);
    }
    check("push", Some("1.5.0"), "pushed");
    check("push", None, "asked");
    check("deploy", Some("1.5.0"), "asked");
    check("redeploy", Some("1.5.0"), "redeploy_forced");
    check("rollback", Some("1.5.0"), "rollback_asked");
    check("reconcile", Some("1.5.0"), "reconciled");
    check("release", None, "reconciled");
}
