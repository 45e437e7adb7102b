//! What calls which function: events by their rules, a registry's pushes from elsewhere, and timers.

use super::*;

#[tokio::test]
async fn an_event_calls_the_function_whose_rule_matches_it() {
    let emulated = shared();
    let (one, two) = (Account::new("111111111111"), Account::new("222222222222"));
    let parameters = [
        ("PassRoleArns", ROLES),
        ("SlackWebhookParameter", "/slipway/slack-webhook"),
        ("CodeDeployApplications", "AppECS-*"),
    ];
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
    assert_eq!(called(code_deployed()).await, [arn("track")]);
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
async fn each_rule_may_call_its_function_and_put_away_what_it_cannot_deliver() {
    let (emulated, account) = (shared(), Account::new("161616161616"));
    let parameters = [("PassRoleArns", ROLES), ("CodeDeployApplications", "AppECS-*")];
    deployed(emulated, &account, "delivered", &parameters).await;
    let ask = async |service: &str, operation: &str, input: Value| {
        emulated.client.call(&account, service, operation, input).await.unwrap()
    };
    let rules = ask("events", "ListRules", json!({})).await["Rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), 6, "{rules:?}");
    for rule in rules {
        let targets = ask("events", "ListTargetsByRule", json!({"Rule": rule["Name"]})).await["Targets"].clone();
        let [target] = targets.as_array().unwrap().as_slice() else { panic!("one function: {targets}") };
        assert_eq!(target["RetryPolicy"], json!({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}));
        let names_rule = |policy: &str| policy.contains(&rule["Arn"].to_string());
        let policy = ask("lambda", "GetPolicy", json!({"FunctionName": target["Arn"]})).await;
        assert!(names_rule(policy["Policy"].as_str().unwrap()), "{} may not call: {policy}", rule["Name"]);
        let queue = target["DeadLetterConfig"]["Arn"].as_str().unwrap().rsplit(':').next().unwrap();
        let url = ask("sqs", "GetQueueUrl", json!({"QueueName": queue})).await["QueueUrl"].clone();
        let policy = ask("sqs", "GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": ["Policy"]})).await;
        let policy = policy["Attributes"]["Policy"].as_str().unwrap();
        assert!(names_rule(policy), "{} may not put away: {policy}", rule["Name"]);
    }
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
