//! The infrastructure of `infra/examples`, made from its own files: what Terraform, CloudFormation and a pipeline register and
//! create there. And what their builds and scripts do, run as they stand there.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex::Regex;
use serde_json::{Value, json};

use crate::emulator::{Environment, Python, target_directory};
use crate::world::World;

/// A file of an example.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../infra/examples/", $name))
    };
}

/// The value of a key in Terraform's or CloudFormation's notation.
fn value<'t>(text: &'t str, key: &str) -> &'t str {
    let pattern = Regex::new(&format!(r#"(?m)^\s*(?:- )?{key}\s*[=:]\s*"?([^"\n]+?)"?$"#)).expect("a pattern");
    pattern.captures(text).and_then(|found| found.get(1)).unwrap_or_else(|| panic!("{key} is not there")).as_str()
}

/// The task definition that Terraform registers.
fn by_terraform(main: &str, containers: &str) -> Value {
    let family = value(main, "family");
    json!({
        "family": family, "networkMode": value(main, "network_mode"), "requiresCompatibilities": ["FARGATE"],
        "cpu": value(main, "cpu"), "memory": value(main, "memory"),
        "executionRoleArn": format!("arn:aws:iam::123456789012:role/{family}-execution"),
        "taskRoleArn": format!("arn:aws:iam::123456789012:role/{family}-task"),
        "containerDefinitions": serde_json::from_str::<Value>(containers).expect("JSON"),
    })
}

/// The task definition of prod/web in `github-actions`, with an image of Docker Hub.
pub fn github_actions() -> Value {
    by_terraform(file!("github-actions/main.tf"), file!("github-actions/containers.json"))
}

/// The task definition of prod/shop in `terraform-image-tag`, with the tag that ran.
pub fn terraform_image_tag() -> Value {
    let main = file!("terraform-image-tag/main.tf");
    let containers = file!("terraform-image-tag/containers.json.tftpl");
    let (_, from) = main.split_once("image_tag = \"").expect("the tag that ran");
    let (tag, _) = from.split_once('"').expect("the tag that ran");
    by_terraform(main, &containers.replace("${image_tag}", tag))
}

/// The task definition of prod/orders in `azure-devops`, with a dummy image.
pub fn azure_devops() -> Value {
    let template = file!("azure-devops/infrastructure.yaml");
    let family = value(template, "Family");
    json!({
        "family": family, "networkMode": value(template, "NetworkMode"), "requiresCompatibilities": ["FARGATE"],
        "cpu": value(template, "Cpu"), "memory": value(template, "Memory"),
        "executionRoleArn": "arn:aws:iam::123456789012:role/orders-execution",
        "taskRoleArn": "arn:aws:iam::123456789012:role/orders-task",
        "containerDefinitions": [{ "name": value(template, "Name"), "image": value(template, "Image"), "essential": true }],
    })
}

/// The service of this name, which runs the family of its name and has a circuit breaker with a rollback.
pub fn service(name: &str, desired: u32) -> Value {
    json!({
        "cluster": "prod", "serviceName": name, "taskDefinition": name, "desiredCount": desired, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d"] } },
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
    })
}

/// A service that CodeDeploy deploys, as Terraform made it.
#[derive(Clone, Debug)]
pub struct UnderCodeDeploy {
    /// The task definition that it runs.
    pub definition: Value,
    /// The request that makes it.
    pub service: Value,
    /// The request that makes its deployment group.
    pub group: Value,
}

/// A resource of Terraform's, to its closing brace.
fn resource<'t>(main: &'t str, head: &str) -> &'t str {
    let (_, from) = main.split_once(&format!("resource {head} {{")).unwrap_or_else(|| panic!("{head} is not there"));
    from.split_once("\n}\n").expect("a closing brace").0
}

/// The texts of a list in Terraform's notation; none where it is not there.
fn list(text: &str, key: &str) -> Vec<String> {
    let pattern = Regex::new(&format!(r"(?m)^\s*{key}\s*=\s*\[(.*)\]$")).expect("a pattern");
    let found = pattern.captures(text).and_then(|found| found.get(1)).map_or("", |found| found.as_str());
    found.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The service that Terraform makes, of this resource.
fn service_by_terraform(resource: &str, cluster: &str, family: &str) -> Value {
    let desired = value(resource, "desired_count").parse().expect("a number");
    let mut made = service(value(resource, "name"), desired);
    (made["cluster"], made["taskDefinition"]) = (cluster.into(), family.into());
    if !resource.contains("deployment_circuit_breaker") {
        made.as_object_mut().expect("a request").shift_remove("deploymentConfiguration");
    }
    if resource.contains("deployment_controller") {
        made["deploymentController"] = json!({ "type": value(resource, "type") });
        made["loadBalancers"] = json!([{
            "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/0123456789abcdef",
            "containerName": value(resource, "container_name"),
            "containerPort": value(resource, "container_port").parse::<u16>().expect("a port"),
        }]);
    }
    made
}

/// The deployment group that Terraform makes, of this resource.
fn group_by_terraform(resource: &str, application: &str, cluster: &str, service: &str) -> Value {
    let listener = |name: &str| json!({ "listenerArns": [format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/{name}/2")] });
    let (_, balancer) = resource.split_once("load_balancer_info").expect("a load balancer");
    let names = Regex::new(r#"\bname = "(.*)""#).expect("a pattern");
    let groups: Vec<Value> = names.captures_iter(balancer).map(|found| json!({ "name": &found[1] })).collect();
    let mut pair = json!({ "targetGroups": groups, "prodTrafficRoute": listener("1") });
    if balancer.contains("test_traffic_route") {
        pair["testTrafficRoute"] = listener("2");
    }
    let (rollback, alarms) = (list(resource, "events"), list(resource, "alarms"));
    let minutes: u16 = value(resource, "termination_wait_time_in_minutes").parse().expect("minutes");
    json!({
        "applicationName": application,
        "deploymentGroupName": value(resource, "deployment_group_name"),
        "deploymentConfigName": value(resource, "deployment_config_name"),
        "serviceRoleArn": "arn:aws:iam::123456789012:role/codedeploy",
        "ecsServices": [{ "clusterName": cluster, "serviceName": service }],
        "deploymentStyle": {
            "deploymentType": value(resource, "deployment_type"),
            "deploymentOption": value(resource, "deployment_option"),
        },
        "blueGreenDeploymentConfiguration": {
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": value(resource, "action"), "terminationWaitTimeInMinutes": minutes,
            },
            "deploymentReadyOption": { "actionOnTimeout": value(resource, "action_on_timeout"), "waitTimeInMinutes": 0 },
        },
        "autoRollbackConfiguration": { "enabled": !rollback.is_empty(), "events": rollback },
        "alarmConfiguration": {
            "enabled": !alarms.is_empty(),
            "alarms": alarms.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        },
        "loadBalancerInfo": { "targetGroupPairInfoList": [pair] },
    })
}

/// prod/checkout in `codedeploy`: its pipeline has deployed this commit.
pub fn codedeploy(commit: &str) -> UnderCodeDeploy {
    let main = file!("codedeploy/main.tf");
    let service = service_by_terraform(resource(main, r#""aws_ecs_service" "checkout""#), "prod", "checkout");
    let group = resource(main, r#""aws_codedeploy_deployment_group" "checkout""#);
    let application = value(resource(main, r#""aws_codedeploy_app" "shop""#), "name");
    UnderCodeDeploy {
        definition: taskdef(commit),
        service,
        group: group_by_terraform(group, application, "prod", "checkout"),
    }
}

/// The task definition in the repository of `codedeploy`, with the image of this commit.
pub fn taskdef(commit: &str) -> Value {
    serde_json::from_str(&file!("codedeploy/taskdef.json").replace("COMMIT", commit)).expect("JSON")
}

/// The AppSpec in the repository of `codedeploy`, with this task definition put in: in JSON, as `aws ecs deploy` and the deploy
/// action of GitHub hand it over.
pub fn appspec(task_definition: &str) -> String {
    let mut spec = yaml(file!("codedeploy/appspec.yaml"));
    spec["Resources"][0]["TargetService"]["Properties"]["TaskDefinition"] = task_definition.into();
    spec.to_string()
}

/// The task definition of web or sidekiq in `staging-and-production`, with the image of this commit, and the infrastructure of
/// its environment.
fn of_environment(environment: &str, service: &str, commit: &str) -> (Value, String) {
    let main = file!("staging-and-production/main.tf").replace("${each.key}", environment);
    let containers = match service {
        "web" => file!("staging-and-production/web.json.tftpl"),
        _ => file!("staging-and-production/sidekiq.json.tftpl"),
    };
    let containers = containers.replace("${environment}", environment).replace(":latest", &format!(":{commit}"));
    let definition = resource(&main, &format!(r#""aws_ecs_task_definition" "{service}""#));
    let mut definition = by_terraform(definition, &containers);
    for (member, role) in [("executionRoleArn", "shop-execution"), ("taskRoleArn", "shop-task")] {
        definition[member] = format!("arn:aws:iam::123456789012:role/{role}").into();
    }
    (definition, main)
}

/// web of an environment in `staging-and-production`, in which a release has deployed this commit.
pub fn web_of(environment: &str, commit: &str) -> UnderCodeDeploy {
    let (definition, main) = of_environment(environment, "web", commit);
    let family = definition["family"].as_str().unwrap_or_default();
    let service = service_by_terraform(resource(&main, r#""aws_ecs_service" "web""#), environment, family);
    let application = value(resource(&main, r#""aws_codedeploy_app" "web""#), "name");
    let group = resource(&main, r#""aws_codedeploy_deployment_group" "web""#);
    let group = group_by_terraform(group, application, environment, "web");
    UnderCodeDeploy { definition, service, group }
}

/// sidekiq of an environment in `staging-and-production`, in which a release has deployed this commit: its task definition, and
/// the request that makes its service.
pub fn sidekiq_of(environment: &str, commit: &str) -> (Value, Value) {
    let (definition, main) = of_environment(environment, "sidekiq", commit);
    let family = definition["family"].as_str().unwrap_or_default();
    let service = service_by_terraform(resource(&main, r#""aws_ecs_service" "sidekiq""#), environment, family);
    (definition, service)
}

impl UnderCodeDeploy {
    /// Makes it in the world: with a first deployment by an AppSpec, which gets the ARN of the task definition, and which ended
    /// long ago without leaving an event.
    pub fn make(&self, world: &World, app_spec: impl FnOnce(&str) -> String) {
        let definition = world.register(self.definition.clone());
        world.running_service(self.service.clone());
        let application = &self.group["applicationName"];
        world.by_hand(
            "CodeDeploy.CreateApplication",
            json!({ "applicationName": application, "computePlatform": "ECS" }),
        );
        world.by_hand("CodeDeploy.CreateDeploymentGroup", self.group.clone());
        self.deploy(world, &app_spec(&definition));
        let (cluster, service) = (&self.service["cluster"], &self.service["serviceName"]);
        let names = [cluster, service].map(|name| name.as_str().unwrap_or_default());
        let _ = world.move_code_deploy(names[0], names[1], crate::world::CodeDeployStage::Ended);
        drop(world.take_events());
    }

    /// Somebody deploys by this AppSpec.
    pub fn deploy(&self, world: &World, app_spec: &str) {
        let revision = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": app_spec } });
        let (application, group) = (&self.group["applicationName"], &self.group["deploymentGroupName"]);
        let request = json!({ "applicationName": application, "deploymentGroupName": group, "revision": revision });
        world.by_hand("CodeDeploy.CreateDeployment", request);
    }
}

/// A text in YAML.
fn yaml(text: &str) -> Value {
    const READ: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";
    let mut python = std::process::Command::new(client().program("python"));
    let python = python.args(["-c", READ]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = python.expect("Python starts");
    python.stdin.take().expect("a standard input").write_all(text.as_bytes()).expect("Python reads");
    let output = python.wait_with_output().expect("Python runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn client() -> Python {
    Python::ready(Environment::Client, &mut |line| println!("{line}")).unwrap_or_else(|error| panic!("{error}"))
}

/// The steps of the only job of a workflow of GitHub Actions.
fn steps(workflow: &str) -> Vec<Value> {
    let jobs = yaml(workflow)["jobs"].take();
    let [job] = jobs.as_object().expect("jobs").values().collect::<Vec<_>>()[..] else { panic!("one job: {jobs:#}") };
    job["steps"].as_array().expect("steps").clone()
}

/// What a build of this commit asks in its last step, which waits with the action.
pub fn asked_by_build(workflow: &str, commit: &str) -> Value {
    let last = steps(workflow).pop().expect("a step");
    assert!(last["uses"].as_str().unwrap_or_default().starts_with("OWNER/slipway/infra/wait@"), "{last:#}");
    let input = |name: &str| last["with"][name].as_str().unwrap_or_else(|| panic!("{name}: {last:#}"));
    json!({
        "action": "status",
        "target": input("targets").split(' ').collect::<Vec<_>>(),
        "tag": input("tag").replace("${{ github.sha }}", commit),
        "for": input("for"),
        "accept": input("accept").split(',').collect::<Vec<_>>(),
    })
}

/// Keeps the names that a build gives its image, and prints those that a push sends. Like the current Docker, it sends all tags
/// of a repository only with `--all-tags`.
const DOCKER: &str = r#"#!/bin/sh
command=$1
shift
case $command in
build) while [ $# -gt 0 ]; do
    if [ "$1" = --tag ]; then echo "$2" >>names; shift; fi
    shift
done ;;
push) if [ "$1" = --all-tags ]; then grep "^$2:" names; else grep -x "$1" names; fi ;;
*) exit 1 ;;
esac
"#;

/// Runs the lines by which a build of this commit pushes; the repository and the tags that the push sent.
pub async fn pushed_by_build(workflow: &str, commit: &str) -> (String, Vec<String>) {
    let steps = steps(workflow);
    let step = steps.iter().find(|step| step.get("run").is_some()).expect("a step that runs something");
    static BUILDS: AtomicUsize = AtomicUsize::new(0);
    let number = BUILDS.fetch_add(1, Ordering::Relaxed);
    let folder = target_directory().join("tmp").join(format!("build-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let docker = folder.join("docker");
    fs::write(&docker, DOCKER).expect("a file");
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).expect("a program");
    let registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().expect("a script")]);
    bash.current_dir(&folder).env("PATH", search_path(&folder)).env("GITHUB_SHA", commit);
    for (variable, value) in step["env"].as_object().into_iter().flatten() {
        let value = value.as_str().expect("text").replace("${{ steps.ecr.outputs.registry }}", registry);
        bash.env(variable, value.replace("${{ github.sha }}", commit));
    }
    let output = bash.output().await.expect("bash runs");
    assert!(output.status.success(), "{output:?}");
    fs::remove_dir_all(&folder).expect("it is there");
    let sent = String::from_utf8(output.stdout).expect("text");
    let names: Vec<(&str, &str)> = sent.lines().filter_map(|name| name.rsplit_once(':')).collect();
    let repository = names.first().and_then(|(name, _)| name.strip_prefix(registry)?.strip_prefix('/'));
    let tags = names.iter().map(|(_, tag)| (*tag).to_owned()).collect();
    (repository.unwrap_or_else(|| panic!("no name in the registry: {sent}")).to_owned(), tags)
}

/// The line of a page that begins so, with those that go on with it.
pub fn line_of(page: &str, begins: &str) -> String {
    let mut lines = page.lines().map(str::trim_start).skip_while(|line| !line.starts_with(begins));
    let mut line = lines.next().unwrap_or_else(|| panic!("{begins} is not there")).to_owned();
    while line.ends_with('\\') {
        line = format!("{line}\n{}", lines.next().unwrap_or_default());
    }
    line
}

/// Runs a line in the folder of an example as a person does, with the AWS CLI, whose AWS is the world; what it prints, or its
/// last words.
pub async fn run_line(world: &World, example: &str, line: &str) -> Result<String, String> {
    let aws = client().program("aws");
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["--noprofile", "--norc", "-c", line]);
    bash.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/examples").join(example));
    bash.env_clear().env("PATH", search_path(aws.parent().expect("a folder")));
    for (variable, value) in [
        ("AWS_ACCESS_KEY_ID", "ana"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", world.place().region.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL", world.url()),
    ] {
        bash.env(variable, value);
    }
    let output = bash.output().await.expect("bash runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// A search path in which this folder comes first.
fn search_path(folder: &Path) -> std::ffi::OsString {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(PathBuf::from(folder)).chain(std::env::split_paths(&others));
    std::env::join_paths(folders).expect("a search path")
}
