//! The table: an image that somebody or something wants, and what is planned for it, a row each.
//!
//! prod/web runs 1.4.2 (pushed at 10:00) as web:41; 1.5.0 was pushed at 12:00. A row that is done registers a revision
//! and updates the service.

use serde_json::json;

use super::*;
use crate::config::Target;
use crate::model::facts::{
    CodeDeploy, Controller, Hooks, ImageFacts, Revision, Rollout, ServiceFacts, Storage, Strategy,
};
use crate::model::id::EventId;
use crate::model::image::Digest;
use crate::model::labels::BuildIdentity;
use crate::model::plan::{Step, UpdateCall};
use crate::model::record::{self, Decision, DecisionKind, Outcome};
use crate::model::trigger::Trigger;
use crate::rules::base::FamilyFacts;
use crate::rules::gates::{Question, deployable, guess_same_build, question, to_compare};
use crate::rules::mechanism::with_code_deploy;
use crate::rules::placeholder::ImageBefore;
use crate::rules::situation::*;

/// Who wants the image, by which tag.
#[derive(Clone, Copy)]
enum Who {
    Push(&'static str),
    Registry(&'static str),
    Before(&'static str),
    Definition(&'static str),
    Person(Option<&'static str>),
    Forced(Option<&'static str>),
}

use Who::{Before, Definition, Forced, Person, Push, Registry};

mod family;
mod placeholder;
mod service;

struct Case {
    target: Target,
    service: ServiceFacts,
    running: Revision,
    record: record::Service,
    image: ImageFacts,
    who: Who,
    running_image: Option<ImageFacts>,
    before: Option<ImageBefore>,
    base: Option<Revision>,
    family: Option<FamilyFacts>,
    builds: Option<(BuildIdentity, BuildIdentity)>,
}

/// 1.5.0.
fn newer() -> ImageFacts {
    image(&["1.5.0"], 'b', Some("12:00:00"))
}

fn wants(who: Who, image: ImageFacts) -> Case {
    Case {
        target: versions(),
        service: service(vec![primary(Rollout::Completed)]),
        running: running(),
        record: record::Service::default(),
        image,
        who,
        running_image: None,
        before: None,
        base: None,
        family: None,
        builds: None,
    }
}

fn pushed() -> Case {
    wants(Push("1.5.0"), newer())
}

impl Case {
    fn target(self, keys: &str) -> Self {
        Self { target: target(keys), ..self }
    }

    fn runs(self, running: Revision) -> Self {
        Self { running, ..self }
    }

    fn record(self, record: record::Service) -> Self {
        Self { record, ..self }
    }

    /// What the registry answers of the running image.
    fn answered(self, running_image: ImageFacts) -> Self {
        Self { running_image: Some(running_image), ..self }
    }

    fn under_way(self) -> Self {
        self.rollout(Rollout::InProgress, None)
    }

    fn rollout(mut self, rollout: Rollout, reason: Option<&str>) -> Self {
        self.service.deployments[0].rollout = Some(rollout);
        self.service.deployments[0].rollout_reason = reason.map(str::to_owned);
        self
    }

    fn asked<T>(&self, ask: impl FnOnce(&TargetFacts<'_>, &Candidate<'_>, &Known<'_>) -> T) -> T {
        let (repository, event) = (repository("shop/web"), EventId::new("event-2"));
        let named = match self.who {
            Push(text) | Registry(text) | Before(text) | Definition(text) => Some(tag(text)),
            Person(Some(text)) | Forced(Some(text)) => Some(tag(text)),
            Person(None) | Forced(None) => None,
        };
        let by = match (self.who, &named) {
            (Push(_), Some(tag)) => By::Push(tag),
            (Registry(_), Some(tag)) => By::Registry(tag),
            (Before(_), tag) => By::Restore(tag.as_ref()),
            (Definition(_), tag) => By::Definition(tag.as_ref()),
            (Person(_), tag) => By::Request { tag: tag.as_ref(), force: false },
            (Forced(_), tag) => By::Request { tag: tag.as_ref(), force: true },
            (Push(_) | Registry(_), None) => unreachable!(),
        };
        let facts = TargetFacts {
            target: &self.target,
            repository: &repository,
            service: &self.service,
            running: &self.running,
            base: self.base.as_ref().unwrap_or(&self.running),
            family: self.family.as_ref(),
            record: &self.record,
            before: self.before.as_ref(),
        };
        let candidate =
            Candidate { image: &self.image, by, trigger: &Trigger::Push, event: &event, request: "request-2" };
        let builds = self.builds.as_ref().map(|(wanted, runs)| (wanted, runs));
        ask(&facts, &candidate, &Known { running_image: self.running_image.as_ref(), builds })
    }

    fn plan(&self) -> Plan {
        self.asked(deploy)
    }
}

#[track_caller]
fn row(situation: &str, case: Case, expected: &str) {
    let plan = case.plan();
    let steps: Vec<&str> = plan
        .steps
        .iter()
        .map(|step| match step {
            Step::Register(_) => "register",
            Step::Update { .. } => "update",
        })
        .collect();
    assert_eq!(steps.is_empty(), plan.reason.weight() != crate::model::reason::Weight::Go, "{situation}");
    let done = if steps == ["register", "update"] { "done: " } else { "" };
    assert_eq!(format!("{done}{}", plan.reason), expected, "{situation}");
}

#[test]
fn a_newer_image_is_deployed_and_an_older_one_is_not() {
    row("a newer version", pushed(), "done: 1.5.0 was pushed");
    row(
        "found by the registry",
        wants(Registry("1.5.0"), newer()),
        "done: 1.5.0 is in the registry and does not run yet",
    );
    row(
        "under two tags, of which the policy has one",
        wants(Push("1.5.0"), image(&["latest", "1.5.0"], 'b', None)),
        "done: 1.5.0 was pushed",
    );
    row("under a tag that it lost since", wants(Push("1.5.0"), image(&["1.6.0"], 'b', None)), "done: 1.6.0 was pushed");
    let older = || image(&["1.4.1"], 'b', Some("12:00:00"));
    row("an older version, pushed later", wants(Push("1.4.1"), older()), "1.4.1 is older than the running 1.4.2");
    row("the same, found by the registry", wants(Registry("1.4.1"), older()), "1.4.1 is older than the running 1.4.2");
    row("the same, asked for", wants(Person(Some("1.4.1")), older()), "done: 1.4.1 was requested");
    row("the same, asked for by digest", wants(Person(None), older()), "done: 1.4.1 was requested");
    let untagged = || image(&["main"], 'b', Some("12:00:00"));
    row(
        "asked for by digest, and no tag is of the policy",
        wants(Person(None), untagged()),
        "done: main was requested",
    );
    let elsewhere = || revision(41, &[("web", pinned('a'))]);
    row(
        "what runs was deployed by somebody else, and has no version",
        pushed().runs(elsewhere()),
        "done: 1.5.0 was pushed",
    );
    for (situation, when, expected) in [
        ("it was pushed before 1.5.0", Some("11:59:59"), "done: 1.5.0 was pushed"),
        ("in the same moment", Some("12:00:00"), "done: 1.5.0 was pushed"),
        ("after it", Some("12:00:01"), "1.5.0 was pushed before the running hotfix"),
        ("nobody knows when", None, "done: 1.5.0 was pushed"),
    ] {
        row(situation, pushed().runs(elsewhere()).answered(image(&["hotfix"], 'a', when)), expected);
    }
    let versioned = pushed().runs(elsewhere()).answered(image(&["1.6.0"], 'a', Some("09:00:00")));
    row("the registry knows its version, which is newer", versioned, "1.5.0 is older than the running 1.6.0");
    let by_tag = revision(41, &[("web", "shop/web:1.6.0".to_owned())]);
    row("what runs names a newer version itself", pushed().runs(by_tag), "1.5.0 is older than the running 1.6.0");
    let first = revision(41, &[("web", "shop/placeholder:1.9.0".to_owned())]);
    let first = Case { target: target("tags: { semver: '*' }, containers: [web]"), ..pushed().runs(first) };
    row("what runs is of another repository", first, "done: 1.5.0 was pushed");
    let moved = || {
        let case = wants(Push("prod"), image(&["prod", "1.4.1"], 'b', Some("09:00:00")));
        Case { record: tag_pushed(case.record, "prod", 'b', "12:30:00"), ..case }
    };
    row(
        "a tag that is followed was moved to an older build",
        moved().target("tags: { tag: prod }"),
        "done: prod was pushed",
    );
}

#[test]
fn what_runs_already_is_left_as_it_is() {
    let same = || wants(Push("1.4.2"), image(&["1.4.2"], 'a', Some("10:00:00")));
    row("it runs", same(), "1.4.2 already runs, as web:41");
    row(
        "it is being deployed",
        same().rollout(Rollout::InProgress, None),
        "1.4.2 is already being deployed, as web:41 in ecs-svc/1",
    );
    row(
        "it failed",
        same().rollout(Rollout::Failed, None),
        "1.4.2 was deployed as web:41, and failed in ecs-svc/1; request a redeploy to try it again",
    );
    row(
        "the variables changed since",
        same().target("tags: { semver: '*' }, environment: { V: '{tag}' }"),
        "done: 1.4.2 was pushed",
    );
    row(
        "it is found by the registry",
        wants(Registry("1.4.2"), image(&["1.4.2"], 'a', Some("10:00:00"))),
        "1.4.2 already runs, as web:41",
    );
}

#[test]
fn variables_are_filled_in() {
    let plan =
        pushed().target("tags: { semver: '*' }, environment: { VERSION: 'v{tag}', BUILD: '{short_digest}' }").plan();
    let Some(Step::Register(rendering)) = plan.steps.first() else { panic!("{plan:?}") };
    assert_eq!(
        rendering.body["containerDefinitions"][0]["environment"],
        json!([{ "name": "VERSION", "value": "v1.5.0" }, { "name": "BUILD", "value": "bbbbbbbbbbbb" }])
    );
}

#[test]
fn only_images_that_ecs_can_run_are_deployed() {
    let kind = |kind: Option<&str>| ImageFacts { artifact_media_type: kind.map(str::to_owned), ..newer() };
    let of = |image: ImageFacts| wants(Push("1.5.0"), image);
    row("an index", of(kind(None)), "done: 1.5.0 was pushed");
    row(
        "Docker's own kind",
        of(kind(Some("application/vnd.docker.container.image.v1+json"))),
        "done: 1.5.0 was pushed",
    );
    row(
        "a chart",
        of(kind(Some("application/vnd.cncf.helm.config.v1+json"))),
        "1.5.0 is not a container image but application/vnd.cncf.helm.config.v1+json",
    );
    row(
        "archived",
        of(ImageFacts { storage: Storage::Archived, ..newer() }),
        &format!(
            "1.5.0 is archived in ECR, so ECS cannot pull it; restore it first (aws ecr update-image-storage-class \
             --repository-name shop/web --image-id imageDigest={} --target-storage-class STANDARD), and deploy it when it is \
             ACTIVE",
            newer().digest
        ),
    );
    row(
        "being restored",
        of(ImageFacts { storage: Storage::Restoring, ..newer() }),
        "ECR is restoring 1.5.0 from its archive, so ECS cannot pull it yet; deploy it when it is ACTIVE",
    );
}

#[test]
fn what_failed_or_a_person_spoke_against_stays_out_unless_it_is_forced() {
    let person = || wants(Person(Some("1.5.0")), newer());
    let forced = || wants(Forced(Some("1.5.0")), newer());
    row("the service is held", pushed().record(held()), "ana put the service on hold at 2026-11-21 11:00 UTC");
    row(
        "the same, asked for",
        person().record(held()),
        "ana put the service on hold at 2026-11-21 11:00 UTC; add \"force\": true to deploy it anyway",
    );
    row("the same, forced", forced().record(held()), "done: 1.5.0 was requested");
    row(
        "the image failed here",
        pushed().record(quarantined('b')),
        "1.5.0 failed here at 2026-11-21 11:00 UTC: its tasks stopped; it stays quarantined until somebody releases it",
    );
    row(
        "the same, found by the registry",
        Case { who: Registry("1.5.0"), ..pushed().record(quarantined('b')) },
        "1.5.0 failed here at 2026-11-21 11:00 UTC: its tasks stopped; it stays quarantined until somebody releases it",
    );
    row(
        "the same, asked for",
        person().record(quarantined('b')),
        "1.5.0 failed here at 2026-11-21 11:00 UTC: its tasks stopped; add \"force\": true to deploy it anyway",
    );
    row("the same, forced", forced().record(quarantined('b')), "done: 1.5.0 was requested");
    row("another image failed here", pushed().record(quarantined('c')), "done: 1.5.0 was pushed");

    let decided = |at| {
        let decision = Decision { what: DecisionKind::Rollback, at, who: Some("ana".to_owned()) };
        record::Service { decision: Some(decision), ..record::Service::default() }
    };
    row(
        "a person decided after its push",
        pushed().record(decided(at("12:00:01"))),
        "1.5.0 was pushed before ana requested a rollback at 2026-11-21 12:00 UTC; only what is pushed later is deployed automatically",
    );
    row(
        "in the same moment",
        pushed().record(decided(at("12:00:00"))),
        "1.5.0 was pushed before ana requested a rollback at 2026-11-21 12:00 UTC; only what is pushed later is deployed automatically",
    );
    row("before its push", pushed().record(decided(at("11:59:59"))), "done: 1.5.0 was pushed");
    row("the same as the first, asked for", person().record(decided(at("12:00:01"))), "done: 1.5.0 was requested");
    let moved = |tagged: Option<&str>| {
        let case = wants(Push("prod"), image(&["prod"], 'b', Some("12:00:00"))).target("tags: { tag: prod }");
        let record = decided(at("12:30:00"));
        case.record(match tagged {
            Some(time) => tag_pushed(record, "prod", 'b', time),
            None => record,
        })
    };
    row("a tag that is followed was moved after the decision", moved(Some("12:30:01")), "done: prod was pushed");
    row(
        "before it",
        moved(Some("12:29:59")),
        "prod was pushed before ana requested a rollback at 2026-11-21 12:30 UTC; only what is pushed later is deployed automatically",
    );
    row(
        "nobody knows when",
        moved(None),
        "prod was pushed before ana requested a rollback at 2026-11-21 12:30 UTC; only what is pushed later is deployed automatically",
    );
    let again = |text| pushed().record(tag_pushed(decided(at("12:30:00")), text, 'b', "12:45:00"));
    row("its tag was pushed again after the decision", again("1.5.0"), "done: 1.5.0 was pushed");
    row(
        "a tag that the policy does not deploy was pushed after the decision",
        again("latest"),
        "1.5.0 was pushed before ana requested a rollback at 2026-11-21 12:30 UTC; only what is pushed later is deployed automatically",
    );

    let ended = |outcome: Outcome, ended: &str| {
        let deployment = recorded(2, json!({ "deployment": "ecs-svc/2", "outcome": outcome, "ended_at": at(ended) }));
        record::Service { deployments: vec![deployment], ..record::Service::default() }
    };
    let failed = |ended_at: &str| ended(Outcome::RollbackFailed, ended_at);
    row(
        "the last rollback failed after its push",
        pushed().record(failed("12:00:01")),
        "1.5.0 was pushed before the rollback of ecs-svc/2 failed at 2026-11-21 12:00 UTC; only what is pushed later or what somebody requests is deployed",
    );
    row(
        "in the same moment",
        pushed().record(failed("12:00:00")),
        "1.5.0 was pushed before the rollback of ecs-svc/2 failed at 2026-11-21 12:00 UTC; only what is pushed later or what somebody requests is deployed",
    );
    row("before its push", pushed().record(failed("11:59:59")), "done: 1.5.0 was pushed");
    row(
        "the last deployment only failed",
        pushed().record(ended(Outcome::Failed, "12:00:01")),
        "done: 1.5.0 was pushed",
    );
    let unknown = wants(Push("1.5.0"), image(&["1.5.0"], 'b', None));
    row(
        "the last rollback failed, and nobody knows when it was pushed",
        unknown.record(failed("12:00:01")),
        "1.5.0 was pushed before the rollback of ecs-svc/2 failed at 2026-11-21 12:00 UTC; only what is pushed later or what somebody requests is deployed",
    );
}

#[test]
fn what_is_under_way_and_may_not_be_cut_short_is_waited_for() {
    let back = Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.");
    let person = || wants(Person(Some("1.5.0")), newer());
    row("a rolling deployment", pushed().rollout(Rollout::InProgress, None), "done: 1.5.0 was pushed");
    row(
        "ECS's rollback",
        pushed().rollout(Rollout::InProgress, back),
        "the rollback ecs-svc/1 is in progress and is not interrupted; this is decided again when it has ended",
    );
    row(
        "the same, asked for",
        person().rollout(Rollout::InProgress, back),
        "ECS is rolling back to ecs-svc/1; deploy again when that has ended",
    );
    row("ECS's rollback has ended", pushed().rollout(Rollout::Completed, back), "done: 1.5.0 was pushed");
    for (strategy, name) in [
        (Strategy::BlueGreen, "blue/green"),
        (Strategy::Linear, "linear"),
        (Strategy::Canary, "canary"),
        (Strategy::CodeDeploy, "CodeDeploy"),
        (Strategy::Other("NEW".to_owned()), "NEW"),
    ] {
        let waits = format!(
            "the {name} deployment ecs-svc/1 is in progress and is not interrupted; this is decided again when it has ended"
        );
        let refused = format!(
            "the {name} deployment ecs-svc/1 is in progress and must not be interrupted; deploy again when it has ended"
        );
        let shift = |case: Case| Case { service: ServiceFacts { strategy: strategy.clone(), ..case.service }, ..case };
        row("a traffic shift", shift(pushed().rollout(Rollout::InProgress, None)), &waits);
        row("the same, asked for", shift(person().rollout(Rollout::InProgress, None)), &refused);
        row("it has ended", shift(pushed()), "done: 1.5.0 was pushed");
    }
    let open = |members: serde_json::Value| record::Service {
        deployments: vec![recorded(2, members)],
        ..record::Service::default()
    };
    let unjudged = || open(json!({ "deployment": "ecs-svc/2", "began_at": at("10:05:00") }));
    row(
        "a later deployment failed, and nobody has judged it",
        pushed().record(unjudged()),
        "the rollback from ecs-svc/2 is in progress and is not interrupted; this is decided again when it has ended",
    );
    row("the same, asked for", person().record(unjudged()), "done: 1.5.0 was requested");
    let rollback = json!({ "how": "update", "at": at("10:10:00") });
    let own = || open(json!({ "deployment": "ecs-svc/1", "rollback": rollback.clone() }));
    row(
        "Slipway rolls back",
        pushed().record(own()),
        "the rollback ecs-svc/1 is in progress and is not interrupted; this is decided again when it has ended",
    );
    row("the same, asked for", person().record(own()), "done: 1.5.0 was requested");
    row(
        "somebody asked for a rollback",
        pushed().record(open(json!({ "trigger": "rollback", "deployment": "ecs-svc/1" }))),
        "the rollback ecs-svc/1 is in progress and is not interrupted; this is decided again when it has ended",
    );
    let ended = json!({ "deployment": "ecs-svc/1", "rollback": rollback, "outcome": "rolled_back_by_slipway" });
    row("Slipway has rolled back", pushed().record(open(ended)), "done: 1.5.0 was pushed");
    let failed = |case: Case, strategy: Strategy| {
        let record = open(json!({ "deployment": "ecs-svc/1", "outcome": "failed" }));
        let service = ServiceFacts { strategy, ..case.service.clone() };
        Case { service, ..case }.rollout(Rollout::InProgress, None).record(record)
    };
    row("it has failed for good", failed(pushed(), Strategy::BlueGreen), "done: 1.5.0 was pushed");
    row("the same, asked for", failed(person(), Strategy::BlueGreen), "done: 1.5.0 was requested");
    row(
        "CodeDeploy takes no other one, though it has failed for good",
        failed(pushed(), Strategy::CodeDeploy),
        "the CodeDeploy deployment ecs-svc/1 is in progress and is not interrupted; this is decided again when it has ended",
    );
    row(
        "the same, asked for",
        failed(person(), Strategy::CodeDeploy),
        "the CodeDeploy deployment ecs-svc/1 is in progress and must not be interrupted; deploy again when it has ended",
    );
}

/// prod/web, which CodeDeploy deploys.
fn by_code_deploy(hooks: Hooks) -> ServiceFacts {
    let shown = CodeDeploy { hooks, ..code_deploy() };
    let it = service(vec![primary(Rollout::Completed)]);
    ServiceFacts { controller: Controller::CodeDeploy, ..with_code_deploy(it, shown, at("12:00:00")) }
}

#[test]
fn one_build_under_several_tags_is_one_deploy() {
    let build = |config: &str| BuildIdentity::of_manifest(&json!({ "config": { "digest": config } }).to_string());
    let builds = |case: Case, runs: &str| Case { builds: Some((build("one"), build(runs))), ..case };
    row("the running image is of the same build", builds(pushed(), "one"), "1.5.0 is the same build as 1.4.2");
    row("of another", builds(pushed(), "other"), "done: 1.5.0 was pushed");
    row("the same, asked for", builds(wants(Person(Some("1.5.0")), newer()), "one"), "done: 1.5.0 was requested");
    let same = wants(Push("1.4.2"), image(&["1.4.2"], 'a', Some("10:00:00")));
    row(
        "it is the running image itself",
        builds(same.target("tags: { semver: '*' }, environment: { A: b }"), "one"),
        "done: 1.4.2 was pushed",
    );
}

#[test]
fn two_images_pushed_close_to_each_other_are_compared_as_builds() {
    #[track_caller]
    fn check(case: Case, expected: Option<Digest>) {
        assert_eq!(case.asked(|facts, candidate, known| to_compare(facts, candidate, known.running_image)), expected);
    }
    let later = |time: &str| wants(Push("1.5.0"), image(&["1.5.0"], 'b', Some(time)));
    check(later("10:15:00"), Some(digest('a')));
    check(later("10:15:01"), None);
    check(later("09:45:00"), Some(digest('a')));
    check(later("09:44:59"), None);
    check(wants(Push("1.5.0"), image(&["1.5.0"], 'b', None)), None);
    check(wants(Person(Some("1.5.0")), image(&["1.5.0"], 'b', Some("10:01:00"))), None);
    check(wants(Push("prod"), image(&["prod"], 'b', Some("10:01:00"))).target("tags: { tag: prod }"), None);
    // The running image itself, and what is older.
    check(wants(Push("1.4.2"), image(&["1.4.2"], 'a', Some("10:00:00"))), None);
    check(wants(Push("1.4.1"), image(&["1.4.1"], 'b', Some("10:01:00"))), None);
    // Where the revision says nothing of it, the registry does.
    let by_tag = || later("10:15:00").runs(revision(41, &[("web", "shop/web:1.4.2".to_owned())]));
    check(by_tag(), None);
    check(by_tag().answered(image(&["1.4.2"], 'c', Some("10:00:00"))), Some(digest('c')));

    let last = |members: serde_json::Value| record::Service {
        deployments: vec![recorded(2, members)],
        ..record::Service::default()
    };
    let change = |repository: &str| json!({ "repository": repository, "new": { "tag": "1.4.2", "digest": digest('a') }, "old": null });
    #[track_caller]
    fn guessed(record: record::Service, image: &ImageFacts, expected: Option<Digest>) {
        assert_eq!(guess_same_build(&record, "shop/web", image), expected);
    }
    let near = image(&["1.5.0"], 'b', Some("10:15:00"));
    let recent = || last(json!({ "image": change("shop/web") }));
    guessed(recent(), &near, Some(digest('a')));
    guessed(recent(), &image(&["1.5.0"], 'b', Some("10:15:01")), None);
    guessed(recent(), &image(&["1.4.2"], 'a', Some("10:00:00")), None);
    guessed(last(json!({ "image": change("shop/api") })), &near, None);
    guessed(last(json!({ "image": change("shop/web"), "trigger": "external" })), &near, None);
    guessed(record::Service::default(), &near, None);
}

#[test]
fn the_running_image_is_looked_up_where_nothing_orders_it() {
    #[track_caller]
    fn check(case: Case, expected: &str) {
        let asked = case.asked(|facts, candidate, _| question(facts, candidate));
        let answer = match asked {
            None => "nothing".to_owned(),
            Some(Question::Registry(name)) => format!("the registry for {name}"),
            Some(Question::WhatRan(container)) => format!("what {container} ran"),
        };
        assert_eq!(answer, expected);
    }
    let registry = format!("the registry for @{}", digest('a'));
    let elsewhere = || revision(41, &[("web", pinned('a'))]);
    check(pushed(), "nothing");
    check(wants(Push("1.4.1"), image(&["1.4.1"], 'b', None)), "nothing");
    check(pushed().runs(elsewhere()), &registry);
    check(pushed().runs(revision(41, &[("web", "shop/web:latest".to_owned())])), "what web ran");
    check(pushed().runs(revision(41, &[("web", "shop/web:1.4.2".to_owned())])), "nothing");
    check(wants(Person(Some("1.5.0")), newer()).runs(elsewhere()), "nothing");
    check(wants(Push("prod"), image(&["prod"], 'b', None)).target("tags: { tag: prod }").runs(elsewhere()), "nothing");
    check(wants(Push("1.4.2"), image(&["1.4.2"], 'a', None)).runs(elsewhere()), "nothing");
    // One version under two digests: the times of their pushes decide, and both are known.
    check(wants(Push("1.4.2"), image(&["1.4.2"], 'b', None)), &registry);
    // Of several containers the one that does not run it yet.
    let both = |one: char, other: char| revision(41, &[("web", pinned(one)), ("job", pinned(other))]);
    check(pushed().runs(both('b', 'a')), &registry);
    check(pushed().runs(both('a', 'b')), &registry);
    check(pushed().runs(both('b', 'b')), "nothing");
    // What Slipway wrote of one image says nothing of another, nor of another repository.
    check(pushed().runs(ours(both('a', 'b'), Some("1.4.2"), 'b', None)), &registry);
    let of_api = |revision: Revision| {
        let tags = revision.tags.into_iter().map(|(key, value)| (key, value.replace("shop/web", "shop/api"))).collect();
        Revision { tags, ..revision }
    };
    check(pushed().runs(of_api(running())), &registry);
    let named = || pushed().target("tags: { semver: '*' }, containers: [web]");
    check(named().runs(revision(41, &[("web", format!("shop/api@{}", digest('a')))])), "nothing");
    check(named().runs(elsewhere()), &registry);
}
