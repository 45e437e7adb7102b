//! Scenarios about what a notice says beside the outcome: the commit and its repository by the image's labels, the tasks, and
//! who asked.

use std::time::{Duration, Instant};

use e2e::world::{Fault, Image, Refusal};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use slipway_core::model::notice::Notice;

use crate::scenario::{Invocation, Scenario};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios!("build" {
        a_labelled_image_is_described_by_its_commit
        the_next_deployment_is_compared_with_the_one_before
        an_image_of_several_platforms_is_described_by_one_of_them
        annotations_save_the_download
        labels_are_asked_for_once
        an_image_without_labels_is_reported_without_a_commit
        hostile_labels_do_no_harm
        what_cannot_be_looked_up_is_left_out
        a_larger_configuration_is_not_downloaded
        a_person_who_asks_is_named
    })
}

const SOURCE: &str = "org.opencontainers.image.source";
const COMMIT: &str = "org.opencontainers.image.revision";
const VERSION: &str = "org.opencontainers.image.version";

/// An image as docker/metadata-action labels it.
fn labelled(version: &str, commit: &str) -> Image {
    let labels = [(SOURCE, "https://github.com/shop/web"), (COMMIT, commit), (VERSION, version)];
    Image::single(version).labelled(labels)
}

/// Pushes an image and delivers its event; the notice of the start.
async fn deployed(scenario: &mut Scenario, tag: &str, image: &Image) -> Notice {
    let push = scenario.world.push("shop/web", [tag], image);
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    only(scenario)
}

/// The deployment wins; the notice of its end.
async fn completed(scenario: &mut Scenario) -> Notice {
    for event in &scenario.world.complete("prod", "web").events {
        scenario.track(event).await;
    }
    only(scenario)
}

/// The one notice since the last reading.
#[track_caller]
fn only(scenario: &mut Scenario) -> Notice {
    let notices = scenario.notices();
    let [notice] = notices.as_slice() else { panic!("one notice, and not {notices:#?}") };
    let formats: Value = serde_json::from_str(&notice.message).expect("the formats of a notice");
    Notice::parse(formats["sqs"].as_str().expect("a text")).expect("a notice")
}

/// How a notice names the commit, and which links it has beside the console's.
fn commit(notice: &Notice) -> String {
    let row = notice.table().into_iter().find(|(label, _)| *label == "Commit");
    let links = notice.all_links().into_iter().filter(|link| !link.url.contains("console.aws.amazon.com"));
    let links: Vec<String> = links.map(|link| format!("{}: {}", link.name, link.url)).collect();
    std::iter::once(row.map_or_else(|| "no commit".to_owned(), |(_, words)| words))
        .chain(links)
        .collect::<Vec<_>>()
        .join("\n")
}

/// How the registry was asked for what it says of an image; not how it was asked for two builds, to compare them.
fn asked(transcript: &str) -> Vec<&str> {
    let of_labels = |line: &&str| {
        let calls = ["ECR.BatchGetImage", "ECR.GetDownloadUrlForLayer", "S3.GetObject"];
        calls.iter().any(|call| line.contains(call)) && line.matches("digest=").count() < 2
    };
    transcript.lines().filter(of_labels).filter_map(|line| line.split_whitespace().next()).collect()
}

async fn a_labelled_image_is_described_by_its_commit(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push =
        scenario.world.push("shop/web", ["1.5.0"], &labelled("1.5.0", "3f2a91c0d4e5f60718293a4b5c6d7e8f90a1b2c3"));
    scenario.deploy(&push.event()).await;
    assert_snapshot!(scenario.email());
    scenario.claim();
    for event in &scenario.world.complete("prod", "web").events {
        scenario.track(event).await;
    }
    // The notice of the end has it from the record.
    assert_eq!(asked(&scenario.transcript()), [""; 0]);
    assert_snapshot!(commit(&only(&mut scenario)), @r"
    3f2a91c (1.5.0)
    Commit: https://github.com/shop/web/commit/3f2a91c0d4e5f60718293a4b5c6d7e8f90a1b2c3
    ");
    scenario.end();
}

async fn the_next_deployment_is_compared_with_the_one_before(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    deployed(&mut scenario, "1.5.0", &labelled("1.5.0", "3f2a91c0d4e5")).await;
    completed(&mut scenario).await;
    scenario.claim();
    let started = deployed(&mut scenario, "1.6.0", &labelled("1.6.0", "8b1d02e7a9c4")).await;
    // What runs was looked up when it was deployed.
    let transcript = scenario.transcript();
    assert_eq!(asked(&transcript), ["ECR.BatchGetImage", "ECR.GetDownloadUrlForLayer", "S3.GetObject"], "{transcript}");
    let compared = r"
    3f2a91c → 8b1d02e (1.6.0)
    Commit: https://github.com/shop/web/commit/8b1d02e7a9c4
    Compare: https://github.com/shop/web/compare/3f2a91c0d4e5...8b1d02e7a9c4
    ";
    let compared: Vec<&str> = compared.trim().lines().map(str::trim).collect();
    assert_eq!(commit(&started), compared.join("\n"));
    assert_eq!(commit(&completed(&mut scenario).await), compared.join("\n"));
    let slack = slipway_slack::message(&started).to_string();
    assert!(slack.contains("<https://github.com/shop/web/compare/3f2a91c0d4e5...8b1d02e7a9c4|Compare>"), "{slack}");
    scenario.claim();
    scenario.end();
}

async fn an_image_of_several_platforms_is_described_by_one_of_them(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let labels = [(SOURCE, "git@gitlab.shop.example:shop/web.git"), (COMMIT, "3f2a91c0d4e5")];
    let started = deployed(&mut scenario, "1.5.0", &Image::multi_platform("1.5.0").labelled(labels)).await;
    assert_snapshot!(commit(&started), @r"
    3f2a91c
    Commit: https://gitlab.shop.example/shop/web/-/commit/3f2a91c0d4e5
    ");
    let transcript = scenario.transcript();
    let expected = ["ECR.BatchGetImage", "ECR.BatchGetImage", "ECR.GetDownloadUrlForLayer", "S3.GetObject"];
    assert_eq!(asked(&transcript), expected, "{transcript}");
    scenario.end();
}

async fn annotations_save_the_download(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let image = Image::multi_platform("1.5.0")
        .annotated(SOURCE, "https://bitbucket.org/shop/web")
        .annotated(COMMIT, "3f2a91c0d4e5")
        .annotated(VERSION, "1.5.0");
    assert_snapshot!(commit(&deployed(&mut scenario, "1.5.0", &image).await), @r"
    3f2a91c (1.5.0)
    Commit: https://bitbucket.org/shop/web/commits/3f2a91c0d4e5
    ");
    assert_eq!(asked(&scenario.transcript()), ["ECR.BatchGetImage"]);
    scenario.end();
}

async fn labels_are_asked_for_once(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    deployed(&mut scenario, "1.5.0", &labelled("1.5.0", "3f2a91c0d4e5")).await;
    completed(&mut scenario).await;
    deployed(&mut scenario, "1.6.0", &labelled("1.6.0", "8b1d02e7a9c4")).await;
    completed(&mut scenario).await;
    scenario.claim();
    // Back to an image that the record knows, in a process that doesn't.
    scenario.forget_config().await;
    scenario.claim();
    scenario.ask(json!({ "action": "rollback", "target": "prod/web" })).await;
    assert_eq!(asked(&scenario.transcript()), [""; 0]);
    assert_snapshot!(commit(&only(&mut scenario)), @r"
    8b1d02e → 3f2a91c (1.5.0)
    Commit: https://github.com/shop/web/commit/3f2a91c0d4e5
    Compare: https://github.com/shop/web/compare/8b1d02e7a9c4...3f2a91c0d4e5
    ");
    scenario.end();
}

async fn an_image_without_labels_is_reported_without_a_commit(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let started = deployed(&mut scenario, "1.5.0", &Image::docker("1.5.0")).await;
    assert_eq!((commit(&started).as_str(), started.build), ("no commit", None));
    assert_eq!(commit(&completed(&mut scenario).await), "no commit");
    scenario.claim();
    // That there is nothing is remembered, too.
    deployed(&mut scenario, "1.6.0", &Image::single("1.6.0").labelled([("maintainer", "ana")])).await;
    assert_eq!(asked(&scenario.transcript()), ["ECR.BatchGetImage", "ECR.GetDownloadUrlForLayer", "S3.GetObject"]);
    scenario.end();
}

async fn hostile_labels_do_no_harm(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let long = "x".repeat(100_000);
    for (tag, source, revision, version) in [
        ("1.5.0", "javascript:alert('https://github.com/a/b')", "<!channel>", "`1.5.0` <https://evil.example|here>"),
        ("1.6.0", "https://github.com/a/b|<!here>", "3f2a91c0d4e5", "1.6.0\r\nBcc: everybody\u{202e}"),
        ("1.7.0", &long, &long, &long),
        ("1.8.0", "https://ci:secret@github.com/shop/web.git", "8b1d02e7a9c4/../../evil", "1.8.0"),
    ] {
        let labels = [(SOURCE, source), (COMMIT, revision), (VERSION, version)];
        let started = deployed(&mut scenario, tag, &Image::single(tag).labelled(labels)).await;
        let built = started.build.clone().and_then(|build| build.new).expect("a build");
        let texts = [&built.source, &built.commit, &built.version];
        assert!(texts.into_iter().flatten().all(|text| text.chars().count() <= 300), "{built:?}");
        let slack = slipway_slack::message(&started).to_string();
        for harm in ["javascript:", "<!channel>", "<!here>", "secret", "\u{202e}", "<https://evil"] {
            assert!(!slack.contains(harm), "{harm} in {slack}");
            let links = started.all_links();
            assert!(links.iter().all(|link| !link.url.contains(harm) && !link.url.contains("..")), "{links:?}");
        }
        let named = commit(&started);
        match tag {
            "1.5.0" => assert_eq!(named, "`1.5.0` <https://evil.example|here>"),
            "1.6.0" => assert_eq!(named, "3f2a91c (1.6.0 Bcc: everybody\u{fffd})"),
            "1.7.0" => assert_eq!(named.chars().count(), 100),
            _ => assert_eq!(named, "1.8.0\nSource: https://github.com/shop/web"),
        }
        completed(&mut scenario).await;
        scenario.claim();
    }
    scenario.end();
}

async fn what_cannot_be_looked_up_is_left_out(name: &'static str) {
    let denied =
        || Refusal::new("AccessDeniedException", "User is not authorized to perform: ecr:GetDownloadUrlForLayer");
    let hangs = Fault::Late(Duration::from_secs(60));
    for (call, fault) in [
        ("ECR.BatchGetImage", Fault::Refuse(denied())),
        ("ECR.GetDownloadUrlForLayer", Fault::Refuse(denied())),
        ("ECR.GetDownloadUrlForLayer", hangs.clone()),
        ("S3.GetObject", Fault::Break),
        ("S3.GetObject", Fault::CutAfter),
        ("S3.GetObject", hangs),
    ] {
        let mut scenario = Scenario::of_web(name).await;
        scenario.world.fault_each(call, fault.clone());
        let push = scenario.world.push("shop/web", ["1.5.0"], &labelled("1.5.0", "3f2a91c0d4e5"));
        let began = Instant::now();
        let answer = scenario.deploy_once(&push.event(), Invocation::New).await.expect("an answer");
        assert!(began.elapsed() < Duration::from_secs(10), "{call} {fault:?}: {:?}", began.elapsed());
        assert_eq!(answer["targets"][0]["outcome"], "started", "{call} {fault:?}");
        let started = only(&mut scenario);
        assert_eq!((commit(&started).as_str(), started.build), ("no commit", None), "{call} {fault:?}");
        assert_eq!(commit(&completed(&mut scenario).await), "no commit");
        assert_eq!(scenario.running(), push.digest);
        // The next time it is looked up again, in the same process.
        scenario.world.heal(call);
        let started = deployed(&mut scenario, "1.6.0", &labelled("1.6.0", "8b1d02e7a9c4")).await;
        assert_eq!(commit(&started).lines().next(), Some("3f2a91c → 8b1d02e (1.6.0)"), "{call} {fault:?}");
        scenario.claim();
        scenario.end();
    }
}

async fn a_larger_configuration_is_not_downloaded(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let large = "x".repeat(2 << 20);
    let labels = [(SOURCE, "https://github.com/shop/web"), (COMMIT, "3f2a91c0d4e5"), ("large", large.as_str())];
    let started = deployed(&mut scenario, "1.5.0", &Image::single("1.5.0").labelled(labels)).await;
    assert_eq!(commit(&started), "no commit");
    assert_eq!(asked(&scenario.transcript()), ["ECR.BatchGetImage"]);
    scenario.end();
}

async fn a_person_who_asks_is_named(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.push("shop/web", ["1.5.0"], &labelled("1.5.0", "3f2a91c0d4e5"));
    let asked = json!({ "action": "deploy", "target": "prod/web", "tag": "1.5.0", "id": "build-7", "who": "dana" });
    let answer = scenario.ask(asked).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    let started = only(&mut scenario);
    for notice in [started, completed(&mut scenario).await] {
        let cause = notice.cause.clone().expect("a cause");
        assert_eq!((cause.trigger.to_string().as_str(), cause.who.as_deref()), ("deploy", Some("dana")));
        let text = notice.text();
        assert!(text.contains("\nTriggered by  a manual deploy by dana (request build-7)\n"), "{text}");
        let slack = slipway_slack::message(&notice).to_string();
        assert!(slack.contains("a manual deploy by dana (request build-7)"), "{slack}");
        let formats: Value = serde_json::from_str(&notice.message()).expect("the formats of a notice");
        let amazon_q = formats["https"].as_str().unwrap_or_default();
        assert!(amazon_q.contains("a manual deploy by dana (request build-7)"), "{amazon_q}");
    }
    scenario.claim();
    scenario.end();
}
