//! `cargo figures`: builds the functions and the command as they are shipped, measures them, and prints the figures
//! beside their aims.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use e2e::bench::authority::Authority;
use e2e::bench::cold_start::{self, Binaries};
use e2e::bench::table::Table;
use e2e::bench::{command, mapping, pushes};
use e2e::emulator::target_directory;

/// Cold starts of each function; the median of so many holds still within a few hundredths.
const STARTS: usize = 20;

/// Starts of the command, which are a few milliseconds each.
const HELPS: usize = 200;

#[tokio::main]
async fn main() -> ExitCode {
    eprintln!("building the functions in release, and the command in its own profile …");
    let packages = ["slipway-deploy", "slipway-track", "slipway-slack", "yardsticks"];
    let Some(directory) = build("release", &packages) else { return ExitCode::FAILURE };
    // One after the other, because what the one needs of a crate would be in the other as well.
    let Some(_) = build("command", &["yardsticks"]) else { return ExitCode::FAILURE };
    let Some(commands) = build("command", &["slipway-cli"]) else { return ExitCode::FAILURE };
    let binaries = Binaries { directory };
    let authority = Authority::new(&target_directory());
    let mut table = Table::default();
    command::measure(&commands, HELPS, &mut table);
    eprintln!("{STARTS} cold starts of each function, over TLS with {} trusted roots …", authority.roots());
    cold_start::measure(&binaries, &authority, STARTS, &mut table).await;
    mapping::measure(&binaries.directory.join("mapping"), &mut table);
    eprintln!("pushes to 1, 10 and 100 services …");
    let deploy = binaries.directory.join("deploy");
    pushes::measure(&deploy, &mut table).await;
    eprintln!("pushes to 100 families with AWS's rate limits, which take some minutes …");
    pushes::measure_limits(&deploy, &mut table).await;
    println!("{table}");
    ExitCode::SUCCESS
}

/// Packages with the features that they ship with: apart from this program, whose features would be theirs too.
fn build(profile: &str, packages: &[&str]) -> Option<PathBuf> {
    let target = target_directory();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--profile", profile, "--bins", "--target-dir"])
        .arg(&target)
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status();
    match built {
        Ok(status) if status.success() => Some(target.join(profile)),
        Ok(_) => None,
        Err(error) => {
            eprintln!("cargo could not be started: {error}");
            None
        }
    }
}
