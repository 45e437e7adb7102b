//! The emulator and what we ask of it: MiniStack in a process of its own, the template deployed into it, its rules,
//! queues and roles. World stands in front of it; nothing here knows what Slipway decides.

mod client;
mod cloudformation;
mod deployed;
pub mod iam;
mod ministack;
mod venv;

pub use client::{Account, Client};
pub use cloudformation::{FUNCTIONS, Stack, deploy, deploy_forward};
pub use deployed::{Inbox, Rule};
pub use ministack::MiniStack;
pub use venv::{Environment, Python, target_directory};

use std::fmt;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What the test machinery tried, and why it did not work; a person reads it.
#[derive(Clone, Debug)]
pub struct Error {
    doing: String,
    why: String,
}

/// What the test machinery answers.
pub type Result<T> = std::result::Result<T, Error>;

/// botocore's `data` directory with AWS's newest service models, from the environment of the AWS command line.
///
/// # Panics
/// If the environment cannot be made: a world without models proves nothing.
pub fn models() -> PathBuf {
    static MODELS: LazyLock<PathBuf> = LazyLock::new(|| {
        let client = Python::ready(Environment::Client, &mut |line| println!("{line}"));
        client.and_then(|client| client.models()).unwrap_or_else(|error| panic!("{error}"))
    });
    MODELS.clone()
}

impl Error {
    /// Says what was tried (`starting MiniStack`), and why it did not work.
    pub fn new(doing: impl Into<String>, why: impl fmt::Display) -> Self {
        Self { doing: doing.into(), why: why.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.why)
    }
}

impl std::error::Error for Error {}
