//! Python environments under `target/`, made from the pinned requirements. They stand apart because several test
//! processes want them at once, and because a machine without a fitting Python deserves a sentence, not a traceback.

use super::{Error, Result};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A set of requirements, each in an environment of its own since their pins don't agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// MiniStack and the SAM translator.
    Emulator,
    /// The AWS command line, and botocore with AWS's newest service models.
    Client,
}

impl Environment {
    fn name(self) -> &'static str {
        match self {
            Self::Emulator => "emulator",
            Self::Client => "client",
        }
    }

    fn requirements(self) -> &'static str {
        match self {
            Self::Emulator => include_str!("../../requirements/emulator.txt"),
            Self::Client => include_str!("../../requirements/client.txt"),
        }
    }
}

/// An environment that holds exactly its requirements.
#[derive(Clone, Debug)]
pub struct Python {
    root: PathBuf,
}

impl Python {
    /// Makes the environment unless it is already as its requirements say; waits for another process that is making it.
    /// Each line of progress goes to `progress`; an environment that is ready says nothing.
    pub fn ready(environment: Environment, progress: &mut dyn FnMut(&str)) -> Result<Self> {
        let doing = format!("making the Python environment `{}`", environment.name());
        let failed = |why: &dyn std::fmt::Display| Error::new(&doing, why);
        let home = target_directory().join("python");
        fs::create_dir_all(&home).map_err(|error| failed(&error))?;
        let root = home.join(environment.name());
        let lock = File::create(home.join(format!("{}.lock", environment.name()))).map_err(|error| failed(&error))?;
        lock.lock().map_err(|error| failed(&error))?;

        let installed = root.join("installed.txt");
        let python = Self { root };
        // `exists` follows the link: an interpreter that was upgraded away makes the environment anew.
        if fs::read_to_string(&installed).is_ok_and(|found| found == environment.requirements())
            && python.program("python").exists()
        {
            return Ok(python);
        }

        let interpreter = interpreter().map_err(|why| failed(&why))?;
        progress(&format!("python: {interpreter}, environment `{}`", environment.name()));
        let mut venv = Command::new(&interpreter);
        venv.args(["-m", "venv", "--clear"]).arg(&python.root);
        run(venv, &mut |_| {}).map_err(|why| failed(&why))?;
        let requirements = python.root.join("requirements.txt");
        fs::write(&requirements, environment.requirements()).map_err(|error| failed(&error))?;
        let mut pip = Command::new(python.program("python"));
        pip.args(["-m", "pip", "install", "--require-hashes", "--no-input", "--disable-pip-version-check"])
            .args(["--no-compile", "--progress-bar", "off", "--requirement"])
            .arg(&requirements);
        run(pip, &mut |line| {
            if let Some(package) = line.trim().strip_prefix("Collecting ") {
                let package = package.split([' ', ';']).next().unwrap_or(package);
                progress(&format!("python: {}", package.replace("==", " ")));
            }
        })
        .map_err(|why| failed(&why))?;
        // Only now: an installation that was cut short starts anew.
        fs::rename(&requirements, &installed).map_err(|error| failed(&error))?;
        Ok(python)
    }

    /// A program of the environment, `python` or `aws`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.root.join("bin").join(name)
    }

    /// botocore's service models, `<service>/<version>/service-2.json.gz`; only [`Environment::Client`] has the newest.
    pub fn models(&self) -> Result<PathBuf> {
        let libraries = self.root.join("lib");
        let models = fs::read_dir(&libraries)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("site-packages/botocore/data")))
            .find(|path| path.is_dir());
        models.ok_or_else(|| Error::new("looking for botocore's models", libraries.display()))
    }
}

/// Cargo's target directory: the one this program was built into, wherever `CARGO_TARGET_DIR` or a setting put it.
pub fn target_directory() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let built_into = program.ancestors().find(|directory| directory.join("CACHEDIR.TAG").is_file());
    built_into.map_or_else(
        || match std::env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => PathBuf::from(directory),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        },
        Path::to_path_buf,
    )
}

/// The first Python of the search path that is new enough and can make environments.
fn interpreter() -> std::result::Result<String, String> {
    const ASK: &str = "import sys, venv, ensurepip; sys.exit(0 if sys.version_info >= (3, 10) else 3)";
    let names = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
    let mut seen = Vec::new();
    for name in names {
        let Ok(answer) = Command::new(name).args(["-c", ASK]).stdin(Stdio::null()).output() else {
            continue;
        };
        match answer.status.code() {
            Some(0) => return Ok(name.to_owned()),
            Some(3) => seen.push(format!("{name} is too old")),
            _ if String::from_utf8_lossy(&answer.stderr).contains("ModuleNotFoundError") => {
                seen.push(format!("{name} has no `venv` (Debian and Ubuntu: apt install python3-venv)"));
            }
            _ => {}
        }
    }
    let seen = if seen.is_empty() { "no python3 on the search path".to_owned() } else { seen.join(", ") };
    Err(format!(
        "Python 3.10 or newer is needed: {seen}. Install it from python.org or your package manager, and try again"
    ))
}

/// Runs a command to its end, line by line; its last lines are the reason when it fails.
fn run(mut command: Command, line: &mut dyn FnMut(&str)) -> std::result::Result<(), String> {
    let (reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let errors = writer.try_clone().map_err(|error| error.to_string())?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    // The command keeps both ends of the pipe open, and the reader would wait for ever.
    drop(command);
    let mut last = Vec::new();
    for text in BufReader::new(reader).lines().map_while(std::result::Result::ok) {
        line(&text);
        last.push(text);
        if last.len() > 12 {
            last.remove(0);
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{status}\n{}", last.join("\n"))),
        Err(error) => Err(error.to_string()),
    }
}
