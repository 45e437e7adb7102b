use serde_json::json;

use super::*;
use crate::rules::situation::*;

/// web:NUMBER as somebody else registered it.
fn others(number: u32) -> Revision {
    by(revision(number, &[("web", "shop/web:latest".to_owned())]), "user/ana")
}

/// web:NUMBER as Slipway registered it, for the push of one image.
fn by_slipway(number: u32, digit: char) -> Revision {
    let tag = format!("1.{number}.0");
    by(
        ours(revision(number, &[("web", pinned(digit))]), Some(&tag), digit, None),
        "assumed-role/slipway/slipway-deploy",
    )
}

fn by(mut revision: Revision, principal: &str) -> Revision {
    revision.definition.insert("registeredBy".to_owned(), json!(format!("arn:aws:iam::123456789012:{principal}")));
    revision
}

fn inactive(mut revision: Revision) -> Revision {
    revision.definition.insert("status".to_owned(), json!("INACTIVE"));
    revision
}

fn known(seen: u64, base: Option<u64>, origin: Option<u64>) -> Option<Family> {
    Some(Family { name: "web".to_owned(), seen, base, origin })
}

#[test]
fn a_family_is_looked_through_once() {
    /// `expected` are the oldest number and the one after the newest.
    #[track_caller]
    fn check(known: Option<Family>, latest: &Revision, expected: std::ops::Range<u64>) {
        let expected: Vec<u64> = expected.rev().collect();
        assert_eq!(to_read(known.as_ref(), latest), expected);
    }
    let none = 0..0;
    check(None, &others(50), none.clone());
    check(None, &by_slipway(50, 'a'), 26..50);
    check(None, &by_slipway(7, 'a'), 1..7);
    check(None, &by_slipway(1, 'a'), none.clone());
    check(known(49, Some(12), None), &by_slipway(50, 'a'), none.clone());
    check(known(50, Some(12), None), &by_slipway(50, 'a'), none.clone());
    check(known(46, Some(12), None), &by_slipway(50, 'a'), 47..50);
    check(known(46, None, None), &by_slipway(50, 'a'), 47..50);
    check(known(10, Some(9), None), &by_slipway(50, 'a'), 26..50);
    check(known(46, Some(12), None), &others(50), none);
}

#[test]
fn the_base_is_the_newest_revision_that_others_registered() {
    #[track_caller]
    fn check(read: &[Revision], expected: Option<u64>) {
        let running = by_slipway(41, 'a');
        assert_eq!(newest(read, &running).and_then(|it| it.arn.revision()), expected);
        let reverse: Vec<Revision> = read.iter().rev().cloned().collect();
        assert_eq!(newest(&reverse, &running).and_then(|it| it.arn.revision()), expected);
    }
    check(&[others(43)], Some(43));
    check(&[by_slipway(43, 'b'), others(42), by_slipway(41, 'a'), others(40)], Some(42));
    check(&[by_slipway(43, 'b'), inactive(others(42)), others(40)], Some(40));
    check(&[by_slipway(43, 'b'), by_slipway(42, 'c')], None);
    check(&[inactive(others(42))], None);
    check(&[], None);
}

#[test]
fn a_copy_of_one_of_slipway_s_revisions_is_somebody_else_s() {
    #[track_caller]
    fn check(copy: Revision, expected: Option<u64>) {
        let (original, running) = (by_slipway(42, 'b'), by_slipway(41, 'a'));
        let read = [copy.clone(), original];
        assert_eq!(newest(&read, &running).and_then(|it| it.arn.revision()), expected);
        // The original may be what runs.
        let (original, read) = (by_slipway(42, 'b'), [copy]);
        assert_eq!(newest(&read, &original).and_then(|it| it.arn.revision()), expected);
    }
    let copied = |principal: &str| by(Revision { arn: arn(43), ..by_slipway(42, 'b') }, principal);
    check(copied("user/ana"), Some(43));
    // Slipway itself, after an answer that was lost.
    check(copied("assumed-role/slipway/slipway-deploy"), None);
    let mut unknown = copied("user/ana");
    unknown.definition.shift_remove("registeredBy");
    check(unknown, None);
}

#[test]
fn what_is_remembered_is_the_base_up_to_where_was_looked_and_what_somebody_gave_the_service() {
    let made_from = |revision: Revision, base: &str| {
        let tags = [revision.tags.clone(), vec![("slipway:definition".to_owned(), base.to_owned())]].concat();
        Revision { tags, ..revision }
    };
    let record = |family: Option<Family>| Service { family, ..Service::default() };
    let looked = |running: &Revision, known: Option<Family>| {
        memory(&record(known), running, Some((&by_slipway(43, 'b'), Some(&others(40)))))
    };
    assert_eq!(Some(looked(&others(39), None)), known(43, Some(40), Some(39)));
    assert_eq!(Some(looked(&others(39), known(41, None, Some(12)))), known(43, Some(40), Some(39)));
    assert_eq!(Some(looked(&by_slipway(41, 'a'), None)), known(43, Some(40), Some(41)));
    assert_eq!(Some(looked(&by_slipway(41, 'a'), known(41, None, Some(12)))), known(43, Some(40), Some(12)));
    let family = made_from(by_slipway(41, 'a'), "web:40");
    assert_eq!(Some(looked(&family, None)), known(43, Some(40), None));
    assert_eq!(Some(looked(&family, known(41, None, Some(12)))), known(43, Some(40), Some(12)));
    let other = Family { name: "api".to_owned(), ..known(41, None, Some(12)).unwrap() };
    assert_eq!(Some(looked(&family, Some(other))), known(43, Some(40), None));
    assert_eq!(Some(memory(&record(None), &others(39), None)), known(0, None, Some(39)));
    assert_eq!(remembered(&record(known(43, None, None)), "web"), known(43, None, None).as_ref());
    assert_eq!(remembered(&record(known(43, None, None)), "api"), None);
}

#[test]
fn a_family_is_remembered_anew_where_that_saves_something() {
    let before = known(43, Some(40), Some(39));
    let news = |seen, base| is_worth_remembering(before.as_ref(), &known(seen, base, Some(39)).unwrap());
    assert!(is_worth_remembering(None, before.as_ref().unwrap()));
    assert!(news(43, Some(42)) && news(43, None) && news(53, Some(40)));
    assert!(!news(43, Some(40)) && !news(52, Some(40)) && !news(42, Some(40)));
    for found in [known(43, Some(40), Some(42)).unwrap(), Family { name: "api".to_owned(), ..before.clone().unwrap() }]
    {
        assert!(changes_membership(before.as_ref(), &found) && is_worth_remembering(before.as_ref(), &found));
    }
    assert!(!changes_membership(before.as_ref(), &known(53, Some(52), Some(39)).unwrap()));
}

#[test]
fn a_definition_is_deployed_by_itself_where_nothing_else_is_to_be_done() {
    #[track_caller]
    fn check(keys: &str, base: Revision, record: Service, found: Option<Reason>, expected: bool) {
        let (target, repository, running) = (target(keys), repository("shop/web"), running());
        let service = service(Vec::new());
        let remembered = known(45, Some(45), None).unwrap();
        let family = FamilyFacts { base: Some(base.clone()), remembered, other: None };
        let facts = TargetFacts {
            target: &target,
            repository: &repository,
            service: &service,
            running: &running,
            base: &base,
            family: Some(&family),
            record: &record,
            before: None,
        };
        let found = found.map(|reason| Plan::nothing(target.name.clone(), reason));
        assert_eq!(image_to_redeploy(&facts, found.as_ref()).is_some(), expected);
    }
    let wanted = "tags: { semver: '*' }, base: family, deploy_definition_changes: true";
    let best = || Some(Reason::BestRuns { image: "1.4.2".to_owned(), revision: "web:41".to_owned() });
    check(wanted, others(45), Service::default(), None, true);
    check(wanted, others(45), Service::default(), best(), true);
    check(wanted, others(45), Service::default(), Some(Reason::Pushed { tag: tag("1.5.0") }), false);
    check(
        wanted,
        others(45),
        Service::default(),
        Some(Reason::ServiceNotActive { status: "DRAINING".to_owned() }),
        false,
    );
    check(wanted, others(45), held(), best(), false);
    check(wanted, others(41), Service::default(), best(), false);
    check("tags: { semver: '*' }, base: family", others(45), Service::default(), best(), false);
}

fn home() -> Home {
    Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy").unwrap()
}

/// A revision of the containers web and job, with an image and with variables.
fn two(number: u32, web: (&str, &[(&str, &str)]), job: (&str, &[(&str, &str)])) -> Revision {
    let mut revision = revision(number, &[("web", web.0.to_owned()), ("job", job.0.to_owned())]);
    let containers = revision.definition["containerDefinitions"].as_array_mut().unwrap();
    for (container, (_, variables)) in containers.iter_mut().zip([web, job]) {
        if !variables.is_empty() {
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            container["environment"] = json!(variables);
        }
    }
    revision
}

#[test]
fn what_slipway_set_for_another_repository_stays() {
    let web = target("tags: { semver: '*' }, environment: { V: '{tag}' }");
    let job = target("repository: shop/job, tags: { semver: '*' }, environment: { J: '{tag}' }");
    let entries = [&web, &job];
    let running = two(41, (&pinned('a'), &[("V", "1.4.2")]), ("shop/job:7", &[("J", "7"), ("OLD", "1")]));
    let base = two(40, ("shop/web:0", &[("V", "0")]), ("shop/job:0", &[("NEW", "1")]));
    let expected = two(40, (&pinned('a'), &[("V", "1.4.2")]), ("shop/job:7", &[("NEW", "1"), ("J", "7")]));
    assert_eq!(with_what_runs(&base, &running, &entries, &home()), expected);
    // An image of another repository is the base's, and so is a container that does not run.
    let other = two(41, (&pinned('a'), &[]), ("shop/proxy:9", &[]));
    let expected = two(40, (&pinned('a'), &[("V", "0")]), ("shop/job:0", &[("NEW", "1")]));
    assert_eq!(with_what_runs(&base, &other, &entries, &home()), expected);
    let one = revision(41, &[("web", pinned('a'))]);
    assert_eq!(with_what_runs(&base, &one, &entries, &home()), expected);
}

#[test]
fn two_services_of_a_family_run_the_same_but_for_what_slipway_sets() {
    let web = target("tags: { semver: '*' }, environment: { V: '{tag}' }");
    let check = |one: Revision, other: Revision, expected: Option<&str>| {
        assert_eq!(differs(&one, &other, &[&web], &home()).as_deref(), expected);
    };
    let runs = |digit, variables: &[(&str, &str)]| two(41, (&pinned(digit), variables), ("shop/job:7", &[]));
    check(runs('a', &[]), runs('b', &[]), None);
    check(runs('a', &[("V", "1")]), runs('a', &[("V", "2")]), None);
    check(runs('a', &[("V", "1")]), runs('a', &[]), None);
    check(by(runs('a', &[]), "user/ana"), runs('a', &[]), None);
    check(
        runs('a', &[("DB", "staging")]),
        runs('a', &[("DB", "production")]),
        Some("containerDefinitions[web].environment[DB]"),
    );
    let other = two(42, (&pinned('a'), &[]), ("shop/job:8", &[]));
    check(runs('a', &[]), other, Some("containerDefinitions[job].image"));
}
