//! The emulator by itself, and the template deployed into it with stand-ins for the functions: each event calls the
//! function that it should call, and no other. The stack test does the same with the real functions.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use e2e::emulator::iam::{Call, Finding, Policy, Role, judge};
use e2e::emulator::{Account, Client, FUNCTIONS, MiniStack, Stack, deploy, deploy_forward, target_directory};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::{fs, net};

mod parameters;
mod roles;
mod triggers;

/// Answers with the event it got and where it thinks AWS is, or fails if it shall.
const STAND_IN: &str = r#"#!/usr/bin/env python3
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as next:
        id, event = next.headers["Lambda-Runtime-Aws-Request-Id"], json.load(next)
        invoked = next.headers["Lambda-Runtime-Invoked-Function-Arn"]
    print("got", json.dumps(event), flush=True)
    if event.get("fail"):
        path, answer = "/error", {"errorType": "Told", "errorMessage": "to fail"}
    else:
        names = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "SLIPWAY_CONFIG", "SLIPWAY_TOPIC_ARN"]
        path, answer = "/response", {"event": event, "invoked": invoked, **{name: os.environ.get(name) for name in names}}
    urllib.request.urlopen(urllib.request.Request(api + id + path, json.dumps(answer).encode())).close()
"#;

const WORLD: &str = "http://127.0.0.1:1";
const ROLES: &str = "arn:aws:iam::111111111111:role/web,arn:aws:iam::111111111111:role/start";

struct Emulated {
    client: Arc<Client>,
    ministack: MiniStack,
}

/// One emulator for all stacks, each in an account of its own; it ends with this process.
fn shared() -> &'static Emulated {
    static SHARED: LazyLock<Emulated> = LazyLock::new(emulate);
    &SHARED
}

fn emulate() -> Emulated {
    let mut progress = |line: &str| println!("{line}");
    let ministack = MiniStack::start(WORLD, &mut progress).unwrap();
    let client = Arc::new(Client::start(&ministack.url(), &mut progress).unwrap());
    println!("started in {:?}, log in {}", ministack.started_in(), ministack.log().display());
    Emulated { client, ministack }
}

fn stand_ins() -> PathBuf {
    let lambda = target_directory().join("e2e/stand-ins");
    for function in FUNCTIONS {
        let bootstrap = lambda.join(function).join("bootstrap");
        if fs::read_to_string(&bootstrap).is_ok_and(|found| found == STAND_IN) {
            continue;
        }
        // Written aside and renamed: another test may be copying it.
        fs::create_dir_all(lambda.join(function)).unwrap();
        let aside = lambda.join(function).join(format!("{:?}", std::thread::current().id()));
        fs::write(&aside, STAND_IN).unwrap();
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&aside, &bootstrap).unwrap();
    }
    lambda
}

/// The template deployed under a name that no other test uses at the same time: the emulator ends the running functions of
/// that name in every account.
async fn deployed(emulated: &Emulated, account: &Account, name: &str, parameters: &[(&str, &str)]) -> Stack {
    let began = std::time::Instant::now();
    let stack = deploy(&emulated.client, account, name, &stand_ins(), parameters).await.unwrap();
    println!("deployed in {:?}", began.elapsed());
    stack
}

fn pushed(action: &str, tag: &str) -> Value {
    json!({
        "version": "0", "id": "8c1f6c9e-1b9d-4a44-9c3b-0d7d6a6a2f10", "detail-type": "ECR Image Action", "source": "aws.ecr",
        "account": "111111111111", "time": "2026-11-21T10:00:00Z", "region": "eu-west-1", "resources": [],
        "detail": {"result": "SUCCESS", "action-type": action, "repository-name": "shop/web", "image-tag": tag,
                   "image-digest": format!("sha256:{}", "a".repeat(64))},
    })
}

fn replicated(result: &str, tag: &str) -> Value {
    let mut event = pushed("REPLICATE", tag);
    event["detail-type"] = json!("ECR Replication Action");
    event["resources"] = json!(["arn:aws:ecr:eu-west-1:111111111111:repository/shop/web"]);
    event["detail"]["result"] = json!(result);
    event["detail"]["source-account"] = json!("111111111111");
    event["detail"]["source-region"] = json!("eu-central-1");
    event
}

fn changed(name: &str) -> Value {
    json!({
        "version": "0", "id": "0f6e7f2a-57b3-4f6e-8d43-5a1b6d0c9e21", "detail-type": "ECS Deployment State Change", "source": "aws.ecs",
        "account": "111111111111", "time": "2026-11-21T10:05:00Z", "region": "eu-west-1",
        "resources": ["arn:aws:ecs:eu-west-1:111111111111:service/prod/web"],
        "detail": {"eventType": "INFO", "eventName": name, "deploymentId": "ecs-svc/1234567890123456789",
                   "updatedAt": "2026-11-21T10:05:00.000Z", "reason": "ECS deployment ecs-svc/1234567890123456789 completed."},
    })
}

fn code_deployed() -> Value {
    json!({
        "version": "0", "id": "97a9ddcc-90b1-c2f9-594a-ba271636d40d", "source": "aws.codedeploy",
        "detail-type": "CodeDeploy Deployment State-change Notification",
        "account": "111111111111", "time": "2026-11-21T10:05:00Z", "region": "eu-west-1",
        "resources": [
            "arn:aws:codedeploy:eu-west-1:111111111111:application:AppECS-prod-web",
            "arn:aws:codedeploy:eu-west-1:111111111111:deploymentgroup:AppECS-prod-web/DgpECS-prod-web",
        ],
        "detail": {"region": "eu-west-1", "application": "AppECS-prod-web", "deploymentGroup": "DgpECS-prod-web",
                   "deploymentId": "d-7QK2M9X4P", "state": "SUCCESS"},
    })
}

/// The log has the line once the function has run; asked again until then.
async fn logged(stack: &Stack, function: &str, wanted: &str) -> Vec<String> {
    for _ in 0..400 {
        let log = stack.log(function).await.unwrap();
        if log.iter().any(|line| line.contains(wanted)) {
            return log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{function} never logged {wanted}: {:?}", stack.log(function).await);
}

#[tokio::test]
async fn starts_keeps_accounts_apart_and_ends() {
    let Emulated { client, ministack } = emulate();
    let (one, two) = (Account::new("111111111111"), Account::new("222222222222"));

    let parameter = json!({"Name": "/slipway/config", "Value": "version: 1", "Type": "String"});
    client.call(&one, "ssm", "PutParameter", parameter).await.unwrap();

    let wanted = json!({"Name": "/slipway/config"});
    let found = client.call(&one, "ssm", "GetParameter", wanted.clone()).await.unwrap();
    assert_eq!(found["Parameter"]["Value"], "version: 1");
    let missing = client.call(&two, "ssm", "GetParameter", wanted).await.unwrap_err();
    assert!(missing.to_string().starts_with("ssm GetParameter: ParameterNotFound"), "{missing}");

    let url = ministack.url();
    drop(ministack);
    let address = url.trim_start_matches("http://");
    assert!(net::TcpStream::connect(address).is_err(), "{address} still answers");
}
