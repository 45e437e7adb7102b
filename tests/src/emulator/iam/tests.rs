//! Right roles are found right, and each way of being wrong is found.

use super::{Call, Finding, Policy, Role, judge};
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";
const ECS: &str = "arn:aws:ecs:eu-west-1:123456789012";

fn call(operation: &str, request: Value) -> Call {
    let (service, operation) = operation.split_once(' ').expect("service and operation");
    Call {
        function: "deploy".to_owned(),
        account: ACCOUNT.to_owned(),
        region: "eu-west-1".to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        request,
    }
}

fn register() -> Call {
    call(
        "ecs RegisterTaskDefinition",
        json!({
            "family": "web",
            "taskRoleArn": "arn:aws:iam::123456789012:role/web",
            "executionRoleArn": "web-start",
            "tags": [{"key": "team", "value": "shop"}],
        }),
    )
}

fn register_role() -> Vec<Value> {
    vec![
        json!({"Sid": "Register", "Effect": "Allow", "Action": "ecs:RegisterTaskDefinition", "Resource": format!("{ECS}:task-definition/web:*")}),
        json!({"Sid": "Tag", "Effect": "Allow", "Action": "ecs:TagResource", "Resource": [format!("{ECS}:task-definition/web:*")],
               "Condition": {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}}),
        json!({"Sid": "Pass", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/web*",
               "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}}),
    ]
}

fn policy(arn: Option<&str>, statements: Vec<Value>) -> Policy {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    Policy { arn: arn.map(str::to_owned), document }
}

fn role(function: &str, policies: Vec<Policy>) -> Role {
    let arn = format!("arn:aws:iam::123456789012:role/{function}");
    Role { function: function.to_owned(), account: ACCOUNT.to_owned(), arn, policies }
}

#[track_caller]
fn check(calls: &[Call], statements: Vec<Value>, expected: &[&str]) {
    check_roles(calls, &[role("deploy", vec![policy(None, statements)])], expected);
}

#[track_caller]
fn check_roles(calls: &[Call], roles: &[Role], expected: &[&str]) {
    let findings = judge(calls, roles).unwrap();
    let found: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(found, expected);
}

/// Two roles that share a managed policy with these statements.
fn sharing(statements: &[Value]) -> [Role; 2] {
    let shared = policy(Some("arn:aws:iam::123456789012:policy/shared"), statements.to_vec());
    [role("deploy", vec![shared.clone()]), role("track", vec![shared])]
}

#[test]
fn a_right_role_has_no_finding() {
    check(&[register()], register_role(), &[]);
}

#[test]
fn a_role_of_a_task_that_may_not_be_passed_is_found() {
    let mut statements = register_role();
    statements[2]["Resource"] = json!("arn:aws:iam::123456789012:role/web");
    check(
        &[register()],
        statements,
        &[
            "deploy called ecs RegisterTaskDefinition, and its role does not allow iam:PassRole on arn:aws:iam::123456789012:role/web-start",
        ],
    );
}

#[test]
fn a_role_passed_to_another_service_is_found() {
    let mut statements = register_role();
    statements[2]["Condition"]["StringEquals"]["iam:PassedToService"] = json!("ec2.amazonaws.com");
    check(
        &[register()],
        statements,
        &[
            "deploy called ecs RegisterTaskDefinition, and its role does not allow iam:PassRole on arn:aws:iam::123456789012:role/web",
            "deploy called ecs RegisterTaskDefinition, and its role does not allow iam:PassRole on arn:aws:iam::123456789012:role/web-start",
            "deploy may iam:PassRole by statement Pass, and no call needed it",
        ],
    );
}

#[test]
fn passing_roles_to_anybody_is_too_wide() {
    let mut statements = register_role();
    statements[2]["Condition"] = json!({});
    check(
        &[register()],
        statements,
        &["deploy may iam:PassRole by statement Pass, without a condition on iam:PassedToService"],
    );
}

#[test]
fn tagging_is_needed_only_with_tags() {
    let mut untagged = register();
    untagged.request["tags"] = json!([]);
    check(&[untagged], register_role(), &["deploy may ecs:TagResource by statement Tag, and no call needed it"]);
}

#[test]
fn another_family_is_denied() {
    let mut other = register();
    other.request["family"] = json!("api");
    let denied = "deploy called ecs RegisterTaskDefinition, and its role does not allow";
    check(
        &[register(), other],
        register_role(),
        &[
            &format!("{denied} ecs:RegisterTaskDefinition on {ECS}:task-definition/api:*"),
            &format!("{denied} ecs:TagResource on {ECS}:task-definition/api:*"),
        ],
    );
}

#[test]
fn one_action_of_a_statement_can_be_unused() {
    let describe = call("ecs DescribeServices", json!({"cluster": format!("{ECS}:cluster/prod"), "services": ["web"]}));
    let statement = json!({
        "Sid": "Services", "Effect": "Allow", "Action": ["ecs:DescribeServices", "ecs:UpdateService"],
        "Resource": format!("{ECS}:service/prod/*"), "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    });
    check(&[describe], vec![statement], &["deploy may ecs:UpdateService by statement Services, and no call needed it"]);
}

#[test]
fn a_shared_grant_is_justified_by_a_call_of_either_function() {
    let describe = call("ecs DescribeServices", json!({"cluster": "prod", "services": ["web"]}));
    let mut update = call("ecs UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:7"}));
    update.function = "track".to_owned();
    let services = |actions: &[&str]| json!({"Sid": "Services", "Effect": "Allow", "Action": actions, "Resource": format!("{ECS}:service/prod/*")});
    let both = services(&["ecs:DescribeServices", "ecs:UpdateService"]);
    check_roles(&[describe.clone(), update.clone()], &sharing(std::slice::from_ref(&both)), &[]);
    // No call of either function is found once, for both.
    check_roles(
        std::slice::from_ref(&describe),
        &sharing(std::slice::from_ref(&both)),
        &["deploy and track may ecs:UpdateService by statement Services, and no call needed it"],
    );
    // A policy that is written in a role is justified by this role's calls only, even if another's has the same words.
    let own = |function| role(function, vec![policy(None, vec![both.clone()])]);
    check_roles(
        &[describe.clone(), update.clone()],
        &[own("deploy"), own("track")],
        &[
            "deploy may ecs:UpdateService by statement Services, and no call needed it",
            "track may ecs:DescribeServices by statement Services, and no call needed it",
        ],
    );
    // What is not granted is denied to either.
    check_roles(
        &[describe, update],
        &sharing(&[services(&["ecs:DescribeServices"])]),
        &[&format!(
            "track called ecs UpdateService, and its role does not allow ecs:UpdateService on {ECS}:service/prod/web"
        )],
    );
}

#[test]
fn a_shared_policy_that_a_role_does_not_have_allows_nothing() {
    let mut describe = call("ecs DescribeServices", json!({"cluster": "prod", "services": ["web"]}));
    describe.function = "slack".to_owned();
    let statement = json!({"Sid": "Services", "Effect": "Allow", "Action": "ecs:DescribeServices", "Resource": format!("{ECS}:service/prod/*")});
    let [deploy, track] = sharing(&[statement]);
    check_roles(
        &[describe],
        &[deploy, track, role("slack", vec![])],
        &[
            &format!(
                "slack called ecs DescribeServices, and its role does not allow ecs:DescribeServices on {ECS}:service/prod/web"
            ),
            "deploy and track may ecs:DescribeServices by statement Services, and no call needed it",
        ],
    );
}

#[test]
fn a_shared_grant_that_is_too_wide_is_found_once() {
    let describe = call("ecs DescribeServices", json!({"cluster": "prod", "services": ["web"]}));
    let statement = json!({"Sid": "All", "Effect": "Allow", "Action": "ecs:DescribeServices", "Resource": "*"});
    check_roles(
        &[describe],
        &sharing(&[statement]),
        &[
            "deploy and track may ecs:DescribeServices by statement All, on everything, though IAM knows a narrower resource",
        ],
    );
}

#[test]
fn a_denial_outweighs_a_grant() {
    let update = call("ecs UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:7"}));
    let allow =
        json!({"Sid": "All", "Effect": "Allow", "Action": "ecs:UpdateService", "Resource": format!("{ECS}:service/*")});
    let deny = json!({
        "Sid": "Never", "Effect": "Deny", "Action": "ecs:UpdateService", "Resource": "*",
        "Condition": {"ArnLike": {"ecs:task-definition": format!("{ECS}:task-definition/web:*")}},
    });
    check(
        &[update],
        vec![allow, deny],
        &[&format!(
            "deploy called ecs UpdateService, and its role does not allow ecs:UpdateService on {ECS}:service/prod/web"
        )],
    );
}

#[test]
fn everything_is_too_wide_where_iam_knows_better() {
    let describe = call("ecs DescribeServices", json!({"cluster": "prod", "services": ["web"]}));
    let definition = call("ecs DescribeTaskDefinition", json!({"taskDefinition": "web:7"}));
    let statement = json!({"Sid": "All", "Effect": "Allow", "Action": ["ecs:DescribeServices", "ecs:DescribeTaskDefinition"], "Resource": "*"});
    check(
        &[describe, definition],
        vec![statement],
        &["deploy may ecs:DescribeServices by statement All, on everything, though IAM knows a narrower resource"],
    );
}

#[test]
fn many_actions_in_one_are_too_wide() {
    let definition = call("ecs DescribeTaskDefinition", json!({"taskDefinition": "web:7"}));
    let statement = json!({"Sid": "Read", "Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"});
    check(
        &[definition],
        vec![statement],
        &["deploy may ecs:Describe* by statement Read, which is many actions in one"],
    );
}

#[test]
fn a_deployment_needs_its_service_too() {
    let describe = call(
        "ecs DescribeServiceDeployments",
        json!({"serviceDeploymentArns": [format!("{ECS}:service-deployment/prod/web/Ab1")]}),
    );
    let statement = json!({"Sid": "D", "Effect": "Allow", "Action": "ecs:DescribeServiceDeployments", "Resource": format!("{ECS}:service-deployment/prod/web/*")});
    check(
        &[describe],
        vec![statement],
        &[&format!(
            "deploy called ecs DescribeServiceDeployments, and its role does not allow ecs:DescribeServiceDeployments on {ECS}:service/prod/web"
        )],
    );
}

#[test]
fn calls_of_other_services_name_their_resource() {
    let grant = |sid: &str, action: &str, resource: &str| json!({"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource});
    check(
        &[
            call("ecr DescribeImages", json!({"registryId": "999999999999", "repositoryName": "shop/web"})),
            call("sns Publish", json!({"TopicArn": "arn:aws:sns:eu-west-1:123456789012:notices"})),
            call("ssm GetParameter", json!({"Name": "/slipway/config"})),
            call("s3 GetObject", json!({"Bucket": "settings", "Key": "slipway.yaml"})),
            call("sqs DeleteMessage", json!({"QueueUrl": "http://127.0.0.1:4566/123456789012/slack"})),
            call("dynamodb PutItem", json!({"TableName": "services"})),
            call("dynamodb Query", json!({"TableName": "services"})),
            call("ecs ListTasks", json!({"cluster": "prod", "serviceName": "web"})),
            call("ecs DescribeTasks", json!({"cluster": "prod", "tasks": [format!("{ECS}:task/prod/a1")]})),
            call("logs GetLogEvents", json!({"logGroupName": "/ecs/web", "logStreamName": "web/web/a1"})),
            call("logs CreateLogStream", json!({"logGroupName": "/aws/lambda/deploy", "logStreamName": "2026/11"})),
            call("logs PutLogEvents", json!({"logGroupName": "/aws/lambda/deploy", "logStreamName": "2026/11"})),
        ],
        vec![
            grant("1", "ecr:DescribeImages", "arn:aws:ecr:*:999999999999:repository/shop/web"),
            grant("2", "sns:Publish", "arn:aws:sns:eu-west-1:123456789012:notices"),
            grant("3", "ssm:GetParameter", "arn:aws:ssm:eu-west-1:123456789012:parameter/slipway/config"),
            grant("4", "s3:GetObject", "arn:aws:s3:::settings/slipway.yaml"),
            grant("5", "sqs:DeleteMessage", "arn:aws:sqs:eu-west-1:123456789012:slack"),
            grant("8", "dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/services"),
            grant("9", "dynamodb:Query", "arn:aws:dynamodb:eu-west-1:123456789012:table/services"),
            grant("10", "ecs:ListTasks", "*"),
            grant("11", "ecs:DescribeTasks", "arn:aws:ecs:eu-west-1:123456789012:task/prod/*"),
            grant("12", "logs:GetLogEvents", "arn:aws:logs:*:123456789012:log-group:/ecs/*:log-stream:*"),
            grant("6", "logs:CreateLogStream", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/deploy:*"),
            grant("7", "logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/deploy:*"),
        ],
        &[],
    );
}

#[test]
fn a_schedule_passes_its_role() {
    let create = call(
        "scheduler CreateSchedule",
        json!({
            "Name": "timer-1", "GroupName": "schedules",
            "Target": {"Arn": "arn:aws:lambda:eu-west-1:123456789012:function:deploy", "RoleArn": "arn:aws:iam::123456789012:role/schedules"},
        }),
    );
    let pass = |service: &str| {
        json!({"Sid": "Pass", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/schedules",
               "Condition": {"StringEquals": {"iam:PassedToService": service}}})
    };
    let schedules = json!({
        "Sid": "Schedules", "Effect": "Allow", "Action": "scheduler:CreateSchedule",
        "Resource": "arn:aws:scheduler:eu-west-1:123456789012:schedule/schedules/*",
    });
    check(std::slice::from_ref(&create), vec![schedules.clone(), pass("scheduler.amazonaws.com")], &[]);
    check(
        &[create],
        vec![schedules, pass("ecs-tasks.amazonaws.com")],
        &[
            "deploy called scheduler CreateSchedule, and its role does not allow iam:PassRole on arn:aws:iam::123456789012:role/schedules",
            "deploy may iam:PassRole by statement Pass, and no call needed it",
        ],
    );
}

#[test]
fn a_deployment_of_codedeploy_needs_its_group() {
    const CODE_DEPLOY: &str = "arn:aws:codedeploy:eu-west-1:123456789012";
    let group = json!({"applicationName": "shop", "deploymentGroupName": "web"});
    let deployment = json!({"deploymentId": "d-A1B2C3D4E"});
    let calls = [
        call("codedeploy GetDeploymentGroup", group.clone()),
        call("codedeploy CreateDeployment", group),
        call("codedeploy GetDeployment", deployment.clone()),
        call("codedeploy StopDeployment", deployment.clone()),
    ];
    let grant = |sid: &str, actions: &[&str], resource: &str| json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource});
    let statements = |application: &str| {
        vec![
            grant(
                "Groups",
                &["codedeploy:GetDeploymentGroup", "codedeploy:CreateDeployment", "codedeploy:GetDeployment"],
                &format!("{CODE_DEPLOY}:deploymentgroup:{application}/*"),
            ),
            grant(
                "Revisions",
                &["codedeploy:RegisterApplicationRevision"],
                &format!("{CODE_DEPLOY}:application:{application}"),
            ),
            grant("Configs", &["codedeploy:GetDeploymentConfig"], &format!("{CODE_DEPLOY}:deploymentconfig:*")),
            grant("Deployments", &["codedeploy:StopDeployment"], "*"),
        ]
    };
    check(&calls, statements("shop"), &[]);
    let denied = |call: &str, action: &str, what: &str| {
        format!(
            "deploy called codedeploy {call}, and its role does not allow codedeploy:{action} on {CODE_DEPLOY}:{what}"
        )
    };
    let unused =
        |action: &str, sid: &str| format!("deploy may codedeploy:{action} by statement {sid}, and no call needed it");
    check(
        &calls,
        statements("other"),
        &[
            &denied("CreateDeployment", "CreateDeployment", "deploymentgroup:shop/web"),
            &denied("CreateDeployment", "RegisterApplicationRevision", "application:shop"),
            &denied("GetDeployment", "GetDeployment", "deploymentgroup:shop/web"),
            &denied("GetDeploymentGroup", "GetDeploymentGroup", "deploymentgroup:shop/web"),
            &unused("CreateDeployment", "Groups"),
            &unused("GetDeployment", "Groups"),
            &unused("GetDeploymentGroup", "Groups"),
            &unused("RegisterApplicationRevision", "Revisions"),
        ],
    );
    // Where no call names a group, nothing is known of the deployment's.
    check(
        &[call("codedeploy GetDeployment", deployment)],
        vec![],
        &["deploy called codedeploy GetDeployment, and iam/needs.rs does not know what that needs"],
    );
}

#[test]
fn an_unknown_call_is_not_passed_over() {
    check(
        &[call("ecs DeleteService", json!({"service": "web"}))],
        vec![],
        &["deploy called ecs DeleteService, and iam/needs.rs does not know what that needs"],
    );
}
