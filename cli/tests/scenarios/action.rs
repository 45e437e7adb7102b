//! The action `infra/wait`: its steps as they stand in its file, with a release behind HTTP and the real command.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::emulator::{Environment, Python};
use e2e::world::Failure;
use insta::assert_snapshot;
use serde_json::{Map, Value};

use crate::harness::{Fleet, Ran};
use crate::released::{ROOT, Release, VERSION, archive};

/// A step of a workflow that uses the action, on a runner of its own.
pub(crate) struct Step {
    inputs: Map<String, Value>,
    /// Where the runner keeps what it deletes after the job.
    temp: PathBuf,
    /// The search path; what comes first is found first.
    path: String,
}

impl Step {
    /// With these inputs and no other.
    pub(crate) fn with(name: &str, inputs: &[(&str, &str)]) -> Self {
        let temp = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&temp);
        fs::create_dir_all(&temp).expect("a folder");
        let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        Self { inputs, temp, path: std::env::var("PATH").expect("a search path") }
    }

    /// On a machine of which `uname` says this.
    fn on(mut self, system: &str, machine: &str) -> Self {
        let uname = self.temp.join("uname");
        fs::write(&uname, format!("#!/bin/sh\n[ \"$1\" = -s ] && echo {system} || echo {machine}\n")).expect("a file");
        fs::set_permissions(&uname, fs::Permissions::from_mode(0o755)).expect("a program");
        self.path = format!("{}:{}", self.temp.display(), self.path);
        self
    }

    /// Runs the action's steps one after the other, as a runner does, until one fails; what they printed together.
    pub(crate) async fn run(mut self, fleet: &Fleet) -> Ran {
        let action = yaml(&format!("{ROOT}/infra/wait/action.yml"));
        self.fill_in(&action["inputs"]);
        let mut all = Ran { code: 0, out: String::new(), err: String::new() };
        for step in action["runs"]["steps"].as_array().expect("steps") {
            let ran = self.one(fleet, step).await;
            all = Ran { code: ran.code, out: all.out + &ran.out, err: all.err + &ran.err };
            if all.code != 0 {
                break;
            }
        }
        fs::remove_dir_all(&self.temp).expect("it is there");
        all
    }

    /// The inputs that are not given; each that is given exists, and each that is required is given.
    fn fill_in(&mut self, known: &Value) {
        for name in self.inputs.keys() {
            assert!(!known[name].is_null(), "the action has no input {name}");
        }
        for (name, input) in known.as_object().expect("inputs") {
            assert!(input["required"] != true || self.inputs.contains_key(name), "{name} is required");
            self.inputs
                .entry(name.as_str())
                .or_insert_with(|| input.get("default").cloned().unwrap_or_else(|| "".into()));
        }
    }

    async fn one(&mut self, fleet: &Fleet, step: &Value) -> Ran {
        let script = step["run"].as_str().expect("a script");
        assert!(!script.contains("${{"), "a value must not become part of a script: {script}");
        assert_eq!(step["shell"], "bash");
        let (file, paths) = (self.temp.join("step.sh"), self.temp.join("paths"));
        fs::write(&file, script).expect("a file");
        fs::write(&paths, "").expect("a file");
        // How a runner calls it: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
        let mut bash = fleet.program("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file).current_dir(&self.temp);
        bash.env("PATH", &self.path).env("RUNNER_TEMP", &self.temp).env("GITHUB_PATH", &paths);
        bash.env("GITHUB_ACTIONS", "true").env("GITHUB_ACTION_PATH", format!("{ROOT}/infra/wait"));
        for (name, value) in step["env"].as_object().expect("an environment") {
            bash.env(name, self.expressed(value.as_str().expect("text")));
        }
        let ran = Ran::of(bash.output().await.expect("bash runs"));
        for path in fs::read_to_string(&paths).expect("the file is there").lines() {
            self.path = format!("{path}:{}", self.path);
        }
        ran
    }

    /// The value of `${{ inputs.NAME }}`, or of `${{ inputs.NAME || … }}` where the input is given.
    fn expressed(&self, expression: &str) -> String {
        let inner = expression.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}"));
        let inner = inner.unwrap_or_else(|| panic!("{expression} is no input"));
        let (name, otherwise) = inner.split_once(" || ").unwrap_or((inner, ""));
        let value = self.inputs[name].as_str().expect("text");
        assert!(otherwise.is_empty() || !value.is_empty(), "{expression} is nothing that this test knows");
        value.to_owned()
    }
}

/// A file in YAML.
pub(crate) fn yaml(file: &str) -> Value {
    const READ: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let python = Python::ready(Environment::Client, &mut |line| println!("{line}")).expect("Python");
    let output = Command::new(python.program("python")).args(["-c", READ, file]).output().expect("Python runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{file}: {error}: {output:?}"))
}

#[tokio::test]
async fn a_step_waits_for_its_image() {
    let release = Release::offered("release-waits").await;
    let fleet = Fleet::of_two().await;
    for service in ["web", "api"] {
        fleet.pushed(service, "1.5.0").await;
        fleet.completes(service).await;
    }
    let two = "prod/web\nprod/api\n";
    let inputs = [("targets", two), ("tag", "1.5.0"), ("releases", release.url()), ("for", "serving")];
    let ran = Step::with("action-waits", &inputs).run(&fleet).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with(&format!("slipway {VERSION}\n✓ prod/web  runs 1.5.0")), "{ran:?}");
    assert!(ran.out.contains("✓ prod/api  runs 1.5.0"), "{ran:?}");
    let asked = fleet.lambda.take_invoked();
    assert!(asked.iter().all(|it| it.alias == "read" && it.request["for"] == "serving"), "{asked:?}");
    fleet.end();
}

#[tokio::test]
async fn a_step_fails_with_its_deployment_and_says_why() {
    let release = Release::offered("release-fails").await;
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.6.0").await;
    let events = fleet.world.fail("prod", "web", Failure::default()).events;
    fleet.follow(events).await;
    fleet.completes("web").await;
    let sha256 = format!("sha256:{}", release.sha256());
    let inputs = [
        ("targets", "prod/web"),
        ("tag", "1.6.0"),
        ("releases", release.url()),
        ("version", VERSION),
        ("sha256", sha256.as_str()),
    ];
    let ran = Step::with("action-fails", &inputs).run(&fleet).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("::error title=Slipway%3A prod/web::1.6.0 rolled back on prod/web: "), "{ran:?}");
    fleet.end();
}

#[tokio::test]
async fn no_input_is_a_command() {
    let release = Release::offered("release-input").await;
    let fleet = Fleet::of_two().await;
    let tag = "--help $(touch made) `touch made`; touch made\n* \"";
    let inputs = [("targets", "*"), ("tag", tag), ("timeout", "1s"), ("releases", release.url())];
    let ran = Step::with("action-input", &inputs).run(&fleet).await;
    let asked = fleet.lambda.take_invoked();
    assert_eq!(asked[0].request["tag"], tag, "{ran:?}");
    assert_eq!(asked[0].request["target"], "*", "{ran:?}");
    assert_ne!(ran.code, 0, "{ran:?}");
    fleet.end();
}

#[tokio::test]
async fn nothing_is_run_that_is_not_what_it_should_be() {
    let release = Release::offered("release-refused").await;
    let fleet = Fleet::of_two().await;
    let url = release.url();
    let base = [("targets", "prod/web"), ("tag", "1.5.0"), ("releases", url)];
    let step = |more: &[(&str, &str)]| Step::with("action-refused", &[&base, more].concat());
    let (sha256, wrong) = (release.sha256(), "0".repeat(64));
    let mut said = vec![
        ("a checksum that is not its own", step(&[("sha256", &wrong)]).run(&fleet).await),
        ("a version that is not there", step(&[("version", "99.0.0")]).run(&fleet).await),
        ("another system", step(&[]).on("MINGW64_NT", "x86_64").run(&fleet).await),
        ("another processor", step(&[]).on("Linux", "riscv64").run(&fleet).await),
    ];
    for (system, machine, platform) in [
        ("Linux", "x86_64", "x86_64-unknown-linux-gnu"),
        ("Linux", "aarch64", "aarch64-unknown-linux-gnu"),
        ("Darwin", "x86_64", "x86_64-apple-darwin"),
        ("Darwin", "arm64", "aarch64-apple-darwin"),
    ] {
        let ran = step(&[("sha256", &wrong)]).on(system, machine).run(&fleet).await;
        assert!(ran.err.contains(&format!("slipway-{VERSION}-{platform}.tar.gz has the SHA-256")), "{ran:?}");
    }
    fs::write(release.file("SHA256SUMS"), format!("{wrong}  {}\n", archive())).expect("it is written");
    said.push(("sums that are not its own", step(&[]).run(&fleet).await));
    fs::write(release.file("SHA256SUMS"), "").expect("it is written");
    said.push(("sums without it", step(&[]).run(&fleet).await));
    fs::remove_file(release.file("SHA256SUMS")).expect("it is there");
    said.push(("no sums", step(&[]).run(&fleet).await));
    let named = regex::Regex::new(r"slipway-([0-9.]+|VERSION)-[a-z0-9_]+-[a-z-]+\.tar\.gz").expect("a pattern");
    let said = said.iter().map(|(what, ran)| format!("## {what}\n{}", ran.shown())).collect::<Vec<_>>().join("\n");
    let said = said.replace(url, "http://releases").replace(&sha256, "SHA256").replace(VERSION, "VERSION");
    assert_snapshot!("refused", named.replace_all(&said, "slipway-$1-PLATFORM.tar.gz"));
    assert!(fleet.lambda.take_invoked().is_empty());
    fleet.end();
}
