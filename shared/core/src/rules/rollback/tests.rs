//! The table: a failed deployment and its rollback, a row for each branch.
//!
//! `N` (web:42) failed; web:41 and web:40 completed before it; the service's list still has web:41's deployment.

use serde_json::{Value, json};

use super::*;
use crate::model::facts::{DeploymentFacts, ImageName, RanImage, Revision, Rollout, ServiceDeploymentStatus};
use crate::model::id::ContainerName;
use crate::model::image::{Digest, ImageRef, Tag};
use crate::model::plan::{NextRevision, Step};
use crate::model::record::{KnownGood, Quarantined};
use crate::model::trigger::Trigger;
use crate::rules::mechanism::{End, Pace};
use crate::rules::situation;
use crate::rules::situation::service_deployment;
use jiff::Timestamp;

const OLD: &str = "ecs-svc/1000000000000000001";
const NEW: &str = "ecs-svc/2000000000000000002";
const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

fn time(text: &str) -> Timestamp {
    format!("2026-09-04T{text}Z").parse().unwrap()
}

fn digest(digit: char) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
}

fn arn(revision: u32) -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}"))
}

fn ran(digit: char) -> Vec<RanImage> {
    vec![RanImage { container: "web".to_owned(), image: format!("{HOST}/shop/web:prod"), digest: Some(digest(digit)) }]
}

/// A good revision whose container names a digest, all of it still there.
fn good(revision: u32, digit: char) -> KnownGoodFacts {
    KnownGoodFacts {
        known_good: KnownGood { revision: arn(revision), ran: ran(digit), at: time("10:00:00") },
        revision: Some(with_status("ACTIVE")),
        images: vec![found(ImageName::Digest(digest(digit)), digit, ImageState::There, None)],
    }
}

fn found(named: ImageName, digit: char, state: ImageState, tag_points_to: Option<Digest>) -> Found {
    let repository = ImageRef::parse(&format!("{HOST}/shop/web")).unwrap().repository();
    let wanted = NeededImage { repository, named, digest: Some(digest(digit)) };
    Found { wanted, state, tag_points_to }
}

/// The same, but its image is gone.
fn lost(revision: u32, digit: char) -> KnownGoodFacts {
    with_image(ImageState::Gone, revision, digit)
}

/// The same, and its image is in this state.
fn with_image(state: ImageState, revision: u32, digit: char) -> KnownGoodFacts {
    let images = vec![found(ImageName::Digest(digest(digit)), digit, state, None)];
    KnownGoodFacts { images, ..good(revision, digit) }
}

/// The same, but it names a tag that points to another image now, or to none.
fn tagged(revision: u32, digit: char, points_to: Option<char>) -> KnownGoodFacts {
    let tag = ImageName::Tag(Tag::parse("prod").unwrap());
    let images = vec![found(tag, digit, ImageState::There, points_to.map(digest))];
    KnownGoodFacts { images, ..good(revision, digit) }
}

struct Case {
    record: record::Service,
    assessment: Assessment,
    service: ServiceFacts,
    service_deployment: Option<ServiceDeploymentFacts>,
    known_good: Vec<KnownGoodFacts>,
}

fn failing(known_good: Vec<KnownGoodFacts>) -> Case {
    let deployment: record::Deployment = serde_json::from_value(json!({
        "number": 2, "trigger": "push", "event": "event-2", "intended_at": time("17:00:00"),
        "state": { "in_progress": { "deployment": NEW, "began_at": time("17:00:00") } },
        "revision": { "old": "web:41", "new": "web:42" },
        "image": { "repository": "shop/web", "old": { "tag": "prod", "digest": digest('a') },
                   "new": { "tag": "1.5.0", "digest": digest('b') } },
    }))
    .unwrap();
    let listed = |id: &str, status: &str, revision: u32, rollout: Rollout, created: &str| DeploymentFacts {
        id: DeploymentId::new(id),
        status: status.to_owned(),
        task_definition: arn(revision),
        rollout: Some(rollout),
        rollout_reason: None,
        created_at: Some(time(created)),
        updated_at: None,
        failed_tasks: 3,
        desired_count: 2,
        running_count: 0,
        pending_count: 2,
    };
    let deployments = vec![
        listed(NEW, "PRIMARY", 42, Rollout::InProgress, "17:00:00"),
        listed(OLD, "ACTIVE", 41, Rollout::Completed, "10:00:00"),
    ];
    Case {
        record: record::Service { deployments: vec![deployment], ..Default::default() },
        assessment: Assessment::Failing { by: FailedBy::Tasks },
        service: ServiceFacts { task_definition: arn(42), ..situation::service(deployments) },
        service_deployment: None,
        known_good,
    }
}

impl Case {
    fn judged(self, assessment: Assessment) -> Self {
        Self { assessment, ..self }
    }

    fn n(mut self, change: impl FnOnce(&mut record::Deployment)) -> Self {
        change(&mut self.record.deployments[0]);
        self
    }

    fn mode(self, mode: RollbackMode) -> Self {
        self.n(|n| n.settings.rollback = mode)
    }

    fn service_deployment(self, status: ServiceDeploymentStatus) -> Self {
        Self { service_deployment: Some(service_deployment(status)), ..self }
    }

    fn listed(mut self, change: impl FnOnce(&mut Vec<DeploymentFacts>)) -> Self {
        change(&mut self.service.deployments);
        self
    }

    fn decided(self, how: RollbackMethod) -> Self {
        let rollback = record::Rollback {
            how,
            to: Some("web:41".to_owned()),
            passed_over: Vec::new(),
            at: time("17:10:00"),
            previous_primary: None,
            deployment: None,
            done_at: None,
        };
        self.n(|n| n.in_progress().unwrap().rollback = Some(rollback))
    }

    fn decide(&self) -> RollbackDecision {
        decide(&RollbackFacts {
            record: &self.record,
            deployment: &self.record.deployments[0],
            assessment: &self.assessment,
            service: &self.service,
            service_deployment: self.service_deployment.as_ref(),
            known_good: &self.known_good,
        })
    }
}

#[track_caller]
fn row(situation: &str, case: Case, expected: &str) {
    let decision = case.decide();
    let how = match &decision {
        RollbackDecision::NoRollback(_) => "notice",
        RollbackDecision::Stop { .. } => "stop",
        RollbackDecision::Update(Selected { destination: Destination::Existing(_), .. }) => "update",
        RollbackDecision::Update(Selected { destination: Destination::Anew { .. }, .. }) => "register",
        RollbackDecision::ManualAction(_) => "human",
    };
    assert_eq!(format!("{how}: {decision}"), expected, "{situation}");
}

fn both() -> Vec<KnownGoodFacts> {
    vec![good(41, 'a'), good(40, '9')]
}

#[test]
fn what_ecs_leaves_failed_is_rolled_back_whatever_another_monitor_would_have_done() {
    use crate::model::facts::OnFailure::{Fails, RollsBack};
    for (breaker, alarms) in [(Fails, RollsBack), (RollsBack, Fails)] {
        let mut case = failing(both()).judged(Assessment::Failing { by: FailedBy::Ecs });
        case = case.listed(|listed| listed[0].rollout = Some(Rollout::Failed));
        (case.service.breaker, case.service.alarms) = (breaker, alarms);
        row("ECS leaves it failed", case, "update: Slipway rolls back to web:41, the last known-good revision");
        let ecs = Assessment::RollingBack { by: RollbackInitiator::Ecs, pace: Pace::InTime };
        let mut case = failing(both()).judged(ecs);
        (case.service.breaker, case.service.alarms) = (breaker, alarms);
        row("ECS rolls back", case, "notice: ECS rolls back automatically");
    }
}

#[test]
fn what_slipway_must_not_roll_back_is_only_published() {
    let rolling_back = |by| Assessment::RollingBack { by, pace: Pace::InTime };
    row(
        "it has not failed",
        failing(both()).judged(Assessment::InProgress(Pace::InTime)),
        "notice: Slipway does nothing, because the deployment is not failing",
    );
    row(
        "it ended",
        failing(both()).n(|n| {
            n.state = record::DeploymentState::Ended(record::Ended {
                outcome: Outcome::Completed,
                at: time("17:04:00"),
                reason: None,
                external: None,
                corrected_from: None,
                progress: n.progress().cloned(),
            })
        }),
        "notice: Slipway does nothing, because the deployment is not failing",
    );
    row(
        "somebody else's",
        failing(both()).n(|n| n.trigger = Trigger::External),
        "notice: Slipway does nothing, because somebody else started this deployment",
    );
    row(
        "it completed after all",
        failing(both()).judged(Assessment::Ended(End::of(Outcome::Completed))),
        "notice: Slipway does nothing, because the deployment is not failing",
    );
    let newer = Some(DeploymentId::new("ecs-svc/3"));
    row(
        "superseded",
        failing(both()).judged(Assessment::Ended(End { newer, ..End::of(Outcome::Superseded) })),
        "notice: Slipway does nothing, because the newer deployment ecs-svc/3 took its place",
    );
    row(
        "ECS goes back",
        failing(both()).judged(rolling_back(RollbackInitiator::Ecs)),
        "notice: ECS rolls back automatically",
    );
    row(
        "somebody stopped it",
        failing(both()).judged(rolling_back(RollbackInitiator::Somebody)),
        "notice: Somebody stopped the deployment, and ECS rolls back",
    );
    row(
        "Slipway is at it",
        failing(both()).judged(rolling_back(RollbackInitiator::Slipway)),
        "notice: Slipway has already rolled back, and does so only once for each deployment",
    );
    row(
        "Slipway was at it, and it fails again",
        failing(both()).decided(RollbackMethod::Update),
        "notice: Slipway has already rolled back, and does so only once for each deployment",
    );
    row(
        "the target wants none",
        failing(both()).mode(RollbackMode::Off),
        "notice: Slipway does not roll back, because the target says \"rollback: off\"",
    );
    row(
        "the target says notify",
        failing(both()).mode(RollbackMode::Notify),
        "notice: Slipway does not roll back, because the target says \"rollback: notify\"; it would roll back to web:41",
    );
    row(
        "the target says notify, and there is no known-good revision",
        failing(Vec::new()).mode(RollbackMode::Notify),
        "notice: Slipway does not roll back, because the target says \"rollback: notify\", and because there is no \
         other known-good revision",
    );
}

#[test]
fn what_is_under_way_is_stopped_where_ecs_can_go_back() {
    use ServiceDeploymentStatus::*;
    let stop =
        "stop: Slipway stops the deployment, so that it is rolled back to web:41, the last revision that completed";
    let update = "update: Slipway rolls back to web:41, the last known-good revision";
    row("in progress", failing(both()).service_deployment(InProgress), stop);
    row("not even begun", failing(both()).service_deployment(Pending), stop);
    row(
        "no known-good revision is recorded, but ECS knows one",
        failing(Vec::new()).service_deployment(InProgress),
        stop,
    );
    row(
        "decided before, and the call was never made",
        failing(both()).service_deployment(InProgress).decided(RollbackMethod::Stop).judged(Assessment::RollbackDue),
        stop,
    );
    row("the API does not know it", failing(both()), update);
    row("ECS stopped it already", failing(both()).service_deployment(Stopped), update);
    let other =
        |case: Case| Case { service: ServiceFacts { controller: Controller::External, ..case.service }, ..case };
    row("another controller", other(failing(both()).service_deployment(InProgress)), update);
    row(
        "ECS called it failed",
        failing(both()).service_deployment(InProgress).listed(|it| it[0].rollout = Some(Rollout::Failed)),
        update,
    );
    row(
        "ECS lists nothing to go back to",
        failing(both()).service_deployment(InProgress).listed(|it| it.truncate(1)),
        update,
    );
    row(
        "ECS lists another one, which never completed",
        failing(both()).service_deployment(InProgress).listed(|it| it[1].rollout = Some(Rollout::InProgress)),
        update,
    );
    let older = "update: Slipway rolls back to web:40, the last known-good revision";
    let gone = "web:41 needs shop/web@sha256:aaaaaaaaaaaa, which the registry no longer has";
    row(
        "ECS would go back to the failing revision: it was only redeployed",
        failing(vec![good(42, 'b'), good(40, '9')])
            .service_deployment(InProgress)
            .listed(|it| it[1].task_definition = arn(42)),
        older,
    );
    row(
        "ECS would go back to what has lost its image",
        failing(vec![lost(41, 'a'), good(40, '9')]).service_deployment(InProgress),
        &format!("{older}; {gone}"),
    );
    row(
        "an update was decided before: it stays one",
        failing(both()).service_deployment(InProgress).decided(RollbackMethod::Update).judged(Assessment::RollbackDue),
        update,
    );
}

#[test]
fn the_last_known_good_revision_that_can_still_run_is_restored() {
    row("the last", failing(both()), "update: Slipway rolls back to web:41, the last known-good revision");
    row(
        "never the failing one",
        failing(vec![good(42, 'b'), good(40, '9')]),
        "update: Slipway rolls back to web:40, the last known-good revision",
    );
    let quarantined = |revision: Option<&str>| {
        let mut case = failing(both());
        case.record.quarantine.push(Quarantined {
            repository: "shop/web".to_owned(),
            digest: digest('a'),
            revision: revision.map(str::to_owned),
            tag: None,
            cause: String::new(),
            at: time("12:00:00"),
        });
        case
    };
    for (situation, case) in [
        ("never one whose image is quarantined", quarantined(None)),
        ("never one that is quarantined itself", quarantined(Some("web:41"))),
    ] {
        row(situation, case, "update: Slipway rolls back to web:40, the last known-good revision");
    }
    let passed_over = |state: ImageState, why: &str| {
        row(
            "the image of the last cannot be pulled",
            failing(vec![with_image(state, 41, 'a'), good(40, '9')]),
            &format!(
                "update: Slipway rolls back to web:40, the last known-good revision; web:41 needs \
                 shop/web@sha256:aaaaaaaaaaaa, which {why}"
            ),
        );
    };
    passed_over(ImageState::Gone, "the registry no longer has");
    passed_over(ImageState::Archived, "is archived in ECR");
    passed_over(ImageState::Restoring, "ECR is restoring from its archive");
    row(
        "it names a tag, which has not moved",
        failing(vec![tagged(41, 'a', Some('a'))]),
        "update: Slipway rolls back to web:41, the last known-good revision",
    );
    for points_to in [Some('b'), None] {
        row(
            "it names a tag that moved, or is gone",
            failing(vec![tagged(41, 'a', points_to)]),
            "register: Slipway rolls back to web:41, the last known-good revision, as a new revision with the images \
             that ran then, because a tag in web:41 has moved since",
        );
    }
    row(
        "it was deregistered",
        failing(vec![KnownGoodFacts { revision: Some(revision()), ..good(41, 'a') }]),
        "register: Slipway rolls back to web:41, the last known-good revision, as a new revision, because web:41 was \
         deregistered",
    );
}

#[test]
fn where_nothing_helps_a_person_is_called() {
    row(
        "a rollback failed",
        failing(both()).n(|n| n.trigger = Trigger::Rollback),
        "human: Slipway does not roll back, because this deployment was itself a rollback, and Slipway goes no further back",
    );
    row(
        "the first deployment",
        failing(Vec::new()),
        "human: Slipway does not roll back, because there is no other known-good revision",
    );
    row(
        "only the failing one is known",
        failing(vec![good(42, 'b')]),
        "human: Slipway does not roll back, because there is no other known-good revision",
    );
    row(
        "all images are gone",
        failing(vec![lost(41, 'a'), lost(40, '9')]),
        "human: Slipway does not roll back, because no known-good revision can be used: web:41 needs \
         shop/web@sha256:aaaaaaaaaaaa, which the registry no longer has, and web:40 needs shop/web@sha256:999999999999, which \
         the registry no longer has",
    );
    row(
        "the revision is gone",
        failing(vec![KnownGoodFacts { revision: None, ..good(41, 'a') }]),
        "human: Slipway does not roll back, because no known-good revision can be used: web:41 can no longer be read",
    );
}

#[test]
fn where_only_archived_images_are_left_the_newest_is_restored() {
    use ImageState::{Archived, Gone, Restoring};
    #[track_caller]
    fn check(known_good: Vec<KnownGoodFacts>, expected: Option<(u32, &str)>) {
        let case = failing(known_good);
        let decision = case.decide();
        let found = decision.restorable(&case.record, &case.record.deployments[0], &case.known_good);
        let archived = |it: &Restorable| it.archived.iter().map(|(_, digest)| &digest.short()[..1]).collect::<String>();
        let found = found.map(|it| (it.revision.clone(), archived(&it), it));
        assert_eq!(
            found.as_ref().map(|(revision, digits, _)| (revision.clone(), digits.as_str())),
            expected.map(|(revision, digits)| (arn(revision), digits))
        );
        let Some((revision, _, it)) = found else { return };
        let text = decision.restoring(it).to_string();
        assert!(text.contains(&format!("restore what {} needs", revision.short())), "{text}");
    }
    check(vec![with_image(Archived, 41, 'a')], Some((41, "a")));
    check(vec![with_image(Archived, 41, 'a'), with_image(Archived, 40, '9')], Some((41, "a")));
    check(vec![with_image(Gone, 41, 'a'), with_image(Archived, 40, '9')], Some((40, "9")));
    // It was asked for before.
    check(vec![with_image(Restoring, 41, 'a'), with_image(Archived, 40, '9')], Some((41, "")));
    check(vec![with_image(Gone, 41, 'a')], None);
    check(vec![with_image(Archived, 41, 'a'), good(40, '9')], None);
    check(vec![KnownGoodFacts { revision: None, ..with_image(Archived, 41, 'a') }], None);
    check(vec![with_image(Archived, 42, 'b')], None);
    check(Vec::new(), None);
    let two = KnownGoodFacts {
        images: [with_image(Archived, 41, 'a'), with_image(Gone, 41, '9')]
            .into_iter()
            .flat_map(|it| it.images)
            .collect(),
        ..good(41, 'a')
    };
    check(vec![two.clone()], None);
    row(
        "what is gone for good is said",
        failing(vec![two]),
        "human: Slipway does not roll back, because no known-good revision can be used: web:41 needs \
         shop/web@sha256:999999999999, which the registry no longer has",
    );
    let by_tag = |points_to: Option<Digest>| {
        let mut found = found(ImageName::Tag(Tag::parse("prod").unwrap()), 'a', Archived, points_to);
        found.wanted.digest = None;
        KnownGoodFacts { images: vec![found], ..good(41, 'a') }
    };
    check(vec![by_tag(Some(digest('a')))], Some((41, "a")));
    check(vec![by_tag(None)], None);
}

#[test]
fn a_deployment_that_nobody_rolls_back_ends_with_the_decision() {
    let ends = |case: Case, by| case.decide().result(by);
    assert_eq!(ends(failing(Vec::new()), FailedBy::Ecs), Some(Outcome::Failed));
    assert_eq!(ends(failing(Vec::new()), FailedBy::Deadline), Some(Outcome::TimedOut));
    assert_eq!(ends(failing(both()).mode(RollbackMode::Off), FailedBy::Tasks), Some(Outcome::Failed));
    assert_eq!(ends(failing(both()), FailedBy::Deadline), None);
    assert_eq!(ends(failing(both()).decided(RollbackMethod::Update), FailedBy::Deadline), None);
}

#[test]
fn slipway_acts_where_it_rolls_back() {
    let check = |case: Case, expected: bool| assert_eq!(case.decide().acts(), expected);
    check(failing(both()).service_deployment(ServiceDeploymentStatus::InProgress), true);
    check(failing(both()), true);
    check(failing(vec![tagged(41, 'a', None)]), true);
    check(failing(Vec::new()), false);
    check(failing(both()).mode(RollbackMode::Notify), false);
}

fn with_status(status: &str) -> Revision {
    let mut revision = revision();
    revision.definition.insert("status".to_owned(), json!(status));
    revision
}

/// web:41 with a container of the target by tag, one by digest, and one of another registry.
fn revision() -> Revision {
    let definition = json!({
        "taskDefinitionArn": arn(41), "family": "web", "revision": 41, "status": "INACTIVE", "registeredAt": 1.5,
        "containerDefinitions": [
            { "name": "web", "image": format!("{HOST}/shop/web:prod"), "surprise": { "a": "" } },
            { "name": "proxy", "image": format!("{HOST}/shop/proxy@{}", digest('c')) },
            { "name": "log", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable" },
        ],
        "volumes": [],
    });
    let Value::Object(definition) = definition else { unreachable!() };
    let tags = vec![("team".to_owned(), "shop".to_owned()), ("aws:cloudformation:stack-id".to_owned(), "x".to_owned())];
    Revision { arn: arn(41), definition, tags }
}

#[test]
fn what_ran_is_looked_for_before() {
    let good = KnownGood { revision: arn(41), ran: ran('a'), at: time("10:00:00") };
    let wanted: Vec<String> = images_to_find(&good, &revision())
        .iter()
        .map(|it| format!("{}{} {}", it.repository.name, it.named, it.digest.as_ref().unwrap().short()))
        .collect();
    let pinned = format!("shop/proxy@{} cccccccccccc", digest('c'));
    assert_eq!(wanted, ["shop/web:prod aaaaaaaaaaaa".to_owned(), pinned]);
    assert!(selection::is_inactive(&revision()));
    assert!(!selection::is_inactive(&with_status("ACTIVE")));
}

#[test]
fn a_known_good_revision_is_registered_anew_with_what_ran() {
    let case = failing(Vec::new());
    let mut ran = ran('a');
    // What the record says of a container that names a digest does not count.
    ran.push(RanImage { container: "proxy".to_owned(), image: String::new(), digest: Some(digest('f')) });
    ran.push(RanImage { container: "gone".to_owned(), image: String::new(), digest: Some(digest('f')) });
    let origin = Origin::of_failed(&case.record.deployments[0]);
    let anew = |base: Revision, ran: &[RanImage]| {
        let destination = Destination::Anew { base, ran: ran.to_vec(), because: RegisterReason::Inactive };
        steps(&case.service, &destination, &origin)
    };
    let Ok([Step::Register(rendering), Step::Update { to: NextRevision::Registered, .. }]) =
        anew(revision(), &ran).map(|it| <[Step; 2]>::try_from(it).unwrap())
    else {
        panic!("a registration and an update");
    };
    let expected = json!({
        "family": "web",
        "containerDefinitions": [
            { "name": "web", "image": format!("{HOST}/shop/web@{}", digest('a')), "surprise": { "a": "" } },
            { "name": "proxy", "image": format!("{HOST}/shop/proxy@{}", digest('c')) },
            { "name": "log", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable" },
        ],
        "volumes": [],
        "tags": [
            { "key": "team", "value": "shop" },
            { "key": "slipway:event", "value": "rollback-of-ecs-svc/2000000000000000002" },
            { "key": "slipway:digest", "value": digest('a') },
            { "key": "slipway:tag", "value": "prod" },
            { "key": "slipway:trigger", "value": "rollback" },
            { "key": "slipway:previous", "value": "web:42" },
            { "key": "slipway:repository", "value": "shop/web" },
        ],
    });
    assert_eq!(Value::Object(rendering.body), expected);
    assert_eq!(rendering.containers, [ContainerName::new("web")]);

    let bare = Revision { definition: serde_json::Map::new(), ..revision() };
    assert!(anew(bare, &ran).is_err());
    assert!(anew(revision(), &[]).is_ok(), "a digest that is named is enough");
}

#[test]
fn the_tag_of_what_comes_back_is_the_one_that_slipway_wrote_down() {
    let check = |written_for: char, expected: Option<&str>| {
        let mut n = failing(Vec::new()).record.deployments.remove(0);
        n.image.as_mut().unwrap().old = None;
        let mut tags = revision().tags;
        tags.push(("slipway:event".to_owned(), "event-1".to_owned()));
        tags.push(("slipway:digest".to_owned(), digest(written_for).to_string()));
        tags.push(("slipway:tag".to_owned(), "1.4.2".to_owned()));
        let pinned = json!([
            { "name": "web", "image": format!("{HOST}/shop/web@{}", digest('a')) },
            { "name": "proxy", "image": format!("{HOST}/shop/proxy@{}", digest('c')) },
        ]);
        let mut base = Revision { tags, ..revision() };
        base.definition["containerDefinitions"] = pinned;
        let destination = Destination::Anew { base, ran: ran('a'), because: RegisterReason::Inactive };
        let steps = steps(&failing(Vec::new()).service, &destination, &Origin::of_failed(&n)).unwrap();
        let Step::Register(rendering) = &steps[0] else { panic!("a registration") };
        let tags = rendering.body["tags"].as_array().unwrap();
        let tag = tags.iter().find(|it| it["key"] == "slipway:tag").and_then(|it| it["value"].as_str());
        assert_eq!(tag, expected);
    };
    check('a', Some("1.4.2"));
    // It was written down for the proxy.
    check('c', None);
}
