//! The table: what became of an image that somebody asks about.
//!
//! It runs 1.4.2 (`a`) as web:41; where something is under way, that is 1.5.0 (`b`) as web:42, in ecs-svc/2.

use serde_json::json;
use strum::VariantArray as _;

use super::*;
use crate::model::facts::{
    Hook, HookWaitsFor, ImageFacts, ImageName, OnTimeout, Pause, Rollout, ServiceDeploymentFacts,
    ServiceDeploymentStatus, Strategy,
};
use crate::model::id::{ServiceDeploymentArn, ServiceRevisionArn};
use crate::model::plan::Plan;
use crate::model::record::{Blocked, DecisionKind, Lease};
use crate::rules::situation::*;

mod service;

struct Case {
    target: Target,
    service: ServiceFacts,
    revisions: Vec<Revision>,
    record: Service,
    asked: (Shown, Option<ImageFacts>),
    past: Option<ServiceDeploymentFacts>,
    plan: Option<Plan>,
    wait_for: WaitFor,
    stage: Option<ServiceDeploymentFacts>,
}

fn by_tag(text: &str) -> Shown {
    Shown { tag: Some(tag(text)), digest: None }
}

/// What is asked about is 1.5.0, which the registry has.
fn with(deployments: Vec<DeploymentFacts>) -> Case {
    let next = ours(revision(42, &[("web", pinned('b'))]), Some("1.5.0"), 'b', None);
    Case {
        target: versions(),
        service: service(deployments),
        revisions: vec![running(), next],
        record: Service::default(),
        asked: (by_tag("1.5.0"), Some(image(&["1.5.0"], 'b', None))),
        past: None,
        plan: None,
        wait_for: WaitFor::Completed,
        stage: None,
    }
}

fn next(rollout: Rollout, reason: Option<&str>) -> DeploymentFacts {
    DeploymentFacts {
        id: DeploymentId::new("ecs-svc/2"),
        task_definition: arn(42),
        rollout_reason: reason.map(str::to_owned),
        ..primary(rollout)
    }
}

fn old() -> DeploymentFacts {
    DeploymentFacts { status: "ACTIVE".to_owned(), ..primary(Rollout::Completed) }
}

fn idle() -> Case {
    with(vec![primary(Rollout::Completed)])
}

fn under_way(rollout: Rollout, reason: Option<&str>) -> Case {
    with(vec![next(rollout, reason), old()])
}

fn deploying() -> Case {
    under_way(Rollout::InProgress, None)
}

/// Nothing ran before it.
fn deploying_alone() -> Case {
    with(vec![next(Rollout::InProgress, None)])
}

const BACK: Option<&str> = Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.");

fn rolling_back() -> Case {
    under_way(Rollout::InProgress, BACK)
}

fn failed() -> Case {
    under_way(Rollout::Failed, BACK)
}

/// As behind a Classic Load Balancer.
fn without_rollout_state() -> Case {
    with(vec![DeploymentFacts { rollout: None, ..primary(Rollout::Completed) }])
}

impl Case {
    fn about(self, shown: Shown, image: Option<ImageFacts>) -> Self {
        Self { asked: (shown, image), ..self }
    }

    /// The last deployments, the newest first, each of this image.
    fn record(self, deployments: &[(&str, char, serde_json::Value)]) -> Self {
        let deployments = deployments.iter().map(|(id, digit, members)| {
            let change =
                json!({ "repository": "shop/web", "old": null, "new": { "tag": null, "digest": digest(*digit) } });
            let mut members = members.clone();
            members
                .as_object_mut()
                .unwrap()
                .extend([("deployment".to_owned(), json!(id)), ("image".to_owned(), change)]);
            recorded(1, members)
        });
        Self { record: Service { deployments: deployments.collect(), ..self.record }, ..self }
    }

    fn past(self, status: &str) -> Self {
        Self { past: Some(service_deployment(ServiceDeploymentStatus::from(status))), ..self }
    }

    fn plan(self, reason: Reason) -> Self {
        Self { plan: Some(Plan::nothing(TargetName::new("prod/web"), reason)), ..self }
    }

    fn would_go(self) -> Self {
        self.plan(Reason::Pushed { tag: tag("1.5.0") })
    }

    /// A push of it is pending, under this tag.
    fn pending(self, text: &str, blocked: serde_json::Value) -> Self {
        let pending = json!({ "event": "event-2", "repository": format!("{HOST}/shop/web"), "tag": text, "at": at("12:00:00"),
            "trigger": "push", "blocked": blocked });
        let pending = vec![serde_json::from_value(pending).unwrap()];
        Self { record: Service { pending, ..self.record }, ..self }
    }

    fn quarantined(self, digit: char) -> Self {
        Self { record: Service { quarantine: quarantined(digit).quarantine, ..self.record }, ..self }
    }

    /// The service shifts traffic, and what is under way has come to this stage.
    fn at_stage(mut self, stage: &str, status: &str) -> Self {
        self.service.strategy = Strategy::BlueGreen;
        self.service.current_service_deployment = Some(ServiceDeploymentArn::new("service-deployment/prod/web/N"));
        let facts = ServiceDeploymentFacts {
            stage: Some(stage.to_owned()),
            target: Some(ServiceRevisionArn::new("arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/web/2")),
            ..service_deployment(ServiceDeploymentStatus::from(status))
        };
        Self { stage: Some(facts), ..self }
    }

    fn for_serving(self) -> Self {
        Self { wait_for: WaitFor::Serving, ..self }
    }

    fn status(&self) -> Status {
        let revisions = self.revisions.iter().map(|it| (it.arn.clone(), it.clone())).collect();
        let repository = repository("shop/web");
        let facts = StatusFacts {
            target: &self.target,
            repository: &repository,
            service: &self.service,
            revisions: &revisions,
            record: &self.record,
            service_deployment: None,
        };
        // As the engine does.
        let service_deployment = stage_to_read(&facts).and(self.stage.as_ref());
        let facts = StatusFacts { service_deployment, ..facts };
        let (shown, image) = (&self.asked.0, self.asked.1.as_ref());
        let name = shown.tag.clone().map(ImageName::Tag).or(shown.digest.clone().map(ImageName::Digest)).unwrap();
        let question = ImageQuestion { image: name, accept: Vec::new(), wait_for: self.wait_for };
        let asked = Asked { question: &question, shown, image, past: self.past.as_ref(), plan: self.plan.as_ref() };
        status(&facts, Some(&asked))
    }
}

/// The answer in a line, but for what each state says of itself.
#[track_caller]
fn row(situation: &str, case: Case, expected: &str) {
    let status = case.status().asked.unwrap();
    let reason = match status.reason {
        None => String::new(),
        Some(StatusReason::Reason(reason)) => format!(": {}", reason.code()),
        Some(StatusReason::Pending(blocked)) => format!(": pending, {blocked:?}"),
        Some(StatusReason::Serves(deployment)) => format!(": {deployment} serves"),
        Some(StatusReason::Untagged) => ": no tag".to_owned(),
        Some(StatusReason::Ecs(words)) => format!(": ECS says {words:?}"),
        Some(StatusReason::Failed { cause, outcome }) => format!(": {cause}, {outcome:?}"),
    };
    let until = status.until.map(|until| until.strftime(", until %H:%M").to_string()).unwrap_or_default();
    let waits = if status.done { "" } else { ", and may change" };
    assert_eq!(format!("{:?}{waits}{reason}{until}", status.state), expected, "{situation}");
}

/// The specification: in each state, whether the image is done, whether that is well, with `accept` and without, and who has
/// to do something before it can run.
#[test]
fn each_state_says_whether_it_is_done_and_well() {
    #[track_caller]
    fn check(state: State, done: bool, ok: Option<bool>, ok_if_accepted: Option<bool>, blocked_on: Option<BlockedOn>) {
        let shown = by_tag("1.5.0");
        let image = |accept: &[Acceptable]| {
            let question = ImageQuestion {
                image: ImageName::Tag(tag("1.5.0")),
                accept: accept.to_vec(),
                wait_for: WaitFor::Completed,
            };
            Verdict::of(state, None).of_image(&shown, &question)
        };
        let (strict, lenient) = (image(&[]), image(Acceptable::VARIANTS));
        assert_eq!((strict.done, strict.ok, strict.blocked_on), (done, ok, blocked_on), "{state:?}");
        assert_eq!((lenient.done, lenient.ok, lenient.blocked_on), (done, ok_if_accepted, blocked_on), "{state:?}");
    }
    let (machine, person) = (Some(BlockedOn::Machine), Some(BlockedOn::Person));
    let (yes, no) = (Some(true), Some(false));
    let mut states = State::VARIANTS.to_vec();
    for (state, done, ok, ok_if_accepted, blocked_on) in [
        (State::Waiting, false, None, None, machine),
        (State::Deploying, false, None, None, machine),
        (State::Queued, false, None, None, machine),
        (State::Running, true, yes, yes, None),
        (State::Held, true, no, no, person),
        (State::Quarantined, true, no, no, person),
        (State::Refused, true, no, no, person),
        (State::Failed, true, no, no, None),
        (State::RolledBack, true, no, no, None),
        (State::Missing, true, no, no, None),
        (State::Skipped, true, no, yes, None),
        (State::Superseded, true, no, yes, None),
    ] {
        check(state, done, ok, ok_if_accepted, blocked_on);
        states.retain(|it| *it != state);
    }
    assert_eq!(states, []);
    let skipped = |accept| State::Skipped.ok(accept);
    assert_eq!((skipped(&[Acceptable::Superseded]), skipped(&[Acceptable::Skipped])), (no, yes));
}

#[test]
fn an_image_is_not_done_while_aws_cannot_be_asked() {
    #[track_caller]
    fn check(reason: Reason, expected: State) {
        let question =
            ImageQuestion { image: ImageName::Tag(tag("1.5.0")), accept: Vec::new(), wait_for: WaitFor::Completed };
        let shown = by_tag("1.5.0");
        let status = |asked| refused(&versions(), &repository("shop/web"), reason.clone(), asked);
        assert_eq!(status(Some((&shown, &question))).asked.map(|it| it.state), Some(expected));
        let not_asked = status(None);
        assert_eq!((not_asked.asked, not_asked.refused.as_ref()), (None, Some(&reason)));
    }
    let aws = |kind: &str| Reason::Aws {
        call: "ECS.DescribeServices".to_owned(),
        subject: "prod/web".to_owned(),
        kind: kind.to_owned(),
        message: "Rate exceeded".to_owned(),
    };
    check(aws("Throttled"), State::Waiting);
    check(aws("Unreachable"), State::Waiting);
    check(aws("Denied"), State::Refused);
    check(not_for_express(), State::Refused);
}

#[test]
fn a_build_learns_what_became_of_its_image() {
    row("it runs", idle().about(by_tag("1.4.2"), Some(image(&["1.4.2"], 'a', None))), "Running");
    let by_digest = Shown { tag: None, digest: Some(digest('a')) };
    row("it runs, and the registry has it no more", idle().about(by_digest, None), "Running");
    row(
        "it is under way",
        under_way(Rollout::InProgress, Some("ECS deployment in progress.")),
        "Deploying, and may change: ECS says \"ECS deployment in progress.\"",
    );
    row(
        "ECS calls it failed",
        under_way(Rollout::Failed, Some("tasks failed to start.")),
        "Failed: ECS says \"tasks failed to start.\"",
    );
    let back = vec![
        primary(Rollout::Completed),
        DeploymentFacts { status: "ACTIVE".to_owned(), ..next(Rollout::Failed, Some("tasks failed to start.")) },
    ];
    row("ECS called it failed, and has gone back", with(back), "Failed: ECS says \"tasks failed to start.\"");
    let drains = vec![
        primary(Rollout::Completed),
        DeploymentFacts { status: "ACTIVE".to_owned(), ..next(Rollout::InProgress, None) },
    ];
    row("ECS went back, and never called it failed", with(drains).would_go(), "Waiting, and may change");
    row(
        "what runs is asked about while another is under way",
        under_way(Rollout::InProgress, None).about(by_tag("1.4.2"), Some(image(&["1.4.2"], 'a', None))),
        "Running",
    );
    row(
        "another one failed",
        under_way(Rollout::Failed, None).about(by_tag("1.6.0"), Some(image(&["1.6.0"], 'c', None))).would_go(),
        "Waiting, and may change",
    );
    row("the registry has no such image", idle().about(by_tag("9.9.9"), None), "Missing: no_such_image");
}

#[test]
fn slipway_knows_of_failures_that_ecs_does_not_call_so() {
    let cause = || json!({ "failing": { "at": at("12:00:00"), "cause": "its tasks stopped" } });
    let ended = || json!({ "outcome": "timed_out", "reason": "it did not end" });
    let in_progress = || under_way(Rollout::InProgress, None);
    row(
        "Slipway noticed that it fails",
        in_progress().record(&[("ecs-svc/2", 'b', cause())]),
        "Failed: its tasks stopped, None",
    );
    row(
        "an earlier deployment of it failed",
        in_progress().record(&[("ecs-svc/0", 'b', cause())]),
        "Deploying, and may change",
    );
    row(
        "its deployment ended so",
        idle().record(&[("ecs-svc/2", 'b', ended())]),
        "Failed: it did not end, Some(TimedOut)",
    );
    let ended_as = |outcome: &str| {
        let members = json!({ "outcome": outcome, "reason": "its tasks stopped" });
        idle().record(&[("ecs-svc/2", 'b', members)]).quarantined('b').would_go()
    };
    row("ECS rolled it back", ended_as("rolled_back_by_ecs"), "RolledBack: its tasks stopped, Some(RolledBackByEcs)");
    row(
        "Slipway rolled it back",
        ended_as("rolled_back_by_slipway"),
        "RolledBack: its tasks stopped, Some(RolledBackBySlipway)",
    );
    row("nobody did", ended_as("failed"), "Failed: its tasks stopped, Some(Failed)");
    row("the rollback failed", ended_as("rollback_failed"), "Failed: its tasks stopped, Some(RollbackFailed)");
    row("somebody stopped it", ended_as("stopped"), "Failed: its tasks stopped, Some(Stopped)");
    row("another took its place", ended_as("superseded"), "Waiting, and may change");
    let completed = json!({ "failing": { "at": at("12:00:00"), "cause": "it was late" }, "outcome": "completed" });
    row(
        "it completed after all, and another took its place",
        idle().record(&[("ecs-svc/2", 'b', completed)]).past("SUCCESSFUL"),
        "Superseded",
    );
    let released = || idle().record(&[("ecs-svc/2", 'b', ended())]).past("ROLLBACK_SUCCESSFUL");
    row("somebody released it", released().would_go(), "Waiting, and may change");
    row("somebody released it, and it waits", released().plan(queued()), QUEUED);
    row("it is quarantined", released().quarantined('b').would_go(), "Failed: it did not end, Some(TimedOut)");
    row("what runs is better by now", released().plan(older()), "Failed: it did not end, Some(TimedOut)");
    row(
        "it failed, and has not ended",
        idle().record(&[("ecs-svc/2", 'b', cause())]),
        "Failed: its tasks stopped, None",
    );
    row(
        "it failed once, and completed later",
        idle().record(&[("ecs-svc/3", 'b', json!({ "outcome": "completed" })), ("ecs-svc/2", 'b', ended())]).would_go(),
        "Waiting, and may change",
    );
    row("another image failed", idle().record(&[("ecs-svc/2", 'c', ended())]).would_go(), "Waiting, and may change");
}

#[test]
fn ecs_s_history_knows_what_the_record_does_not() {
    let by_tag_of = |mut case: Case, deployment: u32| {
        // Whoever made the service named the tag.
        case.revisions = vec![revision(41, &[("web", "shop/web:prod".to_owned())])];
        let target = format!("arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/web/{deployment}");
        case.past.as_mut().unwrap().target = Some(ServiceRevisionArn::new(target));
        case
    };
    row("it runs by a tag", by_tag_of(idle().past("SUCCESSFUL").plan(older()), 1), "Running");
    row("another one runs by that tag", by_tag_of(idle().past("SUCCESSFUL").plan(older()), 7), "Superseded");
    let first = with(vec![primary(Rollout::InProgress)]).past("IN_PROGRESS");
    row("it is deployed by a tag", by_tag_of(first, 1), "Deploying, and may change");
    row("it is to begin", idle().past("PENDING"), "Deploying, and may change");
    row("it is under way", idle().past("IN_PROGRESS"), "Deploying, and may change");
    row("it succeeded, and something newer came", idle().past("SUCCESSFUL"), "Superseded");
    row("something newer cut it short", idle().past("STOPPED"), "Superseded");
    row("something newer is about to", idle().past("STOP_REQUESTED"), "Superseded");
    row("ECS goes back", idle().past("ROLLBACK_IN_PROGRESS"), "Failed");
    row("ECS went back", idle().past("ROLLBACK_SUCCESSFUL"), "RolledBack");
    row("ECS could not go back", idle().past("ROLLBACK_FAILED"), "Failed");
    row("it ran, and is older now", idle().past("SUCCESSFUL").plan(older()), "Superseded");
    row("it ran, and its tag is pushed again", idle().past("SUCCESSFUL").would_go(), "Waiting, and may change");
    row("it was cut short by what fails now", idle().past("STOPPED").plan(queued()), QUEUED);
    row("it ran, and would again but for a hold", idle().past("SUCCESSFUL").plan(is_held()), "Held: held");
}

fn older() -> Reason {
    Reason::Older { candidate: "1.5.0".to_owned(), running: "1.6.0".to_owned() }
}

fn is_held() -> Reason {
    Reason::Held { who: None, why: None, since: at("11:00:00") }
}

/// Behind ecs-svc/7, which is not on record.
fn queued() -> Reason {
    Reason::Queued { deployment: DeploymentId::new("ecs-svc/7"), what: "blue/green deployment".to_owned() }
}

const QUEUED: &str = "Queued, and may change: queued";

#[test]
fn what_was_never_deployed_is_asked_of_a_plan() {
    let repository = || "shop/web".to_owned();
    let image = || "1.5.0".to_owned();
    let (candidate, running) = (image, || "1.6.0".to_owned());
    let deployment = || DeploymentId::new("ecs-svc/2");
    let (cause, since, until) = (|| "its tasks stopped".to_owned(), at("11:00:00"), at("12:05:00"));

    row("it would be deployed", idle().would_go(), "Waiting, and may change");
    row("no tag means it any more", idle(), "Skipped: no tag");
    for (reason, expected) in [
        // It waits for the machine.
        (queued(), "Queued, and may change"),
        (Reason::InFlight { deployment: deployment(), strategy: "canary".to_owned() }, "Queued, and may change"),
        (Reason::RollingBack { deployment: deployment() }, "Queued, and may change"),
        (Reason::OutOfTime, "Queued, and may change"),
        // It waits for a person.
        (is_held(), "Held"),
        (Reason::HeldNeedsForce { who: None, why: None, since }, "Held"),
        (Reason::Quarantined { image: image(), cause: cause(), since }, "Quarantined"),
        (Reason::NeedsForce { image: image(), cause: cause(), since }, "Quarantined"),
        (Reason::GaveUp { image: image(), deployment: None, at: since }, "Refused"),
        (
            Reason::PlaceholderAgain { image: image(), revision: "web:42".to_owned(), deployment: deployment() },
            "Refused",
        ),
        (not_for_express(), "Refused"),
        (Reason::Archived { image: image(), repository: "shop/web".to_owned(), digest: digest('b') }, "Refused"),
        (Reason::BeingRestored { image: image() }, "Refused"),
        // It is passed over.
        (older(), "Skipped"),
        (Reason::OlderThanBefore { candidate: candidate(), before: running() }, "Skipped"),
        (Reason::PushedBefore { candidate: candidate(), running: running() }, "Skipped"),
        (Reason::BeforeDecision { image: image(), what: DecisionKind::Rollback, who: None, at: since }, "Skipped"),
        (Reason::NotOfPolicy { tag: tag("1.5.0"), policy: "semver".to_owned() }, "Skipped"),
        (Reason::Ignored { tag: tag("1.5.0"), pattern: "1.*".to_owned() }, "Skipped"),
        (Reason::NotAnImage { image: image(), media_type: "a chart".to_owned() }, "Skipped"),
        (Reason::SameBuild { candidate: candidate(), running: running() }, "Skipped"),
        (Reason::NoCandidate { repository: repository() }, "Skipped"),
        (Reason::GaveWay { candidate: candidate(), to: running() }, "Superseded"),
        // ECS knows more than its list shows.
        (Reason::AlreadyRuns { image: image(), revision: "web:42".to_owned() }, "Running"),
        (
            Reason::AlreadyUnderWay { image: image(), revision: "web:42".to_owned(), deployment: deployment() },
            "Deploying, and may change",
        ),
        (Reason::AlreadyFailed { image: image(), revision: "web:42".to_owned(), deployment: deployment() }, "Failed"),
        (Reason::TagGone { tag: tag("1.5.0"), repository: repository() }, "Missing"),
    ] {
        row("by the plan", idle().plan(reason.clone()), &format!("{expected}: {}", reason.code()));
    }
    for reason in [Reason::Busy { until }, Reason::StillBusy { until }, Reason::Settling { until }] {
        let expected = format!("Queued, and may change: {}, until 12:05", reason.code());
        row("until a time", idle().plan(reason), &expected);
    }
}

#[test]
fn what_it_waits_for_has_an_end_where_that_is_on_record() {
    let open = || json!({ "deadline": at("12:30:00") });
    row(
        "its own deployment",
        under_way(Rollout::InProgress, None).record(&[("ecs-svc/2", 'b', open())]),
        "Deploying, and may change, until 12:30",
    );
    row(
        "another one",
        idle().record(&[("ecs-svc/7", 'c', open())]).plan(queued()),
        "Queued, and may change: queued, until 12:30",
    );
    let ended = || json!({ "deadline": at("12:30:00"), "outcome": "completed" });
    row("one that has ended", idle().record(&[("ecs-svc/7", 'c', ended())]).plan(queued()), QUEUED);
}

#[test]
fn a_pending_input_is_decided_about_whatever_a_plan_says_now() {
    let deployment = || json!({ "by": "deployment" });
    let open = || json!({ "deadline": at("12:30:00") });
    let behind = || idle().record(&[("ecs-svc/7", 'c', open())]).pending("1.5.0", deployment());
    let waits = "Queued, and may change: pending, Some(Deployment), until 12:30";
    row("behind a deployment that just ended", behind().would_go(), waits);
    row("older than what runs for now", behind().plan(older()), waits);
    let two_tags = Some(image(&["1.5.0", "1.5"], 'b', None));
    row(
        "under another tag of the image",
        behind().about(by_tag("1.5.0"), two_tags).pending("1.5", deployment()),
        waits,
    );
    row("the plan names what it waits for", behind().plan(queued()), "Queued, and may change: queued, until 12:30");
    row("another image is pending", idle().pending("1.4.9", deployment()).plan(older()), "Skipped: older");
    let runs = Some(image(&["1.4.2"], 'a', None));
    row("it runs already", idle().pending("1.4.2", json!(null)).about(by_tag("1.4.2"), runs), "Running");
    let settling = json!({ "by": "settling", "until": at("12:01:00") });
    row(
        "better ones may follow",
        idle().pending("1.5.0", settling).would_go(),
        &format!("Queued, and may change: pending, Some(Settling {{ until: {} }}), until 12:01", at("12:01:00")),
    );
    row(
        "a call failed",
        idle().pending("1.5.0", json!({ "by": "retry" })).would_go(),
        "Queued, and may change: pending, Some(Retry)",
    );
    let mut busy = idle().pending("1.5.0", json!(null)).would_go();
    busy.record.lease = Some(Lease { holder: "request-1".to_owned(), fence: 1, until: at("12:06:00") });
    row("another invocation has the lease", busy, "Queued, and may change: pending, None, until 12:06");
}

#[test]
fn a_person_is_waited_for_only_where_a_pause_holds_this_image() {
    let blocked_on = |waits_for: Option<HookWaitsFor>, case: Case| {
        let mut case = case.at_stage("POST_TEST_TRAFFIC_SHIFT", "IN_PROGRESS");
        if let (Some(waits_for), Some(stage)) = (waits_for, &mut case.stage) {
            let then = OnTimeout::RollsBack;
            stage.pause = Pause::Hook(Hook { id: "hook".to_owned(), waits_for, until: None, then });
        }
        case.status().asked.unwrap().blocked_on
    };
    assert_eq!(blocked_on(Some(HookWaitsFor::Person), deploying()), Some(BlockedOn::Person));
    assert_eq!(blocked_on(Some(HookWaitsFor::Function), deploying()), Some(BlockedOn::Machine));
    assert_eq!(blocked_on(None, deploying()), Some(BlockedOn::Machine));
    let other = deploying().about(by_tag("1.4.9"), None).plan(older());
    assert_eq!(blocked_on(Some(HookWaitsFor::Person), other), None);
}

#[test]
fn an_image_may_serve_before_its_deployment_completes() {
    let deploying = "Deploying, and may change";
    let shifts = |stage| under_way(Rollout::InProgress, None).at_stage(stage, "IN_PROGRESS");
    for stage in ["SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"] {
        row(stage, shifts(stage).for_serving(), deploying);
    }
    for stage in ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"] {
        row(stage, shifts(stage).for_serving(), "Running: ecs-svc/2 serves");
        row("nobody asks for that", shifts(stage), deploying);
    }
    row(
        "it is rolled back",
        under_way(Rollout::InProgress, None).at_stage("BAKE_TIME", "ROLLBACK_IN_PROGRESS").for_serving(),
        deploying,
    );
    let cause = json!({ "failing": { "at": at("12:00:00"), "cause": "an alarm went off" } });
    row(
        "Slipway noticed that it fails",
        shifts("BAKE_TIME").for_serving().record(&[("ecs-svc/2", 'b', cause)]),
        "Failed: an alarm went off, None",
    );
    let mut of_another = shifts("BAKE_TIME").for_serving();
    of_another.service.deployments[0].id = DeploymentId::new("ecs-svc/3");
    row("the stage is an older deployment's", of_another, deploying);
    let mut rolling = shifts("BAKE_TIME").for_serving();
    rolling.service.strategy = Strategy::Rolling;
    row("a rolling deployment serves when it completes", rolling, deploying);
    row("it runs", idle().for_serving().about(by_tag("1.4.2"), Some(image(&["1.4.2"], 'a', None))), "Running");
}

#[test]
fn a_tag_that_came_back_is_as_new_as_now_until_its_event_comes() {
    #[track_caller]
    fn check(record: &Service, came: &str, expected: Option<&str>) {
        let image = image(&["prod"], 'b', Some(came));
        assert_eq!(pushed_at(record, &image, &tag("prod")), expected.map(at));
    }
    let pushed = |text, digit| tag_pushed(Service::default(), text, digit, "12:00:00");
    let (before, after) = ("10:00:00", "12:10:00");
    check(&Service::default(), before, Some(before));
    check(&pushed("prod", 'b'), before, Some(before));
    check(&pushed("1.5.0", 'c'), before, Some(before));
    check(&pushed("prod", 'c'), before, None);
    check(&tag_pushed(pushed("prod", 'c'), "prod", 'b', "12:30:00"), before, Some(before));
    check(&tag_pushed(pushed("prod", 'b'), "prod", 'c', "12:30:00"), before, None);
    // The image was pushed with it.
    check(&pushed("prod", 'c'), after, Some(after));
    // An event that came after the tag had moved on counts for the image that it points to then.
    check(&tag_pushed(pushed("prod", 'c'), "prod", 'b', "12:00:00"), before, Some(before));
}

fn not_for_express() -> Reason {
    Reason::NotForExpress { revision: "web:42".to_owned(), problem: "it is not for FARGATE".to_owned() }
}
