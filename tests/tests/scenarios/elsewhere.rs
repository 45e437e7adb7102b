//! Images in a registry of another account or region: it is asked there, and its events count where the configuration names
//! it.

use std::time::Duration;

use e2e::world::{Call, Image, Place};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{Scenario, WEB, service, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "elsewhere" {
        a_registry_of_another_region_is_asked_there
        a_registry_of_another_account_and_region_is_asked_there
        a_replication_is_a_push_where_the_copy_is
        a_replication_and_a_push_of_the_same_image_are_one_deploy
        a_pull_through_cache_is_found_by_the_reconcile
        an_event_of_a_registry_that_is_not_named_is_ignored
    } }
}

/// Another region of the same account.
pub(crate) fn virginia() -> Place {
    Place { region: "us-east-1".to_owned(), ..Place::default() }
}

fn other_account() -> Place {
    Place { account: "210987654321".to_owned(), ..virginia() }
}

/// A world in which `prod/web` has been running `shop/web:1.4.2` of this registry, and the registry beside it has a newer image
/// of the same name.
pub(crate) async fn of_web_from(name: &'static str, place: &Place) -> Scenario {
    let registry = place.registry();
    let scenario = Scenario::begin(name, &WEB.replace("shop/web", &format!("{registry}/shop/web"))).await;
    scenario.world.push_to(place, "shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.push("shop/web", ["1.5.0", "9.9.9"], &Image::single("another image"));
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"][0]["image"] = json!(format!("{registry}/shop/web:1.4.2"));
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));
    scenario
}

/// An image that says what it was built from, so that all that is read of an image is read.
fn labelled(version: &str) -> Image {
    Image::single(version).labelled([
        ("org.opencontainers.image.source", "https://github.com/shop/web"),
        ("org.opencontainers.image.revision", "8b1d02e8b1d02e8b1d02e8b1d02e8b1d02e8b1d0"),
    ])
}

async fn a_registry_of_another_region_is_asked_there(name: &'static str) {
    let mut scenario = of_web_from(name, &virginia()).await;
    deploys_from(&mut scenario, &virginia()).await;
    scenario.end();
}

async fn a_registry_of_another_account_and_region_is_asked_there(name: &'static str) {
    let mut scenario = of_web_from(name, &other_account()).await;
    deploys_from(&mut scenario, &other_account()).await;
    scenario.end();
}

/// A push there, a request, the reconcile and a status: each asks the registry of the image, and no other.
async fn deploys_from(scenario: &mut Scenario, place: &Place) {
    let push = scenario.world.push_to(place, "shop/web", ["1.5.0"], &labelled("1.5.0"));
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(scenario.running(), push.digest);
    assert_snapshot!(format!("a_push_elsewhere.{}.{}", place.account, place.region), scenario.transcript());
    assert!(scenario.email().contains("8b1d02e"), "the commit is read there");
    let done = scenario.world.complete("prod", "web").event();
    scenario.track_once(&done).await.expect("an answer");

    // A lost event.
    let lost = scenario.world.push_to(place, "shop/web", ["1.6.0"], &labelled("1.6.0"));
    let status = json!({ "action": "status", "target": "prod/web", "tag": "1.6.0" });
    let answer = scenario.ask_through(":read", status).await;
    assert_eq!(answer["targets"][0]["asked"]["state"], "waiting", "{answer:#}");
    scenario.ask_through("", json!({ "slipway": "reconcile" })).await;
    assert_eq!(scenario.running(), lost.digest);
    let back = json!({ "action": "deploy", "target": "prod/web", "digest": push.digest });
    assert_eq!(scenario.ask(back).await["targets"][0]["outcome"], "started");
    assert_eq!(scenario.running(), push.digest);
    scenario.claim();

    let calls = scenario.world.calls();
    let of_ecr: Vec<&Call> = calls.iter().filter(|call| call.service == "ECR").collect();
    for operation in ["DescribeImages", "BatchGetImage", "GetDownloadUrlForLayer"] {
        assert!(of_ecr.iter().any(|call| call.operation == operation), "{operation}");
    }
    for call in of_ecr {
        assert_eq!(call.region.as_deref(), Some(place.region.as_str()), "{call:#?}");
        assert_eq!(call.request["registryId"], place.account.as_str(), "{call:#?}");
    }
}

async fn a_replication_is_a_push_where_the_copy_is(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let pushed = scenario.world.push_to(&other_account(), "shop/web", ["1.5.0"], &Image::multi_platform("1.5.0"));
    // The push there is none of ours; there is nothing here yet.
    assert_eq!(scenario.deploy(&pushed.event()).await["targets"], json!([]));
    let home = scenario.world.place().clone();
    let events = scenario.world.replicate(&other_account(), &home, "shop/web", "1.5.0");
    let answer = scenario.deploy(&events[0]).await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    assert_eq!(scenario.running(), pushed.digest);
    // The trigger is the copy's event, and the notice names it as a push.
    assert!(scenario.email().contains("because 1.5.0 was pushed"));
    scenario.claim();
    scenario.end();
}

/// Whether ECR sends a push besides, and in which order, nobody says.
async fn a_replication_and_a_push_of_the_same_image_are_one_deploy(name: &'static str) {
    for order in [[0, 1], [1, 0]] {
        let mut scenario = Scenario::of_web(name).await;
        scenario.world.push_to(&virginia(), "shop/web", ["1.5.0"], &Image::single("1.5.0"));
        let home = scenario.world.place().clone();
        let events = scenario.world.replicate(&virginia(), &home, "shop/web", "1.5.0");
        let types: Vec<&Value> = events.iter().map(|event| &event["detail-type"]).collect();
        assert_eq!(types, ["ECR Replication Action", "ECR Image Action"]);
        scenario.deploy(&events[order[0]]).await;
        scenario.claim();
        assert_eq!(scenario.subjects().len(), 1);
        scenario.world.advance(Duration::from_secs(30));
        let answer = scenario.deploy(&events[order[1]]).await;
        assert_eq!(answer["targets"][0]["outcome"], "skipped", "{answer:#}");
        assert_eq!((scenario.updates(), scenario.subjects().len()), (1, 0));
        scenario.claim();
        scenario.end();
    }
}

/// What a pull-through cache fetches comes without a push.
async fn a_pull_through_cache_is_found_by_the_reconcile(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let reconcile = json!({ "slipway": "reconcile" });
    scenario.ask_through("", reconcile.clone()).await;
    let cached = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let event = json!({
        "version": "0", "id": "581ce580-4719-52db-a096-071019f9d6cf", "detail-type": "ECR Pull Through Cache Action",
        "source": "aws.ecr", "account": "123456789012", "time": "2026-11-21T12:00:00Z", "region": "eu-west-1",
        "resources": [], "detail": {
            "rule-version": "1", "sync-status": "SUCCESS", "ecr-repository-prefix": "shop", "repository-name": "shop/web",
            "upstream-registry-url": "public.ecr.aws", "image-tag": "1.5.0", "image-digest": cached.digest
        }
    });
    assert_eq!(scenario.deploy(&event).await["ignored"], true);
    assert_eq!(scenario.updates(), 0);
    scenario.ask_through("", reconcile).await;
    assert_eq!(scenario.running(), cached.digest);
    scenario.claim();
    scenario.end();
}

async fn an_event_of_a_registry_that_is_not_named_is_ignored(name: &'static str) {
    let mut scenario = of_web_from(name, &other_account()).await;
    let stranger = Place { account: "999999999999".to_owned(), ..other_account() };
    let other_region = Place { region: "ap-south-1".to_owned(), ..other_account() };
    let mut seen = Vec::new();
    for place in [&stranger, &other_region, &Place::default(), &virginia()] {
        let event = scenario.world.push_to(place, "shop/web", ["8.0.0"], &Image::single("stranger")).event();
        let answer = scenario.deploy(&event).await;
        assert_eq!((&answer["ok"], &answer["targets"]), (&json!(true), &json!([])));
        let explained = scenario.ask_through(":read", json!({ "action": "explain", "event": event })).await;
        assert_eq!(explained["ignored"], answer["ignored"]);
        seen.push(answer["ignored"].as_str().unwrap_or_default().to_owned());
    }
    let api = scenario.world.push("shop/api", ["8.0.0"], &Image::single("api")).event();
    seen.push(scenario.deploy(&api).await["ignored"].as_str().unwrap_or_default().to_owned());
    assert_snapshot!("an_event_of_a_registry_that_is_not_named_is_ignored", seen.join("\n"));
    assert_eq!(scenario.updates(), 0);
    assert!(scenario.world.take_calls().iter().all(|call| call.service != "ECR" && !call.is_write()));
    scenario.end();
}
