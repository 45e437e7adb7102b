//! An installed Slipway for `slipway check`: the real template in the emulator, World in front of it, and two services that are as
//! they should be. The functions' code is never run, so any file stands for it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use e2e::emulator::{self, Account, Client, FUNCTIONS, MiniStack};
use e2e::world::{Image, Place, World};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::code_deploy::PORT;
use crate::harness::Ran;

/// The configuration of the two services.
pub(crate) const CONFIG: &str = r##"version: 1
defaults: { cluster: prod, tags: { semver: "*" }, notify: [{ slack: "#deploys" }] }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/api, service: api }
"##;

/// The parameters of the stack.
pub(crate) const PARAMETERS: [(&str, &str); 8] = [
    ("PassRoleArns", "arn:aws:iam::123456789012:role/*-execution,arn:aws:iam::123456789012:role/web-task"),
    ("Services", "prod/*"),
    ("TaskDefinitionFamilies", "web,api,bad-*"),
    ("Repositories", "shop/*"),
    ("TaskLogGroups", "/ecs/*"),
    ("CodeDeployApplications", "AppECS-*"),
    ("SlackTokenParameter", "/slipway/slack-token"),
    ("NoticeEmail", "ana@example.com"),
];

/// A call: service, operation, input.
pub(crate) type Asked = (&'static str, &'static str, Value);

/// Slipway, installed.
pub(crate) struct Installed {
    /// AWS.
    pub(crate) world: World,
    client: Arc<Client>,
    account: Account,
    home: PathBuf,
    // Dropped last.
    _emulator: MiniStack,
}

impl Installed {
    /// Installs it, and makes the services.
    pub(crate) async fn new() -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{}", fastrand::u64(..)));
        let functions = home.join("functions");
        for function in FUNCTIONS {
            std::fs::create_dir_all(functions.join(function)).expect("a folder");
            std::fs::write(functions.join(function).join("bootstrap"), "#!/bin/sh\n").expect("a file");
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let emulator = MiniStack::start(&format!("http://{address}"), &mut |_| {}).expect("the emulator starts");
        let builder = World::before(&emulator.url(), emulator::models());
        let world = builder.place(Place::default()).listen_on(listener).in_real_time().start().await;
        let client = Arc::new(Client::start(&emulator.url(), &mut |_| {}).expect("a client"));
        let account = Account::new(&world.place().account);
        for (name, kind, value) in
            [("/slipway/config", "String", CONFIG), ("/slipway/slack-token", "SecureString", "xoxb-token")]
        {
            let parameter = json!({ "Name": name, "Type": kind, "Value": value });
            client.call(&account, "ssm", "PutParameter", parameter).await.expect("a parameter");
        }
        emulator::deploy(&client, &account, "slipway", &functions, &PARAMETERS).await.expect("a stack");
        let installed = Self { world, client, account, home, _emulator: emulator };
        for role in ["web-execution", "web-task", "api-execution"] {
            installed.role(role).await;
        }
        for name in ["web", "api"] {
            installed.runs(name);
        }
        installed
    }

    /// Asks the emulator, as a person does.
    pub(crate) async fn ask(&self, service: &str, operation: &str, input: Value) -> Value {
        let answer = self.client.call(&self.account, service, operation, input).await;
        answer.unwrap_or_else(|error| panic!("{service} {operation}: {error}"))
    }

    /// Makes a role that may pull and write logs.
    pub(crate) async fn role(&self, name: &str) {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole",
        }] });
        let role = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
        self.ask("iam", "CreateRole", role).await;
        self.allow(name, &["ecr:*", "logs:*"]).await;
    }

    /// Gives a role exactly these actions.
    pub(crate) async fn allow(&self, name: &str, actions: &[&str]) {
        let document = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": actions, "Resource": "*" },
        ] });
        let policy = json!({ "RoleName": name, "PolicyName": "pull", "PolicyDocument": document.to_string() });
        self.ask("iam", "PutRolePolicy", policy).await;
    }

    /// Makes the service `prod/NAME` as it should be, running 1.4.2.
    pub(crate) fn runs(&self, name: &str) {
        let image = Image::single(&format!("{name} 1.4.2")).built_for("amd64");
        self.world.push(&format!("shop/{name}"), ["1.4.2"], &image);
        self.world.register(definition(name));
        self.world.running_service(service(name, name));
    }

    /// Writes a file beside the command, and gives its name.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.home.join(name), text).expect("a file");
        name.to_owned()
    }

    /// The parameters as a file, with changes: a value of `None` leaves one out.
    pub(crate) fn parameters(&self, changes: &[(&str, Option<&str>)]) -> String {
        let mut all: Vec<(&str, &str)> = PARAMETERS.to_vec();
        for (key, value) in changes {
            all.retain(|(known, _)| known != key);
            all.extend(value.map(|value| (*key, value)));
        }
        let pairs: Vec<Value> =
            all.iter().map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value })).collect();
        json!(pairs).to_string()
    }

    /// Runs `slipway check` with these words.
    pub(crate) async fn check(&self, words: &[&str]) -> Ran {
        let output = self.command(words).output().await.expect("the command ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Ran { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What `slipway check` finds with these words, as a document that fits the schema.
    pub(crate) async fn findings(&self, words: &[&str]) -> Vec<Value> {
        let ran = self.check(&[words, &["--output", "json"]].concat()).await;
        let answer = crate::json::fitting(&ran);
        let counts = answer["counts"].as_object().expect("counts");
        let all = answer["findings"].as_array().expect("findings").clone();
        let has_error = all.iter().any(|it| it["level"] == "error");
        assert_eq!((ran.code, &answer["ok"]), (i32::from(has_error), &json!(!has_error)), "{answer:#}");
        for level in ["error", "warning", "not_checked", "note"] {
            assert_eq!(counts[level], all.iter().filter(|it| it["level"] == level).count(), "{answer:#}");
        }
        all
    }

    /// The name or ARN of each part of the stack.
    pub(crate) async fn physical(&self) -> BTreeMap<String, String> {
        let listed = self.ask("cloudformation", "ListStackResources", json!({ "StackName": "slipway" })).await;
        let text = |it: &Value, member: &str| it[member].as_str().unwrap_or_default().to_owned();
        let all = listed["StackResourceSummaries"].as_array().expect("resources").iter();
        all.map(|it| (text(it, "LogicalResourceId"), text(it, "PhysicalResourceId"))).collect()
    }

    /// A schedule, as `UpdateSchedule` takes it.
    pub(crate) async fn schedule(&self, name: &str, group: &str) -> Value {
        let name = name.rsplit(['/', '|']).next().unwrap_or(name);
        let group = group.rsplit('/').next().unwrap_or(group);
        let found = self.ask("scheduler", "GetSchedule", json!({ "Name": name, "GroupName": group })).await;
        let taken = ["Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target"];
        Value::Object(taken.iter().map(|member| ((*member).to_owned(), found[*member].clone())).collect())
    }

    /// The calls that end every subscription to a topic, and those that make them again.
    pub(crate) async fn subscriptions(&self, topic: &str) -> (Vec<Asked>, Vec<Asked>) {
        let listed = self.ask("sns", "ListSubscriptionsByTopic", json!({ "TopicArn": topic })).await;
        let all = listed["Subscriptions"].as_array().expect("subscriptions");
        let end = |it: &Value| ("sns", "Unsubscribe", json!({ "SubscriptionArn": it["SubscriptionArn"] }));
        let again = |it: &Value| {
            ("sns", "Subscribe", json!({ "TopicArn": topic, "Protocol": it["Protocol"], "Endpoint": it["Endpoint"] }))
        };
        (all.iter().map(end).collect(), all.iter().map(again).collect())
    }

    /// Removes the subscriptions that nobody confirmed, as SNS does by itself after two days.
    pub(crate) async fn remove_pending(&self) {
        let listed = self.ask("sns", "ListSubscriptions", json!({})).await;
        for it in listed["Subscriptions"].as_array().into_iter().flatten().filter(|it| it["Protocol"] == "https") {
            self.ask("sns", "Unsubscribe", json!({ "SubscriptionArn": it["SubscriptionArn"] })).await;
        }
    }

    /// The command, in an environment of its own.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        command
            .arg("check")
            .args(words)
            .current_dir(&self.home)
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The environment of the command.
    pub(crate) fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("HOME", self.home.display().to_string()),
            ("AWS_ACCESS_KEY_ID", self.account.to_string()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_ENDPOINT_URL", self.world.url().to_owned()),
        ]
    }

    /// Where the command runs.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Judges the world: the check only read.
    pub(crate) fn end(self) {
        std::fs::remove_dir_all(&self.home).expect("the home is there");
        self.world.take_events();
        self.world.finish();
    }
}

/// The task definition of `NAME` as it should be.
pub(crate) fn definition(name: &str) -> Value {
    let mut definition = json!({
        "family": name,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": format!("arn:aws:iam::123456789012:role/{name}-execution"),
        "containerDefinitions": [{
            "name": name,
            "image": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/{name}:1.4.2"),
            "essential": true,
            "portMappings": [{ "containerPort": PORT }],
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": format!("/ecs/{name}"), "awslogs-region": "eu-west-1", "awslogs-stream-prefix": name,
            } },
        }],
    });
    if name == "web" {
        definition["taskRoleArn"] = json!("arn:aws:iam::123456789012:role/web-task");
    }
    definition
}

/// The service `prod/NAME` as it should be, which runs the latest revision of a family.
pub(crate) fn service(name: &str, family: &str) -> Value {
    json!({
        "cluster": "prod",
        "serviceName": name,
        "taskDefinition": family,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d"] } },
        "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } },
    })
}
