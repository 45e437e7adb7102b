//! MiniStack as a process: started on a free port, awaited until it answers, ended with everything it started.

use super::client::REGION;
use super::{Environment, Error, Python, Result, target_directory};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// A running emulator; dropping it ends it and the functions it runs.
#[derive(Debug)]
pub struct MiniStack {
    process: Child,
    port: u16,
    log: PathBuf,
    started_in: Duration,
}

impl MiniStack {
    /// Starts the emulator and waits until it answers. The functions it runs find AWS at `aws`, World's
    /// address, `http://127.0.0.1:<port>`. Their access key is the account's number; their session token, the header
    /// `x-amz-security-token`, is the function's name, `slipway-deploy`.
    pub fn start(aws: &str, progress: &mut dyn FnMut(&str)) -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let failed = |why: &dyn std::fmt::Display| Error::new("starting MiniStack", why);
        let python = Python::ready(Environment::Emulator, progress)?;
        let began = Instant::now();
        let directory = target_directory().join("e2e");
        let temporary = directory.join("tmp");
        fs::create_dir_all(&temporary).map_err(|error| failed(&error))?;
        let count = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = directory.join(format!("ministack-{}-{count}.log", std::process::id()));
        let file = fs::File::create(&log).map_err(|error| failed(&error))?;

        let mut process = Command::new(python.program("python"))
            .args(["-c", include_str!("ministack.py")])
            .env_clear()
            // Nothing of the caller's: neither credentials nor proxies may reach a function.
            .envs(["PATH", "HOME", "LANG"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            // It unpacks the functions there, and leaves them.
            .env("TMPDIR", &temporary)
            .env("BIND_HOST", "127.0.0.1")
            .env("AWS_ENDPOINT_URL", aws)
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("LAMBDA_EXECUTOR", "local")
            .env("MINISTACK_REGION", REGION)
            // A wait between the tries of an asynchronous invocation: a minute on AWS, see aws/latest/dg/invocation-async.
            .env("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|error| failed(&error))?;
        let mut port = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut port).map_err(|error| failed(&error))?;
        }
        let mut started = Self { process, port: 0, log, started_in: Duration::ZERO };
        started.port = port.trim().parse().map_err(|_| failed(&started.last_words()))?;
        while !answers(started.port) {
            if started.process.try_wait().map_err(|error| failed(&error))?.is_some() || began.elapsed() > PATIENCE {
                return Err(failed(&started.last_words()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        started.started_in = began.elapsed();
        Ok(started)
    }

    /// Where it answers, `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its own log, with the functions' output among it.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// From the process's start to its first answer.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// What it wrote last, for an error message.
    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        format!("{}\n{}", self.log.display(), lines[lines.len().saturating_sub(12)..].join("\n"))
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        // The end of its input ends its whole process group, the functions included.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A cold start on a busy machine with two cores takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(90);

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /_ministack/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
