//! The command line: the options that every verb takes, and the verbs.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::verbs::{
    check, completions, continue_, deploy, explain, history, hold, init, plan, reconcile, redeploy, release, rollback,
    status, wait,
};

/// See what runs on Amazon ECS, wait for a deploy, and act: the command of Slipway.
///
/// It asks the functions of an installed Slipway, with your AWS credentials.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, propagate_version = true, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Command {
    /// What every verb takes.
    #[command(flatten)]
    pub(crate) options: Options,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// The stack in which Slipway is installed.
    #[arg(long, global = true, env = "SLIPWAY_STACK", default_value = "slipway", value_name = "NAME")]
    pub(crate) stack: String,
    /// The AWS region; by default that of your environment or profile.
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile with the AWS credentials.
    #[arg(long, global = true, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// What to print: text for people, or JSON for programs.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub(crate) output: Output,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Text for people.
    Human,
    /// JSON for programs.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show what runs in every target, what is in progress, and what waits.
    Status(status::Args),
    /// Wait until an image runs; what a build calls after its push.
    Wait(wait::Args),
    /// Show what a deploy would change, and change nothing.
    Plan(plan::Args),
    /// Deploy an image, older or newer.
    Deploy(deploy::Args),
    /// Render the running image again, and deploy it.
    Redeploy(redeploy::Args),
    /// Roll back to the last known-good revision, or to the one you name.
    Rollback(rollback::Args),
    /// Let a deployment go on that is paused and waits for somebody.
    Continue(continue_::Args),
    /// Keep Slipway from deploying to a target by itself.
    Hold(hold::Args),
    /// End a hold, or release an image from quarantine.
    Release(release::Args),
    /// Compare the registry with what runs now, without waiting for the next time.
    Reconcile(reconcile::Args),
    /// Show the last deployments: image, who, how long, how they ended and why.
    History(history::Args),
    /// Show what an event would cause, and why; does nothing.
    Explain(explain::Args),
    /// Write the configuration and the template's parameters from what runs.
    Init(init::Args),
    /// Check the configuration, the account and the installed stack against each other.
    Check(check::Args),
    /// Print the completions for a shell.
    Completions(completions::Args),
}

const AFTER: &str = "\
Examples:
  slipway status
  slipway wait prod/web --tag 1.8.2
  slipway rollback prod/web

Exit codes:
  0   as asked
  1   failed: the deployment failed or was rolled back, there is no such image, or a check found an error
  2   a person has to act: held, quarantined, refused
  3   the time is up
  4   left out: skipped or superseded, unless accepted; or you answered no
  64  the command was called wrongly
  69  AWS cannot be reached, or denies";

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text's lines of commands say, but for comments and placeholders of a shell.
    fn commands(text: &str) -> Vec<Vec<String>> {
        let lines = text.lines().filter_map(|line| {
            let line = line.trim().trim_start_matches("$ ");
            line.starts_with("slipway ").then(|| line.split(" # ").next().unwrap_or_default().trim())
        });
        let words = |line: &str| {
            // No word in the documents has a blank within quotes but a reason, which is one.
            let (plain, reason) = line.split_once(" \"").unwrap_or((line, ""));
            let reason = reason.split('"').next().filter(|it| !it.is_empty()).map(str::to_owned);
            plain.split(" > ").next().unwrap_or_default().split_whitespace().map(str::to_owned).chain(reason).collect()
        };
        lines.map(words).collect()
    }

    #[test]
    fn every_command_in_the_documents_is_one() {
        let mut help = String::new();
        for verb in <Command as clap::CommandFactory>::command().get_subcommands_mut() {
            help.push_str(&verb.render_help().to_string());
        }
        for (name, text, least) in [("README", include_str!("../../README.md"), 9), ("help", help.as_str(), 15)] {
            let commands = commands(text);
            assert!(commands.len() >= least, "{name} has only {commands:?}");
            for words in commands {
                let read = Command::try_parse_from(&words);
                assert!(read.is_ok(), "{name}: {words:?}: {}", read.unwrap_err());
            }
        }
    }

    #[test]
    fn what_notices_advise_is_taken() {
        for words in [
            ["slipway", "rollback", "prod/web", "--to", "web:41"],
            ["slipway", "release", "prod/web", "--digest", "sha256:0"],
            ["slipway", "deploy", "prod/web", "--digest", "sha256:0"],
            ["slipway", "deploy", "prod/web", "--tag", "…"],
        ] {
            assert!(Command::try_parse_from(words).is_ok(), "{words:?}");
        }
    }
}
