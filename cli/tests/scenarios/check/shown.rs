//! What people read of a check, and what it is where AWS denies or does not answer.

use std::collections::BTreeSet;

use e2e::world::{CodeDeployStage, Fault, Image, Moved, Refusal};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::check::setup::{CONFIG, Installed, definition, service};
use crate::code_deploy;
use crate::harness::Ran;
use crate::terminal::Terminal;

/// Every call of a check, as the transcript names it, with the permission that it needs.
const CALLS: [(&str, &str); 22] = [
    ("CloudFormation.DescribeStacks", "cloudformation:DescribeStacks"),
    ("CloudFormation.ListStackResources", "cloudformation:ListStackResources"),
    ("SSM.GetParameter", "ssm:GetParameter"),
    ("ECS.DescribeServices", "ecs:DescribeServices"),
    ("ECS.DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
    ("ECS.DescribeServiceRevisions", "ecs:DescribeServiceRevisions"),
    ("CodeDeploy.GetDeploymentGroup", "codedeploy:GetDeploymentGroup"),
    ("CodeDeploy.GetDeployment", "codedeploy:GetDeployment"),
    ("CodeDeploy.GetDeploymentTarget", "codedeploy:GetDeploymentTarget"),
    ("CodeDeploy.GetApplicationRevision", "codedeploy:GetApplicationRevision"),
    ("ECR.DescribeImages", "ecr:DescribeImages"),
    ("ECR.BatchGetImage", "ecr:BatchGetImage"),
    ("ECR.GetDownloadUrlForLayer", "ecr:GetDownloadUrlForLayer"),
    ("DynamoDB.GetItem", "dynamodb:GetItem"),
    ("IAM.SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy"),
    ("EventBridge.DescribeRule", "events:DescribeRule"),
    ("Scheduler.GetSchedule", "scheduler:GetSchedule"),
    ("Lambda.GET", "lambda:GetFunctionConfiguration"),
    ("SNS.ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic"),
    ("SQS.GetQueueAttributes", "sqs:GetQueueAttributes"),
    ("Lambda.GET", "lambda:GetFunctionConcurrency"),
    ("Lambda.GET", "lambda:GetAlias"),
];

/// What a check shows, but for names that are others each time.
fn shown(installed: &Installed, ran: &Ran) -> String {
    let names = regex::Regex::new(r"slipway-([A-Za-z]+)-[0-9a-zA-Z]{6,}").expect("a pattern");
    let text = ran.shown().replace(installed.world.url(), "http://world");
    let text =
        regex::Regex::new(r"localhost:\d+").expect("a pattern").replace_all(&text, "localhost:4566").into_owned();
    names.replace_all(&text, "slipway-$1-1A2B3C").into_owned()
}

#[tokio::test]
async fn people_read_what_was_found() {
    let installed = Installed::new().await;
    let show = async |words: &[&str]| shown(&installed, &installed.check(words).await);
    assert_snapshot!("fine", show(&[]).await);
    let config = installed.file("slipway.yaml", CONFIG);
    let parameters = installed.file("parameters.json", &installed.parameters(&[]));
    assert_snapshot!(
        "before_the_install",
        show(&["--stack", "new", "--config", &config, "--parameters", &parameters]).await
    );
    assert_snapshot!("without_parameters", show(&["--stack", "new", "--config", &config]).await);
    assert_snapshot!("no_stack", show(&["--stack", "new"]).await);
    assert_snapshot!("no_file", show(&["--config", "missing.yaml"]).await);
    let wrong = installed.file("wrong.json", "{}");
    assert_snapshot!("wrong_parameters", show(&["--config", &config, "--parameters", &wrong]).await);
    let bad = CONFIG.replace("service: web", "servce: web").replace("semver: \"*\"", "semver: \">=1.x.y\"");
    let bad = installed.file("bad.yaml", &bad);
    assert_snapshot!("a_bad_document", show(&["--config", &bad]).await);
    several_mistakes(&installed).await;
    assert_snapshot!("findings", show(&[]).await);
    assert_snapshot!("a_narrow_terminal", on_a_terminal(&installed, &[], 60).await);
    installed.end();
}

/// Things that are wrong together.
async fn several_mistakes(installed: &Installed) {
    let config =
        format!("{CONFIG}  - {{ repository: shop/web, service: wep }}\n  - {{ repository: shop/job, service: job }}\n");
    let parameter = json!({ "Name": "/slipway/config", "Type": "String", "Value": config, "Overwrite": true });
    installed.ask("ssm", "PutParameter", parameter).await;
    installed.world.push("shop/job", ["2.0.0"], &Image::single("job"));
    let mut job = definition("web");
    job["family"] = json!("bad-job");
    job["taskRoleArn"] = json!("arn:aws:iam::123456789012:role/admin");
    job["containerDefinitions"][0]["image"] = json!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/job:2.0.0");
    installed.world.register(job);
    let mut request = service("job", "bad-job");
    request["desiredCount"] = json!(0);
    installed.world.running_service(request);
    let queue = installed.physical().await["DeployFailed"].clone();
    installed.ask("sqs", "SendMessage", json!({ "QueueUrl": queue, "MessageBody": "{}" })).await;
    let rule = installed.physical().await["DeployFunctionImagePushed"].clone();
    installed.ask("events", "DisableRule", json!({ "Name": rule })).await;
}

/// What a check prints on a terminal of so many columns, without its colours.
async fn on_a_terminal(installed: &Installed, words: &[&str], columns: u16) -> String {
    let words = [&["check"], words].concat();
    let mut terminal = Terminal::in_folder(installed.home(), &words, (200, columns), installed.environment());
    let code = terminal.ended().await;
    assert!(terminal.has_style(), "a terminal has colours");
    shown(installed, &Ran { code, out: format!("{}\n", terminal.shown()), err: String::new() })
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_not_checked() {
    let installed = Installed::new().await;
    let config = with_code_deploy(&installed).await;
    let denied = |code: &str| {
        let text = "User: ana is not authorized to perform this action";
        Fault::Refuse(Refusal { status: 403, ..Refusal::new(code, text) })
    };
    installed.world.take_calls();
    let ran = installed.check(&[]).await;
    assert_snapshot!("under_code_deploy", shown(&installed, &ran));
    each_call_has_its_permission(&installed);
    // Each permission alone: it is named, and nothing else is wrong.
    let calls: BTreeSet<&str> = CALLS.iter().map(|(call, _)| *call).collect();
    for call in &calls {
        installed.world.fault_each(call, denied(code_of(call)));
        let ran = installed.check(&["--output", "json"]).await;
        installed.world.heal(call);
        let answer = crate::json::fitting(&ran);
        let of_level = |level: &str| -> BTreeSet<String> {
            let all = answer["findings"].as_array().expect("findings").iter().filter(|it| it["level"] == level);
            all.map(|it| it["place"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let needed: BTreeSet<String> =
            CALLS.iter().filter(|(it, _)| it == call).map(|(_, permission)| (*permission).to_owned()).collect();
        assert_eq!(of_level("error"), BTreeSet::new(), "{call}: {answer:#}");
        assert!(of_level("not_checked").is_superset(&needed), "{call}: {answer:#}");
    }
    // All of them.
    for call in &calls {
        installed.world.fault_each(call, denied(code_of(call)));
    }
    let config = installed.file("slipway.yaml", &config);
    let ran = installed.check(&["--config", &config]).await;
    assert_snapshot!("denied", shown(&installed, &ran));
    let ran = installed.check(&[]).await;
    assert_snapshot!("all_denied", shown(&installed, &ran));
    for call in &calls {
        installed.world.heal(call);
    }
    installed.world.fault_each("ECS.DescribeServices", Fault::CutBefore);
    let ran = installed.check(&[]).await;
    assert_snapshot!("unreachable", shown(&installed, &ran));
    installed.world.heal("ECS.DescribeServices");
    installed.world.fault_each("STS.GetCallerIdentity", Fault::CutBefore);
    let ran = installed.check(&[]).await;
    assert_eq!(ran.code, 69, "{ran:?}");
    installed.world.heal("STS.GetCallerIdentity");
    installed.end();
}

/// Makes a third service, which CodeDeploy is deploying to; the configuration with it, which is installed.
async fn with_code_deploy(installed: &Installed) -> String {
    let world = &installed.world;
    world.register(definition("web"));
    world.running_service(code_deploy::under_code_deploy(service("pay", "web"), "web"));
    world.under_code_deploy("prod", "pay", &json!({}));
    code_deploy::deploy_by_hand(world, ("AppECS-prod-pay", "DgpECS-prod-pay"), "web:2", "web");
    let _: Moved = world.move_code_deploy("prod", "pay", CodeDeployStage::Serving);
    let config = format!("{CONFIG}  - {{ repository: shop/web, service: pay }}\n");
    let parameter = json!({ "Name": "/slipway/config", "Type": "String", "Value": config, "Overwrite": true });
    installed.ask("ssm", "PutParameter", parameter).await;
    config
}

/// The word for a refusal, which SNS has of its own.
fn code_of(call: &str) -> &'static str {
    match call {
        "SNS.ListSubscriptionsByTopic" => "AuthorizationError",
        "CloudFormation.DescribeStacks" | "CloudFormation.ListStackResources" | "IAM.SimulatePrincipalPolicy" => {
            "AccessDenied"
        }
        _ => "AccessDeniedException",
    }
}

/// The policy in the README allows what a check calls, and no more than that and what other setups need.
fn each_call_has_its_permission(installed: &Installed) {
    let called: BTreeSet<String> = installed.world.take_calls().iter().map(|call| call.name()).collect();
    let known: BTreeSet<String> = CALLS.iter().map(|(call, _)| (*call).to_owned()).collect();
    let unknown: Vec<&String> = called
        .iter()
        .filter(|call| {
            !known.iter().any(|it| call.starts_with(it)) && !["STS.", "S3."].iter().any(|it| call.starts_with(it))
        })
        .collect();
    assert_eq!(unknown, Vec::<&String>::new(), "a call without a permission in the table");
    let readme = include_str!("../../../../README.md");
    let (_, policy) = readme.split_once("<!-- the policy for slipway check -->\n```json\n").expect("the policy");
    let policy: Value = serde_json::from_str(policy.split("\n```").next().unwrap_or_default()).expect("JSON");
    let granted: BTreeSet<&str> =
        policy["Statement"][0]["Action"].as_array().expect("actions").iter().filter_map(Value::as_str).collect();
    // For what this setup does not have: a registry elsewhere, a document in S3, a family as the base, deployments of ECS, one of
    // which the record does not know whether it began.
    let others = [
        "ecr:GetRepositoryPolicy",
        "events:DescribeEventBus",
        "s3:GetObject",
        "dynamodb:Query",
        "ecs:ListServiceDeployments",
        "ecs:DescribeServiceDeployments",
        "codedeploy:ListDeployments",
    ];
    let needed: BTreeSet<&str> = CALLS.iter().map(|(_, permission)| *permission).chain(others).collect();
    assert_eq!(granted, needed);
}
