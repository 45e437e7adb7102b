use serde_json::json;

use super::*;
use crate::model::build::{Build, BuildChange};
use crate::model::id::TaskDefinitionArn;

fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}Z").parse().unwrap()
}

fn digest(n: u8) -> Digest {
    Digest::parse(&format!("sha256:{}", format!("{n:02x}").repeat(32))).unwrap()
}

fn input(event: &str) -> PendingInput {
    PendingInput {
        event: EventId::new(event),
        repository: None,
        tag: Tag::parse("1.5.0"),
        at: at("10:00:00"),
        trigger: Trigger::Push,
        who: None,
        reason: None,
    }
}

fn deployment(n: u8) -> Deployment {
    let image = json!({ "repository": "shop/web", "old": null, "new": { "tag": "1.5.0", "digest": digest(n) } });
    let deployment = json!({ "number": 0, "trigger": "push", "intended_at": at("10:00:00"), "image": image, "state": { "intended": {} } });
    serde_json::from_value(deployment).unwrap()
}

#[test]
fn only_one_holds_the_lease_and_its_own_next_try_takes_it_over() {
    let mut record = Service::default();
    let until = at("10:05:00");
    let first = record.acquire("a", at("10:00:00"), until).unwrap();
    assert_eq!(record.acquire("b", at("10:04:59"), at("10:09:59")), Err(Busy { until }));
    let again = record.acquire("a", at("10:01:00"), at("10:06:00")).unwrap();
    assert!(again > first);
    assert_eq!(record.check(first), Err(Lost));
    assert_eq!(record.check(again), Ok(()));

    // Expired, and nobody took it: still its holder's. Then somebody does.
    assert_eq!(record.let_go(first), Err(Lost));
    let other = record.acquire("b", at("10:06:00"), at("10:11:00")).unwrap();
    assert_eq!(record.let_go(again), Err(Lost));
    assert_eq!(record.let_go(other), Ok(vec![]));
    assert_eq!(record.lease, None);
}

#[test]
fn an_input_that_nothing_blocks_keeps_the_lease_from_being_let_go() {
    let mut record = Service::default();
    let fence = record.acquire("a", at("10:00:00"), at("10:05:00")).unwrap();
    record.leave(input("1"));
    record.leave(input("1"));
    assert_eq!(record.let_go(fence), Ok(vec![input("1")]));
    assert_eq!(record.unblocked().collect::<Vec<_>>(), [&input("1")]);
    record.served(&[input("1")]);
    record.block(input("2"), Blocked::Deployment);
    record.served(&[input("2")]);
    assert_eq!(record.let_go(fence), Ok(vec![]), "what is blocked stays, and keeps no lease");
    record.unblock(at("10:00:00"));
    assert_eq!(record.unblocked().collect::<Vec<_>>(), [&input("2")]);
}

#[test]
fn what_blocks_an_input_is_over_with_a_deployment_or_with_time() {
    let unblocked = |blocked: Blocked, now: &str| {
        let mut record = Service::default();
        record.block(input("1"), blocked);
        assert_eq!(record.unblocked().count(), 0);
        record.unblock(at(now));
        record.unblocked().count() == 1
    };
    let settling = Blocked::Settling { until: at("10:01:00") };
    assert!(unblocked(Blocked::Deployment, "10:00:00"));
    assert!(unblocked(Blocked::Retry, "10:00:00"));
    assert!(!unblocked(settling, "10:00:59"));
    assert!(unblocked(settling, "10:01:00"));

    // The event comes once more while it is blocked: it is decided once more.
    let mut record = Service::default();
    record.block(input("1"), settling);
    record.leave(input("1"));
    assert_eq!(record.pending, [Pending { input: input("1"), blocked: None }]);
    let written = serde_json::to_value(Pending { input: input("1"), blocked: Some(settling) }).unwrap();
    assert_eq!(written["blocked"], json!({ "by": "settling", "until": at("10:01:00") }));
    let unknown = json!({ "event": "1", "at": at("10:00:00"), "blocked": { "by": "the moon" } });
    assert_eq!(serde_json::from_value::<Pending>(unknown).unwrap().blocked, None);
}

#[test]
fn every_step_of_a_life_is_taken_once() {
    let mut record = Service::default();
    let fence = record.acquire("a", at("10:00:00"), at("10:05:00")).unwrap();
    let (number, archived) = record.add(deployment(1));
    assert_eq!((number, archived.len()), (1, 0));
    let began = |id: &str, second: &str| Began {
        deployment: DeploymentId::new(id),
        at: at(second),
        revision: TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:42"),
    };
    record.began(number, &began("ecs-svc/1", "10:00:02"));
    // A second one, by whatever name, changes nothing.
    record.began(number, &began("service-deployment/1", "10:00:03"));
    assert_eq!(record.deployments[0].revision.new.as_deref(), Some("web:42"));
    assert_eq!(record.of_id(&DeploymentId::new("ecs-svc/1")).unwrap().number, 1);

    for task in ["t1", "t1", "t2"] {
        record.task_failed(number, task);
    }
    assert_eq!(record.task_failed(number, "t3"), 3);
    let failing = |cause: &str| Failing {
        at: at("10:02:00"),
        by: FailedBy::Tasks,
        cause: cause.to_owned(),
        evidence: Vec::new(),
        log: None,
        advice: Vec::new(),
    };
    record.failing(number, failing("exit code 1"));
    record.failing(number, failing("the deadline"));
    let rollback = Rollback {
        how: RollbackMethod::Update,
        to: None,
        passed_over: Vec::new(),
        at: at("10:02:01"),
        previous_primary: None,
        deployment: None,
        done_at: None,
    };
    let judged = record.deployments[0].clone();
    assert!(!record.is_outdated(&judged, fence));
    assert_eq!(record.roll_back(fence, number, rollback.clone()), Ok(Once::Now));
    assert!(record.is_outdated(&judged, fence), "what was judged before the rollback was decided is judged again");
    assert!(!record.is_outdated(&record.deployments[0].clone(), fence));
    let before = Fence(fence.0 - 1);
    assert!(
        record.is_outdated(&record.deployments[0].clone(), before),
        "and so is what was judged before the lease was taken"
    );
    let other = Rollback { how: RollbackMethod::Stop, at: at("10:02:30"), ..rollback.clone() };
    assert_eq!(record.roll_back(fence, number, other), Ok(Once::Before));
    let decided = record.deployments[0].rollback().cloned().unwrap();
    assert_eq!((decided.how, decided.at), (RollbackMethod::Stop, at("10:02:01")), "another way, decided when it was");
    let judged = record.deployments[0].clone();
    record.rollback_accepted(number, None, None, at("10:02:40"));
    assert!(record.is_outdated(&judged, fence), "and so does who looked before the rollback was made");
    assert!(!record.is_outdated(&record.deployments[0].clone(), before), "what is made is made, whoever has the lease");
    assert_eq!(record.roll_back(fence, number, rollback), Ok(Once::Before));
    assert_eq!(record.deployments[0].rollback().unwrap().how, RollbackMethod::Stop, "what was carried out stays");
    assert_eq!(record.end(number, Outcome::RolledBackBySlipway, at("10:04:00"), None), Once::Now);
    assert_eq!(record.end(number, Outcome::Completed, at("10:05:00"), None), Once::Before);

    let quarantined = record.quarantined(&digest(1)).unwrap();
    assert_eq!(quarantined.cause, "exit code 1");
    assert!(record.release_image(&digest(1)));
    assert!(!record.release_image(&digest(1)));
}

#[test]
fn what_completes_after_all_is_not_quarantined_any_more() {
    for outcome in [Outcome::Failed, Outcome::TimedOut, Outcome::RollbackFailed, Outcome::Stopped] {
        let mut record = Service::default();
        let (number, _) = record.add(deployment(1));
        record.add_to_quarantine(Quarantined {
            repository: "shop/web".to_owned(),
            digest: digest(2),
            revision: None,
            tag: None,
            cause: "exit code 1".to_owned(),
            at: at("10:04:00"),
        });
        assert_eq!(record.completed_after_all(number, at("10:04:00")), Once::Before, "it has not ended");
        record.end(number, outcome, at("10:04:00"), None);
        let once = record.completed_after_all(number, at("10:30:00"));
        let ended = record.deployments[0].ended().unwrap();
        let quarantined = record.quarantined(&digest(1)).is_some();
        match outcome {
            Outcome::Failed | Outcome::TimedOut => {
                assert_eq!((once, ended.outcome, ended.corrected_from), (Once::Now, Outcome::Completed, Some(outcome)));
                assert_eq!((ended.at, quarantined), (at("10:30:00"), false));
                assert_eq!(record.completed_after_all(number, at("10:31:00")), Once::Before);
            }
            _ => assert_eq!((once, ended.outcome, quarantined), (Once::Before, outcome, true)),
        }
        assert!(record.quarantined(&digest(2)).is_some(), "another image's");
    }
}

#[test]
fn what_succeeded_or_gave_way_is_not_quarantined() {
    for outcome in [Outcome::Completed, Outcome::Superseded, Outcome::External] {
        let mut record = Service::default();
        let (number, _) = record.add(deployment(1));
        record.end(number, outcome, at("10:04:00"), None);
        assert_eq!(record.quarantine, [], "{outcome}");
    }
}

/// A deployment of image 1 that found it there already.
fn same_image() -> Deployment {
    let mut it = deployment(1);
    let image = it.image.as_mut().unwrap();
    image.old = Some(image.new.clone());
    it.revision.new = Some("web:43".to_owned());
    it
}

#[test]
fn where_only_the_definition_changed_the_revision_is_quarantined_and_not_the_image() {
    let ran = |digest| RanImage { container: "web".to_owned(), image: "shop/web".to_owned(), digest: Some(digest) };
    let known_good =
        KnownGood { revision: TaskDefinitionArn::new("web:42"), ran: vec![ran(digest(1))], at: at("09:00:00") };
    let mut record = Service::default();
    record.record_known_good(known_good.clone());
    let (number, _) = record.add(same_image());
    record.end(number, Outcome::RolledBackBySlipway, at("10:04:00"), Some("it did not end".to_owned()));
    assert_eq!(record.quarantined(&digest(1)), None);
    assert_eq!(record.quarantined_revision("web:43").map(|it| it.digest.clone()), Some(digest(1)));
    assert_eq!(record.quarantined_revision("web:42"), None);
    // Whoever releases the image means that too.
    assert!(record.release_image(&digest(1)));
    assert_eq!(record.quarantined_revision("web:43"), None);

    // It was there, but never ran well.
    let mut record = Service::default();
    let (number, _) = record.add(same_image());
    record.end(number, Outcome::TimedOut, at("10:04:00"), Some("it did not end".to_owned()));
    assert!(record.quarantined(&digest(1)).is_some() && record.quarantined_revision("web:43").is_none());

    // A deployment of it completed.
    let mut record = Service::default();
    let (number, _) = record.add(deployment(1));
    record.end(number, Outcome::Completed, at("10:02:00"), None);
    let (number, _) = record.add(same_image());
    record.end(number, Outcome::Failed, at("10:04:00"), None);
    assert!(record.quarantined(&digest(1)).is_none() && record.quarantined_revision("web:43").is_some());

    // Another image failed.
    let mut record = Service::default();
    record.record_known_good(known_good);
    let (number, _) = record.add(deployment(2));
    record.end(number, Outcome::Failed, at("10:04:00"), None);
    assert!(record.quarantined(&digest(2)).is_some());
}

#[test]
fn the_newest_push_events_are_kept_each_tag_of_an_image_once() {
    let mut record = Service::default();
    let push =
        |image, tag: &str, time: &str| TagPush { digest: digest(image), tag: Tag::parse(tag).unwrap(), at: at(time) };
    let kept = |record: &Service| {
        let line = |it: &TagPush| format!("{} {} {}", it.tag, it.digest.short(), it.at.strftime("%H:%M:%S"));
        record.tag_pushes.iter().map(line).collect::<Vec<_>>()
    };
    for (image, tag, time) in [(1, "prod", "10:00:00"), (2, "prod", "11:00:00"), (1, "1.5.0", "10:30:00")] {
        record.tag_pushed(push(image, tag, time));
        record.tag_pushed(push(image, tag, time));
    }
    let short = |image| digest(image).short().to_owned();
    let (one, two) = (short(1), short(2));
    let line = |tag: &str, short: &str, time: &str| format!("{tag} {short} {time}");
    assert_eq!(
        kept(&record),
        [line("prod", &two, "11:00:00"), line("1.5.0", &one, "10:30:00"), line("prod", &one, "10:00:00")]
    );
    // A late event changes nothing, a later one moves up.
    record.tag_pushed(push(1, "prod", "09:00:00"));
    record.tag_pushed(push(1, "1.5.0", "12:00:00"));
    assert_eq!(
        kept(&record),
        [line("1.5.0", &one, "12:00:00"), line("prod", &two, "11:00:00"), line("prod", &one, "10:00:00")]
    );
    for minute in 0..59 {
        record.tag_pushed(push(3, &format!("build-{minute}"), &format!("13:{minute:02}:00")));
    }
    let last = record.tag_pushes.last().unwrap();
    assert_eq!((record.tag_pushes.len(), last.tag.as_str()), (50, "build-9"));
}

#[test]
fn old_deployments_are_archived_but_never_before_their_end() {
    let mut record = Service::default();
    let (open, _) = record.add(deployment(1));
    let mut archived = Vec::new();
    for n in 2..=15 {
        let (number, dropped) = record.add(deployment(n));
        record.end(number, Outcome::Completed, at("10:04:00"), None);
        archived.extend(dropped.into_iter().map(|it| it.number));
    }
    assert_eq!(archived, [2, 3, 4, 5]);
    assert!(record.numbered(open).is_some());
}

#[test]
fn a_record_of_another_hand_is_read_as_far_as_it_is_understood() {
    let record: Service = serde_json::from_value(json!({
        "version": VERSION, "fence": "many", "lease": { "holder": 1 }, "surprise": true,
        "pending": [{ "event": "1", "at": "2026-11-21T10:00:00Z", "more": 1 }, 7],
        "deployments": [
            { "number": 4, "trigger": "push", "intended_at": at("10:00:00"), "state": { "vanished": {} } },
            {
                "number": 3, "trigger": "push", "intended_at": at("09:00:00"),
                "state": { "in_progress": { "deployment": "ecs-svc/3", "began_at": at("09:00:01"), "failing": 7 } },
            },
        ],
    }))
    .unwrap();
    assert_eq!((record.fence, &record.lease, record.pending.len()), (0, &None, 1));
    let states: Vec<_> = record.deployments.iter().map(|it| (it.number, it.state.clone())).collect();
    assert_eq!(
        states,
        [(3, DeploymentState::InProgress(Progress::of(DeploymentId::new("ecs-svc/3"), at("09:00:01"))))]
    );
}

#[test]
fn nobody_acts_on_a_record_of_a_newer_version() {
    let record: Service = serde_json::from_value(json!({ "version": VERSION + 7, "hold": [] })).unwrap();
    let newer = record.current().unwrap_err();
    assert_eq!(
        newer.to_string(),
        "a newer version of Slipway wrote the record of this service (version 9 of its shape; this one knows 2), \
         so nothing is done; update Slipway's functions to that version or a later one"
    );
}

#[test]
fn of_a_record_of_version_1_stays_what_people_decided_and_who_is_at_work() {
    let record = json!({
        "version": 1, "fence": 7, "count": 12,
        "lease": { "holder": "a", "fence": 7, "until": at("10:05:00") },
        "hold": { "at": at("09:00:00"), "who": "ana" },
        "quarantine": [{ "repository": "shop/web", "digest": digest(1), "cause": "exit code 1", "at": at("08:00:00") }],
        "known_good": [{ "revision": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:41", "at": at("07:00:00") }],
        "deployments": [{ "number": 12, "trigger": "push", "intended_at": at("07:00:00"), "outcome": "completed" }],
        "published": ["a"],
    });
    let record = serde_json::from_value::<Service>(record).unwrap().current().unwrap();
    let kept =
        (record.fence, record.count, record.quarantine.len(), record.hold.as_ref().and_then(|it| it.who.as_deref()));
    assert_eq!(kept, (7, 12, 1, Some("ana")));
    assert!(record.lease.is_some());
    assert!(
        record.known_good.is_empty() && record.deployments.is_empty() && record.decision.is_none(),
        "taken over anew"
    );
    assert_eq!(record.version, VERSION);
    assert_eq!(record.clone().current(), Ok(record));
    assert_eq!(Service::default().current().map(|it| it.version), Ok(VERSION), "no record");
}

#[test]
fn the_threshold_is_the_circuit_breakers_own() {
    let threshold = |desired| DeploymentSettings::default().threshold(desired);
    assert_eq!([0, 1, 2, 6, 7, 100, 399, 1000].map(threshold), [3, 3, 3, 3, 4, 50, 200, 200]);
    assert_eq!(DeploymentSettings { max_failed_tasks: Some(1), ..DeploymentSettings::default() }.threshold(1000), 1);
}

#[test]
fn a_word_that_is_not_known_keeps_nothing_from_being_read() {
    #[track_caller]
    fn check(trigger: serde_json::Value, expected: Trigger) {
        let record: Service = serde_json::from_value(json!({
            "decision": { "what": "handover", "at": at("09:00:00"), "who": "ana" },
            "pending": [{ "event": "1", "at": at("10:00:00"), "trigger": trigger }],
            "deployments": [{
                "number": 3, "trigger": trigger, "intended_at": at("10:00:00"),
                "state": { "in_progress": {
                    "deployment": "ecs-svc/3", "began_at": at("10:00:01"),
                    "failing": { "at": at("10:02:00"), "by": "an oracle", "cause": "its health check failed" },
                    "rollback": { "how": "a time machine", "to": "web:41", "at": at("10:03:00") },
                } },
            }],
        }))
        .unwrap();
        let deployment = &record.deployments[0];
        assert_eq!((&deployment.trigger, &record.pending[0].input.trigger), (&expected, &expected));
        let failing = deployment.failing().unwrap();
        assert_eq!((failing.by, failing.cause.as_str()), (FailedBy::Ecs, "its health check failed"));
        assert_eq!(deployment.rollback().unwrap().how, RollbackMethod::Update);
        let what = DecisionKind::Other("handover".to_owned());
        assert_eq!(record.decision, Some(Decision { what, at: at("09:00:00"), who: Some("ana".to_owned()) }));
    }
    check(json!("promotion"), Trigger::Other("promotion".to_owned()));
    check(json!({ "promotion": 7 }), Trigger::Unknown);
    check(json!("outside"), Trigger::External);
}

#[test]
fn the_words_of_the_record_never_change() {
    let mut record = Service::default();
    let progress = Progress {
        failing: Some(Failing {
            at: at("10:02:00"),
            by: FailedBy::Deadline,
            cause: String::new(),
            evidence: Vec::new(),
            log: None,
            advice: Vec::new(),
        }),
        rollback: Some(Rollback {
            how: RollbackMethod::Stop,
            to: None,
            passed_over: Vec::new(),
            at: at("10:02:01"),
            previous_primary: None,
            deployment: None,
            done_at: None,
        }),
        ..Progress::of(DeploymentId::new("ecs-svc/1"), at("10:00:01"))
    };
    let state = DeploymentState::InProgress(progress);
    record.add(Deployment { state, ..Deployment::of(Trigger::Release, at("10:00:00")) });
    record.decided(Decision { what: DecisionKind::External, at: at("10:00:00"), who: None });
    let written = serde_json::to_value(&record).unwrap();
    let (deployment, progress) = (&written["deployments"][0], &written["deployments"][0]["state"]["in_progress"]);
    assert_eq!(
        (&deployment["trigger"], &progress["failing"]["by"], &progress["rollback"]["how"]),
        (&json!("release"), &json!("deadline"), &json!("stop"))
    );
    assert_eq!(written["decision"]["what"], "external");
    assert_eq!(serde_json::from_value::<Service>(written).unwrap(), record);
}

#[test]
fn what_a_person_asked_for_is_a_decision_and_a_release_is_none() {
    let mut record = Service::default();
    let found = |trigger: Trigger| {
        let progress = Progress::of(DeploymentId::new(trigger.to_string()), at("10:00:01"));
        let state = DeploymentState::InProgress(progress);
        Deployment { who: Some("ana".to_owned()), state, ..Deployment::of(trigger, at("10:00:00")) }
    };
    for trigger in [Trigger::Push, Trigger::Reconcile, Trigger::Release, Trigger::Other("promotion".to_owned())] {
        record.add_observed(found(trigger)).unwrap();
        assert_eq!(record.decision, None);
    }
    for (trigger, what) in [
        (Trigger::Deploy, DecisionKind::Deploy),
        (Trigger::Redeploy, DecisionKind::Redeploy),
        (Trigger::Rollback, DecisionKind::Rollback),
    ] {
        record.add_observed(found(trigger)).unwrap();
        assert_eq!(record.decision.take().map(|it| (it.what, it.who)), Some((what, Some("ana".to_owned()))));
    }
}

#[test]
fn an_update_that_made_no_deployment_of_its_own_is_no_deployment_but_may_be_a_decision() {
    let began = Began {
        deployment: crate::model::id::DeploymentId::new("ecs-svc/1"),
        at: at("10:00:02"),
        revision: TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"),
    };
    let mut record = Service::default();
    let (first, _) = record.add(deployment(1));
    record.began(first, &began);
    let asked = Deployment { trigger: Trigger::Rollback, intended_at: at("10:10:00"), ..deployment(2) };
    let (second, _) = record.add(asked);
    // ECS had gone back to it by then, so the service ran it already.
    record.began(second, &began);
    assert_eq!(record.deployments.iter().map(|it| it.number).collect::<Vec<_>>(), [first]);
    assert_eq!(record.decision.as_ref().map(|it| it.at), Some(at("10:10:00")));
    // The same once more changes nothing.
    let before = record.clone();
    record.began(first, &began);
    assert_eq!(record, before);
}

#[test]
fn what_slipway_registered_next_in_a_family_need_not_be_looked_at() {
    #[track_caller]
    fn check(definition: Option<&str>, revision: &str, seen: u64) {
        let family = Family { name: "web".to_owned(), seen: 43, base: Some(40), origin: None };
        let mut record = Service { family: Some(family), ..Service::default() };
        let made = Deployment { definition: definition.map(str::to_owned), ..deployment(1) };
        let (number, _) = record.add(made);
        let deployment = crate::model::id::DeploymentId::new("ecs-svc/1");
        let began = Began { deployment, at: at("10:00:02"), revision: TaskDefinitionArn::new(revision) };
        record.began(number, &began);
        assert_eq!(record.family.unwrap().seen, seen);
    }
    check(Some("web:40"), "web:44", 44);
    check(Some("web:40"), "web:45", 43);
    check(Some("web:40"), "api:44", 43);
    // A person goes back to a revision that somebody else registered.
    check(None, "web:44", 43);
}

#[test]
fn what_never_began_is_decided_again_and_a_release_stays_one() {
    let again = |trigger: Trigger| {
        let mut record = Service::default();
        let asked = Deployment {
            who: Some("ana".to_owned()),
            request_reason: Some("it is fixed".to_owned()),
            ..Deployment::of(trigger, at("10:00:00"))
        };
        let (number, _) = record.add(asked);
        record.never_began(number);
        assert_eq!(record.deployments, []);
        record.pending.pop().map(|it| (it.input.trigger, it.input.who, it.input.reason))
    };
    let by_ana = |trigger| Some((trigger, Some("ana".to_owned()), Some("it is fixed".to_owned())));
    assert_eq!(again(Trigger::Release), by_ana(Trigger::Release));
    assert_eq!(again(Trigger::Push), Some((Trigger::Reconcile, None, None)));
    assert_eq!(again(Trigger::Reconcile), Some((Trigger::Reconcile, None, None)));
    assert_eq!(again(Trigger::Deploy), None, "who asked is not asked again");
}

fn of_build(build: serde_json::Value) -> Service {
    let image = json!({
        "repository": "shop/web",
        "old": { "tag": null, "digest": digest(10) },
        "new": { "tag": "1.5.0", "digest": digest(11) },
    });
    serde_json::from_value(json!({ "deployments": [
        {
            "number": 1, "trigger": "push", "intended_at": "2026-11-21T10:00:00Z", "image": image, "build": build,
            "state": { "intended": {} },
        },
    ] }))
    .unwrap()
}

#[test]
fn a_build_is_found_by_its_image() {
    let mut record = of_build(json!(null));
    assert_eq!(record.build_of("shop/web", &digest(11)), None);
    let build = |commit: &str| Build { commit: Some(commit.to_owned()), ..Build::default() };
    record.built(1, BuildChange { old: None, new: Some(build("8b1d02e7")) });
    assert_eq!(record.build_of("shop/web", &digest(10)), None);
    assert_eq!(record.build_of("shop/web", &digest(11)), Some(&build("8b1d02e7")));
    assert_eq!(record.build_of("shop/api", &digest(11)), None);
    record.built(1, BuildChange { old: Some(build("3f2a91c0")), new: Some(Build::default()) });
    assert_eq!(record.build_of("shop/web", &digest(10)), Some(&build("3f2a91c0")));
    assert_eq!(record.build_of("shop/web", &digest(11)), Some(&Build::default()));
}

#[test]
fn a_build_of_another_shape_is_none() {
    for build in [json!("8b1d02e7"), json!([1]), json!(7)] {
        let record = of_build(build);
        assert_eq!(record.build_of("shop/web", &digest(11)), None);
    }
    let record = of_build(json!({ "new": { "commit": 7, "version": "1.5.0" }, "old": "?" }));
    let new = Build { version: Some("1.5.0".to_owned()), ..Build::default() };
    assert_eq!(record.deployments[0].build, Some(BuildChange { old: None, new: Some(new) }));
}

/// A push of this tag at that second.
fn pushed(second: i64) -> PendingInput {
    let at = at("10:00:00") + jiff::SignedDuration::from_secs(second);
    PendingInput { tag: Tag::parse(&format!("1.5.{second}")), at, ..input(&format!("push-{second}")) }
}

#[test]
fn fifty_pushes_are_pending_at_most_and_one_input_to_decide_again() {
    let state = |record: &Service| {
        let pushes: Vec<i64> = record
            .pending
            .iter()
            .filter(|it| it.input.tag.is_some())
            .map(|it| it.input.at.duration_since(at("10:00:00")).as_secs())
            .collect();
        let again = record.pending.iter().filter(|it| it.input.tag.is_none());
        let again: Vec<_> = again.map(|it| (it.input.event.to_string(), it.blocked.is_some())).collect();
        (pushes, again)
    };
    let mut record = Service::default();
    (0..50).for_each(|second| record.leave(pushed(second)));
    assert_eq!(state(&record), ((0..50).collect(), Vec::new()));
    record.leave(pushed(49));
    assert_eq!(state(&record).0.len(), 50, "the same one again");
    // The oldest go, in whatever order they come.
    (50..60).rev().for_each(|second| record.leave(pushed(second)));
    let (mut pushes, again) = state(&record);
    pushes.sort_unstable();
    assert_eq!((pushes, again), ((10..60).collect(), vec![("instead-of-push-0".to_owned(), false)]));
    assert_eq!(record.pending.iter().find(|it| it.input.tag.is_none()).unwrap().input.trigger, Trigger::Reconcile);
    // One that is older than all of them is not kept either.
    record.leave(PendingInput { at: at("09:00:00"), ..input("late") });
    assert!(record.pending.iter().all(|it| it.input.event != EventId::new("late")));

    // What waits is decided again when what it waits for is over.
    let mut record = Service::default();
    (0..55).for_each(|second| record.block(pushed(second), Blocked::Deployment));
    let (pushes, again) = state(&record);
    assert_eq!((pushes, again), ((5..55).collect(), vec![("instead-of-push-0".to_owned(), true)]));
    assert_eq!(record.unblocked().count(), 0);
}

#[test]
fn a_record_that_is_too_large_loses_evidence_first_and_deployments_last() {
    let failed = |n: u8| {
        let mut failed = deployment(n);
        let failing =
            json!({ "at": at("10:01:00"), "cause": "its tasks stopped", "evidence": ["x".repeat(1000), "y"] });
        let progress = json!({ "deployment": format!("ecs-svc/{n}"), "began_at": at("10:00:00"), "failing": failing });
        failed.state = serde_json::from_value(json!({ "in_progress": progress })).unwrap();
        failed.failed_tasks = vec!["task/1".to_owned()];
        failed
    };
    let mut record = Service::default();
    for n in 1..=3 {
        record.add(failed(n));
        if n < 3 {
            record.end(u64::from(n), Outcome::Failed, at("10:02:00"), None);
        }
    }
    (0..20).for_each(|n| {
        record.tag_pushed(TagPush { digest: digest(n), tag: Tag::parse("1").unwrap(), at: at("10:00:00") })
    });
    (0..20).for_each(|n| record.record_published(None, &n.to_string()));
    let sizes = |record: &Service| {
        let evidence = |n: u64| record.numbered(n).map(|it| it.failing().unwrap().evidence.len());
        let tasks: usize = record.deployments.iter().map(|it| it.failed_tasks.len()).sum();
        ([1, 2, 3].map(evidence), tasks, record.tag_pushes.len(), record.published.len())
    };
    let full = Some(2);
    assert_eq!(sizes(&record), ([full, full, full], 3, 20, 20));
    let mut steps = Vec::new();
    while let Some(dropped) = record.shrink() {
        steps.push((sizes(&record), dropped.iter().map(|it| it.number).collect::<Vec<_>>()));
    }
    let short = Some(1);
    assert_eq!(
        steps,
        [
            (([short, full, full], 3, 20, 20), vec![]),
            (([short, short, full], 3, 20, 20), vec![]),
            (([short, short, short], 3, 20, 20), vec![]),
            (([short, short, short], 2, 20, 20), vec![]),
            (([short, short, short], 1, 20, 20), vec![]),
            (([short, short, short], 1, 10, 20), vec![]),
            (([short, short, short], 1, 10, 10), vec![]),
            (([None, short, short], 1, 10, 10), vec![1]),
            (([None, None, short], 1, 10, 10), vec![2]),
        ]
    );
    assert!(record.deployments[0].failing().unwrap().evidence[0].contains("dropped"));
    assert_eq!(record.quarantine.len(), 2, "what is kept away stays away");
}
