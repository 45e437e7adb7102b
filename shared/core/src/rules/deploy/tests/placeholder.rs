//! The rows of a service whose revision runs a placeholder: nothing ran before, an image did, or the first one failed.

use super::*;
use crate::rules::placeholder::{image_before, image_tried};
use crate::rules::recency::Recency;

/// A target that names its container.
fn named() -> Target {
    target("tags: { semver: '*' }, containers: [web]")
}

/// web:41 has a placeholder in its container web; 1.4.2 ran before, where `before` says so.
fn placeholder(who: Who, image: ImageFacts, before: bool) -> Case {
    let case = wants(who, image).runs(revision(41, &[("web", "dummy:2.4".to_owned()), ("log", "log:1".to_owned())]));
    let (target, repository) = (versions(), repository("shop/web"));
    let known_good = record::KnownGood { revision: arn(40), ran: Vec::new(), at: at("11:00:00") };
    let recency = Recency { target: &target, record: &case.record };
    let ran = image_before(&known_good, &running(), recency, &repository).filter(|_| before);
    Case { before: ran, target: if before { target } else { named() }, ..case }
}

#[test]
fn a_placeholder_is_nobody_s_decision() {
    let decided = |what: DecisionKind| record::Service {
        decision: Some(Decision { what, at: at("12:30:00"), who: None }),
        ..record::Service::default()
    };
    let first = || placeholder(Registry("1.5.0"), newer(), false);
    row("nothing ran", first(), "done: 1.5.0 is in the registry and does not run yet");
    for what in [DecisionKind::Adopted, DecisionKind::External] {
        row(
            "what was found there",
            first().record(decided(what)),
            "done: 1.5.0 is in the registry and does not run yet",
        );
    }
    row(
        "a person decided",
        first().record(decided(DecisionKind::Rollback)),
        "1.5.0 was pushed before somebody requested a rollback at 2026-11-21 12:30 UTC; only what is pushed later is deployed automatically",
    );
    let older = || image(&["1.4.1"], 'c', Some("12:00:00"));
    row(
        "an image ran before: an older one",
        placeholder(Push("1.4.1"), older(), true),
        "1.4.1 is older than 1.4.2, the last image that was deployed here",
    );
    row("a newer one", placeholder(Push("1.5.0"), newer(), true), "done: 1.5.0 was pushed");
    row(
        "a newer one, from before what others deployed since",
        placeholder(Push("1.5.0"), newer(), true).record(decided(DecisionKind::External)),
        "1.5.0 was pushed before the service was updated outside Slipway at 2026-11-21 12:30 UTC; only what is pushed later is deployed automatically",
    );
}

#[test]
fn the_image_before_a_placeholder_comes_back() {
    let before = || placeholder(Before("1.4.2"), image(&["1.4.2"], 'a', Some("10:00:00")), true);
    let done = "done: web:41 was deployed outside Slipway with a placeholder image, and 1.4.2 ran before";
    row("it ended", before(), done);
    let decision = Decision { what: DecisionKind::Rollback, at: at("12:30:00"), who: None };
    let decided = record::Service { decision: Some(decision), ..record::Service::default() };
    row("a person decided that it runs", before().record(decided), done);
    row("on hold", before().record(held()), "ana put the service on hold at 2026-11-21 11:00 UTC");
    row(
        "under way",
        before().under_way(),
        "the deployment of a placeholder image ecs-svc/1 is in progress and is not interrupted; this is decided again when it has ended",
    );
    let plan = before().plan();
    let body = &plan.rendering().unwrap().body;
    let images: Vec<_> =
        body["containerDefinitions"].as_array().unwrap().iter().map(|it| it["image"].clone()).collect();
    assert_eq!(images, [json!(format!("{HOST}/{}", pinned('a'))), json!(format!("{HOST}/log:1"))]);
    assert_eq!(plan.image.unwrap().old.unwrap().digest, Some(digest('a')));
}

#[test]
fn after_the_first_image_failed_no_older_one_is_tried() {
    let failed = || {
        let image = json!({ "repository": "shop/web", "old": null, "new": { "tag": "1.4.2", "digest": digest('a') } });
        let mut record = record::Service::default();
        let (number, _) = record.add(record::Deployment {
            image: serde_json::from_value(image).unwrap(),
            ..record::Deployment::of(Trigger::Push, at("12:30:00"))
        });
        record.end(number, Outcome::RolledBackByEcs, at("12:40:00"), None);
        record
    };
    let tried = |case: Case| {
        let record = failed();
        let target = named();
        let before = image_tried(Recency { target: &target, record: &record }, &repository("shop/web"));
        Case { before, ..case.record(record) }
    };
    let older = placeholder(Registry("1.4.1"), image(&["1.4.1"], 'c', Some("12:50:00")), false);
    row("an older one", tried(older), "1.4.1 is older than 1.4.2, the last image that was deployed here");
    let newer = placeholder(Registry("1.5.0"), newer(), false);
    row("a newer one", tried(newer), "done: 1.5.0 is in the registry and does not run yet");
    let same = placeholder(Before("1.4.2"), image(&["1.4.2"], 'a', Some("10:00:00")), false);
    row(
        "the same",
        tried(same),
        "1.4.2 failed here at 2026-11-21 12:40 UTC: ; it stays quarantined until somebody releases it",
    );
}
