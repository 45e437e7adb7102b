//! What the deployed roles and policies allow, and what they do not.

use super::parameters::parameters_of;
use super::*;

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
    let actions = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        one => vec![one.clone()],
    });
    let of_code_deploy: Vec<_> = actions.filter(|it| it.as_str().unwrap().starts_with("codedeploy:")).collect();
    assert_eq!(of_code_deploy, [""; 0], "only with CodeDeployApplications");
    assert_eq!(stack.rules_for(&code_deployed()).await.unwrap(), []);
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

#[tokio::test]
async fn codedeploy_may_be_asked_about_the_applications_that_are_named() {
    const ACCOUNT: &str = "151515151515";
    let parameters = [("PassRoleArns", ""), ("CodeDeployApplications", "AppECS-*,shop")];
    let stack = deployed(shared(), &Account::new(ACCOUNT), "blue-green", &parameters).await;
    let roles = stack.roles().await.unwrap();
    let denied = |region: &str, application: &str, operation: &str, request: &Value| {
        let mut request = request.clone();
        (request["applicationName"], request["deploymentGroupName"]) = (json!(application), json!("web"));
        let call = |operation: &str, request: Value| Call {
            function: "blue-green-track".to_owned(),
            account: ACCOUNT.to_owned(),
            region: region.to_owned(),
            service: "CodeDeploy".to_owned(),
            operation: operation.to_owned(),
            request,
        };
        // A deployment is of the group that some call names.
        let calls = match operation {
            "GetDeployment" => {
                [call("ListDeployments", request), call(operation, json!({"deploymentId": "d-7QK2M9X4P"}))]
            }
            _ => [call(operation, request.clone()), call(operation, request)],
        };
        let findings = judge(&calls, &roles).unwrap();
        let denied = |finding: &&Finding| matches!(finding, Finding::Denied { call, .. } if call.ends_with(operation));
        assert!(!findings.iter().any(|it| matches!(it, Finding::Unknown { .. })), "{findings:?}");
        findings.iter().filter(denied).count()
    };
    let deployment = json!({"deploymentId": "d-7QK2M9X4P"});
    for (operation, request, needs) in [
        ("GetDeploymentGroup", json!({}), 1),
        ("ListDeployments", json!({}), 1),
        ("GetDeployment", json!({}), 1),
        ("GetApplicationRevision", json!({}), 1),
        // By the configuration's name it is told no application.
        ("CreateDeployment", json!({"deploymentConfigName": "ours"}), 2),
    ] {
        for application in ["AppECS-prod-web", "shop"] {
            assert_eq!(denied("eu-west-1", application, operation, &request), 0, "{operation} {application}");
        }
        for application in ["AppEC", "shop2", "our-shop"] {
            assert_eq!(denied("eu-west-1", application, operation, &request), needs, "{operation} {application}");
        }
        assert!(denied("us-east-1", "shop", operation, &request) >= needs, "{operation} elsewhere");
    }
    for operation in ["GetDeploymentTarget", "StopDeployment", "ContinueDeployment"] {
        assert_eq!(denied("eu-west-1", "any", operation, &deployment), 0, "{operation}");
        assert_eq!(denied("us-east-1", "any", operation, &deployment), 1, "{operation} elsewhere");
    }
}

#[tokio::test]
async fn an_example_s_parameters_allow_what_it_needs_and_no_more() {
    const ACCOUNT: &str = "123456789012";
    let parameters = parameters_of(include_str!("../../../infra/examples/github-actions/parameters.json"));
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

fn sids(document: &Value) -> Vec<&str> {
    document["Statement"].as_array().unwrap().iter().filter_map(|statement| statement["Sid"].as_str()).collect()
}
