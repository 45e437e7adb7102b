//! `slipway init`: what it makes of an account, what it says where it cannot, and that what it writes deploys.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::examples;
use e2e::lambda::Function;
use e2e::world::{CodeDeployStage, Fault, Image, Moved, Place, Refusal};
use insta::assert_snapshot;
use serde_json::{Value, json};
use slipway_core::config::Config;

use crate::code_deploy::{PORT, deploy_by_hand, make_group, under_code_deploy};
use crate::harness::{Fleet, Ran};
use crate::json::answer;
use crate::terminal::Terminal;

/// The registry beside the services, and one of another account and region.
const HOME: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const ELSEWHERE: &str = "210987654321.dkr.ecr.us-east-1.amazonaws.com";

/// An account in which nothing is yet.
async fn account() -> Fleet {
    Fleet::configured(crate::harness::TWO).await
}

/// A service that runs these containers in a family of its own, with roles and a log group of its name.
fn service(fleet: &Fleet, cluster: &str, name: &str, containers: &[(&str, &str)]) {
    register(fleet, name, containers);
    service_of(fleet, cluster, name, json!({ "taskDefinition": name }));
}

/// The same under CodeDeploy.
fn service_under_code_deploy(fleet: &Fleet, cluster: &str, name: &str, image: &str) {
    register(fleet, name, &[(name, image)]);
    let request = json!({
        "cluster": cluster, "serviceName": name, "taskDefinition": name, "desiredCount": 2, "launchType": "FARGATE",
    });
    fleet.world.running_service(under_code_deploy(request, name));
}

fn register(fleet: &Fleet, family: &str, containers: &[(&str, &str)]) {
    let container = |(name, image): &(&str, &str)| {
        json!({
            "name": name, "image": image, "essential": true, "portMappings": [{ "containerPort": PORT }],
            "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": format!("/ecs/{family}") } },
        })
    };
    fleet.world.register(json!({
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "taskRoleArn": format!("arn:aws:iam::123456789012:role/{family}-task"),
        "containerDefinitions": containers.iter().map(container).collect::<Vec<_>>(),
    }));
}

fn service_of(fleet: &Fleet, cluster: &str, name: &str, more: Value) {
    let mut request = json!({ "cluster": cluster, "serviceName": name, "desiredCount": 2, "launchType": "FARGATE" });
    more.as_object().into_iter().flatten().for_each(|(member, value)| request[member] = value.clone());
    fleet.world.running_service(request);
}

fn push(fleet: &Fleet, repository: &str, tags: &[&str]) {
    for tag in tags {
        fleet.world.push(repository, [*tag], &Image::single(&format!("{repository} {tag}")));
    }
}

fn at_home(repository: &str, tag: &str) -> String {
    format!("{HOME}/{repository}:{tag}")
}

/// One of everything.
async fn mixed() -> Fleet {
    let fleet = account().await;
    ordered(&fleet);
    asked(&fleet);
    left_alone(&fleet);
    fleet
}

/// Services that become targets.
fn ordered(fleet: &Fleet) {
    push(fleet, "shop/web", &["1.8.0", "1.8.1", "buildcache"]);
    fleet.world.push("shop/web", ["1.8.2", "latest"], &Image::single("shop/web 1.8.2"));
    service(
        fleet,
        "prod",
        "web",
        &[("web", &at_home("shop/web", "1.8.2")), ("agent", "public.ecr.aws/datadog/agent:7")],
    );
    service_of(fleet, "staging", "web", json!({ "taskDefinition": "web" }));
    push(fleet, "shop/worker", &["0a1b2c3", "4d5e6f7", "8a9b0c1", "1234567", "latest"]);
    service(fleet, "prod", "worker", &[("worker", &at_home("shop/worker", "4d5e6f7"))]);
    push(fleet, "shop/api", &["latest", "pr-17", "pr-18"]);
    service(fleet, "prod", "api", &[("api", &format!("{HOME}/shop/api"))]);
    register(fleet, "api", &[("api", &at_home("shop/api", "latest")), ("proxy", "docker.io/library/envoy:1")]);
    push(fleet, "portal", &["41", "42"]);
    push(fleet, "portal-nginx", &["2026-11-01", "2026-11-21"]);
    let nginx = at_home("portal-nginx", "2026-11-21");
    service(fleet, "prod", "portal", &[("portal", &at_home("portal", "42")), ("nginx", &nginx)]);
    push(fleet, "shop/new", &["0.8.0", "0.9.0"]);
    service(fleet, "prod", "new", &[("new", "nginx:1.29")]);
    let elsewhere = Place { account: "210987654321".to_owned(), region: "us-east-1".to_owned(), ..Place::default() };
    for tag in ["v1.1.0", "v1.2.0"] {
        fleet.world.push_to(&elsewhere, "shared/gateway", [tag], &Image::single(tag));
    }
    register(fleet, "gateway", &[("gateway", &format!("{ELSEWHERE}/shared/gateway:v1.2.0"))]);
    let daemon = json!({ "taskDefinition": "gateway", "schedulingStrategy": "DAEMON", "launchType": "EC2" });
    service_of(fleet, "edge", "gateway", daemon);
    deployed_by_code_deploy(fleet);
}

/// Two services that become targets, one with an application of its own and one that CodeDeploy has not deployed yet.
fn deployed_by_code_deploy(fleet: &Fleet) {
    push(fleet, "legacy", &["1.0.0", "1.1.0"]);
    service_under_code_deploy(fleet, "prod", "legacy", &at_home("legacy", "1.1.0"));
    make_group(&fleet.world, ("old-shop", "blue-green"), ("prod", "legacy"));
    deploy_by_hand(&fleet.world, ("old-shop", "blue-green"), "legacy:1", "legacy");
    let _: Moved = fleet.world.move_code_deploy("prod", "legacy", CodeDeployStage::Ended);
    push(fleet, "pay", &["2.0.0"]);
    service_under_code_deploy(fleet, "prod", "pay", &at_home("pay", "2.0.0"));
}

/// Services of which a person has to decide.
fn asked(fleet: &Fleet) {
    push(fleet, "shop/shop", &["blue", "green"]);
    service(fleet, "prod", "shop", &[("shop", &at_home("shop/shop", "blue"))]);
    push(fleet, "shop/intranet", &["7", "8"]);
    service(fleet, "prod", "intranet", &[("intranet", "docker.io/acme/intranet:8")]);
    let digest = Image::single("reports").digest();
    fleet.world.push("reports", ["build-1", "other-2"], &Image::single("other"));
    service(fleet, "prod", "reports", &[("reports", &format!("{HOME}/reports@{digest}"))]);
    service(fleet, "prod", "gone", &[("gone", &at_home("gone", "1.0.0"))]);
}

/// Services that are none of Slipway's.
fn left_alone(fleet: &Fleet) {
    service(fleet, "prod", "cache", &[("redis", "redis:7.4")]);
    service_of(fleet, "prod", "batch", json!({ "deploymentController": { "type": "EXTERNAL" } }));
}

fn file(fleet: &Fleet, name: &str) -> String {
    std::fs::read_to_string(fleet.home().join(name)).unwrap_or_else(|error| format!("{name}: {error}"))
}

/// The names of the files that are there.
fn files(fleet: &Fleet) -> Vec<String> {
    let files = std::fs::read_dir(fleet.home()).expect("the home is there").filter_map(Result::ok);
    let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// How often each operation was called since the last time.
fn calls(fleet: &Fleet) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    // The functions read their configuration when they start.
    for call in fleet.world.take_calls().into_iter().filter(|call| call.service != "SSM") {
        assert!(!call.is_write(), "{} only reads", call.name());
        *counts.entry(call.name()).or_default() += 1;
    }
    counts
}

fn denied(action: &str) -> Fault {
    let text = format!("User: {} is not authorized to perform: {action} on resource: *", e2e::lambda::CALLER);
    Fault::Refuse(Refusal::new("AccessDeniedException", text))
}

#[tokio::test]
async fn a_mixed_account_becomes_a_configuration() {
    let fleet = mixed().await;
    assert_snapshot!("mixed", fleet.slipway(&["init"]).await.shown());
    assert_snapshot!("mixed_slipway.yaml", file(&fleet, "slipway.yaml"));
    assert_snapshot!("mixed_parameters.json", file(&fleet, "parameters.json"));
    assert_eq!(files(&fleet), ["parameters.json", "slipway.yaml"]);
    let counts = calls(&fleet);
    assert_eq!((counts["ECS.ListClusters"], counts["ECS.ListServices"], counts["ECR.DescribeRepositories"]), (1, 6, 1));
    assert_eq!(counts["ECS.DescribeTaskDefinition"], 14, "each family once, and api's revision that runs");
    assert_eq!(counts["CodeDeploy.GetDeployment"], 1);
    assert_eq!(fleet.lambda.take_invoked(), [], "no function is asked");
    fleet.end();
}

#[tokio::test]
async fn a_narrow_terminal_shows_it_too() {
    let fleet = mixed().await;
    let mut terminal = Terminal::of(&fleet, &["init"], (200, 60));
    assert_eq!(terminal.ended().await, 0);
    assert!(terminal.has_style(), "a terminal gets colours");
    let picture = format!("{}\n", terminal.shown());
    for line in picture.lines() {
        let is_command = line.starts_with("   aws ") || line.starts_with("   slipway ");
        assert!(is_command || line.chars().count() <= 60, "{line}");
    }
    assert_snapshot!("narrow", picture);
    fleet.end();
}

#[tokio::test]
async fn programs_get_the_same_as_json() {
    let fleet = mixed().await;
    let (found, code) = answer(&fleet, &["init"], "").await;
    assert_eq!((code, &found["ok"], &found["action"]), (0, &true.into(), &"init".into()));
    let of = |name: &str| {
        let services = found["services"].as_array().expect("services");
        services.iter().find(|it| it["service"] == name).unwrap_or_else(|| panic!("{name}: {found:#}")).clone()
    };
    assert_eq!(of("prod/web")["targets"][0]["tags"], json!({ "semver": "*" }));
    assert_eq!((&of("prod/legacy")["becomes"], &of("prod/legacy")["warnings"]), (&json!("target"), &json!([])));
    assert_eq!(of("prod/pay")["warnings"][0]["code"], "application_assumed");
    assert_eq!(of("prod/batch")["becomes"], "left_alone");
    assert_eq!(of("prod/shop")["becomes"], "proposal");
    assert_eq!(found["files"], json!(["slipway.yaml", "parameters.json"]));
    assert_eq!(found["parameters"], serde_json::from_str::<Value>(&file(&fleet, "parameters.json")).unwrap());
    let (refused, code) = answer(&fleet, &["init"], "").await;
    assert_eq!((code, &refused["error"]["exit"]), (64, &64.into()));
    fleet.end();
}

#[tokio::test]
async fn a_file_that_is_there_stays() {
    let fleet = account().await;
    push(&fleet, "web", &["1.0.0"]);
    service(&fleet, "prod", "web", &[("web", &at_home("web", "1.0.0"))]);
    std::fs::write(fleet.home().join("parameters.json"), "mine").unwrap();
    assert_snapshot!("file_there", fleet.slipway(&["init"]).await.shown());
    assert_eq!(calls(&fleet), BTreeMap::new(), "nothing is read for nothing");
    assert_eq!((files(&fleet).len(), file(&fleet, "parameters.json").as_str()), (1, "mine"));
    assert_snapshot!("forced", fleet.slipway(&["init", "--force"]).await.shown());
    assert_snapshot!("forced_slipway.yaml", file(&fleet, "slipway.yaml"));
    assert_snapshot!("forced_parameters.json", file(&fleet, "parameters.json"));
    let ran = fleet.slipway(&["init", "--out", "deploy/slipway"]).await;
    assert_eq!((ran.code, file(&fleet, "deploy/slipway/slipway.yaml")), (0, file(&fleet, "slipway.yaml")));
    fleet.end();
}

#[tokio::test]
async fn what_cannot_be_read_is_explained() {
    let fleet = account().await;
    let mut said: Vec<(&str, Ran)> = vec![("an empty account", fleet.slipway(&["init"]).await)];
    fleet.world.cluster("empty");
    said.push(("an empty cluster", fleet.slipway(&["init"]).await));
    said.push(("no such cluster", fleet.slipway(&["init", "--cluster", "production"]).await));
    push(&fleet, "web", &["1.0.0"]);
    service(&fleet, "prod", "web", &[("web", &at_home("web", "1.0.0"))]);
    for (call, action) in [("ECS.ListClusters", "ecs:ListClusters"), ("ECS.DescribeServices", "ecs:DescribeServices")] {
        fleet.world.fault(call, 1, denied(action));
        said.push((action, fleet.slipway(&["init"]).await));
    }
    let nobody = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    said.push(("no credentials", fleet.slipway_with(&["init"], &nobody, "").await));
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_MAX_ATTEMPTS", "1")];
    said.push(("nobody answers", fleet.slipway_with(&["init"], &nowhere, "").await));
    said.push(("a folder that is a file", {
        std::fs::write(fleet.home().join("file"), "").unwrap();
        fleet.slipway(&["init", "--out", "file"]).await
    }));
    let said: Vec<String> = said.into_iter().map(|(name, ran)| format!("## {name}\n{}", ran.shown())).collect();
    assert_snapshot!("not_read", said.join("\n"));
    assert_eq!(files(&fleet), ["file"]);
    fleet.end();
}

#[tokio::test]
async fn registries_that_may_not_be_read_are_left_to_a_person() {
    let fleet = account().await;
    push(&fleet, "web", &["1.0.0"]);
    service(&fleet, "prod", "web", &[("web", &at_home("web", "1.0.0"))]);
    service(&fleet, "prod", "new", &[("new", "nginx:1.29")]);
    fleet.world.fault_each("ECR.DescribeImages", denied("ecr:DescribeImages"));
    fleet.world.fault_each("ECR.DescribeRepositories", denied("ecr:DescribeRepositories"));
    assert_snapshot!("registry_denied", fleet.slipway(&["init"]).await.shown());
    assert_snapshot!("registry_denied_slipway.yaml", file(&fleet, "slipway.yaml"));
    fleet.world.heal("ECR.DescribeImages");
    fleet.world.heal("ECR.DescribeRepositories");
    fleet.end();
}

#[tokio::test]
async fn an_application_that_may_not_be_read_has_the_name_of_the_console() {
    let fleet = account().await;
    push(&fleet, "web", &["1.0.0"]);
    service_under_code_deploy(&fleet, "prod", "web", &at_home("web", "1.0.0"));
    fleet.world.under_code_deploy("prod", "web", &json!({}));
    fleet.world.fault_each("CodeDeploy.GetDeployment", denied("codedeploy:GetDeployment"));
    assert_snapshot!("application_denied", fleet.slipway(&["init"]).await.shown());
    fleet.world.heal("CodeDeploy.GetDeployment");
    let application = |fleet: &Fleet| -> Value {
        let parameters: Vec<Value> = serde_json::from_str(&file(fleet, "parameters.json")).expect("JSON");
        let found = parameters.iter().find(|it| it["ParameterKey"] == "CodeDeployApplications");
        found.map(|it| it["ParameterValue"].clone()).unwrap_or_default()
    };
    assert_eq!(application(&fleet), "AppECS-prod-web");
    let ran = fleet.slipway(&["init", "--force"]).await;
    assert_eq!((ran.code, application(&fleet)), (0, json!("AppECS-prod-web")), "{ran:?}");
    assert!(!ran.out.contains("CodeDeploy"), "nothing is to be said of it: {}", ran.out);
    fleet.end();
}

#[tokio::test]
async fn a_cluster_may_be_named() {
    let fleet = account().await;
    for cluster in ["prod", "staging"] {
        push(&fleet, "web", &["1.0.0"]);
        service(&fleet, cluster, "web", &[("web", &at_home("web", "1.0.0"))]);
    }
    let ran = fleet.slipway(&["init", "--cluster", "staging"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let config = Config::parse(&file(&fleet, "slipway.yaml")).unwrap();
    assert_eq!(config.names().map(ToString::to_string).collect::<Vec<_>>(), ["staging/web"]);
    assert!(!calls(&fleet).contains_key("ECS.ListClusters"));
    fleet.end();
}

#[tokio::test]
async fn two_hundred_services_are_read_in_few_calls() {
    let fleet = account().await;
    push(&fleet, "shop", &["1.0.0"]);
    for n in 0..200 {
        let name = format!("shop-{n}");
        register(&fleet, &name, &[("shop", &at_home("shop", "1.0.0"))]);
        service_of(&fleet, "prod", &name, json!({ "taskDefinition": name }));
    }
    let ran = fleet.slipway(&["init"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let counts: Vec<String> = calls(&fleet).iter().map(|(call, count)| format!("{call} {count}")).collect();
    // Two pages of the services and none of daemons, ten services a call, and each family once.
    assert_eq!(
        counts,
        [
            "ECR.DescribeImages 1",
            "ECS.DescribeServices 20",
            "ECS.DescribeTaskDefinition 200",
            "ECS.ListClusters 1",
            "ECS.ListServices 3"
        ]
    );
    assert_eq!(Config::parse(&file(&fleet, "slipway.yaml")).unwrap().targets().len(), 200);
    let last: Vec<&str> = ran.out.lines().skip_while(|line| !line.starts_with('!')).collect();
    assert_snapshot!("two_hundred", last.join("\n"));
    assert_snapshot!("two_hundred_parameters.json", file(&fleet, "parameters.json"));
    fleet.end();
}

/// A team's infrastructure, what its builds pushed before, and what the next build pushes.
struct Example {
    name: &'static str,
    definition: Value,
    desired: u32,
    repository: &'static str,
    before: &'static [&'static str],
    next: &'static str,
    parameters: &'static str,
}

/// Of each example, `slipway init` writes a configuration that deploys the next image, and parameters that cover the example's own.
#[tokio::test]
async fn what_is_written_deploys_the_examples() {
    let examples = [
        Example {
            name: "web",
            definition: examples::github_actions(),
            desired: 2,
            repository: "shop/web",
            before: &["0.8.0", "0.9.0"],
            next: "1.0.0",
            parameters: include_str!("../../../infra/examples/github-actions/parameters.json"),
        },
        Example {
            name: "shop",
            definition: examples::terraform_image_tag(),
            desired: 2,
            repository: "shop",
            before: &["pr-17-8b1d02e", "branch-8b1d02e", "main-0a1b2c3"],
            next: "main-3f2a91c",
            parameters: include_str!("../../../infra/examples/terraform-image-tag/parameters.json"),
        },
        Example {
            name: "orders",
            definition: examples::azure_devops(),
            desired: 1,
            repository: "orders",
            before: &["996", "997"],
            next: "4711",
            parameters: include_str!("../../../infra/examples/azure-devops/parameters.json"),
        },
    ];
    for example in examples {
        deploys(example).await;
    }
}

async fn deploys(example: Example) {
    let Example { name, definition, desired, repository, before, next, parameters } = example;
    let fleet = account().await;
    push(&fleet, repository, before);
    fleet.world.register(definition);
    fleet.world.running_service(examples::service(name, desired));
    assert_eq!(fleet.slipway(&["init"]).await.code, 0, "{name}");
    let configuration = file(&fleet, "slipway.yaml");
    assert_snapshot!(format!("example_{name}.yaml"), configuration);
    let values = |text: &str| {
        let list: Vec<Value> = serde_json::from_str(text).expect("JSON");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        list.iter().map(|it| (text(&it["ParameterKey"]), text(&it["ParameterValue"]))).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(values(&file(&fleet, "parameters.json")), values(parameters), "{name}");
    fleet.world.parameter("/slipway/config", &configuration);
    fleet.world.advance(Duration::from_secs(60));
    let event = fleet.world.push(repository, [next], &Image::single(next)).event();
    fleet.lambda.deliver(Function::Deploy, &event).await;
    fleet.completes(name).await;
    let ran = fleet.slipway(&["wait", &format!("prod/{name}"), "--tag", next, "--timeout", "60s"]).await;
    assert_eq!(ran.code, 0, "{name}: {ran:?}");
    fleet.end();
}
