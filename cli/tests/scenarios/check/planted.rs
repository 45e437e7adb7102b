//! The table of planted mistakes: each is planted in the document, in the parameters or in the account, and `slipway check`
//! names it with its place and its fix, and nothing else; without it all is fine again.

use e2e::world::{CodeDeployStage, Image, Moved, Place};
use serde_json::{Value, json};

use crate::check::setup::{Asked, CONFIG, Installed, definition, service};
use crate::code_deploy::{PORT, make_group, under_code_deploy};

/// A mistake, and what is to be found.
struct Row {
    /// What is wrong.
    name: &'static str,
    /// How it gets there.
    plant: Plant,
    /// `LEVEL CODE`.
    finding: &'static str,
    /// What the finding is about.
    place: &'static str,
    /// Words of what it says.
    text: &'static str,
    /// Words of the fix.
    fix: &'static str,
    /// The codes of errors and warnings that follow from it by necessity.
    also: &'static [&'static str],
}

/// How a mistake gets there.
enum Plant {
    /// One more target, whose service is there and is wrong.
    Target(&'static str),
    /// A part of the document, and what stands there instead.
    Document(&'static str, &'static str),
    /// Parameters of the stack to be.
    Parameters(&'static [(&'static str, Option<&'static str>)]),
    /// Both a target and parameters.
    Both(&'static str, &'static [(&'static str, Option<&'static str>)]),
    /// Calls to the account, and those that take it back.
    Account(Vec<Asked>, Vec<Asked>),
}

/// A row without consequences.
fn row(
    name: &'static str,
    plant: Plant,
    finding: &'static str,
    place: &'static str,
    text: &'static str,
    fix: &'static str,
) -> Row {
    Row { name, plant, finding, place, text, fix, also: &[] }
}

const LIB: &str = "{ repository: 999999999999.dkr.ecr.eu-west-1.amazonaws.com/shop/lib, service: lib }";

#[rustfmt::skip]
fn in_the_document() -> Vec<Row> {
    use Plant::{Both, Document, Target};
    vec![
        row("a key that there is not", Document("service: web", "servce: web"), "error configuration", "targets[0].servce", "service", "until then nothing is deployed"),
        row("a wrong version range", Document("semver: \"*\"", "semver: \">=1.x.y\""), "error configuration", "defaults.tags.semver", "is not a version range", "Correct it"),
        row("two tag policies", Document("semver: \"*\"", "semver: \"*\", newest: x"), "error configuration", "defaults.tags", "", "Correct it"),
        row("a channel without #", Document("\"#deploys\"", "deploys"), "error configuration", "defaults.notify[0].slack", "lacks the #", "Correct it"),
        row("a service that is not there", Document("service: web", "service: wep"), "error service_missing", "prod/wep", "there is no service wep in the cluster prod", "Create it, or correct the target."),
        Row { also: &["service_not_allowed"], ..row("a cluster that is not there", Document("cluster: prod", "cluster: prot"), "error service_missing", "prot/web", "in the cluster prot", "Create it") },
        row("a service that was deleted", Target("{ repository: shop/web, service: gone, containers: [gone] }"), "error service_not_active", "prod/gone", "is INACTIVE", "Remove the target"),
        row("a deployment group that is not found", Target("{ repository: shop/web, service: legacy }"), "error no_deployment_group", "prod/legacy", "no CodeDeploy deployment group of prod/legacy was found", "Set codedeploy: {application: NAME, group: NAME}."),
        row("the deployment group of another service", Target("{ repository: shop/web, service: astray, codedeploy: { application: AppECS-prod-pay, group: DgpECS-prod-pay } }"), "error no_deployment_group", "prod/astray", "no CodeDeploy deployment group of prod/astray was found", "Set codedeploy:"),
        row("hooks that cannot be read", Target("{ repository: shop/web, service: unread }"), "error hooks_unknown", "prod/unread", "the hooks of AppECS-prod-unread/DgpECS-prod-unread are not known, because CodeDeploy does not keep the AppSpec of its last revision", "Set codedeploy: {hooks: {AfterInstall: FUNCTION}}, or {hooks: {}} if there are none."),
        row("an application of CodeDeploy that is not allowed", Target("{ repository: shop/web, service: billing, codedeploy: { application: billing, group: blue-green } }"), "error application_not_allowed", "prod/billing", "the application billing, by which CodeDeploy deploys to it, is not within CodeDeployApplications of the stack slipway (AppECS-*)", "Add billing to CodeDeployApplications, and update the stack."),
        row("no application of CodeDeploy is allowed", Both("{ repository: shop/web, service: pay }", &[("CodeDeployApplications", None)]), "error application_not_allowed", "prod/pay", "is not within CodeDeployApplications of parameters.json, which is empty, so Slipway may not use it", "Add AppECS-prod-pay to CodeDeployApplications"),
        row("a controller of somebody else", Target("{ repository: shop/web, service: external }"), "error wrong_controller", "prod/external", "EXTERNAL", "Deploy it with the tool that controls it, or change"),
        row("a definition that Express Mode does not take", Target("{ repository: shop/web, service: gateway, base: family }"), "error not_for_express", "prod/gateway", "ECS Express Mode does not take bad-gateway:2: the port of its container Main has no name", "Register a revision for FARGATE whose container Main has one TCP port with a name."),
        row("a container that is not there", Document("service: web }", "service: web, containers: [wep] }"), "error unknown_container", "prod/web", "no container wep (it has web)", "Correct the target's containers."),
        row("no container of the repository", Target("{ repository: shop/worker, service: worker }"), "error no_container", "prod/worker", "no container has an image of", "Name the target's containers"),
        row("a repository that is not there", Document("repository: shop/web", "repository: shop/wep"), "error repository_missing", "prod/web", "no repository 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/wep", "Create it, or correct"),
        row("a repository without images", Target("{ repository: shop/empty, service: fresh, containers: [fresh] }"), "warning repository_empty", "prod/fresh", "shop/empty has no image", "Push one"),
        row("no tag of the policy", Document("service: web }", "service: web, tags: { newest: { pattern: \"^main-\" } } }"), "error no_candidate", "prod/web", "shop/web has no image that the policy deploys", "The registry has 1.4.2."),
        row("a variable that a secret has", Target("{ repository: shop/web, service: secret, environment: { TOKEN: x } }"), "error set_by_secret", "prod/secret", "takes TOKEN from a secret", "Remove it from one of the two."),
        row("a family that is not the same for all", Target("{ repository: shop/web, service: one, base: family }"), "error shared_family", "prod/one", "differs from bad-shared:", "a family of its own"),
        row("the other one of that family", Target("{ repository: shop/web, service: two, base: family }"), "error shared_family", "prod/two", "prod/one of the same family was given bad-shared:1", "a family of its own"),
        row("an image for another processor", Target("{ repository: shop/web, service: arm }"), "error architecture", "prod/arm", "shop/web:1.4.2 is built for amd64, and the task definition wants ARM64", "Build the image"),
        row("no tasks", Target("{ repository: shop/web, service: idle }"), "note no_tasks", "prod/idle", "desired count of 0", ""),
        row("no circuit breaker", Target("{ repository: shop/web, service: bare }"), "note no_circuit_breaker", "prod/bare", "circuit breaker is off", ""),
        row("no execution role", Target("{ repository: shop/web, service: norole }"), "error no_execution_role", "prod/norole", "names no execution role", "executionRoleArn"),
        row("an execution role that is not there", Target("{ repository: shop/web, service: lost }"), "error execution_role_missing", "prod/lost", "there is no role arn:aws:iam::123456789012:role/lost-execution", "Create it"),
        row("an execution role that may not pull", Target("{ repository: shop/web, service: weak }"), "error cannot_pull", "prod/weak", "lacks ecr:BatchGetImage on arn:aws:ecr:eu-west-1:123456789012:repository/shop/web", "Allow ecr:BatchGetImage"),
        row("an execution role that may not write the log", Target("{ repository: shop/web, service: mute }"), "error cannot_log", "prod/mute", "lacks logs:PutLogEvents", "Allow logs:PutLogEvents"),
        row("a role that may not be passed", Target("{ repository: shop/web, service: admin }"), "error role_not_passable", "prod/admin", "its task role arn:aws:iam::123456789012:role/admin is not within PassRoleArns of the stack slipway", "Add arn:aws:iam::123456789012:role/admin to PassRoleArns"),
        row("a service that is not allowed", Target("{ repository: shop/web, cluster: staging, service: web }"), "error service_not_allowed", "staging/web", "staging/web is not within Services of the stack slipway (prod/*)", "Add staging/web to Services"),
        row("a family that is not allowed", Target("{ repository: shop/web, service: foreign }"), "error family_not_allowed", "prod/foreign", "foreign is not within TaskDefinitionFamilies", "Add foreign"),
        row("a repository that is not allowed", Target("{ repository: tools/tool, service: tool }"), "error repository_not_allowed", "prod/tool", "tools/tool is not within Repositories", "Add tools/tool"),
        row("a log group that is not allowed", Target("{ repository: shop/web, service: logger }"), "warning log_group_not_allowed", "prod/logger", "/other/logger is not within TaskLogGroups", "Add /other/logger"),
        Row { also: &["forward"], ..row("a registry that may not send its pushes", Target(LIB), "error registry_not_allowed", "prod/lib", "the account 999999999999 may not send", "Add 999999999999 to RegistryAccounts") },
        Row { also: &["forward"], ..row("an event bus that takes no pushes of the registry", Both(LIB, &[("RegistryAccounts", Some("999999999999"))]), "error bus_policy", "event bus default", "999999999999", "RegistriesMayForward") },
        Row { also: &["bus_policy", "forward"], ..row("a repository elsewhere that lets nobody pull",
            Both("{ repository: 999999999999.dkr.ecr.eu-west-1.amazonaws.com/shop/closed, service: closed }", &[("RegistryAccounts", Some("999999999999"))]),
            "error repository_policy", "prod/closed", "does not let arn:aws:iam::123456789012:role/web-execution pull", "in that policy") },
    ]
}

#[rustfmt::skip]
fn in_the_parameters() -> Vec<Row> {
    use Plant::Parameters;
    vec![
        row("a parameter that there is not", Parameters(&[("PassRoles", Some("x"))]), "error unknown_parameter", "parameters.json", "PassRoles is no parameter", "correct its name"),
        row("a parameter that must be there", Parameters(&[("PassRoleArns", None)]), "error parameter_missing", "parameters.json", "PassRoleArns is missing", "Add PassRoleArns"),
        row("roles that do not cover the execution role", Parameters(&[("PassRoleArns", Some("arn:aws:iam::123456789012:role/web-*"))]), "error role_not_passable", "prod/api", "its execution role arn:aws:iam::123456789012:role/api-execution is not within PassRoleArns of parameters.json", "Add arn:aws:iam::123456789012:role/api-execution"),
        row("services of another cluster", Parameters(&[("Services", Some("prod/web"))]), "error service_not_allowed", "prod/api", "prod/api is not within Services of parameters.json (prod/web)", "Add prod/api"),
        row("channels without Slack", Parameters(&[("SlackTokenParameter", None)]), "error no_slack", "notify", "the configuration names #deploys", "Set SlackTokenParameter"),
        row("channels with a webhook", Parameters(&[("SlackTokenParameter", None), ("SlackWebhookParameter", Some("/slipway/webhook"))]), "warning webhook_channels", "notify", "a webhook posts to the one channel", "Use a bot"),
        row("no reconcile", Parameters(&[("ReconcileMinutes", Some("0"))]), "warning no_reconcile", "ReconcileMinutes", "it is 0", "Set ReconcileMinutes to 15"),
    ]
}

async fn in_the_account(installed: &Installed) -> Vec<Row> {
    use Plant::Account;
    let physical = installed.physical().await;
    let id = |logical: &str| physical.get(logical).unwrap_or_else(|| panic!("{logical}: {physical:?}")).clone();
    let (pushed, changed, deploy) =
        (id("DeployFunctionImagePushed"), id("TrackFunctionDeploymentChanged"), "slipway-deploy");
    let by_code_deploy = id("CodeDeployChanged");
    let schedule = installed.schedule(&id("Reconcile"), &id("Schedules")).await;
    let with = |state: &str| {
        let mut schedule = schedule.clone();
        schedule["State"] = json!(state);
        vec![("scheduler", "UpdateSchedule", schedule)]
    };
    let concurrency = json!({ "FunctionName": deploy, "ReservedConcurrentExecutions": 0 });
    let alias = json!({ "FunctionName": deploy, "Name": "operate" });
    let alias_again = json!({ "FunctionName": deploy, "Name": "operate", "FunctionVersion": "$LATEST" });
    let token = json!({ "Name": "/slipway/slack-token" });
    let token_again = json!({ "Name": "/slipway/slack-token", "Type": "SecureString", "Value": "xoxb-token" });
    let document = json!({ "Name": "/slipway/config" });
    let document_again = json!({ "Name": "/slipway/config", "Type": "String", "Value": CONFIG });
    let failed = id("DeployFailed");
    let message = json!({ "QueueUrl": failed, "MessageBody": "{}" });
    let (unsubscribe, subscribe) = installed.subscriptions(&id("Notices")).await;
    let pager = json!({ "TopicArn": id("Notices"), "Protocol": "https", "Endpoint": "https://127.0.0.1:9/pager", "ReturnSubscriptionArn": true });
    let weaker = |actions: &[&str]| {
        let document = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] });
        vec![(
            "iam",
            "PutRolePolicy",
            json!({ "RoleName": "api-execution", "PolicyName": "pull", "PolicyDocument": document.to_string() }),
        )]
    };
    #[rustfmt::skip]
    let rows = vec![
        // The last one stays: nobody has the ARN of a subscription that is not confirmed.
        row("a rule that is off", Account(vec![("events", "DisableRule", json!({ "Name": pushed }))], vec![("events", "EnableRule", json!({ "Name": pushed }))]), "error rule_disabled", "rule DeployFunctionImagePushed", "is DISABLED, so no push is deployed", "aws events enable-rule --name"),
        row("another rule that is off", Account(vec![("events", "DisableRule", json!({ "Name": changed }))], vec![("events", "EnableRule", json!({ "Name": changed }))]), "error rule_disabled", "rule TrackFunctionDeploymentChanged", "does not hear how deployments go on", "aws events enable-rule --name"),
        row("the rule for CodeDeploy that is off", Account(vec![("events", "DisableRule", json!({ "Name": by_code_deploy }))], vec![("events", "EnableRule", json!({ "Name": by_code_deploy }))]), "error rule_disabled", "rule CodeDeployChanged", "Slipway does not hear how CodeDeploy's deployments go on", "aws events enable-rule --name"),
        row("a schedule that is off", Account(with("DISABLED"), with("ENABLED")), "error schedule_disabled", "schedule Reconcile", "is DISABLED", "Enable the schedule"),
        row("a function that is stopped", Account(vec![("lambda", "PutFunctionConcurrency", concurrency)], vec![("lambda", "DeleteFunctionConcurrency", json!({ "FunctionName": deploy }))]), "error function_stopped", "function DeployFunction", "reserved concurrency of 0, so nothing is deployed", "aws lambda delete-function-concurrency --function-name slipway-deploy"),
        row("an alias that is gone", Account(vec![("lambda", "DeleteAlias", alias)], vec![("lambda", "CreateAlias", alias_again)]), "error alias_missing", "alias OperateAlias", "slipway-deploy:operate is gone", "aws lambda create-alias"),
        row("a secret that is gone", Account(vec![("ssm", "DeleteParameter", token)], vec![("ssm", "PutParameter", token_again)]), "error slack_secret_missing", "SlackTokenParameter", "there is no parameter /slipway/slack-token", "aws ssm put-parameter --name /slipway/slack-token"),
        row("a configuration that is gone", Account(vec![("ssm", "DeleteParameter", document)], vec![("ssm", "PutParameter", document_again)]), "error configuration_missing", "ssm:/slipway/config", "it is not there, so nothing is deployed", "aws ssm put-parameter --name /slipway/config"),
        row("events that could not be delivered", Account(vec![("sqs", "SendMessage", message)], vec![("sqs", "PurgeQueue", json!({ "QueueUrl": failed }))]), "warning queue_not_empty", "queue DeployFailed", "about 1 message waits there", "aws sqs receive-message"),
        row("nobody who gets notices", Account(unsubscribe, subscribe), "error no_subscription", "topic Notices", "so nobody gets notices", "aws sns subscribe --topic-arn"),
        row("a role that lost its permission", Account(weaker(&["logs:*", "ecr:GetAuthorizationToken"]), weaker(&["ecr:*", "logs:*"])), "error cannot_pull", "prod/api", "lacks ecr:BatchGetImage and ecr:GetDownloadUrlForLayer", "Allow ecr:BatchGetImage and"),
        row("a subscription that nobody confirmed", Account(vec![("sns", "Subscribe", pager.clone())], vec![]), "warning subscription_pending", "topic Notices", "https https://127.0.0.1:9/pager has not confirmed", "Open the link"),
    ];
    rows
}

/// Makes the services and repositories that the document of no healthy setup names.
async fn plant_services(installed: &Installed) {
    let world = &installed.world;
    let image = |repository: &str, tag: &str| {
        let repository_image = Image::single(repository).built_for("amd64");
        world.push(repository, [tag], &repository_image);
    };
    // A service of this name, whose definition and request are changed.
    let make = |name: &str, change: &dyn Fn(&mut Value), ask: &dyn Fn(&mut Value)| {
        let mut wrong = definition("web");
        wrong["family"] = json!(format!("bad-{name}"));
        change(&mut wrong);
        let family = wrong["family"].as_str().unwrap_or_default().to_owned();
        world.register(wrong);
        let mut request = service(name, &family);
        ask(&mut request);
        world.running_service(request);
    };
    let role = |name: &str| json!(format!("arn:aws:iam::123456789012:role/{name}"));
    let as_it_is = |_: &mut Value| {};
    let container =
        |definition: &mut Value, member: &str, value: Value| definition["containerDefinitions"][0][member] = value;
    make("gone", &|it| container(it, "name", json!("gone")), &as_it_is);
    world.by_hand("ECS.DeleteService", json!({ "cluster": "prod", "service": "gone", "force": true }));
    for name in ["legacy", "astray", "unread", "billing", "pay"] {
        make(name, &as_it_is, &|it| *it = under_code_deploy(it.take(), "web"));
    }
    for name in ["unread", "pay"] {
        world.under_code_deploy("prod", name, &json!({}));
    }
    world.deploy_unread_revision("prod", "unread", "bad-unread:1", ("web", PORT.into()));
    let _: Moved = world.move_code_deploy("prod", "unread", CodeDeployStage::Ended);
    make_group(world, ("billing", "blue-green"), ("prod", "billing"));
    make("external", &as_it_is, &|it| it["deploymentController"] = json!({ "type": "EXTERNAL" }));
    for port in [json!({ "containerPort": 8080, "name": "http" }), json!({ "containerPort": 8080 })] {
        let mut gateway = definition("web");
        gateway["family"] = json!("bad-gateway");
        container(&mut gateway, "name", json!("Main"));
        container(&mut gateway, "portMappings", json!([port]));
        let revision = world.register(gateway);
        if revision.ends_with(":1") {
            world.running_express_service("prod", "gateway", &revision);
        }
    }
    image("shop/worker", "1.0.0");
    make("worker", &as_it_is, &as_it_is);
    world.by_hand("ECR.CreateRepository", json!({ "repositoryName": "shop/empty" }));
    make("fresh", &|it| container(it, "name", json!("fresh")), &as_it_is);
    make("secret", &|it| container(it, "secrets", json!([{ "name": "TOKEN", "valueFrom": "/token" }])), &as_it_is);
    let environment = |value: &str| json!([{ "name": "STAGE", "value": value }]);
    make(
        "one",
        &|it| {
            it["family"] = json!("bad-shared");
            container(it, "environment", environment("one"));
        },
        &as_it_is,
    );
    make(
        "two",
        &|it| {
            it["family"] = json!("bad-shared");
            container(it, "environment", environment("two"));
        },
        &as_it_is,
    );
    make("arm", &|it| it["runtimePlatform"] = json!({ "cpuArchitecture": "ARM64" }), &as_it_is);
    make("idle", &as_it_is, &|it| it["desiredCount"] = json!(0));
    make("bare", &as_it_is, &|it| it["deploymentConfiguration"] = json!({}));
    make("norole", &|it| drop(it.as_object_mut().and_then(|it| it.remove("executionRoleArn"))), &as_it_is);
    for name in ["lost", "weak", "mute"] {
        make(name, &|it| it["executionRoleArn"] = role(&format!("{name}-execution")), &as_it_is);
    }
    installed.role("weak-execution").await;
    installed.allow("weak-execution", &["logs:*", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"]).await;
    installed.role("mute-execution").await;
    installed.allow("mute-execution", &["ecr:*", "logs:CreateLogStream"]).await;
    make("admin", &|it| it["taskRoleArn"] = role("admin"), &as_it_is);
    make("web", &|it| it["family"] = json!("bad-staging"), &|it| it["cluster"] = json!("staging"));
    make("foreign", &|it| it["family"] = json!("foreign"), &as_it_is);
    image("tools/tool", "1.0.0");
    let of = |image: &str| json!(format!("{image}:1.0.0"));
    make(
        "tool",
        &|it| container(it, "image", of("123456789012.dkr.ecr.eu-west-1.amazonaws.com/tools/tool")),
        &as_it_is,
    );
    make(
        "logger",
        &|it| it["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-group"] = json!("/other/logger"),
        &as_it_is,
    );
    let elsewhere = Place { account: "999999999999".to_owned(), ..Place::default() };
    for name in ["lib", "closed"] {
        let repository = format!("shop/{name}");
        world.push_to(&elsewhere, &repository, ["1.0.0"], &Image::single(name).built_for("amd64"));
        let image = of(&format!("999999999999.dkr.ecr.eu-west-1.amazonaws.com/{repository}"));
        make(name, &|it| container(it, "image", image.clone()), &as_it_is);
    }
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"],
    }] });
    world.by_hand(
        "ECR.SetRepositoryPolicy",
        json!({ "registryId": "999999999999", "repositoryName": "shop/lib", "policyText": policy.to_string() }),
    );
}

/// Plants these rows together, checks, and takes them back.
async fn found(installed: &Installed, rows: &[Row]) -> Vec<Value> {
    let (mut config, mut parameters, mut is_installed) = (CONFIG.to_owned(), None, false);
    for row in rows {
        match &row.plant {
            Plant::Target(line) => config.push_str(&format!("  - {line}\n")),
            Plant::Document(right, wrong) => config = CONFIG.replacen(right, wrong, 1),
            Plant::Parameters(changes) => parameters = Some(*changes),
            Plant::Both(line, changes) => {
                config.push_str(&format!("  - {line}\n"));
                parameters = Some(*changes);
            }
            Plant::Account(plant, _) => {
                all(installed, plant).await;
                is_installed = true;
            }
        }
    }
    let mut words = Vec::new();
    if !is_installed {
        words.extend(["--config".to_owned(), installed.file("slipway.yaml", &config)]);
    }
    if let Some(changes) = parameters {
        words.extend(["--parameters".to_owned(), installed.file("parameters.json", &installed.parameters(changes))]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let findings = installed.findings(&words).await;
    for row in rows {
        if let Plant::Account(_, undo) = &row.plant {
            all(installed, undo).await;
        }
    }
    findings
}

async fn all(installed: &Installed, calls: &[Asked]) {
    for (service, operation, input) in calls {
        installed.ask(service, operation, input.clone()).await;
    }
}

/// What is wrong with what was found of rows that were planted together: a row that is not found, and what no row expects.
fn judged(rows: &[Row], findings: &[Value]) -> Vec<String> {
    let text = |finding: &Value, member: &str| finding[member].as_str().unwrap_or_default().to_owned();
    let is_of = |row: &Row, it: &Value| {
        format!("{} {}", text(it, "level"), text(it, "code")) == row.finding
            && text(it, "text").contains(row.text)
            && text(it, "fix").contains(row.fix)
            && (text(it, "level") == "note" || !text(it, "fix").is_empty())
    };
    let is_found = |row: &Row| findings.iter().any(|it| is_of(row, it) && text(it, "place") == row.place);
    let missing = rows.iter().filter(|row| !is_found(row));
    let missing = missing.map(|row| format!("not found: {}: {} of {}", row.name, row.finding, row.place));
    let is_expected = |it: &Value| {
        let code = text(it, "code");
        rows.iter().any(|row| {
            let own = row.finding.split(' ').nth(1) == Some(code.as_str());
            // One mistake of the document may concern both services, but for what is a target's own.
            let of_place = !matches!(row.plant, Plant::Target(_)) || text(it, "place") == row.place;
            (own && of_place) || row.also.contains(&code.as_str())
        })
    };
    // Notes say what is so beside the mistake: that services share a family, that a file is checked.
    let judged = findings.iter().filter(|it| it["level"] != "note");
    let unexpected = judged.filter(|it| !is_expected(it)).map(|it| format!("not expected: {it:#}"));
    let wrong: Vec<String> = missing.chain(unexpected).collect();
    match wrong.is_empty() {
        true => wrong,
        false => [wrong, vec![format!("found: {:#}", json!(findings))]].concat(),
    }
}

#[tokio::test]
async fn each_planted_mistake_is_found() {
    let installed = Installed::new().await;
    plant_services(&installed).await;
    assert_eq!(installed.findings(&[]).await, [Value::Null; 0], "all is fine");
    let file = installed.file("slipway.yaml", CONFIG);
    let parameters = installed.file("parameters.json", &installed.parameters(&[]));
    let words = ["--config", &file, "--parameters", &parameters];
    assert_eq!(installed.findings(&words).await, [Value::Null; 0], "all is fine with files, too");
    let mut rows = in_the_document();
    rows.extend(in_the_parameters());
    rows.extend(in_the_account(&installed).await);
    println!("{} mistakes", rows.len());
    assert!(rows.len() >= 50);
    // All targets that are wrong are checked together, as everything is found at once.
    let (together, alone): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| matches!(row.plant, Plant::Target(_)));
    let mut wrong = judged(&together, &found(&installed, &together).await);
    for row in &alone {
        let row = std::slice::from_ref(row);
        wrong.extend(judged(row, &found(&installed, row).await));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    installed.remove_pending().await;
    assert_eq!(installed.findings(&[]).await, [Value::Null; 0], "all is fine again");
    installed.end();
}
