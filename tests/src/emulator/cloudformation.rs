//! Deploys the template as a user does: the AWS command line packages it and deploys it, out of a copy of the tree that
//! holds the functions to deploy.

use super::client::REGION;
use super::{Account, Client, Environment, Error, Python, Result, target_directory};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, fs, io};
use tokio::process::Command;

/// The functions, by the names of their directories.
pub const FUNCTIONS: [&str; 3] = ["deploy", "track", "slack"];

/// The template for a registry of another account or region.
const FORWARD: &str = include_str!("../../../infra/forward.yaml");

/// A deployed template.
#[derive(Clone, Debug)]
pub struct Stack {
    pub(super) client: Arc<Client>,
    pub(super) account: Account,
    pub(super) name: String,
    outputs: BTreeMap<String, String>,
}

/// Deploys the template under a name, into the account of the emulator that the client asks.
///
/// `functions` is the folder of a release, and nothing else is used then; or it has the functions as
/// `<function>/bootstrap`, as cargo-lambda's `target/lambda` does.
pub async fn deploy(
    client: &Arc<Client>,
    account: &Account,
    name: &str,
    functions: &Path,
    parameters: &[(&str, &str)],
) -> Result<Stack> {
    let failed = |why: &dyn fmt::Display| Error::new(format!("deploying the stack {name}"), why);
    let work = work_directory();
    lay_out(&work, functions).map_err(|error| failed(&error))?;
    carry_out(client, account, name, &work, parameters).await
}

/// Deploys the template that sends a registry's pushes to Slipway.
pub async fn deploy_forward(
    client: &Arc<Client>,
    account: &Account,
    name: &str,
    parameters: &[(&str, &str)],
) -> Result<Stack> {
    let failed = |why: &dyn fmt::Display| Error::new(format!("deploying the stack {name}"), why);
    let work = work_directory();
    let infra = work.join("infra");
    let laid_out = fs::create_dir_all(&infra).and_then(|()| fs::write(infra.join("template.yaml"), FORWARD));
    laid_out.map_err(|error| failed(&error))?;
    carry_out(client, account, name, &work, parameters).await
}

fn work_directory() -> PathBuf {
    static DEPLOYED: AtomicU32 = AtomicU32::new(0);
    let count = DEPLOYED.fetch_add(1, Ordering::Relaxed);
    target_directory().join("e2e").join(format!("stack-{}-{count}", std::process::id()))
}

/// Packages and deploys the template that is in this directory.
async fn carry_out(
    client: &Arc<Client>,
    account: &Account,
    name: &str,
    work: &Path,
    parameters: &[(&str, &str)],
) -> Result<Stack> {
    let failed = |why: &dyn fmt::Display| Error::new(format!("deploying the stack {name}"), why);
    let python = Python::ready(Environment::Client, &mut |line| println!("{line}"))?;
    let bucket = format!("artifacts-{account}");
    let region = json!({"LocationConstraint": REGION});
    let made = client
        .call(account, "s3", "CreateBucket", json!({"Bucket": bucket, "CreateBucketConfiguration": region}))
        .await;
    if let Err(error) = made
        && !error.to_string().contains("BucketAlreadyOwnedByYou")
    {
        return Err(error);
    }
    let aws = |arguments: &[&str]| {
        let mut command = Command::new(python.program("python"));
        command
            .args(["-c", PROMPT_AWS, "cloudformation"])
            .args(arguments)
            .current_dir(work.join("infra"))
            .env("AWS_ENDPOINT_URL", client.url())
            .env("AWS_ACCESS_KEY_ID", account.to_string())
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        command.output()
    };
    let package = [
        "package",
        "--template-file",
        "template.yaml",
        "--s3-bucket",
        &bucket,
        "--output-template-file",
        "packaged.yaml",
    ];
    done(aws(&package).await).map_err(|why| failed(&why))?;
    let overrides: Vec<String> = parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut arguments =
        vec!["deploy", "--template-file", "packaged.yaml", "--s3-bucket", &bucket, "--stack-name", name];
    arguments.extend(["--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset", "--parameter-overrides"]);
    arguments.extend(overrides.iter().map(String::as_str));
    done(aws(&arguments).await).map_err(|why| failed(&why))?;
    fs::remove_dir_all(work).map_err(|error| failed(&error))?;

    let stacks = client.call(account, "cloudformation", "DescribeStacks", json!({"StackName": name})).await?;
    let outputs = stacks["Stacks"][0]["Outputs"].as_array().into_iter().flatten();
    let outputs = outputs.filter_map(|output| {
        Some((output["OutputKey"].as_str()?.to_owned(), output["OutputValue"].as_str()?.to_owned()))
    });
    Ok(Stack {
        client: Arc::clone(client),
        account: account.clone(),
        name: name.to_owned(),
        outputs: outputs.collect(),
    })
}

impl Stack {
    /// An output of the template.
    pub fn output(&self, key: &str) -> Result<&str> {
        let found = self.outputs.get(key).map(String::as_str);
        found.ok_or_else(|| Error::new(format!("reading the stack {}", self.name), format!("no output {key}")))
    }

    /// The account it is deployed into.
    pub fn account(&self) -> &Account {
        &self.account
    }
}

/// The AWS command line, which looks every 30 seconds whether a stack is there: here, ten times a second.
const PROMPT_AWS: &str = "
import sys, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.1))
from awscli.clidriver import main
sys.exit(main())
";

/// The template and the functions where the template looks for them.
fn lay_out(work: &Path, functions: &Path) -> io::Result<()> {
    let infra = work.join("infra");
    fs::create_dir_all(&infra)?;
    if functions.join("template.yaml").is_file() {
        for file in fs::read_dir(functions)? {
            let file = file?;
            fs::copy(file.path(), infra.join(file.file_name()))?;
        }
        return Ok(());
    }
    fs::write(work.join("infra/template.yaml"), include_str!("../../../infra/template.yaml"))?;
    for function in FUNCTIONS {
        let directory = work.join("target/lambda").join(function);
        fs::create_dir_all(&directory)?;
        let bootstrap = functions.join(function).join("bootstrap");
        fs::copy(&bootstrap, directory.join("bootstrap"))
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", bootstrap.display())))?;
    }
    Ok(())
}

fn done(output: io::Result<std::process::Output>) -> std::result::Result<(), String> {
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}
