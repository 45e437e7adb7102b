//! A world in which services run, Lambda in front of the deploy function, and the command beside them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use e2e::emulator;
use e2e::examples::service;
use e2e::lambda::{Function, Lambda};
use e2e::world::{Image, Push, World};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A configuration for `prod/web` and `prod/api`, whose images are versions.
pub(crate) const TWO: &str = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/api, service: api }
"#;

/// A fleet, and who works with it.
pub(crate) struct Fleet {
    /// AWS.
    pub(crate) world: World,
    /// The deploy function, as the command reaches it.
    pub(crate) lambda: Lambda,
    /// The home of whoever works with it, in which they are; deleted in the end.
    home: PathBuf,
}

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// The standard output.
    pub(crate) out: String,
    /// The standard error.
    pub(crate) err: String,
}

impl Fleet {
    /// A world with this configuration, in which nothing runs yet.
    pub(crate) async fn configured(config: &str) -> Self {
        let world = World::alone(emulator::models()).start().await;
        world.topic("slipway-notices");
        world.parameter("/slipway/config", config);
        world.table("slipway");
        world.schedule_group("slipway");
        let lambda = Lambda::start(&world).await;
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(world.url().replace([':', '/'], ""));
        std::fs::create_dir_all(&home).expect("a home");
        Self { world, lambda, home }
    }

    /// `prod/web` and `prod/api` run 1.4.2 with two tasks each, as Terraform made them.
    pub(crate) async fn of_two() -> Self {
        let fleet = Self::configured(TWO).await;
        for name in ["web", "api"] {
            fleet.runs(name, "1.4.2");
        }
        fleet
    }

    /// Makes the service `prod/NAME`, which runs `shop/NAME` with this tag.
    pub(crate) fn runs(&self, name: &str, tag: &str) {
        self.runs_image_of(&format!("shop/{name}"), name, tag);
    }

    /// Makes the service `prod/NAME`, which runs this repository's image with this tag.
    pub(crate) fn runs_image_of(&self, repository: &str, name: &str, tag: &str) {
        self.world.push(repository, [tag], &Image::single(&format!("{name} {tag}")));
        self.world.register(json!({
            "family": name,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{
                "name": name,
                "image": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{repository}:{tag}"),
                "essential": true,
            }],
        }));
        self.world.running_service(service(name, 2));
    }

    /// Pushes an image of `shop/NAME` whose event does not come yet.
    pub(crate) fn push(&self, name: &str, tag: &str) -> Push {
        self.push_to(&format!("shop/{name}"), tag)
    }

    /// Pushes an image of any repository whose event does not come yet.
    pub(crate) fn push_to(&self, repository: &str, tag: &str) -> Push {
        self.world.push(repository, [tag], &Image::single(&format!("{repository} {tag}")))
    }

    /// Pushes an image of `shop/NAME`, and delivers the event.
    pub(crate) async fn pushed(&self, name: &str, tag: &str) {
        let push = self.push(name, tag);
        self.deploy(&push.event()).await;
    }

    /// Delivers an event to the deploy function.
    pub(crate) async fn deploy(&self, payload: &Value) {
        self.lambda.deliver(Function::Deploy, payload).await;
        self.world.advance(Duration::from_secs(1));
    }

    /// Delivers events of ECS to the track function.
    pub(crate) async fn follow(&self, events: Vec<Value>) {
        for payload in events {
            self.lambda.deliver(Function::Track, &payload).await;
            self.world.advance(Duration::from_secs(1));
        }
    }

    /// The deployment of `prod/NAME` completes.
    pub(crate) async fn completes(&self, name: &str) {
        let events = self.world.complete("prod", name).events;
        self.follow(events).await;
    }

    /// Runs the command with these words, and nobody to ask.
    pub(crate) async fn slipway(&self, words: &[&str]) -> Ran {
        self.slipway_with(words, &[], "").await
    }

    /// The same, with more of an environment and something on the standard input.
    pub(crate) async fn slipway_with(&self, words: &[&str], environment: &[(&str, &str)], input: &str) -> Ran {
        let mut child = self.command(words).envs(environment.iter().copied()).spawn().expect("the command starts");
        let mut stdin = child.stdin.take().expect("a standard input");
        stdin.write_all(input.as_bytes()).await.expect("the command reads");
        drop(stdin);
        Ran::of(child.wait_with_output().await.expect("the command ends"))
    }

    /// The folder in which the command runs, deleted in the end.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The command, in an environment of its own.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_slipway"));
        command.args(words).current_dir(&self.home);
        command
    }

    /// Any program, in the environment in which a person or a build runs the command.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Of whoever works with the fleet.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HOME", self.home.display().to_string()),
            ("AWS_ACCESS_KEY_ID", "ana".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_ENDPOINT_URL", self.world.url().to_owned()),
            ("AWS_ENDPOINT_URL_LAMBDA", self.lambda.url().to_owned()),
            ("AWS_ENDPOINT_URL_STS", self.lambda.url().to_owned()),
        ]
    }

    /// Judges the world.
    pub(crate) fn end(self) {
        std::fs::remove_dir_all(&self.home).expect("the home is there");
        self.world.take_calls();
        self.world.notices();
        self.world.take_events();
        self.world.finish();
    }
}

impl Ran {
    /// What a process printed, and its exit code.
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The exit code and what was printed, as a snapshot shows it; how long it took is another each time.
    pub(crate) fn shown(&self) -> String {
        let time = regex::Regex::new(r"after \d+ s|\[0:\d\d\]").expect("a pattern");
        let out = time.replace_all(&self.out, |found: &regex::Captures<'_>| match found[0].starts_with('[') {
            true => "[0:00]",
            false => "after 0 s",
        });
        let err = time.replace_all(&self.err, |found: &regex::Captures<'_>| match found[0].starts_with('[') {
            true => "[0:00]",
            false => "after 0 s",
        });
        let id = regex::Regex::new("cli-[0-9a-f]{16}").expect("a pattern");
        let err = id.replace_all(&err, "cli-0123456789abcdef");
        let err = if err.is_empty() { String::new() } else { format!("--- stderr\n{err}") };
        format!("exit {}\n{out}{err}", self.code)
    }
}
