//! A stage: the template deployed into the emulator with the real functions, World in front of it, a queue that
//! listens to the notices, and a Slack. The demo and the stack test play on it.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use crate::bootstraps::{self, Build};
use crate::emulator::{Account, Client, Error, Inbox, MiniStack, Result, Stack, deploy, models};
use crate::slack::Slack;
use crate::world::{Place, World};

/// The roles that Slipway may pass on the stage: of its task definitions, and of those in `infra/examples`.
pub const ROLES: [&str; 8] = [
    "arn:aws:iam::123456789012:role/web-execution",
    "arn:aws:iam::123456789012:role/web-task",
    "arn:aws:iam::123456789012:role/shop-execution",
    "arn:aws:iam::123456789012:role/shop-task",
    "arn:aws:iam::123456789012:role/orders-execution",
    "arn:aws:iam::123456789012:role/orders-task",
    "arn:aws:iam::123456789012:role/checkout-execution",
    "arn:aws:iam::123456789012:role/checkout-task",
];

/// A deployed Slipway.
#[derive(Debug)]
pub struct Stage {
    /// AWS.
    pub world: World,
    /// The deployed template.
    pub stack: Stack,
    /// A queue that is subscribed to the notices.
    pub inbox: Inbox,
    /// Where the slack function posts.
    pub slack: Slack,
    // Dropped last: it runs the functions.
    emulator: MiniStack,
}

impl Stage {
    /// Starts everything, and deploys the template with this configuration document and this build of the functions.
    pub async fn set(config: &str, build: Build, progress: &mut dyn FnMut(&str)) -> Result<Self> {
        let lambda = bootstraps::ready(build, progress)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| Error::new("starting World", error))?;
        let address = listener.local_addr().map_err(|error| Error::new("starting World", error))?;
        let place = Place::default();
        let account = Account::new(&place.account);
        let emulator = MiniStack::start(&format!("http://{address}"), progress)?;
        let world =
            World::before(&emulator.url(), models()).place(place).listen_on(listener).in_real_time().start().await;
        let client = Arc::new(Client::start(&emulator.url(), progress)?);
        let slack = Slack::start().await;
        progress("Deploying infra/template.yaml, by aws cloudformation package and deploy.");
        for (name, kind, value) in
            [("/slipway/config", "String", config), ("/slipway/slack-token", "SecureString", slack.token().as_str())]
        {
            let parameter = serde_json::json!({ "Name": name, "Type": kind, "Value": value });
            client.call(&account, "ssm", "PutParameter", parameter).await?;
        }
        let roles = ROLES.join(",");
        let parameters = [
            ("PassRoleArns", roles.as_str()),
            ("SlackTokenParameter", "/slipway/slack-token"),
            ("SlackApi", slack.api()),
            ("CodeDeployApplications", "AppECS-*,shop"),
            ("RestoreArchivedImages", "true"),
            ("Architecture", "x86_64"),
        ];
        let stack = deploy(&client, &account, "slipway", &lambda, &parameters).await?;
        let inbox = stack.inbox().await?;
        world.take_calls();
        Ok(Self { world, stack, inbox, slack, emulator })
    }

    /// Runs the command as a person does who may ask for everything; what it prints, and its exit code.
    pub async fn slipway(&self, words: &[&str]) -> Result<(String, i32)> {
        let failed =
            |error: &dyn std::fmt::Display| Error::new(format!("slipway {}", words.join(" ")), error.to_string());
        let output = tokio::process::Command::new(bootstraps::command()?)
            .args(words)
            .env("AWS_ENDPOINT_URL", self.emulator.url())
            .env("AWS_ACCESS_KEY_ID", &self.world.place().account)
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", &self.world.place().region)
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .map_err(|error| failed(&error))?;
        let code = output.status.code().ok_or_else(|| failed(&"it was killed"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if code >= 64 {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        Ok((text, code))
    }

    /// Delivers an event as EventBridge would, and waits until the functions that its rules call have ended; whether
    /// any was called.
    pub async fn deliver(&self, event: &Value) -> Result<Delivered> {
        let rules = self.stack.rules_for(event).await?;
        let functions: Vec<String> = rules
            .iter()
            .flat_map(|rule| &rule.functions)
            .filter_map(|arn| Some(arn.rsplit_once("slipway-")?.1.to_owned()))
            .collect();
        let mut before = Vec::new();
        for function in &functions {
            before.push(self.ended(function).await?);
        }
        self.stack.deliver(event).await?;
        for (function, before) in functions.iter().zip(before) {
            self.until(&format!("{function} ends"), async || Ok(self.ended(function).await? > before)).await?;
        }
        Ok(if functions.is_empty() { Delivered::ToNobody } else { Delivered::ToFunctions })
    }

    /// Waits until some function has made such a call, `ECS.UpdateService`, that nobody has read yet.
    pub async fn until_called(&self, call: &str, patience: Duration) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < patience {
            if self.world.unread().iter().any(|one| one.name() == call && one.status.is_some()) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(Error::new(format!("waiting until {call} is called"), format!("it never was; see {}", self.log())))
    }

    /// The emulator's log, for a failure.
    pub fn log(&self) -> String {
        self.emulator.log().display().to_string()
    }

    /// How often a function has ended an invocation so far.
    async fn ended(&self, function: &str) -> Result<usize> {
        let log = self.stack.log(function).await?;
        Ok(log.iter().filter(|line| line.contains("END RequestId")).count())
    }

    async fn until(&self, what: &str, seen: impl AsyncFn() -> Result<bool>) -> Result<()> {
        for _ in 0..1_200 {
            if seen().await? {
                return Ok(());
            }
            sleep(Duration::from_millis(25)).await;
        }
        Err(Error::new(format!("waiting until {what}"), format!("half a minute went by; see {}", self.log())))
    }
}

/// Whether an event's rules called anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// No rule matched.
    ToNobody,
    /// A function was called, and has ended.
    ToFunctions,
}
