//! The table: a rollback of prod/web that somebody asked for, and what is planned for it, a row each.
//!
//! It runs 1.5.0 (`b`) as web:42, and goes back to web:41 with 1.4.2 (`a`).

use serde_json::json;

use super::*;
use crate::config::Target;
use crate::model::facts::{DeploymentFacts, RanImage, Rollout};
use crate::model::record::KnownGood;
use crate::rules::rollback::{Found, ImageState, NeededImage, images_to_find};
use crate::rules::situation::*;

struct Case {
    entries: Vec<(Target, &'static str)>,
    running: Revision,
    to: Revision,
    ran: Vec<RanImage>,
    rolls_back: bool,
    /// Whether the tags point elsewhere by now.
    moved: bool,
    image: ImageState,
    named: Option<&'static str>,
}

fn back_to(to: Revision) -> Case {
    let running = ours(revision(42, &[("web", pinned('b'))]), Some("1.5.0"), 'b', Some("12:00:00"));
    Case {
        entries: vec![(versions(), "shop/web")],
        running,
        to,
        ran: Vec::new(),
        rolls_back: false,
        moved: true,
        image: ImageState::There,
        named: None,
    }
}

fn ran(container: &str, digit: char) -> RanImage {
    RanImage { container: container.to_owned(), image: String::new(), digest: Some(digest(digit)) }
}

fn with_status(revision: Revision, status: &str) -> Revision {
    let mut definition = revision.definition;
    definition.insert("status".to_owned(), json!(status));
    Revision { definition, ..revision }
}

#[track_caller]
fn row(situation: &str, case: Case, expected: &str) {
    let (repositories, record): (Vec<_>, _) =
        (case.entries.iter().map(|(_, name)| repository(name)).collect(), Service::default());
    let reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.".to_owned();
    let service = service(vec![match case.rolls_back {
        true => DeploymentFacts { rollout_reason: Some(reason), ..primary(Rollout::InProgress) },
        false => primary(Rollout::Completed),
    }]);
    let good = KnownGood { revision: case.to.arn.clone(), ran: case.ran, at: at("10:00:00") };
    let found = |needed: NeededImage| {
        let tag_points_to = if case.moved { None } else { needed.digest.clone() };
        Found { wanted: needed, state: case.image, tag_points_to }
    };
    let images = images_to_find(&good, &case.to).into_iter().map(found).collect();
    let known_good = [KnownGoodFacts { known_good: good, revision: Some(case.to), images }];
    let facts = |((target, _), repository)| TargetFacts {
        target,
        repository,
        service: &service,
        running: &case.running,
        base: &case.running,
        family: None,
        record: &record,
        before: None,
    };
    let entries: Vec<_> =
        case.entries.iter().map(|(target, name)| (target, name)).zip(&repositories).map(facts).collect();
    let plan = rollback(&RequestedRollback {
        entries: &entries,
        known_good: &known_good,
        named: case.named,
        event: &EventId::new("event-2"),
        request: "request-2",
    });
    assert_eq!(summary(&plan), expected, "{situation}");
}

#[test]
fn the_service_goes_back_to_the_revision_as_it_is_or_to_a_copy_of_it() {
    let by_tag = || revision(41, &[("web", "shop/web:prod".to_owned())]);
    row("it names a digest", back_to(running()), "rollback_asked | 1.4.2 a | updates to web:41");
    row("and is ACTIVE", back_to(with_status(running(), "ACTIVE")), "rollback_asked | 1.4.2 a | updates to web:41");
    row(
        "it was deregistered",
        back_to(with_status(running(), "INACTIVE")),
        "rollback_asked | 1.4.2 a | registers web: shop/web a, pushed at 10:00:00 | updates to it",
    );
    row(
        "it names a tag that has moved, and what ran is known",
        Case { ran: vec![ran("job", 'c'), ran("web", 'a')], ..back_to(by_tag()) },
        "rollback_asked | prod a | registers web: shop/web a | updates to it",
    );
    row("it names a tag, and nobody knows what ran", back_to(by_tag()), "rollback_asked | prod ? | updates to web:41");
    row(
        "only what another container ran is known",
        Case { ran: vec![ran("job", 'c')], ..back_to(by_tag()) },
        "rollback_asked | prod ? | updates to web:41",
    );
    row(
        "it was deregistered, and nobody knows what ran",
        back_to(with_status(by_tag(), "INACTIVE")),
        "unrenderable | prod ?",
    );
    let pushed_elsewhere = ours(
        revision(41, &[("web", pinned('a')), ("job", format!("shop/job@{}", digest('c')))]),
        Some("1.4.2"),
        'c',
        Some("10:00:00"),
    );
    row(
        "what was written down is of another image",
        back_to(with_status(pushed_elsewhere, "INACTIVE")),
        "rollback_asked | no tag a | registers web: shop/web a, job: shop/job c | updates to it",
    );
    let named = |case: Case, named: &'static str| Case { named: Some(named), ..case };
    let same = || revision(42, &[("web", pinned('b'))]);
    row("it runs already", named(back_to(same()), "web:42"), "runs_already | no tag b");
    row("it runs already, and nobody named it", back_to(same()), "no_known_good");
    row(
        "its tag still means what ran",
        Case { ran: vec![ran("web", 'a')], moved: false, ..back_to(by_tag()) },
        "rollback_asked | prod a | updates to web:41",
    );
    let with_image = |state| Case { image: state, ..back_to(running()) };
    row("its image is gone", with_image(ImageState::Gone), "no_known_good");
    row("its image is gone, and somebody named it", named(with_image(ImageState::Gone), "web:41"), "image_gone");
    for state in [ImageState::Archived, ImageState::Restoring] {
        row("its image is in the archive", with_image(state), "no_known_good");
        row("the same, and somebody named it", named(with_image(state), "web:41"), "image_archived");
    }
    row("ECS is rolling back", Case { rolls_back: true, ..back_to(running()) }, "rolling_back | 1.4.2 a");
}

#[test]
fn what_ran_is_pinned_in_every_container() {
    let api = || (target("tags: { semver: '*' }, repository: shop/api"), "shop/api");
    let both = || revision(41, &[("web", "shop/web:prod".to_owned()), ("api", "shop/api:prod".to_owned())]);
    let all = || vec![ran("web", 'a'), ran("api", 'c')];
    row(
        "the service runs another repository's image, too",
        Case { ran: all(), ..back_to(both()) },
        "rollback_asked | prod a | registers web: shop/web a, api: shop/api c | updates to it",
    );
    let two = Case { entries: vec![(versions(), "shop/web"), api()], ran: all(), ..back_to(both()) };
    row(
        "two repositories feed the service",
        two,
        "rollback_asked | prod a | registers web: shop/web a, api: shop/api c | updates to it",
    );
    let first = revision(41, &[("web", pinned('a')), ("api", "shop/api:prod".to_owned())]);
    let first = Case { entries: vec![(versions(), "shop/web"), api()], ran: all(), ..back_to(first) };
    row(
        "one of them names a digest",
        first,
        "rollback_asked | no tag a | registers web: shop/web a, api: shop/api c | updates to it",
    );
    let named = (target("tags: { semver: '*' }, containers: [web]"), "shop/web");
    let other =
        Case { entries: vec![named], ran: all(), ..back_to(revision(41, &[("web", "shop/api:prod".to_owned())])) };
    row(
        "the container that is named ran another repository's image",
        other,
        "rollback_asked | registers web: shop/api a | updates to it",
    );
}

#[test]
fn a_rollback_goes_to_a_known_good_revision_that_does_not_run() {
    let good = |number: u32| KnownGood { revision: arn(number), ran: vec![ran("web", 'a')], at: at("10:00:00") };
    let record = Service { known_good: [42, 41, 40].map(good).to_vec(), ..Service::default() };
    assert_eq!(candidates(&record, &arn(42)), [good(41), good(40)]);
    assert_eq!(candidates(&record, &arn(41)), [good(42), good(40)]);
}
