//! The table: what an event and the service's deployments mean together.
//!
//! `O` is the old deployment (web:41, shop/web 1.4.2), `N` the new one (web:42, 1.5.0), `X` one newer still (web:43, 1.5.1).
//! They began at 10:00 the day before, at 17:00 and at 17:05.

use serde_json::json;

use super::*;
use crate::facts::{Breaker, Controller, Management, ServiceEvent, Strategy};
use crate::id::{ClusterName, EventId, ServiceName};
use crate::image::{Digest, Tag};
use crate::notice::{Notice, Place};
use crate::outcome::Change;
use crate::provenance::Trigger;

const OLD: &str = "ecs-svc/1000000000000000001";
const NEW: &str = "ecs-svc/2000000000000000002";
const NEWER: &str = "ecs-svc/3000000000000000003";

const STUCK: &str = "ECS deployment circuit breaker: tasks failed to start.";
const BACK: &str = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1000000000000000001.";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn deployment(id: &str, status: &str, rollout: Rollout) -> Deployment {
    let (revision, created) = match id {
        OLD => (41, "2026-09-03T10:00:00Z"),
        NEW => (42, "2026-09-04T17:00:00Z"),
        _ => (43, "2026-09-04T17:05:00Z"),
    };
    Deployment {
        id: DeploymentId::new(id),
        status: status.to_owned(),
        task_definition: arn(revision),
        rollout_reason: (rollout == Rollout::Failed).then(|| STUCK.to_owned()),
        rollout: Some(rollout),
        created_at: Some(time(created)),
        updated_at: Some(time(created)),
        failed_tasks: 0,
        desired_count: 2,
        running_count: 2,
        pending_count: 0,
    }
}

fn primary(id: &str, rollout: Rollout) -> Deployment {
    deployment(id, "PRIMARY", rollout)
}

fn active(id: &str, rollout: Rollout) -> Deployment {
    deployment(id, "ACTIVE", rollout)
}

fn arn(revision: u32) -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}"))
}

/// web:41, web:42 and web:43 by Slipway, web:50 by somebody else, web:51 a copy of web:42 registered long ago.
fn revisions() -> HashMap<TaskDefinitionArn, Revision> {
    let digest = |digit: char| Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap();
    let revision = |number: u32, registered: &str, image: String, provenance: Option<Provenance>| {
        let definition = json!({
            "taskDefinitionArn": arn(number),
            "registeredAt": time(registered).as_second(),
            "containerDefinitions": [
                { "name": "log", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable" },
                { "name": "web", "image": image },
            ],
        });
        let serde_json::Value::Object(definition) = definition else { unreachable!() };
        let tags = provenance.map(|provenance| provenance.tags()).unwrap_or_default();
        (arn(number), Revision { arn: arn(number), definition, tags })
    };
    let ours = |number: u32, registered: &str, tag: &str, digit: char, previous: u32| {
        let provenance = Provenance {
            repository: "shop/web".to_owned(),
            tag: Tag::parse(tag),
            digest: digest(digit),
            pushed_at: None,
            event: EventId::new(format!("event-{tag}")),
            request: None,
            trigger: Trigger::Push,
            previous: Some(format!("web:{previous}")),
        };
        let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@{}", digest(digit));
        revision(number, registered, image, Some(provenance))
    };
    let foreign = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:hotfix".to_owned();
    HashMap::from([
        ours(41, "2026-09-03T09:59:58Z", "1.4.2", 'a', 40),
        ours(42, "2026-09-04T16:59:58Z", "1.5.0", 'b', 41),
        ours(43, "2026-09-04T17:04:58Z", "1.5.1", 'c', 42),
        revision(50, "2026-09-04T16:00:00Z", foreign, None),
        ours(51, "2026-08-01T00:00:00Z", "1.3.0", 'd', 38),
    ])
}

fn service(breaker: Breaker, deployments: Vec<Deployment>) -> ServiceFacts {
    ServiceFacts {
        arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/web".to_owned(),
        cluster: ClusterName::new("prod"),
        service: ServiceName::new("web"),
        status: "ACTIVE".to_owned(),
        controller: Controller::Ecs,
        management: Management::Customer,
        task_definition: deployments.first().map_or_else(|| arn(41), |it| it.task_definition.clone()),
        desired_count: 2,
        running_count: 2,
        strategy: Strategy::Rolling,
        breaker,
        deployments,
        current_service_deployment: None,
        current_revisions: Vec::new(),
        events: Vec::new(),
    }
}

fn event(change: Change, deployment: &str, at: &str) -> DeploymentEvent {
    let reason = match change {
        Change::InProgress => format!("ECS deployment {deployment} in progress."),
        Change::Completed => format!("ECS deployment {deployment} completed."),
        Change::Failed => STUCK.to_owned(),
    };
    DeploymentEvent {
        change,
        deployment: DeploymentId::new(deployment),
        reason: Some(reason),
        at: time(&format!("2026-09-04T{at}Z")),
    }
}

fn rolling_back_event() -> DeploymentEvent {
    DeploymentEvent { reason: Some(BACK.to_owned()), ..event(Change::InProgress, OLD, "17:12:33") }
}

/// ECS's log after it went back from N to O.
fn log() -> Vec<ServiceEvent> {
    let event = |at: &str, message: &str| ServiceEvent { at: Some(time(at)), message: message.to_owned() };
    vec![
        event("2026-09-04T17:15:10Z", "(service web) has reached a steady state."),
        event("2026-09-04T17:12:33Z", &format!("(service web) rolling back to deployment {OLD}.")),
        event(
            "2026-09-04T17:12:31Z",
            &format!("(service web) (deployment {NEW}) deployment failed: tasks failed to start."),
        ),
        event("2026-09-03T10:02:00Z", "(service web) has reached a steady state."),
    ]
}

fn facts<'a>(
    event: &'a DeploymentEvent,
    service: &'a ServiceFacts,
    revisions: &'a HashMap<TaskDefinitionArn, Revision>,
) -> Facts<'a> {
    Facts { event, service, revisions, recorded: None, repositories: &["shop/api", "shop/web"] }
}

/// The outcome in a line.
fn line(outcome: &Outcome) -> String {
    let whose = match &outcome.whose {
        Whose::Slipway(provenance) => format!("Slipway's for {}", provenance.event),
        Whose::Again(provenance) => format!("again, once for {}", provenance.event),
        Whose::Outside => "somebody's".to_owned(),
        Whose::Unknown => "unknown".to_owned(),
    };
    let image = outcome.image.as_ref().map(|image| match &image.old {
        Some(old) => format!("{old} → {}", image.new),
        None => format!("? → {}", image.new),
    });
    let name = |id: &DeploymentId| match id.as_str() {
        OLD => "O",
        NEW => "N",
        NEWER => "X",
        _ => "?",
    };
    let deployment = outcome.deployment.as_ref().map_or("nobody", name);
    let standing = outcome.standing.to_string().replace(OLD, "O").replace(NEW, "N").replace(NEWER, "X");
    let telling = if outcome.telling == Telling::Notice { "tell" } else { "log " };
    let seconds = outcome.duration_seconds.map(|seconds| format!(", {seconds} s")).unwrap_or_default();
    format!("{telling} {deployment}: {standing}; {whose}; {}{seconds}", image.unwrap_or_default())
}

fn judged(event: &DeploymentEvent, service: &ServiceFacts) -> String {
    line(&judge(&facts(event, service, &revisions())))
}

#[test]
fn a_deployment_takes_its_course() {
    use Rollout::*;
    let going = service(Breaker::RollsBack, vec![primary(NEW, InProgress), active(OLD, Completed)]);
    let done = service(Breaker::RollsBack, vec![primary(NEW, Completed)]);
    let began = event(Change::InProgress, NEW, "17:00:01");
    let ended = event(Change::Completed, NEW, "17:03:20");

    insta::assert_snapshot!(judged(&began, &going), @"tell N: it is in progress; Slipway's for event-1.5.0; 1.4.2 → 1.5.0");
    insta::assert_snapshot!(judged(&ended, &done), @"tell N: it completed; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 200 s");
    // ECS's answers may lag behind its events.
    insta::assert_snapshot!(judged(&ended, &going), @"tell N: it completed; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 200 s");
    // COMPLETED came before IN_PROGRESS: nothing moves back.
    insta::assert_snapshot!(judged(&began, &done), @"log  N: the event is older than what ECS shows now; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 1 s");
}

#[test]
fn a_failure_is_ecs_s_to_mend_or_not() {
    use Rollout::*;
    let failed = event(Change::Failed, NEW, "17:12:31");
    for breaker in [Breaker::Off, Breaker::Fails] {
        let stays = service(breaker, vec![primary(NEW, Failed), active(OLD, Completed)]);
        insta::allow_duplicates! { insta::assert_snapshot!(judged(&failed, &stays), @"tell N: it failed, and ECS is not set to roll back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 751 s") }
    }
    let about_to = service(Breaker::RollsBack, vec![primary(NEW, Failed), active(OLD, Completed)]);
    insta::assert_snapshot!(judged(&failed, &about_to), @"tell N: it failed, and ECS is rolling back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 751 s");
    // The first deployment of a service: nothing good is known.
    let first = service(Breaker::RollsBack, vec![primary(NEW, Failed)]);
    insta::assert_snapshot!(judged(&failed, &first), @"tell N: it failed, and ECS has nothing to go back to; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 751 s");
}

#[test]
fn a_rollback_by_ecs_is_a_deploy_that_failed() {
    use Rollout::*;
    let turning = service(Breaker::RollsBack, vec![primary(OLD, InProgress), active(NEW, InProgress)]);
    let rolling = service(Breaker::RollsBack, vec![primary(OLD, InProgress), active(NEW, Failed)]);
    let back = service(Breaker::RollsBack, vec![primary(OLD, Completed), active(NEW, Failed)]);
    let failed = event(Change::Failed, NEW, "17:12:31");
    let completed = event(Change::Completed, OLD, "17:15:10");

    insta::assert_snapshot!(judged(&failed, &rolling), @"tell N: it failed, and ECS is rolling back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 751 s");
    // FAILED tells it; this event of the same adds nothing.
    insta::assert_snapshot!(judged(&rolling_back_event(), &rolling), @"log  N: it failed, and ECS is rolling back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 753 s");
    // ECS began to go back before it called the deployment failed.
    insta::assert_snapshot!(judged(&rolling_back_event(), &turning), @"tell N: it failed, and ECS is rolling back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 753 s");
    insta::assert_snapshot!(judged(&completed, &back), @"tell N: it failed, and ECS rolled back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 910 s");
    insta::assert_snapshot!(judged(&completed, &rolling), @"tell N: it failed, and ECS rolled back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 910 s");
    // FAILED arrives last.
    insta::assert_snapshot!(judged(&failed, &back), @"tell N: it failed, and ECS rolled back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 751 s");
    insta::assert_snapshot!(judged(&rolling_back_event(), &back), @"log  N: the event is older than what ECS shows now; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 753 s");
    // The events of both deployments' beginnings arrive last.
    insta::assert_snapshot!(judged(&event(Change::InProgress, NEW, "17:00:01"), &back), @"log  N: the event is older than what ECS shows now; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 1 s");
    let first_end = DeploymentEvent { at: time("2026-09-03T10:02:00Z"), ..completed.clone() };
    insta::assert_snapshot!(judged(&first_end, &rolling), @"log  N: the event is older than what ECS shows now; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 0 s");
    // What ECS went back to fails too.
    let worse = service(Breaker::RollsBack, vec![primary(OLD, Failed), active(NEW, Failed)]);
    insta::assert_snapshot!(judged(&event(Change::Failed, OLD, "17:30:00"), &worse), @"tell O: ECS went back to it, and it failed too; Slipway's for event-1.4.2; ? → 1.4.2");
}

#[test]
fn a_rollback_is_recognised_after_ecs_forgot_the_deployment() {
    let event = event(Change::Completed, OLD, "17:15:10");
    let service = ServiceFacts { events: log(), ..service(Breaker::RollsBack, vec![primary(OLD, Rollout::Completed)]) };
    let revisions = revisions();
    let blind = facts(&event, &service, &revisions);
    insta::assert_snapshot!(line(&judge(&blind)), @"tell N: it failed, and ECS rolled back; unknown;");
    assert_eq!(judge(&blind).history_to_read(), Some(Ending::RolledBack));

    let recorded = Recorded {
        task_definition: arn(42),
        reason: Some("Service deployment rolled back because the circuit breaker threshold was exceeded.".to_owned()),
        created_at: Some(time("2026-09-04T17:00:00Z")),
    };
    let outcome = judge(&Facts { recorded: Some(&recorded), ..blind });
    insta::assert_snapshot!(line(&outcome), @"tell N: it failed, and ECS rolled back; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 910 s");
    assert_eq!(outcome.history_to_read(), None);
    insta::assert_snapshot!(told(&outcome), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again

    The deployment failed. ECS put the last version back by itself; prod/web runs that again.
    ECS says: "Service deployment rolled back because the circuit breaker threshold was exceeded."

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Runs again    1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2000000000000000002
    Triggered by  an image push (event event-1.5.0)
    Took          15 min 10 s

    What Slipway saw:
    - 17:15:10 (service web) has reached a steady state.
    - 17:12:33 (service web) rolling back to deployment ecs-svc/1000000000000000001.
    - 17:12:31 (service web) (deployment ecs-svc/2000000000000000002) deployment failed: tasks failed to start.

    What you can do:
    - See why its tasks stopped, within the hour: aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks $(aws ecs list-tasks --region eu-west-1 --cluster prod --service-name web --desired-status STOPPED --query 'taskArns[]' --output text) --query 'tasks[].[stoppedReason,containers[].[name,exitCode,reason]]'
    - Mend the image and push it; the service needs nothing from you meanwhile
    - Try the same image again: invoke the deploy function with {"action": "deploy", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    "#);

    // The first COMPLETED of the old deployment, delivered a day late.
    let late = DeploymentEvent { at: time("2026-09-03T10:02:00Z"), ..event.clone() };
    insta::assert_snapshot!(judged(&late, &service), @"log  N: the event is older than what ECS shows now; unknown;");
}

#[test]
fn superseded_is_not_failed() {
    use Rollout::*;
    let service =
        service(Breaker::RollsBack, vec![primary(NEWER, InProgress), active(NEW, InProgress), active(OLD, Completed)]);
    let revisions = revisions();
    let newer = event(Change::InProgress, NEWER, "17:05:01");
    let facts = facts(&newer, &service, &revisions);
    insta::assert_snapshot!(line(&judge(&facts)), @"tell X: it is in progress; Slipway's for event-1.5.1; 1.4.2 → 1.5.1");
    let superseded: Vec<String> = superseded(&facts).iter().map(line).collect();
    insta::assert_snapshot!(superseded.join("\n"), @"tell N: it was superseded by X; Slipway's for event-1.5.0; 1.4.2 → 1.5.0");

    // Its own events that come afterwards change nothing.
    insta::assert_snapshot!(judged(&event(Change::Failed, NEW, "17:06:00"), &service), @"log  N: it was superseded by X; Slipway's for event-1.5.0; 1.4.2 → 1.5.0");
    insta::assert_snapshot!(judged(&event(Change::InProgress, NEW, "17:00:01"), &service), @"log  N: it was superseded by X; Slipway's for event-1.5.0; 1.4.2 → 1.5.0");
    insta::assert_snapshot!(judged(&event(Change::Completed, NEW, "17:06:00"), &service), @"log  N: it was superseded by X; Slipway's for event-1.5.0; 1.4.2 → 1.5.0");
}

#[test]
fn what_completed_before_a_newer_one_began_did_complete() {
    use Rollout::*;
    let completed = event(Change::Completed, NEW, "17:04:30");
    let listed = service(Breaker::Off, vec![primary(NEWER, InProgress), active(NEW, Completed)]);
    insta::assert_snapshot!(judged(&completed, &listed), @"tell N: it completed, and X has begun since; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 270 s");

    let dropped = service(Breaker::Off, vec![primary(NEWER, Completed)]);
    let revisions = revisions();
    let blind = facts(&completed, &dropped, &revisions);
    assert_eq!(judge(&blind).history_to_read(), Some(Ending::Successful));
    let recorded = Recorded { task_definition: arn(42), reason: None, created_at: Some(time("2026-09-04T17:00:00Z")) };
    insta::assert_snapshot!(line(&judge(&Facts { recorded: Some(&recorded), ..blind })), @"tell N: it completed, and X has begun since; Slipway's for event-1.5.0; 1.4.2 → 1.5.0, 270 s");
    // Not even ECS's history knows it.
    insta::assert_snapshot!(told(&judge(&blind)), @r#"
    Deployed to prod/web: ecs-svc/2000000000000000002

    The deployment completed. A newer one, ecs-svc/3000000000000000003, has begun since. What it runs could not be looked up, so nothing says whose deployment it is.
    ECS says: "ECS deployment ecs-svc/2000000000000000002 completed."

    Deployment    ecs-svc/2000000000000000002
    Triggered by  nobody knows who
    "#);
    // It completed after the newer one began, and is gone.
    insta::assert_snapshot!(judged(&event(Change::Completed, NEW, "17:06:00"), &dropped), @"log  N: ECS no longer lists it; unknown;");
}

#[test]
fn somebody_else_s_deployment_is_not_blamed_on_slipway() {
    let by = |revision: u32, rollout: Rollout| Deployment { task_definition: arn(revision), ..primary(NEW, rollout) };
    let began = event(Change::InProgress, NEW, "17:00:01");
    let foreign = service(Breaker::Off, vec![by(50, Rollout::InProgress), active(OLD, Rollout::Completed)]);
    insta::assert_snapshot!(judged(&began, &foreign), @"tell N: it is in progress; somebody's; 1.4.2 → hotfix");
    let again = service(Breaker::Off, vec![by(51, Rollout::InProgress), active(OLD, Rollout::Completed)]);
    insta::assert_snapshot!(judged(&began, &again), @"tell N: it is in progress; again, once for event-1.3.0; 1.4.2 → 1.3.0");
    let unread = service(Breaker::Off, vec![by(99, Rollout::InProgress)]);
    insta::assert_snapshot!(judged(&began, &unread), @"tell N: it is in progress; unknown;");

    let outcome = |service: &ServiceFacts| judge(&facts(&began, service, &revisions()));
    insta::assert_snapshot!(told(&outcome(&foreign)), @r#"
    Changed outside Slipway: prod/web is getting web:50 with shop/web:hotfix

    ECS is starting the new tasks of prod/web. Slipway did not do this: its tags are not on the revision. It leaves the deployment alone.
    ECS says: "ECS deployment ecs-svc/2000000000000000002 in progress."

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → hotfix
    Revision      web:41 → web:50
    Deployment    ecs-svc/2000000000000000002
    Triggered by  somebody outside Slipway
    "#);
    insta::assert_snapshot!(told(&outcome(&again)), @r#"
    In progress on prod/web: shop/web:1.3.0 (was 1.4.2)

    ECS is starting the new tasks of prod/web. The revision was registered by Slipway earlier (for push event-1.3.0), but nothing says who deployed it this time.
    ECS says: "ECS deployment ecs-svc/2000000000000000002 in progress."

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.3.0 (sha256:dddddddddddd)
    Revision      web:41 → web:51
    Deployment    ecs-svc/2000000000000000002
    Triggered by  nobody knows who
    "#);
    assert_eq!(notice(&outcome(&foreign)).unwrap().id, format!("{NEW}/external/in_progress"));
}

#[test]
fn a_service_without_deployments_has_no_outcome() {
    let service = service(Breaker::Off, Vec::new());
    insta::assert_snapshot!(judged(&event(Change::Completed, NEW, "17:00:01"), &service), @"log  N: ECS no longer lists it; unknown;");
    assert_eq!(notice(&judge(&facts(&event(Change::Failed, NEW, "17:00:01"), &service, &revisions()))), None);
}

#[test]
fn the_revision_before_is_read_when_only_its_name_is_known() {
    let event = event(Change::Completed, NEW, "17:03:20");
    let service = service(Breaker::Off, vec![primary(NEW, Rollout::Completed)]);
    let mut known = revisions();
    known.remove(&arn(41));
    let outcome = judge(&facts(&event, &service, &known));
    assert_eq!(outcome.revision.old.as_deref(), Some("web:41"));
    assert_eq!(outcome.previous_to_read(&known), Some("web:41"));
    assert_eq!(outcome.previous_to_read(&revisions()), None);
    assert_eq!(revisions_to_read(&event, &service), [arn(42)]);
}

fn notice(outcome: &Outcome) -> Option<Notice> {
    let home = crate::id::Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:track").unwrap();
    let (cluster, service) = (ClusterName::new("prod"), ServiceName::new("web"));
    Notice::outcome(Place { home: &home, cluster: &cluster, service: &service }, outcome)
}

/// The notice's text without its links and last line, which every notice has.
fn told(outcome: &Outcome) -> String {
    let text = notice(outcome).unwrap().text();
    text.split("\nLook here:").next().unwrap().to_owned()
}

#[test]
fn notices_read_well() {
    use Rollout::*;
    let revisions = revisions();
    let read = |event: &DeploymentEvent, service: &ServiceFacts| told(&judge(&facts(event, service, &revisions)));
    let ended = event(Change::Completed, NEW, "17:03:20");
    let failed = event(Change::Failed, NEW, "17:12:31");

    let done = service(Breaker::RollsBack, vec![primary(NEW, Completed)]);
    insta::assert_snapshot!(read(&ended, &done), @r#"
    Deployed to prod/web: shop/web:1.5.0 (was 1.4.2)

    prod/web now runs shop/web:1.5.0.
    ECS says: "ECS deployment ecs-svc/2000000000000000002 completed."

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2000000000000000002
    Triggered by  an image push (event event-1.5.0)
    Took          3 min 20 s
    "#);
    let stays = service(Breaker::Fails, vec![primary(NEW, Failed), active(OLD, Completed)]);
    insta::assert_snapshot!(read(&failed, &stays), @r#"
    Deploy failed on prod/web: shop/web:1.5.0

    The deployment failed, and ECS is not set to put the last version back. Old tasks that still run keep running.
    ECS says: "ECS deployment circuit breaker: tasks failed to start."

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Before        1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2000000000000000002
    Triggered by  an image push (event event-1.5.0)
    Took          12 min 31 s

    What you can do:
    - See why its tasks stopped, within the hour: aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks $(aws ecs list-tasks --region eu-west-1 --cluster prod --service-name web --desired-status STOPPED --query 'taskArns[]' --output text) --query 'tasks[].[stoppedReason,containers[].[name,exitCode,reason]]'
    - Put 1.4.2 back: invoke the deploy function with {"action": "deploy", "target": "prod/web", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
    - Let ECS put the last version back by itself next time: switch on the service's deployment circuit breaker with rollback
    "#);
    let first = service(Breaker::RollsBack, vec![primary(NEW, Failed)]);
    let alone = revisions.clone().into_iter().filter(|(key, _)| *key == arn(42)).collect();
    insta::assert_snapshot!(told(&judge(&facts(&failed, &first, &alone))), @r#"
    Deploy failed on prod/web: shop/web:1.5.0

    The deployment failed, and ECS knows no version that ran well to go back to.
    ECS says: "ECS deployment circuit breaker: tasks failed to start."

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2000000000000000002
    Triggered by  an image push (event event-1.5.0)
    Took          12 min 31 s

    What you can do:
    - See why its tasks stopped, within the hour: aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks $(aws ecs list-tasks --region eu-west-1 --cluster prod --service-name web --desired-status STOPPED --query 'taskArns[]' --output text) --query 'tasks[].[stoppedReason,containers[].[name,exitCode,reason]]'
    - Nothing good is known to go back to: deploy another image
    "#);
    let rolling = service(Breaker::RollsBack, vec![primary(OLD, InProgress), active(NEW, Failed)]);
    insta::assert_snapshot!(read(&failed, &ServiceFacts { events: log(), ..rolling }), @r#"
    Deploy failed on prod/web: shop/web:1.5.0, ECS is rolling back to 1.4.2

    The deployment failed. ECS is putting the last version back by itself.
    ECS says: "ECS deployment circuit breaker: tasks failed to start."

    Repository    shop/web
    Failed        1.5.0 (sha256:bbbbbbbbbbbb)
    Coming back   1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2000000000000000002
    Triggered by  an image push (event event-1.5.0)
    Took          12 min 31 s

    What Slipway saw:
    - 17:15:10 (service web) has reached a steady state.
    - 17:12:33 (service web) rolling back to deployment ecs-svc/1000000000000000001.
    - 17:12:31 (service web) (deployment ecs-svc/2000000000000000002) deployment failed: tasks failed to start.

    What you can do:
    - Wait: a notice follows when the rollback has ended
    - See why its tasks stopped, within the hour: aws ecs describe-tasks --region eu-west-1 --cluster prod --tasks $(aws ecs list-tasks --region eu-west-1 --cluster prod --service-name web --desired-status STOPPED --query 'taskArns[]' --output text) --query 'tasks[].[stoppedReason,containers[].[name,exitCode,reason]]'
    "#);
    let going = service(Breaker::Off, vec![primary(NEWER, InProgress), active(NEW, InProgress)]);
    let newer = event(Change::InProgress, NEWER, "17:05:01");
    insta::assert_snapshot!(told(&superseded(&facts(&newer, &going, &revisions))[0]), @r"
    Superseded on prod/web: shop/web:1.5.0, a newer deployment took its place

    It had not ended when the newer deployment ecs-svc/3000000000000000003 began. It did not fail.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2000000000000000002
    Triggered by  an image push (event event-1.5.0)
    ");
}

#[test]
fn two_events_of_the_same_make_one_notice() {
    use Rollout::*;
    let revisions = revisions();
    let turning = service(Breaker::RollsBack, vec![primary(OLD, InProgress), active(NEW, InProgress)]);
    let rolling = service(Breaker::RollsBack, vec![primary(OLD, InProgress), active(NEW, Failed)]);
    let id = |event: &DeploymentEvent, service| notice(&judge(&facts(event, service, &revisions))).unwrap().id;
    let failed = event(Change::Failed, NEW, "17:12:31");
    assert_eq!(id(&failed, &rolling), format!("{NEW}/rolling_back"));
    assert_eq!(id(&rolling_back_event(), &turning), id(&failed, &rolling));
}
