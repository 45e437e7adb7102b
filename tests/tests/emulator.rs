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

#[tokio::test]
async fn an_event_calls_the_function_whose_rule_matches_it() {
    let emulated = shared();
    let (one, two) = (Account::new("111111111111"), Account::new("222222222222"));
    let parameters = [("PassRoleArns", ROLES), ("SlackWebhookParameter", "/slipway/slack-webhook")];
    let stack = deployed(emulated, &one, "slipway", &parameters).await;
    let other = deployed(emulated, &two, "slipway", &parameters).await;

    // Which events call whom.
    let called = async |event: Value| -> Vec<String> {
        let rules = stack.rules_for(&event).await.unwrap();
        rules.into_iter().flat_map(|rule| rule.functions).collect()
    };
    let arn = |function: &str| format!("arn:aws:lambda:eu-west-1:111111111111:function:slipway-{function}");
    assert_eq!(called(pushed("PUSH", "1.5.0")).await, [arn("deploy")]);
    assert_eq!(called(pushed("PUSH", "")).await, [""; 0], "a child of a multi-platform image");
    assert_eq!(called(pushed("DELETE", "1.5.0")).await, [""; 0]);
    assert_eq!(called(replicated("SUCCESS", "1.5.0")).await, [arn("deploy")]);
    assert_eq!(called(replicated("SUCCESS", "")).await, [""; 0]);
    assert_eq!(called(replicated("FAILED", "1.5.0")).await, [""; 0]);
    let mut elsewhere = pushed("PUSH", "1.5.0");
    (elsewhere["account"], elsewhere["region"]) = (json!("999999999999"), json!("us-east-1"));
    assert_eq!(called(elsewhere).await, [arn("deploy")], "the function decides whether it believes it");
    assert_eq!(called(changed("SERVICE_DEPLOYMENT_COMPLETED")).await, [arn("track")]);
    assert_eq!(called(changed("SOMETHING_ELSE")).await, [""; 0]);
    let stopped = |group: &str, status: &str, reason: Option<&str>| {
        let mut detail = json!({"group": group, "lastStatus": status, "startedBy": "ecs-svc/1234567890123456789"});
        if let Some(reason) = reason {
            detail["stopCode"] = json!("ServiceSchedulerInitiated");
            detail["stoppedReason"] = json!(reason);
        }
        json!({"detail-type": "ECS Task State Change", "detail": detail})
    };
    let complained =
        |kind: &str| json!({"detail-type": "ECS Service Action", "detail": {"eventType": kind, "eventName": "ANY"}});
    let ecs = |what: Value| {
        let mut event = changed("ANY");
        for member in ["detail-type", "detail"] {
            event[member] = what[member].clone();
        }
        event
    };
    for (reason, expected) in [
        (Some("Task failed container health checks"), vec![arn("track")]),
        (Some("Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:…)"), vec![arn("track")]),
        (Some("Essential container in task exited"), vec![arn("track")]),
        (Some("A text that ECS may add"), vec![arn("track")]),
        (None, vec![arn("track")]),
        (Some("Scaling activity initiated by (deployment ecs-svc/1234567890123456789)"), vec![]),
    ] {
        assert_eq!(called(ecs(stopped("service:web", "STOPPED", reason))).await, expected, "{reason:?}");
    }
    assert_eq!(called(ecs(stopped("service:web", "RUNNING", None))).await, [""; 0]);
    assert_eq!(called(ecs(stopped("family:web", "STOPPED", None))).await, [""; 0], "somebody's own task");
    assert_eq!(called(ecs(complained("ERROR"))).await, [arn("track")]);
    assert_eq!(called(ecs(complained("INFO"))).await, [""; 0]);

    // The function runs, in its account, and talks to World.
    stack.deliver(&pushed("PUSH", "1.5.0")).await.unwrap();
    stack.deliver(&changed("SERVICE_DEPLOYMENT_COMPLETED")).await.unwrap();
    logged(&stack, "deploy", "\"image-tag\": \"1.5.0\"").await;
    logged(&stack, "track", "SERVICE_DEPLOYMENT_COMPLETED").await;
    assert_eq!(other.log("deploy").await.unwrap(), [""; 0]);
    let answer = stack.invoke("deploy", &json!({"action": "status"})).await.unwrap().unwrap();
    assert_eq!(answer["event"]["action"], "status");
    assert_eq!(answer["AWS_ENDPOINT_URL"], WORLD);
    assert_eq!(answer["AWS_ACCESS_KEY_ID"], "111111111111");
    assert_eq!(answer["AWS_SESSION_TOKEN"], "slipway-deploy");
    assert_eq!(answer["SLIPWAY_CONFIG"], "ssm:/slipway/config");
    assert_eq!(answer["SLIPWAY_TOPIC_ARN"], stack.output("NoticesTopicArn").unwrap());

    // What fails three times goes to the dead-letter queue.
    let mut failing = pushed("PUSH", "1.5.1");
    failing["fail"] = json!(true);
    stack.deliver(&failing).await.unwrap();
    let failed = stack.take_from("DeployFailedQueueUrl").await.unwrap();
    assert_eq!(failed["requestPayload"]["detail"]["image-tag"], "1.5.1", "{failed}");
    let log = stack.log("deploy").await.unwrap();
    assert_eq!(log.iter().filter(|line| line.contains("\"1.5.1\"")).count(), 3, "{log:?}");

    // A notice reaches the subscribers, and Slack's function.
    let inbox = stack.inbox().await.unwrap();
    let topic = stack.output("NoticesTopicArn").unwrap();
    let kind = json!({"kind": {"DataType": "String", "StringValue": "completed"}});
    let notice = json!({
        "TopicArn": topic, "Subject": "prod/web: 1.5.0 deployed", "Message": "It runs.", "MessageAttributes": kind
    });
    emulated.client.call(&one, "sns", "Publish", notice).await.unwrap();
    assert_eq!(inbox.next().await.unwrap()["Subject"], "prod/web: 1.5.0 deployed");
    logged(&stack, "slack", "prod/web: 1.5.0 deployed").await;
}

#[tokio::test]
async fn the_roles_allow_what_lambda_does_with_them() {
    let emulated = shared();
    let stack = deployed(
        emulated,
        &Account::new("333333333333"),
        "judged",
        &[("PassRoleArns", ROLES), ("SlackWebhookParameter", "/hook")],
    )
    .await;
    let mut calls = stack.calls_of_lambda().await.unwrap();
    // The slack function itself sends what Slack refuses to this queue.
    calls.push(Call {
        function: "judged-slack".to_owned(),
        account: "333333333333".to_owned(),
        region: "eu-west-1".to_owned(),
        service: "sqs".to_owned(),
        operation: "SendMessage".to_owned(),
        request: json!({"QueueUrl": stack.output("SlackFailedQueueUrl").unwrap()}),
    });
    let findings = judge(&calls, &stack.roles().await.unwrap()).unwrap();

    // No function called ECS here. What Lambda itself does is allowed, and no more is granted for it.
    let of_lambda = |finding: &&Finding| match finding {
        Finding::Unused { action, .. } => {
            ["sqs:", "logs:Create", "logs:Put"].iter().any(|of_lambda| action.starts_with(of_lambda))
        }
        _ => true,
    };
    let found: Vec<String> = findings.iter().filter(of_lambda).map(Finding::to_string).collect();
    assert_eq!(found, [""; 0]);
    assert!(findings.len() > 10, "the grants that no call used: {findings:?}");

    // What Scheduler does with the role of the schedules is allowed, and no more is granted.
    let call = |service: &str, operation: &str, request: Value| Call {
        function: "schedules".to_owned(),
        account: "333333333333".to_owned(),
        region: "eu-west-1".to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        request,
    };
    let function = stack.variable("track", "SLIPWAY_DEPLOY_ARN").await.unwrap();
    let queue = stack.output("SchedulesUndeliveredQueueUrl").unwrap();
    let calls = [
        call("sqs", "SendMessage", json!({"QueueUrl": queue})),
        call("lambda", "Invoke", json!({"FunctionName": function})),
    ];
    let findings = judge(&calls, &[stack.role_of_schedules().await.unwrap()]).unwrap();
    assert_eq!(findings.iter().map(Finding::to_string).collect::<Vec<_>>(), [""; 0]);
}

/// What a registry elsewhere sends, to whom, and with which permission.
#[tokio::test]
async fn a_registry_elsewhere_sends_its_pushes_to_the_bus() {
    const BUS: &str = "arn:aws:events:eu-west-1:111111111111:event-bus/default";
    let (emulated, account) = (shared(), Account::new("141414141414"));
    let from = |repository: &str, mut event: Value| {
        event["account"] = json!("141414141414");
        event["detail"]["repository-name"] = json!(repository);
        event
    };
    let all = [("TargetBusArn", BUS)];
    let some = [("TargetBusArn", BUS), ("Repositories", "shop/web,shop/proxy")];
    for (name, parameters, only) in [("all-pushes", &all[..], false), ("some-pushes", &some, true)] {
        let stack = deploy_forward(&emulated.client, &account, name, parameters).await.unwrap();
        let rule = stack.output("RuleName").unwrap().to_owned();
        let sent = async |event: Value| -> Vec<String> {
            let rules = stack.rules_for(&event).await.unwrap();
            rules.into_iter().filter(|it| it.name == rule).flat_map(|it| it.functions).collect()
        };
        assert_eq!(sent(from("shop/web", pushed("PUSH", "1.5.0"))).await, [BUS]);
        assert_eq!(sent(from("shop/proxy", replicated("SUCCESS", "1.5.0"))).await, [BUS]);
        assert_eq!(sent(from("shop/api", pushed("PUSH", "1.5.0"))).await.len(), usize::from(!only));
        for other in [pushed("PUSH", ""), pushed("DELETE", "1.5.0"), replicated("FAILED", "1.5.0"), changed("ANY")] {
            assert_eq!(sent(from("shop/web", other.clone())).await, [""; 0], "{other}");
        }
        // What another account sent here goes no further.
        assert_eq!(sent(pushed("PUSH", "1.5.0")).await, [""; 0]);
    }

    // It may do that, and nothing else.
    let stack = deploy_forward(&emulated.client, &account, "judged-pushes", &all).await.unwrap();
    let call = |bus: &str| Call {
        function: "forward".to_owned(),
        account: account.to_string(),
        region: "us-east-1".to_owned(),
        service: "events".to_owned(),
        operation: "PutEvents".to_owned(),
        request: json!({"Entries": [{"EventBusName": bus}]}),
    };
    let role = stack.role_of_rule(stack.output("RuleName").unwrap()).await.unwrap();
    let findings = |bus: &str| judge(&[call(bus)], std::slice::from_ref(&role)).unwrap();
    assert_eq!(findings(BUS), []);
    assert!(!findings("arn:aws:events:eu-west-1:111111111111:event-bus/other").is_empty());
}

/// The bus takes ECR's events of the accounts that the parameter names, and nothing else of them.
#[tokio::test]
async fn the_bus_takes_pushes_of_the_accounts_that_are_named() {
    let named = [("PassRoleArns", ROLES), ("RegistryAccounts", "210987654321,320987654321")];
    let stack = deployed(shared(), &Account::new("151515151515"), "named-accounts", &named).await;
    let bus = "arn:aws:events:eu-west-1:151515151515:event-bus/default";
    assert_eq!(stack.output("EventBusArn").unwrap(), bus);
    let policy = stack.bus_policy().await.unwrap().unwrap();
    assert_eq!(
        policy["Statement"],
        json!([{
            "Sid": "named-accounts-ecr", "Effect": "Allow", "Principal": {"AWS": ["210987654321", "320987654321"]},
            "Action": "events:PutEvents", "Resource": bus,
            "Condition": {"StringEquals": {
                "events:source": "aws.ecr", "events:detail-type": ["ECR Image Action", "ECR Replication Action"]
            }},
        }])
    );
    let stack = deployed(shared(), &Account::new("161616161616"), "no-accounts", &[("PassRoleArns", ROLES)]).await;
    assert_eq!(stack.bus_policy().await.unwrap(), None);
}

/// What a policy of an alias allows: to invoke the deploy function through this alias, and nothing else.
#[tokio::test]
async fn each_alias_has_a_policy_that_allows_it_alone() {
    let account = Account::new("131313131313");
    let stack = deployed(shared(), &account, "aliases", &[("PassRoleArns", ROLES)]).await;
    let arn = stack.variable("track", "SLIPWAY_DEPLOY_ARN").await.unwrap();
    let ways = ["", ":read", ":operate", ":$LATEST"];
    for (output, own) in [("ReadPolicyArn", ":read"), ("OperatePolicyArn", ":operate")] {
        let holder = stack.holder_of(output).await.unwrap();
        for way in ways {
            let call = Call {
                function: output.to_owned(),
                account: account.to_string(),
                region: "eu-west-1".to_owned(),
                service: "lambda".to_owned(),
                operation: "Invoke".to_owned(),
                request: json!({"FunctionName": format!("{arn}{way}")}),
            };
            let findings = judge(&[call], std::slice::from_ref(&holder)).unwrap();
            let denied = findings.iter().any(|finding| matches!(finding, Finding::Denied { .. }));
            assert_eq!(denied, way != own, "{output} {way}: {findings:?}");
            assert_eq!(findings.is_empty(), way == own, "{output} {way}: {findings:?}");
        }
    }

    // The function is told by which name it was invoked.
    for way in ["", ":read", ":operate"] {
        let answer = stack.invoke(&format!("deploy{way}"), &json!({"action": "status"})).await.unwrap().unwrap();
        assert_eq!(answer["invoked"], format!("{arn}{way}"));
    }
    assert!(stack.invoke("deploy:beta", &json!({"action": "status"})).await.is_err());

    // Nothing is lost of what somebody asks asynchronously, but for what only reads.
    let queue = stack.asynchronous("deploy", "$LATEST").await.unwrap()["DestinationConfig"].clone();
    assert!(queue["OnFailure"]["Destination"].as_str().unwrap().contains("DeployFailed"), "{queue}");
    let operate = stack.asynchronous("deploy", "operate").await.unwrap();
    assert_eq!((&operate["DestinationConfig"], &operate["MaximumRetryAttempts"]), (&queue, &json!(2)));
    let read = stack.asynchronous("deploy", "read").await.unwrap();
    let lost = &read["DestinationConfig"]["OnFailure"]["Destination"];
    assert_eq!((lost, &read["MaximumRetryAttempts"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn a_timer_invokes_deploy_once() {
    let emulated = shared();
    let account = Account::new("555555555555");
    let stack =
        deployed(emulated, &account, "timers", &[("PassRoleArns", ROLES), ("SlackWebhookParameter", "/hook")]).await;
    let ask = async |service: &str, operation: &str, input: Value| {
        emulated.client.call(&account, service, operation, input).await.unwrap()
    };

    // At first the stack's group has the reconcile only.
    let [reconcile] = <[String; 1]>::try_from(stack.schedules().await.unwrap()).unwrap();
    let group = stack.variable("deploy", "SLIPWAY_SCHEDULE_GROUP").await.unwrap();
    let armed = ask("scheduler", "GetSchedule", json!({"Name": reconcile, "GroupName": group})).await;
    assert_eq!(armed["ScheduleExpression"], "rate(15 minutes)");
    assert_eq!(armed["Target"]["Input"], r#"{"slipway": "reconcile"}"#);
    assert_eq!(armed["Target"]["Arn"], stack.variable("track", "SLIPWAY_DEPLOY_ARN").await.unwrap());

    let at = Timestamp::now() + SignedDuration::from_secs(2);
    let schedule = json!({
        "Name": "timer-0123456789abcdef", "GroupName": group,
        "ScheduleExpression": format!("at({})", at.strftime("%Y-%m-%dT%H:%M:%S")),
        "FlexibleTimeWindow": {"Mode": "OFF"}, "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": stack.variable("track", "SLIPWAY_DEPLOY_ARN").await.unwrap(),
            "RoleArn": stack.variable("deploy", "SLIPWAY_SCHEDULE_ROLE_ARN").await.unwrap(),
            "Input": json!({"slipway": "timer", "target": "prod/web"}).to_string(),
        },
    });
    ask("scheduler", "CreateSchedule", schedule).await;
    let log = logged(&stack, "deploy", "\"slipway\": \"timer\"").await;
    assert_eq!(log.iter().filter(|line| line.contains("got")).count(), 1, "{log:?}");
    assert_eq!(stack.schedules().await.unwrap(), [reconcile]);

    // The table has the keys of the records; the emulator does not keep its TTL.
    let table = stack.variable("deploy", "SLIPWAY_TABLE").await.unwrap();
    let described = ask("dynamodb", "DescribeTable", json!({"TableName": table})).await["Table"].clone();
    let keys = [0, 1].map(|index| described["KeySchema"][index]["AttributeName"].as_str().unwrap_or_default());
    assert_eq!(keys, ["target", "item"]);
}

#[tokio::test]
async fn deploy_and_track_have_the_same_permissions_and_the_same_time_out() {
    let parameters = [("PassRoleArns", ROLES)];
    let stack = deployed(shared(), &Account::new("666666666666"), "same", &parameters).await;
    let [deploy, track] = <[Role; 2]>::try_from(stack.roles().await.unwrap()).unwrap();
    let managed = |role: &Role| role.policies.iter().filter(|policy| policy.arn.is_some()).cloned().collect::<Vec<_>>();
    assert_eq!(managed(&deploy), managed(&track));
    assert!(!managed(&deploy).is_empty());
    for role in [&deploy, &track] {
        let own = role.policies.iter().filter(|policy| policy.arn.is_none());
        let sids: Vec<&str> = own.flat_map(|policy| sids(&policy.document)).collect();
        assert_eq!(sids, ["FailedEvents", "Log"], "{}", role.function);
    }
    assert_eq!(stack.time_out("deploy").await.unwrap(), stack.time_out("track").await.unwrap());
}

fn sids(document: &Value) -> Vec<&str> {
    document["Statement"].as_array().unwrap().iter().filter_map(|statement| statement["Sid"].as_str()).collect()
}

/// A managed policy holds 6,144 characters, white space not counted, a role has at most ten of them, and all policies
/// that are written in a role hold 10,240 together. Twenty names of 64 characters in each list at once must fit.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[tokio::test]
async fn each_list_takes_twenty_names_of_64_characters() {
    const LARGEST: usize = 6144;
    const LARGEST_INLINE: usize = 10_240;
    const MOST: usize = 10;
    let names = |before: &str, name: &str| {
        (0..20).map(|number| format!("{before}{name:-<62}{number:02}")).collect::<Vec<_>>().join(",")
    };
    // 64 characters are also the most that a role's name has.
    let roles = names("arn:aws:iam::777777777777:role/", "production-customer-service");
    let services = names("", "production/customer-service");
    let families = names("", "production-customer-service");
    let repositories = names("", "shop/customer-service");
    let groups = names("", "/ecs/production/customer-service");
    let parameters = [
        ("PassRoleArns", roles.as_str()),
        ("Services", &services),
        ("TaskDefinitionFamilies", &families),
        ("Repositories", &repositories),
        ("TaskLogGroups", &groups),
        ("SlackTokenParameter", "/slipway/slack-token"),
        ("KmsKeyArn", "arn:aws:kms:eu-west-1:777777777777:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ];
    let stack = deployed(shared(), &Account::new("777777777777"), "large-installation", &parameters).await;
    for role in stack.roles().await.unwrap() {
        let (managed, inline): (Vec<_>, Vec<_>) = role.policies.iter().partition(|policy| policy.arn.is_some());
        let size = |policy: &&Policy| policy.document.to_string().len();
        for policy in &managed {
            println!("{} characters: {:?}", size(policy), policy.arn);
            assert!(size(policy) <= LARGEST, "{} characters: {:?}", size(policy), policy.arn);
        }
        assert!(managed.len() <= MOST, "{}: {} managed policies", role.function, managed.len());
        let inline: usize = inline.iter().map(size).sum();
        assert!(inline <= LARGEST_INLINE, "{}: {inline} characters in the role", role.function);
    }
}

/// All environment variables of a function, their names and values, have 4 KB together.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
#[tokio::test]
async fn the_largest_document_leaves_room_for_the_other_variables() {
    const LARGEST: usize = 4096;
    // As long as a function's name allows, which ends in -deploy and has 64 characters at most.
    let name = format!("{:x<57}", "large-document-");
    let document = format!("{:-<3072}", "version: 1\ntargets: []\n# ");
    let parameters = [("PassRoleArns", ROLES), ("ConfigDocument", document.as_str())];
    let stack = deployed(shared(), &Account::new("888888888888"), &name, &parameters).await;
    assert_eq!(stack.variable("deploy", "SLIPWAY_CONFIG").await.unwrap(), document);
    for function in ["deploy", "track"] {
        let variables = stack.variables(function).await.unwrap();
        let size: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        println!("{function}: {size} bytes");
        assert!(size <= LARGEST, "{function}: {size} bytes");
    }
}

#[tokio::test]
async fn each_stack_has_a_configuration_of_its_own() {
    let configuration = async |name: &str, parameters: &[(&str, &str)]| {
        let stack = deployed(shared(), &Account::new("999999999999"), name, parameters).await;
        let roles = stack.roles().await.unwrap();
        let statements = roles[0].policies.iter().flat_map(|it| it.document["Statement"].as_array().unwrap());
        let [granted] = statements.filter(|it| it["Sid"] == "Config").collect::<Vec<_>>()[..] else {
            panic!("one place is read")
        };
        (stack.variable("deploy", "SLIPWAY_CONFIG").await.unwrap(), granted["Resource"].as_str().unwrap().to_owned())
    };
    let arn = |name: &str| format!("arn:aws:ssm:eu-west-1:999999999999:parameter{name}");
    let roles = ("PassRoleArns", ROLES);
    let one = configuration("first", &[roles]).await;
    assert_eq!(one, ("ssm:/first/config".to_owned(), arn("/first/config")));
    let two = configuration("second", &[roles]).await;
    assert_eq!(two, ("ssm:/second/config".to_owned(), arn("/second/config")));
    let named = configuration("third", &[roles, ("ConfigParameter", "/shared/slipway")]).await;
    assert_eq!(named, ("ssm:/shared/slipway".to_owned(), arn("/shared/slipway")));
}

#[tokio::test]
async fn a_table_that_a_deleted_stack_left_is_used_again() {
    let emulated = shared();
    let account = Account::new("121212121212");
    let ask = async |service: &str, operation: &str, input: Value| {
        emulated.client.call(&account, service, operation, input).await
    };
    let parameters = [("PassRoleArns", ROLES), ("SlackTokenParameter", "/slipway/slack-token")];
    let old = deployed(emulated, &account, "old", &parameters).await;
    let table = old.output("TableName").unwrap().to_owned();
    let record = json!({"target": {"S": "prod/web"}, "item": {"S": "service"}});
    ask("dynamodb", "PutItem", json!({"TableName": table, "Item": record})).await.unwrap();
    ask("cloudformation", "DeleteStack", json!({"StackName": "old"})).await.unwrap();
    let mut tries = 0;
    while ask("cloudformation", "DescribeStacks", json!({"StackName": "old"})).await.is_ok() {
        tries += 1;
        assert!(tries < 400, "the stack is never deleted");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }

    let parameters = [parameters[0], parameters[1], ("ExistingTable", table.as_str())];
    let new = deployed(emulated, &account, "new", &parameters).await;
    let tables = ask("dynamodb", "ListTables", json!({})).await.unwrap();
    assert_eq!(tables["TableNames"], json!([table]), "no other is made");
    let found = ask("dynamodb", "GetItem", json!({"TableName": table, "Key": record})).await.unwrap();
    assert_eq!(found["Item"], record);
    assert_eq!(new.output("TableName").unwrap(), table);
    let arn = format!("arn:aws:dynamodb:eu-west-1:121212121212:table/{table}");
    for function in FUNCTIONS {
        assert_eq!(new.variable(function, "SLIPWAY_TABLE").await.unwrap(), table, "{function}");
    }
    for role in new.roles().await.unwrap() {
        let statements = role.policies.iter().flat_map(|it| it.document["Statement"].as_array().unwrap());
        let granted: Vec<_> = statements.filter(|it| it["Sid"] == "Table").map(|it| &it["Resource"]).collect();
        assert_eq!(granted, [&json!(arn)], "{}", role.function);
    }
}

#[test]
fn the_readme_has_a_row_for_each_parameter() {
    let template = include_str!("../../infra/template.yaml");
    let (_, parameters) = template.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = parameters.split_once("\nConditions:\n").unwrap();
    let names = parameters.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    let names: BTreeSet<&str> = names.filter(|name| !name.starts_with(' ')).collect();
    let (_, table) = include_str!("../../README.md").split_once("\n| parameter | meaning | default |\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    // A row may be about several parameters, each in backquotes.
    let first = table.lines().filter_map(|row| row.split('|').nth(1));
    let rows: BTreeSet<&str> = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(rows, names);
}

#[tokio::test]
async fn the_parameters_narrow_what_is_granted() {
    let emulated = shared();
    let parameters = [
        ("PassRoleArns", ""),
        ("ConfigObject", "settings/slipway.yaml"),
        ("Services", "prod/*,staging/web"),
        ("Repositories", "shop/web"),
    ];
    let stack = deployed(emulated, &Account::new("444444444444"), "narrow", &parameters).await;
    let roles = stack.roles().await.unwrap();
    assert_eq!(
        roles.iter().map(|role| role.function.as_str()).collect::<Vec<_>>(),
        ["narrow-deploy", "narrow-track"],
        "no Slack"
    );

    let statements: Vec<&Value> =
        roles[0].policies.iter().flat_map(|policy| policy.document["Statement"].as_array().unwrap()).collect();
    let of = |sid: &str| statements.iter().find(|statement| statement["Sid"] == sid);
    assert!(of("RolesOfTasks").is_none());
    assert_eq!(of("Config").unwrap()["Action"], "s3:GetObject");
    assert_eq!(of("Config").unwrap()["Resource"], "arn:aws:s3:::settings/slipway.yaml");
    let images = of("Images").unwrap()["Action"].as_array().unwrap();
    assert!(!images.contains(&json!("ecr:UpdateImageStorageClass")), "only with RestoreArchivedImages: {images:?}");
    let services = json!(["arn:aws:ecs:eu-west-1:444444444444:service/prod/*", "arn:*:ecs:*:*:service/staging/web"]);
    assert_eq!(of("Services").unwrap()["Resource"], services);
    let answer = stack.invoke("deploy", &json!({})).await.unwrap().unwrap();
    assert_eq!(answer["SLIPWAY_CONFIG"], "s3://settings/slipway.yaml");

    // A repository may be in any account and region.
    let denied = |registry: &str, region: &str, repository: &str| {
        let call = Call {
            function: "narrow-deploy".to_owned(),
            account: "444444444444".to_owned(),
            region: region.to_owned(),
            service: "ecr".to_owned(),
            operation: "DescribeImages".to_owned(),
            request: json!({"registryId": registry, "repositoryName": repository}),
        };
        let findings = judge(&[call], &roles).unwrap();
        findings.iter().any(|finding| matches!(finding, Finding::Denied { .. }))
    };
    assert!(!denied("444444444444", "eu-west-1", "shop/web"));
    assert!(!denied("210987654321", "us-east-1", "shop/web"));
    assert!(denied("210987654321", "us-east-1", "shop/api"));
}

/// The parameters of an example, as `aws cloudformation deploy` reads them from the file.
fn parameters_of(file: &str) -> Vec<(String, String)> {
    let parameters: Vec<Value> = serde_json::from_str(file).unwrap();
    let text = |parameter: &Value, member: &str| parameter[member].as_str().unwrap().to_owned();
    parameters.iter().map(|it| (text(it, "ParameterKey"), text(it, "ParameterValue"))).collect()
}

#[tokio::test]
async fn an_example_s_parameters_allow_what_it_needs_and_no_more() {
    const ACCOUNT: &str = "123456789012";
    let parameters = parameters_of(include_str!("../../infra/examples/github-actions/parameters.json"));
    let parameters: Vec<_> = parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let stack = deployed(shared(), &Account::new(ACCOUNT), "example", &parameters).await;
    let roles = stack.roles().await.unwrap();
    let is_allowed = |service: &str, operation: &str, request: Value| {
        let call = Call {
            function: "example-deploy".to_owned(),
            account: ACCOUNT.to_owned(),
            region: "eu-west-1".to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            request,
        };
        !judge(&[call], &roles).unwrap().iter().any(|finding| matches!(finding, Finding::Denied { .. }))
    };
    let update = |service: &str| json!({ "cluster": "prod", "service": service, "taskDefinition": "web:2" });
    let definition = |family: &str, role: &str| json!({ "family": family, "executionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "containerDefinitions": [] });
    for (allowed, service, operation, request) in [
        (true, "ecs", "UpdateService", update("web")),
        (false, "ecs", "UpdateService", update("api")),
        (true, "ecs", "RegisterTaskDefinition", definition("web", "web-execution")),
        (false, "ecs", "RegisterTaskDefinition", definition("web", "admin")),
        (false, "ecs", "RegisterTaskDefinition", definition("api", "web-execution")),
        (true, "ecr", "DescribeImages", json!({ "registryId": ACCOUNT, "repositoryName": "shop/web" })),
        (false, "ecr", "DescribeImages", json!({ "registryId": ACCOUNT, "repositoryName": "shop/api" })),
    ] {
        assert_eq!(is_allowed(service, operation, request.clone()), allowed, "{operation} {request}");
    }
}

#[test]
fn the_examples_set_parameters_that_the_template_has() {
    let template = include_str!("../../infra/template.yaml");
    for file in [
        include_str!("../../infra/examples/github-actions/parameters.json"),
        include_str!("../../infra/examples/terraform-image-tag/parameters.json"),
        include_str!("../../infra/examples/azure-devops/parameters.json"),
    ] {
        for (key, value) in parameters_of(file) {
            assert!(template.contains(&format!("\n  {key}:\n    Type:")), "{key}");
            assert!(!value.is_empty(), "{key}");
        }
    }
}
