//! Asks the emulator anything, by the operation names and shapes of botocore's models, through one Python process.
//! Apart from the SDK that the functions use: what is tested is not asked by itself, and eight more SDK crates would
//! cost minutes of building.

use super::{Environment, Error, Python, Result};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// The region everything is in.
pub(crate) const REGION: &str = "eu-west-1";

/// An AWS account, named by its twelve digits; accounts share nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(String);

impl Account {
    /// The account of this number, which the emulator also takes for its access key id.
    pub fn new(digits: &str) -> Self {
        assert!(digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
        Self(digits.to_owned())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Value>>>>>;

/// A process that asks on our behalf; questions may be asked side by side.
#[derive(Debug)]
pub struct Client {
    process: Child,
    questions: Mutex<(u64, Option<ChildStdin>)>,
    waiting: Waiting,
    url: String,
}

impl Client {
    /// Starts to ask at `url`, the emulator's or World's address.
    pub fn start(url: &str, progress: &mut dyn FnMut(&str)) -> Result<Self> {
        let failed = |why: &dyn fmt::Display| Error::new("starting the AWS client", why);
        let python = Python::ready(Environment::Client, progress)?;
        let mut process = Command::new(python.program("python"))
            .args(["-c", include_str!("client.py"), url, REGION])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error))?;
        let questions = process.stdin.take();
        let answers = process.stdout.take().ok_or_else(|| failed(&"no output"))?;
        let waiting = Waiting::default();
        let served = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for line in BufReader::new(answers).lines().map_while(std::result::Result::ok) {
                let Ok(mut answer) = serde_json::from_str::<Value>(&line) else {
                    continue;
                };
                let asked = answer["id"].as_u64().and_then(|id| lock(&served).remove(&id));
                let reported = match answer["error"].as_str() {
                    Some(error) => Err(Error::new("asking the emulator", error)),
                    None => Ok(answer["output"].take()),
                };
                // Who asked may have given up.
                asked.map(|sender| sender.send(reported));
            }
            // The process is gone: dropping the senders ends every wait.
            lock(&served).clear();
        });
        Ok(Self { process, questions: Mutex::new((0, questions)), waiting, url: url.to_owned() })
    }

    /// Where it asks.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls an operation, `("sqs", "ReceiveMessage")`, with its input in the model's shape; the output likewise,
    /// timestamps as RFC 3339 text. An answer of AWS's that is an error is `Err`, its code first.
    pub async fn call(&self, account: &Account, service: &str, operation: &str, input: Value) -> Result<Value> {
        let failed = |why: &dyn fmt::Display| Error::new(format!("{service} {operation}"), why);
        let (sender, answer) = oneshot::channel();
        {
            let mut questions = lock(&self.questions);
            questions.0 += 1;
            let id = questions.0;
            lock(&self.waiting).insert(id, sender);
            let question =
                json!({"id": id, "account": account.0, "service": service, "operation": operation, "input": input});
            let process = questions.1.as_mut().ok_or_else(|| failed(&"the client has ended"))?;
            writeln!(process, "{question}").map_err(|error| failed(&error))?;
        }
        match answer.await {
            Ok(reported) => reported.map_err(|error| failed(&error.why)),
            Err(_) => Err(failed(&"the client has ended")),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The end of its input is its end.
        drop(lock(&self.questions).1.take());
        let _ = self.process.wait();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
