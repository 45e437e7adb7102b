//! The table: a redeploy of prod/web, which runs 1.4.2 as web:41, and what is planned for it, a row each.

use super::*;
use crate::config::Target;
use crate::model::facts::{Controller, DeploymentFacts, Rollout, ServiceFacts};
use crate::model::record::Service;
use crate::rules::situation::*;

struct Case {
    entries: Vec<(Target, &'static str)>,
    running: Revision,
    base: Option<Revision>,
    ran: Vec<RanImage>,
    id: Option<&'static str>,
    rollout_reason: Option<&'static str>,
    controller: Controller,
}

fn runs(running: Revision) -> Case {
    let entries = vec![(versions(), "shop/web")];
    Case { entries, running, base: None, ran: Vec::new(), id: None, rollout_reason: None, controller: Controller::Ecs }
}

/// What ECS says that a container ran.
fn ran(container: &str, digit: char) -> RanImage {
    RanImage { container: container.to_owned(), image: String::new(), digest: Some(digest(digit)) }
}

/// The reason, the image that is shown, and each step: which images are registered, and whether the update is forced.
#[track_caller]
fn row(situation: &str, case: Case, expected: &str) {
    let (repositories, record): (Vec<_>, _) =
        (case.entries.iter().map(|(_, name)| repository(name)).collect(), Service::default());
    let deployment = DeploymentFacts {
        rollout_reason: case.rollout_reason.map(str::to_owned),
        ..primary(if case.rollout_reason.is_some() { Rollout::InProgress } else { Rollout::Completed })
    };
    let service = ServiceFacts { controller: case.controller, ..service(vec![deployment]) };
    let facts = |((target, _), repository)| TargetFacts {
        target,
        repository,
        service: &service,
        running: &case.running,
        base: case.base.as_ref().unwrap_or(&case.running),
        family: None,
        record: &record,
        before: None,
    };
    let entries: Vec<_> =
        case.entries.iter().map(|(target, name)| (target, name)).zip(&repositories).map(facts).collect();
    let (id, event) = (case.id.map(EventId::new), EventId::new("event-2"));
    let plan =
        redeploy(&Redeploy { entries: &entries, ran: &case.ran, id: id.as_ref(), event: &event, request: "request-2" });
    assert_eq!(summary(&plan), expected, "{situation}");
}

#[test]
fn what_runs_is_deployed_once_more() {
    row("nothing changes", runs(running()), "redeploy_forced | 1.4.2 a | updates to web:41, forced");
    row(
        "nothing changes, and the request has an id",
        Case { id: Some("build-7"), ..runs(running()) },
        "redeploy_marked | 1.4.2 a | registers web: shop/web a, pushed at 10:00:00 | updates to it",
    );
    let edited = revision(42, &[("web", pinned('a')), ("job", "shop/job:1".to_owned())]);
    row(
        "the family's latest is another",
        Case { base: Some(edited.clone()), ..runs(running()) },
        "redeploy_changed | 1.4.2 a | registers web: shop/web a, job: shop/job:1, pushed at 10:00:00 | updates to it",
    );
    row(
        "the same, and the request has an id",
        Case { base: Some(edited), id: Some("build-7"), ..runs(running()) },
        "redeploy_changed | 1.4.2 a | registers web: shop/web a, job: shop/job:1, pushed at 10:00:00 | updates to it",
    );
    let back = Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.");
    row("ECS is rolling back", Case { rollout_reason: back, ..runs(running()) }, "rolling_back | 1.4.2 a");
    let named = || vec![(target("tags: { semver: '*' }, containers: [web]"), "shop/web")];
    let other = revision(41, &[("web", format!("shop/api@{}", digest('a')))]);
    row(
        "the container that is named runs another repository's",
        Case { entries: named(), ..runs(other) },
        "redeploy_forced | updates to web:41, forced",
    );
    let none =
        Case { entries: vec![(target("tags: { semver: '*' }, containers: [gone]"), "shop/web")], ..runs(running()) };
    row("there is no such container", none, "redeploy_forced | updates to web:41, forced");
    let secret = vec![(target("tags: { semver: '*' }, environment: { A: '1' }"), "shop/web")];
    row(
        "its variables changed",
        Case { entries: secret, ..runs(running()) },
        "redeploy_changed | 1.4.2 a | registers web: shop/web a, pushed at 10:00:00 | updates to it",
    );
}

#[test]
fn a_tag_is_pinned_to_what_it_meant_when_it_ran() {
    let by_tag = || revision(41, &[("web", "shop/web:prod".to_owned())]);
    row("nobody knows what ran", runs(by_tag()), "redeploy_forced | updates to web:41, forced");
    row(
        "ECS says what ran",
        Case { ran: vec![ran("job", 'c'), ran("web", 'b')], ..runs(by_tag()) },
        "redeploy_changed | prod b | registers web: shop/web b | updates to it",
    );
    row(
        "ECS says only what another container ran",
        Case { ran: vec![ran("job", 'c')], ..runs(by_tag()) },
        "redeploy_forced | updates to web:41, forced",
    );
    row(
        "a digest that is named is what ran",
        Case { ran: vec![ran("web", 'c')], ..runs(running()) },
        "redeploy_forced | 1.4.2 a | updates to web:41, forced",
    );
}

#[test]
fn the_image_goes_by_the_tag_that_slipway_wrote_down() {
    let id = |running: Revision| Case { id: Some("build-7"), ..runs(running) };
    let both = |tag: &str| revision(41, &[("web", format!("shop/web:{tag}@{}", digest('a')))]);
    row(
        "nothing is written down",
        id(revision(41, &[("web", pinned('a'))])),
        "redeploy_marked | no tag a | registers web: shop/web a | updates to it",
    );
    row(
        "the reference has a tag itself",
        id(both("1.4")),
        "redeploy_changed | 1.4 a | registers web: shop/web a | updates to it",
    );
    row(
        "it is written down",
        id(ours(both("1.4"), Some("1.4.2"), 'a', Some("10:00:00"))),
        "redeploy_changed | 1.4.2 a | registers web: shop/web a, pushed at 10:00:00 | updates to it",
    );
    let other = ours(
        revision(41, &[("web", pinned('a')), ("job", format!("shop/job@{}", digest('b')))]),
        Some("1.5.0"),
        'b',
        Some("10:00:00"),
    );
    row(
        "of another image of the revision",
        id(other),
        "redeploy_marked | no tag a | registers web: shop/web a, job: shop/job b | updates to it",
    );
    let api = |revision: Revision| Revision {
        tags: revision.tags.into_iter().map(|(key, value)| (key, value.replace("shop/web", "shop/api"))).collect(),
        ..revision
    };
    row(
        "for another repository",
        id(api(running())),
        "redeploy_marked | no tag a | registers web: shop/web a, pushed at 10:00:00 | updates to it",
    );
}

#[test]
fn two_repositories_of_one_service_are_rendered_into_one_revision() {
    let both = || revision(41, &[("web", "shop/web:prod".to_owned()), ("api", "shop/api:prod".to_owned())]);
    let api = target("tags: { semver: '*' }, repository: shop/api");
    let entries = || vec![(versions(), "shop/web"), (api.clone(), "shop/api")];
    let case = Case { entries: entries(), ran: vec![ran("web", 'a'), ran("api", 'b')], ..runs(both()) };
    row("both", case, "redeploy_changed | prod a | registers web: shop/web a, api: shop/api b | updates to it");
    let case = Case { entries: entries(), ran: vec![ran("api", 'b')], ..runs(both()) };
    row(
        "nobody knows what one of them ran",
        case,
        "redeploy_changed | prod b | registers web: shop/web:prod, api: shop/api b | updates to it",
    );
}

#[test]
fn what_a_tag_meant_is_asked_only_where_one_is_named() {
    #[track_caller]
    fn check(images: &[(&str, String)], target: &Target, expected: bool) {
        let (repository, service, record) = (repository("shop/web"), service(Vec::new()), Service::default());
        let running = revision(41, images);
        let entry = TargetFacts {
            target,
            repository: &repository,
            service: &service,
            running: &running,
            base: &running,
            family: None,
            record: &record,
            before: None,
        };
        assert_eq!(names_a_tag(&[entry]), expected);
    }
    let (by_tag, by_digest, other) = ("shop/web:prod".to_owned(), pinned('a'), "shop/api:prod".to_owned());
    let named = target("tags: { semver: '*' }, containers: [web]");
    check(&[("web", by_tag.clone())], &versions(), true);
    check(&[("web", by_digest.clone())], &versions(), false);
    check(&[("web", by_digest), ("job", by_tag)], &versions(), true);
    check(&[("web", other)], &named, false);
}

#[test]
fn express_mode_which_cannot_force_a_deployment_gets_a_new_revision_of_the_same() {
    let express = |running| Case { controller: Controller::Express, ..runs(running) };
    row(
        "nothing changes",
        express(for_express()),
        "redeploy_forced | 1.4.2 a | registers Main: shop/web a, pushed at 10:00:00 | updates to it by Express Mode",
    );
    row(
        "nothing changes, and the request has an id",
        Case { id: Some("build-7"), ..express(for_express()) },
        "redeploy_marked | 1.4.2 a | registers Main: shop/web a, pushed at 10:00:00 | updates to it by Express Mode",
    );
    row("it does not take the definition", express(running()), "not_for_express | 1.4.2 a");
}
