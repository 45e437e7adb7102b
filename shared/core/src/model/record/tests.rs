//! How a record is read, whoever wrote it, and what it knows beside its deployments.

use serde_json::json;

use super::*;
use crate::model::build::{Build, BuildChange};
use crate::model::id::TaskDefinitionArn;

mod lease;
mod life;
mod size;

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
