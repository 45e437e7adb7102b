//! The binaries that the emulator's Lambda runs, built here unless somebody has them already: quick ones for a first
//! look, and those that AWS gets; and the command, for people who look at them.
//!
//! It stands apart because it runs cargo within a program that cargo runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::emulator::{Error, FUNCTIONS, Result, target_directory};

/// Which build of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Of the dev profile: the dependencies are those that this program was built from, and only three small binaries
    /// are left to build. They are larger and slower than what AWS gets, and behave alike.
    Dev,
    /// Of the release profile, as AWS gets them: those that `SLIPWAY_BOOTSTRAPS` names, else built here, which takes
    /// minutes.
    Release,
}

/// A directory with `<function>/bootstrap` for each function, or the folder of a release.
///
/// `SLIPWAY_BOOTSTRAPS` names what cargo-lambda built in release for this machine, `target/lambda`, or the folder that
/// `infra/release.py` made of it; it counts for [`Build::Release`] only. What is built here is built by cargo, and its progress is shown.
pub fn ready(build: Build, progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    if build == Build::Release
        && let Some(built) = env::var_os("SLIPWAY_BOOTSTRAPS").filter(|built| !built.is_empty())
    {
        return fs::canonicalize(&built).map_err(|error| failed(&format!("SLIPWAY_BOOTSTRAPS: {error}")));
    }
    progress(match build {
        Build::Dev => "Building the functions in the dev profile.",
        Build::Release => "Building the functions in release, as AWS gets them. The first time takes some minutes.",
    });
    let binaries: Vec<_> = FUNCTIONS.iter().map(|name| (format!("slipway-{name}"), *name)).collect();
    let status = cargo(build, &binaries).status().map_err(|error| failed(&error))?;
    if !status.success() {
        return Err(failed(&"cargo says why above"));
    }
    let lambda = target_directory().join("e2e/lambda").join(build.directory());
    for function in FUNCTIONS {
        let binary = target_directory().join(build.directory()).join(function);
        lay(&binary, &lambda.join(function).join("bootstrap")).map_err(|error| failed(&error))?;
    }
    Ok(lambda)
}

/// The command `slipway`, of the dev profile.
pub fn command() -> Result<PathBuf> {
    let mut cargo = cargo(Build::Dev, &[("slipway-cli".to_owned(), "slipway")]);
    let status = cargo.arg("--quiet").status().map_err(|error| failed(&error))?;
    if !status.success() {
        return Err(failed(&"cargo says why above"));
    }
    Ok(target_directory().join(Build::Dev.directory()).join("slipway"))
}

impl Build {
    /// Where cargo puts it, below the target directory.
    fn directory(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// What builds these binaries, each of its package.
fn cargo(build: Build, binaries: &[(String, &str)]) -> Command {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).args(["build", "--locked", "--target-dir"]).arg(target_directory());
    match build {
        // With this package among those to build, the dependencies get the features that they have in this program.
        // Without it they would get fewer, and be compiled a second time.
        Build::Dev => cargo.args(["--package", env!("CARGO_PKG_NAME"), "--lib"]),
        Build::Release => cargo.arg("--release"),
    };
    for (package, binary) in binaries {
        cargo.args(["--package", package, "--bin", binary]);
    }
    // `cargo run` describes this package to its program. Build scripts that read such a variable (ring's does) would
    // run again because of it, and everything above them would be compiled again.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Copied aside and renamed: another process may be reading it.
fn lay(binary: &Path, bootstrap: &Path) -> std::io::Result<()> {
    if let Some(directory) = bootstrap.parent() {
        fs::create_dir_all(directory)?;
    }
    let aside = bootstrap.with_extension(std::process::id().to_string());
    fs::copy(binary, &aside)?;
    fs::rename(&aside, bootstrap)
}

fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::new("building Slipway", why)
}
