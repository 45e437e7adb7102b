//! A function's process, from its start to its end, and what the kernel says that it used. Linux only.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use wait4::Wait4;

use super::runtime_api::{Answer, Invocation, RuntimeApi};

/// An execution environment in which a function runs. Dropping it ends the process.
#[derive(Debug)]
pub struct Function {
    api: RuntimeApi,
    started: Instant,
    process: Process,
}

/// Ended at the latest when it is dropped.
#[derive(Debug)]
struct Process(Option<Child>);

/// What a process used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// User and system time.
    pub cpu: Duration,
    /// The most memory that was resident at a time, in bytes.
    pub peak_memory: u64,
}

impl Function {
    /// Starts a function from its binary, with these variables besides those that Lambda sets, and nothing else.
    ///
    /// # Panics
    /// If the process cannot be started.
    pub async fn start(name: &str, binary: &Path, variables: &[(&str, String)]) -> Self {
        let api = RuntimeApi::start(name).await.expect("a free port on the loopback");
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", format!("slipway-{name}"))
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/slipway-{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", name)
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_SESSION_TOKEN", "token")
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("starting {}: {error}", binary.display()));
        Self { api, started, process: Process(Some(child)) }
    }

    /// From the start of the process to its first request for an invocation.
    ///
    /// # Panics
    /// If it asks for none within ten seconds, which is as long as Lambda waits.
    pub async fn ready(&mut self) -> Duration {
        let asked = timeout(Duration::from_secs(10), self.api.first_asked()).await.ok().flatten();
        let asked = asked.unwrap_or_else(|| panic!("{} did not start", self.api.function()));
        asked.duration_since(self.started)
    }

    /// Hands the function an invocation, and waits for the answer.
    ///
    /// # Panics
    /// If there is none by the deadline, as Lambda would end the function then.
    pub async fn invoke(&self, invocation: Invocation) -> Answer {
        let answer = timeout(invocation.time, self.api.invoke(invocation)).await.ok().flatten();
        answer.unwrap_or_else(|| panic!("{} did not answer in time", self.api.function()))
    }

    /// Ends the process; what it used.
    ///
    /// # Panics
    /// If the kernel doesn't say.
    pub fn end(mut self) -> Usage {
        let mut child = self.process.0.take().expect("a process ends once");
        // wait4's figure holds what the parent had resident when the process was made; this one begins at its start.
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let peak: u64 = peak.and_then(|peak| peak.parse().ok()).expect("the peak of resident memory, on Linux");
        child.kill().expect("the process runs until it is ended");
        let used = child.wait4().expect("the process's use of resources").rusage;
        Usage { cpu: used.utime + used.stime, peak_memory: peak * 1024 }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It has ended by itself otherwise.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
