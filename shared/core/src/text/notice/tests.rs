//! Notices as people and programs get them: read aloud, and pressed against SNS's limits.

use jiff::Timestamp;

use super::email;
use crate::config::{Mistake, Mistakes};
use crate::model::build::{Build, BuildChange};
use crate::model::diff;
use crate::model::id::{
    AccountId, ClusterName, ContainerName, DeploymentId, EventId, Home, Partition, Region, ServiceName, TargetName,
    TaskDefinitionArn,
};
use crate::model::image::{Digest, Tag};
use crate::model::notice::{Link, Notice, NoticeKind, Place, Route, Tasks, TriggeredBy, schema};
use crate::model::plan::{ImageChange, Plan, RevisionChange, Shown};
use crate::model::reason::Reason;
use crate::model::trigger::Trigger;

fn home() -> Home {
    Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:deploy").unwrap()
}

fn at() -> Timestamp {
    "2026-09-04T17:00:01Z".parse().unwrap()
}

fn shown(tag: &str, digit: char) -> Shown {
    Shown { tag: Tag::parse(tag), digest: Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))) }
}

fn image() -> ImageChange {
    ImageChange { repository: "shop/web".to_owned(), old: Some(shown("1.4.2", 'a')), new: shown("1.5.0", 'b') }
}

fn push() -> TriggeredBy {
    TriggeredBy::new(&Trigger::Push, &EventId::new("13cde686-328b-6117-af20-0e5566167482"))
}

fn plan(reason: Reason) -> Plan {
    Plan {
        image: Some(image()),
        running: Some(TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:41")),
        ..Plan::nothing(TargetName::new("prod/web"), reason)
    }
}

fn with_place<T>(make: impl FnOnce(Place<'_>) -> T) -> T {
    let (home, cluster, service) = (home(), ClusterName::new("prod"), ServiceName::new("web"));
    make(Place { home: &home, cluster: &cluster, service: &service })
}

fn started() -> Notice {
    let revision = TaskDefinitionArn::new("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:42");
    let deployment = DeploymentId::new("ecs-svc/2757582648257641111");
    let plan = plan(Reason::Pushed { tag: Tag::parse("1.5.0").unwrap() });
    with_place(|place| Notice::started(place, &plan, &revision, Some(&deployment), push(), at()))
}

fn refused(reason: Reason) -> Notice {
    with_place(|place| Notice::refused(place, &plan(reason), push(), at()))
}

fn no_container() -> Reason {
    Reason::NoContainer {
        repository: "shop/web".to_owned(),
        containers: vec![(ContainerName::new("app"), "nginx:1.27".to_owned())],
    }
}

#[test]
fn a_started_deployment_reads_well() {
    let notice = started();
    assert_eq!(notice.id, "ecs-svc/2757582648257641111/started");
    insta::assert_snapshot!(notice.subject(), @"Deploying to prod/web: shop/web:1.5.0 (was 1.4.2)");
    insta::assert_snapshot!(notice.text(), @r"
    Deploying to prod/web: shop/web:1.5.0 (was 1.4.2)

    Slipway updated the service, because 1.5.0 was pushed.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2757582648257641111
    Triggered by  an image push (event 13cde686-328b-6117-af20-0e5566167482)

    Look here:
    - Deployments: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1
    - Events: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/events?region=eu-west-1
    - Logs: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/logs?region=eu-west-1
    - Task definition: https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/42?region=eu-west-1

    Slipway, 2026-09-04 17:00:01 UTC, account 123456789012 in eu-west-1, notice ecs-svc/2757582648257641111/started
    ");
}

#[test]
fn a_refusal_says_what_to_do() {
    let notice = refused(no_container());
    insta::assert_snapshot!(notice.subject(), @"Not deployed to prod/web: shop/web:1.5.0");
    insta::assert_snapshot!(notice.text(), @r#"
    Not deployed to prod/web: shop/web:1.5.0

    Slipway changed nothing, because no container has an image of shop/web (the task definition has app: nginx:1.27); name the target's containers in the configuration.

    Repository    shop/web
    Not deployed  1.5.0 (sha256:bbbbbbbbbbbb)
    Runs          1.4.2 (sha256:aaaaaaaaaaaa)
    Revision      web:41
    Triggered by  an image push (event 13cde686-328b-6117-af20-0e5566167482)

    What you can do:
    - Once that is fixed, run `slipway deploy prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, or invoke the deploy function's alias operate with {"action": "deploy", "target": "prod/web", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}

    Look here:
    - Deployments: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1
    - Events: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/events?region=eu-west-1
    - Logs: https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/logs?region=eu-west-1
    - Task definition: https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/41?region=eu-west-1

    Slipway, 2026-09-04 17:00:01 UTC, account 123456789012 in eu-west-1, notice refused/81ab44ae30c640d8/no_container
    "#);
}

#[test]
fn a_wrong_document_is_reported_with_every_mistake() {
    let mistakes = Mistakes {
        version: "0a1b2c3d4e5f".to_owned(),
        mistakes: vec![
            Mistake {
                path: "targets[2].tags.semver".to_owned(),
                text: "\">=1.x.y\" is not a version range; try \">=1, <2\"".to_owned(),
            },
            Mistake { path: String::new(), text: "the document has 9,000 bytes; SSM takes 8,192".to_owned() },
        ],
    };
    let notice = Notice::config_invalid(&home(), &mistakes, at());
    assert_eq!(notice.id, "config/0a1b2c3d4e5f");
    insta::assert_snapshot!(notice.text(), @r#"
    Slipway's configuration has 2 mistakes: nothing is deployed until it is corrected

    Version 0a1b2c3d4e5f of the document can't be used. Services keep running what they run.

    Mistakes:
    - targets[2].tags.semver: ">=1.x.y" is not a version range; try ">=1, <2"
    - the document has 9,000 bytes; SSM takes 8,192

    What you can do:
    - Correct the document; Slipway reads it again within a minute
    - Images pushed in the meantime were not deployed: push them again, or run `slipway deploy cluster/service --tag …`, or invoke the deploy function's alias operate with {"action": "deploy", "target": "cluster/service", "tag": "…"}

    Slipway, 2026-09-04 17:00:01 UTC, account 123456789012 in eu-west-1, notice config/0a1b2c3d4e5f
    "#);
    assert_eq!(notice.attributes(), [("kind", "config_invalid".to_owned()), ("severity", "failure".to_owned())]);
}

#[test]
fn the_same_notice_has_the_same_id() {
    let not_active = || Reason::ServiceNotActive { status: "DRAINING".to_owned() };
    let other = with_place(|place| {
        let cause = TriggeredBy::new(&Trigger::Push, &EventId::new("another"));
        Notice::refused(place, &plan(not_active()), cause, at())
    });
    assert_eq!(refused(not_active()).id, refused(not_active()).id);
    assert_ne!(refused(not_active()).id, refused(no_container()).id);
    assert_ne!(refused(not_active()).id, other.id);
}

#[test]
fn the_json_is_complete_and_comes_back() {
    let notice = started();
    assert_eq!(Notice::parse(&notice.json()), Some(notice));
}

#[test]
fn subscribers_can_filter() {
    insta::assert_debug_snapshot!(started().attributes(), @r#"
    [
        (
            "kind",
            "started",
        ),
        (
            "severity",
            "info",
        ),
        (
            "target",
            "prod/web",
        ),
        (
            "cluster",
            "prod",
        ),
        (
            "service",
            "web",
        ),
    ]
    "#);
}

#[test]
fn each_protocol_gets_its_own_form() {
    let notice = started();
    let message: serde_json::Value = serde_json::from_str(&notice.message()).unwrap();
    assert_eq!(message["default"], notice.text());
    assert_eq!(message["email"], notice.text());
    assert_eq!(message["sms"], notice.subject());
    assert_eq!(message["lambda"], message["sqs"]);
    assert_eq!(message["http"], message["https"]);
    schema::check(&notice);
    assert_eq!(Notice::parse(message["sqs"].as_str().unwrap()), Some(notice));
}

#[test]
fn amazon_q_gets_its_own_schema() {
    let notice = refused(no_container());
    let custom: serde_json::Value = serde_json::from_str(&notice.custom_notification()).unwrap();
    insta::assert_snapshot!(format!("{custom:#}"), @r#"
    {
      "version": "1.0",
      "source": "custom",
      "id": "refused/81ab44ae30c640d8/no_container",
      "content": {
        "textType": "client-markdown",
        "title": "Not deployed to prod/web: shop/web:1.5.0",
        "description": "Slipway changed nothing, because no container has an image of shop/web (the task definition has app: nginx:1.27); name the target's containers in the configuration.\n\n*Repository*: shop/web\n*Not deployed*: 1.5.0 (sha256:bbbbbbbbbbbb)\n*Runs*: 1.4.2 (sha256:aaaaaaaaaaaa)\n*Revision*: web:41\n*Triggered by*: an image push (event 13cde686-328b-6117-af20-0e5566167482)",
        "nextSteps": [
          "Once that is fixed, run 'slipway deploy prod/web --digest sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', or invoke the deploy function's alias operate with {\"action\": \"deploy\", \"target\": \"prod/web\", \"digest\": \"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}"
        ],
        "keywords": [
          "refused",
          "prod/web"
        ]
      },
      "metadata": {
        "threadId": "refused/81ab44ae30c640d8/no_container",
        "summary": "Not deployed to prod/web: shop/web:1.5.0",
        "eventType": "refused",
        "relatedResources": [
          "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1",
          "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/events?region=eu-west-1",
          "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/logs?region=eu-west-1",
          "https://eu-west-1.console.aws.amazon.com/ecs/v2/task-definitions/web/41?region=eu-west-1"
        ],
        "additionalContext": {
          "Repository": "shop/web",
          "Not deployed": "1.5.0 (sha256:bbbbbbbbbbbb)",
          "Runs": "1.4.2 (sha256:aaaaaaaaaaaa)",
          "Revision": "web:41",
          "Triggered by": "an image push (event 13cde686-328b-6117-af20-0e5566167482)"
        }
      }
    }
    "#);
    let threads = [&started(), &notice].map(|notice| {
        let custom: serde_json::Value = serde_json::from_str(&notice.custom_notification()).unwrap();
        custom["metadata"]["threadId"].as_str().unwrap().to_owned()
    });
    assert_eq!(threads, ["ecs-svc/2757582648257641111", notice.id.as_str()]);
    let unnamed =
        Notice { id: "prod/web/7/failed".to_owned(), kind: NoticeKind::Failed, deployment: None, ..started() };
    assert_eq!(unnamed.thread(), "prod/web/7");
}

/// What the schema asks for, and lengths that a chat shows.
#[track_caller]
fn check_custom_notification(custom: &str) {
    let custom: serde_json::Value = serde_json::from_str(custom).unwrap();
    assert_eq!((custom["version"].as_str(), custom["source"].as_str()), (Some("1.0"), Some("custom")));
    let length = |value: &serde_json::Value| value.as_str().map_or(0, |text| text.chars().count());
    assert!((1..=250).contains(&length(&custom["content"]["title"])));
    assert!(length(&custom["content"]["description"]) <= 4_000);
    assert!(custom["content"]["nextSteps"].as_array().unwrap().len() <= 10);
    assert!(custom["metadata"]["threadId"].is_string());
    assert!(!custom["content"].to_string().contains(['<', '`']), "{custom}");
}

/// What nobody should send, and somebody will.
fn nasty() -> Vec<String> {
    let pieces = ["🚢", "<!channel> `", "\u{202E}אבג", "\u{0}\u{7}\r\n", "\"\\", "é", "\u{FFFF}\u{10FFFF}", "x"];
    let mut texts: Vec<String> = pieces.iter().map(|piece| piece.repeat(100_000 / piece.len())).collect();
    texts.extend([String::new(), pieces.concat(), pieces.concat().repeat(5_000)]);
    texts
}

#[test]
fn nothing_exceeds_what_sns_takes() {
    for text in nasty() {
        check_limits(&everywhere(&text, 1, &text));
    }
    check_limits(&everywhere("", 0, ""));
    check_limits(&everywhere("prod/web", 10_000, "📦\u{1}\"\n"));
    check_limits(&Notice { reason: "🚢".repeat(25_000), ..started() });
    check_limits(&Notice { headline: "🚢".repeat(25_000), details: vec!["x".repeat(1_000); 10_000], ..started() });
}

fn build(text: &str) -> Build {
    Build { source: Some(text.to_owned()), commit: Some(text.to_owned()), version: Some(text.to_owned()) }
}

fn everywhere(text: &str, count: usize, line: &str) -> Notice {
    let change = diff::Change { path: text.to_owned(), old: Some(text.to_owned()), new: None, how: diff::How::Changed };
    Notice {
        id: text.to_owned(),
        headline: text.to_owned(),
        reason: text.to_owned(),
        target: Some(TargetName::new(text)),
        cluster: Some(ClusterName::new(text)),
        service: Some(ServiceName::new(text)),
        image: Some(ImageChange { repository: text.to_owned(), ..image() }),
        revision: Some(RevisionChange { old: Some(text.to_owned()), new: Some(text.to_owned()) }),
        deployment: Some(DeploymentId::new(text)),
        cause: Some(TriggeredBy {
            trigger: Trigger::from(text),
            event: Some(EventId::new(text)),
            who: Some(text.to_owned()),
        }),
        details: vec![line.to_owned(); count],
        changes: vec![change; count],
        advice: vec![text.to_owned(); count],
        links: vec![Link { name: text.to_owned(), url: text.to_owned() }; count],
        tasks: Some(Tasks { running: 1, desired: i32::MAX }),
        build: Some(BuildChange { old: Some(build(text)), new: Some(build(text)) }),
        notify: vec![Route { slack: text.to_owned(), on: vec![text.to_owned(); count.min(3)] }; count],
        partition: Some(Partition::new(text)),
        account: Some(AccountId::new(text)),
        region: Some(Region::new(text)),
        cut: vec![line.to_owned(); count],
        ..started()
    }
}

#[track_caller]
fn check_limits(notice: &Notice) {
    let (subject, message, attributes) = (notice.subject(), notice.message(), notice.attributes());
    assert!((1..100).contains(&subject.len()), "{subject:?}");
    assert!(subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{subject:?}");
    assert!(subject.starts_with(|first: char| first.is_ascii_alphanumeric()), "{subject:?}");

    let attributes_bytes: usize =
        attributes.iter().map(|(name, value)| name.len() + value.len() + "String".len()).sum();
    assert!(message.len() + attributes_bytes + subject.len() <= 256 * 1024, "{} bytes", message.len());
    for (name, value) in &attributes {
        assert!(!value.trim().is_empty() && !value.chars().any(|character| character.is_control()), "{name}");
    }

    let formats: serde_json::Value = serde_json::from_str(&message).unwrap();
    let copy = Notice::parse(formats["sqs"].as_str().unwrap()).unwrap();
    schema::check(&copy);
    check_custom_notification(formats["https"].as_str().unwrap());
    assert_eq!((copy.kind, copy.at, &copy.image.unwrap().new), (notice.kind, notice.at, &image().new));
    let lost = copy.details.len() < notice.details.len() || copy.reason.chars().count() < notice.reason.chars().count();
    assert!(!lost || !copy.cut.is_empty(), "what was left out is named");
    assert!(!message.contains(['\u{202E}', '\u{FFFF}', '\u{FFFE}']));
    assert!(!formats["email"].as_str().unwrap().is_empty());
}

#[test]
fn who_asked_is_named_beside_what_they_asked() {
    let cause = |who: &str| TriggeredBy::new(&Trigger::Deploy, &EventId::new("build-7")).by(Some(who.to_owned()));
    assert_eq!(email::trigger(&cause("dana")), "a manual deploy by dana (request build-7)");
    assert_eq!(email::trigger(&cause(" \n")), "a manual deploy (request build-7)");
    assert_eq!(email::trigger(&cause("Ana\r\nof  ops")), "a manual deploy by Ana of ops (request build-7)");
    assert_eq!(email::trigger(&cause(&"x".repeat(9_000))).chars().count(), 137);
}
