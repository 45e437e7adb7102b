//! The table: which request was carried out before.

use serde_json::json;

use super::*;
use crate::model::facts::{DeploymentFacts, Rollout};
use crate::model::id::DeploymentId;
use crate::model::image::Digest;
use crate::model::trigger::Trigger;
use crate::rules::situation::{at, primary as primary_of, recorded, service};

fn revision(number: u32, id: Option<&str>) -> Revision {
    let arn = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{number}");
    let provenance = id.map(|id| Provenance {
        repository: "shop/web".to_owned(),
        tag: None,
        digest: Digest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap(),
        pushed_at: None,
        event: EventId::new(id),
        request: None,
        trigger: Trigger::Deploy,
        previous: None,
        definition: None,
    });
    let tags = provenance.map(|it| it.tags()).unwrap_or_default();
    let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:{}", "b".repeat(64));
    let definition = json!({ "containerDefinitions": [{ "name": "web", "image": image }] });
    Revision { arn: TaskDefinitionArn::new(arn), definition: definition.as_object().unwrap().clone(), tags }
}

fn record(deployment: serde_json::Value) -> Service {
    serde_json::from_value(json!({ "version": 1, "deployments": [deployment] })).unwrap()
}

#[test]
fn a_repeated_request_is_known_by_its_id() {
    let id = EventId::new("build-7");
    let at = "2026-11-21T10:00:00Z";
    let began = json!({ "number": 1, "trigger": "deploy", "event": "build-7", "intended_at": at,
        "state": { "in_progress": { "deployment": "ecs-svc/2", "began_at": at } },
        "revision": { "old": "web:1", "new": "web:2" } });
    assert!(done_by_record(&record(began.clone()), &id).is_some());
    assert!(done_by_record(&record(began), &EventId::new("build-8")).is_none());
    let intended = json!({ "number": 1, "trigger": "deploy", "event": "build-7", "intended_at": at,
        "state": { "intended": {} } });
    assert!(done_by_record(&record(intended), &id).is_none(), "an intent is not done");
}

/// ana's rollback to web:1 of 10:00, as ecs-svc/2; the second request comes at `now`, to `to`.
#[test]
fn the_same_rollback_again_is_done_while_it_is_the_last_word() {
    #[track_caller]
    fn check(change: serde_json::Value, primary: &str, to: Option<&str>, now: &str, expected: bool) {
        let mut first = json!({ "trigger": "rollback", "event": "ask-1", "revision": { "old": "web:2", "new": "web:1" },
            "number": 1, "intended_at": at("10:00:00"), "deployment": "ecs-svc/2" });
        first.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let record = Service { deployments: vec![recorded(1, first)], ..Service::default() };
        let service =
            service(vec![DeploymentFacts { id: DeploymentId::new(primary), ..primary_of(Rollout::InProgress) }]);
        let reason = done_lately(&record, &service, to, at(now));
        let done = Reason::AlreadyDone { id: "ask-1".to_owned(), revision: "web:1".to_owned() };
        assert_eq!(reason, expected.then_some(done));
    }
    let (same, arn) = ("ecs-svc/2", "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1");
    check(json!({}), same, None, "10:00:10", true);
    check(json!({}), same, None, "10:05:00", true);
    check(json!({}), same, None, "10:05:01", false);
    check(json!({ "outcome": "completed" }), same, None, "10:04:00", true);
    // To another revision, or in other words to the same one.
    check(json!({}), same, Some("web:3"), "10:00:10", false);
    check(json!({}), same, Some("web:1"), "10:00:10", true);
    check(json!({ "requested_revision": "web:1" }), same, Some(arn), "10:00:10", true);
    check(json!({ "requested_revision": "web:1" }), same, None, "10:00:10", false);
    // Registered anew, with what ran.
    let anew = json!({ "requested_revision": "web:0", "revision": { "old": "web:2", "new": "web:1" } });
    check(anew, same, Some("web:0"), "10:00:10", true);
    // Something began since: ECS's own rollback, or what somebody else deployed.
    check(json!({}), "ecs-svc/1", None, "10:00:10", false);
    // It failed.
    let failing = json!({ "failing": { "at": at("10:00:05"), "cause": "its tasks stopped" } });
    check(failing, same, None, "10:00:10", false);
    check(json!({ "outcome": "timed_out" }), same, None, "10:00:10", false);
    // It is only intended, or is no rollback.
    check(json!({ "deployment": null }), same, None, "10:00:10", false);
    check(json!({ "trigger": "deploy" }), same, None, "10:00:10", false);
}

#[test]
fn the_revisions_know_what_the_record_lost_but_not_what_a_dead_try_left() {
    let id = EventId::new("build-7");
    let (running, made) = (revision(1, None), revision(3, Some("build-7")));
    let lost = Service::default();
    assert!(done_by_revision(&lost, &[made.clone(), revision(2, None)], &running, &id).is_some());
    assert!(done_by_revision(&lost, &[revision(2, None)], &running, &id).is_none());
    let at = "2026-11-21T10:00:00Z";
    let other = json!({ "number": 1, "trigger": "push", "intended_at": at,
        "state": { "in_progress": { "deployment": "ecs-svc/2", "began_at": at } }, "revision": { "old": "web:1", "new": "web:2" } });
    let record = record(other);
    assert!(done_by_revision(&record, std::slice::from_ref(&made), &running, &id).is_none(), "nobody runs it");
    assert!(done_by_revision(&record, std::slice::from_ref(&made), &made, &id).is_some(), "it runs");
    let later = revision(2, Some("build-7"));
    assert!(done_by_revision(&record, &[later], &running, &id).is_some(), "a deployment brought it");
}
