//! The release binaries that the emulator's Lambda runs: those that `SLIPWAY_BOOTSTRAPS` names, else built here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::emulator::{Error, FUNCTIONS, Result, target_directory};

/// A directory with `<function>/bootstrap` for each function.
///
/// `SLIPWAY_BOOTSTRAPS` names what cargo-lambda built for this machine, `target/lambda`. Without it cargo builds the
/// functions in release, and its progress is shown.
pub fn ready(progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let failed = |why: &dyn std::fmt::Display| Error::new("building the functions", why);
    if let Some(built) = env::var_os("SLIPWAY_BOOTSTRAPS").filter(|built| !built.is_empty()) {
        return fs::canonicalize(&built).map_err(|error| failed(&format!("SLIPWAY_BOOTSTRAPS: {error}")));
    }
    progress("Building the functions in release, as AWS gets them. The first time takes some minutes.");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).args(["build", "--release", "--locked", "--bins"]);
    cargo.arg("--target-dir").arg(target_directory());
    for function in FUNCTIONS {
        cargo.args(["--package", &format!("slipway-{function}")]);
    }
    let status = cargo.status().map_err(|error| failed(&error))?;
    if !status.success() {
        return Err(failed(&"cargo says why above"));
    }
    let lambda = target_directory().join("e2e/lambda");
    for function in FUNCTIONS {
        let bootstrap = lambda.join(function).join("bootstrap");
        lay(&target_directory().join("release").join(function), &bootstrap).map_err(|error| failed(&error))?;
    }
    Ok(lambda)
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
