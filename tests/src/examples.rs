//! The infrastructure of `infra/examples`, made from its own files: what Terraform and CloudFormation register and create there.

use regex::Regex;
use serde_json::{Value, json};

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
