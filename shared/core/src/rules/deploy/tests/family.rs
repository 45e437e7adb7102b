//! The rows of a target with `base: family`, whose newest definition is web:45; prod/web runs web:41.

use super::*;
use crate::model::facts::OtherService;
use crate::model::plan::MadeFrom;
use crate::model::record::{Deployment, Quarantined};

/// web:45, which somebody registered at 11:00 with another container.
fn definition() -> Revision {
    let mut revision = revision(45, &[("web", pinned('a')), ("job", "shop/job:1".to_owned())]);
    let seconds = at("11:00:00").as_second();
    revision.definition.insert("registeredAt".to_owned(), json!(seconds));
    revision
}

fn of_family(case: Case) -> Case {
    let remembered = record::Family { name: "web".to_owned(), seen: 45, base: Some(45), origin: None };
    let family = FamilyFacts { base: Some(definition()), remembered, other: None };
    Case { base: Some(definition()), family: Some(family), ..case }
}

/// 1.4.2, which runs.
fn same(who: Who) -> Case {
    of_family(wants(who, image(&["1.4.2"], 'a', Some("10:00:00"))))
}

fn decided(time: &str) -> record::Service {
    let decision = Decision { what: DecisionKind::Rollback, at: at(time), who: Some("ana".to_owned()) };
    record::Service { decision: Some(decision), ..record::Service::default() }
}

#[test]
fn a_new_image_is_deployed_with_the_newest_definition() {
    let case = of_family(pushed());
    row("a push", of_family(pushed()), "done: 1.5.0 was pushed");
    let plan = case.plan();
    assert_eq!(plan.made_from, MadeFrom::Family(arn(45)));
    let changes: Vec<_> = plan.rendering().unwrap().diff.changes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(changes, ["containerDefinitions[web].image", "containerDefinitions[job]"], "against what runs");
    let mut without = of_family(pushed());
    without.base = None;
    without.family.as_mut().unwrap().base = None;
    let plan = without.plan();
    assert_eq!(plan.made_from, MadeFrom::RunningForLack);
    insta::assert_snapshot!(plan, @r"
    prod/web: 1.5.0 was pushed
      - register a new revision of web, made from web:41, which runs: nobody but Slipway registered one of the newest 25 revisions of web
      - update prod/web to it
          web  image  …/shop/web@sha256:aaaaaaaaaaaa → …/shop/web@sha256:bbbbbbbbbbbb
    ");
}

#[test]
fn a_definition_alone_is_deployed_only_where_that_is_wanted() {
    row("the image that runs is pushed again", same(Push("1.4.2")), "1.4.2 already runs, as web:41");
    row("the registry has it", same(Registry("1.4.2")), "1.4.2 already runs, as web:41");
    row("somebody asks for it", same(Person(Some("1.4.2"))), "done: 1.4.2 was requested");
    row(
        "the variables change besides",
        same(Push("1.4.2")).target("tags: { semver: '*' }, base: family, environment: { V: '{tag}' }"),
        "done: 1.4.2 was pushed",
    );
    let new = "done: web:45 is a new definition of the family, and 1.4.2 runs with an older one";
    row("the definition is wanted", same(Definition("1.4.2")), new);
    row("somebody decided before it was registered", same(Definition("1.4.2")).record(decided("10:59:59")), new);
    row(
        "somebody decided after it was registered",
        same(Definition("1.4.2")).record(decided("11:00:00")),
        "the definition web:45 was registered before ana requested a rollback at 2026-11-21 11:00 UTC; request a redeploy \
         to deploy it",
    );
    row(
        "the service is held",
        same(Definition("1.4.2")).record(held()),
        "ana put the service on hold at 2026-11-21 11:00 UTC",
    );
    row(
        "its image is quarantined",
        same(Definition("1.4.2")).record(quarantined('a')),
        "1.4.2 failed here at 2026-11-21 11:00 UTC: its tasks stopped; it stays quarantined until somebody releases it",
    );
    let runs = || {
        of_family(
            wants(Definition("1.4.2"), image(&["1.4.2"], 'a', None)).runs(Revision { arn: arn(46), ..definition() }),
        )
    };
    row("it runs", runs(), "1.4.2 already runs, as web:46");
}

#[test]
fn a_definition_that_was_deployed_does_not_come_back_by_itself() {
    let with = |definition: &str| {
        let deployment = json!({ "definition": definition, "revision": { "new": "web:46" } });
        let deployments: Vec<Deployment> = vec![recorded(2, deployment)];
        same(Definition("1.4.2")).record(record::Service { deployments, ..record::Service::default() })
    };
    let new = "done: web:45 is a new definition of the family, and 1.4.2 runs with an older one";
    let older =
        "the definition web:45 is no newer than what was deployed here as web:46; request a redeploy to deploy it";
    row("an older one was deployed", with("web:44"), new);
    row("it was", with("web:45"), older);
    row("a newer one was, and is gone", with("web:46"), older);
    row("one of another family was", with("api:46"), new);
}

#[test]
fn a_quarantined_revision_keeps_out_no_newer_definition() {
    let failed = |revision: &str| {
        let it = Quarantined {
            tag: Some(tag("1.4.2")),
            revision: Some(revision.to_owned()),
            ..quarantined('a').quarantine[0].clone()
        };
        record::Service { quarantine: vec![it], ..record::Service::default() }
    };
    let closed = |revision: &str| {
        format!(
            "1.4.2 as {revision} failed here at 2026-11-21 11:00 UTC: its tasks stopped; it stays quarantined until somebody \
             releases it"
        )
    };
    let new = "done: web:45 is a new definition of the family, and 1.4.2 runs with an older one";
    row("it was made from an older definition", same(Definition("1.4.2")).record(failed("web:44")), new);
    row("it was made from this one", same(Definition("1.4.2")).record(failed("web:46")), &closed("web:46"));
    row("it is of another family", same(Definition("1.4.2")).record(failed("api:44")), &closed("api:44"));
}

#[test]
fn nothing_is_rendered_from_a_family_whose_services_differ() {
    let shared = |case: Case| {
        let mut case = of_family(case);
        let place = "containerDefinitions[web].environment[DB]".to_owned();
        let other = OtherService { target: crate::model::id::TargetName::new("staging/web"), revision: arn(44), place };
        case.family.as_mut().unwrap().other = Some(other);
        case
    };
    let refusal = "staging/web of the same family was given web:44, which differs from web:41 in more than the image \
                   (containerDefinitions[web].environment[DB]), so the family's newest revision may not be meant for this \
                   service; give each service a family of its own, or set `base: service`";
    row("a push", shared(pushed()), refusal);
    row("a request", shared(wants(Forced(Some("1.5.0")), newer())), refusal);
    row("what runs", shared(wants(Push("1.4.2"), image(&["1.4.2"], 'a', None))), "1.4.2 already runs, as web:41");
}
