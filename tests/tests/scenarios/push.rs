//! A push, and what it deploys.

use e2e::world::{Image, World};
use insta::assert_snapshot;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::scenario::{Scenario, WEB, models, service, web_definition};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios! { "push" {
        a_pushed_image_runs
        the_update_holds_nothing_but_the_task_definition
        unknown_fields_survive
        people_s_tags_are_carried_over_and_provenance_is_added
        a_tag_that_moved_since_the_event_is_pinned_as_it_is_now
        a_multi_platform_push_deploys_its_index_once
        a_build_under_three_tags_is_one_deploy_under_the_best_of_them
        a_push_without_a_tag_is_ignored
        web_and_sidekiq_share_an_image_and_the_log_router_stays
        services_of_one_family_share_a_revision
        a_service_runs_images_of_two_repositories
        a_placeholder_image_needs_its_container_named
        nothing_changed_registers_nothing
        the_base_family_lets_terraform_s_edits_flow
        the_version_is_set_in_the_environment
        one_failing_target_does_not_stop_the_others
        a_registry_in_china_keeps_its_host
        a_repository_of_another_account_is_matched_by_its_uri
        a_service_that_is_not_there_is_reported
        services_of_another_controller_are_refused
    } }
}

async fn a_pushed_image_runs(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["ok"], true);
    assert_snapshot!("a_pushed_image_runs.transcript", scenario.transcript());
    assert_snapshot!("a_pushed_image_runs.answer", pretty(&answer));
    assert_snapshot!("a_pushed_image_runs.email", scenario.email());
    scenario.end();
}

async fn the_update_holds_nothing_but_the_task_definition(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let update = request(&scenario.world, "UpdateService");
    assert_eq!(
        update,
        json!({
            "cluster": "prod",
            "service": "web",
            "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2"
        })
    );
    scenario.end();
}

async fn unknown_fields_survive(name: &'static str) {
    let world = World::alone(models()).allow_invented(["quantumMode", "spin", "entangled", "flux"]);
    let mut scenario = Scenario::set(name, world, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    let mut definition = web_definition("1.4.2");
    definition["quantumMode"] = json!({ "spin": 0.50, "entangled": ["", null] });
    definition["containerDefinitions"][0]["flux"] = json!("");
    definition["volumes"] = json!([{ "name": "data", "host": {}, "flux": 1e3 }]);
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));

    scenario.push_web("1.5.0").await;
    let register = request(&scenario.world, "RegisterTaskDefinition");
    assert_eq!(register["quantumMode"].to_string(), r#"{"spin":0.5,"entangled":["",null]}"#);
    assert_eq!(register["containerDefinitions"][0]["flux"], "");
    assert_eq!(register["volumes"].to_string(), r#"[{"name":"data","host":{},"flux":1000.0}]"#);
    scenario.end();
}

async fn people_s_tags_are_carried_over_and_provenance_is_added(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let register = request(&scenario.world, "RegisterTaskDefinition");
    assert_snapshot!("people_s_tags_are_carried_over_and_provenance_is_added", pretty(&register["tags"]));
    scenario.end();
}

async fn a_tag_that_moved_since_the_event_is_pinned_as_it_is_now(name: &'static str) {
    let config = r#"
version: 1
targets: [{ repository: shop/web, cluster: prod, service: web, tags: { tag: latest } }]
"#;
    let mut scenario = Scenario::begin(name, config).await;
    scenario.web_runs("latest");
    let first = scenario.world.push("shop/web", ["latest"], &Image::single("first"));
    let second = scenario.world.push("shop/web", ["latest"], &Image::single("second"));
    scenario.deploy(&first.event()).await;
    let register = request(&scenario.world, "RegisterTaskDefinition");
    let image = register["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
    assert!(image.ends_with(&format!("@{}", second.digest)), "{image}");
    scenario.transcript();

    let answer = scenario.deploy(&second.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["code"], "already_under_way");
    assert!(!scenario.transcript().contains("UpdateService"));
    scenario.end();
}

async fn a_multi_platform_push_deploys_its_index_once(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::multi_platform("1.5.0"));
    for event in &push.events {
        scenario.deploy(event).await;
    }
    assert_snapshot!("a_multi_platform_push_deploys_its_index_once", scenario.transcript());
    let register = request(&scenario.world, "RegisterTaskDefinition");
    let image = register["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
    assert!(image.ends_with(&format!("@{}", push.digest)), "the index, not {image}");
    scenario.end();
}

async fn a_build_under_three_tags_is_one_deploy_under_the_best_of_them(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", ["latest", "1.8", "1.8.2"], &Image::single("1.8.2"));
    for event in &push.events {
        scenario.deploy(event).await;
    }
    assert_snapshot!("a_build_under_three_tags_is_one_deploy_under_the_best_of_them", scenario.transcript());
    assert_eq!(scenario.subjects(), ["started: Deploying to prod/web: shop/web:1.8.2 (was 1.4.2)"]);
    scenario.end();
}

async fn a_push_without_a_tag_is_ignored(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    let push = scenario.world.push("shop/web", [], &Image::single("1.5.0"));
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer, json!({ "ok": true, "ignored": true }));
    assert_eq!(scenario.transcript(), "again\n");
    scenario.end();
}

async fn web_and_sidekiq_share_an_image_and_the_log_router_stays(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    let mut definition = web_definition("1.4.2");
    let mut sidekiq = definition["containerDefinitions"][0].clone();
    sidekiq["name"] = json!("sidekiq");
    sidekiq["command"] = json!(["bundle", "exec", "sidekiq", ""]);
    sidekiq.as_object_mut().expect("a container").shift_remove("portMappings");
    let router = json!({
        "name": "log-router",
        "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable",
        "essential": true,
        "firelensConfiguration": { "type": "fluentbit" }
    });
    definition["containerDefinitions"].as_array_mut().expect("containers").extend([sidekiq, router]);
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));

    let answer = scenario.push_web("1.5.0").await;
    assert_snapshot!(
        "web_and_sidekiq_share_an_image_and_the_log_router_stays",
        answer["targets"][0]["plan"]["text"].as_str().unwrap_or_default()
    );
    let register = request(&scenario.world, "RegisterTaskDefinition");
    assert_eq!(
        register["containerDefinitions"][2]["image"],
        "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable"
    );
    assert_eq!(register["containerDefinitions"][1]["command"], json!(["bundle", "exec", "sidekiq", ""]));
    scenario.end();
}

async fn services_of_one_family_share_a_revision(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/web, service: admin }
  - { repository: shop/web, service: api }
"#;
    let mut scenario = Scenario::begin(name, config).await;
    scenario.web_runs("1.4.2");
    for other in ["admin", "api"] {
        scenario.also_runs_web(other);
    }
    let answer = scenario.push_web("1.5.0").await;
    let revisions: Vec<_> =
        (0..3).map(|target| answer["targets"][target]["revision"]["new"].as_str().unwrap_or_default()).collect();
    assert_eq!(revisions, ["web:2"; 3]);
    assert_snapshot!("services_of_one_family_share_a_revision", scenario.transcript());
    scenario.end();
}

async fn a_service_runs_images_of_two_repositories(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets: [{ repository: shop/web, service: web }, { repository: shop/proxy, service: web }]
"#;
    let mut scenario = Scenario::begin(name, config).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    scenario.world.push("shop/proxy", ["3.0.0"], &Image::single("proxy 3.0.0"));
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"].as_array_mut().expect("containers").push(json!({
        "name": "proxy",
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/proxy:3.0.0",
        "essential": true
    }));
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));

    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    let proxy = scenario.world.push("shop/proxy", ["3.0.1"], &Image::single("proxy 3.0.1"));
    let answer = scenario.deploy(&proxy.event()).await;
    assert_snapshot!(
        "a_service_runs_images_of_two_repositories",
        answer["targets"][0]["plan"]["text"].as_str().unwrap_or_default()
    );
    let _ = scenario.world.complete("prod", "web");

    // Each repository keeps its own order, whichever was deployed last.
    let late = scenario.world.push("shop/web", ["1.4.9"], &Image::single("1.4.9"));
    let answer = scenario.deploy(&late.event()).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.4.9 is older than the running 1.5.0");
    scenario.transcript();
    scenario.end();
}

async fn a_placeholder_image_needs_its_container_named(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"][0]["image"] = json!("nginx:1.27");
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));

    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(answer["targets"][0]["outcome"], "refused");
    assert_snapshot!("a_placeholder_image_needs_its_container_named.email", scenario.email());

    scenario.world.parameter("/slipway/config", &WEB.replace("service: web", "service: web, containers: [web]"));
    scenario.forget_config().await;
    let answer = scenario.push_web("1.5.1").await;
    assert_eq!(answer["targets"][0]["outcome"], "started");
    let register = request(&scenario.world, "RegisterTaskDefinition");
    let image = register["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
    assert!(image.starts_with("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web@sha256:"), "{image}");
    scenario.transcript();
    scenario.end();
}

async fn nothing_changed_registers_nothing(name: &'static str) {
    let mut scenario = Scenario::of_web(name).await;
    scenario.push_web("1.5.0").await;
    let _ = scenario.world.complete("prod", "web");
    scenario.transcript();
    // The same image under one more tag: the service runs it already.
    let digest = Image::single("1.5.0").digest();
    let event = scenario.world.retag("shop/web", &digest, "1.5.1");
    let answer = scenario.deploy(&event).await;
    assert_eq!(answer["targets"][0]["reason"]["text"], "1.5.1 already runs, as web:2");
    assert_snapshot!("nothing_changed_registers_nothing", scenario.transcript());
    scenario.end();
}

async fn the_base_family_lets_terraform_s_edits_flow(name: &'static str) {
    let mut scenario = Scenario::begin(name, &WEB.replace("service: web", "service: web, base: family")).await;
    scenario.web_runs("1.4.2");
    let mut edited = web_definition("1.4.2");
    edited["memory"] = json!("1024");
    scenario.world.register(edited);

    let answer = scenario.push_web("1.5.0").await;
    assert_eq!(request(&scenario.world, "RegisterTaskDefinition")["memory"], "1024");
    assert_snapshot!(
        "the_base_family_lets_terraform_s_edits_flow",
        answer["targets"][0]["plan"]["text"].as_str().unwrap_or_default()
    );
    scenario.transcript();
    scenario.end();
}

async fn the_version_is_set_in_the_environment(name: &'static str) {
    let config = WEB.replace(
        "service: web",
        r#"service: web, environment: { APP_VERSION: "{tag}", BUILD: "{short_digest} {other}", LOG_LEVEL: debug }"#,
    );
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("1.4.2");
    let answer = scenario.push_web("1.5.0").await;
    let register = request(&scenario.world, "RegisterTaskDefinition");
    let short = Image::single("1.5.0").digest()["sha256:".len()..][..12].to_owned();
    assert_eq!(
        register["containerDefinitions"][0]["environment"],
        json!([
            { "name": "LOG_LEVEL", "value": "debug" },
            { "name": "APP_VERSION", "value": "1.5.0" },
            { "name": "BUILD", "value": format!("{short} {{other}}") }
        ])
    );
    // Values are the users' secrets, as far as we know.
    assert!(!answer.to_string().contains("debug"));
    let notices = scenario.notices();
    assert!(!notices[0].message.contains("debug"));
    scenario.transcript();
    scenario.end();
}

async fn one_failing_target_does_not_stop_the_others(name: &'static str) {
    let config = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets: [{ repository: shop/web, service: gone }, { repository: shop/web, service: web }]
"#;
    let mut scenario = Scenario::begin(name, config).await;
    scenario.web_runs("1.4.2");
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let answer = scenario.deploy(&push.event()).await;
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["targets"][0]["outcome"], "refused");
    assert_eq!(answer["targets"][1]["outcome"], "started");
    let mut subjects = scenario.subjects();
    subjects.sort();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    scenario.transcript();
    scenario.end();
}

async fn a_registry_in_china_keeps_its_host(name: &'static str) {
    let world = World::alone(models()).place(e2e::world::Place {
        partition: "aws-cn".to_owned(),
        region: "cn-north-1".to_owned(),
        ..e2e::world::Place::default()
    });
    let mut scenario = Scenario::set(name, world, WEB).await;
    scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
    let mut definition = web_definition("1.4.2");
    definition["containerDefinitions"][0]["image"] =
        json!("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop/web:1.4.2");
    for role in ["executionRoleArn", "taskRoleArn"] {
        definition[role] = json!("arn:aws-cn:iam::123456789012:role/web");
    }
    scenario.world.register(definition);
    scenario.world.running_service(service("web"));
    scenario.push_web("1.5.0").await;
    let register = request(&scenario.world, "RegisterTaskDefinition");
    let image = register["containerDefinitions"][0]["image"].as_str().unwrap_or_default();
    assert!(image.starts_with("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop/web@sha256:"), "{image}");
    scenario.transcript();
    scenario.end();
}

async fn a_repository_of_another_account_is_matched_by_its_uri(name: &'static str) {
    let config = WEB.replace("shop/web", "210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop/web");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("1.4.2");
    // The same name in our own account is another repository.
    let push = scenario.world.push("shop/web", ["1.5.0"], &Image::single("1.5.0"));
    let answer = scenario.deploy(&push.event()).await;
    let why = "the configuration has no target of the repository 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web; it names \
               210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop/web";
    let ignored = json!({ "action": "push", "id": push.event()["id"], "ok": true, "targets": [], "ignored": why });
    assert_eq!(answer, ignored);
    assert_eq!(scenario.transcript(), "again\n");
    scenario.end();
}

async fn a_service_that_is_not_there_is_reported(name: &'static str) {
    let mut scenario = Scenario::begin(name, WEB).await;
    scenario.push_web("1.5.0").await;
    assert_snapshot!("a_service_that_is_not_there_is_reported", scenario.email());
    scenario.transcript();
    scenario.end();
}

async fn services_of_another_controller_are_refused(name: &'static str) {
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        let mut scenario = Scenario::begin(name, WEB).await;
        scenario.world.push("shop/web", ["1.4.2"], &Image::single("1.4.2"));
        scenario.world.register(web_definition("1.4.2"));
        let mut request = service("web");
        request["deploymentController"] = json!({ "type": controller });
        if controller == "EXTERNAL" {
            for member in ["taskDefinition", "launchType", "networkConfiguration"] {
                request.as_object_mut().expect("a request").shift_remove(member);
            }
        }
        scenario.world.running_service(request);
        let answer = scenario.push_web("1.5.0").await;
        let code = if controller == "CODE_DEPLOY" { "no_deployment_group" } else { "wrong_controller" };
        assert_eq!(answer["targets"][0]["reason"]["code"], code, "{controller}");
        assert_eq!(scenario.notices().len(), 1);
        scenario.transcript();
        scenario.end();
    }
}

/// The last request of this operation, as it was really sent.
#[track_caller]
fn request(world: &World, operation: &str) -> Value {
    let calls = world.calls();
    let call = calls.iter().rfind(|call| call.operation == operation).expect("such a call");
    call.request.clone()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}
