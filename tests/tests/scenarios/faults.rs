//! Trouble: throttling, lost answers, crashes between two calls, missing permissions, a wrong configuration, too little
//! time. The retry converges, nothing is deployed twice, and no notice is lost.

use std::time::Duration;

use e2e::world::{Call, Fault, Image, Refusal, longest_chain};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{Invocation, Scenario, WEB, id};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "faults" {
        a_throttled_read_is_repeated
        a_throttled_registration_is_repeated
        a_registration_without_an_answer_is_adopted
        a_family_that_somebody_else_registers_in_is_tried_again
        the_renderings_of_one_family_are_registered_one_after_the_other
        an_answer_that_the_sdk_s_types_cannot_hold_is_used_all_the_same
        a_registration_that_did_not_arrive_is_made_once
        an_update_without_an_answer_is_not_repeated
        an_update_that_did_not_arrive_is_made_once
        a_forced_update_without_an_answer_is_not_repeated
        a_crash_between_register_and_update_converges
        a_crash_before_the_notice_is_published_by_the_retry
        a_denied_role_is_reported_and_not_tried_again
        a_wrong_document_deploys_nothing_and_is_reported_once
        a_missing_document_is_reported
        a_throttled_document_is_tried_again
        a_document_in_s3_or_in_the_setting_itself
        a_repository_that_is_not_there_is_reported
        a_new_revision_that_ecs_does_not_know_yet_is_updated_to_a_moment_later
        what_does_not_fit_in_the_time_is_left_to_the_next_try
        ten_services_cost_no_longer_chain_than_one
    } }
}

async fn a_throttled_read_is_repeated(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault("ECS.DescribeServices", 1, Fault::Throttle);
    assert_eq!(outcome(&scenario.push_web("1.5.0").await), "started");
    scenario.transcript();
    scenario.end();
}

async fn a_throttled_registration_is_repeated(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault("ECS.RegisterTaskDefinition", 1, Fault::Throttle);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:2");
    scenario.transcript();
    scenario.end();
}

async fn a_registration_without_an_answer_is_adopted(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault("ECS.RegisterTaskDefinition", 1, Fault::CutAfter);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:2");
    assert_snapshot!("a_registration_without_an_answer_is_adopted", scenario.transcript());
    scenario.end();
}

/// ECS refuses two registrations of one family at once, and says so only in the text of its refusal.
async fn a_family_that_somebody_else_registers_in_is_tried_again(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let text = "Too many concurrent attempts to create a new revision of the specified family.";
    let refusal = Refusal::new("ClientException", text);
    scenario.world.fault("ECS.RegisterTaskDefinition", 1, Fault::Refuse(refusal));
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:2", "{answer:#}");
    scenario.transcript();
    scenario.end();
}

async fn the_renderings_of_one_family_are_registered_one_after_the_other(name: &'static str) {
    let targets = ["web", "api", "jobs"].map(|service| {
        format!(
            "  - {{ repository: shop/web, cluster: prod, service: {service}, tags: {{ semver: '*' }}, environment: {{ ROLE: {service} }} }}"
        )
    });
    let mut scenario = Scenario::begin(name, &format!("version: 1\ntargets:\n{}\n", targets.join("\n"))).await;
    scenario.web_runs("1.4.2");
    for other in ["api", "jobs"] {
        scenario.also_runs_web(other);
    }
    scenario.world.set_latency(Duration::from_millis(10));
    let answer = scenario.push_web("1.5.0").await;
    let mut revisions: Vec<_> = (0..3).map(|at| answer["targets"][at]["revision"]["new"].clone()).collect();
    revisions.sort_by_key(ToString::to_string);
    assert_eq!(revisions, ["web:2", "web:3", "web:4"], "{answer:#}");
    let refused = scenario.world.calls().into_iter().filter(|call| call.refused.is_some()).count();
    assert_eq!(refused, 0, "{}", scenario.transcript());
    scenario.claim();
    scenario.end();
}

async fn an_answer_that_the_sdk_s_types_cannot_hold_is_used_all_the_same(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault_each("ECS.DescribeTaskDefinition", Fault::Unparsable);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "started", "{answer:#}");
    scenario.claim();
    scenario.world.heal("ECS.DescribeTaskDefinition");
    assert_eq!(scenario.running(), Image::single("1.5.0").digest());
    scenario.end();
}

async fn a_registration_that_did_not_arrive_is_made_once(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault("ECS.RegisterTaskDefinition", 1, Fault::CutBefore);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["revision"]["new"], "web:2");
    scenario.transcript();
    scenario.end();
}

async fn an_update_without_an_answer_is_not_repeated(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault("ECS.UpdateService", 1, Fault::CutAfter);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["deployment"], primary(&scenario), "the deployment that the update made");
    assert_eq!(updates(&scenario), 1);
    scenario.transcript();
    scenario.end();
}

async fn an_update_that_did_not_arrive_is_made_once(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault("ECS.UpdateService", 1, Fault::CutBefore);
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["deployment"], primary(&scenario));
    scenario.transcript();
    scenario.end();
}

async fn a_forced_update_without_an_answer_is_not_repeated(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.transcript();
    scenario.world.fault("ECS.UpdateService", 1, Fault::CutAfter);
    let answer = scenario.ask(json!({ "action": "redeploy", "target": "prod/web" })).await;
    assert_eq!(answer["targets"][0]["deployment"], primary(&scenario));
    let line = "ECS.UpdateService";
    assert_eq!(scenario.transcript().matches(line).count(), 1, "one forced update");
    scenario.end();
}

async fn a_crash_between_register_and_update_converges(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    scenario.world.fault_each("ECS.UpdateService", Fault::Break);
    let failed = scenario.deploy_once(&event, Invocation::New).await;
    assert_eq!(failed, Err("ECS.UpdateService/Unreachable".to_owned()));
    assert!(scenario.notices().is_empty(), "what Lambda tries again is not published");
    scenario.world.heal("ECS.UpdateService");
    scenario.transcript();
    let answer = scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(outcome(&answer), "started");
    assert_eq!(scenario.notices().len(), 1);
    scenario.transcript();
    scenario.end();
}

async fn a_crash_before_the_notice_is_published_by_the_retry(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let denied = Refusal::new("AuthorizationError", "not authorized to perform: SNS:Publish");
    scenario.world.fault_each("SNS.Publish", Fault::Refuse(denied));
    let failed = scenario.deploy_once(&event, Invocation::New).await;
    assert_eq!(failed, Err("SNS.Publish/Denied".to_owned()));
    scenario.world.heal("SNS.Publish");
    scenario.transcript();
    // Lambda's own next try publishes what the first could not; another delivery publishes nothing.
    scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_snapshot!("a_crash_before_the_notice_is_published_by_the_retry", scenario.transcript());
    let ids: Vec<_> = scenario.notices().iter().map(id).collect();
    assert_eq!(ids, [format!("{}/started", primary(&scenario))]);
    scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
    assert!(scenario.notices().is_empty());
    scenario.transcript();
    scenario.end();
}

async fn a_denied_role_is_reported_and_not_tried_again(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let denied = Refusal::new(
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/slipway-deploy is not authorized to perform: iam:PassRole on \
         resource: arn:aws:iam::123456789012:role/web-task",
    );
    scenario.world.fault_each("ECS.RegisterTaskDefinition", Fault::Refuse(denied));
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    // A second delivery intends it once more, because somebody may have fixed the role; it is not published again.
    for _ in 0..2 {
        let answer = scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
        assert_eq!(outcome(&answer), "refused");
    }
    assert_snapshot!("a_denied_role_is_reported_and_not_tried_again", scenario.email());
    scenario.transcript();
    scenario.world.advance(Duration::from_secs(31 * 60));
    for timer in scenario.world.due() {
        assert_eq!(
            scenario.fire(&timer.input).await["ignored"],
            "nothing is due",
            "what did not begin has no deadline"
        );
    }
    scenario.transcript();
    scenario.end();
}

async fn a_wrong_document_deploys_nothing_and_is_reported_once(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace('*', ">=1.x.y").replace("service", "servise")).await;
    scenario.web_runs("1.4.2");
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    for _ in 0..2 {
        let answer = scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
        assert_eq!(answer["error"]["code"], "bad_configuration");
    }
    assert_snapshot!("a_wrong_document_deploys_nothing_and_is_reported_once", scenario.email());
    assert_eq!(scenario.transcript().matches("Publish").count(), 1);

    scenario.world.parameter("/slipway/config", WEB);
    scenario.forget_config().await;
    assert_eq!(outcome(&scenario.deploy(&event).await), "started");
    scenario.transcript();
    scenario.end();
}

async fn a_missing_document_is_reported(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let missing = Refusal::new("ParameterNotFound", "");
    scenario.world.fault_each("SSM.GetParameter", Fault::Refuse(missing));
    scenario.forget_config().await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let answer = scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
    assert_eq!(answer["ok"], false);
    assert_snapshot!("a_missing_document_is_reported", scenario.email());
    scenario.transcript();
    scenario.end();
}

async fn a_throttled_document_is_tried_again(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.fault_each("SSM.GetParameter", Fault::Break);
    scenario.forget_config().await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let failed = scenario.deploy_once(&event, Invocation::New).await;
    assert_eq!(failed, Err("SSM.GetParameter/Unreachable".to_owned()));
    scenario.world.heal("SSM.GetParameter");
    let answer = scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(outcome(&answer), "started");
    scenario.transcript();
    scenario.end();
}

async fn a_document_in_s3_or_in_the_setting_itself(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.world.object("settings", "slipway.yaml", WEB);
    scenario.configured_by("s3://settings/slipway.yaml").await;
    assert_eq!(outcome(&scenario.push_web("1.5.0").await), "started");
    scenario.configured_by(WEB).await;
    assert_eq!(outcome(&scenario.push_web("1.6.0").await), "started");
    scenario.transcript();
    scenario.notices();

    // A parameter of more than 8 KB cannot be, but an object of more than 4 MB can.
    scenario.world.object("settings", "slipway.yaml", " ".repeat(5 * 1024 * 1024));
    scenario.configured_by("s3://settings/slipway.yaml").await;
    let event = scenario.world.push("shop/web", ["1.7.0"], &Image::single("1.7.0")).event();
    let answer = scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
    assert_snapshot!(
        "a_document_in_s3_that_is_too_large",
        answer["error"]["mistakes"][0]["text"].as_str().unwrap_or_default()
    );
    scenario.transcript();
    scenario.end();
}

async fn a_repository_that_is_not_there_is_reported(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    let missing = Refusal::new("RepositoryNotFoundException", "The repository with name 'shop/web' does not exist");
    scenario.world.fault_each("ECR.DescribeImages", Fault::Refuse(missing));
    let answer = scenario.deploy(&event).await;
    assert_eq!(outcome(&answer), "refused");
    assert_eq!(scenario.notices().len(), 1);
    scenario.transcript();
    scenario.end();
}

async fn a_new_revision_that_ecs_does_not_know_yet_is_updated_to_a_moment_later(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let unknown = Refusal::new("ClientException", "TaskDefinition not found.");
    scenario.world.fault("ECS.UpdateService", 1, Fault::Refuse(unknown));
    assert_eq!(outcome(&scenario.push_web("1.5.0").await), "started");
    assert_eq!(updates(&scenario), 1);
    scenario.transcript();
    scenario.end();
}

async fn what_does_not_fit_in_the_time_is_left_to_the_next_try(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    scenario.time_left(Duration::ZERO);
    let failed = scenario.deploy_once(&event, Invocation::New).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(updates(&scenario), 0);
    scenario.time_left(Duration::from_secs(300));
    let answer = scenario.deploy_once(&event, Invocation::Again).await.expect("an answer");
    assert_eq!(outcome(&answer), "started");
    scenario.transcript();
    scenario.end();
}

/// The lease is read, and taken.
const LEASE: usize = 2;

async fn ten_services_cost_no_longer_chain_than_one(name: &'static str) {
    // What is measured is never less than the real chain, and more where a busy machine dawdles: the least of three counts.
    let mut chain = usize::MAX;
    for _ in 0..3 {
        chain = chain.min(chain_of_ten_services(name).await);
        if chain <= LEASE + 4 {
            return;
        }
    }
    panic!("a chain of {chain}");
}

async fn chain_of_ten_services(name: &'static str) -> usize {
    let targets: String = (0..10).map(|n| format!("  - {{ repository: shop/web, service: web-{n} }}\n")).collect();
    let config = format!("version: 1\ndefaults: {{ cluster: prod, tags: {{ semver: \"*\" }} }}\ntargets:\n{targets}");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("1.4.2");
    for n in 0..10 {
        scenario.also_runs_web(&format!("web-{n}"));
    }
    let event = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0")).event();
    // So long that only what waits for an answer counts as a chain, not what a busy machine does one by one.
    scenario.world.set_latency(Duration::from_millis(800));
    scenario.deploy_once(&event, Invocation::New).await.expect("an answer");
    let calls = scenario.world.take_calls();
    let count = |service: &str| calls.iter().filter(|call| call.service == service).count();
    assert_eq!(
        count("ECR") + count("ECS"),
        1 + 1 + 1 + 10 + 1 + 10 + 2,
        "image, services, definition, what ran, registration, updates, the manifest and its configuration"
    );
    assert_eq!(count("Scheduler"), 10, "a deadline for each");
    // What leads to an accepted update: the lease, and four calls in a row.
    // One service's own calls: what a slow machine sends one by one for ten of them is no chain.
    let of_another = |call: &Call| (1..10).any(|n| call.request.to_string().contains(&format!("web-{n}")));
    // Another one, updated before, may be published meanwhile, with what its image was built from.
    let labels =
        |call: &Call| matches!(call.operation.as_str(), "BatchGetImage" | "GetDownloadUrlForLayer" | "GetObject");
    let own = |call: &Call| call.operation == "DescribeServices" || !(of_another(call) || labels(call));
    let update = |call: &&Call| call.operation == "UpdateService" && own(call);
    let accepted = calls.iter().filter(update).map(|call| call.span.end).max();
    let before = |call: &Call| own(call) && Some(call.span.end) <= accepted;
    let chain = longest_chain(&calls.iter().filter(|call| before(call)).cloned().collect::<Vec<_>>());
    scenario.end();
    chain
}

fn outcome(answer: &Value) -> &str {
    answer["targets"][0]["outcome"].as_str().unwrap_or_default()
}

/// The deployment that is PRIMARY now.
fn primary(scenario: &Scenario) -> String {
    let request = json!({ "cluster": "prod", "services": ["web"] });
    let answer = scenario.world.by_hand("ECS.DescribeServices", request);
    answer["services"][0]["deployments"][0]["id"].as_str().unwrap_or_default().to_owned()
}

/// How many updates took effect: deployments but the first.
fn updates(scenario: &Scenario) -> usize {
    let request = json!({ "cluster": "prod", "service": "web" });
    let answer = scenario.world.by_hand("ECS.ListServiceDeployments", request);
    answer["serviceDeployments"].as_array().map_or(0, Vec::len) - 1
}
